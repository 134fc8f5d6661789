//! Server access logs: a line for each request to a bucket that has a log, as best effort, as S3's are.
//!
//! Lines are kept in memory and written to the target bucket by [`crate::tasks`] some minutes later; a crash loses those.
//! Source: S3 User Guide, "Amazon S3 server access log format" and "Logging requests with server access logging".

use std::collections::BTreeMap;
use std::fmt::Write;

use haneul_kit::extension::ErrorCode;
use haneul_kit::{Cx, Instant, Principal, RequestHead, Signal};
use http::{Method, response};
use parking_lot::Mutex;

use crate::bucket::Bucket;
use crate::model::features::LogKeys;
use crate::owner::canonical_id;
use crate::{subresource, website};

/// Lines are delivered when the oldest is so old, in seconds, or when there are so many bytes.
pub(crate) const DELIVERED_AFTER_S: i64 = 300;
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Lines that wait for their delivery, by their bucket's name.
#[derive(Default)]
pub(crate) struct Waiting {
    lines: Mutex<BTreeMap<String, Lines>>,
    pub(crate) wakes: Signal,
}

pub(crate) struct Lines {
    pub(crate) since: Instant,
    pub(crate) text: String,
}

impl Waiting {
    fn add(&self, bucket: &str, now: Instant, line: &str) {
        let mut lines = self.lines.lock();
        let was_empty = lines.is_empty();
        let waiting =
            lines.entry(bucket.to_owned()).or_insert_with(|| Lines { since: now, text: String::new() });
        // What nobody comes to take is not kept for ever.
        if waiting.text.len() + line.len() > 2 * BYTES_MAX {
            return;
        }
        waiting.text.push_str(line);
        if was_empty || waiting.text.len() > BYTES_MAX {
            self.wakes.wake();
        }
    }

    /// Takes what is to be delivered by now.
    pub(crate) fn take(&self, now: Instant) -> Vec<(String, Lines)> {
        let mut lines = self.lines.lock();
        let due = |lines: &Lines| {
            now.secs() - lines.since.secs() >= DELIVERED_AFTER_S || lines.text.len() > BYTES_MAX
        };
        let names: Vec<String> =
            lines.iter().filter(|(_, waiting)| due(waiting)).map(|(name, _)| name.clone()).collect();
        names.into_iter().filter_map(|name| lines.remove_entry(&name)).collect()
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        let lines = self.lines.lock();
        let oldest = lines.values().map(|waiting| waiting.since).min()?;
        Some(Instant::from_secs(oldest.secs() + DELIVERED_AFTER_S))
    }
}

/// Notes a request that was answered.
pub(crate) fn note(
    waiting: &Waiting,
    cx: &Cx,
    http: &RequestHead,
    bucket: &Bucket,
    answer: &response::Parts,
    now: Instant,
) {
    if bucket.record.features.logging.is_some() {
        waiting.add(&bucket.name, now, &line(cx, http, bucket, answer, now));
    }
}

fn line(cx: &Cx, http: &RequestHead, bucket: &Bucket, answer: &response::Parts, now: Instant) -> String {
    let of_answer = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let key = key_of(http, bucket);
    let (mut line, caller) = (String::with_capacity(512), cx.caller());
    let requester = match &caller.principal {
        Principal::Anonymous => None,
        Principal::Root => Some(canonical_id(caller.account)),
        _ => Some(caller.arn()),
    };
    let signature = signature(http);
    let length = of_answer("content-length");
    let sent = length.filter(|length| *length != "0" && http.method != Method::HEAD);
    let total = of_answer("content-range").and_then(|range| range.rsplit('/').next()).or(match http.method {
        Method::GET | Method::HEAD if answer.status.is_success() && key.is_some() => length,
        Method::PUT => http.header("x-amz-decoded-content-length").or(http.header("content-length")),
        _ => None,
    });
    let elapsed_ms = (now.millis() - cx.now().millis()).max(0).to_string();
    let target = http.uri.path_and_query().map_or("/", |target| target.as_str());
    let address = format!("{} {target} {:?}", http.method, http::Version::HTTP_11);
    let code = answer.extensions.get::<ErrorCode>().map(|code| code.0.as_str());
    let cipher = cx.secure().then_some("ECDHE-RSA-AES128-GCM-SHA256");
    let field = |line: &mut String, value: Option<&str>| {
        let value = value.filter(|value| !value.is_empty()).unwrap_or("-");
        let _ = write!(line, "{} ", printable(value, false));
    };
    let quoted = |line: &mut String, value: Option<&str>| match value {
        Some(value) => {
            let _ = write!(line, "\"{}\" ", printable(value, true));
        }
        None => line.push_str("\"-\" "),
    };
    field(&mut line, Some(&canonical_id(bucket.owner)));
    field(&mut line, Some(&bucket.name));
    let _ = write!(line, "[{}] ", time(cx.now()));
    field(&mut line, cx.source_ip().map(|ip| ip.to_canonical().to_string()).as_deref());
    field(&mut line, requester.as_deref());
    field(&mut line, Some(cx.request_id()));
    field(&mut line, Some(&operation(http, key.is_some())));
    let encoded = key.as_ref().map(|key| percent_encoding::utf8_percent_encode(key, KEY).to_string());
    field(&mut line, encoded.as_deref());
    quoted(&mut line, Some(&address));
    field(&mut line, Some(answer.status.as_str()));
    field(&mut line, code);
    field(&mut line, sent);
    field(&mut line, total);
    field(&mut line, Some(&elapsed_ms));
    field(&mut line, Some(&elapsed_ms).filter(|_| http.method == Method::GET).map(String::as_str));
    quoted(&mut line, http.header("referer"));
    quoted(&mut line, http.header("user-agent"));
    field(&mut line, of_answer("x-amz-version-id"));
    field(&mut line, Some(cx.request_id()));
    field(&mut line, signature.map(|(version, _)| version));
    field(&mut line, cipher);
    field(&mut line, signature.map(|(_, kind)| kind));
    field(&mut line, http.host());
    field(&mut line, cx.secure().then_some("TLSv1.3"));
    // No access point, and no ACL that had to be looked at.
    line.push_str("- -\n");
    line
}

