//! CSV: every attribute is a string, but those that are part of a key, which have its type. An empty field is no attribute.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_dynamodb_wire::shapes::AttributeValue;

use super::Read;
use crate::value::{Attrs, wire};

/// The fields of a line. A field in double quotes may contain the delimiter, and two quotes for one.
pub(crate) fn fields(line: &str, delimiter: char) -> Read<Vec<String>> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    let mut begins = true;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if begins => quoted = true,
            c if c == delimiter && !quoted => {
                fields.push(std::mem::take(&mut field));
                begins = true;
                continue;
            }
            c => field.push(c),
        }
        begins = false;
    }
    if quoted {
        return Err("A quoted field has no end".to_owned());
    }
    fields.push(field);
    Ok(fields)
}

/// The item of a line; `keys` has the name and type of every attribute that is part of a key.
pub(crate) fn item(line: &str, delimiter: char, header: &[String], keys: &[(String, String)]) -> Read<Attrs> {
    let fields = fields(line, delimiter)?;
    if fields.len() > header.len() {
        return Err("The line has more fields than the header".to_owned());
    }
    let mut item = Vec::with_capacity(fields.len());
    for (name, text) in header.iter().zip(fields).filter(|(_, text)| !text.is_empty()) {
        let kind = keys.iter().find(|(key, _)| key == name).map(|(_, kind)| kind.as_str());
        let value = match kind {
            Some("N") => AttributeValue::N(text),
            Some("B") => {
                AttributeValue::B(STANDARD.decode(text).map_err(|_| "Invalid base64".to_owned())?.into())
            }
            _ => AttributeValue::S(text),
        };
        item.push((name.clone(), value));
    }
    wire::attrs(item.into_iter().collect()).map_err(|error| error.message().to_owned())
}
