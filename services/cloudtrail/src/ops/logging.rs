use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_store::{Range, Reads};

use crate::CloudTrail;
use crate::model::CHAINS;

impl CloudTrail {
    /// The next digest is the first of a new chain.
    pub(super) async fn break_chains(&self, id: &str) -> Result<()> {
        let store = &self.platform.store;
        for key in store.scan_keys(&CHAINS, Range::prefix((id.to_owned(),)), 10_000).await? {
            store.delete(&CHAINS, &key).await?;
        }
        Ok(())
    }
}

impl Handle<op::StartLogging> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::StartLoggingRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_trail(cx, "cloudtrail:StartLogging", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::StartLoggingRequest) -> Result<s::StartLoggingResponse> {
        let (key, trail) = self.own_trail(cx, &input.name).await?;
        if !trail.logging {
            // What came before does not belong to it.
            self.ingest().await?;
            self.break_chains(&trail.id).await?;
        }
        let now_ms = cx.now().millis();
        self.change_trail(&key, |trail| {
            if !trail.logging {
                trail.logging = true;
                trail.started_ms = Some(now_ms);
                trail.validating_since_ms = trail.validation.then_some(now_ms);
                if let Some(insights) = &mut trail.insights {
                    // What was not counted meanwhile is no baseline.
                    insights.since_ms = now_ms;
                }
            }
            Ok(())
        })
        .await?;
        self.outgoing.wake();
        Ok(s::StartLoggingResponse {})
    }
}

impl Handle<op::StopLogging> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::StopLoggingRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_trail(cx, "cloudtrail:StopLogging", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::StopLoggingRequest) -> Result<s::StopLoggingResponse> {
        let (key, trail) = self.own_trail(cx, &input.name).await?;
        if trail.logging {
            self.deliver_now(&key, &trail).await?;
        }
        let now_ms = cx.now().millis();
        self.change_trail(&key, |trail| {
            if trail.logging {
                trail.logging = false;
                trail.stopped_ms = Some(now_ms);
            }
            Ok(())
        })
        .await?;
        Ok(s::StopLoggingResponse {})
    }
}

impl Handle<op::GetTrailStatus> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::GetTrailStatusRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_trail(cx, "cloudtrail:GetTrailStatus", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetTrailStatusRequest) -> Result<s::GetTrailStatusResponse> {
        let (_, trail) = self.trail(cx, &input.name).await?;
        let status = self.status(&trail.id).await?;
        let at = |ms: Option<i64>| ms.map(Instant::from_millis);
        let text = |ms: Option<i64>| Some(at(ms).map(Instant::iso8601).unwrap_or_default());
        Ok(s::GetTrailStatusResponse {
            is_logging: Some(trail.logging),
            latest_delivery_error: status.error,
            latest_delivery_time: at(status.delivered_ms),
            start_logging_time: at(trail.started_ms),
            stop_logging_time: at(trail.stopped_ms),
            latest_cloud_watch_logs_delivery_error: status.logs_error,
            latest_cloud_watch_logs_delivery_time: at(status.logs_ms),
            latest_digest_delivery_time: at(status.digest_ms),
            latest_digest_delivery_error: status.digest_error,
            latest_delivery_attempt_time: text(status.attempted_ms),
            latest_notification_attempt_time: Some(String::new()),
            latest_notification_attempt_succeeded: Some(String::new()),
            latest_delivery_attempt_succeeded: text(status.delivered_ms),
            time_logging_started: text(trail.started_ms),
            time_logging_stopped: text(trail.stopped_ms),
            ..Default::default()
        })
    }
}
