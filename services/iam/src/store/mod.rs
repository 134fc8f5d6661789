//! Every read and write of IAM's tables; nothing else opens a transaction.
//!
//! Reading order: [`entities`] (what users, groups and roles share), [`users`], [`groups`], [`roles`], [`policies`],
//! [`attachments`], [`access_keys`], [`credentials`], [`service_credentials`], [`mfa`], [`providers`], [`server_certificates`], [`service_linked`],
//! [`instance_profiles`], [`delegation`], [`reports`], [`tags`],
//! [`accounts`].

pub(crate) mod access_keys;
pub(crate) mod accounts;
pub(crate) mod attachments;
pub(crate) mod credentials;
pub(crate) mod delegation;
pub(crate) mod entities;
pub(crate) mod groups;
pub(crate) mod instance_profiles;
pub(crate) mod mfa;
pub(crate) mod policies;
pub(crate) mod providers;
pub(crate) mod reports;
pub(crate) mod roles;
pub(crate) mod server_certificates;
pub(crate) mod service_credentials;
pub(crate) mod service_linked;
pub(crate) mod tags;
pub(crate) mod users;

use haneul_kit::{AccountId, Result, Seal};
use haneul_store::{Range, Reads, Record, Store, Table};

use crate::model::Key;

pub(crate) use entities::{Bounded, Identity};

/// IAM's data.
#[derive(Clone)]
pub(crate) struct State {
    pub store: Store,
    /// For the secrets in it.
    pub seal: Seal,
}

/// More than any quota allows of one noun in one account.
const LIST_MAX: usize = 100_000;

pub(crate) fn key(account: AccountId, name: &str) -> Key {
    (account, name.to_ascii_lowercase())
}

/// Everything of one noun in an account, by name.
pub(crate) async fn list<V: Record>(
    reads: &impl Reads,
    table: &Table<Key, V>,
    account: AccountId,
) -> Result<Vec<(Key, V)>> {
    Ok(reads.scan(table, Range::prefix((account,)), LIST_MAX).await?)
}
