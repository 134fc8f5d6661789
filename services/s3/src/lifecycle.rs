//! Lifecycle rules: what is accepted, whom a rule is about, and when it acts. Pure; [`crate::tasks`] carries it out.
//!
//! Source: S3 User Guide, "Lifecycle configuration elements" and "Examples of S3 Lifecycle configurations".

use haneul_kit::{Instant, Result};

use crate::error;
use crate::model::Body;
use crate::model::configuration::{Expiration, LifecycleFilter, LifecycleRule};

pub(crate) const DAY_S: i64 = 86_400;
const RULES_MAX: usize = 1000;
const ID_LENGTH_MAX: usize = 255;

/// Storage classes from the dearest down: a transition never goes up.
const CLASSES: &[&str] = &["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR"];

/// Objects smaller than this are not moved by default, in bytes.
const TRANSITION_BYTES_MIN: u64 = 128 * 1024;

pub(crate) fn check(rules: &[LifecycleRule]) -> Result<()> {
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(error::malformed_xml());
    }
    for (i, rule) in rules.iter().enumerate() {
        if rule.id.len() > ID_LENGTH_MAX {
            let message = "ID length should not exceed allowed limit of 255";
            return Err(error::invalid_argument(message, "ID", rule.id.clone()));
        }
        if rules[..i].iter().any(|earlier| earlier.id == rule.id) {
            let message = "Rule ID must be unique. Found same ID for more than one rule";
            return Err(error::invalid_argument(message, "ID", rule.id.clone()));
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
        return Err(error::invalid_request("At least one action needs to be specified in a rule"));
    }
    let invalid = |message: &str, name: &'static str, value: String| {
        Err(error::invalid_argument(message.to_owned(), name, value))
    };
    match rule.expiration {
        Some(Expiration::Days(0)) => {
            return invalid("'Days' for Expiration action must be a positive integer", "Days", "0".into());
        }
        Some(Expiration::Date(at)) if at.rem_euclid(DAY_S) != 0 => {
            return invalid("'Date' must be at midnight GMT", "Date", Instant::from_secs(at).iso8601());
        }
        _ => {}
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
    let filter = &rule.filter;
    let by_tag = !filter.tags.is_empty();
    if by_tag
        && (rule.abort_incomplete_days.is_some()
            || matches!(rule.expiration, Some(Expiration::DeleteMarkers(_))))
    {
        let message =
            "AbortIncompleteMultipartUpload and ExpiredObjectDeleteMarker cannot be specified with Tags";
        return Err(error::invalid_request(message));
    }
    let transitions = rule.transitions.iter().map(|transition| (transition.days, &transition.class));
    let noncurrent =
        rule.noncurrent_transitions.iter().map(|transition| (Some(transition.days), &transition.class));
    for (days, class) in transitions.chain(noncurrent) {
        check_class(class)?;
        if matches!(class.as_str(), "STANDARD_IA" | "ONEZONE_IA") && days.is_some_and(|days| days < 30) {
            let message = format!(
                "'Days' in Transition action must be greater than or equal to 30 for storageClass '{class}'"
            );
            return Err(error::invalid_argument(message, "Days", days.unwrap_or_default().to_string()));
        }
    }
    Ok(())
}

fn check_class(class: &str) -> Result<()> {
    match class {
        "GLACIER" | "DEEP_ARCHIVE" => {
            Err(error::not_implemented(format_args!("A lifecycle transition to {class}")))
        }
        class if CLASSES[1..].contains(&class) => Ok(()),
        _ => Err(error::malformed_xml()),
    }
}

/// When something that is `days` old acts: at the midnight (UTC) after that age.
pub(crate) fn due_s(since_s: i64, days: u32) -> i64 {
    let aged = since_s + i64::from(days) * DAY_S;
    aged.div_euclid(DAY_S) * DAY_S + if aged.rem_euclid(DAY_S) == 0 { 0 } else { DAY_S }
}

/// Whether the rule is about this key, or about an upload to it.
pub(crate) fn is_about_key(filter: &LifecycleFilter, key: &str) -> bool {
    filter.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
}

pub(crate) fn is_about(filter: &LifecycleFilter, key: &str, body: &Body) -> bool {
    let size = i64::try_from(body.size).unwrap_or(i64::MAX);
    is_about_key(filter, key)
        && filter.tags.iter().all(|(key, value)| body.tags.get(key) == Some(value))
        && filter.size_greater_than.is_none_or(|limit| size > limit)
        && filter.size_less_than.is_none_or(|limit| size < limit)
}

/// When the rule makes the current version expire.
pub(crate) fn expires_s(rule: &LifecycleRule, modified_s: i64) -> Option<i64> {
    match rule.expiration? {
        Expiration::Days(days) => Some(due_s(modified_s, days)),
        Expiration::Date(at) => Some(at),
        Expiration::DeleteMarkers(_) => None,
    }
}

