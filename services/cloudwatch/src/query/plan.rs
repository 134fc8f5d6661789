use std::collections::{HashMap, HashSet};

use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::Result;
use haneul_kit::metrics::Unit;

use super::data_source;
use crate::error;
use crate::insights::{self, Select};
use crate::math::{self, Expr, Need};
use crate::model::{Query, Source};
use crate::ops::insight_report::Statistic as Contributed;
use crate::ops::put_metric_data::dimensions;
use crate::statistic::Statistic;

/// Queries of one request.
const QUERIES_MAX: usize = 500;

/// Queries that were found to make sense, in an order in which they can be run.
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
}

pub(crate) struct Step {
    /// Where the query stands in the request.
    pub(crate) place: usize,
    pub(crate) query: Query,
    pub(crate) work: Work,
}

pub(crate) enum Work {
    Metric(Statistic),
    Math(Expr),
    Insights(Select),
}

/// The wire's queries as we keep them.
///
/// # Errors
/// Says what is wrong with which member.
pub(crate) fn from_wire(queries: Vec<s::MetricDataQuery>, parameter: &str) -> Result<Vec<Query>> {
    let mut kept = Vec::with_capacity(queries.len());
    for (i, query) in queries.into_iter().enumerate() {
        let member = |name: &str| format!("{parameter}.member.{}.{name}", i + 1);
        let source = match (query.metric_stat, query.expression) {
            (Some(stat), None) => {
                let metric = stat.metric;
                let (Some(namespace), Some(name)) = (metric.namespace, metric.metric_name) else {
                    return Err(error::validation(format!(
                        "The parameter {} must have a namespace and a metric name.",
                        member("MetricStat.Metric")
                    )));
                };
                let place = || member("MetricStat.Metric.Dimensions");
                let mut dimensions = dimensions(metric.dimensions.unwrap_or_default(), place)?;
                dimensions.sort();
                let (period, statistic, unit) = (stat.period, stat.stat, stat.unit);
                Source::Metric { namespace, name, dimensions, period, statistic, unit }
            }
            (None, Some(expression)) => Source::Expression(expression),
            (Some(_), Some(_)) => {
                return Err(error::validation(format!(
                    "The parameters {} and {} are mutually exclusive and you have specified both.",
                    member("Expression"),
                    member("MetricStat")
                )));
            }
            (None, None) => {
                return Err(error::validation(format!(
                    "You must specify either {} or {}.",
                    member("Expression"),
                    member("MetricStat")
                )));
            }
        };
        kept.push(Query {
            id: query.id,
            source,
            label: query.label,
            return_data: query.return_data,
            period: query.period,
            account: query.account_id,
        });
    }
    Ok(kept)
}

pub(crate) fn to_wire(query: &Query) -> s::MetricDataQuery {
    let (metric_stat, expression) = match &query.source {
        Source::Expression(text) => (None, Some(text.clone())),
        Source::Metric { namespace, name, dimensions, period, statistic, unit } => {
            let metric = s::Metric {
                namespace: Some(namespace.clone()),
                metric_name: Some(name.clone()),
                dimensions: Some(wire_dimensions(dimensions)),
            };
            (
                Some(s::MetricStat { metric, period: *period, stat: statistic.clone(), unit: unit.clone() }),
                None,
            )
        }
    };
    s::MetricDataQuery {
        id: query.id.clone(),
        metric_stat,
        expression,
        label: query.label.clone(),
        return_data: query.return_data,
        period: query.period,
        account_id: query.account.clone(),
    }
}

fn wire_dimensions(dimensions: &[(String, String)]) -> Vec<s::Dimension> {
    let dimension =
        |(name, value): &(String, String)| s::Dimension { name: name.clone(), value: value.clone() };
    dimensions.iter().map(dimension).collect()
}

/// 1, 5, 10, 20, 30, or a multiple of 60.
pub(crate) fn check_period(period: i32) -> bool {
    matches!(period, 1 | 5 | 10 | 20 | 30) || period > 0 && period % 60 == 0
}

impl Plan {
    /// # Errors
    /// For queries that make no sense alone or together, in AWS's words.
    pub(crate) fn of(queries: Vec<Query>, parameter: &str, own_account: &str) -> Result<Plan> {
        if queries.is_empty() {
            return Err(error::missing(format!("The parameter {parameter} is required.")));
        }
        if queries.len() > QUERIES_MAX {
            return Err(error::validation(format!(
                "The collection {parameter} must not have a size greater than {QUERIES_MAX}."
            )));
        }
        let mut ids = HashSet::new();
        let mut steps = Vec::with_capacity(queries.len());
        for (place, query) in queries.into_iter().enumerate() {
            let member = |name: &str| format!("{parameter}.member.{}.{name}", place + 1);
            let good = query.id.starts_with(|c: char| c.is_ascii_lowercase())
                && query.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !good {
                return Err(error::validation(format!(
                    "The value {} for parameter {} is not valid. The id must begin with a lowercase letter and have only letters, numbers, and underscores.",
                    query.id,
                    member("Id")
                )));
            }
            if !ids.insert(query.id.clone()) {
                return Err(error::validation(format!(
                    "The values for parameter id in {parameter} are not unique."
                )));
            }
            if query.account.as_deref().is_some_and(|account| account != own_account) {
                return Err(error::not_offered("Querying metrics of another account"));
            }
            let work = work(&query, &member)?;
            steps.push(Step { place, query, work });
        }
        if steps.iter().filter(|step| matches!(step.work, Work::Insights(_))).count() > 1 {
            return Err(error::validation("A request can have only one Metrics Insights query."));
        }
        Ok(Plan { steps: in_order(steps)? })
    }

