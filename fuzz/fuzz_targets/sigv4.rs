//! A request written as HTTP/1.1 text, as a stranger would send it, and then again as we would have signed it.

#![no_main]

use bytes::Bytes;
use haneul_sigv4::{
    Body, Credentials, Family, PayloadVerifier, RequestAuth, RequestParts, SignPayload, Signer, Timestamp,
    Verifier, verify_with_key,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_unix_s(1_700_000_000);
const FAMILIES: [Family; 5] = [Family::S3, Family::Query, Family::Ec2, Family::Json, Family::RestJson];
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fuzz_target!(|input: &[u8]| {
    let Some(sent) = Sent::read(input) else { return };
    received(&sent);
    for service in ["s3", "sqs"] {
        signed_by_us(&sent, service);
        presigned_by_us(&sent, service);
    }
});

/// Nothing that is parsed panics, and nothing that we did not sign is verified.
fn received(sent: &Sent) {
    let parts = RequestParts {
        method: &sent.method,
        path: &sent.path,
        query: sent.query.as_deref(),
        headers: &sent.headers,
        authority: None,
    };
    let auth = match RequestAuth::parse(&parts) {
        Ok(RequestAuth::SigV4(auth)) => auth,
        Ok(other) => {
            other.unsupported().iter().for_each(show);
            return body(sent, PayloadVerifier::anonymous(&sent.headers));
        }
        Err(error) => return show(&error),
    };
    let _ = (auth.expect_region("us-east-1"), auth.expect_service("s3"));
    let (verifier, known) = (Verifier::new(4), Body::hash(&sent.body));
    for (secret, known) in [(SECRET, known), (SECRET, Body::Deferred), ("", known)] {
        match verifier.verify(&auth, &parts, secret, known, NOW) {
            // A seed may be signed with the key that is published in AWS's examples; nobody else knows it.
            Ok(verified) if secret == SECRET => {
                body(sent, PayloadVerifier::new(&auth, &verified, &sent.headers));
            }
            Ok(_) => panic!("an empty secret verified"),
            Err(error) => show(&error),
        }
    }
}

/// What we sign, we verify; and only for the body that was signed, and the secret.
fn signed_by_us(sent: &Sent, service: &'static str) {
    let Some(mut parts) = sent.request() else { return };
    parts.headers.remove("x-amz-content-sha256");
    let signer = Signer::new(CREDENTIALS, "us-east-1", service, NOW);
    if signer.sign(&mut parts, SignPayload::Bytes(&sent.body)).is_err() {
        return;
    }
    let request = RequestParts::from_http(&parts);
    let auth = match RequestAuth::parse(&request) {
        Ok(RequestAuth::SigV4(auth)) => auth,
        Ok(other) => panic!("signed, and read as {other:?}"),
        // The query claims another signature, or there are more headers than anybody signs.
        Err(_) => return,
    };
    let verify = |secret: &str, body| Verifier::new(4).verify(&auth, &request, secret, body, NOW);
    if let Err(error) = verify(SECRET, Body::hash(&sent.body)) {
        panic!("{service}: {error:?}");
    }
    assert!(verify("another", Body::hash(&sent.body)).is_err());
    assert!(verify(SECRET, Body::hash(&[&sent.body[..], b"x"].concat())).is_err());
}

fn presigned_by_us(sent: &Sent, service: &'static str) {
    let Some(parts) = sent.request() else { return };
    // With two of a parameter in one query, either may count.
    let names =
        sent.query.iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split('=').next());
    if names
        .into_iter()
        .any(|name| name.contains(['%', '+']) || name.to_ascii_lowercase().starts_with("x-amz-"))
    {
        return;
    }
    let Ok(uri) = Signer::new(CREDENTIALS, "us-east-1", service, NOW).presign(
        &parts.method,
        &parts.uri,
        &HeaderMap::new(),
        900,
    ) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static(HOST));
    let request = RequestParts::new(&parts.method, &uri, &headers);
    let Ok(RequestAuth::SigV4(auth)) = RequestAuth::parse(&request) else { return };
    if let Err(error) = Verifier::new(4).verify(&auth, &request, SECRET, Body::hash(b""), NOW) {
        panic!("{service}: {error:?}");
    }
    let wrong = haneul_sigv4::SigningKey::derive("another", "20231114", "us-east-1", service);
    assert!(verify_with_key(&auth, &request, wrong, Body::hash(b""), NOW).is_err());
}

const HOST: &str = "b.s3.amazonaws.com";
const CREDENTIALS: Credentials<'static> =
    Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: SECRET, session_token: None };

fn show(error: &haneul_sigv4::AuthError) {
    for family in FAMILIES {
        let reply = error.render(family);
        assert!(!reply.code.is_empty() && (400..=501).contains(&reply.status), "{reply:?}");
    }
}

fn body(sent: &Sent, payload: Result<PayloadVerifier, haneul_sigv4::AuthError>) {
    let mut out = Vec::new();
    match payload {
        Ok(mut payload) => {
            let pushed = payload.push(Bytes::copy_from_slice(&sent.body), &mut out);
            pushed.and_then(|()| payload.finish()).err().iter().for_each(show);
        }
        Err(error) => show(&error),
    }
    assert!(out.iter().map(Bytes::len).sum::<usize>() <= sent.body.len());
}

struct Sent {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    /// Takes any text that has a first line; headers that hyper would have refused are left out.
    fn read(input: &[u8]) -> Option<Sent> {
        let end = input.windows(2).position(|two| two == b"\n\n");
        let (head, body) = end.map_or((input, &[][..]), |at| (&input[..at], &input[at + 2..]));
        let mut lines = head.split(|&byte| byte == b'\n');
        let first = std::str::from_utf8(lines.next()?).ok()?;
        let (method, target) = first.split_once(' ')?;
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
        let mut headers = HeaderMap::new();
        for line in lines.take(64) {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) {
                headers.append(name, value);
            }
        }
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        Some(Sent { method, path: path.to_owned(), query, headers, body: body.to_vec() })
    }

    fn request(&self) -> Option<http::request::Parts> {
        let query = self.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        if !self.path.starts_with('/') {
            return None;
        }
        let uri: Uri = format!("http://{HOST}{}{query}", self.path).parse().ok()?;
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        Some(request.into_parts().0)
    }
}
