//! nextToken and maxResults, the same for every listing.

use haneul_kit::{Result, Seal, paging};

use crate::error;

const RESULTS_DEFAULT: i32 = 100;
const RESULTS_MAX: i32 = 1000;

/// Cuts `all`, in its order, to the page that is wanted; a token is good for the listing `purpose` only.
pub(crate) fn cut<T>(
    seal: &Seal,
    purpose: &str,
    token: Option<&str>,
    results_max: Option<i32>,
    all: Vec<T>,
) -> Result<(Vec<T>, Option<String>)> {
    let purpose = format!("access-analyzer {purpose}");
    let start: usize = match token {
        Some(token) => {
            paging::position(seal, &purpose, token).ok_or_else(|| error::invalid("Invalid nextToken"))?
        }
        None => 0,
    };
    let limit = results_max.unwrap_or(RESULTS_DEFAULT).clamp(1, RESULTS_MAX) as usize;
    let more = all.len() > start + limit;
    let items = all.into_iter().skip(start).take(limit).collect();
    Ok((items, more.then(|| paging::token(seal, &purpose, &(start + limit)))))
}
