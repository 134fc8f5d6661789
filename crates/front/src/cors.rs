use haneul_kit::{ByteStream, RequestHead};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::route::Hosts;

/// Cross-origin requests from browsers, for all but S3, whose buckets have rules of their own.
///
/// AWS's endpoints answer any origin; here only those that are configured, and pages that come from this machine, may
/// read answers, because a page from elsewhere has no business with somebody's private cloud.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    origins: Vec<String>,
}

/// What a browser may keep a preflight's answer for, in seconds.
const MAX_AGE: &str = "600";

const EXPOSED: &str =
    "x-amzn-requestid,x-amzn-errortype,x-amzn-query-error,x-amz-request-id,x-amz-id-2,date,etag";

impl Cors {
    /// `origins` as `https://console.example.com`; `*` lets all in.
    pub fn new(origins: Vec<String>) -> Cors {
        Cors { origins }
    }

    /// Whether a page of this origin may read our answers.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
            || is_local(origin)
    }

    /// The answer to a preflight.
    pub fn preflight(&self, head: &RequestHead) -> Response<ByteStream> {
        let mut answer = Response::new(ByteStream::from_bytes(""));
        let Some(origin) = head.headers.get(header::ORIGIN).filter(|origin| self.allows_value(origin)) else {
            *answer.status_mut() = StatusCode::FORBIDDEN;
            return answer;
        };
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET,POST,PUT,DELETE,PATCH,HEAD"),
        );
        if let Some(asked) = head.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        answer
    }

    /// Lets the page that asked read the answer, if it may.
    pub fn decorate(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if let Some(origin) = origin.filter(|origin| self.allows_value(origin)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
    }

    fn allows_value(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.allows(origin))
    }
}

/// A browser's question whether it may send a request.
pub fn is_preflight(head: &RequestHead) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(header::ORIGIN)
        && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Whether an origin is a page of this machine.
pub fn is_local(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.is_some_and(|host| !host.contains('/') && Hosts::is_loopback(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        let cors = Cors::new(vec!["https://console.example.com".into()]);
        for yes in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "https://app.localhost",
            "https://console.example.com",
        ] {
            assert!(cors.allows(yes), "{yes}");
        }
        for no in [
            "null",
            "",
            "https://example.com",
            "http://localhost.example.com",
            "http://localhost/@x",
            "ftp://localhost",
        ] {
            assert!(!cors.allows(no), "{no}");
        }
        assert!(Cors::new(vec!["*".into()]).allows("https://example.com"));
    }
}
