//! Types as they are written in JSON: a name, or an object of what is nested.
//!
//! Written by hand, because what serde derives copies what is nested once for each level that it is deep.

use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Field, Type};

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let name = match self {
            Type::Struct(fields) => {
                let mut map = to.serialize_map(Some(2))?;
                map.serialize_entry("type", "struct")?;
                map.serialize_entry("fields", fields)?;
                return map.end();
            }
            Type::List { element_id, element_required, element } => {
                let mut map = to.serialize_map(Some(4))?;
                map.serialize_entry("type", "list")?;
                map.serialize_entry("element-id", element_id)?;
                map.serialize_entry("element-required", element_required)?;
                map.serialize_entry("element", element)?;
                return map.end();
            }
            Type::Map { key_id, key, value_id, value_required, value } => {
                let mut map = to.serialize_map(Some(6))?;
                map.serialize_entry("type", "map")?;
                map.serialize_entry("key-id", key_id)?;
                map.serialize_entry("key", key)?;
                map.serialize_entry("value-id", value_id)?;
                map.serialize_entry("value-required", value_required)?;
                map.serialize_entry("value", value)?;
                return map.end();
            }
            Type::Decimal { precision, scale } => format!("decimal({precision}, {scale})"),
            Type::Fixed(length) => format!("fixed[{length}]"),
            Type::Boolean => "boolean".to_owned(),
            Type::Int => "int".to_owned(),
            Type::Long => "long".to_owned(),
            Type::Float => "float".to_owned(),
            Type::Double => "double".to_owned(),
            Type::Date => "date".to_owned(),
            Type::Time => "time".to_owned(),
            Type::Timestamp => "timestamp".to_owned(),
            Type::Timestamptz => "timestamptz".to_owned(),
            Type::String => "string".to_owned(),
            Type::Uuid => "uuid".to_owned(),
            Type::Binary => "binary".to_owned(),
        };
        to.serialize_str(&name)
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Type, D::Error> {
        from.deserialize_any(OfType)
    }
}

struct OfType;

/// What an object of a nested type may have.
#[derive(Default)]
struct Parts {
    kind: Option<String>,
    fields: Option<Vec<Field>>,
    /// The id, whether it is required, and the type: of elements or values.
    id: Option<i32>,
    required: Option<bool>,
    inner: Option<Box<Type>>,
    key_id: Option<i32>,
    key: Option<Box<Type>>,
}

impl<'de> Visitor<'de> for OfType {
    type Value = Type;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a type, or an object of a nested one")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Type, E> {
        named(name).ok_or_else(|| E::custom(format!("{name} is not a type")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Type, A::Error> {
        let mut parts = Parts::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "type" => parts.kind = Some(map.next_value()?),
                "fields" => parts.fields = Some(map.next_value()?),
                "element-id" | "value-id" => parts.id = Some(map.next_value()?),
                "element-required" | "value-required" => parts.required = Some(map.next_value()?),
                "element" | "value" => parts.inner = Some(map.next_value()?),
                "key-id" => parts.key_id = Some(map.next_value()?),
                "key" => parts.key = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        parts.whole().ok_or_else(|| A::Error::custom("a nested type lacks something"))
    }
}

impl Parts {
    fn whole(self) -> Option<Type> {
        Some(match self.kind?.as_str() {
            "struct" => Type::Struct(self.fields?),
            "list" => {
                Type::List { element_id: self.id?, element_required: self.required?, element: self.inner? }
            }
            "map" => Type::Map {
                key_id: self.key_id?,
                key: self.key?,
                value_id: self.id?,
                value_required: self.required?,
                value: self.inner?,
            },
            _ => return None,
        })
    }
}

pub(super) fn named(name: &str) -> Option<Type> {
    Some(match name {
        "boolean" => Type::Boolean,
        "int" => Type::Int,
        "long" => Type::Long,
        "float" => Type::Float,
        "double" => Type::Double,
        "date" => Type::Date,
        "time" => Type::Time,
        "timestamp" => Type::Timestamp,
        "timestamptz" => Type::Timestamptz,
        "string" => Type::String,
        "uuid" => Type::Uuid,
        "binary" => Type::Binary,
        other => {
            if let Some(length) = inside(other, "fixed[", "]") {
                return Some(Type::Fixed(length.parse().ok()?));
            }
            let (precision, scale) = inside(other, "decimal(", ")")?.split_once(',')?;
            let (precision, scale) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
            // A precision of 38 is the specification's most.
            return (precision <= 38 && scale <= precision).then_some(Type::Decimal { precision, scale });
        }
    })
}

fn inside<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after).map(str::trim)
}
