//! Verification: is this the signature that the owner of the secret would have made for this request, and now?

use std::borrow::Cow;

use http::HeaderName;
use sha2::{Digest, Sha256};

use crate::asymmetric::{ALGORITHM, PublicKey};
use crate::canonical::{
    Form, PathForm, needs_normalising, push_path, push_query, push_request, without_port,
};
use crate::encode::{ascii, hex_32};
use crate::error::{AuthError, Carrier, SignatureMismatch};
use crate::key::{SigningKey, SigningKeyCache};
use crate::parse::SigV4;
use crate::payload::PayloadHash;
use crate::request::RequestParts;
use crate::timestamp::Timestamp;

/// How far a request's time may be from the server's, either way: 15 minutes.
pub const SKEW_S_MAX: i64 = 900;
/// Requests whose canonical form is longer are tried in the documented form only: a wrong signature must stay cheap.
const ALTERNATIVES_BYTES_MAX: usize = 16 * 1024;

/// What is known of the body when the signature is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// The body comes later, through a [`PayloadVerifier`](crate::PayloadVerifier).
    Deferred,
    /// The SHA-256 of the whole body.
    Sha256([u8; 32]),
}

impl Body {
    /// A body that is all there.
    pub fn hash(body: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(body).into())
    }
}

/// Verifies signatures, keeping the signing keys of those that proved right.
#[derive(Debug)]
pub struct Verifier {
    cache: SigningKeyCache,
}

/// A signature that proved right: the start of the chain that signs the chunks of a streaming payload.
#[derive(Clone, Debug)]
pub struct Verified {
    pub(crate) key: SigningKey,
    pub(crate) signature: [u8; 64],
}

impl Verifier {
    /// A verifier that keeps at most about `keys_max` signing keys.
    pub fn new(keys_max: usize) -> Self {
        Self { cache: SigningKeyCache::new(keys_max) }
    }

    pub fn cache(&self) -> &SigningKeyCache {
        &self.cache
    }

    /// Verifies that `auth`, parsed from `request`, was signed with this secret, and that it is valid at `now`.
    ///
    /// The region and the service are those of the credential's scope: whether they are the right ones is for the
    /// caller to say ([`SigV4::expect_region`]), as is whether the session token belongs to the access key.
    ///
    /// # Errors
    /// `HeadersNotSigned`, `ScopeDateMismatch`, `TimeSkewed`, `PresignedExpired`, `PresignedNotYetValid`,
    /// `MissingContentSha256`, `ContentSha256Invalid`, `ContentSha256Mismatch`, `BodyHashRequired`, `SigV4A`,
    /// `SignatureMismatch`.
    pub fn verify(
        &self,
        auth: &SigV4<'_>,
        request: &RequestParts<'_>,
        secret_access_key: &str,
        body: Body,
        now: Timestamp,
    ) -> Result<Verified, AuthError> {
        let credential = &auth.credential;
        let id = credential.access_key_id();
        if auth.is_asymmetric() {
            return verify_asymmetric(auth, request, secret_access_key, body, now);
        }
        let cached = self.cache.get(id, secret_access_key, credential.scope());
        let known = cached.is_some();
        let key = cached.unwrap_or_else(|| {
            SigningKey::derive(
                secret_access_key,
                credential.date(),
                credential.region(),
                credential.service(),
            )
        });
        let verified = verify_with_key(auth, request, key, body, now)?;
        if !known {
            self.cache.insert(id, secret_access_key, credential.scope(), verified.key.clone());
        }
        Ok(verified)
    }
}

/// [`Verifier::verify`] with a key that the caller derived for the credential's scope.
///
/// # Errors
/// Those of [`Verifier::verify`].
pub fn verify_with_key(
    auth: &SigV4<'_>,
    request: &RequestParts<'_>,
    key: SigningKey,
    body: Body,
    now: Timestamp,
) -> Result<Verified, AuthError> {
    check_signed_headers(auth, request)?;
    check_time(auth, now)?;
    let payload = payload_text(auth, body)?;

    let attempt = Attempt { auth, request, key: &key };
    let mut text = Vec::with_capacity(1024);
    let usual = Form::usual(auth.credential.is_s3());
    let fits = attempt.fits(&mut text, &payload, usual)
        || (text.len() <= ALTERNATIVES_BYTES_MAX && attempt.fits_otherwise(&payload, usual));
    if !fits {
        return Err(mismatch(auth, &text, &attempt.string_to_sign(&text)));
    }
    check_body(auth, body)?;
    // It fits, so it has the length of a signature.
    let signature = auth.signature.as_bytes().try_into().unwrap_or([0; 64]);
    Ok(Verified { key, signature })
}

