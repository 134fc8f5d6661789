//! S3 Metadata: the journal tells of every change, once; the inventory is what the bucket holds.

use std::time::Duration;

use haneul_kit::{Env, Result};
use haneul_s3_iceberg::{Error, Objects, TableMetadata, Value, read_rows, tables};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3tables_wire::{operations as lake_op, shapes as l};
use haneul_store::Store;

use super::cloud::{Cloud, OURS, policy, put};

const LAKE: &str = "arn:aws:s3tables:us-east-1:111111111111:bucket/aws-s3";

pub(super) fn configuration(
    inventory: Option<&str>,
    days: Option<i32>,
) -> s::CreateBucketMetadataConfigurationRequest {
    s::CreateBucketMetadataConfigurationRequest {
        bucket: "bkt".into(),
        metadata_configuration: s::MetadataConfiguration {
            journal_table_configuration: s::JournalTableConfiguration {
                record_expiration: expiration(days),
                encryption_configuration: None,
            },
            inventory_table_configuration: inventory.map(|state| s::InventoryTableConfiguration {
                configuration_state: state.into(),
                encryption_configuration: None,
            }),
            annotation_table_configuration: None,
        },
        ..Default::default()
    }
}

fn expiration(days: Option<i32>) -> s::RecordExpiration {
    s::RecordExpiration { expiration: if days.is_some() { "ENABLED" } else { "DISABLED" }.into(), days }
}

pub(super) async fn shown(cloud: &Cloud) -> s::MetadataConfigurationResult {
    let input = s::GetBucketMetadataConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    let output = cloud.ok::<op::GetBucketMetadataConfiguration>(input).await;
    output.get_bucket_metadata_configuration_result.unwrap().metadata_configuration_result
}

async fn journal_status(cloud: &Cloud) -> (String, Option<String>) {
    let journal = shown(cloud).await.journal_table_configuration_result.unwrap();
    (journal.table_status, journal.error.and_then(|error| error.error_code))
}

pub(super) async fn minutes(cloud: &Cloud, count: u64) {
    cloud.env.clock.advance(Duration::from_secs(60 * count));
    cloud.run().await;
}

async fn file(cloud: &Cloud, uri: &str) -> Result<Vec<u8>> {
    let (bucket, key) = uri.strip_prefix("s3://").unwrap().split_once('/').unwrap();
    let input = s::GetObjectRequest { bucket: bucket.into(), key: key.into(), ..Default::default() };
    let output = cloud.call::<op::GetObject>(&super::cloud::root(OURS), input).await?;
    Ok(output.body.collect(usize::MAX).await.unwrap())
}

async fn metadata(cloud: &Cloud, table: &str) -> TableMetadata {
    let input = l::GetTableMetadataLocationRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "b_bkt".into(),
        name: table.into(),
    };
    let location = cloud.ok::<lake_op::GetTableMetadataLocation>(input).await.metadata_location.unwrap();
    TableMetadata::parse(&file(cloud, &location).await.unwrap()).unwrap()
}

/// The rows of a table as a client reads them: its files by GetObject.
pub(super) async fn rows(cloud: &Cloud, table: &str) -> Vec<Vec<Value>> {
    let metadata = metadata(cloud, table).await;
    if metadata.current_snapshot().is_none() {
        return Vec::new();
    }
    let mut objects = Objects::new();
    let files = loop {
        match metadata.files(&objects) {
            Ok(files) => break files,
            Err(Error::Missing(locations)) => {
                for location in locations {
                    let bytes = file(cloud, &location).await.unwrap();
                    objects.insert(location, bytes);
                }
            }
            Err(error) => panic!("{error}"),
        }
    };
    let schema = metadata.schema().unwrap();
    let mut rows = Vec::new();
    for data in files {
        let bytes = file(cloud, &data.location).await.unwrap();
        read_rows(schema, &bytes, |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
    }
    rows
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        other => format!("{other:?}"),
    }
}

/// Kind, key, whether it is a marker, size; in the order of sequence numbers.
async fn journal(cloud: &Cloud) -> Vec<String> {
    let mut all = rows(cloud, "journal").await;
    all.sort_by_key(|row| text(&row[2]));
    let told = |row: &Vec<Value>| {
        let marker = if row[6] == Value::Boolean(true) { " marker" } else { "" };
        let size = match row[7] {
            Value::Long(size) => format!(" {size}"),
            _ => String::new(),
        };
        format!("{} {}{marker}{size}", text(&row[3]), text(&row[1]))
    };
    all.iter().map(told).collect()
}

