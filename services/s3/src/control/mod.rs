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

use haneul_kit::paging::{self, Page};
use haneul_kit::{AccountId, Cx, Result};

use crate::{S3, error};

/// Entries of a page.
const PAGE_MAX: usize = 1000;

/// Every operation names the account in a header: it must be the caller's.
fn account(cx: &Cx, named: &str) -> Result<AccountId> {
    let account = named.parse::<AccountId>().ok().filter(|account| *account == cx.account());
    account.ok_or_else(|| error::access_denied("Access Denied"))
}

/// How many entries are asked for. Source: S3 API Reference, "Error responses", InvalidRequest; so for tokens.
fn limit(max_results: Option<i32>) -> Result<usize> {
    let Some(given) = max_results else { return Ok(PAGE_MAX) };
    let limit = usize::try_from(given).ok().filter(|limit| *limit <= PAGE_MAX);
    let message = "The range for the MaxResults parameter is not valid.";
    limit.map(|limit| limit.max(1)).ok_or_else(|| error::invalid_request(message))
}

/// What is listed, so that its tokens are good for it alone.
struct Listing(String);

impl Listing {
    fn of(cx: &Cx, what: &str, filter: &str) -> Listing {
        Listing(format!("s3control {what} {} {} {filter}", cx.account(), cx.region()))
    }
}

impl S3 {
    /// The name of the last entry of the page before.
    fn position(&self, listing: &Listing, token: Option<String>) -> Result<Option<String>> {
        let Some(token) = token else { return Ok(None) };
        let position = paging::position(&self.platform.seal, &listing.0, &token);
        let invalid = || error::invalid_request("The next token is not valid.");
        position.map(Some).ok_or_else(invalid)
    }

    fn cut<T>(&self, listing: &Listing, found: Vec<T>, limit: usize, name: impl Fn(&T) -> String) -> Page<T> {
        paging::cut(found, limit, &self.platform.seal, &listing.0, name)
    }
}
