use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::Plan;
use super::expr::{Expr, Row};
use super::value::Value;

/// One aggregate of a grouped query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) kind: AggregateKind,
    /// `None` counts rows.
    pub(crate) argument: Option<Expr>,
    pub(crate) distinct: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AggregateKind {
    Count,
    Sum,
    Average,
    Least,
    Greatest,
    /// The first that comes.
    Any,
}

/// Rows, groups and distinct values that a query may keep.
const KEPT_MAX: usize = 200_000;
/// Bytes of them, about.
const BYTES_MAX: usize = 256 * 1024 * 1024;
/// Rows of an answer.
const ROWS_MAX: usize = 100_000;

/// A query while it runs: events go in one by one.
pub(crate) struct Run {
    plan: Plan,
    pub(crate) scanned: u64,
    pub(crate) matched: u64,
    rows: Vec<(Vec<Value>, Vec<Value>)>,
    groups: BTreeMap<Vec<String>, Group>,
    kept: usize,
    bytes: usize,
}

struct Group {
    keys: Vec<Value>,
    states: Vec<State>,
}

#[derive(Clone, Default)]
struct State {
    count: u64,
    sum: f64,
    whole: i64,
    is_whole: bool,
    best: Option<Value>,
    seen: BTreeSet<String>,
}

/// Columns with their texts.
pub(crate) type Answer = Vec<Vec<(String, Option<String>)>>;

impl AggregateKind {
    pub(crate) fn named(name: &str) -> Option<AggregateKind> {
        Some(match &*name.to_ascii_lowercase() {
            "count" | "approx_distinct" => AggregateKind::Count,
            "sum" => AggregateKind::Sum,
            "avg" => AggregateKind::Average,
            "min" => AggregateKind::Least,
            "max" => AggregateKind::Greatest,
            "arbitrary" | "any_value" => AggregateKind::Any,
            _ => return None,
        })
    }
}

impl Run {
    pub(crate) fn new(plan: Plan) -> Run {
        let mut run = Run {
            plan,
            scanned: 0,
            matched: 0,
            rows: Vec::new(),
            groups: BTreeMap::new(),
            kept: 0,
            bytes: 0,
        };
        if run.plan.group.as_ref().is_some_and(Vec::is_empty) {
            // Aggregates without GROUP BY have one row, even of nothing.
            let states = vec![State::default(); run.plan.aggregates.len()];
            run.groups.insert(Vec::new(), Group { keys: Vec::new(), states });
        }
        run
    }

    /// Takes an event. `Err` when the query would keep too much.
    pub(crate) fn take(&mut self, event: &Json) -> Result<(), String> {
        self.scanned += 1;
        let row = Row::of(event);
        if self.plan.filter.as_ref().is_some_and(|filter| filter.value(row).truth() != Some(true)) {
            return Ok(());
        }
        self.matched += 1;
        match &self.plan.group {
            None => {
                let order: Vec<Value> = self.plan.order.iter().map(|(expr, _)| expr.value(row)).collect();
                let columns: Vec<Value> = self.plan.columns.iter().map(|(_, expr)| expr.value(row)).collect();
                let enough = self.plan.order.is_empty() && !self.plan.distinct;
                let wanted = self.plan.limit.map(|limit| limit.saturating_add(self.plan.offset));
                if !enough || wanted.is_none_or(|wanted| self.rows.len() < wanted) {
                    self.bytes += order.iter().chain(&columns).map(Value::weight).sum::<usize>();
                    self.rows.push((order, columns));
                    self.kept += 1;
                }
            }
            Some(keys) => {
                let keys: Vec<Value> = keys.iter().map(|key| key.value(row)).collect();
                // A null is not the empty text.
                let text = |value: &Value| value.shown().map_or_else(String::new, |text| format!("={text}"));
                let texts: Vec<String> = keys.iter().map(text).collect();
                let count = self.plan.aggregates.len();
                if !self.groups.contains_key(&texts) {
                    self.kept += 1;
                    // Once in the texts, once in the values.
                    self.bytes += 2 * texts.iter().map(String::len).sum::<usize>();
                }
                let group = self
                    .groups
                    .entry(texts)
                    .or_insert_with(|| Group { keys, states: vec![State::default(); count] });
                for (state, aggregate) in group.states.iter_mut().zip(&self.plan.aggregates) {
                    let (kept, bytes) = state.take(aggregate, row);
                    (self.kept, self.bytes) = (self.kept + kept, self.bytes + bytes);
                }
            }
        }
        if self.kept > KEPT_MAX {
            return Err(format!("The query keeps more than {KEPT_MAX} rows, groups and distinct values"));
        }
        match self.bytes > BYTES_MAX {
            true => Err(format!("The query keeps more than {BYTES_MAX} bytes")),
            false => Ok(()),
        }
    }

