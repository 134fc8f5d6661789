//! `relevantfields`: which fields tell the records that meet a condition from the others.
//!
//! AWS does not say how it scores. Here the score is how far the two distributions of a field lie apart, from 0 (they are the
//! same) to 1 (they have nothing in common): of numbers the statistic of Kolmogorov and Smirnov, of other values the total
//! variation distance. What every event has, and the fields of the condition itself, say nothing and are left out.

use std::collections::{BTreeMap, HashMap};

use super::eval::{Moment, eval};
use super::plan::Expr;
use super::record::Record;
use super::stats::quantile;
use super::value::Value;

pub(super) const SHOWN: [&str; 5] =
    ["@fieldName", "@relevanceScore", "@topRelevanceContributors", "@conditionalMedian", "@baselineMedian"];

/// Fields that are looked at, different values that are told apart, and numbers that are kept, of each side.
const FIELDS_MAX: usize = 500;
const VALUES_MAX: usize = 200;
const NUMBERS_MAX: usize = 2000;
/// Of a value that is told apart, in characters.
const CHARS_MAX: usize = 100;
/// Values that a result names.
const CONTRIBUTORS: usize = 3;

pub(super) struct Relevant<'p> {
    wanted: &'p [String],
    condition: &'p Expr,
    excluded: Vec<&'p str>,
    fields: BTreeMap<String, Field>,
    /// Records that do not meet the condition, and that do.
    records: [u64; 2],
}

#[derive(Default)]
struct Field {
    sides: [Side; 2],
}

#[derive(Default)]
struct Side {
    present: u64,
    numbers: u64,
    /// One of so many numbers is kept, so that all of the time has its share.
    every: u64,
    sample: Vec<f64>,
    values: HashMap<String, u64>,
}

impl<'p> Relevant<'p> {
    pub(super) fn new(wanted: &'p [String], condition: &'p Expr) -> Relevant<'p> {
        let mut excluded = vec!["@ptr", "@timestamp", "@ingestionTime", "@message"];
        condition.fields(&mut excluded);
        Relevant { wanted, condition, excluded, fields: BTreeMap::new(), records: [0, 0] }
    }

    pub(super) fn add(&mut self, record: &Record, at: &Moment) {
        let side = usize::from(eval(self.condition, record, at).truth());
        self.records[side] += 1;
        let names = if self.wanted.is_empty() { record.names() } else { self.wanted.to_vec() };
        for name in names {
            if self.excluded.contains(&name.as_str()) {
                continue;
            }
            let value = record.get(&name);
            let Some(text) = value.text() else { continue };
            if !at.spend(text.len()) {
                return;
            }
            if self.fields.len() >= FIELDS_MAX && !self.fields.contains_key(&name) {
                continue;
            }
            let number = value.number();
            self.fields.entry(name).or_default().sides[side].add(&text, number);
        }
    }

    /// Bytes that it takes, at most.
    pub(super) fn weight(&self) -> usize {
        let side = VALUES_MAX * (CHARS_MAX + size_of::<(String, u64)>()) + NUMBERS_MAX * size_of::<f64>();
        self.fields.len() * 2 * side
    }

    pub(super) fn finish(self) -> Vec<Record> {
        let records = self.records;
        let mut rows: Vec<(f64, String, Record)> = self
            .fields
            .into_iter()
            .map(|(name, field)| {
                let (score, record) = field.row(&name, records);
                (score, name, record)
            })
            .collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        rows.into_iter().map(|(_, _, record)| record).collect()
    }
}

impl Side {
    fn add(&mut self, text: &str, number: Option<f64>) {
        self.present += 1;
        if let Some(number) = number {
            if self.numbers.is_multiple_of(self.every.max(1)) {
                self.sample.push(number);
            }
            self.numbers += 1;
            if self.sample.len() >= NUMBERS_MAX {
                let mut keep = false;
                self.sample.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.every = self.every.max(1) * 2;
            }
        }
        let end = text.char_indices().nth(CHARS_MAX).map_or(text.len(), |(at, _)| at);
        if let Some(count) = self.values.get_mut(&text[..end]) {
            *count += 1;
        } else if self.values.len() < VALUES_MAX {
            self.values.insert(text[..end].to_owned(), 1);
        }
    }
}

impl Field {
    /// Numbers that are more than a few are compared by size.
    fn is_of_numbers(&self) -> bool {
        let all = |of: fn(&Side) -> u64| self.sides.iter().map(of).sum::<u64>();
        let distinct = self.sides.iter().map(|side| side.values.len()).max().unwrap_or_default();
        distinct > 10 && all(|side| side.numbers) * 10 >= all(|side| side.present) * 9
    }

    fn row(mut self, name: &str, records: [u64; 2]) -> (f64, Record) {
        let mut record = Record::default();
        record.set(SHOWN[0], Value::Text(name.to_owned()));
        let score = if records.contains(&0) {
            // There is nothing to compare with.
            0.0
        } else if self.is_of_numbers() {
            self.sides.iter_mut().for_each(|side| side.sample.sort_by(f64::total_cmp));
            let [baseline, conditional] = &self.sides;
            for (side, name) in [(conditional, SHOWN[3]), (baseline, SHOWN[4])] {
                if let Some(median) = quantile(&side.sample, 0.5) {
                    record.set(name, Value::Number(median));
                }
            }
            apart(&baseline.sample, &conditional.sample)
        } else {
            let (score, top) = self.variation(records);
            if !top.is_empty() {
                record.set(SHOWN[2], Value::Text(top.join(", ")));
            }
            score
        };
        record.set(SHOWN[1], Value::Number(score));
        (score, record)
    }

    /// How far the shares of the values lie apart, and which do most.
    fn variation(&self, records: [u64; 2]) -> (f64, Vec<String>) {
        let share = |side: usize, value: &str| {
            self.sides[side].values.get(value).copied().unwrap_or_default() as f64 / records[side] as f64
        };
        let absent = |side: usize| 1.0 - self.sides[side].present as f64 / records[side] as f64;
        let mut names: Vec<&String> = self.sides.iter().flat_map(|side| side.values.keys()).collect();
        names.sort();
        names.dedup();
        let mut shifts: Vec<(f64, &String)> =
            names.into_iter().map(|name| (share(1, name) - share(0, name), name)).collect();
        let known: f64 = shifts.iter().map(|(shift, _)| shift.abs()).sum();
        let score = ((known + (absent(1) - absent(0)).abs()) / 2.0).clamp(0.0, 1.0);
        shifts.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()).then_with(|| a.1.cmp(b.1)));
        let top = shifts.into_iter().filter(|(shift, _)| shift.abs() > 0.0).take(CONTRIBUTORS);
        (score, top.map(|(shift, name)| format!("{name} ({:+.1}%)", shift * 100.0)).collect())
    }
}

/// The largest distance between the shares of two sorted samples that are no larger than a number.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return f64::from(u8::from(a.is_empty() != b.is_empty()));
    }
    let share = |sample: &[f64], most: f64| {
        sample.partition_point(|number| *number <= most) as f64 / sample.len() as f64
    };
    a.iter().chain(b).map(|number| (share(a, *number) - share(b, *number)).abs()).fold(0.0, f64::max)
}
