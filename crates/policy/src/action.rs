//! The `Action` and `NotAction` elements.

use crate::error::{PolicyError, SYNTAX};
use crate::pattern::Pattern;

const NO_VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const TWO_COLONS: &str = "Actions/Condition can contain only one colon.";

/// One action pattern. Actions are compared without regard to case, so what is matched is lowercase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActionPattern {
    /// As written, for printing.
    pub source: Box<str>,
    /// The service prefix in lower case; `None` for `*`, which is every action of every service.
    pub service: Option<Box<str>>,
    /// The whole of `service:operation` in lower case.
    pattern: Pattern,
}

impl ActionPattern {
    pub(crate) fn parse(source: &str, path: &str) -> Result<Self, PolicyError> {
        if source == "*" || source == "*:*" {
            return Ok(Self { source: source.into(), service: None, pattern: Pattern::Any });
        }
        let (service, operation) =
            source.split_once(':').ok_or_else(|| PolicyError::malformed(path, NO_VENDOR))?;
        if operation.contains(':') {
            return Err(PolicyError::malformed(path, TWO_COLONS));
        }
        let vendor = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if service.is_empty() {
            return Err(PolicyError::malformed(path, NO_VENDOR));
        }
        if !service.bytes().all(vendor) {
            return Err(PolicyError::malformed(path, format!("Vendor {service} is not valid")));
        }
        let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'?' | b'-' | b'_' | b'.' | b'/');
        if operation.is_empty() || !operation.bytes().all(name) {
            return Err(PolicyError::malformed(path, SYNTAX));
        }
        let lower = source.to_ascii_lowercase();
        Ok(Self {
            source: source.into(),
            service: Some(service.to_ascii_lowercase().into()),
            pattern: Pattern::new(&lower),
        })
    }

    /// The action itself, where the pattern has no wildcard.
    pub(crate) fn exact(&self) -> Option<&str> {
        match &self.pattern {
            Pattern::Exact(action) => Some(action),
            _ => None,
        }
    }

    pub(crate) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// `action` is in lower case.
    #[inline]
    pub(crate) fn matches(&self, action: &str) -> bool {
        self.pattern.matches(action)
    }
}
