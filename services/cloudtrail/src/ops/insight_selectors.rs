use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use crate::CloudTrail;
use crate::error;
use crate::insights::settings::{self, Insights, Kind, Selector};
use crate::names::{store_arn, trail_arn};
use crate::selectors::Advanced;
use crate::store::TrailKey;

impl CloudTrail {
    async fn on_either(
        &self,
        cx: &Cx,
        action: &'static str,
        trail: Option<&String>,
        store: Option<&String>,
    ) -> Result<Vec<Access>> {
        Ok(match (trail, store) {
            (Some(trail), _) => vec![self.on_trail(cx, action, trail).await?],
            (None, Some(store)) => vec![self.on_store(cx, action, store).await?],
            (None, None) => return Err(error::parameter("Either TrailName or EventDataStore is required.")),
        })
    }

    async fn put_of_trail(
        &self,
        cx: &Cx,
        name: &str,
        selectors: Vec<Selector>,
    ) -> Result<s::PutInsightSelectorsResponse> {
        let (key, trail) = self.own_trail(cx, name).await?;
        let compiled = trail.selectors.compiled();
        logs_what_is_asked(&selectors, &compiled, "trail")?;
        if selectors.iter().any(|selector| selector.data) && !compiled.iter().any(Advanced::takes_data) {
            return Err(error::insight_selectors(
                "The trail must log data events for Insights on data events.",
            ));
        }
        // What came before is not of it.
        self.ingest().await?;
        let insights = self.change(cx, selectors, None, trail.insights.as_ref());
        let changed = self
            .change_trail(&key, |trail| {
                trail.insights.clone_from(&insights);
                Ok(())
            })
            .await?;
        self.watching.wake();
        Ok(s::PutInsightSelectorsResponse {
            trail_arn: Some(trail_arn(key.0, key.1, &key.2).to_string()),
            insight_selectors: Some(changed.insights.map_or(Vec::new(), |insights| insights.shapes())),
            ..Default::default()
        })
    }

    async fn put_of_store(
        &self,
        cx: &Cx,
        given: &str,
        destination: Option<String>,
        selectors: Vec<Selector>,
    ) -> Result<s::PutInsightSelectorsResponse> {
        let (key, store) = self.active_store(cx, given).await?;
        if selectors.iter().any(|selector| selector.data) {
            let message = "Insights on data events are not supported on event data stores.";
            return Err(error::insight_selectors(message));
        }
        logs_what_is_asked(&selectors, &store.selectors, "source event data store")?;
        let destination = match destination {
            Some(given) => Some(self.destination(cx, &key, &given).await?),
            None if selectors.is_empty() => None,
            None => {
                return Err(error::combination(
                    "InsightsDestination is required to enable Insights on an event data store.",
                ));
            }
        };
        self.ingest().await?;
        let insights = self.change(cx, selectors, destination, store.insights.as_ref());
        let changed = self
            .change_store(&key, |store| {
                store.insights.clone_from(&insights);
                store.updated_ms = cx.now().millis();
                Ok(())
            })
            .await?;
        self.watching.wake();
        let destination = changed.insights.as_ref().and_then(|insights| insights.destination.as_ref());
        Ok(s::PutInsightSelectorsResponse {
            event_data_store_arn: Some(store_arn(key.0, key.1, &key.2).to_string()),
            insights_destination: destination.map(|id| store_arn(key.0, key.1, id).to_string()),
            insight_selectors: Some(changed.insights.map_or(Vec::new(), |insights| insights.shapes())),
            ..Default::default()
        })
    }

    /// The id of the event data store that is to take Insights events.
    async fn destination(&self, cx: &Cx, source: &TrailKey, given: &str) -> Result<String> {
        let (key, store) = self.active_store(cx, given).await?;
        let takes = store.selectors.iter().all(Advanced::is_of_insights);
        if !takes || key == *source {
            return Err(error::insight_selectors(
                "The destination event data store must log Insights events: its event category must be Insight.",
            ));
        }
        Ok(key.2)
    }

