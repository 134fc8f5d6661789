use haneul_kit::{ByteStream, Cx};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::model::function::Cors;

pub(super) fn is_preflight(cx: &Cx) -> bool {
    cx.http().is_some_and(|head| {
        head.method == Method::OPTIONS
            && head.headers.contains_key(header::ORIGIN)
            && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    })
}

/// Answers a browser's question, from the URL's configuration alone.
pub(super) fn preflight(cx: &Cx, rules: &Cors) -> Response<ByteStream> {
    let mut answer = Response::new(ByteStream::from_bytes(""));
    *answer.status_mut() = StatusCode::OK;
    let Some(head) = cx.http() else { return answer };
    let origin = head.header(header::ORIGIN.as_str()).unwrap_or_default();
    let method = head.header(header::ACCESS_CONTROL_REQUEST_METHOD.as_str()).unwrap_or_default();
    let allowed = rules.methods.as_deref().unwrap_or_default();
    if !allowed.iter().any(|one| one == "*" || one.eq_ignore_ascii_case(method)) {
        return answer;
    }
    decorate(rules, origin, answer.headers_mut());
    let headers = answer.headers_mut();
    if headers.is_empty() {
        return answer;
    }
    set(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &allowed.join(","));
    if let Some(names) = &rules.headers {
        set(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &names.join(","));
    }
    if let Some(age) = rules.max_age_s {
        set(headers, header::ACCESS_CONTROL_MAX_AGE, &age.to_string());
    }
    answer
}

/// Lets the page that asked read the answer, if it may; the configuration goes before what the function said.
pub(super) fn decorate(rules: &Cors, origin: &str, headers: &mut HeaderMap) {
    for name in [
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
    ] {
        headers.remove(name);
    }
    let origins = rules.origins.as_deref().unwrap_or_default();
    let all = origins.iter().any(|one| one == "*");
    if !all && !origins.iter().any(|one| matches(one, origin)) {
        return;
    }
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, if all { "*" } else { origin });
    if !all {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if rules.credentials == Some(true) {
        set(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if let Some(names) = &rules.expose {
        set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &names.join(","));
    }
}

/// `https://*.example.com` stands for its subdomains.
fn matches(pattern: &str, origin: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => {
            origin.len() > before.len() + after.len() && origin.starts_with(before) && origin.ends_with(after)
        }
        None => pattern.eq_ignore_ascii_case(origin),
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
