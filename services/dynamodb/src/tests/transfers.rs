//! Exports to S3 and imports from it.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

use haneul_dynamodb_wire::operations as op;
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{ByteStream, Instant};
use haneul_s3_wire::operations as s3;
use haneul_s3_wire::shapes as o;
use haneul_shape::value::Map;
use haneul_store::{Range, Reads};
use serde_json::{Value as Json, json};

use super::cloud::{Cloud, root};
use crate::model::{EXPORTS, IMPORTS, JobStatus};
use crate::transfer::json;
use crate::value::{Attrs, wire};

type Item = Map<s::AttributeValue>;

/// Turns that a task gets before it is given up.
const TURNS: u32 = 100_000;

impl Cloud {
    async fn source(&self) {
        let create = s3::CreateBucket::default_input("bucket");
        self.ok::<s3::CreateBucket>(create).await;
        self.ok::<op::CreateTable>(table_input("tab")).await;
        let recovery = s::UpdateContinuousBackupsInput {
            table_name: "tab".into(),
            point_in_time_recovery_specification: s::PointInTimeRecoverySpecification {
                point_in_time_recovery_enabled: true,
                recovery_period_in_days: None,
            },
        };
        self.ok::<op::UpdateContinuousBackups>(recovery).await;
    }

    async fn put_item(&self, line: Json) {
        let item = json::item(&json!({ "Item": line }).to_string()).unwrap();
        let input = s::PutItemInput {
            table_name: "tab".into(),
            item: wire::attrs_to_wire(item),
            ..Default::default()
        };
        self.ok::<op::PutItem>(input).await;
    }

    async fn content(&self, table: &str, index: Option<&str>) -> BTreeMap<String, String> {
        let scan = s::ScanInput {
            table_name: table.into(),
            index_name: index.map(str::to_owned),
            ..Default::default()
        };
        let items: Vec<Item> = self.ok::<op::Scan>(scan).await.items.unwrap();
        let item = |item: Item| -> (String, String) {
            let item: Attrs = wire::attrs(item).unwrap();
            let text = json::of_item(&item).to_string();
            (format!("{:?}", item.get("p")), text)
        };
        items.into_iter().map(item).collect()
    }

    async fn export(&self, input: s::ExportTableToPointInTimeInput) -> s::ExportDescription {
        let started = self.ok::<op::ExportTableToPointInTime>(input).await.export_description.unwrap();
        assert_eq!(started.export_status.as_deref(), Some("IN_PROGRESS"));
        let arn = started.export_arn.unwrap();
        for _ in 0..TURNS {
            let input = s::DescribeExportInput { export_arn: arn.clone() };
            let export = self.ok::<op::DescribeExport>(input).await.export_description.unwrap();
            if export.export_status.as_deref() != Some("IN_PROGRESS") {
                return export;
            }
            tokio::task::yield_now().await;
        }
        panic!("the export does not end")
    }

    async fn import(&self, input: s::ImportTableInput) -> s::ImportTableDescription {
        let started = self.ok::<op::ImportTable>(input).await.import_table_description;
        assert_eq!(started.import_status.as_deref(), Some("IN_PROGRESS"));
        let arn = started.import_arn.unwrap();
        for _ in 0..TURNS {
            let input = s::DescribeImportInput { import_arn: arn.clone() };
            let import = self.ok::<op::DescribeImport>(input).await.import_table_description;
            if import.import_status.as_deref() != Some("IN_PROGRESS") {
                return import;
            }
            tokio::task::yield_now().await;
        }
        panic!("the import does not end")
    }

    async fn object(&self, key: &str) -> Vec<u8> {
        let input = o::GetObjectRequest { bucket: "bucket".into(), key: key.into(), ..Default::default() };
        self.ok::<s3::GetObject>(input).await.body.collect(usize::MAX).await.unwrap()
    }

    async fn put_file(&self, key: &str, content: &str) {
        let input = o::PutObjectRequest {
            bucket: "bucket".into(),
            key: key.into(),
            content_length: Some(content.len() as i64),
            body: ByteStream::from_bytes(content.as_bytes().to_vec()),
            ..Default::default()
        };
        self.ok::<s3::PutObject>(input).await;
    }

