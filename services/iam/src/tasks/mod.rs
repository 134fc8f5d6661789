//! Work that goes on after the answer.

mod deletions;
mod expiry;
mod notices;

pub(crate) use deletions::Deletions;
pub(crate) use expiry::Expiry;
pub(crate) use notices::Notices;
