//! The canonical request: the one text that a request and all its equivalents are reduced to.

use http::header::HOST;

use crate::encode::{Place, push_encoded, push_reencoded};
use crate::error::Carrier;
use crate::request::RequestParts;

/// Which of the readings of a request to write. [`Form::usual`] is what AWS documents; the others are what signers in
/// the field do, and each stands for the very same request: none lets a request pass for one that means another thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) path: PathForm,
    /// Sorted, but otherwise as sent (botocore, for URLs that it did not build).
    pub(crate) raw_query: bool,
    /// Without `X-Amz-Security-Token`, which some services have added after signing.
    pub(crate) without_token: bool,
    /// `Host` without its port (signers that know only the default ports).
    pub(crate) bare_host: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathForm {
    /// S3: encoded once, not normalised.
    Single,
    /// All others: dot segments and doubled slashes removed, then encoded once more.
    NormalisedDouble,
    /// Encoded once more, not normalised (the Go SDKs).
    Double,
    /// As sent (curl).
    Raw,
}

impl Form {
    pub(crate) fn usual(is_s3: bool) -> Self {
        let path = if is_s3 { PathForm::Single } else { PathForm::NormalisedDouble };
        Self { path, raw_query: false, without_token: false, bare_host: false }
    }
}

/// Appends the canonical request.
pub(crate) fn push_request(
    out: &mut Vec<u8>,
    request: &RequestParts<'_>,
    carrier: Carrier,
    signed_headers: &str,
    payload: &str,
    form: Form,
) {
    out.extend_from_slice(request.method.as_str().as_bytes());
    out.push(b'\n');
    push_path(out, request.path, form.path);
    out.push(b'\n');
    push_query(out, request, carrier, form);
    out.push(b'\n');
    for name in signed_headers.split(';') {
        push_lower(out, name);
        out.push(b':');
        push_header(out, request, name, form.bare_host);
        out.push(b'\n');
    }
    out.push(b'\n');
    push_lower(out, signed_headers);
    out.push(b'\n');
    out.extend_from_slice(payload.as_bytes());
}

pub(crate) fn push_path(out: &mut Vec<u8>, path: &str, form: PathForm) {
    let path = if path.is_empty() { "/" } else { path };
    match form {
        PathForm::Single => push_reencoded(out, path.as_bytes(), Place::Path),
        PathForm::Raw => out.extend_from_slice(path.as_bytes()),
        PathForm::NormalisedDouble if needs_normalising(path) => {
            push_encoded(out, normalise(path).as_bytes(), true)
        }
        PathForm::NormalisedDouble | PathForm::Double => push_encoded(out, path.as_bytes(), true),
    }
}

pub(crate) fn needs_normalising(path: &str) -> bool {
    path.as_bytes().windows(2).any(|w| w[0] == b'/' && matches!(w[1], b'/' | b'.'))
}

/// RFC 3986 §5.2.4, and empty segments removed too. A trailing slash stays.
fn normalise(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &segments {
        out.push('/');
        out.push_str(segment);
    }
    if out.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    out
}

pub(crate) fn push_query(out: &mut Vec<u8>, request: &RequestParts<'_>, carrier: Carrier, form: Form) {
    let Some(query) = request.query.filter(|q| !q.is_empty()) else { return };
    // Encoded names and values, one after another, and where each name starts, ends, and its value ends.
    let mut text = Vec::with_capacity(query.len() + 32);
    let mut pairs = Vec::with_capacity(8);
    let pieces = query.split('&').filter(|piece| form.raw_query || !piece.is_empty());
    for (name, value) in pieces.map(|piece| piece.split_once('=').unwrap_or((piece, ""))) {
        let start = text.len();
        push_part(&mut text, name, form.raw_query);
        let middle = text.len();
        let skipped = carrier == Carrier::Query
            && (text[start..].eq_ignore_ascii_case(b"X-Amz-Signature")
                || (form.without_token && text[start..].eq_ignore_ascii_case(b"X-Amz-Security-Token")));
        if skipped {
            text.truncate(start);
            continue;
        }
        push_part(&mut text, value, form.raw_query);
        pairs.push((start, middle, text.len()));
    }
    pairs.sort_unstable_by(|a, b| {
        text[a.0..a.1].cmp(&text[b.0..b.1]).then_with(|| text[a.1..a.2].cmp(&text[b.1..b.2]))
    });
    for (i, (start, middle, end)) in pairs.into_iter().enumerate() {
        if i > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(&text[start..middle]);
        out.push(b'=');
        out.extend_from_slice(&text[middle..end]);
    }
}

fn push_part(out: &mut Vec<u8>, part: &str, raw: bool) {
    if raw {
        out.extend_from_slice(part.as_bytes());
    } else {
        push_reencoded(out, part.as_bytes(), Place::Query);
    }
}

