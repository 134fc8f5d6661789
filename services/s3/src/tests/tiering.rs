//! Intelligent-Tiering over ten years: down by itself, further where it is configured, and up when it is read.

use std::time::Duration;

use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use haneul_store::{Batch, Reads, Table};

use super::cloud::{self, Cloud};
use super::world::{World, code, get, noise, put};
use crate::model::tiering::AccessTier;
use crate::store::tables::CURRENT;

const DAY: Duration = Duration::from_secs(86_400);

fn configure(
    id: &str,
    filter: Option<s::IntelligentTieringFilter>,
    tierings: &[(&str, i32)],
) -> s::PutBucketIntelligentTieringConfigurationRequest {
    let tiering = |(tier, days): &(&str, i32)| s::Tiering { days: *days, access_tier: (*tier).into() };
    s::PutBucketIntelligentTieringConfigurationRequest {
        bucket: "bkt".into(),
        id: id.into(),
        intelligent_tiering_configuration: s::IntelligentTieringConfiguration {
            id: id.into(),
            filter,
            status: "Enabled".into(),
            tierings: tierings.iter().map(tiering).collect(),
        },
        ..Default::default()
    }
}

fn tiered(key: &str, size: usize) -> s::PutObjectRequest {
    s::PutObjectRequest { storage_class: Some("INTELLIGENT_TIERING".into()), ..put(key, noise(size)) }
}

async fn run(world: &World) {
    for task in crate::tasks::reconcilers(&world.s3) {
        task.reconcile().await.unwrap();
    }
}

async fn tier(world: &World, key: &str) -> AccessTier {
    let record = world.s3.records.find(world.bucket_id().await, key, None).await.unwrap().unwrap();
    crate::tiering::standing(&record, record.body.as_ref().unwrap()).tier
}

async fn archive_status(world: &World, key: &str) -> Option<String> {
    let head = s::HeadObjectRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() };
    let head = world.root::<op::HeadObject>(head).await.unwrap();
    assert_eq!(head.storage_class.as_deref(), Some("INTELLIGENT_TIERING"));
    head.archive_status
}

#[tokio::test]
async fn ten_years() {
    let world = World::with_bucket().await;
    let deep = [("ARCHIVE_ACCESS", 120), ("DEEP_ARCHIVE_ACCESS", 365)];
    let filter = s::IntelligentTieringFilter { prefix: Some("deep/".into()), ..Default::default() };
    world
        .root::<op::PutBucketIntelligentTieringConfiguration>(configure("a", Some(filter), &deep))
        .await
        .unwrap();
    for (key, size) in [("plain", 200_000), ("deep/k", 200_000), ("read", 200_000), ("small", 1000)] {
        world.root::<op::PutObject>(tiered(key, size)).await.unwrap();
    }
    let mut seen: Vec<(u32, &str, AccessTier)> = Vec::new();
    for day in 0..=3650u32 {
        run(&world).await;
        for key in ["plain", "deep/k", "read", "small"] {
            let now = tier(&world, key).await;
            if seen.iter().rev().find(|(_, other, _)| *other == key).is_none_or(|(_, _, last)| *last != now) {
                seen.push((day, key, now));
            }
        }
        // It is read every forty days.
        if day % 40 == 39 {
            world.get("read").await.unwrap();
        }
        world.env.clock.advance(DAY);
    }
    use AccessTier::*;
    let of = |key: &str| -> Vec<(u32, AccessTier)> {
        seen.iter().filter(|(_, other, _)| *other == key).map(|(day, _, tier)| (*day, *tier)).collect()
    };
    assert_eq!(of("small"), [(0, Frequent)]);
    assert_eq!(of("plain"), [(0, Frequent), (30, Infrequent), (90, ArchiveInstant)]);
    assert_eq!(
        of("deep/k"),
        [(0, Frequent), (30, Infrequent), (90, ArchiveInstant), (120, Archive), (365, DeepArchive)]
    );
    let read = of("read");
    assert_eq!(
        read[..5],
        [(0, Frequent), (30, Infrequent), (40, Frequent), (69, Infrequent), (80, Frequent)]
    );
    assert_eq!(read.len(), 2 * (3650 / 40) + 1, "up each time, and never lower than one step");
    // What was archived is restored, and moves back for good.
    assert_eq!(archive_status(&world, "deep/k").await.as_deref(), Some("DEEP_ARCHIVE_ACCESS"));
    let refused = world.get("deep/k").await.unwrap_err();
    assert_eq!(refused.code(), "InvalidObjectState");
    let restore = |days: Option<i32>, key: &str| s::RestoreObjectRequest {
        bucket: "bkt".into(),
        key: key.into(),
        restore_request: Some(s::RestoreRequest { days, ..Default::default() }),
        ..Default::default()
    };
    assert_eq!(code(&world.root::<op::RestoreObject>(restore(None, "plain")).await), "InvalidObjectState");
    assert_eq!(code(&world.root::<op::RestoreObject>(restore(Some(1), "deep/k")).await), "InvalidArgument");
    world.root::<op::RestoreObject>(restore(None, "deep/k")).await.unwrap();
    assert_eq!(
        code(&world.root::<op::RestoreObject>(restore(None, "deep/k")).await),
        "RestoreAlreadyInProgress"
    );
    world.env.clock.advance(Duration::from_secs(12 * 3600 - 1));
    run(&world).await;
    assert_eq!(code(&world.get("deep/k").await), "InvalidObjectState");
    world.env.clock.advance(Duration::from_secs(1));
    assert_eq!(world.get("deep/k").await.unwrap(), noise(200_000), "before anybody has noted it");
    run(&world).await;
    assert_eq!((tier(&world, "deep/k").await, archive_status(&world, "deep/k").await), (Frequent, None));
    world.env.clock.advance(DAY * 31);
    run(&world).await;
    assert_eq!(tier(&world, "deep/k").await, Infrequent);
}

