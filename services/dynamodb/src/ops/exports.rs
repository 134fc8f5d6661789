//! ExportTableToPointInTime, DescribeExport and ListExports.

use haneul_dynamodb_wire::operations::{DescribeExport, ExportTableToPointInTime, ListExports};
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::error as code;
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Instant, Result};
use haneul_store::{Range, Reads};

use super::continuous_backups::{earliest, no_such_table};
use super::{Dynamodb, digest};
use crate::error::{self, validation};
use crate::model::{EXPORTS, ExportRecord, JobKey, JobStatus};
use crate::table::name;

/// Exports and imports that one answer lists.
pub(super) const LISTED_MAX: i32 = 25;

/// How long one is listed, and kept.
pub(crate) const LISTED_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// How long a token makes a request one with another. Source: the API reference, ClientToken.
pub(super) const TOKEN_MS: i64 = 8 * 60 * 60 * 1000;

/// The shortest and longest window of an incremental export. Source: the guide, "Incremental export".
const WINDOW_MIN_MS: i64 = 15 * 60 * 1000;
const WINDOW_MAX_MS: i64 = 24 * 60 * 60 * 1000;

impl Handle<ExportTableToPointInTime> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::ExportTableToPointInTimeInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:ExportTableToPointInTime", &input.table_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ExportTableToPointInTimeInput,
    ) -> Result<s::ExportTableToPointInTimeOutput> {
        if input.filter_specification.is_some() {
            return Err(error::not_here("filters of exports"));
        }
        let id = name::of(cx, &input.table_arn)?;
        let info = self.db.named_table(&id).await.map_err(|error| no_such_table(error, &id.2))?;
        let digest = digest::of(std::slice::from_ref(&input));
        if let Some(token) = &input.client_token
            && let Some((key, before)) = self.export_of_token(cx, &id, token).await?
        {
            return match before.digest == digest {
                true => Ok(answer(&key, &before)),
                false => Err(ApiError::new(
                    code::EXPORT_CONFLICT_EXCEPTION,
                    "The client token was used before with other parameters",
                )),
            };
        }
        let Some(pitr) = &info.record.pitr else {
            return Err(error::no_recovery(&id.2));
        };
        let now = cx.now();
        let within = |at: Instant| at >= earliest(pitr, now) && at <= now;
        let window = window(&input, now)?;
        let at = input.export_time.unwrap_or(now);
        let inside = match window {
            Some((from, to, _)) => within(from) && within(to),
            None => within(at),
        };
        if !inside {
            return Err(ApiError::new(
                code::INVALID_EXPORT_TIME_EXCEPTION,
                "The specified time is outside of the point in time recovery window",
            ));
        }
        self.db.open_for(cx, &info).await?;
        let mark = self.platform.env.rng.u64() as u32;
        let key: JobKey = (id.0, id.1, id.2.clone(), format!("{:014}-{mark:08x}", now.millis()));
        let record = ExportRecord {
            status: JobStatus::InProgress,
            started_ms: now.millis(),
            ended_ms: None,
            table_id: info.record.id.clone(),
            log: pitr.log,
            at_ms: at.millis(),
            window_ms: window.as_ref().map(|(from, to, _)| (from.millis(), to.millis())),
            view: window.map(|(.., view)| view),
            token: input.client_token,
            digest,
            bucket: input.s3_bucket,
            bucket_owner: input.s3_bucket_owner,
            prefix: input.s3_prefix,
            sse_algorithm: input.s3_sse_algorithm,
            sse_key: input.s3_sse_kms_key_id,
            format: input.export_format.unwrap_or_else(|| "DYNAMODB_JSON".to_owned()),
            items: None,
            bytes: None,
            failure: None,
        };
        self.db.start_export(cx, info, &key, &record).await?;
        Ok(answer(&key, &record))
    }
}

impl Handle<DescribeExport> for Dynamodb {
    async fn access(&self, _: &Cx, input: &s::DescribeExportInput) -> Result<Vec<Access>> {
        let key = of_arn(&input.export_arn, "export")?;
        Ok(vec![Access::on("dynamodb:DescribeExport", &arn(&key, "export"))])
    }

