//! Where the bytes are when there are several storage pools.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use haneul_blob::Blobs;
use haneul_blob::pools::{Pools, Set, Status};
use haneul_kit::{ByteStream, Env};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_store::Store;

use super::cloud::{Cloud, put};

const ROOTS: [&str; 3] = ["/a", "/b", "/c"];

struct Pooled {
    cloud: Cloud,
    pools: Arc<Pools>,
    /// Blobs that were seen already.
    seen: BTreeSet<String>,
}

impl Pooled {
    async fn new() -> Pooled {
        let env = Env::simulated(11);
        let pooled = Pooled::open(&env, Store::memory(), &Set::New("set".into())).await;
        for bucket in ["bkt", "dst"] {
            pooled.cloud.bucket(bucket).await;
            pooled.cloud.version(bucket).await;
        }
        pooled
    }

    async fn open(env: &Env, store: Store, set: &Set) -> Pooled {
        let pools = Pools::open(env, &ROOTS.map(PathBuf::from), set).unwrap();
        let cloud = Cloud::with_blobs(env, store, Blobs::new(Arc::new(pools.clone()))).await;
        Pooled { cloud, pools, seen: BTreeSet::new() }
    }

    fn copies(&self) -> BTreeMap<String, Vec<usize>> {
        let fs = &self.cloud.env.fs;
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, root) in ROOTS.iter().enumerate() {
            for dir in fs.list(Path::new(root)).unwrap().into_iter().filter(|entry| entry.is_dir) {
                for file in fs.list(&Path::new(root).join(dir.name)).unwrap() {
                    found.entry(file.name).or_default().push(index);
                }
            }
        }
        found
    }

    /// The pools of each blob that was not there at the last call.
    fn new_ones(&mut self) -> Vec<Vec<usize>> {
        let copies = self.copies();
        let new = copies.iter().filter(|(id, _)| !self.seen.contains(*id)).map(|(_, pools)| pools.clone());
        let new = new.collect();
        self.seen = copies.into_keys().collect();
        new
    }

    /// The disk is not mounted, as far as anybody can see.
    fn unmount(&self, index: usize, away: bool) {
        let [there, gone] = ["pool", "away"].map(|name| Path::new(ROOTS[index]).join(name));
        let (from, to) = if away { (there, gone) } else { (gone, there) };
        self.cloud.env.fs.rename(&from, &to).unwrap();
    }
}

fn body() -> String {
    "0123456789abcdef".repeat(10_000)
}

fn of_class(key: &str, class: &str) -> s::PutObjectRequest {
    s::PutObjectRequest { storage_class: Some(class.into()), ..put("bkt", key, &body()) }
}

#[tokio::test]
async fn one_zone_is_one_pool_and_every_other_class_all() {
    let mut pooled = Pooled::new().await;
    for class in ["STANDARD", "STANDARD_IA", "GLACIER_IR", "INTELLIGENT_TIERING"] {
        pooled.cloud.ok::<op::PutObject>(of_class("k", class)).await;
        assert_eq!(pooled.new_ones(), [[0, 1, 2]], "{class}");
    }
    let mut used = BTreeSet::new();
    for _ in 0..20 {
        pooled.cloud.ok::<op::PutObject>(of_class("one", "ONEZONE_IA")).await;
        let new = pooled.new_ones();
        assert_eq!((new.len(), new[0].len()), (1, 1));
        used.extend(new[0].clone());
    }
    assert_eq!(used.len(), 3, "they are spread");

    // A copy is where its own class says, whatever the class of its source.
    let copy = |from: &str, to: &str, class: &str| s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: to.into(),
        copy_source: format!("bkt/{from}"),
        storage_class: Some(class.into()),
        ..Default::default()
    };
    pooled.cloud.ok::<op::CopyObject>(copy("k", "k", "ONEZONE_IA")).await;
    assert_eq!(pooled.new_ones()[0].len(), 1);
    pooled.cloud.ok::<op::CopyObject>(copy("one", "k", "STANDARD_IA")).await;
    assert_eq!(pooled.new_ones(), [[0, 1, 2]]);
    assert_eq!(pooled.cloud.get("bkt", "k").await.unwrap(), body());
}

