//! Columns and their types.
//!
//! Source: the Iceberg table specification, "Schemas and Data Types" and "Appendix C: JSON serialization".

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, invalid};

/// Most fields of a schema, nested ones included.
pub const FIELDS_MAX: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "struct", rename_all = "kebab-case")]
pub struct Schema {
    #[serde(default)]
    pub schema_id: i32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifier_field_ids: Vec<i32>,
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Field {
    /// Unique in the schema, those of nested fields, keys, values and elements included; at least 1.
    pub id: i32,
    pub name: String,
    pub required: bool,
    #[serde(rename = "type")]
    pub kind: Type,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
}

/// A type of Iceberg version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Boolean,
    /// 32 bits.
    Int,
    /// 64 bits.
    Long,
    Float,
    Double,
    Decimal {
        precision: u32,
        scale: u32,
    },
    Date,
    Time,
    /// Microseconds, of no time zone.
    Timestamp,
    /// Microseconds since the epoch.
    Timestamptz,
    String,
    Uuid,
    /// So many bytes.
    Fixed(u64),
    Binary,
    List {
        element_id: i32,
        element_required: bool,
        element: Box<Type>,
    },
    Map {
        key_id: i32,
        key: Box<Type>,
        value_id: i32,
        value_required: bool,
        value: Box<Type>,
    },
    Struct(Vec<Field>),
}

mod json;

impl Schema {
    /// A schema of these columns. Their ids are made anew, as Iceberg's own libraries do for a new table: those of the
    /// columns first, from 1, then those inside them.
    pub fn with_fresh_ids(mut fields: Vec<Field>) -> Schema {
        let mut last = 0;
        number(&mut fields, &mut last);
        Schema { schema_id: 0, identifier_field_ids: Vec::new(), fields }
    }

    /// The highest id there is, 0 of no columns.
    pub fn last_column_id(&self) -> i32 {
        let mut ids = Vec::new();
        ids_of(&self.fields, &mut ids);
        ids.into_iter().max().unwrap_or(0)
    }

    /// Whether ids and names are as they must be.
    pub fn validate(&self) -> Result<()> {
        let mut ids = Vec::new();
        ids_of(&self.fields, &mut ids);
        if ids.len() > FIELDS_MAX {
            return Err(Error::TooLarge("fields of a schema"));
        }
        ids.sort_unstable();
        if ids.first().is_some_and(|id| *id < 1) || ids.windows(2).any(|two| two[0] == two[1]) {
            return Err(invalid("the ids of a schema's fields are not unique"));
        }
        names_differ(&self.fields)
    }
}

impl Field {
    /// An optional column; its id is given by [`Schema::with_fresh_ids`].
    pub fn optional(name: &str, kind: Type) -> Field {
        Field { id: 0, name: name.to_owned(), required: false, kind, doc: None }
    }

    pub fn required(name: &str, kind: Type) -> Field {
        Field { required: true, ..Field::optional(name, kind) }
    }

    pub fn doc(self, doc: &str) -> Field {
        Field { doc: Some(doc.to_owned()), ..self }
    }
}

impl Type {
    /// A map from string to string, as S3 Metadata's of tags; its ids are given by [`Schema::with_fresh_ids`].
    pub fn map_of_strings() -> Type {
        Type::Map {
            key_id: 0,
            key: Box::new(Type::String),
            value_id: 0,
            value_required: false,
            value: Box::new(Type::String),
        }
    }

    /// That of a name, as `decimal(9, 2)`; none of what is nested.
    pub fn named(name: &str) -> Option<Type> {
        json::named(name)
    }

    fn number(&mut self, last: &mut i32) {
        let mut next = || {
            *last += 1;
            *last
        };
        match self {
            Type::List { element_id, element, .. } => {
                *element_id = next();
                element.number(last);
            }
            Type::Map { key_id, key, value_id, value, .. } => {
                (*key_id, *value_id) = (next(), next());
                key.number(last);
                value.number(last);
            }
            Type::Struct(fields) => number(fields, last),
            _ => {}
        }
    }

    fn ids(&self, ids: &mut Vec<i32>) {
        match self {
            Type::List { element_id, element, .. } => {
                ids.push(*element_id);
                element.ids(ids);
            }
            Type::Map { key_id, key, value_id, value, .. } => {
                ids.extend([*key_id, *value_id]);
                key.ids(ids);
                value.ids(ids);
            }
            Type::Struct(fields) => ids_of(fields, ids),
            _ => {}
        }
    }

    fn names_differ(&self) -> Result<()> {
        match self {
            Type::List { element, .. } => element.names_differ(),
            Type::Map { key, value, .. } => key.names_differ().and_then(|()| value.names_differ()),
            Type::Struct(fields) => names_differ(fields),
            _ => Ok(()),
        }
    }
}

fn number(fields: &mut [Field], last: &mut i32) {
    for field in fields.iter_mut() {
        *last += 1;
        field.id = *last;
    }
    for field in fields {
        field.kind.number(last);
    }
}

fn ids_of(fields: &[Field], ids: &mut Vec<i32>) {
    for field in fields {
        ids.push(field.id);
        field.kind.ids(ids);
    }
}

fn names_differ(fields: &[Field]) -> Result<()> {
    let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|two| two[0] == two[1]) {
        return Err(invalid("two fields of a struct have one name"));
    }
    fields.iter().try_for_each(|field| field.kind.names_differ())
}
