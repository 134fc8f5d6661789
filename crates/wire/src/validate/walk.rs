use haneul_shape::{ListShape, MapShape, Ref, Shape, ShapeId};

use super::family::Family;
use super::order;
use crate::missing::Missing;
use crate::model::{Bound, Constraints, Kind, Member, Model};

/// One way from a value to what it contains.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    Member(&'a Member),
    /// From zero.
    Index(usize),
    Key(&'a str),
}

#[derive(Debug)]
pub(crate) struct Violation<'a> {
    pub(crate) path: Vec<Step<'a>>,
    /// The value as text; `None` for one that must not be shown.
    pub(crate) value: Option<String>,
    pub(crate) rule: Rule<'a>,
}

#[derive(Debug)]
pub(crate) enum Rule<'a> {
    Required,
    LengthMin(Bound),
    LengthMax(Bound),
    ValueMin(Bound),
    ValueMax(Bound),
    Pattern(&'a str),
    Enum(&'a [&'static str]),
    /// An element of a list of scalars; the message names the list and all constraints of an element.
    Elements(Vec<Rule<'a>>),
    Keys(Vec<Rule<'a>>),
    Values(Vec<Rule<'a>>),
    /// A union without a value.
    UnionUnset,
}

/// A message names no more than these, as AWS's do.
const VIOLATIONS_MAX: usize = 10;

/// No more are looked for; they are put in order before the rest is left out.
const FOUND_MAX: usize = 100;

pub(crate) fn violations<'a>(
    model: &'a Model,
    input: &'a dyn Shape,
    missing: &'a Missing,
) -> Vec<Violation<'a>> {
    let mut walk = Walk {
        model,
        missing,
        values: model.family.checks_values(),
        found: Vec::new(),
        path: Vec::new(),
        indices: Vec::new(),
    };
    walk.structure(input);
    let mut found = walk.found;
    order::sort(model.family, &mut found);
    found.truncate(VIOLATIONS_MAX);
    found
}

struct Walk<'a> {
    model: &'a Model,
    missing: &'a Missing,
    values: bool,
    found: Vec<Violation<'a>>,
    path: Vec<Step<'a>>,
    /// The same path as the decoder counted it.
    indices: Vec<u32>,
}

impl<'a> Walk<'a> {
    fn structure(&mut self, shape: &'a dyn Shape) {
        let def = self.model.structure(shape.id());
        // DynamoDB says this of an attribute value where it reads it, since the words depend on where it stands.
        let said_later = self.model.family == Family::DynamoDb;
        if def.union && self.values && shape.variant().is_none() && !said_later {
            self.report(None, Rule::UnionUnset);
        }
        for (i, member) in def.members.iter().enumerate() {
            self.path.push(Step::Member(member));
            self.indices.push(i as u32);
            let value = shape.get(i);
            let is_missing =
                !self.missing.is_empty() && member.required && self.missing.contains(&self.indices);
            if is_missing && !self.is_left_to_operation(member) {
                self.report(Some(String::from("null")), Rule::Required);
            } else {
                self.value(member.shape, value);
            }
            self.path.pop();
            self.indices.pop();
        }
    }

    /// SQS's operations have words of their own for a list without entries, which in the query protocol is one that is not there,
    /// for an attribute without a type and for a call without its receipt.
    fn is_left_to_operation(&self, member: &Member) -> bool {
        if self.model.family != Family::Sqs {
            return false;
        }
        match member.name {
            "DataType" => true,
            "ReceiptHandle" => self.path.len() == 1,
            _ => matches!(self.model.shape(member.shape).kind, Kind::List(_) | Kind::Map(_)),
        }
    }

    fn value(&mut self, shape: ShapeId, value: Ref<'a>) {
        match value {
            Ref::Null => {}
            Ref::Struct(value) => self.structure(value),
            Ref::List(list) => {
                self.check(shape, Ref::List(list), list.len());
                self.list(shape, list);
            }
            Ref::Map(map) => {
                self.check(shape, Ref::Map(map), map.len());
                self.map(shape, map);
            }
            value => self.check(shape, value, 0),
        }
    }