const KEY: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A value that cannot end its field or its line.
fn printable(value: &str, quoted: bool) -> String {
    let bad = |c: char| c.is_control() || c == '"' || (!quoted && c == ' ');
    value.chars().map(|c| if bad(c) { '?' } else { c }).collect()
}

pub(crate) fn key_of(http: &RequestHead, bucket: &Bucket) -> Option<String> {
    let path = percent_encoding::percent_decode_str(http.uri.path()).decode_utf8_lossy();
    let path = path.strip_prefix('/').unwrap_or(&path);
    let key = match http.bucket {
        Some(_) => path,
        None => path
            .strip_prefix(bucket.name.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or_default(),
    };
    Some(key.to_owned()).filter(|key| !key.is_empty())
}

fn signature(http: &RequestHead) -> Option<(&'static str, &'static str)> {
    let query = http.uri.query().unwrap_or_default();
    match http.header("authorization") {
        Some(header) if header.starts_with("AWS4-") => Some(("SigV4", "AuthHeader")),
        Some(_) => Some(("SigV2", "AuthHeader")),
        None if query.contains("X-Amz-Signature=") => Some(("SigV4", "QueryString")),
        None if query.contains("AWSAccessKeyId=") => Some(("SigV2", "QueryString")),
        None => None,
    }
}

/// `REST.GET.OBJECT`: the API, the method, and what it is about.
fn operation(http: &RequestHead, is_object: bool) -> String {
    if website::is_website(http) {
        return format!("WEBSITE.{}.OBJECT", http.method);
    }
    let names = subresource::parameters(http);
    let has = |name: &str| names.iter().any(|given| given == name);
    let copies = http.header("x-amz-copy-source").is_some();
    if http.method == Method::POST && has("delete") {
        return "REST.POST.MULTI_OBJECT_DELETE".to_owned();
    }
    let resource = match () {
        () if has("uploadId") && has("partNumber") => "PART",
        () if has("uploadId") => "UPLOAD",
        () => subresource::named(&names, is_object).unwrap_or(if is_object { "OBJECT" } else { "BUCKET" }),
    };
    match (copies, resource) {
        (true, "PART") => "REST.COPY.PART".to_owned(),
        (true, "OBJECT") => "REST.COPY.OBJECT".to_owned(),
        _ => format!("REST.{}.{resource}", http.method),
    }
}

/// `06/Feb/2019:00:00:38 +0000`
fn time(at: Instant) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let iso = at.iso8601();
    let part = |range: std::ops::Range<usize>| iso.get(range).unwrap_or_default();
    let month = part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    format!("{}/{}/{}:{} +0000", part(8..10), month.unwrap_or(&"Jan"), part(0..4), part(11..19))
}

/// The key of a log object.
pub(crate) fn object_key(
    bucket: &Bucket,
    prefix: &str,
    format: LogKeys,
    event: Instant,
    now: Instant,
    unique: &str,
) -> String {
    let stamp = |at: Instant| at.iso8601().replace([':', 'T'], "-").trim_end_matches('Z').to_owned();
    let day = match format {
        LogKeys::Unsaid | LogKeys::Simple => return format!("{prefix}{}-{unique}", stamp(now)),
        LogKeys::ByEventTime => event,
        LogKeys::ByDeliveryTime => now,
    };
    let (owner, region, name) = (bucket.owner, bucket.region, &bucket.name);
    let date = day.iso8601().get(..10).unwrap_or_default().replace('-', "/");
    // By the time of the events, the name has no time of day: the object holds those of a day.
    let name_stamp = if format == LogKeys::ByEventTime {
        format!("{}-00-00-00", date.replace('/', "-"))
    } else {
        stamp(now)
    };
    format!("{prefix}{owner}/{region}/{name}/{date}/{name_stamp}-{unique}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_requests_are_called() {
        for (method, uri, copy, is_object, expected) in [
            ("GET", "/b/k", false, true, "REST.GET.OBJECT"),
            ("GET", "/b?list-type=2", false, false, "REST.GET.BUCKET"),
            ("PUT", "/b/k", true, true, "REST.COPY.OBJECT"),
            ("PUT", "/b/k?partNumber=1&uploadId=x", false, true, "REST.PUT.PART"),
            ("POST", "/b/k?uploads", false, true, "REST.POST.UPLOADS"),
            ("POST", "/b?delete", false, false, "REST.POST.MULTI_OBJECT_DELETE"),
            ("GET", "/b?versioning", false, false, "REST.GET.VERSIONING"),
            ("PUT", "/b?logging", false, false, "REST.PUT.LOGGING_STATUS"),
        ] {
            let mut head =
                RequestHead::new(method.parse().unwrap(), uri.parse().unwrap(), Default::default());
            if copy {
                head.headers.insert("x-amz-copy-source", "b/k".parse().unwrap());
            }
            assert_eq!(operation(&head, is_object), expected);
        }
    }

    #[test]
    fn times_and_injection() {
        assert_eq!(time(Instant::from_secs(1_549_411_238)), "06/Feb/2019:00:00:38 +0000");
        assert_eq!(printable("a b\n\"c", true), "a b??c");
        assert_eq!(printable("a b", false), "a?b");
    }
}