    /// The shortest period of all metrics and expressions, for what has none of its own.
    pub(crate) fn period(&self) -> i64 {
        let periods = self.steps.iter().filter_map(|step| match &step.query.source {
            Source::Metric { period, .. } => Some(i64::from(*period)),
            Source::Expression(_) => step.query.period.map(i64::from),
        });
        periods.min().unwrap_or(300)
    }

    pub(crate) fn searches(&self) -> bool {
        self.any_needs(|need| matches!(need, Need::Search { .. }))
    }

    /// Whether a function is asked.
    pub(crate) fn asks(&self) -> bool {
        self.any_needs(|need| matches!(need, Need::Function { .. }))
    }

    fn any_needs(&self, is: impl Fn(&Need) -> bool) -> bool {
        self.steps.iter().any(|step| match &step.work {
            Work::Math(expr) => expr.needs().iter().any(&is),
            Work::Metric(_) | Work::Insights(_) => false,
        })
    }
}

fn work(query: &Query, member: &impl Fn(&str) -> String) -> Result<Work> {
    let bad_period = |name: &str| {
        error::validation(format!(
            "The parameter {} must be a value in the set [ 1, 5, 10, 20, 30 ], or a multiple of 60.",
            member(name)
        ))
    };
    if query.period.is_some_and(|period| !check_period(period)) {
        return Err(bad_period("Period"));
    }
    match &query.source {
        Source::Metric { period, statistic, unit, .. } => {
            if !check_period(*period) {
                return Err(bad_period("MetricStat.Period"));
            }
            if unit.as_deref().is_some_and(|unit| Unit::parse(unit).is_none()) {
                return Err(crate::ops::put_metric_data::unknown_unit(&member("MetricStat.Unit")));
            }
            let statistic = Statistic::parse(statistic).ok_or_else(|| {
                error::validation(format!(
                    "The value {statistic} for parameter {} is not supported.",
                    member("MetricStat.Stat")
                ))
            })?;
            Ok(Work::Metric(statistic))
        }
        Source::Expression(text) if insights::is_select(text) => {
            if query.period.is_none() {
                return Err(error::validation(format!(
                    "The parameter {} is required for a Metrics Insights query.",
                    member("Period")
                )));
            }
            Ok(Work::Insights(Select::parse(text).map_err(|reason| wrong(&query.id, &reason))?))
        }
        Source::Expression(text) => {
            let expr = math::parse(text).map_err(|reason| wrong(&query.id, &reason))?;
            for need in expr.needs() {
                if let Need::Rule { statistic, .. } = &need {
                    if Contributed::parse(statistic).is_none() {
                        let reason = format!("{statistic} is no metric of a Contributor Insights rule");
                        return Err(wrong(&query.id, &reason));
                    }
                    if query.period.is_some_and(|period| period % 60 != 0) {
                        let reason = "The period of a Contributor Insights rule must be a multiple of 60";
                        return Err(wrong(&query.id, reason));
                    }
                }
                if let Need::Function { name, .. } = &need
                    && !data_source::is_name(name)
                {
                    return Err(wrong(&query.id, &format!("Invalid Lambda function name: {name}")));
                }
                if let Need::Search { query: text, statistic, period } = need {
                    crate::search::Search::parse(&text).map_err(|reason| wrong(&query.id, &reason))?;
                    let known = Statistic::parse(&statistic).is_some();
                    let periodic = period.is_none_or(|period| i32::try_from(period).is_ok_and(check_period));
                    if !known || !periodic {
                        return Err(wrong(&query.id, "Invalid statistic or period in a search"));
                    }
                }
            }
            Ok(Work::Math(expr))
        }
    }
}

pub(super) fn wrong(id: &str, reason: &str) -> haneul_kit::ApiError {
    error::validation(format!("Error in expression '{id}' [{reason}]"))
}

/// What is referred to comes before what refers to it.
fn in_order(steps: Vec<Step>) -> Result<Vec<Step>> {
    let known: HashMap<String, usize> =
        steps.iter().enumerate().map(|(i, step)| (step.query.id.clone(), i)).collect();
    let metrics: Vec<usize> =
        (0..steps.len()).filter(|i| matches!(steps[*i].work, Work::Metric(_))).collect();
    let mut waits: Vec<HashSet<usize>> = Vec::with_capacity(steps.len());
    for step in &steps {
        let mut needed = HashSet::new();
        if let Work::Math(expr) = &step.work {
            for need in expr.needs() {
                match need {
                    Need::Id(id) | Need::Band(id) => {
                        let place = known
                            .get(&id)
                            .ok_or_else(|| wrong(&step.query.id, &format!("Unresolved identifier: {id}")))?;
                        needed.insert(*place);
                    }
                    Need::Metrics => needed.extend(metrics.iter().copied()),
                    Need::Search { .. } | Need::Rule { .. } | Need::Function { .. } => {}
                }
            }
        }
        waits.push(needed);
    }
    let mut order = Vec::with_capacity(steps.len());
    let mut done = HashSet::new();
    while order.len() < steps.len() {
        let before = order.len();
        for (i, needed) in waits.iter().enumerate() {
            if !done.contains(&i) && needed.is_subset(&done) {
                done.insert(i);
                order.push(i);
            }
        }
        if order.len() == before {
            let stuck = steps
                .iter()
                .enumerate()
                .find(|(i, _)| !done.contains(i))
                .map_or("", |(_, step)| &step.query.id);
            return Err(wrong(stuck, "The expression refers to itself"));
        }
    }
    let mut slots: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|i| slots[i].take()).collect())
}
