use haneul_kit::cx::Parts;
use haneul_kit::{AccountId, Cx, Extension, Region, RequestHead};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use http::{HeaderMap, Method, Response, Uri};

use super::world::{OTHER, Who, World, code, get, put};
use crate::owner::canonical_id;

/// A world whose bucket `bkt` has ACLs, and blocks nothing.
async fn world(ownership: &str) -> World {
    let world = World::new();
    let input = s::CreateBucketRequest {
        bucket: "bkt".into(),
        object_ownership: Some(ownership.into()),
        ..Default::default()
    };
    world.root::<op::CreateBucket>(input).await.unwrap();
    let unblock = s::DeletePublicAccessBlockRequest { bucket: "bkt".into(), ..Default::default() };
    world.root::<op::DeletePublicAccessBlock>(unblock).await.unwrap();
    world
}

fn bucket_acl(canned: &str) -> s::PutBucketAclRequest {
    s::PutBucketAclRequest { bucket: "bkt".into(), acl: Some(canned.into()), ..Default::default() }
}

fn list() -> s::ListObjectsV2Request {
    s::ListObjectsV2Request { bucket: "bkt".into(), ..Default::default() }
}

fn with_acl(key: &str, canned: &str) -> s::PutObjectRequest {
    s::PutObjectRequest { acl: Some(canned.into()), ..put(key, "x") }
}

async fn reads(world: &World, who: &Who, key: &str) -> String {
    code(&world.call::<op::GetObject>(who, get(key)).await.result)
}

#[tokio::test]
async fn canned_acls_let_in_whom_they_name() {
    let world = world("ObjectWriter").await;
    let (denied, ok) = ("AccessDenied", "ok");
    for (canned, anonymous, other) in [
        ("private", denied, denied),
        ("public-read", ok, ok),
        ("authenticated-read", denied, ok),
        ("bucket-owner-full-control", denied, denied),
    ] {
        world.root::<op::PutObject>(with_acl("k", canned)).await.unwrap();
        assert_eq!(reads(&world, &Who::anonymous(), "k").await, anonymous, "{canned}");
        assert_eq!(reads(&world, &Who::other(), "k").await, other, "{canned}");
        assert_eq!(reads(&world, &Who::root(), "k").await, ok, "{canned}");
    }
    for (canned, lists, writes) in
        [("private", denied, denied), ("public-read", ok, denied), ("public-read-write", ok, ok)]
    {
        world.root::<op::PutBucketAcl>(bucket_acl(canned)).await.unwrap();
        let listed = world.call::<op::ListObjectsV2>(&Who::anonymous(), list()).await.result;
        assert_eq!(code(&listed), lists, "{canned}");
        let written = world.call::<op::PutObject>(&Who::anonymous(), put("new", "y")).await.result;
        assert_eq!(code(&written), writes, "{canned}");
    }
    // IgnorePublicAcls makes them mean nothing, and BlockPublicAcls refuses new ones.
    let block = s::PutPublicAccessBlockRequest {
        bucket: "bkt".into(),
        public_access_block_configuration: s::PublicAccessBlockConfiguration {
            ignore_public_acls: Some(true),
            block_public_acls: Some(true),
            ..Default::default()
        },
        ..Default::default()
    };
    world.root::<op::PutPublicAccessBlock>(block).await.unwrap();
    assert_eq!(code(&world.call::<op::ListObjectsV2>(&Who::anonymous(), list()).await.result), denied);
    let set = world.root::<op::PutBucketAcl>(bucket_acl("public-read")).await.err().unwrap();
    let put = world.root::<op::PutObject>(with_acl("k", "public-read")).await.err().unwrap();
    for (refused, action, resource) in [(set, "s3:PutBucketAcl", "bkt"), (put, "s3:PutObject", "bkt/k")] {
        assert_eq!(refused.code(), denied);
        assert_eq!(
            refused.message(),
            format!(
                "User: arn:aws:iam::000000000000:root is not authorized to perform: {action} on resource: \
                 \"arn:aws:s3:::{resource}\" because public ACLs are prevented by the BlockPublicAcls setting in S3 Block \
                 Public Access."
            )
        );
    }
    assert_eq!(code(&world.root::<op::PutObject>(with_acl("k", "private")).await), ok);
}

