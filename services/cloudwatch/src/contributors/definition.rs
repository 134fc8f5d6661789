use std::borrow::Cow;
use std::collections::HashMap;

use haneul_kit::contributors::key;
use haneul_kit::{AccountId, Region};
use serde_json::{Map, Value};

use super::field::{Event, Field};
use super::filter::Filter;

/// What a rule counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    /// Names of log groups; those that end in `*` are beginnings.
    groups: Vec<String>,
    /// What the parts of a contributor are called.
    pub(crate) labels: Vec<String>,
    keys: Vec<Field>,
    /// What is summed up; without it, occurrences are counted.
    value: Option<Field>,
    filters: Vec<Filter>,
}

/// Source: "Contributor Insights rule syntax".
const KEYS_MAX: usize = 4;
const FILTERS_MAX: usize = 4;
const DEFINITION_BYTES_MAX: usize = 8192;

type Checked<T> = Result<T, String>;

impl Definition {
    /// # Errors
    /// What is wrong, as a sentence without a period.
    pub(crate) fn parse(text: &str, account: AccountId, region: Region) -> Checked<Definition> {
        if text.len() > DEFINITION_BYTES_MAX {
            return Err(format!("it is longer than {DEFINITION_BYTES_MAX} bytes"));
        }
        let given: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let rule = given.as_object().ok_or("it is no JSON object")?;
        let known =
            ["Schema", "LogGroupNames", "LogGroupARNs", "LogFormat", "Fields", "Contribution", "AggregateOn"];
        only(rule, &known)?;
        let schema = &given["Schema"];
        if schema["Name"].as_str() != Some("CloudWatchLogRule") || schema["Version"].as_i64() != Some(1) {
            return Err(r#"Schema must be {"Name": "CloudWatchLogRule", "Version": 1}"#.into());
        }
        let groups = match (rule.get("LogGroupNames"), rule.get("LogGroupARNs")) {
            (Some(names), None) => texts(names, "LogGroupNames")?,
            (None, Some(arns)) => {
                let arns = texts(arns, "LogGroupARNs")?;
                arns.iter().map(|arn| of_arn(arn, account, region)).collect::<Checked<_>>()?
            }
            _ => return Err("either LogGroupNames or LogGroupARNs must be given".into()),
        };
        groups.iter().try_for_each(|group| check_group(group))?;
        let columns = match rule.get("LogFormat").and_then(Value::as_str) {
            Some("JSON") if rule.contains_key("Fields") => {
                return Err("Fields is for the LogFormat CLF".into());
            }
            Some("JSON") => None,
            Some("CLF") => Some(columns(rule.get("Fields"))?),
            _ => return Err("LogFormat must be JSON or CLF".into()),
        };
        let field = |name: &str| match &columns {
            None => {
                Field::json(name).ok_or_else(|| format!("{name} is no path like $.user.name or $.list[0]"))
            }
            Some(columns) => columns
                .get(name)
                .cloned()
                .or_else(|| Field::column(name))
                .ok_or_else(|| format!("{name} is neither a number of a field nor a name in Fields")),
        };
        let contribution = rule.get("Contribution").and_then(Value::as_object);
        let contribution = contribution.ok_or("Contribution must be an object")?;
        only(contribution, &["Keys", "ValueOf", "Filters"])?;
        let labels = texts(contribution.get("Keys").unwrap_or(&Value::Null), "Contribution.Keys")?;
        if labels.len() > KEYS_MAX {
            return Err(format!("Contribution.Keys has more than {KEYS_MAX} members"));
        }
        let keys = labels.iter().map(|label| field(label)).collect::<Checked<_>>()?;
        let value = match (rule.get("AggregateOn").and_then(Value::as_str), contribution.get("ValueOf")) {
            (Some("Count"), None) => None,
            (Some("Count"), Some(_)) => return Err("ValueOf is for AggregateOn Sum".into()),
            (Some("Sum"), Some(Value::String(name))) => Some(field(name)?),
            (Some("Sum"), _) => return Err("AggregateOn Sum needs a string ValueOf".into()),
            _ => return Err("AggregateOn must be Count or Sum".into()),
        };
        let filters = match contribution.get("Filters") {
            None => Vec::new(),
            Some(Value::Array(list)) if list.len() <= FILTERS_MAX => {
                list.iter().map(|filter| Filter::parse(filter, field)).collect::<Checked<_>>()?
            }
            Some(_) => {
                return Err(format!("Contribution.Filters must be an array of up to {FILTERS_MAX} filters"));
            }
        };
        Ok(Definition { groups, labels, keys, value, filters })
    }

    pub(crate) fn groups(&self) -> &[String] {
        &self.groups
    }

    pub(crate) fn watches(&self, group: &str) -> bool {
        self.groups.iter().any(|name| match name.strip_suffix('*') {
            Some(beginning) => group.starts_with(beginning),
            None => group == name,
        })
    }

    /// What contributors are ranked by.
    pub(crate) fn statistic(&self) -> &'static str {
        if self.value.is_some() { "Sum" } else { "Count" }
    }

