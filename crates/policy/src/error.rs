//! Why a document was refused.

use std::fmt;

/// A refused policy document: where, and the text that IAM answers with under `MalformedPolicyDocument`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    pub kind: ErrorKind,
    /// Path of the offending field, e.g. `Statement[2].Condition.StringEquals`; empty for the document.
    pub path: String,
    /// IAM's own message.
    pub message: String,
}

/// What sort of refusal this is, for callers that answer with a code of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Not JSON, a duplicate key, or deeper than any policy can be.
    Json,
    /// JSON, but not a policy of the kind asked for.
    Malformed,
    /// A principal whose form cannot name anyone; some services use a code of their own for it.
    InvalidPrincipal,
    /// Longer than the kind's quota, in characters; IAM answers `LimitExceeded`, others otherwise.
    TooLong { length: usize, length_max: usize },
}

impl PolicyError {
    pub(crate) fn malformed(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Malformed, path: path.into(), message: message.into() }
    }

    pub(crate) fn syntax(path: impl Into<String>) -> Self {
        Self::malformed(path, SYNTAX)
    }

    pub(crate) fn legacy(path: impl Into<String>) -> Self {
        Self::malformed(path, LEGACY)
    }

    pub(crate) fn missing(statement: &str, field: &str) -> Self {
        Self::malformed(format!("{statement}.{field}"), format!("Missing required field {field}"))
    }

    pub(crate) fn no_actions(statement: &str) -> Self {
        Self::malformed(format!("{statement}.Action"), "Policy statement must contain actions.")
    }

    pub(crate) fn no_resources(statement: &str) -> Self {
        Self::malformed(format!("{statement}.Resource"), "Policy statement must contain resources.")
    }

    pub(crate) fn principal_given(path: String) -> Self {
        Self::malformed(path, "Policy document should not specify a principal.")
    }

    pub(crate) fn sid(path: String) -> Self {
        let message = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
                       expression [0-9A-Za-z]*";
        Self::malformed(path, message)
    }

    pub(crate) fn sid_twice() -> Self {
        Self::malformed("Statement", "Statement IDs (SID) in a single policy must be unique.")
    }

    pub(crate) fn principal(path: impl Into<String>, kind: &str, value: &str) -> Self {
        Self {
            kind: ErrorKind::InvalidPrincipal,
            path: path.into(),
            message: format!("Invalid principal in policy: \"{}\":\"{value}\"", kind.to_uppercase()),
        }
    }
}

pub(crate) const SYNTAX: &str = "Syntax errors in policy.";
pub(crate) const LEGACY: &str = "The policy failed legacy parsing";
/// Of a trust policy.
pub(crate) const INVALID_JSON: &str = "This policy contains invalid Json";
/// Of a trust policy.
pub(crate) const LEADING_SPACE: &str = "JSON strings must not have leading spaces";

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PolicyError {}
