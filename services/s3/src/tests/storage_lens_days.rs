//! S3 Storage Lens: which days are counted, who is told of them when, and what errors keep waiting.

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{AccountId, Env, Reconciler, Region};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3control_wire::{operations as control, shapes as c};
use haneul_store::{Batch, Range, Reads, Store, Table};

use super::cloud::{Cloud, OURS, policy};
use super::storage_lens::{DAY, account, configure, keys, lens, report, row, told, value};
use crate::model::storage_lens::{Lens, LensConfiguration, Pending, RecordType, ReportPart, ReportRow};
use crate::storage_lens::metrics::Name;
use crate::store::tables::{LENS_ACTIVITY, LENS_REPORTS, LENSES};

const HOUR: Duration = Duration::from_secs(3600);

fn published(id: &str) -> c::StorageLensConfiguration {
    let mut published = lens(id);
    let destination = published.data_export.take().and_then(|export| export.s3_bucket_destination);
    published.data_export = Some(c::StorageLensDataExport {
        cloud_watch_metrics: Some(c::CloudWatchMetrics { is_enabled: true }),
        s3_bucket_destination: destination,
        ..Default::default()
    });
    published
}

fn only_published(id: &str) -> c::StorageLensConfiguration {
    let mut only = published(id);
    only.data_export.as_mut().unwrap().s3_bucket_destination = None;
    only
}

