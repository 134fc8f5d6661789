use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result};

use super::alarm_parts::owner;
use crate::CloudWatch;
use crate::error;
use crate::model::Contributor;

impl Handle<op::DescribeAlarmContributors> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DescribeAlarmContributorsInput) -> Result<Vec<Access>> {
        Ok(vec![self.with_tags(cx, "cloudwatch:DescribeAlarmContributors", &input.alarm_name).await?])
    }

    /// Of an alarm on a single series there are none.
    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeAlarmContributorsInput,
    ) -> Result<s::DescribeAlarmContributorsOutput> {
        // There are no more than fit into one answer.
        if input.next_token.is_some() {
            return Err(error::next_token());
        }
        let alarm = self.alarm(owner(cx), &input.alarm_name).await?;
        let alarm = alarm.ok_or_else(|| error::resource_not_found("Alarm", &input.alarm_name))?;
        let shown = |one: Contributor| s::AlarmContributor {
            contributor_id: one.id,
            contributor_attributes: one.attributes.into_iter().collect(),
            state_reason: one.reason,
            state_transitioned_timestamp: Some(Instant::from_millis(one.since_ms)),
        };
        Ok(s::DescribeAlarmContributorsOutput {
            alarm_contributors: alarm.state.contributors.into_iter().map(shown).collect(),
            next_token: None,
        })
    }
}
