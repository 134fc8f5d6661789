use std::time::Duration;

use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_store::{Reads, Table};

use super::world::{World, code, get, noise, put};
use crate::store::tables::CURRENT;

const DAY: Duration = Duration::from_secs(86_400);

async fn set(world: &World, rules: Vec<s::LifecycleRule>) -> haneul_kit::Result<()> {
    let input = s::PutBucketLifecycleConfigurationRequest {
        bucket: "bkt".into(),
        lifecycle_configuration: Some(s::BucketLifecycleConfiguration { rules }),
        ..Default::default()
    };
    world.root::<op::PutBucketLifecycleConfiguration>(input).await.map(drop)
}

fn rule(prefix: &str) -> s::LifecycleRule {
    s::LifecycleRule {
        status: "Enabled".into(),
        filter: Some(s::LifecycleRuleFilter { prefix: Some(prefix.into()), ..Default::default() }),
        ..Default::default()
    }
}

fn expire(prefix: &str, days: i32) -> s::LifecycleRule {
    let expiration = s::LifecycleExpiration { days: Some(days), ..Default::default() };
    s::LifecycleRule { expiration: Some(expiration), ..rule(prefix) }
}

async fn run(world: &World) {
    for task in crate::tasks::reconcilers(&world.s3) {
        task.reconcile().await.unwrap();
    }
}

#[tokio::test]
async fn rules_read_back_as_given() {
    let world = World::with_bucket().await;
    let and = s::LifecycleRuleAndOperator {
        prefix: Some("logs/".into()),
        tags: Some(vec![s::Tag { key: "k".into(), value: "v".into() }]),
        object_size_greater_than: Some(10),
        object_size_less_than: Some(100),
    };
    let rules = vec![
        s::LifecycleRule { id: Some("single".into()), ..expire("a/", 1) },
        s::LifecycleRule {
            id: Some("and".into()),
            filter: Some(s::LifecycleRuleFilter { and: Some(and), ..Default::default() }),
            noncurrent_version_expiration: Some(s::NoncurrentVersionExpiration {
                noncurrent_days: Some(3),
                newer_noncurrent_versions: Some(2),
            }),
            ..expire("", 30)
        },
        s::LifecycleRule {
            id: Some("moves".into()),
            transitions: Some(vec![s::Transition {
                days: Some(30),
                date: None,
                storage_class: Some("STANDARD_IA".into()),
            }]),
            ..expire("", 365)
        },
        s::LifecycleRule {
            id: Some("abort".into()),
            filter: Some(s::LifecycleRuleFilter::default()),
            status: "Disabled".into(),
            abort_incomplete_multipart_upload: Some(s::AbortIncompleteMultipartUpload {
                days_after_initiation: Some(7),
            }),
            ..Default::default()
        },
    ];
    set(&world, rules).await.unwrap();
    let read = s::GetBucketLifecycleConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    let output = world.root::<op::GetBucketLifecycleConfiguration>(read.clone()).await.unwrap();
    assert_eq!(output.transition_default_minimum_object_size.as_deref(), Some("all_storage_classes_128K"));
    let rules = output.rules.unwrap();
    assert_eq!(rules[0].filter.as_ref().unwrap().prefix.as_deref(), Some("a/"));
    let and = rules[1].filter.as_ref().unwrap().and.as_ref().unwrap();
    assert_eq!((and.tags.as_ref().unwrap().len(), and.object_size_less_than), (1, Some(100)));
    assert_eq!(rules[2].transitions.as_ref().unwrap()[0].days, Some(30));
    assert_eq!((rules[3].status.as_str(), rules[3].expiration.is_none()), ("Disabled", true));
    let legacy = s::LifecycleRule { prefix: Some("old/".into()), filter: None, ..expire("", 365) };
    set(&world, vec![legacy]).await.unwrap();
    let output = world.root::<op::GetBucketLifecycleConfiguration>(read.clone()).await.unwrap();
    let rules = output.rules.unwrap();
    assert_eq!((rules[0].prefix.as_deref(), rules[0].filter.is_none()), (Some("old/"), true));
    let delete = s::DeleteBucketLifecycleRequest { bucket: "bkt".into(), ..Default::default() };
    world.root::<op::DeleteBucketLifecycle>(delete).await.unwrap();
    assert_eq!(
        code(&world.root::<op::GetBucketLifecycleConfiguration>(read).await),
        "NoSuchLifecycleConfiguration"
    );
}

