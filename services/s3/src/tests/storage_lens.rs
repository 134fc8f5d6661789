//! S3 Storage Lens: what a day's report says.

use std::collections::BTreeMap;
use std::time::Duration;

use haneul_kit::Instant;
use haneul_kms_wire::operations as kms;
use haneul_s3_parquet::Cell;
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3control_wire::{operations as control, shapes as c};

use super::cloud::{Cloud, OURS, policy, put, root};
use super::parquet::read;

pub(super) const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn account() -> String {
    OURS.to_string()
}

pub(super) fn destination(format: &str) -> c::StorageLensDataExport {
    c::StorageLensDataExport {
        s3_bucket_destination: Some(c::S3BucketDestination {
            format: format.into(),
            output_schema_version: "V_1".into(),
            account_id: account(),
            arn: "arn:aws:s3:::told".into(),
            prefix: Some("lens".into()),
            encryption: Some(c::StorageLensDataExportEncryption { sses3: Some(c::SSES3 {}), ssekms: None }),
        }),
        ..Default::default()
    }
}

pub(super) fn lens(id: &str) -> c::StorageLensConfiguration {
    c::StorageLensConfiguration {
        id: id.into(),
        is_enabled: true,
        data_export: Some(destination("CSV")),
        ..Default::default()
    }
}

pub(super) async fn configure(cloud: &Cloud, configuration: c::StorageLensConfiguration) {
    cloud.ok::<control::PutStorageLensConfiguration>(asking(configuration)).await;
}

pub(super) fn asking(configuration: c::StorageLensConfiguration) -> c::PutStorageLensConfigurationRequest {
    c::PutStorageLensConfigurationRequest {
        config_id: configuration.id.clone(),
        account_id: account(),
        storage_lens_configuration: configuration,
        tags: None,
    }
}

