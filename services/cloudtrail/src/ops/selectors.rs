use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use crate::CloudTrail;
use crate::error;
use crate::names::trail_arn;
use crate::selectors::{Selectors, parse};

impl Handle<op::PutEventSelectors> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::PutEventSelectorsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_trail(cx, "cloudtrail:PutEventSelectors", &input.trail_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutEventSelectorsRequest,
    ) -> Result<s::PutEventSelectorsResponse> {
        let (key, trail) = self.own_trail(cx, &input.trail_name).await?;
        let selectors = match (input.event_selectors, input.advanced_event_selectors) {
            (Some(_), Some(_)) => {
                return Err(error::selectors(
                    "Either event selectors or advanced event selectors can be set, not both.",
                ));
            }
            (Some(basic), None) => parse::basic(basic)?,
            (None, Some(advanced)) => Selectors::Advanced(parse::advanced(advanced, false)?),
            (None, None) => {
                return Err(error::selectors("Event selectors or advanced event selectors are required."));
            }
        };
        if trail.logging {
            self.deliver_now(&key, &trail).await?;
        }
        let selectors = &selectors;
        self.change_trail(&key, |trail| {
            trail.selectors.clone_from(selectors);
            Ok(())
        })
        .await?;
        let (event_selectors, advanced_event_selectors) = shapes(selectors);
        let trail_arn = Some(trail_arn(key.0, key.1, &key.2).to_string());
        Ok(s::PutEventSelectorsResponse { trail_arn, event_selectors, advanced_event_selectors })
    }
}

impl Handle<op::GetEventSelectors> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::GetEventSelectorsRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_trail(cx, "cloudtrail:GetEventSelectors", &input.trail_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetEventSelectorsRequest,
    ) -> Result<s::GetEventSelectorsResponse> {
        let (key, trail) = self.trail(cx, &input.trail_name).await?;
        let (event_selectors, advanced_event_selectors) = shapes(&trail.selectors);
        let trail_arn = Some(trail_arn(key.0, key.1, &key.2).to_string());
        Ok(s::GetEventSelectorsResponse { trail_arn, event_selectors, advanced_event_selectors })
    }
}

type Shapes = (Option<Vec<s::EventSelector>>, Option<Vec<s::AdvancedEventSelector>>);

fn shapes(selectors: &Selectors) -> Shapes {
    match selectors {
        Selectors::Basic(all) => (Some(all.iter().map(parse::basic_shape).collect()), None),
        Selectors::Advanced(all) => (None, Some(all.iter().map(parse::advanced_shape).collect())),
    }
}
