//! What alarms, dashboards and rules cost by the hour. Source: Amazon CloudWatch pricing. An alarm costs what each metric does that it
//! looks at; one of a period under a minute, and a composite one, have prices of their own.

use haneul_kit::contributors::{RULES, Rule};
use haneul_kit::meter::{Held, UsageType, held_by_rows};
use haneul_kit::{Arn, BoxFuture, Region, Result};

use crate::CloudWatch;
use crate::dashboard;
use crate::insights::is_select;
use crate::model::{ALARMS, Alarm, AlarmKind, DASHBOARDS, Dashboard, MetricAlarm, Source, Watched};

const ALARM: UsageType = UsageType::new("CW:AlarmMonitorUsage", "Alarm-Hours");
const FINE_ALARM: UsageType = UsageType::new("CW:HighResAlarmMonitorUsage", "Alarm-Hours");
const COMPOSITE: UsageType = UsageType::new("CW:CompositeAlarmMonitorUsage", "Alarm-Hours");
const INSIGHTS_ALARM: UsageType = UsageType::new("CW:MetricInsightAlarmUsage", "Alarm-Hours");
const DASHBOARD: UsageType = UsageType::new("DashboardsUsageHour", "Dashboard-Hours");
const SMALL_DASHBOARD: UsageType = UsageType::new("DashboardsUsageHour-Basic", "Dashboard-Hours");
const RULE: UsageType = UsageType::new("CW:ContributorInsightRules", "Rule-Hours");
const MANAGED_RULE: UsageType = UsageType::new("CW:ContributorRulesManaged", "Rule-Hours");
/// Metrics of a small dashboard, at most.
const SMALL: usize = 50;
const MINUTE_S: i32 = 60;

pub(crate) fn held(cloudwatch: &CloudWatch) -> BoxFuture<'_, Result<Vec<Held>>> {
    Box::pin(async move {
        let store = &cloudwatch.platform.store;
        let mut all = held_by_rows(store, &ALARMS, |(account, region, name), alarm: Alarm, all| {
            let (kind, amount) = match &alarm.kind {
                AlarmKind::Metric(metric) => of_metrics(metric),
                AlarmKind::Composite(_) => (COMPOSITE, 1),
            };
            let arn = Arn::new("cloudwatch", region, account, format_args!("alarm:{name}"));
            let resource = arn.to_string();
            let operation = "MetricUpdate";
            all.push(Held { account, region, service: "cloudwatch", operation, resource, kind, amount });
        })
        .await?;
        let dashboards = held_by_rows(store, &DASHBOARDS, |(account, name), dashboard: Dashboard, all| {
            let kind = if dashboard::metrics(&dashboard.body) > SMALL { DASHBOARD } else { SMALL_DASHBOARD };
            let arn = Arn::global("cloudwatch", account, format_args!("dashboard/{name}"));
            all.push(Held {
                account,
                region: Region::US_EAST_1,
                service: "cloudwatch",
                operation: "DashboardHour",
                resource: arn.to_string(),
                kind,
                amount: 1,
            });
        })
        .await?;
        all.extend(dashboards);
        let rules = held_by_rows(store, &RULES, |(account, region, name), rule: Rule, all| {
            if rule.enabled {
                let kind = if rule.managed.is_some() { MANAGED_RULE } else { RULE };
                let arn = Arn::new("cloudwatch", region, account, format_args!("insight-rule/{name}"));
                let (service, operation, resource) =
                    ("cloudwatch", "ContributorInsightRule", arn.to_string());
                all.push(Held { account, region, service, operation, resource, kind, amount: 1 });
            }
        });
        all.extend(rules.await?);
        Ok(all)
    })
}

fn of_metrics(alarm: &MetricAlarm) -> (UsageType, u64) {
    match &alarm.watched {
        Watched::One(metric) if metric.period < MINUTE_S => (FINE_ALARM, 1),
        Watched::One(_) => (ALARM, 1),
        Watched::Queries(queries)
            if queries
                .iter()
                .any(|query| matches!(&query.source, Source::Expression(text) if is_select(text))) =>
        {
            (INSIGHTS_ALARM, 1)
        }
        Watched::Queries(queries) => {
            let periods = queries.iter().filter_map(|query| match &query.source {
                Source::Metric { period, .. } => Some(*period),
                Source::Expression(_) => None,
            });
            let (count, least) =
                periods.fold((0, i32::MAX), |(count, least), period| (count + 1, least.min(period)));
            (if least < MINUTE_S { FINE_ALARM } else { ALARM }, count.max(1))
        }
    }
}