/// A signature of version 4A. It is compared with the documented form alone: each comparison is dear.
fn verify_asymmetric(
    auth: &SigV4<'_>,
    request: &RequestParts<'_>,
    secret_access_key: &str,
    body: Body,
    now: Timestamp,
) -> Result<Verified, AuthError> {
    check_signed_headers(auth, request)?;
    check_time(auth, now)?;
    // Chunks that are signed go on from a signature of version 4.
    if matches!(auth.payload, PayloadHash::StreamingSigned | PayloadHash::StreamingSignedTrailer) {
        return Err(AuthError::SigV4A);
    }
    let payload = payload_text(auth, body)?;
    let mut text = Vec::with_capacity(1024);
    let form = Form::usual(auth.credential.is_s3());
    push_request(&mut text, request, auth.carrier, &auth.signed_headers, &payload, form);
    let to_sign = string_to_sign(ALGORITHM, auth.timestamp, auth.credential.scope(), &text);
    let key = PublicKey::of(auth.credential.access_key_id(), secret_access_key);
    if !key.is_some_and(|key| key.verify(&to_sign, &auth.signature)) {
        return Err(mismatch(auth, &text, &to_sign));
    }
    check_body(auth, body)?;
    // No chain of chunks begins with it.
    Ok(Verified { key: SigningKey::derive(secret_access_key, "", "", ""), signature: [0; 64] })
}

fn mismatch(auth: &SigV4<'_>, canonical_request: &[u8], string_to_sign: &[u8]) -> AuthError {
    AuthError::SignatureMismatch(Box::new(SignatureMismatch {
        access_key_id: auth.credential.access_key_id().to_owned(),
        string_to_sign: String::from_utf8_lossy(string_to_sign).into_owned(),
        signature_provided: auth.signature.clone().into_owned(),
        canonical_request: Some(String::from_utf8_lossy(canonical_request).into_owned()),
    }))
}

fn check_body(auth: &SigV4<'_>, body: Body) -> Result<(), AuthError> {
    if let (PayloadHash::Sha256(claimed), Body::Sha256(computed)) = (auth.payload, body)
        && claimed != computed
    {
        return Err(AuthError::ContentSha256Mismatch {
            claimed: ascii(&hex_32(&claimed)).to_owned(),
            computed: ascii(&hex_32(&computed)).to_owned(),
        });
    }
    Ok(())
}

struct Attempt<'a> {
    auth: &'a SigV4<'a>,
    request: &'a RequestParts<'a>,
    key: &'a SigningKey,
}

impl Attempt<'_> {
    /// Whether the signature is that of the canonical request in this form, which is left in `text`.
    fn fits(&self, text: &mut Vec<u8>, payload: &str, form: Form) -> bool {
        text.clear();
        push_request(text, self.request, self.auth.carrier, &self.auth.signed_headers, payload, form);
        self.key.verify(&self.string_to_sign(text), self.auth.signature.as_bytes())
    }

    fn string_to_sign(&self, canonical_request: &[u8]) -> Vec<u8> {
        string_to_sign(SYMMETRIC, self.auth.timestamp, self.auth.credential.scope(), canonical_request)
    }

    /// Tries the other forms, where they differ from the usual one.
    fn fits_otherwise(&self, payload: &str, usual: Form) -> bool {
        let Self { auth, request, .. } = self;
        let is_s3 = auth.credential.is_s3();
        let by_query = auth.carrier == Carrier::Query;

        let mut paths = vec![usual.path];
        if is_s3 {
            let mut single = Vec::new();
            push_path(&mut single, request.path, PathForm::Single);
            if single != request.path.as_bytes() {
                paths.push(PathForm::Raw);
            }
        } else if needs_normalising(request.path) {
            paths.push(PathForm::Double);
        }

        let (mut sorted, mut raw) = (Vec::new(), Vec::new());
        push_query(&mut sorted, request, auth.carrier, usual);
        push_query(&mut raw, request, auth.carrier, Form { raw_query: true, ..usual });
        let raw_query = choices(sorted != raw);
        let without_token = choices(by_query && auth.security_token.is_some());
        let bare_host = choices(request.host().is_some_and(|h| without_port(h).len() != h.len()));
        // A presigned URL signs no payload; a client may still send a header that says something.
        let mut payloads = vec![payload];
        if is_s3 && by_query && payload != "UNSIGNED-PAYLOAD" && !is_signed(auth, "x-amz-content-sha256") {
            payloads.push("UNSIGNED-PAYLOAD");
        }

        let mut text = Vec::new();
        for payload in payloads {
            for &path in &paths {
                for &raw_query in raw_query {
                    for &without_token in without_token {
                        for &bare_host in bare_host {
                            let form = Form { path, raw_query, without_token, bare_host };
                            if self.fits(&mut text, payload, form) {
                                return true;
                            }
                        }
                    }
                }
            }
        }
        false
    }
}

