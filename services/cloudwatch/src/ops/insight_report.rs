//! GetInsightRuleReport, and the same numbers for metric math.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::contributors::{Rule, Tally};
use haneul_kit::metrics::Owner;
use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_store::Snapshot;

use super::alarm_parts::owner;
use crate::CloudWatch;
use crate::contributors::Definition;
use crate::contributors::report::{Asked, Contributor, Datapoint, Plotting, Summing, Wanted, ranked};
use crate::error;
use crate::series::window::Window;
use crate::store::contributors::KEPT_MS;

/// Of one report, as of one GetMetricData. AWS names no bound.
const DATAPOINTS_MAX: u64 = 100_800;
const CONTRIBUTORS_DEFAULT: i32 = 10;
const CONTRIBUTORS_MAX: u32 = 100;
const MINUTE_MS: i64 = 60_000;

/// A statistic of the periods of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statistic {
    UniqueContributors,
    MaxContributorValue,
    SampleCount,
    Sum,
    Minimum,
    Maximum,
    Average,
}

impl Statistic {
    pub(crate) fn parse(name: &str) -> Option<Statistic> {
        Some(match name {
            "UniqueContributors" => Statistic::UniqueContributors,
            "MaxContributorValue" => Statistic::MaxContributorValue,
            "SampleCount" => Statistic::SampleCount,
            "Sum" => Statistic::Sum,
            "Minimum" => Statistic::Minimum,
            "Maximum" => Statistic::Maximum,
            "Average" => Statistic::Average,
            _ => return None,
        })
    }

    fn of(self, point: &Datapoint) -> f64 {
        match self {
            Statistic::UniqueContributors => point.unique,
            Statistic::MaxContributorValue => point.max_contributor,
            Statistic::SampleCount => point.count,
            Statistic::Sum => point.sum,
            Statistic::Minimum => point.min,
            Statistic::Maximum => point.max,
            Statistic::Average => point.sum / point.count,
        }
    }
}

impl CloudWatch {
    async fn sum_up(
        &self,
        snapshot: &Snapshot,
        rule: &Rule,
        asked: Asked,
        wanted: Wanted,
    ) -> Result<(Tally, Vec<Datapoint>)> {
        let mut summing = Summing::new(asked, wanted);
        let each = |minute, tally| summing.add(minute, &as_told(rule, tally));
        self.counted(snapshot, rule.id, (asked.start_ms, asked.end_ms), each).await?;
        Ok(summing.done())
    }

    async fn plot(
        &self,
        snapshot: &Snapshot,
        rule: &Rule,
        asked: Asked,
        contributors: Vec<Contributor>,
    ) -> Result<Vec<Contributor>> {
        let mut plotting = Plotting::new(asked, contributors);
        let each = |minute, tally| plotting.add(minute, &as_told(rule, tally));
        self.counted(snapshot, rule.id, (asked.start_ms, asked.end_ms), each).await?;
        Ok(plotting.done())
    }

    /// `INSIGHT_RULE_METRIC` of a rule, at the periods of a window; nothing when there is no such rule.
    pub(crate) async fn rule_points(
        &self,
        owner: Owner,
        name: &str,
        statistic: Statistic,
        window: Window,
    ) -> Result<Vec<(i64, f64)>> {
        let Some(rule) = self.rule(owner, name).await? else { return Ok(Vec::new()) };
        let steps = (window.now * 1000 - KEPT_MS - window.start * 1000).div_euclid(window.period * 1000) + 1;
        let asked = Asked {
            start_ms: (window.start + steps.max(0) * window.period) * 1000,
            end_ms: window.end * 1000,
            period_ms: window.period * 1000,
            contributors: 0,
            by_maximum: false,
        };
        let snapshot = self.platform.store.snapshot().await?;
        let (_, points) = self.sum_up(&snapshot, &rule, asked, Wanted::Periods).await?;
        Ok(points.iter().map(|point| (point.at_ms.div_euclid(1000), statistic.of(point))).collect())
    }
}

/// A service says of each contributor how much it was in a minute; a rule over events sees each event.
fn as_told(rule: &Rule, tally: Tally) -> Tally {
    if rule.managed.is_some() { tally.per_contributor() } else { tally }
}

/// What contributors and their parts are called, and what they are ranked by.
fn labels(cx: &Cx, rule: &Rule) -> (Vec<String>, &'static str) {
    match &rule.managed {
        Some(managed) => (managed.keys.clone(), "Sum"),
        None => match Definition::parse(&rule.definition, cx.account(), cx.region()) {
            Ok(definition) => (definition.labels.clone(), definition.statistic()),
            Err(_) => (Vec::new(), "Count"),
        },
    }
}

