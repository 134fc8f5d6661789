//! Storage class analysis: configurations, and what the files tell.

use std::time::Duration;

use haneul_kit::ByteStream;
use haneul_s3_wire::{operations as op, shapes as s};

use super::cloud::{Cloud, OURS, policy, root};
use super::world::{Who, World, code, noise};

const DAY: Duration = Duration::from_secs(86_400);
const KIB: usize = 1024;

fn configure(id: &str, filter: Option<s::AnalyticsFilter>) -> s::PutBucketAnalyticsConfigurationRequest {
    let to = s::AnalyticsS3BucketDestination {
        format: "CSV".into(),
        bucket: "arn:aws:s3:::told".into(),
        prefix: Some("to/".into()),
        ..Default::default()
    };
    let export = s::StorageClassAnalysisDataExport {
        output_schema_version: "V_1".into(),
        destination: s::AnalyticsExportDestination { s3_bucket_destination: to },
    };
    s::PutBucketAnalyticsConfigurationRequest {
        bucket: "bkt".into(),
        id: id.into(),
        analytics_configuration: s::AnalyticsConfiguration {
            id: id.into(),
            filter,
            storage_class_analysis: s::StorageClassAnalysis { data_export: Some(export) },
        },
        ..Default::default()
    }
}

fn prefix(prefix: &str) -> Option<s::AnalyticsFilter> {
    Some(s::AnalyticsFilter { prefix: Some(prefix.into()), ..Default::default() })
}

#[tokio::test]
async fn configurations_are_kept_as_they_were_given() {
    let world = World::with_bucket().await;
    let put = async |input| code(&world.root::<op::PutBucketAnalyticsConfiguration>(input).await);
    let tag = |key: &str| s::Tag { key: key.into(), value: "v".into() };
    let and = s::AnalyticsAndOperator { prefix: Some("p".into()), tags: Some(vec![tag("a"), tag("b")]) };
    let and = Some(s::AnalyticsFilter { and: Some(and), ..Default::default() });
    assert_eq!(put(configure("all", None)).await, "ok");
    assert_eq!(put(configure("and", and.clone())).await, "ok");
    assert_eq!(put(configure("empty", Some(Default::default()))).await, "MalformedXML");
    assert_eq!(put(configure("a/b", None)).await, "InvalidArgument");
    let mut orc = configure("x", None);
    let export = orc.analytics_configuration.storage_class_analysis.data_export.as_mut().unwrap();
    export.destination.s3_bucket_destination.format = "ORC".into();
    assert_eq!(put(orc).await, "MalformedXML");
    let mut nowhere = configure("x", None);
    let export = nowhere.analytics_configuration.storage_class_analysis.data_export.as_mut().unwrap();
    export.destination.s3_bucket_destination.bucket = "told".into();
    assert_eq!(put(nowhere).await, "InvalidS3DestinationBucket");
    let get = |id: &str| s::GetBucketAnalyticsConfigurationRequest {
        bucket: "bkt".into(),
        id: id.into(),
        ..Default::default()
    };
    let shown = world.root::<op::GetBucketAnalyticsConfiguration>(get("and")).await.unwrap();
    let shown = shown.analytics_configuration.unwrap();
    let filter = shown.filter.unwrap();
    assert!(filter.prefix.is_none() && filter.tag.is_none());
    let both = filter.and.unwrap();
    assert_eq!((both.prefix.as_deref(), both.tags.unwrap().len()), (Some("p"), 2));
    let to = shown.storage_class_analysis.data_export.unwrap().destination.s3_bucket_destination;
    assert_eq!((to.bucket.as_str(), to.prefix.as_deref()), ("arn:aws:s3:::told", Some("to/")));
    assert_eq!(
        code(&world.root::<op::GetBucketAnalyticsConfiguration>(get("x")).await),
        "NoSuchConfiguration"
    );
    for i in 0..120 {
        assert_eq!(put(configure(&format!("c{i:03}"), prefix("p"))).await, "ok");
    }
    let mut list = s::ListBucketAnalyticsConfigurationsRequest { bucket: "bkt".into(), ..Default::default() };
    let first = world.root::<op::ListBucketAnalyticsConfigurations>(list.clone()).await.unwrap();
    assert_eq!(first.analytics_configuration_list.unwrap().len(), 100);
    assert_eq!(first.is_truncated, Some(true));
    list.continuation_token = first.next_continuation_token;
    let second = world.root::<op::ListBucketAnalyticsConfigurations>(list.clone()).await.unwrap();
    assert_eq!(second.analytics_configuration_list.unwrap().len(), 22);
    assert_eq!((second.is_truncated, second.next_continuation_token), (Some(false), None));
    // Reading and writing are two permissions.
    let reader = Who::user(&policy(
        r#""Effect":"Allow","Action":"s3:GetAnalyticsConfiguration","Resource":"arn:aws:s3:::bkt""#,
    ));
    assert!(world.call::<op::ListBucketAnalyticsConfigurations>(&reader, list).await.result.is_ok());
    let refused = world.call::<op::PutBucketAnalyticsConfiguration>(&reader, configure("x", None)).await;
    assert_eq!(code(&refused.result), "AccessDenied");
    let delete = s::DeleteBucketAnalyticsConfigurationRequest {
        bucket: "bkt".into(),
        id: "all".into(),
        ..Default::default()
    };
    let refused = world.call::<op::DeleteBucketAnalyticsConfiguration>(&reader, delete.clone()).await;
    assert_eq!(code(&refused.result), "AccessDenied");
    for expected in ["ok", "NoSuchConfiguration"] {
        let done = world.root::<op::DeleteBucketAnalyticsConfiguration>(delete.clone()).await;
        assert_eq!(code(&done), expected);
    }
}

