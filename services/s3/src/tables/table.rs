use std::collections::BTreeMap;

use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_s3_iceberg::Schema;
use haneul_s3tables_wire::operations as op;
use haneul_s3tables_wire::shapes as s;
use haneul_shape::Empty;

use super::access::encryption_keys;
use super::buckets::limit;
use super::namespaces::account;
use super::{BucketName, check_name, encryption, parse_table_arn, schema, tags, warehouse};
use crate::S3;
use crate::error::tables as refusals;
use crate::model::table::{TableBucket, TableRecord};
use crate::store::table_buckets::TableRow;

const ICEBERG: &str = "ICEBERG";

/// How GetTable names a table: by its ARN, or by the three names that lead to it.
enum Asked<'a> {
    Arn(&'a str),
    Names(BucketName, &'a str, &'a str),
}

impl Asked<'_> {
    fn of(input: &s::GetTableRequest) -> Result<Asked<'_>> {
        match (&input.table_arn, &input.table_bucket_arn, &input.namespace, &input.name) {
            (Some(arn), None, None, None) => Ok(Asked::Arn(arn)),
            (None, Some(bucket), Some(namespace), Some(name)) => {
                Ok(Asked::Names(BucketName::parse(bucket)?, namespace, name))
            }
            _ => Err(refusals::bad_request(
                "Either the table ARN or the table bucket ARN, namespace and name of the table are required.",
            )),
        }
    }
}

impl Handle<op::GetTable> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetTableRequest) -> Result<Vec<Access>> {
        let action = "s3tables:GetTable";
        Ok(vec![match Asked::of(input)? {
            Asked::Arn(arn) => self.on_table_arn(cx, arn, action).await?,
            Asked::Names(bucket, namespace, name) => {
                self.on_table(cx, &bucket, (namespace, name), action).await?
            }
        }])
    }

    async fn call(&self, cx: &Cx, input: s::GetTableRequest) -> Result<s::GetTableResponse> {
        let (bucket, row, table) = match Asked::of(&input)? {
            Asked::Arn(arn) => {
                let (bucket, id) = parse_table_arn(arn)?;
                let record = self.table_bucket(cx, &bucket).await?;
                let found = self.records.table_by_id(&record.id, &id).await?;
                let (row, table) = found.ok_or_else(refusals::no_table)?;
                (bucket, row, table)
            }
            Asked::Names(bucket, namespace, name) => {
                let (row, table) = self.table(cx, &bucket, namespace, name).await?;
                (bucket, row, table)
            }
        };
        let (table_bucket_id, namespace, name) = row;
        Ok(s::GetTableResponse {
            name,
            r#type: kind(&table).to_owned(),
            table_arn: bucket.table_arn(&table.id),
            namespace: vec![namespace],
            warehouse_location: warehouse::location(&table),
            namespace_id: Some(table.namespace_id),
            version_token: table.version_token,
            metadata_location: table.metadata_location,
            created_at: Instant::from_millis(table.created_ms),
            created_by: account(table.created_by),
            managed_by_service: table.managed_by,
            modified_at: Instant::from_millis(table.modified_ms),
            modified_by: account(table.modified_by),
            owner_account_id: bucket.account.to_string(),
            format: ICEBERG.to_owned(),
            table_bucket_id: Some(table_bucket_id),
            managed_table_information: None,
        })
    }
}

fn kind(table: &TableRecord) -> &'static str {
    if table.managed_by.is_some() { "aws" } else { "customer" }
}

impl Handle<op::ListTables> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListTablesRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let access = self.on_table_bucket(cx, &bucket, "s3tables:ListTables").await?;
        Ok(vec![match &input.namespace {
            Some(namespace) => access.key("s3tables:namespace", namespace.clone()),
            None => access,
        }])
    }

    /// The token is the namespace and the name of the last one.
    async fn call(&self, cx: &Cx, input: s::ListTablesRequest) -> Result<s::ListTablesResponse> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let record = self.table_bucket(cx, &bucket).await?;
        let namespace = input.namespace.as_deref();
        if let Some(namespace) = namespace
            && self.records.namespace(&record.id, namespace).await?.is_none()
        {
            return Err(refusals::no_namespace());
        }
        let invalid = || refusals::bad_request("The specified continuation token is not valid.");
        let after = match &input.continuation_token {
            Some(token) => {
                let (namespace, name) = token.split_once(' ').ok_or_else(invalid)?;
                Some((namespace.to_owned(), name.to_owned()))
            }
            None => None,
        };
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let limit = limit(input.max_tables);
        let (found, next) = self.page_of_tables(&record, namespace, prefix, after, limit).await?;
        let shown = found.into_iter().map(|((table_bucket_id, namespace, name), table)| s::TableSummary {
            namespace: vec![namespace],
            name,
            r#type: kind(&table).to_owned(),
            table_arn: bucket.table_arn(&table.id),
            created_at: Instant::from_millis(table.created_ms),
            modified_at: Instant::from_millis(table.modified_ms),
            managed_by_service: table.managed_by,
            namespace_id: Some(table.namespace_id),
            table_bucket_id: Some(table_bucket_id),
        });
        Ok(s::ListTablesResponse { tables: shown.collect(), continuation_token: next })
    }
}

