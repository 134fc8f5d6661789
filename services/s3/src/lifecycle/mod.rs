//! Lifecycle rules: what is accepted, whom a rule is about, and when it acts. Pure; [`crate::tasks`] carries it out.
//!
//! Reading order: this file (when what happens to a version), [`check`] (what is accepted).
//! Source: S3 User Guide, "Lifecycle configuration elements", "Examples of S3 Lifecycle configurations" and "Transitioning
//! objects using Amazon S3 Lifecycle".

pub(crate) mod check;

use haneul_kit::Instant;

use crate::model::configuration::{Expiration, LifecycleFilter, LifecycleRecord, LifecycleRule};
use crate::model::{Body, ObjectRecord};

pub(crate) const DAY_S: i64 = 86_400;

/// Storage classes from the dearest down: a transition never goes up.
const CLASSES: &[&str] = &[
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
];

/// Objects smaller than this are not moved by default, in bytes.
const TRANSITION_BYTES_MIN: u64 = 128 * 1024;

/// `x-amz-transition-default-minimum-object-size`: the second takes small objects into the archives.
pub(crate) const ALL_CLASSES: &str = "all_storage_classes_128K";
pub(crate) const VARIES: &str = "varies_by_storage_class";

fn rank(class: &str) -> Option<usize> {
    CLASSES.iter().position(|known| *known == class)
}

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Current,
    /// Counted from the newest noncurrent version of the key, from 1.
    Noncurrent(u32),
}

/// What is to be done with a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict<'r> {
    pub(crate) expires: bool,
    pub(crate) class: Option<&'r str>,
    /// When to look at it again, as far as its own age tells.
    pub(crate) next_s: Option<i64>,
}

impl Verdict<'_> {
    fn later(&mut self, due_s: i64) {
        self.next_s = Some(self.next_s.map_or(due_s, |next| next.min(due_s)));
    }
}

/// What the rules say of a version at `now_s`.
pub(crate) fn judge<'r>(
    lifecycle: &'r LifecycleRecord,
    key: &str,
    record: &ObjectRecord,
    place: Place,
    now_s: i64,
) -> Verdict<'r> {
    let mut verdict = Verdict::default();
    let mut lowest = record.body.as_ref().and_then(|body| rank(body.storage_class())).unwrap_or(0);
    for rule in lifecycle.rules.iter().filter(|rule| rule.enabled) {
        let about = match &record.body {
            Some(body) => is_about(&rule.filter, key, body),
            None => is_about_marker(&rule.filter, key),
        };
        if !about {
            continue;
        }
        if let Some(due_s) = expires_s(rule, record, place) {
            if due_s <= now_s { verdict.expires = true } else { verdict.later(due_s) }
        }
        let Some(body) = &record.body else { continue };
        for (due_s, class) in moves(rule, record, place) {
            let target = rank(class).unwrap_or(0);
            if target <= lowest || !may_move(lifecycle, &rule.filter, body, class) {
                continue;
            }
            if due_s <= now_s {
                (verdict.class, lowest) = (Some(class), target);
            } else {
                verdict.later(due_s);
            }
        }
    }
    verdict
}

/// When the rule makes a version expire.
fn expires_s(rule: &LifecycleRule, record: &ObjectRecord, place: Place) -> Option<i64> {
    match place {
        Place::Current if record.is_delete_marker() && record.older => None,
        Place::Current => match rule.expiration? {
            Expiration::Days(days) => Some(due_s(record.modified_s, days)),
            Expiration::Date(at) if !record.is_delete_marker() => Some(on_date(record.modified_s, at)),
            // A marker with nothing under it, however old.
            Expiration::DeleteMarkers(true) if record.is_delete_marker() => Some(record.modified_s),
            _ => None,
        },
        Place::Noncurrent(place) => {
            let action = rule.noncurrent_expiration?;
            let kept = action.keep.is_some_and(|keep| place <= keep);
            record.noncurrent_since_s.filter(|_| !kept).map(|since_s| due_s(since_s, action.days))
        }
    }
}

/// The moves that the rule has in store for a version: when and whereto.
fn moves<'r>(rule: &'r LifecycleRule, record: &ObjectRecord, place: Place) -> Vec<(i64, &'r str)> {
    match place {
        Place::Current => {
            let due = |days: Option<u32>, at: Option<i64>| match (days, at) {
                (Some(days), _) => Some(due_s(record.modified_s, days)),
                (None, at) => at.map(|at| on_date(record.modified_s, at)),
            };
            let moves = rule.transitions.iter();
            moves.filter_map(|one| Some((due(one.days, one.date_s)?, one.class.as_str()))).collect()
        }
        Place::Noncurrent(place) => {
            let Some(since_s) = record.noncurrent_since_s else { return Vec::new() };
            let moves = rule.noncurrent_transitions.iter();
            let moves = moves.filter(|one| one.keep.is_none_or(|keep| place > keep));
            moves.map(|one| (due_s(since_s, one.days), one.class.as_str())).collect()
        }
    }
}

