use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::value::Value;

/// What a query sees of one log event, or of one group of them after `stats`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    fields: BTreeMap<String, Value>,
}

/// Fields discovered in one event (User Guide: 1,000 for JSON).
const FIELDS_MAX: usize = 1000;
const DEPTH_MAX: usize = 32;

impl Record {
    /// An event with the fields that every event has; what is in its message is discovered too.
    pub(crate) fn event(
        message: &str,
        time_ms: i64,
        ingested_ms: i64,
        stream: &str,
        log: &str,
        pointer: Option<impl FnOnce() -> String>,
    ) -> Record {
        let mut record = Record::default();
        record.set("@message", Value::Text(message.to_owned()));
        record.set("@timestamp", Value::Time(time_ms));
        record.set("@ingestionTime", Value::Time(ingested_ms));
        record.set("@logStream", Value::Text(stream.to_owned()));
        record.set("@log", Value::Text(log.to_owned()));
        if let Some(pointer) = pointer {
            record.set("@ptr", Value::Text(pointer()));
        }
        record.discover(message);
        record
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.fields.insert(name.to_owned(), value);
    }

    pub(crate) fn get(&self, name: &str) -> Cow<'_, Value> {
        if let Some(value) = self.fields.get(name) {
            return Cow::Borrowed(value);
        }
        // `js.accounts.0` is in the structure `js`.
        for (at, _) in name.match_indices('.') {
            if let Some(structure @ Value::Structure(_)) = self.fields.get(&name[..at]) {
                return Cow::Owned(structure.below(&name[at + 1..]));
            }
        }
        Cow::Owned(Value::Missing)
    }

    pub(super) fn time(&self) -> Option<f64> {
        self.fields.get("@timestamp").and_then(Value::number)
    }

    /// Every field, by name.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn discover(&mut self, message: &str) {
        let trimmed = message.trim_start();
        if trimmed.starts_with('{') {
            if let Ok(value @ Json::Object(_)) = serde_json::from_str(trimmed) {
                self.flatten(&value, &mut String::new(), 0);
            }
        } else {
            self.lambda(trimmed);
        }
    }

    fn flatten(&mut self, value: &Json, path: &mut String, depth: usize) {
        if self.fields.len() >= FIELDS_MAX || depth > DEPTH_MAX {
            return;
        }
        let leaf = match value {
            Json::Object(members) => {
                for (name, member) in members {
                    self.below(path, name, member, depth);
                }
                return;
            }
            Json::Array(elements) => {
                for (i, element) in elements.iter().enumerate() {
                    self.below(path, &i.to_string(), element, depth);
                }
                return;
            }
            Json::Null => return,
            Json::Bool(yes) => Value::Bool(*yes),
            Json::Number(number) => Value::Text(number.to_string()),
            Json::String(text) => Value::Text(text.clone()),
        };
        self.fields.insert(path.clone(), leaf);
    }

    fn below(&mut self, path: &mut String, name: &str, value: &Json, depth: usize) {
        let length = path.len();
        if !path.is_empty() {
            path.push('.');
        } else if name.starts_with('@') {
            // As AWS shows them, so that none takes the place of a field of the system.
            path.push('@');
        }
        path.push_str(name);
        self.flatten(value, path, depth + 1);
        path.truncate(length);
    }

    /// The fields of the lines that Lambda writes around an invocation.
    fn lambda(&mut self, message: &str) {
        let Some((kind, rest)) = message.split_once(" RequestId: ") else { return };
        if !matches!(kind, "START" | "END" | "REPORT") {
            return;
        }
        self.set("@type", Value::Text(kind.to_owned()));
        let id = rest.split_whitespace().next().unwrap_or_default();
        self.set("@requestId", Value::Text(id.to_owned()));
        for part in rest.split('\t').skip(1) {
            let Some((name, amount)) = part.trim().split_once(": ") else { continue };
            let mut words = amount.split_whitespace();
            let Some(number) = words.next().and_then(|number| number.parse::<f64>().ok()) else { continue };
            let megabyte = if words.next() == Some("MB") { 1e6 } else { 1.0 };
            let field = match name {
                "Duration" => "@duration",
                "Billed Duration" => "@billedDuration",
                "Init Duration" => "@initDuration",
                "Memory Size" => "@memorySize",
                "Max Memory Used" => "@maxMemoryUsed",
                _ => continue,
            };
            self.set(field, Value::Number(number * megabyte));
        }
    }
}