#[tokio::test]
async fn a_new_configuration_finds_what_is_there_and_rules_bring_objects_in() {
    let world = World::with_bucket().await;
    world.root::<op::PutObject>(tiered("old", 200_000)).await.unwrap();
    world.put("ruled", noise(200_000)).await;
    let rule = s::LifecycleRule {
        status: "Enabled".into(),
        filter: Some(s::LifecycleRuleFilter { prefix: Some("ruled".into()), ..Default::default() }),
        transitions: Some(vec![s::Transition {
            days: Some(0),
            date: None,
            storage_class: Some("INTELLIGENT_TIERING".into()),
        }]),
        ..Default::default()
    };
    let input = s::PutBucketLifecycleConfigurationRequest {
        bucket: "bkt".into(),
        lifecycle_configuration: Some(s::BucketLifecycleConfiguration { rules: vec![rule] }),
        ..Default::default()
    };
    world.root::<op::PutBucketLifecycleConfiguration>(input).await.unwrap();
    for _ in 0..400 {
        run(&world).await;
        world.env.clock.advance(DAY);
    }
    assert_eq!(tier(&world, "old").await, AccessTier::ArchiveInstant);
    assert_eq!(tier(&world, "ruled").await, AccessTier::ArchiveInstant);
    let input = configure("x", None, &[("DEEP_ARCHIVE_ACCESS", 180)]);
    world.root::<op::PutBucketIntelligentTieringConfiguration>(input).await.unwrap();
    run(&world).await;
    assert_eq!(tier(&world, "old").await, AccessTier::DeepArchive);
    assert_eq!(code(&world.root::<op::GetObject>(get("old")).await), "InvalidObjectState");
    // Overwritten, it begins anew.
    world.root::<op::PutObject>(tiered("old", 200_000)).await.unwrap();
    assert_eq!(tier(&world, "old").await, AccessTier::Frequent);
}

#[tokio::test]
async fn configurations() {
    let world = World::with_bucket().await;
    let put = async |input| code(&world.root::<op::PutBucketIntelligentTieringConfiguration>(input).await);
    for (tierings, expected) in [
        (&[][..], "MalformedXML"),
        (&[("ARCHIVE_ACCESS", 89)], "InvalidArgument"),
        (&[("DEEP_ARCHIVE_ACCESS", 179)], "InvalidArgument"),
        (&[("ARCHIVE_ACCESS", 731)], "InvalidArgument"),
        (&[("FROZEN", 90)], "MalformedXML"),
        (&[("ARCHIVE_ACCESS", 90), ("ARCHIVE_ACCESS", 91)], "MalformedXML"),
        (&[("ARCHIVE_ACCESS", 90), ("DEEP_ARCHIVE_ACCESS", 180)], "ok"),
    ] {
        assert_eq!(put(configure("a", None, tierings)).await, expected, "{tierings:?}");
    }
    let mut other = configure("b", None, &[("ARCHIVE_ACCESS", 90)]);
    other.id = "c".into();
    assert_eq!(put(other).await, "MalformedXML");
    let get = s::GetBucketIntelligentTieringConfigurationRequest {
        bucket: "bkt".into(),
        id: "a".into(),
        ..Default::default()
    };
    let shown = world.root::<op::GetBucketIntelligentTieringConfiguration>(get.clone()).await.unwrap();
    let shown = shown.intelligent_tiering_configuration.unwrap();
    assert_eq!((shown.status.as_str(), shown.tierings.len()), ("Enabled", 2));
    let list =
        s::ListBucketIntelligentTieringConfigurationsRequest { bucket: "bkt".into(), ..Default::default() };
    let listed = world.root::<op::ListBucketIntelligentTieringConfigurations>(list).await.unwrap();
    assert_eq!(listed.intelligent_tiering_configuration_list.unwrap().len(), 1);
    let delete = s::DeleteBucketIntelligentTieringConfigurationRequest {
        bucket: "bkt".into(),
        id: "a".into(),
        ..Default::default()
    };
    for expected in ["ok", "NoSuchConfiguration"] {
        let deleted = world.root::<op::DeleteBucketIntelligentTieringConfiguration>(delete.clone()).await;
        assert_eq!(code(&deleted), expected);
    }
    assert_eq!(
        code(&world.root::<op::GetBucketIntelligentTieringConfiguration>(get).await),
        "NoSuchConfiguration"
    );
}