async fn put(cloud: &Cloud, key: &str, class: &str, size: usize) {
    let input = s::PutObjectRequest {
        bucket: "bkt".into(),
        key: key.into(),
        storage_class: Some(class.into()),
        body: ByteStream::from_bytes(noise(size)),
        ..Default::default()
    };
    cloud.ok::<op::PutObject>(input).await;
}

async fn get(cloud: &Cloud, key: &str, range: Option<&str>) {
    let input = s::GetObjectRequest {
        bucket: "bkt".into(),
        key: key.into(),
        range: range.map(str::to_owned),
        ..Default::default()
    };
    let _ = cloud.call::<op::GetObject>(&root(OURS), input).await;
}

/// The lines of a file that say something, without the date.
fn told(file: &str) -> Vec<&str> {
    let lines = file.lines().skip(1).filter(|line| !line.contains(",0,0,0,0,0,"));
    lines.filter_map(|line| line.split_once(',')).map(|(_, rest)| rest).collect()
}

#[tokio::test]
async fn reads_and_ages_are_told_every_day() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.bucket("told").await;
    put(&cloud, "in/old", "STANDARD", 256 * KIB).await;
    cloud.env.clock.advance(DAY * 40);
    for (id, filter) in [("in", prefix("in/")), ("all", None)] {
        cloud.ok::<op::PutBucketAnalyticsConfiguration>(configure(id, filter)).await;
    }
    cloud.run().await;
    put(&cloud, "in/new", "STANDARD", 512 * KIB).await;
    put(&cloud, "in/small", "STANDARD", 127 * KIB).await;
    put(&cloud, "out", "STANDARD_IA", 128 * KIB).await;
    get(&cloud, "in/old", None).await;
    get(&cloud, "in/old", Some("bytes=0-131071")).await;
    get(&cloud, "in/small", None).await;
    get(&cloud, "in/none", None).await;
    get(&cloud, "out", None).await;
    cloud.env.clock.advance(Duration::from_secs(61));
    cloud.run().await;
    // After it was written down, once more.
    get(&cloud, "in/old", Some("bytes=0-131071")).await;
    let mut head = s::HeadObjectRequest { bucket: "bkt".into(), key: "in/old".into(), ..Default::default() };
    head.range = Some("bytes=0-5".into());
    cloud.ok::<op::HeadObject>(head).await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    assert!(cloud.get("told", "to/bkt/in.csv").await.is_err(), "the destination lets nobody in");
    let statement = format!(
        r#""Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::told/to/*",
           "Condition":{{"ArnLike":{{"aws:SourceArn":"arn:aws:s3:::bkt"}},"StringEquals":{{"aws:SourceAccount":"{OURS}"}}}}"#
    );
    let allow =
        s::PutBucketPolicyRequest { bucket: "told".into(), policy: policy(&statement), ..Default::default() };
    cloud.ok::<op::PutBucketPolicy>(allow).await;
    cloud.env.clock.advance(Duration::from_secs(3600));
    cloud.run().await;
    let file = cloud.get("told", "to/bkt/in.csv").await.unwrap();
    assert!(
        file.starts_with("Date,ConfigId,Filter,StorageClass,ObjectAge,ObjectCount,DataUploaded_MB,"),
        "{file}"
    );
    assert_eq!(file.lines().count(), 1 + 12 + 1, "every age group and all of them: {file}");
    let expected = [
        "in,prefix=in/,STANDARD,000-014,1,0.5,0.5,0,0,0.833333,,",
        "in,prefix=in/,STANDARD,015-029,0,0,0,0,0,2.5,,",
        "in,prefix=in/,STANDARD,030-044,1,0,0.25,0.5,3,2,,",
        "in,prefix=in/,STANDARD,ALL,2,0.5,0.75,0.5,3,0.666667,,",
    ];
    // Ratios are of all that is as old or older.
    let ratio = |line: &str| line.rsplit(',').nth(2).map(str::to_owned);
    let told = told(&file);
    let without = |line: &str| line.rsplitn(4, ',').nth(3).map(str::to_owned);
    let shown: Vec<_> = told.iter().map(|line| without(line)).collect();
    let wanted: Vec<_> = [0, 2, 3].map(|i| without(expected[i])).to_vec();
    assert_eq!(shown, wanted, "{file}");
    assert_eq!(
        told.iter().map(|line| ratio(line).unwrap()).collect::<Vec<_>>(),
        ["0.666667", "2", "0.666667"]
    );
    let all = cloud.get("told", "to/bkt/all.csv").await.unwrap();
    assert!(all.contains("all,,STANDARD_IA,000-014,1,0.125,0.125,0.125,1,1,,"), "{all}");
    // The next day is added; what is deleted is no longer counted.
    cloud
        .ok::<op::DeleteObject>(s::DeleteObjectRequest {
            bucket: "bkt".into(),
            key: "in/new".into(),
            ..Default::default()
        })
        .await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    let file = cloud.get("told", "to/bkt/in.csv").await.unwrap();
    assert_eq!(file.lines().count(), 1 + 2 * 13, "{file}");
    assert!(file.lines().last().unwrap().ends_with("ALL,1,0,0.25,0,0,1,,"), "{file}");
    // After a month, the age that is read seldom; the file is the same one.
    for _ in 0..45 {
        cloud.env.clock.advance(DAY);
        cloud.run().await;
    }
    let file = cloud.get("told", "to/bkt/in.csv").await.unwrap();
    assert!(file.lines().last().unwrap().ends_with("STANDARD,ALL,1,0,0.25,0,0,0,30,30"), "{file}");
    // A configuration that is gone leaves nothing.
    let delete = s::DeleteBucketAnalyticsConfigurationRequest {
        bucket: "bkt".into(),
        id: "in".into(),
        ..Default::default()
    };
    cloud.ok::<op::DeleteBucketAnalyticsConfiguration>(delete).await;
    cloud.env.clock.advance(DAY);
    cloud.run().await;
    let id = cloud.s3.bucket_anywhere("bkt", &None).await.unwrap().id();
    assert!(cloud.s3.records.days(id, "in", 0).await.unwrap().is_empty());
    assert!(!cloud.s3.records.days(id, "all", 0).await.unwrap().is_empty());
}
