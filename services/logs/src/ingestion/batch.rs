use haneul_kit::ApiError;
use haneul_logs_wire::shapes::InputLogEvent;

use crate::error;
use crate::events::OVERHEAD;
use crate::ops::put_events::BATCH_BYTES_MAX;

/// Of one request, as of one batch.
const EVENTS_MAX: usize = 10_000;

/// The events of a body, counted while they are read: a small body can have millions of them, or repeat a long part in each.
#[derive(Default)]
pub(super) struct Batch {
    events: Vec<InputLogEvent>,
    bytes: usize,
}

/// Why a body is not taken.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    NotJson,
    NotProtobuf,
    TooMany,
    TooLong,
}

pub(super) type Read<T> = Result<T, Refused>;

impl Batch {
    /// Makes sure that there is room for one more message of that length.
    pub(super) fn room(&self, length: usize) -> Read<()> {
        if self.events.len() >= EVENTS_MAX {
            return Err(Refused::TooMany);
        }
        match self.bytes + length + OVERHEAD > BATCH_BYTES_MAX {
            true => Err(Refused::TooLong),
            false => Ok(()),
        }
    }

    /// Makes sure that one part is no longer than a whole batch.
    pub(super) fn takes(length: usize) -> Read<()> {
        if length > BATCH_BYTES_MAX { Err(Refused::TooLong) } else { Ok(()) }
    }

    pub(super) fn push(&mut self, event: InputLogEvent) -> Read<()> {
        self.room(event.message.len())?;
        self.bytes += event.message.len() + OVERHEAD;
        self.events.push(event);
        Ok(())
    }

    pub(super) fn events(self) -> Vec<InputLogEvent> {
        self.events
    }
}

impl From<serde_json::Error> for Refused {
    fn from(_: serde_json::Error) -> Refused {
        Refused::NotJson
    }
}

impl From<haneul_otlp::DecodeError> for Refused {
    fn from(_: haneul_otlp::DecodeError) -> Refused {
        Refused::NotProtobuf
    }
}

impl From<Refused> for ApiError {
    fn from(why: Refused) -> ApiError {
        error::invalid(match why {
            Refused::NotJson => "The body is not valid JSON.".to_owned(),
            Refused::NotProtobuf => "The body is not valid Protobuf.".to_owned(),
            Refused::TooMany => format!("A request can have no more than {EVENTS_MAX} events."),
            Refused::TooLong => {
                format!("Upload too large: the events exceed the limit of {BATCH_BYTES_MAX} bytes")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{formats, otlp};
    use super::*;

    /// Nothing is built beyond what one batch takes, however many more there are.
    #[test]
    fn what_is_beyond_a_batch_is_not_read() {
        let many = |one: &str, count: usize| vec![one; count].join(",");
        let otlp = |resource: &str, records: &str| {
            format!(
                r#"{{"resourceLogs":[{{"resource":{{"a":"{resource}"}},"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#
            )
        };
        let long = "x".repeat(600_000);
        let small = |count| many(r#"{"event":1}"#, count);
        type Reads = fn(&str, i64) -> Read<Vec<InputLogEvent>>;
        let (json, lines, collector): (Reads, Reads, Reads) =
            (formats::json, formats::lines, formats::collector);
        for (read, body, found) in [
            (json, format!("[{}]", small(10_000)), Ok(10_000)),
            (json, format!("[{}]", small(400_000)), Err(Refused::TooMany)),
            (json, format!(r#"[{{"a":"{long}"}},{{"a":"{long}"}}]"#), Err(Refused::TooLong)),
            (lines, format!("[{}]", small(10_000)), Ok(10_000)),
            (lines, format!("[{}]", small(400_000)), Err(Refused::TooMany)),
            (lines, "7\n".repeat(400_000), Err(Refused::TooMany)),
            (lines, format!("\"{long}\"\n\"{long}\"\n"), Err(Refused::TooLong)),
            (collector, small(10_000).replace(',', " "), Ok(10_000)),
            (collector, format!("[{}]", small(400_000)), Err(Refused::TooMany)),
            (otlp::records, otlp("", &many("{}", 10_000)), Ok(10_000)),
            (otlp::records, otlp("", &many("{}", 400_000)), Err(Refused::TooMany)),
            (otlp::records, otlp(&long, &many("{}", 400_000)), Err(Refused::TooLong)),
            (otlp::records, otlp(&long.repeat(8), &many("{}", 1_000_000)), Err(Refused::TooLong)),
        ] {
            assert_eq!(read(&body, 0).map(|events| events.len()), found, "{}", &body[..100]);
        }
    }
}