impl S3 {
    /// Tables whose names begin with `prefix`; in all namespaces where none is named.
    async fn page_of_tables(
        &self,
        bucket: &TableBucket,
        namespace: Option<&str>,
        prefix: &str,
        mut after: Option<(String, String)>,
        limit: usize,
    ) -> Result<(Vec<(TableRow, TableRecord)>, Option<String>)> {
        let mut found = Vec::new();
        loop {
            let page = self.records.tables(&bucket.id, namespace, prefix, after.as_ref(), limit + 1).await?;
            let more = page.len() > limit;
            after = page.last().map(|((_, namespace, name), _)| (namespace.clone(), name.clone()));
            found.extend(page.into_iter().filter(|((.., name), _)| name.starts_with(prefix)));
            if found.len() > limit || !more {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next =
            found.last().filter(|_| more).map(|((_, namespace, name), _)| format!("{namespace} {name}"));
        Ok((found, next))
    }
}

impl Handle<op::CreateTable> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateTableRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let given = input.tags.as_ref();
        let of_request =
            || given.iter().flat_map(|tags| tags.iter()).map(|(key, value)| (key, value.as_str()));
        let create = self.on_table_bucket(cx, &bucket, "s3tables:CreateTable").await?;
        let mut create = create.key("s3tables:namespace", input.namespace.clone()).request_tags(of_request());
        let names = (input.namespace.as_str(), input.name.as_str());
        let mut more = Vec::new();
        if let Some(wanted) = &input.encryption_configuration {
            let wanted = encryption::of_wire(wanted)?;
            create = encryption_keys(create, &wanted);
            let put = self.on_table(cx, &bucket, names, "s3tables:PutTableEncryption").await?;
            more.push(encryption_keys(put, &wanted));
        }
        if given.is_some_and(|tags| !tags.is_empty()) {
            let mut tag = self.on_table(cx, &bucket, names, "s3tables:TagResource").await?;
            tag.keys.retain(|(key, _)| !matches!(&**key, "s3tables:namespace" | "s3tables:tableName"));
            more.push(tag.request_tags(of_request()));
        }
        if input.metadata.is_some() {
            more.push(self.on_table(cx, &bucket, names, "s3tables:PutTableData").await?);
        }
        more.insert(0, create);
        Ok(more)
    }

    async fn call(&self, cx: &Cx, mut input: s::CreateTableRequest) -> Result<s::CreateTableResponse> {
        let metadata = input.metadata.take().map(schema::of_wire).transpose()?;
        self.create_iceberg_table(cx, input, metadata).await
    }
}

impl S3 {
    /// Makes a table, with metadata of that schema and those properties, or without any.
    pub(super) async fn create_iceberg_table(
        &self,
        cx: &Cx,
        input: s::CreateTableRequest,
        metadata: Option<(Schema, BTreeMap<String, String>)>,
    ) -> Result<s::CreateTableResponse> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        check_name(&input.name, "table")?;
        encryption::check_class(input.storage_class_configuration.as_ref())?;
        let record = self.table_bucket(cx, &bucket).await?;
        if bucket.is_managed() {
            return Err(refusals::managed());
        }
        let encryption = match &input.encryption_configuration {
            Some(wanted) => encryption::of_wire(wanted)?,
            None => record.encryption,
        };
        let namespace = self.records.namespace(&record.id, &input.namespace).await?;
        let namespace = namespace.ok_or_else(refusals::no_namespace)?;
        let mut table = TableRecord {
            encryption,
            tags: tags::checked(input.tags)?,
            ..self.new_table(namespace.id, cx.account(), cx.now())
        };
        let row = (record.id, input.namespace, input.name);
        let mut files = Vec::new();
        if let Some((schema, properties)) = metadata {
            let first = self.first_metadata(cx, bucket.account, &table, schema, properties).await?;
            table.metadata_location = Some(first.0);
            files.push(first.1);
        }
        let created = self.records.create_table(&bucket.row(), &row, &table, &files, cx.now()).await;
        if created.is_err() {
            self.discard_files(&files).await;
        }
        created?;
        Ok(s::CreateTableResponse {
            table_arn: bucket.table_arn(&table.id),
            version_token: table.version_token,
        })
    }
}

impl Handle<op::DeleteTable> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteTableRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let names = (input.namespace.as_str(), input.name.as_str());
        Ok(vec![self.on_table(cx, &bucket, names, "s3tables:DeleteTable").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteTableRequest) -> Result<Empty> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let (row, _) = self.table(cx, &bucket, &input.namespace, &input.name).await?;
        self.records.delete_table(&row, input.version_token.as_deref()).await?;
        self.tasks.tables.wake();
        Ok(Empty)
    }
}

impl Handle<op::RenameTable> for S3 {
    async fn access(&self, cx: &Cx, input: &s::RenameTableRequest) -> Result<Vec<Access>> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let names = (input.namespace.as_str(), input.name.as_str());
        Ok(vec![self.on_table(cx, &bucket, names, "s3tables:RenameTable").await?])
    }

    async fn call(&self, cx: &Cx, input: s::RenameTableRequest) -> Result<Empty> {
        let bucket = BucketName::parse(&input.table_bucket_arn)?;
        let (row, table) = self.table(cx, &bucket, &input.namespace, &input.name).await?;
        if table.managed_by.is_some() {
            return Err(refusals::managed());
        }
        if input.new_name.is_none() && input.new_namespace_name.is_none() {
            return Err(refusals::bad_request("A new name or a new namespace is required."));
        }
        let to = (
            row.0.clone(),
            input.new_namespace_name.unwrap_or_else(|| row.1.clone()),
            input.new_name.unwrap_or_else(|| row.2.clone()),
        );
        check_name(&to.2, "table")?;
        let (token, now_ms) = (self.new_version_token(), cx.now().millis());
        let by = cx.account().number();
        let change = |table: &mut TableRecord| {
            table.version_token.clone_from(&token);
            (table.modified_ms, table.modified_by) = (now_ms, by);
        };
        self.records.rename_table(&row, &to, input.version_token.as_deref(), change).await?;
        Ok(Empty)
    }
}
