use super::Family;
use super::walk::{Rule, Step, Violation};
use crate::error::WireError;
use crate::model::{Location, Model};
use crate::protocol::Protocol;

/// The error for at least one violation.
pub(crate) fn refusal(model: &Model, protocol: Protocol, violations: &[Violation<'_>]) -> WireError {
    let code = model.family.validation_code(model.service.name);
    let first = &violations[0];
    match model.family {
        Family::Sqs | Family::Ec2 => {
            let parameter = query_path(protocol, &first.path);
            let end = if model.family == Family::Sqs { "." } else { "" };
            WireError::sender(code, format!("The request must contain the parameter {parameter}{end}"))
        }
        Family::S3 => s3(first),
        Family::Query if model.service.name == "iam" => {
            WireError::sender(code, iam(first).unwrap_or_else(|| coral(violations)))
        }
        _ if model.service.name == "dynamodb" => {
            WireError::sender(code, dynamodb(first).unwrap_or_else(|| coral(violations)))
        }
        _ if model.service.name == "organizations" => {
            let (reason, message) = organizations(first);
            WireError::sender(code, message).with_field("Reason", reason)
        }
        _ => WireError::sender(code, coral(violations)),
    }
}

/// The reason and the sentence of InvalidInputException. Source: Organizations API Reference, "InvalidInputException".
fn organizations(violation: &Violation<'_>) -> (&'static str, &'static str) {
    let of = |name: &str| matches!(violation.path.last(), Some(Step::Member(member)) if member.name == name);
    match &violation.rule {
        Rule::Required | Rule::UnionUnset => {
            ("INPUT_REQUIRED", "You must include a value for all required parameters.")
        }
        Rule::LengthMin(_) => {
            ("MIN_LENGTH_EXCEEDED", "You provided a string parameter that is shorter than allowed.")
        }
        Rule::LengthMax(_) => {
            ("MAX_LENGTH_EXCEEDED", "You provided a string parameter that is longer than allowed.")
        }
        Rule::ValueMin(_) => {
            ("MIN_VALUE_EXCEEDED", "You provided a numeric parameter that has a smaller value than allowed.")
        }
        Rule::ValueMax(_) => {
            ("MAX_VALUE_EXCEEDED", "You provided a numeric parameter that has a larger value than allowed.")
        }
        Rule::Pattern(_) if of("TargetId") => (
            "INVALID_PATTERN_TARGET_ID",
            "You specified a policy target ID that doesn't match the required pattern.",
        ),
        Rule::Pattern(_) => {
            ("INVALID_PATTERN", "You provided a value that does not match the required pattern.")
        }
        Rule::Enum(_) if of("PolicyType") => {
            ("INVALID_ENUM_POLICY_TYPE", "You specified an invalid policy type.")
        }
        Rule::Enum(_) => ("INVALID_ENUM", "You specified an invalid value."),
        Rule::Elements(_) | Rule::Keys(_) | Rule::Values(_) => (
            "INVALID_LIST_MEMBER",
            "You provided a list to a parameter that contains at least one invalid value.",
        ),
    }
}

/// DynamoDB words tags and table classes in its own way, and all else as others do.
fn dynamodb(violation: &Violation<'_>) -> Option<String> {
    let members: Vec<&str> = violation
        .path
        .iter()
        .filter_map(|step| match step {
            Step::Member(member) => Some(member.name),
            _ => None,
        })
        .collect();
    let shown = violation.value.as_deref().unwrap_or("null");
    match (members.as_slice(), &violation.rule) {
        (["Tags", "Key"], _) => Some(format!("The Tag Key provided is invalid, Key: {shown}")),
        (["Tags", "Value"], _) => Some(format!("The Tag Value provided is invalid, Value: {shown}")),
        (["TagKeys"], Rule::Elements(_)) => {
            let keys = shown.trim_start_matches('[').trim_end_matches(']');
            let long = |key: &&str| key.is_empty() || key.encode_utf16().count() > 128;
            let key = keys.split(", ").find(long).unwrap_or(keys);
            Some(format!("The Tag Key provided is invalid, Key: {key}"))
        }
        (["TableClass"], Rule::Enum(values)) => Some(format!(
            "Invalid table-class parameter provided. Please try again with a valid table-class value: [{}].",
            values.join(", ")
        )),
        _ => None,
    }
}

/// IAM words a name or path with characters that it may not have in its own way, and all else as others do.
fn iam(violation: &Violation<'_>) -> Option<String> {
    let named = match violation.path.last() {
        Some(Step::Member(member)) => member.name,
        _ => "",
    };
    if named == "AccountAlias" && !matches!(violation.rule, Rule::Required) {
        return Some(
            "The specified value for accountAlias is invalid. It must be a minimum length of 3 characters and maximum length of \
             63 characters, contain only digits, lowercase letters, and hyphens (-), but cannot begin or end with a hyphen."
                .to_owned(),
        );
    }
    let Rule::Pattern(pattern) = &violation.rule else { return None };
    let allowed = match *pattern {
        _ if named == "PathPrefix" => {
            "It must begin with the / character and contain only alphanumeric characters and/or / characters."
        }
        r"((/[A-Za-z0-9\.,\+@=_-]+)*)/" => {
            "It must begin and end with / and contain only alphanumeric characters and/or / characters."
        }
        r"[\w+=,.@-]+" => "It must contain only alphanumeric characters and/or the following: +=,.@_-",
        r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)" => {
            "It must begin and end with / and contain only alphanumeric characters and/or / characters."
        }
        _ => return None,
    };
    Some(format!("The specified value for {} is invalid. {allowed}", coral_path(&violation.path)))
}

