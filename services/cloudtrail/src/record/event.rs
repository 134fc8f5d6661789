//! A record's text. Source: CloudTrail User Guide, "CloudTrail record contents".

use haneul_kit::trail::Called;
use haneul_kit::{AccountId, Caller, Cx, Instant, Region};
use serde::Serialize;
use serde_json::{Value, json};

use super::catalog::{self, Class};
use super::identity;

/// The version of the format that is written.
const VERSION: &str = "1.11";
/// Longest error message and user agent, in characters.
const MESSAGE_CHARS_MAX: usize = 1024;
const AGENT_CHARS_MAX: usize = 1024;

/// Services whose management events name resources.
const NAMING: &[&str] = &["dynamodb", "kms", "s3", "sts"];

/// What all records of one call share.
pub(crate) struct Facts<'a> {
    pub(crate) call: &'a Called<'a>,
    pub(crate) class: Class,
    pub(crate) read_only: bool,
    pub(crate) at: Instant,
    pub(crate) region: Region,
    /// Where several accounts get one.
    pub(crate) shared_id: Option<String>,
}

/// The record for one account.
pub(crate) fn json(facts: &Facts<'_>, recipient: AccountId, event_id: &str) -> Vec<u8> {
    let Facts { call, class, read_only, .. } = facts;
    let (cx, caller) = (call.cx, call.cx.caller());
    let own = recipient == caller.account || facts.shared_id.is_none();
    let who = match own {
        true => identity::of(cx, call.operation, call.response.as_deref()),
        false => identity::from_outside(caller),
    };
    let mut out = Writer(Vec::with_capacity(1024));
    out.0.extend_from_slice(b"{\"eventVersion\":\"");
    out.0.extend_from_slice(VERSION.as_bytes());
    out.0.push(b'"');
    out.value("userIdentity", &who);
    out.plain("eventTime", &facts.at.iso8601());
    out.plain("eventSource", &catalog::source(call.service));
    out.plain("eventName", &catalog::event_name(call.service, call.operation));
    out.plain("awsRegion", facts.region.as_str());
    let invoker = identity::invoked_by(cx);
    out.text("sourceIPAddress", &source(cx, invoker.as_deref()));
    out.text("userAgent", &agent(cx, invoker.as_deref()));
    if let Some((code, message)) = call.error {
        out.text("errorCode", code);
        if !message.is_empty() {
            out.text("errorMessage", clip(message, MESSAGE_CHARS_MAX));
        }
    }
    out.raw("requestParameters", call.request.as_deref());
    out.raw("responseElements", call.response.as_deref());
    if let Some(more) = additional(cx, call.service, *class) {
        out.value("additionalEventData", &more);
    }
    out.plain("requestID", cx.request_id());
    out.plain("eventID", event_id);
    out.raw("readOnly", Some(if *read_only { b"true" } else { b"false" }));
    let management = matches!(class, Class::Management);
    let resources = resources(call, caller, management);
    if !resources.is_empty() {
        out.value("resources", &Value::Array(resources));
    }
    out.plain("eventType", "AwsApiCall");
    out.raw("managementEvent", Some(if management { b"true" } else { b"false" }));
    out.plain("recipientAccountId", &recipient.to_string());
    if let Some(shared) = &facts.shared_id {
        out.plain("sharedEventID", shared);
    }
    out.plain("eventCategory", if management { "Management" } else { "Data" });
    if let Some(head) = cx.http().filter(|_| cx.secure()) {
        out.value("tlsDetails", &json!({ "clientProvidedHostHeader": head.host() }));
    }
    out.0.push(b'}');
    out.0
}

fn source(cx: &Cx, invoker: Option<&str>) -> String {
    match (cx.source_ip(), invoker) {
        (Some(ip), _) => ip.to_canonical().to_string(),
        (None, Some(service)) => service.to_owned(),
        (None, None) => "AWS Internal".to_owned(),
    }
}

fn agent(cx: &Cx, invoker: Option<&str>) -> String {
    match (cx.http(), invoker) {
        (Some(head), _) => clip(head.header("user-agent").unwrap_or("-"), AGENT_CHARS_MAX).to_owned(),
        (None, Some(service)) => service.to_owned(),
        (None, None) => "AWS Internal".to_owned(),
    }
}

fn additional(cx: &Cx, service: &str, class: Class) -> Option<Value> {
    let head = cx.http()?;
    if service != "s3" || !matches!(class, Class::Data(_)) {
        return None;
    }
    let query = head.uri.query().unwrap_or_default();
    let method = match head.header("authorization") {
        Some(_) => Some("AuthHeader"),
        None => query.contains("X-Amz-Signature=").then_some("QueryString"),
    };
    let length = head.header("content-length").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let mut more = json!({ "bytesTransferredIn": length, "x-amz-id-2": cx.request_id() });
    if let Some(method) = method {
        more["SignatureVersion"] = json!("SigV4");
        more["AuthenticationMethod"] = json!(method);
    }
    Some(more)
}

/// The resources that were accessed. An object's record names its bucket too.
fn resources(call: &Called<'_>, caller: &Caller, management: bool) -> Vec<Value> {
    let mut all = Vec::new();
    if management && !NAMING.contains(&call.service) {
        return all;
    }
    let mut add = |arn: &str, owner: Option<AccountId>| {
        let Some(kind) = catalog::resource_type(arn) else { return };
        let resource = match kind {
            "AWS::S3::Object" => json!({ "type": kind, "ARN": arn }),
            _ => {
                json!({ "accountId": owner.unwrap_or(caller.account).to_string(), "type": kind, "ARN": arn })
            }
        };
        if !all.contains(&resource) {
            all.push(resource);
        }
    };
    for (arn, owner) in &call.resources {
        add(arn, *owner);
        if let Some((bucket, _)) = arn.strip_prefix("arn:aws:s3:::").and_then(|name| name.split_once('/')) {
            add(&format!("arn:aws:s3:::{bucket}"), *owner);
        }
    }
    all
}

fn clip(text: &str, chars_max: usize) -> &str {
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// Members of an object that is open already and has one.
struct Writer(Vec<u8>);

impl Writer {
    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        // Writing to a vector cannot fail.
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    /// A text of ours, in which nothing has to be escaped.
    fn plain(&mut self, name: &str, text: &str) {
        debug_assert!(!text.contains(|c: char| c < ' ' || c == '"' || c == '\\'), "{name}: {text}");
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
    }

    fn value(&mut self, name: &str, value: &impl Serialize) {
        self.name(name);
        let _ = serde_json::to_writer(&mut self.0, value);
    }

    fn raw(&mut self, name: &str, json: Option<&[u8]>) {
        self.name(name);
        self.0.extend_from_slice(json.unwrap_or(b"null"));
    }
}
