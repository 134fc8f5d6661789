use haneul_kit::{ApiError, ByteStream, Cx, Handle, Result};
use haneul_s3_iceberg::{Schema, TableMetadata};
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;
use serde::Deserialize;
use serde_json::Value;

use super::answers::{self, Answer};
use super::update::{self, Document};
use super::{BODY_MAX, Catalog, METADATA_BYTES_MAX, document};
use crate::error::tables as refusals;
use crate::tables::{BucketName, warehouse};

/// What a client asks of a new table. What it says of partitions and order is refused, unless it says that there is none.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NewTable {
    name: String,
    schema: Schema,
    partition_spec: Option<Parts>,
    write_order: Option<Parts>,
    #[serde(default)]
    stage_create: bool,
    #[serde(default)]
    properties: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Parts {
    fields: Vec<Value>,
}

#[derive(Deserialize)]
struct TableCommit {
    #[serde(default)]
    requirements: Vec<Value>,
    #[serde(default)]
    updates: Vec<Value>,
}

fn unsupported(what: &str) -> ApiError {
    let message = format!("{what} is not implemented by Haneul.");
    ApiError::new("UnsupportedOperationException", message).with_status(406)
}

impl Catalog {
    pub(super) async fn create_table(
        &self,
        cx: &Cx,
        lake: &str,
        namespace: &str,
        body: ByteStream,
    ) -> Result<Answer> {
        let asked: NewTable = document(body).await?;
        let has_parts = |parts: &Option<Parts>| parts.as_ref().is_some_and(|parts| !parts.fields.is_empty());
        if asked.stage_create {
            return Err(unsupported("A table that is staged"));
        }
        if has_parts(&asked.partition_spec) || has_parts(&asked.write_order) {
            return Err(unsupported("A table with partitions or a sort order"));
        }
        let input = s::CreateTableRequest {
            table_bucket_arn: lake.to_owned(),
            namespace: namespace.to_owned(),
            name: asked.name,
            format: "ICEBERG".to_owned(),
            metadata: Some(s::TableMetadata::Iceberg(s::IcebergMetadata::default())),
            ..Default::default()
        };
        let accesses = Handle::<op::CreateTable>::access(&*self.0, cx, &input).await?;
        self.0.platform.authorize(cx, "s3tables", &accesses).await?;
        let name = input.name.clone();
        // The client's ids are those of a table that is not there yet.
        let schema = Schema::with_fresh_ids(asked.schema.fields);
        self.0.create_iceberg_table(cx, input, Some((schema, asked.properties))).await?;
        self.given(cx, &BucketName::parse(lake)?, namespace, &name).await
    }

    /// The metadata that a table has now.
    pub(super) async fn given(
        &self,
        cx: &Cx,
        bucket: &BucketName,
        namespace: &str,
        name: &str,
    ) -> Result<Answer> {
        let (_, table) = self.0.table(cx, bucket, namespace, name).await?;
        let nothing = || refusals::not_found("The specified table has no metadata.");
        let location = table.metadata_location.clone().ok_or_else(nothing)?;
        let bytes = self.0.table_file(cx, &table, &location, METADATA_BYTES_MAX).await?;
        answers::table(&location, &bytes)
    }

    /// Makes a new metadata file of the one that there is, and it the table's if that is still so.
    pub(super) async fn commit(
        &self,
        cx: &Cx,
        lake: &str,
        names: (&str, &str),
        body: ByteStream,
    ) -> Result<Answer> {
        let bucket = BucketName::parse(lake)?;
        let mut accesses = Vec::new();
        for action in
            ["s3tables:UpdateTableMetadataLocation", "s3tables:PutTableData", "s3tables:GetTableData"]
        {
            accesses.push(self.0.on_table(cx, &bucket, names, action).await?);
        }
        self.0.platform.authorize(cx, "s3tables", &accesses).await?;
        let invalid = || refusals::bad_request("The document of the request is not valid.");
        let body = body.collect(BODY_MAX).await.map_err(|_| invalid())?;
        let commit: TableCommit = serde_json::from_slice(&body).map_err(|_| invalid())?;
        let (row, table) = self.0.table(cx, &bucket, names.0, names.1).await?;
        if table.managed_by.is_some() {
            return Err(refusals::managed());
        }
        let nothing = || refusals::not_found("The specified table has no metadata.");
        let before_at = table.metadata_location.clone().ok_or_else(nothing)?;
        let bytes = self.0.table_file(cx, &table, &before_at, METADATA_BYTES_MAX).await?;
        let unreadable = || refusals::bad_request("The metadata of the table cannot be read.");
        let before: Document = serde_json::from_slice(&bytes).map_err(|_| unreadable())?;
        let (requirements, updates) = (&commit.requirements, &commit.updates);
        let after = update::apply(&before, &before_at, requirements, updates, cx.now().millis())?;
        let bytes = serde_json::to_vec(&after).map_err(ApiError::internal)?;
        if bytes.len() > METADATA_BYTES_MAX {
            return Err(refusals::bad_request("The metadata of the table is too large."));
        }
        let broken = |error: haneul_s3_iceberg::Error| refusals::bad_request(error.to_string());
        TableMetadata::parse(&bytes).map_err(broken)?;
        let number = number_of(&before_at) + 1;
        let uuid = self.0.platform.env.rng.uuid();
        let location = format!("{}/metadata/{number:05}-{uuid}.metadata.json", warehouse::location(&table));
        let own = warehouse::own(&table, bucket.account, bucket.region.as_str().to_owned())?;
        let file = self.0.stage_file(cx, &table, &own, &location, bytes).await?;
        let files = [file];
        let by = cx.account().number();
        let token = self.0.new_version_token();
        let moved = self.0.records.move_table(&row, &table, (&location, &token), &files, by, cx.now()).await;
        if !matches!(moved, Ok(true)) {
            self.0.discard_files(&files).await;
        }
        if !moved? {
            let message = "The table was changed by another commit.";
            return Err(ApiError::new("CommitFailedException", message).with_status(409));
        }
        self.given(cx, &bucket, names.0, names.1).await
    }
}

/// The number in the name of a metadata file.
fn number_of(location: &str) -> u64 {
    let name = location.rsplit('/').next().unwrap_or_default();
    let digits = name.split('-').next().unwrap_or_default();
    digits.parse::<u64>().unwrap_or_default().min(u64::from(u32::MAX))
}
