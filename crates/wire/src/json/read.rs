use std::borrow::Cow;

use bytes::Bytes;
use haneul_shape::{ListShape, MapShape, Mut, Shape, ShapeId};

use super::document;
use super::lexer::{JsonError, Lexer, Token};
use super::mismatch::{self, Place};
use crate::error::WireError;
use crate::missing::{Seen, Tracker};
use crate::model::{Kind, Location, Model, StructureDef};
use crate::text;
use crate::validate::Family;

type Result<T, E = Unread> = std::result::Result<T, E>;

/// Why a body could not be read.
enum Unread {
    /// It is not JSON.
    Syntax(JsonError),
    /// It is JSON of another kind than the model's.
    Kind(WireError),
}

impl Unread {
    fn in_words_of(self, family: Family) -> WireError {
        match (self, family) {
            // DynamoDB takes what is too deep for a value that is, not for text that cannot be read.
            (Unread::Syntax(JsonError::Depth), Family::DynamoDb) => WireError::sender(
                "ValidationException",
                "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported \
                 limit",
            ),
            // It does not say where.
            (Unread::Syntax(_), Family::DynamoDb) => WireError::serialization(""),
            (Unread::Syntax(error), _) => error.into(),
            (Unread::Kind(error), _) => error,
        }
    }
}

impl From<JsonError> for Unread {
    fn from(error: JsonError) -> Unread {
        Unread::Syntax(error)
    }
}

impl From<WireError> for Unread {
    fn from(error: WireError) -> Unread {
        Unread::Kind(error)
    }
}

/// Reads a body into a structure. Members that REST carries elsewhere are not looked for in it.
pub(crate) fn body(
    model: &Model,
    bytes: &[u8],
    into: &mut dyn Shape,
    seen: &mut Seen,
    tracker: &mut Tracker,
) -> Result<(), WireError> {
    read_body(model, bytes, into, seen, tracker).map_err(|error| error.in_words_of(model.family))
}

fn read_body(
    model: &Model,
    bytes: &[u8],
    into: &mut dyn Shape,
    seen: &mut Seen,
    tracker: &mut Tracker,
) -> Result<()> {
    let mut reader = Reader { model, lexer: Lexer::new(bytes)?, tracker };
    // Some SDKs send nothing where there is nothing to say.
    if reader.lexer.is_at_end() {
        return Ok(());
    }
    match reader.lexer.value()? {
        Token::Object => reader.members(model.structure(into.id()), into, seen)?,
        Token::Null => {}
        other => return Err(mismatch::of_body(model.family, &other).into()),
    }
    Ok(reader.lexer.end()?)
}

/// Reads a body that is a value by itself: a payload member of restJson.
pub(crate) fn payload(
    model: &Model,
    bytes: &[u8],
    shape: ShapeId,
    into: Mut<'_>,
    tracker: &mut Tracker,
) -> Result<(), WireError> {
    read_payload(model, bytes, shape, into, tracker).map_err(|error| error.in_words_of(model.family))
}

fn read_payload(
    model: &Model,
    bytes: &[u8],
    shape: ShapeId,
    into: Mut<'_>,
    tracker: &mut Tracker,
) -> Result<()> {
    let mut reader = Reader { model, lexer: Lexer::new(bytes)?, tracker };
    let token = reader.lexer.value()?;
    reader.value(token, shape, into, Place::Member)?;
    Ok(reader.lexer.end()?)
}

struct Reader<'m, 'a, 't> {
    model: &'m Model,
    lexer: Lexer<'a>,
    tracker: &'t mut Tracker,
}

