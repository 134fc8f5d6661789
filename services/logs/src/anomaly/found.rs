use std::collections::BTreeMap;

use haneul_logs_wire::shapes as s;
use serde::{Deserialize, Serialize};

use super::judge::{Came, Finding, Kind, SAMPLES_MAX};
use super::learned::{Learned, Slot};

/// Evaluations whose counts are kept.
const HISTOGRAM_MAX: usize = 500;

/// What was found, and how it went on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Anomaly {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) priority: String,
    pub(crate) description: String,
    /// As it was when it was last seen.
    pub(crate) pattern: Learned,
    pub(crate) first_ms: i64,
    pub(crate) last_ms: i64,
    pub(crate) active: bool,
    /// It is usual by now.
    pub(crate) baseline: bool,
    /// Counts by the time of the evaluation.
    pub(crate) histogram: BTreeMap<i64, u64>,
    pub(crate) samples: Vec<(i64, String)>,
    pub(crate) suppressed_ms: Option<i64>,
    /// `i64::MAX` for ever.
    pub(crate) suppressed_until_ms: Option<i64>,
}

impl Anomaly {
    pub(crate) fn new(id: String, finding: &Finding, pattern: &Learned, now_ms: i64) -> Anomaly {
        Anomaly {
            id,
            kind: finding.kind.clone(),
            priority: finding.priority.to_owned(),
            description: String::new(),
            pattern: pattern.clone(),
            first_ms: now_ms,
            last_ms: now_ms,
            active: true,
            baseline: false,
            histogram: BTreeMap::new(),
            samples: Vec::new(),
            suppressed_ms: None,
            suppressed_until_ms: None,
        }
    }

    pub(crate) fn is_of(&self, finding: &Finding) -> bool {
        self.kind == finding.kind && self.pattern.id == finding.pattern
    }

    /// Whether more of its pattern, or of its value, is the same anomaly.
    pub(crate) fn goes_on(&self) -> bool {
        self.kind == Kind::New
    }

    /// What was new once came again.
    pub(crate) fn again(&self, count: u64) -> Finding {
        Finding {
            kind: self.kind.clone(),
            pattern: self.pattern.id.clone(),
            count,
            priority: super::judge::priority(self.pattern.level, 0.0),
            description: self.description.clone(),
        }
    }

    pub(crate) fn is_suppressed(&self, now_ms: i64) -> bool {
        self.suppressed_until_ms.is_some_and(|until_ms| until_ms > now_ms)
    }

    /// It was found in an evaluation.
    pub(crate) fn seen(&mut self, finding: &Finding, pattern: &Learned, came: Option<&Came>, now_ms: i64) {
        self.pattern = pattern.clone();
        self.last_ms = now_ms;
        self.active = true;
        self.priority = finding.priority.to_owned();
        self.description.clone_from(&finding.description);
        *self.histogram.entry(now_ms).or_default() += finding.count;
        while self.histogram.len() > HISTOGRAM_MAX {
            self.histogram.pop_first();
        }
        let samples = came.map_or(&[][..], |came| &came.samples);
        self.samples.extend(samples.iter().cloned());
        let over = self.samples.len().saturating_sub(SAMPLES_MAX);
        self.samples.drain(..over);
    }

    pub(crate) fn shape(
        self,
        detector: &str,
        group: &str,
        pattern_suppressed: Option<(i64, i64)>,
        now_ms: i64,
    ) -> s::Anomaly {
        let own = self.suppressed_until_ms.filter(|until_ms| *until_ms > now_ms);
        let own = own.map(|until_ms| (self.suppressed_ms.unwrap_or(0), until_ms));
        let suppressed = own.or(pattern_suppressed);
        let state = match (self.baseline, suppressed) {
            (true, _) => "Baseline",
            (false, Some(_)) => "Suppressed",
            (false, None) => "Active",
        };
        let samples = self
            .samples
            .into_iter()
            .map(|(timestamp, message)| s::LogEvent { timestamp: Some(timestamp), message: Some(message) });
        s::Anomaly {
            anomaly_id: self.id,
            pattern_id: self.pattern.id.clone(),
            anomaly_detector_arn: detector.to_owned(),
            pattern_string: self.pattern.text(),
            pattern_regex: Some(self.pattern.regex()),
            priority: Some(self.priority),
            first_seen: self.first_ms,
            last_seen: self.last_ms,
            description: self.description,
            active: self.active,
            state: state.to_owned(),
            histogram: self.histogram.iter().map(|(at, count)| (at.to_string(), *count as i64)).collect(),
            log_samples: samples.collect(),
            pattern_tokens: shapes(&self.pattern.slots),
            log_group_arn_list: vec![group.to_owned()],
            suppressed: Some(suppressed.is_some()),
            suppressed_date: suppressed.map(|(at, _)| at),
            suppressed_until: suppressed.map(|(_, until)| if until == i64::MAX { 0 } else { until }),
            is_pattern_level_suppression: suppressed.map(|_| own.is_none()),
        }
    }
}

fn shapes(slots: &[Slot]) -> Vec<s::PatternToken> {
    let mut position = 0;
    let mut all = Vec::new();
    for slot in slots {
        all.push(match &slot.text {
            Some(text) => s::PatternToken {
                is_dynamic: Some(false),
                token_string: Some(text.clone()),
                ..Default::default()
            },
            None => {
                position += 1;
                let known = slot.values.iter().map(|(value, count)| (value.clone(), *count as i64));
                s::PatternToken {
                    dynamic_token_position: Some(position),
                    is_dynamic: Some(true),
                    token_string: Some("<*>".to_owned()),
                    enumerations: Some(known.collect()),
                    inferred_token_name: Some(format!("{}-{position}", name(slot))),
                }
            }
        });
    }
    all
}

/// What the values look like.
fn name(slot: &Slot) -> &'static str {
    let all =
        |test: fn(&str) -> bool| !slot.values.is_empty() && slot.values.iter().all(|(value, _)| test(value));
    if all(|value| value.parse::<f64>().is_ok()) {
        "Number"
    } else if all(|value| value.parse::<std::net::IpAddr>().is_ok()) {
        "IPAddress"
    } else if all(|value| value.len() == 36 && value.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')) {
        "UUID"
    } else {
        "Token"
    }
}
