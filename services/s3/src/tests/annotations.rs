//! Annotations: what is attached to versions of objects, and goes with them.

use haneul_blob::{BlobId, Blobs};
use haneul_kit::{ByteStream, Env, Result};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_store::{Batch, Range, Reads, Store};

use super::cloud::{Cloud, OURS, put, root};
use super::world::{Who, World, code};
use crate::model::annotation::AnnotationRecord;
use crate::model::object::ManifestPart;
use crate::model::{Data, Manifest};
use crate::store::tables::{ANNOTATIONS, CURRENT, MANIFESTS};

fn annotation(key: &str, name: &str, payload: impl Into<bytes::Bytes>) -> s::PutObjectAnnotationRequest {
    s::PutObjectAnnotationRequest {
        bucket: "bkt".into(),
        key: key.into(),
        annotation_name: name.into(),
        annotation_payload: ByteStream::from_bytes(payload),
        ..Default::default()
    }
}

fn reading(key: &str, name: &str, version: Option<&str>) -> s::GetObjectAnnotationRequest {
    s::GetObjectAnnotationRequest {
        bucket: "bkt".into(),
        key: key.into(),
        annotation_name: name.into(),
        version_id: version.map(str::to_owned),
        ..Default::default()
    }
}

fn listing(key: &str) -> s::ListObjectAnnotationsRequest {
    s::ListObjectAnnotationsRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() }
}

fn deleting(key: &str, name: &str) -> s::DeleteObjectAnnotationRequest {
    s::DeleteObjectAnnotationRequest {
        bucket: "bkt".into(),
        key: key.into(),
        annotation_name: name.into(),
        ..Default::default()
    }
}

async fn text(world: &World, key: &str, name: &str, version: Option<&str>) -> Result<String> {
    let got = world.root::<op::GetObjectAnnotation>(reading(key, name, version)).await?;
    Ok(String::from_utf8(got.annotation_payload.collect(usize::MAX).await.unwrap()).unwrap())
}

async fn names(world: &World, key: &str) -> Vec<String> {
    let listed = world.root::<op::ListObjectAnnotations>(listing(key)).await.unwrap();
    listed.annotations.unwrap().into_iter().map(|entry| entry.annotation_name).collect()
}

#[tokio::test]
async fn are_put_read_listed_and_deleted() {
    let world = World::with_bucket().await;
    world.put("k", "object").await;
    let made =
        world.root::<op::PutObjectAnnotation>(annotation("k", "ml.mood", "{\"sad\":1}")).await.unwrap();
    assert_eq!(made.e_tag.as_deref(), Some("\"9c583f06cc476b61ad92e78faf698b3e\""));
    assert_eq!((made.key.as_deref(), made.annotation_name.as_deref()), (Some("k"), Some("ml.mood")));
    assert_eq!(made.server_side_encryption.as_deref(), Some("AES256"));
    assert!(made.checksum_crc64_nvme.is_some() && made.object_version_id.is_none());
    assert_eq!(text(&world, "k", "ml.mood", None).await.unwrap(), "{\"sad\":1}");
    // Again, in its place; one that is large enough to be a blob.
    let large = "x".repeat(1 << 20);
    world.root::<op::PutObjectAnnotation>(annotation("k", "ml.mood", large.clone())).await.unwrap();
    assert_eq!(text(&world, "k", "ml.mood", None).await.unwrap(), large);
    assert_eq!(world.owned_blobs().await, 1);
    world.root::<op::PutObjectAnnotation>(annotation("k", "a", "1")).await.unwrap();
    world.root::<op::PutObjectAnnotation>(annotation("k", "ml.age", "2")).await.unwrap();
    let first = s::ListObjectAnnotationsRequest {
        annotation_prefix: Some("ml.".into()),
        max_annotation_results: Some(1),
        ..listing("k")
    };
    let page = world.root::<op::ListObjectAnnotations>(first.clone()).await.unwrap();
    let entry = &page.annotations.as_ref().unwrap()[0];
    assert_eq!((entry.annotation_name.as_str(), entry.size, page.annotation_count), ("ml.age", 1, Some(1)));
    assert_eq!(entry.checksum_algorithm.as_deref(), Some(&["CRC64NVME".to_owned()][..]));
    let second =
        s::ListObjectAnnotationsRequest { continuation_token: page.next_continuation_token, ..first };
    let page = world.root::<op::ListObjectAnnotations>(second).await.unwrap();
    assert_eq!(page.annotations.unwrap()[0].annotation_name, "ml.mood");
    assert_eq!(page.next_continuation_token, None);
    // Deleting is for good, and twice is once.
    for _ in 0..2 {
        world.root::<op::DeleteObjectAnnotation>(deleting("k", "ml.mood")).await.unwrap();
    }
    assert_eq!(names(&world, "k").await, ["a", "ml.age"]);
    assert_eq!(world.owned_blobs().await, 0);
    assert_eq!(code(&text(&world, "k", "ml.mood", None).await), "NoSuchAnnotation");
    // The object is what it was, and takes its annotations with it.
    assert_eq!(world.get("k").await.unwrap(), b"object");
    world.root::<op::PutObjectAnnotation>(annotation("k", "large", large)).await.unwrap();
    world.delete("k").await;
    assert_eq!(world.owned_blobs().await, 0);
    world.put("k", "another").await;
    assert!(names(&world, "k").await.is_empty());
}

