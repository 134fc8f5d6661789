//! Objects whose bytes lie in an archive, and how long it takes to get at them.
//!
//! A restore is a record; that it is under way, done, or over is what the clock makes of it. The times are the longest
//! that S3 promises (S3 User Guide, "Understanding archive retrieval options").

use haneul_kit::{Instant, Result};
use haneul_s3_wire::shapes::RestoreStatus;

use crate::error;
use crate::model::object::Restore;
use crate::model::tiering::AccessTier;
use crate::model::{Body, ObjectRecord};
use crate::store::aging::{DueRow, due_row};

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How fast, from the slowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    Bulk,
    Standard,
    Expedited,
}

/// Where the bytes of an object are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Where they can be read: it is of no archive class.
    Active,
    Archived,
    Restoring,
    /// A copy can be read until then.
    Restored(Instant),
}

impl Tier {
    pub(crate) fn parse(text: &str) -> Option<Tier> {
        match text {
            "Bulk" => Some(Tier::Bulk),
            "Standard" => Some(Tier::Standard),
            "Expedited" => Some(Tier::Expedited),
            _ => None,
        }
    }

    /// How long it takes from a class, or from a tier of Intelligent-Tiering; `None` where that does not have the tier.
    pub(crate) fn duration_ms(self, class: &str) -> Option<i64> {
        match (class, self) {
            ("GLACIER", Tier::Expedited) => Some(5 * MINUTE_MS),
            ("GLACIER", Tier::Standard) => Some(5 * HOUR_MS),
            ("GLACIER", Tier::Bulk) => Some(12 * HOUR_MS),
            ("DEEP_ARCHIVE", Tier::Standard) => Some(12 * HOUR_MS),
            ("DEEP_ARCHIVE", Tier::Bulk) => Some(48 * HOUR_MS),
            ("ARCHIVE_ACCESS", Tier::Expedited) => Some(5 * MINUTE_MS),
            ("ARCHIVE_ACCESS", Tier::Standard) => Some(5 * HOUR_MS),
            ("ARCHIVE_ACCESS", Tier::Bulk) => Some(12 * HOUR_MS),
            ("DEEP_ARCHIVE_ACCESS", Tier::Standard) => Some(12 * HOUR_MS),
            ("DEEP_ARCHIVE_ACCESS", Tier::Bulk) => Some(48 * HOUR_MS),
            _ => None,
        }
    }
}

pub(crate) fn is_archive(class: &str) -> bool {
    matches!(class, "GLACIER" | "DEEP_ARCHIVE")
}

/// The class or tier from which an object has to be restored.
pub(crate) fn source(body: &Body) -> Option<&str> {
    match body.archive_tier() {
        Some(tier) => tier.archive_status(),
        None => Some(body.storage_class()).filter(|class| is_archive(class)),
    }
}

/// `x-amz-archive-status`.
pub(crate) fn status(body: &Body, now: Instant) -> Option<String> {
    let tier = body.archive_tier().filter(|_| state(body, now) != State::Active)?;
    tier.archive_status().map(str::to_owned)
}

pub(crate) fn state(body: &Body, now: Instant) -> State {
    state_of(body.storage_class(), body.archive_tier(), body.restore, now)
}

pub(crate) fn state_of(
    class: &str,
    archive_tier: Option<AccessTier>,
    restore: Option<Restore>,
    now: Instant,
) -> State {
    if archive_tier.is_some() {
        return match restore {
            None => State::Archived,
            Some(restore) if now.millis() < restore.ready_ms => State::Restoring,
            // It is on its way to the frequent access tier.
            Some(_) => State::Active,
        };
    }
    if !is_archive(class) {
        return State::Active;
    }
    match restore {
        Some(restore) if now.millis() < restore.ready_ms => State::Restoring,
        Some(restore) if now.millis() < restore.expires_ms => {
            State::Restored(Instant::from_millis(restore.expires_ms))
        }
        _ => State::Archived,
    }
}

/// Refuses to read what has to be restored first.
pub(crate) fn check_readable(body: &Body, now: Instant) -> Result<()> {
    match state(body, now) {
        State::Active | State::Restored(_) => Ok(()),
        State::Archived | State::Restoring => {
            let tier = body.archive_tier().and_then(|tier| tier.archive_status());
            let what = if tier.is_some() { "access tier" } else { "storage class" };
            let message = format!("The operation is not valid for the object's {what}");
            let refused = error::invalid_object_state(message, body.storage_class());
            Err(match tier {
                Some(tier) => refused.with_field("AccessTier", tier),
                None => refused,
            })
        }
    }
}

