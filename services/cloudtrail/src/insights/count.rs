//! From records to counts.

use haneul_kit::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings::Kind;
use super::{Minute, minute_of};

/// Different values of attributes that one hour of a series tells apart; calls with others are counted without them.
const VALUES_MAX: usize = 60;
/// Longest value of an attribute and error code, in characters.
const VALUE_CHARS_MAX: usize = 512;
const CODE_CHARS_MAX: usize = 128;

/// What Insights events attribute calls to, in their order.
pub(crate) const ATTRIBUTES: [&str; 3] = ["userIdentityArn", "userAgent", "errorCode"];

/// Calls that are counted together: `SOURCE NAME`, or `SOURCE NAME CODE` of those that failed so. Neither sources nor names
/// have a space in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series(pub(crate) String);

impl Series {
    pub(crate) fn new(source: &str, name: &str, code: Option<&str>) -> Series {
        Series(match code {
            Some(code) => format!("{source} {name} {}", clip(code, CODE_CHARS_MAX)),
            None => format!("{source} {name}"),
        })
    }

    pub(crate) fn parts(&self) -> (&str, &str, Option<&str>) {
        let mut parts = self.0.splitn(3, ' ');
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next())
    }

    pub(crate) fn kind(&self) -> Kind {
        if self.parts().2.is_some() { Kind::ErrorRate } else { Kind::CallRate }
    }
}

/// One call.
pub(crate) struct Sample {
    pub(crate) minute: Minute,
    pub(crate) values: [String; 3],
}

/// What a record counts for. AWS: call rates are of management events that write, and of all data events; error rates are
/// of all.
pub(crate) fn samples(event: &Value, management: bool) -> Option<(Vec<Series>, Sample)> {
    let text = |name: &str| event[name].as_str();
    let (source, name) = (text("eventSource")?, text("eventName")?);
    let code = text("errorCode").filter(|code| !code.is_empty());
    let mut all = Vec::with_capacity(2);
    if !management || event["readOnly"] == false {
        all.push(Series::new(source, name, None));
    }
    all.extend(code.map(|code| Series::new(source, name, Some(code))));
    if all.is_empty() {
        return None;
    }
    let identity = &event["userIdentity"];
    let who = ["arn", "invokedBy", "principalId"].iter().find_map(|member| identity[*member].as_str());
    let value = |text: Option<&str>| clip(text.unwrap_or("null"), VALUE_CHARS_MAX).to_owned();
    let minute = minute_of(Instant::parse_iso8601(text("eventTime")?)?.millis());
    Some((all, Sample { minute, values: [value(who), value(text("userAgent")), value(code)] }))
}

fn clip(text: &str, chars_max: usize) -> &str {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// The calls of one series in one hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hour {
    /// The attribute's place in [`ATTRIBUTES`], and the value.
    pub(crate) values: Vec<(u8, String)>,
    /// Those with calls, in order.
    pub(crate) minutes: Vec<Calls>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calls {
    /// Of the hour.
    pub(crate) minute: u8,
    pub(crate) calls: u32,
    /// Places in `values`, and how many calls had them.
    pub(crate) of: Vec<(u8, u32)>,
}

impl Hour {
    pub(crate) fn add(&mut self, sample: &Sample) {
        let minute = (sample.minute % 60) as u8;
        let at = match self.minutes.binary_search_by_key(&minute, |calls| calls.minute) {
            Ok(at) => at,
            Err(at) => {
                self.minutes.insert(at, Calls { minute, ..Calls::default() });
                at
            }
        };
        let places: Vec<u8> =
            (0u8..).zip(&sample.values).filter_map(|(n, value)| self.place(n, value)).collect();
        let calls = &mut self.minutes[at];
        calls.calls = calls.calls.saturating_add(1);
        for place in places {
            match calls.of.iter_mut().find(|(known, _)| *known == place) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => calls.of.push((place, 1)),
            }
        }
    }

    fn place(&mut self, attribute: u8, value: &str) -> Option<u8> {
        let known = self.values.iter().position(|(one, other)| *one == attribute && other == value);
        if known.is_none() && self.values.len() < VALUES_MAX {
            self.values.push((attribute, value.to_owned()));
            return u8::try_from(self.values.len() - 1).ok();
        }
        known.and_then(|at| u8::try_from(at).ok())
    }
}

