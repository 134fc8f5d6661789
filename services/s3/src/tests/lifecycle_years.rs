//! Rules over a long time, driven by the index alone.

use std::time::Duration;

use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_store::{Range, Reads};

use super::world::{World, get, noise, put};
use crate::store::tables::DUE;

const DAY: Duration = Duration::from_secs(86_400);

async fn set(world: &World, rule: s::LifecycleRule) {
    let rule = s::LifecycleRule { status: "Enabled".into(), id: Some("r".into()), ..rule };
    let input = s::PutBucketLifecycleConfigurationRequest {
        bucket: "bkt".into(),
        lifecycle_configuration: Some(s::BucketLifecycleConfiguration { rules: vec![rule] }),
        ..Default::default()
    };
    world.root::<op::PutBucketLifecycleConfiguration>(input).await.unwrap();
}

fn everything() -> Option<s::LifecycleRuleFilter> {
    Some(s::LifecycleRuleFilter { prefix: Some(String::new()), ..Default::default() })
}

async fn run(world: &World) {
    for task in crate::tasks::reconcilers(&world.s3) {
        task.reconcile().await.unwrap();
    }
}

async fn due_rows(world: &World) -> usize {
    world.s3.records.store.scan_keys(&DUE, Range::all(), 10_000).await.unwrap().len()
}

async fn versions(world: &World) -> (usize, usize) {
    let input = s::ListObjectVersionsRequest { bucket: "bkt".into(), ..Default::default() };
    let output = world.root::<op::ListObjectVersions>(input).await.unwrap();
    (output.versions.map_or(0, |v| v.len()), output.delete_markers.map_or(0, |m| m.len()))
}

#[tokio::test]
async fn ten_years_of_an_object() {
    let world = World::with_bucket().await;
    world.put("before", noise(200_000)).await;
    let moves = [(30, "STANDARD_IA"), (90, "GLACIER_IR"), (365, "GLACIER"), (730, "DEEP_ARCHIVE")];
    let transitions = moves.map(|(days, class)| s::Transition {
        days: Some(days),
        date: None,
        storage_class: Some(class.into()),
    });
    set(
        &world,
        s::LifecycleRule {
            filter: everything(),
            transitions: Some(transitions.to_vec()),
            expiration: Some(s::LifecycleExpiration { days: Some(3650), ..Default::default() }),
            ..Default::default()
        },
    )
    .await;
    let output = world.put("after", noise(200_000)).await;
    assert!(output.expiration.unwrap().ends_with("rule-id=\"r\""));
    run(&world).await;
    assert_eq!(due_rows(&world).await, 2, "one row for the next move of each key");
    let mut seen: Vec<(u32, String)> = Vec::new();
    for day in 0..=3652u32 {
        let class = match world.s3.records.find(world.bucket_id().await, "after", None).await.unwrap() {
            Some(record) => record.body.unwrap().storage_class().to_owned(),
            None => "gone".to_owned(),
        };
        if seen.last().is_none_or(|(_, last)| *last != class) {
            seen.push((day, class));
        }
        world.env.clock.advance(DAY);
        run(&world).await;
    }
    let days: Vec<_> = seen.iter().map(|(day, class)| (*day, class.as_str())).collect();
    assert_eq!(
        days,
        [
            (0, "STANDARD"),
            (30, "STANDARD_IA"),
            (90, "GLACIER_IR"),
            (365, "GLACIER"),
            (730, "DEEP_ARCHIVE"),
            (3650, "gone"),
        ]
    );
    assert_eq!(due_rows(&world).await, 0);
    assert_eq!(world.owned_blobs().await, 0);
    assert!(world.keys().await.is_empty());
}