    fn change(
        &self,
        cx: &Cx,
        selectors: Vec<Selector>,
        destination: Option<String>,
        before: Option<&Insights>,
    ) -> Option<Insights> {
        // A baseline goes on when only the choice changes.
        let since_ms = before.map_or(cx.now().millis(), |before| before.since_ms);
        (!selectors.is_empty()).then_some(Insights { selectors, destination, since_ms })
    }
}

/// Source: API Reference, PutInsightSelectors.
pub(super) fn logs_what_is_asked(selectors: &[Selector], takes: &[Advanced], what: &str) -> Result<()> {
    let asked = |kind| selectors.iter().any(|selector| selector.kind == kind && selector.management);
    if asked(Kind::CallRate) && !takes.iter().any(|one| one.takes_management(true)) {
        let message = format!("The {what} must log write management events for ApiCallRateInsight.");
        return Err(error::insight_selectors(message));
    }
    if asked(Kind::ErrorRate) && !takes.iter().any(|one| one.takes_management(false)) {
        let message = format!("The {what} must log management events for ApiErrorRateInsight.");
        return Err(error::insight_selectors(message));
    }
    Ok(())
}

impl Handle<op::PutInsightSelectors> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::PutInsightSelectorsRequest) -> Result<Vec<Access>> {
        let action = "cloudtrail:PutInsightSelectors";
        self.on_either(cx, action, input.trail_name.as_ref(), input.event_data_store.as_ref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutInsightSelectorsRequest,
    ) -> Result<s::PutInsightSelectorsResponse> {
        let selectors = settings::parse(input.insight_selectors)?;
        match (input.trail_name, input.event_data_store, input.insights_destination) {
            (Some(trail), None, None) => self.put_of_trail(cx, &trail, selectors).await,
            (None, Some(store), destination) => self.put_of_store(cx, &store, destination, selectors).await,
            (Some(_), ..) => Err(error::combination(
                "TrailName cannot be used with EventDataStore or InsightsDestination.",
            )),
            (None, None, Some(_)) => {
                Err(error::combination("InsightsDestination cannot be used without EventDataStore."))
            }
            (None, None, None) => Err(error::parameter("Either TrailName or EventDataStore is required.")),
        }
    }
}

impl Handle<op::GetInsightSelectors> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::GetInsightSelectorsRequest) -> Result<Vec<Access>> {
        let action = "cloudtrail:GetInsightSelectors";
        self.on_either(cx, action, input.trail_name.as_ref(), input.event_data_store.as_ref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetInsightSelectorsRequest,
    ) -> Result<s::GetInsightSelectorsResponse> {
        match (&input.trail_name, &input.event_data_store) {
            (Some(trail), None) => {
                let (key, trail) = self.trail(cx, trail).await?;
                let arn = trail_arn(key.0, key.1, &key.2).to_string();
                let insights = trail.insights.ok_or_else(|| error::insights_off(&arn))?;
                Ok(s::GetInsightSelectorsResponse {
                    trail_arn: Some(arn),
                    insight_selectors: Some(insights.shapes()),
                    ..Default::default()
                })
            }
            (None, Some(store)) => {
                let (key, store) = self.event_store(cx, store).await?;
                let arn = |id: &str| store_arn(key.0, key.1, id).to_string();
                let insights = store.insights.ok_or_else(|| error::insights_off(&arn(&key.2)))?;
                Ok(s::GetInsightSelectorsResponse {
                    event_data_store_arn: Some(arn(&key.2)),
                    insights_destination: insights.destination.as_deref().map(arn),
                    insight_selectors: Some(insights.shapes()),
                    ..Default::default()
                })
            }
            (Some(_), Some(_)) => {
                Err(error::combination("TrailName and EventDataStore cannot be used together."))
            }
            (None, None) => Err(error::parameter("Either TrailName or EventDataStore is required.")),
        }
    }
}
