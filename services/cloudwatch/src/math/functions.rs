use haneul_kit::Instant;
use time::OffsetDateTime;

use super::eval::{Scope, evaluate};
use super::quotas::quota;
use super::{Expr, Function, Line, Need, POINTS_MAX, Value, data_source, too_many};
use crate::series::window::Window;

pub(super) enum Wrong {
    Arguments,
    Because(String),
}

impl From<String> for Wrong {
    fn from(reason: String) -> Wrong {
        Wrong::Because(reason)
    }
}

type Outcome = Result<Value, Wrong>;

pub(super) fn call(function: Function, arguments: &[Expr], scope: &Scope<'_>) -> Outcome {
    use Function as F;
    match (function, arguments) {
        (F::Abs, [one]) => each(one, scope, |line| line.map(f64::abs)),
        (F::Ceil, [one]) => each(one, scope, |line| line.map(f64::ceil)),
        (F::Floor, [one]) => each(one, scope, |line| line.map(f64::floor)),
        (F::Log, [one]) => each(one, scope, |line| line.map(f64::ln)),
        (F::Log10, [one]) => each(one, scope, |line| line.map(f64::log10)),
        (F::Rate, [one]) => each(one, scope, |line| {
            steps(&line, |before, now| (now.1 - before.1) / (now.0 - before.0) as f64)
        }),
        (F::Diff, [one]) => each(one, scope, |line| steps(&line, |before, now| now.1 - before.1)),
        (F::DiffTime, [one]) => {
            each(one, scope, |line| steps(&line, |before, now| (now.0 - before.0) as f64))
        }
        (F::RunningSum, [one]) => each(one, scope, |line| {
            let mut sum = 0.0;
            let summed = line.points.iter().map(|(at, value)| {
                sum += value;
                (*at, sum)
            });
            line.with(summed.collect())
        }),
        (F::Avg | F::Sum | F::Min | F::Max | F::StdDev, [one]) => aggregate(function, one, scope),
        (F::DatapointCount, [one]) => match evaluate(one, scope)? {
            Value::Line(line) => Ok(Value::Scalar(line.points.len() as f64)),
            Value::Lines(lines) => Ok(Value::Line(across(&lines, scope, |values| values.len() as f64))),
            Value::Scalar(_) => Err(Wrong::Arguments),
        },
        (F::MetricCount, [one]) => match evaluate(one, scope)? {
            Value::Lines(lines) => Ok(Value::Scalar(lines.len() as f64)),
            _ => Err(Wrong::Arguments),
        },
        (F::Period, [one]) => match evaluate(one, scope)? {
            Value::Line(line) => Ok(Value::Scalar(line.period as f64)),
            _ => Err(Wrong::Arguments),
        },
        (F::TimeSeries, [one]) => match evaluate(one, scope)? {
            Value::Scalar(value) => Ok(Value::Line(scope.constant(value))),
            _ => Err(Wrong::Arguments),
        },
        (F::Minute | F::Hour | F::Day | F::Date | F::Month | F::Year | F::Epoch, [one]) => {
            // A point at every period, whatever the series has.
            dense(&evaluate(one, scope)?, scope.window)?;
            each(one, scope, |line| calendar(function, &line, scope.window))
        }
        (F::Fill, [one, with]) => fill(one, with, scope),
        (F::If, [condition, then]) => choose(condition, then, None, scope),
        (F::If, [condition, then, otherwise]) => choose(condition, then, Some(otherwise), scope),
        (F::Metrics, []) => Ok(Value::Lines(scope.metrics.iter().map(|(_, line)| line.clone()).collect())),
        (F::Metrics, [Expr::Text(text)]) => {
            let named = scope.metrics.iter().filter(|(id, _)| id.contains(text.as_str()));
            Ok(Value::Lines(named.map(|(_, line)| line.clone()).collect()))
        }
        (F::First | F::Last, [one]) => {
            let lines = array(one, scope)?;
            let line =
                if function == F::First { lines.into_iter().next() } else { lines.into_iter().next_back() };
            Ok(Value::Line(line.unwrap_or_else(|| Line::new("", scope.window.period, Vec::new()))))
        }
        (F::RemoveEmpty, [one]) => {
            let mut lines = array(one, scope)?;
            lines.retain(|line| !line.points.is_empty());
            Ok(Value::Lines(lines))
        }
        (F::Slice, [one, rest @ ..]) if rest.len() == 1 || rest.len() == 2 => slice(one, rest, scope),
        (F::Sort, [one, Expr::Word(by), Expr::Word(order), rest @ ..]) if rest.len() <= 1 => {
            sort(one, by, order, rest, scope)
        }
        (F::Search, [Expr::Text(query), Expr::Text(statistic), rest @ ..]) if rest.len() <= 1 => {
            let period = match rest {
                [] => None,
                [Expr::Number(period)] => Some(*period as i64),
                _ => return Err(Wrong::Arguments),
            };
            let found = scope.searches.get(&(query.clone(), statistic.clone(), period));
            found
                .cloned()
                .map(Value::Lines)
                .ok_or_else(|| "A search expression is not allowed here".to_owned().into())
        }
        (F::AnomalyDetectionBand, [Expr::Id(id), rest @ ..]) if rest.len() <= 1 => {
            let width = match rest {
                [] => 2.0,
                [Expr::Number(width)] if *width > 0.0 => *width,
                _ => return Err(Wrong::Arguments),
            };
            band(id, width, scope)
        }
        (F::InsightRuleMetric, [Expr::Text(name), Expr::Text(statistic) | Expr::Word(statistic)]) => {
            let found = scope.rules.get(&(name.clone(), statistic.clone()));
            found
                .cloned()
                .map(Value::Line)
                .ok_or_else(|| "The metric of a rule is not allowed here".to_owned().into())
        }
        (F::Lambda, arguments) => match data_source(arguments) {
            Some(Need::Function { name, arguments }) => {
                let found = scope.functions.get(&(name, arguments)).cloned();
                let none = || Wrong::from("A function is not allowed here".to_owned());
                found.map(Value::Lines).ok_or_else(none)
            }
            _ => Err(Wrong::Arguments),
        },
        (F::ServiceQuota, [one]) => service_quota(one, scope),
        (F::DbPerfInsights, _) => {
            Err(format!("The function {} is not offered by Haneul", function.name()).into())
        }
        _ => Err(Wrong::Arguments),
    }
}

