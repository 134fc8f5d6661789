//! `LAMBDA`: time series that a function answers with. Source: CloudWatch User Guide, "Create a custom connector to a data source".

use std::time::Duration;

use haneul_kit::Instant;
use haneul_kit::metrics::Owner;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::math::{Line, POINTS_MAX};
use crate::series::window::Window;
use crate::{CloudWatch, calls};

/// By when all functions of a request must have answered.
pub(crate) const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Of a function's answer, and of the name of a function, with its version or alias. Source of the second: Lambda's Invoke.
const ANSWER_BYTES_MAX: usize = 6 * 1024 * 1024;
const NAME_MAX: usize = 170;
/// Series of one answer.
const LINES_MAX: usize = 500;
/// Characters of what a function says went wrong that are passed on.
const MESSAGE_MAX: usize = 1024;

/// Why there are no data: as GetMetricData tells it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: &'static str,
    pub(crate) code: String,
    pub(crate) message: String,
}

pub(crate) struct Answered {
    pub(crate) lines: Vec<Line>,
    pub(crate) partial: bool,
    pub(crate) failure: Option<Failure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Said {
    metric_data_results: Option<Vec<Series>>,
    error: Option<Wrong>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Series {
    status_code: Option<String>,
    #[serde(default)]
    messages: Vec<Wrong>,
    #[serde(default)]
    label: String,
    #[serde(default)]
    timestamps: Vec<f64>,
    #[serde(default)]
    values: Vec<f64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Wrong {
    code: String,
    value: String,
}

/// `name`, `name:version` or `name:alias`.
pub(super) fn is_name(name: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '$');
    !name.is_empty() && name.len() <= NAME_MAX && name.chars().all(is_good)
}

impl CloudWatch {
    /// Asks a function, as the service: what it is called by decides its own policy.
    ///
    /// # Errors
    /// What the function says is wrong with its arguments.
    pub(super) async fn ask(
        &self,
        owner: Owner,
        (name, arguments): (&str, &str),
        window: Window,
        deadline: Instant,
    ) -> Result<Answered, String> {
        let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
        let event = json!({
            "EventType": "GetMetricData",
            "GetMetricDataRequest": {
                "StartTime": window.start,
                "EndTime": window.end,
                "Period": window.period,
                "Arguments": arguments,
            },
        });
        let env = &self.platform.env;
        let left = deadline.since(env.now());
        let asked = calls::ask(&self.platform.bus, owner, name, event.to_string());
        let answer = match env.clock.timeout(left, asked).await {
            Some(Ok(answer)) => answer,
            Some(Err(refused)) => {
                let status = if haneul_roles::is_denial(&refused) { "Forbidden" } else { "InternalError" };
                return Ok(none(name, status, refused.code(), refused.message()));
            }
            None => return Ok(none(name, "InternalError", "Timeout", "The function took too long")),
        };
        if answer.len() > ANSWER_BYTES_MAX {
            return Ok(none(name, "InternalError", "TooLarge", "The function answered with more than 6 MB"));
        }
        read(name, &answer, window)
    }
}

/// Reads what a function answered.
fn read(name: &str, answer: &[u8], window: Window) -> Result<Answered, String> {
    let said = serde_json::from_slice::<Said>(answer);
    match said {
        Ok(Said { error: Some(wrong), .. }) => match wrong.code.as_str() {
            "Validation" => Err(cut(&wrong.value)),
            "Forbidden" => Ok(none(name, "Forbidden", &wrong.code, &wrong.value)),
            _ => Ok(none(name, "InternalError", &wrong.code, &wrong.value)),
        },
        Ok(Said { metric_data_results: Some(series), .. }) if series.len() <= LINES_MAX => {
            let mut answered = Answered { lines: Vec::new(), partial: false, failure: None };
            for one in series {
                let message = one.messages.first();
                let failure = |status| failure(status, message.unwrap_or(&Wrong::default()));
                match one.status_code.as_deref() {
                    Some("PartialData") => answered.partial = true,
                    Some("Forbidden") => answered.failure = Some(failure("Forbidden")),
                    Some("InternalError") => answered.failure = Some(failure("InternalError")),
                    _ => {}
                }
                answered.lines.push(Line::new(
                    one.label,
                    window.period,
                    points(&one.timestamps, &one.values, window),
                ));
            }
            Ok(answered)
        }
        _ => Ok(none(name, "InternalError", "InvalidAnswer", "The function did not answer with time series")),
    }
}

/// Those that are of a period of the window; others are left out, as AWS does.
fn points(timestamps: &[f64], values: &[f64], window: Window) -> Vec<(i64, f64)> {
    let all = timestamps.iter().zip(values).take(POINTS_MAX);
    let fits = |at: i64| at >= window.start && at < window.end && (at - window.start) % window.period == 0;
    let of_window = all.filter(|(at, value)| at.is_finite() && fits(**at as i64) && value.is_finite());
    let mut points: Vec<(i64, f64)> = of_window.map(|(at, value)| (*at as i64, *value)).collect();
    points.sort_by_key(|(at, _)| *at);
    points.dedup_by_key(|(at, _)| *at);
    points
}

/// One series without data that says why.
fn none(name: &str, status: &'static str, code: &str, message: &str) -> Answered {
    let wrong = Wrong { code: code.to_owned(), value: message.to_owned() };
    let failure = Some(failure(status, &wrong));
    Answered { lines: vec![Line::new(name, 60, Vec::new())], partial: false, failure }
}

fn failure(status: &'static str, wrong: &Wrong) -> Failure {
    Failure { status, code: cut(&wrong.code), message: cut(&wrong.value) }
}

fn cut(text: &str) -> String {
    text.chars().take(MESSAGE_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_what_is_made_of_them() {
        let window = Window { start: 600, end: 1200, period: 300, now: 1200 };
        for (answer, expected) in [
            (
                r#"{"MetricDataResults": [{"Label": "a", "Timestamps": [900, 600, 700, 1200, 0], "Values": [2, 1, 3, 4, 5]}]}"#,
                "a 600:1 900:2",
            ),
            (
                r#"{"MetricDataResults": [{"StatusCode": "PartialData", "Timestamps": [600], "Values": [1, 2]}]}"#,
                " 600:1 partial",
            ),
            (
                r#"{"MetricDataResults": [{"StatusCode": "InternalError", "Messages": [{"Code": "c", "Value": "v"}]}]}"#,
                " InternalError c v",
            ),
            (r#"{"Error": {"Code": "Forbidden", "Value": "no"}}"#, "f Forbidden Forbidden no"),
            (r#"{"Error": {"Code": "Away", "Value": "no"}}"#, "f InternalError Away no"),
            (r#"{"Error": {"Code": "Validation", "Value": "which?"}}"#, "which?"),
            ("null", "f InternalError InvalidAnswer The function did not answer with time series"),
            ("[", "f InternalError InvalidAnswer The function did not answer with time series"),
        ] {
            let shown = match read("f", answer.as_bytes(), window) {
                Err(reason) => reason,
                Ok(Answered { lines, partial, failure }) => {
                    let mut words: Vec<String> = Vec::new();
                    for line in &lines {
                        words.push(line.label.clone());
                        words.extend(line.points.iter().map(|(at, value)| format!("{at}:{value}")));
                    }
                    words.extend(partial.then(|| "partial".to_owned()));
                    words.extend(failure.map(|why| format!("{} {} {}", why.status, why.code, why.message)));
                    words.join(" ")
                }
            };
            assert_eq!(shown, expected, "{answer}");
        }
        for (name, good) in [("f", true), ("f:22", true), ("f:$LATEST", true), ("f*", false), ("", false)] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
