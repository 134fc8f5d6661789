//! Commands that look at one record at a time.

use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value as Json};

use super::eval::{Moment, eval};
use super::lookup::split_csv;
use super::plan::{Command, Expr};
use super::record::Record;
use super::value::Value;

/// Matches of one text, and pairs of one line of logfmt.
const MATCHES_MAX: usize = 10_000;
const PAIRS_MAX: usize = 1000;

impl Command {
    /// Whether it looks at one record at a time.
    pub(super) fn is_per_record(&self) -> bool {
        self.multiplies()
            || matches!(
                self,
                Command::Compute(_)
                    | Command::Filter(_)
                    | Command::Lookup(_)
                    | Command::CidrLookup(_)
                    | Command::Parse { .. }
                    | Command::ParseLogfmt { .. }
                    | Command::ParseCsv { .. }
                    | Command::Json { .. }
                    | Command::Join(_)
            )
    }

    /// Whether it makes several records of one.
    pub(super) fn multiplies(&self) -> bool {
        matches!(self, Command::Unnest { .. } | Command::Expand(_) | Command::ParseAll { .. })
    }
}

/// Works a command out on one record; whether the record stays.
pub(super) fn apply(command: &Command, record: &mut Record, at: &Moment) -> bool {
    match command {
        Command::Filter(expr) => return eval(expr, record, at).truth(),
        Command::Compute(list) => {
            for (name, expr) in list {
                let value = eval(expr, record, at).into_owned();
                if !value.is_missing() {
                    record.set(name, value);
                }
            }
        }
        Command::Lookup(lookup) => lookup.apply(record, at),
        Command::CidrLookup(lookup) => lookup.apply(record, at),
        Command::Parse { from, regex, fields } => {
            let Some(text) = text(from, record, at) else { return true };
            let Some(found) = regex.captures(&text) else { return true };
            let values = found.iter().skip(1).zip(fields);
            for (value, name) in values.filter_map(|(value, name)| Some((value?, name))) {
                record.set(name, Value::Text(value.as_str().to_owned()));
            }
        }
        Command::ParseCsv { from, fields } => {
            let Some(text) = text(from, record, at) else { return true };
            for (name, cell) in fields.iter().zip(split_csv(&text)) {
                record.set(name, Value::Text(cell));
            }
        }
        Command::ParseLogfmt { from, into } => {
            let Some(text) = text(from, record, at) else { return true };
            let pairs = logfmt(&text);
            if !pairs.is_empty() {
                record.set(into, Value::Structure(Arc::new(pairs.into())));
            }
        }
        Command::Json { from, path, into } => {
            let value = document(from, record, at).below(path);
            if !value.is_missing() {
                record.set(into, value);
            }
        }
        _ => {}
    }
    true
}

fn text(from: &Expr, record: &Record, at: &Moment) -> Option<String> {
    match &*eval(from, record, at) {
        Value::Structure(_) => None,
        value => value.text().filter(|text| at.spend(text.len())),
    }
}

/// A structure, or the one that a text is.
fn document(from: &Expr, record: &Record, at: &Moment) -> Value {
    let value = eval(from, record, at).into_owned();
    match &value {
        Value::Text(text) if at.spend(text.len()) => {
            serde_json::from_str(text).map_or(Value::Missing, |json| Value::of_json(&json))
        }
        // Its members are fields of the event itself.
        Value::Missing => match from {
            Expr::Field(name) => of_message(record, name, at),
            _ => Value::Missing,
        },
        _ => value,
    }
}

/// What a JSON message has under a name whose members are told one by one.
fn of_message(record: &Record, name: &str, at: &Moment) -> Value {
    let message = record.get("@message").text().filter(|text| at.spend(text.len()));
    let json = message.and_then(|text| serde_json::from_str::<Json>(&text).ok());
    json.map_or(Value::Missing, |json| Value::Structure(Arc::new(json)).below(name))
}

/// The elements of a list; what is no list counts as a list of one.
fn elements(value: &Value) -> Vec<Value> {
    match value {
        Value::Missing => Vec::new(),
        Value::Structure(json) => match &**json {
            Json::Array(elements) => elements.iter().map(Value::of_json).collect(),
            _ => vec![value.clone()],
        },
        _ => vec![value.clone()],
    }
}

/// What a record that is made of another has beside it.
pub(super) type Fields<'c> = Vec<(&'c str, Value)>;

/// What each of the records has that a command makes of one.
pub(super) fn several<'c>(command: &'c Command, record: &Record, at: &Moment) -> Vec<Fields<'c>> {
    let one_each = |field: &'c str, values: Vec<Value>| {
        values.into_iter().map(|value| vec![(field, value)]).collect::<Vec<_>>()
    };
    match command {
        Command::Unnest { list, field } => one_each(field, elements(&eval(list, record, at))),
        Command::Expand(field) => match document(&Expr::Field(field.clone()), record, at) {
            list @ Value::Structure(_) => one_each(field, elements(&list)),
            // An event without it stays as it is.
            _ => vec![Vec::new()],
        },
        Command::ParseAll { from, regex, fields } => match text(from, record, at) {
            Some(text) => matches(&text, regex, fields),
            None => vec![Vec::new()],
        },
        _ => vec![Vec::new()],
    }
}

/// The fields of each match of an expression; of a text without one, none.
fn matches<'c>(text: &str, regex: &Regex, fields: &'c [String]) -> Vec<Fields<'c>> {
    let of = |found: regex::Captures<'_>| {
        let values = found.iter().skip(1).zip(fields);
        let set = |(value, name): (Option<regex::Match<'_>>, &'c String)| {
            Some((name.as_str(), Value::Text(value?.as_str().to_owned())))
        };
        values.filter_map(set).collect()
    };
    let all: Vec<Fields<'c>> = regex.captures_iter(text).take(MATCHES_MAX + 1).map(of).collect();
    if all.is_empty() { vec![Vec::new()] } else { all }
}

/// `key=value key="a value" flag`: a key without a value is true.
fn logfmt(text: &str) -> Map<String, Json> {
    let (mut pairs, mut rest) = (Map::new(), text.trim_start());
    while !rest.is_empty() && pairs.len() < PAIRS_MAX {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let key = &rest[..end];
        rest = &rest[end..];
        let value = match rest.strip_prefix('=') {
            None => Json::Bool(true),
            Some(after) => {
                let (value, left) = logfmt_value(after);
                rest = left;
                Json::String(value)
            }
        };
        if !key.is_empty() {
            pairs.insert(key.to_owned(), value);
        }
        rest = rest.trim_start();
    }
    pairs
}

fn logfmt_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut value, mut chars) = (String::new(), quoted.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, other)) => value.push(other),
                None => {}
            },
            c => value.push(c),
        }
    }
    (value, "")
}
