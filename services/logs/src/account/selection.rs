use haneul_kit::Result;

use super::Kind;
use crate::data_source::DataSource;
use crate::error;

const LENGTH_MAX: usize = 25 * 1024;
/// Values of one list. Source: API Reference, PutAccountPolicy, of metric extraction.
const LIST_MAX: usize = 50;

/// Which groups a policy is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Selection {
    All,
    Groups(Groups),
    /// `DataSourceName = "a" AND DataSourceType = "b"`
    Source(DataSource),
}

/// `LogGroupName NOT IN ["a", "b"]`, `LogGroupNamePrefix = "a"` and the like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Groups {
    by_prefix: bool,
    /// For those that are not named.
    negated: bool,
    values: Vec<String>,
}

impl Groups {
    fn has(&self, group: &str) -> bool {
        let named = self.values.iter().any(|value| match self.by_prefix {
            true => group.starts_with(value.as_str()),
            false => group == value,
        });
        named != self.negated
    }

    /// Whether all that has this value is named by one of ours.
    fn covers(&self, value: &str, by_prefix: bool) -> bool {
        self.values.iter().any(|own| match (self.by_prefix, by_prefix) {
            (true, _) => value.starts_with(own.as_str()),
            (false, false) => own == value,
            (false, true) => false,
        })
    }

    fn within(&self, other: &Groups) -> bool {
        self.values.iter().all(|value| other.covers(value, self.by_prefix))
    }

    /// Whether there may be a group that both are for. Two that name those they are not for always have one.
    pub(super) fn overlap(one: &Groups, other: &Groups) -> bool {
        match (one.negated, other.negated) {
            (true, true) => true,
            (false, true) => !one.within(other),
            (true, false) => !other.within(one),
            (false, false) => {
                one.values.iter().any(|value| other.covers(value, one.by_prefix))
                    || other.values.iter().any(|value| one.covers(value, other.by_prefix))
            }
        }
    }
}

impl Selection {
    /// # Errors
    /// AWS's InvalidParameterException for what policies of this kind do not select by.
    pub(crate) fn parse(kind: Kind, text: Option<&str>) -> Result<Selection> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Selection::All);
        };
        let supported = match kind {
            Kind::DataProtection => {
                return Err(error::invalid("selectionCriteria is not valid for DATA_PROTECTION_POLICY."));
            }
            Kind::Subscription => "LogGroupName NOT IN []",
            Kind::Transformer => "LogGroupNamePrefix",
            Kind::FieldIndex => "LogGroupNamePrefix, or DataSourceName AND DataSourceType,",
            Kind::MetricExtraction => "LogGroupName or LogGroupNamePrefix with IN [] or NOT IN []",
        };
        if text.len() > LENGTH_MAX {
            return Err(error::invalid("The selectionCriteria can be up to 25 KB long."));
        }
        let found = read(text).filter(|found| found.is_for(kind));
        let found = found.ok_or_else(|| {
            error::invalid(format!("The selectionCriteria is not valid: {supported} is supported."))
        })?;
        match &found {
            Selection::Groups(groups) if kind == Kind::MetricExtraction && groups.values.len() > LIST_MAX => {
                Err(error::invalid(format!("The selectionCriteria can have up to {LIST_MAX} values.")))
            }
            _ => Ok(found),
        }
    }

    fn is_for(&self, kind: Kind) -> bool {
        match (kind, self) {
            (Kind::Subscription, Selection::Groups(groups)) => groups.negated && !groups.by_prefix,
            (Kind::Transformer | Kind::FieldIndex, Selection::Groups(groups)) => {
                groups.by_prefix && !groups.negated && groups.values.len() == 1
            }
            (Kind::MetricExtraction, Selection::Groups(groups)) => !groups.values.is_empty(),
            (Kind::FieldIndex, Selection::Source(_)) => true,
            _ => false,
        }
    }

    pub(crate) fn is_of_source(&self) -> bool {
        matches!(self, Selection::Source(_))
    }

    /// Whether it is for a group of that name and data source.
    pub(crate) fn has(&self, group: &str, source: Option<&DataSource>) -> bool {
        match self {
            Selection::All => true,
            Selection::Groups(groups) => groups.has(group),
            Selection::Source(own) => source == Some(own),
        }
    }
}