impl Reader<'_, '_, '_> {
    /// After the opening brace.
    fn members(&mut self, def: &StructureDef, into: &mut dyn Shape, seen: &mut Seen) -> Result<()> {
        let (mut first, mut hint) = (true, 0);
        while let Some(key) = self.lexer.key(&mut first)? {
            let Some(i) = def.find(&key, hint).filter(|i| def.members[*i].location == Location::Body) else {
                self.lexer.skip()?;
                continue;
            };
            hint = i + 1;
            let token = self.lexer.value()?;
            if token == Token::Null {
                continue;
            }
            if seen.again(i) && matches!(token, Token::Object | Token::Array) {
                // A scalar's last value counts. There is no taking back half of a structure.
                return Err(WireError::serialization(format!("Duplicate field: {key}")).into());
            }
            if def.union && seen.count() > 1 {
                return Err(self.model.family.union_with_more_than_one().into());
            }
            self.tracker.enter(i);
            self.value(token, def.members[i].shape, into.get_mut(i), Place::Member)?;
            self.tracker.leave();
        }
        Ok(())
    }

    fn structure(&mut self, into: &mut dyn Shape) -> Result<()> {
        let def = self.model.structure(into.id());
        let mut seen = Seen::default();
        self.members(def, into, &mut seen)?;
        self.tracker.close(def, seen);
        Ok(())
    }

    fn value(&mut self, token: Token<'_>, shape: ShapeId, into: Mut<'_>, place: Place) -> Result<()> {
        match (into, token) {
            (Mut::Str(into), Token::String(text)) => *into = text.into_owned(),
            (Mut::Bool(into), Token::Bool(value)) => *into = value,
            (Mut::I32(into), Token::Number(text)) => {
                let value = integer(text, "int", self.model.family)?;
                *into = match self.model.family {
                    Family::DynamoDb => value.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
                    _ => i32::try_from(value).map_err(|_| out_of_range(text, "int"))?,
                };
            }
            (Mut::I64(into), Token::Number(text)) => *into = integer(text, "long", self.model.family)?,
            (Mut::F32(into), Token::Number(text)) => *into = number(text)? as f32,
            (Mut::F64(into), Token::Number(text)) => *into = number(text)?,
            (Mut::F32(into), Token::String(text)) => *into = special(&text)? as f32,
            (Mut::F64(into), Token::String(text)) => *into = special(&text)?,
            (Mut::Blob(into), Token::String(text)) => *into = blob(&text, self.model.family)?,
            (Mut::Timestamp(into), Token::Number(text)) => {
                *into = text::parse_epoch_seconds(text).ok_or_else(|| out_of_range(text, "timestamp"))?;
            }
            (Mut::Timestamp(into), Token::String(text)) => {
                *into = text::parse_timestamp(&text)
                    .ok_or_else(|| WireError::serialization(format!("Invalid timestamp: {text}")))?;
            }
            (Mut::Struct(into), Token::Object) => self.structure(into)?,
            (Mut::List(into), Token::Array) => self.list(shape, into)?,
            (Mut::Map(into), Token::Object) => self.map(shape, into)?,
            (Mut::Document(into), token) => *into = document::read(&mut self.lexer, token)?,
            // A stream cannot be a member of a JSON body; the model would have made it the payload.
            (Mut::Stream(_) | Mut::Events(_), token) => self.lexer.skip_rest(&token)?,
            (into, token) => {
                return Err(mismatch::of(self.model, &token, shape, expected(&into), place).into());
            }
        }
        Ok(())
    }

    fn list(&mut self, shape: ShapeId, into: &mut dyn ListShape) -> Result<()> {
        let Kind::List(def) = &self.model.shape(shape).kind else { return Err(model_differs().into()) };
        let mut first = true;
        while self.lexer.element(&mut first)? {
            let token = self.lexer.value()?;
            if token == Token::Null && !self.is_structure(def.member) {
                continue;
            }
            self.tracker.enter(into.len());
            self.entry(token, def.member, into.push())?;
            self.tracker.leave();
        }
        Ok(())
    }

    fn map(&mut self, shape: ShapeId, into: &mut dyn MapShape) -> Result<()> {
        let Kind::Map(def) = &self.model.shape(shape).kind else { return Err(model_differs().into()) };
        let mut first = true;
        while let Some(key) = self.lexer.key(&mut first)? {
            let token = self.lexer.value()?;
            if token == Token::Null && !self.is_structure(def.value) {
                continue;
            }
            self.tracker.enter(into.len());
            self.entry(token, def.value, into.insert(key.into_owned()))?;
            self.tracker.leave();
        }
        Ok(())
    }

    /// An element or entry, which exists even where it is null: its required members are then missing.
    fn entry(&mut self, token: Token<'_>, shape: ShapeId, into: Mut<'_>) -> Result<()> {
        match (token, into) {
            (Token::Null, Mut::Struct(into)) => {
                self.tracker.close(self.model.structure(into.id()), Seen::default());
                Ok(())
            }
            (token, into) => self.value(token, shape, into, Place::Entry),
        }
    }

    fn is_structure(&self, shape: ShapeId) -> bool {
        matches!(self.model.shape(shape).kind, Kind::Structure(_))
    }
}

