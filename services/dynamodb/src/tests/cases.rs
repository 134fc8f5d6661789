//! What the API answers, as data: the files of `cases/` are lists of requests, each with its answer or its error, in the
//! order in which they are made against tables of their own.
//!
//! ```text
//! # a comment
//! PutItem {"TableName": "hash", "Item": {"p": {"S": "a"}}}
//! = {}
//! GetItem {"TableName": "hash", "Key": {}}
//! ! ValidationException: The provided key element does not match the schema
//! ```
//!
//! `= *` takes any answer, `= {…}` the whole of it, `~ {…}` what must be in it. `{"@repeat": "x", "times": 3}` in a request
//! stands for `"xxx"`, and with `"deep": 3` for that many lists within one another.

use serde_json::{Value, json};

use super::world::World;

#[derive(Debug)]
enum Expected {
    Any,
    Whole(Value),
    Part(Value),
    Error(String),
}

struct Case {
    line: usize,
    operation: String,
    input: Value,
    expected: Expected,
}

fn read(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    while let Some((at, request)) = lines.next() {
        let (line, (_, answer)) = (at + 1, lines.next().unwrap_or_else(|| panic!("line {at}: no answer")));
        let json = |text: &str| -> Value {
            serde_json::from_str(text).unwrap_or_else(|error| panic!("line {line}: {error}: {text}"))
        };
        let (operation, input) = request.split_once(' ').unwrap_or_else(|| panic!("line {line}: {request}"));
        let expected = match answer.split_at(2) {
            ("= ", "*") => Expected::Any,
            ("= ", whole) => Expected::Whole(json(whole)),
            ("~ ", part) => Expected::Part(json(part)),
            ("! ", error) => Expected::Error(error.to_owned()),
            _ => panic!("line {line}: {answer}"),
        };
        cases.push(Case { line, operation: operation.to_owned(), input: expanded(json(input)), expected });
    }
    cases
}

fn expanded(value: Value) -> Value {
    match value {
        Value::Object(map) => match (map.get("@repeat"), map.get("times"), map.get("deep")) {
            (Some(Value::String(text)), Some(times), _) => {
                json!(text.repeat(times.as_u64().unwrap() as usize))
            }
            (_, _, Some(levels)) if map.contains_key("@repeat") => {
                (0..levels.as_u64().unwrap()).fold(json!({"N": "1"}), |inner, _| json!({"L": [inner]}))
            }
            (Some(Value::Array(pair)), Some(times), _) => {
                let numbered = |i: u64| -> Value {
                    serde_json::from_str(&pair[0].to_string().replace("%d", &i.to_string())).unwrap()
                };
                (0..times.as_u64().unwrap()).map(numbered).collect()
            }
            _ => map.into_iter().map(|(key, value)| (key, expanded(value))).collect(),
        },
        Value::Array(list) => list.into_iter().map(expanded).collect(),
        other => other,
    }
}

/// Whether all that `part` says is in `whole`.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| contains(whole.get(key).unwrap_or(&Value::Null), part))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        (Value::Number(whole), Value::Number(part)) => whole.as_f64() == part.as_f64(),
        (whole, part) => whole == part,
    }
}

/// How many cases a file has, and what went wrong with them.
async fn run(name: &str, wrong: &mut Vec<String>) -> usize {
    let path = format!("{}/src/tests/cases/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (world, cases) = (World::new().await, read(&text));
    for case in &cases {
        let got = world.call(&case.operation, case.input.clone()).await;
        let fits = match (&case.expected, &got) {
            (Expected::Any, Ok(_)) => true,
            (Expected::Whole(whole), Ok(answer)) => contains(answer, whole) && contains(whole, answer),
            (Expected::Part(part), Ok(answer)) => contains(answer, part),
            (Expected::Error(expected), Err((error, _))) => expected == error,
            _ => false,
        };
        if !fits {
            let got = match got {
                Ok(answer) => answer.to_string(),
                Err((error, _)) => error,
            };
            let (line, operation, expected) = (case.line, &case.operation, &case.expected);
            wrong.push(format!("{name}:{line} {operation}\n  expected {expected:?}\n  got      {got}"));
        }
        world.settle().await;
    }
    cases.len()
}

const FILES: [&str; 11] = [
    "values",
    "items",
    "updates",
    "legacy",
    "queries",
    "scans",
    "batches",
    "transactions",
    "tables",
    "indexes",
    "words",
];

#[tokio::test]
async fn cases() {
    let (mut total, mut wrong) = (0, Vec::new());
    for name in FILES {
        total += run(name, &mut wrong).await;
    }
    assert!(wrong.is_empty(), "{} of {total} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(total >= 500, "{total} cases");
}
