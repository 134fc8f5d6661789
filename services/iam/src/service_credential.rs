//! Passwords and API keys for one service: their forms, and how one that comes is taken apart.
//!
//! A password is told beside its name (CodeCommit's Git, Keyspaces' CQL). An API key has both in it: letters for the
//! service, then name and password in Base64, as the tokens of Amazon Bedrock are.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_env::Rng;
use sha2::{Digest, Sha256};

/// 60 characters.
const PASSWORD_BYTES: usize = 44;

const LOGS_PREFIX: &str = "ACWL";

/// IAM User Guide, "Service-specific credentials for IAM users" and "API keys for AWS services".
const SERVICES: &[(&str, Kind)] = &[
    ("codecommit.amazonaws.com", Kind::Password),
    ("cassandra.amazonaws.com", Kind::Password),
    ("bedrock.amazonaws.com", Kind::ApiKey("ABSK")),
    ("logs.amazonaws.com", Kind::ApiKey(LOGS_PREFIX)),
    ("cloudwatch.amazonaws.com", Kind::ApiKey("APIAACWM")),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Password,
    /// With the letters that its text begins with.
    ApiKey(&'static str),
}

impl Kind {
    /// What a service takes; `None` for one that takes nothing of the kind.
    pub(crate) fn of(service: &str) -> Option<Kind> {
        SERVICES.iter().find(|(name, _)| *name == service).map(|(_, kind)| *kind)
    }

    pub(crate) fn is_api_key(self) -> bool {
        matches!(self, Kind::ApiKey(_))
    }

    /// Whether something is here that takes it: Logs does, at its HTTP endpoints.
    pub(crate) fn is_taken(self) -> bool {
        self == Kind::ApiKey(LOGS_PREFIX)
    }

    /// What the user is shown.
    pub(crate) fn text(self, name: &str, password: &Password) -> String {
        match self {
            Kind::Password => password.0.clone(),
            Kind::ApiKey(prefix) => format!("{prefix}{}", STANDARD.encode(format!("{name}:{}", password.0))),
        }
    }

    /// The name and the password in an API key.
    pub(crate) fn read(self, text: &str) -> Option<(String, Password)> {
        let Kind::ApiKey(prefix) = self else { return None };
        let bytes = STANDARD.decode(text.strip_prefix(prefix)?).ok()?;
        let whole = String::from_utf8(bytes).ok()?;
        let (name, password) = whole.split_once(':')?;
        Some((name.to_owned(), Password(password.to_owned())))
    }
}

pub(crate) struct Password(String);

impl Password {
    pub(crate) fn new(rng: &Rng) -> Password {
        Password(STANDARD.encode(rng.bytes::<PASSWORD_BYTES>()))
    }

    /// SHA-256 in hexadecimal. Who compares hashes of random passwords learns nothing from how long that took.
    pub(crate) fn hash(&self) -> String {
        let mut text = String::new();
        for byte in Sha256::digest(self.0.as_bytes()) {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_key_says_whose_it_is() {
        let (logs, password) = (Kind::of("logs.amazonaws.com").unwrap(), Password::new(&Rng::seeded(1)));
        let text = logs.text("jane-at-123456789012", &password);
        assert!(text.starts_with("ACWL"), "{text}");
        let (name, read) = logs.read(&text).unwrap();
        assert_eq!((name.as_str(), read.hash()), ("jane-at-123456789012", password.hash()));
        let bedrock = Kind::of("bedrock.amazonaws.com").unwrap();
        for (kind, text) in [
            (bedrock, text.as_str()),
            (Kind::Password, text.as_str()),
            (logs, "ACWL"),
            (logs, ""),
            (logs, "ACWL!"),
            (logs, "ACWLamFuZQ=="),
            (logs, "ACWL/////w=="),
        ] {
            assert!(kind.read(text).is_none(), "{kind:?} {text}");
        }
        assert_eq!(Kind::of("s3.amazonaws.com"), None);
    }
}
