//! An issuer behind TLS with an authority of its own: who is believed to be it, and what becomes of its keys.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AccountId, Caller, OidcProvider};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer as Authority, KeyPair};
use ring::digest;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

use super::cloud::{Cloud, OURS, root};
use super::web_identity::{RSA256, key_set, rsa, token, with};
use crate::oidc::issuer::{Issuers, NoKeys};

/// An issuer that listens on a port of its own.
struct Issuer {
    url: String,
    /// SHA-1 of its authority's certificate, and of its own.
    authority: String,
    own: String,
    keys: Arc<Mutex<Value>>,
    asked: Arc<AtomicUsize>,
}

fn print(certificate: &[u8]) -> String {
    let print = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
    print.as_ref().iter().map(|byte| format!("{byte:02X}")).collect()
}

/// One key of the set, under another id.
fn keys_named(id: &str) -> Value {
    let mut key = key_set()["keys"][0].clone();
    key["kid"] = json!(id);
    json!({ "keys": [key] })
}

// The issuer is another program: it has threads and sockets of its own.
#[allow(clippy::disallowed_methods)]
fn issuer(name: &str) -> Issuer {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().der().clone();
    let authority_key = Authority::new(params, key);
    let own_key = KeyPair::generate().unwrap();
    let own =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&own_key, &authority_key).unwrap();
    let own = own.der().clone();
    let (authority_print, own_print) = (print(&authority), print(&own));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own, authority], private)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let keys = Arc::new(Mutex::new(keys_named("one")));
    let asked = Arc::new(AtomicUsize::new(0));
    let (base, shown, count) = (url.clone(), keys.clone(), asked.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(connection) = rustls::ServerConnection::new(config.clone()) else { return };
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut buffer = [0; 4096];
            // Nothing, when the client does not believe us.
            let Ok(length @ 1..) = stream.read(&mut buffer) else { continue };
            count.fetch_add(1, Ordering::Relaxed);
            let page = if buffer[..length].starts_with(b"GET /.well-known/openid-configuration ") {
                json!({ "issuer": base, "jwks_uri": format!("{base}/keys") })
            } else {
                shown.lock().clone()
            };
            let page = page.to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", page.len());
            let _ = stream.write_all((head + &page).as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    Issuer { url, authority: authority_print, own: own_print, keys, asked }
}

fn provider(url: &str, thumbprints: &[&str]) -> OidcProvider {
    OidcProvider {
        arn: haneul_kit::Arn::parse("arn:aws:iam::111111111111:oidc-provider/x").unwrap(),
        url: url.to_owned(),
        client_ids: vec!["sts.amazonaws.com".into()],
        thumbprints: thumbprints.iter().map(|print| (*print).to_owned()).collect(),
    }
}

#[tokio::test]
async fn who_is_believed_to_be_the_issuer() {
    let cloud = Cloud::new().await;
    let here = issuer("localhost");
    let other = issuer("issuer.example.com");
    let ask = async |issuer: &Issuer, thumbprints: &[&str]| {
        let issuers = Issuers::new(cloud.platform.env.clone());
        issuers.keys(&provider(&issuer.url, thumbprints), Some("one")).await.map(|keys| keys.has(Some("one")))
    };
    // Pinned: the authority, as AWS wants it, or the server itself; in any case.
    assert_eq!(ask(&here, &[&here.authority]).await, Ok(true));
    assert_eq!(ask(&here, &[&here.authority.to_lowercase()]).await, Ok(true));
    assert_eq!(ask(&here, &[&here.own]).await, Ok(true));
    // Nobody vouches for it.
    assert_eq!(ask(&here, &[]).await, Err(NoKeys::Unreachable));
    assert_eq!(ask(&here, &[&other.authority]).await, Err(NoKeys::Unreachable));
    // Pinned, but of another name.
    assert_eq!(ask(&other, &[&other.authority]).await, Err(NoKeys::Unreachable));
    assert_eq!(ask(&other, &[&other.own]).await, Err(NoKeys::Unreachable));
}

#[tokio::test]
async fn keys_are_rotated_by_the_issuer() {
    let cloud = Cloud::new().await;
    let nobody = Caller::anonymous(AccountId::DEFAULT);
    let here = issuer("localhost");
    let create = i::CreateOpenIDConnectProviderRequest {
        url: here.url.clone(),
        client_id_list: Some(vec!["sts.amazonaws.com".into()]),
        thumbprint_list: Some(vec![here.authority.clone()]),
        ..Default::default()
    };
    let arn = cloud.ok::<iam::CreateOpenIDConnectProvider>(&root(OURS), create).await;
    let arn = arn.open_id_connect_provider_arn.unwrap();
    let trust = format!(
        r#""Effect":"Allow","Principal":{{"Federated":"{arn}"}},"Action":"sts:AssumeRoleWithWebIdentity""#
    );
    let role = cloud.role(OURS, "ci", &trust).await;
    let assume = async |key_id: &str| {
        let now = cloud.platform.env.now().secs();
        let claims = with(json!({ "iss": here.url, "iat": now, "exp": now + 300 }));
        let signed = token(&json!({ "alg": "RS256", "kid": key_id }), &claims, |m| rsa(m, RSA256));
        let input = s::AssumeRoleWithWebIdentityRequest {
            role_arn: role.clone(),
            role_session_name: "build".into(),
            web_identity_token: signed,
            ..Default::default()
        };
        cloud.call::<op::AssumeRoleWithWebIdentity>(&nobody, input).await.is_ok()
    };
    assert!(assume("one").await);
    *here.keys.lock() = keys_named("two");
    assert!(assume("one").await, "kept for a while");
    // A new key is looked for, but not more often than every half a minute.
    cloud.platform.env.clock.advance(Duration::from_secs(31));
    assert!(assume("two").await);
    assert!(!assume("one").await, "what the issuer has withdrawn is good no more");
    let before = here.asked.load(Ordering::Relaxed);
    for _ in 0..20 {
        assert!(!assume("three").await);
    }
    assert_eq!(here.asked.load(Ordering::Relaxed), before, "nobody makes us ask each time");
    // A key that the issuer withdraws without a new one is forgotten within the hour.
    *here.keys.lock() = keys_named("four");
    cloud.platform.env.clock.advance(Duration::from_secs(3600));
    assert!(!assume("two").await);
}
