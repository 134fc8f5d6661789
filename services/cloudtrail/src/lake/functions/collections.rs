//! Source: Trino, "Array functions and operators", "Map functions and operators".

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::Value as Json;

use super::{ELEMENTS_MAX, Entry, LARGEST, MANY, entry, fits, text, with_nulls};
use crate::lake::dates;
use crate::lake::expr::element;
use crate::lake::value::{Value, key};

pub(super) const TABLE: &[Entry] = &[
    entry("array_distinct", 1, 1, |all| Some(Value::Array(distinct(array(&all[0])?.iter())))),
    entry("array_except", 2, 2, |all| {
        let gone = keys(array(&all[1])?);
        let kept = array(&all[0])?.iter().filter(|one| !gone.contains(&key([*one])));
        Some(Value::Array(distinct(kept)))
    }),
    entry("array_intersect", 2, 2, |all| {
        let wanted = keys(array(&all[1])?);
        let kept = array(&all[0])?.iter().filter(|one| wanted.contains(&key([*one])));
        Some(Value::Array(distinct(kept)))
    }),
    entry("array_join", 2, 3, |all| {
        let shown = |one: &Value| one.text().or_else(|| text(all, 2));
        let parts: Vec<String> = array(&all[0])?.iter().filter_map(shown).collect();
        fits(parts.join(&text(all, 1)?))
    }),
    entry("array_max", 1, 1, |all| most(array(&all[0])?, Ordering::Greater)),
    entry("array_min", 1, 1, |all| most(array(&all[0])?, Ordering::Less)),
    entry("array_position", 2, 2, |all| {
        let at = array(&all[0])?.iter().position(|one| one.equals(&all[1]));
        Some(Value::Int(at.map_or(0, |at| at as i64 + 1)))
    }),
    entry("array_remove", 2, 2, |all| {
        Some(Value::Array(array(&all[0])?.iter().filter(|one| !one.equals(&all[1])).cloned().collect()))
    }),
    entry("array_sort", 1, 1, |all| {
        let mut sorted = array(&all[0])?.to_vec();
        sorted.sort_by(Value::order);
        Some(Value::Array(sorted))
    }),
    entry("array_union", 2, 2, |all| {
        Some(Value::Array(distinct(array(&all[0])?.iter().chain(array(&all[1])?))))
    }),
    entry("arrays_overlap", 2, 2, |all| {
        let wanted = keys(array(&all[1])?);
        Some(Value::Bool(array(&all[0])?.iter().any(|one| wanted.contains(&key([one])))))
    }),
    entry("cardinality", 1, 1, |all| {
        Some(Value::Int(match &all[0] {
            Value::Array(all) => all.len(),
            Value::Map(all) => all.len(),
            Value::Json(Json::Array(all)) => all.len(),
            Value::Json(Json::Object(all)) => all.len(),
            _ => return None,
        } as i64))
    }),
    entry("contains", 2, 2, |all| {
        let array = array(&all[0])?;
        match array.iter().any(|one| one.equals(&all[1])) {
            false if array.contains(&Value::Null) => None,
            found => Some(Value::Bool(found)),
        }
    }),
    entry("element_at", 2, 2, |all| Some(element(&all[0], &all[1]))),
    entry("flatten", 1, 1, |all| {
        let mut flat = Vec::new();
        for one in array(&all[0])? {
            if *one != Value::Null {
                flat.extend_from_slice(array(one)?);
            }
        }
        Some(Value::Array(flat))
    }),
    entry("map", 0, 2, |all| match all {
        [] => Some(Value::Map(Vec::new())),
        [keys, values] => {
            let (keys, values) = (array(keys)?, array(values)?);
            if keys.len() != values.len() || keys.contains(&Value::Null) {
                return None;
            }
            map(keys.iter().cloned().zip(values.iter().cloned()).collect())
        }
        _ => None,
    }),
    entry("map_concat", 2, MANY, |all| {
        let mut pairs = Vec::new();
        for one in all {
            pairs.extend(entries(one)?);
        }
        map(pairs)
    }),
    entry("map_entries", 1, 1, |all| {
        let pairs = entries(&all[0])?.into_iter();
        Some(Value::Array(pairs.map(|(key, value)| Value::Array(vec![key, value])).collect()))
    }),
    entry("map_from_entries", 1, 1, |all| {
        let pair = |one: &Value| match array(one)? {
            [key, value] => Some((key.clone(), value.clone())),
            _ => None,
        };
        map(array(&all[0])?.iter().map(pair).collect::<Option<Vec<_>>>()?)
    }),
    entry("map_keys", 1, 1, |all| {
        Some(Value::Array(entries(&all[0])?.into_iter().map(|(key, _)| key).collect()))
    }),
    entry("map_values", 1, 1, |all| {
        Some(Value::Array(entries(&all[0])?.into_iter().map(|(_, value)| value).collect()))
    }),
    with_nulls("repeat", 2, 2, |all| {
        let count = usize::try_from(all[1].whole()?).ok().filter(|count| *count <= ELEMENTS_MAX)?;
        (all[0].weight() * count <= LARGEST).then(|| Value::Array(vec![all[0].clone(); count]))
    }),
    entry("sequence", 2, 3, sequence),
    entry("slice", 3, 3, |all| {
        let (array, from) = (array(&all[0])?, all[1].whole()?);
        let from = if from < 0 { array.len() as i64 + from } else { from - 1 };
        let from = usize::try_from(from).ok()?;
        let length = usize::try_from(all[2].whole()?).ok()?;
        Some(Value::Array(array.iter().skip(from).take(length).cloned().collect()))
    }),
    entry("trim_array", 2, 2, |all| {
        let array = array(&all[0])?;
        let kept = array.len().checked_sub(usize::try_from(all[1].whole()?).ok()?)?;
        Some(Value::Array(array[..kept].to_vec()))
    }),
    entry("zip", 2, 5, |all| {
        let arrays = all.iter().map(array).collect::<Option<Vec<_>>>()?;
        let length = arrays.iter().map(|array| array.len()).max()?;
        let row = |at: usize| {
            Value::Array(arrays.iter().map(|all| all.get(at).cloned().unwrap_or(Value::Null)).collect())
        };
        Some(Value::Array((0..length).map(row).collect()))
    }),
];

