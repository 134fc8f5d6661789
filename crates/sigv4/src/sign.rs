//! Signing: for our own calls (the service bus, presigned URLs that we hand out) and for tests.

use std::fmt;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use sha2::{Digest, Sha256};

use crate::canonical::{Form, push_request};
use crate::chain::Chain;
use crate::credential::is_s3;
use crate::encode::{ascii, hex_32, push_encoded};
use crate::error::Carrier;
use crate::key::SigningKey;
use crate::payload::EMPTY_SHA256;
use crate::request::{RequestParts, X_AMZ_CONTENT_SHA256, X_AMZ_DATE, X_AMZ_SECURITY_TOKEN};
use crate::timestamp::Timestamp;
use crate::verify::{SYMMETRIC, string_to_sign};

/// An access key, and the session token that goes with a temporary one.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub access_key_id: &'a str,
    pub secret_access_key: &'a str,
    pub session_token: Option<&'a str>,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.access_key_id)
    }
}

/// Signs requests of one day, region and service.
#[derive(Clone, Debug)]
pub struct Signer<'a> {
    credentials: Credentials<'a>,
    service: &'a str,
    scope: String,
    key: SigningKey,
    now: Timestamp,
}

/// What to say of the payload.
#[derive(Clone, Copy, Debug)]
pub enum SignPayload<'a> {
    /// Hash these bytes.
    Bytes(&'a [u8]),
    /// This is the hash.
    Sha256([u8; 32]),
    /// `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// aws-chunked: the body then has to go through a [`ChunkSigner`]. Sets `x-amz-decoded-content-length` and, for
    /// the names given, `x-amz-trailer`. `content-length` is for the caller: see [`ChunkedForm::encoded_length`].
    Chunked { form: ChunkedForm, decoded_length: u64, trailers: &'a [&'a str] },
}

/// The three forms of aws-chunked payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkedForm {
    Signed,
    SignedTrailer,
    UnsignedTrailer,
}

/// A request that cannot be signed: no host, or something that is no header value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignError(&'static str);

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot sign: {}", self.0)
    }
}

impl std::error::Error for SignError {}

/// Headers that proxies and clients change on the way.
const NEVER_SIGNED: &[&str] = &[
    "authorization",
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

impl<'a> Signer<'a> {
    pub fn new(credentials: Credentials<'a>, region: &str, service: &'a str, now: Timestamp) -> Self {
        let basic = now.basic();
        let key = SigningKey::derive(credentials.secret_access_key, basic.date(), region, service);
        let scope = format!("{}/{region}/{service}/aws4_request", basic.date());
        Self { credentials, service, scope, key, now }
    }

    /// Adds `x-amz-date`, `x-amz-security-token`, where needed `host` and `x-amz-content-sha256`, and `authorization`.
    /// The path and query have to be percent-encoded already. The result signs the chunks of a chunked payload.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign(&self, parts: &mut Parts, payload: SignPayload<'_>) -> Result<ChunkSigner, SignError> {
        let headers = &mut parts.headers;
        headers.remove(AUTHORIZATION);
        if !headers.contains_key(HOST) {
            let host = parts.uri.authority().ok_or(SignError("no host"))?.as_str();
            headers.insert(HOST, value(host)?);
        }
        headers.insert(X_AMZ_DATE, value(self.now.basic().as_str())?);
        if let Some(token) = self.credentials.session_token {
            headers.insert(X_AMZ_SECURITY_TOKEN, value(token)?);
        }
        let text = payload_text(payload);
        if let SignPayload::Chunked { decoded_length, trailers, .. } = payload {
            headers.insert("x-amz-decoded-content-length", HeaderValue::from(decoded_length));
            if !trailers.is_empty() {
                headers.insert("x-amz-trailer", value(&trailers.join(","))?);
            }
        }
        if is_s3(self.service) || matches!(payload, SignPayload::Unsigned | SignPayload::Chunked { .. }) {
            headers.insert(X_AMZ_CONTENT_SHA256, value(&text)?);
        }
        let mut names: Vec<&str> =
            headers.keys().map(HeaderName::as_str).filter(|n| !NEVER_SIGNED.contains(n)).collect();
        names.sort_unstable();
        let signed_headers = names.join(";");
        let request = RequestParts::new(&parts.method, &parts.uri, &parts.headers);
        let signature = self.signature(&request, Carrier::Header, &signed_headers, &text);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={signed_headers}, Signature={}",
            self.credentials.access_key_id,
            self.scope,
            ascii(&signature)
        );
        parts.headers.insert(AUTHORIZATION, value(&authorization)?);
        Ok(self.chunk_signer(payload, signature))
    }

    /// The URL, presigned for `expires_s` seconds. `headers` are those that the request has to be sent with, exactly;
    /// `host` is taken from the URL unless it is among them. Outside S3 the body is empty.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn presign(
        &self,
        method: &http::Method,
        uri: &Uri,
        headers: &HeaderMap,
        expires_s: u32,
    ) -> Result<Uri, SignError> {
        let mut names: Vec<&str> =
            headers.keys().map(HeaderName::as_str).filter(|n| !NEVER_SIGNED.contains(n)).collect();
        if !headers.contains_key(HOST) {
            uri.authority().ok_or(SignError("no host"))?;
            names.push("host");
        }
        names.sort_unstable();
        let signed_headers = names.join(";");
        let basic = self.now.basic();
        let mut query = uri.query().unwrap_or_default().to_owned();
        let credential = format!("{}/{}", self.credentials.access_key_id, self.scope);
        let expires = expires_s.to_string();
        let mut add = |name: &str, value: &str| {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            let mut encoded = Vec::with_capacity(value.len());
            push_encoded(&mut encoded, value.as_bytes(), false);
            query.push_str(&String::from_utf8_lossy(&encoded));
        };
        add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
        add("X-Amz-Credential", &credential);
        add("X-Amz-Date", basic.as_str());
        add("X-Amz-Expires", &expires);
        add("X-Amz-SignedHeaders", &signed_headers);
        if let Some(token) = self.credentials.session_token {
            add("X-Amz-Security-Token", token);
        }
        let payload = if is_s3(self.service) { "UNSIGNED-PAYLOAD" } else { EMPTY_SHA256 };
        let request = RequestParts { query: Some(&query), ..RequestParts::new(method, uri, headers) };
        let signature = self.signature(&request, Carrier::Query, &signed_headers, payload);
        let target = format!("{}?{query}&X-Amz-Signature={}", uri.path(), ascii(&signature));
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(target).map_err(|_| SignError("not a URL"))?);
        Uri::from_parts(parts).map_err(|_| SignError("not a URL"))
    }

    /// The signature of a base64 POST policy: 64 hexadecimal digits.
    pub fn sign_policy(&self, policy: &str) -> String {
        ascii(&self.key.sign(policy.as_bytes())).to_owned()
    }

    /// `AKID/date/region/service/aws4_request`, as POST forms carry it.
    pub fn credential(&self) -> String {
        format!("{}/{}", self.credentials.access_key_id, self.scope)
    }

    fn signature(
        &self,
        request: &RequestParts<'_>,
        carrier: Carrier,
        signed_headers: &str,
        payload: &str,
    ) -> [u8; 64] {
        let mut text = Vec::with_capacity(1024);
        push_request(&mut text, request, carrier, signed_headers, payload, Form::usual(is_s3(self.service)));
        self.key.sign(&string_to_sign(SYMMETRIC, self.now, &self.scope, &text))
    }

    fn chunk_signer(&self, payload: SignPayload<'_>, seed: [u8; 64]) -> ChunkSigner {
        let form = match payload {
            SignPayload::Chunked { form, .. } => form,
            _ => ChunkedForm::UnsignedTrailer,
        };
        let chain = Chain {
            key: self.key.clone(),
            timestamp: self.now,
            scope: self.scope.clone(),
            access_key_id: self.credentials.access_key_id.to_owned(),
            previous: seed,
            checked: true,
        };
        ChunkSigner { form, chain }
    }
}

