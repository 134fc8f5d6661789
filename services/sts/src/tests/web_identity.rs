//! ID tokens, of an issuer that runs on this machine for the time of a test.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AccountId, Caller, Instant};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding,
    RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

use super::cloud::{Cloud, OURS, policy, root};
use crate::oidc::{KeySet, Token, TokenError};

const RSA: &[u8] = include_bytes!("data/rsa.p8");
const EC: &[u8] = include_bytes!("data/ec.p8");
const EC384: &[u8] = include_bytes!("data/ec384.p8");

pub(super) const RSA256: &dyn RsaEncoding = &RSA_PKCS1_SHA256;

pub(super) fn rsa(message: &[u8], how: &'static dyn RsaEncoding) -> Vec<u8> {
    let pair = RsaKeyPair::from_pkcs8(RSA).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(how, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

fn ec(message: &[u8], key: &[u8], how: &'static EcdsaSigningAlgorithm) -> Vec<u8> {
    let random = SystemRandom::new();
    EcdsaKeyPair::from_pkcs8(how, key, &random).unwrap().sign(&random, message).unwrap().as_ref().to_vec()
}

fn point(key: &[u8], how: &'static EcdsaSigningAlgorithm) -> (String, String) {
    let pair = EcdsaKeyPair::from_pkcs8(how, key, &SystemRandom::new()).unwrap();
    let both = &pair.public_key().as_ref()[1..];
    let (x, y) = both.split_at(both.len() / 2);
    (BASE64.encode(x), BASE64.encode(y))
}

/// The key set of the issuer.
pub(super) fn key_set() -> Value {
    let pair = RsaKeyPair::from_pkcs8(RSA).unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
    let (n, e) = (BASE64.encode(public.n), BASE64.encode(public.e));
    let (x, y) = point(EC, &ECDSA_P256_SHA256_FIXED_SIGNING);
    let (x3, y3) = point(EC384, &ECDSA_P384_SHA384_FIXED_SIGNING);
    json!({ "keys": [
        { "kty": "RSA", "kid": "r", "use": "sig", "n": n, "e": e },
        { "kty": "RSA", "kid": "r256", "use": "sig", "alg": "RS256", "n": n, "e": e },
        { "kty": "RSA", "kid": "for-encryption", "use": "enc", "n": n, "e": e },
        { "kty": "EC", "kid": "e", "crv": "P-256", "x": x, "y": y },
        { "kty": "EC", "kid": "e3", "crv": "P-384", "x": x3, "y": y3 },
        { "kty": "oct", "kid": "o", "k": "c2VjcmV0" },
    ]})
}

pub(super) fn token(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let signature = BASE64.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

const ISSUER: &str = "https://issuer.example.com/tenant";

fn now() -> Instant {
    Instant::parse_iso8601("2026-01-01T00:00:00Z").unwrap()
}

fn claims() -> Value {
    let now = now().secs();
    json!({ "iss": ISSUER, "sub": "repo:org/app", "aud": "sts.amazonaws.com", "exp": now + 300, "iat": now })
}

pub(super) fn with(changes: Value) -> Value {
    let mut all = claims();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => all.as_object_mut().unwrap().remove(key),
            value => all.as_object_mut().unwrap().insert(key.clone(), value.clone()),
        };
    }
    all
}

fn check(text: &str) -> Result<crate::oidc::Claims, TokenError> {
    let keys = KeySet::parse(key_set().to_string().as_bytes()).unwrap();
    Token::parse(text)?.verify(&keys, ISSUER, &["sts.amazonaws.com".into(), "party".into()], now())
}

#[test]
fn signatures() {
    let rs = |header: Value, how| token(&header, &claims(), |m| rsa(m, how));
    let good = [
        rs(json!({ "alg": "RS256", "kid": "r" }), &RSA_PKCS1_SHA256),
        rs(json!({ "alg": "RS256" }), &RSA_PKCS1_SHA256),
        rs(json!({ "alg": "RS512", "kid": "r", "typ": "JWT" }), &RSA_PKCS1_SHA512),
        rs(json!({ "alg": "RS256", "kid": "r256" }), &RSA_PKCS1_SHA256),
        token(&json!({ "alg": "ES256", "kid": "e" }), &claims(), |m| {
            ec(m, EC, &ECDSA_P256_SHA256_FIXED_SIGNING)
        }),
        token(&json!({ "alg": "ES384", "kid": "e3" }), &claims(), |m| {
            ec(m, EC384, &ECDSA_P384_SHA384_FIXED_SIGNING)
        }),
    ];
    for text in &good {
        assert_eq!(check(text).unwrap().subject, "repo:org/app");
    }
    // The public key as the secret of an HMAC: what a verifier that takes the algorithm from the token falls for.
    let pair = RsaKeyPair::from_pkcs8(RSA).unwrap();
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, pair.public().as_ref());
    let hmac = |m: &[u8]| ring::hmac::sign(&secret, m).as_ref().to_vec();
    let octets = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"secret");
    let own = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
    let own = json!({ "kty": "RSA", "n": BASE64.encode(own.n), "e": "AQAB" });
    let bad = [
        ("none", token(&json!({ "alg": "none" }), &claims(), |_| Vec::new())),
        ("None", token(&json!({ "alg": "None", "kid": "r" }), &claims(), |_| Vec::new())),
        ("no algorithm", token(&json!({ "kid": "r" }), &claims(), |m| rsa(m, &RSA_PKCS1_SHA256))),
        ("key confusion", token(&json!({ "alg": "HS256", "kid": "r" }), &claims(), hmac)),
        (
            "a secret of the set",
            token(&json!({ "alg": "HS256", "kid": "o" }), &claims(), |m| {
                ring::hmac::sign(&octets, m).as_ref().to_vec()
            }),
        ),
        (
            "an RSA key for ECDSA",
            token(&json!({ "alg": "ES256", "kid": "r" }), &claims(), |m| rsa(m, &RSA_PKCS1_SHA256)),
        ),
        ("an ECDSA key for RSA", rs(json!({ "alg": "RS256", "kid": "e" }), &RSA_PKCS1_SHA256)),
        ("another algorithm than the key's", rs(json!({ "alg": "RS512", "kid": "r256" }), &RSA_PKCS1_SHA512)),
        ("a key for encryption", rs(json!({ "alg": "RS256", "kid": "for-encryption" }), &RSA_PKCS1_SHA256)),
        ("another key", rs(json!({ "alg": "RS256", "kid": "x" }), &RSA_PKCS1_SHA256)),
        ("another hash", rs(json!({ "alg": "RS256", "kid": "r" }), &RSA_PKCS1_SHA512)),
        (
            "another curve",
            token(&json!({ "alg": "ES384", "kid": "e" }), &claims(), |m| {
                ec(m, EC, &ECDSA_P256_SHA256_FIXED_SIGNING)
            }),
        ),
        (
            "ASN.1",
            token(&json!({ "alg": "ES256", "kid": "e" }), &claims(), |m| {
                ec(m, EC, &ECDSA_P256_SHA256_ASN1_SIGNING)
            }),
        ),
        ("zeros", token(&json!({ "alg": "ES256", "kid": "e" }), &claims(), |_| vec![0; 64])),
        (
            "a key of its own",
            token(
                &json!({ "alg": "ES256", "kid": "mine", "jwk": own, "jku": "http://127.0.0.1/" }),
                &claims(),
                |m| rsa(m, &RSA_PKCS1_SHA256),
            ),
        ),
        ("critical", rs(json!({ "alg": "RS256", "kid": "r", "crit": ["exp"] }), &RSA_PKCS1_SHA256)),
        ("a key id that is no text", rs(json!({ "alg": "RS256", "kid": 1 }), &RSA_PKCS1_SHA256)),
        ("a part more", format!("{}.x", good[0])),
        ("a part less", good[0].rsplit_once('.').unwrap().0.to_owned()),
        ("cut off", good[0][..good[0].len() - 2].to_owned()),
        ("no signature", format!("{}.", good[0].rsplit_once('.').unwrap().0)),
        ("other claims", {
            let parts: Vec<&str> = good[0].split('.').collect();
            format!("{}.{}.{}", parts[0], BASE64.encode(with(json!({ "sub": "eve" })).to_string()), parts[2])
        }),
        ("nothing", String::new()),
        ("an access token", "ya29.a0AfH6SMB".into()),
    ];
    for (what, text) in bad {
        assert!(matches!(check(&text), Err(TokenError::Invalid(_))), "{what}");
    }
}

