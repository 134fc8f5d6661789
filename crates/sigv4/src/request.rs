//! The parts of a request that its signature covers, borrowed.

use http::{HeaderMap, HeaderName, Method, header};

/// A request without its body, exactly as it was received: path and query not decoded.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    pub method: &'a Method,
    /// The raw path, with its leading slash.
    pub path: &'a str,
    /// The raw query, without its question mark.
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
    /// HTTP/2's `:authority`, or the authority of an absolute request target: stands in for an absent `Host`.
    pub authority: Option<&'a str>,
}

impl<'a> RequestParts<'a> {
    pub fn new(method: &'a Method, uri: &'a http::Uri, headers: &'a HeaderMap) -> Self {
        Self {
            method,
            path: uri.path(),
            query: uri.query(),
            headers,
            authority: uri.authority().map(http::uri::Authority::as_str),
        }
    }

    pub fn from_http(parts: &'a http::request::Parts) -> Self {
        Self::new(&parts.method, &parts.uri, &parts.headers)
    }

    /// The first value of a header, if it is text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Host`, or what stands in for it.
    pub(crate) fn host(&self) -> Option<&'a [u8]> {
        match self.headers.get(header::HOST) {
            Some(host) => Some(host.as_bytes()),
            None => self.authority.map(str::as_bytes),
        }
    }

    /// The names and values of the query, still encoded; empty pieces (`a&&b`) are skipped.
    pub(crate) fn query_pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.query
            .unwrap_or_default()
            .split('&')
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
    }
}

pub(crate) const X_AMZ_REGION_SET: HeaderName = HeaderName::from_static("x-amz-region-set");
pub(crate) const X_AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(crate) const X_AMZ_CONTENT_SHA256: HeaderName = HeaderName::from_static("x-amz-content-sha256");
pub(crate) const X_AMZ_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
pub(crate) const X_AMZ_S3SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-s3session-token");
pub(crate) const X_AMZ_DECODED_CONTENT_LENGTH: HeaderName =
    HeaderName::from_static("x-amz-decoded-content-length");
pub(crate) const X_AMZ_TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");
