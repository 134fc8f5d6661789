use std::io::Write;

use haneul_shape::{Ref, Shape, ShapeId};

use super::document;
use crate::model::{Kind, Location, Model};
use crate::plain::plain_prefix;
use crate::protocol::TimestampFormat;
use crate::text;

/// The body of a message: the members that REST does not carry elsewhere.
pub(crate) fn body(model: &Model, shape: &dyn Shape) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    structure(&mut out, model, shape);
    out
}

pub(crate) fn structure(out: &mut Vec<u8>, model: &Model, shape: &dyn Shape) {
    let def = model.structure(shape.id());
    out.push(b'{');
    let mut first = true;
    for (i, member) in def.members.iter().enumerate() {
        let value = shape.get(i);
        if member.location != Location::Body || matches!(value, Ref::Null | Ref::Stream(_) | Ref::Events(_)) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        string(out, member.wire_name);
        out.push(b':');
        self::value(out, model, member.shape, member.timestamp, value);
    }
    out.push(b'}');
}

/// One value; `timestamp` is the format that the member asks for.
pub(crate) fn value(
    out: &mut Vec<u8>,
    model: &Model,
    shape: ShapeId,
    timestamp: Option<TimestampFormat>,
    value: Ref<'_>,
) {
    match value {
        Ref::Null | Ref::Stream(_) | Ref::Events(_) => out.extend_from_slice(b"null"),
        Ref::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Ref::I32(value) => display(out, value),
        Ref::I64(value) => display(out, value),
        Ref::F32(value) => float(out, text::float32(value), value.is_finite()),
        Ref::F64(value) => float(out, text::float(value), value.is_finite()),
        Ref::Str(value) => string(out, value),
        Ref::Blob(value) => {
            out.push(b'"');
            out.extend_from_slice(text::base64(value).as_bytes());
            out.push(b'"');
        }
        Ref::Timestamp(at) => {
            let of_shape = match &model.shape(shape).kind {
                Kind::Timestamp(format) => *format,
                _ => None,
            };
            match timestamp.or(of_shape).unwrap_or(TimestampFormat::EpochSeconds) {
                format @ TimestampFormat::EpochSeconds => {
                    out.extend_from_slice(text::timestamp(at, format).as_bytes());
                }
                format => string(out, &text::timestamp(at, format)),
            }
        }
        Ref::Document(value) => document::write(out, value),
        Ref::Struct(value) => structure(out, model, value),
        Ref::List(list) => {
            let Kind::List(def) = &model.shape(shape).kind else { return out.extend_from_slice(b"[]") };
            out.push(b'[');
            for i in 0..list.len() {
                if i > 0 {
                    out.push(b',');
                }
                self::value(out, model, def.member, None, list.get(i));
            }
            out.push(b']');
        }
        Ref::Map(map) => {
            let Kind::Map(def) = &model.shape(shape).kind else { return out.extend_from_slice(b"{}") };
            out.push(b'{');
            for i in 0..map.len() {
                if i > 0 {
                    out.push(b',');
                }
                let (key, value) = map.get(i);
                string(out, key);
                out.push(b':');
                self::value(out, model, def.value, None, value);
            }
            out.push(b'}');
        }
    }
}

/// A string in quotes, escaped as little as RFC 8259 allows.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_prefix(rest, |byte| byte < 0x20 || byte == b'"' || byte == b'\\');
        out.extend_from_slice(&rest[..plain]);
        let Some((special, after)) = rest[plain..].split_first() else { break };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            // Writing to a vector cannot fail.
            other => drop(write!(out, "\\u{other:04x}")),
        }
        rest = after;
    }
    out.push(b'"');
}

pub(crate) fn display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

/// The three values that JSON's grammar has no number for are strings.
fn float(out: &mut Vec<u8>, text: String, finite: bool) {
    if finite {
        out.extend_from_slice(text.as_bytes());
    } else {
        string(out, &text);
    }
}
