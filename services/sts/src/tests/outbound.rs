//! Web identity tokens: who they say that the caller is, and that others can verify it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Instant};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;
use serde_json::Value;

use super::cloud::{Cloud, MAY_ASSUME, OURS, assume, policy, root, trusting};
use crate::oidc::{KeySet, Token};

const MAY: &str = r#""Effect":"Allow","Action":"sts:*WebIdentityToken","Resource":"*""#;

fn wanted(algorithm: &str) -> s::GetWebIdentityTokenRequest {
    s::GetWebIdentityTokenRequest {
        audience: vec!["https://api.example.com".into()],
        signing_algorithm: algorithm.into(),
        ..Default::default()
    }
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap()
}

async fn enabled(cloud: &Cloud) -> String {
    let made = cloud.ok::<iam::EnableOutboundWebIdentityFederation>(&root(OURS), Default::default()).await;
    made.issuer_identifier.unwrap()
}

/// What a relying party does: discovery, key set, signature, issuer, audience, times.
async fn verify(cloud: &Cloud, issuer: &str, token: &str, now: Instant) -> bool {
    let place = issuer.split_once("://").unwrap().1;
    let id = place.split('.').next().unwrap();
    let (status, discovery) =
        cloud.page(&format!("/_haneul/tokens/{id}/.well-known/openid-configuration")).await;
    assert_eq!(status, 200, "{discovery}");
    let discovery: Value = serde_json::from_str(&discovery).unwrap();
    assert_eq!(discovery["issuer"], issuer);
    assert_eq!(discovery["jwks_uri"], format!("{issuer}/.well-known/jwks.json"));
    let (_, keys) = cloud.page(&format!("/_haneul/tokens/{id}/.well-known/jwks.json")).await;
    let keys = KeySet::parse(keys.as_bytes()).unwrap();
    let audience = ["https://api.example.com".to_owned()];
    Token::parse(token).unwrap().verify(&keys, issuer, &audience, now).is_ok()
}