    /// The contributor of an event and what it adds; `None` when the event does not count.
    pub(super) fn observe(&self, event: &Event<'_>) -> Option<(String, f64)> {
        if !self.filters.iter().all(|filter| filter.holds(event)) {
            return None;
        }
        let value = match &self.value {
            Some(field) => field.number(event)?,
            None => 1.0,
        };
        let parts: Vec<Cow<'_, str>> =
            self.keys.iter().map(|field| field.text(event)).collect::<Option<_>>()?;
        Some((key(&parts), value))
    }
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Checked<()> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(other) => Err(format!("{other} is not known")),
        None => Ok(()),
    }
}

/// A list of at least one text, none of them empty.
fn texts(given: &Value, name: &str) -> Checked<Vec<String>> {
    let list = given.as_array().filter(|list| !list.is_empty());
    let text = |one: &Value| one.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let texts: Option<Vec<String>> = list.and_then(|list| list.iter().map(text).collect());
    texts.ok_or_else(|| format!("{name} must be an array of strings that has at least one"))
}

/// Source: CloudWatch Logs API Reference, CreateLogGroup.
fn check_group(name: &str) -> Checked<()> {
    let plain = name.strip_suffix('*').unwrap_or(name);
    let good = |b: u8| b.is_ascii_alphanumeric() || b"_-/.#".contains(&b);
    match plain.len() <= 512 && plain.bytes().all(good) {
        true => Ok(()),
        false => Err(format!("{name} is no name of a log group; * may only stand at its end")),
    }
}

/// The name in `arn:aws:logs:Region:account:log-group:name`; no other account is linked to ours.
fn of_arn(arn: &str, account: AccountId, region: Region) -> Checked<String> {
    let wrong = || format!("{arn} is no ARN of a log group of this account and Region");
    let rest = arn.strip_prefix("arn:aws:logs:").ok_or_else(wrong)?;
    let rest =
        rest.strip_prefix(region.as_str()).and_then(|rest| rest.strip_prefix(':')).ok_or_else(wrong)?;
    let (of, resource) = rest.split_once(':').ok_or_else(wrong)?;
    if of != "*" && of != account.to_string() {
        return Err(wrong());
    }
    let name = resource.strip_prefix("log-group:").or_else(|| resource.strip_prefix("log-group/"));
    let name = name.ok_or_else(wrong)?;
    Ok(name.strip_suffix(":*").unwrap_or(name).to_owned())
}

/// Columns by their names.
fn columns(fields: Option<&Value>) -> Checked<HashMap<String, Field>> {
    let Some(fields) = fields else { return Ok(HashMap::new()) };
    let fields = fields.as_object().ok_or("Fields must be an object")?;
    let mut columns = HashMap::new();
    for (number, name) in fields {
        let field = Field::column(number).ok_or_else(|| format!("{number} is no number of a field"))?;
        let name = name.as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| format!("the name of the field {number} must be a string"))?;
        if columns.insert(name.to_owned(), field).is_some() {
            return Err(format!("two fields have the name {name}"));
        }
    }
    Ok(columns)
}
