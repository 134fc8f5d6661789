//! Selectors as clients give them and are told them. What cannot be evaluated is refused.

use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::Result;

use super::{Advanced, Basic, Field, Selectors};
use crate::error;

/// Limits of the API Reference.
const BASIC_MAX: usize = 5;
const DATA_RESOURCES_MAX: usize = 250;
const CONDITIONS_MAX: usize = 500;

/// Fields that may be asked for, with the operators that they take: `=` only Equals, `*` all.
const FIELDS: &[(&str, char)] = &[
    ("eventCategory", '='),
    ("readOnly", '='),
    ("resources.type", '='),
    ("eventSource", '*'),
    ("eventName", '*'),
    ("resources.ARN", '*'),
    ("eventType", '*'),
    ("userIdentity.arn", '*'),
    ("sessionCredentialFromConsole", '*'),
    ("errorCode", '*'),
    ("vpcEndpointId", '*'),
];

const BASIC_TYPES: &[&str] = &["AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"];

pub(crate) fn basic(all: Vec<s::EventSelector>) -> Result<Selectors> {
    if all.is_empty() || all.len() > BASIC_MAX {
        return Err(error::selectors("The number of event selectors must be between 1 and 5."));
    }
    let mut count = 0;
    let mut made = Vec::new();
    for selector in all {
        let mut data = Vec::new();
        for resource in selector.data_resources.unwrap_or_default() {
            let kind = resource.r#type.unwrap_or_default();
            let values = resource.values.unwrap_or_default();
            if !BASIC_TYPES.contains(&&*kind) {
                return Err(error::selectors(format!("Value {kind} for DataResource.Type is invalid.")));
            }
            if let Some(bad) = values.iter().find(|value| !is_basic_value(&kind, value)) {
                return Err(error::selectors(format!("Value {bad} for DataResources.Values is invalid.")));
            }
            count += values.len();
            data.push((kind, values));
        }
        let excluded = selector.exclude_management_event_sources.unwrap_or_default();
        let known = ["kms.amazonaws.com", "rdsdata.amazonaws.com"];
        if let Some(bad) = excluded.iter().find(|source| !known.contains(&source.as_str())) {
            let message = format!("Value {bad} for ExcludeManagementEventSources is invalid.");
            return Err(error::selectors(message));
        }
        made.push(Basic {
            read_write: selector.read_write_type.unwrap_or_else(|| "All".to_owned()),
            management: selector.include_management_events.unwrap_or(true),
            data,
            excluded_sources: excluded,
        });
    }
    if count > DATA_RESOURCES_MAX {
        return Err(error::selectors("The total number of data resources cannot exceed 250."));
    }
    Ok(Selectors::Basic(made))
}

fn is_basic_value(kind: &str, value: &str) -> bool {
    match kind {
        "AWS::S3::Object" => {
            matches!(value, "arn:aws:s3" | "arn:aws:s3:::")
                || value.strip_prefix("arn:aws:s3:::").is_some_and(|rest| rest.contains('/'))
        }
        "AWS::Lambda::Function" => value == "arn:aws:lambda" || value.starts_with("arn:aws:lambda:"),
        _ => value == "arn:aws:dynamodb" || value.starts_with("arn:aws:dynamodb:"),
    }
}