    /// What a value of a map contains; its own length was checked with the map.
    fn inside(&mut self, shape: ShapeId, value: Ref<'a>) {
        match value {
            Ref::List(list) => self.list(shape, list),
            Ref::Map(map) => self.map(shape, map),
            value => self.value(shape, value),
        }
    }

    fn list(&mut self, shape: ShapeId, list: &'a dyn ListShape) {
        let Kind::List(def) = &self.model.shape(shape).kind else { return };
        if !self.is_composite(def.member) {
            let fails = |i: usize| !self.broken(def.member, &list.get(i), 0).is_empty();
            if self.values && (0..list.len()).any(fails) {
                let rules = all_rules(self.model, def.member);
                self.report(self.shown(shape, Ref::List(list)), Rule::Elements(rules));
            }
            return;
        }
        for i in 0..list.len() {
            self.path.push(Step::Index(i));
            self.indices.push(i as u32);
            self.value(def.member, list.get(i));
            self.path.pop();
            self.indices.pop();
        }
    }

    fn map(&mut self, shape: ShapeId, map: &'a dyn MapShape) {
        let Kind::Map(def) = &self.model.shape(shape).kind else { return };
        let entries = || (0..map.len()).map(|i| map.get(i));
        if self.values && entries().any(|(key, _)| !self.broken(def.key, &Ref::Str(key), 0).is_empty()) {
            let rules = all_rules(self.model, def.key);
            self.report(self.shown(shape, Ref::Map(map)), Rule::Keys(rules));
        }
        // A collection in a map is checked like a scalar: the message names the map, and all constraints of its values.
        let is_list = matches!(self.model.shape(def.value).kind, Kind::List(_) | Kind::Map(_));
        if is_list && self.values {
            let fails = |value: Ref<'_>| !self.broken(def.value, &value, length_of(&value)).is_empty();
            if entries().any(|(_, value)| fails(value)) {
                let rules = all_rules(self.model, def.value);
                self.report(self.shown(shape, Ref::Map(map)), Rule::Values(rules));
            }
        }
        if !self.is_composite(def.value) {
            if self.values && entries().any(|(_, value)| !self.broken(def.value, &value, 0).is_empty()) {
                let rules = all_rules(self.model, def.value);
                self.report(self.shown(shape, Ref::Map(map)), Rule::Values(rules));
            }
            return;
        }
        for (i, (key, value)) in entries().enumerate() {
            self.path.push(Step::Key(key));
            self.indices.push(i as u32);
            self.inside(def.value, value);
            self.path.pop();
            self.indices.pop();
        }
    }

    fn check(&mut self, shape: ShapeId, value: Ref<'a>, entries: usize) {
        if !self.values {
            return;
        }
        let broken = self.broken(shape, &value, entries);
        if broken.is_empty() {
            return;
        }
        let shown = self.shown(shape, value);
        for rule in broken {
            self.report(shown.clone(), rule);
        }
    }

    /// The rules that a value breaks by itself, not by what it contains.
    fn broken(&self, shape: ShapeId, value: &Ref<'_>, entries: usize) -> Vec<Rule<'a>> {
        let Some(rules) = self.model.shape(shape).constraints() else { return Vec::new() };
        match value {
            Ref::Str(text) => {
                let mut broken = lengths(rules, text.encode_utf16().count());
                if let Some(pattern) = rules.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
                    let first = order::pattern_is_first(self.model.service.name);
                    broken.insert(if first { 0 } else { broken.len() }, Rule::Pattern(&pattern.text));
                }
                let known = rules.values.is_empty() || rules.values.contains(text);
                if !known && !self.model.is_left_to_operations(shape) {
                    broken.push(Rule::Enum(order::of_values(self.model.family, &rules.values)));
                }
                broken
            }
            Ref::Blob(bytes) => lengths(rules, bytes.len()),
            Ref::List(_) | Ref::Map(_) => lengths(rules, entries),
            Ref::I32(value) => range(rules, f64::from(*value)),
            Ref::I64(value) => range(rules, *value as f64),
            Ref::F32(value) => range(rules, f64::from(*value)),
            Ref::F64(value) => range(rules, *value),
            _ => Vec::new(),
        }
    }

