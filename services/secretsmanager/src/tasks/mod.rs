//! What the clock does to secrets: deletion after the waiting period, and rotation, step by step.

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::model::{STEPS, SecretName, SecretRecord};
use crate::ops::rotation;
use crate::secrets::Secrets;
use crate::store::Values;
use crate::versions::{self, PENDING};

pub(crate) struct Due {
    secrets: Arc<Secrets>,
}

/// Calls of a rotation function before a rotation is given up until the next window.
const ATTEMPTS_MAX: u32 = 5;
const RETRY_MS: i64 = 60_000;

impl Due {
    pub(crate) fn new(secrets: Arc<Secrets>) -> Due {
        Due { secrets }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        loop {
            let now = self.secrets.platform.env.now();
            let (due, next) = self.secrets.state.due(now).await?;
            if due.is_empty() {
                return Ok(next);
            }
            for name in due {
                self.settle(&name, now).await?;
            }
        }
    }

    async fn settle(&self, name: &SecretName, now: Instant) -> Result<()> {
        let Some(record) = self.secrets.state.secret(name).await? else { return Ok(()) };
        let now_ms = now.millis();
        if let Some(deletion) = &record.deletion {
            return match deletion.ends_ms <= now_ms {
                true => self.secrets.state.remove(name).await,
                false => Ok(()),
            };
        }
        if record.rotating.as_ref().is_some_and(|rotating| rotating.retry_ms <= now_ms) {
            return self.step(name, &record, now_ms).await;
        }
        let fresh = self.secrets.platform.env.rng.uuid();
        self.secrets
            .state
            .change(name, |record| {
                let rotating = record.rotating.is_some();
                let Some(rotation) = &mut record.rotation else { return Ok(((), Values::default())) };
                if rotation.next_ms.is_none_or(|next_ms| next_ms > now_ms) {
                    return Ok(((), Values::default()));
                }
                rotation.next_ms = rotation::schedule(rotation)?.and_then(|schedule| schedule.next(now));
                if !rotating {
                    rotation::begin(record, &fresh, now_ms, false)?;
                }
                Ok(((), Values::default()))
            })
            .await
    }

    /// Calls the rotation function for the next step.
    async fn step(&self, name: &SecretName, record: &SecretRecord, now_ms: i64) -> Result<()> {
        let (Some(rotating), Some(rotation)) = (&record.rotating, &record.rotation) else { return Ok(()) };
        // A test runs the one step that changes nothing.
        let step = if rotating.test { "testSecret" } else { STEPS[rotating.step.min(STEPS.len() - 1)] };
        let arn = name.arn(&record.suffix);
        let place = (name.account, name.region);
        let bound = (arn.as_str(), rotating.version_id.as_str());
        let called =
            self.secrets.call_rotation_function(place, &rotation.lambda_arn, bound, Some(step)).await;
        if let Err(error) = &called {
            tracing::warn!(secret = %arn, step, %error, "a step of a rotation failed");
        }
        self.secrets
            .state
            .change(name, |record| {
                let mut values = Values::default();
                let Some(rotating) = &mut record.rotating else { return Ok(((), values)) };
                let id = rotating.version_id.clone();
                if called.is_err() {
                    rotating.attempts += 1;
                    rotating.retry_ms = now_ms + RETRY_MS * i64::from(rotating.attempts);
                    if rotating.attempts >= ATTEMPTS_MAX {
                        record.rotating = None;
                    }
                    return Ok(((), values));
                }
                if rotating.test {
                    record.rotating = None;
                    versions::detach(record, PENDING);
                    record.versions.remove(&id);
                    values.gone.push(id);
                    return Ok(((), values));
                }
                rotating.step += 1;
                rotating.attempts = 0;
                rotating.retry_ms = now_ms;
                if rotating.step >= STEPS.len() {
                    record.rotating = None;
                    record.rotated_ms = Some(now_ms);
                }
                Ok(((), values))
            })
            .await
    }
}

impl Reconciler for Due {
    fn name(&self) -> &'static str {
        "secretsmanager.due"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.secrets.due
    }
}
