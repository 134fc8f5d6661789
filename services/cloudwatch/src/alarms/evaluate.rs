//! A metric alarm's points, and the state that they make.

use haneul_kit::metrics::{Owner, Unit};
use haneul_kit::{Instant, Result};

use super::contributors::{Series, judge};
use super::decide::{self, Treatment, Wanted, decide};
use super::reason::{Facts, Point};
use crate::CloudWatch;
use crate::insights::{Select, is_select};
use crate::model::{Alarm, Contributor, MetricAlarm, OneMetric, Source, StateValue, Watched};
use crate::query::{Plan, Span};
use crate::series::Identity;
use crate::series::window::Window;
use crate::statistic::Statistic;

/// What an evaluation found.
pub(crate) struct Verdict {
    pub(crate) state: StateValue,
    pub(crate) reason: String,
    pub(crate) data: String,
    /// `PARTIAL_DATA`: more matched than was looked at.
    pub(crate) evaluation: Option<String>,
    /// Of an alarm on many series: those in ALARM.
    pub(crate) contributors: Vec<Contributor>,
}

/// What a query resulted in.
enum Watch {
    One(Vec<Point>),
    /// A series for each group; and whether these are not all.
    Many(Vec<Series>, bool),
}

impl MetricAlarm {
    /// Seconds of one period.
    pub(crate) fn period(&self) -> i64 {
        match &self.watched {
            Watched::One(one) => i64::from(one.period),
            Watched::Queries(queries) => {
                let own = queries.iter().filter_map(|query| match &query.source {
                    crate::model::Source::Metric { period, .. } => Some(i64::from(*period)),
                    crate::model::Source::Expression(_) => query.period.map(i64::from),
                });
                own.max().unwrap_or(300)
            }
        }
    }

    /// Seconds between two evaluations.
    pub(crate) fn every(&self) -> i64 {
        if self.period() < 60 { 10 } else { 60 }
    }

    /// Whether each group of its query is looked at by itself.
    pub(crate) fn is_on_many(&self) -> bool {
        let Watched::Queries(queries) = &self.watched else { return false };
        let shown = queries.iter().filter(|query| query.return_data.unwrap_or(true));
        shown.into_iter().any(|query| match &query.source {
            Source::Expression(text) => {
                is_select(text) && Select::parse(text).is_ok_and(|select| !select.group_by.is_empty())
            }
            Source::Metric { .. } => false,
        })
    }

    fn wanted(&self) -> Wanted {
        let periods = usize::try_from(self.evaluation_periods).unwrap_or(1).max(1);
        let breaching =
            self.datapoints_to_alarm.and_then(|points| usize::try_from(points).ok()).unwrap_or(periods);
        // "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data".
        let dynamodb = matches!(&self.watched, Watched::One(one) if one.namespace == "AWS/DynamoDB");
        let missing = match self.treat_missing_data.as_deref() {
            _ if dynamodb => Treatment::Ignore,
            Some(text) => Treatment::parse(text).unwrap_or(Treatment::Missing),
            None => Treatment::Missing,
        };
        Wanted { periods, breaching: breaching.clamp(1, periods), missing }
    }
}

impl CloudWatch {
    /// `None` when the state stays what it is.
    pub(crate) async fn evaluate(
        &self,
        owner: Owner,
        alarm: &Alarm,
        metric: &MetricAlarm,
        now: Instant,
    ) -> Result<Option<Verdict>> {
        let (period, wanted) = (metric.period(), metric.wanted());
        let every = metric.every();
        let end = now.secs().div_euclid(every) * every;
        let range = decide::range(wanted.periods) as i64;
        let window = Window { start: end - range * period, end, period, now: end };
        let (points, few) = match &metric.watched {
            Watched::One(one) => self.one_metric(owner, metric, one, window).await?,
            Watched::Queries(queries) => match self.queried(owner, metric, queries, window).await? {
                Watch::One(points) => (points, false),
                Watch::Many(series, partial) => {
                    return Ok(judge(alarm, metric, wanted, series, partial, now));
                }
            },
        };
        if few {
            return Ok(None);
        }
        let breaches: Vec<Option<bool>> = points.iter().map(|point| point.breaching).collect();
        let Some(state) = decide(&breaches, wanted).filter(|state| *state != alarm.state.value) else {
            return Ok(None);
        };
        let mut decided: Vec<Point> = points.iter().copied().filter(|point| point.value.is_some()).collect();
        decided.truncate(wanted.periods);
        let facts = Facts {
            state,
            points: &decided,
            periods: wanted.periods,
            needed: wanted.breaching,
            missing: wanted.missing,
            comparison: &metric.comparison,
            threshold: metric.threshold,
        };
        let (statistic, unit) = match &metric.watched {
            Watched::One(one) => (Some(one.statistic.as_str()), one.unit.as_deref()),
            Watched::Queries(_) => (None, None),
        };
        let start = decided.last().map_or(window.start, |point| point.at);
        let data = facts.data(now, start, period, statistic, unit).to_string();
        let reason = facts.sentence();
        Ok(Some(Verdict { state, reason, data, evaluation: None, contributors: Vec::new() }))
    }

