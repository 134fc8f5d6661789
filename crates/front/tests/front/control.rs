use std::time::Duration;

use bytes::Bytes;
use haneul_front::ConnInfo;
use haneul_kit::{AccountId, Caller, Session, session_token};
use haneul_sigv4::Credentials;

use crate::world::{Answer, ROOT, USER, World};

async fn ask(
    world: &World,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    peer: &str,
    body: &str,
) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let from = ConnInfo { peer: Some(peer.parse().unwrap()), secure: false };
    world.send_from(request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap(), from).await
}

const HERE: (&str, &str) = ("host", "localhost:4566");

#[tokio::test]
async fn health_is_for_everybody() {
    let world = World::new();
    for path in ["/_haneul/health", "/_localstack/health"] {
        let answer = ask(&world, "GET", path, &[("host", "example.com")], "192.0.2.1", "").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert!(
            answer.body.contains(r#""sqs":"running""#) && answer.body.contains(r#""status":"running""#),
            "{}",
            answer.body
        );
    }
    assert_eq!(ask(&world, "POST", "/_haneul/health", &[HERE], "127.0.0.1", "").await.status, 405);
}

#[tokio::test]
async fn the_rest_is_not() {
    let world = World::new();
    let clock = |headers: &'static [(&'static str, &'static str)], peer: &'static str| {
        ask(&world, "GET", "/_haneul/clock", headers, peer, "")
    };
    assert_eq!(clock(&[HERE], "127.0.0.1").await.status, 200);
    assert_eq!(clock(&[HERE], "::1").await.status, 200);
    assert_eq!(clock(&[HERE], "::ffff:127.0.0.1").await.status, 200);
    assert_eq!(clock(&[HERE, ("origin", "http://localhost:3000")], "127.0.0.1").await.status, 200);
    // Another machine; a page from elsewhere; a name that somebody pointed to this machine.
    assert_eq!(clock(&[HERE], "192.0.2.1").await.status, 403);
    assert_eq!(clock(&[HERE, ("origin", "https://example.com")], "127.0.0.1").await.status, 403);
    assert_eq!(clock(&[HERE, ("origin", "null")], "127.0.0.1").await.status, 403);
    assert_eq!(clock(&[("host", "evil.example.com")], "127.0.0.1").await.status, 403);
}

#[tokio::test]
async fn root_may_ask_from_afar() {
    let world = World::new();
    let platform = world.cloud.platform();
    // Limited by policies, which nobody asks here: of a delegate, of AssumeRoot, of GetSessionToken.
    let session = Session { expires_at: world.env.now() + Duration::from_secs(3600), ..Session::default() };
    let caller = Caller { session: Some(session), ..Caller::root(AccountId::DEFAULT) };
    let made = session_token::issue(&platform.seal, &platform.env.rng, caller);
    let session = Credentials {
        access_key_id: &made.access_key_id,
        secret_access_key: &made.secret_access_key,
        session_token: Some(&made.session_token),
    };
    for (credentials, status) in [(ROOT, 200), (USER, 403), (session, 403)] {
        let (mut parts, ()) = http::Request::get("/_haneul/clock")
            .header("host", "cloud.example.com")
            .body(())
            .unwrap()
            .into_parts();
        let payload = haneul_sigv4::SignPayload::Bytes(b"");
        world.signer(credentials, "haneul").sign(&mut parts, payload).unwrap();
        let from = ConnInfo { peer: Some("192.0.2.1".parse().unwrap()), secure: false };
        let answer = world.send_from(http::Request::from_parts(parts, Bytes::new()), from).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn the_clock_moves_forward_only() {
    let world = World::new();
    let set = |body: &'static str| ask(&world, "POST", "/_haneul/clock", &[HERE], "127.0.0.1", body);
    let before = world.env.now();
    let answer = set(r#"{"advance_seconds": 90}"#).await;
    assert!(
        answer.body.contains(r#""now":"2026-01-01T00:01:30.000Z""#)
            && answer.body.contains(r#""frozen":true"#),
        "{}",
        answer.body
    );
    assert_eq!(world.env.now().since(before).as_secs(), 90);
    for bad in [
        "",
        "{}",
        "[]",
        r#"{"advance_seconds": -1}"#,
        r#"{"advance_seconds": 1e300}"#,
        r#"{"advance_seconds": NaN}"#,
        r#"{"rewind": 1}"#,
        r#"{"freeze": "yes"}"#,
    ] {
        assert_eq!(set(bad).await.status, 400, "{bad}");
    }
    assert_eq!(set(r#"{"freeze": false}"#).await.status, 200);
    assert!(!world.env.clock.is_frozen());
    assert_eq!(set(r#"{"freeze": true}"#).await.status, 200);
    assert!(world.env.clock.is_frozen());
}

#[tokio::test]
async fn reset_and_the_rest() {
    let world = World::new();
    assert_eq!(ask(&world, "POST", "/_haneul/reset", &[HERE], "127.0.0.1", "").await.status, 501);
    assert_eq!(ask(&world, "GET", "/_haneul/reset", &[HERE], "127.0.0.1", "").await.status, 405);
    assert_eq!(ask(&world, "GET", "/_haneul/nothing", &[HERE], "127.0.0.1", "").await.status, 404);
    let answer = ask(&world, "GET", "/_haneul/services", &[HERE], "127.0.0.1", "").await;
    assert!(
        // The order of members is serde_json's, which depends on who else is built with it.
        answer.body.contains(r#""implemented":["GetQueueUrl","ReceiveMessage","SendMessage"]"#)
            && answer.body.contains(r#""operations":23"#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn browsers() {
    let world = World::new();
    let preflight = |path: &'static str, origin: &'static str, headers: &'static str| {
        let asked = [
            ("host", "localhost:4566"),
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", headers),
        ];
        async move { (path, asked) }
    };
    let (path, asked) = preflight("/", "http://localhost:3000", "authorization,x-amz-target").await;
    let answer = ask(&world, "OPTIONS", path, &asked, "127.0.0.1", "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, "http://localhost:3000"));
    assert_eq!(answer.header("access-control-allow-headers"), "authorization,x-amz-target");
    let (path, asked) = preflight("/", "https://example.com", "x-amz-target").await;
    assert_eq!(ask(&world, "OPTIONS", path, &asked, "127.0.0.1", "").await.status, 403);
    // A bucket's rules are the bucket's.
    let (path, asked) = preflight("/bucket/key", "https://example.com", "authorization").await;
    assert_eq!(ask(&world, "OPTIONS", path, &asked, "127.0.0.1", "").await.body, "preflight of /bucket/key");
    // Before a presigned URL is used, all of it is asked about: its signature is of the request to come.
    let signed = "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2Fs3%2Faws4_request\
                  &X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    let (path, asked) = preflight(signed, "https://example.com", "x-amz-meta-a").await;
    assert_eq!(ask(&world, "OPTIONS", path, &asked, "127.0.0.1", "").await.body, "preflight of /bucket/key");
    let answer = ask(&world, "OPTIONS", path, &asked[..1], "127.0.0.1", "").await;
    assert_eq!(answer.status, 403, "no preflight: {}", answer.body);

    let request = http::Request::post("/")
        .header("x-amz-target", "DynamoDB_20120810.ListTables")
        .header("origin", "http://localhost:3000");
    let answer = world.signed(ROOT, "dynamodb", request, "{}").await;
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
    let request = http::Request::get("/bucket/key").header("origin", "http://localhost:3000");
    let answer = world.signed(ROOT, "s3", request, "").await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_post_where_signatures_do_not_count() {
    for (relaxed, origin, status) in [
        (true, "https://example.com", 403),
        (true, "http://localhost:3000", 200),
        (false, "https://example.com", 200),
    ] {
        let world = World::with(relaxed, "");
        let request = http::Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", origin);
        let answer = world.signed(ROOT, "sts", request, "Action=GetCallerIdentity&Version=2011-06-15").await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}
