use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};

use super::access::{alarm_arn, on_alarm};
use super::alarm_parts::owner;
use super::alarm_state::depends_on;
use super::list_metrics::wire_dimensions;
use super::put_metric_data::dimensions;
use crate::CloudWatch;
use crate::alarms::message::arn;
use crate::alarms::rule::Rule;
use crate::error;
use crate::model::{Alarm, AlarmKind, CompositeAlarm, MetricAlarm, Source, Watched};
use crate::query::to_wire;

const PAGE: usize = 100;
/// Alarms looked at at once.
const SCAN: usize = 500;

impl Handle<op::DescribeAlarms> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DescribeAlarmsInput) -> Result<Vec<Access>> {
        match &input.alarm_names {
            Some(names) if !names.is_empty() => self.on_alarms(cx, "cloudwatch:DescribeAlarms", names).await,
            _ => Ok(vec![on_alarm(cx, "cloudwatch:DescribeAlarms", "*")]),
        }
    }

    async fn call(&self, cx: &Cx, input: s::DescribeAlarmsInput) -> Result<s::DescribeAlarmsOutput> {
        if input.alarm_name_prefix.is_some()
            && input.alarm_names.as_ref().is_some_and(|names| !names.is_empty())
        {
            return Err(error::exclusive("AlarmNames", "AlarmNamePrefix"));
        }
        let related = (input.children_of_alarm_name.as_deref(), input.parents_of_alarm_name.as_deref());
        let other = input.alarm_names.is_some()
            || input.alarm_name_prefix.is_some()
            || input.alarm_types.is_some()
            || input.state_value.is_some()
            || input.action_prefix.is_some();
        if related.0.is_some() && related.1.is_some() || other && (related.0.is_some() || related.1.is_some())
        {
            return Err(error::validation(
                "ChildrenOfAlarmName and ParentsOfAlarmName cannot be combined with other filters.",
            ));
        }
        let by_relation = related.0.is_some() || related.1.is_some();
        let types = input.alarm_types.unwrap_or_default();
        let wanted_type = |alarm: &Alarm| match alarm.is_composite() {
            true => by_relation || types.iter().any(|one| one == "CompositeAlarm"),
            false => by_relation || types.is_empty() || types.iter().any(|one| one == "MetricAlarm"),
        };
        let children: Option<Vec<String>> = match related.0 {
            None => None,
            Some(parent) => Some(match self.alarm(owner(cx), parent).await?.map(|alarm| alarm.kind) {
                Some(AlarmKind::Composite(composite)) => Rule::parse(&composite.rule)
                    .map(|rule| rule.alarms().into_iter().map(str::to_owned).collect())
                    .unwrap_or_default(),
                _ => Vec::new(),
            }),
        };
        let wanted = |name: &str, alarm: &Alarm| {
            wanted_type(alarm)
                && input
                    .alarm_names
                    .as_ref()
                    .is_none_or(|names| names.is_empty() || names.iter().any(|one| one == name))
                && input.state_value.as_ref().is_none_or(|state| state == alarm.state.value.name())
                && input.action_prefix.as_ref().is_none_or(|prefix| {
                    let all = [&alarm.ok_actions, &alarm.alarm_actions, &alarm.insufficient_data_actions];
                    all.into_iter().flatten().any(|action| action.starts_with(prefix.as_str()))
                })
                && children.as_ref().is_none_or(|children| children.iter().any(|child| child == name))
                && related.1.is_none_or(|child| depends_on(alarm, child))
        };
        let limit = input.max_records.map_or(PAGE, |limit| limit as usize);
        let purpose = format!("cloudwatch.DescribeAlarms {} {}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let mut after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let prefix = input.alarm_name_prefix.as_deref().unwrap_or_default();
        let mut found: Vec<(String, Alarm)> = Vec::new();
        loop {
            let page = self.alarms(owner(cx), prefix, after.as_deref(), SCAN).await?;
            let through = page.len() < SCAN;
            after = page.last().map(|(name, _)| name.clone());
            found.extend(page.into_iter().filter(|(name, alarm)| wanted(name, alarm)));
            if through || found.len() > limit {
                break;
            }
        }
        let page = paging::cut(found, limit, seal, &purpose, |(name, _)| name.clone());
        let (mut metrics, mut composites) = (Vec::new(), Vec::new());
        for (name, alarm) in page.items {
            match &alarm.kind {
                AlarmKind::Metric(metric) => metrics.push(metric_alarm(cx, &name, &alarm, metric)),
                AlarmKind::Composite(composite) => {
                    composites.push(composite_alarm(cx, &name, &alarm, composite))
                }
            }
        }
        if related.1.is_some() {
            composites.iter_mut().for_each(|alarm| {
                *alarm = s::CompositeAlarm {
                    alarm_name: alarm.alarm_name.take(),
                    alarm_arn: alarm.alarm_arn.take(),
                    ..Default::default()
                };
            });
        }
        Ok(s::DescribeAlarmsOutput {
            composite_alarms: Some(composites),
            metric_alarms: Some(metrics),
            log_alarms: None,
            next_token: page.next,
        })
    }
}

