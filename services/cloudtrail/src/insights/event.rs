//! The two forms of an Insights event. Source: CloudTrail User Guide, "CloudTrail record contents for Insights events for
//! trails" and "… for event data stores".

use haneul_kit::{AccountId, Instant, Region};
use serde_json::{Map, Value, json};

use super::count::{ATTRIBUTES, Series};
use super::decide::Ongoing;
use super::{Minute, millis_of};

/// The versions of the formats that are written.
const TRAIL_VERSION: &str = "1.08";
const STORE_VERSION: &str = "1.11";

/// All that both forms tell.
pub(crate) struct Finding {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) series: Series,
    pub(crate) ended: bool,
    pub(crate) ongoing: Ongoing,
    pub(crate) baseline_average: f64,
    pub(crate) insight_average: f64,
    /// Values and averages of each attribute.
    pub(crate) baseline: [Vec<(String, f64)>; 3],
    pub(crate) insight: [Vec<(String, f64)>; 3],
}

impl Finding {
    /// The minute of its time.
    pub(crate) fn minute(&self) -> Minute {
        if self.ended { self.ongoing.last + 1 } else { self.ongoing.start }
    }

    pub(crate) fn at(&self) -> Instant {
        Instant::from_millis(millis_of(self.minute()))
    }

    fn state(&self) -> &'static str {
        if self.ended { "End" } else { "Start" }
    }

    /// Minutes.
    fn durations(&self) -> (u64, u64) {
        let (from, to) = self.ongoing.window();
        (self.ongoing.last + 1 - self.ongoing.start, to - from)
    }

    /// As trails and lookups have it.
    pub(crate) fn of_trail(&self, event_id: &str) -> Vec<u8> {
        let (source, name, code) = self.series.parts();
        let (insight_duration, baseline_duration) = self.durations();
        let attributions = self.attributions("insight", "baseline");
        let mut details = json!({
            "state": self.state(),
            "eventSource": source,
            "eventName": name,
            "insightType": self.series.kind().as_str(),
        });
        if let Some(code) = code {
            details["errorCode"] = json!(code);
        }
        details["insightContext"] = json!({
            "statistics": {
                "baseline": { "average": self.baseline_average },
                "insight": { "average": self.insight_average },
                "insightDuration": insight_duration,
                "baselineDuration": baseline_duration,
            },
            "attributions": attributions,
        });
        let mut event = self.head(TRAIL_VERSION, event_id);
        event.insert("insightDetails".into(), details);
        event.insert("eventCategory".into(), json!("Insight"));
        Value::Object(event).to_string().into_bytes()
    }

    /// As event data stores have it; `source` is the ARN of the one that it was found in.
    pub(crate) fn of_store(&self, event_id: &str, source: &str) -> Vec<u8> {
        let (event_source, name, code) = self.series.parts();
        let (insight_duration, baseline_duration) = self.durations();
        let attributions = self.attributions("insights", "baselines");
        let mut event = self.head(STORE_VERSION, event_id);
        event.insert("eventCategory".into(), json!("Insight"));
        event.insert("insightSource".into(), json!(source));
        event.insert("insightState".into(), json!(self.state()));
        event.insert("insightEventSource".into(), json!(event_source));
        event.insert("insightEventName".into(), json!(name));
        if let Some(code) = code {
            event.insert("insightErrorCode".into(), json!(code));
        }
        event.insert("insightType".into(), json!(self.series.kind().as_str()));
        let context = json!({
            "baselineAverage": self.baseline_average,
            "insightAverage": self.insight_average,
            "baselineDuration": baseline_duration,
            "insightDuration": insight_duration,
            "attributions": attributions,
        });
        event.insert("insightContext".into(), context);
        Value::Object(event).to_string().into_bytes()
    }

    fn attributions(&self, insight: &str, baseline: &str) -> Vec<Value> {
        let list = |values: &[(String, f64)]| -> Vec<Value> {
            values.iter().map(|(value, average)| json!({ "value": value, "average": average })).collect()
        };
        let all = ATTRIBUTES.iter().zip(&self.insight).zip(&self.baseline);
        all.map(
            |((name, now), before)| json!({ "attribute": name, insight: list(now), baseline: list(before) }),
        )
        .collect()
    }

    fn head(&self, version: &str, event_id: &str) -> Map<String, Value> {
        let mut head = Map::new();
        for (name, value) in [
            ("eventVersion", version.to_owned()),
            ("eventTime", self.at().iso8601()),
            ("awsRegion", self.region.to_string()),
            ("eventID", event_id.to_owned()),
            ("eventType", "AwsCloudTrailInsight".to_owned()),
            ("recipientAccountId", self.account.to_string()),
            ("sharedEventID", self.ongoing.id.clone()),
        ] {
            head.insert(name.into(), json!(value));
        }
        head
    }
}