#[tokio::test]
async fn grants_to_accounts() {
    let world = world("ObjectWriter").await;
    world.put("k", "x").await;
    let other = canonical_id(AccountId::new(OTHER).unwrap());
    let grant = |permission: &str| s::PutObjectAclRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        access_control_policy: Some(s::AccessControlPolicy {
            owner: Some(s::Owner { id: Some(canonical_id(AccountId::DEFAULT)), display_name: None }),
            grants: Some(vec![s::Grant {
                grantee: Some(s::Grantee {
                    id: Some(other.clone()),
                    r#type: "CanonicalUser".into(),
                    ..Default::default()
                }),
                permission: Some(permission.into()),
            }]),
        }),
        ..Default::default()
    };
    let read_acl = || s::GetObjectAclRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    for (permission, reads_it, reads_acl) in [
        ("READ", "ok", "AccessDenied"),
        ("READ_ACP", "AccessDenied", "ok"),
        ("WRITE_ACP", "AccessDenied", "AccessDenied"),
        ("FULL_CONTROL", "ok", "ok"),
    ] {
        world.root::<op::PutObjectAcl>(grant(permission)).await.unwrap();
        assert_eq!(reads(&world, &Who::other(), "k").await, reads_it, "{permission}");
        let acl = world.call::<op::GetObjectAcl>(&Who::other(), read_acl()).await.result;
        assert_eq!(code(&acl), reads_acl, "{permission}");
    }
    let shown = world.root::<op::GetObjectAcl>(read_acl()).await.unwrap();
    assert_eq!(shown.grants.unwrap()[0].permission.as_deref(), Some("FULL_CONTROL"));
    for (permission, expected) in [("NONSENSE", "MalformedACLError"), ("READ", "ok")] {
        assert_eq!(code(&world.root::<op::PutObjectAcl>(grant(permission)).await), expected);
    }
    // A denial in the bucket's policy outweighs every grant.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}]}"#;
    let input =
        s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy.into(), ..Default::default() };
    world.root::<op::PutBucketPolicy>(input).await.unwrap();
    assert_eq!(reads(&world, &Who::other(), "k").await, "AccessDenied");
}

#[tokio::test]
async fn whoever_writes_owns() {
    for (ownership, canned, owner_reads) in [
        ("ObjectWriter", None, "AccessDenied"),
        ("ObjectWriter", Some("bucket-owner-read"), "ok"),
        ("ObjectWriter", Some("bucket-owner-full-control"), "ok"),
        ("BucketOwnerPreferred", None, "AccessDenied"),
        ("BucketOwnerPreferred", Some("bucket-owner-full-control"), "ok"),
    ] {
        let world = world(ownership).await;
        world.root::<op::PutBucketAcl>(bucket_acl("public-read-write")).await.unwrap();
        let input = s::PutObjectRequest { acl: canned.map(str::to_owned), ..put("k", "x") };
        let answered = world.call::<op::PutObject>(&Who::other(), input).await.result;
        assert_eq!(code(&answered), "ok", "{ownership} {canned:?}");
        assert_eq!(reads(&world, &Who::root(), "k").await, owner_reads, "{ownership} {canned:?}");
        // The bucket's owner can delete whatever is in it, and make all of it its own.
        let controls = s::PutBucketOwnershipControlsRequest {
            bucket: "bkt".into(),
            ownership_controls: s::OwnershipControls {
                rules: vec![s::OwnershipControlsRule { object_ownership: "BucketOwnerEnforced".into() }],
            },
            ..Default::default()
        };
        let enforced = world.root::<op::PutBucketOwnershipControls>(controls.clone()).await;
        assert_eq!(code(&enforced), "InvalidBucketAclWithObjectOwnership");
        world.root::<op::PutBucketAcl>(bucket_acl("private")).await.unwrap();
        world.root::<op::PutBucketOwnershipControls>(controls).await.unwrap();
        assert_eq!(reads(&world, &Who::root(), "k").await, "ok");
        world.delete("k").await;
    }
}

