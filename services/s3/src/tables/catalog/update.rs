//! A commit of a client: what it requires of a table's metadata, and how it changes it. The metadata is changed as the document it is,
//! so that what is not known here stays in it.
//!
//! Source: the Apache Iceberg REST catalog specification, TableRequirement and TableUpdate; the Iceberg table specification, "Table
//! Metadata".

use haneul_kit::{ApiError, Result};
use serde_json::{Map, Value, json};

use crate::error::tables as refusals;

pub(super) type Document = Map<String, Value>;

/// Requirements and updates of one commit at most.
const PARTS_MAX: usize = 1000;

/// Earlier metadata files that the log names (`write.metadata.previous-versions-max` of Iceberg).
const LOG_MAX: usize = 100;

/// The branch that a table is.
const MAIN: &str = "main";

/// What a commit changed, and where the metadata was before.
pub(super) fn apply(
    before: &Document,
    location: &str,
    requirements: &[Value],
    updates: &[Value],
    now_ms: i64,
) -> Result<Document> {
    if requirements.len() > PARTS_MAX || updates.len() > PARTS_MAX {
        return Err(refusals::bad_request("The commit has too many parts."));
    }
    for requirement in requirements {
        check(before, requirement)?;
    }
    let mut after = before.clone();
    for update in updates {
        change(&mut after, update, now_ms)?;
    }
    let was_ms = before.get("last-updated-ms").cloned().unwrap_or_default();
    let log = list(&mut after, "metadata-log")?;
    log.push(json!({ "metadata-file": location, "timestamp-ms": was_ms }));
    let over = log.len().saturating_sub(LOG_MAX);
    log.drain(..over);
    after.insert("last-updated-ms".into(), now_ms.into());
    Ok(after)
}

fn conflict(what: &str) -> ApiError {
    let message = format!("Requirement failed: {what} is not as the commit expects it.");
    ApiError::new("CommitFailedException", message).with_status(409)
}

fn invalid(what: &str) -> ApiError {
    refusals::bad_request(format!("The commit is not valid: {what}."))
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value.get(name).and_then(Value::as_str).ok_or_else(|| invalid(name))
}

fn number(value: &Value, name: &str) -> Result<i64> {
    value.get(name).and_then(Value::as_i64).ok_or_else(|| invalid(name))
}

fn list<'d>(document: &'d mut Document, name: &str) -> Result<&'d mut Vec<Value>> {
    let list = document.entry(name).or_insert_with(|| json!([]));
    list.as_array_mut().ok_or_else(|| invalid(name))
}

fn object<'d>(document: &'d mut Document, name: &str) -> Result<&'d mut Document> {
    let object = document.entry(name).or_insert_with(|| json!({}));
    object.as_object_mut().ok_or_else(|| invalid(name))
}

fn check(table: &Document, requirement: &Value) -> Result<()> {
    let same = |given: &str, kept: &str| match requirement.get(given) == table.get(kept) {
        true => Ok(()),
        false => Err(conflict(kept)),
    };
    match text(requirement, "type")? {
        "assert-create" => Err(conflict("the table's absence")),
        "assert-table-uuid" => same("uuid", "table-uuid"),
        "assert-ref-snapshot-id" => {
            let name = text(requirement, "ref")?;
            let kept = table.get("refs").and_then(|refs| refs.get(name)?.get("snapshot-id")?.as_i64());
            let wanted = requirement.get("snapshot-id").and_then(Value::as_i64);
            if kept == wanted { Ok(()) } else { Err(conflict(&format!("the snapshot of {name}"))) }
        }
        "assert-last-assigned-field-id" => same("last-assigned-field-id", "last-column-id"),
        "assert-current-schema-id" => same("current-schema-id", "current-schema-id"),
        "assert-last-assigned-partition-id" => same("last-assigned-partition-id", "last-partition-id"),
        "assert-default-spec-id" => same("default-spec-id", "default-spec-id"),
        "assert-default-sort-order-id" => same("default-sort-order-id", "default-sort-order-id"),
        other => Err(invalid(other)),
    }
}

