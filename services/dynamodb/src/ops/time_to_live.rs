//! UpdateTimeToLive and DescribeTimeToLive.

use haneul_dynamodb_wire::operations::{DescribeTimeToLive, UpdateTimeToLive};
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use super::{Dynamodb, strong};
use crate::error::validation;
use crate::model::TtlSettings;
use crate::store::tables::Change;
use crate::table::{describe, name};

/// How long a change takes, during which there can be no other. Source: the API reference of UpdateTimeToLive.
const CHANGE_MS: i64 = 60 * 60 * 1000;

impl Handle<UpdateTimeToLive> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::UpdateTimeToLiveInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:UpdateTimeToLive", &input.table_name).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateTimeToLiveInput) -> Result<s::UpdateTimeToLiveOutput> {
        let wanted = &input.time_to_live_specification;
        let now_ms = cx.now().millis();
        self.db
            .change_table(&name::of(cx, &input.table_name)?, |record, numbers| {
                strong::refuse(record, "Time to Live is")?;
                let mut change = Change::default();
                record.ttl = match (record.ttl.take(), wanted.enabled) {
                    (Some(ttl), true) if ttl.attribute == wanted.attribute_name => {
                        return Err(validation("TimeToLive is already enabled"));
                    }
                    (Some(ttl), true) => {
                        return Err(validation(format!(
                            "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                            ttl.attribute
                        )));
                    }
                    (None, true) => Some(TtlSettings {
                        attribute: wanted.attribute_name.clone(),
                        space: numbers.next(),
                        changed_ms: now_ms,
                        ready: false,
                    }),
                    (None, false) => return Err(validation("TimeToLive is already disabled")),
                    (Some(ttl), false) if ttl.attribute != wanted.attribute_name => {
                        return Err(validation(format!(
                            "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                            ttl.attribute
                        )));
                    }
                    (Some(ttl), false) => {
                        change.dropped.push(ttl.space);
                        None
                    }
                };
                if record.ttl_changed_ms.is_some_and(|last_ms| now_ms < last_ms + CHANGE_MS) {
                    return Err(validation(
                        "Time to live has been modified multiple times within a fixed interval",
                    ));
                }
                record.ttl_changed_ms = Some(now_ms);
                Ok(change)
            })
            .await?;
        Ok(s::UpdateTimeToLiveOutput { time_to_live_specification: Some(input.time_to_live_specification) })
    }
}

impl Handle<DescribeTimeToLive> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DescribeTimeToLiveInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:DescribeTimeToLive", &input.table_name).await
    }

    async fn call(&self, cx: &Cx, input: s::DescribeTimeToLiveInput) -> Result<s::DescribeTimeToLiveOutput> {
        let info = self.db.named_table(&name::of(cx, &input.table_name)?).await?;
        Ok(s::DescribeTimeToLiveOutput {
            time_to_live_description: Some(describe::time_to_live(&info.record)),
        })
    }
}
