//! What PutBucketLifecycleConfiguration accepts, with S3's refusals.

use haneul_kit::{Instant, Result};

use super::{DAY_S, rank};
use crate::error::{self, invalid_argument, invalid_request};
use crate::model::configuration::{Expiration, FilterForm, LifecycleFilter, LifecycleRule};

const RULES_MAX: usize = 1000;
const ID_LENGTH_MAX: usize = 255;

/// Days that an object must have been in a class before Infrequent Access, and in that before an archive.
const INFREQUENT_DAYS_MIN: u32 = 30;

pub(crate) fn check(rules: &[LifecycleRule]) -> Result<()> {
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(error::malformed_xml());
    }
    let legacy = rules.iter().any(|rule| rule.form == FilterForm::LegacyPrefix);
    if legacy && rules.iter().any(|rule| matches!(rule.form, FilterForm::Single | FilterForm::And)) {
        let message =
            "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.";
        return Err(invalid_request(message));
    }
    for (i, rule) in rules.iter().enumerate() {
        if rule.id.len() > ID_LENGTH_MAX {
            let message = "ID length should not exceed allowed limit of 255";
            return Err(invalid_argument(message, "ID", rule.id.clone()));
        }
        if rules[..i].iter().any(|earlier| earlier.id == rule.id) {
            let message = "Rule ID must be unique. Found same ID for more than one rule";
            return Err(invalid_argument(message, "ID", rule.id.clone()));
        }
        check_rule(rule)?;
    }
    Ok(())
}

fn check_rule(rule: &LifecycleRule) -> Result<()> {
    let acts = rule.expiration.is_some()
        || rule.noncurrent_expiration.is_some()
        || rule.abort_incomplete_days.is_some()
        || !rule.transitions.is_empty()
        || !rule.noncurrent_transitions.is_empty();
    if !acts {
        return Err(invalid_request("At least one action needs to be specified in a rule"));
    }
    check_positive(rule)?;
    let keeps = rule.noncurrent_expiration.is_some_and(|action| action.keep.is_some())
        || rule.noncurrent_transitions.iter().any(|one| one.keep.is_some());
    if keeps && rule.form == FilterForm::LegacyPrefix {
        let message = "NewerNoncurrentVersions element can only be used in Lifecycle V2.";
        return Err(invalid_request(message));
    }
    check_filter(rule)?;
    let moves: Vec<_> = rule.transitions.iter().map(|one| (one.days, one.class.as_str())).collect();
    check_moves(&rule.filter, &moves, "Days", "Transition")?;
    let noncurrent: Vec<_> =
        rule.noncurrent_transitions.iter().map(|one| (Some(one.days), one.class.as_str())).collect();
    check_moves(&rule.filter, &noncurrent, "NoncurrentDays", "NoncurrentVersionTransition")?;
    check_order(rule)
}

fn check_positive(rule: &LifecycleRule) -> Result<()> {
    let invalid = |message: &str, name: &'static str, value: String| {
        Err(invalid_argument(message.to_owned(), name, value))
    };
    let midnight = |at: i64| at.rem_euclid(DAY_S) == 0;
    match rule.expiration {
        Some(Expiration::Days(0)) => {
            return invalid("'Days' for Expiration action must be a positive integer", "Days", "0".into());
        }
        Some(Expiration::Date(at)) if !midnight(at) => {
            return invalid("'Date' must be at midnight GMT", "Date", Instant::from_secs(at).iso8601());
        }
        _ => {}
    }
    if let Some(at) = rule.transitions.iter().filter_map(|one| one.date_s).find(|at| !midnight(*at)) {
        return invalid("'Date' must be at midnight GMT", "Date", Instant::from_secs(at).iso8601());
    }
    if rule.noncurrent_expiration.is_some_and(|action| action.days == 0) {
        let message = "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer";
        return invalid(message, "NoncurrentDays", "0".into());
    }
    if rule.abort_incomplete_days == Some(0) {
        let message =
            "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer";
        return invalid(message, "DaysAfterInitiation", "0".into());
    }
    Ok(())
}

