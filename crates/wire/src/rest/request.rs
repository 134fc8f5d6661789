use haneul_shape::{ListShape, MapShape, Mut, Ref, Shape, ShapeId};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::scalar;
use crate::error::WireError;
use crate::form::pairs::{self, Pair};
use crate::form::write::ESCAPED;
use crate::json::read::model_differs;
use crate::message::{RequestParts, header};
use crate::missing::{Seen, Tracker};
use crate::model::{Kind, Location, Model, OperationDef, Segment, StructureDef};
use crate::protocol::TimestampFormat;

type Result<T> = std::result::Result<T, WireError>;

/// In a greedy label a slash is itself.
const PATH: &AsciiSet = &ESCAPED.remove(b'/');

/// Reads the members that stand outside the body.
pub(crate) fn read(
    model: &Model,
    parts: &RequestParts<'_>,
    into: &mut dyn Shape,
    seen: &mut Seen,
    tracker: &mut Tracker,
) -> Result<()> {
    let def = model.structure(into.id());
    for label in parts.labels {
        let member = def.members.get(label.member).ok_or_else(model_differs)?;
        seen.again(label.member);
        scalar::read(&label.value, into.get_mut(label.member))
            .ok_or_else(|| invalid(member.wire_name, &label.value))?;
    }
    let query = pairs::parse(parts.query)?;
    for (i, member) in def.members.iter().enumerate() {
        tracker.enter(i);
        match member.location {
            Location::Query => {
                if let Some(text) = query_member(model, def, i, member.shape, &query, into)? {
                    seen.again(i);
                    scalar::read(text, into.get_mut(i)).ok_or_else(|| invalid(member.wire_name, text))?;
                } else if query.iter().any(|(key, _)| key == member.wire_name) {
                    seen.again(i);
                }
            }
            Location::Header => {
                header_member(model, i, member.wire_name, member.shape, parts.headers, into, seen)?
            }
            Location::Headers => headers_member(member.wire_name, parts.headers, into, i, seen)?,
            _ => {}
        }
        tracker.leave();
    }
    Ok(())
}

/// The text of a scalar parameter; lists and maps are filled here.
fn query_member<'q>(
    model: &Model,
    def: &StructureDef,
    i: usize,
    shape: ShapeId,
    query: &'q [Pair<'q>],
    into: &mut dyn Shape,
) -> Result<Option<&'q str>> {
    let name = def.members[i].wire_name;
    match &model.shape(shape).kind {
        Kind::List(_) => {
            for (_, value) in query.iter().filter(|(key, _)| key == name) {
                let Mut::List(list) = into.get_mut(i) else { return Err(model_differs()) };
                scalar::read(value, list.push()).ok_or_else(|| invalid(name, value))?;
            }
            Ok(None)
        }
        // All parameters that no other member has.
        Kind::Map(map) => {
            for (key, value) in query {
                if def
                    .members
                    .iter()
                    .any(|m| m.location == Location::Query && m.wire_name == key && m.wire_name != name)
                {
                    continue;
                }
                let Mut::Map(entries) = into.get_mut(i) else { return Err(model_differs()) };
                map_parameter(model, map.value, entries, key, value)?;
            }
            Ok(None)
        }
        _ => Ok(query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| &**value)),
    }
}

fn map_parameter(
    model: &Model,
    value_shape: ShapeId,
    entries: &mut dyn MapShape,
    key: &str,
    value: &str,
) -> Result<()> {
    let place = entries.insert(key.to_owned());
    match (place, &model.shape(value_shape).kind) {
        (Mut::List(list), Kind::List(_)) => scalar::read(value, list.push()),
        (place, _) => scalar::read(value, place),
    }
    .ok_or_else(|| invalid(key, value))
}

/// One header as a member; shared with the client's reading of answers.
pub(crate) fn header_member(
    model: &Model,
    i: usize,
    name: &str,
    shape: ShapeId,
    headers: &HeaderMap,
    into: &mut dyn Shape,
    seen: &mut Seen,
) -> Result<()> {
    let Some(text) = header(headers, name)? else { return Ok(()) };
    seen.again(i);
    match (&model.shape(shape).kind, into.get_mut(i)) {
        (Kind::List(_), Mut::List(list)) => list_header(text, list).ok_or_else(|| invalid(name, text)),
        (_, place) => scalar::read(text.trim(), place).ok_or_else(|| invalid(name, text)),
    }
}

/// A list in a header: separated by commas; an element with a comma or quote is quoted.
fn list_header(text: &str, list: &mut dyn ListShape) -> Option<()> {
    let mut rest = text.trim();
    // A date has a comma of its own.
    while !rest.is_empty() {
        let (element, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim().to_owned(), &rest[end..])
            }
        };
        scalar::read(&element, list.push())?;
        rest = after.trim_start().strip_prefix(',').unwrap_or("").trim_start();
    }
    Some(())
}

fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((out, &quoted[i + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

/// `x-amz-meta-*` as a map. Names of headers are lower case by now. Any bytes are text there: as Latin-1, which is what HTTP says of
/// what is not ASCII (RFC 2616, section 2.2), and what S3 reads.
pub(crate) fn headers_member(
    prefix: &str,
    headers: &HeaderMap,
    into: &mut dyn Shape,
    i: usize,
    seen: &mut Seen,
) -> Result<()> {
    for name in headers.keys() {
        let name = name.as_str();
        if name.len() < prefix.len() || !name[..prefix.len()].eq_ignore_ascii_case(prefix) {
            continue;
        }
        // A header given twice is one with its values joined.
        let text = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
        let values: Vec<String> = headers.get_all(name).iter().map(text).collect();
        let Mut::Map(map) = into.get_mut(i) else { return Err(model_differs()) };
        scalar::read(&values.join(","), map.insert(name[prefix.len()..].to_owned()))
            .ok_or_else(model_differs)?;
        seen.again(i);
    }
    Ok(())
}

fn invalid(name: &str, text: &str) -> WireError {
    let shown: String = text.chars().take(100).collect();
    WireError::serialization(format!("Invalid value for {name}: {shown}"))
}

/// What a client sends outside the body: the path with its query string, and headers.
pub(crate) fn write(
    model: &Model,
    operation: &OperationDef,
    input: &dyn Shape,
    headers: &mut HeaderMap,
) -> Result<String> {
    let def = model.structure(input.id());
    let mut uri = String::new();
    for segment in &operation.uri.segments {
        uri.push('/');
        let (name, set) = match segment {
            Segment::Literal(literal) => {
                uri.push_str(literal);
                continue;
            }
            Segment::Label(name) => (*name, ESCAPED),
            Segment::Greedy(name) => (*name, PATH),
        };
        let is_it = |m: &crate::model::Member| m.location == Location::Uri && m.wire_name == name;
        let i = def.find_by(0, is_it).ok_or_else(model_differs)?;
        let text = scalar::write(
            model,
            Some(&def.members[i]),
            def.members[i].shape,
            input.get(i),
            TimestampFormat::Iso8601,
        );
        let text = text.filter(|text| !text.is_empty()).ok_or_else(|| {
            WireError::sender("ParamValidation", format!("the label {name} must not be empty"))
        })?;
        uri.extend(utf8_percent_encode(&text, set));
    }
    if uri.is_empty() || operation.uri.trailing_slash {
        uri.push('/');
    }
    let mut query = Query { uri, first: true };
    for (key, value) in &operation.uri.query {
        query.pair(key, (!value.is_empty()).then_some(value));
    }
    for (i, member) in def.members.iter().enumerate() {
        let value = input.get(i);
        match member.location {
            Location::Query => write_query(&mut query, model, def, i, value),
            Location::Header => write_header(model, def, i, value, headers)?,
            Location::Headers => write_headers(member.wire_name, value, headers)?,
            _ => {}
        }
    }
    Ok(query.uri)
}

struct Query {
    uri: String,
    first: bool,
}

impl Query {
    fn pair(&mut self, key: &str, value: Option<&str>) {
        self.uri.push(if std::mem::take(&mut self.first) { '?' } else { '&' });
        self.uri.extend(utf8_percent_encode(key, ESCAPED));
        if let Some(value) = value {
            self.uri.push('=');
            self.uri.extend(utf8_percent_encode(value, ESCAPED));
        }
    }
}

fn write_query(query: &mut Query, model: &Model, def: &StructureDef, i: usize, value: Ref<'_>) {
    let member = &def.members[i];
    let mut scalar = |key: &str, shape, value| {
        if let Some(text) = scalar::write(model, Some(member), shape, value, TimestampFormat::Iso8601) {
            query.pair(key, Some(&text));
        }
    };
    match (&model.shape(member.shape).kind, value) {
        (_, Ref::Null) => {}
        (Kind::List(list), Ref::List(values)) => {
            for k in 0..values.len() {
                scalar(member.wire_name, list.member, values.get(k));
            }
        }
        (Kind::Map(map), Ref::Map(entries)) => {
            for k in 0..entries.len() {
                let (key, value) = entries.get(k);
                match (&model.shape(map.value).kind, value) {
                    (Kind::List(list), Ref::List(values)) => {
                        for k in 0..values.len() {
                            scalar(key, list.member, values.get(k));
                        }
                    }
                    (_, value) => scalar(key, map.value, value),
                }
            }
        }
        (_, value) => scalar(member.wire_name, member.shape, value),
    }
}

/// One member as a header; shared with the server's writing of answers.
pub(crate) fn write_header(
    model: &Model,
    def: &StructureDef,
    i: usize,
    value: Ref<'_>,
    headers: &mut HeaderMap,
) -> Result<()> {
    let member = &def.members[i];
    let text = match (&model.shape(member.shape).kind, value) {
        (_, Ref::Null) => return Ok(()),
        (Kind::List(list), Ref::List(values)) => {
            let mut texts = Vec::new();
            for k in 0..values.len() {
                let value = scalar::write(model, None, list.member, values.get(k), TimestampFormat::HttpDate);
                texts.extend(value.map(|text| quote(&text)));
            }
            texts.join(",")
        }
        (_, value) => {
            match scalar::write(model, Some(member), member.shape, value, TimestampFormat::HttpDate) {
                Some(text) => text,
                None => return Ok(()),
            }
        }
    };
    // An absent value and an empty one are the same in a header.
    if !text.is_empty() {
        headers.insert(name(member.wire_name)?, header_value(member.wire_name, &text)?);
    }
    Ok(())
}

fn quote(text: &str) -> String {
    if text.contains([',', '"']) || text.trim() != text || text.is_empty() {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text.to_owned()
    }
}

pub(crate) fn write_headers(prefix: &str, value: Ref<'_>, headers: &mut HeaderMap) -> Result<()> {
    let Ref::Map(map) = value else { return Ok(()) };
    for i in 0..map.len() {
        let (key, Ref::Str(value)) = map.get(i) else { return Err(model_differs()) };
        headers.insert(name(&format!("{prefix}{key}"))?, latin1(key, value)?);
    }
    Ok(())
}

fn latin1(name: &str, text: &str) -> Result<HeaderValue> {
    let bytes = text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>();
    bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok()).ok_or_else(|| invalid(name, text))
}

fn name(text: &str) -> Result<HeaderName> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| invalid(text, "not a name of a header"))
}

pub(crate) fn header_value(name: &str, text: &str) -> Result<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| invalid(name, text))
}
