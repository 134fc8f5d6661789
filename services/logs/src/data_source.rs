//! Data sources: what the events of a log group come from, by name and type. Those of one's own applications are named by tags
//! of their groups.
//!
//! Source: CloudWatch Logs User Guide, "Custom sources": names do not begin with `aws` or `amazon`.

use crate::names::fits;

pub(crate) const NAME_TAG: &str = "cw:datasource:name";
pub(crate) const TYPE_TAG: &str = "cw:datasource:type";

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DataSource {
    pub(crate) name: String,
    pub(crate) kind: String,
}

impl DataSource {
    /// What the tags of a group say, if they say it well.
    pub(crate) fn of(tags: &[(String, String)]) -> Option<DataSource> {
        let tag = |wanted: &str| tags.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone());
        let (name, kind) = (tag(NAME_TAG)?, tag(TYPE_TAG)?);
        let is_plain = |text: &String| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let is_foreign = name.starts_with("aws") || name.starts_with("amazon");
        (is_plain(&name) && is_plain(&kind) && !is_foreign).then_some(DataSource { name, kind })
    }

    /// Whether it is meant by patterns of its name and its type.
    pub(crate) fn fits(&self, name: &str, kind: Option<&str>) -> bool {
        fits(name, &self.name) && kind.is_none_or(|kind| fits(kind, &self.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_a_source() {
        let tags = |name: &str, kind: &str| {
            [(NAME_TAG.to_owned(), name.to_owned()), (TYPE_TAG.to_owned(), kind.to_owned())]
        };
        let source = DataSource::of(&tags("shop", "access_1")).unwrap();
        assert_eq!((source.name.as_str(), source.kind.as_str()), ("shop", "access_1"));
        for (name, kind, fit) in [
            ("shop", None, true),
            ("s*", Some("*_1"), true),
            ("*o*", Some("access_1"), true),
            ("shop", Some("access"), false),
            ("sho", None, false),
            ("*shopp*", None, false),
        ] {
            assert_eq!(source.fits(name, kind), fit, "{name} {kind:?}");
        }
        for (name, kind) in [("aws_shop", "x"), ("amazon", "x"), ("Shop", "x"), ("", "x"), ("shop", "a.b")] {
            assert_eq!(DataSource::of(&tags(name, kind)), None, "{name} {kind}");
        }
        assert_eq!(DataSource::of(&tags("shop", "x")[..1]), None);
    }
}
