//! Points in time: which series they belong to ([`identity`]), how they are summed ([`bucket`]), packed ([`chunk`]), held until they are
//! written by series ([`generation`]), and put together again by period ([`window`]).

pub(crate) mod bucket;
pub(crate) mod chunk;
pub(crate) mod generation;
pub(crate) mod identity;
pub(crate) mod window;

pub(crate) use bucket::{Bucket, Tier};
pub(crate) use identity::{Identity, Series};
