//! What is written is read again, by S3 Select's reader of Parquet and by the reader of manifests here; that Iceberg's own
//! reader takes it is in `tests/pyiceberg.rs`.

mod changes;
mod files;
mod hostile;
mod metadata;
mod world;
