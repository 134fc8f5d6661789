//! Avro's object container files, as manifests and lists of manifests are: a header with the schema, then blocks of records.
//!
//! They are written by hand, record by record, and read by the schema that is in the file, since other writers name and
//! order fields otherwise and compress them: fields are found by Iceberg's ids. `apache-avro` is not used: it does not give
//! the ids of map entries, and makes of each record a tree of owned values.
//!
//! Reading order: [`write`], [`schema`] (the schema of a file), [`read`].
//!
//! Source: the Avro specification, "Object Container Files" and "Data Serialization and Deserialization".

pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod write;

const MAGIC: &[u8; 4] = b"Obj\x01";

/// Largest file that is read, in bytes.
pub(crate) const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most bytes that the blocks of a file have together, unpacked.
const UNPACKED_BYTES_MAX: usize = 128 * 1024 * 1024;