async fn delete(cloud: &Cloud, key: &str) {
    let input = s::DeleteObjectRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() };
    cloud.ok::<op::DeleteObject>(input).await;
}

#[tokio::test]
async fn the_journal_tells_of_every_change_once() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "before", "x").await;
    let get = s::GetBucketMetadataConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    let none = cloud.err::<op::GetBucketMetadataConfiguration>(get).await;
    assert!(none.starts_with("MetadataConfigurationNotFound"), "{none}");
    cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(None, None)).await;
    assert_eq!(journal_status(&cloud).await, ("CREATING".into(), None));
    let again = cloud.err::<op::CreateBucketMetadataConfiguration>(configuration(None, None)).await;
    assert!(again.starts_with("MetadataConfigurationAlreadyExists"), "{again}");
    cloud.put("bkt", "a", "hello").await;
    cloud.run().await;
    assert_eq!(journal_status(&cloud).await, ("ACTIVE".into(), None));
    let destination = shown(&cloud).await.destination_result;
    assert_eq!(destination.table_bucket_arn.as_deref(), Some(LAKE));
    assert_eq!(destination.table_namespace.as_deref(), Some("b_bkt"));
    assert_eq!(journal(&cloud).await, ["CREATE a 5"], "what was there before is not told of");

    let tags = s::PutObjectTaggingRequest {
        bucket: "bkt".into(),
        key: "a".into(),
        tagging: s::Tagging { tag_set: vec![s::Tag { key: "team".into(), value: "sky".into() }] },
        ..Default::default()
    };
    cloud.ok::<op::PutObjectTagging>(tags).await;
    cloud.put("bkt", "a", "hi").await;
    delete(&cloud, "a").await;
    assert_eq!(journal(&cloud).await.len(), 1, "not before the minute is over");
    minutes(&cloud, 1).await;
    let told = ["CREATE a 5", "UPDATE_METADATA a 5", "CREATE a 2", "DELETE a"];
    assert_eq!(journal(&cloud).await, told);
    minutes(&cloud, 1).await;
    assert_eq!(journal(&cloud).await, told, "nothing twice");

    cloud.version("bkt").await;
    let version = cloud.put("bkt", "v", "1").await.version_id;
    delete(&cloud, "v").await;
    minutes(&cloud, 1).await;
    let all = rows(&cloud, "journal").await;
    let row = all.iter().find(|row| text(&row[1]) == "v" && text(&row[3]) == "CREATE").unwrap();
    assert_eq!(text(&row[5]), version.unwrap());
    let column = |name: &str| tables::JOURNAL.iter().position(|column| column.name == name).unwrap();
    assert_eq!(text(&row[column("requester")]), OURS.to_string());
    assert_eq!(text(&row[column("encryption_status")]), "SSE-S3");
    assert_eq!(row[column("object_tags")], Value::Map(Vec::new()));
    assert_eq!(journal(&cloud).await[4..], ["CREATE v 1", "DELETE v marker 0"]);

    // What was noted is written though the configuration is gone, and then nothing more.
    cloud.put("bkt", "last", "").await;
    let end = s::DeleteBucketMetadataConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    cloud.ok::<op::DeleteBucketMetadataConfiguration>(end).await;
    cloud.put("bkt", "after", "").await;
    minutes(&cloud, 1).await;
    assert_eq!(journal(&cloud).await[6..], ["CREATE last 0"], "the table stays");
    assert!(cloud.s3.records.metadata_feeds(None, 9).await.unwrap().is_empty());
    // A new configuration wants the old table gone.
    cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(None, None)).await;
    cloud.put("bkt", "more", "").await;
    cloud.run().await;
    let failed = ("FAILED".to_owned(), Some("JournalTableAlreadyExists".to_owned()));
    assert_eq!(journal_status(&cloud).await, failed);
}

