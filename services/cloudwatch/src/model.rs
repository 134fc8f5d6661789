//! What is kept, and under which keys.

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, RecordError, Table};
use serde::{Deserialize, Serialize};

/// A metric that was put at least once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Metric {
    /// What its points are stored under.
    pub(crate) id: u64,
    pub(crate) dimensions: Vec<(String, String)>,
    pub(crate) created_ms: i64,
    /// When a point was last put; may lag by minutes.
    pub(crate) last_put_ms: i64,
}

impl Record for Metric {}

/// By namespace, name, and the digest of the dimensions.
pub(crate) static METRICS: Table<(AccountId, Region, String, String, String), Metric> =
    Table::new("cloudwatch.metrics");

/// Points as they came: generation and place → a batch in the form of [`crate::series::chunk`].
pub(crate) static JOURNAL: Table<(u64, u64), Vec<u8>> = Table::new("cloudwatch.journal");

/// Points by series: tier, series, the block's beginning in seconds, and the generation that wrote it → a chunk.
pub(crate) static POINTS: Table<(u8, u64, i64, u64), Vec<u8>> = Table::new("cloudwatch.points");

/// `written`: the last generation whose points are all in [`POINTS`].
pub(crate) static STATE: Table<String, u64> = Table::new("cloudwatch.state");

/// What rules of Contributor Insights counted: the rule's id and the minute's beginning in milliseconds.
pub(crate) static CONTRIBUTORS: Table<(u64, i64), haneul_kit::contributors::Tally> =
    Table::new("cloudwatch.contributors");

/// What an alarm watches and does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Alarm {
    pub(crate) kind: AlarmKind,
    pub(crate) description: Option<String>,
    pub(crate) actions_enabled: bool,
    pub(crate) ok_actions: Vec<String>,
    pub(crate) alarm_actions: Vec<String>,
    pub(crate) insufficient_data_actions: Vec<String>,
    pub(crate) created_ms: i64,
    pub(crate) configured_ms: i64,
    pub(crate) state: AlarmState,
    pub(crate) tags: Vec<(String, String)>,
}

impl Record for Alarm {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StateValue {
    Ok,
    Alarm,
    InsufficientData,
}

impl StateValue {
    pub(crate) const ALL: [StateValue; 3] = [StateValue::Ok, StateValue::Alarm, StateValue::InsufficientData];

    pub(crate) fn name(self) -> &'static str {
        match self {
            StateValue::Ok => "OK",
            StateValue::Alarm => "ALARM",
            StateValue::InsufficientData => "INSUFFICIENT_DATA",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<StateValue> {
        StateValue::ALL.into_iter().find(|value| value.name() == name)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AlarmState {
    pub(crate) value: StateValue,
    pub(crate) reason: String,
    pub(crate) reason_data: Option<String>,
    /// When the state or its reason was last written.
    pub(crate) updated_ms: i64,
    /// When the value last changed.
    pub(crate) changed_ms: i64,
    /// `PARTIAL_DATA`, `EVALUATION_ERROR`.
    #[serde(default)]
    pub(crate) evaluation: Option<String>,
    /// For composite alarms: why actions do not run.
    #[serde(default)]
    pub(crate) suppressed: Option<Suppressed>,
    /// Actions were held back by a mute rule.
    #[serde(default)]
    pub(crate) held: Option<Held>,
    /// Of an alarm on many series: those that are in ALARM.
    #[serde(default)]
    pub(crate) contributors: Vec<Contributor>,
}

/// A time series of an alarm on many, in ALARM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contributor {
    pub(crate) id: String,
    /// What its query groups by.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) reason: String,
    pub(crate) since_ms: i64,
}

/// A contributor's id and attributes.
pub(crate) type Named = (String, Vec<(String, String)>);

/// What an alarm was before a mute rule or a suppressor held back its first action.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) before: StateValue,
}

/// A window of time in which alarms call no actions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MuteRule {
    pub(crate) description: Option<String>,
    /// `cron(…)` or `at(…)`, as it was given; so the duration and the zone.
    pub(crate) expression: String,
    pub(crate) duration: String,
    pub(crate) zone: Option<String>,
    pub(crate) targets: Vec<String>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) start_ms: Option<i64>,
    pub(crate) expire_ms: Option<i64>,
    pub(crate) updated_ms: i64,
}

