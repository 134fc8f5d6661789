//! DescribeScalingActivities.

use haneul_application_autoscaling_wire::operations::DescribeScalingActivities;
use haneul_application_autoscaling_wire::shapes as s;
use haneul_kit::{Access, AccountId, Cx, Handle, Instant, Region, Result, paging};
use haneul_store::{Range, Reads};

use super::targets::page_size;
use crate::ApplicationAutoscaling;
use crate::error::{self, validation};
use crate::model::{ACTIVITIES, ActivityRecord};
use crate::target::NAMESPACE;

type Key = (AccountId, Region, i64, String);

const PAGE: usize = 500;

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
        let limit = page_size(input.max_results)?;
        let purpose = format!("DescribeScalingActivities {} {}", cx.account(), cx.region().as_str());
        let mut after: Option<Key> = None;
        if let Some(token) = &input.next_token {
            let at: (i64, String) =
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::invalid_token)?;
            after = Some((cx.account(), cx.region(), at.0, at.1));
        }
        let wanted = |record: &ActivityRecord| {
            input.service_namespace == NAMESPACE
                && input.resource_id.as_ref().is_none_or(|resource| *resource == record.resource)
                && input.scalable_dimension.as_ref().is_none_or(|dimension| *dimension == record.dimension)
        };
        let mut found = Vec::new();
        while found.len() <= limit {
            let mut range = Range::prefix((cx.account(), cx.region()));
            if let Some(after) = &after {
                range = range.after(after);
            }
            let page = self.platform.store.scan(&ACTIVITIES, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            found.extend(page.into_iter().filter(|(_, record)| wanted(record)));
        }
        let position = |(key, _): &(Key, ActivityRecord)| (key.2, key.3.clone());
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, position);
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