fn coral(violations: &[Violation<'_>]) -> String {
    let plural = if violations.len() == 1 { "" } else { "s" };
    let mut out = format!("{} validation error{plural} detected: ", violations.len());
    for (i, violation) in violations.iter().enumerate() {
        if i > 0 {
            out.push_str("; ");
        }
        match (&violation.value, &violation.rule) {
            (_, Rule::Required) => out.push_str("Value null"),
            (Some(value), _) => out.push_str(&format!("Value '{value}'")),
            (None, _) => out.push_str("Value"),
        }
        out.push_str(&format!(
            " at '{}' failed to satisfy constraint: {}",
            coral_path(&violation.path),
            rule(&violation.rule)
        ));
    }
    out
}

fn rule(rule: &Rule<'_>) -> String {
    match rule {
        Rule::Required => "Member must not be null".into(),
        Rule::LengthMin(min) => format!("Member must have length greater than or equal to {}", min.text),
        Rule::LengthMax(max) => format!("Member must have length less than or equal to {}", max.text),
        Rule::ValueMin(min) => format!("Member must have value greater than or equal to {}", min.text),
        Rule::ValueMax(max) => format!("Member must have value less than or equal to {}", max.text),
        Rule::Pattern(pattern) => format!("Member must satisfy regular expression pattern: {pattern}"),
        Rule::Enum(values) => format!("Member must satisfy enum value set: [{}]", values.join(", ")),
        Rule::Elements(rules) => format!("Member must satisfy constraint: [{}]", all(rules)),
        Rule::Keys(rules) => format!("Map keys must satisfy constraint: [{}]", all(rules)),
        Rule::Values(rules) => format!("Map value must satisfy constraint: [{}]", all(rules)),
        Rule::UnionUnset => "Member must have exactly one value set".into(),
    }
}

fn all(rules: &[Rule<'_>]) -> String {
    rules.iter().map(rule).collect::<Vec<_>>().join(", ")
}

/// `keySchema.1.member.attributeName`
fn coral_path(path: &[Step<'_>]) -> String {
    let steps: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Member(member) => lower_camel(member.name),
            Step::Index(i) => format!("{}.member", i + 1),
            Step::Key(key) => format!("{key}.member"),
        })
        .collect();
    steps.join(".")
}

/// `SendMessageBatchRequestEntry.1.Id`
fn query_path(protocol: Protocol, path: &[Step<'_>]) -> String {
    let steps: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Member(member) if protocol == Protocol::AwsJson => member.wire_name.to_owned(),
            Step::Member(member) if protocol == Protocol::Ec2Query => {
                let name = member.query_name();
                name[..1].to_ascii_uppercase() + &name[1..]
            }
            Step::Member(member) => member.query_name().to_owned(),
            Step::Index(i) => (i + 1).to_string(),
            Step::Key(key) => (*key).to_owned(),
        })
        .collect();
    steps.join(".")
}

fn s3(violation: &Violation<'_>) -> WireError {
    match violation.path.first() {
        Some(Step::Member(member)) if violation.path.len() == 1 && member.location == Location::Header => {
            WireError::sender(
                "InvalidRequest",
                format!("Missing required header for this request: {}", member.wire_name),
            )
        }
        Some(Step::Member(member)) if violation.path.len() == 1 && member.location == Location::Query => {
            WireError::sender("InvalidArgument", format!("Missing required parameter: {}", member.wire_name))
                .with_field("ArgumentName", member.wire_name)
        }
        Some(Step::Member(_)) if violation.path.len() == 1 => {
            WireError::sender("MissingRequestBodyError", "Request Body is empty")
        }
        _ => WireError::sender(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
    }
}

pub(crate) fn lower_camel(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect()
}