/// The destination, as AWS's guide has it.
pub(super) async fn told(cloud: &Cloud) {
    cloud.bucket("told").await;
    let statement = format!(
        r#""Effect":"Allow","Principal":{{"Service":"storage-lens.s3.amazonaws.com"}},"Action":"s3:PutObject",
           "Resource":"arn:aws:s3:::told/lens/StorageLens/{OURS}/*","Condition":{{
           "StringEquals":{{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceAccount":"{OURS}"}},
           "ArnLike":{{"aws:SourceArn":"arn:aws:s3:us-east-1:{OURS}:storage-lens/*"}}}}"#
    );
    let allow =
        s::PutBucketPolicyRequest { bucket: "told".into(), policy: policy(&statement), ..Default::default() };
    cloud.ok::<op::PutBucketPolicy>(allow).await;
}

pub(super) async fn keys(cloud: &Cloud) -> Vec<String> {
    let list = s::ListObjectsV2Request { bucket: "told".into(), ..Default::default() };
    let listed = cloud.ok::<op::ListObjectsV2>(list).await.contents.unwrap_or_default();
    listed.into_iter().filter_map(|object| object.key).collect()
}

/// The last report of a configuration: (Region, class, type, value, bucket, metric) → value.
pub(super) async fn report(cloud: &Cloud, id: &str) -> BTreeMap<[String; 6], u64> {
    let folder = format!("lens/StorageLens/{OURS}/{id}/V_1/manifests/");
    let delivered = keys(cloud).await;
    let key = delivered.iter().rfind(|key| key.starts_with(&folder)).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&cloud.get("told", key).await.unwrap()).unwrap();
    let mut lines = BTreeMap::new();
    for file in manifest["reportFiles"].as_array().unwrap() {
        let text = cloud.get("told", file["key"].as_str().unwrap()).await.unwrap();
        assert_eq!(file["size"], text.len());
        let (head, rest) = text.split_once('\n').unwrap();
        assert_eq!(manifest["reportSchema"], head);
        for line in rest.lines() {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!((cells[0], cells[1], cells[3]), ("1.0", id, account().as_str()));
            assert_eq!(manifest["reportDate"], cells[2]);
            let name = [cells[4], cells[5], cells[6], cells[7], cells[8], cells[9]].map(str::to_owned);
            assert_eq!(lines.insert(name, cells[10].parse().unwrap()), None, "{line}");
        }
    }
    lines
}

pub(super) fn value(lines: &BTreeMap<[String; 6], u64>, row: [&str; 5], metric: &str) -> Option<u64> {
    let [region, class, kind, value, bucket] = row;
    lines.get(&[region, class, kind, value, bucket, metric].map(str::to_owned)).copied()
}

#[tokio::test]
async fn a_day_is_counted_and_delivered() {
    let cloud = Cloud::new().await;
    cloud.bucket("one").await;
    cloud.bucket("two").await;
    cloud.version("one").await;
    cloud.put("one", "a/x", "12345").await;
    cloud.put("one", "a/x", "123").await;
    cloud.put("one", "gone", "1").await;
    let delete = s::DeleteObjectRequest { bucket: "one".into(), key: "gone".into(), ..Default::default() };
    cloud.ok::<op::DeleteObject>(delete).await;
    cloud.put("two", "y", "1234567").await;
    let colder = s::PutObjectRequest { storage_class: Some("STANDARD_IA".into()), ..put("two", "z", "12") };
    cloud.ok::<op::PutObject>(colder).await;
    let begin =
        s::CreateMultipartUploadRequest { bucket: "two".into(), key: "m".into(), ..Default::default() };
    let upload = cloud.ok::<op::CreateMultipartUpload>(begin).await.upload_id.unwrap();
    let part = s::UploadPartRequest {
        bucket: "two".into(),
        key: "m".into(),
        part_number: 1,
        upload_id: upload,
        body: haneul_kit::ByteStream::from_bytes("123456789"),
        ..Default::default()
    };
    cloud.ok::<op::UploadPart>(part).await;
    configure(&cloud, lens("all")).await;
    cloud.run().await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    // The destination is not there yet, and what was counted waits for it.
    cloud.put("one", "later", "0123456789").await;
    told(&cloud).await;
    cloud.env.clock.advance(Duration::from_secs(3600));
    cloud.run().await;
    let lines = report(&cloud, "all").await;
    let one = ["us-east-1", "STANDARD", "BUCKET", "", "one"];
    for (metric, expected) in [
        ("StorageBytes", 5 + 3 + 1 + 4),
        ("ObjectCount", 4),
        ("CurrentVersionStorageBytes", 3),
        ("CurrentVersionObjectCount", 1),
        ("NonCurrentVersionStorageBytes", 6),
        ("NonCurrentVersionObjectCount", 2),
        ("DeleteMarkerObjectCount", 1),
        ("DeleteMarkerStorageBytes", 4),
        ("EncryptedStorageBytes", 9),
        ("UnencryptedObjectCount", 0),
        ("IncompleteMultipartUploadObjectCount", 0),
    ] {
        assert_eq!(value(&lines, one, metric), Some(expected), "{metric}");
    }
    let two = ["us-east-1", "STANDARD", "BUCKET", "", "two"];
    assert_eq!(value(&lines, two, "StorageBytes"), Some(16));
    assert_eq!(value(&lines, two, "IncompleteMultipartUploadStorageBytes"), Some(9));
    assert_eq!(value(&lines, two, "IncompleteMPUObjectCountOlderThan7Days"), Some(0));
    assert_eq!(value(&lines, ["us-east-1", "STANDARD_IA", "BUCKET", "", "two"], "StorageBytes"), Some(2));
    let all = ["us-east-1", "STANDARD", "ACCOUNT", "", ""];
    assert_eq!(value(&lines, all, "StorageBytes"), Some(13 + 16));
    assert_eq!(value(&lines, ["us-east-1", "-", "ACCOUNT", "", ""], "VersioningEnabledBucketCount"), Some(1));
    assert_eq!(
        value(&lines, ["us-east-1", "-", "BUCKET", "", "two"], "VersioningEnabledBucketCount"),
        Some(0)
    );
    assert!(
        !lines.keys().any(|name| name[5] == "AllRequests" || name[5] == "TotalLifecycleRuleCount"),
        "free metrics"
    );
    // A week later the upload is old; nothing is told twice.
    let before = keys(&cloud).await.len();
    cloud.env.clock.advance(DAY * 7);
    cloud.run().await;
    cloud.run().await;
    assert_eq!(keys(&cloud).await.len(), before + 2);
    let lines = report(&cloud, "all").await;
    assert_eq!(value(&lines, two, "IncompleteMPUObjectCountOlderThan7Days"), Some(1));
    assert_eq!(value(&lines, one, "CurrentVersionStorageBytes"), Some(13));
    assert!(
        cloud.s3.records.report_part(&row("all"), None).await.unwrap().is_none(),
        "nothing is left of it"
    );
}

pub(super) fn row(id: &str) -> crate::store::storage_lens::LensRow {
    (root(OURS).account, haneul_kit::Region::US_EAST_1, id.to_owned())
}

#[tokio::test]
async fn scopes_prefixes_and_groups() {
    let cloud = Cloud::new().await;
    told(&cloud).await;
    cloud.bucket("one").await;
    cloud.bucket("two").await;
    cloud.put("one", "a/b/x", "1234567890").await;
    cloud.put("one", "c/y.txt", "1").await;
    let tagged = s::PutObjectRequest { tagging: Some("team=sky".into()), ..put("two", "d/z.txt", "12345") };
    cloud.ok::<op::PutObject>(tagged).await;
    let group = |name: &str, filter: c::StorageLensGroupFilter| c::CreateStorageLensGroupRequest {
        account_id: account(),
        storage_lens_group: c::StorageLensGroup { name: name.into(), filter, storage_lens_group_arn: None },
        tags: None,
    };
    let texts =
        c::StorageLensGroupFilter { match_any_suffix: Some(vec![".txt".into()]), ..Default::default() };
    cloud.ok::<control::CreateStorageLensGroup>(group("texts", texts)).await;
    let both = c::StorageLensGroupAndOperator {
        match_any_tag: Some(vec![c::S3Tag { key: "team".into(), value: "sky".into() }]),
        match_object_size: Some(c::MatchObjectSize { bytes_greater_than: Some(4), bytes_less_than: Some(6) }),
        ..Default::default()
    };
    let sky = c::StorageLensGroupFilter { and: Some(both), ..Default::default() };
    cloud.ok::<control::CreateStorageLensGroup>(group("sky", sky)).await;
    let arn = |name: &str| format!("arn:aws:s3:us-east-1:{OURS}:storage-lens-group/{name}");
    let mut some = lens("some");
    some.include = Some(c::Include { buckets: Some(vec!["arn:aws:s3:::one".into()]), regions: None });
    some.account_level.bucket_level.prefix_level = Some(c::PrefixLevel {
        storage_metrics: c::PrefixLevelStorageMetrics {
            is_enabled: Some(true),
            selection_criteria: Some(c::SelectionCriteria {
                delimiter: Some("/".into()),
                max_depth: Some(2),
                min_storage_bytes_percentage: Some(50.0),
            }),
        },
    });
    configure(&cloud, some).await;
    let mut grouped = lens("grouped");
    let excluded = vec!["arn:aws:s3:::told".into()];
    grouped.exclude = Some(c::Exclude { buckets: Some(excluded), regions: Some(vec!["eu-west-1".into()]) });
    grouped.account_level.storage_lens_group_level =
        Some(c::StorageLensGroupLevel { selection_criteria: None });
    configure(&cloud, grouped).await;
    let mut nowhere = lens("nowhere");
    nowhere.include = Some(c::Include { buckets: None, regions: Some(vec!["eu-west-1".into()]) });
    configure(&cloud, nowhere).await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    let lines = report(&cloud, "some").await;
    assert!(lines.keys().all(|name| name[4] == "one" || name[2] == "ACCOUNT"));
    let prefixes: std::collections::BTreeSet<&str> =
        lines.keys().filter(|name| name[2] == "PREFIX").map(|name| name[3].as_str()).collect();
    assert_eq!(prefixes.into_iter().collect::<Vec<_>>(), ["a/", "a/b/"], "not c/, which is too small");
    assert_eq!(value(&lines, ["us-east-1", "STANDARD", "PREFIX", "a/b/", "one"], "StorageBytes"), Some(10));
    let lines = report(&cloud, "grouped").await;
    let encoded = |name: &str| arn(name).replace(':', "%3A");
    let (texts, sky) = (encoded("texts"), encoded("sky"));
    let of = |kind: &'static str, group: &str, bucket: &str| {
        value(&lines, ["us-east-1", "STANDARD", kind, group, bucket], "StorageBytes")
    };
    assert_eq!(of("STORAGE_LENS_GROUP_BUCKET", &texts, "one"), Some(1));
    assert_eq!(of("STORAGE_LENS_GROUP_BUCKET", &texts, "two"), Some(5));
    assert_eq!(of("STORAGE_LENS_GROUP_ACCOUNT", &texts, ""), Some(6));
    assert_eq!(of("STORAGE_LENS_GROUP_BUCKET", &sky, "one"), None);
    assert_eq!(of("STORAGE_LENS_GROUP_ACCOUNT", &sky, ""), Some(5));
    assert!(!lines.keys().any(|name| name[4] == "told"));
    assert!(report(&cloud, "nowhere").await.is_empty());
}