/// Rows with the numbers of their hours.
pub(crate) type Rows = [(u64, Hour)];

/// The minutes of rows within `from..to` that have calls.
pub(crate) fn minutes(
    rows: &Rows,
    from: Minute,
    to: Minute,
) -> impl Iterator<Item = (Minute, &Hour, &Calls)> {
    rows.iter()
        .flat_map(|(hour, row)| {
            row.minutes.iter().map(move |calls| (hour * 60 + u64::from(calls.minute), row, calls))
        })
        .filter(move |(minute, ..)| (from..to).contains(minute))
}

/// The most frequent values of each attribute within `from..to`, with their averages by minute.
pub(crate) fn top(rows: &Rows, from: Minute, to: Minute) -> [Vec<(String, f64)>; 3] {
    /// AWS names up to five.
    const NAMED_MAX: usize = 5;
    let mut sums: std::collections::BTreeMap<(u8, &str), u64> = Default::default();
    for (_, row, calls) in minutes(rows, from, to) {
        for (place, count) in &calls.of {
            if let Some((attribute, value)) = row.values.get(usize::from(*place)) {
                *sums.entry((*attribute, value)).or_default() += u64::from(*count);
            }
        }
    }
    let mut all: [Vec<(String, f64)>; 3] = Default::default();
    let minutes = to.saturating_sub(from).max(1) as f64;
    for ((attribute, value), sum) in sums {
        if let Some(list) = all.get_mut(usize::from(attribute)) {
            list.push((value.to_owned(), sum as f64 / minutes));
        }
    }
    for list in &mut all {
        list.sort_by(|one, other| other.1.total_cmp(&one.1));
        list.truncate(NAMED_MAX);
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_counts_for_what() {
        let event = |read_only: bool, code: Option<&str>| {
            json!({
                "eventSource": "iam.amazonaws.com", "eventName": "PutX", "readOnly": read_only, "errorCode": code,
                "eventTime": "2026-01-01T00:01:59Z", "userIdentity": { "arn": "arn:a" }, "userAgent": "cli",
            })
        };
        let series = |event: &Value, management| {
            samples(event, management)
                .map_or(Vec::new(), |(all, _)| all.into_iter().map(|one| one.0).collect())
        };
        let (rate, errors) = ("iam.amazonaws.com PutX", "iam.amazonaws.com PutX Access Denied");
        for (read_only, code, management, expected) in [
            (false, None, true, vec![rate]),
            (true, None, true, vec![]),
            (true, None, false, vec![rate]),
            (true, Some("Access Denied"), true, vec![errors]),
            (false, Some("Access Denied"), true, vec![rate, errors]),
        ] {
            assert_eq!(
                series(&event(read_only, code), management),
                expected,
                "{read_only} {code:?} {management}"
            );
        }
        let (_, sample) = samples(&event(false, None), true).unwrap();
        assert_eq!(sample.values, ["arn:a", "cli", "null"]);
        assert_eq!(sample.minute % 60, 1);
        assert_eq!(Series(errors.into()).parts(), ("iam.amazonaws.com", "PutX", Some("Access Denied")));
    }

    #[test]
    fn an_hour_is_bounded_and_loses_no_call() {
        let mut hour = Hour::default();
        for n in 0..500u64 {
            let values = [format!("arn:{n}"), "cli".to_owned(), "null".to_owned()];
            hour.add(&Sample { minute: 60 + n % 60, values });
        }
        assert!(hour.values.len() <= VALUES_MAX);
        assert_eq!(minutes(&[(1, hour.clone())], 0, 200).map(|(.., calls)| calls.calls).sum::<u32>(), 500);
        assert!(minutes(&[(1, hour.clone())], 61, 62).all(|(minute, ..)| minute == 61));
        let [identities, agents, _] = top(&[(1, hour)], 60, 120);
        assert_eq!((identities.len(), agents.len()), (5, 1));
        assert_eq!(agents[0], ("cli".to_owned(), 500.0 / 60.0));
    }
}