/// Whether an object is large enough for a class.
fn may_move(lifecycle: &LifecycleRecord, filter: &LifecycleFilter, body: &Body, class: &str) -> bool {
    // A size in the filter replaces the default minimum.
    let sized = filter.size_greater_than.is_some() || filter.size_less_than.is_some();
    let archived = matches!(class, "GLACIER" | "DEEP_ARCHIVE");
    body.size >= TRANSITION_BYTES_MIN || sized || (archived && lifecycle.transition_minimum_size == VARIES)
}

/// A bound from below for when a version that becomes noncurrent at `now_s` has to be looked at, whatever its tags.
pub(crate) fn noncurrent_next_s(lifecycle: &LifecycleRecord, key: &str, now_s: i64) -> Option<i64> {
    let rules = lifecycle.rules.iter().filter(|rule| rule.enabled && is_about_key(&rule.filter, key));
    rules
        .flat_map(|rule| {
            let expiration = rule.noncurrent_expiration.iter().map(|action| (action.days, action.keep));
            expiration.chain(rule.noncurrent_transitions.iter().map(|one| (one.days, one.keep)))
        })
        // One more version above them may be one too many for older ones that are old enough already.
        .map(|(days, keep)| due_s(now_s, if keep.is_some() { 1 } else { days }))
        .min()
}

/// Whether a delete marker that comes to be alone expires.
pub(crate) fn takes_markers(lifecycle: &LifecycleRecord, key: &str) -> bool {
    lifecycle.rules.iter().any(|rule| {
        rule.enabled
            && is_about_marker(&rule.filter, key)
            && matches!(rule.expiration, Some(Expiration::DeleteMarkers(true) | Expiration::Days(_)))
    })
}

/// The header of an object that will expire: `expiry-date="…", rule-id="…"`.
pub(crate) fn expiration_header(
    lifecycle: &LifecycleRecord,
    key: &str,
    record: &ObjectRecord,
    body: &Body,
) -> Option<String> {
    let rules = lifecycle.rules.iter().filter(|rule| rule.enabled && is_about(&rule.filter, key, body));
    let due = rules.filter_map(|rule| {
        let due_s = match rule.expiration? {
            Expiration::Days(days) => due_s(record.modified_s, days),
            Expiration::Date(at) => on_date(record.modified_s, at),
            Expiration::DeleteMarkers(_) => return None,
        };
        Some((due_s, &rule.id))
    });
    let (due_s, id) = due.min_by_key(|(due_s, _)| *due_s)?;
    let date = Instant::from_secs(due_s).http_date();
    Some(format!("expiry-date=\"{date}\", rule-id=\"{}\"", url_safe(id)))
}

/// When an upload that begins at `now_s` is given up, and by which rule.
pub(crate) fn abort(lifecycle: &LifecycleRecord, key: &str, began_s: i64) -> Option<(i64, String)> {
    let rules = lifecycle.rules.iter().filter(|rule| rule.enabled && is_about_key(&rule.filter, key));
    let due = rules.filter_map(|rule| Some((due_s(began_s, rule.abort_incomplete_days?), &rule.id)));
    due.min_by_key(|(due_s, _)| *due_s).map(|(due_s, id)| (due_s, url_safe(id)))
}