/// Makes a bucket that encrypts so by default.
async fn encrypt_by_kms(cloud: &Cloud, bucket: &str) {
    cloud.bucket(bucket).await;
    let key = cloud.ok::<kms::CreateKey>(Default::default()).await.key_metadata.unwrap();
    let by_default = s::ServerSideEncryptionByDefault {
        sse_algorithm: "aws:kms".into(),
        kms_master_key_id: Some(key.arn.unwrap()),
    };
    let rule = s::ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(by_default),
        ..Default::default()
    };
    let input = s::PutBucketEncryptionRequest {
        bucket: bucket.into(),
        server_side_encryption_configuration: s::ServerSideEncryptionConfiguration { rules: vec![rule] },
        ..Default::default()
    };
    cloud.ok::<op::PutBucketEncryption>(input).await;
}

#[tokio::test]
async fn requests_are_told_of_as_parquet() {
    let cloud = Cloud::relaxed().await;
    told(&cloud).await;
    cloud.bucket("one").await;
    cloud.put("one", "k", "12345").await;
    let mut active = lens("active");
    active.data_export = Some(destination("Parquet"));
    active.account_level.activity_metrics = Some(c::ActivityMetrics { is_enabled: Some(true) });
    active.account_level.bucket_level.activity_metrics = Some(c::ActivityMetrics { is_enabled: Some(true) });
    active.account_level.bucket_level.detailed_status_codes_metrics =
        Some(c::DetailedStatusCodesMetrics { is_enabled: Some(true) });
    active.account_level.bucket_level.advanced_data_protection_metrics =
        Some(c::AdvancedDataProtectionMetrics { is_enabled: Some(true) });
    configure(&cloud, active).await;
    encrypt_by_kms(&cloud, "two").await;
    for (method, path, expected) in [
        ("GET", "/one/k", 200),
        ("GET", "/one/none", 404),
        ("GET", "/one?list-type=2", 200),
        ("DELETE", "/one/k", 204),
        ("PUT", "/two/k", 200),
        ("GET", "/two/k", 200),
        ("HEAD", "/two/k", 200),
    ] {
        let request = http::Request::builder().method(method).uri(path).header("content-length", "0");
        assert_eq!(cloud.send(request.body("").unwrap()).await.0, expected, "{method} {path}");
    }
    let asked = http::Request::put("/one/l").header("content-length", "0");
    let asked = asked.header("x-amz-server-side-encryption", "aws:kms");
    assert_eq!(cloud.send(asked.body("").unwrap()).await.0, 200);
    cloud.run().await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    let delivered = keys(&cloud).await;
    let file = delivered.iter().find(|key| key.ends_with(".par")).expect("a report");
    let input = s::GetObjectRequest { bucket: "told".into(), key: file.clone(), ..Default::default() };
    let got = cloud.call::<op::GetObject>(&root(OURS), input).await.unwrap();
    let table = read(&got.body.collect(usize::MAX).await.unwrap());
    assert_eq!(table.name, "s3.storage.lens");
    assert_eq!(table.columns.len(), 11);
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let values: BTreeMap<(String, String), Cell> = table
        .rows
        .iter()
        .filter(|row| ["one", "two", ""].contains(&text(&row[8]).as_str()))
        .map(|row| ((format!("{} {}", text(&row[6]), text(&row[8])), text(&row[9])), row[10].clone()))
        .collect();
    for (kind, metric, expected) in [
        ("BUCKET one", "AllRequests", Some(5)),
        ("BUCKET one", "GetRequests", Some(2)),
        ("BUCKET one", "ListRequests", Some(1)),
        ("BUCKET one", "DeleteRequests", Some(1)),
        ("BUCKET one", "4xxErrors", Some(1)),
        ("BUCKET one", "404NotFoundErrorCount", Some(1)),
        ("BUCKET one", "200OKStatusCount", Some(3)),
        // Whether the request said so or the bucket.
        ("BUCKET one", "AllSSEKMSRequests", Some(1)),
        ("BUCKET two", "AllSSEKMSRequests", Some(1)),
        ("BUCKET two", "AllRequests", Some(3)),
        ("ACCOUNT ", "AllRequests", Some(8)),
        ("ACCOUNT ", "404NotFoundErrorCount", None),
        ("BUCKET one", "SameRegionReplicationRuleCount", Some(0)),
        ("ACCOUNT ", "SameRegionReplicationRuleCount", None),
    ] {
        let found = values.get(&(kind.to_owned(), metric.to_owned())).cloned();
        assert_eq!(found, expected.map(Cell::Long), "{kind} {metric}");
    }
    let manifest = delivered.iter().find(|key| key.ends_with("manifest.json")).unwrap();
    let manifest: serde_json::Value =
        serde_json::from_str(&cloud.get("told", manifest).await.unwrap()).unwrap();
    let schema = manifest["reportSchema"].as_str().unwrap();
    assert!(schema.starts_with("message s3.storage.lens { required string version_number;"), "{schema}");
    assert!(schema.ends_with("required string metric_name; required long metric_value; }"), "{schema}");
    let date = manifest["reportDate"].as_str().unwrap();
    let yesterday = Instant::from_secs(cloud.env.now().secs() - 86_400).iso8601();
    assert_eq!(Some(date), yesterday.get(..10));
}

