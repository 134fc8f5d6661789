//! What our signer signs verifies; and the equivalents of a request that clients and the way make of it do too.

use haneul_sigv4::{
    AuthError, Credentials, RequestAuth, RequestParts, SignPayload, Signer, Timestamp, Verifier,
};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use proptest::prelude::*;

use crate::support::Sample;

const NOW: Timestamp = Timestamp::from_unix_s(1_700_000_000);
const SECRET: &str = "secret";

fn credentials(token: Option<&str>) -> Credentials<'_> {
    Credentials { access_key_id: "AKID", secret_access_key: SECRET, session_token: token }
}

fn sample(parts: http::request::Parts, body: &[u8]) -> Sample {
    Sample {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: body.to_vec(),
    }
}

fn signed(service: &str, method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Sample {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let (mut parts, ()) = builder.body(()).unwrap().into_parts();
    Signer::new(credentials(None), "us-east-1", service, NOW)
        .sign(&mut parts, SignPayload::Bytes(body))
        .unwrap();
    sample(parts, body)
}

#[test]
fn equivalents_verify() {
    let verifier = Verifier::new(4);
    let verify = |sample: &Sample| sample.verify(&verifier, SECRET, NOW).map(|_| ());
    let base = || signed("s3", "GET", "http://h:4566/b/%C3%A9?a=%2F&b=%20", &[("x-amz-meta-a", "b c")], b"");
    assert_eq!(verify(&base()), Ok(()));
    for path in ["/b/%c3%a9", "/%62/é"] {
        assert_eq!(verify(&Sample { path: path.to_owned(), ..base() }), Ok(()), "{path}");
    }
    for query in ["b=%20&a=%2f", "a=/&b=+", "%61=%2F&&b=%20&"] {
        assert_eq!(verify(&Sample { query: Some(query.to_owned()), ..base() }), Ok(()), "{query}");
    }
    for query in ["a=%2F&b=%2B", "a=%2F&b=", "a=%2F&b=%20&c", "a=%2F&b=%20&b=%20"] {
        assert!(verify(&Sample { query: Some(query.to_owned()), ..base() }).is_err(), "{query}");
    }
    let mut folded = base();
    folded.headers.insert("x-amz-meta-a", HeaderValue::from_static("  b  \t c "));
    assert_eq!(verify(&folded), Ok(()));
    // HTTP/2 has no Host.
    let mut h2 = base();
    h2.headers.remove("host");
    let parts = RequestParts { authority: Some("h:4566"), ..h2.parts() };
    let RequestAuth::SigV4(auth) = RequestAuth::parse(&parts).unwrap() else { panic!("not signed") };
    assert!(verifier.verify(&auth, &parts, SECRET, haneul_sigv4::Body::Deferred, NOW).is_ok());
    // A signer that knows nothing of ports.
    let mut bare = signed("s3", "GET", "http://h/b/k", &[], b"");
    bare.headers.insert("host", HeaderValue::from_static("h:4566"));
    assert_eq!(verify(&bare), Ok(()));
    bare.headers.insert("host", HeaderValue::from_static("i:4566"));
    assert!(verify(&bare).is_err());
    // An escaped slash is another key than a bare one, and a plus is none of the spaces of a path.
    let slash = signed("s3", "GET", "http://h/b/a%2Fb", &[], b"");
    assert!(verify(&Sample { path: "/b/a/b".to_owned(), ..slash }).is_err());
    let plus = signed("s3", "GET", "http://h/b/a+b", &[], b"");
    assert_eq!(verify(&Sample { path: "/b/a%2Bb".to_owned(), ..plus.clone() }), Ok(()));
    assert!(verify(&Sample { path: "/b/a%20b".to_owned(), ..plus }).is_err());
}

#[test]
fn headers_that_have_to_be_signed() {
    let verifier = Verifier::new(4);
    let base = signed("sqs", "POST", "http://h/", &[], b"");
    let mut tokened = base.clone();
    tokened.headers.insert("x-amz-security-token", HeaderValue::from_static("t"));
    assert!(tokened.verify(&verifier, SECRET, NOW).is_ok());
    assert_eq!(tokened.sigv4().unwrap().security_token.as_deref(), Some("t"));
    for (name, refused) in [("x-amz-target", true), ("x-amzn-trace-id", false), ("user-agent", false)] {
        let mut changed = base.clone();
        changed.headers.insert(name, HeaderValue::from_static("v"));
        let result = changed.verify(&verifier, SECRET, NOW).map(|_| ());
        let expected = AuthError::HeadersNotSigned { names: vec![name.to_owned()] };
        assert_eq!(result, if refused { Err(expected) } else { Ok(()) });
    }
    let mut hostless = base;
    let value =
        hostless.headers["authorization"].to_str().unwrap().replace("SignedHeaders=host;", "SignedHeaders=");
    hostless.headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
    let result = hostless.verify(&verifier, SECRET, NOW).map(|_| ());
    assert_eq!(result, Err(AuthError::HeadersNotSigned { names: vec!["host".to_owned()] }));
}

#[test]
fn presigned_urls_and_what_clients_add() {
    let verifier = Verifier::new(4);
    for (service, token) in [("s3", None), ("s3", Some("t+/=")), ("lambda", Some("t"))] {
        let signer = Signer::new(credentials(token), "us-east-1", service, NOW);
        let uri: Uri = "http://localhost:4566/b/a%20b?x=1".parse().unwrap();
        let url = signer.presign(&Method::GET, &uri, &HeaderMap::new(), 60).unwrap();
        let sample = Sample::new("GET", url.path(), url.query(), &[("host", "localhost:4566")], b"");
        assert!(sample.verify(&verifier, SECRET, NOW.plus_s(60)).is_ok());
        assert!(sample.verify(&verifier, SECRET, NOW.plus_s(61)).is_err());
        if service == "s3" {
            let mut hashing = sample.clone();
            hashing
                .headers
                .insert("x-amz-content-sha256", HeaderValue::from_static(haneul_sigv4::EMPTY_SHA256));
            assert!(hashing.verify(&verifier, SECRET, NOW).is_ok());
        }
        // A token added after signing.
        if token.is_none() {
            let query = format!("{}&X-Amz-Security-Token=late", url.query().unwrap());
            let late = Sample { query: Some(query), ..sample };
            assert!(late.verify(&verifier, SECRET, NOW).is_ok());
            assert_eq!(late.sigv4().unwrap().security_token.as_deref(), Some("late"));
        }
    }
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-zA-Z0-9._~:@!$&'()*+,;=-]{0,6}|%[0-9a-fA-F]{2}", 0..6)
        .prop_map(|s| format!("/{}", s.join("/")))
}

fn query() -> impl Strategy<Value = Option<String>> {
    let part = "[a-zA-Z0-9._~:@/!$'()*,;-]{0,5}(%[0-9a-fA-F]{2})?[+]?";
    prop::option::of(prop::collection::vec((part, prop::option::of(part)), 0..6).prop_map(|pairs| {
        let pieces: Vec<_> =
            pairs.into_iter().map(|(n, v)| v.map_or(n.clone(), |v| format!("{n}={v}"))).collect();
        pieces.join("&")
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_signed_verifies(
        service in prop::sample::select(vec!["s3", "s3express", "sts", "lambda"]),
        method in prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "HEAD"]),
        path in path(),
        query in query(),
        value in "[ -~]{0,20}",
        token in prop::option::of("[!-~]{1,20}"),
        body in prop::collection::vec(any::<u8>(), 0..50),
        presigned in any::<bool>(),
    ) {
        let target = query.as_ref().map_or(path.clone(), |q| format!("{path}?{q}"));
        let uri: Uri = format!("http://localhost:4566{target}").parse().unwrap();
        let signer = Signer::new(credentials(token.as_deref()), "eu-west-1", service, NOW);
        let verifier = Verifier::new(4);
        let sample = if presigned {
            let method = method.parse().unwrap();
            let url = signer.presign(&method, &uri, &HeaderMap::new(), 600).unwrap();
            Sample::new(method.as_str(), url.path(), url.query(), &[("host", "localhost:4566")], b"")
        } else {
            let (mut parts, ()) =
                Request::builder().method(method).uri(uri).header("x-amz-meta-v", &value).body(()).unwrap().into_parts();
            signer.sign(&mut parts, SignPayload::Bytes(&body)).unwrap();
            sample(parts, &body)
        };
        for _ in 0..2 {
            let verified = sample.verify(&verifier, SECRET, NOW);
            prop_assert!(verified.is_ok(), "{:#?}", verified);
        }
        prop_assert!(sample.verify(&verifier, "other", NOW).is_err());
        let auth = sample.sigv4().unwrap();
        prop_assert_eq!(auth.security_token.as_deref(), token.as_deref());
    }
}
