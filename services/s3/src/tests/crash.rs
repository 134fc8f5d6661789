//! A disk that loses what was not synced: nothing acknowledged is lost, and no orphan stays.
//!
//! The disk is under the blobs; the store here never loses a commit (its own crate tests that), so whatever a record
//! names must have been durable before.

use std::collections::BTreeMap;
use std::path::Path;

use haneul_blob::Blobs;
use haneul_kit::Env;
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_store::Store;

use super::world::{World, get, noise, put};

fn open(env: &Env, store: Store) -> World {
    let blobs = Blobs::open(env, Path::new("/data/blobs")).unwrap();
    World::on(env, store, blobs)
}

/// The power goes and comes again.
fn crash(env: &Env, world: World) -> World {
    env.fs.sim().expect("simulated").crash();
    let store = world.s3.records.store.clone();
    drop(world);
    open(env, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_crash() {
    for seed in 0..12 {
        let env = Env::simulated(seed);
        let mut world = open(&env, Store::memory());
        world.create("bkt").await;
        let mut acknowledged: BTreeMap<String, usize> = BTreeMap::new();
        for round in 0..3usize {
            for i in 0..8usize {
                let key = format!("k{}", (i * 7 + round + seed as usize) % 10);
                let size = [0, 10, 70_000, 200_000][env.rng.below(4) as usize];
                match env.rng.below(4) {
                    0 => {
                        world.delete(&key).await;
                        acknowledged.remove(&key);
                    }
                    1 => {
                        // Given up in the middle: it may have happened or not, but never half.
                        let torn = format!("torn{i}");
                        let put = world.root::<op::PutObject>(put(&torn, noise(size)));
                        tokio::select! {
                            biased;
                            _ = put => {}
                            () = std::future::ready(()) => {}
                        }
                    }
                    _ => {
                        world.put(&key, noise(size)).await;
                        acknowledged.insert(key, size);
                    }
                }
            }
            world = crash(&env, world);
            let keys: Vec<String> =
                world.keys().await.into_iter().filter(|key| !key.starts_with("torn")).collect();
            assert_eq!(keys, acknowledged.keys().cloned().collect::<Vec<_>>(), "seed {seed} round {round}");
            for (key, size) in &acknowledged {
                assert_eq!(world.get(key).await.unwrap(), noise(*size), "seed {seed} round {round} {key}");
            }
            for torn in world.keys().await.into_iter().filter(|key| key.starts_with("torn")) {
                let got = world.root::<op::GetObject>(get(&torn)).await.unwrap();
                let length = got.content_length.unwrap() as usize;
                assert_eq!(got.body.collect(usize::MAX).await.unwrap(), noise(length), "{torn}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_swept_and_owned_blobs_are_not() {
    let env = Env::simulated(3);
    let world = open(&env, Store::memory());
    world.create("bkt").await;
    world.put("k", noise(100_000)).await;
    let upload =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "up".into(), ..Default::default() };
    let upload_id = world.root::<op::CreateMultipartUpload>(upload).await.unwrap().upload_id.unwrap();
    let part = s::UploadPartRequest {
        bucket: "bkt".into(),
        key: "up".into(),
        upload_id,
        part_number: 1,
        body: haneul_kit::ByteStream::from_bytes(noise(80_000)),
        ..Default::default()
    };
    world.root::<op::UploadPart>(part).await.unwrap();
    // Durable bytes whose record was never committed: what a crash between the two leaves.
    let orphan = world.s3.content.blobs.put(noise(90_000).into()).await.unwrap();
    assert_eq!(world.owned_blobs().await, 2);

    let world = crash(&env, world);
    let swept = world.s3.content.sweep().await.unwrap();
    assert_eq!((swept.kept, swept.removed), (2, 1));
    assert!(world.s3.content.blobs.stat(orphan.id).await.is_err());
    assert_eq!(world.get("k").await.unwrap(), noise(100_000));
    let again = world.s3.content.sweep().await.unwrap();
    assert_eq!(again.removed, 0);
}

/// A blob of an earlier run is no suspect of the sweep any more, so its deletion must not depend on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_a_freed_blob_is_deleted_leaves_nothing() {
    let env = Env::simulated(4);
    let world = open(&env, Store::memory());
    world.create("bkt").await;
    world.put("k", noise(100_000)).await;
    let world = crash(&env, world);
    world.s3.content.sweep().await.unwrap();

    // A reader holds the file back; then the power goes.
    let reading = world.s3.content.readers.begin();
    world.delete("k").await;
    let freed = world.s3.records.freed(None, 10).await.unwrap();
    assert_eq!(freed.len(), 1);
    assert!(world.s3.content.blobs.stat(freed[0]).await.is_ok());
    drop(reading);
    let world = crash(&env, world);
    assert!(world.s3.content.blobs.stat(freed[0]).await.is_ok());

    world.s3.content.retire_freed().await.unwrap();
    world.s3.content.delete_retired().await;
    assert!(world.s3.content.blobs.stat(freed[0]).await.is_err());
    world.s3.content.forget_deleted().await.unwrap();
    assert!(world.s3.records.freed(None, 10).await.unwrap().is_empty());
}

/// One upload in parts of 90,000 bytes, the last one shorter than S3's least.
async fn in_parts(world: &World, key: &str, size: usize) -> Option<()> {
    let create =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() };
    let upload_id = world.root::<op::CreateMultipartUpload>(create).await.ok()?.upload_id?;
    let part = |number: i32, size| s::UploadPartRequest {
        bucket: "bkt".into(),
        key: key.into(),
        upload_id: upload_id.clone(),
        part_number: number,
        body: haneul_kit::ByteStream::from_bytes(noise(size)),
        ..Default::default()
    };
    // A part that is replaced, one that is not used, and the one that is the object.
    for (number, size) in [(1, 70_000), (1, size), (2, 80_000)] {
        world.root::<op::UploadPart>(part(number, size)).await.ok()?;
    }
    let e_tag = world.root::<op::UploadPart>(part(1, size)).await.ok()?.e_tag;
    let used = s::CompletedPart { part_number: Some(1), e_tag, ..Default::default() };
    let complete = s::CompleteMultipartUploadRequest {
        bucket: "bkt".into(),
        key: key.into(),
        upload_id,
        multipart_upload: Some(s::CompletedMultipartUpload { parts: Some(vec![used]) }),
        ..Default::default()
    };
    world.root::<op::CompleteMultipartUpload>(complete).await.ok().map(drop)
}

async fn run_tasks(world: &World) {
    for task in crate::tasks::reconcilers(&world.s3) {
        task.reconcile().await.unwrap();
    }
}

/// Versions, uploads in parts and lifecycle rules; the power fails between, and sometimes within, any two of them.
#[tokio::test(flavor = "multi_thread")]
async fn versions_and_parts_and_rules_survive_crashes() {
    for seed in 0..8 {
        let env = Env::simulated(100 + seed);
        let mut world = open(&env, Store::memory());
        world.create("bkt").await;
        world.version("Enabled").await;
        let rule = s::LifecycleRule {
            status: "Enabled".into(),
            filter: Some(s::LifecycleRuleFilter { prefix: Some("old/".into()), ..Default::default() }),
            noncurrent_version_expiration: Some(s::NoncurrentVersionExpiration {
                noncurrent_days: Some(1),
                newer_noncurrent_versions: None,
            }),
            ..Default::default()
        };
        let input = s::PutBucketLifecycleConfigurationRequest {
            bucket: "bkt".into(),
            lifecycle_configuration: Some(s::BucketLifecycleConfiguration { rules: vec![rule] }),
            ..Default::default()
        };
        world.root::<op::PutBucketLifecycleConfiguration>(input).await.unwrap();
        // (key, version) → size
        let mut kept: BTreeMap<(String, String), usize> = BTreeMap::new();
        for round in 0..4 {
            for _ in 0..6 {
                let key = format!("{}{}", ["", "old/"][env.rng.below(2) as usize], env.rng.below(3));
                let size = [20, 66_000, 150_000][env.rng.below(3) as usize];
                match env.rng.below(5) {
                    0 => {
                        world.delete(&key).await;
                    }
                    1 => {
                        let chosen =
                            kept.keys().nth(env.rng.below(kept.len().max(1) as u64) as usize).cloned();
                        let Some((key, version)) = chosen else { continue };
                        let input = s::DeleteObjectRequest {
                            bucket: "bkt".into(),
                            key: key.clone(),
                            version_id: Some(version.clone()),
                            ..Default::default()
                        };
                        world.root::<op::DeleteObject>(input).await.unwrap();
                        kept.remove(&(key, version));
                    }
                    2 => {
                        in_parts(&world, &key, size).await.unwrap();
                        let head = s::HeadObjectRequest {
                            bucket: "bkt".into(),
                            key: key.clone(),
                            ..Default::default()
                        };
                        let version = world.root::<op::HeadObject>(head).await.unwrap().version_id.unwrap();
                        kept.insert((key, version), size);
                    }
                    _ => {
                        let version = world.put(&key, noise(size)).await.version_id.unwrap();
                        kept.insert((key, version), size);
                    }
                }
            }
            world = crash(&env, world);
            run_tasks(&world).await;
            for ((key, version), size) in &kept {
                let input = s::GetObjectRequest { version_id: Some(version.clone()), ..get(key) };
                let got = world.root::<op::GetObject>(input).await.unwrap();
                assert_eq!(
                    got.body.collect(usize::MAX).await.unwrap(),
                    noise(*size),
                    "seed {seed} round {round} {key}"
                );
            }
        }
        // Two days later only the rules have taken anything away: older versions under their prefix.
        world.env.clock.advance(std::time::Duration::from_secs(2 * 86_400));
        world = crash(&env, world);
        run_tasks(&world).await;
        let list = s::ListObjectVersionsRequest { bucket: "bkt".into(), ..Default::default() };
        let listed = world.root::<op::ListObjectVersions>(list).await.unwrap().versions.unwrap_or_default();
        let there: BTreeMap<_, _> = listed
            .into_iter()
            .map(|one| ((one.key.unwrap(), one.version_id.unwrap()), one.is_latest == Some(true)))
            .collect();
        for at in kept.keys() {
            assert_eq!(
                there.contains_key(at),
                !at.0.starts_with("old/") || there.get(at) == Some(&true),
                "{at:?}"
            );
        }
        assert_eq!(there.keys().filter(|at| !kept.contains_key(at)).count(), 0);
        let blobs = world.owned_blobs().await;
        let swept = world.s3.content.sweep().await.unwrap();
        assert_eq!(swept.removed, 0, "what runs before left was swept by them: {blobs} owned");
    }
}
