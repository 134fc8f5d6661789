//! Marker and MaxItems, the same for every listing of IAM.

use haneul_kit::{Cx, Result, Seal, paging};

use crate::error;

const MAX_ITEMS_DEFAULT: i32 = 100;
const MAX_ITEMS_MAX: i32 = 1000;

/// What a request says of its page.
pub(crate) struct Wanted<'a> {
    pub marker: Option<&'a str>,
    pub max_items: Option<i32>,
    /// Operation and filters: a marker is good for its own listing only.
    pub listing: String,
}

pub(crate) struct Page<T> {
    pub items: Vec<T>,
    pub is_truncated: Option<bool>,
    pub marker: Option<String>,
}

/// Cuts `all`, which is in the order of `position`, to the page that is wanted. Positions are unique.
pub(crate) fn cut<T>(
    cx: &Cx,
    seal: &Seal,
    wanted: &Wanted<'_>,
    all: Vec<T>,
    position: impl Fn(&T) -> String,
) -> Result<Page<T>> {
    let purpose = format!("iam marker {} {}", cx.account(), wanted.listing);
    let after: Option<String> = match wanted.marker {
        Some(marker) => Some(
            paging::position(seal, &purpose, marker)
                .ok_or_else(|| error::validation("Invalid Marker: the marker is not of this listing."))?,
        ),
        None => None,
    };
    let limit = wanted.max_items.unwrap_or(MAX_ITEMS_DEFAULT).clamp(1, MAX_ITEMS_MAX) as usize;
    let left = all.into_iter().filter(|item| after.as_ref().is_none_or(|after| position(item) > *after));
    let page = paging::cut(left.take(limit + 1).collect(), limit, seal, &purpose, position);
    Ok(Page { items: page.items, is_truncated: Some(page.next.is_some()), marker: page.next })
}
