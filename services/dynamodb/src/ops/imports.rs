//! ImportTable, DescribeImport and ListImports.

use haneul_dynamodb_wire::operations::{DescribeImport, ImportTable, ListImports};
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::error as code;
use haneul_kit::{Access, ApiError, Cx, Handle, Instant, Result};
use haneul_store::{Range, Reads};

use super::exports::{LISTED_MAX, LISTED_MS, TOKEN_MS, arn, of_arn};
use super::{Dynamodb, digest};
use crate::error::{self, validation};
use crate::model::{Billing, IMPORTS, ImportRecord, JobKey, JobStatus, TableRecord};
use crate::table::{define, describe, name};

impl Handle<ImportTable> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::ImportTableInput) -> Result<Vec<Access>> {
        let table = input.table_creation_parameters.table_name.clone();
        let arn = name::arn(&(cx.account(), cx.region(), table));
        Ok(vec![Access::on("dynamodb:ImportTable", &arn)])
    }

    async fn call(&self, cx: &Cx, input: s::ImportTableInput) -> Result<s::ImportTableOutput> {
        let digest = digest::of(std::slice::from_ref(&input));
        if let Some(token) = &input.client_token
            && let Some((key, before)) = self.import_of_token(cx, token).await?
        {
            return match before.digest == digest {
                true => Ok(s::ImportTableOutput { import_table_description: description(&key, &before) }),
                false => Err(ApiError::new(
                    code::IMPORT_CONFLICT_EXCEPTION,
                    "The client token was used before with other parameters",
                )),
            };
        }
        if input.input_compression_type.as_deref() == Some("ZSTD") {
            return Err(error::not_here("imports of ZSTD files"));
        }
        let csv = input.input_format_options.as_ref().and_then(|options| options.csv.as_ref());
        if csv.is_some() && input.input_format != "CSV" {
            return Err(validation(
                "InputFormatOptions of CSV can only be specified when InputFormat is CSV",
            ));
        }
        let s::ImportTableInput { s3_bucket_source, table_creation_parameters: table, .. } = input;
        let create = s::CreateTableInput {
            table_name: table.table_name.clone(),
            attribute_definitions: Some(table.attribute_definitions),
            key_schema: Some(table.key_schema),
            billing_mode: table.billing_mode,
            provisioned_throughput: table.provisioned_throughput,
            on_demand_throughput: table.on_demand_throughput,
            global_secondary_indexes: table.global_secondary_indexes,
            vector_indexes: table.vector_indexes,
            ..Default::default()
        };
        let mut record = define::table(&create)?;
        let id = (cx.account(), cx.region(), table.table_name);
        if self.db.find_table(&id).await?.is_some() {
            return Err(error::in_use(format!("Table already exists: {}", id.2)));
        }
        record.sse = self.new_encryption(cx, &id, table.sse_specification.as_ref(), None).await?;
        if record.billing.on_demand {
            record.billing.on_demand_since_ms = Some(cx.now().millis());
        }
        let now_ms = cx.now().millis();
        let mark = self.platform.env.rng.u64() as u32;
        let key: JobKey = (id.0, id.1, id.2.clone(), format!("{now_ms:014}-{mark:08x}"));
        record.importing = Some(key.3.clone());
        self.db.jobs().begin(&key);
        let made = match self.db.create_table(&id, record, None).await {
            Ok(made) => made,
            Err(error) => {
                self.db.jobs().end(&key);
                return Err(error);
            }
        };
        self.db.open_for(cx, &made).await?;
        let import = ImportRecord {
            status: JobStatus::InProgress,
            started_ms: now_ms,
            ended_ms: None,
            table: made.record.clone(),
            token: input.client_token,
            digest,
            bucket: s3_bucket_source.s3_bucket,
            bucket_owner: s3_bucket_source.s3_bucket_owner,
            prefix: s3_bucket_source.s3_key_prefix,
            format: input.input_format,
            compression: input.input_compression_type,
            delimiter: csv.and_then(|csv| csv.delimiter.clone()),
            header: csv.and_then(|csv| csv.header_list.clone()),
            bytes: 0,
            processed: 0,
            imported: 0,
            errors: 0,
            failure: None,
        };
        self.db.start_import(cx, made, &key, &import).await?;
        Ok(s::ImportTableOutput { import_table_description: description(&key, &import) })
    }
}

impl Handle<DescribeImport> for Dynamodb {
    async fn access(&self, _: &Cx, input: &s::DescribeImportInput) -> Result<Vec<Access>> {
        let key = of_arn(&input.import_arn, "import")?;
        Ok(vec![Access::on("dynamodb:DescribeImport", &arn(&key, "import"))])
    }

    async fn call(&self, _: &Cx, input: s::DescribeImportInput) -> Result<s::DescribeImportOutput> {
        let key = of_arn(&input.import_arn, "import")?;
        let found = self.db.store.get(&IMPORTS, &key).await.map_err(error::store)?;
        let record = found.ok_or_else(|| {
            ApiError::new(code::IMPORT_NOT_FOUND_EXCEPTION, format!("Import not found: {}", input.import_arn))
        })?;
        Ok(s::DescribeImportOutput { import_table_description: description(&key, &record) })
    }
}

impl Handle<ListImports> for Dynamodb {
    async fn access(&self, _: &Cx, _: &s::ListImportsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:ListImports")])
    }

