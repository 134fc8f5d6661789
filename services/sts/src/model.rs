//! What is kept: the keys that sign web identity tokens. Sessions are in their tokens.

use haneul_kit::Instant;
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// The keys of an issuer, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SigningKeys {
    pub keys: Vec<SigningKey>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SigningKey {
    /// `kid`
    pub id: String,
    pub algorithm: Algorithm,
    pub created_ms: i64,
    /// PKCS #8, sealed under the cloud's key.
    pub sealed: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES384")]
    Es384,
}

impl Algorithm {
    pub(crate) const ALL: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es384];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es384 => "ES384",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

impl SigningKey {
    pub(crate) fn created(&self) -> Instant {
        Instant::from_millis(self.created_ms)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({}, {}, withheld)", self.id, self.algorithm.as_str())
    }
}

impl Record for SigningKeys {}

/// By issuer.
pub(crate) static SIGNING_KEYS: Table<String, SigningKeys> = Table::new("sts.signing-keys");
