//! Types as they are written in JSON: a name, or an object of what is nested.

use serde::{Deserialize, Serialize};

use super::{Field, Type};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Name(String),
    Nested(Nested),
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(super) enum Nested {
    Struct { fields: Vec<Field> },
    List { element_id: i32, element_required: bool, element: Box<Type> },
    Map { key_id: i32, key: Box<Type>, value_id: i32, value_required: bool, value: Box<Type> },
}

impl TryFrom<Written> for Type {
    type Error = String;

    fn try_from(written: Written) -> Result<Type, String> {
        Ok(match written {
            Written::Name(name) => named(&name).ok_or_else(|| format!("{name} is not a type"))?,
            Written::Nested(Nested::Struct { fields }) => Type::Struct(fields),
            Written::Nested(Nested::List { element_id, element_required, element }) => {
                Type::List { element_id, element_required, element }
            }
            Written::Nested(Nested::Map { key_id, key, value_id, value_required, value }) => {
                Type::Map { key_id, key, value_id, value_required, value }
            }
        })
    }
}

impl From<Type> for Written {
    fn from(kind: Type) -> Written {
        let name = match kind {
            Type::Boolean => "boolean".to_owned(),
            Type::Int => "int".to_owned(),
            Type::Long => "long".to_owned(),
            Type::Float => "float".to_owned(),
            Type::Double => "double".to_owned(),
            Type::Decimal { precision, scale } => format!("decimal({precision}, {scale})"),
            Type::Date => "date".to_owned(),
            Type::Time => "time".to_owned(),
            Type::Timestamp => "timestamp".to_owned(),
            Type::Timestamptz => "timestamptz".to_owned(),
            Type::String => "string".to_owned(),
            Type::Uuid => "uuid".to_owned(),
            Type::Fixed(length) => format!("fixed[{length}]"),
            Type::Binary => "binary".to_owned(),
            Type::Struct(fields) => return Written::Nested(Nested::Struct { fields }),
            Type::List { element_id, element_required, element } => {
                return Written::Nested(Nested::List { element_id, element_required, element });
            }
            Type::Map { key_id, key, value_id, value_required, value } => {
                return Written::Nested(Nested::Map { key_id, key, value_id, value_required, value });
            }
        };
        Written::Name(name)
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
