use haneul_kit::{Cx, RequestHead};
use haneul_wire::{Payload, Protocol};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::query;
use crate::catalog::Entry;

/// The path of a queue's URL, `/000000000000/name`: to it SQS's older clients send their requests.
pub fn is_queue_path(path: &str) -> bool {
    let mut segments = path.trim_start_matches('/').split('/');
    let (Some(account), Some(name), None) = (segments.next(), segments.next(), segments.next()) else {
        return false;
    };
    account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && is_queue_name(name)
}

/// Letters, digits, hyphens and underscores, at most 80, and `.fifo` perhaps (SQS API Reference, CreateQueue).
fn is_queue_name(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    !stem.is_empty()
        && name.len() <= 80
        && stem.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A request to a queue's own URL need not name the queue once more.
pub fn put_in(entry: &Entry, protocol: Protocol, head: &RequestHead, cx: &Cx, body: Payload) -> Payload {
    let path = head.uri.path();
    let Payload::Bytes(form) = &body else { return body };
    let in_query = head.uri.query().is_some_and(|query| query::has(query, "QueueUrl"));
    if entry.name() != "sqs" || protocol != Protocol::AwsQuery || in_query || !is_queue_path(path) {
        return body;
    }
    let text = String::from_utf8_lossy(form);
    if query::has(&text, "QueueUrl") {
        return body;
    }
    let url = format!("{}{path}", cx.endpoint());
    let separator = if form.is_empty() { "" } else { "&" };
    Payload::from(
        format!("{text}{separator}QueueUrl={}", utf8_percent_encode(&url, NON_ALPHANUMERIC)).into_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_paths() {
        for yes in ["/000000000000/q", "/123456789012/A-b_9.fifo", "//000000000000/q"] {
            assert!(is_queue_path(yes), "{yes}");
        }
        for no in [
            "/",
            "/q",
            "/00000000000/q",
            "/000000000000/",
            "/000000000000/a/b",
            "/000000000000/a.b",
            "/x00000000000/q",
        ] {
            assert!(!is_queue_path(no), "{no}");
        }
    }
}
