//! Work that goes on after the answer.

mod deletions;

pub(crate) use deletions::Deletions;