/// How many readings of an account's bytes CloudWatch was given since the last look.
async fn readings(cloud: &Cloud) -> u64 {
    cloud.env.clock.advance(Duration::from_secs(60));
    let taken = cloud.platform.metrics.take(cloud.env.now());
    let is_it = |dimensions: &[(&'static str, String)]| {
        dimensions.iter().any(|(name, value)| *name == "record_type" && value == "ACCOUNT")
    };
    let ours = taken.iter().filter(|reading| reading.namespace == "AWS/S3/Storage-Lens");
    let bytes = ours.filter(|reading| reading.name == "StorageBytes" && is_it(&reading.dimensions));
    bytes.map(|reading| reading.summary.count as u64).sum()
}

fn task(cloud: &Cloud, name: &str) -> Arc<dyn Reconciler> {
    crate::tasks::reconcilers(&cloud.s3).into_iter().find(|task| task.name() == name).unwrap()
}

async fn kept(cloud: &Cloud, id: &str) -> Option<Pending> {
    cloud.s3.records.lens(&row(id)).await.unwrap().unwrap().pending
}

#[tokio::test]
async fn days_of_before_anybody_was_told_are_not_counted() {
    let cloud = Cloud::new().await;
    told(&cloud).await;
    cloud.put("told", "k", "1").await;
    for id in ["quiet", "later"] {
        let mut off = lens(id);
        off.is_enabled = false;
        configure(&cloud, off).await;
    }
    configure(&cloud, only_published("known")).await;
    cloud.env.clock.advance(DAY * 3 + HOUR * 12);
    cloud.run().await;
    // In the middle of a day; what was counted for CloudWatch alone is not there any more.
    configure(&cloud, lens("later")).await;
    configure(&cloud, published("known")).await;
    cloud.run().await;
    assert_eq!(keys(&cloud).await, ["k"], "nothing of yesterday");
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    for (id, expected) in [("later", true), ("known", true), ("quiet", false)] {
        let folder = format!("lens/StorageLens/{OURS}/{id}/");
        assert_eq!(keys(&cloud).await.iter().any(|key| key.starts_with(&folder)), expected, "{id}");
    }
    let lines = report(&cloud, "later").await;
    assert!(value(&lines, ["us-east-1", "STANDARD", "BUCKET", "", "told"], "StorageBytes").unwrap() > 0);
}

#[tokio::test]
async fn what_was_forgotten_is_not_delivered() {
    let cloud = Cloud::new().await;
    cloud.bucket("one").await;
    cloud.put("one", "k", "1").await;
    configure(&cloud, lens("all")).await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    assert!(kept(&cloud, "all").await.is_some_and(|pending| pending.published), "there is no destination");
    let mut off = lens("all");
    off.is_enabled = false;
    configure(&cloud, off).await;
    told(&cloud).await;
    configure(&cloud, lens("all")).await;
    cloud.env.clock.advance(HOUR);
    cloud.run().await;
    assert!(keys(&cloud).await.is_empty());
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    assert!(!report(&cloud, "all").await.is_empty());
}

#[tokio::test]
async fn a_bucket_that_cannot_be_read_is_left_out() {
    static BROKEN: Table<(u64, String), Vec<u8>> = Table::new("s3.current");
    let cloud = Cloud::new().await;
    cloud.platform.metrics.open();
    told(&cloud).await;
    for name in ["aaa", "broken", "zzz"] {
        cloud.bucket(name).await;
        cloud.put(name, "k", "12345").await;
    }
    configure(&cloud, published("all")).await;
    cloud.run().await;
    let store = &cloud.s3.records.store;
    let id = cloud.s3.bucket_anywhere("broken", &None).await.unwrap().id();
    store.put(&BROKEN, &(id, "k"), &b"no record".to_vec()).await.unwrap();
    readings(&cloud).await;
    cloud.env.clock.advance(DAY);
    let storage = task(&cloud, "s3 storage metrics");
    for _ in 0..3 {
        let next = storage.reconcile().await.unwrap().unwrap();
        assert_eq!(next.secs() % 86_400, 0, "midnight is next, and nothing is counted again");
        cloud.env.clock.advance(Duration::from_secs(1));
    }
    let lines = report(&cloud, "all").await;
    for (bucket, expected) in [("aaa", Some(5)), ("broken", None), ("zzz", Some(5))] {
        let row = ["us-east-1", "STANDARD", "BUCKET", "", bucket];
        assert_eq!(value(&lines, row, "StorageBytes"), expected, "{bucket}");
    }
    assert_eq!(value(&lines, ["us-east-1", "STANDARD", "ACCOUNT", "", ""], "StorageBytes"), Some(10));
    assert_eq!(readings(&cloud).await, 1);
}

#[tokio::test]
async fn a_report_that_cannot_be_made_is_made_later() {
    static BROKEN: Table<(AccountId, Region, String), Vec<u8>> = Table::new("s3.lens-groups");
    let cloud = Cloud::new().await;
    cloud.platform.metrics.open();
    told(&cloud).await;
    cloud.bucket("one").await;
    cloud.put("one", "k", "12345").await;
    configure(&cloud, published("whole")).await;
    let mut grouped = published("grouped");
    grouped.account_level.storage_lens_group_level =
        Some(c::StorageLensGroupLevel { selection_criteria: None });
    configure(&cloud, grouped).await;
    cloud.run().await;
    let store = &cloud.s3.records.store;
    store.put(&BROKEN, &row("group"), &b"no record".to_vec()).await.unwrap();
    readings(&cloud).await;
    cloud.env.clock.advance(DAY);
    let storage = task(&cloud, "s3 storage metrics");
    let now = cloud.env.now();
    assert_eq!(storage.reconcile().await.unwrap(), Some(now + HOUR), "not each minute");
    assert!(!report(&cloud, "whole").await.is_empty());
    assert_eq!(keys(&cloud).await.len(), 2);
    assert_eq!(readings(&cloud).await, 1);
    store.delete(&BROKEN, &row("group")).await.unwrap();
    cloud.env.clock.advance(HOUR);
    storage.reconcile().await.unwrap();
    assert!(!report(&cloud, "grouped").await.is_empty());
    assert_eq!(keys(&cloud).await.len(), 4);
    assert_eq!(readings(&cloud).await, 1, "the other is not told of again");
}

#[tokio::test]
async fn a_crash_before_anybody_was_told_loses_nothing() {
    let (env, store) = (Env::simulated(11), Store::memory());
    let cloud = Cloud::on(&env, store.clone()).await;
    told(&cloud).await;
    configure(&cloud, published("all")).await;
    env.clock.advance(DAY);
    let day = (env.now().secs() / 86_400 - 1) as u64;
    let counted = ReportRow {
        region: "us-east-1".into(),
        class: "STANDARD".into(),
        kind: RecordType::Account,
        value: String::new(),
        bucket: String::new(),
        metrics: vec![("StorageBytes".into(), 7)],
    };
    let records = &cloud.s3.records;
    records.add_to_report(&row("all"), 0, &ReportPart { rows: vec![counted] }).await.unwrap();
    let pending = Some(Pending { day, published: false });
    let count = |lens: &mut Lens| (lens.counted_day, lens.pending) = (Some(day), pending);
    assert!(records.change_lens(&row("all"), count).await.unwrap());
    drop(cloud);
    let cloud = Cloud::on(&env, store).await;
    cloud.platform.metrics.open();
    cloud.run().await;
    assert_eq!(readings(&cloud).await, 1);
    assert_eq!(report(&cloud, "all").await.into_values().collect::<Vec<_>>(), [7]);
    assert_eq!(kept(&cloud, "all").await, None);
}

/// What cannot be delivered as a whole is delivered again under the same names.
#[tokio::test]
async fn a_delivery_that_broke_off_is_written_over() {
    let cloud = Cloud::new().await;
    cloud.platform.metrics.open();
    let allow = |resource: &str| s::PutBucketPolicyRequest {
        bucket: "told".into(),
        policy: policy(&format!(
            r#""Effect":"Allow","Principal":{{"Service":"storage-lens.s3.amazonaws.com"}},"Action":"s3:PutObject",
               "Resource":"arn:aws:s3:::told/{resource}""#
        )),
        ..Default::default()
    };
    cloud.bucket("told").await;
    cloud.ok::<op::PutBucketPolicy>(allow("*/reports/*")).await;
    configure(&cloud, published("all")).await;
    cloud.run().await;
    readings(&cloud).await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    let left = keys(&cloud).await;
    assert_eq!(left.len(), 1, "no manifest");
    assert_eq!(kept(&cloud, "all").await.map(|pending| pending.published), Some(true));
    cloud.ok::<op::PutBucketPolicy>(allow("*")).await;
    cloud.env.clock.advance(HOUR);
    cloud.run().await;
    let delivered = keys(&cloud).await;
    assert_eq!(delivered.len(), 2, "{delivered:?}");
    assert!(delivered.contains(&left[0]));
    assert!(!report(&cloud, "all").await.is_empty());
    assert_eq!(readings(&cloud).await, 0, "CloudWatch was told before, once");
    let name = left[0].rsplit('/').next().unwrap();
    let lengths: Vec<usize> = name.trim_end_matches(".csv").split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12], "as AWS's: {name}");
}

