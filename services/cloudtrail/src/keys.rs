//! The key pair that signs digests. Source: CloudTrail User Guide, "Custom implementations of log file integrity
//! validation": SHA-256 with RSA (PKCS #1 v1.5); public keys in PKCS #1 form, found by fingerprint.

use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::{ApiError, Instant, Result};
use haneul_store::{Range, Reads};
use sha2::{Digest, Sha256};

use crate::CloudTrail;
use crate::model::{KEYS, SigningKey};

/// How long a pair signs; the next one is made then. Its public key stays.
const VALIDITY: Duration = Duration::from_secs(365 * 86_400);

const PURPOSE: &str = "cloudtrail digest key";

pub(crate) struct Signer {
    pub(crate) fingerprint: String,
    pair: RsaKeyPair,
}

impl Signer {
    /// In hexadecimal.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<String> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(ApiError::internal)?;
        Ok(hex::encode(signature))
    }
}

impl CloudTrail {
    /// The pair that is valid at `at`, made when there is none.
    pub(crate) async fn signer(&self, at: Instant) -> Result<Signer> {
        for (fingerprint, key) in self.signing_keys().await? {
            if (key.from_ms..key.until_ms).contains(&at.millis()) {
                let opened = self.platform.seal.open(PURPOSE, &key.sealed);
                let pkcs8 = opened.ok_or_else(|| ApiError::internal("a digest key cannot be opened"))?;
                return load(&pkcs8, fingerprint);
            }
        }
        let made = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(ApiError::internal)?;
        let pkcs8: Pkcs8V1Der<'_> = made.as_der().map_err(ApiError::internal)?;
        let signer = load(pkcs8.as_ref(), String::new())?;
        let public = signer.pair.public_key().as_ref();
        let fingerprint = hex::encode(&Sha256::digest(public)[..16]);
        let key = SigningKey {
            sealed: self.platform.seal.seal(PURPOSE, pkcs8.as_ref()),
            public: STANDARD.encode(public),
            from_ms: at.millis(),
            until_ms: (at + VALIDITY).millis(),
        };
        self.platform.store.put(&KEYS, &fingerprint, &key).await?;
        Ok(Signer { fingerprint, pair: signer.pair })
    }

    pub(crate) async fn signing_keys(&self) -> Result<Vec<(String, SigningKey)>> {
        Ok(self.platform.store.scan(&KEYS, Range::all(), 1000).await?)
    }
}

fn load(pkcs8: &[u8], fingerprint: String) -> Result<Signer> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(ApiError::internal)?;
    Ok(Signer { fingerprint, pair })
}
