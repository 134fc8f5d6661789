//! S3 Select: an SQL expression over the records of one object. Pure: bytes in, bytes out, no clock but the time it is given.
//!
//! Whoever uses it makes an [`Engine`] of a [`Request`], feeds it the object as it comes and takes the answer as it grows: an
//! object of any size costs the memory of its largest record. Parquet is read by ranges: a [`Columnar`] says which it wants.
//!
//! Reading order: [`lexer`], [`ast`], [`parser`] (the expression), [`value`], [`timestamp`], [`eval`] (what an expression says of
//! a record), [`functions`], [`aggregate`], [`csv`], [`json`] (bytes to records), [`unpack`] (compressed bytes), [`output`]
//! (values to bytes), [`engine`] (all of it together), [`parquet`] (columns to records), [`columnar`] (the engine on them),
//! [`error`].
//!
//! What must never happen here: a panic, whatever the expression or the object; a recursion or a buffer without a limit.
//!
//! Source: S3 User Guide, "SQL reference for Amazon S3 Select", and the S3 API Reference, "List of SELECT Object Content Error
//! Codes".

pub mod aggregate;
pub mod ast;
pub mod columnar;
pub mod csv;
pub mod engine;
pub mod error;
pub mod eval;
pub mod functions;
pub mod json;
pub mod lexer;
pub mod output;
pub mod parquet;
pub mod parser;
pub mod timestamp;
pub mod unpack;
pub mod value;

pub use columnar::Columnar;
pub use csv::{CsvInput, Header};
pub use engine::{Engine, Stats};
pub use error::SelectError;
pub use json::JsonType;
pub use output::{CsvOutput, Output};
pub use unpack::Compression;

/// What is asked of an object.
#[derive(Clone, Debug)]
pub struct Request {
    pub expression: String,
    pub input: Input,
    pub compression: Compression,
    pub output: Output,
    /// For UTCNOW(): seconds and nanoseconds since the epoch.
    pub now: (i64, u32),
    /// Only records are read whose first byte is before this, counted from where feeding begins.
    pub end: Option<u64>,
    /// The feed begins in the middle of the object, one byte before the range: the record that is under way there is left out.
    pub begins_inside: bool,
}

#[derive(Clone, Debug)]
pub enum Input {
    Csv(CsvInput),
    Json(JsonType),
    /// Of a [`Columnar`] only.
    Parquet,
}

#[cfg(test)]
mod tests;
