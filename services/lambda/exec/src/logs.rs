use std::sync::Arc;

use haneul_kit::Instant;

use crate::Spec;

/// Where the lines of functions go. The service gives one that writes to CloudWatch Logs.
pub trait LogSink: Send + Sync + 'static {
    /// Takes lines, in order for each target. Must not block: what cannot be taken now is kept or lost there.
    fn write(&self, target: &Arc<LogTarget>, events: Vec<LogEvent>);
}

/// The log stream of one environment.
#[derive(Debug)]
pub struct LogTarget {
    pub spec: Arc<Spec>,
    /// `2026/01/31/[$LATEST]0123456789abcdef0123456789abcdef`; its group is in [`Spec::logging`].
    pub stream: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    pub timestamp: Instant,
    /// One or more lines, with a newline at the end as AWS has it.
    pub message: String,
}

/// Drops all.
pub struct NoLogs;

impl LogSink for NoLogs {
    fn write(&self, _: &Arc<LogTarget>, _: Vec<LogEvent>) {}
}