#[tokio::test]
async fn what_is_refused() {
    let world = World::with_bucket().await;
    world.put("k", "object").await;
    let long = "n".repeat(513);
    for (key, name, payload, expected) in [
        ("none", "a", &b"1"[..], "NoSuchKey"),
        ("k", "aws.x", b"1", "InvalidAnnotationName"),
        ("k", &long, b"1", "AnnotationNameTooLong"),
        ("k", "a", b"", "InvalidRequest"),
        ("k", "a", b"\xff\xfe", "UnsupportedMediaType"),
        ("k", "a", &vec![b'x'; (1 << 20) + 1], "EntityTooLarge"),
    ] {
        let input = annotation(key, name, payload.to_vec());
        assert_eq!(code(&world.root::<op::PutObjectAnnotation>(input).await), expected, "{name}");
    }
    let md5 = s::PutObjectAnnotationRequest {
        content_md5: Some("1B2M2Y8AsgTpgAmY7PhCfg==".into()),
        ..annotation("k", "a", "1")
    };
    assert_eq!(code(&world.root::<op::PutObjectAnnotation>(md5).await), "BadDigest");
    for (tag, expected) in [("\"0\"", "PreconditionFailed"), ("\"a8cfde6331bd59eb2ac96f8911c4b666\"", "ok")] {
        let input =
            s::PutObjectAnnotationRequest { object_if_match: Some(tag.into()), ..annotation("k", "a", "1") };
        assert_eq!(code(&world.root::<op::PutObjectAnnotation>(input).await), expected, "{tag}");
    }
    let other = s::DeleteObjectAnnotationRequest { object_if_match: Some("x".into()), ..deleting("k", "a") };
    assert_eq!(code(&world.root::<op::DeleteObjectAnnotation>(other).await), "PreconditionFailed");
    // A thousand, and no more; one that is there is put again.
    for number in 1..1000 {
        world.root::<op::PutObjectAnnotation>(annotation("k", &format!("n{number}"), "1")).await.unwrap();
    }
    let result = world.root::<op::PutObjectAnnotation>(annotation("k", "more", "1")).await;
    assert_eq!(code(&result), "AnnotationLimitExceeded");
    world.root::<op::PutObjectAnnotation>(annotation("k", "n7", "2")).await.unwrap();
    // What an object's tags deny is denied of its annotations, too.
    let tagged = s::PutObjectRequest { tagging: Some("secret=yes".into()), ..super::world::put("t", "x") };
    world.root::<op::PutObject>(tagged).await.unwrap();
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
        {"Effect":"Deny","Action":"s3:*Annotation*","Resource":"*",
        "Condition":{"StringEquals":{"s3:ExistingObjectTag/secret":"yes"}}}]}"#;
    let who = Who::user(deny);
    for (key, expected) in [("t", "AccessDenied"), ("k", "ok")] {
        let put = world.call::<op::PutObjectAnnotation>(&who, annotation(key, "n7", "3")).await.result;
        let got = world.call::<op::GetObjectAnnotation>(&who, reading(key, "n7", None)).await.result;
        let listed = world.call::<op::ListObjectAnnotations>(&who, listing(key)).await.result;
        let deleted = world.call::<op::DeleteObjectAnnotation>(&who, deleting(key, "n7")).await.result;
        let codes = [code(&put), code(&got), code(&listed), code(&deleted)];
        assert_eq!(codes, [expected; 4], "{key}");
    }
    // Permissions of their own.
    let policy = |action: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
        )
    };
    for (action, expected) in [("s3:GetObject", "AccessDenied"), ("s3:GetObjectAnnotation", "ok")] {
        let who = Who::user(&policy(action));
        let result = world.call::<op::GetObjectAnnotation>(&who, reading("k", "a", None)).await.result;
        assert_eq!(code(&result), expected, "{action}");
    }
}