fn choices(differs: bool) -> &'static [bool] {
    if differs { &[false, true] } else { &[false] }
}

/// The algorithm of version 4.
pub(crate) const SYMMETRIC: &str = "AWS4-HMAC-SHA256";

pub(crate) fn string_to_sign(
    algorithm: &str,
    timestamp: Timestamp,
    scope: &str,
    canonical_request: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    out.extend_from_slice(algorithm.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(timestamp.basic().as_str().as_bytes());
    out.push(b'\n');
    out.extend_from_slice(scope.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(&hex_32(&Sha256::digest(canonical_request).into()));
    out
}

/// `host` and all `x-amz-*` headers have to be signed, but for two: a session token vouches for itself, and a
/// presigned URL may meet a client that says what it sends.
fn check_signed_headers(auth: &SigV4<'_>, request: &RequestParts<'_>) -> Result<(), AuthError> {
    let mut names = Vec::new();
    if !is_signed(auth, "host") {
        names.push("host".to_owned());
    }
    for name in request.headers.keys().map(HeaderName::as_str).filter(|n| n.starts_with("x-amz-")) {
        let exempt = match name {
            "x-amz-security-token" | "x-amz-s3session-token" => true,
            "x-amz-content-sha256" => auth.carrier == Carrier::Query,
            _ => false,
        };
        if !exempt && !is_signed(auth, name) {
            names.push(name.to_owned());
        }
    }
    if names.is_empty() { Ok(()) } else { Err(AuthError::HeadersNotSigned { names }) }
}

fn is_signed(auth: &SigV4<'_>, name: &str) -> bool {
    auth.signed_headers.split(';').any(|signed| signed.eq_ignore_ascii_case(name))
}

fn check_time(auth: &SigV4<'_>, now: Timestamp) -> Result<(), AuthError> {
    let timestamp = auth.timestamp;
    if timestamp.basic().date() != auth.credential.date() {
        return Err(AuthError::ScopeDateMismatch {
            carrier: auth.carrier,
            date: auth.credential.date().to_owned(),
            timestamp,
        });
    }
    let skewed = AuthError::TimeSkewed { timestamp, now, window_s: SKEW_S_MAX };
    let age_s = now.unix_s() - timestamp.unix_s();
    let Some(expires_s) = auth.expires_s else {
        return if age_s.abs() <= SKEW_S_MAX { Ok(()) } else { Err(skewed) };
    };
    if age_s < -SKEW_S_MAX {
        return Err(if auth.credential.is_s3() {
            AuthError::PresignedNotYetValid { timestamp, expires_s, now }
        } else {
            skewed
        });
    }
    // STS gives presigned calls 15 minutes whatever they ask for; EKS tokens (`X-Amz-Expires=60`, used for 14
    // minutes) live from that.
    if auth.credential.service() == "sts" {
        return if age_s <= SKEW_S_MAX { Ok(()) } else { Err(skewed) };
    }
    if age_s <= expires_s { Ok(()) } else { Err(AuthError::PresignedExpired { timestamp, expires_s, now }) }
}

/// The last line of the canonical request.
fn payload_text<'a>(auth: &'a SigV4<'_>, body: Body) -> Result<Cow<'a, str>, AuthError> {
    let is_s3 = auth.credential.is_s3();
    let said = auth.payload_text.as_deref().unwrap_or_default();
    match auth.payload {
        PayloadHash::StreamingSigV4A => Err(AuthError::SigV4A),
        PayloadHash::Invalid if is_s3 => Err(AuthError::ContentSha256Invalid { value: said.to_owned() }),
        PayloadHash::Absent if is_s3 && auth.carrier == Carrier::Header => {
            Err(AuthError::MissingContentSha256)
        }
        PayloadHash::Absent if is_s3 => Ok(Cow::Borrowed("UNSIGNED-PAYLOAD")),
        PayloadHash::Absent | PayloadHash::Invalid => match body {
            Body::Sha256(hash) => Ok(Cow::Owned(ascii(&hex_32(&hash)).to_owned())),
            Body::Deferred => Err(AuthError::BodyHashRequired),
        },
        _ => Ok(Cow::Borrowed(said)),
    }
}
