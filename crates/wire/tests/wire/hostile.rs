//! What an attacker sends: an error, promptly, and no panic.

use haneul_cloudwatch_wire::operations as cloudwatch;
use haneul_dynamodb_wire::operations as dynamodb;
use haneul_iam_wire::operations as iam;
use haneul_lambda_wire::operations as lambda;
use haneul_s3_wire::operations as s3;
use haneul_sqs_wire::operations as sqs;
use haneul_wire::Protocol::{self, AwsJson, AwsQuery, RpcV2Cbor};
use proptest::prelude::*;

use crate::support::{accept, accept_rest, decode};

#[test]
fn xml() {
    let deep = "<Delete>".to_owned() + &"<a>".repeat(100_000);
    for body in [
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><Delete><Object><Key>&b;</Key></Object></Delete>",
        "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><Delete/>",
        "<Delete><Object><Key>&undeclared;</Key></Object></Delete>",
        "<Delete><Object><Key>&#xD800;</Key></Object></Delete>",
        "<Delete><Object><Key>x</Object></Delete>",
        "<Delete><Object>",
        "<Delete></Delete><Delete></Delete>",
        "<Delete>text</Delete>",
        "<Delete><Quiet>maybe</Quiet></Delete>",
        "{\"Delete\":{}}",
        "<Remove><Object><Key>x</Key></Object></Remove>",
        "<",
        &deep,
    ] {
        let error = accept_rest::<s3::DeleteObjects>("POST", "/b?delete", &[], body.as_bytes()).err();
        let error = error.unwrap_or_else(|| panic!("accepted: {:.80}", body));
        assert_eq!(error.code, "MalformedXML", "{:.80}", body);
    }
    let error =
        accept_rest::<s3::DeleteObjects>("POST", "/b?delete", &[], b"<Delete>\xff</Delete>").err().unwrap();
    assert_eq!(error.code, "MalformedXML");
    assert!(accept_rest::<s3::GetObject>("GET", "/b/%ff", &[], b"").is_err());
    assert!(accept_rest::<s3::GetObject>("GET", "/b/%2", &[], b"").is_err());
    let error = accept_rest::<s3::ListObjectsV2>("GET", "/b?list-type=2&max-keys=x", &[], b"").err().unwrap();
    assert_eq!(error.code, "InvalidArgument");
}