#[tokio::test]
async fn are_of_a_version() {
    let world = World::with_bucket().await;
    world.version("Enabled").await;
    let first = world.put("k", "one").await.version_id.unwrap();
    world.root::<op::PutObjectAnnotation>(annotation("k", "a", "of the first")).await.unwrap();
    let second = world.put("k", "two").await.version_id.unwrap();
    assert!(names(&world, "k").await.is_empty());
    let made = world.root::<op::PutObjectAnnotation>(annotation("k", "a", "of the second")).await.unwrap();
    assert_eq!(made.object_version_id.as_deref(), Some(second.as_str()));
    let late = s::PutObjectAnnotationRequest {
        version_id: Some(first.clone()),
        ..annotation("k", "late", "of the first, too")
    };
    world.root::<op::PutObjectAnnotation>(late).await.unwrap();
    // A delete marker has none, and takes none away.
    world.delete("k").await;
    assert_eq!(code(&text(&world, "k", "a", None).await), "NoSuchKey");
    assert_eq!(text(&world, "k", "a", Some(&first)).await.unwrap(), "of the first");
    assert_eq!(text(&world, "k", "a", Some(&second)).await.unwrap(), "of the second");
    let remove = s::DeleteObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        version_id: Some(first.clone()),
        ..Default::default()
    };
    world.root::<op::DeleteObject>(remove).await.unwrap();
    assert_eq!(code(&text(&world, "k", "late", Some(&first)).await), "NoSuchVersion");
    assert_eq!(text(&world, "k", "a", Some(&second)).await.unwrap(), "of the second");
}

