use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result, paging};

use crate::CloudWatch;
use crate::error;
use crate::series::Identity;
use crate::store::listing::{Place, Scope};

const PAGE: usize = 500;
const TWO_WEEKS_MS: i64 = 14 * 86_400_000;
/// Three hours, and what a metric's record may lag behind.
const RECENT_MS: i64 = 3 * 3_600_000 + 10 * 60_000;

impl Handle<op::ListMetrics> for CloudWatch {
    async fn access(&self, _: &Cx, _: &s::ListMetricsInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:ListMetrics"))
    }

    async fn call(&self, cx: &Cx, input: s::ListMetricsInput) -> Result<s::ListMetricsOutput> {
        let other = input.owning_account.is_some_and(|account| account != cx.account().to_string());
        if input.include_linked_accounts == Some(true) || other {
            return Err(error::not_offered("Cross-account observability"));
        }
        let back_ms = match input.recently_active.as_deref() {
            None => TWO_WEEKS_MS,
            Some("PT3H") => RECENT_MS,
            Some(other) => return Err(error::value_for(other, "RecentlyActive")),
        };
        let filters = input.dimensions.unwrap_or_default();
        let scope = Scope {
            account: cx.account(),
            region: cx.region(),
            namespace: input.namespace.as_deref(),
            name: input.metric_name.as_deref(),
        };
        let purpose = format!(
            "cloudwatch.ListMetrics {} {} {:?} {:?}",
            cx.account(),
            cx.region(),
            input.namespace,
            input.metric_name
        );
        let after: Option<Place> = match &input.next_token {
            Some(token) => {
                Some(paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?)
            }
            None => None,
        };
        let oldest_ms = cx.now().millis() - back_ms;
        let wanted = |identity: &Identity, last_put_ms: i64| {
            let fits = |filter: &s::DimensionFilter| {
                let found = identity.dimension(&filter.name);
                found.is_some_and(|found| filter.value.as_ref().is_none_or(|value| value == found))
            };
            last_put_ms >= oldest_ms && filters.iter().all(fits)
        };
        let (found, next) = self.points.list(scope, after, PAGE, wanted).await?;
        let metric = |identity: &Identity| s::Metric {
            namespace: Some(identity.namespace.clone()),
            metric_name: Some(identity.name.clone()),
            dimensions: Some(wire_dimensions(&identity.dimensions)),
        };
        let metrics = found.iter().map(|series| metric(&series.identity)).collect();
        let next_token = next.map(|place| paging::token(&self.platform.seal, &purpose, &place));
        Ok(s::ListMetricsOutput { metrics: Some(metrics), next_token, owning_accounts: None })
    }
}

pub(crate) fn wire_dimensions(dimensions: &[(String, String)]) -> Vec<s::Dimension> {
    let dimension =
        |(name, value): &(String, String)| s::Dimension { name: name.clone(), value: value.clone() };
    dimensions.iter().map(dimension).collect()
}
