//! The filters of DescribeParameters and GetParametersByPath.

use haneul_kit::Result;
use haneul_ssm_wire::shapes as s;

use crate::model::ParameterRecord;
use crate::{error, name};

const OPTIONS: &[(&str, &[&str])] = &[
    ("Name", &["Equals", "BeginsWith", "Contains"]),
    ("Type", &["Equals", "BeginsWith"]),
    ("KeyId", &["Equals", "BeginsWith"]),
    ("Path", &["Recursive", "OneLevel"]),
    ("Tier", &["Equals"]),
    ("DataType", &["Equals"]),
    ("Label", &["Equals", "BeginsWith"]),
];

/// Filters of GetParametersByPath.
const BY_PATH: &[&str] = &["Type", "KeyId", "Label"];

pub(crate) fn check(filters: &[s::ParameterStringFilter], by_path: bool) -> Result<()> {
    let mut seen = Vec::new();
    for filter in filters {
        let key = filter.key.as_str();
        if seen.contains(&key) {
            return Err(error::filter_key(
                "The following filters are duplicated in the request: ".to_owned()
                    + key
                    + ". A request can contain only one instance of a specific filter.",
            ));
        }
        seen.push(key);
        if key.starts_with("tag:") && !by_path {
            continue;
        }
        let options = OPTIONS.iter().find(|(known, _)| *known == key);
        let Some((_, options)) = options.filter(|_| !by_path || BY_PATH.contains(&key)) else {
            return Err(error::filter_key(format!(
                "The following filter key is not valid: {key}. Valid filter keys include: [{}].",
                if by_path {
                    BY_PATH.join(", ")
                } else {
                    "Path, Name, Type, KeyId, Tier, DataType, Label, tag:.+".into()
                }
            )));
        };
        let option = option(filter);
        if !options.contains(&option) {
            return Err(error::filter_option(format!(
                "The following filter option is not valid: {option}. Valid options include: [{}].",
                options.join(", ")
            )));
        }
        let known: &[&str] = match key {
            "Type" if option == "Equals" => &["String", "StringList", "SecureString"],
            "Tier" => &["Standard", "Advanced", "Intelligent-Tiering"],
            _ => &[],
        };
        let unknown = filter.values.iter().flatten().find(|value| !known.contains(&value.as_str()));
        if let Some(value) = unknown.filter(|_| !known.is_empty()) {
            return Err(error::filter_value(format!(
                "The following filter value is not valid: {value}. Valid values include: [{}].",
                known.join(", ")
            )));
        }
        if filter.values.as_ref().is_none_or(Vec::is_empty) {
            return Err(error::validation(
                "The following filter values are missing : null for filter key ".to_owned() + key,
            ));
        }
        if key == "Path" {
            filter.values.iter().flatten().try_for_each(|value| check_path(value))?;
        }
    }
    Ok(())
}

fn check_path(path: &str) -> Result<()> {
    let lower = path.to_ascii_lowercase();
    if lower.starts_with("/aws") || lower.starts_with("/ssm") {
        return Err(error::validation(
            "Filters for common parameters can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). When using global \
             parameters, please specify within a global namespace.",
        ));
    }
    name::path(path).map(drop)
}

fn option(filter: &s::ParameterStringFilter) -> &str {
    let default = if filter.key == "Path" { "OneLevel" } else { "Equals" };
    filter.option.as_deref().unwrap_or(default)
}

pub(crate) fn passes(filters: &[s::ParameterStringFilter], name: &str, record: &ParameterRecord) -> bool {
    filters.iter().all(|filter| {
        let values = filter.values.as_deref().unwrap_or_default();
        if let Some(tag) = filter.key.strip_prefix("tag:") {
            let found = record.tags.get(tag);
            return found.is_some_and(|found| values.is_empty() || values.contains(found));
        }
        let option = option(filter);
        values.iter().any(|value| matches(&filter.key, option, value, name, record))
    })
}

fn matches(key: &str, option: &str, value: &str, name: &str, record: &ParameterRecord) -> bool {
    let compare = |text: &str| match option {
        "BeginsWith" => text.starts_with(value),
        "Contains" => text.contains(value),
        _ => text == value,
    };
    match key {
        // A leading slash is left out by many.
        "Name" => compare(name) || (option != "Contains" && compare(name.trim_start_matches('/'))),
        "Type" => compare(&record.latest.kind),
        "KeyId" => record.latest.key_id.as_deref().is_some_and(compare),
        "Tier" => compare(&record.latest.tier),
        "DataType" => compare(&record.latest.data_type),
        "Label" => record.labels.keys().any(|label| compare(label)),
        "Path" => {
            let path = if value.ends_with('/') { value.to_owned() } else { format!("{value}/") };
            // A name without a slash is one of the root.
            let rest = if path == "/" {
                Some(name.strip_prefix('/').unwrap_or(name))
            } else {
                name.strip_prefix(&path)
            };
            rest.is_some_and(|rest| option == "Recursive" || !rest.contains('/'))
        }
        _ => false,
    }
}