#[tokio::test]
async fn parts_are_where_the_class_of_the_whole_says() {
    let mut pooled = Pooled::new().await;
    for (class, pools) in [("ONEZONE_IA", 1), ("STANDARD", 3)] {
        pooled.cloud.put("bkt", "from", &body()).await;
        pooled.new_ones();
        let create = s::CreateMultipartUploadRequest {
            bucket: "bkt".into(),
            key: "k".into(),
            storage_class: Some(class.into()),
            ..Default::default()
        };
        let upload_id = pooled.cloud.ok::<op::CreateMultipartUpload>(create).await.upload_id.unwrap();
        let part = s::UploadPartRequest {
            bucket: "bkt".into(),
            key: "k".into(),
            upload_id: upload_id.clone(),
            part_number: 1,
            body: ByteStream::from_bytes(body()),
            ..Default::default()
        };
        pooled.cloud.ok::<op::UploadPart>(part).await;
        assert_eq!(pooled.new_ones()[0].len(), pools, "{class}");
        let part = s::UploadPartCopyRequest {
            bucket: "bkt".into(),
            key: "k".into(),
            upload_id,
            part_number: 2,
            copy_source: "bkt/from".into(),
            ..Default::default()
        };
        pooled.cloud.ok::<op::UploadPartCopy>(part).await;
        assert_eq!(pooled.new_ones()[0].len(), pools, "{class}");
    }
}

#[tokio::test]
async fn replicas_are_where_their_own_class_says() {
    let mut pooled = Pooled::new().await;
    let role = pooled.cloud.role("r", r#""Effect":"Allow","Action":"s3:*","Resource":"*""#).await;
    for (class, wanted, pools) in [
        ("STANDARD", Some("ONEZONE_IA"), 1),
        ("ONEZONE_IA", Some("STANDARD_IA"), 3),
        ("ONEZONE_IA", None, 1),
        ("STANDARD", None, 3),
    ] {
        let rule = s::ReplicationRule {
            status: "Enabled".into(),
            priority: Some(1),
            filter: Some(s::ReplicationRuleFilter { prefix: Some(String::new()), ..Default::default() }),
            delete_marker_replication: Some(s::DeleteMarkerReplication { status: Some("Disabled".into()) }),
            destination: s::Destination {
                bucket: "arn:aws:s3:::dst".into(),
                storage_class: wanted.map(str::to_owned),
                ..Default::default()
            },
            ..Default::default()
        };
        let replication_configuration = s::ReplicationConfiguration { role: role.clone(), rules: vec![rule] };
        let input = s::PutBucketReplicationRequest {
            bucket: "bkt".into(),
            replication_configuration,
            ..Default::default()
        };
        pooled.cloud.ok::<op::PutBucketReplication>(input).await;
        pooled.cloud.ok::<op::PutObject>(of_class("k", class)).await;
        pooled.new_ones();
        pooled.cloud.run().await;
        let new = pooled.new_ones();
        assert_eq!((new.len(), new[0].len()), (1, pools), "{class} {wanted:?}");
        assert_eq!(pooled.cloud.get("dst", "k").await.unwrap(), body());
    }
}

/// Nobody else knows of it: the note of it stays until its pool is back, over a restart too, and keeps no other.
#[tokio::test]
async fn the_only_copy_is_deleted_when_its_pool_is_back() {
    for restarted in [false, true] {
        let mut pooled = Pooled::new().await;
        let one = pooled.cloud.ok::<op::PutObject>(of_class("one", "ONEZONE_IA")).await;
        let only = pooled.new_ones()[0][0];
        let all = pooled.cloud.ok::<op::PutObject>(of_class("all", "STANDARD")).await;
        pooled.cloud.run().await;
        pooled.unmount(only, true);
        let named =
            |key: &str, version_id| s::ObjectIdentifier { key: key.into(), version_id, ..Default::default() };
        let objects = vec![named("one", one.version_id), named("all", all.version_id)];
        let delete = s::Delete { objects, ..Default::default() };
        let input = s::DeleteObjectsRequest { bucket: "bkt".into(), delete, ..Default::default() };
        assert_eq!(pooled.cloud.ok::<op::DeleteObjects>(input).await.deleted.unwrap().len(), 2);
        let freed = async |pooled: &Pooled| pooled.cloud.s3.records.freed(None, 10).await.unwrap().len();
        assert_eq!(freed(&pooled).await, 2);
        pooled.cloud.env.clock.advance(Duration::from_secs(400));
        pooled.cloud.run().await;
        assert_eq!(freed(&pooled).await, 1, "what is in all pools is done with");
        if restarted {
            let (env, store) = (pooled.cloud.env.clone(), pooled.cloud.s3.records.store.clone());
            drop(pooled);
            pooled = Pooled::open(&env, store, &Set::Made("set".into())).await;
            pooled.cloud.run().await;
            assert_eq!(freed(&pooled).await, 1);
        }
        pooled.unmount(only, false);
        pooled.pools.tend();
        assert_eq!(pooled.pools.statuses(), [Status::Online; 3]);
        pooled.cloud.env.clock.advance(Duration::from_secs(400));
        pooled.cloud.run().await;
        assert_eq!(freed(&pooled).await, 0);
        assert!(pooled.copies().is_empty());
    }
}
