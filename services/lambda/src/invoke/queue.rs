//! Events: durable before the caller hears of it, run when there is room, tried again when the function fails, and told of at
//! the end. Source: Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".

use bytes::Bytes;
use haneul_kit::{AccountId, Instant, Result};

use super::{Call, destinations};
use crate::model::event::{Ended, EventRecord, LastRun};
use crate::model::function::InvokeConfig;
use crate::names::{FunctionName, LATEST, Named};
use crate::store::events::EventRow;
use crate::{Lambda, error, metrics};

/// Minutes after the first and the second failure of the function.
const RETRY_MS: i64 = 60_000;
/// After a refusal to start: doubled from a second to five minutes.
const REFUSED_MIN_MS: i64 = 1000;
const REFUSED_MAX_MS: i64 = 300_000;

pub(crate) const RETRIES: u32 = 2;
pub(crate) const AGE_S: u32 = 21_600;

/// Deliveries of an outcome that are tried.
const TELLING_MAX: u32 = 10;

/// Longest answer that is kept for the record of an outcome.
const ANSWER_MAX: usize = super::EVENT_MAX;

impl Lambda {
    /// Accepts an event: it is durable when this returns.
    pub(crate) async fn accept(
        &self,
        named: &Named,
        request_id: &str,
        payload: &Bytes,
        trace: Option<String>,
    ) -> Result<()> {
        let env = &self.platform.env;
        let event = EventRecord {
            account: named.function.account.number(),
            region: named.function.region.as_str().to_owned(),
            function: named.function.name.clone(),
            qualifier: named.qualifier.clone(),
            request_id: request_id.to_owned(),
            accepted_ms: env.now().millis(),
            runs: 0,
            refusals: 0,
            trace,
            last: None,
            ended: None,
        };
        let row = (event.accepted_ms.max(0) as u64, env.rng.u64());
        self.records.accept(row, &event, payload).await?;
        self.sample(metrics::EVENTS_RECEIVED, &named.function, named.qualifier.as_deref(), 1.0);
        self.wake.events.wake();
        Ok(())
    }

    /// Goes on with an event that is due.
    pub(crate) async fn deliver(&self, row: EventRow) -> Result<()> {
        // It may have been dealt with since it was listed.
        let Some(mut event) = self.records.event(row).await? else { return Ok(()) };
        let Some(named) = event.named() else { return self.records.finish_event(row).await };
        let payload = Bytes::from(self.records.payload(row.1).await?);
        if event.ended.is_none() {
            let due = self.attempt(&named, &mut event, &payload).await?;
            match due {
                Next::Again(due_ms) => return self.records.put_off(row, due_ms.max(0) as u64, &event).await,
                Next::Drop => return self.records.finish_event(row).await,
                // A crash from here on tells once more, and does not run once more.
                Next::Tell => self.records.put_off(row, row.0, &event).await?,
            }
        }
        if event.ended.as_ref().is_some_and(|ended| ended.condition != "Success" && ended.failures == 0) {
            self.sample(metrics::EVENTS_DROPPED, &named.function, named.qualifier.as_deref(), 1.0);
        }
        let told = self.tell(&named, &event, &payload).await;
        let Err(refused) = told else { return self.records.finish_event(row).await };
        let failures = match &mut event.ended {
            Some(ended) => {
                ended.failures += 1;
                ended.failures
            }
            None => TELLING_MAX,
        };
        if failures >= TELLING_MAX {
            tracing::warn!(function = %named.arn(), request_id = event.request_id, error = %refused, "the outcome of an event could not be told");
            return self.records.finish_event(row).await;
        }
        let now_ms = self.platform.env.now().millis();
        let due_ms = now_ms + back_off(failures);
        self.records.put_off(row, due_ms.max(0) as u64, &event).await
    }

