use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use haneul_kit::metrics::{Owner, Summary, Unit, Values};
use haneul_kit::{ApiError, Result};

use super::data_source::{self, Failure};
use super::label::Labels;
use super::plan::{Plan, Work, wrong};
use crate::CloudWatch;
use crate::insights::{self, Select};
use crate::math::{self, Line, Need, Origin, POINTS_MAX, Scope, Value, too_many};
use crate::model::{Query, Source};
use crate::ops::insight_report::Statistic as Contributed;
use crate::search::Search;
use crate::series::window::Window;
use crate::series::{Identity, Series};
use crate::statistic::Statistic;
use crate::store::View;
use crate::store::listing;

/// Metrics that one search returns at most.
const SEARCH_MAX: usize = 500;

/// Periods of one query at most.
const PERIODS_MAX: i64 = 200_000;

const TWO_WEEKS_S: i64 = 14 * 86_400;

/// When to look, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) now_ms: i64,
}

/// What one query resulted in.
pub(crate) struct Answer {
    pub(crate) query: Query,
    pub(crate) lines: Vec<Line>,
    /// Whether it is an array: then each line has its own part of the label.
    pub(crate) many: bool,
    /// Whether not all that matched is there.
    pub(crate) partial: bool,
    /// Why a function that was asked gave nothing.
    pub(crate) failure: Option<Failure>,
}

impl Answer {
    /// Whether each line is a group of a Metrics Insights query.
    pub(crate) fn is_grouped(&self) -> bool {
        self.many && matches!(&self.query.source, Source::Expression(text) if insights::is_select(text))
    }
}

impl Span {
    pub(crate) fn window(self, period: i64) -> Window {
        Window::new(self.start_ms, self.end_ms, period, self.now_ms)
    }
}

