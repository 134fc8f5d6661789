use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::eval::{Moment, eval};
use super::plan::{Aggregate, Expr, Statistic};
use super::record::Record;
use super::value::Value;

/// Groups of one `stats`, and values kept for percentiles and distinct counts, in all.
const GROUPS_MAX: usize = 100_000;
const VALUES_MAX: usize = 4_000_000;
/// Of the texts of groups and values.
const BYTES_MAX: isize = 256 * 1024 * 1024;
/// What a range of a histogram takes: its name, its count, and the tree that they are in.
const BUCKET: usize = 128;

/// The groups of a `stats` command as they fill.
pub(super) struct Groups<'p> {
    aggregates: &'p [Aggregate],
    by: &'p [(String, Expr)],
    groups: HashMap<Vec<Option<String>>, Group>,
    kept: usize,
    bytes: isize,
}

struct Group {
    key: Vec<Value>,
    states: Vec<State>,
}

#[derive(Default)]
struct State {
    count: u64,
    numbers: u64,
    sum: f64,
    squares: f64,
    least: Option<Value>,
    most: Option<Value>,
    /// With the time of its record.
    first: Option<(f64, Value)>,
    last: Option<(f64, Value)>,
    values: Vec<f64>,
    distinct: HashSet<String>,
}

/// What a state keeps more than before.
#[derive(Clone, Copy, Debug, Default)]
struct More {
    values: usize,
    bytes: isize,
}

impl<'p> Groups<'p> {
    pub(super) fn new(aggregates: &'p [Aggregate], by: &'p [(String, Expr)]) -> Groups<'p> {
        Groups { aggregates, by, groups: HashMap::new(), kept: 0, bytes: 0 }
    }

    /// # Errors
    /// When a query makes more groups or keeps more values than there is room for.
    pub(super) fn add(&mut self, record: &Record, at: &Moment) -> Result<(), String> {
        let key: Vec<Value> = self.by.iter().map(|(_, expr)| eval(expr, record, at).into_owned()).collect();
        let name: Vec<Option<String>> = key.iter().map(Value::text).collect();
        if self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(&name) {
            return Err(format!("the query makes more than {GROUPS_MAX} groups"));
        }
        let size: usize = name.iter().flatten().map(String::len).sum();
        let before = self.groups.len();
        let fresh = || Group { key, states: self.aggregates.iter().map(|_| State::default()).collect() };
        let group = self.groups.entry(name).or_insert_with(fresh);
        for (aggregate, state) in self.aggregates.iter().zip(&mut group.states) {
            let value = match &aggregate.of {
                None => Value::Bool(true),
                Some(expr) => eval(expr, record, at).into_owned(),
            };
            let more = state.add(aggregate.function, value, record.time().unwrap_or_default());
            (self.kept, self.bytes) = (self.kept + more.values, self.bytes + more.bytes);
        }
        if self.groups.len() > before {
            // Once in the name, once in the values.
            self.bytes += 2 * size as isize;
        }
        if self.kept > VALUES_MAX {
            return Err(format!("the query keeps more than {VALUES_MAX} values for its statistics"));
        }
        if self.bytes > BYTES_MAX {
            return Err(format!("the query keeps more than {BYTES_MAX} bytes for its statistics"));
        }
        Ok(())
    }

    /// Bytes that they take, about.
    pub(super) fn weight(&self) -> usize {
        let each = size_of::<Group>()
            + self.by.len() * (size_of::<Value>() + size_of::<Option<String>>())
            + self.aggregates.len() * size_of::<State>();
        let values = self.kept * size_of::<f64>();
        usize::try_from(self.bytes).unwrap_or_default() + values + self.groups.len() * each
    }

    pub(super) fn finish(self) -> Vec<Record> {
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        if groups.is_empty() && self.by.is_empty() {
            // Statistics of nothing are a row too: a count of zero.
            groups.push(Group {
                key: Vec::new(),
                states: self.aggregates.iter().map(|_| State::default()).collect(),
            });
        }
        let by_key = |a: &Group, b: &Group| {
            let pairs = a.key.iter().zip(&b.key);
            pairs.map(|(a, b)| b.order(a)).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        groups.sort_by(by_key);
        let row = |group: Group| {
            let mut record = Record::default();
            for ((name, _), value) in self.by.iter().zip(group.key) {
                record.set(name, value);
            }
            for (aggregate, state) in self.aggregates.iter().zip(group.states) {
                record.set(&aggregate.name, state.result(aggregate.function));
            }
            record
        };
        groups.into_iter().map(row).collect()
    }
}

