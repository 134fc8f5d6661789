//! What the engines on this machine share: who conflicts with whom, and which versions are still being read.

mod live;
mod resolver;

pub(crate) use live::{Hold, LiveVersions};
pub(crate) use resolver::Resolver;
