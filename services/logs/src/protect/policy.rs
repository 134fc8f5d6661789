use haneul_kit::Result;
use serde_json::{Map, Value};

use super::identifiers::{ARN_PREFIX, Identifier};
use crate::error;

/// A data protection policy, compiled.
pub(crate) struct Policy {
    pub(crate) identifiers: Vec<Identifier>,
    /// The log group that findings are written to.
    pub(crate) findings_group: Option<String>,
}

/// Source: CloudWatch Logs API Reference, PutDataProtectionPolicy; User Guide, "Custom data identifiers".
const DOCUMENT_MAX: usize = 30_720;
const CUSTOM_MAX: usize = 10;
const CUSTOM_NAME_MAX: usize = 128;
const CUSTOM_REGEX_MAX: usize = 200;
const IDENTIFIERS_MAX: usize = 200;
/// Where AWS lets findings be written to.
const FINDINGS_PREFIX: &str = "/aws/vendedlogs/";

impl Policy {
    /// # Errors
    /// AWS's InvalidParameterException for a document that is not of the form.
    pub(crate) fn parse(document: &str) -> Result<Policy> {
        let bad = |why: &str| error::invalid(format!("Invalid data protection policy: {why}"));
        if document.chars().count() > DOCUMENT_MAX {
            return Err(bad("it can be up to 30,720 characters long"));
        }
        let root: Value = serde_json::from_str(document).map_err(|_| bad("it is not JSON"))?;
        let root = root.as_object().ok_or_else(|| bad("it is not an object"))?;
        const KNOWN: [&str; 5] = ["Name", "Description", "Version", "Configuration", "Statement"];
        known(root, &KNOWN).map_err(|name| bad(&format!("{name} is unknown")))?;
        if root.get("Version").is_some_and(|version| version != "2021-06-01") {
            return Err(bad("the Version must be 2021-06-01"));
        }
        let custom = custom(root.get("Configuration"))?;
        let statements = root.get("Statement").and_then(Value::as_array);
        let statements = statements.ok_or_else(|| bad("it has no Statement"))?;
        let (mut audit, mut deidentify) = (None, None);
        for statement in statements {
            let statement = statement.as_object().ok_or_else(|| bad("a statement is not an object"))?;
            known(statement, &["Sid", "DataIdentifier", "Operation"])
                .map_err(|name| bad(&format!("{name} is unknown in a statement")))?;
            let list = statement.get("DataIdentifier").and_then(Value::as_array);
            let list =
                list.filter(|list| !list.is_empty()).ok_or_else(|| bad("DataIdentifier is missing"))?;
            let operation = statement.get("Operation").and_then(Value::as_object);
            let operation = operation.ok_or_else(|| bad("Operation is missing"))?;
            let place = match (operation.get("Audit"), operation.get("Deidentify")) {
                (Some(what), None) => (&mut audit, what),
                (None, Some(what)) => (&mut deidentify, what),
                _ => return Err(bad("an Operation is either Audit or Deidentify")),
            };
            if place.0.replace((list, place.1)).is_some() {
                return Err(bad("it has one statement with Audit and one with Deidentify"));
            }
        }
        let Some((audited, audit)) = audit else { return Err(bad("a statement with Audit is missing")) };
        let Some((masked, deidentify)) = deidentify else {
            return Err(bad("a statement with Deidentify is missing"));
        };
        let sorted = |list: &[Value]| {
            let mut names: Vec<String> = list.iter().map(Value::to_string).collect();
            names.sort();
            names
        };
        if sorted(audited) != sorted(masked) {
            return Err(bad("the DataIdentifier of both statements must be the same"));
        }
        if deidentify.get("MaskConfig").and_then(Value::as_object).is_none_or(|mask| !mask.is_empty()) {
            return Err(bad("Deidentify must have an empty MaskConfig"));
        }
        if audited.len() > IDENTIFIERS_MAX {
            return Err(bad("it has too many data identifiers"));
        }
        let identifier = |value: &Value| {
            let name = value.as_str().ok_or_else(|| bad("a DataIdentifier is not a string"))?;
            if let Some(found) = custom.iter().find(|one| *one.name == *name) {
                return Ok(found.clone());
            }
            let short = name.strip_prefix(ARN_PREFIX).unwrap_or(name);
            Identifier::managed(short).ok_or_else(|| {
                bad(&format!(
                    "the data identifier {name} is unknown, or its definition is not offered by Haneul"
                ))
            })
        };
        Ok(Policy {
            identifiers: audited.iter().map(identifier).collect::<Result<_>>()?,
            findings_group: findings(audit)?,
        })
    }
}

fn known(object: &Map<String, Value>, names: &[&str]) -> std::result::Result<(), String> {
    match object.keys().find(|name| !names.contains(&name.as_str())) {
        Some(other) => Err(other.clone()),
        None => Ok(()),
    }
}

fn custom(configuration: Option<&Value>) -> Result<Vec<Identifier>> {
    let bad = |why: &str| error::invalid(format!("Invalid data protection policy: {why}"));
    let Some(list) = configuration.and_then(|value| value.get("CustomDataIdentifier")) else {
        return Ok(Vec::new());
    };
    let list = list.as_array().filter(|list| list.len() <= CUSTOM_MAX);
    let list = list.ok_or_else(|| bad("it can have up to 10 custom data identifiers"))?;
    let one = |value: &Value| {
        let text = |name: &str, max: usize| {
            let text = value.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty() && text.len() <= max)
                .ok_or_else(|| bad(&format!("the {name} of a custom data identifier is not valid")))
        };
        let (name, regex) = (text("Name", CUSTOM_NAME_MAX)?, text("Regex", CUSTOM_REGEX_MAX)?);
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return Err(bad("the Name of a custom data identifier has letters, digits, _ and - only"));
        }
        Identifier::custom(name, regex)
            .ok_or_else(|| bad(&format!("the Regex of the custom data identifier {name} is not valid")))
    };
    list.iter().map(one).collect()
}

/// Where findings go: a log group, or nowhere.
fn findings(audit: &Value) -> Result<Option<String>> {
    let bad = |why: &str| error::invalid(format!("Invalid data protection policy: {why}"));
    let destination = audit.get("FindingsDestination").and_then(Value::as_object);
    let destination = destination.ok_or_else(|| bad("Audit must have a FindingsDestination"))?;
    let mut group = None;
    for (kind, value) in destination {
        match kind.as_str() {
            "CloudWatchLogs" => {
                let name = value.get("LogGroup").and_then(Value::as_str).unwrap_or_default();
                if !name.starts_with(FINDINGS_PREFIX) {
                    return Err(bad("a log group for findings must begin with /aws/vendedlogs/"));
                }
                group = Some(name.to_owned());
            }
            "Firehose" | "S3" => {
                return Err(error::not_offered(&format!("{kind} as a destination of findings")));
            }
            _ => return Err(bad(&format!("{kind} is no destination of findings"))),
        }
    }
    Ok(group)
}
