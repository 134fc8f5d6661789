use haneul_kit::{Cx, Result, paging};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Lambda, error};

/// Items of a page; listings with a smaller limit of their own say so.
pub(super) const PAGE_MAX: i32 = 50;

pub(super) fn limit(asked: Option<i32>) -> usize {
    usize::try_from(asked.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX)).unwrap_or(1)
}

impl Lambda {
    /// Where a page begins. A marker is good for the listing, account and subject that it was made for.
    pub(super) fn begin<P: DeserializeOwned>(
        &self,
        cx: &Cx,
        listing: &str,
        marker: Option<&str>,
    ) -> Result<Option<P>> {
        let Some(marker) = marker.filter(|marker| !marker.is_empty()) else { return Ok(None) };
        let purpose = purpose(cx, listing);
        let position = paging::position(&self.platform.seal, &purpose, marker);
        position.map(Some).ok_or_else(|| error::parameter("Invalid marker."))
    }

    /// Cuts what was found, one more than `limit` perhaps, to a page.
    pub(super) fn page<T, P: Serialize>(
        &self,
        cx: &Cx,
        listing: &str,
        found: Vec<T>,
        limit: usize,
        position: impl Fn(&T) -> P,
    ) -> paging::Page<T> {
        paging::cut(found, limit, &self.platform.seal, &purpose(cx, listing), position)
    }
}

fn purpose(cx: &Cx, listing: &str) -> String {
    format!("lambda {listing} {} {}", cx.account(), cx.region())
}