/// Moves into the archive tiers, and the ends of restores, are told.
#[tokio::test]
async fn events() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let queue_arn = cloud.queue("q", "bkt").await;
    let events = ["s3:IntelligentTiering", "s3:ObjectRestore:*"];
    let queue =
        s::QueueConfiguration { queue_arn, events: events.map(str::to_owned).to_vec(), ..Default::default() };
    let notify = s::PutBucketNotificationConfigurationRequest {
        bucket: "bkt".into(),
        notification_configuration: s::NotificationConfiguration {
            queue_configurations: Some(vec![queue]),
            ..Default::default()
        },
        ..Default::default()
    };
    cloud.ok::<op::PutBucketNotificationConfiguration>(notify).await;
    cloud.messages("q").await;
    cloud
        .ok::<op::PutBucketIntelligentTieringConfiguration>(configure("a", None, &[("ARCHIVE_ACCESS", 90)]))
        .await;
    cloud.ok::<op::PutObject>(tiered("k", 200_000)).await;
    let frozen =
        s::PutObjectRequest { storage_class: Some("GLACIER".into()), ..cloud::put("bkt", "g", "hello") };
    cloud.ok::<op::PutObject>(frozen).await;
    // A message that was received comes again when its time is over.
    let seen = parking_lot::Mutex::new(std::collections::BTreeSet::new());
    let names = async || {
        cloud.run().await;
        let mut names = Vec::new();
        for message in cloud.messages("q").await {
            let record = &message["Records"][0];
            let sequencer = record["s3"]["object"]["sequencer"].as_str().unwrap().to_owned();
            if !seen.lock().insert(sequencer) {
                continue;
            }
            let key = record["s3"]["object"]["key"].as_str().unwrap();
            let name = record["eventName"].as_str().unwrap();
            if name == "ObjectRestore:Completed" {
                // What leaves the archive tiers of Intelligent-Tiering is back for good.
                let data = &record["glacierEventData"]["restoreEventData"];
                let (class, expires) =
                    (&data["lifecycleRestoreStorageClass"], &data["lifecycleRestorationExpiryTime"]);
                assert_eq!((class == "GLACIER", expires.is_string()), (key == "g", key == "g"), "{record}");
            }
            names.push(format!("{name} {key}"));
        }
        names.sort();
        names
    };
    assert!(names().await.is_empty());
    cloud.env.clock.advance(DAY * 91);
    assert_eq!(names().await, ["IntelligentTiering k"]);
    for (key, days) in [("k", None), ("g", Some(1))] {
        let restore = s::RestoreObjectRequest {
            bucket: "bkt".into(),
            key: key.into(),
            restore_request: Some(s::RestoreRequest { days, ..Default::default() }),
            ..Default::default()
        };
        cloud.ok::<op::RestoreObject>(restore).await;
    }
    assert_eq!(names().await, ["ObjectRestore:Post g", "ObjectRestore:Post k"]);
    cloud.env.clock.advance(Duration::from_secs(5 * 3600));
    assert_eq!(names().await, ["ObjectRestore:Completed g", "ObjectRestore:Completed k"]);
    assert!(names().await.is_empty(), "each is told once");
    cloud.env.clock.advance(DAY * 3);
    assert_eq!(names().await, ["ObjectRestore:Delete g"]);
    assert!(names().await.is_empty());
}

/// A read that cannot be written down keeps no other from it, and is not forgotten.
#[tokio::test]
async fn reads_survive_an_error() {
    static BROKEN: Table<(u64, String), u64> = Table::new("s3.current");
    let world = World::with_bucket().await;
    let keys: Vec<String> = (0..12).map(|number| format!("k{number}")).collect();
    for key in &keys {
        world.root::<op::PutObject>(tiered(key, 200_000)).await.unwrap();
    }
    world.env.clock.advance(DAY * 40);
    run(&world).await;
    for key in &keys {
        assert_eq!(tier(&world, key).await, AccessTier::Infrequent);
        world.root::<op::GetObject>(get(key)).await.unwrap();
    }
    let (store, at) = (&world.s3.records.store, (world.bucket_id().await, keys[5].clone()));
    let kept = store.get(&CURRENT, &at).await.unwrap().unwrap();
    let mut batch = Batch::default();
    batch.put(&BROKEN, &at, &7).unwrap();
    store.write(batch).await.unwrap();
    let noting = crate::tasks::reconcilers(&world.s3).into_iter().find(|task| task.name() == "s3 accesses");
    let noting = noting.unwrap();
    assert!(noting.reconcile().await.is_err());
    for key in keys.iter().filter(|key| **key != keys[5]) {
        assert_eq!(tier(&world, key).await, AccessTier::Frequent, "{key}");
    }
    let mut batch = Batch::default();
    batch.put(&CURRENT, &at, &kept).unwrap();
    store.write(batch).await.unwrap();
    noting.reconcile().await.unwrap();
    assert_eq!(tier(&world, &keys[5]).await, AccessTier::Frequent);
}