impl Record for MuteRule {}

pub(crate) static MUTE_RULES: Table<(AccountId, Region, String), MuteRule> =
    Table::new("cloudwatch.mute_rules");

/// A metric stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    pub(crate) firehose: String,
    pub(crate) role: String,
    pub(crate) include: Vec<StreamFilter>,
    pub(crate) exclude: Vec<StreamFilter>,
    pub(crate) statistics: Vec<MoreStatistics>,
    /// What version 1 knew nothing of.
    #[serde(default)]
    pub(crate) format: OutputFormat,
    pub(crate) running: bool,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    /// What was put into the minutes before this second has been sent.
    pub(crate) sent_s: i64,
    pub(crate) tags: Vec<(String, String)>,
}

impl Record for StreamRecord {
    const VERSION: u32 = 2;

    /// Of version 1: all streams were of JSON.
    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        match version {
            1 => StreamRecord::decode(bytes),
            _ => Err(RecordError(format!("nothing migrates schema version {version}"))),
        }
    }
}

/// How the minutes of a stream are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OutputFormat {
    #[default]
    Json,
    OpenTelemetry1,
    OpenTelemetry07,
}

/// What some metrics have beside the usual statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MoreStatistics {
    /// Namespaces and names.
    pub(crate) metrics: Vec<(String, String)>,
    pub(crate) statistics: Vec<String>,
}

/// A namespace, and which of its metrics: all when none is named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamFilter {
    pub(crate) namespace: String,
    pub(crate) names: Vec<String>,
}

pub(crate) static METRIC_STREAMS: Table<(AccountId, Region, String), StreamRecord> =
    Table::new("cloudwatch.metric_streams");

/// A query that is saved under a path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct QueryDefinition {
    pub(crate) path: String,
    pub(crate) expression: String,
    /// `PROMQL`, `SQL`, `METRIC_MATH`.
    pub(crate) language: String,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) tags: Vec<(String, String)>,
}

impl Record for QueryDefinition {}

/// By id.
pub(crate) static QUERY_DEFINITIONS: Table<(AccountId, Region, String), QueryDefinition> =
    Table::new("cloudwatch.query_definitions");

/// Whose id a path has.
pub(crate) static QUERY_PATHS: Table<(AccountId, Region, String), String> =
    Table::new("cloudwatch.query_paths");

