//! DescribeScalingActivities.

use haneul_application_autoscaling_wire::operations::DescribeScalingActivities;
use haneul_application_autoscaling_wire::shapes as s;
use haneul_kit::{Access, AccountId, Cx, Handle, Instant, Region, Result};

use super::listing::Asked;
use crate::ApplicationAutoscaling;
use crate::error::validation;
use crate::model::{ACTIVITIES, ActivityRecord};
use crate::target::NAMESPACE;

type Key = (AccountId, Region, i64, String);

impl Handle<DescribeScalingActivities> for ApplicationAutoscaling {
    async fn access(&self, _: &Cx, _: &s::DescribeScalingActivitiesRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("application-autoscaling:DescribeScalingActivities")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeScalingActivitiesRequest,
    ) -> Result<s::DescribeScalingActivitiesResponse> {
        if input.include_not_scaled_activities == Some(true) {
            return Err(validation(
                "Haneul does not keep activities that did not scale yet, so that it refuses to tell of them.",
            ));
        }
        if input.scalable_dimension.is_some() && input.resource_id.is_none() {
            return Err(validation("ResourceId must be specified with ScalableDimension."));
        }
        let wanted = |_: &Key, record: &ActivityRecord| {
            input.service_namespace == NAMESPACE
                && input.resource_id.as_ref().is_none_or(|resource| *resource == record.resource)
                && input.scalable_dimension.as_ref().is_none_or(|dimension| *dimension == record.dimension)
        };
        let asked = Asked {
            operation: "DescribeScalingActivities",
            max_results: input.max_results,
            next_token: input.next_token.as_deref(),
        };
        let page = self.listed(cx, &ACTIVITIES, asked, wanted).await?;
        let activities = page.items.into_iter().map(|(key, record)| described(key, record)).collect();
        Ok(s::DescribeScalingActivitiesResponse {
            scaling_activities: Some(activities),
            next_token: page.next,
        })
    }
}

fn described(key: Key, record: ActivityRecord) -> s::ScalingActivity {
    s::ScalingActivity {
        activity_id: key.3,
        service_namespace: NAMESPACE.to_owned(),
        resource_id: record.resource,
        scalable_dimension: record.dimension,
        description: record.description,
        cause: record.cause,
        start_time: Instant::from_millis(-key.2),
        end_time: Some(Instant::from_millis(record.ended_ms)),
        status_code: if record.failed { "Failed" } else { "Successful" }.to_owned(),
        status_message: Some(record.message),
        ..Default::default()
    }
}
