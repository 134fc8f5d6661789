//! The context keys that come with a request.

use std::fmt;
use std::sync::OnceLock;

/// Context keys and their values. Keys are compared without regard to case; a key without values is the same
/// as a key that is not there.
///
/// Most requests are decided without a condition. So beside the keys that were [set](Context::set), a context can
/// have a [`Source`] that is asked for a key when a policy asks for it, and once: how many keys a source knows then
/// costs nothing.
#[derive(Clone, Default)]
pub struct Context<'s> {
    /// Sorted by the lowercased key. They hide the source's.
    entries: Vec<(Box<str>, Vec<String>)>,
    source: Option<&'s dyn Source>,
    asked: Asked,
}

/// Knows context keys, and works their values out when they are wanted.
pub trait Source: Sync {
    /// The values of a key in lower case: empty where the request has none, `None` for a key that is not known here.
    fn values(&self, key: &str) -> Option<Vec<String>>;

    /// All known keys, in lower case.
    fn keys(&self) -> Vec<String>;
}

/// What the source has said so far: a list that only grows, so that its values can be lent while it does. Its length
/// is bounded by the number of keys that the source knows.
#[derive(Clone, Default)]
struct Asked(OnceLock<Box<Answer>>);

#[derive(Clone)]
struct Answer {
    key: Box<str>,
    values: Vec<String>,
    next: Asked,
}

impl<'s> Context<'s> {
    pub fn new() -> Self {
        Self::default()
    }

    /// The keys of `source`, as they are asked for.
    pub fn of(source: &'s dyn Source) -> Self {
        Self { source: Some(source), ..Self::default() }
    }

    /// Sets a key to one value, replacing what it had.
    pub fn set(&mut self, key: &str, value: impl Into<String>) -> &mut Self {
        self.put(key, vec![value.into()])
    }

    /// Sets a key to several values, replacing what it had.
    pub fn set_many<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) -> &mut Self {
        self.put(key, values.into_iter().map(Into::into).collect())
    }

    fn put(&mut self, key: &str, values: Vec<String>) -> &mut Self {
        let key: Box<str> = key.to_lowercase().into();
        match self.entries.binary_search_by(|(k, _)| k.cmp(&key)) {
            Ok(at) => self.entries[at].1 = values,
            Err(at) => self.entries.insert(at, (key, values)),
        }
        self
    }

    /// The values of a key given in any case.
    pub fn get(&self, key: &str) -> &[String] {
        self.values(&key.to_lowercase())
    }

    /// All keys that have values, lowercased and sorted. Asks the source for everything.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        let mut all: Vec<(&str, &[String])> =
            self.entries.iter().map(|(key, values)| (&**key, values.as_slice())).collect();
        if let Some(source) = self.source {
            for key in source.keys() {
                self.values(&key);
            }
            let mut asked = &self.asked;
            while let Some(answer) = asked.0.get() {
                if self.set_values(&answer.key).is_none() {
                    all.push((&answer.key, &answer.values));
                }
                asked = &answer.next;
            }
        }
        all.retain(|(_, values)| !values.is_empty());
        all.sort_unstable_by_key(|(key, _)| *key);
        all.into_iter()
    }

    /// `key` is in lower case.
    #[inline]
    pub(crate) fn values(&self, key: &str) -> &[String] {
        match (self.set_values(key), self.source) {
            (Some(values), _) => values,
            (None, Some(source)) => self.asked.values(source, key),
            (None, None) => &[],
        }
    }

    fn set_values(&self, key: &str) -> Option<&[String]> {
        let at = self.entries.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
        Some(&self.entries[at].1)
    }
}

impl Asked {
    fn values(&self, source: &dyn Source, key: &str) -> &[String] {
        let mut asked = self;
        while let Some(answer) = asked.0.get() {
            if *answer.key == *key {
                return &answer.values;
            }
            asked = &answer.next;
        }
        let Some(values) = source.values(key) else { return &[] };
        // Another thread may have been quicker, with the same key or with another.
        let mut new = Box::new(Answer { key: key.into(), values, next: Asked::default() });
        loop {
            let Err(back) = asked.0.set(new) else {
                return asked.0.get().map_or(&[], |answer| &answer.values);
            };
            new = back;
            if let Some(answer) = asked.0.get() {
                asked = &answer.next;
            }
        }
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counting(AtomicUsize);

    impl Source for Counting {
        fn values(&self, key: &str) -> Option<Vec<String>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match key {
                "aws:one" => Some(vec!["1".into()]),
                "aws:two" => Some(vec!["2".into(), "two".into()]),
                "aws:missing" => Some(Vec::new()),
                _ => None,
            }
        }

        fn keys(&self) -> Vec<String> {
            ["aws:two", "aws:one", "aws:missing"].map(str::to_owned).into()
        }
    }

    #[test]
    fn a_source_is_asked_when_a_key_is_wanted_and_once() {
        let source = Counting(AtomicUsize::new(0));
        let mut context = Context::of(&source);
        context.set("AWS:Three", "3");
        assert_eq!(source.0.load(Ordering::Relaxed), 0);
        for _ in 0..3 {
            assert_eq!(context.get("aws:Two"), ["2", "two"]);
            assert_eq!(context.get("AWS:ONE"), ["1"]);
            assert!(context.get("aws:missing").is_empty());
            assert_eq!(context.get("aws:three"), ["3"]);
        }
        assert_eq!(source.0.load(Ordering::Relaxed), 3);
        context.set("aws:One", "uno");
        assert_eq!(context.get("aws:one"), ["uno"]);
        let all: Vec<(&str, usize)> = context.iter().map(|(key, values)| (key, values.len())).collect();
        assert_eq!(all, [("aws:one", 1), ("aws:three", 1), ("aws:two", 2)]);
    }
}