impl Handle<op::GetInsightRuleReport> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::GetInsightRuleReportInput) -> Result<Vec<Access>> {
        Ok(vec![self.on_rule(cx, "cloudwatch:GetInsightRuleReport", &input.rule_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetInsightRuleReportInput,
    ) -> Result<s::GetInsightRuleReportOutput> {
        let rule = self.rule(owner(cx), &input.rule_name).await?;
        let rule = rule.ok_or_else(|| error::rule_not_found(&input.rule_name))?;
        if input.start_time >= input.end_time {
            return Err(error::invalid_value(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        if input.period <= 0 || input.period % 60 != 0 {
            return Err(error::invalid_value("The parameter Period must be a multiple of 60."));
        }
        let most = rule.managed.as_ref().map_or(CONTRIBUTORS_MAX, |managed| managed.contributors_max);
        let contributors = input.max_contributor_count.unwrap_or(CONTRIBUTORS_DEFAULT);
        let contributors = u32::try_from(contributors).ok().filter(|count| (1..=most).contains(count));
        let contributors = contributors.ok_or_else(|| {
            error::invalid_value(format!("The parameter MaxContributorCount must be between 1 and {most}."))
        })?;
        let by_maximum = match input.order_by.as_deref() {
            None | Some("Sum") => false,
            Some("Maximum") => true,
            Some(other) => return Err(error::value_for(other, "OrderBy")),
        };
        let mut statistics = Vec::new();
        for name in input.metrics.unwrap_or_default() {
            statistics.push(Statistic::parse(&name).ok_or_else(|| error::value_for(&name, "Metrics"))?);
        }
        let kept_ms = cx.now().millis() - KEPT_MS;
        let start_ms = input.start_time.millis().max(kept_ms).div_euclid(MINUTE_MS) * MINUTE_MS;
        // Nothing was counted later than a log event may be ahead of the clock.
        let end_ms = input.end_time.millis().min(cx.now().millis() + 86_400_000);
        let (period_ms, contributors) = (i64::from(input.period) * 1000, contributors as usize);
        let asked = Asked { start_ms, end_ms, period_ms, contributors, by_maximum };
        let periods = (end_ms - start_ms).max(0) as u64 / period_ms as u64 + 1;
        if periods * (asked.contributors as u64 + 1) > DATAPOINTS_MAX {
            return Err(error::invalid_value(format!(
                "The report would have more than {DATAPOINTS_MAX} datapoints: ask for a longer Period or a shorter time."
            )));
        }
        let snapshot = self.platform.store.snapshot().await?;
        let wanted = if statistics.is_empty() { Wanted::Total } else { Wanted::Both };
        let (total, points) = self.sum_up(&snapshot, &rule, asked, wanted).await?;
        let contributors = match ranked(&total, &asked) {
            none if none.is_empty() => none,
            ranked => self.plot(&snapshot, &rule, asked, ranked).await?,
        };
        self.meter_reported(cx, statistics.len());
        let (labels, statistic) = labels(cx, &rule);
        let points = points.iter().map(|point| datapoint(point, &statistics)).collect();
        Ok(s::GetInsightRuleReportOutput {
            key_labels: Some(labels),
            aggregation_statistic: Some(statistic.to_owned()),
            aggregate_value: Some(total.sum),
            approximate_unique_count: Some(total.unique() as i64),
            contributors: Some(contributors.into_iter().map(contributor).collect()),
            metric_datapoints: Some(points),
        })
    }
}

fn datapoint(point: &Datapoint, wanted: &[Statistic]) -> s::InsightRuleMetricDatapoint {
    let of = |statistic: Statistic| wanted.contains(&statistic).then(|| statistic.of(point));
    s::InsightRuleMetricDatapoint {
        timestamp: Instant::from_millis(point.at_ms),
        unique_contributors: of(Statistic::UniqueContributors),
        max_contributor_value: of(Statistic::MaxContributorValue),
        sample_count: of(Statistic::SampleCount),
        average: of(Statistic::Average),
        sum: of(Statistic::Sum),
        minimum: of(Statistic::Minimum),
        maximum: of(Statistic::Maximum),
    }
}

fn contributor(one: Contributor) -> s::InsightRuleContributor {
    let point = |(at_ms, value): &(i64, f64)| s::InsightRuleContributorDatapoint {
        timestamp: Instant::from_millis(*at_ms),
        approximate_value: *value,
    };
    s::InsightRuleContributor {
        keys: one.keys(),
        approximate_aggregate_value: one.value,
        datapoints: one.points.iter().map(point).collect(),
    }
}
