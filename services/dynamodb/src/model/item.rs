use std::sync::Arc;

use haneul_store::{Record, RecordError};
use serde::{Deserialize, Serialize};

use crate::value::{Attrs, codec};

/// An item, or the part of it that an index has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StoredItem {
    /// In the form of [`codec`].
    Plain(Arc<Attrs>),
    /// The same, encrypted with the table's key (`store::seal`), and how large the item is.
    Sealed { bytes: u32, sealed: Vec<u8> },
}

/// What an encrypted item begins with: no item has no attributes.
const SEALED: u8 = 0;

impl StoredItem {
    /// The size of the item.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            StoredItem::Plain(item) => crate::value::size::of_item(item),
            StoredItem::Sealed { bytes, .. } => *bytes as usize,
        }
    }
}

impl Record for StoredItem {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        match self {
            StoredItem::Plain(item) => codec::encode(item, out),
            StoredItem::Sealed { bytes, sealed } => {
                out.push(SEALED);
                out.extend_from_slice(&bytes.to_le_bytes());
                out.extend_from_slice(sealed);
            }
        }
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<StoredItem, RecordError> {
        let broken = || RecordError("this is not an item".to_owned());
        match bytes.split_first() {
            Some((&SEALED, rest)) => {
                let (bytes, sealed) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
                Ok(StoredItem::Sealed { bytes: u32::from_le_bytes(*bytes), sealed: sealed.to_vec() })
            }
            _ => codec::decode(bytes).map(|item| StoredItem::Plain(Arc::new(item))).ok_or_else(broken),
        }
    }
}

/// What [`StoredItem::bytes`] says of a stored item, found without making it. It is never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ItemSize(pub(crate) usize);

impl Record for ItemSize {
    const VERSION: u32 = StoredItem::VERSION;

    fn encode(&self, _: &mut Vec<u8>) -> Result<(), RecordError> {
        Err(RecordError("a size is not written".to_owned()))
    }

    fn decode(bytes: &[u8]) -> Result<ItemSize, RecordError> {
        let size = match bytes.split_first() {
            Some((&SEALED, rest)) => rest.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize),
            _ => codec::size(bytes),
        };
        size.map(ItemSize).ok_or_else(|| RecordError("this is not an item".to_owned()))
    }
}

/// The store asks for serde of every record; items never go that way.
macro_rules! without_json {
    ($record:ty) => {
        impl Serialize for $record {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("items are not written as JSON"))
            }
        }

        impl<'de> Deserialize<'de> for $record {
            fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<$record, D::Error> {
                Err(serde::de::Error::custom("items are not read from JSON"))
            }
        }
    };
}

without_json!(StoredItem);
without_json!(ItemSize);
