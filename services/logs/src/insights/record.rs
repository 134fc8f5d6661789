use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::value::Value;

/// What a query sees of one log event, or of one group of them after `stats`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    fields: BTreeMap<String, Value>,
    /// What all events of its group have.
    group: Option<OfGroup>,
    /// The two records that `join` made it of, by their aliases.
    sides: Vec<(Arc<str>, Arc<Record>)>,
}

/// Fields, and their values, that the events of a group share.
pub(crate) type OfGroup = Arc<[(&'static str, Value)]>;

/// Fields discovered in one event (User Guide: 1,000 for JSON).
const FIELDS_MAX: usize = 1000;
const DEPTH_MAX: usize = 32;
/// What a field takes beside its name and its value, in bytes, about.
pub(super) const FIELD: usize = 96;

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

    /// The same, of a group.
    pub(crate) fn of_group(self, group: &OfGroup) -> Record {
        Record { group: Some(group.clone()), ..self }
    }

    /// Of two records that `join` brings together; the second may be missing.
    pub(super) fn joined(
        left: (&Arc<str>, &Arc<Record>),
        right: (&Arc<str>, Option<&Arc<Record>>),
    ) -> Record {
        let mut sides = vec![(left.0.clone(), left.1.clone())];
        sides.extend(right.1.map(|record| (right.0.clone(), record.clone())));
        Record { sides, ..Record::default() }
    }

    /// The record that `join` had on the left.
    pub(super) fn left(&self) -> Option<&Arc<Record>> {
        self.sides.first().map(|(_, record)| record)
    }

    /// About how many bytes of memory it takes beyond what it shares with the one before it: a list that both were made of,
    /// or the record that `join` had on the left.
    pub(super) fn weight(&self, before: Option<&Record>) -> usize {
        let weight = |(name, value): (&String, &Value)| {
            let is_shared = match (value, before.and_then(|before| before.fields.get(name))) {
                (Value::Structure(one), Some(Value::Structure(other))) => Arc::ptr_eq(one, other),
                _ => false,
            };
            FIELD + name.len() + if is_shared { 0 } else { value.weight() }
        };
        let left = self
            .left()
            .filter(|left| before.and_then(Record::left).is_none_or(|other| !Arc::ptr_eq(left, other)));
        FIELD + self.fields.iter().map(weight).sum::<usize>() + left.map_or(0, |left| left.weight(None))
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
        let shared = self.group.iter().flat_map(|group| group.iter()).find(|(shared, _)| *shared == name);
        match shared {
            Some((_, value)) => Cow::Borrowed(value),
            None => self.of_sides(name),
        }
    }

    /// By alias, else that of the left, else that of the right.
    fn of_sides(&self, name: &str) -> Cow<'_, Value> {
        let named = self
            .sides
            .iter()
            .filter_map(|(alias, record)| Some(record.get(name.strip_prefix(&**alias)?.strip_prefix('.')?)));
        let plain = self.sides.iter().map(|(_, record)| record.get(name));
        named.chain(plain).find(|value| !value.is_missing()).unwrap_or(Cow::Owned(Value::Missing))
    }

    pub(super) fn time(&self) -> Option<f64> {
        match self.sides.is_empty() {
            true => self.fields.get("@timestamp").and_then(Value::number),
            false => self.get("@timestamp").number(),
        }
    }

    /// The names of all that it has, those of joined records with their aliases.
    pub(super) fn names(&self) -> Vec<String> {
        let sides = self
            .sides
            .iter()
            .flat_map(|(alias, record)| record.fields.keys().map(move |name| format!("{alias}.{name}")));
        self.fields.keys().cloned().chain(sides).collect()
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