fn check_filter(rule: &LifecycleRule) -> Result<()> {
    let filter = &rule.filter;
    let tags = &filter.tags;
    if tags.iter().enumerate().any(|(i, (key, _))| tags[..i].iter().any(|(earlier, _)| earlier == key)) {
        return Err(invalid_request("Duplicate Tag Keys are not allowed."));
    }
    let of_markers = matches!(rule.expiration, Some(Expiration::DeleteMarkers(_)));
    if !tags.is_empty() && (rule.abort_incomplete_days.is_some() || of_markers) {
        let what = if of_markers { "ExpiredObjectDeleteMarker" } else { "AbortIncompleteMultipartUpload" };
        return Err(invalid_request(format!("{what} cannot be specified with Tags.")));
    }
    let sized = filter.size_greater_than.is_some() || filter.size_less_than.is_some();
    if sized && rule.abort_incomplete_days.is_some() {
        let message = "AbortIncompleteMultipartUpload cannot be specified with Object Size.";
        return Err(invalid_request(message));
    }
    if [filter.size_greater_than, filter.size_less_than].into_iter().flatten().any(|size| size < 0) {
        return Err(invalid_request(
            "'ObjectSizeGreaterThan' and 'ObjectSizeLessThan' must not be negative.",
        ));
    }
    match (filter.size_greater_than, filter.size_less_than) {
        (Some(over), Some(under)) if under <= over.saturating_add(1) => Err(invalid_request(
            "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan' + 1.",
        )),
        _ => Ok(()),
    }
}

/// The transitions of one kind: known classes, each once, each later than the higher ones.
fn check_moves(
    filter: &LifecycleFilter,
    moves: &[(Option<u32>, &str)],
    days_name: &'static str,
    action: &str,
) -> Result<()> {
    for (i, (days, class)) in moves.iter().enumerate() {
        if rank(class).is_none_or(|rank| rank == 0) {
            return Err(error::malformed_xml());
        }
        if moves[..i].iter().any(|(_, earlier)| earlier == class) {
            let shown = shown(filter);
            return Err(invalid_request(format!(
                "'StorageClass' must be different for '{action}' actions in same 'Rule' with filter '{shown}'"
            )));
        }
        if is_infrequent(class)
            && let Some(days) = days.filter(|days| *days < INFREQUENT_DAYS_MIN)
        {
            let message = format!(
                "'{days_name}' in {action} action must be greater than or equal to 30 for storageClass '{class}'"
            );
            return Err(invalid_argument(message, days_name, days.to_string()));
        }
    }
    for (days, class) in moves {
        for (later, lower) in moves {
            let (Some(days), Some(later)) = (days, later) else { continue };
            if rank(lower) <= rank(class) {
                continue;
            }
            let apart = if is_infrequent(class) { INFREQUENT_DAYS_MIN } else { 1 };
            if *later < days.saturating_add(apart) {
                let by = if apart > 1 { "be 30 days more than" } else { "be greater than" };
                let message = format!(
                    "'{days_name}' in the '{action}' action for StorageClass '{lower}' for filter '{}' must {by} \
                     '{days_name}' in the '{action}' action for StorageClass '{class}'",
                    shown(filter)
                );
                return Err(invalid_argument(message, days_name, later.to_string()));
            }
        }
    }
    Ok(())
}

/// Expiration comes after every transition, and is told in the same way.
fn check_order(rule: &LifecycleRule) -> Result<()> {
    let filter = shown(&rule.filter);
    let by_days = rule.transitions.iter().any(|one| one.days.is_some());
    let by_date = rule.transitions.iter().any(|one| one.date_s.is_some());
    let days = by_days || matches!(rule.expiration, Some(Expiration::Days(_)));
    let dates = by_date || matches!(rule.expiration, Some(Expiration::Date(_)));
    if days && dates {
        return Err(invalid_request(format!(
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter '{filter}'"
        )));
    }
    let last_days = rule.transitions.iter().filter_map(|one| one.days).max();
    let last_date = rule.transitions.iter().filter_map(|one| one.date_s).max();
    let late = |name: &'static str, value: String| {
        let message = format!(
            "'{name}' in the Expiration action for filter '{filter}' must be greater than '{name}' in the Transition action"
        );
        Err(invalid_argument(message, name, value))
    };
    match rule.expiration {
        Some(Expiration::Days(days)) if last_days.is_some_and(|last| days <= last) => {
            return late("Days", days.to_string());
        }
        Some(Expiration::Date(at)) if last_date.is_some_and(|last| at <= last) => {
            return late("Date", Instant::from_secs(at).iso8601());
        }
        _ => {}
    }
    let last = rule.noncurrent_transitions.iter().map(|one| one.days).max();
    match (rule.noncurrent_expiration, last) {
        (Some(action), Some(last)) if action.days <= last => {
            let message = format!(
                "'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '{filter}' must be greater than \
                 'NoncurrentDays' in the NoncurrentVersionTransition action"
            );
            Err(invalid_argument(message, "NoncurrentDays", action.days.to_string()))
        }
        _ => Ok(()),
    }
}

fn is_infrequent(class: &str) -> bool {
    matches!(class, "STANDARD_IA" | "ONEZONE_IA")
}

