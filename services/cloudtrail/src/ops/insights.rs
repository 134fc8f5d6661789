use std::collections::BTreeMap;

use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};

use super::lookup::Looked;
use crate::CloudTrail;
use crate::error;
use crate::insights::count::{Series, minutes};
use crate::insights::minute_of;
use crate::insights::settings::Kind;
use crate::model::Trail;
use crate::names::trail_arn;
use crate::store::{TrailKey, told};
use crate::tasks::sweep::HISTORY_DAYS;

const DAY_MS: i64 = 86_400_000;
/// Periods in seconds, and for how many days they can be had. Source: API Reference, ListInsightsMetricData.
const PERIODS: [(i32, i64); 3] = [(60, 15), (300, 63), (3600, 90)];
const POINTS_MAX: usize = 21_600;
const EVENTS_MAX: i32 = 50;

impl CloudTrail {
    /// A trail that looks for Insights in data events: what these calls are about.
    async fn trail_of_data(&self, cx: &Cx, given: &str) -> Result<(TrailKey, Trail)> {
        let (key, trail) = self.trail(cx, given).await?;
        if key.0 != cx.account() {
            return Err(error::not_trails_owner());
        }
        Ok((key, trail))
    }
}

impl Handle<op::ListInsightsMetricData> for CloudTrail {
    /// AWS: the permissions of LookupEvents, and with a trail also of ListInsightsData on it.
    async fn access(&self, cx: &Cx, input: &s::ListInsightsMetricDataRequest) -> Result<Vec<Access>> {
        let mut all = vec![Access::to("cloudtrail:LookupEvents")];
        if let Some(trail) = &input.trail_name {
            all.push(self.on_trail(cx, "cloudtrail:ListInsightsData", trail).await?);
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListInsightsMetricDataRequest,
    ) -> Result<s::ListInsightsMetricDataResponse> {
        let period = input.period.unwrap_or(3600);
        let Some((_, days)) = PERIODS.iter().find(|(known, _)| *known == period) else {
            return Err(error::parameter("Period must be 60, 300 or 3600."));
        };
        let kind =
            Kind::parse(&input.insight_type).ok_or_else(|| error::parameter("InsightType is not valid."))?;
        let code = match (kind, &input.error_code) {
            (Kind::ErrorRate, None) => {
                return Err(error::parameter("ErrorCode is required for ApiErrorRateInsight."));
            }
            (Kind::CallRate, Some(_)) => {
                return Err(error::parameter("ErrorCode is only valid for ApiErrorRateInsight."));
            }
            (_, code) => code.as_deref(),
        };
        let trail = match &input.trail_name {
            Some(name) => Some(self.trail_of_data(cx, name).await?),
            None => None,
        };
        let period_ms = i64::from(period) * 1000;
        let now_ms = cx.now().millis();
        let start = input.start_time.map_or(now_ms - HISTORY_DAYS * DAY_MS, Instant::millis);
        let end = input.end_time.map_or(now_ms, Instant::millis).min(now_ms);
        if input.start_time.zip(input.end_time).is_some_and(|(start, end)| start > end) {
            return Err(error::parameter("StartTime is after EndTime."));
        }
        // Inclusive, both of them.
        let first = start.max(now_ms - days * DAY_MS);
        let first = first.div_euclid(period_ms) + i64::from(first.rem_euclid(period_ms) > 0);
        let last = end.div_euclid(period_ms) + i64::from(end.rem_euclid(period_ms) > 0);

        self.look_for_insights().await?;
        let scope = trail.as_ref().map(|(_, trail)| trail.id.clone()).unwrap_or_default();
        let series = Series::new(&input.event_source, &input.event_name, code);
        let window = (minute_of(first * period_ms), minute_of((last * period_ms).max(0)));
        let rows = self.rows(&(scope, cx.account(), cx.region()), &series, window).await?;
        let mut points: BTreeMap<i64, f64> = BTreeMap::new();
        if input.data_type.as_deref() == Some("FillWithZeros") {
            points.extend((first..last).map(|at| (at, 0.0)));
        }
        for (minute, _, calls) in minutes(&rows, window.0, window.1) {
            let at = i64::try_from(minute).unwrap_or(0) * 60_000 / period_ms;
            *points.entry(at).or_default() += f64::from(calls.calls);
        }
        let purpose = format!(
            "cloudtrail.insights {} {} {:?} {} {period} {:?} {:?} {:?}",
            cx.account(),
            cx.region(),
            input.trail_name,
            series.0,
            input.start_time,
            input.end_time,
            input.data_type
        );
        let seal = &self.platform.seal;
        if let Some(token) = &input.next_token {
            let after: i64 = paging::position(seal, &purpose, token)
                .ok_or_else(|| error::parameter("Invalid NextToken."))?;
            points.retain(|at, _| *at > after);
        }
        let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(POINTS_MAX);
        let page = paging::cut(points.into_iter().collect(), limit, seal, &purpose, |(at, _)| *at);
        Ok(s::ListInsightsMetricDataResponse {
            trail_arn: trail.map(|(key, _)| trail_arn(key.0, key.1, &key.2).to_string()),
            event_source: Some(input.event_source),
            event_name: Some(input.event_name),
            insight_type: Some(input.insight_type),
            error_code: input.error_code,
            timestamps: Some(page.items.iter().map(|(at, _)| Instant::from_millis(at * period_ms)).collect()),
            values: Some(page.items.iter().map(|(_, calls)| *calls).collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::ListInsightsData> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::ListInsightsDataRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_trail(cx, "cloudtrail:ListInsightsData", &input.insight_source).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListInsightsDataRequest) -> Result<s::ListInsightsDataResponse> {
        if input.start_time.zip(input.end_time).is_some_and(|(start, end)| start > end) {
            return Err(error::parameter("StartTime is after EndTime."));
        }
        if !input.insight_source.starts_with("arn:") {
            return Err(error::parameter("InsightSource must be the ARN of a trail."));
        }
        let (_, trail) = self.trail_of_data(cx, &input.insight_source).await?;
        self.look_for_insights().await?;
        let attribute = input.dimensions.iter().flat_map(|all| all.iter()).next().map(|(key, value)| {
            s::LookupAttribute { attribute_key: key.to_owned(), attribute_value: value.clone() }
        });
        let limit = usize::try_from(input.max_results.unwrap_or(EVENTS_MAX)).unwrap_or(1);
        let looked = Looked {
            history: told(&trail.id),
            attribute: attribute.as_ref(),
            start: input.start_time,
            end: input.end_time,
            limit,
        };
        let token = input.next_token.as_deref();
        let (events, next_token) =
            self.page(cx, &looked, token, || error::parameter("Invalid NextToken.")).await?;
        Ok(s::ListInsightsDataResponse { events: Some(events), next_token })
    }
}
