//! The keys that clients bring with each request (SSE-C): what must come with them, and how S3 refuses what does not fit.
//!
//! Source: S3 User Guide, "Using server-side encryption with customer-provided keys (SSE-C)".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::Result;

use crate::checksum::{Algorithm, Digest};
use crate::error;
use crate::model::encryption::{Scheme, Sealed};

/// `x-amz-server-side-encryption-customer-…`, or the same of a copy's source.
#[derive(Clone, Debug, Default)]
pub(crate) struct CustomerKey {
    pub(crate) algorithm: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) md5: Option<String>,
}

impl CustomerKey {
    pub(crate) fn is_given(&self) -> bool {
        self.algorithm.is_some() || self.key.is_some() || self.md5.is_some()
    }

    /// The key and its MD5; all three headers come together.
    pub(super) fn read(&self) -> Result<Option<([u8; 32], String)>> {
        if !self.is_given() {
            return Ok(None);
        }
        // S3 names the header without the ending that was wrong.
        let name = "x-amz-server-side-encryption";
        let missing = |what: &str| {
            let message = format!(
                "Requests specifying Server Side Encryption with Customer provided keys must provide {what}."
            );
            error::invalid_argument(message, name, "null")
        };
        match self.algorithm.as_deref() {
            None => return Err(missing("a valid encryption algorithm")),
            Some("AES256") => {}
            Some(other) => {
                let message = "The Encryption request you specified is not valid. Supported value: AES256.";
                return Err(error::new("InvalidEncryptionAlgorithmError", 400, message)
                    .with_field("ArgumentName", name)
                    .with_field("ArgumentValue", other));
            }
        }
        let key = self.key.as_deref().ok_or_else(|| missing("an appropriate secret key"))?;
        let md5 =
            self.md5.as_deref().ok_or_else(|| missing("the client calculated MD5 of the secret key"))?;
        let bytes: Option<[u8; 32]> = STANDARD.decode(key).ok().and_then(|key| key.try_into().ok());
        let bytes = bytes.ok_or_else(|| {
            let message = "The secret key was invalid for the specified algorithm.";
            error::invalid_argument(message, name, "null")
        })?;
        if STANDARD.encode(Digest::of(Algorithm::Md5, &bytes)) != md5 {
            let message = "The calculated MD5 hash of the key did not match the hash that was provided.";
            return Err(error::invalid_argument(message, name, "null"));
        }
        Ok(Some((bytes, md5.to_owned())))
    }

    /// What a part must say of SSE-C: what its upload said.
    pub(crate) fn check_part(&self, upload: Option<&Sealed>) -> Result<()> {
        let given = self.read()?;
        let wanted = match upload.map(|sealed| &sealed.scheme) {
            Some(Scheme::Customer(md5)) => Some(md5),
            _ => None,
        };
        match (wanted, given) {
            (None, None) => Ok(()),
            (Some(wanted), Some((_, md5))) if md5 == *wanted => Ok(()),
            (Some(_), Some(_)) => Err(error::invalid_request(
                "The provided encryption parameters did not match the ones used originally.",
            )),
            _ => Err(error::invalid_request(
                "The multipart upload initiate requested encryption. Subsequent part requests must include the \
                 appropriate encryption parameters.",
            )),
        }
    }
}
