/// Why a response was not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlError {
    pub problem: Problem,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// `InvalidIdentityToken`
    Invalid,
    /// `ExpiredTokenException`
    Expired,
    /// `IDPRejectedClaim`
    Rejected,
    /// `AccessDenied`: it does not speak of the role that was asked for.
    Denied,
}

impl SamlError {
    pub(super) fn invalid(message: impl Into<String>) -> SamlError {
        SamlError { problem: Problem::Invalid, message: message.into() }
    }

    pub(super) fn expired(message: impl Into<String>) -> SamlError {
        SamlError { problem: Problem::Expired, message: message.into() }
    }

    pub(super) fn rejected(message: impl Into<String>) -> SamlError {
        SamlError { problem: Problem::Rejected, message: message.into() }
    }

    pub(super) fn denied() -> SamlError {
        let message = "Not authorized to perform sts:AssumeRoleWithSAML";
        SamlError { problem: Problem::Denied, message: message.into() }
    }
}