/// The class that the rules give an object by now, when it is another and lower one.
pub(crate) fn class_by_now<'a>(
    moves: impl Iterator<Item = (i64, &'a str)>,
    now_s: i64,
    body: &Body,
    filter: &LifecycleFilter,
) -> Option<&'a str> {
    // A size in the filter replaces the default minimum.
    let sized = filter.size_greater_than.is_some() || filter.size_less_than.is_some();
    if body.size < TRANSITION_BYTES_MIN && !sized {
        return None;
    }
    let rank = |class: &str| CLASSES.iter().position(|known| *known == class).unwrap_or(0);
    moves
        .filter(|(due, _)| *due <= now_s)
        .map(|(_, class)| class)
        .filter(|class| rank(class) > rank(body.storage_class()))
        .max_by_key(|class| rank(class))
}

#[cfg(test)]
fn example_body(size: u64) -> Body {
    Body {
        size,
        etag: String::new(),
        checksum: None,
        data: crate::model::Data::Empty,
        parts: 0,
        headers: Default::default(),
        metadata: Vec::new(),
        storage_class: None,
        tags: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::configuration::{FilterForm, Noncurrent, Transition};

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
        let transition =
            |class: &str, days| Transition { days: Some(days), date_s: None, class: class.into() };
        let mut to_ia = rule();
        to_ia.transitions = vec![transition("STANDARD_IA", 29)];
        let mut to_glacier = rule();
        to_glacier.transitions = vec![transition("GLACIER", 30)];
        let mut good = rule();
        good.transitions = vec![transition("STANDARD_IA", 30), transition("GLACIER_IR", 90)];
        for (rules, expected) in [
            (vec![rule()], "ok"),
            (vec![good], "ok"),
            (vec![], "MalformedXML"),
            (vec![rule(), rule()], "InvalidArgument"),
            (with(|r| r.id = "x".repeat(256)), "InvalidArgument"),
            (with(|r| r.expiration = None), "InvalidRequest"),
            (with(|r| r.expiration = Some(Expiration::Days(0))), "InvalidArgument"),
            (with(|r| r.expiration = Some(Expiration::Date(1))), "InvalidArgument"),
            (with(|r| r.noncurrent_expiration = Some(Noncurrent { days: 0, keep: None })), "InvalidArgument"),
            (with(|r| r.abort_incomplete_days = Some(0)), "InvalidArgument"),
            (
                with(|r| {
                    r.filter.tags = vec![("k".into(), "v".into())];
                    r.form = FilterForm::Single;
                    r.abort_incomplete_days = Some(1);
                }),
                "InvalidRequest",
            ),
            (vec![to_ia], "InvalidArgument"),
            (vec![to_glacier], "NotImplemented"),
        ] {
            assert_eq!(check(&rules).map_or_else(|e| e.code().to_owned(), |()| "ok".into()), expected);
        }
    }

    #[test]
    fn rules_act_at_midnight() {
        assert_eq!(due_s(0, 1), DAY_S);
        assert_eq!(due_s(1, 1), 2 * DAY_S);
        assert_eq!(due_s(DAY_S - 1, 1), 2 * DAY_S);
        assert_eq!(due_s(10 * DAY_S + 5, 30), 41 * DAY_S);
    }

    #[test]
    fn filters() {
        let mut body = example_body(100);
        body.tags.insert("k".into(), "v".into());
        let all = LifecycleFilter::default();
        let filter = LifecycleFilter {
            prefix: Some("logs/".into()),
            tags: vec![("k".into(), "v".into())],
            size_greater_than: Some(99),
            size_less_than: Some(101),
        };
        assert!(is_about(&all, "x", &body) && is_about(&filter, "logs/x", &body));
        assert!(!is_about(&filter, "x", &body));
        for size in [99, 101] {
            assert!(!is_about(&filter, "logs/x", &Body { size, ..body.clone() }));
        }
        body.tags.clear();
        assert!(!is_about(&filter, "logs/x", &body));
    }

    #[test]
    fn transitions_only_go_down() {
        let moves = || [(10, "STANDARD_IA"), (20, "GLACIER_IR")].into_iter();
        let filter = LifecycleFilter::default();
        let mut body = example_body(TRANSITION_BYTES_MIN);
        assert_eq!(class_by_now(moves(), 9, &body, &filter), None);
        assert_eq!(class_by_now(moves(), 10, &body, &filter), Some("STANDARD_IA"));
        assert_eq!(class_by_now(moves(), 20, &body, &filter), Some("GLACIER_IR"));
        body.storage_class = Some("GLACIER_IR".into());
        assert_eq!(class_by_now(moves(), 30, &body, &filter), None);
        let small = example_body(TRANSITION_BYTES_MIN - 1);
        assert_eq!(class_by_now(moves(), 30, &small, &filter), None);
        let sized = LifecycleFilter { size_greater_than: Some(0), ..filter };
        assert_eq!(class_by_now(moves(), 30, &small, &sized), Some("GLACIER_IR"));
    }
}
