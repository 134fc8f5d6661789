//! Which of the buckets of a Multi-Region Access Point requests are routed to.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;

use super::alias_of;
use crate::control::account;
use crate::model::multi_region::MultiRegionRecord;
use crate::multi_region::arn;
use crate::{S3, error};

fn on(cx: &Cx, action: &'static str, mrap: &str) -> Access {
    let arn = arn(cx.region(), cx.account(), alias_of(mrap));
    let mut access = Access::to(action).owned_by(cx.account());
    access.resource = arn.clone().into();
    access
        .key("s3:DataAccessPointArn", arn)
        .key("s3:DataAccessPointAccount", cx.account().to_string())
        .key("s3:AccessPointNetworkOrigin", "Internet")
}

impl Handle<op::GetMultiRegionAccessPointRoutes> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetMultiRegionAccessPointRoutesRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:GetMultiRegionAccessPointRoutes", &input.mrap)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetMultiRegionAccessPointRoutesRequest,
    ) -> Result<s::GetMultiRegionAccessPointRoutesResult> {
        let point = self.routed(cx.account(), &input.mrap).await?;
        let routes = point.routes.into_iter().map(|route| s::MultiRegionAccessPointRoute {
            bucket: Some(route.bucket),
            region: Some(route.region),
            traffic_dial_percentage: if route.active { 100 } else { 0 },
        });
        Ok(s::GetMultiRegionAccessPointRoutesResult {
            mrap: Some(arn(cx.region(), cx.account(), &point.alias)),
            routes: Some(routes.collect()),
        })
    }
}

impl Handle<op::SubmitMultiRegionAccessPointRoutes> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::SubmitMultiRegionAccessPointRoutesRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:SubmitMultiRegionAccessPointRoutes", &input.mrap)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::SubmitMultiRegionAccessPointRoutesRequest,
    ) -> Result<s::SubmitMultiRegionAccessPointRoutesResult> {
        let point = self.routed(cx.account(), &input.mrap).await?;
        let set = |point: &mut MultiRegionRecord| {
            for update in &input.route_updates {
                let active = match update.traffic_dial_percentage {
                    0 => false,
                    100 => true,
                    _ => return Err(error::invalid_request("TrafficDialPercentage must be 0 or 100")),
                };
                if update.bucket.is_none() && update.region.is_none() {
                    let message = "Either the Bucket or the Region value must be provided";
                    return Err(error::invalid_request(message));
                }
                let route = point.routes.iter_mut().find(|route| {
                    update.bucket.as_ref().is_none_or(|bucket| *bucket == route.bucket)
                        && update.region.as_ref().is_none_or(|region| *region == route.region)
                });
                let message = "The bucket or Region is not in the Multi-Region Access Point";
                route.ok_or_else(|| error::invalid_request(message))?.active = active;
            }
            if point.routes.iter().any(|route| route.active) {
                return Ok(());
            }
            Err(error::invalid_request("At least one route must be active"))
        };
        self.records.change_multi_region(cx.account(), &point.name, set).await?;
        Ok(s::SubmitMultiRegionAccessPointRoutesResult {})
    }
}