impl CloudWatch {
    /// Runs the queries of a plan; answers in the order of the request, with those that are not to be returned left out.
    ///
    /// # Errors
    /// For an expression whose operands do not fit.
    pub(crate) async fn run(&self, owner: Owner, plan: &Plan, span: Span) -> Result<Vec<Answer>> {
        let view = self.points.view().await?;
        let labels = Labels::of(plan);
        let mut results: HashMap<String, Value> = HashMap::with_capacity(plan.steps.len());
        let mut partial: HashMap<String, bool> = HashMap::new();
        let mut failures: HashMap<String, Failure> = HashMap::new();
        let deadline = self.platform.env.now() + data_source::ANSWERED_WITHIN;
        let mut held = 0;
        let mut metrics: Vec<(usize, String, Line)> = Vec::new();
        for step in &plan.steps {
            let query = &step.query;
            let value = match (&step.work, &query.source) {
                (Work::Metric(statistic), Source::Metric { period, .. }) => {
                    let window = checked(span.window(i64::from(*period)))?;
                    let line = self.metric_line(&view, owner, query, *statistic, window, &labels).await?;
                    metrics.push((step.place, query.id.clone(), line.clone()));
                    Value::Line(line)
                }
                (Work::Insights(select), _) => {
                    let window = checked(span.window(query.period.map_or(300, i64::from)))?;
                    let (lines, cut) =
                        self.select(&view, owner, select, window, &labels.of_query(query)).await?;
                    partial.insert(query.id.clone(), cut);
                    if select.group_by.is_empty() {
                        let none = || Line::new(labels.of_query(query), window.period, Vec::new());
                        Value::Line(lines.into_iter().next().unwrap_or_else(none))
                    } else {
                        Value::Lines(lines)
                    }
                }
                (Work::Math(expr), _) => {
                    let window = checked(span.window(query.period.map_or(plan.period(), i64::from)))?;
                    let (mut searches, mut bands, mut rules, mut functions) =
                        (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
                    for need in expr.needs() {
                        match need {
                            Need::Search { query: text, statistic, period } => {
                                let window = checked(span.window(period.unwrap_or(window.period)))?;
                                let key = (text, statistic, period);
                                let (lines, cut) = self.search(&view, owner, &key.0, &key.1, window).await?;
                                *partial.entry(query.id.clone()).or_default() |= cut;
                                searches.insert(key, lines);
                            }
                            Need::Band(id) => {
                                if let Some(Value::Line(line)) = results.get(&id) {
                                    let window = Window { period: line.period, ..window };
                                    let band = self.expected(&view, owner, line, plan, &id, window).await?;
                                    bands.insert(id, band);
                                }
                            }
                            Need::Rule { name, statistic } => {
                                // Looked for once, however often it is named.
                                if let Entry::Vacant(place) = rules.entry((name, statistic)) {
                                    let (name, statistic) = place.key();
                                    let line = self.rule_line(owner, name, statistic, window).await?;
                                    place.insert(line);
                                }
                            }
                            Need::Function { name, arguments } => {
                                if let Entry::Vacant(place) = functions.entry((name, arguments)) {
                                    let (name, arguments) = place.key();
                                    let asked = self.ask(owner, (name, arguments), window, deadline).await;
                                    let answered = asked.map_err(|reason| wrong(&query.id, &reason))?;
                                    *partial.entry(query.id.clone()).or_default() |= answered.partial;
                                    failures.extend(answered.failure.map(|why| (query.id.clone(), why)));
                                    place.insert(answered.lines);
                                }
                            }
                            Need::Id(_) | Need::Metrics => {}
                        }
                    }
                    metrics.sort_by_key(|(place, ..)| *place);
                    let named: Vec<(String, Line)> =
                        metrics.iter().map(|(_, id, line)| (id.clone(), line.clone())).collect();
                    let scope = Scope {
                        window,
                        results: &results,
                        metrics: &named,
                        searches: &searches,
                        rules: &rules,
                        functions: &functions,
                        bands: &bands,
                    };
                    math::evaluate(expr, &scope).map_err(|reason| wrong(&query.id, &reason))?
                }
                (Work::Metric(_), Source::Expression(_)) => {
                    return Err(ApiError::internal("a plan that does not fit its queries"));
                }
            };
            held += value.points();
            if held > POINTS_MAX {
                return Err(wrong(&query.id, &too_many()));
            }
            results.insert(query.id.clone(), value);
        }
        let mut shown: Vec<_> =
            plan.steps.iter().filter(|step| step.query.return_data.unwrap_or(true)).collect();
        shown.sort_by_key(|step| step.place);
        shown
            .into_iter()
            .map(|step| {
                let query = step.query.clone();
                let partial = partial.get(&query.id).copied().unwrap_or(false);
                let failure = failures.remove(&query.id);
                let (lines, many) = match results.remove(&query.id) {
                    Some(Value::Line(mut line)) => {
                        if matches!(step.work, Work::Math(_)) {
                            line.label = labels.of_query(&query);
                        }
                        (vec![line], false)
                    }
                    Some(Value::Lines(lines)) => (lines, true),
                    Some(scalar @ Value::Scalar(_)) => {
                        let kind = scalar.kind().to_lowercase();
                        return Err(wrong(
                            &query.id,
                            &format!("The expression must result in a time series, not in a {kind}"),
                        ));
                    }
                    None => (Vec::new(), false),
                };
                Ok(Answer { query, lines, many, partial, failure })
            })
            .collect()
    }

    async fn metric_line(
        &self,
        view: &View,
        owner: Owner,
        query: &Query,
        statistic: Statistic,
        window: Window,
        labels: &Labels,
    ) -> Result<Line> {
        let Source::Metric { namespace, name, dimensions, unit, statistic: named, .. } = &query.source else {
            return Err(ApiError::internal("a query without a metric"));
        };
        let identity =
            Identity::new(owner.account, owner.region, namespace.clone(), name.clone(), dimensions.clone());
        let unit = unit.as_deref().and_then(Unit::parse);
        let points = match self.points.find(&identity).await? {
            Some(series) => self.line_points(view, &series, statistic, unit, window).await?,
            None => Vec::new(),
        };
        let mut line = Line::new(labels.of_query(query), window.period, points);
        line.origin = Some(Arc::new(Origin { identity, statistic: named.clone() }));
        Ok(line)
    }

    pub(crate) async fn line_points(
        &self,
        view: &View,
        series: &Series,
        statistic: Statistic,
        unit: Option<Unit>,
        window: Window,
    ) -> Result<Vec<(i64, f64)>> {
        let summed = self.summaries(view, series, unit, window).await?;
        Ok(summed.into_iter().filter_map(|(at, summary)| Some((at, statistic.of(&summary)?))).collect())
    }

    pub(crate) async fn summaries(
        &self,
        view: &View,
        series: &Series,
        unit: Option<Unit>,
        window: Window,
    ) -> Result<Vec<(i64, Summary)>> {
        let mut buckets = view.read(series.id, window.start, window.end).await?;
        if let Some(unit) = unit {
            buckets.retain(|bucket| bucket.unit == unit);
        }
        Ok(window.sum_up_all(buckets))
    }

    /// A statistic of what a rule of Contributor Insights counted.
    async fn rule_line(&self, owner: Owner, name: &str, statistic: &str, window: Window) -> Result<Line> {
        let Some(parsed) = Contributed::parse(statistic) else {
            return Err(ApiError::internal("a rule's metric that was not checked"));
        };
        // Counts are of minutes: of shorter periods, which only other queries can give, there are none.
        let points = match window.period % 60 {
            0 => self.rule_points(owner, name, parsed, window).await?,
            _ => Vec::new(),
        };
        Ok(Line::new(format!("{name} {statistic}"), window.period, points))
    }

    /// The metrics that a search finds, newest data within two weeks, and whether there were too many.
    async fn search(
        &self,
        view: &View,
        owner: Owner,
        text: &str,
        statistic: &str,
        window: Window,
    ) -> Result<(Vec<Line>, bool)> {
        let (Ok(search), Some(parsed)) = (Search::parse(text), Statistic::parse(statistic)) else {
            return Err(ApiError::internal("a search that was not checked"));
        };
        let scope = listing::Scope {
            account: owner.account,
            region: owner.region,
            namespace: search.namespace(),
            name: None,
        };
        let oldest_ms = (window.now - TWO_WEEKS_S) * 1000;
        let wanted =
            |identity: &Identity, last_put_ms: i64| last_put_ms >= oldest_ms && search.finds(identity);
        let (mut found, _) = self.points.list(scope, None, SEARCH_MAX + 1, wanted).await?;
        let cut = found.len() > SEARCH_MAX;
        found.truncate(SEARCH_MAX);
        found.sort_by(|a, b| a.identity.cmp(&b.identity));
        let mut lines = Vec::with_capacity(found.len());
        let mut held = 0;
        for series in &found {
            let points = self.line_points(view, series, parsed, None, window).await?;
            held += points.len();
            if held > POINTS_MAX {
                return Err(crate::error::validation(too_many()));
            }
            let mut line = Line::new(series.identity.name.clone(), window.period, points);
            line.origin =
                Some(Arc::new(Origin { identity: series.identity.clone(), statistic: statistic.to_owned() }));
            lines.push(line);
        }
        super::label::tell_apart(&mut lines);
        Ok((lines, cut))
    }

    async fn select(
        &self,
        view: &View,
        owner: Owner,
        select: &Select,
        window: Window,
        label: &str,
    ) -> Result<(Vec<Line>, bool)> {
        let scope = listing::Scope {
            account: owner.account,
            region: owner.region,
            namespace: Some(&select.namespace),
            name: Some(&select.metric),
        };
        let start = window.start.max(window.now - TWO_WEEKS_S);
        let start = window.start + (start - window.start).div_euclid(window.period) * window.period;
        let window = Window { start, ..window };
        let oldest_ms = (window.now - TWO_WEEKS_S) * 1000;
        let wanted =
            |identity: &Identity, last_put_ms: i64| last_put_ms >= oldest_ms && select.finds(identity);
        let (found, more) = self.points.list(scope, None, insights::METRICS_MAX, wanted).await?;
        let mut groups: BTreeMap<Vec<String>, BTreeMap<i64, Summary>> = BTreeMap::new();
        let mut held = 0;
        for series in &found {
            let group = groups.entry(select.group(&series.identity)).or_default();
            for (at, mut summary) in self.summaries(view, series, None, window).await? {
                // The five functions do without the distribution.
                summary.values = Values::Unknown;
                match group.entry(at) {
                    std::collections::btree_map::Entry::Vacant(entry) => {
                        entry.insert(summary);
                        held += 1;
                        if held > POINTS_MAX {
                            return Err(crate::error::validation(too_many()));
                        }
                    }
                    std::collections::btree_map::Entry::Occupied(mut entry) => {
                        entry.get_mut().merge(&summary)
                    }
                }
            }
        }
        let mut lines: Vec<Line> = groups
            .into_iter()
            .map(|(group, points)| {
                let label = if group.is_empty() { label.to_owned() } else { group.join(" ") };
                let group: Arc<[_]> = select.group_by.iter().cloned().zip(group).collect();
                let points =
                    points.into_iter().map(|(at, summary)| (at, select.function.of(&summary))).collect();
                Line { group, ..Line::new(label, window.period, points) }
            })
            .collect();
        if let Some((by, descending)) = select.order_by {
            lines.sort_by(|a, b| match (by.over(a.values()), by.over(b.values())) {
                (Some(a), Some(b)) if descending => b.total_cmp(&a),
                (Some(a), Some(b)) => a.total_cmp(&b),
                (a, b) => b.is_some().cmp(&a.is_some()),
            });
        }
        let cut = more.is_some() || lines.len() > select.limit && select.limit == insights::SERIES_MAX;
        lines.truncate(select.limit);
        Ok((lines, cut))
    }
}

fn checked(window: Window) -> Result<Window> {
    if window.len() > PERIODS_MAX {
        return Err(crate::error::validation("The requested range has too many periods."));
    }
    Ok(window)
}
