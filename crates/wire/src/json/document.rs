use haneul_shape::Document;

use super::lexer::{Lexer, Token};
use super::write::string;
use crate::error::WireError;
use crate::text;

/// Reads what follows `token` as a value of any form. The lexer limits the depth.
pub(crate) fn read(lexer: &mut Lexer<'_>, token: Token<'_>) -> Result<Document, WireError> {
    let mut first = true;
    Ok(match token {
        Token::Null => Document::Null,
        Token::Bool(value) => Document::Bool(value),
        Token::String(text) => Document::String(text.into_owned()),
        Token::Number(text) => match text.parse() {
            Ok(integer) => Document::Integer(integer),
            Err(_) => Document::Float(text.parse().unwrap_or_default()),
        },
        Token::Array => {
            let mut list = Vec::new();
            while lexer.element(&mut first)? {
                let token = lexer.value()?;
                list.push(read(lexer, token)?);
            }
            Document::List(list)
        }
        Token::Object => {
            let mut map = Vec::new();
            while let Some(key) = lexer.key(&mut first)? {
                let token = lexer.value()?;
                map.push((key.into_owned(), read(lexer, token)?));
            }
            Document::Map(map)
        }
    })
}

pub(crate) fn write(out: &mut Vec<u8>, document: &Document) {
    match document {
        Document::Null => out.extend_from_slice(b"null"),
        Document::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Document::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
        // JSON has no other numbers.
        Document::Float(value) if !value.is_finite() => out.extend_from_slice(b"null"),
        Document::Float(value) => out.extend_from_slice(text::float(*value).as_bytes()),
        Document::String(value) => string(out, value),
        Document::List(values) => {
            out.push(b'[');
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(out, value);
            }
            out.push(b']');
        }
        Document::Map(entries) => {
            out.push(b'{');
            for (i, (key, value)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                string(out, key);
                out.push(b':');
                write(out, value);
            }
            out.push(b'}');
        }
    }
}
