//! Metrics of prefixes, from keys that come in their order: of a prefix that was left nothing more can come, so that only
//! those that may be large enough are kept.

use super::figures::{ByClass, Figures};
use crate::model::storage_lens::LensConfiguration;

const DELIMITER: &str = "/";
const DEPTH: usize = 5;
const SHARE_PERCENT: f64 = 1.0;

/// What is asked of prefixes; equal questions are counted once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    delimiter: String,
    depth_max: usize,
    share_min: f64,
}

impl Asked {
    pub(crate) fn of(configuration: &LensConfiguration) -> Option<Asked> {
        let prefixes = configuration.prefixes.as_ref().filter(|prefixes| prefixes.enabled == Some(true))?;
        let selection = prefixes.selection.clone().unwrap_or_default();
        let delimiter = selection.delimiter.or_else(|| configuration.delimiter.clone());
        Some(Asked {
            delimiter: delimiter.filter(|one| !one.is_empty()).unwrap_or_else(|| DELIMITER.to_owned()),
            depth_max: selection.depth_max.map_or(DEPTH, |depth| depth.max(1) as usize),
            share_min: selection.share_min.unwrap_or(SHARE_PERCENT),
        })
    }

    /// As many prefixes of one depth can have that share.
    fn kept_max(&self) -> usize {
        (100.0 / self.share_min.max(1.0)) as usize
    }
}

pub(crate) struct Prefixes {
    pub(crate) asked: Asked,
    /// Those that the last key had, by depth.
    open: Vec<(String, ByClass)>,
    /// The largest of those that were left, by depth.
    left: Vec<Vec<(String, ByClass)>>,
}

impl Prefixes {
    pub(crate) fn new(asked: Asked) -> Prefixes {
        let left = vec![Vec::new(); asked.depth_max];
        Prefixes { asked, open: Vec::new(), left }
    }

    pub(crate) fn add(&mut self, key: &str, class: &'static str, figures: &Figures) {
        while self.open.last().is_some_and(|(prefix, _)| !key.starts_with(prefix.as_str())) {
            self.leave();
        }
        while self.open.len() < self.asked.depth_max {
            let from = self.open.last().map_or(0, |(prefix, _)| prefix.len());
            let rest = key.get(from..).unwrap_or_default();
            let Some(at) = rest.find(self.asked.delimiter.as_str()) else { break };
            let end = from + at + self.asked.delimiter.len();
            self.open.push((key.get(..end).unwrap_or_default().to_owned(), ByClass::default()));
        }
        self.open.iter_mut().for_each(|(_, held)| held.add(class, figures));
    }

    fn leave(&mut self) {
        let Some(left) = self.open.pop() else { return };
        let kept_max = self.asked.kept_max();
        let Some(kept) = self.left.get_mut(self.open.len()) else { return };
        kept.push(left);
        if kept.len() > kept_max {
            let smallest = kept.iter().enumerate().min_by_key(|(_, (_, held))| held.bytes());
            if let Some(smallest) = smallest.map(|(index, _)| index) {
                kept.swap_remove(smallest);
            }
        }
    }

    /// Those with enough of the bucket's bytes, in order.
    pub(crate) fn finish(mut self, bucket_bytes: u64) -> Vec<(String, ByClass)> {
        while !self.open.is_empty() {
            self.leave();
        }
        let least = bucket_bytes as f64 * self.asked.share_min / 100.0;
        let mut found: Vec<_> = self.left.into_iter().flatten().collect();
        found.retain(|(_, held)| bucket_bytes > 0 && held.bytes() as f64 >= least);
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::storage_lens::metrics::Name;

    fn asked(depth_max: usize, share_min: f64) -> Asked {
        Asked { delimiter: "/".to_owned(), depth_max, share_min }
    }

    fn shown(keys: &[(&str, u64)], asked: Asked) -> Vec<(String, u64)> {
        let mut prefixes = Prefixes::new(asked);
        for (key, bytes) in keys {
            prefixes.add(key, "STANDARD", &Figures::of_upload(*bytes, false));
        }
        let total = keys.iter().map(|(_, bytes)| bytes).sum();
        let found = prefixes.finish(total);
        found.into_iter().map(|(prefix, held)| (prefix, held.bytes())).collect()
    }

    #[test]
    fn depths_and_shares() {
        let keys = [("a/b/c", 10), ("a/b/d/e", 30), ("a/x", 1), ("b/", 9), ("c", 50)];
        let all = [("a/", 41), ("a/b/", 40), ("a/b/d/", 30), ("b/", 9)];
        let owned =
            |list: &[(&str, u64)]| list.iter().map(|(p, n)| ((*p).to_owned(), *n)).collect::<Vec<_>>();
        assert_eq!(shown(&keys, asked(10, 1.0)), owned(&all));
        assert_eq!(shown(&keys, asked(2, 1.0)), owned(&[all[0], all[1], all[3]]));
        assert_eq!(shown(&keys, asked(10, 40.0)), owned(&all[..2]));
        assert!(shown(&[("a/", 0)], asked(1, 1.0)).is_empty(), "no bytes, no share");
    }

    proptest! {
        #[test]
        fn nothing_large_enough_is_lost(
            mut keys in proptest::collection::vec(("[ab/]{0,8}", 0..50u64), 0..300),
            share in 1.0..60.0f64,
        ) {
            keys.sort();
            let keys: Vec<(&str, u64)> = keys.iter().map(|(key, bytes)| (key.as_str(), *bytes)).collect();
            let total: u64 = keys.iter().map(|(_, bytes)| bytes).sum();
            let mut expected = std::collections::BTreeMap::new();
            for (key, bytes) in &keys {
                for (at, _) in key.match_indices('/').take(3) {
                    *expected.entry(key[..=at].to_owned()).or_insert(0) += bytes;
                }
            }
            expected.retain(|_, bytes| total > 0 && *bytes as f64 >= total as f64 * share / 100.0);
            prop_assert_eq!(shown(&keys, asked(3, share)), expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_pair_of_metrics_is_added_to() {
        let figures = Figures::of_upload(5, true);
        assert_eq!((figures.get(Name::OldUploadBytes), figures.get(Name::OldUploadCount)), (5, 1));
        assert_eq!(figures.get(Name::AllRequests), 0);
    }
}
