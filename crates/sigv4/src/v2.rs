//! Signature version 2 where it is still in use: presigned URLs and forms of S3, which boto3 makes by itself for the Regions
//! of before 2014. In the `Authorization` header, and of other services, it is refused.
//!
//! Source: S3 API Reference, "Signing and authenticating REST requests" (signature version 2), "Browser-based uploads".

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::header::{CONTENT_TYPE, HeaderName};
use sha1::Sha1;

use crate::encode::decode_query;
use crate::error::{AuthError, SignatureMismatch};
use crate::request::RequestParts;
use crate::timestamp::Timestamp;

/// A URL signed with version 2; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignedV2<'a> {
    pub access_key_id: Cow<'a, str>,
    /// In base64, as given.
    pub(crate) signature: Cow<'a, str>,
    /// When it ends, as given; seconds since 1970 when it is right.
    pub(crate) expires: Option<Cow<'a, str>>,
    pub security_token: Option<Cow<'a, str>>,
}

/// A form signed with version 2; nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostFormV2<'a> {
    pub access_key_id: &'a str,
    /// In base64, as given: this text is what is signed.
    pub policy: &'a str,
    pub(crate) signature: &'a str,
    pub security_token: Option<&'a str>,
}

/// The parameters of a query that name a part of the resource, or what the answer is to say: these are signed.
const SIGNED_PARAMETERS: [&str; 44] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "retention",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
    "attributes",
];

impl PresignedV2<'_> {
    /// When the URL ends.
    ///
    /// # Errors
    /// `V2ParametersInvalid`.
    pub fn ends_at(&self) -> Result<Timestamp, AuthError> {
        let invalid =
            || AuthError::V2ParametersInvalid { expires: self.expires.as_deref().map(str::to_owned) };
        let given = self.expires.as_deref().and_then(|expires| expires.parse::<u32>().ok());
        given.map(|at| Timestamp::from_unix_s(i64::from(at))).ok_or_else(invalid)
    }

    /// Verifies that `request`, which it was parsed from, was signed with this secret. `bucket` is the one that the host names.
    /// Whether its time is over is the caller's to say.
    ///
    /// # Errors
    /// `SignatureMismatch`.
    pub fn verify(
        &self,
        request: &RequestParts<'_>,
        bucket: Option<&str>,
        secret_access_key: &str,
    ) -> Result<(), AuthError> {
        let text = self.string_to_sign(request, bucket);
        check(&text, &self.signature, &self.access_key_id, secret_access_key)
    }

    fn string_to_sign(&self, request: &RequestParts<'_>, bucket: Option<&str>) -> String {
        let header = |name: HeaderName| request.header(&name).unwrap_or_default();
        let mut text = format!(
            "{}\n{}\n{}\n{}\n",
            request.method,
            header(HeaderName::from_static("content-md5")).trim(),
            header(CONTENT_TYPE).trim(),
            self.expires.as_deref().unwrap_or_default(),
        );
        let mut of_amazon: Vec<(String, String)> = Vec::new();
        for name in request.headers.keys().filter(|name| name.as_str().starts_with("x-amz-")) {
            let values: Vec<Cow<'_, str>> =
                request.headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
            let values: Vec<&str> = values.iter().map(|value| value.trim()).collect();
            of_amazon.push((name.as_str().to_owned(), values.join(",")));
        }
        // What was signed as a header may come in the URL, as a session's token does.
        for (name, value) in request.query_pairs() {
            let name = decode_query(name).to_ascii_lowercase();
            if name.starts_with("x-amz-") && !of_amazon.iter().any(|(other, _)| *other == name) {
                of_amazon.push((name, decode_query(value).into_owned()));
            }
        }
        of_amazon.sort();
        for (name, value) in of_amazon {
            text += &format!("{name}:{value}\n");
        }
        if let Some(bucket) = bucket {
            text += "/";
            text += bucket;
        }
        text += request.path;
        let mut parameters: Vec<(Cow<'_, str>, Option<Cow<'_, str>>)> = request
            .query
            .unwrap_or_default()
            .split('&')
            .map(|pair| match pair.split_once('=') {
                Some((name, value)) => (decode_query(name), Some(decode_query(value))),
                None => (decode_query(pair), None),
            })
            .filter(|(name, _)| SIGNED_PARAMETERS.contains(&&**name))
            .collect();
        parameters.sort();
        for (at, (name, value)) in parameters.iter().enumerate() {
            text.push(if at == 0 { '?' } else { '&' });
            text += name;
            // `?acl=` is `?acl`.
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                text.push('=');
                text += value;
            }
        }
        text
    }
}

impl PostFormV2<'_> {
    /// Verifies the signature of the form's policy.
    ///
    /// # Errors
    /// `SignatureMismatch`.
    pub fn verify(&self, secret_access_key: &str) -> Result<(), AuthError> {
        check(self.policy, self.signature, self.access_key_id, secret_access_key)
    }
}

fn check(text: &str, signature: &str, access_key_id: &str, secret_access_key: &str) -> Result<(), AuthError> {
    let fits = Hmac::<Sha1>::new_from_slice(secret_access_key.as_bytes()).is_ok_and(|mut mac| {
        mac.update(text.as_bytes());
        // Compares in constant time.
        STANDARD.decode(signature.trim()).is_ok_and(|given| mac.verify_slice(&given).is_ok())
    });
    if fits {
        return Ok(());
    }
    Err(AuthError::SignatureMismatch(Box::new(SignatureMismatch {
        access_key_id: access_key_id.to_owned(),
        string_to_sign: text.to_owned(),
        signature_provided: signature.to_owned(),
        canonical_request: None,
    })))
}