fn change(table: &mut Document, update: &Value, now_ms: i64) -> Result<()> {
    match text(update, "action")? {
        "assign-uuid" => match update.get("uuid") == table.get("table-uuid") {
            true => Ok(()),
            false => Err(invalid("a table keeps its uuid")),
        },
        "upgrade-format-version" => match update.get("format-version") == table.get("format-version") {
            true => Ok(()),
            false => Err(invalid("tables are of format version 2")),
        },
        "set-properties" => {
            let given = update.get("updates").and_then(Value::as_object).ok_or_else(|| invalid("updates"))?;
            if !given.values().all(Value::is_string) {
                return Err(invalid("updates"));
            }
            object(table, "properties")?.extend(given.clone());
            Ok(())
        }
        "remove-properties" => {
            let given =
                update.get("removals").and_then(Value::as_array).ok_or_else(|| invalid("removals"))?;
            let properties = object(table, "properties")?;
            given.iter().filter_map(Value::as_str).for_each(|name| drop(properties.remove(name)));
            Ok(())
        }
        "add-schema" => add_schema(table, update),
        "set-current-schema" => {
            let id = match number(update, "schema-id")? {
                // The one that was added last.
                -1 => list(table, "schemas")?.last().map_or(Ok(0), |last| number(last, "schema-id"))?,
                id => id,
            };
            let is_there = |schema: &Value| schema.get("schema-id").and_then(Value::as_i64) == Some(id);
            if !list(table, "schemas")?.iter().any(is_there) {
                return Err(invalid("schema-id"));
            }
            table.insert("current-schema-id".into(), id.into());
            Ok(())
        }
        "add-snapshot" => add_snapshot(table, update),
        "set-snapshot-ref" => set_ref(table, update, now_ms),
        "remove-snapshot-ref" => {
            let name = text(update, "ref-name")?;
            if name == MAIN {
                return Err(invalid("the branch main stays"));
            }
            object(table, "refs")?.remove(name);
            Ok(())
        }
        action => {
            let message = format!("The update {action} is not implemented by Haneul.");
            Err(ApiError::new("UnsupportedOperationException", message).with_status(406))
        }
    }
}

fn add_schema(table: &mut Document, update: &Value) -> Result<()> {
    let mut schema = update.get("schema").cloned().ok_or_else(|| invalid("schema"))?;
    let parsed: haneul_s3_iceberg::Schema =
        serde_json::from_value(schema.clone()).map_err(|_| invalid("schema"))?;
    parsed.validate().map_err(|error| invalid(&error.to_string()))?;
    let schemas = list(table, "schemas")?;
    let ids = schemas.iter().filter_map(|schema| schema.get("schema-id")?.as_i64());
    let id = ids.max().unwrap_or(-1) + 1;
    // What is read as a struct may be an array, too.
    schema.as_object_mut().ok_or_else(|| invalid("schema"))?.insert("schema-id".into(), id.into());
    schemas.push(schema);
    let last = table.get("last-column-id").and_then(Value::as_i64).unwrap_or_default();
    table.insert("last-column-id".into(), last.max(i64::from(parsed.last_column_id())).into());
    Ok(())
}

fn add_snapshot(table: &mut Document, update: &Value) -> Result<()> {
    let snapshot = update.get("snapshot").cloned().ok_or_else(|| invalid("snapshot"))?;
    let id = number(&snapshot, "snapshot-id")?;
    let sequence_number = number(&snapshot, "sequence-number")?;
    text(&snapshot, "manifest-list")?;
    let last = table.get("last-sequence-number").and_then(Value::as_i64).unwrap_or_default();
    if sequence_number <= last {
        return Err(conflict("last-sequence-number"));
    }
    let snapshots = list(table, "snapshots")?;
    if snapshots.iter().any(|one| one.get("snapshot-id").and_then(Value::as_i64) == Some(id)) {
        return Err(invalid("the snapshot is there already"));
    }
    snapshots.push(snapshot);
    table.insert("last-sequence-number".into(), sequence_number.into());
    Ok(())
}