#[tokio::test]
async fn refusals() {
    let world = World::with_bucket().await;
    let both = s::LifecycleRuleFilter {
        prefix: Some("a".into()),
        object_size_less_than: Some(1),
        ..Default::default()
    };
    let neither = s::LifecycleExpiration::default();
    for (rule, expected) in [
        (expire("", 0), "InvalidArgument"),
        (expire("", -1), "InvalidArgument"),
        (s::LifecycleRule { status: "On".into(), ..expire("", 1) }, "MalformedXML"),
        (s::LifecycleRule { prefix: Some("x".into()), ..expire("", 1) }, "MalformedXML"),
        (s::LifecycleRule { filter: Some(both), ..expire("", 1) }, "MalformedXML"),
        (s::LifecycleRule { filter: None, ..expire("", 1) }, "MalformedXML"),
        (s::LifecycleRule { expiration: Some(neither), ..expire("", 1) }, "MalformedXML"),
        (rule("x"), "InvalidRequest"),
    ] {
        assert_eq!(code(&set(&world, vec![rule]).await), expected);
    }
}

#[tokio::test]
async fn objects_expire_at_midnight() {
    let world = World::with_bucket().await;
    world.put("logs/a", noise(100_000)).await;
    world.put("keep", "x").await;
    set(&world, vec![expire("logs/", 2)]).await.unwrap();
    run(&world).await;
    assert_eq!(world.keys().await, ["keep", "logs/a"]);
    world.env.clock.advance(DAY);
    run(&world).await;
    assert_eq!(world.keys().await.len(), 2);
    world.env.clock.advance(DAY);
    run(&world).await;
    assert_eq!(world.keys().await, ["keep"]);
    assert_eq!(world.owned_blobs().await, 0);
}

#[tokio::test]
async fn versions_expire_and_lone_markers_go() {
    let world = World::with_bucket().await;
    world.version("Enabled").await;
    for content in ["1", "2", "3", "4"] {
        world.put("k", content).await;
    }
    let noncurrent =
        s::NoncurrentVersionExpiration { noncurrent_days: Some(1), newer_noncurrent_versions: Some(1) };
    set(&world, vec![s::LifecycleRule { noncurrent_version_expiration: Some(noncurrent), ..expire("", 3) }])
        .await
        .unwrap();
    let count = || async {
        let input = s::ListObjectVersionsRequest { bucket: "bkt".into(), ..Default::default() };
        let output = world.root::<op::ListObjectVersions>(input).await.unwrap();
        (output.versions.map_or(0, |v| v.len()), output.delete_markers.map_or(0, |m| m.len()))
    };
    assert_eq!(count().await, (4, 0));
    world.env.clock.advance(DAY * 2);
    run(&world).await;
    // The current one, and the newest noncurrent one, which is kept whatever its age.
    assert_eq!(count().await, (2, 0));
    world.env.clock.advance(DAY);
    run(&world).await;
    assert_eq!(count().await, (2, 1), "a marker took its place");
    assert_eq!(code(&world.get("k").await), "NoSuchKey");
    set(
        &world,
        vec![s::LifecycleRule {
            noncurrent_version_expiration: Some(s::NoncurrentVersionExpiration {
                noncurrent_days: Some(1),
                newer_noncurrent_versions: None,
            }),
            expiration: Some(s::LifecycleExpiration {
                expired_object_delete_marker: Some(true),
                ..Default::default()
            }),
            ..rule("")
        }],
    )
    .await
    .unwrap();
    world.env.clock.advance(DAY * 3);
    run(&world).await;
    assert_eq!(count().await, (0, 1));
    world.env.clock.advance(DAY);
    run(&world).await;
    assert_eq!(count().await, (0, 0));
}

