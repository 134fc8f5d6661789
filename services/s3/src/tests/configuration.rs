use haneul_kit::Extension;
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use http::{Method, Response};

use super::world::{Who, World, code, get};

/// The request of an operation on the bucket.
macro_rules! on_bucket {
    ($($request:ident)::+ { $($member:ident: $value:expr),* $(,)? }) => {
        $($request)::+ { bucket: "bkt".into(), $($member: $value,)* ..Default::default() }
    };
}

#[tokio::test]
async fn what_a_new_bucket_answers() {
    let world = World::with_bucket().await;
    macro_rules! check {
        ($($operation:ident($request:ident) => $expected:expr,)*) => {
            $(assert_eq!(
                code(&world.root::<op::$operation>(on_bucket!(s::$request {})).await),
                $expected,
                stringify!($operation)
            );)*
        };
    }
    check! {
        GetBucketPolicy(GetBucketPolicyRequest) => "NoSuchBucketPolicy",
        GetBucketPolicyStatus(GetBucketPolicyStatusRequest) => "NoSuchBucketPolicy",
        GetBucketTagging(GetBucketTaggingRequest) => "NoSuchTagSet",
        GetBucketCors(GetBucketCorsRequest) => "NoSuchCORSConfiguration",
        GetBucketLifecycleConfiguration(GetBucketLifecycleConfigurationRequest) => "NoSuchLifecycleConfiguration",
        GetBucketWebsite(GetBucketWebsiteRequest) => "NoSuchWebsiteConfiguration",
        GetBucketReplication(GetBucketReplicationRequest) => "ReplicationConfigurationNotFoundError",
        GetObjectLockConfiguration(GetObjectLockConfigurationRequest) => "ObjectLockConfigurationNotFoundError",
        GetBucketInventoryConfiguration(GetBucketInventoryConfigurationRequest) => "NoSuchConfiguration",
        GetBucketLogging(GetBucketLoggingRequest) => "ok",
        GetBucketAccelerateConfiguration(GetBucketAccelerateConfigurationRequest) => "ok",
        GetBucketVersioning(GetBucketVersioningRequest) => "ok",
        GetBucketAcl(GetBucketAclRequest) => "ok",
    }
    let payer =
        world.root::<op::GetBucketRequestPayment>(on_bucket!(s::GetBucketRequestPaymentRequest {})).await;
    assert_eq!(payer.unwrap().payer.as_deref(), Some("BucketOwner"));
    let encryption =
        world.root::<op::GetBucketEncryption>(on_bucket!(s::GetBucketEncryptionRequest {})).await.unwrap();
    let rule = encryption.server_side_encryption_configuration.unwrap().rules.remove(0);
    assert_eq!(rule.apply_server_side_encryption_by_default.unwrap().sse_algorithm, "AES256");
    assert_eq!(rule.bucket_key_enabled, Some(false));
    let block =
        world.root::<op::GetPublicAccessBlock>(on_bucket!(s::GetPublicAccessBlockRequest {})).await.unwrap();
    let block = block.public_access_block_configuration.unwrap();
    assert!(
        [
            block.block_public_acls,
            block.ignore_public_acls,
            block.block_public_policy,
            block.restrict_public_buckets
        ]
        .iter()
        .all(|flag| *flag == Some(true))
    );
    let owner = world
        .root::<op::GetBucketOwnershipControls>(on_bucket!(s::GetBucketOwnershipControlsRequest {}))
        .await;
    assert_eq!(owner.unwrap().ownership_controls.unwrap().rules[0].object_ownership, "BucketOwnerEnforced");
}