impl Handle<op::DescribeAlarmsForMetric> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::DescribeAlarmsForMetricInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:DescribeAlarmsForMetric"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeAlarmsForMetricInput,
    ) -> Result<s::DescribeAlarmsForMetricOutput> {
        let mut wanted =
            dimensions(input.dimensions.clone().unwrap_or_default(), || "Dimensions".to_owned())?;
        wanted.sort();
        let statistic = input.statistic.as_deref().or(input.extended_statistic.as_deref());
        let fits = |alarm: &Alarm| {
            let AlarmKind::Metric(metric) = &alarm.kind else { return false };
            match &metric.watched {
                Watched::One(one) => {
                    one.namespace == input.namespace
                        && one.name == input.metric_name
                        && one.dimensions == wanted
                        && statistic.is_none_or(|statistic| statistic == one.statistic)
                        && input.period.is_none_or(|period| period == one.period)
                        && input.unit.as_ref().is_none_or(|unit| Some(unit) == one.unit.as_ref())
                }
                Watched::Queries(queries) => queries.iter().any(|query| match &query.source {
                    Source::Metric { namespace, name, dimensions, statistic: stat, period, unit } => {
                        *namespace == input.namespace
                            && *name == input.metric_name
                            && *dimensions == wanted
                            && statistic.is_none_or(|statistic| statistic == stat)
                            && input.period.is_none_or(|wanted| wanted == *period)
                            && input.unit.as_ref().is_none_or(|wanted| Some(wanted) == unit.as_ref())
                    }
                    Source::Expression(_) => false,
                }),
            }
        };
        let mut alarms = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.alarms(owner(cx), "", after.as_deref(), SCAN).await?;
            let through = page.len() < SCAN;
            after = page.last().map(|(name, _)| name.clone());
            for (name, alarm) in page.iter().filter(|(_, alarm)| fits(alarm)) {
                if let AlarmKind::Metric(metric) = &alarm.kind {
                    alarms.push(metric_alarm(cx, name, alarm, metric));
                }
            }
            if through {
                return Ok(s::DescribeAlarmsForMetricOutput { metric_alarms: Some(alarms) });
            }
        }
    }
}

fn metric_alarm(cx: &Cx, name: &str, alarm: &Alarm, metric: &MetricAlarm) -> s::MetricAlarm {
    let mut shown = s::MetricAlarm {
        alarm_name: Some(name.to_owned()),
        alarm_arn: Some(arn(owner(cx), name)),
        alarm_description: alarm.description.clone(),
        alarm_configuration_updated_timestamp: Some(Instant::from_millis(alarm.configured_ms)),
        actions_enabled: Some(alarm.actions_enabled),
        ok_actions: Some(alarm.ok_actions.clone()),
        alarm_actions: Some(alarm.alarm_actions.clone()),
        insufficient_data_actions: Some(alarm.insufficient_data_actions.clone()),
        state_value: Some(alarm.state.value.name().to_owned()),
        state_reason: Some(alarm.state.reason.clone()),
        state_reason_data: alarm.state.reason_data.clone(),
        state_updated_timestamp: Some(Instant::from_millis(alarm.state.updated_ms)),
        state_transitioned_timestamp: Some(Instant::from_millis(alarm.state.changed_ms)),
        evaluation_state: alarm.state.evaluation.clone(),
        evaluation_periods: Some(metric.evaluation_periods),
        datapoints_to_alarm: metric.datapoints_to_alarm,
        threshold: metric.threshold,
        threshold_metric_id: metric.threshold_metric_id.clone(),
        comparison_operator: Some(metric.comparison.clone()),
        treat_missing_data: metric.treat_missing_data.clone(),
        evaluate_low_sample_count_percentile: metric.evaluate_low_sample_count.clone(),
        ..Default::default()
    };
    match &metric.watched {
        Watched::One(one) => {
            shown.metric_name = Some(one.name.clone());
            shown.namespace = Some(one.namespace.clone());
            shown.dimensions = Some(wire_dimensions(&one.dimensions));
            shown.period = Some(one.period);
            shown.unit = one.unit.clone();
            match one.extended {
                true => shown.extended_statistic = Some(one.statistic.clone()),
                false => shown.statistic = Some(one.statistic.clone()),
            }
        }
        Watched::Queries(queries) => {
            shown.dimensions = Some(Vec::new());
            shown.metrics = Some(queries.iter().map(to_wire).collect());
        }
    }
    shown
}

fn composite_alarm(cx: &Cx, name: &str, alarm: &Alarm, composite: &CompositeAlarm) -> s::CompositeAlarm {
    let suppressed = alarm.state.suppressed.as_ref();
    s::CompositeAlarm {
        actions_enabled: Some(alarm.actions_enabled),
        alarm_actions: Some(alarm.alarm_actions.clone()),
        alarm_arn: Some(alarm_arn(cx, name).to_string()),
        alarm_configuration_updated_timestamp: Some(Instant::from_millis(alarm.configured_ms)),
        alarm_description: alarm.description.clone(),
        alarm_name: Some(name.to_owned()),
        alarm_rule: Some(composite.rule.clone()),
        insufficient_data_actions: Some(alarm.insufficient_data_actions.clone()),
        ok_actions: Some(alarm.ok_actions.clone()),
        state_reason: Some(alarm.state.reason.clone()),
        state_reason_data: alarm.state.reason_data.clone(),
        state_updated_timestamp: Some(Instant::from_millis(alarm.state.updated_ms)),
        state_value: Some(alarm.state.value.name().to_owned()),
        state_transitioned_timestamp: Some(Instant::from_millis(alarm.state.changed_ms)),
        actions_suppressed_by: suppressed.map(|suppressed| suppressed.by.clone()),
        actions_suppressed_reason: suppressed.map(|suppressed| suppressed.reason.clone()),
        actions_suppressor: composite.suppressor.clone(),
        actions_suppressor_wait_period: composite.wait_s,
        actions_suppressor_extension_period: composite.extension_s,
        action_configuration: None,
    }
}
