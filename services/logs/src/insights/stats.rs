use std::collections::{HashMap, HashSet};

use super::eval::eval;
use super::plan::{Aggregate, Expr, Statistic};
use super::record::Record;
use super::value::Value;

/// Groups of one `stats`, and values kept for percentiles and distinct counts, in all.
const GROUPS_MAX: usize = 100_000;
const VALUES_MAX: usize = 4_000_000;

/// The groups of a `stats` command as they fill.
pub(super) struct Groups<'p> {
    aggregates: &'p [Aggregate],
    by: &'p [(String, Expr)],
    groups: HashMap<Vec<Option<String>>, Group>,
    kept: usize,
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

impl<'p> Groups<'p> {
    pub(super) fn new(aggregates: &'p [Aggregate], by: &'p [(String, Expr)]) -> Groups<'p> {
        Groups { aggregates, by, groups: HashMap::new(), kept: 0 }
    }

    /// # Errors
    /// When a query makes more groups or keeps more values than there is room for.
    pub(super) fn add(&mut self, record: &Record, now_ms: i64) -> Result<(), String> {
        let key: Vec<Value> =
            self.by.iter().map(|(_, expr)| eval(expr, record, now_ms).into_owned()).collect();
        let name: Vec<Option<String>> = key.iter().map(Value::text).collect();
        if self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(&name) {
            return Err(format!("the query makes more than {GROUPS_MAX} groups"));
        }
        let fresh = || Group { key, states: self.aggregates.iter().map(|_| State::default()).collect() };
        let group = self.groups.entry(name).or_insert_with(fresh);
        for (aggregate, state) in self.aggregates.iter().zip(&mut group.states) {
            let value = match &aggregate.of {
                None => Value::Bool(true),
                Some(expr) => eval(expr, record, now_ms).into_owned(),
            };
            self.kept += state.add(aggregate.function, value, record.time().unwrap_or_default());
        }
        if self.kept > VALUES_MAX {
            return Err(format!("the query keeps more than {VALUES_MAX} values for its statistics"));
        }
        Ok(())
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
    /// Says how many values it keeps more than before.
    fn add(&mut self, function: Statistic, value: Value, time: f64) -> usize {
        if value.is_missing() {
            return 0;
        }
        self.count += 1;
        match function {
            Statistic::Count => {}
            Statistic::CountDistinct => {
                return usize::from(value.text().is_some_and(|text| self.distinct.insert(text)));
            }
            Statistic::Sum | Statistic::Average | Statistic::StandardDeviation | Statistic::Percentile(_) => {
                let Some(number) = value.number() else { return 0 };
                self.numbers += 1;
                self.sum += number;
                self.squares += number * number;
                if matches!(function, Statistic::Percentile(_)) {
                    self.values.push(number);
                    return 1;
                }
            }
            Statistic::Min | Statistic::SortsFirst => {
                if self.least.as_ref().is_none_or(|least| value.order(least).is_lt()) {
                    self.least = Some(value);
                }
            }
            Statistic::Max | Statistic::SortsLast => {
                if self.most.as_ref().is_none_or(|most| value.order(most).is_gt()) {
                    self.most = Some(value);
                }
            }
            Statistic::Earliest => {
                if self.first.as_ref().is_none_or(|(first, _)| time < *first) {
                    self.first = Some((time, value));
                }
            }
            Statistic::Latest => {
                if self.last.as_ref().is_none_or(|(last, _)| time >= *last) {
                    self.last = Some((time, value));
                }
            }
        }
        0
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
                let last = self.values.len().saturating_sub(1);
                let rank = percent / 100.0 * last as f64;
                let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
                of(self.values.get(low).zip(self.values.get(high)).map(|(a, b)| a + (b - a) * rank.fract()))
            }
            Statistic::Min | Statistic::SortsFirst => self.least.unwrap_or(Value::Missing),
            Statistic::Max | Statistic::SortsLast => self.most.unwrap_or(Value::Missing),
            Statistic::Earliest => self.first.map_or(Value::Missing, |(_, value)| value),
            Statistic::Latest => self.last.map_or(Value::Missing, |(_, value)| value),
        }
    }
}