/// For each series; of a number where the function has only numbers in it.
fn each(one: &Expr, scope: &Scope<'_>, change: impl Fn(Line) -> Line) -> Outcome {
    Ok(match evaluate(one, scope)? {
        Value::Line(line) => Value::Line(change(line)),
        Value::Lines(lines) => Value::Lines(lines.into_iter().map(change).collect()),
        Value::Scalar(value) => {
            let line = change(Line::new("", 60, vec![(0, value)]));
            Value::Scalar(line.points.first().ok_or(Wrong::Arguments)?.1)
        }
    })
}

/// What may be used of what a metric counts, at each period.
fn service_quota(one: &Expr, scope: &Scope<'_>) -> Outcome {
    let of = |line: &Line| {
        let quota = line.origin.as_ref().and_then(|origin| quota(&origin.identity));
        let none = || Wrong::from("There is no service quota associated to this metric".to_owned());
        Ok(scope.constant(quota.ok_or_else(none)?))
    };
    match evaluate(one, scope)? {
        Value::Line(line) => of(&line).map(Value::Line),
        Value::Lines(lines) => {
            dense(&Value::Lines(lines.clone()), scope.window)?;
            lines.iter().map(of).collect::<Result<_, _>>().map(Value::Lines)
        }
        Value::Scalar(_) => Err(Wrong::Arguments),
    }
}

fn array(one: &Expr, scope: &Scope<'_>) -> Result<Vec<Line>, Wrong> {
    match evaluate(one, scope)? {
        Value::Lines(lines) => Ok(lines),
        _ => Err(Wrong::Arguments),
    }
}

/// From each point to the next.
fn steps(line: &Line, of: impl Fn((i64, f64), (i64, f64)) -> f64) -> Line {
    line.with(line.points.windows(2).map(|pair| (pair[1].0, of(pair[0], pair[1]))).collect())
}