    /// The answer.
    pub(crate) fn finish(self) -> Answer {
        let Run { plan, mut rows, groups, .. } = self;
        let nothing = Json::Null;
        for group in groups.into_values() {
            let aggregates: Vec<Value> = group
                .states
                .iter()
                .zip(&plan.aggregates)
                .map(|(state, aggregate)| state.result(aggregate))
                .collect();
            let row = Row { event: &nothing, keys: &group.keys, aggregates: &aggregates };
            if plan.having.as_ref().is_some_and(|having| having.value(row).truth() != Some(true)) {
                continue;
            }
            let order = plan.order.iter().map(|(expr, _)| expr.value(row)).collect();
            rows.push((order, plan.columns.iter().map(|(_, expr)| expr.value(row)).collect()));
        }
        if plan.distinct {
            let mut seen = BTreeSet::new();
            rows.retain(|(_, columns)| seen.insert(columns.iter().map(Value::shown).collect::<Vec<_>>()));
        }
        rows.sort_by(|(one, _), (other, _)| {
            let orders = one.iter().zip(other).zip(&plan.order).map(|((one, other), (_, down))| {
                let order = one.order(other);
                if *down { order.reverse() } else { order }
            });
            orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        rows.drain(..plan.offset.min(rows.len()));
        rows.truncate(plan.limit.unwrap_or(ROWS_MAX).min(ROWS_MAX));
        let named = |columns: Vec<Value>| {
            plan.columns.iter().zip(columns).map(|((name, _), value)| (name.clone(), value.shown())).collect()
        };
        rows.into_iter().map(|(_, columns)| named(columns)).collect()
    }
}

impl State {
    /// How many values more are kept, and bytes.
    fn take(&mut self, aggregate: &Aggregate, row: Row<'_>) -> (usize, usize) {
        let Some(argument) = &aggregate.argument else {
            self.count += 1;
            return (0, 0);
        };
        let value = argument.value(row);
        if value == Value::Null {
            return (0, 0);
        }
        if aggregate.distinct {
            let text = value.shown().unwrap_or_default();
            let bytes = text.len();
            return if self.seen.insert(text) { (1, bytes) } else { (0, 0) };
        }
        if self.count == 0 {
            self.is_whole = true;
        }
        self.count += 1;
        match aggregate.kind {
            AggregateKind::Count => {}
            AggregateKind::Sum | AggregateKind::Average => {
                match &value {
                    Value::Int(int) => self.whole = self.whole.saturating_add(*int),
                    _ => self.is_whole = false,
                }
                self.sum += value.number().unwrap_or(0.0);
            }
            AggregateKind::Least | AggregateKind::Greatest => {
                let better = |best: &Value| {
                    let order = value.order(best);
                    if aggregate.kind == AggregateKind::Least { order.is_lt() } else { order.is_gt() }
                };
                if self.best.as_ref().is_none_or(better) {
                    return (0, self.put(value));
                }
            }
            AggregateKind::Any if self.best.is_none() => return (0, self.put(value)),
            AggregateKind::Any => {}
        }
        (0, 0)
    }

    /// How many bytes it takes more than what was there.
    fn put(&mut self, value: Value) -> usize {
        let more = value.weight().saturating_sub(self.best.as_ref().map_or(0, Value::weight));
        self.best = Some(value);
        more
    }

    fn result(&self, aggregate: &Aggregate) -> Value {
        match aggregate.kind {
            AggregateKind::Count if aggregate.distinct => Value::Int(self.seen.len() as i64),
            AggregateKind::Count => Value::Int(self.count as i64),
            _ if aggregate.distinct => {
                let numbers: Vec<f64> = self.seen.iter().filter_map(|text| text.parse().ok()).collect();
                let sum: f64 = numbers.iter().sum();
                match (aggregate.kind, numbers.is_empty()) {
                    (_, true) => Value::Null,
                    (AggregateKind::Average, _) => Value::Float(sum / numbers.len() as f64),
                    (AggregateKind::Sum, _) => Value::Float(sum),
                    (AggregateKind::Least, _) => self.seen.first().cloned().map_or(Value::Null, Value::Text),
                    _ => self.seen.last().cloned().map_or(Value::Null, Value::Text),
                }
            }
            _ if self.count == 0 => Value::Null,
            AggregateKind::Sum if self.is_whole => Value::Int(self.whole),
            AggregateKind::Sum => Value::Float(self.sum),
            AggregateKind::Average => Value::Float(self.sum / self.count as f64),
            AggregateKind::Least | AggregateKind::Greatest | AggregateKind::Any => {
                self.best.clone().unwrap_or(Value::Null)
            }
        }
    }
}
