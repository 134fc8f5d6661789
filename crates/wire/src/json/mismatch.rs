//! What is said of a value whose type is not the model's, in the words of the family: Coral's, or DynamoDB's, which names the
//! Java type that it wanted.

use haneul_shape::ShapeId;

use super::lexer::Token;
use crate::error::WireError;
use crate::model::{Kind, Model};
use crate::validate::Family;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is a member of a structure.
    Member,
    /// It is an element of a list or a value of a map.
    Entry,
}

const NOT_BASE64: &str = "only base-64-encoded strings are convertible to bytes";

/// Of a body that is no structure.
pub(super) fn of_body(family: Family, token: &Token<'_>) -> WireError {
    match family {
        Family::DynamoDb => WireError::serialization("Unexpected field type"),
        _ => of_coral(token, "Structure"),
    }
}

/// `expected` is the kind of the shape, as a word.
pub(super) fn of(
    model: &Model,
    token: &Token<'_>,
    shape: ShapeId,
    expected: &str,
    place: Place,
) -> WireError {
    match model.family {
        Family::DynamoDb => of_dynamodb(model, token, shape, expected, place),
        _ => of_coral(token, expected),
    }
}

/// Of text that is not Base64.
pub(super) fn base64(family: Family, text: &str) -> WireError {
    if family != Family::DynamoDb {
        return WireError::serialization(NOT_BASE64);
    }
    if !text.len().is_multiple_of(4) {
        return WireError::serialization(format!(
            "Base64 encoded length is expected a multiple of 4 bytes but found: {}",
            text.len()
        ));
    }
    let body = text.trim_end_matches('=');
    let foreign = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/'));
    match body.chars().find(foreign).or((text.len() - body.len() > 2).then_some('=')) {
        Some(character) => WireError::serialization(format!("Invalid Base64 character: '{character}'")),
        // The word is AWS's.
        None => WireError::serialization("Invalid last non-pad Base64 character dectected"),
    }
}

fn of_dynamodb(model: &Model, token: &Token<'_>, shape: ShapeId, expected: &str, place: Place) -> WireError {
    let container = matches!(expected, "List" | "Structure" | "Map");
    WireError::serialization(match (token, expected, place) {
        (Token::Array, "Map", _) => format!("Unrecognized collection type {}", java(model, shape)),
        (Token::Array, ..) => format!("Unrecognized collection type class {}", java(model, shape)),
        (Token::Object, ..) => "Start of structure or map found where not expected".to_owned(),
        (_, "Structure", Place::Entry) => "Unexpected value type in payload".to_owned(),
        _ if container => "Unexpected field type".to_owned(),
        (Token::String(_), "Boolean", _) => "Unexpected token received from parser".to_owned(),
        (_, "Blob", _) => NOT_BASE64.to_owned(),
        _ => format!("{} cannot be converted to {expected}", given(token)),
    })
}

/// The Java type that AWS's service reads a shape into.
fn java(model: &Model, shape: ShapeId) -> String {
    let shape = model.shape(shape);
    match &shape.kind {
        Kind::Boolean => "java.lang.Boolean".to_owned(),
        Kind::Integer => "java.lang.Integer".to_owned(),
        Kind::Long => "java.lang.Long".to_owned(),
        Kind::Float => "java.lang.Float".to_owned(),
        Kind::Double => "java.lang.Double".to_owned(),
        Kind::String => "java.lang.String".to_owned(),
        Kind::Blob => "java.nio.ByteBuffer".to_owned(),
        Kind::Timestamp(_) => "java.util.Date".to_owned(),
        Kind::Document => "java.lang.Object".to_owned(),
        Kind::List(def) => format!("java.util.List<{}>", java(model, def.member)),
        Kind::Map(def) => format!("java.util.Map<java.lang.String, {}>", java(model, def.value)),
        Kind::Structure(_) => format!("com.amazonaws.dynamodb.v20120810.{}", shape.name),
    }
}

fn of_coral(token: &Token<'_>, expected: &str) -> WireError {
    WireError::serialization(match (token, expected) {
        (Token::Object | Token::Array, "List" | "Structure" | "Map") => "Unexpected field type".to_owned(),
        (Token::Object, _) => "Start of structure or map found where not expected.".to_owned(),
        (Token::Array, _) => "Start of list found where not expected".to_owned(),
        (_, "List") => "Expected list or null".to_owned(),
        (_, "Structure" | "Map") => "Expected null".to_owned(),
        _ => {
            let article = if expected.starts_with('I') { "an" } else { "a" };
            format!("{} can not be converted to {article} {expected}", given(token))
        }
    })
}

fn given(token: &Token<'_>) -> &'static str {
    match token {
        Token::Null => "NULL_VALUE",
        Token::Bool(true) => "TRUE_VALUE",
        Token::Bool(false) => "FALSE_VALUE",
        Token::Number(text) if text.contains(['.', 'e', 'E']) => "DECIMAL_VALUE",
        Token::Number(_) => "NUMBER_VALUE",
        Token::String(_) => "STRING_VALUE",
        Token::Object | Token::Array => "COLLECTION_VALUE",
    }
}