/// A series becomes a number, an array becomes a series.
fn aggregate(function: Function, one: &Expr, scope: &Scope<'_>) -> Outcome {
    match evaluate(one, scope)? {
        Value::Line(line) => {
            let values: Vec<f64> = line.values().collect();
            // Of nothing there is neither a sum nor an average: an empty series stays one.
            if values.is_empty() {
                Ok(Value::Line(line))
            } else {
                Ok(Value::Scalar(reduce(function, &values)))
            }
        }
        Value::Lines(lines) => Ok(Value::Line(across(&lines, scope, |values| reduce(function, values)))),
        Value::Scalar(_) => Err(Wrong::Arguments),
    }
}

/// At each time at which any of the series has a point, of those that have one.
fn across(lines: &[Line], scope: &Scope<'_>, of: impl Fn(&[f64]) -> f64) -> Line {
    let mut all: Vec<(i64, f64)> = lines.iter().flat_map(|line| line.points.iter().copied()).collect();
    all.sort_by_key(|(at, _)| *at);
    let period = lines.iter().map(|line| line.period).max().unwrap_or(scope.window.period);
    let points = all.chunk_by(|a, b| a.0 == b.0).map(|same| {
        let values: Vec<f64> = same.iter().map(|(_, value)| *value).collect();
        (same[0].0, of(&values))
    });
    Line::new("", period, points.collect())
}

