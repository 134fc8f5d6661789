use bytes::Bytes;
use haneul_base::{AccountId, Instant};
use haneul_kit::{Caller, Principal, Session, session_token};
use haneul_sigv4::{Credentials, SignPayload, Signer, Timestamp};

use crate::world::{INACTIVE, ROOT, USER, World};

const UNKNOWN: Credentials<'_> =
    Credentials { access_key_id: "AKIANOBODY", secret_access_key: "x", session_token: None };
const WRONG: Credentials<'_> =
    Credentials { access_key_id: "test", secret_access_key: "wrong", session_token: None };
const BAD_TOKEN: Credentials<'_> =
    Credentials { access_key_id: "ASIANOBODY", secret_access_key: "x", session_token: Some("no token") };

/// A request as one of the families of services gets it.
#[derive(Clone, Copy, Debug)]
enum To {
    S3,
    Sts,
    Sqs,
    DynamoDb,
    Lambda,
}

const ALL: [To; 5] = [To::S3, To::Sts, To::Sqs, To::DynamoDb, To::Lambda];

fn request(to: To) -> (&'static str, http::Request<Bytes>) {
    let new = || http::Request::post("/").header("host", "localhost:4566");
    let target = |target: &str| new().header("x-amz-target", target);
    let (service, builder, body) = match to {
        To::S3 => ("s3", http::Request::get("/bucket/key").header("host", "localhost:4566"), ""),
        To::Sts => (
            "sts",
            new().header("content-type", "application/x-www-form-urlencoded"),
            "Action=GetCallerIdentity&Version=2011-06-15",
        ),
        To::Sqs => ("sqs", target("AmazonSQS.SendMessage"), r#"{"QueueUrl":"q","MessageBody":"m"}"#),
        To::DynamoDb => ("dynamodb", target("DynamoDB_20120810.ListTables"), "{}"),
        To::Lambda => {
            ("lambda", http::Request::get("/2015-03-31/functions").header("host", "localhost:4566"), "")
        }
    };
    (service, builder.body(Bytes::from_static(body.as_bytes())).unwrap())
}

fn signed(to: To, credentials: Credentials<'_>, at: Instant) -> http::Request<Bytes> {
    let (service, request) = request(to);
    let (mut parts, body) = request.into_parts();
    let signer = Signer::new(credentials, "us-east-1", service, Timestamp::from_unix_s(at.secs()));
    signer.sign(&mut parts, SignPayload::Bytes(&body)).unwrap();
    http::Request::from_parts(parts, body)
}

/// `code status` for each family, in the order of [`ALL`].
async fn check(world: &World, what: &str, make: impl Fn(To) -> http::Request<Bytes>, expected: [&str; 5]) {
    for (to, expected) in ALL.into_iter().zip(expected) {
        let answer = world.send(make(to)).await;
        let found = format!("{} {}", answer.code(), answer.status);
        assert_eq!(found, expected, "{what} to {to:?}: {}", answer.body);
        let protocol = answer.header("content-type");
        assert!(!protocol.contains("html") && !answer.body.is_empty(), "{protocol}");
    }
}

#[tokio::test]
async fn refusals_in_each_familys_words() {
    let world = World::new();
    let now = world.env.now();
    let at = |offset_s: i64| Instant::from_secs(now.secs() + offset_s);
    check(
        &world,
        "an unknown key",
        |to| signed(to, UNKNOWN, now),
        [
            "InvalidAccessKeyId 403",
            "InvalidClientTokenId 403",
            "InvalidClientTokenId 403",
            "UnrecognizedClientException 400",
            "UnrecognizedClientException 403",
        ],
    )
    .await;
    check(
        &world,
        "an inactive key",
        |to| signed(to, INACTIVE, now),
        [
            "InvalidAccessKeyId 403",
            "InvalidClientTokenId 403",
            "InvalidClientTokenId 403",
            "UnrecognizedClientException 400",
            "UnrecognizedClientException 403",
        ],
    )
    .await;
    check(
        &world,
        "a wrong secret",
        |to| signed(to, WRONG, now),
        [
            "SignatureDoesNotMatch 403",
            "SignatureDoesNotMatch 403",
            "SignatureDoesNotMatch 403",
            "InvalidSignatureException 400",
            "InvalidSignatureException 403",
        ],
    )
    .await;
    check(
        &world,
        "a clock that is behind",
        |to| signed(to, ROOT, at(-901)),
        [
            "RequestTimeTooSkewed 403",
            "SignatureDoesNotMatch 403",
            "SignatureDoesNotMatch 403",
            "InvalidSignatureException 400",
            "InvalidSignatureException 403",
        ],
    )
    .await;
    check(
        &world,
        "a token of nobody",
        |to| signed(to, BAD_TOKEN, now),
        [
            "InvalidToken 400",
            "InvalidClientTokenId 403",
            "InvalidClientTokenId 403",
            "UnrecognizedClientException 400",
            "UnrecognizedClientException 403",
        ],
    )
    .await;
    check(
        &world,
        "a changed body",
        |to| signed(to, ROOT, now).map(|body| if body.is_empty() { "more".into() } else { body.slice(1..) }),
        [
            "XAmzContentSHA256Mismatch 400",
            // The body names the operation.
            "MissingAction 400",
            "SignatureDoesNotMatch 403",
            "InvalidSignatureException 400",
            "InvalidSignatureException 403",
        ],
    )
    .await;
    let with = |to: To, authorization: &'static str| {
        let (_, mut request) = request(to);
        request.headers_mut().insert("authorization", http::HeaderValue::from_static(authorization));
        request.headers_mut().insert("x-amz-date", http::HeaderValue::from_static("20260101T000000Z"));
        request
    };
    check(
        &world,
        "signature version 2",
        |to| with(to, "AWS AKID:c2lnbmF0dXJl"),
        [
            "InvalidRequest 400",
            "InvalidRequest 400",
            "InvalidRequest 400",
            "InvalidRequest 400",
            "InvalidRequest 400",
        ],
    )
    .await;
    let for_no_region = |to: To| {
        let (service, mut request) = request(to);
        let header = format!(
            "AWS4-ECDSA-P256-SHA256 Credential=AKID/20260101/{service}/aws4_request, SignedHeaders=host, Signature=00"
        );
        request.headers_mut().insert("authorization", header.parse().unwrap());
        request.headers_mut().insert("x-amz-date", http::HeaderValue::from_static("20260101T000000Z"));
        request
    };
    check(
        &world,
        "signature version 4A without a set of Regions",
        for_no_region,
        [
            "AuthorizationHeaderMalformed 400",
            "SignatureDoesNotMatch 403",
            "SignatureDoesNotMatch 403",
            "InvalidSignatureException 400",
            "InvalidSignatureException 403",
        ],
    )
    .await;
    check(
        &world,
        "a header that is none",
        |to| with(to, "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=00"),
        [
            "AuthorizationHeaderMalformed 400",
            "IncompleteSignature 400",
            "IncompleteSignature 400",
            "IncompleteSignatureException 400",
            // Nothing tells that it is for Lambda.
            "AuthorizationHeaderMalformed 400",
        ],
    )
    .await;
}

