use std::sync::Arc;

use haneul_kit::metrics::Owner;
use haneul_kit::{ApiError, Arn, BoxFuture, Caller, Instant, Reconciler, Region, Result, Signal};

use crate::CloudWatch;
use crate::alarms::change::acted;
use crate::alarms::message::arn;
use crate::calls;
use crate::model::PendingAction;

/// Calls the actions that changes of state have asked for.
pub(crate) struct Actions {
    cloudwatch: Arc<CloudWatch>,
    signal: Signal,
}

/// Tries of an action whose service may answer later, and the wait before the second in milliseconds, doubled each time.
const ATTEMPTS_MAX: u32 = 4;
const WAIT_MS: i64 = 2_000;

impl Actions {
    pub(crate) fn new(cloudwatch: Arc<CloudWatch>) -> Actions {
        let signal = cloudwatch.actions_signal.clone();
        Actions { cloudwatch, signal }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        loop {
            let now = self.cloudwatch.platform.env.now();
            let due = self.cloudwatch.due_actions(now.millis()).await?;
            if due.is_empty() {
                return Ok(self.cloudwatch.next_action_ms().await?.map(Instant::from_millis));
            }
            for (at, owner, number, mut action) in due {
                let key = (at, owner, number);
                let called = self.call(owner, &action).await;
                match called {
                    Err(error) if error.is_retryable() && action.attempts + 1 < ATTEMPTS_MAX => {
                        action.attempts += 1;
                        let wait_ms = WAIT_MS << action.attempts;
                        self.cloudwatch.postpone_action(key, &action, now.millis() + wait_ms).await?;
                    }
                    called => {
                        let failure =
                            called.err().map(|error| format!("{}: {}", error.code(), error.message()));
                        let item = acted(&action, now, failure.as_deref());
                        self.cloudwatch.finish_action(key, &item, now).await?;
                    }
                }
            }
        }
    }

    /// As the service, on account of the alarm: what is called decides by its own policy.
    async fn call(&self, owner: Owner, action: &PendingAction) -> Result<()> {
        let target =
            Arn::parse(&action.arn).map_err(|_| ApiError::new("InvalidParameter", "Invalid arn syntax"))?;
        let region: Region = target.region().parse().unwrap_or(owner.region);
        let bus = &self.cloudwatch.platform.bus;
        let source = Some(arn(owner, &action.alarm));
        match target.service() {
            "sns" => {
                let caller = Caller::service("cloudwatch.amazonaws.com", owner.account);
                calls::publish(bus, caller, region, source, action).await
            }
            "lambda" => {
                let caller = Caller::service("lambda.alarms.cloudwatch.amazonaws.com", owner.account);
                calls::invoke(bus, caller, region, source, action).await
            }
            "autoscaling" if calls::is_tracked(bus, owner, region, target.resource(), action).await? => {
                Ok(())
            }
            other => Err(ApiError::not_implemented(other, "alarm actions")),
        }
    }
}

impl Reconciler for Actions {
    fn name(&self) -> &'static str {
        "cloudwatch.actions"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
