use std::collections::BTreeSet;

use serde_json::Value;

/// What a function that reports batch item failures said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reported {
    AllWell,
    /// Those of these ids failed.
    Failed(BTreeSet<String>),
    /// Nothing that can be understood: all of it failed.
    All,
}

/// Reads `{"batchItemFailures": [{"itemIdentifier": "id"}]}`. Source: Developer Guide, "Success and failure conditions".
pub(super) fn read(answer: &[u8], is_known: impl Fn(&str) -> bool) -> Reported {
    if answer.is_empty() {
        return Reported::AllWell;
    }
    let Ok(said) = serde_json::from_slice::<Value>(answer) else { return Reported::All };
    let failures = match &said {
        Value::Null => return Reported::AllWell,
        Value::Object(fields) => match fields.get("batchItemFailures") {
            None | Some(Value::Null) => return Reported::AllWell,
            Some(Value::Array(failures)) => failures,
            Some(_) => return Reported::All,
        },
        // Any other answer is no report.
        Value::Array(_) => return Reported::All,
        _ => return Reported::AllWell,
    };
    let mut failed = BTreeSet::new();
    for failure in failures {
        match failure.get("itemIdentifier").and_then(Value::as_str) {
            Some(id) if !id.is_empty() && is_known(id) => drop(failed.insert(id.to_owned())),
            _ => return Reported::All,
        }
    }
    if failed.is_empty() { Reported::AllWell } else { Reported::Failed(failed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports() {
        let known = |id: &str| matches!(id, "a" | "b");
        for (answer, wanted) in [
            ("", Reported::AllWell),
            ("null", Reported::AllWell),
            ("{}", Reported::AllWell),
            (r#"{"batchItemFailures":[]}"#, Reported::AllWell),
            (r#"{"batchItemFailures":null}"#, Reported::AllWell),
            (r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#, Reported::Failed(["a".to_owned()].into())),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, Reported::All),
            (r#"{"batchItemFailures":[{"itemIdentifier":"x"}]}"#, Reported::All),
            (r#"{"batchItemFailures":[{"wrong":"a"}]}"#, Reported::All),
            ("not json", Reported::All),
        ] {
            assert_eq!(read(answer.as_bytes(), known), wanted, "{answer}");
        }
    }
}
