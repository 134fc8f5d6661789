use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use crate::Logs;
use crate::error;
use crate::model::Group;
use crate::names::GroupName;

/// The lengths that AWS allows.
const DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
const DAY_MS: i64 = 86_400_000;
/// Events of the Delivery class are kept for a day.
const DELIVERY_DAYS: i64 = 1;

/// Events before this are gone; `None` keeps all.
pub(crate) fn cutoff_ms(group: &Group, now: Instant) -> Option<i64> {
    let days = match group.class.as_str() {
        "DELIVERY" => Some(DELIVERY_DAYS),
        _ => group.retention_days.map(i64::from),
    };
    days.map(|days| now.millis() - days * DAY_MS)
}

impl Handle<op::PutRetentionPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutRetentionPolicyRequest) -> Result<Vec<Access>> {
        self.on_group("logs:PutRetentionPolicy", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::PutRetentionPolicyRequest) -> Result<Empty> {
        let days = input.retention_in_days;
        if !DAYS.contains(&days) {
            let allowed = DAYS.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
            return Err(error::invalid(format!(
                "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member \
                 must satisfy enum value set: [{allowed}]"
            )));
        }
        let name = GroupName::own(cx, &input.log_group_name);
        self.records
            .change_group(&name, |group| {
                if group.class == "DELIVERY" {
                    return Err(error::invalid(
                        "The retention of a log group of the DELIVERY class cannot be changed.",
                    ));
                }
                group.retention_days = Some(days);
                Ok(())
            })
            .await?;
        self.sweeping.wake();
        Ok(Empty {})
    }
}

impl Handle<op::DeleteRetentionPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteRetentionPolicyRequest) -> Result<Vec<Access>> {
        self.on_group("logs:DeleteRetentionPolicy", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteRetentionPolicyRequest) -> Result<Empty> {
        let name = GroupName::own(cx, &input.log_group_name);
        self.records
            .change_group(&name, |group| {
                group.retention_days = None;
                Ok(())
            })
            .await?;
        Ok(Empty {})
    }
}
