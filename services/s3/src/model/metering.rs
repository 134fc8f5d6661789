//! What the meter is told of at the hour.

use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

/// What a bucket held at midnight, by storage type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// The bucket's.
    pub(crate) id: u64,
    pub(crate) bytes: BTreeMap<String, u64>,
}

impl Record for Stored {}

/// A version that was deleted out of a class with a minimum duration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EarlyDeletion {
    pub(crate) class: String,
    pub(crate) bytes: u64,
    pub(crate) since_s: i64,
}

impl Record for EarlyDeletion {}