/// A key that is written every week for a year: at most two older versions stay, and at the end nothing.
#[tokio::test]
async fn versions_of_a_year() {
    let world = World::with_bucket().await;
    world.version("Enabled").await;
    set(
        &world,
        s::LifecycleRule {
            filter: everything(),
            expiration: Some(s::LifecycleExpiration { days: Some(60), ..Default::default() }),
            noncurrent_version_expiration: Some(s::NoncurrentVersionExpiration {
                noncurrent_days: Some(10),
                newer_noncurrent_versions: Some(2),
            }),
            ..Default::default()
        },
    )
    .await;
    for week in 0..52 {
        world.put("k", format!("{week}")).await;
        for _ in 0..7 {
            world.env.clock.advance(DAY);
            run(&world).await;
        }
        let (kept, markers) = versions(&world).await;
        // Two are kept whatever their age, and those of the last ten days.
        assert!(kept <= 1 + 2 + 1 && markers == 0, "week {week}: {kept}");
    }
    for _ in 0..60 {
        world.env.clock.advance(DAY);
        run(&world).await;
    }
    // The last one expired: a marker is on top of two versions that are kept for ever.
    assert_eq!(versions(&world).await, (2, 1));
    set(
        &world,
        s::LifecycleRule {
            filter: everything(),
            expiration: Some(s::LifecycleExpiration {
                expired_object_delete_marker: Some(true),
                ..Default::default()
            }),
            noncurrent_version_expiration: Some(s::NoncurrentVersionExpiration {
                noncurrent_days: Some(1),
                newer_noncurrent_versions: None,
            }),
            ..Default::default()
        },
    )
    .await;
    for _ in 0..4 {
        world.env.clock.advance(DAY);
        run(&world).await;
    }
    assert_eq!(versions(&world).await, (0, 0));
    assert_eq!(due_rows(&world).await, 0);
}

#[tokio::test]
async fn tags_change_what_a_rule_is_about() {
    let world = World::with_bucket().await;
    let tag = s::Tag { key: "tmp".into(), value: "yes".into() };
    set(
        &world,
        s::LifecycleRule {
            filter: Some(s::LifecycleRuleFilter { tag: Some(tag.clone()), ..Default::default() }),
            expiration: Some(s::LifecycleExpiration { days: Some(5), ..Default::default() }),
            ..Default::default()
        },
    )
    .await;
    run(&world).await;
    world.put("a", "x").await;
    world.put("b", "x").await;
    assert_eq!(due_rows(&world).await, 0);
    let tagging = s::PutObjectTaggingRequest {
        bucket: "bkt".into(),
        key: "a".into(),
        tagging: s::Tagging { tag_set: vec![tag] },
        ..Default::default()
    };
    world.root::<op::PutObjectTagging>(tagging).await.unwrap();
    assert_eq!(due_rows(&world).await, 1);
    let header = world.root::<op::GetObject>(get("a")).await.unwrap().expiration.unwrap();
    assert!(header.starts_with("expiry-date=\""), "{header}");
    assert_eq!(world.root::<op::GetObject>(get("b")).await.unwrap().expiration, None);
    world.env.clock.advance(DAY * 6);
    run(&world).await;
    assert_eq!(world.keys().await, ["b"]);
}

#[tokio::test]
async fn dates_act_once_and_on_what_comes_later() {
    let world = World::with_bucket().await;
    let today = world.env.now().secs().div_euclid(86_400);
    set(
        &world,
        s::LifecycleRule {
            filter: everything(),
            expiration: Some(s::LifecycleExpiration {
                date: Some(haneul_kit::Instant::from_secs((today + 10) * 86_400)),
                ..Default::default()
            }),
            ..Default::default()
        },
    )
    .await;
    world.put("early", "x").await;
    world.env.clock.advance(DAY * 9);
    run(&world).await;
    assert_eq!(world.keys().await, ["early"]);
    world.env.clock.advance(DAY);
    run(&world).await;
    assert!(world.keys().await.is_empty());
    world.root::<op::PutObject>(put("late", "x")).await.unwrap();
    world.env.clock.advance(DAY);
    run(&world).await;
    assert!(world.keys().await.is_empty());
}
