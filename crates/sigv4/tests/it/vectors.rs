//! What botocore signed (`vectors.json`, made by `gen_vectors.py`) verifies, and nothing that differs from it does.

use bytes::Bytes;
use haneul_sigv4::{AuthError, PayloadVerifier, PostAuth, PostPolicy, Timestamp, Verifier};
use http::HeaderValue;
use serde_json::Value;

use crate::support::{Sample, joined};

struct Vectors {
    json: Value,
    now: Timestamp,
    secret: String,
}

fn vectors() -> Vectors {
    let json: Value = serde_json::from_str(include_str!("../vectors.json")).unwrap();
    Vectors {
        now: Timestamp::from_unix_s(json["now_unix_s"].as_i64().unwrap()),
        secret: json["secret_access_key"].as_str().unwrap().to_owned(),
        json,
    }
}

impl Vectors {
    fn rows(&self, table: &str) -> impl Iterator<Item = &Value> {
        self.json[table].as_array().unwrap().iter()
    }
}

fn headers(row: &Value) -> Vec<(&str, &str)> {
    let pairs = row["headers"].as_array().unwrap();
    pairs.iter().map(|h| (h[0].as_str().unwrap(), h[1].as_str().unwrap())).collect()
}

fn sample(row: &Value) -> Sample {
    use base64::Engine;
    let text = |name: &str| row[name].as_str().unwrap();
    let body = base64::engine::general_purpose::STANDARD.decode(text("body")).unwrap();
    Sample::new(text("method"), text("path"), row["query"].as_str(), &headers(row), &body)
}

#[test]
fn botocore_s_requests_verify() {
    let vectors = vectors();
    let verifier = Verifier::new(64);
    let mut count = 0;
    for row in vectors.rows("requests") {
        let sample = sample(row);
        let auth = sample.sigv4().unwrap_or_else(|e| panic!("{}: {e}", row["name"]));
        assert_eq!(auth.credential.access_key_id(), "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(auth.credential.region(), "eu-west-1");
        assert_eq!(auth.credential.service(), row["service"].as_str().unwrap());
        assert_eq!(auth.security_token.as_deref(), row["token"].as_str(), "{}", row["name"]);

        let verified = sample.verify(&verifier, &vectors.secret, vectors.now);
        let verified = verified.unwrap_or_else(|e| panic!("{}: {e}\n{e:#?}", row["name"]));
        let mut body = PayloadVerifier::new(&auth, &verified, &sample.headers).unwrap();
        let mut out = Vec::new();
        for piece in sample.body.chunks(7) {
            body.push(Bytes::copy_from_slice(piece), &mut out).unwrap();
        }
        let decoded_length = body.decoded_length();
        let trailers = body.finish().unwrap_or_else(|e| panic!("{}: {e}", row["name"]));
        if let Some(length) = decoded_length {
            assert_eq!(joined(&out).len() as u64, length);
            assert_eq!(trailers.len(), 1, "{}", row["name"]);
        } else {
            assert_eq!(joined(&out), sample.body);
        }
        count += 1;
    }
    assert!(count >= 200, "{count}");
}

#[test]
fn no_changed_byte_verifies() {
    let vectors = vectors();
    let verifier = Verifier::new(64);
    let mut flips = 0;
    for (n, row) in vectors.rows("requests").enumerate() {
        let original = sample(row);
        let mut refused = |changed: Sample, what: &str| {
            flips += 1;
            // The access key id is not signed in the header form: another one has another secret.
            let same_key =
                changed.sigv4().is_ok_and(|a| a.credential.access_key_id() == "AKIAIOSFODNN7EXAMPLE");
            let result = changed.verify(&verifier, &vectors.secret, vectors.now);
            assert!(!same_key || result.is_err(), "{}: {what}\n{changed:#?}", row["name"]);
        };
        // What a `..` takes away is not signed outside S3.
        let is_s3 = original.sigv4().unwrap().credential.is_s3();
        if is_s3 || !original.path.contains("..") {
            for path in flipped(&original.path, n) {
                refused(Sample { path, ..original.clone() }, "path");
            }
        }
        for query in flipped(original.query.as_deref().unwrap_or_default(), n) {
            refused(Sample { query: Some(query), ..original.clone() }, "query");
        }
        let signed_headers = original.sigv4().unwrap().signed_headers.into_owned();
        let mut names: Vec<&str> = signed_headers.split(';').collect();
        names.push("authorization");
        for name in names {
            let value = original.headers.get(name).map(|v| v.to_str().unwrap()).unwrap_or_default();
            for value in flipped(value, n) {
                let mut changed = original.clone();
                changed.headers.insert(
                    http::HeaderName::try_from(name).unwrap(),
                    HeaderValue::from_str(&value).unwrap(),
                );
                refused(changed, name);
            }
        }
        let mut changed = original.clone();
        changed.method = if original.method == "GET" { http::Method::HEAD } else { http::Method::GET };
        refused(changed, "method");
        let mut changed = original.clone();
        changed.headers.insert("x-amz-added", HeaderValue::from_static("1"));
        refused(changed, "added header");
        let mut changed = original.clone();
        changed.query = Some(format!("{}&added", original.query.as_deref().unwrap_or_default()));
        refused(changed, "added parameter");
        if original.sigv4().unwrap().needs_body_hash() {
            let mut changed = original.clone();
            changed.body.push(b'x');
            refused(changed, "body");
        }
        let wrong = original.verify(&verifier, "another secret", vectors.now);
        assert!(matches!(wrong, Err(AuthError::SignatureMismatch(_))), "{}", row["name"]);
    }
    assert!(flips > 5_000, "{flips}");
}

/// The text with one letter or digit after another replaced by the next one; every third of them, from `n`.
fn flipped(text: &str, n: usize) -> impl Iterator<Item = String> {
    let places = text
        .bytes()
        .enumerate()
        .filter(|(_, b)| b.is_ascii_alphanumeric())
        .map(|(i, _)| i)
        .skip(n % 3)
        .step_by(3);
    places.map(move |i| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[i] = match bytes[i] {
            b'z' => b'a',
            b'Z' => b'A',
            b'9' => b'0',
            b => b + 1,
        };
        String::from_utf8(bytes).unwrap()
    })
}

