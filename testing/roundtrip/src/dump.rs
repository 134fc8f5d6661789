use haneul_shape::{Document, Ref, Shape};
use haneul_wire::Model;
use serde_json::{Map, Value, json};

/// A structure as JSON of one form whatever the protocol: members by their names in the model, blobs as lists of bytes,
/// timestamps in milliseconds. What is absent or has nothing in it is left out, because not every protocol can say it.
pub fn dump(model: &Model, shape: &dyn Shape) -> Value {
    let members = model.structure(shape.id()).members.iter().enumerate();
    let members = members.map(|(i, member)| (member.name.to_owned(), value(model, shape.get(i))));
    Value::Object(members.filter(|(_, value)| !is_void(value)).collect())
}

fn value(model: &Model, value: Ref<'_>) -> Value {
    match value {
        Ref::Null | Ref::Stream(_) | Ref::Events(_) => Value::Null,
        Ref::Bool(value) => json!(value),
        Ref::I32(value) => json!(value),
        Ref::I64(value) => json!(value),
        Ref::F32(value) => json!(value.to_string()),
        Ref::F64(value) => json!(value.to_string()),
        Ref::Str(value) => json!(value),
        Ref::Blob(value) => json!(format!("{:?}", &value[..])),
        Ref::Timestamp(at) => json!(at.millis()),
        Ref::Document(value) => document(value),
        Ref::Struct(value) => dump(model, value),
        Ref::List(list) => {
            (0..list.len()).map(|i| self::value(model, list.get(i))).filter(|value| !is_void(value)).collect()
        }
        Ref::Map(map) => {
            let entries = (0..map.len()).map(|i| map.get(i));
            let entries = entries.map(|(key, value)| (key.to_owned(), self::value(model, value)));
            Value::Object(entries.filter(|(_, value)| !is_void(value)).collect::<Map<_, _>>())
        }
    }
}

fn document(value: &Document) -> Value {
    match value {
        Document::Null => Value::Null,
        Document::Bool(value) => json!(value),
        Document::Integer(value) => json!(value),
        Document::Float(value) => json!(value),
        Document::String(value) => json!(value),
        Document::List(values) => values.iter().map(document).collect(),
        Document::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), document(value))).collect())
        }
    }
}

fn is_void(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}