#[test]
fn claims_decide() {
    let secs = now().secs();
    let of = |changes: Value| {
        check(&token(&json!({ "alg": "ES256", "kid": "e" }), &with(changes), |m| {
            ec(m, EC, &ECDSA_P256_SHA256_FIXED_SIGNING)
        }))
    };
    let audience = |changes: Value| of(changes).map(|claims| claims.audience);
    assert_eq!(audience(json!({})).unwrap(), "sts.amazonaws.com");
    assert_eq!(audience(json!({ "aud": ["x", "party"] })).unwrap(), "party");
    assert_eq!(audience(json!({ "aud": ["x"], "azp": "party" })).unwrap(), "party");
    assert_eq!(of(json!({ "exp": secs })).unwrap_err(), TokenError::Expired(secs, secs));
    for (what, changes) in [
        ("another audience", json!({ "aud": "other" })),
        ("another party", json!({ "azp": "other" })),
        ("no audience", json!({ "aud": null })),
        ("an audience that is no text", json!({ "aud": 1 })),
        ("no subject", json!({ "sub": null })),
        ("an empty subject", json!({ "sub": "" })),
        ("no end", json!({ "exp": null })),
        ("an end that is text", json!({ "exp": "9999999999" })),
        ("an end beyond time", json!({ "exp": 1e300 })),
        ("no beginning", json!({ "iat": null })),
        ("made in the future", json!({ "iat": secs + 61 })),
        ("not yet", json!({ "nbf": secs + 61 })),
        ("another issuer", json!({ "iss": "https://evil.example.com" })),
        ("a longer issuer", json!({ "iss": format!("{ISSUER}/x") })),
        (
            "tags that are none",
            json!({ "https://aws.amazon.com/tags": { "principal_tags": { "a": ["1", "2"] } } }),
        ),
        ("tags that are a list", json!({ "https://aws.amazon.com/tags": [] })),
    ] {
        assert!(matches!(of(changes), Err(TokenError::Invalid(_))), "{what}");
    }
    let tagged = of(json!({
        "amr": ["authenticated", "x"],
        "https://aws.amazon.com/tags": { "principal_tags": { "Team": ["sky"] }, "transitive_tag_keys": ["Team"] },
        "https://aws.amazon.com/tags/principal_tags/Floor": "3",
        "https://aws.amazon.com/source_identity": "ann",
    }))
    .unwrap();
    assert_eq!(tagged.tags, [("Team".to_owned(), "sky".to_owned()), ("Floor".into(), "3".into())]);
    assert_eq!(
        (tagged.transitive_tag_keys, tagged.methods),
        (vec!["Team".into()], vec!["authenticated".into(), "x".into()])
    );
    assert_eq!(tagged.source_identity.as_deref(), Some("ann"));
}

