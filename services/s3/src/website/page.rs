use haneul_kit::{ApiError, ByteStream, Cx};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// An error as a page; `second` is why the error document could not be shown.
pub(super) fn of(refused: &ApiError, second: Option<&ApiError>, request_id: &str) -> Response<ByteStream> {
    let status = status_of(refused);
    let title = format!("{} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let mut html = format!("<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n");
    facts(refused, &mut html);
    item("RequestId", request_id, &mut html);
    item("HostId", request_id, &mut html);
    html.push_str("</ul>\n");
    if let Some(second) = second {
        html.push_str(
            "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n",
        );
        facts(second, &mut html);
        html.push_str("</ul>\n");
    }
    html.push_str("<hr/>\n</body>\n</html>\n");
    let mut answer = Response::new(ByteStream::from_bytes(html));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    name_error(refused, answer.headers_mut());
    answer
}

/// 304 and its kin: only a head.
pub(super) fn bare(refused: &ApiError, cx: &Cx) -> Response<ByteStream> {
    let mut answer = Response::new(ByteStream::from_bytes(bytes::Bytes::new()));
    *answer.status_mut() = status_of(refused);
    answer.headers_mut().extend(cx.take_answer().headers);
    answer
}

/// Code, message and details of an error, for whoever sees no page.
pub(super) fn name_error(refused: &ApiError, headers: &mut HeaderMap) {
    let mut add = |name: String, value: &str| {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    };
    add("x-amz-error-code".to_owned(), refused.code());
    add("x-amz-error-message".to_owned(), refused.message());
    for (name, value) in refused.fields() {
        add(format!("x-amz-error-detail-{}", name.to_ascii_lowercase()), value);
    }
}

fn status_of(refused: &ApiError) -> StatusCode {
    let status = refused.status().and_then(|status| StatusCode::from_u16(status).ok());
    status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn facts(refused: &ApiError, html: &mut String) {
    item("Code", refused.code(), html);
    item("Message", refused.message(), html);
    for (name, value) in refused.fields() {
        item(name, value, html);
    }
}

/// Whatever comes from a request is text here, never markup.
fn item(name: &str, value: &str, html: &mut String) {
    html.push_str("<li>");
    html.push_str(name);
    html.push_str(": ");
    for c in value.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html.push_str("</li>\n");
}