#[tokio::test]
async fn cloudwatch_is_told_in_the_home_region() {
    let cloud = Cloud::new().await;
    cloud.platform.metrics.open();
    cloud.bucket("one").await;
    cloud.put("one", "k", "12345").await;
    let mut published = lens("mine");
    published.data_export = Some(c::StorageLensDataExport {
        cloud_watch_metrics: Some(c::CloudWatchMetrics { is_enabled: true }),
        ..Default::default()
    });
    configure(&cloud, published).await;
    cloud.run().await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    cloud.env.clock.advance(Duration::from_secs(60));
    let readings = cloud.platform.metrics.take(cloud.env.now());
    let told: BTreeMap<String, f64> = readings
        .iter()
        .filter(|reading| reading.namespace == "AWS/S3/Storage-Lens")
        .map(|reading| {
            assert_eq!(reading.owner.region.as_str(), "us-east-1");
            let of = |name: &str| {
                let found = reading.dimensions.iter().find(|(dimension, _)| *dimension == name);
                found.map_or("", |(_, value)| value.as_str())
            };
            assert_eq!((of("configuration_id"), of("metrics_version")), ("mine", "1.0"));
            assert_eq!((of("aws_account_number"), of("aws_region")), (account().as_str(), "us-east-1"));
            let [kind, bucket, class] = ["record_type", "bucket_name", "storage_class"].map(of);
            (format!("{} {kind}/{bucket}/{class}", reading.name), reading.summary.sum)
        })
        .collect();
    for (name, expected) in [
        ("StorageBytes BUCKET/one/STANDARD", 5.0),
        ("StorageBytes ACCOUNT//STANDARD", 5.0),
        ("ObjectOwnershipBucketOwnerEnforcedBucketCount ACCOUNT//", 1.0),
    ] {
        assert_eq!(told.get(name), Some(&expected), "{name}");
    }
    let kept = cloud.s3.records.report_part(&row("mine"), None).await.unwrap();
    assert!(kept.is_none(), "without an export no rows are kept");
}