#[test]
fn json_depth() {
    let nested = |levels: usize| {
        let value = r#"{"L":["#.repeat(levels) + r#"{"N":"1"}"# + &"]}".repeat(levels);
        format!(r#"{{"TableName":"table","Key":{{"a":{value}}}}}"#)
    };
    assert!(accept::<dynamodb::GetItem>(AwsJson, nested(32).as_bytes()).is_ok());
    let error = accept::<dynamodb::GetItem>(AwsJson, nested(70).as_bytes()).err().unwrap();
    assert_eq!(error.code, "ValidationException");
    let skipped = format!(r#"{{"Unknown":{}"#, "[".repeat(1_000_000));
    assert!(accept::<dynamodb::GetItem>(AwsJson, skipped.as_bytes()).is_err());
}

/// An index only orders: it is no length.
#[test]
fn huge_indices() {
    let body = b"UserName=u&Tags.member.4294967295.Key=b&Tags.member.4294967295.Value=&Tags.member.7.Key=a&Tags.member.7.Value=";
    let input = accept::<iam::CreateUser>(AwsQuery, body).unwrap();
    let keys: Vec<_> = input.tags.unwrap().into_iter().map(|tag| tag.key).collect();
    assert_eq!(keys, ["a", "b"]);
    assert!(
        accept::<iam::CreateUser>(AwsQuery, b"UserName=u&Tags.member.99999999999999999999.Key=b").is_err()
    );
    assert!(accept::<iam::CreateUser>(AwsQuery, b"UserName=u&Tags.member.-1.Key=b").is_err());
    let deep = format!("UserName=u&Tags{}=1", ".member.1.Key".repeat(50_000));
    assert!(decode::<iam::CreateUser>(AwsQuery, deep.as_bytes()).is_err());
}

#[test]
fn cbor_lengths() {
    for body in [
        &b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\xa1\x6aAlarmNames\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x6aAlarmNames\x81\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xa1\x6aAlarmNames\x81\x62\xff\xff",
        b"\xbf\x6aAlarmNames",
        b"\xa0\xa0",
        b"\x81",
        b"\xff",
    ] {
        let error = decode::<cloudwatch::DeleteAlarms>(RpcV2Cbor, body).err();
        assert_eq!(error.expect("an error").code, "SerializationException", "{body:?}");
    }
    let deep = [&b"\xa1\x61x"[..], &b"\x81".repeat(1_000_000)].concat();
    assert!(decode::<cloudwatch::DeleteAlarms>(RpcV2Cbor, &deep).is_err());
    // Indefinite lengths are CBOR too.
    let body = b"\xbf\x6aAlarmNames\x9f\x7f\x61a\x61b\xff\xff\xff";
    assert_eq!(accept::<cloudwatch::DeleteAlarms>(RpcV2Cbor, body).unwrap().alarm_names, ["ab"]);
}

#[test]
fn headers() {
    let put = |name: &'static str, value: &[u8]| {
        let mut headers = http::HeaderMap::new();
        headers.insert(name, http::HeaderValue::from_bytes(value).unwrap());
        let model = haneul_wire::model(&haneul_s3_wire::SERVICE);
        let route = haneul_wire::route(model, "PUT", "/b/k", "", &headers).unwrap().unwrap();
        let parts = haneul_wire::RequestParts {
            method: "PUT",
            path: "/b/k",
            query: "",
            headers: &headers,
            labels: &route.labels,
        };
        let mut input = haneul_s3_wire::shapes::PutObjectRequest::default();
        let payload = haneul_wire::Payload::empty();
        haneul_wire::decode_request(model, route.operation, Protocol::RestXml, &parts, payload, &mut input)
            .map(|_| input)
    };
    assert!(put("content-language", b"\xff").is_err());
    // What has a name of the client's own may be any bytes.
    let input = put("x-amz-meta-a", b"\xff \xc3\xa9").ok().unwrap();
    assert_eq!(input.metadata.unwrap().get("a").unwrap(), "\u{ff} \u{c3}\u{a9}");
}

const CBOR: &[&[u8]] = &[
    b"\xa1",
    b"\xbf",
    b"\xff",
    b"\x9f",
    b"\x81",
    b"\xf6",
    b"\xc1",
    b"\x6aMetricData",
    b"\x6aMetricName",
    b"\x69Timestamp",
    b"\x01",
    b"\xf9\x3c\x00",
];

proptest! {
    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode::<dynamodb::PutItem>(AwsJson, &bytes);
        let _ = decode::<iam::CreateUser>(AwsQuery, &bytes);
        let _ = decode::<cloudwatch::PutMetricData>(RpcV2Cbor, &bytes);
        let _ = accept_rest::<s3::DeleteObjects>("POST", "/b?delete", &[], &bytes);
        let _ = accept_rest::<lambda::CreateFunction>("POST", "/2015-03-31/functions", &[], &bytes);
    }

    #[test]
    fn nearly_json(text in r#"(\{|\}|\[|\]|,|:|"TableName"|"Item"|"S"|"M"|"a"|1|null|true| ){0,40}"#) {
        let _ = accept::<dynamodb::PutItem>(AwsJson, text.as_bytes());
    }

    #[test]
    fn nearly_a_form(text in "(Tags|UserName|member|Key|Value|\\.|=|&|1|%41|%|\\+){0,40}") {
        let _ = accept::<iam::CreateUser>(AwsQuery, text.as_bytes());
    }

    #[test]
    fn nearly_a_flattened_form(text in "(Attribute|MessageAttribute|Tag|Key|Name|Value|DataType|\\.|=|&|1|-){0,40}") {
        let _ = accept::<sqs::SendMessage>(AwsQuery, text.as_bytes());
        let _ = accept::<sqs::CreateQueue>(AwsQuery, text.as_bytes());
    }

    #[test]
    fn nearly_xml(text in "(<|>|/|Delete|Object|Key|a|&amp;|&|;| |\"|=|<!--|-->|<!\\[CDATA\\[|\\]\\]>){0,40}") {
        let _ = accept_rest::<s3::DeleteObjects>("POST", "/b?delete", &[], text.as_bytes());
    }

    #[test]
    fn nearly_cbor(pieces in proptest::collection::vec(proptest::sample::select(CBOR), 0..20)) {
        let _ = accept::<cloudwatch::PutMetricData>(RpcV2Cbor, &pieces.concat());
    }

    #[test]
    fn any_path(path in "/[ -~]{0,40}", query in "[ -~]{0,40}") {
        let model = haneul_wire::model(&haneul_s3_wire::SERVICE);
        let _ = haneul_wire::route(model, "GET", &path, &query, &http::HeaderMap::new());
    }
}