    /// Runs the function with an event, and says what is next.
    async fn attempt(&self, named: &Named, event: &mut EventRecord, payload: &Bytes) -> Result<Next> {
        let target = match self.target(named).await {
            Ok(target) => target,
            // The function is gone, and with it who would want to know.
            Err(refused) if refused.fault() == haneul_kit::Fault::Client => return Ok(Next::Drop),
            Err(failed) => return Err(failed),
        };
        let config = config_of(&target.known.record.invoke_configs, named.qualifier.as_deref());
        let (retries, age_s) = (config.retries.unwrap_or(RETRIES), config.age_s.unwrap_or(AGE_S));
        let ends = Instant::from_millis(event.accepted_ms + i64::from(age_s) * 1000);
        let now = self.platform.env.now();
        if now > ends {
            return Ok(event.end("EventAgeExceeded"));
        }
        let age_ms = now.millis() - event.accepted_ms;
        self.sample(metrics::EVENT_AGE, &named.function, named.qualifier.as_deref(), age_ms as f64);
        let call = Call {
            request_id: event.request_id.clone(),
            payload: payload.clone(),
            trace: event.trace.clone(),
            ..Call::default()
        };
        let ran = match self.run_whole(target, call, None).await {
            Ok(ran) => ran,
            Err(refused)
                if refused.code() == haneul_lambda_wire::values::error::RECURSIVE_INVOCATION_EXCEPTION =>
            {
                return Ok(event.end("RecursiveInvocation"));
            }
            Err(refused) => {
                event.refusals += 1;
                let due = self.platform.env.now().millis() + back_off(event.refusals);
                if !error::is_throttle(&refused) {
                    tracing::warn!(function = %named.arn(), error = %refused, "an event's function could not be started");
                }
                return Ok(if due > ends.millis() {
                    event.end("EventAgeExceeded")
                } else {
                    Next::Again(due)
                });
            }
        };
        event.runs += 1;
        event.refusals = 0;
        let (executed_version, function_error) = (ran.executed_version.clone(), ran.function_error);
        let answer = ran.whole().await?;
        let wanted = config.on_success.is_some() || config.on_failure.is_some() || function_error.is_some();
        let answer = String::from_utf8_lossy(&answer[..answer.len().min(ANSWER_MAX)]).into_owned();
        event.last = wanted.then(|| LastRun {
            executed_version,
            function_error: function_error.map(str::to_owned),
            answer,
        });
        if function_error.is_none() {
            return Ok(event.end("Success"));
        }
        if event.runs > retries {
            return Ok(event.end("RetriesExhausted"));
        }
        let due = self.platform.env.now().millis() + RETRY_MS * i64::from(event.runs);
        Ok(if due > ends.millis() { event.end("EventAgeExceeded") } else { Next::Again(due) })
    }

    /// Tells whoever wants to know how it ended.
    async fn tell(&self, named: &Named, event: &EventRecord, payload: &Bytes) -> Result<()> {
        let Some(ended) = &event.ended else { return Ok(()) };
        let target = match self.target(named).await {
            Ok(target) => target,
            Err(refused) if refused.fault() == haneul_kit::Fault::Client => return Ok(()),
            Err(failed) => return Err(failed),
        };
        let config = config_of(&target.known.record.invoke_configs, named.qualifier.as_deref());
        let success = ended.condition == "Success";
        let destination = if success { &config.on_success } else { &config.on_failure };
        let role = &target.version.role;
        if let Some(destination) = destination {
            let record = destinations::record(named, event, payload, self.platform.env.now());
            let sent = self.send_record(&named.function, role, destination, record, event.trace.as_deref());
            sent.await.inspect_err(|_| {
                self.sample(metrics::DELIVERY_FAILURES, &named.function, named.qualifier.as_deref(), 1.0);
            })?;
        }
        if let Some(queue) = target.version.dead_letter.as_ref().filter(|_| !success) {
            let sent = self.send_dead_letter(&named.function, role, queue, event, payload).await;
            sent.inspect_err(|_| {
                self.sample(metrics::DEAD_LETTER_ERRORS, &named.function, named.qualifier.as_deref(), 1.0);
            })?;
        }
        Ok(())
    }
}

/// What comes after an attempt.
enum Next {
    /// Once more, at this time in milliseconds.
    Again(i64),
    Tell,
    Drop,
}

impl EventRecord {
    /// What it is for; `None` for a record that makes no sense.
    pub(crate) fn named(&self) -> Option<Named> {
        let account = AccountId::new(self.account)?;
        let function =
            FunctionName { account, region: self.region.parse().ok()?, name: self.function.clone() };
        Some(Named { function, qualifier: self.qualifier.clone() })
    }

    fn end(&mut self, condition: &str) -> Next {
        self.ended = Some(Ended { condition: condition.to_owned(), failures: 0 });
        Next::Tell
    }
}

fn config_of(
    configs: &std::collections::BTreeMap<String, InvokeConfig>,
    qualifier: Option<&str>,
) -> InvokeConfig {
    configs.get(qualifier.unwrap_or(LATEST)).cloned().unwrap_or_default()
}

fn back_off(failures: u32) -> i64 {
    (REFUSED_MIN_MS << failures.min(20).saturating_sub(1)).min(REFUSED_MAX_MS)
}
