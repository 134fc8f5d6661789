//! Signatures of version 4A, made here from what is written of them.

use haneul_sigv4::{AuthError, Timestamp, Verifier};
use hmac::{Hmac, Mac};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest, Sha256};

use crate::support::Sample;

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const DATE: &str = "20261126T040000Z";
const SCOPE: &str = "20261126/s3/aws4_request";
const HOST: &str = "mabc.mrap.accesspoint.s3-global.amazonaws.com";

fn key() -> SigningKey {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(format!("AWS4A{SECRET}").as_bytes()).unwrap();
    mac.update(&[0, 0, 0, 1]);
    mac.update(b"AWS4-ECDSA-P256-SHA256\0");
    mac.update(ID.as_bytes());
    mac.update(&[1, 0, 0, 1, 0]);
    // The candidate is a key when one is added; this one has no carry to make.
    let mut number: Vec<u8> = mac.finalize().into_bytes().to_vec();
    assert!(number[0] < 0xff && number[31] < 0xff);
    number[31] += 1;
    SigningKey::from_slice(&number).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sign(canonical: &str) -> String {
    let hash = hex(&Sha256::digest(canonical.as_bytes()));
    let signature: Signature =
        key().sign(format!("AWS4-ECDSA-P256-SHA256\n{DATE}\n{SCOPE}\n{hash}").as_bytes());
    hex(signature.to_der().as_bytes())
}

fn now() -> Timestamp {
    Timestamp::parse_basic(DATE).unwrap()
}

/// A request with its signature in the header.
fn with_header(payload: &str, set: &str) -> Sample {
    let names = "host;x-amz-content-sha256;x-amz-date;x-amz-region-set";
    let canonical = format!(
        "GET\n/a%20key\nversionId=1\nhost:{HOST}\nx-amz-content-sha256:{payload}\nx-amz-date:{DATE}\n\
         x-amz-region-set:{set}\n\n{names}\n{payload}"
    );
    let authorization = format!(
        "AWS4-ECDSA-P256-SHA256 Credential={ID}/{SCOPE}, SignedHeaders={names}, Signature={}",
        sign(&canonical)
    );
    let headers = [
        ("host", HOST),
        ("x-amz-content-sha256", payload),
        ("x-amz-date", DATE),
        ("x-amz-region-set", set),
        ("authorization", authorization.as_str()),
    ];
    Sample::new("GET", "/a%20key", Some("versionId=1"), &headers, b"")
}

#[test]
fn in_the_header() {
    let verifier = Verifier::new(16);
    let good = with_header("UNSIGNED-PAYLOAD", "us-west-2,eu-*");
    good.verify(&verifier, SECRET, now()).unwrap();
    let auth = good.sigv4().unwrap();
    assert!(auth.is_asymmetric() && auth.credential.region().is_empty() && auth.credential.service() == "s3");
    assert!(auth.is_for_region("eu-west-1") && !auth.is_for_region("us-east-1"));
    assert!(!auth.needs_body_hash());
    let refused = |sample: &Sample, secret: &str| sample.verify(&verifier, secret, now()).unwrap_err();
    assert!(matches!(refused(&good, "another"), AuthError::SignatureMismatch(_)));
    let changes: [&dyn Fn(&mut Sample); 5] = [
        &|sample| sample.path = "/another".into(),
        &|sample| sample.query = Some("versionId=2".into()),
        &|sample| sample.method = http::Method::DELETE,
        &|sample| drop(sample.headers.insert("x-amz-region-set", "*".parse().unwrap())),
        &|sample| {
            let header = sample.headers["authorization"].to_str().unwrap().to_owned();
            let cut = header[..header.len() - 2].parse().unwrap();
            sample.headers.insert("authorization", cut);
        },
    ];
    for (at, change) in changes.iter().enumerate() {
        let mut changed = good.clone();
        change(&mut changed);
        assert!(matches!(refused(&changed, SECRET), AuthError::SignatureMismatch(_)), "{at}");
    }
    let late = Timestamp::from_unix_s(now().unix_s() + 901);
    assert!(matches!(good.verify(&verifier, SECRET, late), Err(AuthError::TimeSkewed { .. })));
    // Chunks would go on from a signature of version 4.
    for payload in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"] {
        assert!(matches!(refused(&with_header(payload, "*"), SECRET), AuthError::SigV4A), "{payload}");
    }
    with_header("STREAMING-UNSIGNED-PAYLOAD-TRAILER", "*").verify(&verifier, SECRET, now()).unwrap();
    // A scope with a Region is none of this version, and one without is none of the other.
    for (from, to) in
        [(SCOPE, "20261126/us-east-1/s3/aws4_request"), ("AWS4-ECDSA-P256-SHA256", "AWS4-HMAC-SHA256")]
    {
        let mut changed = good.clone();
        let header = changed.headers["authorization"].to_str().unwrap().replace(from, to);
        changed.headers.insert("authorization", header.parse().unwrap());
        assert!(matches!(changed.sigv4(), Err(AuthError::CredentialMalformed { .. })), "{to}");
    }
}

#[test]
fn in_the_query() {
    let verifier = Verifier::new(16);
    let query = format!(
        "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential={ID}%2F20261126%2Fs3%2Faws4_request&X-Amz-Date={DATE}\
         &X-Amz-Expires=60&X-Amz-Region-Set=%2A&X-Amz-SignedHeaders=host"
    );
    let canonical = format!("GET\n/k\n{query}\nhost:{HOST}\n\nhost\nUNSIGNED-PAYLOAD");
    let signed = format!("{query}&X-Amz-Signature={}", sign(&canonical));
    let sample = Sample::new("GET", "/k", Some(&signed), &[("host", HOST)], b"");
    sample.verify(&verifier, SECRET, now()).unwrap();
    assert!(sample.sigv4().unwrap().is_for_region("sa-east-1"));
    let late = Timestamp::from_unix_s(now().unix_s() + 61);
    assert!(matches!(sample.verify(&verifier, SECRET, late), Err(AuthError::PresignedExpired { .. })));
    let other = signed.replace("Region-Set=%2A", "Region-Set=us-east-1");
    let other = Sample::new("GET", "/k", Some(&other), &[("host", HOST)], b"");
    assert!(matches!(other.verify(&verifier, SECRET, now()), Err(AuthError::SignatureMismatch(_))));
}
