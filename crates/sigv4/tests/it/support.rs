//! A request to sign or verify, and what to do with it.

use bytes::Bytes;
use haneul_sigv4::{AuthError, Body, RequestAuth, RequestParts, SigV4, Timestamp, Verified, Verifier};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Sample {
    pub(crate) fn new(
        method: &str,
        path: &str,
        query: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        }
        Self {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: map,
            body: body.to_vec(),
        }
    }

    pub(crate) fn parts(&self) -> RequestParts<'_> {
        RequestParts {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            authority: None,
        }
    }

    pub(crate) fn sigv4(&self) -> Result<SigV4<'_>, AuthError> {
        match RequestAuth::parse(&self.parts())? {
            RequestAuth::SigV4(auth) => Ok(auth),
            RequestAuth::Anonymous => Err(AuthError::MissingAuthentication),
            other => Err(other.unsupported().unwrap()),
        }
    }

    /// Verifies all but the body of an S3 request.
    pub(crate) fn verify(
        &self,
        verifier: &Verifier,
        secret: &str,
        now: Timestamp,
    ) -> Result<Verified, AuthError> {
        let auth = self.sigv4()?;
        let body = if auth.needs_body_hash() { Body::hash(&self.body) } else { Body::Deferred };
        verifier.verify(&auth, &self.parts(), secret, body, now)
    }
}

pub(crate) fn joined(pieces: &[Bytes]) -> Vec<u8> {
    pieces.concat()
}