/// Frames and signs the chunks of an aws-chunked payload.
#[derive(Clone, Debug)]
pub struct ChunkSigner {
    form: ChunkedForm,
    chain: Chain,
}

impl ChunkSigner {
    /// What goes before a chunk's data; `\r\n` goes after it. All chunks but the last need 8 KiB or more, none may be empty.
    pub fn chunk_header(&mut self, data: &[u8]) -> Bytes {
        match self.form {
            ChunkedForm::UnsignedTrailer => format!("{:x}\r\n", data.len()).into(),
            ChunkedForm::Signed | ChunkedForm::SignedTrailer => {
                let signature = self.chain.sign_chunk(Sha256::digest(data).into());
                format!("{:x};chunk-signature={}\r\n", data.len(), ascii(&signature)).into()
            }
        }
    }

    /// What ends the body: the empty chunk, and the trailers (names in lower case) in the forms that have any.
    pub fn end(mut self, trailers: &[(&str, &str)]) -> Bytes {
        let mut out = self.chunk_header(b"").to_vec();
        if self.form != ChunkedForm::Signed {
            let mut hasher = Sha256::new();
            for (name, value) in trailers {
                out.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
                hasher.update(format!("{name}:{value}\n"));
            }
            if self.form == ChunkedForm::SignedTrailer {
                let signature = self.chain.sign_trailers(hasher.finalize().into());
                out.extend_from_slice(
                    format!("x-amz-trailer-signature:{}\r\n", ascii(&signature)).as_bytes(),
                );
            }
        }
        out.extend_from_slice(b"\r\n");
        out.into()
    }
}

impl ChunkedForm {
    /// The length in bytes of the whole aws-chunked body, for `content-length`, when `decoded_length` bytes go in
    /// chunks of `chunk_bytes` and the trailers have these names and lengths of values.
    pub fn encoded_length(self, decoded_length: u64, chunk_bytes: u64, trailers: &[(&str, usize)]) -> u64 {
        let extension = if self == Self::UnsignedTrailer { 0 } else { ";chunk-signature=".len() as u64 + 64 };
        let framed = |data: u64| format!("{data:x}").len() as u64 + extension + 4 + data;
        let chunk_bytes = chunk_bytes.max(1);
        let rest = decoded_length % chunk_bytes;
        let mut length = decoded_length / chunk_bytes * framed(chunk_bytes) + framed(0);
        if rest > 0 {
            length += framed(rest);
        }
        if self != Self::Signed {
            length += trailers.iter().map(|(name, value)| (name.len() + value + 3) as u64).sum::<u64>();
        }
        if self == Self::SignedTrailer {
            length += "x-amz-trailer-signature:\r\n".len() as u64 + 64;
        }
        length
    }
}

fn payload_text(payload: SignPayload<'_>) -> String {
    let hash = match payload {
        SignPayload::Bytes(bytes) => Sha256::digest(bytes).into(),
        SignPayload::Sha256(hash) => hash,
        SignPayload::Unsigned => return "UNSIGNED-PAYLOAD".to_owned(),
        SignPayload::Chunked { form, .. } => {
            return match form {
                ChunkedForm::Signed => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                ChunkedForm::SignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                ChunkedForm::UnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            }
            .to_owned();
        }
    };
    ascii(&hex_32(&hash)).to_owned()
}

fn value(text: &str) -> Result<HeaderValue, SignError> {
    HeaderValue::from_str(text).map_err(|_| SignError("not a header value"))
}
