//! The credential: `AKID/YYYYMMDD/REGION/SERVICE/aws4_request`, without the Region in version 4A.

use std::borrow::Cow;

use crate::error::{AuthError, Carrier};

/// An access key id is at most 128 characters, regions and services far less: more is no credential.
const CREDENTIAL_BYTES_MAX: usize = 512;

/// An access key id and the scope it signs for. A request's service and region are known from it, before anything is
/// looked up or verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential<'a> {
    text: Cow<'a, str>,
    /// Where the four slashes are.
    slashes: [u16; 4],
}

impl<'a> Credential<'a> {
    /// # Errors
    /// [`AuthError::CredentialMalformed`], [`AuthError::WrongTerminator`], [`AuthError::ScopeDateMalformed`].
    pub fn parse(text: Cow<'a, str>, carrier: Carrier) -> Result<Self, AuthError> {
        Self::read(text, carrier, true)
    }

    /// One of version 4A: its scope has no Region.
    ///
    /// # Errors
    /// As [`Credential::parse`].
    pub fn parse_without_region(text: Cow<'a, str>, carrier: Carrier) -> Result<Self, AuthError> {
        Self::read(text, carrier, false)
    }

    fn read(text: Cow<'a, str>, carrier: Carrier, has_region: bool) -> Result<Self, AuthError> {
        let malformed = || AuthError::CredentialMalformed { carrier, credential: shorten(&text) };
        if text.len() > CREDENTIAL_BYTES_MAX {
            return Err(malformed());
        }
        let mut slashes = [0; 4];
        let mut found = 0;
        for (i, b) in text.bytes().enumerate() {
            // A newline would let a scope forge lines of the string to sign.
            if b <= b' ' || b == 0x7f {
                return Err(malformed());
            }
            if b == b'/' {
                *slashes.get_mut(found).ok_or_else(malformed)? = i as u16;
                found += 1;
            }
        }
        if found != if has_region { 4 } else { 3 } {
            return Err(malformed());
        }
        if !has_region {
            // No room between two slashes that are one.
            slashes = [slashes[0], slashes[1], slashes[1], slashes[2]];
        }
        let credential = Self { text, slashes };
        let terminator = &credential.text[usize::from(slashes[3]) + 1..];
        if terminator != "aws4_request" {
            return Err(AuthError::WrongTerminator { carrier, terminator: terminator.to_owned() });
        }
        let date = credential.date();
        if date.len() != 8 || !date.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AuthError::ScopeDateMalformed { carrier, date: date.to_owned() });
        }
        if credential.access_key_id().is_empty()
            || (has_region && credential.region().is_empty())
            || credential.service().is_empty()
        {
            return Err(AuthError::CredentialMalformed { carrier, credential: shorten(&credential.text) });
        }
        Ok(credential)
    }

    pub fn access_key_id(&self) -> &str {
        &self.text[..usize::from(self.slashes[0])]
    }

    /// `date/region/service/aws4_request`.
    pub fn scope(&self) -> &str {
        &self.text[usize::from(self.slashes[0]) + 1..]
    }

    /// `YYYYMMDD`.
    pub fn date(&self) -> &str {
        self.between(0)
    }

    /// Empty in version 4A.
    pub fn region(&self) -> &str {
        if self.slashes[1] == self.slashes[2] { "" } else { self.between(1) }
    }

    pub fn service(&self) -> &str {
        self.between(2)
    }

    /// Whether S3's rules of canonicalisation, payloads and errors hold.
    pub fn is_s3(&self) -> bool {
        is_s3(self.service())
    }

    fn between(&self, slash: usize) -> &str {
        &self.text[usize::from(self.slashes[slash]) + 1..usize::from(self.slashes[slash + 1])]
    }
}

/// The signing names whose paths are encoded once and not normalised.
pub(crate) fn is_s3(service: &str) -> bool {
    matches!(service, "s3" | "s3express" | "s3-outposts" | "s3-object-lambda")
}

fn shorten(text: &str) -> String {
    text.chars().take(CREDENTIAL_BYTES_MAX).collect()
}
