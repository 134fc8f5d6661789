//! Event streams, `application/vnd.amazon.eventstream`: frames with checksums, and events in them.

pub(crate) mod body;
pub(crate) mod codec;
pub(crate) mod frame;

pub(crate) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";