fn expected(into: &Mut<'_>) -> &'static str {
    match into {
        Mut::Bool(_) => "Boolean",
        Mut::I32(_) => "Integer",
        Mut::I64(_) => "Long",
        Mut::F32(_) => "Float",
        Mut::F64(_) => "Double",
        Mut::Str(_) => "String",
        Mut::Blob(_) => "Blob",
        Mut::Timestamp(_) => "Timestamp",
        Mut::List(_) => "List",
        Mut::Map(_) => "Map",
        Mut::Struct(_) => "Structure",
        Mut::Document(_) | Mut::Stream(_) | Mut::Events(_) => "Document",
    }
}

/// An integer, also one written as `1.0` or `1e3`. DynamoDB cuts fractions off, and takes what is too large for the largest.
fn integer(text: &str, ty: &str, family: Family) -> Result<i64, WireError> {
    if let Ok(value) = text.parse() {
        return Ok(value);
    }
    match text.parse::<f64>() {
        Ok(value) if family == Family::DynamoDb => Ok(value as i64),
        // Beyond 2^53 a float would not be the number that was written.
        Ok(value) if value.trunc() == value && value.abs() < 9e15 => Ok(value as i64),
        Ok(value) if value.trunc() != value => {
            Err(WireError::serialization(format!("DECIMAL_VALUE can not be converted to {ty}")))
        }
        _ => Err(out_of_range(text, ty)),
    }
}

fn number(text: &str) -> Result<f64, WireError> {
    text.parse().map_err(|_| out_of_range(text, "double"))
}

fn special(text: &str) -> Result<f64, WireError> {
    match text {
        "NaN" | "Infinity" | "-Infinity" => Ok(text::parse_float(text).unwrap_or_default()),
        _ => Err(WireError::serialization("STRING_VALUE can not be converted to a Double")),
    }
}

fn blob(text: &str, family: Family) -> Result<Bytes, WireError> {
    let bytes = text::parse_base64(text).ok_or_else(|| mismatch::base64(family, text))?;
    Ok(bytes.into())
}

fn out_of_range(text: &str, ty: &str) -> WireError {
    let shown: String = text.chars().take(40).collect();
    WireError::serialization(format!("Numeric value ({shown}) out of range of {ty}"))
}

pub(crate) fn model_differs() -> WireError {
    WireError::receiver("InternalFailure", "the generated types are not those of the model")
}

impl From<JsonError> for WireError {
    fn from(error: JsonError) -> WireError {
        let message: Cow<'static, str> = match error {
            JsonError::Utf8 => "The request body is not valid UTF-8".into(),
            JsonError::UnexpectedEnd => "Unexpected end of the request body".into(),
            JsonError::Depth => "The request body is nested too deeply".into(),
            JsonError::Unexpected(_)
            | JsonError::Escape
            | JsonError::Control
            | JsonError::Number
            | JsonError::Trailing => "Unexpected token received from parser".into(),
        };
        WireError::serialization(message)
    }
}
