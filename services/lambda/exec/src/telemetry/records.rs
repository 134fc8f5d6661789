//! The records of platform events (Lambda, "Telemetry API Event schema reference"). The log has them too, when its
//! format is JSON.

use std::time::Duration;

use haneul_kit::Instant;
use serde_json::{Map, Value, json};

use super::buffer::Dropped;
use crate::lines::{Status, millis};
use crate::{Report, Spec};

pub(crate) fn init_start(spec: &Spec, runtime_version: &str) -> Value {
    json!({
        "initializationType": spec.initialization_type(), "phase": "init", "runtimeVersion": runtime_version,
        "functionName": spec.function_name, "functionVersion": spec.version,
    })
}

pub(crate) fn init_runtime_done(spec: &Spec, status: &Status) -> Value {
    let record = json!({ "initializationType": spec.initialization_type(), "phase": "init" });
    with_status(record, status)
}

pub(crate) fn init_report(spec: &Spec, took: Duration, status: &Status) -> Value {
    let record = json!({
        "initializationType": spec.initialization_type(), "phase": "init", "metrics": { "durationMs": millis(took) },
    });
    with_status(record, status)
}

pub(crate) fn start(spec: &Spec, request_id: &str, trace: Option<&str>) -> Value {
    traced(json!({ "requestId": request_id, "version": spec.version }), trace)
}

/// What the runtime did with one event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// When the event was given.
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    /// Until the response began, and from then to its end; `None` when there was none.
    pub(crate) response: Option<(Duration, Duration)>,
    pub(crate) produced_bytes: Option<u64>,
}

pub(crate) fn runtime_done(request_id: &str, done: &Done, status: &Status, trace: Option<&str>) -> Value {
    let mut metrics = json!({ "durationMs": millis(done.took) });
    if let Some(bytes) = done.produced_bytes {
        metrics["producedBytes"] = Value::from(bytes);
    }
    let mut record = json!({ "requestId": request_id, "metrics": metrics });
    if let Some((latency, duration)) = done.response {
        let span = |name: &str, start: Instant, took: Duration| json!({ "name": name, "start": start.iso8601_millis(), "durationMs": millis(took) });
        record["spans"] = json!([
            span("responseLatency", done.began, latency),
            span("responseDuration", done.began + latency, duration),
        ]);
    }
    traced(with_status(record, status), trace)
}

/// `of_many` is the report of one of several invocations of an environment: what the environment used is not its own.
pub(crate) fn report(
    request_id: &str,
    report: &Report,
    status: &Status,
    trace: Option<&str>,
    of_many: bool,
) -> Value {
    let mut metrics = Map::new();
    metrics.insert("durationMs".into(), json!(millis(report.duration)));
    if of_many {
        return traced(with_status(json!({ "requestId": request_id, "metrics": metrics }), status), trace);
    }
    metrics.insert("billedDurationMs".into(), json!(report.billed.as_millis() as u64));
    metrics.insert("memorySizeMB".into(), json!(report.memory_mb));
    metrics.insert("maxMemoryUsedMB".into(), json!(report.memory_mb_max));
    if let Some(init) = report.init {
        metrics.insert("initDurationMs".into(), json!(millis(init)));
    }
    traced(with_status(json!({ "requestId": request_id, "metrics": metrics }), status), trace)
}

/// Of the Logs API alone.
pub(crate) fn end(request_id: &str) -> Value {
    json!({ "requestId": request_id })
}

pub(crate) fn extension(name: &str, state: &str, events: &[&str], error_type: Option<&str>) -> Value {
    let mut record = json!({ "name": name, "state": state, "events": events });
    if let Some(kind) = error_type {
        record["errorType"] = Value::from(kind);
    }
    record
}

pub(crate) fn subscribed(name: &str, streams: &[String]) -> Value {
    json!({ "name": name, "state": "Subscribed", "types": streams })
}

pub(crate) fn logs_dropped(dropped: Dropped) -> Value {
    json!({
        "reason": "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",
        "droppedRecords": dropped.records, "droppedBytes": dropped.bytes,
    })
}

fn with_status(mut record: Value, status: &Status) -> Value {
    record["status"] = Value::from(status.name());
    if let Status::Error(kind) = status {
        record["errorType"] = Value::from(kind.as_str());
    }
    record
}

fn traced(mut record: Value, trace: Option<&str>) -> Value {
    if let Some(trace) = trace {
        record["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": trace });
    }
    record
}