#[tokio::test]
async fn more_configurations_than_a_walk_counts_for() {
    let cloud = Cloud::new().await;
    let mut batch = Batch::default();
    let configuration =
        LensConfiguration { enabled: true, cloud_watch: Some(true), ..LensConfiguration::default() };
    let lens = Lens { configuration, ..Lens::default() };
    for number in 0..2101u64 {
        let account = AccountId::new(300_000_000_000 + number).unwrap();
        batch.put(&LENSES, &(account, Region::US_EAST_1, "mine"), &lens).unwrap();
    }
    cloud.s3.records.store.write(batch).await.unwrap();
    task(&cloud, "s3 storage metrics").reconcile().await.unwrap();
    let yesterday = (cloud.env.now().secs() / 86_400 - 1) as u64;
    let lenses = cloud.s3.records.all_lenses(None, 3000).await.unwrap();
    let counted = lenses.iter().filter(|(_, lens)| lens.counted_day == Some(yesterday));
    assert_eq!((lenses.len(), counted.count()), (2101, 2101));
}

#[tokio::test]
async fn requests_that_cannot_be_written_down_wait() {
    static BROKEN: Table<(u64, u64), Vec<u8>> = Table::new("s3.lens-activity");
    let cloud = Cloud::new().await;
    let (store, activity) = (&cloud.s3.records.store, &cloud.s3.activity);
    let writing = task(&cloud, "s3 activity");
    let day = (cloud.env.now().secs() / 86_400) as u64;
    activity.add(7, [(Name::AllRequests, 3)], cloud.env.now());
    activity.add(8, [(Name::AllRequests, 1)], cloud.env.now());
    let soon = writing.reconcile().await.unwrap();
    assert_eq!(soon, Some(cloud.env.now() + Duration::from_secs(60)));
    store.put(&BROKEN, &(day, 7), &b"no record".to_vec()).await.unwrap();
    cloud.env.clock.advance(Duration::from_secs(60));
    writing.reconcile().await.unwrap_err();
    let written = cloud.s3.records.activity(8, day).await.unwrap();
    assert_eq!(written.values.into_iter().collect::<Vec<_>>(), [("AllRequests".to_owned(), 1)]);
    store.delete(&LENS_ACTIVITY, &(day, 7)).await.unwrap();
    activity.add(7, [(Name::AllRequests, 4)], cloud.env.now());
    cloud.env.clock.advance(Duration::from_secs(60));
    assert_eq!(writing.reconcile().await.unwrap(), None);
    for (bucket, expected) in [(7, 7), (8, 1)] {
        let written = cloud.s3.records.activity(bucket, day).await.unwrap();
        assert_eq!(written.values.into_iter().collect::<Vec<_>>(), [("AllRequests".to_owned(), expected)]);
    }
}

#[tokio::test]
async fn nothing_is_left_of_what_is_gone() {
    let cloud = Cloud::new().await;
    configure(&cloud, lens("off")).await;
    configure(&cloud, lens("waits")).await;
    let records = &cloud.s3.records;
    let part = ReportPart::default();
    for id in ["gone", "off", "waits"] {
        for number in [0, 1, 700] {
            records.add_to_report(&row(id), number, &part).await.unwrap();
        }
    }
    let day = (cloud.env.now().secs() / 86_400) as u64;
    let pending = Some(Pending { day: day - 1, published: true });
    records.change_lens(&row("waits"), |lens| lens.pending = pending).await.unwrap();
    records.add_activity(7, day, &[("AllRequests", 1)]).await.unwrap();
    let storage = task(&cloud, "s3 storage metrics");
    storage.reconcile().await.unwrap();
    let rows = records.store.scan_keys(&LENS_REPORTS, Range::all(), 100).await.unwrap();
    assert_eq!(rows.iter().map(|(_, _, id, _)| id.as_str()).collect::<Vec<_>>(), ["waits"; 3]);
    // Without any configuration, too.
    for id in ["off", "waits"] {
        let delete = c::DeleteStorageLensConfigurationRequest { account_id: account(), config_id: id.into() };
        cloud.ok::<control::DeleteStorageLensConfiguration>(delete).await;
    }
    for (days, expected) in [(1, 1), (1, 1), (1, 0)] {
        cloud.env.clock.advance(DAY * days);
        storage.reconcile().await.unwrap();
        let left = records.store.scan_keys(&LENS_ACTIVITY, Range::all(), 10).await.unwrap();
        assert_eq!(left.len(), expected);
    }
    assert!(records.store.scan_keys(&LENS_REPORTS, Range::all(), 1).await.unwrap().is_empty());
}
