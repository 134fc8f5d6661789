//! Event source mappings: each is polled by a task of its own, from where it stood, for as long as it is enabled.
//!
//! [`pattern`] and [`filter`] say which records a function wants; [`sqs`], [`dynamodb`] and [`kinesis`] read the sources,
//! [`stream`] follows the shards of a stream, [`shard`] goes through one of them in order and [`lane`] keeps the books of a
//! batch that failed; [`manage`] starts and stops the pollers.

mod dynamodb;
mod filter;
mod items;
mod kinesis;
mod lane;
pub(crate) mod manage;
pub(crate) mod pattern;
mod shard;
mod sqs;
mod stream;
mod window;

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::metrics::Metric;
use haneul_kit::{ApiError, Arn, Caller, Region, Result};
use tokio::sync::watch;

use crate::invoke::{Call, Ran, Target};
use crate::model::mapping::{Kind, MappingRecord};
use crate::names::{self, Named};
use crate::store::mappings::MappingRow;
use crate::{Lambda, error};

pub(crate) use filter::Filters;
pub(crate) use kinesis::{is_consumer, stream_of};

/// A mapping that is polled.
#[derive(Clone)]
pub(crate) struct Mapping {
    pub(crate) lambda: Arc<Lambda>,
    pub(crate) row: MappingRow,
    pub(crate) record: Arc<MappingRecord>,
    pub(crate) named: Named,
    filters: Arc<Filters>,
    stop: watch::Receiver<bool>,
}

/// How a batch went.
enum Went {
    /// The function answered; `None` for nothing in particular.
    Well(bytes::Bytes),
    /// The function failed; the request it was.
    Badly { request_id: String },
    /// It could not be started for now.
    NotNow,
}

/// A batch is full at this size: room for what the event adds to the records. Source: 6 MB of payload.
const BATCH_BYTES_MAX: usize = 5 * 1024 * 1024;

const BACK_OFF_MIN: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(60);

fn back_off(failures: u32) -> Duration {
    (BACK_OFF_MIN * 2u32.saturating_pow(failures.min(10).saturating_sub(1))).min(BACK_OFF_MAX)
}

impl Mapping {
    fn source(&self) -> Result<(Arn, Region)> {
        let arn = Arn::parse(&self.record.source).map_err(haneul_kit::ApiError::internal)?;
        let region = arn.region().parse().unwrap_or(self.row.1);
        Ok((arn, region))
    }

    /// The function's role, as which the source is read.
    async fn caller(&self) -> Result<Caller> {
        let target = self.lambda.target(&self.named).await?;
        let session = self.lambda.session(&self.named.function, &target.version.role).await?;
        Ok(session.caller.clone())
    }

    /// Runs the function with an event, and notes how it went.
    async fn invoke(&self, event: serde_json::Value, trace: Option<String>) -> Result<Went> {
        let call = Call {
            request_id: self.lambda.platform.env.rng.uuid(),
            payload: event.to_string().into_bytes().into(),
            trace,
            ..Call::default()
        };
        let request_id = call.request_id.clone();
        let target: Target = self.lambda.target(&self.named).await?;
        let ran: Ran = match self.lambda.run_whole(target, call, None).await {
            Ok(ran) => ran,
            Err(refused) if error::is_throttle(&refused) => {
                self.note("PROBLEM: Function call throttled").await?;
                return Ok(Went::NotNow);
            }
            Err(refused) => return Err(refused),
        };
        if ran.function_error.is_some() {
            self.note("PROBLEM: Function call failed").await?;
            return Ok(Went::Badly { request_id });
        }
        let answer = ran.whole().await?;
        self.note("OK").await?;
        Ok(Went::Well(answer))
    }

    /// What GetEventSourceMapping tells of the last batch; written only when it changes.
    async fn note(&self, result: &str) -> Result<()> {
        let held = self.lambda.records.mapping(&self.row).await?;
        if held.is_none_or(|held| held.result == result) {
            return Ok(());
        }
        let edit = self.lambda.records.change_mapping(&self.row, |record| {
            record.result = result.to_owned();
            Ok(())
        });
        match edit.await {
            // Deleted meanwhile.
            Err(gone) if gone.fault() == haneul_kit::Fault::Client => Ok(()),
            other => other,
        }
    }

    /// Tells CloudWatch of events, where the mapping asks for that. Source: Developer Guide, "Event source mapping metrics".
    fn count_events(&self, metric: Metric, events: usize) {
        let asked = self.record.metrics.iter().flatten().any(|group| group == "EventCount");
        let metrics = &self.lambda.platform.metrics;
        if !asked || !metrics.is_open() {
            return;
        }
        let (account, region, uuid) = &self.row;
        let dimensions = [("EventSourceMappingUUID", uuid.as_str())];
        let now = self.lambda.platform.env.now();
        metrics.record(metric, *account, *region, now, &dimensions, events as f64);
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow() || self.lambda.platform.env.tasks.is_stopping()
    }

    /// Waits, and says whether the mapping goes on.
    async fn sleep(&self, span: Duration) -> bool {
        let env = &self.lambda.platform.env;
        let mut stop = self.stop.clone();
        tokio::select! {
            () = env.clock.sleep(span) => {}
            _ = stop.wait_for(|stop| *stop) => {}
            () = env.tasks.stopping() => {}
        }
        !self.is_stopped()
    }

    /// Resolves when the mapping is to stop.
    async fn stopped(&self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.lambda.platform.env.tasks.stopping() => {}
        }
    }

    /// Polls until it is stopped; what fails is tried again, at growing distances.
    pub(crate) async fn poll(self) {
        let mut failures = 0;
        while !self.is_stopped() {
            let done = match self.record.kind {
                Kind::Sqs => self.poll_queue(&mut failures).await,
                Kind::DynamoDb | Kind::Kinesis => {
                    self.poll_stream().await;
                    Ok(())
                }
            };
            let Err(failed) = done else { continue };
            failures += 1;
            self.stumbled(&failed, failures).await;
        }
    }

    /// Notes what went wrong, and waits the longer the more often it did.
    async fn stumbled(&self, failed: &ApiError, failures: u32) {
        tracing::warn!(mapping = self.row.2, error = %failed, "a mapping could not go on and is tried again");
        if haneul_roles::is_denial(failed) {
            // The role may have been made anew.
            self.lambda.forget_sessions(&self.named.function);
        }
        let said = format!("PROBLEM: {}", failed.message());
        if let Err(error) = self.note(&said).await {
            tracing::error!(%error, "what became of a mapping could not be noted");
        }
        self.sleep(back_off(failures)).await;
    }
}

/// The function that a mapping calls.
pub(crate) fn named(row: &MappingRow, record: &MappingRecord) -> Result<Named> {
    names::in_place(row.0, row.1, &record.function)
}
