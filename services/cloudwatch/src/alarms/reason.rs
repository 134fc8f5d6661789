//! Why an alarm is in its state, in AWS's sentences, and the same as data.

use haneul_kit::Instant;
use serde_json::{Value, json};

use super::decide::Treatment;
use crate::model::StateValue;

/// A period that was looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) at: i64,
    pub(crate) value: Option<f64>,
    pub(crate) samples: Option<f64>,
    pub(crate) breaching: Option<bool>,
    /// The band of an anomaly detection alarm.
    pub(crate) band: Option<(f64, f64)>,
}

pub(crate) struct Facts<'a> {
    pub(crate) state: StateValue,
    /// Those that decided, the newest first.
    pub(crate) points: &'a [Point],
    pub(crate) periods: usize,
    pub(crate) needed: usize,
    pub(crate) missing: Treatment,
    pub(crate) comparison: &'a str,
    pub(crate) threshold: Option<f64>,
}

pub(crate) const INITIAL: &str = "Unchecked: Initial alarm creation";

impl Facts<'_> {
    pub(crate) fn sentence(&self) -> String {
        let real: Vec<&Point> = self.points.iter().filter(|point| point.value.is_some()).collect();
        if self.state == StateValue::InsufficientData {
            let (count, were) = plural(self.periods, "datapoint was", "datapoints were");
            return format!("Insufficient Data: {count} {were} unknown.");
        }
        let breaching = self.state == StateValue::Alarm;
        if real.is_empty() {
            let treated = match self.missing {
                Treatment::Breaching => "[Breaching]",
                _ => "[NonBreaching]",
            };
            let (periods, word) = plural(self.periods, "period", "periods");
            let (missing, were) = plural(self.periods, "missing datapoint was", "missing datapoints were");
            return format!(
                "Threshold Crossed: no datapoints were received for {periods} {word} and {missing} {were} treated as {treated}."
            );
        }
        let shown: Vec<String> = real
            .iter()
            .filter(|point| point.breaching == Some(breaching))
            .take(5)
            .map(|point| format!("{} ({})", float(point.value.unwrap_or_default()), stamp(point.at)))
            .collect();
        let verb = if shown.len() == 1 { "was" } else { "were" };
        let not = if breaching { "" } else { "not " };
        let threshold = match self.threshold {
            Some(threshold) => format!("the threshold ({})", float(threshold)),
            None => "the band".to_owned(),
        };
        let (minimum, word) = plural(
            if breaching { self.needed } else { self.periods - self.needed + 1 },
            "datapoint",
            "datapoints",
        );
        let transition = if breaching { "OK -> ALARM" } else { "ALARM -> OK" };
        format!(
            "Threshold Crossed: {} out of the last {} datapoints [{}] {verb} {not}{} {threshold} (minimum {minimum} {word} for {transition} transition).",
            shown.len(),
            self.periods,
            shown.join(", "),
            compared(self.comparison),
        )
    }

    /// As a contributor says it, which shows its last point alone.
    pub(crate) fn short_sentence(&self) -> String {
        let breaching = self.state == StateValue::Alarm;
        let mut crossing = self.points.iter().filter(|point| point.breaching == Some(breaching));
        let count = crossing.clone().count();
        let last = crossing.next().and_then(|point| Some((point.at, point.value?)));
        let (Some((at, value)), Some(threshold)) = (last, self.threshold) else { return self.sentence() };
        let (count, were) = plural(count, "datapoint was", "datapoints were");
        let (_, datapoints) = plural(count, "datapoint", "datapoints");
        let not = if breaching { "" } else { "not " };
        format!(
            "Threshold Crossed: {count} {were} {not}{} the threshold ({}). The most recent {datapoints} which crossed the threshold: [{} ({})].",
            compared(self.comparison),
            float(threshold),
            float(value),
            stamp(at),
        )
    }

    pub(crate) fn data(
        &self,
        now: Instant,
        start: i64,
        period: i64,
        statistic: Option<&str>,
        unit: Option<&str>,
    ) -> Value {
        let recent: Vec<f64> = self.points.iter().rev().filter_map(|point| point.value).collect();
        let evaluated: Vec<Value> = self
            .points
            .iter()
            .map(|point| {
                let mut one = json!({ "timestamp": iso(point.at) });
                if let Some(samples) = point.samples {
                    one["sampleCount"] = json!(samples);
                }
                if let Some(value) = point.value {
                    one["value"] = json!(value);
                }
                if let Some((low, high)) = point.band {
                    one["threshold"] = json!({ "lower": low, "upper": high });
                }
                one
            })
            .collect();
        let mut data = json!({
            "version": "1.0",
            "queryDate": iso_millis(now),
            "startDate": iso(start),
            "period": period,
            "recentDatapoints": recent,
            "evaluatedDatapoints": evaluated,
        });
        for (name, value) in [("statistic", statistic), ("unit", unit)] {
            if let Some(value) = value {
                data[name] = json!(value);
            }
        }
        if let Some(threshold) = self.threshold {
            data["threshold"] = json!(threshold);
        }
        data
    }
}

