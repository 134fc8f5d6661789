//! S3's browser uploads: a form whose fields carry the credential, and a signature over the policy that the other
//! fields have to meet.

use std::borrow::Cow;

use crate::credential::Credential;
use crate::error::{AuthError, Carrier, SignatureMismatch};
use crate::key::SigningKey;
use crate::timestamp::Timestamp;
use crate::v2::PostFormV2;
use crate::verify::Verifier;

/// What the fields of a POST form carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostAuth<'a> {
    /// No policy and no signature.
    Anonymous,
    SigV4(PostForm<'a>),
    /// `AWSAccessKeyId` and `signature`.
    SigV2(PostFormV2<'a>),
}

/// A form signed with signature version 4; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostForm<'a> {
    pub credential: Credential<'a>,
    pub timestamp: Timestamp,
    /// In base64, as given: this text is what is signed. [`PostPolicy::parse`](crate::PostPolicy::parse) reads it.
    pub policy: &'a str,
    pub signature: &'a str,
    pub security_token: Option<&'a str>,
}

impl<'a> PostAuth<'a> {
    /// Reads the fields that precede the file. Their names are compared without case, and the first of a name counts.
    ///
    /// # Errors
    /// `PostFieldMissing`, `UnsupportedAlgorithm`, `SigV4A`, `DateMalformed`, `ScopeDateMismatch`, and those of the credential.
    pub fn parse(fields: &[(&'a str, &'a str)]) -> Result<Self, AuthError> {
        let field =
            |name: &str| fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        let required = |name: &'static str| field(name).ok_or(AuthError::PostFieldMissing { name });

        let (v2_id, v2_signature) = (field("AWSAccessKeyId"), field("signature"));
        let is_v4 =
            ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"].iter().any(|n| field(n).is_some());
        if !is_v4 {
            return match (field("policy"), v2_id) {
                (policy, Some(access_key_id)) if v2_signature.is_some() => Ok(Self::SigV2(PostFormV2 {
                    access_key_id,
                    policy: policy.ok_or(AuthError::PostFieldMissing { name: "policy" })?,
                    signature: v2_signature.unwrap_or_default(),
                    security_token: field("x-amz-security-token"),
                })),
                // A policy that nobody signed restricts nobody; S3 takes the form for an anonymous one only without it.
                (Some(_), _) => Err(AuthError::PostFieldMissing { name: "X-Amz-Algorithm" }),
                (None, _) => Ok(Self::Anonymous),
            };
        }
        let policy = required("policy")?;
        match required("X-Amz-Algorithm")? {
            "AWS4-HMAC-SHA256" => {}
            "AWS4-ECDSA-P256-SHA256" => return Err(AuthError::SigV4A),
            _ => return Err(AuthError::UnsupportedAlgorithm),
        }
        let credential = Credential::parse(Cow::Borrowed(required("X-Amz-Credential")?), Carrier::Form)?;
        let date = required("X-Amz-Date")?;
        let timestamp = Timestamp::parse_basic(date)
            .ok_or_else(|| AuthError::DateMalformed { carrier: Carrier::Form, date: date.to_owned() })?;
        if timestamp.basic().date() != credential.date() {
            let date = credential.date().to_owned();
            return Err(AuthError::ScopeDateMismatch { carrier: Carrier::Form, date, timestamp });
        }
        Ok(Self::SigV4(PostForm {
            credential,
            timestamp,
            policy,
            signature: required("X-Amz-Signature")?,
            security_token: field("x-amz-security-token"),
        }))
    }
}

impl Verifier {
    /// Verifies the signature of a form's policy. Whether the form meets the policy is
    /// [`PostPolicy::check`](crate::PostPolicy::check)'s to say.
    ///
    /// # Errors
    /// `SignatureMismatch`.
    pub fn verify_post(&self, form: &PostForm<'_>, secret_access_key: &str) -> Result<(), AuthError> {
        let credential = &form.credential;
        let id = credential.access_key_id();
        let cached = self.cache().get(id, secret_access_key, credential.scope());
        let known = cached.is_some();
        let key = cached.unwrap_or_else(|| {
            SigningKey::derive(
                secret_access_key,
                credential.date(),
                credential.region(),
                credential.service(),
            )
        });
        if !key.verify(form.policy.as_bytes(), form.signature.as_bytes()) {
            return Err(AuthError::SignatureMismatch(Box::new(SignatureMismatch {
                access_key_id: id.to_owned(),
                string_to_sign: form.policy.to_owned(),
                signature_provided: form.signature.to_owned(),
                canonical_request: None,
            })));
        }
        if !known {
            self.cache().insert(id, secret_access_key, credential.scope(), key);
        }
        Ok(())
    }
}