    /// The lines of all data files of an export.
    async fn lines(&self, export: &s::ExportDescription) -> Vec<String> {
        let manifest = self.object(export.export_manifest.as_ref().unwrap()).await;
        let summary: Json = serde_json::from_slice(&manifest).unwrap();
        assert_eq!(summary["itemCount"], json!(export.item_count));
        assert_eq!(summary["outputFormat"], json!(export.export_format));
        let files = self.object(summary["manifestFilesS3Key"].as_str().unwrap()).await;
        let mut lines = Vec::new();
        for file in String::from_utf8(files).unwrap().lines() {
            let file: Json = serde_json::from_str(file).unwrap();
            let data = self.object(file["dataFileS3Key"].as_str().unwrap()).await;
            let mut text = String::new();
            flate2::read::GzDecoder::new(&data[..]).read_to_string(&mut text).unwrap();
            assert_eq!(json!(text.lines().count()), file["itemCount"]);
            lines.extend(text.lines().map(str::to_owned));
        }
        lines
    }
}

trait DefaultInput {
    fn default_input(bucket: &str) -> o::CreateBucketRequest;
}

impl DefaultInput for s3::CreateBucket {
    fn default_input(bucket: &str) -> o::CreateBucketRequest {
        o::CreateBucketRequest { bucket: bucket.into(), ..Default::default() }
    }
}

fn key(name: &str) -> Vec<s::KeySchemaElement> {
    vec![s::KeySchemaElement { attribute_name: name.into(), key_type: "HASH".into() }]
}

fn attributes() -> Vec<s::AttributeDefinition> {
    [("p", "S"), ("g", "N")]
        .map(|(name, kind)| s::AttributeDefinition {
            attribute_name: name.into(),
            attribute_type: kind.into(),
        })
        .to_vec()
}

fn index() -> Vec<s::GlobalSecondaryIndex> {
    vec![s::GlobalSecondaryIndex {
        index_name: "idx".into(),
        key_schema: key("g"),
        projection: s::Projection { projection_type: Some("ALL".into()), ..Default::default() },
        ..Default::default()
    }]
}

fn table_input(name: &str) -> s::CreateTableInput {
    s::CreateTableInput {
        table_name: name.into(),
        key_schema: Some(key("p")),
        attribute_definitions: Some(attributes()),
        billing_mode: Some("PAY_PER_REQUEST".into()),
        global_secondary_indexes: Some(index()),
        ..Default::default()
    }
}

fn import_input(name: &str, prefix: &str, format: &str) -> s::ImportTableInput {
    s::ImportTableInput {
        s3_bucket_source: s::S3BucketSource {
            s3_bucket: "bucket".into(),
            s3_key_prefix: Some(prefix.into()),
            ..Default::default()
        },
        input_format: format.into(),
        table_creation_parameters: s::TableCreationParameters {
            table_name: name.into(),
            key_schema: key("p"),
            attribute_definitions: attributes(),
            billing_mode: Some("PAY_PER_REQUEST".into()),
            global_secondary_indexes: Some(index()),
            ..Default::default()
        },
        ..Default::default()
    }
}