#[tokio::test]
async fn tags_of_the_bucket_decide() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let tagging = || s::PutBucketTaggingRequest {
        bucket: "bkt".into(),
        tagging: s::Tagging { tag_set: vec![s::Tag { key: "team".into(), value: "a".into() }] },
        ..Default::default()
    };
    world.root::<op::PutBucketTagging>(tagging()).await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",
        "Condition":{"StringEquals":{"aws:ResourceTag/team":"a"}}}]}"#;
    let who = Who::user(policy);
    let reach = || async { code(&world.call::<op::GetObject>(&who, get("k")).await.result) };
    assert_eq!(reach().await, "AccessDenied", "by default tags do not count");
    let set = |status: &str| s::PutBucketAbacRequest {
        bucket: "bkt".into(),
        abac_status: s::AbacStatus { status: Some(status.into()) },
        ..Default::default()
    };
    assert_eq!(code(&world.root::<op::PutBucketAbac>(set("On")).await), "MalformedXML");
    world.root::<op::PutBucketAbac>(set("Enabled")).await.unwrap();
    let shown = world.root::<op::GetBucketAbac>(on_bucket!(s::GetBucketAbacRequest {})).await.unwrap();
    assert_eq!(shown.abac_status.unwrap().status.as_deref(), Some("Enabled"));
    assert_eq!(reach().await, "ok");
    assert_eq!(code(&world.root::<op::PutBucketTagging>(tagging()).await), "MethodNotAllowed");
    world.root::<op::PutBucketAbac>(set("Disabled")).await.unwrap();
    assert_eq!(reach().await, "AccessDenied");
}

#[tokio::test]
async fn acceleration() {
    let world = World::with_bucket().await;
    world.create("with.dots").await;
    let set = |bucket: &str, status: &str| s::PutBucketAccelerateConfigurationRequest {
        bucket: bucket.into(),
        accelerate_configuration: s::AccelerateConfiguration { status: Some(status.into()) },
        ..Default::default()
    };
    let mut who = Who::root().header("host", "bkt.s3-accelerate.amazonaws.com");
    who.virtual_host = Some("bkt".into());
    world.put("k", "x").await;
    let reach = || async { code(&world.call::<op::GetObject>(&who, get("k")).await.result) };
    assert_eq!(reach().await, "InvalidRequest");
    for (bucket, status, expected) in
        [("bkt", "On", "MalformedXML"), ("with.dots", "Enabled", "InvalidRequest"), ("bkt", "Enabled", "ok")]
    {
        assert_eq!(
            code(&world.root::<op::PutBucketAccelerateConfiguration>(set(bucket, status)).await),
            expected
        );
    }
    assert_eq!(reach().await, "ok");
    world.root::<op::PutBucketAccelerateConfiguration>(set("bkt", "Suspended")).await.unwrap();
    assert_eq!(reach().await, "InvalidRequest");
}

#[tokio::test]
async fn encryption() {
    let world = World::with_bucket().await;
    let put = |algorithm: &str, key: Option<&str>, bucket_key| {
        on_bucket!(s::PutBucketEncryptionRequest {
            server_side_encryption_configuration: s::ServerSideEncryptionConfiguration {
                rules: vec![s::ServerSideEncryptionRule {
                    apply_server_side_encryption_by_default: Some(s::ServerSideEncryptionByDefault {
                        sse_algorithm: algorithm.into(),
                        kms_master_key_id: key.map(str::to_owned),
                    }),
                    bucket_key_enabled: bucket_key,
                    blocked_encryption_types: None,
                }],
            },
        })
    };
    for (input, expected) in [
        (put("AES256", None, None), "ok"),
        (put("AES256", None, Some(true)), "ok"),
        (put("AES256", Some("key"), None), "InvalidArgument"),
        (put("aws:kms:dsse", None, None), "ok"),
        (put("AES256", None, Some(true)), "ok"),
        (put("rot13", None, None), "MalformedXML"),
        (on_bucket!(s::PutBucketEncryptionRequest {}), "MalformedXML"),
    ] {
        assert_eq!(code(&world.root::<op::PutBucketEncryption>(input).await), expected);
    }
    let key_enabled = || async {
        let read = world
            .root::<op::GetBucketEncryption>(on_bucket!(s::GetBucketEncryptionRequest {}))
            .await
            .unwrap();
        read.server_side_encryption_configuration.unwrap().rules[0].bucket_key_enabled
    };
    assert_eq!(key_enabled().await, Some(true));
    world.root::<op::DeleteBucketEncryption>(on_bucket!(s::DeleteBucketEncryptionRequest {})).await.unwrap();
    assert_eq!(key_enabled().await, Some(false));
}