#[tokio::test]
async fn a_token_is_verified_by_the_key_set() {
    let cloud = Cloud::new().await;
    let ann = cloud.user(OURS, "ann", Some(MAY)).await;
    let tag = i::TagUserRequest {
        user_name: "ann".into(),
        tags: vec![i::Tag { key: "team".into(), value: "sky".into() }],
    };
    cloud.ok::<iam::TagUser>(&root(OURS), tag).await;
    let issuer = enabled(&cloud).await;
    for algorithm in ["RS256", "ES384"] {
        let input = s::GetWebIdentityTokenRequest {
            tags: Some(vec![s::Tag { key: "job".into(), value: "7".into() }]),
            ..wanted(algorithm)
        };
        let made = cloud.ok::<op::GetWebIdentityToken>(&ann, input).await;
        let token = made.web_identity_token.unwrap();
        let now = cloud.platform.env.now();
        assert_eq!(made.expiration, Some(now + Duration::from_secs(300)));
        assert!(verify(&cloud, &issuer, &token, now).await, "{algorithm}");
        assert!(!verify(&cloud, &issuer, &token, now + Duration::from_secs(300)).await, "expired");
        let said = claims(&token);
        let own = &said["https://sts.amazonaws.com/"];
        assert_eq!(said["sub"], "arn:aws:iam::111111111111:user/ann");
        assert_eq!(said["aud"], "https://api.example.com");
        assert_eq!(
            (&own["aws_account"], &own["source_region"]),
            (&"111111111111".into(), &"us-east-1".into())
        );
        assert_eq!(
            (&own["principal_tags"]["team"], &own["request_tags"]["job"]),
            (&"sky".into(), &"7".into())
        );
        assert!(own.get("original_session_exp").is_none());
        // Changed, it is nobody's.
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        parts[1] = BASE64.encode(said.to_string().replace("user/ann", "user/eve"));
        assert!(!verify(&cloud, &issuer, &parts.join("."), now).await);
    }
    let (status, _) = cloud.page("/_haneul/tokens/nobody/.well-known/jwks.json").await;
    assert_eq!(status, 404);
    let (status, _) = cloud.page("/_haneul/tokens/").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn keys_are_rotated_and_old_ones_shown() {
    let cloud = Cloud::new().await;
    let ann = cloud.user(OURS, "ann", Some(MAY)).await;
    let issuer = enabled(&cloud).await;
    let make = async |caller: &Caller| {
        cloud.ok::<op::GetWebIdentityToken>(caller, wanted("ES384")).await.web_identity_token.unwrap()
    };
    let key_id = |token: &str| Token::parse(token).unwrap().key_id.unwrap();
    let first = make(&ann).await;
    assert_eq!(key_id(&first), key_id(&make(&ann).await));
    let ninety_days = Duration::from_secs(90 * 24 * 3600);
    cloud.platform.env.clock.advance(ninety_days - Duration::from_secs(1));
    let last = make(&ann).await;
    assert_eq!(key_id(&first), key_id(&last));
    cloud.platform.env.clock.advance(Duration::from_secs(1));
    let next = make(&ann).await;
    assert_ne!(key_id(&last), key_id(&next));
    let now = cloud.platform.env.now();
    assert!(verify(&cloud, &issuer, &last, now).await, "the old key is still shown");
    assert!(verify(&cloud, &issuer, &next, now).await);
    // Off again: what was issued can be verified, nothing new is.
    cloud.ok::<iam::DisableOutboundWebIdentityFederation>(&root(OURS), Default::default()).await;
    assert!(verify(&cloud, &issuer, &next, now).await);
    let refused = cloud.err::<op::GetWebIdentityToken>(&ann, wanted("ES384")).await;
    assert!(refused.starts_with("OutboundWebIdentityFederationDisabledException: "), "{refused}");
}

#[tokio::test]
async fn sessions_and_refusals() {
    let cloud = Cloud::new().await;
    enabled(&cloud).await;
    let ann = cloud.user(OURS, "ann", Some(MAY_ASSUME)).await;
    let arn = cloud.role(OURS, "deploy", &trusting("arn:aws:iam::111111111111:user/ann")).await;
    let input = s::AssumeRoleRequest { duration_seconds: Some(900), ..assume(&arn) };
    let session = cloud.open(cloud.ok::<op::AssumeRole>(&ann, input).await.credentials);
    let made = cloud.ok::<op::GetWebIdentityToken>(&session, wanted("ES384")).await;
    let said = claims(&made.web_identity_token.unwrap());
    assert_eq!(said["sub"], arn, "the role, not the session");
    let end = session.session.as_ref().unwrap().expires_at.iso8601();
    assert_eq!(said["https://sts.amazonaws.com/"]["original_session_exp"], end);
    let long = s::GetWebIdentityTokenRequest { duration_seconds: Some(901), ..wanted("ES384") };
    let refused = cloud.err::<op::GetWebIdentityToken>(&session, long).await;
    assert!(refused.starts_with("SessionDurationEscalationException: "), "{refused}");
    // Many audiences stay a list.
    let two = s::GetWebIdentityTokenRequest { audience: vec!["a".into(), "b".into()], ..wanted("ES384") };
    let made = cloud.ok::<op::GetWebIdentityToken>(&session, two).await;
    assert_eq!(claims(&made.web_identity_token.unwrap())["aud"], serde_json::json!(["a", "b"]));
    let refused = cloud.err::<op::GetWebIdentityToken>(&ann, wanted("ES384")).await;
    assert!(refused.contains("is not authorized to perform: sts:GetWebIdentityToken"), "{refused}");
    for bad in ["ES256", "HS256", "none!"] {
        let refused = cloud.err::<op::GetWebIdentityToken>(&session, wanted(bad)).await;
        assert!(refused.starts_with("ValidationError: "), "{refused}");
    }
    let tags =
        |value: &str| (0..50).map(|at| s::Tag { key: format!("tag-{at}"), value: value.into() }).collect();
    let large = s::GetWebIdentityTokenRequest { tags: Some(tags(&"x".repeat(256))), ..wanted("ES384") };
    let refused = cloud.err::<op::GetWebIdentityToken>(&session, large).await;
    assert!(refused.starts_with("JWTPayloadSizeExceededException: "), "{refused}");
    // Tags have a permission of their own, and policies may ask for an audience, an algorithm, a lifetime.
    let narrow = concat!(
        r#""Effect":"Allow","Action":"sts:GetWebIdentityToken","Resource":"*","Condition":{"#,
        r#""ForAllValues:StringEquals":{"sts:IdentityTokenAudience":"https://api.example.com"},"#,
        r#""StringEquals":{"sts:SigningAlgorithm":"ES384"},"NumericLessThanEquals":{"sts:DurationSeconds":"300"}}"#
    );
    let bob = cloud.user(OURS, "bob", Some(narrow)).await;
    cloud.ok::<op::GetWebIdentityToken>(&bob, wanted("ES384")).await;
    let more = s::GetWebIdentityTokenRequest { tags: Some(tags("x")), ..wanted("ES384") };
    for (input, action) in [
        (wanted("RS256"), "GetWebIdentityToken"),
        (
            s::GetWebIdentityTokenRequest { audience: vec!["b".into()], ..wanted("ES384") },
            "GetWebIdentityToken",
        ),
        (
            s::GetWebIdentityTokenRequest { duration_seconds: Some(301), ..wanted("ES384") },
            "GetWebIdentityToken",
        ),
        (more, "TagGetWebIdentityToken"),
    ] {
        let refused = cloud.err::<op::GetWebIdentityToken>(&bob, input).await;
        assert!(refused.contains(&format!("perform: sts:{action} ")), "{refused}");
    }
}

/// IAM User Guide, "Getting started with outbound identity federation": not for federation into AWS.
#[tokio::test]
async fn our_own_tokens_do_not_assume_roles() {
    let cloud = Cloud::new().await;
    let issuer = enabled(&cloud).await;
    let provider = i::CreateOpenIDConnectProviderRequest {
        url: issuer.clone(),
        client_id_list: Some(vec!["https://api.example.com".into()]),
        thumbprint_list: Some(vec!["a".repeat(40)]),
        ..Default::default()
    };
    let arn = cloud.ok::<iam::CreateOpenIDConnectProvider>(&root(OURS), provider).await;
    let arn = arn.open_id_connect_provider_arn.unwrap();
    let trust = format!(
        r#""Effect":"Allow","Principal":{{"Federated":"{arn}"}},"Action":"sts:AssumeRoleWithWebIdentity""#
    );
    let create = i::CreateRoleRequest {
        role_name: "open".into(),
        assume_role_policy_document: policy(&trust),
        ..Default::default()
    };
    let role = cloud.ok::<iam::CreateRole>(&root(OURS), create).await.role.arn;
    let token = cloud.ok::<op::GetWebIdentityToken>(&root(OURS), wanted("RS256")).await;
    let input = s::AssumeRoleWithWebIdentityRequest {
        role_arn: role,
        role_session_name: "build".into(),
        web_identity_token: token.web_identity_token.unwrap(),
        ..Default::default()
    };
    let anonymous = Caller::anonymous(root(OURS).account);
    let refused = cloud.err::<op::AssumeRoleWithWebIdentity>(&anonymous, input).await;
    assert!(refused.starts_with("InvalidIdentityTokenException: "), "{refused}");
}
