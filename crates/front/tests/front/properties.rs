use std::sync::LazyLock;

use bytes::Bytes;
use proptest::prelude::*;

use crate::world::World;

static WORLDS: LazyLock<[World; 2]> = LazyLock::new(|| [World::new(), World::with(true, "")]);

fn text_of(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(pieces).prop_map(str::to_owned),
        1 => "[ -~]{0,8}",
        1 => ".{0,4}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = String> {
    text_of(&[
        "/",
        "bucket",
        "key",
        "..",
        "%2e",
        "%00",
        "%ff",
        "%",
        "?",
        "&",
        "=",
        "acl",
        "uploads",
        "partNumber=1",
        "uploadId=x",
        "versionId",
        "Action=SendMessage",
        "Version=2012-11-05",
        "000000000000",
        "service/AmazonSQS/operation/SendMessage",
        "2015-03-31/functions",
        "v20180820",
        "_haneul",
        "X-Amz-Signature=1",
        "X-Amz-Credential=a/20260101/us-east-1/s3/aws4_request",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Date=20260101T000000Z",
        "X-Amz-Expires=60",
        "X-Amz-SignedHeaders=host",
    ])
}

fn header() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let name = proptest::sample::select(
        &[
            "host",
            "authorization",
            "content-type",
            "x-amz-target",
            "x-amz-date",
            "x-amz-content-sha256",
            "x-amz-trailer",
            "x-amz-decoded-content-length",
            "x-amz-security-token",
            "smithy-protocol",
            "origin",
            "access-control-request-method",
            "range",
            "if-match",
            "x-amz-copy-source",
            "content-encoding",
            "expect",
            "content-md5",
        ][..],
    );
    let value = prop_oneof![
        4 => text_of(&[
            "localhost", ":4566", "bucket.", "s3.", "us-east-1.", "sqs.", "amazonaws.com", "AWS4-HMAC-SHA256 ",
            "Credential=test/20260101/us-east-1/", "s3", "sqs", "dynamodb", "lambda", "sts", "monitoring", "glue",
            "/aws4_request", ", SignedHeaders=host;x-amz-date", ", Signature=", "00", "AWS ", "a:b", "AmazonSQS.SendMessage",
            "DynamoDB_20120810.ListTables", "application/x-www-form-urlencoded", "application/x-amz-json-1.0", "20260101T000000Z",
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "UNSIGNED-PAYLOAD", "rpc-v2-cbor", "5",
            "x-amz-checksum-crc32", "http://localhost",
        ]).prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..16),
    ];
    (name, value)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        text_of(&[
            "Action=SendMessage",
            "&",
            "Version=2012-11-05",
            "QueueUrl=q",
            "{",
            "}",
            "\"QueueUrl\"",
            ":",
            "\"q\"",
            ",",
            "[",
            "<Tagging>",
            "<TagSet>",
            "</",
            "5\r\n",
            "hello",
            "\r\n",
            "0\r\n\r\n",
            ";chunk-signature=",
        ])
        .prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

fn request() -> impl Strategy<Value = Option<http::Request<Bytes>>> {
    let method =
        proptest::sample::select(&["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"][..]);
    (method, path(), proptest::collection::vec(header(), 0..7), body()).prop_map(
        |(method, path, headers, body)| {
            let mut request = http::Request::builder().method(method).uri(format!("/{path}"));
            for (name, value) in headers {
                if let Ok(value) = http::HeaderValue::from_bytes(&value) {
                    request = request.header(name, value);
                }
            }
            // What is no URI does not get past the listener.
            request.body(Bytes::from(body)).ok()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_request_is_answered_in_a_protocol(request in request(), relaxed in 0..2_usize) {
        let Some(request) = request else { return Ok(()) };
        let is_head = request.method() == http::Method::HEAD;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(WORLDS[relaxed].send(request));
        // A panic would be a 500.
        prop_assert!(answer.status != 500, "{} {}", answer.status, answer.body);
        let form = answer.header("content-type");
        let known = ["application/xml", "text/xml", "application/json", "application/x-amz-json", "application/cbor", "binary/octet-stream"];
        let empty = answer.body.is_empty() || is_head;
        prop_assert!(empty || form.is_empty() || known.iter().any(|known| form.starts_with(known)), "{form}: {}", answer.body);
        if answer.status >= 400 && !empty {
            let named = !answer.code().is_empty() || form == "application/cbor" || answer.body.contains("\"message\"");
            prop_assert!(named, "{} {form}: {}", answer.status, answer.body);
        }
    }
}
