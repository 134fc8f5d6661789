//! What goes on behind the answers: filling new indexes, emptying what was dropped ([`upkeep`]), expiring items ([`ttl`]), forgetting the
//! [`tokens`] of transactions.

pub(crate) mod tokens;
pub(crate) mod ttl;
pub(crate) mod upkeep;