    async fn call(&self, _: &Cx, input: s::DescribeExportInput) -> Result<s::DescribeExportOutput> {
        let key = of_arn(&input.export_arn, "export")?;
        let found = self.db.store.get(&EXPORTS, &key).await.map_err(error::store)?;
        let record = found.ok_or_else(|| {
            ApiError::new(code::EXPORT_NOT_FOUND_EXCEPTION, format!("Export not found: {}", input.export_arn))
        })?;
        Ok(s::DescribeExportOutput { export_description: Some(description(&key, &record)) })
    }
}

impl Handle<ListExports> for Dynamodb {
    async fn access(&self, _: &Cx, _: &s::ListExportsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:ListExports")])
    }

    async fn call(&self, cx: &Cx, input: s::ListExportsInput) -> Result<s::ListExportsOutput> {
        let range = match &input.table_arn {
            Some(given) => Range::prefix(name::of(cx, given)?),
            None => Range::prefix((cx.account(), cx.region())),
        };
        let found = self.db.store.scan(&EXPORTS, range, usize::MAX).await.map_err(error::store)?;
        let listed = |record: &ExportRecord| record.started_ms > cx.now().millis() - LISTED_MS;
        let summary = |(key, record): (JobKey, ExportRecord)| s::ExportSummary {
            export_arn: Some(arn(&key, "export").to_string()),
            export_status: Some(record.status.name().to_owned()),
            export_type: Some(kind(&record).to_owned()),
        };
        let mut all: Vec<_> = found.into_iter().filter(|(_, record)| listed(record)).map(summary).collect();
        all.sort_by(|a, b| b.export_arn.cmp(&a.export_arn));
        let after = input.next_token.as_deref().map(|token| self.after(token)).transpose()?;
        all.retain(|one| after.is_none() || one.export_arn < after);
        let limit = usize::try_from(input.max_results.unwrap_or(LISTED_MAX)).unwrap_or(1);
        let more = all.len() > limit;
        all.truncate(limit);
        let last = all.last().filter(|_| more).and_then(|one| one.export_arn.as_deref());
        let next_token = last.map(|arn| self.next_token(arn));
        Ok(s::ListExportsOutput { export_summaries: Some(all), next_token })
    }
}

impl Dynamodb {
    async fn export_of_token(
        &self,
        cx: &Cx,
        id: &name::TableId,
        token: &str,
    ) -> Result<Option<(JobKey, ExportRecord)>> {
        let range = Range::prefix(id.clone());
        let found = self.db.store.scan(&EXPORTS, range, usize::MAX).await.map_err(error::store)?;
        let same = |record: &ExportRecord| {
            let until = record.ended_ms.map_or(i64::MAX, |ended| ended + TOKEN_MS);
            record.token.as_deref() == Some(token) && cx.now().millis() < until
        };
        Ok(found.into_iter().rev().find(|(_, record)| same(record)))
    }

    /// The model wants pages of imports to be named by hexadecimal digits in groups of sixteen.
    pub(super) fn next_token(&self, arn: &str) -> String {
        let mut token = hex::encode(haneul_kit::paging::token(&self.platform.seal, PURPOSE, &arn));
        while token.len() < 112 || !token.len().is_multiple_of(16) {
            token.push_str("00");
        }
        token
    }

    pub(super) fn after(&self, token: &str) -> Result<String> {
        let wrong = || validation("Invalid NextToken");
        let bytes = hex::decode(token).map_err(|_| wrong())?;
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        let position =
            haneul_kit::paging::position(&self.platform.seal, PURPOSE, text.trim_end_matches('\0'));
        position.ok_or_else(wrong)
    }
}

const PURPOSE: &str = "dynamodb.transfers";

