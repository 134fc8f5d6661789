use std::io::Read;
use std::time::Duration;

use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_s3_parquet::Cell;
use haneul_s3_wire::{operations as op, shapes as s};

use super::cloud::{Cloud, OURS, policy, put, root};
use super::parquet::read;

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

/// As AWS's guide has it.
async fn let_in(cloud: &Cloud) {
    let statement = format!(
        r#""Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::lists/*",
           "Condition":{{"ArnLike":{{"aws:SourceArn":"arn:aws:s3:::bkt"}},"StringEquals":{{"aws:SourceAccount":"{OURS}","s3:x-amz-acl":"bucket-owner-full-control"}}}}"#
    );
    let allow = s::PutBucketPolicyRequest {
        bucket: "lists".into(),
        policy: policy(&statement),
        ..Default::default()
    };
    cloud.ok::<op::PutBucketPolicy>(allow).await;
}

async fn bytes(cloud: &Cloud, key: &str) -> Vec<u8> {
    let input = s::GetObjectRequest { bucket: "lists".into(), key: key.into(), ..Default::default() };
    let got = cloud.call::<op::GetObject>(&root(OURS), input).await.unwrap();
    got.body.collect(usize::MAX).await.unwrap()
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
        ("one", "ORC", "Current", "NotImplemented"),
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
    let_in(&cloud).await;
    cloud.env.clock.advance(Duration::from_secs(3600));
    cloud.run().await;
    let delivered = keys(&cloud).await;
    assert_eq!(delivered.len(), 4, "{delivered:?}");
    let manifest_key = delivered.iter().find(|key| key.ends_with("manifest.json")).unwrap();
    assert!(manifest_key.starts_with("inv/bkt/one/20"), "{manifest_key}");
    let manifest: serde_json::Value =
        serde_json::from_str(&cloud.get("lists", manifest_key).await.unwrap()).unwrap();
    assert_eq!(manifest["fileSchema"], "Bucket, Key, Size, ETag, StorageClass");
    assert_eq!(manifest["fileFormat"], "CSV");
    let file = manifest["files"][0]["key"].as_str().unwrap();
    let bytes = bytes(&cloud, file).await;
    assert_eq!(manifest["files"][0]["size"], bytes.len());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    assert_eq!(
        text,
        "\"bkt\",\"in/a%20b%22.txt\",\"5\",\"5d41402abc4b2a76b9719d911017c592\",\"STANDARD\"\n\
         \"bkt\",\"in/z\",\"0\",\"d41d8cd98f00b204e9800998ecf8427e\",\"STANDARD\"\n"
    );
    let symlink = delivered.iter().find(|key| key.ends_with("/symlink.txt")).unwrap();
    assert!(symlink.starts_with("inv/bkt/one/hive/dt=20"), "{symlink}");
    assert_eq!(cloud.get("lists", symlink).await.unwrap(), format!("s3://lists/{file}\n"));
    // The next one a day later.
    cloud.env.clock.advance(Duration::from_secs(86_400));
    cloud.run().await;
    assert_eq!(keys(&cloud).await.len(), 8);
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
    assert_eq!(keys(&cloud).await.len(), 8);
}

