//! What becomes of events beside being kept: points of metrics ([`metric`], [`embedded`]) and messages to subscribers
//! ([`payload`]).

pub(crate) mod embedded;
pub(crate) mod metric;
pub(crate) mod payload;
pub(crate) mod points;

#[cfg(test)]
mod tests;