#[tokio::test]
async fn a_count_that_was_cut_short_begins_anew() {
    let env = haneul_kit::Env::simulated(11);
    let store = haneul_store::Store::memory();
    let cloud = Cloud::on(&env, store.clone()).await;
    told(&cloud).await;
    cloud.bucket("one").await;
    cloud.put("one", "k", "12345").await;
    configure(&cloud, lens("all")).await;
    env.clock.advance(DAY);
    // What a walk of before the crash has left.
    let left = crate::model::storage_lens::ReportRow {
        region: "us-east-1".into(),
        class: "STANDARD".into(),
        kind: crate::model::storage_lens::RecordType::Bucket,
        value: String::new(),
        bucket: "gone".into(),
        metrics: vec![("StorageBytes".into(), 7)],
    };
    let part = crate::model::storage_lens::ReportPart { rows: vec![left] };
    cloud.s3.records.add_to_report(&row("all"), 0, &part).await.unwrap();
    cloud.s3.records.add_to_report(&row("all"), 9, &part).await.unwrap();
    drop(cloud);
    let cloud = Cloud::on(&env, store).await;
    cloud.run().await;
    let lines = report(&cloud, "all").await;
    assert_eq!(value(&lines, ["us-east-1", "STANDARD", "BUCKET", "", "one"], "StorageBytes"), Some(5));
    assert!(!lines.keys().any(|name| name[4] == "gone"));
}
