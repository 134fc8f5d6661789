//! Source: Trino, "String functions and operators".

use std::iter;

use super::{ELEMENTS_MAX, Entry, LARGEST, MANY, entry, fits, text, with_nulls};
use crate::lake::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("chr", 1, 1, |all| {
        let code = u32::try_from(all[0].whole()?).ok()?;
        Some(Value::Text(char::from_u32(code)?.to_string()))
    }),
    entry("codepoint", 1, 1, |all| Some(Value::Int(i64::from(u32::from(text(all, 0)?.chars().next()?))))),
    entry("concat", 1, MANY, concat),
    with_nulls("concat_ws", 2, MANY, |all| {
        let parts: Vec<String> = all[1..].iter().filter_map(Value::text).collect();
        fits(parts.join(&text(all, 0)?))
    }),
    entry("length", 1, 1, |all| Some(Value::Int(text(all, 0)?.chars().count() as i64))),
    entry("levenshtein_distance", 2, 2, |all| distance(&text(all, 0)?, &text(all, 1)?)),
    entry("lower", 1, 1, |all| Some(Value::Text(text(all, 0)?.to_lowercase()))),
    entry("lpad", 3, 3, |all| pad(all, true)),
    entry("ltrim", 1, 1, |all| Some(Value::Text(text(all, 0)?.trim_start().to_owned()))),
    entry("replace", 2, 3, |all| {
        let (whole, old, new) = (text(all, 0)?, text(all, 1)?, text(all, 2).unwrap_or_default());
        let count = whole.matches(&old).count();
        (whole.len() + count * new.len() <= LARGEST).then(|| Value::Text(whole.replace(&old, &new)))
    }),
    entry("reverse", 1, 1, |all| match &all[0] {
        Value::Array(all) => Some(Value::Array(all.iter().rev().cloned().collect())),
        other => Some(Value::Text(other.text()?.chars().rev().collect())),
    }),
    entry("rpad", 3, 3, |all| pad(all, false)),
    entry("rtrim", 1, 1, |all| Some(Value::Text(text(all, 0)?.trim_end().to_owned()))),
    entry("split", 2, 3, |all| {
        let most = match all.get(2) {
            Some(most) => usize::try_from(most.whole()?).ok()?,
            None => ELEMENTS_MAX,
        };
        let (whole, by) = (text(all, 0)?, text(all, 1)?);
        Some(Value::Array(whole.splitn(most, &by).map(|part| Value::Text(part.to_owned())).collect()))
    }),
    entry("split_part", 3, 3, |all| {
        let at = usize::try_from(all[2].whole()? - 1).ok()?;
        Some(Value::Text(text(all, 0)?.split(text(all, 1)?.as_str()).nth(at)?.to_owned()))
    }),
    entry("split_to_map", 3, 3, |all| {
        let (whole, entries, pairs) = (text(all, 0)?, text(all, 1)?, text(all, 2)?);
        let mut map = Vec::new();
        for part in whole.split(&entries).take(ELEMENTS_MAX).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once(&pairs)?;
            map.push((Value::Text(key.to_owned()), Value::Text(value.to_owned())));
        }
        super::collections::map(map)
    }),
    entry("starts_with", 2, 2, |all| Some(Value::Bool(text(all, 0)?.starts_with(&text(all, 1)?)))),
    entry("strpos", 2, 3, |all| {
        let (whole, part) = (text(all, 0)?, text(all, 1)?);
        let nth = all.get(2).map_or(Some(1), Value::whole)?;
        let back = nth < 0;
        let nth = usize::try_from(nth.unsigned_abs().checked_sub(1)?).ok()?;
        let found = match back {
            false => whole.match_indices(&part).nth(nth),
            true => whole.rmatch_indices(&part).nth(nth),
        };
        Some(Value::Int(found.map_or(0, |(at, _)| whole[..at].chars().count() as i64 + 1)))
    }),
    entry("substr", 2, 3, substring),
    entry("substring", 2, 3, substring),
    entry("translate", 3, 3, |all| {
        let (from, to): (Vec<char>, Vec<char>) =
            (text(all, 1)?.chars().collect(), text(all, 2)?.chars().collect());
        let translated = text(all, 0)?
            .chars()
            .filter_map(|c| match from.iter().position(|one| *one == c) {
                Some(at) => to.get(at).copied(),
                None => Some(c),
            })
            .collect();
        Some(Value::Text(translated))
    }),
    entry("trim", 1, 1, |all| Some(Value::Text(text(all, 0)?.trim().to_owned()))),
    entry("upper", 1, 1, |all| Some(Value::Text(text(all, 0)?.to_uppercase()))),
];

/// Of texts or of arrays.
fn concat(all: &[Value]) -> Option<Value> {
    if all.iter().map(Value::weight).sum::<usize>() > LARGEST + size_of_val(all) {
        return None;
    }
    if !all.iter().any(|one| matches!(one, Value::Array(_))) {
        return fits(all.iter().filter_map(Value::text).collect());
    }
    let mut whole = Vec::new();
    for one in all {
        match one {
            Value::Array(all) => whole.extend_from_slice(all),
            one => whole.push(one.clone()),
        }
    }
    Some(Value::Array(whole))
}

fn pad(all: &[Value], left: bool) -> Option<Value> {
    let (whole, size, with) = (text(all, 0)?, usize::try_from(all[1].whole()?).ok()?, text(all, 2)?);
    if size > ELEMENTS_MAX || with.is_empty() {
        return None;
    }
    let whole: Vec<char> = whole.chars().collect();
    let missing = size.saturating_sub(whole.len());
    let padding: Vec<char> = iter::repeat(with.chars()).flatten().take(missing).collect();
    let kept = &whole[..whole.len().min(size)];
    let (first, second) = if left { (&padding[..], kept) } else { (kept, &padding[..]) };
    Some(Value::Text(first.iter().chain(second).collect()))
}

fn substring(all: &[Value]) -> Option<Value> {
    let whole: Vec<char> = text(all, 0)?.chars().collect();
    let from = all[1].number()? as i64;
    let from = if from < 0 { whole.len() as i64 + from } else { from - 1 };
    let from = usize::try_from(from).ok().filter(|from| *from <= whole.len());
    let length = match all.get(2) {
        Some(length) => usize::try_from(length.number()? as i64).ok()?,
        None => usize::MAX,
    };
    let found = from.map(|from| whole[from..].iter().take(length).collect::<String>());
    Some(Value::Text(found.unwrap_or_default()))
}

/// Of texts that are not long: it takes time by the product of both lengths.
fn distance(one: &str, other: &str) -> Option<Value> {
    const LONGEST: usize = 1000;
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len() > LONGEST || other.len() > LONGEST {
        return None;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let best = (corner + usize::from(a != b)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], best);
        }
    }
    Some(Value::Int(*row.last()? as i64))
}