pub(super) fn array(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(all) => Some(all),
        _ => None,
    }
}

/// The pairs of a map; those of an event are texts.
pub(super) fn entries(value: &Value) -> Option<Vec<(Value, Value)>> {
    match value {
        Value::Map(all) => Some(all.clone()),
        Value::Json(Json::Object(all)) => {
            let pair = |name: &String| {
                let key = Value::Text(name.clone());
                let value = element(value, &key);
                (key, value)
            };
            Some(all.keys().map(pair).collect())
        }
        _ => None,
    }
}

/// A map; of pairs with one key the last counts.
pub(super) fn map(pairs: Vec<(Value, Value)>) -> Option<Value> {
    let mut seen = HashSet::new();
    let mut kept: Vec<(Value, Value)> =
        pairs.into_iter().rev().filter(|(name, _)| seen.insert(key([name]))).collect();
    kept.reverse();
    Some(Value::Map(kept))
}

fn keys(all: &[Value]) -> HashSet<Vec<u8>> {
    all.iter().map(|one| key([one])).collect()
}

fn distinct<'a>(all: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let mut seen = HashSet::new();
    all.filter(|one| seen.insert(key([*one]))).cloned().collect()
}

/// NULL if any is.
fn most(all: &[Value], wanted: Ordering) -> Option<Value> {
    if all.contains(&Value::Null) {
        return None;
    }
    let better = |best: &'_ Value, one: &'_ Value| one.order(best) == wanted;
    let mut best = all.first()?;
    for one in all {
        if better(best, one) {
            best = one;
        }
    }
    Some(best.clone())
}

fn sequence(all: &[Value]) -> Option<Value> {
    let mut made = Vec::new();
    if let (Some(from), Some(to)) = (all[0].whole(), all[1].whole()) {
        let step = all.get(2).map_or(Some(if from <= to { 1 } else { -1 }), Value::whole)?;
        let mut at = from;
        while (step > 0 && at <= to) || (step < 0 && at >= to) {
            made.push(Value::Int(at));
            if made.len() > ELEMENTS_MAX {
                return None;
            }
            at = at.checked_add(step)?;
        }
        return Some(Value::Array(made));
    }
    let (mut at, to) = (all[0].time()?, all[1].time()?);
    while at <= to {
        made.push(if matches!(all[0], Value::Date(_)) { Value::Date(at) } else { Value::Time(at) });
        if made.len() > ELEMENTS_MAX || all.len() > 2 {
            return None;
        }
        at = dates::add("day", 1, at)?;
    }
    Some(Value::Array(made))
}