fn set_ref(table: &mut Document, update: &Value, now_ms: i64) -> Result<()> {
    let name = text(update, "ref-name")?.to_owned();
    let id = number(update, "snapshot-id")?;
    let found = list(table, "snapshots")?
        .iter()
        .find(|one| one.get("snapshot-id").and_then(Value::as_i64) == Some(id));
    let at_ms = found.ok_or_else(|| invalid("snapshot-id"))?.get("timestamp-ms").and_then(Value::as_i64);
    let mut reference = update.as_object().cloned().unwrap_or_default();
    reference.retain(|name, value| name != "action" && name != "ref-name" && !value.is_null());
    object(table, "refs")?.insert(name.clone(), reference.into());
    if name == MAIN {
        table.insert("current-snapshot-id".into(), id.into());
        list(table, "snapshot-log")?
            .push(json!({ "snapshot-id": id, "timestamp-ms": at_ms.unwrap_or(now_ms) }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Document {
        let table = json!({
            "format-version": 2, "table-uuid": "u", "last-sequence-number": 0, "last-updated-ms": 1, "last-column-id": 1,
            "schemas": [{ "type": "struct", "schema-id": 0, "fields": [{ "id": 1, "name": "id", "required": false, "type": "long" }] }],
            "current-schema-id": 0, "snapshots": [], "refs": {},
        });
        table.as_object().cloned().unwrap()
    }

    #[test]
    fn a_commit_is_applied_or_refused_as_a_whole() {
        let snapshot =
            json!({ "snapshot-id": 7, "sequence-number": 1, "timestamp-ms": 5, "manifest-list": "s3://w/m" });
        let add = json!({ "action": "add-snapshot", "snapshot": snapshot });
        let set =
            json!({ "action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": 7 });
        let requirements = [
            json!({ "type": "assert-table-uuid", "uuid": "u" }),
            json!({ "type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": null }),
        ];
        let after = apply(&table(), "s3://w/0", &requirements, &[add.clone(), set.clone()], 9).unwrap();
        assert_eq!(after["current-snapshot-id"], 7);
        assert_eq!(after["refs"], json!({ "main": { "type": "branch", "snapshot-id": 7 } }));
        assert_eq!(after["metadata-log"], json!([{ "metadata-file": "s3://w/0", "timestamp-ms": 1 }]));
        assert_eq!((&after["last-sequence-number"], &after["last-updated-ms"]), (&json!(1), &json!(9)));
        let again = apply(&after, "s3://w/1", &requirements, &[], 9).unwrap_err();
        assert_eq!(again.code(), "CommitFailedException", "somebody was faster");
        for (update, code) in [
            (add, "CommitFailedException"),
            (
                json!({ "action": "set-snapshot-ref", "ref-name": "main", "snapshot-id": 8 }),
                "BadRequestException",
            ),
            (json!({ "action": "set-location", "location": "s3://x" }), "UnsupportedOperationException"),
            (json!({ "action": "set-current-schema", "schema-id": 4 }), "BadRequestException"),
            (
                json!({ "action": "add-schema", "schema": { "type": "struct", "fields": 1 } }),
                "BadRequestException",
            ),
            (json!({ "action": "add-schema", "schema": ["struct", []] }), "BadRequestException"),
            (json!({ "action": "add-schema", "schema": [0, []] }), "BadRequestException"),
            (json!({ "action": "add-schema", "schema": [] }), "BadRequestException"),
            (json!({}), "BadRequestException"),
            (json!([]), "BadRequestException"),
        ] {
            let refused = apply(&after, "l", &[], std::slice::from_ref(&update), 9).unwrap_err();
            assert_eq!(refused.code(), code, "{update}");
        }
    }

    #[test]
    fn columns_and_properties() {
        let fields = json!([
            { "id": 1, "name": "id", "required": false, "type": "long" },
            { "id": 2, "name": "what", "required": false, "type": "string" },
        ]);
        let updates = [
            json!({ "action": "add-schema", "schema": { "type": "struct", "schema-id": 0, "fields": fields } }),
            json!({ "action": "set-current-schema", "schema-id": -1 }),
            json!({ "action": "set-properties", "updates": { "a": "1", "b": "2" } }),
            json!({ "action": "remove-properties", "removals": ["a"] }),
        ];
        let after = apply(&table(), "l", &[], &updates, 9).unwrap();
        assert_eq!((&after["current-schema-id"], &after["last-column-id"]), (&json!(1), &json!(2)));
        assert_eq!(after["properties"], json!({ "b": "2" }));
    }
}