/// A filter as S3's messages write it.
fn shown(filter: &LifecycleFilter) -> String {
    let mut parts = vec![format!("prefix={}", filter.prefix.as_deref().unwrap_or_default())];
    parts.extend(filter.tags.iter().map(|(key, value)| format!("tag(key={key}, value={value})")));
    format!("({})", parts.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::configuration::{Noncurrent, NoncurrentTransition, Transition};

    fn rule() -> LifecycleRule {
        LifecycleRule {
            id: "a".into(),
            enabled: true,
            expiration: Some(Expiration::Days(1)),
            ..Default::default()
        }
    }

    #[test]
    fn refused_rules() {
        let with = |change: fn(&mut LifecycleRule)| {
            let mut changed = rule();
            change(&mut changed);
            vec![changed]
        };
        fn to(moves: &[(u32, &str)]) -> Vec<LifecycleRule> {
            let moves = moves.iter().map(|(days, class)| Transition {
                days: Some(*days),
                date_s: None,
                class: (*class).into(),
            });
            vec![LifecycleRule { expiration: None, transitions: moves.collect(), ..rule() }]
        }
        let tagged = |change: fn(&mut LifecycleRule)| {
            let mut changed = rule();
            changed.filter.tags = vec![("k".into(), "v".into())];
            changed.form = FilterForm::Single;
            change(&mut changed);
            vec![changed]
        };
        let mut legacy = rule();
        (legacy.form, legacy.id) = (FilterForm::LegacyPrefix, "b".into());
        let mut single = rule();
        single.form = FilterForm::Single;
        let midnight = 40 * DAY_S;
        for (rules, expected) in [
            (vec![rule()], "ok"),
            (to(&[(30, "STANDARD_IA"), (90, "GLACIER_IR"), (180, "DEEP_ARCHIVE")]), "ok"),
            (to(&[(0, "GLACIER")]), "ok"),
            (to(&[(0, "INTELLIGENT_TIERING")]), "ok"),
            (vec![], "MalformedXML"),
            (vec![rule(), rule()], "InvalidArgument"),
            (vec![single, legacy], "InvalidRequest"),
            (with(|r| r.id = "x".repeat(256)), "InvalidArgument"),
            (with(|r| r.expiration = None), "InvalidRequest"),
            (with(|r| r.expiration = Some(Expiration::Days(0))), "InvalidArgument"),
            (with(|r| r.expiration = Some(Expiration::Date(1))), "InvalidArgument"),
            (with(|r| r.noncurrent_expiration = Some(Noncurrent { days: 0, keep: None })), "InvalidArgument"),
            (
                with(|r| {
                    r.form = FilterForm::LegacyPrefix;
                    r.noncurrent_expiration = Some(Noncurrent { days: 1, keep: Some(1) });
                }),
                "InvalidRequest",
            ),
            (with(|r| r.abort_incomplete_days = Some(0)), "InvalidArgument"),
            (tagged(|r| r.abort_incomplete_days = Some(1)), "InvalidRequest"),
            (tagged(|r| r.expiration = Some(Expiration::DeleteMarkers(true))), "InvalidRequest"),
            (tagged(|r| r.filter.tags.push(("k".into(), "w".into()))), "InvalidRequest"),
            (
                with(|r| (r.filter.size_greater_than, r.filter.size_less_than) = (Some(10), Some(11))),
                "InvalidRequest",
            ),
            (to(&[(29, "STANDARD_IA")]), "InvalidArgument"),
            (to(&[(30, "STANDARD")]), "MalformedXML"),
            (to(&[(30, "NOWHERE")]), "MalformedXML"),
            (to(&[(30, "STANDARD_IA"), (30, "STANDARD_IA")]), "InvalidRequest"),
            (to(&[(30, "STANDARD_IA"), (59, "GLACIER")]), "InvalidArgument"),
            (to(&[(90, "GLACIER"), (90, "DEEP_ARCHIVE")]), "InvalidArgument"),
            (
                with(|r| {
                    r.transitions = vec![Transition { days: Some(1), date_s: None, class: "GLACIER".into() }]
                }),
                "InvalidArgument",
            ),
            (
                vec![LifecycleRule {
                    transitions: vec![Transition {
                        days: None,
                        date_s: Some(midnight),
                        class: "GLACIER".into(),
                    }],
                    ..rule()
                }],
                "InvalidRequest",
            ),
            (
                with(|r| {
                    r.noncurrent_expiration = Some(Noncurrent { days: 5, keep: None });
                    r.noncurrent_transitions =
                        vec![NoncurrentTransition { days: 5, keep: None, class: "GLACIER".into() }];
                }),
                "InvalidArgument",
            ),
        ] {
            let said = check(&rules).map_or_else(|e| e.code().to_owned(), |()| "ok".into());
            assert_eq!(said, expected, "{rules:?}");
        }
    }
}
