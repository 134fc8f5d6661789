//! How calls ended: latencies, and the errors of clients, of throughput and of ours.

use haneul_dynamodb_wire::values::error;
use haneul_kit::metrics::{Metric, Metrics};
use haneul_kit::{ApiError, Ended, Fault, Instant, Watch};

use super::table::is_on_items;
use super::{CONDITIONS_FAILED, LATENCY, SYSTEM_ERRORS, THROTTLED_REQUESTS, USER_ERRORS};
use crate::store::streams::StreamInfo;
use crate::table::TableInfo;

pub(crate) struct Calls {
    metrics: Metrics,
}

impl Calls {
    pub(crate) fn new(metrics: Metrics) -> Calls {
        Calls { metrics }
    }

    fn done(&self, call: &Ended<'_>, now: Instant) {
        let ms = call.took.as_secs_f64() * 1000.0;
        call.cx.each_concern(|table: &TableInfo| table.took(&self.metrics, call.operation, now, ms));
        call.cx.each_concern(|stream: &StreamInfo| {
            let (account, region, name) = &stream.table;
            let dimensions = [
                ("TableName", name.as_str()),
                ("Operation", call.operation),
                ("StreamLabel", &*stream.label),
            ];
            self.metrics.record(LATENCY, *account, *region, now, &dimensions, ms);
        });
    }

    fn failed(&self, call: &Ended<'_>, error: &ApiError, now: Instant) {
        match kind(error) {
            Kind::Condition => call.cx.each_concern(|table: &TableInfo| {
                self.of_table(CONDITIONS_FAILED, table, &[("TableName", &table.name)], now);
            }),
            Kind::Throughput => self.of_operation(THROTTLED_REQUESTS, call, now),
            Kind::Ours => self.of_operation(SYSTEM_ERRORS, call, now),
            Kind::Client => {
                self.metrics.record(USER_ERRORS, call.cx.account(), call.cx.region(), now, &[], 1.0);
            }
        }
    }

    fn of_operation(&self, metric: Metric, call: &Ended<'_>, now: Instant) {
        if !is_on_items(call.operation) {
            return;
        }
        call.cx.each_concern(|table: &TableInfo| {
            let dimensions = [("TableName", table.name.as_str()), ("Operation", call.operation)];
            self.of_table(metric, table, &dimensions, now);
        });
    }

    fn of_table(&self, metric: Metric, table: &TableInfo, dimensions: &[(&'static str, &str)], now: Instant) {
        self.metrics.record(metric, table.account, table.region, now, dimensions, 1.0);
    }
}

impl Watch for Calls {
    fn ended(&self, call: &Ended<'_>) {
        if !self.metrics.is_open() {
            return;
        }
        let now = call.cx.now();
        match call.error {
            None => self.done(call, now),
            Some(error) => self.failed(call, error, now),
        }
    }
}

/// Whose an error is.
enum Kind {
    Condition,
    Throughput,
    Ours,
    Client,
}

fn kind(failed: &ApiError) -> Kind {
    match failed.code() {
        error::CONDITIONAL_CHECK_FAILED_EXCEPTION => Kind::Condition,
        error::PROVISIONED_THROUGHPUT_EXCEEDED_EXCEPTION
        | error::THROTTLING_EXCEPTION
        | error::REQUEST_LIMIT_EXCEEDED => Kind::Throughput,
        _ if failed.fault() == Fault::Server => Kind::Ours,
        _ => Kind::Client,
    }
}