/// All values of a header, in the order they came, joined by commas. An absent header is an empty one.
fn push_header(out: &mut Vec<u8>, request: &RequestParts<'_>, name: &str, bare_host: bool) {
    if name.eq_ignore_ascii_case("host") && (bare_host || !request.headers.contains_key(HOST)) {
        let host = request.host().unwrap_or_default();
        push_folded(out, if bare_host { without_port(host) } else { host });
        return;
    }
    for (i, value) in request.headers.get_all(name).iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        push_folded(out, value.as_bytes());
    }
}

/// The host of `host:port`; an IPv6 address keeps its brackets.
pub(crate) fn without_port(host: &[u8]) -> &[u8] {
    match host.iter().rposition(|b| *b == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) && !host[..colon].ends_with(b":") => {
            &host[..colon]
        }
        _ => host,
    }
}

/// Without space around it, and runs of white space within it as one space.
fn push_folded(out: &mut Vec<u8>, value: &[u8]) {
    let value = value.trim_ascii();
    if !value.windows(2).any(|w| is_space(w[0]) && is_space(w[1])) && !value.contains(&b'\t') {
        out.extend_from_slice(value);
        return;
    }
    let mut after_space = false;
    for &b in value {
        if !is_space(b) {
            out.push(b);
        } else if !after_space {
            out.push(b' ');
        }
        after_space = is_space(b);
    }
}

fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t')
}

fn push_lower(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().map(|b| b.to_ascii_lowercase()));
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    fn path(text: &str, form: PathForm) -> String {
        let mut out = Vec::new();
        push_path(&mut out, text, form);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_of_s3_and_of_the_others() {
        let cases = [
            ("", "/", "/"),
            ("/", "/", "/"),
            ("//", "//", "/"),
            ("//example//", "//example//", "/example/"),
            ("/./", "/./", "/"),
            ("/a/./b", "/a/./b", "/a/b"),
            ("/example1/example2/../..", "/example1/example2/../..", "/"),
            ("/../a", "/../a", "/a"),
            ("/.hidden/a..b", "/.hidden/a..b", "/.hidden/a..b"),
            ("/a%20b", "/a%20b", "/a%2520b"),
            ("/a%2fb", "/a%2Fb", "/a%252fb"),
            ("/a+b:c", "/a%2Bb%3Ac", "/a%2Bb%3Ac"),
            ("/%7ejoe", "/~joe", "/%257ejoe"),
            ("/ሴ", "/%E1%88%B4", "/%E1%88%B4"),
        ];
        for (text, s3, other) in cases {
            assert_eq!(path(text, PathForm::Single), s3, "{text}");
            assert_eq!(path(text, PathForm::NormalisedDouble), other, "{text}");
        }
    }

    #[test]
    fn queries_are_sorted_by_encoded_name_then_value() {
        let headers = HeaderMap::new();
        let cases = [
            ("b=2&a=1", "a=1&b=2"),
            ("a=b&a=a&a", "a=&a=a&a=b"),
            ("acl", "acl="),
            ("a=&&b", "a=&b="),
            ("a-b=1&a=2&aB=3", "a=2&a-b=1&aB=3"),
            ("p=a+b", "p=a%20b"),
            ("p=%e1%88%b4&%E1%88%B4=p", "%E1%88%B4=p&p=%E1%88%B4"),
            ("p=a=b==", "p=a%3Db%3D%3D"),
            ("p=%ff%00", "p=%FF%00"),
            ("X-Amz-Signature=00&a=1", "a=1"),
        ];
        for (query, expected) in cases {
            let request = RequestParts {
                method: &Method::GET,
                path: "/",
                query: Some(query),
                headers: &headers,
                authority: None,
            };
            let mut out = Vec::new();
            push_query(&mut out, &request, Carrier::Query, Form::usual(true));
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{query}");
        }
    }

    #[test]
    fn header_values_are_folded_and_joined() {
        let mut headers = HeaderMap::new();
        for value in [" value4 ", "value1", "a   b \t c"] {
            headers.append("my-header1", HeaderValue::from_static(value));
        }
        let request = RequestParts {
            method: &Method::GET,
            path: "/",
            query: None,
            headers: &headers,
            authority: Some("example.com:8080"),
        };
        let mut out = Vec::new();
        push_header(&mut out, &request, "my-header1", false);
        push_header(&mut out, &request, "absent", false);
        out.push(b'|');
        push_header(&mut out, &request, "host", false);
        out.push(b'|');
        push_header(&mut out, &request, "host", true);
        assert_eq!(String::from_utf8(out).unwrap(), "value4,value1,a b c|example.com:8080|example.com");
    }

    #[test]
    fn ports_are_found() {
        for (host, bare) in
            [("a:80", "a"), ("a", "a"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("", ""), ("a:b", "a:b")]
        {
            assert_eq!(without_port(host.as_bytes()), bare.as_bytes());
        }
    }
}