#[tokio::test]
async fn go_along_with_copies() {
    let world = World::with_bucket().await;
    world.put("k", "object").await;
    let large = "y".repeat(100_000);
    world.root::<op::PutObjectAnnotation>(annotation("k", "small", "1")).await.unwrap();
    world.root::<op::PutObjectAnnotation>(annotation("k", "large", large.clone())).await.unwrap();
    let copy = |to: &str, directive: Option<&str>| s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: to.into(),
        copy_source: "bkt/k".into(),
        annotation_directive: directive.map(str::to_owned),
        ..Default::default()
    };
    world.root::<op::CopyObject>(copy("copy", None)).await.unwrap();
    assert_eq!(names(&world, "copy").await, ["large", "small"]);
    assert_eq!(text(&world, "copy", "large", None).await.unwrap(), large);
    world.root::<op::CopyObject>(copy("bare", Some("EXCLUDE"))).await.unwrap();
    assert!(names(&world, "bare").await.is_empty());
    assert_eq!(code(&world.root::<op::CopyObject>(copy("x", Some("MOVE"))).await), "InvalidArgument");
    // Where there can be none, it is refused before anything is copied.
    let to_customer = |directive| s::CopyObjectRequest {
        sse_customer_algorithm: Some("AES256".into()),
        sse_customer_key: Some("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".into()),
        sse_customer_key_md5: Some("KYvwGXoFFJ42a2u2GDWhwQ==".into()),
        ..copy("sealed", directive)
    };
    let broken = s::CopyObjectRequest { sse_customer_key_md5: None, ..to_customer(None) };
    for (input, expected) in [
        // The key itself is looked at only after that.
        (broken, "SSE-C"),
        (to_customer(None), "SSE-C"),
        (to_customer(Some("EXCLUDE")), "ok"),
    ] {
        let result = world.root::<op::CopyObject>(input).await;
        let said = result.err().map_or("ok".to_owned(), |error| error.message().to_owned());
        assert!(said.contains(expected), "{said}");
    }
    // The copies are copies: they outlive what they were made of.
    world.delete("k").await;
    assert_eq!(text(&world, "copy", "large", None).await.unwrap(), large);
    assert_eq!(world.owned_blobs().await, 1);
    // Onto itself, as the class is changed, nothing is lost.
    let onto = s::CopyObjectRequest {
        copy_source: "bkt/copy".into(),
        storage_class: Some("STANDARD_IA".into()),
        ..copy("copy", None)
    };
    world.root::<op::CopyObject>(onto).await.unwrap();
    assert_eq!(text(&world, "copy", "large", None).await.unwrap(), large);
    assert_eq!((names(&world, "copy").await.len(), world.owned_blobs().await), (2, 1));
    // Whoever may copy the object alone, may not copy it with them.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"*"}]}"#;
    let from_copy =
        |directive| s::CopyObjectRequest { copy_source: "bkt/copy".into(), ..copy("mine", directive) };
    for (directive, expected) in [(None, "AccessDenied"), (Some("EXCLUDE"), "ok")] {
        let result = world.call::<op::CopyObject>(&Who::user(policy), from_copy(directive)).await.result;
        assert_eq!(code(&result), expected, "{directive:?}");
    }
}

#[tokio::test]
async fn are_encrypted_as_their_object_is_and_told_of() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let key = cloud.ok::<kms::CreateKey>(k::CreateKeyRequest::default()).await.key_metadata.unwrap();
    let arn = key.arn.clone().unwrap();
    let sealed = s::PutObjectRequest {
        server_side_encryption: Some("aws:kms".into()),
        ssekms_key_id: Some(arn.clone()),
        ..put("bkt", "k", "object")
    };
    cloud.ok::<op::PutObject>(sealed).await;
    let queue_arn = cloud.queue("told", "bkt").await;
    let queue = s::QueueConfiguration {
        queue_arn,
        events: vec!["s3:ObjectAnnotation:*".into()],
        ..Default::default()
    };
    let notify = s::PutBucketNotificationConfigurationRequest {
        bucket: "bkt".into(),
        notification_configuration: s::NotificationConfiguration {
            queue_configurations: Some(vec![queue]),
            ..Default::default()
        },
        ..Default::default()
    };
    cloud.ok::<op::PutBucketNotificationConfiguration>(notify).await;
    cloud.messages("told").await;
    let made = cloud.ok::<op::PutObjectAnnotation>(annotation("k", "a", "secret")).await;
    assert_eq!(made.server_side_encryption.as_deref(), Some("aws:kms"));
    let got = cloud.ok::<op::GetObjectAnnotation>(reading("k", "a", None)).await;
    assert_eq!(got.annotation_payload.collect(usize::MAX).await.unwrap(), b"secret");
    let disable = k::DisableKeyRequest { key_id: arn };
    cloud.ok::<kms::DisableKey>(disable).await;
    let refused = cloud.call::<op::GetObjectAnnotation>(&root(OURS), reading("k", "a", None)).await;
    assert_eq!(code(&refused), "KMS.DisabledException");
    cloud.ok::<op::DeleteObjectAnnotation>(deleting("k", "a")).await;
    cloud.run().await;
    let told: Vec<_> = cloud.messages("told").await;
    let events = told.iter().map(|message| message["Records"][0]["eventName"].as_str().unwrap());
    // Of one moment of the clock, which stands still here: in no order.
    let events: std::collections::BTreeSet<&str> = events.collect();
    assert_eq!(events.into_iter().collect::<Vec<_>>(), ["ObjectAnnotation:Delete", "ObjectAnnotation:Put"]);
    // Of what only a client has the key, there is none.
    let customer = s::PutObjectRequest {
        sse_customer_algorithm: Some("AES256".into()),
        sse_customer_key: Some("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".into()),
        sse_customer_key_md5: Some("KYvwGXoFFJ42a2u2GDWhwQ==".into()),
        ..put("bkt", "c", "object")
    };
    cloud.ok::<op::PutObject>(customer).await;
    let refused = cloud.err::<op::PutObjectAnnotation>(annotation("c", "a", "1")).await;
    assert!(refused.starts_with("InvalidRequest"), "{refused}");
}

