//! Every operation, every protocol, both directions.

use haneul_roundtrip::fill::Random;
use haneul_roundtrip::table::OPERATIONS;
use haneul_roundtrip::trip;
use haneul_wire::{Protocol, model};

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What cannot arrive as it was sent, and why. This list may only shrink.
const EXEMPT: &[(&str, &str)] = &[
    // Two members of the deprecated structure have one name on the wire.
    ("s3", "GetBucketNotification"),
    ("s3", "PutBucketNotification"),
    // Told from ListBuckets by its host alone.
    ("s3", "ListDirectoryBuckets"),
];

#[test]
fn what_is_sent_arrives() {
    let cases = number("HANEUL_CASES").unwrap_or(4);
    let seed = number("HANEUL_SEED").unwrap_or(1);
    let mut failures = Vec::new();
    let mut trips = 0_u64;
    for make in OPERATIONS {
        if EXEMPT.contains(&(make.service.name, make.name)) {
            continue;
        }
        let model = model(make.service);
        let operation = model.operation(make.name).unwrap_or_else(|| panic!("no {}", make.name));
        for &protocol in &model.metadata.protocols {
            for case in 0..cases {
                let mut random = Random(seed.wrapping_add(case));
                let result = trip::request(model, operation, protocol, make, &mut random)
                    .and_then(|()| trip::response(model, operation, protocol, make, &mut random));
                trips += 2;
                if let Err(what) = result {
                    let seed = seed + case;
                    failures.push(format!(
                        "{} {} {protocol:?} (HANEUL_SEED={seed}): {what}",
                        make.service.name, make.name
                    ));
                    break;
                }
            }
        }
    }
    // A change of the tables that left most out would otherwise pass.
    assert!(OPERATIONS.len() > 2000 && trips > 4000, "only {} operations", OPERATIONS.len());
    let shown: Vec<_> = failures.iter().take(40).map(String::as_str).collect();
    assert!(failures.is_empty(), "{} of {trips} trips failed:\n{}", failures.len(), shown.join("\n"));
}

/// The presence of required members is kept in 128 bits.
#[test]
fn no_structure_is_too_large() {
    for make in OPERATIONS {
        let model = model(make.service);
        for shape in &model.shapes {
            if let haneul_wire::model::Kind::Structure(structure) = &shape.kind {
                assert!(structure.members.len() <= 128, "{} {}", make.service.name, shape.name);
            }
        }
    }
}

/// The preferred protocol comes first.
#[test]
fn protocols() {
    let of = |name: &str| {
        let make = OPERATIONS.iter().find(|make| make.service.name == name).unwrap();
        model(make.service).metadata.protocols.clone()
    };
    assert_eq!(of("sqs"), [Protocol::AwsJson, Protocol::AwsQuery]);
    assert_eq!(of("cloudwatch"), [Protocol::RpcV2Cbor, Protocol::AwsJson, Protocol::AwsQuery]);
    assert_eq!(of("ec2"), [Protocol::Ec2Query]);
}

/// Requests as botocore writes them, with what was asked of it: made by `botocore.py --vectors`.
#[test]
fn botocores_requests_are_understood() {
    let vectors = include_str!("botocore.jsonl");
    for line in vectors.lines() {
        let vector: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = format!("{} {} {}", vector["service"], vector["operation"], vector["protocol"]);
        let understood =
            haneul_roundtrip::vector::understood(&vector).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(with_texts_for_floats(&vector["meaning"]), with_texts_for_floats(&understood), "{name}");
    }
    assert!(vectors.lines().count() > 35);
}

/// A float is as its text on one side and a number on the other.
fn with_texts_for_floats(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(number) if number.is_f64() => {
            Value::String(number.as_f64().unwrap_or_default().to_string())
        }
        Value::Array(values) => values.iter().map(with_texts_for_floats).collect(),
        Value::Object(entries) => {
            entries.iter().map(|(key, value)| (key.clone(), with_texts_for_floats(value))).collect()
        }
        other => other.clone(),
    }
}
