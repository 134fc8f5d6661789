//! What becomes of events beside being kept: points of metrics ([`metric`], [`embedded`]) and messages to subscribers
//! ([`payload`]), with what events say of where they come from ([`system`]).

pub(crate) mod embedded;
pub(crate) mod metric;
pub(crate) mod payload;
pub(crate) mod points;
pub(crate) mod system;

#[cfg(test)]
mod tests;