#[tokio::test]
async fn tags_of_a_bucket() {
    let world = World::with_bucket().await;
    let put = |pairs: &[(&str, &str)]| {
        let tag_set = pairs.iter().map(|(k, v)| s::Tag { key: (*k).into(), value: (*v).into() }).collect();
        on_bucket!(s::PutBucketTaggingRequest { tagging: s::Tagging { tag_set } })
    };
    assert_eq!(code(&world.root::<op::PutBucketTagging>(put(&[("a", "1"), ("b", "2")])).await), "ok");
    assert_eq!(code(&world.root::<op::PutBucketTagging>(put(&[("a", "1"), ("a", "2")])).await), "InvalidTag");
    assert_eq!(code(&world.root::<op::PutBucketTagging>(put(&[("aws:a", "1")])).await), "InvalidTag");
    let read = world.root::<op::GetBucketTagging>(on_bucket!(s::GetBucketTaggingRequest {})).await.unwrap();
    assert_eq!(read.tag_set.len(), 2);
    world.root::<op::DeleteBucketTagging>(on_bucket!(s::DeleteBucketTaggingRequest {})).await.unwrap();
    let read = world.root::<op::GetBucketTagging>(on_bucket!(s::GetBucketTaggingRequest {})).await;
    assert_eq!(code(&read), "NoSuchTagSet");
}

#[tokio::test]
async fn ownership_and_acls() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let own = |rule: &str| {
        on_bucket!(s::PutBucketOwnershipControlsRequest {
            ownership_controls: s::OwnershipControls {
                rules: vec![s::OwnershipControlsRule { object_ownership: rule.into() }],
            },
        })
    };
    let acl = |acl: Option<&str>| on_bucket!(s::PutBucketAclRequest { acl: acl.map(str::to_owned) });
    let object_acl =
        |acl: &str| on_bucket!(s::PutObjectAclRequest { key: "k".into(), acl: Some(acl.to_owned()) });
    assert_eq!(
        code(&world.root::<op::PutBucketAcl>(acl(Some("private"))).await),
        "AccessControlListNotSupported"
    );
    assert_eq!(
        code(&world.root::<op::PutObjectAcl>(object_acl("private")).await),
        "AccessControlListNotSupported"
    );
    assert_eq!(code(&world.root::<op::PutBucketOwnershipControls>(own("Everybody")).await), "MalformedXML");
    world.root::<op::PutBucketOwnershipControls>(own("BucketOwnerPreferred")).await.unwrap();
    for (given, expected) in [
        (Some("private"), "ok"),
        (Some("public-read"), "AccessDenied"),
        (Some("log-delivery-write"), "ok"),
        (Some("nonsense"), "InvalidArgument"),
        (None, "MissingSecurityHeader"),
    ] {
        assert_eq!(code(&world.root::<op::PutBucketAcl>(acl(given)).await), expected, "{given:?}");
    }
    assert_eq!(code(&world.root::<op::PutObjectAcl>(object_acl("private")).await), "ok");
    let read = world.root::<op::GetBucketAcl>(on_bucket!(s::GetBucketAclRequest {})).await.unwrap();
    let (owner, grants) = (read.owner.unwrap(), read.grants.unwrap());
    assert_eq!(grants[0].grantee.as_ref().unwrap().id, owner.id);
    assert_eq!(grants[0].permission.as_deref(), Some("FULL_CONTROL"));
    // What reads as the ACL can be put back.
    let policy = s::AccessControlPolicy { grants: Some(grants), owner: Some(owner) };
    let back = on_bucket!(s::PutBucketAclRequest { access_control_policy: Some(policy) });
    assert_eq!(code(&world.root::<op::PutBucketAcl>(back).await), "ok");
    let clear = on_bucket!(s::DeleteBucketOwnershipControlsRequest {});
    world.root::<op::DeleteBucketOwnershipControls>(clear).await.unwrap();
    let read = world
        .root::<op::GetBucketOwnershipControls>(on_bucket!(s::GetBucketOwnershipControlsRequest {}))
        .await;
    assert_eq!(code(&read), "OwnershipControlsNotFoundError");
}

#[tokio::test]
async fn public_access_blocks() {
    let world = World::with_bucket().await;
    let delete = on_bucket!(s::DeletePublicAccessBlockRequest {});
    world.root::<op::DeletePublicAccessBlock>(delete).await.unwrap();
    let read = || world.root::<op::GetPublicAccessBlock>(on_bucket!(s::GetPublicAccessBlockRequest {}));
    assert_eq!(code(&read().await), "NoSuchPublicAccessBlockConfiguration");
    let some = on_bucket!(s::PutPublicAccessBlockRequest {
        public_access_block_configuration: s::PublicAccessBlockConfiguration {
            block_public_acls: Some(true),
            ..Default::default()
        },
    });
    world.root::<op::PutPublicAccessBlock>(some).await.unwrap();
    let block = read().await.unwrap().public_access_block_configuration.unwrap();
    assert_eq!((block.block_public_acls, block.restrict_public_buckets), (Some(true), Some(false)));
}