/// `None` for what is none of the forms.
fn read(text: &str) -> Option<Selection> {
    if let Some(rest) = text.strip_prefix("DataSource") {
        let (first, rest) = equals(rest, &["Name", "Type"])?;
        let rest = rest.trim_start().strip_prefix("AND")?.trim_start().strip_prefix("DataSource")?;
        let (second, rest) = equals(rest, &["Name", "Type"])?;
        let (name, kind) = match (first, second) {
            (("Name", name), ("Type", kind)) | (("Type", kind), ("Name", name)) => (name, kind),
            _ => return None,
        };
        return rest.trim().is_empty().then_some(Selection::Source(DataSource { name, kind }));
    }
    let rest = text.strip_prefix("LogGroupName")?;
    let (by_prefix, rest) = match rest.strip_prefix("Prefix") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, rest.trim_start()),
    };
    if let Some(value) = rest.strip_prefix('=') {
        let value: String = serde_json::from_str(value.trim()).ok()?;
        let groups = Groups { by_prefix, negated: false, values: vec![value] };
        return Some(Selection::Groups(groups));
    }
    let (negated, rest) = match rest.strip_prefix("NOT") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, rest),
    };
    let values: Vec<String> = serde_json::from_str(rest.strip_prefix("IN")?.trim()).ok()?;
    Some(Selection::Groups(Groups { by_prefix, negated, values }))
}

/// `Name = "value"`, with what is behind it.
fn equals<'t>(text: &'t str, names: &[&'static str]) -> Option<((&'static str, String), &'t str)> {
    let name = names.iter().find(|name| text.starts_with(**name))?;
    let value = text[name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
    let found = values.next()?.ok()?;
    Some(((name, found), &value[values.byte_offset()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_are_selected() {
        let source = DataSource { name: "shop".into(), kind: "a".into() };
        for (kind, text, group, has) in [
            (Kind::Subscription, "", "g", true),
            (Kind::Subscription, r#"LogGroupName NOT IN ["a", "b"]"#, "a", false),
            (Kind::Subscription, r#"LogGroupName NOT IN ["a", "b"]"#, "ab", true),
            (Kind::Transformer, r#"LogGroupNamePrefix="lambda""#, "lambda-1", true),
            (Kind::FieldIndex, r#"LogGroupNamePrefix= "lambda""#, "x-lambda", false),
            (Kind::FieldIndex, r#"DataSourceName = "shop" AND DataSourceType = "a""#, "any", true),
            (Kind::FieldIndex, r#"DataSourceType="a" AND DataSourceName="shop""#, "any", true),
            (Kind::FieldIndex, r#"DataSourceName = "shop" AND DataSourceType = "b""#, "any", false),
            (Kind::MetricExtraction, r#"LogGroupName IN ["a","b"]"#, "b", true),
            (Kind::MetricExtraction, r#"LogGroupNamePrefix NOT IN ["/aws"]"#, "/aws/x", false),
            (Kind::MetricExtraction, r#"LogGroupNamePrefix NOT IN ["/aws"]"#, "x", true),
        ] {
            let found = Selection::parse(kind, Some(text)).unwrap();
            assert_eq!(found.has(group, Some(&source)), has, "{text} {group}");
        }
        assert!(!Selection::Source(source).has("g", None));
    }

    #[test]
    fn selections_that_are_refused() {
        let many = format!("LogGroupName IN {:?}", (0..51).map(|n| n.to_string()).collect::<Vec<_>>());
        let long = format!(r#"LogGroupNamePrefix = "{}""#, "x".repeat(25 * 1024));
        for (kind, text) in [
            (Kind::DataProtection, r#"LogGroupName NOT IN ["a"]"#),
            (Kind::Subscription, r#"LogGroupName IN ["a"]"#),
            (Kind::Subscription, r#"LogGroupNamePrefix NOT IN ["a"]"#),
            (Kind::Transformer, r#"LogGroupNamePrefix NOT IN ["a"]"#),
            (Kind::Transformer, r#"LogGroupName = "a""#),
            (Kind::Transformer, r#"LogGroupNamePrefix = a"#),
            (Kind::Transformer, r#"DataSourceName = "a" AND DataSourceType = "b""#),
            (Kind::FieldIndex, r#"DataSourceName = "a""#),
            (Kind::FieldIndex, r#"DataSourceName = "a" AND DataSourceName = "b""#),
            (Kind::FieldIndex, r#"DataSourceName = "a" AND DataSourceType = "b" OR"#),
            (Kind::FieldIndex, r#"LogGroupNamePrefix IN ["a","b"]"#),
            (Kind::MetricExtraction, "LogGroupName IN []"),
            (Kind::MetricExtraction, "LogGroup"),
            (Kind::MetricExtraction, &many),
            (Kind::Transformer, &long),
        ] {
            let refused = Selection::parse(kind, Some(text)).unwrap_err();
            assert_eq!(refused.code(), "InvalidParameterException", "{text}");
        }
    }
}
