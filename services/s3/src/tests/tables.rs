//! S3 Tables: table buckets, namespaces and tables, their names, permissions and files.

use haneul_s3_wire::{operations as s3op, shapes as s3};
use haneul_s3tables_wire::{operations as op, shapes as s};

use super::world::{Who, World, code, put};

const LAKE: &str = "arn:aws:s3tables:us-east-1:000000000000:bucket/lake";

async fn lake() -> World {
    let world = World::new();
    let create = s::CreateTableBucketRequest { name: "lake".into(), ..Default::default() };
    assert_eq!(world.root::<op::CreateTableBucket>(create).await.unwrap().arn, LAKE);
    let create = s::CreateNamespaceRequest { table_bucket_arn: LAKE.into(), namespace: vec!["sales".into()] };
    world.root::<op::CreateNamespace>(create).await.unwrap();
    world
}

fn table(name: &str) -> s::CreateTableRequest {
    s::CreateTableRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "sales".into(),
        name: name.into(),
        format: "ICEBERG".into(),
        ..Default::default()
    }
}

fn get(name: &str) -> s::GetTableRequest {
    s::GetTableRequest {
        table_bucket_arn: Some(LAKE.into()),
        namespace: Some("sales".into()),
        name: Some(name.into()),
        table_arn: None,
    }
}

fn delete(name: &str) -> s::DeleteTableRequest {
    s::DeleteTableRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "sales".into(),
        name: name.into(),
        version_token: None,
    }
}

#[tokio::test]
async fn what_holds_something_stays() {
    let world = lake().await;
    let bucket = s::DeleteTableBucketRequest { table_bucket_arn: LAKE.into() };
    let namespace = s::DeleteNamespaceRequest { table_bucket_arn: LAKE.into(), namespace: "sales".into() };
    let created = world.root::<op::CreateTable>(table("orders")).await.unwrap();
    assert_eq!(code(&world.root::<op::CreateTable>(table("orders")).await), "ConflictException");
    assert_eq!(code(&world.root::<op::DeleteNamespace>(namespace.clone()).await), "ConflictException");
    assert_eq!(code(&world.root::<op::DeleteTableBucket>(bucket.clone()).await), "ConflictException");
    let by_arn = s::GetTableRequest { table_arn: Some(created.table_arn), ..Default::default() };
    let shown = world.root::<op::GetTable>(by_arn).await.unwrap();
    assert_eq!((shown.name.as_str(), shown.r#type.as_str()), ("orders", "customer"));
    assert_eq!(shown.version_token, created.version_token);
    let stale = s::DeleteTableRequest { version_token: Some("x".into()), ..delete("orders") };
    assert_eq!(code(&world.root::<op::DeleteTable>(stale).await), "ConflictException");
    world.root::<op::DeleteTable>(delete("orders")).await.unwrap();
    assert_eq!(code(&world.root::<op::GetTable>(get("orders")).await), "NotFoundException");
    world.root::<op::DeleteNamespace>(namespace).await.unwrap();
    world.root::<op::DeleteTableBucket>(bucket).await.unwrap();
}

#[tokio::test]
async fn listings_have_pages() {
    let world = lake().await;
    for name in ["a1", "a2", "b1"] {
        world.root::<op::CreateTable>(table(name)).await.unwrap();
    }
    let list = |prefix: Option<&str>, token| s::ListTablesRequest {
        table_bucket_arn: LAKE.into(),
        prefix: prefix.map(str::to_owned),
        continuation_token: token,
        max_tables: Some(1),
        ..Default::default()
    };
    for (prefix, expected) in
        [(None, vec!["a1", "a2", "b1"]), (Some("a"), vec!["a1", "a2"]), (Some("c"), vec![])]
    {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let page = world.root::<op::ListTables>(list(prefix, token)).await.unwrap();
            names.extend(page.tables.into_iter().map(|table| table.name));
            token = page.continuation_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(names, expected, "{prefix:?}");
    }
}

#[tokio::test]
async fn a_table_is_written_by_its_clients() {
    let world = lake().await;
    let created = world.root::<op::CreateTable>(table("orders")).await.unwrap();
    let shown = world.root::<op::GetTable>(get("orders")).await.unwrap();
    let warehouse = shown.warehouse_location.strip_prefix("s3://").unwrap().to_owned();
    assert_eq!((warehouse.len(), warehouse.ends_with("--table-s3")), (63, true), "{warehouse}");
    let location = format!("s3://{warehouse}/metadata/1.metadata.json");
    let update = |token: &str, location: &str| s::UpdateTableMetadataLocationRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "sales".into(),
        name: "orders".into(),
        version_token: token.into(),
        metadata_location: location.into(),
    };
    let early =
        world.root::<op::UpdateTableMetadataLocation>(update(&created.version_token, &location)).await;
    assert_eq!(code(&early), "BadRequestException", "nothing is there");
    let file = || s3::PutObjectRequest { bucket: warehouse.clone(), ..put("metadata/1.metadata.json", "{}") };
    world.root::<s3op::PutObject>(file()).await.unwrap();
    let moved = world
        .root::<op::UpdateTableMetadataLocation>(update(&created.version_token, &location))
        .await
        .unwrap();
    assert_ne!(moved.version_token, created.version_token);
    let again =
        world.root::<op::UpdateTableMetadataLocation>(update(&created.version_token, &location)).await;
    assert_eq!(code(&again), "ConflictException");

    // Who may read the table may read its files, and only those.
    let arn = shown.table_arn;
    let policy = |action: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{arn}"}}]}}"#
        )
    };
    let read = || s3::GetObjectRequest {
        bucket: warehouse.clone(),
        key: "metadata/1.metadata.json".into(),
        ..Default::default()
    };
    let reader = Who::user(&policy("s3tables:GetTableData"));
    assert_eq!(code(&world.call::<s3op::GetObject>(&reader, read()).await.result), "ok");
    assert_eq!(code(&world.call::<s3op::PutObject>(&reader, file()).await.result), "AccessDenied");
    let other = Who::user(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
    );
    assert_eq!(code(&world.call::<s3op::GetObject>(&other, read()).await.result), "AccessDenied");

    // It is no bucket for anything else.
    let listing = s3::ListObjectsV2Request { bucket: warehouse.clone(), ..Default::default() };
    assert_eq!(code(&world.root::<s3op::ListObjectsV2>(listing).await), "NoSuchBucket");
    let delete_object = s3::DeleteObjectRequest {
        bucket: warehouse.clone(),
        key: "metadata/1.metadata.json".into(),
        ..Default::default()
    };
    assert_eq!(code(&world.root::<s3op::DeleteObject>(delete_object).await), "NoSuchBucket");
    let buckets = world.root::<s3op::ListBuckets>(Default::default()).await.unwrap();
    assert!(buckets.buckets.unwrap_or_default().is_empty());

    // Its files go with it, large ones too.
    let large =
        s3::PutObjectRequest { bucket: warehouse.clone(), ..put("data/1", super::world::noise(100_000)) };
    world.root::<s3op::PutObject>(large).await.unwrap();
    assert_eq!(world.owned_blobs().await, 1);
    world.root::<op::DeleteTable>(delete("orders")).await.unwrap();
    assert_eq!(code(&world.root::<s3op::GetObject>(read()).await), "NoSuchBucket");
    assert_eq!(code(&world.root::<s3op::PutObject>(file()).await), "NoSuchBucket");
    for task in crate::tasks::reconcilers(&world.s3) {
        task.reconcile().await.unwrap();
    }
    assert_eq!(world.owned_blobs().await, 0);
}