impl State {
    fn add(&mut self, function: Statistic, value: Value, time: f64) -> More {
        if value.is_missing() {
            return More::default();
        }
        self.count += 1;
        match function {
            Statistic::Count => {}
            Statistic::CountDistinct => {
                let Some(text) = value.text() else { return More::default() };
                let bytes = text.len() as isize;
                if self.distinct.insert(text) {
                    return More { values: 1, bytes };
                }
            }
            Statistic::Sum
            | Statistic::Average
            | Statistic::StandardDeviation
            | Statistic::Percentile(_)
            | Statistic::Histogram(_) => {
                let Some(number) = value.number() else { return More::default() };
                self.numbers += 1;
                self.sum += number;
                self.squares += number * number;
                if matches!(function, Statistic::Percentile(_) | Statistic::Histogram(_)) {
                    self.values.push(number);
                    let bytes = match function {
                        // What it becomes.
                        Statistic::Histogram(buckets) if self.values.len() == 1 => buckets * BUCKET,
                        _ => 0,
                    };
                    return More { values: 1, bytes: bytes as isize };
                }
            }
            Statistic::Min | Statistic::SortsFirst => {
                if self.least.as_ref().is_none_or(|least| value.order(least).is_lt()) {
                    return put(&mut self.least, value);
                }
            }
            Statistic::Max | Statistic::SortsLast => {
                if self.most.as_ref().is_none_or(|most| value.order(most).is_gt()) {
                    return put(&mut self.most, value);
                }
            }
            Statistic::Earliest => return self.at_time(time, value, true, false),
            Statistic::Latest => return self.at_time(time, value, false, true),
            Statistic::Rate(_) => {
                let Some(number) = value.number() else { return More::default() };
                self.at_time(time, Value::Number(number), true, true);
            }
        }
        More::default()
    }

    /// Keeps a value that came earlier, or later, than all.
    fn at_time(&mut self, time: f64, value: Value, earliest: bool, latest: bool) -> More {
        let mut more = More::default();
        if earliest && self.first.as_ref().is_none_or(|(first, _)| time < *first) {
            more.bytes += size(&value) - self.first.as_ref().map_or(0, |(_, old)| size(old));
            self.first = Some((time, value.clone()));
        }
        if latest && self.last.as_ref().is_none_or(|(last, _)| time >= *last) {
            more.bytes += size(&value) - self.last.as_ref().map_or(0, |(_, old)| size(old));
            self.last = Some((time, value));
        }
        more
    }

    /// How much a value changed, from its first to its last, for each so many milliseconds.
    fn rate(&self, every_ms: f64) -> Option<f64> {
        let ((from, first), (to, last)) = (self.first.as_ref()?, self.last.as_ref()?);
        (to > from).then_some((last.number()? - first.number()?) / (to - from) * every_ms)
    }

    /// How many values lie in each of so many ranges of equal width between the least and the most, by where these begin.
    fn histogram(&mut self, buckets: usize) -> Value {
        self.values.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (self.values.first(), self.values.last()) else {
            return Value::Missing;
        };
        let width = (most - least) / buckets as f64;
        let mut counts = vec![0u64; buckets];
        for value in &self.values {
            let at = if width > 0.0 { ((value - least) / width) as usize } else { 0 };
            counts[at.min(buckets - 1)] += 1;
        }
        let name = |at: usize| Value::Number(least + at as f64 * width).text().unwrap_or_default();
        let mut map = serde_json::Map::new();
        for (at, count) in counts.into_iter().enumerate().take(if width > 0.0 { buckets } else { 1 }) {
            map.insert(format!("{}-{}", name(at), name(at + 1)), count.into());
        }
        Value::Structure(Arc::new(map.into()))
    }

    fn result(mut self, function: Statistic) -> Value {
        let of = |number: Option<f64>| number.map_or(Value::Missing, Value::Number);
        let n = self.numbers as f64;
        match function {
            Statistic::Count => Value::Number(self.count as f64),
            Statistic::CountDistinct => Value::Number(self.distinct.len() as f64),
            Statistic::Sum => of((self.numbers > 0).then_some(self.sum)),
            Statistic::Average => of((self.numbers > 0).then(|| self.sum / n)),
            Statistic::StandardDeviation => of((self.numbers > 0).then(|| {
                let mean = self.sum / n;
                (self.squares / n - mean * mean).max(0.0).sqrt()
            })),
            Statistic::Percentile(percent) => {
                self.values.sort_by(f64::total_cmp);
                of(quantile(&self.values, percent / 100.0))
            }
            Statistic::Rate(every_ms) => of(self.rate(every_ms)),
            Statistic::Histogram(buckets) => self.histogram(buckets),
            Statistic::Min | Statistic::SortsFirst => self.least.unwrap_or(Value::Missing),
            Statistic::Max | Statistic::SortsLast => self.most.unwrap_or(Value::Missing),
            Statistic::Earliest => self.first.map_or(Value::Missing, |(_, value)| value),
            Statistic::Latest => self.last.map_or(Value::Missing, |(_, value)| value),
        }
    }
}

fn put(place: &mut Option<Value>, value: Value) -> More {
    let bytes = size(&value) - place.as_ref().map_or(0, size);
    *place = Some(value);
    More { values: 0, bytes }
}

fn size(value: &Value) -> isize {
    isize::try_from(value.weight()).unwrap_or(isize::MAX)
}

/// Of sorted numbers, between two of them where it lies there; `share` is from 0 to 1.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = share * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted.get(rank.floor() as usize)?, sorted.get(rank.ceil() as usize)?);
    Some(low + (high - low) * rank.fract())
}