fn export_input() -> s::ExportTableToPointInTimeInput {
    s::ExportTableToPointInTimeInput {
        table_arn: "arn:aws:dynamodb:us-east-1:111111111111:table/tab".into(),
        s3_bucket: "bucket".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_export_is_imported_as_the_same_table() {
    let cloud = Cloud::new().await;
    cloud.source().await;
    for i in 0..30 {
        cloud.put_item(json!({"p": {"S": format!("k{i}")}, "g": {"N": (i % 3).to_string()}, "b": {"B": "AAE="}, "l": {"L": [{"S": "a\"b"}, {"NULL": true}]}, "ss": {"SS": ["x", "y"]}})).await;
    }
    let before = cloud.content("tab", None).await;
    let at = cloud.platform.env.now();
    cloud.platform.env.clock.advance(Duration::from_secs(100));
    cloud.put_item(json!({"p": {"S": "k1"}, "changed": {"BOOL": true}})).await;
    cloud.put_item(json!({"p": {"S": "later"}})).await;
    for format in ["DYNAMODB_JSON", "ION"] {
        let input = s::ExportTableToPointInTimeInput {
            export_time: Some(at),
            export_format: Some(format.into()),
            s3_prefix: Some(format.to_lowercase()),
            ..export_input()
        };
        let export = cloud.export(input).await;
        assert_eq!(export.export_status.as_deref(), Some("COMPLETED"), "{:?}", export.failure_message);
        assert_eq!(export.item_count, Some(30));
        assert_eq!(cloud.lines(&export).await.len(), 30);
        let id = export.export_arn.unwrap().rsplit('/').next().unwrap().to_owned();
        let prefix = format!("{}/AWSDynamoDB/{id}/data/", format.to_lowercase());
        let name = format!("copy-{}", format.len());
        let input = s::ImportTableInput {
            input_compression_type: Some("GZIP".into()),
            ..import_input(&name, &prefix, format)
        };
        let import = cloud.import(input).await;
        assert_eq!(import.import_status.as_deref(), Some("COMPLETED"), "{:?}", import.failure_message);
        assert_eq!((import.imported_item_count, import.error_count), (Some(30), Some(0)));
        assert_eq!(cloud.content(&name, None).await, before);
        assert_eq!(cloud.content(&name, Some("idx")).await, before);
    }
    let listed =
        cloud.ok::<op::ListExports>(s::ListExportsInput { max_results: Some(1), ..Default::default() }).await;
    assert_eq!(listed.export_summaries.unwrap().len(), 1);
    let rest = s::ListExportsInput { next_token: listed.next_token, ..Default::default() };
    assert_eq!(cloud.ok::<op::ListExports>(rest).await.export_summaries.unwrap().len(), 1);
    let listed =
        cloud.ok::<op::ListImports>(s::ListImportsInput { page_size: Some(1), ..Default::default() }).await;
    let rest = s::ListImportsInput { next_token: listed.next_token, ..Default::default() };
    assert_eq!(cloud.ok::<op::ListImports>(rest).await.import_summary_list.unwrap().len(), 1);
}

#[tokio::test]
async fn an_incremental_export_has_what_became_of_each_item() {
    let cloud = Cloud::new().await;
    cloud.source().await;
    cloud.put_item(json!({"p": {"S": "changed"}, "v": {"N": "1"}})).await;
    cloud.put_item(json!({"p": {"S": "deleted"}})).await;
    cloud.put_item(json!({"p": {"S": "untouched"}})).await;
    cloud.platform.env.clock.advance(Duration::from_secs(10));
    let from = cloud.platform.env.now();
    cloud.put_item(json!({"p": {"S": "changed"}, "v": {"N": "2"}})).await;
    cloud.put_item(json!({"p": {"S": "changed"}, "v": {"N": "3"}})).await;
    cloud.put_item(json!({"p": {"S": "new"}})).await;
    cloud.put_item(json!({"p": {"S": "fleeting"}})).await;
    for p in ["deleted", "fleeting"] {
        let key = [("p", s::AttributeValue::S(p.into()))].into_iter().collect();
        cloud
            .ok::<op::DeleteItem>(s::DeleteItemInput { table_name: "tab".into(), key, ..Default::default() })
            .await;
    }
    cloud.platform.env.clock.advance(Duration::from_secs(3600));
    let to = cloud.platform.env.now();
    cloud.put_item(json!({"p": {"S": "after"}})).await;
    let input = s::ExportTableToPointInTimeInput {
        export_type: Some("INCREMENTAL_EXPORT".into()),
        incremental_export_specification: Some(s::IncrementalExportSpecification {
            export_from_time: Some(from),
            export_to_time: Some(to),
            export_view_type: None,
        }),
        ..export_input()
    };
    let export = cloud.export(input).await;
    assert_eq!(export.export_status.as_deref(), Some("COMPLETED"), "{:?}", export.failure_message);
    let mut lines: Vec<Json> =
        cloud.lines(&export).await.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| line["Keys"]["p"]["S"].to_string());
    let metadata = json!({"WriteTimestampMicros": {"N": (from.millis() * 1000).to_string()}});
    assert_eq!(
        json!(lines),
        json!([
            {"Metadata": metadata, "Keys": {"p": {"S": "changed"}}, "OldImage": {"p": {"S": "changed"}, "v": {"N": "1"}}, "NewImage": {"p": {"S": "changed"}, "v": {"N": "3"}}},
            {"Metadata": metadata, "Keys": {"p": {"S": "deleted"}}, "OldImage": {"p": {"S": "deleted"}}},
            {"Metadata": metadata, "Keys": {"p": {"S": "new"}}, "NewImage": {"p": {"S": "new"}}},
        ])
    );
}

#[tokio::test]
async fn errors_of_an_import_are_counted() {
    let cloud = Cloud::new().await;
    cloud.source().await;
    cloud.put_file("csv/a.csv", "p,g,name\na,1,\"x, y\"\nb,notanumber,z\n,1,nokey\nc,,\nd,2,e,f\n").await;
    let import = cloud.import(import_input("csv", "csv/", "CSV")).await;
    assert_eq!(import.import_status.as_deref(), Some("COMPLETED"), "{:?}", import.failure_message);
    assert_eq!(
        (import.processed_item_count, import.imported_item_count, import.error_count),
        (Some(5), Some(2), Some(3))
    );
    let content = cloud.content("csv", None).await;
    assert_eq!(content.len(), 2);
    assert!(
        content.values().any(|item| item == r#"{"g":{"N":"1"},"name":{"S":"x, y"},"p":{"S":"a"}}"#),
        "{content:?}"
    );
    // The last of two with one key stays, and no index entry of the first does.
    cloud.put_file("json/a.json", "{\"Item\":{\"p\":{\"S\":\"a\"},\"g\":{\"N\":\"1\"}}}\n{\"Item\":{\"p\":{\"S\":\"a\"},\"g\":{\"N\":\"2\"}}}\nnot json\n").await;
    let import = cloud.import(import_input("json", "json/", "DYNAMODB_JSON")).await;
    assert_eq!((import.imported_item_count, import.error_count), (Some(2), Some(1)));
    assert_eq!(cloud.content("json", Some("idx")).await, cloud.content("json", None).await);
}

#[tokio::test]
async fn what_cannot_be_done_fails_and_leaves_no_table() {
    let cloud = Cloud::new().await;
    cloud.source().await;
    let nowhere = s::ExportTableToPointInTimeInput { s3_bucket: "nowhere".into(), ..export_input() };
    let export = cloud.export(nowhere).await;
    assert_eq!(
        (export.export_status.as_deref(), export.failure_code.as_deref()),
        (Some("FAILED"), Some("S3NoSuchBucket"))
    );
    let mut nowhere = import_input("gone", "", "CSV");
    nowhere.s3_bucket_source.s3_bucket = "nowhere".into();
    let import = cloud.import(nowhere).await;
    assert_eq!(
        (import.import_status.as_deref(), import.failure_code.as_deref()),
        (Some("FAILED"), Some("S3NoSuchBucket"))
    );
    let gone = s::DescribeTableInput { table_name: "gone".into() };
    assert_eq!(
        cloud.call::<op::DescribeTable>(&root(), gone).await.err().unwrap().code(),
        "ResourceNotFoundException"
    );
    // As a stop in the middle leaves them.
    let store = &cloud.platform.store;
    for (key, record) in store.scan(&EXPORTS, Range::all(), 10).await.unwrap() {
        let record = crate::model::ExportRecord { status: JobStatus::InProgress, ..record };
        store.put(&EXPORTS, &key, &record).await.unwrap();
    }
    cloud.settle().await;
    let ended = store.scan(&EXPORTS, Range::all(), 10).await.unwrap();
    assert!(ended.iter().all(|(_, record)| record.status == JobStatus::Failed));
    assert_eq!(store.scan(&IMPORTS, Range::all(), 10).await.unwrap().len(), 1);
    let early =
        s::ExportTableToPointInTimeInput { export_time: Some(Instant::from_secs(1)), ..export_input() };
    let refused = cloud.call::<op::ExportTableToPointInTime>(&root(), early).await.err().unwrap();
    assert_eq!(refused.code(), "InvalidExportTimeException");
}
