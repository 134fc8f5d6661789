//! The examples of AWS's own pages, number for number.

use bytes::Bytes;
use haneul_sigv4::{
    AuthError, Body, ChunkedForm, Credentials, Family, PayloadVerifier, PostAuth, RequestAuth, SignPayload,
    Signer, SigningKey, Timestamp, Verifier,
};
use http::{HeaderMap, Method, Request};

use crate::support::{Sample, joined};

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// 2013-05-24T00:00:00Z
const S3_NOW: Timestamp = Timestamp::from_unix_s(1_369_353_600);
/// 2015-08-30T12:36:00Z
const SUITE_NOW: Timestamp = Timestamp::from_unix_s(1_440_938_160);

const S3_CREDENTIALS: Credentials<'_> =
    Credentials { access_key_id: ID, secret_access_key: SECRET, session_token: None };

fn authorization(headers: &HeaderMap) -> &str {
    headers["authorization"].to_str().unwrap().split("Signature=").nth(1).unwrap()
}

fn sign_s3(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    payload: SignPayload<'_>,
) -> http::request::Parts {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    let (mut parts, ()) = builder.body(()).unwrap().into_parts();
    Signer::new(S3_CREDENTIALS, "us-east-1", "s3", S3_NOW).sign(&mut parts, payload).unwrap();
    parts
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[test]
fn s3_headers() {
    let host = "http://examplebucket.s3.amazonaws.com";
    let cases = [
        (
            "GET",
            "/test.txt",
            &[("range", "bytes=0-9")][..],
            &b""[..],
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            &[("date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")],
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?lifecycle", &[], b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            &[],
            b"",
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ];
    for (method, target, headers, body, signature) in cases {
        let parts = sign_s3(method, &format!("{host}{target}"), headers, SignPayload::Bytes(body));
        assert_eq!(authorization(&parts.headers), signature, "{target}");
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
#[test]
fn s3_presigned() {
    let signer = Signer::new(S3_CREDENTIALS, "us-east-1", "s3", S3_NOW);
    let uri = "https://examplebucket.s3.amazonaws.com/test.txt".parse().unwrap();
    let url = signer.presign(&Method::GET, &uri, &HeaderMap::new(), 86_400).unwrap();
    let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    assert!(url.query().unwrap().ends_with(&format!("&X-Amz-Signature={signature}")), "{url}");
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html> and, with trailers,
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
#[test]
fn s3_chunks() {
    let cases = [
        (
            ChunkedForm::Signed,
            &[("content-length", "66824")][..],
            &[][..],
            [
                "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
                "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
                "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
                "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
            ],
            "",
        ),
        (
            ChunkedForm::SignedTrailer,
            &[],
            &[("x-amz-checksum-crc32c", "sOO8/Q==")],
            [
                "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
                "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
                "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
                "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
            ],
            "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:\
             d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
        ),
    ];
    for (form, headers, trailers, [seed, first, second, last], tail) in cases {
        let names: Vec<&str> = trailers.iter().map(|(name, _)| *name).collect();
        let mut builder = Request::builder()
            .method("PUT")
            .uri("https://s3.amazonaws.com/examplebucket/chunkObject.txt")
            .header("content-encoding", "aws-chunked")
            .header("x-amz-storage-class", "REDUCED_REDUNDANCY");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let (mut parts, ()) = builder.body(()).unwrap().into_parts();
        let signer = Signer::new(S3_CREDENTIALS, "us-east-1", "s3", S3_NOW);
        let payload = SignPayload::Chunked { form, decoded_length: 66_560, trailers: &names };
        let mut chunks = signer.sign(&mut parts, payload).unwrap();
        // AWS's first example signs content-length, which our signer leaves to the transport: verify that one instead.
        if form == ChunkedForm::Signed {
            let value = format!(
                "AWS4-HMAC-SHA256 Credential={ID}/20130524/us-east-1/s3/aws4_request, SignedHeaders=content-encoding;\
                 content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class, \
                 Signature={seed}"
            );
            parts.headers.insert("authorization", value.parse().unwrap());
        } else {
            assert_eq!(authorization(&parts.headers), seed);
            let data = vec![b'a'; 65_536];
            assert_eq!(chunks.chunk_header(&data), format!("10000;chunk-signature={first}\r\n"));
            assert_eq!(chunks.chunk_header(&data[..1_024]), format!("400;chunk-signature={second}\r\n"));
            assert_eq!(chunks.end(trailers), format!("0;chunk-signature={last}\r\n{tail}\r\n"));
        }

        let sample = Sample {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: None,
            headers: parts.headers,
            body: Vec::new(),
        };
        let auth = sample.sigv4().unwrap();
        let verified = sample.verify(&Verifier::new(4), SECRET, S3_NOW).unwrap();
        let mut decoder = PayloadVerifier::new(&auth, &verified, &sample.headers).unwrap();
        assert_eq!(decoder.decoded_length(), Some(66_560));
        let mut out = Vec::new();
        let body = format!(
            "10000;chunk-signature={first}\r\n{}\r\n400;chunk-signature={second}\r\n{}\r\n0;chunk-signature={last}\r\n\
             {tail}\r\n",
            "a".repeat(65_536),
            "a".repeat(1_024)
        );
        let lengths: Vec<_> = trailers.iter().map(|(name, value)| (*name, value.len())).collect();
        assert_eq!(form.encoded_length(66_560, 65_536, &lengths), body.len() as u64);
        decoder.push(Bytes::from(body), &mut out).unwrap();
        assert_eq!(joined(&out), vec![b'a'; 66_560]);
        let decoded = decoder.finish().unwrap();
        assert_eq!(decoded.len(), trailers.len());
    }
}

/// The facts of the SigV4 test suite: one key pair, one instant, `us-east-1/service`.
#[test]
fn suite() {
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let cases = [
        ("GET", "/", None, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", None, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/",
            Some("Param2=value2&Param1=value1"),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        ("GET", "/ሴ", None, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        (
            "GET",
            "/.//./example1/../",
            None,
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
    ];
    for (method, path, query, signature) in cases {
        let value = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        let headers = [
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            ("authorization", &value),
        ];
        let sample = Sample::new(method, path, query, &headers, b"");
        if let Err(error) = sample.verify(&Verifier::new(4), secret, SUITE_NOW) {
            panic!("{method} {path}: {error:#?}");
        }
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>: the key, and its signature.
#[test]
fn derived_key() {
    let key = SigningKey::derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam");
    let string = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                  f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
    let signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    assert_eq!(str::from_utf8(&key.sign(string.as_bytes())).unwrap(), signature);
    assert!(key.verify(string.as_bytes(), signature.as_bytes()));
    assert!(!key.verify(string.as_bytes(), signature.to_uppercase().as_bytes()));
    assert!(!key.verify(string.as_bytes(), &signature.as_bytes()[..63]));
}

#[test]
fn other_mechanisms_are_told_apart() {
    let parse = |query: Option<&'static str>, value: &'static str| {
        let headers = if value.is_empty() { vec![] } else { vec![("authorization", value)] };
        let sample = Sample::new("GET", "/", query, &headers, b"");
        let auth = RequestAuth::parse(&sample.parts())?;
        Ok::<_, AuthError>(auth.unsupported())
    };
    assert_eq!(parse(None, ""), Ok(None));
    assert_eq!(parse(Some("a=b"), ""), Ok(None));
    assert_eq!(parse(None, "AWS AKID:c2ln"), Ok(Some(AuthError::SigV2)));
    assert_eq!(parse(Some("AWSAccessKeyId=A&Signature=b%3D&Expires=1"), ""), Ok(Some(AuthError::SigV2)));
    assert!(matches!(
        parse(None, "AWS4-ECDSA-P256-SHA256 Credential=a"),
        Err(AuthError::MissingComponents { .. })
    ));
    let other = parse(None, "Bearer abc").unwrap().unwrap();
    assert_eq!(other.render(Family::S3).message, "Unsupported Authorization Type");
    assert_eq!(parse(Some("X-Amz-Signature=a"), "AWS a:b"), Err(AuthError::SeveralMechanisms));
    assert!(matches!(PostAuth::parse(&[("key", "a")]), Ok(PostAuth::Anonymous)));
    assert!(matches!(
        PostAuth::parse(&[("AWSAccessKeyId", "A"), ("policy", "p"), ("Signature", "s")]),
        Ok(PostAuth::SigV2(form)) if form.access_key_id == "A"
    ));
}

#[test]
fn a_body_that_is_needed_is_asked_for() {
    let credentials = Credentials { access_key_id: "A", secret_access_key: "S", session_token: None };
    let (mut parts, ()) = Request::post("http://localhost:4566/").body(()).unwrap().into_parts();
    Signer::new(credentials, "us-east-1", "sqs", SUITE_NOW)
        .sign(&mut parts, SignPayload::Bytes(b"x"))
        .unwrap();
    let request = haneul_sigv4::RequestParts::from_http(&parts);
    let RequestAuth::SigV4(auth) = RequestAuth::parse(&request).unwrap() else { panic!("not signed") };
    assert!(auth.needs_body_hash());
    let verify = |body| Verifier::new(4).verify(&auth, &request, "S", body, SUITE_NOW).map(|_| ());
    assert_eq!(verify(Body::Deferred), Err(AuthError::BodyHashRequired));
    assert_eq!(verify(Body::hash(b"x")), Ok(()));
    assert!(matches!(verify(Body::hash(b"y")), Err(AuthError::SignatureMismatch(_))));
}
