//! PutScheduledAction, DescribeScheduledActions and DeleteScheduledAction.

use haneul_application_autoscaling_wire::operations::{
    DeleteScheduledAction, DescribeScheduledActions, PutScheduledAction,
};
use haneul_application_autoscaling_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result};

use super::access::key;
use super::listing::Asked;
use super::targets::bounds;
use crate::ApplicationAutoscaling;
use crate::error::{self, validation};
use crate::model::{ACTIONS, ActionRecord, NamedKey};
use crate::policy;
use crate::schedule::{Schedule, zone};
use crate::store::named;
use crate::target::{NAMESPACE, Target};

impl Handle<PutScheduledAction> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::PutScheduledActionRequest) -> Result<Vec<Access>> {
        let action = "application-autoscaling:PutScheduledAction";
        let access = self
            .on_target(cx, action, &input.service_namespace, &input.resource_id, &input.scalable_dimension)
            .await?;
        Ok(vec![access])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutScheduledActionRequest,
    ) -> Result<s::PutScheduledActionResponse> {
        Target::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        let target = key(cx, &input.resource_id, &input.scalable_dimension);
        if self.target(&target).await?.is_none() {
            return Err(error::no_target(&target));
        }
        let (start, end) = (input.start_time.map(Instant::millis), input.end_time.map(Instant::millis));
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return Err(validation("EndTime must be after StartTime."));
        }
        let id = self.platform.env.rng.uuid();
        let (input, now_ms, id) = (&input, cx.now().millis(), &id);
        self.put_action(&named(&target, &input.scheduled_action_name), |before| {
            let mut action = match (before, &input.schedule, &input.scalable_target_action) {
                (Some(before), ..) => before,
                (None, Some(_), Some(_)) => ActionRecord {
                    id: id.clone(),
                    created_ms: now_ms,
                    schedule: String::new(),
                    timezone: None,
                    start_ms: None,
                    end_ms: None,
                    min: None,
                    max: None,
                    next_ms: None,
                },
                (None, None, _) => {
                    return Err(validation("Schedule is required to create a scheduled action."));
                }
                (None, _, None) => {
                    return Err(validation("ScalableTargetAction is required to create a scheduled action."));
                }
            };
            if let Some(schedule) = &input.schedule {
                action.schedule.clone_from(schedule);
            }
            if let Some(given) = &input.scalable_target_action {
                if given.min_capacity.is_none() && given.max_capacity.is_none() {
                    return Err(validation("MinCapacity, MaxCapacity or both must be specified."));
                }
                (action.min, action.max) = (given.min_capacity, given.max_capacity);
            }
            bounds(action.min.unwrap_or(1), action.max.unwrap_or(i32::MAX))?;
            if input.timezone.is_some() {
                action.timezone.clone_from(&input.timezone);
            }
            // What is not given is taken away. Source: the API reference.
            (action.start_ms, action.end_ms) = (start, end);
            let zone = zone(action.timezone.as_deref()).ok_or_else(|| {
                validation(format!("Invalid timezone: {}", action.timezone.as_deref().unwrap_or_default()))
            })?;
            let schedule = Schedule::parse(&action.schedule, &zone)
                .ok_or_else(|| validation(format!("Invalid schedule expression: {}", action.schedule)))?;
            if matches!(&schedule, Schedule::At(at_ms) if *at_ms <= now_ms) {
                return Err(validation("The schedule of an at expression must be in the future."));
            }
            action.next_ms = next(&action, &schedule, now_ms);
            Ok(action)
        })
        .await?;
        self.due.wake();
        Ok(s::PutScheduledActionResponse {})
    }
}

/// When an action is due after `after_ms`, within its own bounds.
pub(crate) fn next(action: &ActionRecord, schedule: &Schedule, after_ms: i64) -> Option<i64> {
    let from_ms = action.start_ms.unwrap_or(action.created_ms);
    let after_ms = match action.start_ms {
        // The very moment of the start is within.
        Some(start_ms) => after_ms.max(start_ms - 1),
        None => after_ms,
    };
    let next = match schedule {
        Schedule::Rate(_) if action.start_ms.is_some_and(|start_ms| after_ms < start_ms) => action.start_ms,
        schedule => schedule.next(from_ms, after_ms),
    };
    next.filter(|next| action.end_ms.is_none_or(|end_ms| *next <= end_ms))
}

impl Handle<DeleteScheduledAction> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::DeleteScheduledActionRequest) -> Result<Vec<Access>> {
        let action = "application-autoscaling:DeleteScheduledAction";
        let access = self
            .on_target(cx, action, &input.service_namespace, &input.resource_id, &input.scalable_dimension)
            .await?;
        Ok(vec![access])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteScheduledActionRequest,
    ) -> Result<s::DeleteScheduledActionResponse> {
        Target::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        let target = key(cx, &input.resource_id, &input.scalable_dimension);
        self.drop_action(&named(&target, &input.scheduled_action_name)).await?;
        Ok(s::DeleteScheduledActionResponse {})
    }
}

impl Handle<DescribeScheduledActions> for ApplicationAutoscaling {
    async fn access(&self, _: &Cx, _: &s::DescribeScheduledActionsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("application-autoscaling:DescribeScheduledActions")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeScheduledActionsRequest,
    ) -> Result<s::DescribeScheduledActionsResponse> {
        let names = input.scheduled_action_names.unwrap_or_default();
        let wanted = |key: &NamedKey, _: &ActionRecord| {
            input.service_namespace == NAMESPACE
                && (names.is_empty() || names.contains(&key.4))
                && input.resource_id.as_ref().is_none_or(|resource| *resource == key.2)
                && input.scalable_dimension.as_ref().is_none_or(|dimension| *dimension == key.3)
        };
        let asked = Asked {
            operation: "DescribeScheduledActions",
            max_results: input.max_results,
            next_token: input.next_token.as_deref(),
        };
        let page = self.listed(cx, &ACTIONS, asked, wanted).await?;
        let actions = page.items.into_iter().map(|(key, action)| described(&key, action)).collect();
        Ok(s::DescribeScheduledActionsResponse { scheduled_actions: Some(actions), next_token: page.next })
    }
}

fn described(key: &NamedKey, action: ActionRecord) -> s::ScheduledAction {
    s::ScheduledAction {
        scheduled_action_arn: policy::action_arn(key, &action.id),
        scheduled_action_name: key.4.clone(),
        service_namespace: NAMESPACE.to_owned(),
        schedule: action.schedule,
        timezone: action.timezone,
        resource_id: key.2.clone(),
        scalable_dimension: Some(key.3.clone()),
        start_time: action.start_ms.map(Instant::from_millis),
        end_time: action.end_ms.map(Instant::from_millis),
        scalable_target_action: Some(s::ScalableTargetAction {
            min_capacity: action.min,
            max_capacity: action.max,
        }),
        creation_time: Instant::from_millis(action.created_ms),
    }
}