    fn is_composite(&self, shape: ShapeId) -> bool {
        matches!(self.model.shape(shape).kind, Kind::Structure(_) | Kind::List(_) | Kind::Map(_))
    }

    fn shown(&self, shape: ShapeId, value: Ref<'_>) -> Option<String> {
        if self.model.shape(shape).sensitive {
            return None;
        }
        let mut out = String::new();
        show(self.model, &mut out, value);
        Some(out)
    }

    fn report(&mut self, value: Option<String>, rule: Rule<'a>) {
        if self.found.len() < FOUND_MAX {
            self.found.push(Violation { path: self.path.clone(), value, rule });
        }
    }
}

fn length_of(value: &Ref<'_>) -> usize {
    match value {
        Ref::List(list) => list.len(),
        Ref::Map(map) => map.len(),
        _ => 0,
    }
}

fn lengths<'a>(rules: &Constraints, length: usize) -> Vec<Rule<'a>> {
    let mut broken = Vec::new();
    broken.extend(rules.max.filter(|max| length as f64 > max.value).map(Rule::LengthMax));
    broken.extend(rules.min.filter(|min| (length as f64) < min.value).map(Rule::LengthMin));
    broken
}

fn range<'a>(rules: &Constraints, value: f64) -> Vec<Rule<'a>> {
    let mut broken = Vec::new();
    broken.extend(rules.max.filter(|max| value > max.value).map(Rule::ValueMax));
    broken.extend(rules.min.filter(|min| value < min.value).map(Rule::ValueMin));
    broken
}

/// All that an element must satisfy, whether or not it does.
fn all_rules(model: &Model, shape: ShapeId) -> Vec<Rule<'_>> {
    let def = model.shape(shape);
    let Some(rules) = def.constraints() else { return Vec::new() };
    let number = matches!(def.kind, Kind::Integer | Kind::Long | Kind::Float | Kind::Double);
    let mut all = Vec::new();
    all.extend(rules.max.map(if number { Rule::ValueMax } else { Rule::LengthMax }));
    all.extend(rules.min.map(if number { Rule::ValueMin } else { Rule::LengthMin }));
    all.extend(rules.pattern.as_ref().map(|pattern| Rule::Pattern(&pattern.text)));
    if !rules.values.is_empty() {
        all.push(Rule::Enum(order::of_values(model.family, &rules.values)));
    }
    all
}

/// Longer values are cut in messages.
const SHOWN_MAX: usize = 2048;

/// As Java's collections write themselves.
fn show(model: &Model, out: &mut String, value: Ref<'_>) {
    if out.len() > SHOWN_MAX {
        return;
    }
    match value {
        Ref::Str(text) => out.extend(text.chars().take(SHOWN_MAX)),
        Ref::List(list) => {
            out.push('[');
            for i in 0..list.len() {
                if i > 0 {
                    out.push_str(", ");
                }
                show(model, out, list.get(i));
            }
            out.push(']');
        }
        Ref::Map(map) => {
            out.push('{');
            for i in 0..map.len() {
                let (key, value) = map.get(i);
                if i > 0 {
                    out.push_str(", ");
                }
                out.push_str(key);
                out.push('=');
                show(model, out, value);
            }
            out.push('}');
        }
        Ref::Struct(value) => {
            let def = model.structure(value.id());
            out.push_str(model.shape(value.id()).name);
            out.push('(');
            let mut first = true;
            for (i, member) in def.members.iter().enumerate() {
                let value = value.get(i);
                if matches!(value, Ref::Null) || model.shape(member.shape).sensitive {
                    continue;
                }
                if !std::mem::take(&mut first) {
                    out.push_str(", ");
                }
                out.push_str(&super::message::lower_camel(member.name));
                out.push('=');
                show(model, out, value);
            }
            out.push(')');
        }
        Ref::Blob(bytes) => {
            out.push_str(&format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", bytes.len()))
        }
        value => {
            let text = crate::form::write::scalar(value, crate::protocol::TimestampFormat::Iso8601);
            out.push_str(&text.unwrap_or_default());
        }
    }
}
