//! `countFrequent`: how often each combination of values comes. Exact while there are few of them; then the rarest give way, so
//! that what is told of the others may be too little.

use std::collections::HashMap;

use super::eval::{Moment, eval};
use super::plan::Expr;
use super::record::Record;
use super::value::Value;

/// Combinations that stay when there are too many, and how many are too many.
const KEPT: usize = 10_000;
const KEPT_MAX: usize = 4 * KEPT;
const BYTES_MAX: usize = 32 * 1024 * 1024;

pub(super) const COUNT: &str = "_approxcount";

pub(super) struct Frequent<'p> {
    fields: &'p [(String, Expr)],
    counts: HashMap<Vec<Option<String>>, u64>,
    bytes: usize,
}

impl<'p> Frequent<'p> {
    pub(super) fn new(fields: &'p [(String, Expr)]) -> Frequent<'p> {
        Frequent { fields, counts: HashMap::new(), bytes: 0 }
    }

    pub(super) fn add(&mut self, record: &Record, at: &Moment) {
        let key: Vec<Option<String>> =
            self.fields.iter().map(|(_, expr)| eval(expr, record, at).text()).collect();
        let size: usize = key.iter().flatten().map(String::len).sum();
        let count = self.counts.entry(key).or_default();
        *count += 1;
        if *count == 1 {
            self.bytes += size;
        }
        if self.counts.len() > KEPT_MAX || self.bytes > BYTES_MAX {
            self.thin();
        }
    }

    fn thin(&mut self) {
        let mut all: Vec<_> = self.counts.drain().collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let (mut bytes, mut kept) = (0, 0);
        all.retain(|(key, _)| {
            let size: usize = key.iter().flatten().map(String::len).sum();
            let fits = kept < KEPT && bytes + size <= BYTES_MAX / 4;
            if fits {
                (kept, bytes) = (kept + 1, bytes + size);
            }
            fits
        });
        self.bytes = bytes;
        self.counts = all.into_iter().collect();
    }

    /// Bytes that it takes, about.
    pub(super) fn weight(&self) -> usize {
        let each = size_of::<(Vec<Option<String>>, u64)>() + self.fields.len() * size_of::<Option<String>>();
        self.bytes + self.counts.len() * each
    }

    pub(super) fn finish(self) -> Vec<Record> {
        let mut all: Vec<_> = self.counts.into_iter().collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let row = |(key, count): (Vec<Option<String>>, u64)| {
            let mut record = Record::default();
            for ((name, _), value) in self.fields.iter().zip(key) {
                if let Some(value) = value {
                    record.set(name, Value::Text(value));
                }
            }
            record.set(COUNT, Value::Number(count as f64));
            record
        };
        all.into_iter().map(row).collect()
    }
}
