use std::time::Duration;

use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use haneul_store::{Batch, Table};

use super::world::{Answered, Who, World, code, get, put};

fn restore(days: Option<i32>, tier: Option<&str>) -> s::RestoreObjectRequest {
    s::RestoreObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        restore_request: Some(s::RestoreRequest {
            days,
            glacier_job_parameters: tier.map(|tier| s::GlacierJobParameters { tier: tier.into() }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The code of the answer, or its status.
fn outcome(answered: &Answered<s::RestoreObjectOutput>) -> String {
    match (&answered.result, answered.status) {
        (Ok(_), Some(status)) => status.as_u16().to_string(),
        (result, _) => code(result),
    }
}

async fn header(world: &World) -> Option<String> {
    let head = s::HeadObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    world.root::<op::HeadObject>(head).await.unwrap().restore
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 60 * 60)
}

#[tokio::test]
async fn archived_bytes_are_there_when_the_clock_says() {
    for (class, tier, takes_h) in [
        ("GLACIER", None, 5),
        ("GLACIER", Some("Bulk"), 12),
        ("DEEP_ARCHIVE", None, 12),
        ("DEEP_ARCHIVE", Some("Bulk"), 48),
    ] {
        let world = World::with_bucket().await;
        let root = Who::root();
        let archived = s::PutObjectRequest { storage_class: Some(class.into()), ..put("k", "hello") };
        world.root::<op::PutObject>(archived).await.unwrap();
        let what = format!("{class} {tier:?}");
        assert_eq!(code(&world.get("k").await), "InvalidObjectState", "{what}");
        let copy = s::CopyObjectRequest {
            bucket: "bkt".into(),
            key: "c".into(),
            copy_source: "bkt/k".into(),
            ..Default::default()
        };
        assert_eq!(code(&world.root::<op::CopyObject>(copy).await), "ObjectNotInActiveTierError", "{what}");
        assert_eq!(header(&world).await, None, "{what}");
        let begun = world.call::<op::RestoreObject>(&root, restore(Some(2), tier)).await;
        assert_eq!(outcome(&begun), "202", "{what}");
        let again = world.call::<op::RestoreObject>(&root, restore(Some(2), tier)).await;
        assert_eq!(outcome(&again), "RestoreAlreadyInProgress", "{what}");
        world.env.clock.advance(hours(takes_h) - Duration::from_secs(1));
        assert_eq!(code(&world.get("k").await), "InvalidObjectState", "{what}");
        assert_eq!(header(&world).await.as_deref(), Some("ongoing-request=\"true\""), "{what}");
        world.env.clock.advance(Duration::from_secs(1));
        assert_eq!(world.get("k").await.unwrap(), b"hello", "{what}");
        assert!(
            header(&world).await.unwrap().starts_with("ongoing-request=\"false\", expiry-date="),
            "{what}"
        );
        let listing = |asked: bool| s::ListObjectsV2Request {
            bucket: "bkt".into(),
            optional_object_attributes: asked.then(|| vec!["RestoreStatus".to_owned()]),
            ..Default::default()
        };
        for asked in [false, true] {
            let listed = world.root::<op::ListObjectsV2>(listing(asked)).await.unwrap().contents.unwrap();
            let status = listed[0].restore_status.as_ref().map(|status| status.is_restore_in_progress);
            assert_eq!(status, asked.then_some(Some(false)), "{what}");
        }
        // A copy that is there is kept for longer at once.
        let longer = world.call::<op::RestoreObject>(&root, restore(Some(5), tier)).await;
        assert_eq!(outcome(&longer), "200", "{what}");
        world.env.clock.advance(hours(4 * 24));
        assert_eq!(code(&world.get("k").await), "ok", "{what}");
        world.env.clock.advance(hours(2 * 24));
        assert_eq!(code(&world.get("k").await), "InvalidObjectState", "{what}");
        assert_eq!(header(&world).await, None, "{what}");
    }
}

#[tokio::test]
async fn refused_restores() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let at =
        async |days, tier: Option<&str>| code(&world.root::<op::RestoreObject>(restore(days, tier)).await);
    assert_eq!(at(Some(1), None).await, "InvalidObjectState", "it is no archive");
    let archived = s::PutObjectRequest { storage_class: Some("DEEP_ARCHIVE".into()), ..put("k", "x") };
    world.root::<op::PutObject>(archived).await.unwrap();
    assert_eq!(at(None, None).await, "MalformedXML");
    assert_eq!(at(Some(0), None).await, "InvalidArgument");
    assert_eq!(at(Some(1), Some("Soon")).await, "MalformedXML");
    assert_eq!(at(Some(1), Some("Expedited")).await, "InvalidArgument");
    assert_eq!(at(Some(1), Some("Bulk")).await, "ok");
    assert_eq!(at(Some(1), Some("Standard")).await, "ok", "a faster tier takes over");
    assert_eq!(at(Some(1), Some("Bulk")).await, "RestoreAlreadyInProgress");
    let missing = s::RestoreObjectRequest { key: "missing".into(), ..restore(Some(1), None) };
    assert_eq!(code(&world.root::<op::RestoreObject>(missing).await), "NoSuchKey");
    let input = s::GetObjectRequest { range: Some("bytes=0-0".into()), ..get("k") };
    assert_eq!(code(&world.root::<op::GetObject>(input).await), "InvalidObjectState");
}

/// What a restore wakes looks at what is due, not at every bucket there is; old uploads are given up once a day, and where rules
/// are new.
#[tokio::test]
async fn a_restore_costs_what_it_is_about() {
    static BROKEN: Table<String, u64> = Table::new("s3.buckets");
    let world = World::with_bucket().await;
    let archived = s::PutObjectRequest { storage_class: Some("GLACIER".into()), ..put("k", "hello") };
    world.root::<op::PutObject>(archived).await.unwrap();
    let create = s::CreateMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "up".into(),
        storage_class: Some("STANDARD".into()),
        ..Default::default()
    };
    let uploads = async || {
        let input = s::ListMultipartUploadsRequest { bucket: "bkt".into(), ..Default::default() };
        world.root::<op::ListMultipartUploads>(input).await.unwrap().uploads.unwrap_or_default().len()
    };
    world.root::<op::CreateMultipartUpload>(create.clone()).await.unwrap();
    world.env.clock.advance(hours(72));
    let tasks = crate::tasks::reconcilers(&world.s3);
    let lifecycle = tasks.into_iter().find(|task| task.name() == "s3 lifecycle").unwrap();
    lifecycle.reconcile().await.unwrap();
    let rule = s::LifecycleRule {
        status: "Enabled".into(),
        filter: Some(Default::default()),
        abort_incomplete_multipart_upload: Some(s::AbortIncompleteMultipartUpload {
            days_after_initiation: Some(1),
        }),
        ..Default::default()
    };
    let input = s::PutBucketLifecycleConfigurationRequest {
        bucket: "bkt".into(),
        lifecycle_configuration: Some(s::BucketLifecycleConfiguration { rules: vec![rule] }),
        ..Default::default()
    };
    world.root::<op::PutBucketLifecycleConfiguration>(input).await.unwrap();
    lifecycle.reconcile().await.unwrap();
    assert_eq!(uploads().await, 0, "at once");
    world.root::<op::CreateMultipartUpload>(create).await.unwrap();

    // Whoever reads every bucket stumbles.
    let store = &world.s3.records.store;
    let mut batch = Batch::default();
    batch.put(&BROKEN, &"broken".to_owned(), &7).unwrap();
    store.write(batch).await.unwrap();
    world.root::<op::RestoreObject>(restore(Some(1), Some("Expedited"))).await.unwrap();
    let next = lifecycle.reconcile().await.unwrap().unwrap();
    assert_eq!(next, world.env.now() + Duration::from_secs(300));
    world.env.clock.advance(Duration::from_secs(300));
    lifecycle.reconcile().await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), b"hello");

    let mut batch = Batch::default();
    batch.delete(&BROKEN, &"broken".to_owned()).unwrap();
    store.write(batch).await.unwrap();
    world.env.clock.advance(hours(48));
    lifecycle.reconcile().await.unwrap();
    assert_eq!(uploads().await, 0, "at a midnight");
}