#[tokio::test]
async fn policies_of_bucket_and_table_let_others_in() {
    let world = lake().await;
    let created = world.root::<op::CreateTable>(table("orders")).await.unwrap();
    let other = Who::other();
    assert_eq!(code(&world.call::<op::GetTable>(&other, get("orders")).await.result), "AccessDenied");
    let policy = |action: &str, resource: &str| {
        let principal = super::world::OTHER;
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"{resource}"}}]}}"#
        )
    };
    let of_bucket = |text: String| s::PutTableBucketPolicyRequest {
        table_bucket_arn: LAKE.into(),
        resource_policy: text,
    };
    let elsewhere = policy("s3tables:GetTable", "arn:aws:s3tables:us-east-1:000000000000:bucket/lake2/*");
    assert_eq!(
        code(&world.root::<op::PutTableBucketPolicy>(of_bucket(elsewhere)).await),
        "BadRequestException"
    );
    let all = policy("s3tables:GetTable", &format!("{LAKE}/*"));
    world.root::<op::PutTableBucketPolicy>(of_bucket(all)).await.unwrap();
    assert_eq!(code(&world.call::<op::GetTable>(&other, get("orders")).await.result), "ok");
    let location = || s::GetTableMetadataLocationRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "sales".into(),
        name: "orders".into(),
    };
    assert_eq!(
        code(&world.call::<op::GetTableMetadataLocation>(&other, location()).await.result),
        "AccessDenied"
    );
    let of_table = s::PutTablePolicyRequest {
        table_bucket_arn: LAKE.into(),
        namespace: "sales".into(),
        name: "orders".into(),
        resource_policy: policy("s3tables:GetTableMetadataLocation", &created.table_arn),
    };
    world.root::<op::PutTablePolicy>(of_table).await.unwrap();
    assert_eq!(code(&world.call::<op::GetTableMetadataLocation>(&other, location()).await.result), "ok");
    assert_eq!(code(&world.call::<op::GetTable>(&other, get("orders")).await.result), "ok", "both count");
}

#[tokio::test]
async fn a_table_is_created_with_its_schema() {
    let world = lake().await;
    let with = |kind: &str| {
        let field = |name: &str, kind: &str, required| s::SchemaField {
            id: None,
            name: name.into(),
            r#type: kind.into(),
            required: Some(required),
        };
        let fields = vec![field("id", "long", true), field("at", kind, false)];
        let iceberg = s::IcebergMetadata { schema: Some(s::IcebergSchema { fields }), ..Default::default() };
        s::CreateTableRequest { metadata: Some(s::TableMetadata::Iceberg(iceberg)), ..table("orders") }
    };
    assert_eq!(code(&world.root::<op::CreateTable>(with("no_type")).await), "BadRequestException");
    world.root::<op::CreateTable>(with("timestamp")).await.unwrap();
    let location = world.root::<op::GetTable>(get("orders")).await.unwrap().metadata_location.unwrap();
    let (bucket, key) = location.strip_prefix("s3://").unwrap().split_once('/').unwrap();
    let read = s3::GetObjectRequest { bucket: bucket.into(), key: key.into(), ..Default::default() };
    let body = world.root::<s3op::GetObject>(read).await.unwrap().body;
    let metadata = haneul_s3_iceberg::TableMetadata::parse(&body.collect(usize::MAX).await.unwrap()).unwrap();
    let fields = &metadata.schema().unwrap().fields;
    let told: Vec<_> = fields.iter().map(|field| (field.id, field.name.as_str(), field.required)).collect();
    assert_eq!(told, [(1, "id", true), (2, "at", false)]);
}
