//! Bytes that nobody meant well: no parser panics, and nothing passes.

use haneul_sigv4::{
    AuthError, Carrier, Credential, Family, PostAuth, PostPolicy, RequestAuth, Timestamp, Verifier,
};
use http::HeaderValue;
use proptest::prelude::*;

use crate::support::Sample;

const NOW: Timestamp = Timestamp::from_unix_s(1_700_000_000);
const FAMILIES: [Family; 5] = [Family::S3, Family::Query, Family::Ec2, Family::Json, Family::RestJson];

/// Words that make random text look like a signed request.
fn words() -> impl Strategy<Value = String> {
    let known = vec![
        "AWS4-HMAC-SHA256",
        "Credential=",
        "SignedHeaders=",
        "Signature=",
        "AKID/20231114/us-east-1/s3/aws4_request",
        "host",
        ";",
        ",",
        " ",
        "/",
        "=",
        "&",
        "%",
        "%2F",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Credential=",
        "X-Amz-Date=20231114T221320Z",
        "X-Amz-Expires=",
        "X-Amz-SignedHeaders=host",
        "X-Amz-Signature=",
        "AWS",
        "é",
        "-1",
        "604801",
        "x-amz-date",
    ];
    let word = prop_oneof![prop::sample::select(known).prop_map(str::to_owned), "[ -~]{0,5}", "\\PC{0,3}"];
    prop::collection::vec(word, 0..12).prop_map(|w| w.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests(authorization in words(), query in words(), path in words(), date in "\\PC{0,20}", sha in words(), v4 in any::<bool>()) {
        let mut sample = Sample::new("GET", &path, Some(&query), &[("host", "h")], b"");
        let authorization = if v4 { format!("AWS4-HMAC-SHA256 {authorization}") } else { authorization };
        for (name, value) in [("authorization", authorization), ("x-amz-date", date), ("x-amz-content-sha256", sha)] {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) && !value.is_empty() {
                sample.headers.insert(name, value);
            }
        }
        for only_query in [false, true] {
            if only_query {
                sample.headers.remove("authorization");
            }
            if let Ok(RequestAuth::SigV4(auth)) = RequestAuth::parse(&sample.parts()) {
                let _ = auth.expect_region("x");
            }
            let result = sample.verify(&Verifier::new(4), "secret", NOW);
            prop_assert!(result.is_err());
            for family in FAMILIES {
                let reply = result.as_ref().unwrap_err().render(family);
                prop_assert!(!reply.code.is_empty() && !reply.message.is_empty() && (400..=500).contains(&reply.status));
            }
        }
    }

    #[test]
    fn credentials(text in "\\PC{0,20}/\\PC{0,9}/\\PC{0,5}/\\PC{0,5}/aws4_request|\\PC{0,600}|[/a0]{0,40}") {
        if let Ok(credential) = Credential::parse((&text).into(), Carrier::Header) {
            prop_assert_eq!(&text, &format!("{}/{}", credential.access_key_id(), credential.scope()));
        }
    }

    #[test]
    fn instants(text in "\\PC{0,40}|[0-9TZ]{14,18}|[A-Za-z0-9:, ]{20,35}|[0-9:TZ.-]{18,26}", seconds in any::<i64>()) {
        let parsed = [Timestamp::parse_basic(&text), Timestamp::parse_extended(&text), Timestamp::parse_http_date(&text)];
        for t in parsed.into_iter().flatten() {
            prop_assert_eq!(Timestamp::parse_basic(t.basic().as_str()), Some(t));
        }
        let t = Timestamp::from_unix_s(seconds);
        prop_assert_eq!(Timestamp::parse_extended(&t.extended()), Some(t));
    }

    #[test]
    fn forms(names in prop::collection::vec((words(), words()), 0..5), json in "[\\[\\]{}\":,$a-z0-9-]{0,60}", size in any::<u64>()) {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(json);
        let mut fields: Vec<(&str, &str)> = names.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        fields.extend([("policy", text.as_str()), ("x-amz-signature", "0"), ("X-Amz-Algorithm", "AWS4-HMAC-SHA256")]);
        let _ = PostAuth::parse(&fields);
        if let Ok(policy) = PostPolicy::parse(&text) {
            let _ = policy.check("b", &fields, NOW);
            let _ = policy.check_length(size);
        }
    }
}

#[test]
fn lines_cannot_be_forged() {
    // A newline in a list of names or in a scope would shift the lines of what is signed.
    for query in [
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/20231114/us-east-1/s3/aws4_request&X-Amz-Date=20231114T221320Z&\
         X-Amz-Expires=1&X-Amz-SignedHeaders=host%0Ax:y&X-Amz-Signature=0",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/20231114/us-east-1%0A/s3/aws4_request&X-Amz-Date=20231114T221320Z&\
         X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
    ] {
        let sample = Sample::new("GET", "/", Some(query), &[("host", "h")], b"");
        assert!(matches!(
            sample.sigv4(),
            Err(AuthError::MissingParameters { .. } | AuthError::CredentialMalformed { .. })
        ));
    }
}

#[test]
fn large_requests_are_bounded() {
    let many = vec!["a"; 300].join(";");
    let value = format!(
        "AWS4-HMAC-SHA256 Credential=A/20231114/us-east-1/s3/aws4_request, SignedHeaders={many}, Signature=0"
    );
    let sample = Sample::new(
        "GET",
        "/",
        None,
        &[("host", "h"), ("authorization", &value), ("x-amz-date", "20231114T221320Z")],
        b"",
    );
    assert!(matches!(sample.sigv4(), Err(AuthError::NotKeyValue { .. })));
    let long = format!("{}/20231114/us-east-1/s3/aws4_request", "A".repeat(1_000));
    assert!(matches!(
        Credential::parse(long.into(), Carrier::Header),
        Err(AuthError::CredentialMalformed { .. })
    ));
}
