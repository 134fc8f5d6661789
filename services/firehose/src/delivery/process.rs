use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use haneul_kit::{Arn, Result};
use serde_json::Value;

use super::{Item, Reject};
use crate::error::{invalid, not_offered};

/// What a record may unpack to. Source: Developer Guide, "Decompression": 6 MB.
const UNPACKED_MAX: u64 = 6 * 1024 * 1024;

/// A step that needs nothing but the record.
pub(super) enum Step {
    Decompress,
    /// The events of a subscription of CloudWatch Logs, or their messages alone.
    Logs {
        messages: bool,
    },
    Append(Vec<u8>),
}

/// What a processor is here.
pub(super) enum Processor<'d> {
    Step(Step),
    Function { arn: &'d str, retries: u32, batch_bytes: usize },
}

pub(super) fn parameter<'d>(parameters: &'d [(String, String)], name: &str) -> Option<&'d str> {
    parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// Checks a processor.
///
/// # Errors
/// InvalidArgumentException, also for kinds that Haneul does not have.
pub(crate) fn check(kind: &str, parameters: &[(String, String)]) -> Result<()> {
    read(kind, parameters).map(drop)
}

pub(super) fn read<'d>(kind: &str, parameters: &'d [(String, String)]) -> Result<Processor<'d>> {
    let of = |name: &'static str| parameter(parameters, name);
    let number = |name: &'static str, default: f64, most: f64| match of(name) {
        None => Ok(default),
        Some(text) => match text.parse::<f64>() {
            Ok(number) if (0.0..=most).contains(&number) => Ok(number),
            _ => Err(invalid(format!("Invalid value {text} for the processor parameter {name}."))),
        },
    };
    match kind {
        "Lambda" => {
            let arn =
                of("LambdaArn").ok_or_else(|| invalid("LambdaArn is a required processor parameter."))?;
            let is_function = Arn::parse(arn).is_ok_and(|arn| arn.service() == "lambda");
            if !is_function {
                return Err(invalid(format!("Lambda ARN {arn} is not valid.")));
            }
            let retries = number("NumberOfRetries", 3.0, 300.0)? as u32;
            let megabytes = number("BufferSizeInMBs", 1.0, 3.0)?.max(0.2);
            number("BufferIntervalInSeconds", 60.0, 900.0)?;
            Ok(Processor::Function { arn, retries, batch_bytes: (megabytes * 1024.0 * 1024.0) as usize })
        }
        "AppendDelimiterToRecord" => {
            let delimiter = of("Delimiter").unwrap_or("\\n").replace("\\n", "\n").replace("\\t", "\t");
            Ok(Processor::Step(Step::Append(delimiter.into_bytes())))
        }
        "Decompression" => match of("CompressionFormat").unwrap_or("GZIP") {
            "GZIP" => Ok(Processor::Step(Step::Decompress)),
            other => {
                Err(invalid(format!("Invalid value {other} for the processor parameter CompressionFormat.")))
            }
        },
        "CloudWatchLogProcessing" => {
            Ok(Processor::Step(Step::Logs { messages: of("DataMessageExtraction") == Some("true") }))
        }
        other => Err(not_offered(&format!("The processor {other}"))),
    }
}

impl Step {
    /// Sends records through it; those that it cannot change are rejected.
    pub(super) fn apply(&self, items: Vec<Item>, rejects: &mut Vec<Reject>) -> Vec<Item> {
        let mut out = Vec::with_capacity(items.len());
        for mut item in items {
            match self.one(&item.data) {
                Ok(Some(data)) => {
                    item.data = data;
                    out.push(item);
                }
                Ok(None) => {}
                Err((code, message)) => {
                    rejects.push(Reject { item, code, message, attempts: 1, function: None });
                }
            }
        }
        out
    }