    async fn call(&self, cx: &Cx, input: s::ListImportsInput) -> Result<s::ListImportsOutput> {
        let range = match &input.table_arn {
            Some(given) => Range::prefix(name::of(cx, given)?),
            None => Range::prefix((cx.account(), cx.region())),
        };
        let mut found = self.db.store.scan(&IMPORTS, range, usize::MAX).await.map_err(error::store)?;
        found.retain(|(_, record)| record.started_ms > cx.now().millis() - LISTED_MS);
        found.sort_by(|(a, _), (b, _)| (&b.3, &b.2).cmp(&(&a.3, &a.2)));
        let after = input.next_token.as_deref().map(|token| self.after(token)).transpose()?;
        let mut all: Vec<s::ImportSummary> =
            found.into_iter().map(|(key, record)| summary(description(&key, &record))).collect();
        if let Some(after) = after {
            let at = all.iter().position(|one| one.import_arn.as_ref() == Some(&after));
            all.drain(..at.map_or(0, |at| at + 1));
        }
        let limit = usize::try_from(input.page_size.unwrap_or(LISTED_MAX)).unwrap_or(1);
        let more = all.len() > limit;
        all.truncate(limit);
        let last = all.last().filter(|_| more).and_then(|one| one.import_arn.as_deref());
        let next_token = last.map(|arn| self.next_token(arn));
        Ok(s::ListImportsOutput { import_summary_list: Some(all), next_token })
    }
}

impl Dynamodb {
    async fn import_of_token(&self, cx: &Cx, token: &str) -> Result<Option<(JobKey, ImportRecord)>> {
        let range = Range::prefix((cx.account(), cx.region()));
        let found = self.db.store.scan(&IMPORTS, range, usize::MAX).await.map_err(error::store)?;
        let same = |record: &ImportRecord| {
            let until = record.ended_ms.map_or(i64::MAX, |ended| ended + TOKEN_MS);
            record.token.as_deref() == Some(token) && cx.now().millis() < until
        };
        Ok(found.into_iter().rev().find(|(_, record)| same(record)))
    }
}

fn summary(import: s::ImportTableDescription) -> s::ImportSummary {
    s::ImportSummary {
        import_arn: import.import_arn,
        import_status: import.import_status,
        table_arn: import.table_arn,
        s3_bucket_source: import.s3_bucket_source,
        cloud_watch_log_group_arn: None,
        input_format: import.input_format,
        start_time: import.start_time,
        end_time: import.end_time,
    }
}

fn description(key: &JobKey, record: &ImportRecord) -> s::ImportTableDescription {
    let csv = record.delimiter.is_some() || record.header.is_some();
    s::ImportTableDescription {
        import_arn: Some(arn(key, "import").to_string()),
        import_status: Some(record.status.name().to_owned()),
        table_arn: Some(name::arn(&(key.0, key.1, key.2.clone())).to_string()),
        table_id: Some(record.table.id.clone()),
        client_token: record.token.clone(),
        s3_bucket_source: Some(s::S3BucketSource {
            s3_bucket_owner: record.bucket_owner.clone(),
            s3_bucket: record.bucket.clone(),
            s3_key_prefix: record.prefix.clone(),
        }),
        error_count: Some(record.errors),
        cloud_watch_log_group_arn: None,
        input_format: Some(record.format.clone()),
        input_format_options: csv.then(|| s::InputFormatOptions {
            csv: Some(s::CsvOptions {
                delimiter: record.delimiter.clone(),
                header_list: record.header.clone(),
            }),
        }),
        input_compression_type: Some(record.compression.clone().unwrap_or_else(|| "NONE".to_owned())),
        table_creation_parameters: Some(parameters(&key.2, &record.table)),
        start_time: Some(Instant::from_millis(record.started_ms)),
        end_time: record.ended_ms.map(Instant::from_millis),
        processed_size_bytes: Some(record.bytes),
        processed_item_count: Some(record.processed),
        imported_item_count: Some(record.imported),
        failure_code: record.failure.as_ref().map(|(code, _)| code.clone()),
        failure_message: record.failure.as_ref().map(|(_, message)| message.clone()),
    }
}

fn parameters(name: &str, table: &TableRecord) -> s::TableCreationParameters {
    let Billing { on_demand, throughput, .. } = &table.billing;
    let units = |read: i64, write: i64| {
        let units = s::ProvisionedThroughput { read_capacity_units: read, write_capacity_units: write };
        (!on_demand).then_some(units)
    };
    let indexes: Vec<_> = table
        .indexes
        .iter()
        .map(|index| s::GlobalSecondaryIndex {
            index_name: index.name.clone(),
            key_schema: describe::keys(&index.key_schema),
            projection: describe::projection(index),
            provisioned_throughput: units(index.throughput.read, index.throughput.write),
            ..Default::default()
        })
        .collect();
    s::TableCreationParameters {
        table_name: name.to_owned(),
        attribute_definitions: describe::definitions(&table.attributes),
        key_schema: describe::keys(&table.key_schema),
        billing_mode: Some(if *on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" }.to_owned()),
        provisioned_throughput: units(throughput.read, throughput.write),
        global_secondary_indexes: (!indexes.is_empty()).then_some(indexes),
        ..Default::default()
    }
}