#[tokio::test]
async fn uploads_are_given_up_and_classes_change() {
    let world = World::with_bucket().await;
    let upload =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "up".into(), ..Default::default() };
    world.root::<op::CreateMultipartUpload>(upload).await.unwrap();
    world.put("big", noise(200_000)).await;
    world.put("small", "x").await;
    let transitions = [(30, "STANDARD_IA"), (90, "GLACIER_IR")].map(|(days, class)| s::Transition {
        days: Some(days),
        date: None,
        storage_class: Some(class.into()),
    });
    set(
        &world,
        vec![s::LifecycleRule {
            transitions: Some(transitions.to_vec()),
            abort_incomplete_multipart_upload: Some(s::AbortIncompleteMultipartUpload {
                days_after_initiation: Some(7),
            }),
            ..rule("")
        }],
    )
    .await
    .unwrap();
    let uploads = || async {
        let input = s::ListMultipartUploadsRequest { bucket: "bkt".into(), ..Default::default() };
        world
            .root::<op::ListMultipartUploads>(input)
            .await
            .unwrap()
            .uploads
            .map_or(0, |uploads| uploads.len())
    };
    let world = &world;
    let class =
        |key: &'static str| async move { world.root::<op::GetObject>(get(key)).await.unwrap().storage_class };
    run(world).await;
    assert_eq!((uploads().await, class("big").await), (1, None));
    world.env.clock.advance(DAY * 8);
    run(world).await;
    assert_eq!(uploads().await, 0);
    world.env.clock.advance(DAY * 30);
    run(world).await;
    assert_eq!(class("big").await.as_deref(), Some("STANDARD_IA"));
    world.env.clock.advance(DAY * 90);
    run(world).await;
    assert_eq!(class("big").await.as_deref(), Some("GLACIER_IR"));
    assert_eq!(class("small").await, None);
    assert_eq!(world.get("big").await.unwrap(), noise(200_000));
    // A new object begins anew.
    world.root::<op::PutObject>(put("big", noise(200_000))).await.unwrap();
    run(world).await;
    assert_eq!(class("big").await, None);
}

/// Carries out the rules, and nothing else.
async fn rules(world: &World) {
    let tasks = crate::tasks::reconcilers(&world.s3);
    let task = tasks.iter().find(|task| task.name() == "s3 lifecycle").unwrap();
    task.reconcile().await.unwrap();
}

/// What a bucket's own rows do to it keeps no other bucket waiting.
#[tokio::test]
async fn a_bucket_that_cannot_be_read_does_not_hold_up_the_others() {
    // Written where `s3.current` is, and not readable as what is there.
    static BROKEN: Table<(u64, String), Vec<u8>> = Table::new("s3.current");
    let world = World::with_bucket().await;
    world.create("sound").await;
    set(&world, vec![expire("", 3)]).await.unwrap();
    let lifecycle_configuration = Some(s::BucketLifecycleConfiguration { rules: vec![expire("", 3)] });
    let sound = s::PutBucketLifecycleConfigurationRequest {
        bucket: "sound".into(),
        lifecycle_configuration,
        ..Default::default()
    };
    world.root::<op::PutBucketLifecycleConfiguration>(sound).await.unwrap();
    let (id, store) = (world.bucket_id().await, world.s3.records.store.clone());
    world.put("k", "x").await;
    let whole = store.get(&CURRENT, &(id, "k")).await.unwrap().unwrap();
    world
        .root::<op::PutObject>(s::PutObjectRequest { bucket: "sound".into(), ..put("k", "x") })
        .await
        .unwrap();
    // The rules are laid over what is there, and once more on the next day.
    for _ in 0..2 {
        rules(&world).await;
        world.env.clock.advance(DAY);
    }
    store.put(&BROKEN, &(id, "k"), &b"no record".to_vec()).await.unwrap();
    let of_sound = || s::GetObjectRequest { bucket: "sound".into(), ..get("k") };
    assert_eq!(code(&world.root::<op::GetObject>(of_sound()).await), "ok");
    world.env.clock.advance(2 * DAY);
    rules(&world).await;
    assert_eq!(code(&world.root::<op::GetObject>(of_sound()).await), "NoSuchKey");
    // It is tried again, once it may be better.
    store.put(&CURRENT, &(id, "k"), &whole).await.unwrap();
    rules(&world).await;
    assert_eq!(code(&world.get("k").await), "ok");
    world.env.clock.advance(Duration::from_secs(3600));
    rules(&world).await;
    assert_eq!(code(&world.get("k").await), "NoSuchKey");
}
