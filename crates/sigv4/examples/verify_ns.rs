//! Prints what one verification costs, with the signing key cached: `cargo run --release -p haneul-sigv4 --example verify_ns`.

use std::time::Duration;

use haneul_sigv4::{
    Body, Credentials, RequestAuth, RequestParts, SignPayload, Signer, SigningKey, Timestamp, Verifier,
};
use http::Request;

const NOW: Timestamp = Timestamp::from_unix_s(1_700_000_000);
const ROUNDS: u32 = 100_000;

fn main() {
    let credentials =
        Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: "secret", session_token: None };
    for (service, uri, payload) in [
        ("sts", "http://localhost:4566/", SignPayload::Bytes(b"Action=GetCallerIdentity&Version=2011-06-15")),
        (
            "s3",
            "http://localhost:4566/photos/a%20b/c?versionId=abc&response-content-type=x",
            SignPayload::Unsigned,
        ),
    ] {
        let (mut parts, ()) = Request::post(uri)
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("user-agent", "Boto3/1.0")
            .body(())
            .unwrap()
            .into_parts();
        Signer::new(credentials, "us-east-1", service, NOW).sign(&mut parts, payload).unwrap();
        let verifier = Verifier::new(1024);
        let body = Body::hash(b"Action=GetCallerIdentity&Version=2011-06-15");
        let request = RequestParts::from_http(&parts);
        let parsed = time(|| {
            std::hint::black_box(RequestAuth::parse(&request)).unwrap();
        });
        let whole = time(|| {
            let Ok(RequestAuth::SigV4(auth)) = RequestAuth::parse(&request) else { unreachable!() };
            let body = if auth.needs_body_hash() { body } else { Body::Deferred };
            verifier.verify(&auth, &request, "secret", body, NOW).unwrap();
        });
        println!("{service}: parse {parsed:?}, parse and verify {whole:?}");
    }
    let derived = time(|| {
        std::hint::black_box(SigningKey::derive("secret", "20231114", "us-east-1", "sts"));
    });
    println!("deriving a key: {derived:?}");
}

/// The best of seven runs: what the code costs when nothing else runs.
#[allow(clippy::disallowed_methods)] // A measurement of this crate, not of the cloud: there is no clock to inject.
fn time(mut f: impl FnMut()) -> Duration {
    (0..7)
        .map(|_| {
            let start = std::time::Instant::now();
            (0..ROUNDS).for_each(|_| f());
            start.elapsed() / ROUNDS
        })
        .min()
        .unwrap_or_default()
}
