//! Apache Iceberg tables of version 2 as pure functions: what a table holds goes in, with times and ids, and objects to put
//! come out. No bucket, no clock, no chance.
//!
//! Whoever uses it writes rows to a [`DataFileWriter`], puts the bytes under a name of its own, and makes the file part of the
//! table by [`TableMetadata::append`] or [`TableMetadata::replace`]. The [`Change`] that comes back says which objects to put
//! first; that the table has changed is so once the catalog says `metadata_location`, which it must do only if it still said
//! the one that the [`Commit`] names. What was put for a change that came too late is nobody's, and can be removed.
//!
//! A function that has to look into objects takes those that are at hand and answers [`Error::Missing`] with the names of
//! those it needs beside them; whoever calls gets them and calls again. Four calls are the most: for lists of manifests, for
//! manifests of what goes, for those of what stays, and the last.
//!
//! Reading order: [`schema`] (columns and their types), [`tables`] (the schemas of S3 Metadata), [`value`] (rows),
//! [`data_file`] (rows to Parquet, and what is known of the file), [`bounds`], [`metadata`] (the table), [`change`] (what all
//! changes have in common), [`append`], [`replace`], [`expire`] (the changes), [`manifest`] (files that name files), [`avro`],
//! [`rows`] (Parquet to rows), [`error`].
//!
//! What must never happen here: a panic, whatever is read; an object that a snapshot of the table still needs among those
//! that are said to be unreferenced; a number that depends on anything but the arguments.
//!
//! Source: the Iceberg table specification (iceberg.apache.org/spec), version 2; the S3 User Guide, "S3 Metadata journal
//! tables schema", "S3 Metadata live inventory tables schema", "S3 Metadata annotation table schema".

mod append;
mod avro;
mod bounds;
pub mod change;
pub mod data_file;
pub mod error;
pub mod expire;
mod manifest;
pub mod metadata;
pub mod replace;
pub mod rows;
pub mod schema;
pub mod tables;
pub mod value;

pub use change::{Change, Commit, Object, Objects};
pub use data_file::{DataFile, DataFileWriter, Written};
pub use error::{Error, Result};
pub use expire::Expiry;
pub use metadata::{NewTable, TableMetadata};
pub use replace::Operation;
pub use rows::read_rows;
pub use schema::{Field, Schema, Type};
pub use value::Value;

#[cfg(test)]
mod tests;
