//! Point-in-time recovery: UpdateContinuousBackups, DescribeContinuousBackups and RestoreTableToPointInTime.

use haneul_dynamodb_wire::operations::{
    DescribeContinuousBackups, RestoreTableToPointInTime, UpdateContinuousBackups,
};
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::error as code;
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Instant, Result};

use super::Dynamodb;
use super::backups::{Overrides, restored};
use crate::error::{self, validation};
use crate::model::{PitrSettings, RestoreSource, RestoredFrom, TableRecord};
use crate::store::sources::Source;
use crate::store::tables::Change;
use crate::table::describe::{self, Counts};
use crate::table::name;

/// Source: "Point-in-time recovery", the recovery period.
const DAYS_MAX: i32 = 35;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Handle<UpdateContinuousBackups> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::UpdateContinuousBackupsInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:UpdateContinuousBackups", &input.table_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateContinuousBackupsInput,
    ) -> Result<s::UpdateContinuousBackupsOutput> {
        let wanted = &input.point_in_time_recovery_specification;
        if !wanted.point_in_time_recovery_enabled && wanted.recovery_period_in_days.is_some() {
            return Err(validation(
                "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.",
            ));
        }
        let now_ms = cx.now().millis();
        let id = name::of(cx, &input.table_name)?;
        let changed = self
            .db
            .change_table(&id, |record, numbers| {
                let mut change = Change::default();
                // What fills it is not in its log.
                if !record.is_made() {
                    return Err(ApiError::new(
                        code::CONTINUOUS_BACKUPS_UNAVAILABLE_EXCEPTION,
                        format!("Backups are being enabled for the table: {}. Please retry later", id.2),
                    ));
                }
                match (&mut record.pitr, wanted.point_in_time_recovery_enabled) {
                    (Some(pitr), true) => pitr.days = wanted.recovery_period_in_days.unwrap_or(pitr.days),
                    (None, true) => {
                        record.pitr = Some(PitrSettings {
                            log: numbers.next(),
                            since_ms: now_ms,
                            days: wanted.recovery_period_in_days.unwrap_or(DAYS_MAX),
                        });
                    }
                    (Some(pitr), false) => {
                        change.dropped_logs.push(pitr.log);
                        record.pitr = None;
                    }
                    (None, false) => {}
                }
                Ok(change)
            })
            .await
            .map_err(|error| no_such_table(error, &input.table_name))?;
        Ok(s::UpdateContinuousBackupsOutput {
            continuous_backups_description: Some(description(&changed.record, cx.now())),
        })
    }
}

impl Handle<DescribeContinuousBackups> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DescribeContinuousBackupsInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:DescribeContinuousBackups", &input.table_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeContinuousBackupsInput,
    ) -> Result<s::DescribeContinuousBackupsOutput> {
        let id = name::of(cx, &input.table_name)?;
        let info = self.db.named_table(&id).await.map_err(|error| no_such_table(error, &input.table_name))?;
        Ok(s::DescribeContinuousBackupsOutput {
            continuous_backups_description: Some(description(&info.record, cx.now())),
        })
    }
}

impl Handle<RestoreTableToPointInTime> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::RestoreTableToPointInTimeInput) -> Result<Vec<Access>> {
        let action = "dynamodb:RestoreTableToPointInTime";
        let mut needed = self.on_table(cx, action, source(input)?).await?;
        let target = name::arn(&(cx.account(), cx.region(), input.target_table_name.clone()));
        needed.push(Access::on(action, &target));
        Ok(needed)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::RestoreTableToPointInTimeInput,
    ) -> Result<s::RestoreTableToPointInTimeOutput> {
        let id = name::of(cx, source(&input)?)?;
        let info = self.db.named_table(&id).await.map_err(|error| no_such_table(error, &id.2))?;
        let now = cx.now();
        let at = match (input.use_latest_restorable_time, input.restore_date_time) {
            (Some(true), None) => now,
            (_, Some(at)) if input.use_latest_restorable_time != Some(true) => at,
            _ => {
                return Err(validation(
                    "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but \
                     not both",
                ));
            }
        };
        let Some(pitr) = &info.record.pitr else {
            return Err(error::no_recovery(&id.2));
        };
        if at < earliest(pitr, now) || at > now {
            return Err(ApiError::new(
                code::INVALID_RESTORE_TIME_EXCEPTION,
                "The restore time must be between EarliestRestorableDateTime and LatestRestorableDateTime",
            ));
        }
        let overrides = Overrides {
            billing_mode: input.billing_mode_override,
            provisioned: input.provisioned_throughput_override,
            on_demand: input.on_demand_throughput_override,
            global: input.global_secondary_index_override,
            local: input.local_secondary_index_override,
        };
        let mut record = restored(&info.record, overrides)?;
        let sse = info.record.sse.clone();
        record.restoring = Some(RestoreSource {
            space: info.record.space,
            log: Some((pitr.log, at.millis())),
            sse: sse.clone(),
        });
        record.restored =
            Some(RestoredFrom { backup_arn: None, table_arn: info.arn().to_string(), at_ms: at.millis() });
        name::check(&input.target_table_name)?;
        let target = (cx.account(), cx.region(), input.target_table_name);
        record.sse = self
            .restored_encryption(cx, &target, input.sse_specification_override.as_ref(), sse.as_ref())
            .await?;
        let made = self
            .db
            .restore_table(&target, record, &Source::Table(id))
            .await
            .map_err(super::backups::exists)?;
        self.db.upkeep().wake();
        Ok(s::RestoreTableToPointInTimeOutput {
            table_description: Some(describe::table(&made, "CREATING", &Counts::default())),
        })
    }
}

fn source(input: &s::RestoreTableToPointInTimeInput) -> Result<&str> {
    match (&input.source_table_arn, &input.source_table_name) {
        (Some(given), None) | (None, Some(given)) => Ok(given),
        _ => Err(validation("Must provide exactly one of: sourceTableArn, sourceTableName")),
    }
}

pub(super) fn earliest(pitr: &PitrSettings, now: Instant) -> Instant {
    Instant::from_millis(pitr.since_ms.max(now.millis() - i64::from(pitr.days) * DAY_MS))
}

fn description(record: &TableRecord, now: Instant) -> s::ContinuousBackupsDescription {
    let pitr = record.pitr.as_ref();
    s::ContinuousBackupsDescription {
        continuous_backups_status: "ENABLED".to_owned(),
        point_in_time_recovery_description: Some(s::PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some(
                if pitr.is_some() { "ENABLED" } else { "DISABLED" }.to_owned(),
            ),
            recovery_period_in_days: pitr.map(|pitr| pitr.days),
            earliest_restorable_date_time: pitr.map(|pitr| earliest(pitr, now)),
            latest_restorable_date_time: pitr.map(|_| now),
        }),
    }
}

/// These operations have a code of their own for it.
pub(super) fn no_such_table(error: ApiError, given: &str) -> ApiError {
    match error.code() {
        code::RESOURCE_NOT_FOUND_EXCEPTION => {
            let name =
                Arn::parse(given).ok().and_then(|arn| arn.resource().split('/').nth(1).map(str::to_owned));
            let name = name.unwrap_or_else(|| given.to_owned());
            error::no_source_table(&name)
        }
        _ => error,
    }
}
