//! Secrets as they lie in the store: sealed under the cloud's key, never as they are.

use std::fmt;

use haneul_kit::{ApiError, Result, Seal};
use serde::{Deserialize, Serialize};

/// The purpose under which all of IAM's secrets are sealed.
const PURPOSE: &str = "iam secret";

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Secret {
    Sealed(String),
    /// As clouds before version 2 of the record kept them; sealed at the next start.
    Plain(String),
}

impl Secret {
    pub(crate) fn seal(seal: &Seal, text: &str) -> Secret {
        Secret::Sealed(seal.seal(PURPOSE, text.as_bytes()))
    }

    pub(crate) fn open(&self, seal: &Seal) -> Result<String> {
        match self {
            Secret::Plain(text) => Ok(text.clone()),
            Secret::Sealed(token) => seal
                .open(PURPOSE, token)
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| ApiError::internal("a secret was sealed under another cloud's key")),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(withheld)")
    }
}

#[cfg(test)]
mod tests {
    use haneul_env::Rng;

    use super::*;

    #[test]
    fn only_the_cloud_that_sealed_reads() {
        let seal = Seal::new(&[1; 32], Rng::seeded(1));
        let secret = Secret::seal(&seal, "top");
        let stored = serde_json::to_string(&secret).unwrap();
        assert!(!stored.contains("top") && !format!("{secret:?}").contains("top"), "{stored}");
        let read: Secret = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.open(&seal).unwrap(), "top");
        assert!(read.open(&Seal::new(&[2; 32], Rng::seeded(1))).is_err());
    }
}
