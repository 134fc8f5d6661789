//! The chain of signatures that a signed aws-chunked payload carries: each covers the one before it.

use crate::encode::{ascii, hex_32};
use crate::error::{AuthError, SignatureMismatch};
use crate::key::SigningKey;
use crate::payload::EMPTY_SHA256;
use crate::timestamp::Timestamp;

/// Signs or verifies the chunks after a seed signature.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) key: SigningKey,
    pub(crate) timestamp: Timestamp,
    pub(crate) scope: String,
    pub(crate) access_key_id: String,
    pub(crate) previous: [u8; 64],
    /// Whether signatures have to be right (they have not where a configuration says so).
    pub(crate) checked: bool,
}

impl Chain {
    /// Signs the next chunk, given its hash.
    pub(crate) fn sign_chunk(&mut self, sha256: [u8; 32]) -> [u8; 64] {
        self.previous = self.key.sign(self.chunk_string(sha256).as_bytes());
        self.previous
    }

    /// Signs the trailers, given the hash of their `name:value\n` lines.
    pub(crate) fn sign_trailers(&mut self, sha256: [u8; 32]) -> [u8; 64] {
        self.previous = self.key.sign(self.trailer_string(sha256).as_bytes());
        self.previous
    }

    pub(crate) fn verify_chunk(&mut self, sha256: [u8; 32], signature: &[u8; 64]) -> Result<(), AuthError> {
        self.verify(self.chunk_string(sha256), signature)
    }

    pub(crate) fn verify_trailers(
        &mut self,
        sha256: [u8; 32],
        signature: &[u8; 64],
    ) -> Result<(), AuthError> {
        self.verify(self.trailer_string(sha256), signature)
    }

    fn verify(&mut self, string_to_sign: String, signature: &[u8; 64]) -> Result<(), AuthError> {
        if !self.checked || self.key.verify(string_to_sign.as_bytes(), signature) {
            self.previous = *signature;
            return Ok(());
        }
        Err(AuthError::SignatureMismatch(Box::new(SignatureMismatch {
            access_key_id: self.access_key_id.clone(),
            string_to_sign,
            signature_provided: String::from_utf8_lossy(signature).into_owned(),
            canonical_request: None,
        })))
    }

    fn chunk_string(&self, sha256: [u8; 32]) -> String {
        format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{EMPTY_SHA256}\n{}",
            self.timestamp,
            self.scope,
            ascii(&self.previous),
            ascii(&hex_32(&sha256))
        )
    }

    fn trailer_string(&self, sha256: [u8; 32]) -> String {
        format!(
            "AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}",
            self.timestamp,
            self.scope,
            ascii(&self.previous),
            ascii(&hex_32(&sha256))
        )
    }
}
