//! The Iceberg REST catalog, as a client asks it over HTTP.

use haneul_s3_wire::{operations as s3op, shapes as s3};
use haneul_s3tables_wire::{operations as op, shapes as s};
use http::Request;
use serde_json::{Value, json};

use super::cloud::{Cloud, put};

const LAKE: &str = "arn:aws:s3tables:us-east-1:111111111111:bucket/lake";
const PREFIX: &str = "arn%3Aaws%3As3tables%3Aus%2Deast%2D1%3A111111111111%3Abucket%2Flake";

async fn ask(cloud: &Cloud, method: &str, path: &str, body: &'static str) -> (u16, Value) {
    let uri = format!("http://localhost:4566/iceberg/v1/{path}");
    let request = Request::builder().method(method).uri(uri).body(body).unwrap();
    let (status, text) = cloud.send_to("s3tables", request).await;
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_client_finds_its_way() {
    let cloud = Cloud::relaxed().await;
    cloud
        .ok::<op::CreateTableBucket>(s::CreateTableBucketRequest {
            name: "lake".into(),
            ..Default::default()
        })
        .await;
    let (status, config) = ask(&cloud, "GET", &format!("config?warehouse={PREFIX}"), "").await;
    assert_eq!((status, &config["overrides"]["prefix"]), (200, &json!(PREFIX)));
    let at = |rest: &str| format!("{PREFIX}/{rest}");
    let made = ask(&cloud, "POST", &at("namespaces"), r#"{"namespace":["sales"]}"#).await;
    assert_eq!(made, (200, json!({ "namespace": ["sales"], "properties": {} })));
    let (status, twice) = ask(&cloud, "POST", &at("namespaces"), r#"{"namespace":["sales"]}"#).await;
    assert_eq!((status, &twice["error"]["type"]), (409, &json!("AlreadyExistsException")));
    let table = s::CreateTableRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "sales".into(),
        name: "orders".into(),
        format: "ICEBERG".into(),
        ..Default::default()
    };
    let created = cloud.ok::<op::CreateTable>(table).await;
    let (_, listed) = ask(&cloud, "GET", &at("namespaces/sales/tables"), "").await;
    assert_eq!(listed["identifiers"], json!([{ "namespace": ["sales"], "name": "orders" }]));
    let (status, none) = ask(&cloud, "GET", &at("namespaces/sales/tables/orders"), "").await;
    assert_eq!((status, &none["error"]["type"]), (404, &json!("NoSuchTableException")), "it has no metadata");
    let find = s::GetTableMetadataLocationRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "sales".into(),
        name: "orders".into(),
    };
    let warehouse = cloud.ok::<op::GetTableMetadataLocation>(find).await.warehouse_location;
    let location = format!("{warehouse}/metadata/1.metadata.json");
    let bucket = warehouse.strip_prefix("s3://").unwrap();
    let file: s3::PutObjectRequest = put(bucket, "metadata/1.metadata.json", r#"{"format-version": 2}"#);
    cloud.ok::<s3op::PutObject>(file).await;
    let update = s::UpdateTableMetadataLocationRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "sales".into(),
        name: "orders".into(),
        version_token: created.version_token,
        metadata_location: location.clone(),
    };
    cloud.ok::<op::UpdateTableMetadataLocation>(update).await;
    let (_, loaded) = ask(&cloud, "GET", &at("namespaces/sales/tables/orders"), "").await;
    assert_eq!(
        loaded,
        json!({ "metadata-location": location, "metadata": { "format-version": 2 }, "config": {} })
    );
    for (method, path, body, expected, kind) in [
        ("HEAD", "namespaces/sales/tables/orders", "", 204, ""),
        ("HEAD", "namespaces/sales/tables/none", "", 404, ""),
        ("HEAD", "namespaces/sales", "", 204, ""),
        ("GET", "namespaces/none/tables/orders", "", 404, "NoSuchNamespaceException"),
        ("GET", "namespaces/sales/tables?pageSize=0", "", 400, "BadRequestException"),
        ("POST", "namespaces", "{", 400, "BadRequestException"),
        ("POST", "namespaces", r#"{"namespace":["a","b"]}"#, 400, "BadRequestException"),
        ("POST", "namespaces/sales/tables", "{}", 400, "BadRequestException"),
        ("POST", "namespaces/sales/views", "{}", 406, "UnsupportedOperationException"),
        ("POST", "namespaces/sales/tables/none", "{}", 404, "NoSuchTableException"),
        ("DELETE", "namespaces/sales", "", 409, "NamespaceNotEmptyException"),
        ("DELETE", "namespaces/sales/tables/orders", "", 400, "BadRequestException"),
        ("DELETE", "namespaces/sales/tables/orders?purgeRequested=true", "", 204, ""),
        ("DELETE", "namespaces/sales", "", 204, ""),
    ] {
        let (status, said) = ask(&cloud, method, &at(path), body).await;
        assert_eq!(status, expected, "{method} {path}: {said}");
        if !kind.is_empty() {
            assert_eq!(said["error"]["type"], kind, "{method} {path}");
            assert_eq!(said["error"]["code"], expected);
        }
    }
    let other = "config?warehouse=arn%3Aaws%3As3tables%3Aus-east-1%3A222222222222%3Abucket%2Flake";
    let (status, refused) = ask(&cloud, "GET", other, "").await;
    assert_eq!((status, &refused["error"]["type"]), (403, &json!("ForbiddenException")));
}
