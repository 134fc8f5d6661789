//! S3 Control: what is configured for an account rather than a bucket.
//!
//! Reading order: this file (whose account it is), [`account_block`], [`access_points`], [`object_lambda`], [`multi_region`], [`grants`] (S3 Access Grants),
//! [`storage_lens`], [`tags`], [`jobs`].
//! Source: S3 API Reference, "Actions" of Amazon S3 Control.

mod access_points;
mod account_block;
pub(crate) mod grants;
pub(crate) mod jobs;
mod multi_region;
pub(crate) mod object_lambda;
mod storage_lens;
mod tags;

use haneul_kit::{AccountId, Cx, Result};

use crate::error;

/// Every operation names the account in a header: it must be the caller's.
fn account(cx: &Cx, named: &str) -> Result<AccountId> {
    let account = named.parse::<AccountId>().ok().filter(|account| *account == cx.account());
    account.ok_or_else(|| error::access_denied("Access Denied"))
}