fn reduce(function: Function, values: &[f64]) -> f64 {
    let (count, sum) = (values.len() as f64, values.iter().sum::<f64>());
    match function {
        Function::Sum => sum,
        Function::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        Function::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Function::StdDev => {
            let mean = sum / count;
            (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
        }
        _ => sum / count,
    }
}

/// A value at every period, whether the series has a point there or not.
fn calendar(function: Function, line: &Line, window: Window) -> Line {
    let window = Window { period: line.period, ..window };
    let of = |at: i64| {
        let time = OffsetDateTime::from_unix_timestamp(Instant::from_secs(at).secs())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        match function {
            Function::Minute => f64::from(time.minute()),
            Function::Hour => f64::from(time.hour()),
            Function::Day => f64::from(time.weekday().number_from_monday()),
            Function::Date => f64::from(time.day()),
            Function::Month => f64::from(u8::from(time.month())),
            Function::Year => f64::from(time.year()),
            _ => at as f64,
        }
    };
    line.with(window.steps().map(|at| (at, of(at))).collect())
}

fn fill(one: &Expr, with: &Expr, scope: &Scope<'_>) -> Outcome {
    enum With {
        Number(f64),
        Repeat,
        Linear,
        Line(Line),
    }
    let with = match with {
        Expr::Word(word) if word.eq_ignore_ascii_case("REPEAT") => With::Repeat,
        Expr::Word(word) if word.eq_ignore_ascii_case("LINEAR") => With::Linear,
        other => match evaluate(other, scope)? {
            Value::Scalar(value) => With::Number(value),
            Value::Line(line) => With::Line(line),
            Value::Lines(_) => return Err(Wrong::Arguments),
        },
    };
    let filled = |line: Line| {
        let window = Window { period: line.period, ..scope.window };
        let mut points = Vec::new();
        for at in window.steps() {
            let after = line.points.partition_point(|(time, _)| *time <= at);
            let (before, next) = (after.checked_sub(1).map(|i| line.points[i]), line.points.get(after));
            let value = match (&with, before) {
                (_, Some((time, value))) if time == at => Some(value),
                (With::Number(value), _) => Some(*value),
                (With::Line(other), _) => other.at(at),
                (With::Repeat, before) => before.map(|(_, value)| value),
                (With::Linear, Some(before)) => next.map(|next| {
                    before.1 + (next.1 - before.1) * (at - before.0) as f64 / (next.0 - before.0) as f64
                }),
                (With::Linear, None) => None,
            };
            points.extend(value.map(|value| (at, value)));
        }
        line.with(points)
    };
    let value = evaluate(one, scope)?;
    dense(&value, scope.window)?;
    match value {
        Value::Line(line) => Ok(Value::Line(filled(line))),
        Value::Lines(lines) => Ok(Value::Lines(lines.into_iter().map(filled).collect())),
        Value::Scalar(_) => Err(Wrong::Arguments),
    }
}

/// Whether the series may have a point at every period.
fn dense(value: &Value, window: Window) -> Result<(), Wrong> {
    let lines = match value {
        Value::Scalar(_) => &[][..],
        Value::Line(line) => std::slice::from_ref(line),
        Value::Lines(lines) => lines,
    };
    let points: i64 = lines.iter().map(|line| Window { period: line.period, ..window }.len()).sum();
    if points > POINTS_MAX as i64 { Err(too_many().into()) } else { Ok(()) }
}

fn choose(condition: &Expr, then: &Expr, otherwise: Option<&Expr>, scope: &Scope<'_>) -> Outcome {
    let then = evaluate(then, scope)?;
    let otherwise = otherwise.map(|one| evaluate(one, scope)).transpose()?;
    let line = match evaluate(condition, scope)? {
        Value::Lines(_) => return Err(Wrong::Arguments),
        Value::Scalar(value) if value != 0.0 => return Ok(then),
        Value::Scalar(_) => {
            return Ok(
                otherwise.unwrap_or_else(|| Value::Line(Line::new("", scope.window.period, Vec::new())))
            );
        }
        Value::Line(line) => line,
    };
    let at = |value: &Value, time: i64| match value {
        Value::Scalar(value) => Ok(Some(*value)),
        Value::Line(line) => Ok(line.at(time)),
        Value::Lines(_) => Err(Wrong::Arguments),
    };
    let mut points = Vec::new();
    for (time, value) in &line.points {
        let chosen = match (*value != 0.0, &otherwise) {
            (true, _) => at(&then, *time)?,
            (false, Some(otherwise)) => at(otherwise, *time)?,
            (false, None) => None,
        };
        points.extend(chosen.map(|value| (*time, value)));
    }
    let mut chosen = line.with(points);
    chosen.origin = None;
    Ok(Value::Line(chosen))
}

fn slice(one: &Expr, rest: &[Expr], scope: &Scope<'_>) -> Outcome {
    let lines = array(one, scope)?;
    let index = |expr: &Expr| match evaluate(expr, scope)? {
        Value::Scalar(value) if value >= 0.0 => Ok(value as usize),
        _ => Err(Wrong::Arguments),
    };
    let start = index(&rest[0])?.min(lines.len());
    match rest.get(1) {
        Some(end) => {
            let end = index(end)?.clamp(start, lines.len());
            Ok(Value::Lines(lines[start..end].to_vec()))
        }
        None => Ok(Value::Lines(lines[start..].to_vec())),
    }
}

fn sort(one: &Expr, by: &str, order: &str, rest: &[Expr], scope: &Scope<'_>) -> Outcome {
    let mut lines = array(one, scope)?;
    let by = Function::parse(&by.to_ascii_uppercase())
        .filter(|by| {
            matches!(by, Function::Avg | Function::Min | Function::Max | Function::Sum | Function::StdDev)
        })
        .ok_or(Wrong::Arguments)?;
    let descending = match order.to_ascii_uppercase().as_str() {
        "DESC" => true,
        "ASC" => false,
        _ => return Err(Wrong::Arguments),
    };
    let key = |line: &Line| {
        let values: Vec<f64> = line.values().collect();
        (!values.is_empty()).then(|| reduce(by, &values))
    };
    lines.sort_by(|a, b| match (key(a), key(b)) {
        (Some(a), Some(b)) if descending => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        // Those without points come last.
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
    if let [limit] = rest {
        match evaluate(limit, scope)? {
            Value::Scalar(limit) if limit >= 0.0 => lines.truncate(limit as usize),
            _ => return Err(Wrong::Arguments),
        }
    }
    Ok(Value::Lines(lines))
}

/// The upper edge, then the lower one.
fn band(id: &str, width: f64, scope: &Scope<'_>) -> Outcome {
    let expected =
        scope.bands.get(id).ok_or_else(|| "An anomaly detection band needs a metric".to_owned())?;
    let period = match scope.results.get(id) {
        Some(Value::Line(line)) => line.period,
        _ => scope.window.period,
    };
    let edge = |label: &str, sign: f64| {
        let points =
            expected.iter().map(|(at, mean, deviation)| (*at, mean + sign * width * deviation)).collect();
        Line::new(label, period, points)
    };
    Ok(Value::Lines(vec![edge("High", 1.0), edge("Low", -1.0)]))
}