/// `x-amz-restore`.
pub(crate) fn header(body: &Body, now: Instant) -> Option<String> {
    match state(body, now) {
        State::Active | State::Archived => None,
        State::Restoring => Some("ongoing-request=\"true\"".to_owned()),
        State::Restored(until) => {
            Some(format!("ongoing-request=\"false\", expiry-date=\"{}\"", until.http_date()))
        }
    }
}

/// What a listing says of a restore, when it is asked to (`x-amz-optional-object-attributes: RestoreStatus`).
pub(crate) fn shown(asked: &Option<Vec<String>>, state: impl FnOnce() -> State) -> Option<RestoreStatus> {
    let names = asked.iter().flatten().flat_map(|names| names.split(','));
    if !names.map(str::trim).any(|name| name == "RestoreStatus") {
        return None;
    }
    match state() {
        State::Active | State::Archived => None,
        State::Restoring => {
            Some(RestoreStatus { is_restore_in_progress: Some(true), restore_expiry_date: None })
        }
        State::Restored(until) => {
            Some(RestoreStatus { is_restore_in_progress: Some(false), restore_expiry_date: Some(until) })
        }
    }
}

/// A copy lives until the midnight (UTC) after its days.
pub(crate) fn restored(ready_ms: i64, days: i32) -> Restore {
    let end = ready_ms + i64::from(days) * DAY_MS;
    Restore { ready_ms, expires_ms: (end.div_euclid(DAY_MS) + 1) * DAY_MS, told: false }
}

/// Of Intelligent-Tiering: it moves back, for good.
pub(crate) fn moved_back(ready_ms: i64) -> Restore {
    Restore { ready_ms, expires_ms: i64::MAX, told: false }
}

/// The days of a copy that is there begin anew.
pub(crate) fn prolonged(before: Restore, now_ms: i64, days: i32) -> Restore {
    Restore { ready_ms: before.ready_ms, told: before.told, ..restored(now_ms, days) }
}

/// When a version has to be looked at because of a restore: when the copy is there, and when it goes.
pub(crate) fn due(bucket: &str, key: &str, record: &ObjectRecord) -> Vec<DueRow> {
    let Some(restore) = record.body.as_ref().and_then(|body| body.restore) else { return Vec::new() };
    let at = if restore.told { restore.expires_ms } else { restore.ready_ms };
    vec![due_row(seconds(at), bucket, key)]
}

/// The first second that is not before it.
pub(crate) fn seconds(at_ms: i64) -> i64 {
    at_ms.div_euclid(1000) + i64::from(at_ms.rem_euclid(1000) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        let at = Instant::from_millis;
        let body =
            |class: &str, restore| Body { storage_class: Some(class.to_owned()), restore, ..Body::default() };
        let restore = Some(Restore { ready_ms: 100, expires_ms: 200, told: false });
        for (body, now, expected) in [
            (body("STANDARD_IA", None), 0, State::Active),
            (body("GLACIER_IR", None), 0, State::Active),
            (body("GLACIER", None), 0, State::Archived),
            (body("GLACIER", restore), 99, State::Restoring),
            (body("DEEP_ARCHIVE", restore), 100, State::Restored(at(200))),
            (body("DEEP_ARCHIVE", restore), 200, State::Archived),
        ] {
            assert_eq!(state(&body, at(now)), expected, "{body:?} {now}");
            let readable = matches!(expected, State::Active | State::Restored(_));
            assert_eq!(check_readable(&body, at(now)).is_ok(), readable);
        }
        assert_eq!(restored(DAY_MS + 1, 1).expires_ms, 3 * DAY_MS);
        assert_eq!(header(&body("GLACIER", restore), at(1)).as_deref(), Some("ongoing-request=\"true\""));
        assert_eq!(
            header(&body("GLACIER", restore), at(150)).as_deref(),
            Some("ongoing-request=\"false\", expiry-date=\"Thu, 01 Jan 1970 00:00:00 GMT\"")
        );
    }

    #[test]
    fn tiers() {
        assert_eq!(Tier::Expedited.duration_ms("DEEP_ARCHIVE"), None);
        assert_eq!(Tier::Bulk.duration_ms("DEEP_ARCHIVE"), Some(2 * DAY_MS));
        assert!(Tier::Expedited > Tier::Standard && Tier::Standard > Tier::Bulk);
    }
}
