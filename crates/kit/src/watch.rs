use std::time::Duration;

use crate::{ApiError, Cx};

/// Is told how the calls of a service ended, with those that never came to its operations: what its metrics are made from.
///
/// It is asked on the way of every call, so it counts in memory and waits for nobody. A call whose client went away before its
/// end is not told of.
pub trait Watch: Send + Sync + 'static {
    fn ended(&self, call: &Ended<'_>);
}

/// A call that was answered. Its caller is known; what it is about only when its handler said so ([`Cx::concerns`]).
pub struct Ended<'a> {
    pub cx: &'a Cx,
    pub operation: &'static str,
    pub error: Option<&'a ApiError>,
    /// Since the caller was known.
    pub took: Duration,
}
