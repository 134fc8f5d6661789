//! JSON, as awsJson and restJson have it.

pub(crate) mod describe;
pub(crate) mod document;
pub(crate) mod lexer;
pub(crate) mod read;
pub(crate) mod write;
