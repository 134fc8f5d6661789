//! NextToken and MaxResults, the same for every listing of Organizations.

use haneul_kit::{Result, Seal, paging};

use crate::error;

const RESULTS_MAX: usize = 20;

/// What a request says of its page.
pub(crate) struct Wanted<'a> {
    pub token: Option<&'a str>,
    pub results_max: Option<i32>,
    /// Operation, organization and filters: a token is good for its own listing only.
    pub listing: String,
}

/// Cuts `all`, which is in the order of `position`, to the page that is wanted. Positions are unique.
pub(crate) fn cut<T>(
    seal: &Seal,
    wanted: &Wanted<'_>,
    all: Vec<T>,
    position: impl Fn(&T) -> String,
) -> Result<(Option<Vec<T>>, Option<String>)> {
    let purpose = format!("organizations {}", wanted.listing);
    let after: Option<String> = match wanted.token {
        Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
        None => None,
    };
    let limit = wanted.results_max.map_or(RESULTS_MAX, |max| max.max(1) as usize);
    let left = all.into_iter().filter(|item| after.as_ref().is_none_or(|after| position(item) > *after));
    let page = paging::cut(left.take(limit + 1).collect(), limit, seal, &purpose, position);
    Ok((Some(page.items), page.next))
}