#[tokio::test]
async fn cors_preflight_and_answers() {
    let world = World::with_bucket().await;
    let rule = s::CORSRule {
        allowed_methods: vec!["PUT".into(), "GET".into()],
        allowed_origins: vec!["https://app.example".into()],
        allowed_headers: Some(vec!["*".into()]),
        expose_headers: Some(vec!["ETag".into()]),
        max_age_seconds: Some(60),
        id: None,
    };
    let put = on_bucket!(s::PutBucketCorsRequest {
        cors_configuration: s::CORSConfiguration { cors_rules: vec![rule] },
    });
    world.root::<op::PutBucketCors>(put).await.unwrap();
    let read = world.root::<op::GetBucketCors>(on_bucket!(s::GetBucketCorsRequest {})).await.unwrap();
    assert_eq!(read.cors_rules.unwrap()[0].max_age_seconds, Some(60));
    let preflight = async |origin: Option<&str>, method: Option<&str>, bucket: &str| {
        let mut who = Who::anonymous();
        for (name, value) in [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", Some("X-Amz-Date")),
        ] {
            if let Some(value) = value {
                who = who.header(name, value);
            }
        }
        who.virtual_host = Some(bucket.to_owned());
        let cx = world.with_method(&who, Method::OPTIONS);
        let answered = world.s3.unmodelled(&cx, haneul_kit::ByteStream::default()).await;
        answered
            .unwrap_or_else(|_| panic!("a preflight is ours"))
            .map(Response::into_parts)
            .map(|(head, _)| head)
    };
    let app = Some("https://app.example");
    let allowed = preflight(app, Some("PUT"), "bkt").await.unwrap();
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(allowed.headers["access-control-allow-headers"], "x-amz-date");
    assert_eq!(allowed.headers["access-control-max-age"], "60");
    for (origin, method, bucket, expected) in [
        (app, Some("DELETE"), "bkt", "AccessForbidden"),
        (Some("https://evil.example"), Some("PUT"), "bkt", "AccessForbidden"),
        (None, Some("PUT"), "bkt", "BadRequest"),
        (app, None, "bkt", "BadRequest"),
        (app, Some("BREW"), "bkt", "BadRequest"),
        (app, Some("PUT"), "nope", "AccessForbidden"),
    ] {
        assert_eq!(
            code(&preflight(origin, method, bucket).await),
            expected,
            "{origin:?} {method:?} {bucket}"
        );
    }
    // The answer proper tells it too, errors included.
    let who = Who { virtual_host: Some("bkt".into()), ..Who::root().header("origin", "https://app.example") };
    let cx = world.cx(&who);
    let (mut head, ()) = Response::new(()).into_parts();
    world.s3.decorate(&cx, &mut head).await;
    assert_eq!(head.headers["access-control-expose-headers"], "ETag");
    assert!(!head.headers.contains_key("access-control-allow-headers"));
    // Where it has a preflight's headers, they count.
    for (method, expected) in [("PUT", Some("x-a")), ("DELETE", None)] {
        let who =
            Who { virtual_host: Some("bkt".into()), ..Who::root().header("origin", "https://app.example") };
        let who = who
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "X-A");
        let (mut head, ()) = Response::new(()).into_parts();
        world.s3.decorate(&world.cx(&who), &mut head).await;
        let told = head.headers.get("access-control-allow-headers");
        assert_eq!(told.map(|told| told.to_str().unwrap()), expected);
    }
    world.root::<op::DeleteBucketCors>(on_bucket!(s::DeleteBucketCorsRequest {})).await.unwrap();
    let off = preflight(app, Some("PUT"), "bkt").await.map(drop).unwrap_err();
    assert_eq!(off.code(), "AccessForbidden");
    assert!(off.fields().contains(&("ResourceType", "BUCKET".to_owned())), "{:?}", off.fields());
}
