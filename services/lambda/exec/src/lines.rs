//! What the platform says of a function: lines in its log (Lambda, "Log formats"), and the same as events for who
//! subscribed to its telemetry.

use std::time::Duration;

use haneul_kit::Instant;
use serde_json::{Value, json};

use crate::telemetry::records::{self, Done};
use crate::telemetry::subscription::Api;
use crate::telemetry::{Event, Telemetry};
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
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Timeout => "timeout",
            Status::Error(_) => "error",
        }
    }
}

/// What is said at a time.
#[derive(Default)]
pub(crate) struct Notice {
    /// For the log.
    pub(crate) lines: Vec<String>,
    /// For subscribers; none when there are none.
    pub(crate) events: Vec<Event>,
}

impl Notice {
    pub(crate) fn and(mut self, other: Notice) -> Notice {
        self.lines.extend(other.lines);
        self.events.extend(other.events);
        self
    }
}

/// The lines of one function.
pub(crate) struct Lines<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) now: Instant,
    pub(crate) telemetry: &'a Telemetry,
}

impl Lines<'_> {
    pub(crate) fn init_start(&self, interpreter: &str) -> Notice {
        let identifier = self.spec.runtime.identifier();
        let family = identifier.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == 'x');
        let version = match interpreter {
            "" => identifier.to_owned(),
            number => format!("{family}:{number}"),
        };
        let text = format!("INIT_START Runtime Version: {version}\n");
        let record = || records::init_start(self.spec, &version);
        self.say("platform.initStart", LogLevel::Info, Some(text), record)
    }

    /// The init is over. The log only has it when it did not go well.
    pub(crate) fn init_done(&self, took: Duration, status: &Status) -> Notice {
        let level = if *status == Status::Success { LogLevel::Debug } else { LogLevel::Warn };
        let done = self
            .say("platform.initRuntimeDone", level, None, || records::init_runtime_done(self.spec, status));
        let text = (*status != Status::Success).then(|| {
            let mut line = format!(
                "INIT_REPORT Init Duration: {:.2} ms\tPhase: init\tStatus: {}",
                millis(took),
                status.name()
            );
            if let Status::Error(kind) = status {
                line.push_str(&format!("\tError Type: {kind}"));
            }
            line + "\n"
        });
        let record = || records::init_report(self.spec, took, status);
        done.and(self.say("platform.initReport", level, text, record))
    }

    pub(crate) fn start(&self, request_id: &str, trace: Option<&str>) -> Notice {
        let text = format!("START RequestId: {request_id} Version: {}\n", self.spec.version);
        let record = || records::start(self.spec, request_id, trace);
        self.say("platform.start", LogLevel::Info, Some(text), record)
    }

    pub(crate) fn runtime_done(
        &self,
        request_id: &str,
        done: &Done,
        status: &Status,
        trace: Option<&str>,
    ) -> Notice {
        let level = if *status == Status::Success { LogLevel::Debug } else { LogLevel::Warn };
        self.say("platform.runtimeDone", level, None, || {
            records::runtime_done(request_id, done, status, trace)
        })
    }

    pub(crate) fn end(
        &self,
        request_id: &str,
        report: &Report,
        status: &Status,
        trace: Option<&str>,
    ) -> Notice {
        let mut line = format!(
            "REPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\tMax \
             Memory Used: {} MB\t",
            millis(report.duration),
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
        let mut notice = Notice::default();
        if !self.json() {
            notice.lines.push(format!("END RequestId: {request_id}\n"));
        }
        notice.events.extend(self.event("platform.end", || records::end(request_id)));
        let level = if *status == Status::Success { LogLevel::Info } else { LogLevel::Warn };
        let of_many = self.spec.managed.is_some();
        let record = || records::report(request_id, report, status, trace, of_many);
        notice.and(self.say("platform.report", level, Some(line), record))
    }

    /// What broke, in a sentence.
    pub(crate) fn fault(&self, text: &str) -> Notice {
        self.say("platform.fault", LogLevel::Error, Some(format!("{text}\n")), || Value::from(text))
    }

    /// An extension registered, or said that it failed.
    pub(crate) fn extension(
        &self,
        name: &str,
        state: &str,
        events: &[&str],
        error_type: Option<&str>,
    ) -> Notice {
        let (level, text) = match error_type {
            None => (
                LogLevel::Info,
                format!("EXTENSION\tName: {name}\tState: {state}\tEvents: [{}]\n", events.join(",")),
            ),
            Some(kind) => (
                LogLevel::Warn,
                format!(
                    "EXTENSION\tName: {name}\tState: {state}\tEvents: [{}]\tError Type: {kind}\n",
                    events.join(",")
                ),
            ),
        };
        self.say("platform.extension", level, Some(text), || {
            records::extension(name, state, events, error_type)
        })
    }

    pub(crate) fn subscribed(&self, api: Api, name: &str, streams: &[String]) -> Notice {
        let shown: Vec<String> = streams
            .iter()
            .map(|stream| stream[..1].to_ascii_uppercase() + stream.get(1..).unwrap_or_default())
            .collect();
        let title = api.name().to_ascii_uppercase();
        let text = format!("{title}\tName: {name}\tState: Subscribed\tTypes: [{}]\n", shown.join(", "));
        let kind = match api {
            Api::Telemetry => "platform.telemetrySubscription",
            Api::Logs => "platform.logsSubscription",
        };
        self.say(kind, LogLevel::Info, Some(text), || records::subscribed(name, streams))
    }

    /// `text` is the line of the text format, which does not have all events.
    fn say(
        &self,
        kind: &'static str,
        level: LogLevel,
        text: Option<String>,
        record: impl Fn() -> Value,
    ) -> Notice {
        let least = self.spec.logging.system_level.unwrap_or(LogLevel::Info);
        let line = match self.json() {
            false => text,
            true => (level >= least).then(|| {
                let event = json!({ "time": self.now.iso8601_millis(), "type": kind, "record": record() });
                format!("{event}\n")
            }),
        };
        Notice { lines: line.into_iter().collect(), events: self.event(kind, record).into_iter().collect() }
    }

    fn event(&self, kind: &'static str, record: impl Fn() -> Value) -> Option<Event> {
        self.telemetry.is_wanted().then(|| Event { time: self.now, kind, record: record() })
    }

    fn json(&self) -> bool {
        self.spec.logging.format == LogFormat::Json
    }
}

/// With two decimals, as the lines have them.
pub(crate) fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 100_000.0).round() / 100.0
}
