//! Versions of the items of a global table: when and where each was written last. Of two writes of one item the later one
//! wins, everywhere, whichever comes first. What was deleted keeps its version, until no earlier write can come any more.

use haneul_kit::Region;

use super::keys;
use crate::model::StoredItem;
use crate::value::{Attrs, Number, Value};

/// The order is that of writing; Regions settle what is written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// The time as the logs number it (`stream::sequence`).
    pub(crate) at: u64,
    pub(crate) by: Region,
}

/// A version as it is kept, of an item that is there or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) version: Version,
    pub(crate) gone: bool,
}

const AT: &str = "at";
const BY: &str = "by";
const GONE: &str = "gone";

/// Where the version of the item at `at` lies.
pub(crate) fn key(space: u64, at: &[u8]) -> Vec<u8> {
    let mut key = keys::of_space(space).to_vec();
    key.extend_from_slice(at.get(keys::HASH_AT..).unwrap_or_default());
    key
}

impl Held {
    pub(crate) fn stored(&self) -> StoredItem {
        let at = i64::try_from(self.version.at).unwrap_or(i64::MAX);
        let entries = vec![
            (AT.to_owned(), Value::N(Number::of_i64(at))),
            (BY.to_owned(), Value::S(self.version.by.as_str().to_owned())),
            (GONE.to_owned(), Value::Bool(self.gone)),
        ];
        StoredItem::Plain(std::sync::Arc::new(Attrs::of(entries)))
    }

    /// `None` when this is no version.
    pub(crate) fn of(stored: &StoredItem) -> Option<Held> {
        let StoredItem::Plain(item) = stored else { return None };
        match (item.get(AT)?, item.get(BY)?, item.get(GONE)?) {
            (Value::N(at), Value::S(by), Value::Bool(gone)) => {
                let at = u64::try_from(at.trunc_i64()?).ok()?;
                Some(Held { version: Version { at, by: by.parse().ok()? }, gone: *gone })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two replicas decide on their own, from what each has kept: they must come to the same.
    #[test]
    fn later_writes_win_and_regions_settle_what_is_written_at_once() {
        let version = |at: u64, by: &str| Version { at, by: by.parse().unwrap() };
        let in_order = [
            version(0, "us-west-2"),
            version((1 << 60) - 1, "us-west-2"),
            // In the order of the table of Regions, which all replicas share.
            version(1 << 60, "us-east-1"),
            version(1 << 60, "us-west-2"),
            version(1 << 60, "eu-west-1"),
            version((1 << 60) + 1, "eu-west-1"),
            version(i64::MAX as u64, "ap-northeast-2"),
        ];
        for gone in [false, true] {
            let kept = in_order.map(|version| Held::of(&Held { version, gone }.stored()).unwrap());
            assert!(kept.iter().all(|held| held.gone == gone));
            let mut sorted = kept.map(|held| held.version);
            assert_eq!(sorted, in_order);
            sorted.reverse();
            sorted.sort();
            assert_eq!(sorted, in_order);
        }
        assert!(Held::of(&StoredItem::Plain(std::sync::Arc::new(Attrs::of(Vec::new())))).is_none());
    }
}