fn plural(count: usize, one: &'static str, many: &'static str) -> (usize, &'static str) {
    (count, if count == 1 { one } else { many })
}

fn compared(operator: &str) -> &'static str {
    match operator {
        "GreaterThanOrEqualToThreshold" => "greater than or equal to",
        "GreaterThanThreshold" | "GreaterThanUpperThreshold" => "greater than",
        "LessThanThreshold" | "LessThanLowerThreshold" => "less than",
        "LessThanOrEqualToThreshold" => "less than or equal to",
        _ => "less than the lower thresholds or greater than the upper thresholds of",
    }
}

/// As Java writes a double: `5.0`.
fn float(value: f64) -> String {
    format!("{value:?}")
}

/// `25/10/16 19:12:00`.
fn stamp(at: i64) -> String {
    let iso = Instant::from_secs(at).iso8601();
    let (date, time) = iso.split_at(10);
    format!(
        "{}/{}/{} {}",
        &date[8..10],
        &date[5..7],
        &date[2..4],
        time.trim_start_matches('T').trim_end_matches('Z')
    )
}

/// `2016-10-25T19:12:00.000+0000`.
pub(crate) fn iso(at: i64) -> String {
    iso_millis(Instant::from_secs(at))
}

pub(crate) fn iso_millis(at: Instant) -> String {
    at.iso8601_millis().replace('Z', "+0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let point =
            |at, value: Option<f64>, breaching| Point { at, value, samples: None, breaching, band: None };
        let points =
            [point(1_477_422_720, Some(99.5), Some(true)), point(1_477_422_660, Some(1.0), Some(false))];
        let facts = |state, points| Facts {
            state,
            points,
            periods: 2,
            needed: 1,
            missing: Treatment::Breaching,
            comparison: "GreaterThanOrEqualToThreshold",
            threshold: Some(50.0),
        };
        assert_eq!(
            facts(StateValue::Alarm, &points[..]).sentence(),
            "Threshold Crossed: 1 out of the last 2 datapoints [99.5 (25/10/16 19:12:00)] was greater than or equal to the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."
        );
        assert_eq!(
            facts(StateValue::Alarm, &points[..]).short_sentence(),
            "Threshold Crossed: 1 datapoint was greater than or equal to the threshold (50.0). The most recent datapoint which crossed the threshold: [99.5 (25/10/16 19:12:00)]."
        );
        assert_eq!(
            facts(StateValue::Ok, &points[1..]).sentence(),
            "Threshold Crossed: 1 out of the last 2 datapoints [1.0 (25/10/16 19:11:00)] was not greater than or equal to the threshold (50.0) (minimum 2 datapoints for ALARM -> OK transition)."
        );
        assert_eq!(
            facts(StateValue::Alarm, &[]).sentence(),
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching]."
        );
        assert_eq!(
            facts(StateValue::InsufficientData, &[]).sentence(),
            "Insufficient Data: 2 datapoints were unknown."
        );
    }
}