#[tokio::test]
async fn the_inventory_is_what_the_bucket_holds() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.version("bkt").await;
    for key in ["a", "b"] {
        cloud.put("bkt", key, key).await;
    }
    delete(&cloud, "b").await;
    cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(Some("ENABLED"), None)).await;
    cloud.run().await;
    let inventory = shown(&cloud).await.inventory_table_configuration_result.unwrap();
    assert_eq!(
        (inventory.configuration_state.as_str(), inventory.table_status.as_deref()),
        ("ENABLED", Some("ACTIVE"))
    );
    let keys = |rows: Vec<Vec<Value>>| -> Vec<String> {
        rows.iter()
            .map(|row| format!("{}{}", text(&row[1]), if row[4] == Value::Boolean(true) { "!" } else { "" }))
            .collect()
    };
    assert_eq!(keys(rows(&cloud, "inventory").await), ["a", "b!", "b"]);
    let first = metadata(&cloud, "inventory").await.current_snapshot_id;
    minutes(&cloud, 60).await;
    assert_eq!(metadata(&cloud, "inventory").await.current_snapshot_id, first, "nothing changed");
    cloud.put("bkt", "c", "c").await;
    minutes(&cloud, 1).await;
    assert_eq!(keys(rows(&cloud, "inventory").await), ["a", "b!", "b", "c"]);
    cloud.put("bkt", "d", "d").await;
    minutes(&cloud, 1).await;
    assert_eq!(keys(rows(&cloud, "inventory").await).len(), 4, "within the hour, not at once");
    minutes(&cloud, 59).await;
    assert_eq!(keys(rows(&cloud, "inventory").await), ["a", "b!", "b", "c", "d"]);

    let switch = |state: &str| s::UpdateBucketMetadataInventoryTableConfigurationRequest {
        bucket: "bkt".into(),
        inventory_table_configuration: s::InventoryTableConfigurationUpdates {
            configuration_state: state.into(),
            encryption_configuration: None,
        },
        ..Default::default()
    };
    cloud.ok::<op::UpdateBucketMetadataInventoryTableConfiguration>(switch("DISABLED")).await;
    cloud.put("bkt", "e", "e").await;
    minutes(&cloud, 60).await;
    assert_eq!(keys(rows(&cloud, "inventory").await).len(), 5, "as it was");
    cloud.ok::<op::UpdateBucketMetadataInventoryTableConfiguration>(switch("ENABLED")).await;
    cloud.run().await;
    let inventory = shown(&cloud).await.inventory_table_configuration_result.unwrap();
    assert_eq!(inventory.error.unwrap().error_code.as_deref(), Some("InventoryTableAlreadyExists"));
}

#[tokio::test]
async fn records_expire_and_snapshots_are_forgotten() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    for (days, expected) in [(Some(6), "InvalidRequest"), (None, "ok")] {
        let input = configuration(None, days);
        match days {
            Some(_) => {
                let refused = cloud.err::<op::CreateBucketMetadataConfiguration>(input).await;
                assert!(refused.starts_with(expected), "{refused}");
            }
            None => drop(cloud.ok::<op::CreateBucketMetadataConfiguration>(input).await),
        }
    }
    cloud.run().await;
    for key in ["a", "b", "c"] {
        cloud.put("bkt", key, "").await;
        minutes(&cloud, 1).await;
    }
    assert_eq!(metadata(&cloud, "journal").await.snapshots.len(), 3);
    minutes(&cloud, 61).await;
    minutes(&cloud, 61).await;
    let kept = metadata(&cloud, "journal").await;
    assert_eq!(kept.snapshots.len(), 1);
    assert_eq!(journal(&cloud).await.len(), 3, "and nothing of what it says");
    let update = s::UpdateBucketMetadataJournalTableConfigurationRequest {
        bucket: "bkt".into(),
        journal_table_configuration: s::JournalTableConfigurationUpdates {
            record_expiration: expiration(Some(7)),
        },
        ..Default::default()
    };
    cloud.ok::<op::UpdateBucketMetadataJournalTableConfiguration>(update).await;
    minutes(&cloud, 6 * 24 * 60).await;
    assert_eq!(journal(&cloud).await.len(), 3);
    cloud.put("bkt", "young", "").await;
    minutes(&cloud, 2 * 24 * 60).await;
    minutes(&cloud, 61).await;
    assert_eq!(journal(&cloud).await, ["CREATE young 0"]);
}