#[tokio::test]
async fn the_unsigned() {
    let world = World::new();
    let cases = [
        (To::S3, "AccessDenied 403"),
        (To::Sts, "MissingAuthenticationToken 403"),
        (To::Sqs, "AccessDenied 403"),
        (To::DynamoDb, "MissingAuthenticationTokenException 400"),
    ];
    for (to, expected) in cases {
        let answer = world.send(request(to).1).await;
        assert_eq!(format!("{} {}", answer.code(), answer.status), expected, "{to:?}: {}", answer.body);
    }
    let open = http::Request::get("/open/key").header("host", "localhost");
    assert_eq!(world.unsigned(open, "").await.body, "key");
    let shared = http::Request::post("/000000000000/shared")
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = world.unsigned(shared, "Action=SendMessage&MessageBody=m").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_mismatch_tells_s3s_details() {
    let world = World::new();
    let answer = world.send(signed(To::S3, WRONG, world.env.now())).await;
    for element in
        ["AWSAccessKeyId", "StringToSign", "SignatureProvided", "CanonicalRequest", "StringToSignBytes"]
    {
        assert!(answer.body.contains(&format!("<{element}>")), "{element} in {}", answer.body);
    }
}

#[tokio::test]
async fn the_scope_has_to_be_the_services() {
    let world = World::new();
    let (_, request) = request(To::DynamoDb);
    let (mut parts, body) = request.into_parts();
    world.signer(ROOT, "sqs").sign(&mut parts, SignPayload::Bytes(&body)).unwrap();
    let answer = world.send(http::Request::from_parts(parts, body)).await;
    assert_eq!(answer.code(), "InvalidSignatureException");
    assert!(answer.body.contains("scoped to correct service: 'dynamodb'"), "{}", answer.body);
}

#[tokio::test]
async fn temporary_credentials() {
    let world = World::new();
    let now = world.env.now();
    let caller = Caller {
        account: AccountId::new(111_122_223_333).unwrap(),
        principal: Principal::Role {
            path: "/".into(),
            name: "deploy".into(),
            id: "AROADEPLOY".into(),
            session_name: "ci".into(),
        },
        access_key_id: None,
        session: Some(Session {
            issued_at: now,
            expires_at: Instant::from_secs(now.secs() + 900),
            ..Session::default()
        }),
    };
    let made = session_token::issue(&world.cloud.platform().seal, &world.env.rng, caller);
    let credentials = Credentials {
        access_key_id: &made.access_key_id,
        secret_access_key: &made.secret_access_key,
        session_token: Some(&made.session_token),
    };
    for _ in 0..2 {
        let answer = world.send(signed(To::Sts, credentials, now)).await;
        assert!(answer.body.contains("arn:aws:sts::111122223333:assumed-role/deploy/ci"), "{}", answer.body);
    }
    // Another key with this token.
    let other = Credentials { access_key_id: "ASIAOTHER", ..credentials };
    assert_eq!(world.send(signed(To::Sts, other, now)).await.code(), "InvalidClientTokenId");
    // Without its token, the key is nobody's.
    let bare = Credentials { session_token: None, ..credentials };
    assert_eq!(world.send(signed(To::Sts, bare, now)).await.code(), "InvalidClientTokenId");
    world.env.clock.advance(std::time::Duration::from_secs(900));
    let now = world.env.now();
    let expected = [
        "ExpiredToken 400",
        "ExpiredToken 403",
        "ExpiredToken 403",
        "ExpiredTokenException 400",
        "ExpiredTokenException 403",
    ];
    check(&world, "an expired token", |to| signed(to, credentials, now), expected).await;
}

#[tokio::test]
async fn relaxed_takes_anybody() {
    let world = World::with(true, "");
    let now = world.env.now();
    let id = |id| Credentials { access_key_id: id, secret_access_key: "anything", session_token: None };
    let cases = [
        (id("anything"), "arn:aws:iam::000000000000:root"),
        (id("123456789012"), "arn:aws:iam::123456789012:root"),
        (id("AKIAUSER"), "arn:aws:iam::000000000000:user/ann"),
        (BAD_TOKEN, "arn:aws:iam::000000000000:root"),
    ];
    for (credentials, arn) in cases {
        let answer = world.send(signed(To::Sts, credentials, now)).await;
        assert!(answer.body.contains(&format!("<Arn>{arn}</Arn>")), "{}", answer.body);
    }
    let old = world.send(signed(To::Sts, id("x"), Instant::from_secs(0))).await;
    assert_eq!(old.status, 200, "{}", old.body);
}

#[tokio::test]
async fn a_user_is_known_by_its_key() {
    let world = World::new();
    let answer = world.send(signed(To::Sts, USER, world.env.now())).await;
    assert!(answer.body.contains("<UserId>AIDAANN</UserId>"), "{}", answer.body);
}

#[tokio::test]
async fn presigned() {
    let world = World::new();
    let uri = "http://localhost:4566/bucket/key".parse().unwrap();
    let presigned =
        world.signer(ROOT, "s3").presign(&http::Method::GET, &uri, &http::HeaderMap::new(), 60).unwrap();
    let get =
        || http::Request::get(presigned.path_and_query().unwrap().as_str()).header("host", "localhost:4566");
    assert_eq!(world.unsigned(get(), "").await.body, "key");
    world.env.clock.advance(std::time::Duration::from_secs(61));
    let answer = world.unsigned(get(), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDenied"));
    assert!(answer.body.contains("Request has expired"), "{}", answer.body);
}
