//! Messages: what a client may send ([`body`], [`attributes`]), their digests ([`digest`]) and the form in which they
//! are stored ([`stored`]).

pub(crate) mod attributes;
pub(crate) mod body;
pub(crate) mod digest;
pub(crate) mod stored;

pub(crate) use attributes::{Attribute, Value};
pub(crate) use stored::{Body, Stored};