/// `of_store` for those of an event data store: it may take Insights events, and then nothing else.
pub(crate) fn advanced(all: Vec<s::AdvancedEventSelector>, of_store: bool) -> Result<Vec<Advanced>> {
    if all.is_empty() {
        return Err(error::selectors("At least one advanced event selector is required."));
    }
    let mut conditions = 0;
    let mut made = Vec::new();
    for selector in all {
        let mut fields: Vec<Field> = Vec::new();
        for given in selector.field_selectors {
            let Some((_, operators)) = FIELDS.iter().find(|(name, _)| *name == given.field) else {
                return Err(error::selectors(format!("Field {} is not supported.", given.field)));
            };
            let field = Field {
                field: given.field,
                equals: given.equals.unwrap_or_default(),
                starts_with: given.starts_with.unwrap_or_default(),
                ends_with: given.ends_with.unwrap_or_default(),
                not_equals: given.not_equals.unwrap_or_default(),
                not_starts_with: given.not_starts_with.unwrap_or_default(),
                not_ends_with: given.not_ends_with.unwrap_or_default(),
            };
            check(&field, *operators)?;
            if fields.iter().any(|before| before.field == field.field) {
                return Err(error::selectors(format!("Field {} is given more than once.", field.field)));
            }
            conditions += operators_of(&field).iter().map(|values| values.len()).sum::<usize>();
            fields.push(field);
        }
        let category = fields.iter().find(|field| field.field == "eventCategory");
        match category.and_then(|field| field.equals.first()).map(String::as_str) {
            Some("Management") => {
                if let Some(bad) = fields.iter().find(|field| field.field.starts_with("resources.")) {
                    let message =
                        format!("Field {} is not valid when eventCategory equals Management.", bad.field);
                    return Err(error::selectors(message));
                }
            }
            Some("Data") => {
                if !fields.iter().any(|field| field.field == "resources.type") {
                    return Err(error::selectors("resources.type is required for data events."));
                }
            }
            Some("Insight") if of_store => {
                if fields.len() > 1 {
                    let message = "No other field is valid when eventCategory equals Insight.";
                    return Err(error::selectors(message));
                }
            }
            Some(other) => {
                return Err(error::selectors(format!("eventCategory {other} is not supported.")));
            }
            None => return Err(error::selectors("eventCategory is required.")),
        }
        made.push(Advanced { name: selector.name, fields });
    }
    let of_insights = made.iter().filter(|selector| selector.is_of_insights()).count();
    if of_insights > 0 && of_insights < made.len() {
        return Err(error::selectors("Insights events cannot be selected together with others."));
    }
    if conditions > CONDITIONS_MAX {
        let message = "The total number of conditions across all advanced event selectors cannot exceed 500.";
        return Err(error::selectors(message));
    }
    Ok(made)
}

fn operators_of(field: &Field) -> [&Vec<String>; 6] {
    let Field { equals, starts_with, ends_with, not_equals, not_starts_with, not_ends_with, .. } = field;
    [equals, starts_with, ends_with, not_equals, not_starts_with, not_ends_with]
}

fn check(field: &Field, operators: char) -> Result<()> {
    let name = &field.field;
    if operators_of(field).iter().all(|values| values.is_empty()) {
        return Err(error::selectors(format!("Field {name} has no operator.")));
    }
    if operators == '=' {
        let others = &operators_of(field)[1..];
        if field.equals.len() != 1 || others.iter().any(|values| !values.is_empty()) {
            return Err(error::selectors(format!("Field {name} takes one value with the operator Equals.")));
        }
    }
    if name == "readOnly" && !matches!(&*field.equals[0], "true" | "false") {
        return Err(error::selectors("readOnly must be true or false."));
    }
    Ok(())
}

pub(crate) fn basic_shape(selector: &Basic) -> s::EventSelector {
    let data = selector
        .data
        .iter()
        .map(|(kind, values)| s::DataResource { r#type: Some(kind.clone()), values: Some(values.clone()) });
    s::EventSelector {
        read_write_type: Some(selector.read_write.clone()),
        include_management_events: Some(selector.management),
        data_resources: Some(data.collect()),
        exclude_management_event_sources: Some(selector.excluded_sources.clone()),
    }
}

pub(crate) fn advanced_shape(selector: &Advanced) -> s::AdvancedEventSelector {
    let some = |values: &Vec<String>| (!values.is_empty()).then(|| values.clone());
    let fields = selector.fields.iter().map(|field| s::AdvancedFieldSelector {
        field: field.field.clone(),
        equals: some(&field.equals),
        starts_with: some(&field.starts_with),
        ends_with: some(&field.ends_with),
        not_equals: some(&field.not_equals),
        not_starts_with: some(&field.not_starts_with),
        not_ends_with: some(&field.not_ends_with),
    });
    s::AdvancedEventSelector { name: selector.name.clone(), field_selectors: fields.collect() }
}
