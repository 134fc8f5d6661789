//! Source: Trino, "Aggregate functions". Those called approximate are exact here.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::feed::compare;
use crate::lake::expr::{Expr, Row};
use crate::lake::nodes::Order;
use crate::lake::value::{Value, key};

/// One aggregate of a grouped query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) kind: Kind,
    /// None counts rows.
    pub(crate) arguments: Vec<Expr>,
    pub(crate) distinct: bool,
    pub(crate) filter: Option<Expr>,
    /// In which values are gathered.
    pub(crate) order: Vec<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Count,
    CountIf,
    Sum,
    Average,
    GeometricMean,
    Least,
    Greatest,
    /// The first that comes.
    Any,
    Every,
    Some,
    /// The value beside the least, or the greatest.
    LeastBy,
    GreatestBy,
    /// Of a population or a sample, its root or itself.
    Variance(bool, bool),
    Gather,
    Join,
    Map,
    Histogram,
    Percentile,
}

impl Kind {
    /// The aggregate of that name, and how many arguments it takes.
    pub(crate) fn named(name: &str) -> Option<(Kind, usize, usize)> {
        Some(match &*name.to_ascii_lowercase() {
            "count" => (Kind::Count, 0, 1),
            "approx_distinct" => (Kind::Count, 1, 2),
            "count_if" => (Kind::CountIf, 1, 1),
            "sum" => (Kind::Sum, 1, 1),
            "avg" => (Kind::Average, 1, 1),
            "geometric_mean" => (Kind::GeometricMean, 1, 1),
            "min" => (Kind::Least, 1, 1),
            "max" => (Kind::Greatest, 1, 1),
            "arbitrary" | "any_value" => (Kind::Any, 1, 1),
            "bool_and" | "every" => (Kind::Every, 1, 1),
            "bool_or" => (Kind::Some, 1, 1),
            "min_by" => (Kind::LeastBy, 2, 2),
            "max_by" => (Kind::GreatestBy, 2, 2),
            "stddev" | "stddev_samp" => (Kind::Variance(false, true), 1, 1),
            "stddev_pop" => (Kind::Variance(true, true), 1, 1),
            "variance" | "var_samp" => (Kind::Variance(false, false), 1, 1),
            "var_pop" => (Kind::Variance(true, false), 1, 1),
            "array_agg" => (Kind::Gather, 1, 1),
            "listagg" => (Kind::Join, 1, 2),
            "map_agg" => (Kind::Map, 2, 2),
            "histogram" => (Kind::Histogram, 1, 1),
            "approx_percentile" => (Kind::Percentile, 2, 2),
            _ => return None,
        })
    }
}

#[derive(Default)]
pub(crate) struct State {
    count: u64,
    sum: f64,
    whole: i128,
    has_fraction: bool,
    mean: f64,
    squares: f64,
    logarithms: f64,
    flags: (bool, bool),
    best: Option<(Value, Value)>,
    second: Value2,
    gathered: Vec<(Vec<Value>, Value, Value)>,
    seen: HashSet<Vec<u8>>,
}

/// The second argument, which is the same for all rows.
type Value2 = Option<Value>;

impl State {
    /// How many values more are kept, and bytes.
    pub(crate) fn take(&mut self, aggregate: &Aggregate, row: Row<'_>) -> (usize, usize) {
        if aggregate.filter.as_ref().is_some_and(|filter| !filter.holds(row)) {
            return (0, 0);
        }
        let Some(argument) = aggregate.arguments.first() else {
            self.count += 1;
            return (0, 0);
        };
        let value = argument.value(row);
        let second = aggregate.arguments.get(1).map(|argument| argument.value(row));
        let takes_null = matches!(aggregate.kind, Kind::Gather | Kind::LeastBy | Kind::GreatestBy);
        if value == Value::Null && !takes_null {
            return (0, 0);
        }
        let (mut kept, mut bytes) = (0, 0);
        if aggregate.distinct {
            let own = key([&value]);
            let size = own.len() + 48;
            if !self.seen.insert(own) {
                return (0, 0);
            }
            (kept, bytes) = (1, size);
        }
        self.count += 1;
        match aggregate.kind {
            Kind::Count => {}
            Kind::CountIf => self.whole += i128::from(value.truth() == Some(true)),
            Kind::Sum | Kind::Average => {
                match value.whole() {
                    Some(whole) => self.whole += i128::from(whole),
                    None => self.has_fraction = true,
                }
                self.sum += value.number().unwrap_or(0.0);
            }
            Kind::GeometricMean => self.logarithms += value.number().map_or(f64::NAN, f64::ln),
            Kind::Variance(..) => {
                // Welford's way, which keeps what is small beside what is large.
                let number = value.number().unwrap_or(f64::NAN);
                let off = number - self.mean;
                self.mean += off / self.count as f64;
                self.squares += off * (number - self.mean);
            }
            Kind::Every | Kind::Some => match value.truth() {
                Some(true) => self.flags.0 = true,
                _ => self.flags.1 = true,
            },
            Kind::Least | Kind::Greatest => {
                bytes += self.better(value.clone(), value, aggregate.kind == Kind::Least);
            }
            Kind::LeastBy | Kind::GreatestBy => match second {
                Some(by) if by != Value::Null => {
                    bytes += self.better(by, value, aggregate.kind == Kind::LeastBy);
                }
                _ => self.count -= 1,
            },
            Kind::Any => {
                if self.best.is_none() {
                    bytes += value.weight();
                    self.best = Some((Value::Null, value));
                }
            }
            Kind::Gather | Kind::Join | Kind::Map | Kind::Histogram | Kind::Percentile => {
                let keys: Vec<Value> = aggregate.order.iter().map(|order| order.expr.value(row)).collect();
                let second = second.unwrap_or(Value::Null);
                kept += 1;
                bytes += keys.iter().map(Value::weight).sum::<usize>() + value.weight() + second.weight();
                if self.second.is_none() {
                    self.second = Some(second.clone());
                }
                self.gathered.push((keys, value, second));
            }
        }
        (kept, bytes)
    }

