//! Object Lock: what may be asked for, and what it then forbids. Nobody is let through: not the root user, not a
//! lifecycle rule; only governance mode gives way, to who has the permission and says so.
//!
//! Source: S3 User Guide, "Locking objects with Object Lock".

use haneul_kit::{Cx, Instant, Result};

use http::Method;

use crate::bucket::Bucket;
use crate::error;
use crate::model::ObjectLock;
use crate::model::lock::{LockMode, Retention};

/// Longest default retention (S3 User Guide, "Object Lock considerations").
pub(crate) const DAYS_MAX: i32 = 36_500;
pub(crate) const YEARS_MAX: i32 = 100;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The headers of a write that are about the lock.
#[derive(Clone, Debug, Default)]
pub(crate) struct LockHeaders {
    pub(crate) mode: Option<String>,
    pub(crate) retain_until: Option<Instant>,
    pub(crate) legal_hold: Option<String>,
    pub(crate) event_hold: bool,
}

impl LockHeaders {
    pub(crate) fn is_given(&self) -> bool {
        self.mode.is_some() || self.retain_until.is_some() || self.legal_hold.is_some() || self.event_hold
    }

    /// The lock that a new object gets: as asked for, or the bucket's default.
    pub(crate) fn resolve(&self, bucket: &Bucket, now: Instant) -> Result<ObjectLock> {
        if self.event_hold {
            return Err(error::not_implemented("An event hold"));
        }
        let Some(lock) = bucket.record.lock else {
            return if self.is_given() { Err(error::no_object_lock()) } else { Ok(ObjectLock::default()) };
        };
        let legal_hold = self.legal_hold.as_deref().map(parse_hold).transpose()?;
        let retention = match (self.mode.as_deref(), self.retain_until) {
            (None, None) => lock.default.map(|default| Retention {
                mode: default.mode,
                until_ms: now.millis() + i64::from(default.period.days()) * DAY_MS,
            }),
            (Some(mode), Some(until)) => {
                let mode = LockMode::parse(mode).ok_or_else(|| {
                    error::invalid_argument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
                })?;
                if until <= now {
                    let value = until.iso8601_millis();
                    let name = "x-amz-object-lock-retain-until-date";
                    return Err(error::invalid_argument(NOT_IN_FUTURE, name, value));
                }
                Some(Retention { mode, until_ms: until.millis() })
            }
            _ => {
                let message =
                    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
                return Err(error::new("InvalidArgument", 400, message)
                    .with_field("ArgumentName", "x-amz-object-lock-mode"));
            }
        };
        Ok(ObjectLock { retention, legal_hold })
    }
}

fn parse_hold(text: &str) -> Result<bool> {
    match text {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        other => Err(error::invalid_argument(
            "Legal Hold must be either of 'ON' or 'OFF'",
            "x-amz-object-lock-legal-hold",
            other,
        )),
    }
}

const NOT_IN_FUTURE: &str = "The retain until date must be in the future!";

/// The date of a document, which S3 writes as Java does and in the time of Seattle.
pub(crate) fn check_future(until: Instant, now: Instant) -> Result<()> {
    if until > now {
        return Ok(());
    }
    let shown = jiff::Timestamp::from_millisecond(until.millis())
        .and_then(|at| at.in_tz("America/Los_Angeles"))
        .map(|at| at.strftime("%a %b %d %H:%M:%S %Z %Y").to_string());
    Err(error::invalid_argument(
        NOT_IN_FUTURE,
        "RetainUntilDate",
        shown.unwrap_or_else(|_| until.iso8601_millis()),
    ))
}

/// What is locked must have come whole: S3 wants a checksum with it (PutObject, "x-amz-object-lock-mode").
pub(crate) fn check_integrity(cx: &Cx, lock: &ObjectLock, has_checksum: bool) -> Result<()> {
    // A browser's form and calls inside the cloud have no headers.
    if lock.is_empty() || has_checksum || cx.http().is_none_or(|http| http.method == Method::POST) {
        return Ok(());
    }
    Err(error::invalid_request(
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters",
    ))
}

/// Whether a retention may take the place of another. `None` takes it away.
///
/// Either can be made longer by who may set it. Governance can be made anything else, compliance included, by who may
/// bypass it and says so.
pub(crate) fn check_change(
    old: Option<Retention>,
    new: Option<Retention>,
    now: Instant,
    bypass: bool,
) -> Result<()> {
    let Some(old) = old.filter(|old| old.is_active(now)) else { return Ok(()) };
    let is_longer = new.is_some_and(|new| new.until_ms >= old.until_ms);
    let allowed = match old.mode {
        LockMode::Compliance => is_longer && new.is_some_and(|new| new.mode == LockMode::Compliance),
        LockMode::Governance => {
            bypass || (is_longer && new.is_some_and(|new| new.mode == LockMode::Governance))
        }
    };
    if allowed { Ok(()) } else { Err(error::locked()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes() {
        let now = Instant::from_secs(1000);
        let of = |mode, until_s: i64| Some(Retention { mode, until_ms: until_s * 1000 });
        use LockMode::{Compliance as C, Governance as G};
        for (old, new, bypass, allowed) in [
            (None, of(C, 2000), false, true),
            (of(C, 900), None, false, true),
            (of(C, 2000), of(C, 3000), false, true),
            (of(C, 2000), of(C, 2000), false, true),
            (of(C, 2000), of(C, 1500), true, false),
            (of(C, 2000), of(G, 3000), true, false),
            (of(C, 2000), None, true, false),
            (of(G, 2000), of(G, 3000), false, true),
            (of(G, 2000), of(C, 3000), false, false),
            (of(G, 2000), of(C, 3000), true, true),
            (of(G, 2000), of(G, 1500), false, false),
            (of(G, 2000), of(G, 1500), true, true),
            (of(G, 2000), None, false, false),
            (of(G, 2000), None, true, true),
        ] {
            assert_eq!(check_change(old, new, now, bypass).is_ok(), allowed, "{old:?} {new:?} {bypass}");
        }
    }

    #[test]
    fn deletions() {
        let now = Instant::from_secs(1000);
        let lock = |mode: Option<LockMode>, hold: Option<bool>| ObjectLock {
            retention: mode.map(|mode| Retention { mode, until_ms: 1_000_001 }),
            legal_hold: hold,
        };
        for (lock, bypass, forbidden) in [
            (lock(None, None), false, false),
            (lock(None, Some(false)), false, false),
            (lock(None, Some(true)), true, true),
            (lock(Some(LockMode::Governance), None), false, true),
            (lock(Some(LockMode::Governance), None), true, false),
            (lock(Some(LockMode::Governance), Some(true)), true, true),
            (lock(Some(LockMode::Compliance), None), true, true),
        ] {
            assert_eq!(lock.forbids_deletion(now, bypass), forbidden, "{lock:?} {bypass}");
        }
        let compliance = lock(Some(LockMode::Compliance), None);
        assert!(!compliance.forbids_deletion(Instant::from_secs(1001), false), "it has ended");
    }
}