#[tokio::test]
async fn disabled_acls() {
    let world = World::with_bucket().await;
    for (canned, expected) in [
        ("bucket-owner-full-control", "ok"),
        ("private", "ok"),
        ("bucket-owner-read", "AccessControlListNotSupported"),
        ("authenticated-read", "AccessControlListNotSupported"),
        ("public-read", "AccessControlListNotSupported"),
    ] {
        assert_eq!(code(&world.root::<op::PutObject>(with_acl("k", canned)).await), expected, "{canned}");
    }
    let policy = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":"s3:PutObject*","Resource":"arn:aws:s3:::bkt/*"}}]}}"#
    );
    let input = s::PutBucketPolicyRequest { bucket: "bkt".into(), policy, ..Default::default() };
    world.root::<op::PutBucketPolicy>(input).await.unwrap();
    for (canned, expected) in
        [("bucket-owner-full-control", "ok"), ("private", "AccessControlListNotSupported")]
    {
        let answered = world.call::<op::PutObject>(&Who::other(), with_acl("k", canned)).await.result;
        assert_eq!(code(&answered), expected, "another account, {canned}");
    }
    assert_eq!(
        code(&world.root::<op::PutBucketAcl>(bucket_acl("private")).await),
        "AccessControlListNotSupported"
    );
    let create = |ownership: &str, acl: &str| s::CreateBucketRequest {
        bucket: "other-bucket".into(),
        object_ownership: Some(ownership.into()),
        acl: Some(acl.into()),
        ..Default::default()
    };
    for (ownership, acl, expected) in [
        ("BucketOwnerEnforced", "public-read", "InvalidBucketAclWithObjectOwnership"),
        ("BucketOwnerEnforced", "log-delivery-write", "InvalidBucketAclWithObjectOwnership"),
        ("ObjectWriter", "public-read", "InvalidBucketAclWithBlockPublicAccessError"),
        ("ObjectWriter", "log-delivery-write", "ok"),
    ] {
        assert_eq!(code(&world.root::<op::CreateBucket>(create(ownership, acl)).await), expected, "{acl}");
    }
}

#[tokio::test]
async fn requesters_pay() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}]}"#;
    let unblock = s::DeletePublicAccessBlockRequest { bucket: "bkt".into(), ..Default::default() };
    world.root::<op::DeletePublicAccessBlock>(unblock).await.unwrap();
    let input =
        s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy.into(), ..Default::default() };
    world.root::<op::PutBucketPolicy>(input).await.unwrap();
    let pay = |payer: &str| s::PutBucketRequestPaymentRequest {
        bucket: "bkt".into(),
        request_payment_configuration: s::RequestPaymentConfiguration { payer: payer.into() },
        ..Default::default()
    };
    assert_eq!(reads(&world, &Who::anonymous(), "k").await, "ok");
    assert_eq!(code(&world.root::<op::PutBucketRequestPayment>(pay("Nobody")).await), "MalformedXML");
    world.root::<op::PutBucketRequestPayment>(pay("Requester")).await.unwrap();
    let paying = |who: Who| who.header("x-amz-request-payer", "requester");
    for (who, expected) in [
        (Who::root(), "ok"),
        (Who::other(), "AccessDenied"),
        (paying(Who::other()), "ok"),
        (Who::anonymous(), "AccessDenied"),
        (paying(Who::anonymous()), "AccessDenied"),
    ] {
        assert_eq!(reads(&world, &who, "k").await, expected);
    }
    // A presigned URL says it in its query.
    for (target, charged) in [("/bkt/k", false), ("/bkt/k?x-amz-request-payer=requester", true)] {
        let http = RequestHead::new(Method::GET, Uri::from_static(target), HeaderMap::new());
        let within = Parts::within("r", Who::other().caller, Region::US_EAST_1, world.env.now());
        let cx = Cx::new(Parts { http: Some(http), ..within });
        let (mut head, ()) = Response::new(()).into_parts();
        world.s3.decorate(&cx, &mut head).await;
        assert_eq!(head.headers.contains_key("x-amz-request-charged"), charged, "{target}");
    }
}

#[tokio::test]
async fn each_key_of_a_delete_is_decided_by_itself() {
    let world = World::with_bucket().await;
    for key in ["mine/a", "mine/b", "theirs/a"] {
        world.put(key, "x").await;
    }
    let object = |key: &str| s::ObjectIdentifier { key: key.into(), ..Default::default() };
    let input = || s::DeleteObjectsRequest {
        bucket: "bkt".into(),
        delete: s::Delete {
            objects: vec![object("mine/a"), object("theirs/a"), object("mine/b"), object("mine/none")],
            quiet: None,
        },
        checksum_algorithm: Some("CRC32".into()),
        ..Default::default()
    };
    let who = Who::user(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::bkt/mine/*"}]}"#,
    );
    let output = world.call::<op::DeleteObjects>(&who, input()).await.result.unwrap();
    let deleted: Vec<_> = output.deleted.unwrap().into_iter().filter_map(|deleted| deleted.key).collect();
    assert_eq!(deleted, ["mine/a", "mine/b", "mine/none"]);
    let errors: Vec<_> =
        output.errors.unwrap().into_iter().map(|error| (error.key.unwrap(), error.code.unwrap())).collect();
    assert_eq!(errors, [("theirs/a".to_owned(), "AccessDenied".to_owned())]);
    assert_eq!(world.keys().await, ["theirs/a"]);
}

/// A root or user of the other account writes with headers that name an ACL.
#[tokio::test]
async fn naming_an_acl_is_a_matter_of_the_writer() {
    let grantee = format!("id=\"{}\"", canonical_id(AccountId::DEFAULT));
    let allowed =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let put_only =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}]}"#;
    let user_of_other = |policy: &str| {
        let mut who = Who::user(policy);
        who.caller.account = AccountId::new(OTHER).unwrap();
        who
    };
    let with = |canned: Option<&str>, full_control: Option<&str>| s::PutObjectRequest {
        acl: canned.map(str::to_owned),
        grant_full_control: full_control.map(str::to_owned),
        ..put("k", "x")
    };
    let statement = |action: &str, condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":{action},"Resource":"arn:aws:s3:::bkt/*","Condition":{{"StringEquals":{condition}}}}}]}}"#
        )
    };
    let quoted = grantee.replace('"', "\\\"");
    for ownership in ["ObjectWriter", "BucketOwnerPreferred"] {
        let world = world(ownership).await;
        for (action, condition, headers, expected) in [
            (
                r#""s3:PutObject""#,
                r#"{"s3:x-amz-acl":"public-read"}"#.to_owned(),
                (Some("public-read"), None),
                "ok",
            ),
            (
                r#""s3:PutObject""#,
                r#"{"s3:x-amz-acl":"public-read"}"#.to_owned(),
                (Some("private"), None),
                "AccessDenied",
            ),
            (
                r#""s3:PutObject""#,
                r#"{"s3:x-amz-acl":"bucket-owner-full-control"}"#.to_owned(),
                (Some("bucket-owner-full-control"), None),
                "ok",
            ),
            (
                r#""s3:PutObject""#,
                format!(r#"{{"s3:x-amz-grant-full-control":"{quoted}"}}"#),
                (None, Some(grantee.as_str())),
                "ok",
            ),
            (
                r#"["s3:PutObject","s3:PutObjectAcl"]"#,
                r#"{"s3:x-amz-acl":"public-read"}"#.to_owned(),
                (Some("public-read"), None),
                "ok",
            ),
        ] {
            let policy = statement(action, &condition);
            let put_policy = s::PutBucketPolicyRequest { bucket: "bkt".into(), policy, ..Default::default() };
            world.root::<op::PutBucketPolicy>(put_policy).await.unwrap();
            for (who, expected) in [
                (Who::other(), expected),
                (user_of_other(allowed), expected),
                (user_of_other(put_only), "AccessDenied"),
            ] {
                let answered = world.call::<op::PutObject>(&who, with(headers.0, headers.1)).await.result;
                assert_eq!(code(&answered), expected, "{ownership} {condition} {:?}", who.policy);
            }
        }
        // A denial of the bucket's counts.
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bkt/*"},{"Effect":"Deny","Principal":"*","Action":"s3:PutObjectAcl","Resource":"arn:aws:s3:::bkt/*"}]}"#;
        let input =
            s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy.into(), ..Default::default() };
        world.root::<op::PutBucketPolicy>(input).await.unwrap();
        for who in [Who::other(), Who::anonymous()] {
            let answered = world.call::<op::PutObject>(&who, with(Some("public-read"), None)).await.result;
            assert_eq!(code(&answered), "AccessDenied");
            assert_eq!(code(&world.call::<op::PutObject>(&who, with(None, None)).await.result), "ok");
        }
        // WRITE in the bucket's ACL is enough too.
        let gone = s::DeleteBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
        world.root::<op::DeleteBucketPolicy>(gone).await.unwrap();
        world.root::<op::PutBucketAcl>(bucket_acl("public-read-write")).await.unwrap();
        for canned in ["private", "public-read", "bucket-owner-read", "bucket-owner-full-control"] {
            for who in [Who::other(), user_of_other(allowed), Who::anonymous()] {
                let answered = world.call::<op::PutObject>(&who, with(Some(canned), None)).await.result;
                assert_eq!(code(&answered), "ok", "{ownership} {canned} {:?}", who.caller);
            }
        }
        // In the bucket's own account the permission is one more to have, with the same keys.
        let conditional = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:PutObject","s3:PutObjectAcl"],"Resource":"*","Condition":{"StringEquals":{"s3:x-amz-acl":"public-read"}}}]}"#;
        for (policy, canned, expected) in [
            (put_only, "public-read", "AccessDenied"),
            (conditional, "public-read", "ok"),
            (conditional, "private", "AccessDenied"),
        ] {
            let private = bucket_acl("private");
            world.root::<op::PutBucketAcl>(private).await.unwrap();
            let answered =
                world.call::<op::PutObject>(&Who::user(policy), with(Some(canned), None)).await.result;
            assert_eq!(code(&answered), expected, "{canned}");
        }
    }
}
