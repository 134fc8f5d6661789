use haneul_kit::Result;
use serde_json::Value;

use crate::error;

/// Source: User Guide, "Field index syntax and quotas".
const FIELDS_MAX: usize = 20;
const NAME_CHARS_MAX: usize = 100;
/// Longest name in the index of a chunk.
const NAME_BYTES_MAX: usize = 255;

/// What every event has, or a query makes, and no policy names. Source: the same, "Generated fields and reserved fields".
const RESERVED: [&str; 4] = ["@message", "@timestamp", "@log", "@ptr"];

/// A field that a policy document names, as queries name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// The console shows how its values are distributed; to queries it is an index like any other.
    pub(crate) is_facet: bool,
}

/// The fields that a policy document names.
///
/// # Errors
/// AWS's InvalidParameterException.
pub(crate) fn fields(document: &str) -> Result<Vec<Field>> {
    let bad = |why: String| error::invalid(format!("Invalid policy document: {why}"));
    let root: Value = serde_json::from_str(document).map_err(|_| bad("it is not JSON".into()))?;
    let members = root.as_object().ok_or_else(|| bad("it is not an object".into()))?;
    let mut names: Vec<(&str, bool)> = Vec::new();
    for (member, value) in members {
        match (member.as_str(), value) {
            ("Fields", Value::Array(list)) => {
                for name in list {
                    let name = name.as_str().ok_or_else(|| bad("a field is not a string".into()))?;
                    names.push((name, false));
                }
            }
            ("FieldsV2", Value::Object(fields)) => {
                for (name, field) in fields {
                    match field.get("type").and_then(Value::as_str) {
                        Some("FIELD_INDEX") => names.push((name, false)),
                        Some("FACET") => names.push((name, true)),
                        _ => return Err(bad(format!("the type of {name} is neither FIELD_INDEX nor FACET"))),
                    }
                }
            }
            _ => return Err(bad(format!("{member} is unknown, or of the wrong type"))),
        }
    }
    if names.is_empty() || names.len() > FIELDS_MAX {
        return Err(bad(format!("it must have between 1 and {FIELDS_MAX} fields")));
    }
    let mut fields: Vec<Field> = Vec::new();
    for (field, is_facet) in names {
        if field.is_empty() || field.chars().count() > NAME_CHARS_MAX || field.len() > NAME_BYTES_MAX {
            return Err(bad(format!("a field name must have between 1 and {NAME_CHARS_MAX} characters")));
        }
        if RESERVED.contains(&field) {
            return Err(bad(format!("{field} cannot be indexed by a policy")));
        }
        if fields.iter().any(|one| one.name == field) {
            return Err(bad(format!("{field} is there twice")));
        }
        fields.push(Field { name: field.to_owned(), is_facet });
    }
    Ok(fields)
}