#[tokio::test]
async fn lists_as_parquet() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.bucket("lists").await;
    cloud.version("bkt").await;
    let_in(&cloud).await;
    let first = cloud.put("bkt", "in/a b\"", "hello").await.version_id.unwrap();
    let kept =
        s::PutObjectRequest { storage_class: Some("INTELLIGENT_TIERING".into()), ..put("bkt", "in/b", "x") };
    let second = cloud.ok::<op::PutObject>(kept).await.version_id.unwrap();
    let delete =
        s::DeleteObjectRequest { bucket: "bkt".into(), key: "in/a b\"".into(), ..Default::default() };
    let marker = cloud.ok::<op::DeleteObject>(delete).await.version_id.unwrap();
    let mut input = configure("one", "Parquet", "All");
    let names =
        ["ObjectOwner", "IntelligentTieringAccessTier", "EncryptionStatus", "LastModifiedDate", "Size"];
    input.inventory_configuration.optional_fields = Some(names.map(str::to_owned).to_vec());
    cloud.ok::<op::PutBucketInventoryConfiguration>(input).await;
    cloud.run().await;
    cloud.env.clock.advance(Duration::from_secs(86_400));
    cloud.run().await;
    let delivered = keys(&cloud).await;
    let manifest = delivered.iter().find(|key| key.ends_with("manifest.json")).unwrap();
    let manifest: serde_json::Value =
        serde_json::from_str(&cloud.get("lists", manifest).await.unwrap()).unwrap();
    assert_eq!(manifest["fileFormat"], "Parquet");
    assert_eq!(
        manifest["fileSchema"],
        "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); \
         optional binary version_id (UTF8); optional boolean is_latest; optional boolean is_delete_marker; \
         optional int64 size; optional int64 last_modified_date (TIMESTAMP_MILLIS); \
         optional binary encryption_status (UTF8); optional binary intelligent_tiering_access_tier (UTF8); \
         optional binary object_owner (UTF8); }"
    );
    let file = manifest["files"][0]["key"].as_str().unwrap();
    assert!(file.starts_with("inv/bkt/one/data/") && file.ends_with(".parquet"), "{file}");
    let table = read(&bytes(&cloud, file).await);
    assert_eq!(table.name, "s3.inventory");
    let text = |text: &str| Cell::Text(text.to_owned());
    // Without the time and the owner, which are of no interest here.
    let rows: Vec<_> = table.rows.into_iter().map(|row| [&row[..6], &row[7..9]].concat()).collect();
    let row = |key, version: &str, latest, marker, size, encryption, tier| {
        vec![
            text("bkt"),
            text(key),
            text(version),
            Cell::Bool(latest),
            Cell::Bool(marker),
            size,
            encryption,
            tier,
        ]
    };
    assert_eq!(
        rows,
        [
            row("in/a b\"", &marker, true, true, Cell::Null, Cell::Null, Cell::Null),
            row("in/a b\"", &first, false, false, Cell::Long(5), text("SSE-S3"), Cell::Null),
            row("in/b", &second, true, false, Cell::Long(1), text("SSE-S3"), text("FREQUENT")),
        ]
    );
}

#[tokio::test]
async fn lists_can_be_encrypted_by_kms() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.bucket("lists").await;
    let_in(&cloud).await;
    let statements = format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{OURS}"}},"Action":"kms:*","Resource":"*"}},
           {{"Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"Action":"kms:GenerateDataKey","Resource":"*",
           "Condition":{{"StringEquals":{{"aws:SourceAccount":"{OURS}"}}}}"#
    );
    let key = k::CreateKeyRequest { policy: Some(policy(&statements)), ..Default::default() };
    let key = cloud.ok::<kms::CreateKey>(key).await.key_metadata.unwrap().arn.unwrap();
    let mut input = configure("one", "CSV", "Current");
    let encryption = s::InventoryEncryption { sses3: None, ssekms: Some(s::SSEKMS { key_id: key.clone() }) };
    input.inventory_configuration.destination.s3_bucket_destination.encryption = Some(encryption);
    cloud.ok::<op::PutBucketInventoryConfiguration>(input).await;
    cloud.run().await;
    cloud.env.clock.advance(Duration::from_secs(86_400));
    cloud.run().await;
    let delivered = keys(&cloud).await;
    assert_eq!(delivered.len(), 4, "{delivered:?}");
    for name in delivered {
        let input = s::HeadObjectRequest { bucket: "lists".into(), key: name, ..Default::default() };
        let head = cloud.ok::<op::HeadObject>(input).await;
        assert_eq!(head.ssekms_key_id.as_ref(), Some(&key));
    }
}
