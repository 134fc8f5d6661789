//! Work that goes on after the answer.

mod deletions;
mod notices;

pub(crate) use deletions::Deletions;
pub(crate) use notices::Notices;
