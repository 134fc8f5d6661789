//! DynamoDB JSON: one object a line, `{"Item": {"name": {"S": "value"}}}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_dynamodb_wire::shapes::AttributeValue;
use serde_json::{Map, Value as Json, json};

use super::Read;
use crate::value::{Attrs, Number, Value, wire};

pub(crate) fn of_item(item: &Attrs) -> Json {
    Json::Object(item.iter().map(|(name, value)| (name.to_owned(), of_value(value))).collect())
}

fn of_value(value: &Value) -> Json {
    match value {
        Value::S(text) => json!({ "S": text }),
        Value::N(number) => json!({ "N": number.to_string() }),
        Value::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Null => json!({ "NULL": true }),
        Value::M(map) => json!({ "M": of_item(map) }),
        Value::L(list) => json!({ "L": list.iter().map(of_value).collect::<Vec<_>>() }),
        Value::Ss(set) => json!({ "SS": set }),
        Value::Ns(set) => json!({ "NS": set.iter().map(Number::to_string).collect::<Vec<_>>() }),
        Value::Bs(set) => {
            json!({ "BS": set.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>() })
        }
    }
}

/// The item of a line.
pub(crate) fn item(line: &str) -> Read<Attrs> {
    // Nesting beyond what the parser takes is far beyond an item's.
    let line: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let item = line.get("Item").and_then(Json::as_object).ok_or("The line has no Item")?;
    let item = attributes(item)?;
    wire::attrs(item.into_iter().collect()).map_err(|error| error.message().to_owned())
}

fn attributes(map: &Map<String, Json>) -> Read<Vec<(String, AttributeValue)>> {
    map.iter().map(|(name, value)| Ok((name.clone(), attribute(value)?))).collect()
}

fn attribute(value: &Json) -> Read<AttributeValue> {
    let wrong = || "An attribute value must have exactly one type".to_owned();
    let mut types = value.as_object().ok_or_else(wrong)?.iter();
    let (Some((kind, value)), None) = (types.next(), types.next()) else { return Err(wrong()) };
    let text = |value: &Json| value.as_str().map(str::to_owned).ok_or(format!("{kind} is not a string"));
    let bytes =
        |value: &Json| STANDARD.decode(text(value)?).map(Into::into).map_err(|_| "Invalid base64".to_owned());
    let list = || value.as_array().ok_or(format!("{kind} is not a list"));
    let boolean = || value.as_bool().ok_or(format!("{kind} is not a boolean"));
    Ok(match kind.as_str() {
        "S" => AttributeValue::S(text(value)?),
        "N" => AttributeValue::N(text(value)?),
        "B" => AttributeValue::B(bytes(value)?),
        "BOOL" => AttributeValue::BOOL(boolean()?),
        "NULL" => AttributeValue::NULL(boolean()?),
        "M" => {
            let map = value.as_object().ok_or("M is not an object")?;
            AttributeValue::M(attributes(map)?.into_iter().collect())
        }
        "L" => AttributeValue::L(list()?.iter().map(attribute).collect::<Read<_>>()?),
        "SS" => AttributeValue::SS(list()?.iter().map(text).collect::<Read<_>>()?),
        "NS" => AttributeValue::NS(list()?.iter().map(text).collect::<Read<_>>()?),
        "BS" => AttributeValue::BS(list()?.iter().map(bytes).collect::<Read<_>>()?),
        other => return Err(format!("{other} is not a type")),
    })
}
