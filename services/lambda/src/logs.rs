//! What functions say goes to CloudWatch Logs as their role: a role that may not write there has no logs, as on AWS.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use haneul_kit::{Caller, Region, Result};
use haneul_logs_wire::{operations as op, shapes as l};
use parking_lot::Mutex;

use crate::Lambda;
use crate::exec::{LogEvent, LogSink, LogTarget};
use crate::names::FunctionName;

/// Lines that wait for CloudWatch Logs, of one stream; the oldest go first. A function that says more than can be
/// written loses lines, not memory.
const WAITING_MAX: usize = 20_000;
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One PutLogEvents. Source: CloudWatch Logs API Reference.
const BATCH_MAX: usize = 10_000;
const BATCH_BYTES_MAX: usize = 1_000_000;
const OVERHEAD: usize = 26;
/// Longest event; longer ones are cut.
const EVENT_BYTES_MAX: usize = 256 * 1024 - OVERHEAD;

/// Tries of one batch.
const TRIES_MAX: u32 = 3;

/// Takes lines at once, and writes them in order, one task for each stream that has some.
#[derive(Default)]
pub(crate) struct Logs {
    lambda: Mutex<Weak<Lambda>>,
    waiting: Arc<Mutex<HashMap<Key, Waiting>>>,
}

type Key = (String, String, String);

#[derive(Default)]
struct Waiting {
    events: VecDeque<LogEvent>,
    bytes: usize,
}

impl Logs {
    /// Said once the service is there: the executor is made before it.
    pub(crate) fn connect(&self, lambda: &Arc<Lambda>) {
        *self.lambda.lock() = Arc::downgrade(lambda);
    }
}

impl LogSink for Logs {
    fn write(&self, target: &Arc<LogTarget>, events: Vec<LogEvent>) {
        let Some(lambda) = self.lambda.lock().upgrade() else { return };
        let spec = &target.spec;
        let key = (spec.account.clone() + &spec.region, spec.logging.group.clone(), target.stream.clone());
        let mut all = self.waiting.lock();
        let is_new = !all.contains_key(&key);
        let waiting = all.entry(key.clone()).or_default();
        for mut event in events {
            cut(&mut event.message);
            waiting.bytes += event.message.len();
            waiting.events.push_back(event);
        }
        while waiting.events.len() > WAITING_MAX || waiting.bytes > WAITING_BYTES_MAX {
            let Some(lost) = waiting.events.pop_front() else { break };
            waiting.bytes -= lost.message.len();
        }
        if !is_new {
            return;
        }
        let (target, waiting) = (target.clone(), self.waiting.clone());
        let env = lambda.platform.env.clone();
        env.spawn("lambda logs", async move {
            let mut writer = Writer { lambda, target, opened: false };
            loop {
                let batch = {
                    let mut all = waiting.lock();
                    match all.get_mut(&key).map(take) {
                        Some(batch) if !batch.is_empty() => batch,
                        // The entry goes under the lock: whoever comes next begins a task anew.
                        _ => {
                            all.remove(&key);
                            return;
                        }
                    }
                };
                writer.write(batch).await;
            }
        });
    }
}

fn cut(message: &mut String) {
    if message.len() > EVENT_BYTES_MAX {
        let mut at = EVENT_BYTES_MAX;
        while !message.is_char_boundary(at) {
            at -= 1;
        }
        message.truncate(at);
    }
    // An empty line is no event.
    if message.is_empty() {
        message.push('\n');
    }
}

fn take(waiting: &mut Waiting) -> Vec<LogEvent> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(next) = waiting.events.front() {
        bytes += next.message.len() + OVERHEAD;
        if batch.len() >= BATCH_MAX || (bytes > BATCH_BYTES_MAX && !batch.is_empty()) {
            break;
        }
        waiting.bytes -= next.message.len();
        batch.extend(waiting.events.pop_front());
    }
    batch
}

struct Writer {
    lambda: Arc<Lambda>,
    target: Arc<LogTarget>,
    opened: bool,
}

impl Writer {
    /// Writes a batch. What cannot be written is lost, and the log of the program says so.
    async fn write(&mut self, mut batch: Vec<LogEvent>) {
        batch.sort_by_key(|event| event.timestamp);
        for attempt in 1..=TRIES_MAX {
            let Err(error) = self.try_to(&batch).await else { return };
            let passing =
                error.fault() == haneul_kit::Fault::Server || error.code() == "ResourceNotFoundException";
            if !passing || attempt == TRIES_MAX {
                let group = &self.target.spec.logging.group;
                tracing::debug!(group, %error, events = batch.len(), "what a function said could not be logged");
                return;
            }
            self.opened = false;
            self.lambda.platform.env.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    async fn try_to(&mut self, batch: &[LogEvent]) -> Result<()> {
        let spec = &self.target.spec;
        let region: Region = spec.region.parse().unwrap_or(Region::US_EAST_1);
        let caller = self.caller(region).await?;
        let bus = &self.lambda.platform.bus;
        let (group, stream) = (spec.logging.group.clone(), self.target.stream.clone());
        if !self.opened {
            let input =
                l::CreateLogStreamRequest { log_group_name: group.clone(), log_stream_name: stream.clone() };
            let made = bus.call::<op::CreateLogStream>(caller.clone(), region, None, input.clone()).await;
            match made {
                Err(missing) if missing.code() == "ResourceNotFoundException" => {
                    let new =
                        l::CreateLogGroupRequest { log_group_name: group.clone(), ..Default::default() };
                    let made = bus.call::<op::CreateLogGroup>(caller.clone(), region, None, new).await;
                    made.or_else(unless_there)?;
                    let made = bus.call::<op::CreateLogStream>(caller.clone(), region, None, input).await;
                    made.or_else(unless_there)?;
                }
                other => drop(other.or_else(unless_there)?),
            }
            self.opened = true;
        }
        let events = batch.iter().map(|event| l::InputLogEvent {
            timestamp: event.timestamp.millis(),
            message: event.message.clone(),
        });
        let input = l::PutLogEventsRequest {
            log_group_name: group,
            log_stream_name: stream,
            log_events: events.collect(),
            ..Default::default()
        };
        bus.call::<op::PutLogEvents>(caller, region, None, input).await.map(drop)
    }

    async fn caller(&self, region: Region) -> Result<Caller> {
        let spec = &self.target.spec;
        let account = spec.account.parse().map_err(haneul_kit::ApiError::internal)?;
        let function = FunctionName { account, region, name: spec.function_name.clone() };
        let known = self.lambda.cache.function(&self.lambda.records, &function).await?;
        let known = known.ok_or_else(|| crate::error::no_function(&function))?;
        let session = self.lambda.session(&function, &known.latest.role).await?;
        Ok(session.caller.clone())
    }
}

fn unless_there(refused: haneul_kit::ApiError) -> Result<haneul_shape::Empty> {
    match refused.code() {
        "ResourceAlreadyExistsException" => Ok(haneul_shape::Empty),
        _ => Err(refused),
    }
}