#[tokio::test]
async fn outlive_a_restart_and_are_locked_with_their_object() {
    let env = Env::simulated(3);
    let (store, blobs) = (Store::memory(), Blobs::memory(&env));
    let world = World::on(&env, store.clone(), blobs.clone());
    let create = s::CreateBucketRequest {
        bucket: "bkt".into(),
        object_lock_enabled_for_bucket: Some(true),
        ..Default::default()
    };
    world.root::<op::CreateBucket>(create).await.unwrap();
    world.put("k", "object").await;
    world.root::<op::PutObjectAnnotation>(annotation("k", "a", "z".repeat(200_000))).await.unwrap();
    let until = haneul_kit::Instant::from_secs(env.now().secs() + 86_400);
    let retain = |mode: &str| s::PutObjectRetentionRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        bypass_governance_retention: Some(mode == "COMPLIANCE"),
        retention: Some(s::ObjectLockRetention {
            mode: Some(mode.into()),
            retain_until_date: Some(until),
            ..Default::default()
        }),
        content_md5: Some("AAAAAAAAAAAAAAAAAAAAAA==".into()),
        ..Default::default()
    };
    world.root::<op::PutObjectRetention>(retain("GOVERNANCE")).await.unwrap();
    drop(world);
    let world = World::on(&env, store, blobs);
    assert_eq!(text(&world, "k", "a", None).await.unwrap().len(), 200_000);
    let result = world.root::<op::DeleteObjectAnnotation>(deleting("k", "a")).await;
    assert_eq!(code(&result), "AccessDenied");
    // To put it anew would destroy it as well.
    let put = |name: &str| annotation("k", name, "anew");
    assert_eq!(code(&world.root::<op::PutObjectAnnotation>(put("a")).await), "AccessDenied");
    assert_eq!(text(&world, "k", "a", None).await.unwrap().len(), 200_000);
    assert_eq!(code(&world.root::<op::PutObjectAnnotation>(put("new")).await), "ok");
    let bypass = "x-amz-bypass-governance-retention";
    let policy = |actions: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}"#
        )
    };
    let both = r#""s3:PutObjectAnnotation","s3:BypassGovernanceRetention""#;
    for (actions, expected) in [(r#""s3:PutObjectAnnotation""#, "AccessDenied"), (both, "ok")] {
        let who = Who::user(&policy(actions)).header(bypass, "true");
        let result = world.call::<op::PutObjectAnnotation>(&who, put("a")).await.result;
        assert_eq!(code(&result), expected, "{actions}");
    }
    let hold = |status: &str| s::PutObjectLegalHoldRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        legal_hold: Some(s::ObjectLockLegalHold { status: Some(status.into()) }),
        content_md5: Some("AAAAAAAAAAAAAAAAAAAAAA==".into()),
        ..Default::default()
    };
    let who = Who::root().header(bypass, "true");
    for (status, expected) in [("ON", "AccessDenied"), ("OFF", "ok")] {
        world.root::<op::PutObjectLegalHold>(hold(status)).await.unwrap();
        let result = world.call::<op::PutObjectAnnotation>(&who, put("a")).await.result;
        assert_eq!(code(&result), expected, "{status}");
    }
    let who = Who::root().header("x-amz-bypass-governance-retention", "true");
    let result = world.call::<op::DeleteObjectAnnotation>(&who, deleting("k", "a")).await.result;
    assert_eq!(code(&result), "ok");
    assert_eq!(names(&world, "k").await, ["new"]);
    // Nobody breaks compliance.
    world.call::<op::PutObjectRetention>(&who, retain("COMPLIANCE")).await.result.unwrap();
    let result = world.call::<op::PutObjectAnnotation>(&who, put("new")).await.result;
    assert_eq!(code(&result), "AccessDenied");
    assert_eq!(text(&world, "k", "new", None).await.unwrap(), "anew");
}

