use std::borrow::Cow;

use serde_json::{Map, Value};

use super::budget::{self, Budget};

/// How deep and how far a path may reach.
const STEPS_MAX: usize = 32;

/// `a.b[0].c`: dots between members, brackets around positions.
pub(super) fn get<'v>(event: &'v Value, path: &str) -> Option<&'v Value> {
    steps(path).into_iter().try_fold(event, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Element(at) => value.get(at),
    })
}

pub(super) fn get_mut<'v>(event: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    steps(path).into_iter().try_fold(event, |value, step| match step {
        Step::Member(name) => value.get_mut(name),
        Step::Element(at) => value.get_mut(at),
    })
}

/// Puts a value, with the objects on the way to it; says whether there was a place for it, and room.
pub(super) fn set(
    event: &mut Value,
    path: &str,
    value: Value,
    overwrite: bool,
    budget: &mut Budget<'_>,
) -> bool {
    let mut place = event;
    let steps = steps(path);
    if !budget.take_value(&value, steps.len()) || !budget.take(path.len() * 2) {
        return false;
    }
    let Some((last, before)) = steps.split_last() else { return false };
    for step in before {
        let next = match (step, place) {
            (Step::Member(name), Value::Object(members)) => {
                members.entry(*name).or_insert_with(|| Value::Object(Map::new()))
            }
            (Step::Element(at), Value::Array(elements)) => match elements.get_mut(*at) {
                Some(element) => element,
                None => return false,
            },
            _ => return false,
        };
        place = next;
    }
    match (last, place) {
        (Step::Member(name), Value::Object(members)) => {
            if !overwrite && members.contains_key(*name) {
                return false;
            }
            members.insert((*name).to_owned(), value);
            true
        }
        (Step::Element(at), Value::Array(elements)) => match elements.get_mut(*at) {
            Some(element) if overwrite => {
                *element = value;
                true
            }
            _ => false,
        },
        _ => false,
    }
}

pub(super) fn remove(event: &mut Value, path: &str) -> Option<Value> {
    let steps = steps(path);
    let (last, before) = steps.split_last()?;
    let place = before.iter().try_fold(event, |value, step| match step {
        Step::Member(name) => value.get_mut(*name),
        Step::Element(at) => value.get_mut(*at),
    })?;
    match (last, place) {
        (Step::Member(name), Value::Object(members)) => members.remove(*name),
        (Step::Element(at), Value::Array(elements)) if *at < elements.len() => Some(elements.remove(*at)),
        _ => None,
    }
}

/// A value as text, for whoever works on texts; `None` when that is too long.
pub(super) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => budget::json(other).map(Cow::Owned),
    }
}

enum Step<'p> {
    Member(&'p str),
    Element(usize),
}

fn steps(path: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for part in path.split('.').take(STEPS_MAX) {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if !name.is_empty() {
            steps.push(Step::Member(name));
        }
        while let Some((inner, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            match inner.parse() {
                Ok(at) => steps.push(Step::Element(at)),
                Err(_) => return vec![Step::Member(path)],
            }
            rest = after;
        }
    }
    steps
}