fn url_safe(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2D", "-")
        .replace("%5F", "_")
        .replace("%2E", ".")
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

fn is_about_marker(filter: &LifecycleFilter, key: &str) -> bool {
    filter.tags.is_empty() && is_about_key(filter, key)
}

/// When an action of a date acts on an object: what comes later goes at the next midnight.
fn on_date(modified_s: i64, at: i64) -> i64 {
    if modified_s <= at { at } else { due_s(modified_s, 0) }
}

#[cfg(test)]
pub(crate) fn example_body(size: u64) -> Body {
    Body { size, ..Body::default() }
}

#[cfg(test)]
mod tests {
    use super::example_body as body;
    use super::*;
    use crate::model::configuration::{Noncurrent, Transition};

    fn record(body: Option<Body>) -> ObjectRecord {
        ObjectRecord {
            seq: 1,
            version_id: None,
            older: false,
            modified_s: 5,
            noncurrent_since_s: None,
            owner: None,
            body,
            replication: None,
            annotations: 0,
        }
    }

    fn lifecycle(rules: Vec<LifecycleRule>) -> LifecycleRecord {
        LifecycleRecord { rules, transition_minimum_size: ALL_CLASSES.into(), indexed: true }
    }

    fn rule() -> LifecycleRule {
        LifecycleRule { id: "a".into(), enabled: true, ..Default::default() }
    }

    #[test]
    fn rules_act_at_midnight() {
        assert_eq!(due_s(0, 1), DAY_S);
        assert_eq!(due_s(1, 1), 2 * DAY_S);
        assert_eq!(due_s(DAY_S - 1, 1), 2 * DAY_S);
        assert_eq!(due_s(10 * DAY_S + 5, 30), 41 * DAY_S);
        assert_eq!((on_date(5, DAY_S), on_date(DAY_S + 1, DAY_S)), (DAY_S, 2 * DAY_S));
    }

    #[test]
    fn filters() {
        let mut tagged = body(100);
        tagged.tags.insert("k".into(), "v".into());
        let all = LifecycleFilter::default();
        let filter = LifecycleFilter {
            prefix: Some("logs/".into()),
            tags: vec![("k".into(), "v".into())],
            size_greater_than: Some(99),
            size_less_than: Some(101),
        };
        assert!(is_about(&all, "x", &tagged) && is_about(&filter, "logs/x", &tagged));
        assert!(!is_about(&filter, "x", &tagged));
        for size in [99, 101] {
            assert!(!is_about(&filter, "logs/x", &Body { size, ..tagged.clone() }));
        }
        tagged.tags.clear();
        assert!(!is_about(&filter, "logs/x", &tagged));
    }

    #[test]
    fn transitions_go_down_and_tell_the_next() {
        let to = |days, class: &str| Transition { days: Some(days), date_s: None, class: class.into() };
        let mut set = lifecycle(vec![LifecycleRule {
            transitions: vec![to(30, "STANDARD_IA"), to(90, "GLACIER")],
            expiration: Some(Expiration::Days(365)),
            ..rule()
        }]);
        let judged = |set: &LifecycleRecord, body: &Body, day: i64| {
            let record = record(Some(body.clone()));
            let verdict = judge(set, "k", &record, Place::Current, day * DAY_S);
            (
                verdict.expires,
                verdict.class.unwrap_or_default().to_owned(),
                verdict.next_s.map(|at| at / DAY_S),
            )
        };
        let mut big = body(TRANSITION_BYTES_MIN);
        assert_eq!(judged(&set, &big, 30), (false, "".into(), Some(31)));
        assert_eq!(judged(&set, &big, 31), (false, "STANDARD_IA".into(), Some(91)));
        assert_eq!(judged(&set, &big, 91), (false, "GLACIER".into(), Some(366)));
        assert_eq!(judged(&set, &big, 366), (true, "GLACIER".into(), None));
        big.storage_class = Some("DEEP_ARCHIVE".into());
        assert_eq!(judged(&set, &big, 91), (false, "".into(), Some(366)));
        let small = body(TRANSITION_BYTES_MIN - 1);
        assert_eq!(judged(&set, &small, 91), (false, "".into(), Some(366)));
        set.transition_minimum_size = VARIES.into();
        assert_eq!(judged(&set, &small, 91), (false, "GLACIER".into(), Some(366)));
        set.transition_minimum_size = ALL_CLASSES.into();
        set.rules[0].filter.size_greater_than = Some(0);
        assert_eq!(judged(&set, &small, 31), (false, "STANDARD_IA".into(), Some(91)));
        set.rules[0].enabled = false;
        assert_eq!(judged(&set, &small, 400), (false, "".into(), None));
    }

    #[test]
    fn noncurrent_versions_and_markers() {
        let set = lifecycle(vec![LifecycleRule {
            noncurrent_expiration: Some(Noncurrent { days: 3, keep: Some(1) }),
            expiration: Some(Expiration::DeleteMarkers(true)),
            ..rule()
        }]);
        let old = ObjectRecord { noncurrent_since_s: Some(0), ..record(Some(body(1))) };
        let expires =
            |record: &ObjectRecord, place, day: i64| judge(&set, "k", record, place, day * DAY_S).expires;
        assert!(!expires(&old, Place::Noncurrent(1), 100));
        assert!(!expires(&old, Place::Noncurrent(2), 2) && expires(&old, Place::Noncurrent(2), 3));
        let marker = record(None);
        assert!(expires(&marker, Place::Current, 1));
        assert!(!expires(&ObjectRecord { older: true, ..marker }, Place::Current, 1));
        assert_eq!(noncurrent_next_s(&set, "k", 0), Some(DAY_S));
    }

    #[test]
    fn headers() {
        let set = lifecycle(vec![LifecycleRule {
            id: "old ones".into(),
            expiration: Some(Expiration::Days(1)),
            abort_incomplete_days: Some(7),
            ..rule()
        }]);
        let record = record(Some(body(1)));
        let header = expiration_header(&set, "k", &record, record.body.as_ref().unwrap()).unwrap();
        assert_eq!(header, "expiry-date=\"Sat, 03 Jan 1970 00:00:00 GMT\", rule-id=\"old%20ones\"");
        assert_eq!(abort(&set, "k", 0), Some((7 * DAY_S, "old%20ones".into())));
    }
}
