use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Seal;

/// One page of a listing and where the next one begins.
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

/// A token that remembers `position` of the listing `purpose` (operation, account and filter, so that a token cannot
/// be taken to another listing).
pub fn token(seal: &Seal, purpose: &str, position: &impl Serialize) -> String {
    let content = serde_json::to_vec(position).expect("a position is plain data");
    seal.seal(purpose, &content)
}

/// The position in a token of [`token`]; `None` for anything else.
pub fn position<P: DeserializeOwned>(seal: &Seal, purpose: &str, token: &str) -> Option<P> {
    serde_json::from_slice(&seal.open(purpose, token)?).ok()
}

/// Cuts `items`, of which one more than `limit` may have been read, to a page; `position` names where it ended.
pub fn cut<T, P: Serialize>(
    mut items: Vec<T>,
    limit: usize,
    seal: &Seal,
    purpose: &str,
    position: impl Fn(&T) -> P,
) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| token(seal, purpose, &position(last)));
    Page { items, next }
}