#[tokio::test]
async fn tables_of_many_files_stay_readable() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(None, None)).await;
    cloud.run().await;
    let mut expected = Vec::new();
    for i in 0..150 {
        cloud.put("bkt", &format!("k{i:03}"), "").await;
        expected.push(format!("CREATE k{i:03} 0"));
        minutes(&cloud, 1).await;
    }
    assert_eq!(journal(&cloud).await, expected);
    let metadata = metadata(&cloud, "journal").await;
    assert!(metadata.snapshots.len() <= 130, "{}", metadata.snapshots.len());
    let summary = &metadata.current_snapshot().unwrap().summary;
    let files: usize = summary["total-data-files"].parse().unwrap();
    assert!(files < 70, "small files become one: {files}");
}

#[tokio::test]
async fn nobody_else_writes_the_tables() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(None, None)).await;
    cloud.put("bkt", "a", "").await;
    cloud.run().await;
    let location = metadata(&cloud, "journal").await.location;
    let warehouse = location.strip_prefix("s3://").unwrap();
    let refused = cloud.err::<op::PutObject>(put(warehouse, "x", "x")).await;
    assert!(refused.starts_with("AccessDenied"), "{refused}");
    let namespace =
        l::CreateNamespaceRequest { table_bucket_arn: LAKE.into(), namespace: vec!["mine".into()] };
    let refused = cloud.err::<lake_op::CreateNamespace>(namespace).await;
    assert!(refused.starts_with("ForbiddenException"), "{refused}");

    // Without the table's policy S3 Metadata is not let in, and after a day it gives up.
    let names = |name: &str| (LAKE.to_owned(), "b_bkt".to_owned(), name.to_owned());
    let (table_bucket_arn, namespace, name) = names("journal");
    let shut = l::DeleteTablePolicyRequest { table_bucket_arn, namespace, name };
    cloud.ok::<lake_op::DeleteTablePolicy>(shut).await;
    cloud.put("bkt", "b", "").await;
    minutes(&cloud, 1).await;
    assert_eq!(journal(&cloud).await, ["CREATE a 0"]);
    assert_eq!(journal_status(&cloud).await.0, "ACTIVE");
    minutes(&cloud, 24 * 60).await;
    let failed = ("FAILED".to_owned(), Some("AccessDeniedWritingToTable".to_owned()));
    assert_eq!(journal_status(&cloud).await, failed);
    cloud.put("bkt", "c", "").await;
    cloud.run().await;
    let id = cloud.s3.records.metadata_feeds(None, 1).await.unwrap()[0].0;
    assert!(cloud.s3.records.changes(id, 9).await.unwrap().is_empty(), "nothing waits for ever");
}

#[tokio::test]
async fn a_table_that_is_deleted_is_missed() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(Some("ENABLED"), None)).await;
    cloud.run().await;
    let delete = l::DeleteTableRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "b_bkt".into(),
        name: "journal".into(),
        version_token: None,
    };
    cloud.ok::<lake_op::DeleteTable>(delete).await;
    cloud.put("bkt", "a", "").await;
    minutes(&cloud, 1).await;
    let failed = ("FAILED".to_owned(), Some("DestinationTableNotFound".to_owned()));
    assert_eq!(journal_status(&cloud).await, failed);
    let inventory = shown(&cloud).await.inventory_table_configuration_result.unwrap();
    assert_eq!(inventory.error.unwrap().error_code.as_deref(), Some("JournalTableNotAvailable"));
}