/// The window of an incremental export, and its view.
fn window(
    input: &s::ExportTableToPointInTimeInput,
    now: Instant,
) -> Result<Option<(Instant, Instant, String)>> {
    let incremental = input.export_type.as_deref() == Some("INCREMENTAL_EXPORT");
    match (&input.incremental_export_specification, incremental) {
        (Some(given), true) => {
            if input.export_time.is_some() {
                return Err(validation("ExportTime cannot be specified for an incremental export"));
            }
            let from = given.export_from_time.ok_or_else(|| validation("ExportFromTime is required"))?;
            let to = given.export_to_time.unwrap_or(now);
            let long = to.millis() - from.millis();
            if !(WINDOW_MIN_MS..=WINDOW_MAX_MS).contains(&long) {
                return Err(validation(
                    "The time between ExportFromTime and ExportToTime must be between 15 minutes and 24 hours",
                ));
            }
            let view = given.export_view_type.clone().unwrap_or_else(|| "NEW_AND_OLD_IMAGES".to_owned());
            Ok(Some((from, to, view)))
        }
        (None, false) => Ok(None),
        (Some(_), false) => Err(validation(
            "IncrementalExportSpecification can only be specified when ExportType is INCREMENTAL_EXPORT",
        )),
        (None, true) => Err(validation(
            "IncrementalExportSpecification is required when ExportType is INCREMENTAL_EXPORT",
        )),
    }
}

fn answer(key: &JobKey, record: &ExportRecord) -> s::ExportTableToPointInTimeOutput {
    s::ExportTableToPointInTimeOutput { export_description: Some(description(key, record)) }
}

fn kind(record: &ExportRecord) -> &'static str {
    if record.window_ms.is_some() { "INCREMENTAL_EXPORT" } else { "FULL_EXPORT" }
}

/// `arn:…:table/name/export/id`, and likewise of imports.
pub(crate) fn arn(key: &JobKey, kind: &str) -> Arn {
    Arn::new("dynamodb", key.1, key.0, format_args!("table/{}/{kind}/{}", key.2, key.3))
}

pub(super) fn of_arn(given: &str, kind: &str) -> Result<JobKey> {
    let wrong = || validation(format!("Invalid Arn: {given}"));
    let (account, region, table) = name::of_part(given).map_err(|_| wrong())?;
    let (_, id) = given.split_once(&format!("/{kind}/")).ok_or_else(wrong)?;
    Ok((account, region, table, id.to_owned()))
}

fn description(key: &JobKey, record: &ExportRecord) -> s::ExportDescription {
    let full = record.window_ms.is_none();
    s::ExportDescription {
        export_arn: Some(arn(key, "export").to_string()),
        export_status: Some(record.status.name().to_owned()),
        start_time: Some(Instant::from_millis(record.started_ms)),
        end_time: record.ended_ms.map(Instant::from_millis),
        export_manifest: (record.status == JobStatus::Completed).then(|| record.manifest_key(&key.3)),
        table_arn: Some(name::arn(&(key.0, key.1, key.2.clone())).to_string()),
        table_id: Some(record.table_id.clone()),
        export_time: full.then(|| Instant::from_millis(record.at_ms)),
        client_token: record.token.clone(),
        s3_bucket: Some(record.bucket.clone()),
        s3_bucket_owner: record.bucket_owner.clone(),
        s3_prefix: record.prefix.clone(),
        s3_sse_algorithm: Some(record.sse_algorithm.clone().unwrap_or_else(|| "AES256".to_owned())),
        s3_sse_kms_key_id: record.sse_key.clone(),
        failure_code: record.failure.as_ref().map(|(code, _)| code.clone()),
        failure_message: record.failure.as_ref().map(|(_, message)| message.clone()),
        export_format: Some(record.format.clone()),
        billed_size_bytes: record.bytes,
        item_count: record.items,
        export_type: Some(kind(record).to_owned()),
        incremental_export_specification: record.window_ms.map(|(from, to)| {
            s::IncrementalExportSpecification {
                export_from_time: Some(Instant::from_millis(from)),
                export_to_time: Some(Instant::from_millis(to)),
                export_view_type: record.view.clone(),
            }
        }),
        filter_specification: None,
    }
}
