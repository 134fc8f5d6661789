//! What is kept, and under which keys.
//!
//! [`function`]: functions, versions, aliases and what is configured of them. [`layer`]: layers. [`event`]: events that
//! wait to be delivered to a function. [`durable`]: durable executions. [`capacity`]: capacity providers and what runs on them. [`mapping`]: event source mappings and where they stand. The rest is small and here.

pub(crate) mod capacity;
pub(crate) mod durable;
pub(crate) mod event;
pub(crate) mod function;
pub(crate) mod layer;
pub(crate) mod mapping;

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// How often a blob is referred to, by its id.
pub(crate) static CODE: Table<String, u64> = Table::new("lambda.code");

/// Blobs that nobody refers to any more and that are to be deleted.
pub(crate) static GARBAGE: Table<String, ()> = Table::new("lambda.garbage");

/// Which function a URL's id stands for.
pub(crate) static URLS: Table<String, UrlTarget> = Table::new("lambda.urls");

pub(crate) static SIGNING: Table<(AccountId, Region, String), SigningRecord> = Table::new("lambda.signing");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UrlTarget {
    pub(crate) account: u64,
    pub(crate) region: String,
    pub(crate) name: String,
    /// The alias; empty for the unpublished version.
    pub(crate) qualifier: String,
}

impl Record for UrlTarget {}

/// A code signing configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SigningRecord {
    pub(crate) description: Option<String>,
    pub(crate) publishers: Vec<String>,
    /// What does not verify is refused, not only reported.
    pub(crate) enforce: bool,
    pub(crate) modified_ms: i64,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for SigningRecord {}
