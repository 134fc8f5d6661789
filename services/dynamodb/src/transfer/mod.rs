//! Items as files: what exports write to S3 and imports read from it. Pure.
//!
//! Reading order: [`json`] (DynamoDB JSON), [`ion`] (Ion text), [`csv`], [`file`] (one data file of an export),
//! [`lines`] (the records of one file of an import, uncompressed as they are read).
//! Source: DynamoDB Developer Guide, "DynamoDB table export output format" and "DynamoDB import formats".
//!
//! What must never happen here: memory that grows with what a file claims to hold; recursion that a file can deepen.

pub(crate) mod csv;
pub(crate) mod file;
pub(crate) mod ion;
pub(crate) mod json;
pub(crate) mod lines;
#[cfg(test)]
mod tests;

/// Lists and maps within one another, as a request may have.
const DEPTH_MAX: usize = 32;

/// Why a record is not one.
pub(crate) type Read<T> = std::result::Result<T, String>;
