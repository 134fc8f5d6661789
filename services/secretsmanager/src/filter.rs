//! The filters of ListSecrets and BatchGetSecretValue. Source: Secrets Manager User Guide, "Find secrets".

use haneul_kit::Result;
use haneul_secretsmanager_wire::shapes as s;

use crate::error;
use crate::model::SecretRecord;

const KEYS: &[&str] =
    &["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];

pub(crate) fn check(filters: &[s::Filter]) -> Result<()> {
    for filter in filters {
        let Some(key) = filter.key.as_deref().filter(|key| !key.is_empty()) else {
            return Err(error::parameter("Invalid filter key"));
        };
        if !KEYS.contains(&key) {
            return Err(error::parameter(format!("Invalid filter key {key}")));
        }
        if filter.values.as_ref().is_none_or(Vec::is_empty) {
            return Err(error::parameter(format!("Invalid filter values for key: {key}")));
        }
    }
    Ok(())
}

/// Whether a secret passes all filters; of a filter's values one is enough, and one that begins with `!` must not match.
pub(crate) fn passes(filters: &[s::Filter], name: &str, record: &SecretRecord) -> bool {
    filters.iter().all(|filter| {
        let key = filter.key.as_deref().unwrap_or_default();
        let values = filter.values.as_deref().unwrap_or_default();
        values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !matches(key, value, name, record),
            None => matches(key, value, name, record),
        })
    })
}

fn matches(key: &str, value: &str, name: &str, record: &SecretRecord) -> bool {
    let description = record.description.as_deref().unwrap_or_default();
    match key {
        "name" => name.starts_with(value),
        "description" => has_words(description, value),
        "tag-key" => record.tags.keys().any(|tag| tag.starts_with(value)),
        "tag-value" => record.tags.values().any(|tag| tag.starts_with(value)),
        "primary-region" => record.primary_region.as_deref().is_some_and(|region| region.starts_with(value)),
        "all" => {
            has_words(name, value)
                || has_words(description, value)
                || record.tags.iter().any(|(key, tag)| has_words(key, value) || has_words(tag, value))
        }
        // No service owns secrets here.
        _ => false,
    }
}

/// Whether each word of `value` begins a word of `text`, whatever the case.
fn has_words(text: &str, value: &str) -> bool {
    let split = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    };
    let words = split(text);
    let wanted = split(value);
    !wanted.is_empty() && wanted.iter().all(|wanted| words.iter().any(|word| word.starts_with(wanted)))
}
