//! The platform's own lines in a function's log (Lambda, "Log formats" and "Telemetry API schema reference").

use std::time::Duration;

use haneul_kit::Instant;
use serde_json::{Map, Value, json};

use crate::{LogFormat, LogLevel, Report, Spec};

/// How an invocation ended, for the lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    Timeout,
    /// With the error's type.
    Error(String),
}

impl Status {
    fn name(&self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Timeout => "timeout",
            Status::Error(_) => "error",
        }
    }
}

/// The lines of one function.
pub(crate) struct Lines<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) now: Instant,
}

impl Lines<'_> {
    pub(crate) fn init_start(&self, interpreter: &str) -> Option<String> {
        let family = self
            .spec
            .runtime
            .identifier()
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == 'x');
        let version = match interpreter {
            "" => self.spec.runtime.identifier().to_owned(),
            number => format!("{family}:{number}"),
        };
        if self.json() {
            let kind = if self.spec.provisioned { "provisioned-concurrency" } else { "on-demand" };
            return self.event(
                LogLevel::Info,
                "platform.initStart",
                json!({
                    "initializationType": kind, "phase": "init", "runtimeVersion": version,
                    "functionName": self.spec.function_name, "functionVersion": self.spec.version,
                }),
            );
        }
        Some(format!("INIT_START Runtime Version: {version}\n"))
    }

    /// Only of an init that did not go well.
    pub(crate) fn init_report(&self, took: Duration, status: &Status) -> Option<String> {
        if self.json() {
            let mut record = json!({
                "initializationType": "on-demand", "phase": "init", "status": status.name(),
                "metrics": { "durationMs": millis(took) },
            });
            if let Status::Error(kind) = status {
                record["errorType"] = Value::from(kind.as_str());
            }
            return self.event(LogLevel::Warn, "platform.initReport", record);
        }
        let mut line = format!(
            "INIT_REPORT Init Duration: {:.2} ms\tPhase: init\tStatus: {}",
            millis(took),
            status.name()
        );
        if let Status::Error(kind) = status {
            line.push_str(&format!("\tError Type: {kind}"));
        }
        line.push('\n');
        Some(line)
    }

    pub(crate) fn start(&self, request_id: &str) -> Option<String> {
        if self.json() {
            let record = json!({ "requestId": request_id, "version": self.spec.version });
            return self.event(LogLevel::Info, "platform.start", record);
        }
        Some(format!("START RequestId: {request_id} Version: {}\n", self.spec.version))
    }

    pub(crate) fn end(
        &self,
        request_id: &str,
        report: &Report,
        status: &Status,
        trace: Option<&str>,
    ) -> Vec<String> {
        let duration = millis(report.duration);
        if self.json() {
            let mut metrics = Map::new();
            metrics.insert("durationMs".into(), json!(duration));
            metrics.insert("billedDurationMs".into(), json!(report.billed.as_millis() as u64));
            metrics.insert("memorySizeMB".into(), json!(report.memory_mb));
            metrics.insert("maxMemoryUsedMB".into(), json!(report.memory_mb_max));
            if let Some(init) = report.init {
                metrics.insert("initDurationMs".into(), json!(millis(init)));
            }
            let mut record = json!({ "requestId": request_id, "metrics": metrics, "status": status.name() });
            if let Status::Error(kind) = status {
                record["errorType"] = Value::from(kind.as_str());
            }
            if let Some(trace) = trace {
                record["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": trace });
            }
            let level = if *status == Status::Success { LogLevel::Info } else { LogLevel::Warn };
            return self.event(level, "platform.report", record).into_iter().collect();
        }
        let mut line = format!(
            "REPORT RequestId: {request_id}\tDuration: {duration:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax \
             Memory Used: {} MB\t",
            report.billed.as_millis(),
            report.memory_mb,
            report.memory_mb_max
        );
        if let Some(init) = report.init {
            line.push_str(&format!("Init Duration: {:.2} ms\t", millis(init)));
        }
        match status {
            Status::Success => {}
            Status::Timeout => line.push_str("Status: timeout"),
            Status::Error(kind) if kind.starts_with("Runtime.") || kind.starts_with("Extension.") => {
                line.push_str(&format!("Status: error\tError Type: {kind}"));
            }
            Status::Error(_) => {}
        }
        line.push('\n');
        if let Some(trace) = trace {
            let part = |name: &str| {
                trace.split(';').find_map(|part| part.strip_prefix(name)).unwrap_or_default().to_owned()
            };
            let sampled = part("Sampled=") == "1";
            line.push_str(&format!(
                "XRAY TraceId: {}\tSegmentId: {}\tSampled: {sampled}\t\n",
                part("Root="),
                part("Parent=")
            ));
        }
        vec![format!("END RequestId: {request_id}\n"), line]
    }

    /// What the platform says of a function that broke: in text only, JSON has it in its report.
    pub(crate) fn fault(&self, text: String) -> Option<String> {
        if self.json() {
            return self.event(LogLevel::Error, "platform.fault", Value::from(text));
        }
        Some(text + "\n")
    }

    fn json(&self) -> bool {
        self.spec.logging.format == LogFormat::Json
    }

    fn event(&self, level: LogLevel, kind: &str, record: Value) -> Option<String> {
        let least = self.spec.logging.system_level.unwrap_or(LogLevel::Info);
        let event = json!({ "time": self.now.iso8601_millis(), "type": kind, "record": record });
        (level >= least).then(|| format!("{event}\n"))
    }
}

/// With two decimals, as the lines have them.
pub(crate) fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 100_000.0).round() / 100.0
}
