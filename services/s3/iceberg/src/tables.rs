//! The schemas of S3 Metadata's tables: columns by AWS's names, types and order.
//!
//! Source: the S3 User Guide, "S3 Metadata journal tables schema", "S3 Metadata live inventory tables schema", "S3 Metadata
//! annotation table schema".

use crate::schema::{Field, Schema, Type};

/// A column of one of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub doc: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Flag,
    Long,
    /// Timestamp NTZ: microseconds, of no time zone (AWS writes UTC).
    Time,
    /// From string to string.
    Map,
}

const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, required: true, doc }
}

const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column { name, kind, required: false, doc }
}

/// A row is a change of one object.
pub const JOURNAL: [Column; 21] = [
    required("bucket", Kind::Text, "The name of the general purpose bucket."),
    required("key", Kind::Text, "The key of the object."),
    required(
        "sequence_number",
        Kind::Text,
        "Orders the records of one bucket and key: the larger, the later.",
    ),
    required("record_type", Kind::Text, "CREATE, UPDATE_METADATA or DELETE."),
    required("record_timestamp", Kind::Time, "When the record was made."),
    optional("version_id", Kind::Text, "The version of the object."),
    optional("is_delete_marker", Kind::Flag, "Whether the version is a delete marker."),
    optional("size", Kind::Long, "The size of the object in bytes; 0 of a delete marker."),
    optional("last_modified_date", Kind::Time, "When the object was created or last modified."),
    optional("e_tag", Kind::Text, "The entity tag of the object."),
    optional("storage_class", Kind::Text, "The storage class of the object."),
    optional("is_multipart", Kind::Flag, "Whether the object was uploaded in parts."),
    optional("encryption_status", Kind::Text, "SSE-S3, SSE-KMS, DSSE-KMS or SSE-C."),
    optional("is_bucket_key_enabled", Kind::Flag, "Whether an S3 Bucket Key is used."),
    optional("kms_key_arn", Kind::Text, "The KMS key of an object with SSE-KMS or DSSE-KMS."),
    optional("checksum_algorithm", Kind::Text, "The algorithm of the object's checksum."),
    optional("object_tags", Kind::Map, "The tags of the object."),
    optional("user_metadata", Kind::Map, "The user-defined metadata of the object."),
    optional("requester", Kind::Text, "The account, or the service principal, that made the request."),
    optional("source_ip_address", Kind::Text, "Where the request came from."),
    optional("request_id", Kind::Text, "The id of the request."),
];

/// A row is an object, or a version of it.
pub const INVENTORY: [Column; 16] = [
    JOURNAL[0],
    JOURNAL[1],
    JOURNAL[2],
    JOURNAL[5],
    JOURNAL[6],
    JOURNAL[7],
    JOURNAL[8],
    JOURNAL[9],
    JOURNAL[10],
    JOURNAL[11],
    JOURNAL[12],
    JOURNAL[13],
    JOURNAL[14],
    JOURNAL[15],
    JOURNAL[16],
    JOURNAL[17],
];

/// A row is an annotation of a version of an object.
pub const ANNOTATION: [Column; 12] = [
    required("bucket", Kind::Text, "The name of the general purpose bucket."),
    required("object_key", Kind::Text, "The key of the object."),
    optional("object_version_id", Kind::Text, "The version of the object."),
    required("object_join_key", Kind::Text, "Identifies the object where tables are joined."),
    required("name", Kind::Text, "The name of the annotation."),
    required("sequence_number", Kind::Text, "Orders the revisions of an annotation: the larger, the later."),
    optional("last_modified_date", Kind::Time, "When the annotation was last modified."),
    optional("size", Kind::Long, "The size of the annotation in bytes."),
    optional("e_tag", Kind::Text, "The entity tag of the annotation."),
    optional("checksum_algorithm", Kind::Text, "The algorithm of the annotation's checksum."),
    optional("replication_status", Kind::Text, "PENDING, COMPLETED, FAILED or REPLICA."),
    optional("text_value", Kind::Text, "The annotation."),
];

/// The schema of one of the tables above.
pub fn schema(columns: &[Column]) -> Schema {
    let fields = columns.iter().map(|column| {
        let kind = match column.kind {
            Kind::Text => Type::String,
            Kind::Flag => Type::Boolean,
            Kind::Long => Type::Long,
            Kind::Time => Type::Timestamp,
            Kind::Map => Type::map_of_strings(),
        };
        Field { required: column.required, ..Field::optional(column.name, kind).doc(column.doc) }
    });
    Schema::with_fresh_ids(fields.collect())
}