#[tokio::test]
async fn more_than_a_transaction_takes_is_deleted() {
    let world = World::with_bucket().await;
    let (store, id) = (world.s3.records.store.clone(), world.bucket_id().await);
    world.put("k", "object").await;
    world.root::<op::PutObjectAnnotation>(annotation("k", "a", "z".repeat(100_000))).await.unwrap();
    let object = store.get(&CURRENT, &(id, "k")).await.unwrap().unwrap();
    let pattern = store.get(&ANNOTATIONS, &(id, "k", object.seq, "a")).await.unwrap().unwrap();
    let (mut number, mut keys) = (0u128, Vec::new());
    let mut blob = || {
        number += 1;
        Data::Blob(BlobId::from_bytes(number.to_be_bytes()))
    };
    // The most parts and the most annotations: 23,000 writes each, 115,000 together.
    for of in 0..5u64 {
        let key = format!("k{of}");
        let parts = (1..=10_000).map(|number| ManifestPart {
            number,
            size: 1,
            data: blob(),
            checksum: None,
            salt: None,
        });
        let mut batch = Batch::default();
        batch.put(&MANIFESTS, &(of, of), &Manifest { parts: parts.collect() }).unwrap();
        for name in 0..1000 {
            let row = (id, key.as_str(), 1u64, format!("a{name}"));
            batch.put(&ANNOTATIONS, &row, &AnnotationRecord { data: blob(), ..pattern.clone() }).unwrap();
        }
        let mut large = object.clone();
        (large.seq, large.annotations) = (1, 1000);
        let body = large.body.as_mut().unwrap();
        (body.parts, body.data) = (10_000, Data::Parts((of, of)));
        batch.put(&CURRENT, &(id, key.as_str()), &large).unwrap();
        store.write(batch).await.unwrap();
        keys.push(s::ObjectIdentifier { key, ..Default::default() });
    }
    let delete = s::DeleteObjectsRequest {
        bucket: "bkt".into(),
        delete: s::Delete { objects: keys, quiet: None },
        ..Default::default()
    };
    let done = world.root::<op::DeleteObjects>(delete).await.unwrap();
    assert_eq!((done.deleted.unwrap().len(), done.errors.is_none()), (5, true));
    let left = store.scan_keys(&ANNOTATIONS, Range::all(), 10).await.unwrap();
    assert_eq!(left.len(), 1, "the other object has kept its own");
    assert!(store.scan_keys(&MANIFESTS, Range::all(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn small_copies_are_no_large_commit() {
    const MIB: usize = 1 << 20;
    let world = World::with_bucket().await;
    world.put("k", "object").await;
    // 8.75 MiB, of which 8 MiB may wait for the commit.
    for of in 0..140 {
        let payload = vec![b'a' + (of % 26) as u8; 64 * 1024];
        world.root::<op::PutObjectAnnotation>(annotation("k", &format!("n{of}"), payload)).await.unwrap();
    }
    let copy = s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: "copy".into(),
        copy_source: "bkt/k".into(),
        ..Default::default()
    };
    world.root::<op::CopyObject>(copy).await.unwrap();
    let (store, id) = (world.s3.records.store.clone(), world.bucket_id().await);
    let rows = store.scan(&ANNOTATIONS, Range::prefix((id, "copy")), 1000).await.unwrap();
    let inline = rows.iter().filter(|(_, record)| matches!(record.data, Data::Inline(_))).count();
    assert_eq!((rows.len(), inline), (140, 8 * MIB / (64 * 1024)));
    for of in [0, 9, 139] {
        let read = text(&world, "copy", &format!("n{of}"), None).await.unwrap();
        assert_eq!((read.len(), read.as_bytes()[0]), (64 * 1024, b'a' + (of % 26) as u8));
    }
}
