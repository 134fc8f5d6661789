//! The rows of the tables, column by column as [`haneul_s3_iceberg::tables`] lists them.

use std::collections::BTreeMap;

use haneul_kit::AccountId;
use haneul_s3_iceberg::Value;

use crate::model::annotation::AnnotationRecord;
use crate::model::event::Origin;
use crate::model::metadata::{ChangeKind, ChangeRecord, ObjectFacts};
use crate::model::{ObjectRecord, Versioning};

/// A row of the journal.
pub(crate) fn of_change(bucket: &str, sequence_number: String, change: ChangeRecord) -> Vec<Value> {
    let kind = match change.kind {
        ChangeKind::Create => "CREATE",
        ChangeKind::UpdateMetadata => "UPDATE_METADATA",
        ChangeKind::Delete => "DELETE",
    };
    let mut row = vec![
        text(bucket),
        Value::String(change.key),
        Value::String(sequence_number),
        text(kind),
        Value::Timestamp(change.at_ms.saturating_mul(1000)),
        Value::text(change.version),
        Value::Boolean(change.is_delete_marker),
    ];
    row.extend(of_object(change.object));
    row.extend(of_origin(&change.origin));
    row
}

/// A row of the inventory.
pub(crate) fn of_version(
    bucket: &str,
    versioning: Versioning,
    key: String,
    record: &ObjectRecord,
) -> Vec<Value> {
    let version = (versioning != Versioning::Off).then(|| record.version_name());
    let mut row = vec![
        text(bucket),
        Value::String(key),
        Value::String(sequence_number(record.modified_s)),
        Value::text(version),
        Value::Boolean(record.is_delete_marker()),
    ];
    row.extend(of_object(Some(ObjectFacts::of(record))));
    row
}

/// A row of the table of annotations: of which bucket and key, of which version with its number.
pub(crate) fn of_annotation(
    (bucket, key): (&str, &str),
    (version, number): (Option<String>, u64),
    name: String,
    annotation: &AnnotationRecord,
    content: Option<String>,
) -> Vec<Value> {
    vec![
        text(bucket),
        text(key),
        Value::text(version),
        Value::String(format!("{number:016X}")),
        Value::String(name),
        Value::String(sequence_number(annotation.modified_s)),
        Value::Timestamp(annotation.modified_s.saturating_mul(1_000_000)),
        Value::Long(i64::try_from(annotation.size).unwrap_or(i64::MAX)),
        text(&annotation.etag),
        text(annotation.checksum.algorithm.as_str()),
        // Annotations are not replicated.
        Value::Null,
        Value::text(content),
    ]
}

/// Orders the versions of a key, and compares to what the journal says: a version is in it by this number or a higher one.
fn sequence_number(modified_s: i64) -> String {
    let at = (modified_s.max(0) as u64).saturating_mul(1000) << 16;
    format!("{at:016X}")
}

/// The columns `size` to `user_metadata`.
fn of_object(object: Option<ObjectFacts>) -> [Value; 11] {
    let Some(object) = object else { return [const { Value::Null }; 11] };
    let flag = |is: Option<bool>| is.map_or(Value::Null, Value::Boolean);
    [
        Value::Long(i64::try_from(object.size).unwrap_or(i64::MAX)),
        Value::Timestamp(object.modified_s.saturating_mul(1_000_000)),
        Value::text(object.etag),
        Value::text(object.class),
        flag(object.is_multipart),
        Value::text(object.encryption),
        flag(object.bucket_key),
        Value::text(object.kms_key),
        Value::text(object.checksum),
        map(object.tags),
        map(object.metadata),
    ]
}

fn map(entries: Option<BTreeMap<String, String>>) -> Value {
    entries.map_or(Value::Null, |entries| Value::Map(entries.into_iter().collect()))
}

/// Requester, address and request. What a service does comes from nowhere.
fn of_origin(origin: &Origin) -> [Value; 3] {
    let is_service = origin.principal.ends_with(".amazonaws.com");
    let requester = match origin.principal.as_str() {
        "Anonymous" => Value::Null,
        principal if is_service => text(principal),
        _ => AccountId::new(origin.account).map_or(Value::Null, |account| Value::String(account.to_string())),
    };
    let address = Some(origin.source_ip.clone()).filter(|ip| !ip.ends_with(".amazonaws.com"));
    [requester, Value::text(address), Value::String(origin.request_id.clone())]
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use haneul_s3_iceberg::{DataFileWriter, tables};

    use super::*;

    #[test]
    fn rows_fit_their_schemas() {
        let change = ChangeRecord {
            kind: ChangeKind::Delete,
            key: "k".into(),
            at_ms: 5,
            version: None,
            is_delete_marker: false,
            object: None,
            origin: Origin {
                principal: "s3.amazonaws.com".into(),
                source_ip: "s3.amazonaws.com".into(),
                ..Origin::default()
            },
        };
        let row = of_change("b", "1".into(), change);
        assert_eq!(
            (row.len(), &row[18], &row[19]),
            (tables::JOURNAL.len(), &text("s3.amazonaws.com"), &Value::Null)
        );
        let mut writer = DataFileWriter::new(&tables::schema(&tables::JOURNAL)).unwrap();
        writer.row(row).unwrap();
        let record: ObjectRecord = serde_json::from_str(r#"{"n":1,"m":7}"#).unwrap();
        let row = of_version("b", Versioning::Enabled, "k".into(), &record);
        assert_eq!((row.len(), &row[4]), (tables::INVENTORY.len(), &Value::Boolean(true)));
        let mut writer = DataFileWriter::new(&tables::schema(&tables::INVENTORY)).unwrap();
        writer.row(row).unwrap();
    }
}
