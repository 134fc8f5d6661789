//! What the meter is told: bytes by the hour, retrievals, and what leaves a class before its time.

use std::collections::BTreeMap;
use std::time::Duration;

use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use super::world::{World, put};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What was counted since somebody looked, by usage type and resource.
fn used(world: &World) -> BTreeMap<String, u64> {
    let taken = world.s3.platform.meter.counters().take();
    taken
        .into_iter()
        .map(|used| (format!("{} {}", used.kind.name, used.place.resource), used.amount))
        .collect()
}

async fn put_as(world: &World, key: &str, class: &str, size: usize) {
    let input = s::PutObjectRequest { storage_class: Some(class.into()), ..put(key, vec![b'x'; size]) };
    world.root::<op::PutObject>(input).await.unwrap();
}

#[tokio::test]
async fn what_is_stored_is_told_by_usage_type() {
    let world = World::with_bucket().await;
    world.s3.platform.metrics.open();
    let run = async || {
        for task in crate::tasks::reconcilers(&world.s3) {
            task.reconcile().await.unwrap();
        }
    };
    run().await;
    for (key, class, size) in [("a", "STANDARD", 1000), ("b", "STANDARD_IA", 1024), ("c", "DEEP_ARCHIVE", 10)]
    {
        put_as(&world, key, class, size).await;
    }
    assert!(crate::metering::held(&world.s3).await.unwrap().is_empty(), "not before midnight");
    world.env.clock.advance(DAY);
    run().await;
    let held = crate::metering::held(&world.s3).await.unwrap();
    let told: Vec<(&str, &str, u64)> =
        held.iter().map(|held| (held.operation, held.kind.name, held.amount)).collect();
    assert_eq!(
        told,
        [
            ("DeepArchiveObjectOverhead", "TimedStorage-GDA-ByteHrs", 32 * 1024),
            ("DeepArchiveS3ObjectOverhead", "TimedStorage-ByteHrs", 8 * 1024),
            ("DeepArchiveStorage", "TimedStorage-GDA-ByteHrs", 10),
            ("StandardIASizeOverhead", "TimedStorage-SIA-SmObjects", 127 * 1024),
            ("StandardIAStorage", "TimedStorage-SIA-ByteHrs", 1024),
            ("StandardStorage", "TimedStorage-ByteHrs", 1000),
        ]
    );
    assert!(held.iter().all(|held| held.resource == "arn:aws:s3:::bkt"));
}

#[tokio::test]
async fn retrievals_are_counted_and_what_goes_before_its_time() {
    let world = World::with_bucket().await;
    put_as(&world, "ia", "STANDARD_IA", 1000).await;
    put_as(&world, "instant", "GLACIER_IR", 500).await;
    put_as(&world, "archived", "GLACIER", 300).await;
    put_as(&world, "standard", "STANDARD", 200).await;
    world.get("ia").await.unwrap();
    world.get("standard").await.unwrap();
    let ranged = s::GetObjectRequest { range: Some("bytes=0-9".into()), ..super::world::get("instant") };
    world.root::<op::GetObject>(ranged).await.unwrap();
    let restore = s::RestoreObjectRequest {
        bucket: "bkt".into(),
        key: "archived".into(),
        restore_request: Some(s::RestoreRequest {
            days: Some(1),
            glacier_job_parameters: Some(s::GlacierJobParameters { tier: "Bulk".into() }),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.root::<op::RestoreObject>(restore).await.unwrap();
    // A part that is copied is what is read of it.
    let upload =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "new".into(), ..Default::default() };
    let upload = world.root::<op::CreateMultipartUpload>(upload).await.unwrap().upload_id.unwrap();
    let part = s::UploadPartCopyRequest {
        bucket: "bkt".into(),
        key: "new".into(),
        copy_source: "bkt/instant".into(),
        copy_source_range: Some("bytes=100-139".into()),
        part_number: 1,
        upload_id: upload.clone(),
        ..Default::default()
    };
    world.root::<op::UploadPartCopy>(part).await.unwrap();
    let abort = s::AbortMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "new".into(),
        upload_id: upload,
        ..Default::default()
    };
    world.root::<op::AbortMultipartUpload>(abort).await.unwrap();
    let expected = [
        ("Bulk-Retrieval-Bytes arn:aws:s3:::bkt", 300),
        ("Retrieval-GIR arn:aws:s3:::bkt", 50),
        ("Retrieval-SIA arn:aws:s3:::bkt", 1000),
    ];
    assert_eq!(used(&world), expected.map(|(name, amount)| (name.to_owned(), amount)).into());

    // Ten of thirty days, and sixty of ninety: the rest is owed. An object that is overwritten goes, too.
    world.env.clock.advance(10 * DAY);
    put_as(&world, "ia", "STANDARD", 1).await;
    world.delete("standard").await;
    world.s3.meter_early_deletions().await.unwrap();
    let owed = BTreeMap::from([("EarlyDelete-SIA arn:aws:s3:::bkt".to_owned(), 1000 * 20 * 24)]);
    assert_eq!(used(&world), owed);
    world.env.clock.advance(50 * DAY);
    world.delete("archived").await;
    world.s3.meter_early_deletions().await.unwrap();
    let owed = BTreeMap::from([("EarlyDelete-ByteHrs arn:aws:s3:::bkt".to_owned(), 300 * 30 * 24)]);
    assert_eq!(used(&world), owed);
    world.env.clock.advance(40 * DAY);
    // Its time is over.
    world.delete("instant").await;
    world.delete("ia").await;
    assert!(used(&world).is_empty());
    // A bucket that goes tells before that what is owed.
    put_as(&world, "last", "ONEZONE_IA", 100).await;
    world.delete("last").await;
    let delete = s::DeleteBucketRequest { bucket: "bkt".into(), ..Default::default() };
    world.root::<op::DeleteBucket>(delete).await.unwrap();
    let owed = BTreeMap::from([("EarlyDelete-ZIA arn:aws:s3:::bkt".to_owned(), 100 * 30 * 24)]);
    assert_eq!(used(&world), owed);
    assert!(world.s3.records.take_early_deletions(10).await.unwrap().is_empty());
}