/// Actions of a composite alarm that are held back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Suppressed {
    /// `Alarm`, `WaitPeriod`, `ExtensionPeriod`.
    pub(crate) by: String,
    pub(crate) reason: String,
    /// When a wait or extension period ends.
    pub(crate) until_ms: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum AlarmKind {
    Metric(Box<MetricAlarm>),
    Composite(CompositeAlarm),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MetricAlarm {
    pub(crate) watched: Watched,
    pub(crate) evaluation_periods: i32,
    pub(crate) datapoints_to_alarm: Option<i32>,
    /// None for anomaly detection, whose threshold is a band.
    pub(crate) threshold: Option<f64>,
    pub(crate) threshold_metric_id: Option<String>,
    pub(crate) comparison: String,
    /// As given: `missing` is the default, and not shown when it was not given.
    pub(crate) treat_missing_data: Option<String>,
    pub(crate) evaluate_low_sample_count: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Watched {
    One(OneMetric),
    Queries(Vec<Query>),
}

/// The metric of a plain alarm.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OneMetric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: Vec<(String, String)>,
    pub(crate) period: i32,
    /// The statistic as given, and whether it was given as `ExtendedStatistic`.
    pub(crate) statistic: String,
    pub(crate) extended: bool,
    pub(crate) unit: Option<String>,
}

/// One of GetMetricData's queries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Query {
    pub(crate) id: String,
    pub(crate) source: Source,
    pub(crate) label: Option<String>,
    pub(crate) return_data: Option<bool>,
    pub(crate) period: Option<i32>,
    pub(crate) account: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Source {
    Metric {
        namespace: String,
        name: String,
        dimensions: Vec<(String, String)>,
        period: i32,
        statistic: String,
        unit: Option<String>,
    },
    Expression(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CompositeAlarm {
    pub(crate) rule: String,
    /// What the rule said last, so that a state set by hand stays until that changes.
    #[serde(default)]
    pub(crate) held: Option<bool>,
    pub(crate) suppressor: Option<String>,
    pub(crate) wait_s: Option<i32>,
    pub(crate) extension_s: Option<i32>,
}

pub(crate) static ALARMS: Table<(AccountId, Region, String), Alarm> = Table::new("cloudwatch.alarms");

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HistoryItem {
    pub(crate) alarm: String,
    pub(crate) composite: bool,
    /// `ConfigurationUpdate`, `StateUpdate`, `Action`, `AlarmContributorStateUpdate`, `AlarmContributorAction`.
    pub(crate) kind: String,
    pub(crate) summary: String,
    pub(crate) data: String,
    /// Whose it is, of an alarm on many series.
    #[serde(default)]
    pub(crate) contributor: Option<Named>,
}

impl Record for HistoryItem {}

/// By time and a number of the process, so that two at the same time both stay.
pub(crate) static HISTORY: Table<(AccountId, Region, i64, u64), HistoryItem> =
    Table::new("cloudwatch.history");

/// An action that has still to be called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingAction {
    pub(crate) alarm: String,
    pub(crate) composite: bool,
    pub(crate) arn: String,
    pub(crate) state: StateValue,
    /// What the action is told, as JSON.
    pub(crate) message: String,
    pub(crate) subject: String,
    pub(crate) attempts: u32,
    /// On whose behalf, of an alarm on many series.
    #[serde(default)]
    pub(crate) contributor: Option<Named>,
}

impl Record for PendingAction {}

/// By when they are due, whose they are, and a random number.
pub(crate) static ACTIONS: Table<(i64, AccountId, Region, u64), PendingAction> =
    Table::new("cloudwatch.actions");

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Dashboard {
    pub(crate) body: String,
    pub(crate) modified_ms: i64,
    #[serde(default)]
    pub(crate) tags: Vec<(String, String)>,
}

impl Record for Dashboard {}

/// Dashboards belong to the account, in every Region.
pub(crate) static DASHBOARDS: Table<(AccountId, String), Dashboard> = Table::new("cloudwatch.dashboards");

/// What an anomaly detector watches.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Detector {
    pub(crate) watched: DetectorSource,
    pub(crate) excluded_ms: Vec<(i64, i64)>,
    pub(crate) timezone: Option<String>,
    pub(crate) periodic_spikes: Option<bool>,
    pub(crate) created_ms: i64,
}

impl Record for Detector {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum DetectorSource {
    Single { namespace: String, name: String, dimensions: Vec<(String, String)>, statistic: String },
    Math(Vec<Query>),
}

/// By the detector's id.
pub(crate) static DETECTORS: Table<(AccountId, Region, String), Detector> =
    Table::new("cloudwatch.detectors");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_the_version_before_are_read() {
        let stored = br#"{"firehose":"f","role":"r","include":[],"exclude":[],"statistics":[],"running":true,
            "created_ms":1,"updated_ms":2,"sent_s":3,"tags":[]}"#;
        let stream = StreamRecord::migrate(1, stored).unwrap();
        assert_eq!((stream.format, stream.sent_s, stream.running), (OutputFormat::Json, 3, true));
        assert!(StreamRecord::migrate(3, stored).is_err());
    }
}
