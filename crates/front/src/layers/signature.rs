//! What a request, above all to S3, says of its signature: whose it is, condition keys, and headers that a presigned URL has in its query.
//!
//! Sources: S3 API Reference, "Amazon S3 Signature Version 4 authentication specific policy keys"; S3 User Guide, "Download and
//! upload objects with presigned URLs".

use haneul_base::Instant;
use haneul_kit::{ApiError, RequestHead};
use haneul_sigv4::{AuthError, Carrier, RequestAuth, RequestParts};
use http::{HeaderName, HeaderValue, Method, header};
use percent_encoding::percent_decode_str;

use crate::cors;

/// What stays in the query: the authentication itself, and how a body is framed.
const OF_THE_QUERY: [&str; 12] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-expires",
    "x-amz-region-set",
    "x-amz-s3session-token",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-trailer",
];

fn auth(head: &RequestHead) -> Option<RequestAuth<'_>> {
    RequestAuth::parse(&RequestParts::new(&head.method, &head.uri, &head.headers)).ok()
}

/// What a request says of who sends it, where not all that looks like it is meant so.
pub fn meant<'r>(
    auth: Result<RequestAuth<'r>, AuthError>,
    head: &RequestHead,
    is_function_url: bool,
) -> Result<RequestAuth<'r>, AuthError> {
    match auth {
        // A page that is about to use a presigned URL asks with all of its query, signed for another method.
        _ if cors::is_preflight(head) && !head.headers.contains_key(header::AUTHORIZATION) => {
            Ok(RequestAuth::Anonymous)
        }
        // Other schemes are between the function and its callers.
        Ok(RequestAuth::SigV4(signature)) => Ok(RequestAuth::SigV4(signature)),
        _ if is_function_url => Ok(RequestAuth::Anonymous),
        other => other,
    }
}

/// `s3:signatureversion`
pub fn version(head: &RequestHead) -> Option<&'static str> {
    match auth(head)? {
        RequestAuth::SigV4(signature) if signature.is_asymmetric() => Some("AWS4-ECDSA-P256-SHA256"),
        RequestAuth::SigV4(_) => Some("AWS4-HMAC-SHA256"),
        RequestAuth::PresignedV2(_) => Some("AWS"),
        _ => None,
    }
}

/// `s3:authType`
pub fn kind(head: &RequestHead) -> Option<&'static str> {
    let is_form = || {
        let given = head.headers.get(header::CONTENT_TYPE);
        head.method == Method::POST
            && given.is_some_and(|given| given.as_bytes().starts_with(b"multipart/form-data"))
    };
    match auth(head)? {
        RequestAuth::SigV4(signature) if signature.carrier == Carrier::Header => Some("REST-HEADER"),
        RequestAuth::SigV4(_) | RequestAuth::PresignedV2(_) => Some("REST-QUERY-STRING"),
        RequestAuth::Anonymous if is_form() => Some("POST"),
        _ => None,
    }
}

/// `s3:signatureAge`, in milliseconds. A signature of version 2 does not say when it was made.
pub fn age_ms(head: &RequestHead, now: Instant) -> Option<i64> {
    match auth(head)? {
        RequestAuth::SigV4(signature) => Some(now.millis() - signature.timestamp.unix_s() * 1000),
        _ => None,
    }
}

/// Makes headers of what a presigned URL of S3 has of them in its query, where signers put them: they were signed there.
///
/// # Errors
/// For what no header can hold.
pub fn take_in(head: &mut RequestHead, is_s3: bool) -> Result<(), ApiError> {
    // Most requests have no query, and most queries no signature.
    let query = head.uri.query().filter(|query| is_s3 && query.contains("ignature="));
    let Some(query) = query.filter(|_| auth(head).is_some_and(|auth| auth.is_in_query())) else {
        return Ok(());
    };
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
        if !name.starts_with("x-amz-") || OF_THE_QUERY.contains(&name.as_str()) {
            continue;
        }
        let mut value: Vec<u8> = percent_decode_str(&value.replace('+', " ")).collect();
        // S3 reads a URL as UTF-8, and the bytes of such a header as Latin-1: there a word in quotes (RFC 2047) says the same.
        if name.starts_with("x-amz-meta-") && !value.is_ascii() && std::str::from_utf8(&value).is_ok() {
            let quoted: String = value.iter().map(|byte| format!("={byte:02X}")).collect();
            value = format!("=?UTF-8?Q?{quoted}?=").into_bytes();
        }
        let refused = || {
            let message = format!("The query parameter {name} cannot stand for a header");
            ApiError::new("InvalidArgument", message).with_status(400)
        };
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let value = HeaderValue::from_bytes(&value).map_err(|_| refused())?;
        head.headers.entry(header).or_insert(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(uri: &str, headers: &[(&'static str, &str)]) -> RequestHead {
        let mut head = RequestHead {
            method: Method::GET,
            uri: uri.parse().unwrap(),
            headers: http::HeaderMap::new(),
            trailers: Default::default(),
            bucket: None,
        };
        for (name, value) in headers {
            head.headers.insert(*name, value.parse().unwrap());
        }
        head
    }

    #[test]
    fn signatures_are_told_apart() {
        let scope = "A%2F20260102%2Fus-east-1%2Fs3%2Faws4_request";
        let presigned = format!(
            "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&X-Amz-Date=20260102T000000Z&X-Amz-Expires=60\
             &X-Amz-SignedHeaders=host&X-Amz-Signature=00"
        );
        let presigned = head(&presigned, &[]);
        assert_eq!(
            (version(&presigned), kind(&presigned)),
            (Some("AWS4-HMAC-SHA256"), Some("REST-QUERY-STRING"))
        );
        let then = Instant::from_secs(1_767_312_000);
        assert_eq!(age_ms(&presigned, then + std::time::Duration::from_secs(5)), Some(5000));
        let old = head("/b/k?AWSAccessKeyId=A&Signature=b&Expires=1", &[]);
        assert_eq!(
            (version(&old), kind(&old), age_ms(&old, then)),
            (Some("AWS"), Some("REST-QUERY-STRING"), None)
        );
        let nobody = head("/b/k", &[]);
        assert_eq!((version(&nobody), kind(&nobody)), (None, None));
    }

    #[test]
    fn what_a_url_has_of_headers_is_taken_in() {
        let signed = "AWSAccessKeyId=A&Signature=b&Expires=1";
        let uri = format!(
            "/b/k?x-amz-acl=public-read&X-Amz-Meta-A=a%20b&x-amz-meta-e=a%C3%A9&x-amz-tagging=c&x-amz-security-token=t&{signed}"
        );
        let mut head = head(&uri, &[("x-amz-tagging", "of the header")]);
        take_in(&mut head, true).unwrap();
        let header = |name: &str| head.header(name).map(str::to_owned);
        assert_eq!(header("x-amz-acl").as_deref(), Some("public-read"));
        assert_eq!(header("x-amz-meta-a").as_deref(), Some("a b"));
        assert_eq!(header("x-amz-meta-e").as_deref(), Some("=?UTF-8?Q?=61=C3=A9?="));
        assert_eq!(header("x-amz-tagging").as_deref(), Some("of the header"));
        assert_eq!(header("x-amz-security-token"), None);
        let mut bad = super::tests::head(&format!("/b/k?x-amz-meta-a=%0d%0aX:y&{signed}"), &[]);
        assert!(take_in(&mut bad, true).is_err());
        let mut unsigned = super::tests::head("/b/k?x-amz-acl=public-read", &[]);
        take_in(&mut unsigned, true).unwrap();
        assert!(unsigned.headers.is_empty());
    }
}
