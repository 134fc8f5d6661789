use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use super::world::{OTHER, Who, World, code, get, put};

/// A statement of an identity policy.
fn allow(actions: &str, resource: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"{resource}"}}]}}"#
    )
}

fn list(prefix: Option<&str>) -> s::ListObjectsV2Request {
    s::ListObjectsV2Request { bucket: "bkt".into(), prefix: prefix.map(str::to_owned), ..Default::default() }
}

async fn set_policy(world: &World, policy: &str) -> haneul_kit::Result<haneul_shape::Empty> {
    let input =
        s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy.into(), ..Default::default() };
    world.root::<op::PutBucketPolicy>(input).await
}

async fn unblock(world: &World) {
    let input = s::DeletePublicAccessBlockRequest { bucket: "bkt".into(), ..Default::default() };
    world.root::<op::DeletePublicAccessBlock>(input).await.unwrap();
}

fn statement(effect: &str, principal: &str, action: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"{resource}"{condition}}}]}}"#
    )
}

#[tokio::test]
async fn each_operation_asks_for_its_own_permission() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let all = "arn:aws:s3:::bkt/*";
    let bucket = "arn:aws:s3:::bkt";
    let reader = Who::user(&allow(r#""s3:GetObject""#, all));
    let writer = Who::user(&allow(r#""s3:PutObject""#, all));
    let lister = Who::user(&allow(r#""s3:ListBucket""#, bucket));
    assert_eq!(code(&world.call::<op::GetObject>(&reader, get("k")).await.result), "ok");
    assert_eq!(code(&world.call::<op::GetObject>(&writer, get("k")).await.result), "AccessDenied");
    assert_eq!(code(&world.call::<op::PutObject>(&reader, put("k", "y")).await.result), "AccessDenied");
    assert_eq!(code(&world.call::<op::PutObject>(&writer, put("k", "y")).await.result), "ok");
    assert_eq!(code(&world.call::<op::ListObjectsV2>(&lister, list(None)).await.result), "ok");
    assert_eq!(code(&world.call::<op::ListObjectsV2>(&reader, list(None)).await.result), "AccessDenied");
    // Versions and tags have actions of their own.
    let by_version = s::GetObjectRequest { version_id: Some("null".into()), ..get("k") };
    assert_eq!(code(&world.call::<op::GetObject>(&reader, by_version).await.result), "AccessDenied");
    let tagged = s::PutObjectRequest { tagging: Some("a=1".into()), ..put("k", "z") };
    assert_eq!(code(&world.call::<op::PutObject>(&writer, tagged).await.result), "AccessDenied");
    // A copy reads and writes.
    let copy = || s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: "c".into(),
        copy_source: "bkt/k".into(),
        ..Default::default()
    };
    let both = Who::user(&allow(r#""s3:GetObject","s3:PutObject""#, all));
    for (who, expected) in [(&reader, "AccessDenied"), (&writer, "AccessDenied"), (&both, "ok")] {
        assert_eq!(code(&world.call::<op::CopyObject>(who, copy()).await.result), expected);
    }
}

#[tokio::test]
async fn missing_keys_are_told_only_to_those_who_may_list() {
    let world = World::with_bucket().await;
    let reader = Who::user(&allow(r#""s3:GetObject""#, "arn:aws:s3:::bkt/*"));
    let both = Who::user(&allow(r#""s3:GetObject","s3:ListBucket""#, "*"));
    let head = || s::HeadObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    assert_eq!(code(&world.call::<op::GetObject>(&reader, get("k")).await.result), "AccessDenied");
    assert_eq!(code(&world.call::<op::HeadObject>(&reader, head()).await.result), "AccessDenied");
    assert_eq!(code(&world.call::<op::GetObject>(&both, get("k")).await.result), "NoSuchKey");
    assert_eq!(code(&world.call::<op::HeadObject>(&both, head()).await.result), "NoSuchKey");
}

#[tokio::test]
async fn conditions_see_the_request_and_the_object() {
    let world = World::with_bucket().await;
    let tagged = s::PutObjectRequest { tagging: Some("team=a".into()), ..put("k", "x") };
    world.root::<op::PutObject>(tagged).await.unwrap();
    let with = |action: &str, condition: &str| {
        Who::user(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*","Condition":{condition}}}]}}"#
        ))
    };
    for (team, expected) in [("a", "ok"), ("b", "AccessDenied")] {
        let condition = format!(r#"{{"StringEquals":{{"s3:ExistingObjectTag/team":"{team}"}}}}"#);
        let who = with("s3:GetObject", &condition);
        assert_eq!(code(&world.call::<op::GetObject>(&who, get("k")).await.result), expected, "{team}");
    }
    let who = with("s3:ListBucket", r#"{"StringLike":{"s3:prefix":"home/ann/*"}}"#);
    for (prefix, expected) in
        [(Some("home/ann/"), "ok"), (Some("home/"), "AccessDenied"), (None, "AccessDenied")]
    {
        assert_eq!(
            code(&world.call::<op::ListObjectsV2>(&who, list(prefix)).await.result),
            expected,
            "{prefix:?}"
        );
    }
    let who = with("s3:PutObject*", r#"{"StringEquals":{"s3:RequestObjectTag/env":"dev"}}"#);
    for (tags, expected) in
        [(Some("env=dev"), "ok"), (Some("env=prod"), "AccessDenied"), (None, "AccessDenied")]
    {
        let input = s::PutObjectRequest { tagging: tags.map(str::to_owned), ..put("new", "x") };
        assert_eq!(code(&world.call::<op::PutObject>(&who, input).await.result), expected, "{tags:?}");
    }
    let who = with("s3:PutObject", r#"{"StringEquals":{"s3:x-amz-server-side-encryption":"AES256"}}"#);
    for (sse, expected) in [(Some("AES256"), "ok"), (None, "AccessDenied")] {
        let input = s::PutObjectRequest { server_side_encryption: sse.map(str::to_owned), ..put("e", "x") };
        assert_eq!(code(&world.call::<op::PutObject>(&who, input).await.result), expected, "{sse:?}");
    }
}

#[tokio::test]
async fn another_account_needs_the_bucket_policy() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    assert_eq!(code(&world.call::<op::GetObject>(&Who::other(), get("k")).await.result), "AccessDenied");
    let principal = format!(r#"{{"AWS":"{OTHER}"}}"#);
    let policy = statement("Allow", &principal, "s3:GetObject", "arn:aws:s3:::bkt/*", "");
    assert_eq!(code(&set_policy(&world, &policy).await), "ok");
    assert_eq!(code(&world.call::<op::GetObject>(&Who::other(), get("k")).await.result), "ok");
    assert_eq!(code(&world.call::<op::PutObject>(&Who::other(), put("k", "y")).await.result), "AccessDenied");
    let status = s::GetBucketPolicyStatusRequest { bucket: "bkt".into(), ..Default::default() };
    let status = world.root::<op::GetBucketPolicyStatus>(status).await.unwrap();
    assert_eq!(status.policy_status.unwrap().is_public, Some(false));
    // A denial in the policy binds the owner too.
    let deny = statement("Deny", r#""*""#, "s3:GetObject", "arn:aws:s3:::bkt/*", "");
    assert_eq!(code(&set_policy(&world, &deny).await), "ok");
    assert_eq!(code(&world.get("k").await), "AccessDenied");
    let user = Who::user(&allow(r#""s3:*""#, "*"));
    assert_eq!(code(&world.call::<op::GetObject>(&user, get("k")).await.result), "AccessDenied");
}

#[tokio::test]
async fn the_public_comes_in_only_unblocked() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let public = statement("Allow", r#""*""#, "s3:GetObject", "arn:aws:s3:::bkt/*", "");
    let refused = set_policy(&world, &public).await.err().unwrap();
    assert_eq!((refused.code(), refused.status()), ("AccessDenied", Some(403)));
    assert!(refused.message().contains("BlockPublicPolicy"), "{refused}");
    unblock(&world).await;
    assert_eq!(code(&set_policy(&world, &public).await), "ok");
    let anonymous = Who::anonymous();
    assert_eq!(code(&world.call::<op::GetObject>(&anonymous, get("k")).await.result), "ok");
    assert_eq!(code(&world.call::<op::GetObject>(&anonymous, get("missing")).await.result), "AccessDenied");
    assert_eq!(code(&world.call::<op::PutObject>(&anonymous, put("k", "y")).await.result), "AccessDenied");
    assert_eq!(code(&world.call::<op::GetObject>(&Who::other(), get("k")).await.result), "ok");
    let overriding = s::GetObjectRequest { response_content_type: Some("x/y".into()), ..get("k") };
    assert_eq!(code(&world.call::<op::GetObject>(&anonymous, overriding).await.result), "InvalidRequest");
    // RestrictPublicBuckets shuts everybody else out again, and the policy stays.
    let block = s::PutPublicAccessBlockRequest {
        bucket: "bkt".into(),
        public_access_block_configuration: s::PublicAccessBlockConfiguration {
            restrict_public_buckets: Some(true),
            ..Default::default()
        },
        ..Default::default()
    };
    world.root::<op::PutPublicAccessBlock>(block).await.unwrap();
    for who in [&anonymous, &Who::other()] {
        assert_eq!(code(&world.call::<op::GetObject>(who, get("k")).await.result), "AccessDenied");
    }
    assert_eq!(code(&world.get("k").await), "ok");
}

#[tokio::test]
async fn the_root_user_can_always_mend_the_policy() {
    let world = World::with_bucket().await;
    let deny = statement("Deny", r#""*""#, "s3:*", "arn:aws:s3:::bkt", "");
    set_policy(&world, &deny).await.unwrap();
    assert_eq!(code(&world.root::<op::ListObjectsV2>(list(None)).await), "AccessDenied");
    let read = s::GetBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
    assert_eq!(code(&world.root::<op::GetBucketPolicy>(read.clone()).await), "ok");
    let user = Who::user(&allow(r#""s3:*""#, "*"));
    assert_eq!(code(&world.call::<op::GetBucketPolicy>(&user, read).await.result), "AccessDenied");
    let delete = s::DeleteBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
    assert_eq!(code(&world.root::<op::DeleteBucketPolicy>(delete).await), "ok");
    assert_eq!(code(&world.root::<op::ListObjectsV2>(list(None)).await), "ok");
}

#[tokio::test]
async fn malformed_policies() {
    let world = World::with_bucket().await;
    let good =
        |principal: &str, action: &str, resource: &str| statement("Allow", principal, action, resource, "");
    let me = r#"{"AWS":"000000000000"}"#;
    let cases = [
        ("".to_owned(), "Policies must be valid JSON and the first byte must be '{'"),
        ("[]".to_owned(), ""),
        ("{".to_owned(), "Policies must be valid JSON and the first byte must be '{'"),
        (r#"{"Version":"2012-10-17"}"#.to_owned(), "Missing required field Statement"),
        (r#"{"Statement":[{"Effect":"Allow"}]}"#.to_owned(), "Missing required field Principal"),
        (good(me, "sqs:SendMessage", "arn:aws:s3:::bkt"), "Policy has invalid action"),
        (good(me, "s3:GetObject", "arn:aws:s3:::other/*"), "Policy has invalid resource"),
        (good(me, "s3:GetObject", "arn:aws:s3:::bk"), "Policy has invalid resource"),
        (good(r#"{"AWS":"nonsense"}"#, "s3:GetObject", "arn:aws:s3:::bkt/*"), "Invalid principal in policy"),
        (format!(r#"{{"Id":"{}"}}"#, "x".repeat(20_480)), ""),
        (format!(" {}", good(me, "s3:*", "*")), "Policies must be valid JSON and the first byte must be '{'"),
        (
            good(me, "s3:*", "*").replace("2012-10-17", "2013-10-17"),
            "The policy must contain a valid version string",
        ),
        (good(me, "s3:*", "*").replace("Allow", "allow"), "Invalid effect: allow"),
        (good(me, "GetObject", "arn:aws:s3:::bkt/*"), "Policy has invalid action"),
        (
            statement("Allow", me, "s3:*", "*", r#","Condition":{"StringEquals":{"acl":"private"}}"#),
            "Policy has an invalid condition key",
        ),
    ];
    for (policy, message) in cases {
        let error = set_policy(&world, &policy).await.err().unwrap();
        assert_eq!((error.code(), error.status()), ("MalformedPolicy", Some(400)), "{policy:.80}");
        assert!(message.is_empty() || error.message() == message, "{policy:.80}: {error}");
    }
    for resource in
        ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*", "arn:aws:s3:::bkt*", "arn:aws:s3:::bkt/a?b", "*"]
    {
        assert_eq!(code(&set_policy(&world, &good(me, "s3:*", resource)).await), "ok", "{resource}");
    }
    let read = || s::GetBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
    // An account is told by its ARN.
    let told = |text: &str| text.replace(r#""000000000000""#, r#""arn:aws:iam::000000000000:root""#);
    let text = told(&good(me, "s3:*", "*"));
    assert_eq!(world.root::<op::GetBucketPolicy>(read()).await.unwrap().policy, Some(text));
    // One that names no version is of the first.
    let rest = good(me, "s3:*", "*").replace(r#""Version":"2012-10-17","#, "");
    assert!(!rest.contains("Version"));
    set_policy(&world, &rest).await.unwrap();
    let kept = world.root::<op::GetBucketPolicy>(read()).await.unwrap().policy.unwrap();
    assert_eq!(kept, told(&rest).replacen('{', r#"{"Version":"2008-10-17","#, 1));
    let delete = s::DeleteBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
    world.root::<op::DeleteBucketPolicy>(delete).await.unwrap();
    assert_eq!(code(&world.root::<op::GetBucketPolicy>(read()).await), "NoSuchBucketPolicy");
}