    /// How many bytes it takes more than what was there.
    fn better(&mut self, by: Value, value: Value, least: bool) -> usize {
        let is_better = self.best.as_ref().is_none_or(|(best, _)| {
            let order = by.order(best);
            order == if least { Ordering::Less } else { Ordering::Greater }
        });
        if !is_better {
            return 0;
        }
        let before = self.best.as_ref().map_or(0, |(by, value)| by.weight() + value.weight());
        let more = (by.weight() + value.weight()).saturating_sub(before);
        self.best = Some((by, value));
        more
    }

    pub(crate) fn result(&self, aggregate: &Aggregate) -> Value {
        match aggregate.kind {
            Kind::Count => Value::Int(self.count as i64),
            Kind::CountIf => int(self.whole),
            _ if self.count == 0 => Value::Null,
            Kind::Sum if !self.has_fraction => int(self.whole),
            Kind::Sum => Value::Float(self.sum),
            Kind::Average => Value::Float(self.sum / self.count as f64),
            Kind::GeometricMean => Value::Float((self.logarithms / self.count as f64).exp()),
            Kind::Variance(population, root) => {
                let by = if population { self.count } else { self.count - 1 };
                if by == 0 {
                    return Value::Null;
                }
                let variance = self.squares / by as f64;
                Value::Float(if root { variance.sqrt() } else { variance })
            }
            Kind::Every => Value::Bool(!self.flags.1),
            Kind::Some => Value::Bool(self.flags.0),
            Kind::Least | Kind::Greatest | Kind::Any | Kind::LeastBy | Kind::GreatestBy => {
                self.best.as_ref().map_or(Value::Null, |(_, value)| value.clone())
            }
            Kind::Gather | Kind::Join | Kind::Map | Kind::Histogram | Kind::Percentile => {
                self.of_gathered(aggregate)
            }
        }
    }

    fn of_gathered(&self, aggregate: &Aggregate) -> Value {
        let mut all: Vec<&(Vec<Value>, Value, Value)> = self.gathered.iter().collect();
        all.sort_by(|(one, ..), (other, ..)| compare(one, other, &aggregate.order));
        let values = all.iter().map(|(_, value, _)| value);
        match aggregate.kind {
            Kind::Gather => Value::Array(values.cloned().collect()),
            Kind::Join => {
                let by = self.second.as_ref().and_then(Value::text).unwrap_or_default();
                Value::Text(values.filter_map(Value::text).collect::<Vec<_>>().join(&by))
            }
            Kind::Map => {
                let mut seen = HashSet::new();
                let first = all.iter().filter(|(_, name, _)| seen.insert(key([name])));
                Value::Map(first.map(|(_, name, value)| (name.clone(), value.clone())).collect())
            }
            Kind::Histogram => {
                let mut counts: Vec<(Value, Value)> = Vec::new();
                let mut places = std::collections::HashMap::new();
                for value in values {
                    let at = *places.entry(key([value])).or_insert_with(|| {
                        counts.push((value.clone(), Value::Int(0)));
                        counts.len() - 1
                    });
                    if let Value::Int(count) = &mut counts[at].1 {
                        *count += 1;
                    }
                }
                Value::Map(counts)
            }
            _ => {
                let mut sorted: Vec<&Value> = values.collect();
                sorted.sort_by(|one, other| one.order(other));
                let of = |part: &Value| {
                    let part = part.number().filter(|part| (0.0..=1.0).contains(part))?;
                    let at = (part * sorted.len() as f64).ceil() as usize;
                    sorted.get(at.max(1) - 1).map(|value| (*value).clone())
                };
                match &self.second {
                    Some(Value::Array(parts)) => {
                        Value::Array(parts.iter().map(|part| of(part).unwrap_or(Value::Null)).collect())
                    }
                    Some(part) => of(part).unwrap_or(Value::Null),
                    None => Value::Null,
                }
            }
        }
    }
}

/// Sums do not overflow while they grow; what is too large in the end is NULL.
fn int(whole: i128) -> Value {
    i64::try_from(whole).map_or(Value::Null, Value::Int)
}