/// An issuer on a port of its own; how often it was asked.
// The issuer is another program: it has threads and sockets of its own.
#[allow(clippy::disallowed_methods)]
fn issuer() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let (base, count) = (url.clone(), asked.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            count.fetch_add(1, Ordering::Relaxed);
            let page = if request.starts_with("GET /.well-known/openid-configuration ") {
                json!({ "issuer": base, "jwks_uri": format!("{base}/keys") })
            } else {
                key_set()
            };
            let page = page.to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", page.len());
            let _ = stream.write_all((head + &page).as_bytes());
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_role_is_assumed_with_an_id_token() {
    let cloud = Cloud::new().await;
    let nobody = Caller::anonymous(AccountId::DEFAULT);
    let (url, asked) = issuer();
    let place = url.strip_prefix("http://").unwrap().to_owned();
    let signed = |changes: Value| {
        let mut changes = changes;
        changes["iss"] = json!(url);
        token(&json!({ "alg": "RS256", "kid": "r" }), &with(changes), |m| rsa(m, &RSA_PKCS1_SHA256))
    };
    let assume = |token: String| s::AssumeRoleWithWebIdentityRequest {
        role_arn: "arn:aws:iam::111111111111:role/ci".into(),
        role_session_name: "build".into(),
        web_identity_token: token,
        ..Default::default()
    };
    let no_role = s::AssumeRoleWithWebIdentityRequest {
        role_arn: "arn:aws:iam::111111111111:user/ci".into(),
        ..assume("a token".into())
    };
    let error = cloud.err::<op::AssumeRoleWithWebIdentity>(&nobody, no_role).await;
    assert_eq!(error, "ValidationError: Request ARN is invalid");
    let error = cloud.err::<op::AssumeRoleWithWebIdentity>(&nobody, assume(signed(json!({})))).await;
    let expected =
        format!("InvalidIdentityTokenException: No OpenIDConnect provider found in your account for {url}");
    assert_eq!(error, expected);
    let create = i::CreateOpenIDConnectProviderRequest {
        url: url.clone(),
        client_id_list: Some(vec!["sts.amazonaws.com".into()]),
        ..Default::default()
    };
    let provider = cloud.ok::<iam::CreateOpenIDConnectProvider>(&root(OURS), create).await;
    let provider = provider.open_id_connect_provider_arn.unwrap();
    let trust = format!(
        r#""Effect":"Allow","Principal":{{"Federated":"{provider}"}},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{{"StringEquals":{{"{place}:aud":"sts.amazonaws.com"}},"StringLike":{{"{place}:sub":"repo:org/*"}}}}"#
    );
    cloud.role(OURS, "ci", &trust).await;
    let tags = json!({ "https://aws.amazon.com/tags": { "principal_tags": { "Team": ["sky"] } } });
    let made = cloud.ok::<op::AssumeRoleWithWebIdentity>(&nobody, assume(signed(tags))).await;
    assert_eq!(made.subject_from_web_identity_token.as_deref(), Some("repo:org/app"));
    assert_eq!(
        (made.audience.as_deref(), made.provider),
        (Some("sts.amazonaws.com"), Some(provider.clone()))
    );
    let session = cloud.open(made.credentials);
    assert_eq!(session.arn(), "arn:aws:sts::111111111111:assumed-role/ci/build");
    let put = i::PutRolePolicyRequest {
        role_name: "ci".into(),
        policy_name: "all".into(),
        policy_document: policy(&format!(
            r#""Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{{"StringEquals":{{"{place}:sub":"repo:org/app","aws:FederatedProvider":"{provider}","aws:PrincipalTag/Team":"sky"}}}}"#
        )),
    };
    cloud.ok::<iam::PutRolePolicy>(&root(OURS), put).await;
    cloud.ok::<iam::ListUsers>(&session, Default::default()).await;

    // The keys were fetched once; one that is not known makes us ask again, but not each time.
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    let strange = token(&json!({ "alg": "RS256", "kid": "new" }), &with(json!({ "iss": url })), |m| {
        rsa(m, &RSA_PKCS1_SHA256)
    });
    for _ in 0..3 {
        let error = cloud.err::<op::AssumeRoleWithWebIdentity>(&nobody, assume(strange.clone())).await;
        assert!(error.starts_with("InvalidIdentityTokenException"), "{error}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    cloud.platform.env.clock.advance(std::time::Duration::from_secs(31));
    cloud.err::<op::AssumeRoleWithWebIdentity>(&nobody, assume(strange)).await;
    assert_eq!(asked.load(Ordering::Relaxed), 4);

    let denied = "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity";
    let error = cloud
        .err::<op::AssumeRoleWithWebIdentity>(&nobody, assume(signed(json!({ "sub": "repo:eve/app" }))))
        .await;
    assert_eq!(error, denied);
    let source = json!({ "https://aws.amazon.com/source_identity": "ann" });
    let error = cloud.err::<op::AssumeRoleWithWebIdentity>(&nobody, assume(signed(source))).await;
    assert_eq!(error, "AccessDenied: Not authorized to perform sts:SetSourceIdentity");
    let end = now().secs() + 20;
    let error =
        cloud.err::<op::AssumeRoleWithWebIdentity>(&nobody, assume(signed(json!({ "exp": end })))).await;
    assert!(error.starts_with("ExpiredTokenException: Token expired: current date/time"), "{error}");
}
