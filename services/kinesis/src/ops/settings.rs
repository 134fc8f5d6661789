//! Retention, enhanced monitoring, the size of records, and how they are distributed.

use std::collections::BTreeSet;
use std::sync::Arc;

use haneul_kinesis_wire::operations::{
    DecreaseStreamRetentionPeriod, DisableEnhancedMonitoring, EnableEnhancedMonitoring,
    IncreaseStreamRetentionPeriod, UpdateMaxRecordSize, UpdateStreamRecordDistributionStrategy,
};
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::{metrics_name, record_distribution_strategy};
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use super::on_any;
use crate::Kinesis;
use crate::error;
use crate::model::Change;
use crate::names;
use crate::plane::Stream;

/// Hours. Source: API Reference, "IncreaseStreamRetentionPeriod".
const RETENTION_MIN: i32 = 24;
const RETENTION_MAX: i32 = 8760;

const METRICS: [&str; 7] = [
    metrics_name::INCOMING_BYTES,
    metrics_name::INCOMING_RECORDS,
    metrics_name::ITERATOR_AGE_MILLISECONDS,
    metrics_name::OUTGOING_BYTES,
    metrics_name::OUTGOING_RECORDS,
    metrics_name::READ_PROVISIONED_THROUGHPUT_EXCEEDED,
    metrics_name::WRITE_PROVISIONED_THROUGHPUT_EXCEEDED,
];

impl Kinesis {
    async fn retain(&self, cx: &Cx, stream: Arc<Stream>, hours: i32, longer: bool) -> Result<Empty> {
        if hours < RETENTION_MIN {
            return Err(error::invalid(format!(
                "Minimum allowed retention period is {RETENTION_MIN} hours. Requested retention period ({hours} \
                 hours) is too short."
            )));
        }
        if hours > RETENTION_MAX {
            return Err(error::invalid(format!(
                "Maximum allowed retention period is {RETENTION_MAX} hours. Requested retention period ({hours} \
                 hours) is too long."
            )));
        }
        let (name, now_ms) = (stream.key.name.clone(), cx.now().millis());
        let begun = self.registry.begin(&stream, move |_, record| {
            let now_hours = record.retention_hours as i32;
            let wrong = match longer {
                true if now_hours > hours => Some(("shorter", "Decrease")),
                false if now_hours < hours => Some(("longer", "Increase")),
                _ => None,
            };
            if let Some((what, other)) = wrong {
                return Err(error::invalid(format!(
                    "Requested retention period ({hours} hours) for stream {name} can not be {what} than existing \
                     retention period ({now_hours} hours). Use {other}RetentionPeriod API."
                )));
            }
            // What is trimmed by now stays so.
            record.horizon_ms = record.trimmed_before_ms(now_ms);
            record.retention_hours = hours as u32;
            Ok((Change::Settle, ()))
        });
        begun.await?;
        self.keeper.wake();
        Ok(Empty)
    }

    async fn monitor(
        &self,
        stream: Arc<Stream>,
        metrics: Vec<String>,
        enable: bool,
    ) -> Result<s::EnhancedMonitoringOutput> {
        let wanted: BTreeSet<String> = match metrics.iter().any(|metric| metric == metrics_name::ALL) {
            true => METRICS.iter().map(|metric| (*metric).to_owned()).collect(),
            false => metrics.into_iter().collect(),
        };
        let begun = self.registry.begin(&stream, move |_, record| {
            let before = record.monitored.clone();
            match enable {
                true => record.monitored.extend(wanted),
                false => record.monitored.retain(|metric| !wanted.contains(metric)),
            }
            Ok((Change::Settle, (before, record.monitored.clone())))
        });
        let (before, after) = begun.await?;
        self.keeper.wake();
        Ok(s::EnhancedMonitoringOutput {
            stream_name: Some(stream.key.name.clone()),
            stream_arn: Some(stream.arn.to_string()),
            current_shard_level_metrics: Some(before.into_iter().collect()),
            desired_shard_level_metrics: Some(after.into_iter().collect()),
        })
    }
}

impl Handle<IncreaseStreamRetentionPeriod> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::IncreaseStreamRetentionPeriodInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        self.on_named(cx, "kinesis:IncreaseStreamRetentionPeriod", name, arn)
    }

    async fn call(&self, cx: &Cx, input: s::IncreaseStreamRetentionPeriodInput) -> Result<Empty> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        self.retain(cx, stream, input.retention_period_hours, true).await
    }
}

impl Handle<DecreaseStreamRetentionPeriod> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::DecreaseStreamRetentionPeriodInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        self.on_named(cx, "kinesis:DecreaseStreamRetentionPeriod", name, arn)
    }

    async fn call(&self, cx: &Cx, input: s::DecreaseStreamRetentionPeriodInput) -> Result<Empty> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        self.retain(cx, stream, input.retention_period_hours, false).await
    }
}

impl Handle<EnableEnhancedMonitoring> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::EnableEnhancedMonitoringInput) -> Result<Vec<Access>> {
        let key = names::stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref())?;
        Ok(vec![on_any("kinesis:EnableEnhancedMonitoring", &key)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::EnableEnhancedMonitoringInput,
    ) -> Result<s::EnhancedMonitoringOutput> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        self.monitor(stream, input.shard_level_metrics, true).await
    }
}

impl Handle<DisableEnhancedMonitoring> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::DisableEnhancedMonitoringInput) -> Result<Vec<Access>> {
        let key = names::stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref())?;
        Ok(vec![on_any("kinesis:DisableEnhancedMonitoring", &key)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DisableEnhancedMonitoringInput,
    ) -> Result<s::EnhancedMonitoringOutput> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        self.monitor(stream, input.shard_level_metrics, false).await
    }
}

impl Handle<UpdateMaxRecordSize> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::UpdateMaxRecordSizeInput) -> Result<Vec<Access>> {
        self.on_named(cx, "kinesis:UpdateMaxRecordSize", None, input.stream_arn.as_deref())
    }

    async fn call(&self, cx: &Cx, input: s::UpdateMaxRecordSizeInput) -> Result<Empty> {
        let stream = self.stream(cx, None, input.stream_arn.as_deref()).await?;
        let begun = self.registry.begin(&stream, move |_, record| {
            record.record_kib_max = input.max_record_size_in_ki_b as u32;
            record.record_kib_ever = record.record_kib_ever.max(record.record_kib_max);
            Ok((Change::Settle, ()))
        });
        begun.await?;
        self.keeper.wake();
        Ok(Empty)
    }
}

impl Handle<UpdateStreamRecordDistributionStrategy> for Kinesis {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::UpdateStreamRecordDistributionStrategyInput,
    ) -> Result<Vec<Access>> {
        self.on_named(cx, "kinesis:UpdateStreamRecordDistributionStrategy", None, Some(&input.stream_arn))
    }

    async fn call(&self, cx: &Cx, input: s::UpdateStreamRecordDistributionStrategyInput) -> Result<Empty> {
        let stream = self.stream(cx, None, Some(&input.stream_arn)).await?;
        let spread = input.record_distribution_strategy == record_distribution_strategy::AUTO;
        let key = stream.key.clone();
        let changed = self.registry.change(&stream, move |_, record| {
            if !record.is_usable() {
                return Err(error::not_active(&key, record.status()));
            }
            if !record.on_demand {
                return Err(error::invalid(format!(
                    "Stream {} under account {} is in PROVISIONED mode, which does not support the record \
                     distribution strategy.",
                    key.name, key.account
                )));
            }
            record.spread = spread;
            Ok(())
        });
        changed.await?;
        Ok(Empty)
    }
}