#[test]
fn times_are_kept_to() {
    let vectors = vectors();
    let verifier = Verifier::new(64);
    for row in vectors.rows("requests") {
        let sample = sample(row);
        let auth = sample.sigv4().unwrap();
        let at =
            |seconds: i64| sample.verify(&verifier, &vectors.secret, vectors.now.plus_s(seconds)).map(|_| ());
        let last = match auth.expires_s {
            Some(_) if auth.credential.service() == "sts" => 900,
            Some(expires_s) => expires_s,
            None => 900,
        };
        assert_eq!(at(-900), Ok(()), "{}", row["name"]);
        assert_eq!(at(last), Ok(()), "{}", row["name"]);
        for outside in [-901, last + 1, -1_000_000_000, 1_000_000_000_000] {
            assert!(
                matches!(
                    at(outside),
                    Err(AuthError::TimeSkewed { .. }
                        | AuthError::PresignedExpired { .. }
                        | AuthError::PresignedNotYetValid { .. })
                ),
                "{} at {outside}",
                row["name"]
            );
        }
    }
}

#[test]
fn chunked_bodies_verify_and_no_changed_byte_does() {
    let vectors = vectors();
    let verifier = Verifier::new(64);
    for (n, row) in vectors.rows("chunked").enumerate() {
        let sample = Sample::new("PUT", "/photos/k", None, &headers(row), b"");
        let auth = sample.sigv4().unwrap();
        let verified = sample.verify(&verifier, &vectors.secret, vectors.now).unwrap();
        let mut body = Vec::new();
        let mut heads = Vec::new();
        for frame in row["frames"].as_array().unwrap() {
            heads.push(body.len());
            body.extend_from_slice(frame["head"].as_str().unwrap().as_bytes());
            let bytes = frame["bytes"].as_u64().unwrap() as usize;
            body.resize(body.len() + bytes, frame["fill"].as_u64().unwrap() as u8);
            if bytes > 0 {
                body.extend_from_slice(b"\r\n");
            }
        }
        let tail = body.len();
        body.extend_from_slice(row["tail"].as_str().unwrap().as_bytes());

        let decode = |body: &[u8]| {
            let mut decoder = PayloadVerifier::new(&auth, &verified, &sample.headers)?;
            let mut out = Vec::new();
            decoder.push(Bytes::copy_from_slice(body), &mut out)?;
            Ok::<_, AuthError>((joined(&out), decoder.finish()?))
        };
        let (data, trailers) = decode(&body).unwrap_or_else(|e| panic!("{}: {e}", row["name"]));
        use sha2::Digest;
        let hash: String = sha2::Sha256::digest(&data).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash, row["sha256"].as_str().unwrap(), "{}", row["name"]);
        let expected = row["trailers"].as_array().unwrap();
        assert_eq!(trailers.len(), expected.len());
        for pair in expected {
            assert_eq!(trailers[pair[0].as_str().unwrap()], pair[1].as_str().unwrap());
        }

        // Every byte of the heads and the tail, some of the data, and every end.
        let mut places: Vec<usize> =
            heads.iter().flat_map(|&head| head..head + 20).chain(tail..body.len()).collect();
        places.extend((0..body.len()).skip(n).step_by(4_999));
        for i in places {
            let mut changed = body.clone();
            changed[i] ^= 1;
            assert!(decode(&changed).is_err(), "{}: byte {i} of {}", row["name"], body.len());
        }
        for end in (0..body.len() - 2).rev().take(200).chain((0..body.len()).step_by(4_999)) {
            assert!(decode(&body[..end]).is_err(), "{}: cut at {end} of {}", row["name"], body.len());
        }
        body.push(b'\n');
        assert_eq!(decode(&body).unwrap_err(), AuthError::IncompleteBody);
    }
}

#[test]
fn botocore_s_forms_verify() {
    let vectors = vectors();
    let verifier = Verifier::new(64);
    for row in vectors.rows("posts") {
        let pairs = row["fields"].as_array().unwrap();
        let mut fields: Vec<(&str, &str)> =
            pairs.iter().map(|f| (f[0].as_str().unwrap(), f[1].as_str().unwrap())).collect();
        let PostAuth::SigV4(form) = PostAuth::parse(&fields).unwrap() else { panic!("not signed") };
        assert_eq!(form.security_token, row["token"].as_str());
        verifier.verify_post(&form, &vectors.secret).unwrap();
        assert!(matches!(verifier.verify_post(&form, "other"), Err(AuthError::SignatureMismatch(_))));

        let policy = PostPolicy::parse(form.policy).unwrap();
        for (name, value) in &mut fields {
            if *name == "key" {
                *value = "user/photo.jpg";
            }
        }
        policy.check("photos", &fields, vectors.now).unwrap();
        assert!(policy.check("other", &fields, vectors.now).is_err());
        assert_eq!(policy.content_length_range(), Some(1..=10));
        assert_eq!(
            policy.check("photos", &fields, vectors.now.plus_s(100_000_000)),
            Err(AuthError::PolicyExpired)
        );
        fields.push(("x-amz-meta-added", "1"));
        let extra = AuthError::PolicyExtraFields { names: vec!["x-amz-meta-added".to_owned()] };
        assert_eq!(policy.check("photos", &fields, vectors.now), Err(extra));
    }
}