#[tokio::test]
async fn the_first_version_writes_into_a_bucket_of_ones_own() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let arn = LAKE.replace("aws-s3", "lake");
    let create = |name: &str| s::CreateBucketMetadataTableConfigurationRequest {
        bucket: "bkt".into(),
        metadata_table_configuration: s::MetadataTableConfiguration {
            s3_tables_destination: s::S3TablesDestination {
                table_bucket_arn: arn.clone(),
                table_name: name.into(),
            },
        },
        ..Default::default()
    };
    let get = || s::GetBucketMetadataTableConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    let end =
        || s::DeleteBucketMetadataTableConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    cloud.ok::<op::CreateBucketMetadataTableConfiguration>(create("t")).await;
    cloud.run().await;
    let result = cloud.ok::<op::GetBucketMetadataTableConfiguration>(get()).await;
    let result = result.get_bucket_metadata_table_configuration_result.unwrap();
    assert_eq!(result.error.unwrap().error_code.as_deref(), Some("TableBucketNotFound"));
    cloud.ok::<op::DeleteBucketMetadataTableConfiguration>(end()).await;
    cloud
        .ok::<lake_op::CreateTableBucket>(l::CreateTableBucketRequest {
            name: "lake".into(),
            ..Default::default()
        })
        .await;
    cloud.ok::<op::CreateBucketMetadataTableConfiguration>(create("t")).await;
    cloud.put("bkt", "a", "").await;
    cloud.run().await;
    let result = cloud.ok::<op::GetBucketMetadataTableConfiguration>(get()).await;
    let result = result.get_bucket_metadata_table_configuration_result.unwrap();
    assert_eq!(result.status, "ACTIVE");
    let destination = result.metadata_table_configuration_result.s3_tables_destination_result;
    assert_eq!(destination.table_namespace, "aws_s3_metadata");
    let table = l::GetTableRequest { table_arn: Some(destination.table_arn), ..Default::default() };
    let table = cloud.ok::<lake_op::GetTable>(table).await;
    assert_eq!(
        (table.name.as_str(), table.managed_by_service.as_deref()),
        ("t", Some("metadata.s3.amazonaws.com"))
    );
    cloud.ok::<op::DeleteBucketMetadataTableConfiguration>(end()).await;
    cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(None, None)).await;
    let other = cloud.err::<op::GetBucketMetadataTableConfiguration>(get()).await;
    assert!(other.starts_with("MethodNotAllowed"), "{other}");
    let other = cloud.err::<op::DeleteBucketMetadataTableConfiguration>(end()).await;
    assert!(other.starts_with("MethodNotAllowed"), "{other}");
}

/// Given up in the middle of anything, a run leaves a journal that tells of each change once when it is done again.
#[tokio::test]
async fn a_run_that_ends_anywhere_loses_nothing() {
    for steps in 0..40 {
        let env = Env::simulated(5);
        let store = Store::memory();
        let cloud = Cloud::on(&env, store.clone()).await;
        cloud.bucket("bkt").await;
        cloud.ok::<op::CreateBucketMetadataConfiguration>(configuration(None, None)).await;
        for key in ["a", "b", "c"] {
            cloud.put("bkt", key, "x").await;
        }
        {
            let run = cloud.run();
            let mut run = std::pin::pin!(run);
            for _ in 0..steps {
                if futures_util::poll!(run.as_mut()).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let cloud = Cloud::with_blobs(&env, store, cloud.platform.blobs.clone()).await;
        minutes(&cloud, 1).await;
        assert_eq!(journal(&cloud).await, ["CREATE a 1", "CREATE b 1", "CREATE c 1"], "{steps}");
    }
}

#[tokio::test]
async fn a_key_encrypts_the_tables() {
    use haneul_kms_wire::{operations as kms, shapes as k};
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let key = |service: &str| {
        let statements = format!(
            r#""Effect":"Allow","Principal":{{"AWS":"{OURS}"}},"Action":"kms:*","Resource":"*"}},
               {{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"
            "#
        );
        k::CreateKeyRequest { policy: Some(policy(&statements)), ..Default::default() }
    };
    for (service, status, error) in [
        ("other.amazonaws.com", "FAILED", Some("AccessDeniedCreatingResources")),
        ("metadata.s3.amazonaws.com", "ACTIVE", None),
    ] {
        let key = cloud.ok::<kms::CreateKey>(key(service)).await.key_metadata.unwrap().arn.unwrap();
        let mut input = configuration(None, None);
        input.metadata_configuration.journal_table_configuration.encryption_configuration =
            Some(s::MetadataTableEncryptionConfiguration {
                sse_algorithm: "aws:kms".into(),
                kms_key_arn: Some(key.clone()),
            });
        cloud.ok::<op::CreateBucketMetadataConfiguration>(input).await;
        cloud.put("bkt", "a", "").await;
        cloud.run().await;
        assert_eq!(journal_status(&cloud).await, (status.into(), error.map(str::to_owned)));
        if error.is_none() {
            assert_eq!(journal(&cloud).await, ["CREATE a 0"]);
        }
        let end = s::DeleteBucketMetadataConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
        cloud.ok::<op::DeleteBucketMetadataConfiguration>(end).await;
        cloud.run().await;
    }
}
