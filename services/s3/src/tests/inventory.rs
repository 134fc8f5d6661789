use std::io::Read;
use std::time::Duration;

use haneul_s3_wire::{operations as op, shapes as s};

use super::cloud::{Cloud, OURS, policy, root};

fn configure(id: &str, format: &str, versions: &str) -> s::PutBucketInventoryConfigurationRequest {
    s::PutBucketInventoryConfigurationRequest {
        bucket: "bkt".into(),
        id: id.into(),
        inventory_configuration: s::InventoryConfiguration {
            id: id.into(),
            is_enabled: true,
            destination: s::InventoryDestination {
                s3_bucket_destination: s::InventoryS3BucketDestination {
                    bucket: "arn:aws:s3:::lists".into(),
                    format: format.into(),
                    prefix: Some("inv".into()),
                    ..Default::default()
                },
            },
            filter: Some(s::InventoryFilter { prefix: "in/".into() }),
            included_object_versions: versions.into(),
            optional_fields: Some(vec!["Size".into(), "StorageClass".into(), "ETag".into()]),
            schedule: s::InventorySchedule { frequency: "Daily".into() },
        },
        ..Default::default()
    }
}

async fn keys(cloud: &Cloud) -> Vec<String> {
    let list = s::ListObjectsV2Request { bucket: "lists".into(), ..Default::default() };
    let listed = cloud.ok::<op::ListObjectsV2>(list).await.contents.unwrap_or_default();
    listed.into_iter().filter_map(|object| object.key).collect()
}

#[tokio::test]
async fn lists_are_delivered_every_day() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.bucket("lists").await;
    cloud.put("bkt", "in/a b\".txt", "hello").await;
    cloud.put("bkt", "in/z", "").await;
    cloud.put("bkt", "out", "x").await;
    for (id, format, versions, expected) in [
        ("one", "Parquet", "Current", "NotImplemented"),
        ("one", "XLS", "Current", "MalformedXML"),
        ("one", "CSV", "Some", "MalformedXML"),
        ("o/e", "CSV", "Current", "InvalidArgument"),
    ] {
        let refused = cloud.err::<op::PutBucketInventoryConfiguration>(configure(id, format, versions)).await;
        assert!(refused.starts_with(expected), "{refused} / {expected}");
    }
    cloud.ok::<op::PutBucketInventoryConfiguration>(configure("one", "CSV", "Current")).await;
    let read = |id: &str| s::GetBucketInventoryConfigurationRequest {
        bucket: "bkt".into(),
        id: id.into(),
        ..Default::default()
    };
    let shown = cloud.ok::<op::GetBucketInventoryConfiguration>(read("one")).await;
    assert_eq!(shown.inventory_configuration.unwrap().optional_fields.unwrap().len(), 3);
    assert!(
        cloud
            .err::<op::GetBucketInventoryConfiguration>(read("two"))
            .await
            .starts_with("NoSuchConfiguration")
    );
    cloud.run().await;
    assert!(keys(&cloud).await.is_empty(), "not before midnight");
    cloud.env.clock.advance(Duration::from_secs(86_400));
    cloud.run().await;
    assert!(keys(&cloud).await.is_empty(), "the destination lets nobody in");
    let statement = format!(
        r#""Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::lists/*",
           "Condition":{{"ArnLike":{{"aws:SourceArn":"arn:aws:s3:::bkt"}},"StringEquals":{{"aws:SourceAccount":"{OURS}"}}}}"#
    );
    let allow = s::PutBucketPolicyRequest {
        bucket: "lists".into(),
        policy: policy(&statement),
        ..Default::default()
    };
    cloud.ok::<op::PutBucketPolicy>(allow).await;
    cloud.env.clock.advance(Duration::from_secs(3600));
    cloud.run().await;
    let delivered = keys(&cloud).await;
    assert_eq!(delivered.len(), 3, "{delivered:?}");
    let manifest_key = delivered.iter().find(|key| key.ends_with("manifest.json")).unwrap();
    assert!(manifest_key.starts_with("inv/bkt/one/20"), "{manifest_key}");
    let manifest: serde_json::Value =
        serde_json::from_str(&cloud.get("lists", manifest_key).await.unwrap()).unwrap();
    assert_eq!(manifest["fileSchema"], "Bucket, Key, Size, StorageClass, ETag");
    let file = manifest["files"][0]["key"].as_str().unwrap();
    let input = s::GetObjectRequest { bucket: "lists".into(), key: file.into(), ..Default::default() };
    let got = cloud.call::<op::GetObject>(&root(OURS), input).await.unwrap();
    let bytes = got.body.collect(usize::MAX).await.unwrap();
    assert_eq!(manifest["files"][0]["size"], bytes.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(
        text,
        "\"bkt\",\"in/a%20b%22.txt\",\"5\",\"STANDARD\",\"5d41402abc4b2a76b9719d911017c592\"\n\
         \"bkt\",\"in/z\",\"0\",\"STANDARD\",\"d41d8cd98f00b204e9800998ecf8427e\"\n"
    );
    // The next one a day later.
    cloud.env.clock.advance(Duration::from_secs(86_400));
    cloud.run().await;
    assert_eq!(keys(&cloud).await.len(), 6);
    let delete = s::DeleteBucketInventoryConfigurationRequest {
        bucket: "bkt".into(),
        id: "one".into(),
        ..Default::default()
    };
    cloud.ok::<op::DeleteBucketInventoryConfiguration>(delete.clone()).await;
    assert!(
        cloud.err::<op::DeleteBucketInventoryConfiguration>(delete).await.starts_with("NoSuchConfiguration")
    );
    cloud.env.clock.advance(Duration::from_secs(86_400));
    cloud.run().await;
    assert_eq!(keys(&cloud).await.len(), 6);
}
