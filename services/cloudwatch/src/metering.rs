//! What is counted for the meter when it is used. Source: CloudWatch User Guide, "Analyzing, optimizing, and reducing CloudWatch
//! costs"; Amazon CloudWatch pricing.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::meter::{At, UsageType};
use haneul_kit::metrics::Owner;
use haneul_kit::{Cx, Instant, Principal};

use crate::CloudWatch;
use crate::model::Source;
use crate::query::{Answer, Plan};
use crate::series::Series;

const STORED: UsageType = UsageType::new("CW:MetricMonitorUsage", "Metric-Hours");
const ASKED: UsageType = UsageType::new("CW:GMD-Metrics", "Metrics");
const DRAWN: UsageType = UsageType::new("CW:GMWI-Metrics", "Metrics");
const REPORTED: UsageType = UsageType::new("CW:GIRR-Metrics", "Metrics");
const STREAMED: UsageType = UsageType::new("CW:MetricStreamUsage", "Metric-Updates");

/// Statistics of one metric that cost as much as one. Source: Amazon CloudWatch pricing, GetMetricData.
const STATISTICS: usize = 5;

impl CloudWatch {
    /// Metrics of a customer to which the first point of an hour came: each costs that hour.
    pub(crate) fn meter_stored(&self, cx: &Cx, fresh: &[Arc<Series>]) {
        // What Logs publishes comes from metric filters and embedded metrics, which nothing tells apart here.
        let operation = match &cx.caller().principal {
            Principal::Service { .. } => "MetricStorage:AWS/CloudWatchLogs",
            _ => "MetricStorage",
        };
        let custom = fresh.iter().filter(|series| !series.identity.namespace.starts_with("AWS/")).count();
        self.meter(owner(cx), cx.now(), operation, "", STORED, custom as u64);
    }

    pub(crate) fn meter_asked(&self, cx: &Cx, plan: &Plan, answers: &[Answer]) {
        self.meter(owner(cx), cx.now(), "GetMetricData", "", ASKED, metrics(plan, answers));
    }

    pub(crate) fn meter_drawn(&self, cx: &Cx, plan: &Plan, answers: &[Answer]) {
        self.meter(owner(cx), cx.now(), "GetMetricWidgetImage", "", DRAWN, metrics(plan, answers));
    }

    /// A report costs as much as the metrics that it tells of.
    pub(crate) fn meter_reported(&self, cx: &Cx, metrics: usize) {
        self.meter(owner(cx), cx.now(), "GetInsightRuleReport", "", REPORTED, metrics.max(1) as u64);
    }

    pub(crate) fn meter_streamed(&self, owner: Owner, at: Instant, stream: &str, updates: u64) {
        self.meter(owner, at, "MetricUpdate", stream, STREAMED, updates);
    }

    fn meter(
        &self,
        owner: Owner,
        at: Instant,
        operation: &str,
        resource: &str,
        kind: UsageType,
        amount: u64,
    ) {
        let owner = (owner.account, owner.region);
        let at = At { at, owner, service: "cloudwatch", operation, resource };
        self.platform.meter.used(at, kind, amount);
    }
}

fn owner(cx: &Cx) -> Owner {
    Owner { account: cx.account(), region: cx.region() }
}

/// How many metrics are asked for: those that are named, and what searches and queries found.
fn metrics(plan: &Plan, answers: &[Answer]) -> u64 {
    let mut named: HashMap<_, usize> = HashMap::new();
    for step in &plan.steps {
        if let Source::Metric { namespace, name, dimensions, .. } = &step.query.source {
            *named.entry((namespace, name, dimensions)).or_default() += 1;
        }
    }
    let named: usize = named.values().map(|statistics| statistics.div_ceil(STATISTICS)).sum();
    let found: usize = answers.iter().filter(|answer| answer.many).map(|answer| answer.lines.len()).sum();
    (named + found) as u64
}
