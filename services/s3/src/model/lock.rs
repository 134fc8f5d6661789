use haneul_kit::Instant;
use serde::{Deserialize, Serialize};

/// Object Lock of a bucket. Where a bucket has one, it is there for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketLock {
    #[serde(default)]
    pub(crate) default: Option<DefaultRetention>,
}

/// What a new object gets that says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DefaultRetention {
    pub(crate) mode: LockMode,
    pub(crate) period: Period,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Period {
    Days(u32),
    Years(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LockMode {
    #[serde(rename = "g")]
    Governance,
    #[serde(rename = "c")]
    Compliance,
}

/// The lock of one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectLock {
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) retention: Option<Retention>,
    /// `None` where none was ever set.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) legal_hold: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retention {
    #[serde(rename = "m")]
    pub(crate) mode: LockMode,
    #[serde(rename = "u")]
    pub(crate) until_ms: i64,
}

impl LockMode {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            LockMode::Governance => "GOVERNANCE",
            LockMode::Compliance => "COMPLIANCE",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<LockMode> {
        [LockMode::Governance, LockMode::Compliance].into_iter().find(|mode| mode.as_str() == text)
    }
}

impl Period {
    pub(crate) fn days(self) -> u32 {
        match self {
            Period::Days(days) => days,
            Period::Years(years) => years * 365,
        }
    }
}

impl Retention {
    pub(crate) fn is_active(&self, now: Instant) -> bool {
        self.until_ms > now.millis()
    }
}

impl ObjectLock {
    pub(crate) fn is_empty(&self) -> bool {
        *self == ObjectLock::default()
    }

    /// Whether the version may not be deleted now. `bypass` is the permission to break governance, and its use.
    pub(crate) fn forbids_deletion(&self, now: Instant, bypass: bool) -> bool {
        if self.legal_hold == Some(true) {
            return true;
        }
        match self.retention {
            Some(retention) if retention.is_active(now) => match retention.mode {
                LockMode::Compliance => true,
                LockMode::Governance => !bypass,
            },
            _ => false,
        }
    }
}
