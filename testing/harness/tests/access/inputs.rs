//! Inputs of operations: made from the model, with the words of the world, or as its file gives them.

use haneul_shape::{Mut, Ref, Shape};
use haneul_wire::Model;
use serde_json::Value;

/// What texts stand for members of these names.
pub(crate) struct Words<'a> {
    pub of: &'a dyn Fn(&str) -> Option<String>,
    /// For members that want an ARN, whatever they are called.
    pub arn: &'a str,
}

/// Fills what is required, and with `all` what is not, some levels deep.
pub(crate) fn fill(model: &Model, into: &mut dyn Shape, words: &Words<'_>, all: bool, depth: usize) {
    let def = model.structure(into.id());
    if depth > 4 {
        return;
    }
    for (at, member) in def.members.iter().enumerate() {
        if member.required || all && depth < 2 {
            place(model, into.get_mut(at), member.name, words, all, depth);
        }
        if def.union {
            return;
        }
    }
}

fn place(model: &Model, into: Mut<'_>, name: &str, words: &Words<'_>, all: bool, depth: usize) {
    match into {
        Mut::Bool(into) => *into = true,
        Mut::I32(into) => *into = 1,
        Mut::I64(into) => *into = 1,
        Mut::F32(into) => *into = 1.0,
        Mut::F64(into) => *into = 1.0,
        Mut::Str(into) => *into = text(name, words),
        Mut::Struct(into) => fill(model, into, words, all, depth + 1),
        Mut::List(into) => place(model, into.push(), name, words, all, depth + 1),
        Mut::Map(into) => {
            let name = if name == "RequestItems" { "RequestItems" } else { "Value" };
            place(model, into.insert("thing".to_owned()), name, words, all, depth + 1);
        }
        Mut::Blob(_) | Mut::Timestamp(_) | Mut::Document(_) | Mut::Stream(_) | Mut::Events(_) => {}
    }
}

fn text(name: &str, words: &Words<'_>) -> String {
    let lower = name.to_lowercase();
    match (words.of)(&lower) {
        Some(word) => word,
        None if lower.ends_with("arn") || lower == "resource" => words.arn.into(),
        None if lower.ends_with("document") || lower == "policy" => "{}".into(),
        None => "thing".into(),
    }
}

/// Fills a structure from JSON by the model's names of members.
pub(crate) fn read(model: &Model, into: &mut dyn Shape, json: &Value) {
    let fields = json.as_object().unwrap_or_else(|| panic!("{json} is no structure"));
    let def = model.structure(into.id());
    for (name, value) in fields {
        let at = def.members.iter().position(|member| member.name == name);
        let at = at.unwrap_or_else(|| panic!("no member {name} in {json}"));
        read_value(model, into.get_mut(at), value);
    }
}

fn read_value(model: &Model, into: Mut<'_>, json: &Value) {
    let text = || json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    let number = || json.as_f64().unwrap_or_else(|| panic!("{json} is no number"));
    match into {
        Mut::Bool(into) => *into = json.as_bool().unwrap_or_else(|| panic!("{json} is no boolean")),
        Mut::I32(into) => *into = number() as i32,
        Mut::I64(into) => *into = number() as i64,
        Mut::F32(into) => *into = number() as f32,
        Mut::F64(into) => *into = number(),
        Mut::Str(into) => *into = text(),
        Mut::Blob(into) => *into = blob(&text()).into(),
        Mut::Stream(into) => *into = haneul_kit::ByteStream::from_bytes(text()),
        Mut::Timestamp(into) => *into = haneul_base::Instant::from_secs(number() as i64),
        Mut::Struct(into) => read(model, into, json),
        Mut::List(into) => {
            for item in json.as_array().unwrap_or_else(|| panic!("{json} is no list")) {
                read_value(model, into.push(), item);
            }
        }
        Mut::Map(into) => {
            for (key, value) in json.as_object().unwrap_or_else(|| panic!("{json} is no map")) {
                read_value(model, into.insert(key.clone()), value);
            }
        }
        Mut::Document(_) | Mut::Events(_) => panic!("{json} cannot stand here"),
    }
}

/// As hexadecimal after `hex:`, which is how [`pick`] gives bytes; otherwise the text's own.
fn blob(text: &str) -> Vec<u8> {
    let Some(digits) = text.strip_prefix("hex:") else { return text.as_bytes().to_vec() };
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}

/// What stands at a path of an output: `Shards/0/ShardId`.
pub(crate) fn pick(model: &Model, shape: &dyn Shape, path: &str) -> Option<String> {
    let mut parts = path.split('/');
    let member = |shape: &dyn Shape, name: &str| {
        model.structure(shape.id()).members.iter().position(|member| member.name == name)
    };
    let mut at = shape.get(member(shape, parts.next()?)?);
    for part in parts {
        at = match at {
            Ref::Struct(inner) => inner.get(member(inner, part)?),
            Ref::List(list) => part.parse().ok().filter(|i| *i < list.len()).map(|i| list.get(i))?,
            _ => return None,
        };
    }
    match at {
        Ref::Str(text) => Some(text.to_owned()),
        Ref::I64(number) => Some(number.to_string()),
        Ref::Blob(bytes) => {
            Some(bytes.iter().fold(String::from("hex:"), |text, byte| format!("{text}{byte:02x}")))
        }
        _ => None,
    }
}
