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

    #[test]
    fn later_writes_win_and_survive_being_kept() {
        let version = |at: u64, by: &str| Version { at, by: by.parse().unwrap() };
        let (early, late) = (version(1 << 60, "us-west-2"), version((1 << 60) + 1, "eu-west-1"));
        assert!(late > early);
        assert_ne!(version(5, "us-west-2"), version(5, "eu-west-1"));
        for held in [Held { version: early, gone: false }, Held { version: late, gone: true }] {
            assert_eq!(Held::of(&held.stored()), Some(held));
        }
    }
}
