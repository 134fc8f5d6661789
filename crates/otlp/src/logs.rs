//! `opentelemetry/proto/logs/v1/logs.proto`. Two bytes can be a whole log record, so what comes is not read at once: a request is gone
//! through with [`each`], from resource to scope to record.

use bytes::{Buf, Bytes};
use prost::DecodeError;
use prost::encoding::{self, DecodeContext};

use crate::attributes::{AnyValue, KeyValue};

/// In `ExportLogsServiceRequest`: its `ResourceLogs`.
pub const RESOURCE_LOGS: u32 = 1;
/// In `ResourceLogs`: its [`Resource`](crate::attributes::Resource), and its `ScopeLogs`.
pub const RESOURCE: u32 = 1;
pub const SCOPE_LOGS: u32 = 2;
/// In `ScopeLogs`: its [`Scope`](crate::attributes::Scope), and its [`LogRecord`]s.
pub const SCOPE: u32 = 1;
pub const LOG_RECORDS: u32 = 2;

/// The values of a field of a message, each the bytes of a message, as they are asked for. Of a field that does not repeat the last counts.
pub fn each(message: Bytes, field: u32) -> impl Iterator<Item = Result<Bytes, DecodeError>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        let next = next(&mut rest, field).transpose();
        if matches!(next, Some(Err(_))) {
            rest.clear();
        }
        next
    })
}

fn next(rest: &mut Bytes, wanted: u32) -> Result<Option<Bytes>, DecodeError> {
    while rest.has_remaining() {
        let (field, wire_type) = encoding::decode_key(rest)?;
        if field == wanted {
            let mut found = Bytes::new();
            encoding::bytes::merge(wire_type, &mut found, rest, DecodeContext::default())?;
            return Ok(Some(found));
        }
        encoding::skip_field(wire_type, field, rest, DecodeContext::default())?;
    }
    Ok(None)
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct LogRecord {
    #[prost(fixed64, tag = "1")]
    pub time_unix_nano: u64,
    /// `SeverityNumber`.
    #[prost(int32, tag = "2")]
    pub severity_number: i32,
    #[prost(string, tag = "3")]
    pub severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    pub attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "7")]
    pub dropped_attributes_count: u32,
    #[prost(fixed32, tag = "8")]
    pub flags: u32,
    #[prost(bytes = "vec", tag = "9")]
    pub trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub span_id: Vec<u8>,
    #[prost(fixed64, tag = "11")]
    pub observed_time_unix_nano: u64,
    #[prost(string, tag = "12")]
    pub event_name: String,
}

/// `ExportLogsServiceResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LogsResponse {
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// `ExportLogsPartialSuccess`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub rejected_log_records: i64,
    #[prost(string, tag = "2")]
    pub error_message: String,
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn repeated_messages_are_found_among_other_fields() {
        // Field 3 a number, field 2 twice, between them field 1 of four bytes.
        let message = Bytes::from_static(b"\x18\x07\x12\x01a\x0d0000\x12\x00");
        let found: Result<Vec<_>, _> = each(message.clone(), 2).collect();
        assert_eq!(found.unwrap(), [Bytes::from_static(b"a"), Bytes::new()]);
        assert_eq!(each(message.clone(), 9).count(), 0);
        assert_eq!(each(message.slice(..4), 2).filter(Result::is_err).count(), 1, "cut short");
        assert!(each(message, 1).next().unwrap().is_err(), "not of bytes");
        let long = Bytes::from_static(b"\x12\xff\xff\xff\xff\x0fa");
        assert_eq!(each(long, 2).map(|one| one.is_err()).collect::<Vec<_>>(), [true]);
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let mut value = AnyValue::default();
        for _ in 0..200 {
            let values = vec![value];
            let array = crate::attributes::ArrayValue { values };
            value = AnyValue { value: Some(crate::attributes::Value::Array(array)) };
        }
        let record = LogRecord { body: Some(value), ..Default::default() };
        assert!(LogRecord::decode(record.encode_to_vec().as_slice()).is_err());
    }
}
