use haneul_kit::{Caller, Cx, Principal};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::invoke::destinations::base64;
use crate::model::function::UrlRecord;
use crate::names::Named;

/// The event that a function is given for a request, in payload format 2.0.
pub(super) fn of(cx: &Cx, named: &Named, url: &UrlRecord, who: &Caller, body: &[u8]) -> Value {
    let Some(head) = cx.http() else { return Value::Null };
    let mut headers = Map::new();
    let mut cookies = Vec::new();
    for (name, value) in &head.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        if name == http::header::COOKIE {
            cookies.extend(text.split(';').map(|cookie| Value::from(cookie.trim())));
            continue;
        }
        match headers.get_mut(name.as_str()) {
            Some(Value::String(before)) => {
                before.push(',');
                before.push_str(&text);
            }
            _ => drop(headers.insert(name.as_str().to_owned(), text.into())),
        }
    }
    let host = head.host().unwrap_or_default().to_owned();
    let address = cx.source_ip().map(|ip| ip.to_canonical().to_string()).unwrap_or_default();
    for (name, value) in [
        ("host", host.as_str()),
        ("x-forwarded-for", address.as_str()),
        ("x-forwarded-proto", if cx.secure() { "https" } else { "http" }),
    ] {
        if !headers.contains_key(name) {
            headers.insert(name.to_owned(), value.into());
        }
    }
    let text = |name: &str| headers.get(name).and_then(Value::as_str).unwrap_or_default();
    let encoded = !is_text(text("content-type"), body);
    let query = head.uri.query().unwrap_or_default();
    let now = cx.now();
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    let mut context = json!({
        "accountId": match who.principal {
            Principal::Anonymous => String::from("anonymous"),
            _ => who.account.to_string(),
        },
        "apiId": url.id,
        "domainName": name,
        "domainPrefix": url.id,
        "http": {
            "method": head.method.as_str(),
            "path": decoded(head.uri.path()),
            "protocol": "HTTP/1.1",
            "sourceIp": address,
            "userAgent": text("user-agent"),
        },
        "requestId": cx.request_id(),
        "routeKey": "$default",
        "stage": "$default",
        "time": clock_time(now.secs()),
        "timeEpoch": now.millis(),
    });
    if !matches!(who.principal, Principal::Anonymous) {
        let organization: Option<String> = None;
        context["authorizer"] = json!({ "iam": {
            "accessKey": who.access_key_id,
            "accountId": who.account.to_string(),
            "callerId": who.user_id(),
            "cognitoIdentity": null,
            "principalOrgId": organization,
            "userArn": who.arn(),
            "userId": who.user_id(),
        }});
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": decoded(head.uri.path()),
        "rawQueryString": query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": encoded,
    });
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    let parameters = parameters(query);
    if !parameters.is_empty() {
        event["queryStringParameters"] = parameters.into();
    }
    if !body.is_empty() {
        event["body"] =
            if encoded { base64(body) } else { String::from_utf8_lossy(body).into_owned() }.into();
    }
    let _ = named;
    event
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Several values of a name are one, with commas between.
fn parameters(query: &str) -> Map<String, Value> {
    let mut parameters = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")));
        match parameters.get_mut(&name) {
            Some(Value::String(before)) => {
                before.push(',');
                before.push_str(&value);
            }
            _ => drop(parameters.insert(name, value.into())),
        }
    }
    parameters
}

/// Whether a body is handed over as it is: text of a kind that says so, or nothing.
fn is_text(content_type: &str, body: &[u8]) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let texts = ["application/json", "application/xml", "application/javascript"];
    let says = kind.starts_with("text/")
        || texts.contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    body.is_empty() || (says && std::str::from_utf8(body).is_ok())
}

/// `12/Mar/2020:19:03:58 +0000`
fn clock_time(secs: i64) -> String {
    let at = haneul_kit::Instant::from_secs(secs).iso8601();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (day, time) = at.split_once('T').unwrap_or((&at, ""));
    let mut parts = day.split('-');
    let (year, month, day) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let month = month.parse::<usize>().ok().and_then(|month| months.get(month.wrapping_sub(1)));
    format!("{day}/{}/{year}:{} +0000", month.unwrap_or(&""), time.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_an_event() {
        assert_eq!(clock_time(1_583_348_638), "04/Mar/2020:19:03:58 +0000");
        let parameters = parameters("a=1&b=%20x+y&a=2&c");
        assert_eq!(Value::from(parameters), json!({ "a": "1,2", "b": " x y", "c": "" }));
        for (kind, body, text) in [
            ("application/json; charset=utf-8", &b"{}"[..], true),
            ("text/plain", b"hi", true),
            ("text/plain", b"\xff", false),
            ("application/x-www-form-urlencoded", b"a=1", false),
            ("image/png", b"x", false),
            ("", b"", true),
        ] {
            assert_eq!(is_text(kind, body), text, "{kind}");
        }
    }
}
