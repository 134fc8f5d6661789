//! The Rust side of `botocore.py`: `requests` reads botocore's requests as lines of JSON and writes what we understand;
//! `answers` writes random answers of all operations with what they mean.

use std::io::{BufRead, Write};

use haneul_roundtrip::dump::dump;
use haneul_roundtrip::fill::{Random, structure};
use haneul_roundtrip::table::OPERATIONS;
use haneul_roundtrip::vector::{protocol_name, understood};
use haneul_wire::{Payload, encode_response, model};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match std::env::args().nth(1).as_deref() {
        Some("requests") => {
            for line in std::io::stdin().lock().lines() {
                let result = match understood(&serde_json::from_str(&line?)?) {
                    Ok(input) => json!({ "ok": input }),
                    Err(error) => json!({ "error": error }),
                };
                writeln!(out, "{result}")?;
            }
        }
        Some("answers") => {
            for make in OPERATIONS {
                let model = model(make.service);
                let Some(operation) = model.operation(make.name) else { continue };
                for &protocol in &model.metadata.protocols {
                    let mut output = (make.output)();
                    structure(model, &mut Random(7), &mut *output, 0);
                    let meaning = dump(model, &*output);
                    let response = encode_response(model, operation, protocol, &mut *output, "REQ")?;
                    let (parts, Payload::Bytes(body)) = response.into_parts() else { continue };
                    let headers: Map<String, Value> = parts
                        .headers
                        .iter()
                        .map(|(name, value)| {
                            (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes())))
                        })
                        .collect();
                    let line = json!({
                        "service": make.service.name, "operation": operation.name, "protocol": protocol_name(protocol),
                        "status": parts.status.as_u16(), "headers": headers, "body": body.to_vec(), "meaning": meaning,
                    });
                    writeln!(out, "{line}")?;
                }
            }
        }
        _ => return Err("say `requests` or `answers`".into()),
    }
    Ok(())
}
