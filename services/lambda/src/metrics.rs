//! What CloudWatch shows in `AWS/Lambda`. Source: Developer Guide, "Types of metrics for Lambda functions".

use haneul_kit::metrics::{Metric, Unit};

use crate::Lambda;
use crate::names::FunctionName;

const fn count(name: &'static str) -> Metric {
    Metric::new("AWS/Lambda", name, Unit::Count)
}

pub(crate) const INVOCATIONS: Metric = count("Invocations");
pub(crate) const ERRORS: Metric = count("Errors");
pub(crate) const THROTTLES: Metric = count("Throttles");
pub(crate) const CONCURRENT: Metric = count("ConcurrentExecutions");
pub(crate) const DURATION: Metric = Metric::new("AWS/Lambda", "Duration", Unit::Milliseconds);
pub(crate) const RECURSIVE: Metric = count("RecursiveInvocationsDropped");
pub(crate) const EVENTS_RECEIVED: Metric = count("AsyncEventsReceived");
pub(crate) const EVENTS_DROPPED: Metric = count("AsyncEventsDropped");
pub(crate) const EVENT_AGE: Metric = Metric::new("AWS/Lambda", "AsyncEventAge", Unit::Milliseconds);
pub(crate) const DELIVERY_FAILURES: Metric = count("DestinationDeliveryFailures");
pub(crate) const ITERATOR_AGE: Metric = Metric::new("AWS/Lambda", "IteratorAge", Unit::Milliseconds);

pub(crate) const DEAD_LETTER_ERRORS: Metric = count("DeadLetterErrors");
/// Of accounts: what functions without a reservation use, and that with all reservations.
const UNRESERVED: Metric = count("UnreservedConcurrentExecutions");
const CLAIMED: Metric = count("ClaimedAccountConcurrency");

/// Of event source mappings that ask for them (`EventCount`).
pub(crate) const POLLED: Metric = count("PolledEventCount");
pub(crate) const FILTERED_OUT: Metric = count("FilteredOutEventCount");
pub(crate) const INVOKED: Metric = count("InvokedEventCount");
pub(crate) const FAILED_INVOKE: Metric = count("FailedInvokeEventCount");
pub(crate) const DROPPED: Metric = count("DroppedEventCount");
pub(crate) const DELIVERED_ON_FAILURE: Metric = count("OnFailureDestinationDeliveredEventCount");
pub(crate) const DELETED: Metric = count("DeletedEventCount");

/// Of durable executions. Source: Developer Guide, "Monitoring durable functions".
pub(crate) const EXECUTIONS_STARTED: Metric = count("DurableExecutionStarted");
pub(crate) const EXECUTIONS_STOPPED: Metric = count("DurableExecutionStopped");
pub(crate) const EXECUTIONS_SUCCEEDED: Metric = count("DurableExecutionSucceeded");
pub(crate) const EXECUTIONS_FAILED: Metric = count("DurableExecutionFailed");
pub(crate) const EXECUTIONS_TIMED_OUT: Metric = count("DurableExecutionTimedOut");
pub(crate) const EXECUTION_DURATION: Metric =
    Metric::new("AWS/Lambda", "DurableExecutionDuration", Unit::Milliseconds);
pub(crate) const EXECUTION_OPERATIONS: Metric = count("DurableExecutionOperations");
pub(crate) const EXECUTION_BYTES: Metric =
    Metric::new("AWS/Lambda", "DurableExecutionStorageWrittenBytes", Unit::Bytes);

impl Lambda {
    /// What the functions of an account run at once: without a reservation of their own, and with all that is reserved.
    pub(crate) fn sample_account(&self, function: &FunctionName, unreserved: u32, reserved: u32) {
        let (metrics, now) = (&self.platform.metrics, self.platform.env.now());
        for (metric, value) in [(UNRESERVED, unreserved), (CLAIMED, unreserved.saturating_add(reserved))] {
            metrics.record(metric, function.account, function.region, now, &[], f64::from(value));
        }
    }

    /// Adds a sample: of the function, of the version or alias that was called, and of the account.
    pub(crate) fn sample(
        &self,
        metric: Metric,
        function: &FunctionName,
        qualifier: Option<&str>,
        value: f64,
    ) {
        let metrics = &self.platform.metrics;
        if !metrics.is_open() {
            return;
        }
        let (account, region, now) = (function.account, function.region, self.platform.env.now());
        let name = function.name.as_str();
        let resource = match qualifier {
            Some(qualifier) => format!("{name}:{qualifier}"),
            None => name.to_owned(),
        };
        metrics.record(metric, account, region, now, &[], value);
        metrics.record(metric, account, region, now, &[("FunctionName", name)], value);
        let both = [("FunctionName", name), ("Resource", resource.as_str())];
        metrics.record(metric, account, region, now, &both, value);
    }
}
