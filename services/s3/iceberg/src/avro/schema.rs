//! The schema of a file: what its bytes are.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::error::{Error, Result, invalid};

/// Most types in a schema, where those that are named once count wherever they are used.
const TYPES_MAX: usize = 5_000;

/// Longest text of a schema, in bytes.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Schema {
    Null,
    Boolean,
    /// Of int, long and enum.
    Long,
    Float,
    Double,
    /// Of bytes and string.
    Bytes,
    Fixed(usize),
    Array(Box<Schema>),
    /// From string.
    Map(Box<Schema>),
    Union(Vec<Schema>),
    Record(Vec<Field>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Iceberg's, -1 of a field that has none.
    pub(crate) id: i32,
    pub(crate) schema: Schema,
}

/// Types that were named, and how many there are of all.
#[derive(Default)]
struct Parser {
    named: HashMap<String, (Schema, usize)>,
    types: usize,
}

impl Schema {
    pub(crate) fn parse(text: &[u8]) -> Result<Schema> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Error::TooLarge("bytes of a schema of Avro"));
        }
        // Its depth is limited by the parser of JSON.
        let json: Json =
            serde_json::from_slice(text).map_err(|error| invalid(format!("a schema of Avro: {error}")))?;
        Parser::default().parse(&json)
    }
}

impl Parser {
    fn parse(&mut self, json: &Json) -> Result<Schema> {
        self.count(1)?;
        match json {
            Json::String(name) => self.by_name(name),
            Json::Array(branches) => {
                Ok(Schema::Union(branches.iter().map(|branch| self.parse(branch)).collect::<Result<_>>()?))
            }
            Json::Object(object) => self.object(object),
            _ => Err(invalid("a type of Avro is neither a name nor an object")),
        }
    }

    fn object(&mut self, object: &Map<String, Json>) -> Result<Schema> {
        let part =
            |name: &str| object.get(name).ok_or_else(|| invalid(format!("a type of Avro lacks {name}")));
        let before = self.types;
        let schema = match object.get("type") {
            Some(Json::String(kind)) => match kind.as_str() {
                "record" | "error" => {
                    let fields = part("fields")?.as_array().ok_or_else(|| invalid("fields are no array"))?;
                    Schema::Record(fields.iter().map(|field| self.field(field)).collect::<Result<_>>()?)
                }
                "array" => Schema::Array(Box::new(self.parse(part("items")?)?)),
                "map" => Schema::Map(Box::new(self.parse(part("values")?)?)),
                "enum" => Schema::Long,
                "fixed" => {
                    let size = part("size")?.as_u64().and_then(|size| usize::try_from(size).ok());
                    Schema::Fixed(size.ok_or_else(|| invalid("the size of a fixed"))?)
                }
                name => return self.by_name(name),
            },
            Some(nested @ (Json::Object(_) | Json::Array(_))) => return self.parse(nested),
            _ => return Err(invalid("a type of Avro has no type")),
        };
        if let Some(Json::String(name)) = object.get("name") {
            self.named.insert(name.clone(), (schema.clone(), 1 + self.types - before));
        }
        Ok(schema)
    }

    fn field(&mut self, json: &Json) -> Result<Field> {
        let kind = json.get("type").ok_or_else(|| invalid("a field of Avro has no type"))?;
        let id = json.get("field-id").and_then(Json::as_i64).and_then(|id| i32::try_from(id).ok());
        Ok(Field { id: id.unwrap_or(-1), schema: self.parse(kind)? })
    }

    fn by_name(&mut self, name: &str) -> Result<Schema> {
        Ok(match name {
            "null" => Schema::Null,
            "boolean" => Schema::Boolean,
            "int" | "long" => Schema::Long,
            "float" => Schema::Float,
            "double" => Schema::Double,
            "bytes" | "string" => Schema::Bytes,
            // A type that is inside itself is not there yet.
            name => {
                let (schema, types) = self
                    .named
                    .get(name)
                    .cloned()
                    .ok_or_else(|| invalid(format!("a type of Avro is {name}")))?;
                self.count(types)?;
                schema
            }
        })
    }

    fn count(&mut self, types: usize) -> Result<()> {
        self.types += types;
        if self.types > TYPES_MAX { Err(Error::TooLarge("types of a schema of Avro")) } else { Ok(()) }
    }
}
