use std::borrow::Cow;

use haneul_kit::{ApiError, Result};
use haneul_logs_wire::shapes as s;
use regex::{Captures, Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::budget::{Budget, TEXT_MAX, weight};
use super::dates::{Format, Zone};
use super::grok::Grok;
use super::parsers::{Csv, KeyValue};
use super::path;
use super::vended::Vended;
use crate::error;

/// A processor ready for work.
pub(super) enum Step {
    Parse {
        reader: Reader,
        source: String,
        destination: Option<String>,
        overwrite: bool,
    },
    AddKeys(Vec<(String, String, bool)>),
    DeleteKeys(Vec<String>),
    /// From, to, overwrite; whether the original goes.
    Copy(Vec<(String, String, bool)>, bool),
    Texts(Vec<String>, fn(&str) -> String),
    Split(Vec<(String, String)>),
    Substitute(Vec<Substitution>),
    Convert(Vec<(String, String)>),
    Dates(DateStep),
    ListToMap(s::ListToMap),
}

pub(super) struct Substitution {
    source: String,
    from: Regex,
    /// Of a byte that `from` looks at.
    weight: usize,
    to: String,
}

pub(super) enum Reader {
    Json,
    Csv(Csv),
    KeyValue(KeyValue),
    Grok(Grok),
    Vended(Vended),
}

pub(super) struct DateStep {
    source: String,
    target: String,
    patterns: Vec<Option<Format>>,
    target_format: Format,
    source_zone: Zone,
    target_zone: Zone,
}

/// Work of a processor that finds nothing to do.
const STEP: usize = 32;
const WHOLE: &str = "@message";
/// AWS's default, which does not close its quote.
const TIME_DEFAULT: &str = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z";
/// Compiled size of an expression, so that none eats the memory.
const REGEX_SIZE_MAX: usize = 1024 * 1024;

fn bad(why: impl std::fmt::Display) -> ApiError {
    error::invalid(format!("Invalid transformer configuration: {why}"))
}

impl Step {
    pub(super) fn new(processor: &s::Processor) -> Result<Step> {
        let mut steps = Vec::new();
        if let Some(json) = &processor.parse_json {
            steps.push(parser(Reader::Json, json.source.as_ref(), json.destination.as_ref(), true));
        }
        if let Some(csv) = &processor.csv {
            let quote = csv.quote_character.as_deref().unwrap_or("\"");
            let delimiter = match csv.delimiter.as_deref() {
                Some("\\t") => "\t".to_owned(),
                Some(given) => given.to_owned(),
                None => ",".to_owned(),
            };
            let reader = Csv {
                quote: quote.chars().next().ok_or_else(|| bad("the quoteCharacter is empty"))?,
                delimiter,
                columns: csv.columns.clone().unwrap_or_default(),
            };
            steps.push(parser(Reader::Csv(reader), csv.source.as_ref(), csv.destination.as_ref(), true));
        }
        if let Some(pairs) = &processor.parse_key_value {
            let reader = KeyValue {
                fields: pairs.field_delimiter.clone().unwrap_or_else(|| "&".into()),
                pair: pairs.key_value_delimiter.clone().unwrap_or_else(|| "=".into()),
                prefix: pairs.key_prefix.clone().unwrap_or_default(),
                unmatched: pairs.non_match_value.clone(),
            };
            let overwrite = pairs.overwrite_if_exists == Some(true);
            let reader = Reader::KeyValue(reader);
            steps.push(parser(reader, pairs.source.as_ref(), pairs.destination.as_ref(), overwrite));
        }
        if let Some(grok) = &processor.grok {
            let reader =
                Grok::new(&grok.r#match).map_err(|why| bad(format_args!("the grok pattern: {why}")))?;
            steps.push(parser(Reader::Grok(reader), grok.source.as_ref(), None, true));
        }
        for (vended, source) in vended(processor) {
            if source.is_some_and(|source| source != WHOLE) {
                return Err(bad("the source of a parser of AWS vended logs can only be @message"));
            }
            steps.push(parser(Reader::Vended(vended), None, None, true));
        }
        if let Some(add) = &processor.add_keys {
            let entry =
                |e: &s::AddKeyEntry| (e.key.clone(), e.value.clone(), e.overwrite_if_exists == Some(true));
            steps.push(Step::AddKeys(add.entries.iter().map(entry).collect()));
        }
        if let Some(delete) = &processor.delete_keys {
            steps.push(Step::DeleteKeys(delete.with_keys.clone()));
        }
        if let Some(copy) = &processor.copy_value {
            let entry = |e: &s::CopyValueEntry| {
                (e.source.clone(), e.target.clone(), e.overwrite_if_exists == Some(true))
            };
            steps.push(Step::Copy(copy.entries.iter().map(entry).collect(), false));
        }
        if let Some(moved) = &processor.move_keys {
            let entry = |e: &s::MoveKeyEntry| {
                (e.source.clone(), e.target.clone(), e.overwrite_if_exists == Some(true))
            };
            steps.push(Step::Copy(moved.entries.iter().map(entry).collect(), true));
        }
        if let Some(renamed) = &processor.rename_keys {
            let entry = |e: &s::RenameKeyEntry| {
                (e.key.clone(), e.rename_to.clone(), e.overwrite_if_exists == Some(true))
            };
            steps.push(Step::Copy(renamed.entries.iter().map(entry).collect(), true));
        }
        if let Some(lower) = &processor.lower_case_string {
            steps.push(Step::Texts(lower.with_keys.clone(), |text| text.to_lowercase()));
        }
        if let Some(upper) = &processor.upper_case_string {
            steps.push(Step::Texts(upper.with_keys.clone(), |text| text.to_uppercase()));
        }
        if let Some(trim) = &processor.trim_string {
            steps.push(Step::Texts(trim.with_keys.clone(), |text| text.trim().to_owned()));
        }
        if let Some(split) = &processor.split_string {
            let entry = |e: &s::SplitStringEntry| (e.source.clone(), e.delimiter.clone());
            steps.push(Step::Split(split.entries.iter().map(entry).collect()));
        }
        if let Some(substitute) = &processor.substitute_string {
            let entry = |e: &s::SubstituteStringEntry| {
                let from = RegexBuilder::new(&e.from).size_limit(REGEX_SIZE_MAX).build();
                let from = from.map_err(|_| bad(format_args!("{} is no valid expression", e.from)))?;
                let weight = weight(&e.from);
                Ok(Substitution { source: e.source.clone(), from, weight, to: e.to.clone() })
            };
            steps.push(Step::Substitute(substitute.entries.iter().map(entry).collect::<Result<_>>()?));
        }
        if let Some(convert) = &processor.type_converter {
            let entry = |e: &s::TypeConverterEntry| (e.key.clone(), e.r#type.clone());
            steps.push(Step::Convert(convert.entries.iter().map(entry).collect()));
        }
        if let Some(date) = &processor.date_time_converter {
            steps.push(Step::Dates(DateStep::new(date)?));
        }
        if let Some(list) = &processor.list_to_map {
            if list.flatten == Some(true) && list.flattened_element.is_none() {
                return Err(bad("flattenedElement must be given where flatten is true"));
            }
            steps.push(Step::ListToMap(list.clone()));
        }
        match (steps.pop(), steps.is_empty()) {
            (Some(step), true) => Ok(step),
            (Some(_), false) => Err(bad("a processor has more than one operation")),
            (None, _) => Err(error::not_offered("The processor parseToOCSF")),
        }
    }

    pub(super) fn is_vended(&self) -> bool {
        matches!(self, Step::Parse { reader: Reader::Vended(_), .. })
    }

    pub(super) fn is_parser(&self) -> bool {
        matches!(self, Step::Parse { .. })
    }

    /// Does its work, as far as there is room; says whether a parser understood its text.
    pub(super) fn apply(&self, event: &mut Value, budget: &mut Budget<'_>) -> bool {
        if !budget.look(STEP) {
            return false;
        }
        match self {
            Step::Parse { reader, source, destination, overwrite } => {
                let Some(text) = path::get(event, source).and_then(|value| budget.made(path::text(value)))
                else {
                    return false;
                };
                if !budget.look(text.len() * reader.weight()) {
                    return false;
                }
                let Some(found) = reader.read(&text).map(Value::Object) else { return false };
                match destination {
                    Some(destination) => path::set(event, destination, found, *overwrite, budget),
                    None => {
                        if !budget.take_value(&found, 0) {
                            return false;
                        }
                        let (Value::Object(root), Value::Object(found)) = (event, found) else {
                            return false;
                        };
                        for (name, value) in found {
                            if *overwrite || !root.contains_key(&name) {
                                root.insert(name, value);
                            }
                        }
                        true
                    }
                };
            }
            Step::AddKeys(entries) => {
                for (key, value, overwrite) in entries {
                    if let Some(value) = budget.made(filled(value, event)) {
                        path::set(event, key, value.into(), *overwrite, budget);
                    }
                }
            }
            Step::DeleteKeys(keys) => keys.iter().for_each(|key| drop(path::remove(event, key))),
            Step::Copy(entries, moves) => {
                for (source, target, overwrite) in entries {
                    let found = path::get(event, source);
                    // Once for the copy, once for its place: what does not fit is not copied at all.
                    let Some(value) = found.filter(|value| budget.take_value(value, 0)).cloned() else {
                        continue;
                    };
                    if path::set(event, target, value, *overwrite, budget) && *moves && source != target {
                        path::remove(event, source);
                    }
                }
            }
            Step::Texts(keys, change) => {
                for key in keys {
                    change_text(event, key, budget, 1, |text| Some(change(text)));
                }
            }
            Step::Split(entries) => {
                for (source, delimiter) in entries {
                    if let Some(place) = path::get_mut(event, source)
                        && let Value::String(text) = place
                        && budget.look(text.len())
                        && budget.take_texts(text.split(delimiter.as_str()))
                    {
                        *place = Value::Array(text.split(delimiter.as_str()).map(Value::from).collect());
                    }
                }
            }
            Step::Substitute(entries) => {
                for Substitution { source, from, weight, to } in entries {
                    change_text(event, source, budget, *weight, |text| substituted(text, from, to));
                }
            }
            Step::Convert(entries) => {
                for (key, kind) in entries {
                    if let Some(place) = path::get_mut(event, key)
                        && let Some(text) = budget.made(path::text(place))
                        && let Some(value) = converted(text, kind)
                        && budget.take_value(&value, 0)
                    {
                        *place = value;
                    }
                }
            }
            Step::Dates(step) => step.apply(event, budget),
            Step::ListToMap(list) => list_to_map(list, event, budget),
        }
        true
    }
}

/// Whose logs a processor is for, with its source.
fn vended(processor: &s::Processor) -> impl Iterator<Item = (Vended, Option<&String>)> {
    let all = [
        processor.parse_cloudfront.as_ref().map(|own| (Vended::Cloudfront, own.source.as_ref())),
        processor.parse_postgres.as_ref().map(|own| (Vended::Postgres, own.source.as_ref())),
        processor.parse_route53.as_ref().map(|own| (Vended::Route53, own.source.as_ref())),
        processor.parse_vpc.as_ref().map(|own| (Vended::Vpc, own.source.as_ref())),
        processor.parse_waf.as_ref().map(|own| (Vended::Waf, own.source.as_ref())),
    ];
    all.into_iter().flatten()
}

fn parser(reader: Reader, source: Option<&String>, destination: Option<&String>, overwrite: bool) -> Step {
    let source = source.map_or(WHOLE, String::as_str).to_owned();
    Step::Parse { reader, source, destination: destination.cloned(), overwrite }
}

impl Reader {
    /// How many bytes one byte is that it reads.
    fn weight(&self) -> usize {
        match self {
            Reader::Grok(grok) => grok.weight,
            Reader::Json | Reader::Vended(_) => 2,
            Reader::Csv(_) | Reader::KeyValue(_) => 1,
        }
    }

    fn read(&self, text: &str) -> Option<Map<String, Value>> {
        match self {
            Reader::Json => match serde_json::from_str(text) {
                Ok(Value::Object(members)) => Some(members),
                _ => None,
            },
            Reader::Csv(csv) => Some(csv.read(text)),
            Reader::KeyValue(pairs) => Some(pairs.read(text)).filter(|found| !found.is_empty()),
            Reader::Grok(grok) => grok.read(text),
            Reader::Vended(vended) => vended.read(text),
        }
    }
}

/// `weight` is what looking at a byte costs.
fn change_text(
    event: &mut Value,
    key: &str,
    budget: &mut Budget<'_>,
    weight: usize,
    change: impl Fn(&str) -> Option<String>,
) {
    if let Some(place) = path::get_mut(event, key)
        && let Value::String(text) = place
        && budget.look(text.len() * weight)
        && let Some(new) = budget.made(change(text))
        && new.len() <= TEXT_MAX
        && budget.take(new.len().saturating_sub(text.len()))
    {
        *place = new.into();
    }
}

/// Every match replaced; `None` when that is too long.
fn substituted(text: &str, from: &Regex, to: &str) -> Option<String> {
    let (mut out, mut last) = (String::new(), 0);
    let references = to.matches('$').count();
    // What a replacement cannot be longer than: none of its groups is longer than the match.
    let longest = |found: &Captures<'_>| to.len() + references * found[0].len();
    for found in from.captures_iter(text) {
        let place = found.get(0)?;
        out.push_str(&text[last..place.start()]);
        if out.len() + longest(&found) > 8 * TEXT_MAX {
            return None;
        }
        found.expand(to, &mut out);
        if out.len() > TEXT_MAX {
            return None;
        }
        last = place.end();
    }
    out.push_str(&text[last..]);
    Some(out)
}

/// `${a.b}` in a value is what that field has; `None` when that is too long.
fn filled(value: &str, event: &Value) -> Option<String> {
    let (mut out, mut rest) = (String::new(), value);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else { break };
        out.push_str(before);
        if let Some(value) = path::get(event, name) {
            out.push_str(&path::text(value)?);
        }
        if out.len() > TEXT_MAX {
            return None;
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn converted(whole: Cow<'_, str>, kind: &str) -> Option<Value> {
    let text = whole.trim();
    match kind {
        "integer" => {
            let number = text.parse::<i64>().ok();
            number
                .or_else(|| text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n as i64))
                .map(Value::from)
        }
        "double" => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
        "boolean" => match text.to_ascii_lowercase().as_str() {
            "true" => Some(true.into()),
            "false" => Some(false.into()),
            _ => None,
        },
        _ => Some(whole.into_owned().into()),
    }
}

impl DateStep {
    fn new(date: &s::DateTimeConverter) -> Result<DateStep> {
        let format = |pattern: &str| {
            Format::new(pattern).ok_or_else(|| bad(format_args!("the date pattern {pattern} is not valid")))
        };
        let zone = |given: Option<&String>| match given {
            None => Ok(Zone::UTC),
            Some(text) => {
                Zone::parse(text).ok_or_else(|| bad(format_args!("the time zone {text} is unknown")))
            }
        };
        let english = |locale: &str| locale == "locale.ROOT" || locale.starts_with("en");
        if date.locale.as_deref().is_some_and(|locale| !english(locale)) {
            return Err(error::not_offered("A locale other than English"));
        }
        let pattern = |pattern: &String| match pattern.as_str() {
            "epoch" => Ok(None),
            pattern => format(pattern).map(Some),
        };
        Ok(DateStep {
            source: date.source.clone(),
            target: date.target.clone(),
            patterns: date.match_patterns.iter().map(pattern).collect::<Result<_>>()?,
            target_format: format(date.target_format.as_deref().unwrap_or(TIME_DEFAULT))?,
            source_zone: zone(date.source_timezone.as_ref())?,
            target_zone: zone(date.target_timezone.as_ref())?,
        })
    }

    fn apply(&self, event: &mut Value, budget: &mut Budget<'_>) {
        let found = path::get(event, &self.source).and_then(|value| budget.made(path::text(value)));
        let Some(text) = found else { return };
        if !budget.look(text.len() * self.patterns.len()) {
            return;
        }
        let read = |pattern: &Option<Format>| match pattern {
            Some(format) => format.parse(&text, &self.source_zone),
            // Seconds, or milliseconds where they are too many to be seconds.
            None => text.parse::<i64>().ok().map(|n| if n.abs() < 100_000_000_000 { n * 1000 } else { n }),
        };
        if let Some(ms) = self.patterns.iter().find_map(read) {
            let shown = self.target_format.format(ms, &self.target_zone);
            path::set(event, &self.target, shown.into(), true, budget);
        }
    }
}

fn list_to_map(list: &s::ListToMap, event: &mut Value, budget: &mut Budget<'_>) {
    let Some(Value::Array(elements)) = path::get(event, &list.source) else { return };
    let mut map = Map::new();
    for element in elements {
        if !budget.look(STEP) {
            return;
        }
        let key = path::get(element, &list.key).and_then(|key| budget.made(path::text(key)));
        let Some(key) = key else { continue };
        let value = match &list.value_key {
            Some(value_key) => path::get(element, value_key),
            None => Some(element),
        };
        let Some(value) = value else { continue };
        if list.flatten == Some(true) {
            if list.flattened_element.as_deref() == Some("last") || !map.contains_key(&*key) {
                if !budget.take_texts([&*key].into_iter()) || !budget.take_value(value, 2) {
                    return;
                }
                map.insert(key.into_owned(), value.clone());
            }
            continue;
        }
        if !budget.take_texts([&*key].into_iter()) || !budget.take_value(value, 3) {
            return;
        }
        if let Value::Array(there) = map.entry(key.into_owned()).or_insert_with(|| Value::Array(Vec::new())) {
            there.push(value.clone());
        }
    }
    match &list.target {
        Some(target) => drop(path::set(event, target, Value::Object(map), true, budget)),
        None => {
            if let Value::Object(root) = event {
                root.extend(map);
            }
        }
    }
}
