use std::collections::BTreeMap;

/// The tags of a resource: unique keys, in order, so that two listings are alike.
///
/// Limits common to nearly all services (AWS General Reference, "Tagging AWS resources"): 50 tags, keys of 1 to 128
/// and values of 0 to 256 characters, keys not beginning with `aws:`. A service with other limits states its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

pub const TAGS_MAX: usize = 50;
pub const TAG_KEY_LENGTH_MAX: usize = 128;
pub const TAG_VALUE_LENGTH_MAX: usize = 256;

/// Why a set of tags is refused. The service words the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidTags {
    /// More than [`TAGS_MAX`].
    TooMany,
    /// The key is empty or too long.
    Key(String),
    /// The value of this key is too long.
    Value(String),
    /// The key begins with `aws:`, which is kept for AWS.
    Reserved(String),
    /// A key or value has a character outside letters, digits, spaces and `_ . : / = + - @`.
    Character(String),
    /// The same key twice in one request.
    Duplicate(String),
}

impl Tags {
    pub fn new() -> Tags {
        Tags::default()
    }

    /// Checks the tags of one request, as a client gave them.
    pub fn from_request(
        pairs: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Tags, InvalidTags> {
        let mut tags = BTreeMap::new();
        for (key, value) in pairs {
            let (key, value) = (key.into(), value.into());
            check(&key, &value)?;
            if let Some(_before) = tags.insert(key.clone(), value) {
                return Err(InvalidTags::Duplicate(key));
            }
        }
        if tags.len() > TAGS_MAX { Err(InvalidTags::TooMany) } else { Ok(Tags(tags)) }
    }

    /// Adds or replaces; an error when that would leave more than [`TAGS_MAX`], and then nothing changes.
    pub fn merge(&mut self, more: Tags) -> Result<(), InvalidTags> {
        let added = more.0.keys().filter(|key| !self.0.contains_key(*key)).count();
        if self.0.len() + added > TAGS_MAX {
            return Err(InvalidTags::TooMany);
        }
        self.0.extend(more.0);
        Ok(())
    }

    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// For tags that were checked before, as those read back from the store.
impl FromIterator<(String, String)> for Tags {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Tags {
        Tags(pairs.into_iter().collect())
    }
}

fn check(key: &str, value: &str) -> Result<(), InvalidTags> {
    if key.is_empty() || key.chars().count() > TAG_KEY_LENGTH_MAX {
        return Err(InvalidTags::Key(key.to_owned()));
    }
    if value.chars().count() > TAG_VALUE_LENGTH_MAX {
        return Err(InvalidTags::Value(key.to_owned()));
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return Err(InvalidTags::Reserved(key.to_owned()));
    }
    let allowed = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if !key.chars().all(allowed) || !value.chars().all(allowed) {
        return Err(InvalidTags::Character(key.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        let one = |key: &str, value: &str| Tags::from_request([(key, value)]).map(|tags| tags.len());
        assert_eq!(one("Name", ""), Ok(1));
        assert_eq!(one("이름", "하늘"), Ok(1));
        assert_eq!(one("", "x"), Err(InvalidTags::Key(String::new())));
        assert_eq!(one("AWS:x", "x"), Err(InvalidTags::Reserved("AWS:x".into())));
        assert_eq!(one("a<b", "x"), Err(InvalidTags::Character("a<b".into())));
        assert!(matches!(one("k", &"v".repeat(257)), Err(InvalidTags::Value(_))));
        assert!(matches!(Tags::from_request([("a", "1"), ("a", "2")]), Err(InvalidTags::Duplicate(_))));
        let many = (0..51).map(|i| (format!("k{i}"), ""));
        assert_eq!(Tags::from_request(many), Err(InvalidTags::TooMany));
    }

    #[test]
    fn merge_is_all_or_nothing() {
        let mut tags = Tags::from_request((0..50).map(|i| (format!("k{i:02}"), "old"))).unwrap();
        assert_eq!(
            tags.merge(Tags::from_request([("k00", "new"), ("x", "")]).unwrap()),
            Err(InvalidTags::TooMany)
        );
        assert_eq!(tags.get("k00"), Some("old"));
        assert_eq!(tags.merge(Tags::from_request([("k00", "new")]).unwrap()), Ok(()));
        assert_eq!(tags.get("k00"), Some("new"));
    }
}