    /// `None` for a record that is left out.
    fn one(&self, data: &Bytes) -> std::result::Result<Option<Bytes>, (&'static str, String)> {
        match self {
            Step::Append(delimiter) => Ok(Some([data, &delimiter[..]].concat().into())),
            Step::Decompress => {
                let mut unpacked = Vec::new();
                let read = MultiGzDecoder::new(&data[..]).take(UNPACKED_MAX + 1).read_to_end(&mut unpacked);
                match read {
                    Ok(_) if unpacked.len() as u64 <= UNPACKED_MAX => Ok(Some(unpacked.into())),
                    _ => Err(("Decompression.Failed", "The record could not be decompressed.".into())),
                }
            }
            Step::Logs { messages } => {
                let wrong = || ("LogProcessing.Failed", "The record is not from CloudWatch Logs.".to_owned());
                let record: Value = serde_json::from_slice(data).map_err(|_| wrong())?;
                match record["messageType"].as_str() {
                    Some("CONTROL_MESSAGE") => return Ok(None),
                    Some("DATA_MESSAGE") => {}
                    _ => return Err(wrong()),
                }
                if !messages {
                    return Ok(Some(data.clone()));
                }
                let events = record["logEvents"].as_array().ok_or_else(wrong)?;
                let lines: Vec<&str> = events.iter().filter_map(|event| event["message"].as_str()).collect();
                Ok(Some(lines.join("\n").into()))
            }
        }
    }
}

/// The line of a rejected record in the object of errors.
pub(super) fn line(reject: &Reject, ended_ms: i64) -> String {
    let mut line = serde_json::json!({
        "attemptsMade": reject.attempts,
        "arrivalTimestamp": reject.item.arrived_ms,
        "errorCode": reject.code,
        "errorMessage": reject.message,
        "attemptEndingTimestamp": ended_ms,
        "rawData": STANDARD.encode(&reject.item.data),
    });
    if let Some(function) = &reject.function {
        line["lambdaArn"] = function.as_str().into();
    }
    line.to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn through(kind: &str, parameters: &[(&str, &str)], data: &[u8]) -> (Vec<Bytes>, Vec<&'static str>) {
        let parameters: Vec<_> =
            parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let Ok(Processor::Step(step)) = read(kind, &parameters) else { panic!("{kind} is no step") };
        let mut rejects = Vec::new();
        let out = step.apply(
            vec![Item { id: "1".into(), arrived_ms: 0, data: Bytes::copy_from_slice(data), origin: None }],
            &mut rejects,
        );
        (
            out.into_iter().map(|item| item.data).collect(),
            rejects.into_iter().map(|reject| reject.code).collect(),
        )
    }

    #[test]
    fn steps() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"text").unwrap();
        let packed = packed.finish().unwrap();
        let events = br#"{"messageType":"DATA_MESSAGE","logEvents":[{"message":"a"},{"message":"b"}]}"#;
        assert_eq!(through("AppendDelimiterToRecord", &[], b"x"), (vec![Bytes::from("x\n")], vec![]));
        assert_eq!(
            through("AppendDelimiterToRecord", &[("Delimiter", "\\t")], b"x"),
            (vec![Bytes::from("x\t")], vec![])
        );
        assert_eq!(
            through("Decompression", &[("CompressionFormat", "GZIP")], &packed),
            (vec![Bytes::from("text")], vec![])
        );
        assert_eq!(through("Decompression", &[], b"no gzip"), (vec![], vec!["Decompression.Failed"]));
        assert_eq!(
            through("CloudWatchLogProcessing", &[("DataMessageExtraction", "true")], events),
            (vec![Bytes::from("a\nb")], vec![])
        );
        let control = br#"{"messageType":"CONTROL_MESSAGE"}"#;
        assert_eq!(through("CloudWatchLogProcessing", &[], control), (vec![], vec![]));
        assert_eq!(through("CloudWatchLogProcessing", &[], b"x"), (vec![], vec!["LogProcessing.Failed"]));
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        bomb.write_all(&vec![0; UNPACKED_MAX as usize + 1]).unwrap();
        assert_eq!(through("Decompression", &[], &bomb.finish().unwrap()).1, ["Decompression.Failed"]);
        for (kind, parameters) in [
            ("Lambda", vec![]),
            ("Lambda", vec![("LambdaArn", "arn:aws:s3:::b")]),
            ("MetadataExtraction", vec![]),
            ("Decompression", vec![("CompressionFormat", "ZSTD")]),
            (
                "Lambda",
                vec![
                    ("LambdaArn", "arn:aws:lambda:us-east-1:111111111111:function:f"),
                    ("NumberOfRetries", "-1"),
                ],
            ),
        ] {
            let parameters: Vec<_> = parameters.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
            assert!(check(kind, &parameters).is_err(), "{kind} {parameters:?}");
        }
    }
}
