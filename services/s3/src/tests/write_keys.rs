//! What the permissions of writes know of the request, and those that a request needs beside its own.

use haneul_kit::Instant;
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use super::world::{Who, World, code, get, put};

/// Who may do all, but not the action under the condition.
fn all_but(action: &str, condition: &str) -> Who {
    Who::user(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"*"}},
            {{"Effect":"Deny","Action":"{action}","Resource":"*","Condition":{condition}}}]}}"#
    ))
}

fn may(actions: &[&str]) -> Who {
    let actions = actions.join(r#"",""#);
    Who::user(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["{actions}"],"Resource":"*"}}]}}"#
    ))
}

fn copy(source: &str) -> s::CopyObjectRequest {
    s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: "copy".into(),
        copy_source: source.into(),
        ..Default::default()
    }
}

fn begin() -> s::CreateMultipartUploadRequest {
    s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "m".into(), ..Default::default() }
}

fn part(upload_id: &str) -> s::UploadPartRequest {
    s::UploadPartRequest {
        bucket: "bkt".into(),
        key: "m".into(),
        upload_id: upload_id.into(),
        part_number: 1,
        body: haneul_kit::ByteStream::from_bytes("x"),
        ..Default::default()
    }
}

fn copied_part(upload_id: &str) -> s::UploadPartCopyRequest {
    s::UploadPartCopyRequest {
        bucket: "bkt".into(),
        key: "m".into(),
        copy_source: "bkt/k".into(),
        upload_id: upload_id.into(),
        part_number: 1,
        ..Default::default()
    }
}

fn complete(upload_id: &str, etag: Option<String>) -> s::CompleteMultipartUploadRequest {
    let part = s::CompletedPart { part_number: Some(1), e_tag: etag, ..Default::default() };
    s::CompleteMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "m".into(),
        upload_id: upload_id.into(),
        multipart_upload: Some(s::CompletedMultipartUpload { parts: Some(vec![part]) }),
        ..Default::default()
    }
}

#[tokio::test]
async fn which_operations_create_objects() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    // As AWS shows it: writes must be conditional, parts cannot be.
    let who = all_but(
        "s3:PutObject",
        r#"{"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}}"#,
    );
    let any = || Some("*".to_owned());
    let upload = world.call::<op::CreateMultipartUpload>(&who, begin()).await.result;
    let upload_id = upload.unwrap().upload_id.unwrap();
    let copied = world.call::<op::UploadPartCopy>(&who, copied_part(&upload_id)).await.result;
    assert_eq!(code(&copied), "ok");
    let etag = world.call::<op::UploadPart>(&who, part(&upload_id)).await.result.unwrap().e_tag;
    let bare = complete(&upload_id, etag);
    let conditional = s::CompleteMultipartUploadRequest { if_none_match: any(), ..bare.clone() };
    for (input, expected) in [(bare, "AccessDenied"), (conditional, "ok")] {
        assert_eq!(code(&world.call::<op::CompleteMultipartUpload>(&who, input).await.result), expected);
    }
    for (if_none_match, expected) in [(None, "AccessDenied"), (any(), "ok")] {
        let input = s::PutObjectRequest { if_none_match: if_none_match.clone(), ..put("new", "x") };
        assert_eq!(code(&world.call::<op::PutObject>(&who, input).await.result), expected);
        let input = s::CopyObjectRequest { if_none_match, ..copy("bkt/k") };
        assert_eq!(code(&world.call::<op::CopyObject>(&who, input).await.result), expected);
    }
}