    /// The periods of the window, the newest first; and whether there are too few samples to say anything about a percentile.
    async fn one_metric(
        &self,
        owner: Owner,
        metric: &MetricAlarm,
        one: &OneMetric,
        window: Window,
    ) -> Result<(Vec<Point>, bool)> {
        let Some(statistic) = Statistic::parse(&one.statistic) else { return Ok((empty(window), false)) };
        let dimensions = one.dimensions.clone();
        let identity =
            Identity::new(owner.account, owner.region, one.namespace.clone(), one.name.clone(), dimensions);
        let mut points = empty(window);
        let mut few = false;
        if let Some(series) = self.points.find(&identity).await? {
            let view = self.points.view().await?;
            let unit = one.unit.as_deref().and_then(Unit::parse);
            for (at, summary) in self.summaries(&view, &series, unit, window).await? {
                let value = statistic.of(&summary);
                let breaching =
                    value.and_then(|value| Some(breaches(&metric.comparison, value, metric.threshold?)));
                set(&mut points, Point { at, value, samples: Some(summary.count), breaching, band: None });
                if let (Statistic::Percentile(percent), Some("ignore")) =
                    (statistic, metric.evaluate_low_sample_count.as_deref())
                {
                    few |= summary.count < decide::samples_needed(percent);
                }
            }
        }
        Ok((points, few))
    }

    async fn queried(
        &self,
        owner: Owner,
        metric: &MetricAlarm,
        queries: &[crate::model::Query],
        window: Window,
    ) -> Result<Watch> {
        let plan = Plan::of(queries.to_vec(), "Metrics", &owner.account.to_string())?;
        let span =
            Span { start_ms: window.start * 1000, end_ms: window.end * 1000, now_ms: window.now * 1000 };
        let answers = self.run(owner, &plan, span).await?;
        let mut points = empty(window);
        let band_id = metric.threshold_metric_id.as_deref();
        let band = band_id.and_then(|id| answers.iter().find(|answer| answer.query.id == id));
        let watched = answers.iter().find(|answer| Some(answer.query.id.as_str()) != band_id);
        if let Some(answer) = watched.filter(|answer| answer.is_grouped()) {
            let series = answer.lines.iter().map(|line| {
                let mut points = empty(window);
                for (at, value) in &line.points {
                    let breaching =
                        metric.threshold.map(|threshold| breaches(&metric.comparison, *value, threshold));
                    set(
                        &mut points,
                        Point { at: *at, value: Some(*value), samples: None, breaching, band: None },
                    );
                }
                Series { attributes: line.group.to_vec(), points }
            });
            return Ok(Watch::Many(series.collect(), answer.partial));
        }
        let Some(line) = watched.and_then(|answer| answer.lines.first()) else {
            return Ok(Watch::One(points));
        };
        for (at, value) in &line.points {
            let (breaching, band) = match (band_id, band) {
                (None, _) => {
                    (metric.threshold.map(|threshold| breaches(&metric.comparison, *value, threshold)), None)
                }
                (Some(_), Some(band)) => match &band.lines[..] {
                    [high, low] => match high.at(*at).zip(low.at(*at)) {
                        Some((high, low)) => {
                            (Some(leaves(&metric.comparison, *value, low, high)), Some((low, high)))
                        }
                        None => (None, None),
                    },
                    _ => (None, None),
                },
                (Some(_), None) => (None, None),
            };
            let value = breaching.is_some().then_some(*value);
            set(&mut points, Point { at: *at, value, samples: None, breaching, band });
        }
        Ok(Watch::One(points))
    }
}

fn empty(window: Window) -> Vec<Point> {
    let point = |at| Point { at, value: None, samples: None, breaching: None, band: None };
    window.steps().rev().map(point).collect()
}

fn set(points: &mut [Point], point: Point) {
    if let Some(place) = points.iter_mut().find(|known| known.at == point.at) {
        *place = point;
    }
}

fn breaches(comparison: &str, value: f64, threshold: f64) -> bool {
    match comparison {
        "GreaterThanOrEqualToThreshold" => value >= threshold,
        "GreaterThanThreshold" => value > threshold,
        "LessThanThreshold" => value < threshold,
        "LessThanOrEqualToThreshold" => value <= threshold,
        _ => false,
    }
}

fn leaves(comparison: &str, value: f64, low: f64, high: f64) -> bool {
    match comparison {
        "GreaterThanUpperThreshold" => value > high,
        "LessThanLowerThreshold" => value < low,
        _ => value < low || value > high,
    }
}
