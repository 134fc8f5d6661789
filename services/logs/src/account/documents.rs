use haneul_kit::{ApiError, Result};
use haneul_logs_wire as wire;
use haneul_logs_wire::shapes as s;
use haneul_wire::{Payload, Protocol, RequestParts};
use serde_json::{Map, Value};

use crate::error;
use crate::ops::subscription_filters::BY_STREAM;
use crate::transform::Transformer;

fn bad(why: impl std::fmt::Display) -> ApiError {
    error::invalid(format!("Invalid policy document: {why}"))
}

fn members(document: &str) -> Result<Map<String, Value>> {
    match serde_json::from_str(document) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(bad("it is not an object")),
        Err(_) => Err(bad("it is not JSON")),
    }
}

/// Where a subscription policy sends events.
pub(crate) struct Forwarding {
    pub(crate) destination: String,
    pub(crate) pattern: String,
    pub(crate) role: Option<String>,
    pub(crate) distribution: String,
}

impl Forwarding {
    pub(crate) fn parse(document: &str) -> Result<Forwarding> {
        let members = members(document)?;
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(bad(format_args!("{name} is not a string"))),
        };
        const KNOWN: [&str; 4] = ["DestinationArn", "RoleArn", "FilterPattern", "Distribution"];
        if let Some(other) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(bad(format_args!("{other} is unknown")));
        }
        if text("Distribution")?.is_some_and(|given| given != BY_STREAM && given != "Random") {
            return Err(bad("Distribution is Random or ByLogStream"));
        }
        Ok(Forwarding {
            destination: text("DestinationArn")?.ok_or_else(|| bad("DestinationArn is missing"))?,
            pattern: text("FilterPattern")?.unwrap_or_default(),
            role: text("RoleArn")?,
            distribution: text("Distribution")?.unwrap_or_else(|| BY_STREAM.into()),
        })
    }
}

/// Whether a metric extraction policy lets events in the embedded format become metrics:
/// `{"EmbeddedMetricFormat":{"Status":"Disabled"}}`.
pub(crate) fn extracts(document: &str) -> Result<bool> {
    let members = members(document)?;
    let format = members.get("EmbeddedMetricFormat").and_then(Value::as_object);
    let format = format
        .filter(|_| members.len() == 1)
        .ok_or_else(|| bad("it must have EmbeddedMetricFormat, an object, and nothing else"))?;
    match format.get("Status").and_then(Value::as_str).filter(|_| format.len() == 1) {
        Some("Disabled") => Ok(false),
        Some("Enabled") => Ok(true),
        _ => Err(bad("the Status of EmbeddedMetricFormat is Enabled or Disabled")),
    }
}

/// The processors of a transformer policy: a list of what PutTransformer takes.
pub(crate) fn processors(document: &str) -> Result<Vec<s::Processor>> {
    let Ok(Value::Array(list)) = serde_json::from_str(document) else {
        return Err(bad("it is not a list of processors"));
    };
    let model = haneul_wire::model(&wire::SERVICE);
    let known = model.shape_named("Processor").map(|(id, _)| &model.structure(id).members);
    let known: Vec<&str> = known.into_iter().flatten().map(|member| member.name).collect();
    for processor in &list {
        let names = processor.as_object().ok_or_else(|| bad("a processor is not an object"))?;
        if let Some(other) = names.keys().find(|name| !known.contains(&name.as_str())) {
            let known = known.join(", ");
            return Err(bad(format_args!("{other} is no processor, there are: {known}")));
        }
    }
    let whole = serde_json::json!({ "logGroupIdentifier": "any", "transformerConfig": list });
    // As PutTransformer reads them, so that what it refuses is refused here.
    let operation = model.operation("PutTransformer").ok_or_else(|| ApiError::internal("no operation"))?;
    let headers = http::HeaderMap::new();
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers, labels: &[] };
    let (body, mut request) =
        (Payload::from(whole.to_string().into_bytes()), s::PutTransformerRequest::default());
    haneul_wire::decode_request(model, operation, Protocol::AwsJson, &parts, body, &mut request)
        .and_then(|missing| haneul_wire::validate(model, Protocol::AwsJson, &request, &missing))
        .map_err(|error| bad(error.to_string()))?;
    Transformer::check(&request.transformer_config)?;
    Ok(request.transformer_config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_documents_say() {
        assert!(!extracts(r#"{"EmbeddedMetricFormat":{"Status":"Disabled"}}"#).unwrap());
        assert!(extracts(r#"{"EmbeddedMetricFormat":{"Status":"Enabled"}}"#).unwrap());
        for document in
            ["", "[]", "{}", r#"{"EmbeddedMetricFormat":{}}"#, r#"{"EmbeddedMetricFormat":{"Status":"x"}}"#]
        {
            assert!(extracts(document).is_err(), "{document}");
        }
        let added = r#"{"addKeys":{"entries":[{"key":"a.b","value":"c","overwriteIfExists":true}]}}"#;
        let found = processors(&format!(r#"[{{"parseJSON":{{}}}},{added}]"#)).unwrap();
        let entry = &found[1].add_keys.as_ref().unwrap().entries[0];
        assert_eq!((entry.key.as_str(), entry.overwrite_if_exists), ("a.b", Some(true)));
        for document in [
            "",
            "{}",
            "[]",
            "[1]",
            r#"[{"parseJson":{}}]"#,
            r#"[{"parseJSON":1}]"#,
            &format!("[{added}]"),
            r#"[{"parseJSON":{}},{"addKeys":{"entries":[]}}]"#,
            r#"[{"parseJSON":{}},{"addKeys":{}}]"#,
            r#"[{"grok":{"match":"%{NONE}"}}]"#,
        ] {
            let refused = processors(document).err().map(|refused| refused.code().to_owned());
            assert_eq!(refused.as_deref(), Some("InvalidParameterException"), "{document}");
        }
    }
}
