//! S3 Metadata: a bucket's changes and what is in it, as tables of Apache Iceberg that S3 writes into a table bucket.
//!
//! Reading order: this file (which tables a bucket has, and what they are called), [`facts`] (what is said of an object),
//! [`rows`] (the rows of the tables), [`making`] (tables), [`writing`] (files and a snapshot in one commit), [`listing`] (a whole content), [`journal`], [`inventory`], [`annotations`] (what each table is
//! made of), [`compaction`] (files), [`cleaning`], [`refuse`] (what is not accepted), [`shown`] (what is read back). What a change notes for the journal is in [`crate::store::watch`], and who writes the
//! tables in [`crate::tasks`].
//!
//! A change of a bucket with such a configuration leaves a row behind in its own commit. Once a minute the rows become a file, which
//! is made part of the table in the commit that takes the rows away: nothing is missing and nothing is there twice, whenever we
//! crash.
//!
//! Source: S3 User Guide, "Discovering your data with S3 Metadata tables" and the pages under it.

pub(crate) mod annotations;
mod cleaning;
mod compaction;
pub(crate) mod facts;
pub(crate) mod inventory;
pub(crate) mod journal;
mod listing;
pub(crate) mod making;
pub(crate) mod refuse;
pub(crate) mod rows;
pub(crate) mod shown;
pub(crate) mod writing;

/// Who writes the tables; their policies and keys see it.
pub(crate) const PRINCIPAL: &str = "metadata.s3.amazonaws.com";

/// The tables of a configuration of V2.
pub(crate) const JOURNAL: &str = "journal";
pub(crate) const INVENTORY: &str = "inventory";
pub(crate) const ANNOTATION: &str = "annotation";

/// The namespace of the tables of V1.
pub(crate) const V1_NAMESPACE: &str = "aws_s3_metadata";

/// The namespace of a bucket's tables (S3 User Guide, "How metadata tables work").
pub(crate) fn namespace_of(bucket: &str) -> String {
    format!("b_{}", bucket.replace('.', "_"))
}