#[tokio::test]
async fn deletions_can_be_made_to_be_conditional() {
    let world = World::with_bucket().await;
    let who = all_but("s3:DeleteObject", r#"{"Null":{"s3:if-match":"true"}}"#);
    for (if_match, expected) in [(None, "AccessDenied"), (Some("*".to_owned()), "ok")] {
        world.put("k", "x").await;
        let object = s::ObjectIdentifier { key: "k".into(), e_tag: if_match.clone(), ..Default::default() };
        let input =
            s::DeleteObjectRequest { bucket: "bkt".into(), key: "k".into(), if_match, ..Default::default() };
        assert_eq!(code(&world.call::<op::DeleteObject>(&who, input).await.result), expected);
        world.put("k", "x").await;
        let input = s::DeleteObjectsRequest {
            bucket: "bkt".into(),
            delete: s::Delete { objects: vec![object], quiet: None },
            ..Default::default()
        };
        let output = world.call::<op::DeleteObjects>(&who, input).await.result.unwrap();
        let failed = output.errors.unwrap_or_default().pop().and_then(|error| error.code);
        assert_eq!(failed.as_deref().unwrap_or("ok"), expected);
    }
}

#[tokio::test]
async fn how_long_a_write_may_retain() {
    let world = World::new();
    let input = s::CreateBucketRequest {
        bucket: "bkt".into(),
        object_lock_enabled_for_bucket: Some(true),
        ..Default::default()
    };
    world.root::<op::CreateBucket>(input).await.unwrap();
    let until = |days: i64| Instant::from_secs(world.env.now().secs() + days * 24 * 60 * 60);
    let locked = |days| s::PutObjectRequest {
        object_lock_mode: Some("GOVERNANCE".into()),
        object_lock_retain_until_date: Some(until(days)),
        content_md5: Some("XUFAKrxLKna5cZ2REBfFkg==".into()),
        ..put("k", "hello")
    };
    let late = until(11).iso8601();
    for action in ["s3:PutObject", "s3:PutObjectRetention"] {
        for condition in [
            r#"{"NumericGreaterThan":{"s3:object-lock-remaining-retention-days":"10"}}"#.to_owned(),
            format!(r#"{{"DateGreaterThanEquals":{{"s3:object-lock-retain-until-date":"{late}"}}}}"#),
        ] {
            let who = all_but(action, &condition);
            for (days, expected) in [(10, "ok"), (11, "AccessDenied")] {
                let put = world.call::<op::PutObject>(&who, locked(days)).await.result;
                assert_eq!(code(&put), expected, "{action} {condition} {days}");
            }
        }
        let who = all_but(action, r#"{"StringEquals":{"s3:object-lock-mode":"GOVERNANCE"}}"#);
        assert_eq!(
            code(&world.call::<op::PutObject>(&who, locked(1)).await.result),
            "AccessDenied",
            "{action}"
        );
    }
}

#[tokio::test]
async fn tags_are_for_whoever_may_read_them() {
    let world = World::with_bucket().await;
    let tagged = s::PutObjectRequest { tagging: Some("a=1&b=2".into()), ..put("k", "x") };
    world.root::<op::PutObject>(tagged).await.unwrap();
    world.put("bare", "x").await;
    let head = || s::HeadObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    for (actions, expected) in [
        (&["s3:GetObject"][..], None),
        (&["s3:GetObject", "s3:GetObjectVersionTagging"], None),
        (&["s3:GetObject", "s3:GetObjectTagging"], Some(2)),
    ] {
        let who = may(actions);
        let got = world.call::<op::GetObject>(&who, get("k")).await.result.unwrap();
        let shown = world.call::<op::HeadObject>(&who, head()).await.result.unwrap();
        assert_eq!((got.tag_count, shown.tag_count), (expected, expected), "{actions:?}");
    }
    let by_version = || s::GetObjectRequest { version_id: Some("null".into()), ..get("k") };
    for (tagging, expected) in [("s3:GetObjectTagging", None), ("s3:GetObjectVersionTagging", Some(2))] {
        let who = may(&["s3:GetObjectVersion", tagging]);
        let got = world.call::<op::GetObject>(&who, by_version()).await.result.unwrap();
        assert_eq!(got.tag_count, expected, "{tagging}");
    }
    // A copy takes them along.
    let copies = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"];
    for (source, more, replaces, expected) in [
        ("bkt/k", &[][..], false, "AccessDenied"),
        ("bkt/k", &["s3:GetObjectTagging"], false, "AccessDenied"),
        ("bkt/k", &["s3:PutObjectTagging"], false, "AccessDenied"),
        ("bkt/k", &["s3:GetObjectTagging", "s3:PutObjectTagging"], false, "ok"),
        ("bkt/k?versionId=null", &["s3:GetObjectTagging", "s3:PutObjectTagging"], false, "AccessDenied"),
        ("bkt/k?versionId=null", &["s3:GetObjectVersionTagging", "s3:PutObjectTagging"], false, "ok"),
        ("bkt/k", &[], true, "ok"),
        ("bkt/bare", &[], false, "ok"),
    ] {
        let who = may(&[&copies[..], more].concat());
        let tagging_directive = replaces.then(|| "REPLACE".to_owned());
        let input = s::CopyObjectRequest { tagging_directive, ..copy(source) };
        let copied = world.call::<op::CopyObject>(&who, input).await.result;
        assert_eq!(code(&copied), expected, "{source} {more:?} {replaces}");
    }
}

#[tokio::test]
async fn what_needs_a_name() {
    let world = World::with_bucket().await;
    let message = |error: haneul_kit::ApiError| format!("{}: {}", error.code(), error.message());
    let upload_id = world.root::<op::CreateMultipartUpload>(begin()).await.unwrap().upload_id.unwrap();
    let who = Who::anonymous();
    let begun = world.call::<op::CreateMultipartUpload>(&who, begin()).await.result.err().map(message);
    let copied = world.call::<op::CopyObject>(&who, copy("bkt/k")).await.result.err().map(message);
    let part = world.call::<op::UploadPartCopy>(&who, copied_part(&upload_id)).await.result;
    let no_copies = "AccessDenied: Anonymous users cannot copy objects.  Please authenticate.";
    assert_eq!(
        begun.as_deref(),
        Some("AccessDenied: Anonymous users cannot initiate multipart uploads.  Please authenticate.")
    );
    assert_eq!(copied.as_deref(), Some(no_copies));
    assert_eq!(part.err().map(message).as_deref(), Some(no_copies));
}

#[tokio::test]
async fn a_private_bucket_needs_no_more_than_a_bucket() {
    let world = World::new();
    let who = may(&["s3:CreateBucket"]);
    for (acl, expected) in [("private", "ok"), ("authenticated-read", "AccessDenied")] {
        let name = format!("new-{acl}");
        let input = s::CreateBucketRequest { bucket: name, acl: Some(acl.into()), ..Default::default() };
        assert_eq!(code(&world.call::<op::CreateBucket>(&who, input).await.result), expected, "{acl}");
    }
}
