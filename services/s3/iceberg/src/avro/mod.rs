//! Avro's object container files, as manifests and lists of manifests are: a header with the schema, then blocks of records.
//!
//! They are written by hand, record by record, and read by the schema that is in the file, since other writers name and
//! order fields otherwise and compress them: fields are found by Iceberg's ids.
//!
//! `apache-avro` (0.22) is not used: it makes room for as many items as a file says that an array has, up to a limit that is
//! the process's (512 MiB), and its derives are most of the 48 CPU seconds that it costs a dev build.
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
