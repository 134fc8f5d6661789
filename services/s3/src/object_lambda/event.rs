//! What a function is told. Source: S3 User Guide, "Event context format and usage".

use haneul_kit::{Cx, Principal, RequestHead, Session};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::Point;
use crate::model::object_lambda::Transformation;

/// What of a query is about who asks.
const AUTHORIZATION: &[&str] = &[
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-s3session-token",
    "x-amz-region-set",
    "x-amz-content-sha256",
    "awsaccesskeyid",
    "signature",
    "expires",
];

pub(super) struct Event<'a> {
    /// By the name of its member.
    pub(super) context: (&'static str, Value),
    pub(super) point: &'a Point,
    pub(super) transformation: &'a Transformation,
}

impl Event<'_> {
    /// `key` is that of an object; a listing is of none.
    pub(super) fn text(&self, cx: &Cx, key: Option<&str>) -> Vec<u8> {
        let (name, context) = &self.context;
        let event = json!({
            "xAmzRequestId": cx.request_id(),
            *name: context,
            "configuration": {
                "accessPointArn": self.point.arn,
                "supportingAccessPointArn": self.point.record.configuration.supporting,
                "payload": self.transformation.payload.as_deref().unwrap_or_default(),
            },
            "userRequest": {
                "url": self.url(cx, key),
                "headers": cx.http().map(headers).unwrap_or_default(),
            },
            "userIdentity": identity(cx),
            "protocolVersion": "1.00",
        });
        event.to_string().into_bytes()
    }

    /// Decoded, and by the name that AWS has for the access point, however it was reached.
    fn url(&self, cx: &Cx, key: Option<&str>) -> String {
        let point = &self.point.record;
        let host =
            format!("{}-{:012}.s3-object-lambda.{}.amazonaws.com", point.name, point.account, point.region);
        let query = query(cx.http());
        let query = if query.is_empty() { query } else { format!("?{query}") };
        format!("https://{host}/{}{query}", key.unwrap_or_default())
    }
}

/// The query without what is about who asks, still encoded.
fn query(http: Option<&RequestHead>) -> String {
    let query = http.and_then(|http| http.uri.query()).unwrap_or_default();
    let about_who = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
        AUTHORIZATION.contains(&name.as_str())
    };
    let kept =
        query.split('&').filter(|pair| !pair.is_empty() && !about_who(pair) && *pair != "x-id=GetObject");
    kept.collect::<Vec<_>>().join("&")
}

/// Everything that a listing was asked for.
pub(super) fn listing_query(cx: &Cx) -> String {
    query(cx.http())
}

pub(super) fn version_query(version: Option<&str>) -> String {
    match version {
        Some(version) => {
            let encoded = percent_encoding::utf8_percent_encode(version, percent_encoding::NON_ALPHANUMERIC);
            format!("versionId={encoded}")
        }
        None => String::new(),
    }
}

/// The headers that the function has to send along with its URL.
pub(crate) fn signed_headers(payer: &Option<String>, owner: &Option<String>) -> HeaderMap {
    let mut signed = HeaderMap::new();
    sign(&mut signed, "x-amz-request-payer", payer.as_deref());
    sign(&mut signed, "x-amz-expected-bucket-owner", owner.as_deref());
    signed
}

pub(super) fn sign(signed: &mut HeaderMap, name: &'static str, value: Option<&str>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
        signed.insert(HeaderName::from_static(name), value);
    }
}

fn headers(http: &RequestHead) -> Map<String, Value> {
    let mut shown: Map<String, Value> = Map::new();
    for (name, value) in &http.headers {
        if matches!(name.as_str(), "authorization" | "x-amz-security-token" | "x-amz-s3session-token") {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        match shown.get_mut(&cased(name.as_str())) {
            Some(Value::String(before)) => *before = format!("{before},{value}"),
            _ => {
                shown.insert(cased(name.as_str()), Value::String(value.into_owned()));
            }
        }
    }
    shown
}

/// As clients usually spell it: how this one did is not known any more.
fn cased(name: &str) -> String {
    if name == "x-amz-content-sha256" {
        return "X-Amz-Content-SHA256".to_owned();
    }
    let word = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => format!("{}{rest}", first.to_ascii_uppercase()),
        None => String::new(),
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn identity(cx: &Cx) -> Value {
    let caller = cx.caller();
    let mut identity = json!({
        "principalId": caller.user_id(),
        "arn": caller.arn(),
        "accountId": caller.account.to_string(),
        "accessKeyId": caller.access_key_id.as_deref().unwrap_or_default(),
    });
    identity["type"] = json!(match &caller.principal {
        Principal::Root => "Root",
        Principal::User { .. } => "IAMUser",
        Principal::Role { .. } => "AssumedRole",
        Principal::FederatedUser { .. } => "FederatedUser",
        Principal::Service { .. } => "AWSService",
        Principal::Anonymous => "Anonymous",
    });
    if let Principal::User { name, .. } = &caller.principal {
        identity["userName"] = json!(name);
    }
    if let Some(service) = cx.called_via().last() {
        identity["invokedBy"] = json!(service);
    }
    if let Some(session) = &caller.session {
        identity["sessionContext"] = session_context(cx, session);
    }
    identity
}

fn session_context(cx: &Cx, session: &Session) -> Value {
    let caller = cx.caller();
    let mut context = json!({ "attributes": {
        "mfaAuthenticated": session.mfa_at.is_some().to_string(),
        "creationDate": session.issued_at.iso8601(),
    }});
    if let Principal::Role { name, id, .. } = &caller.principal {
        context["sessionIssuer"] = json!({
            "type": "Role",
            "principalId": id,
            "arn": caller.role_arn().map(|arn| arn.to_string()),
            "accountId": caller.account.to_string(),
            "userName": name,
        });
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_who_asks_is_left_out() {
        let head = |uri: &'static str| {
            RequestHead::new(http::Method::GET, http::Uri::from_static(uri), HeaderMap::new())
        };
        for (uri, kept) in [
            ("/b/k", ""),
            ("/b/k?X-Amz-Signature=a&partNumber=2&x-amz-security-token=b", "partNumber=2"),
            ("/b/k?X-Amz-S3session-Token=a&partNumber=2&X-Amz-Region-Set=*", "partNumber=2"),
            ("/b?list-type=2&prefix=a%2Fb&X-Amz-Credential=c", "list-type=2&prefix=a%2Fb"),
        ] {
            assert_eq!(query(Some(&head(uri))), kept, "{uri}");
        }
        for (name, expected) in [
            ("range", "Range"),
            ("x-amz-content-sha256", "X-Amz-Content-SHA256"),
            ("accept-encoding", "Accept-Encoding"),
        ] {
            assert_eq!(cased(name), expected);
        }
    }
}
