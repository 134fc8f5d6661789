//! An executor of closures: functions without processes, for tests of what calls them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use haneul_env::Env;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::{
    Available, Body, BoxFuture, ExecError, Executor, Fleet, FunctionError, Invocation, LogEvent, LogSink,
    LogTarget, Outcome, Piece, Report, Runtime, Spec, Standing, StreamEnd,
};

/// What a simulated function answers.
#[derive(Clone, Debug)]
pub enum Answer {
    Value(Value),
    /// It throws: `errorType`, `errorMessage`.
    Throws(&'static str, String),
    /// It streams these chunks.
    Streams(Vec<Bytes>),
    /// It never answers, until the clock has passed its timeout.
    Hangs,
    /// The event does not reach it.
    Fails(ExecError),
}

type Handler = dyn Fn(Arc<Spec>, Invocation) -> BoxFuture<'static, Answer> + Send + Sync;

/// Answers every invocation by one handler, which may look at the spec to decide.
pub struct Simulated {
    env: Env,
    handler: Arc<Handler>,
    logs: Arc<dyn LogSink>,
    provisioned: Mutex<BTreeMap<String, u32>>,
    /// Specs that have an environment: the next invocation is warm.
    warm: Mutex<HashSet<String>>,
    invoked: AtomicU64,
    fleets: Mutex<BTreeMap<String, Kept>>,
    /// Environments that are asked for are not ready yet.
    held: watch::Sender<bool>,
}

/// A fleet. Its environments are there at once, as far as its provider has processors for them.
struct Kept {
    size: Fleet,
    ready: u32,
    running: u32,
    concurrency: u32,
    cpu_millis: u32,
}

impl Kept {
    fn failed(&self) -> Option<ExecError> {
        let too_few = || ExecError::NoProcessors("the provider has too few vCPUs".into());
        (self.ready < self.size.min).then(too_few)
    }
}

impl Simulated {
    pub fn new(
        env: &Env,
        logs: Arc<dyn LogSink>,
        handler: impl Fn(Arc<Spec>, Invocation) -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    ) -> Simulated {
        Simulated {
            env: env.clone(),
            handler: Arc::new(handler),
            logs,
            provisioned: Mutex::default(),
            warm: Mutex::default(),
            invoked: AtomicU64::new(0),
            fleets: Mutex::default(),
            held: watch::Sender::new(false),
        }
    }

    /// Answers the event itself.
    pub fn echo(env: &Env, logs: Arc<dyn LogSink>) -> Simulated {
        Simulated::new(env, logs, |_, call| {
            Box::pin(async move {
                match serde_json::from_slice(&call.payload) {
                    Ok(event) => Answer::Value(event),
                    Err(error) => Answer::Throws("Runtime.UnmarshalError", error.to_string()),
                }
            })
        })
    }

    /// Events that reached a function so far.
    pub fn invoked(&self) -> u64 {
        self.invoked.load(Ordering::SeqCst)
    }

    /// The specs of which environments are kept, and how many of each.
    pub fn fleets(&self) -> BTreeMap<String, u32> {
        self.fleets.lock().iter().map(|(id, kept)| (id.clone(), kept.ready)).collect()
    }

    /// Lets environments that are asked for wait until it is said otherwise.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Starts and ends environments of a fleet.
    fn fill(&self, fleets: &mut BTreeMap<String, Kept>, spec_id: &str) {
        let Some(kept) = fleets.get(spec_id) else { return };
        let of_provider = fleets.values().filter(|other| other.size.provider == kept.size.provider);
        let cpu = |kept: &Kept| u64::from(kept.ready) * u64::from(kept.cpu_millis);
        let others = of_provider.map(cpu).sum::<u64>() - cpu(kept);
        let room = kept.size.cpu_millis_max.saturating_sub(others) / u64::from(kept.cpu_millis.max(1));
        let more = if *self.held.borrow() { 0 } else { kept.size.min };
        let ready = kept.ready.max(more).min(kept.size.max).min(u32::try_from(room).unwrap_or(u32::MAX));
        if let Some(kept) = fleets.get_mut(spec_id) {
            kept.ready = ready;
        }
    }

    /// Takes a place in a fleet. One that is full has another environment for who comes next, as far as it may grow.
    fn enter(&self, spec: &Spec) -> Result<(), ExecError> {
        let mut fleets = self.fleets.lock();
        let kept = fleets.get_mut(&spec.id).ok_or(ExecError::Ended)?;
        if kept.running < kept.ready * kept.concurrency {
            kept.running += 1;
            return Ok(());
        }
        if kept.ready < kept.size.max {
            kept.ready += 1;
        }
        Err(ExecError::Saturated)
    }

    async fn run(&self, spec: Arc<Spec>, call: Invocation) -> Result<Outcome, ExecError> {
        if spec.managed.is_none() {
            return self.answer(spec, call).await;
        }
        self.enter(&spec)?;
        let id = spec.id.clone();
        let outcome = self.answer(spec, call).await;
        if let Some(kept) = self.fleets.lock().get_mut(&id) {
            kept.running = kept.running.saturating_sub(1);
        }
        outcome
    }

    async fn answer(&self, spec: Arc<Spec>, call: Invocation) -> Result<Outcome, ExecError> {
        let (began, timeout) = (self.env.now(), spec.timeout);
        let (id, stream) = (call.request_id.clone(), call.stream);
        let answering = (self.handler)(spec.clone(), call);
        let answer = self.env.clock.timeout(timeout, answering).await;
        let answer = match answer {
            Some(Answer::Fails(error)) => return Err(error),
            Some(Answer::Hangs) => {
                self.env.clock.sleep_until(began + timeout).await;
                None
            }
            other => other,
        };
        self.invoked.fetch_add(1, Ordering::SeqCst);
        let cold = self.warm.lock().insert(spec.id.clone());
        let duration = self.env.now().since(began);
        let report = Report {
            duration,
            billed: Duration::from_millis(duration.as_millis().max(1) as u64),
            memory_mb: spec.memory_mb,
            memory_mb_max: 32.min(spec.memory_mb),
            init: cold.then_some(Duration::from_millis(100)),
            timed_out: answer.is_none(),
        };
        let log = format!(
            "START RequestId: {id} Version: {}\nEND RequestId: {id}\nREPORT RequestId: {id}\tDuration: {} ms\n",
            spec.version,
            duration.as_millis()
        );
        let target = Arc::new(LogTarget { spec: spec.clone(), stream: "simulated".into() });
        let events =
            log.lines().map(|line| LogEvent { timestamp: self.env.now(), message: format!("{line}\n") });
        self.logs.write(&target, events.collect());
        let log_tail = Bytes::from(log);
        let whole = |value: &Value, function_error| {
            let body = Body::Whole(value.to_string().into());
            Ok(Outcome { body, function_error, content_type: None, log_tail: log_tail.clone(), report })
        };
        match answer {
            Some(Answer::Value(value)) => whole(&value, None),
            Some(Answer::Throws(kind, message)) => {
                let error =
                    json!({ "errorMessage": message, "errorType": kind, "requestId": id, "stackTrace": [] });
                whole(&error, Some(FunctionError::Unhandled))
            }
            Some(Answer::Streams(chunks)) if stream => {
                let (pieces, body) = mpsc::channel(chunks.len() + 1);
                for chunk in chunks {
                    let _ = pieces.try_send(Piece::Chunk(chunk));
                }
                let end = StreamEnd { error: None, log_tail, report };
                let _ = pieces.try_send(Piece::End(Box::new(end)));
                let content_type = Some("application/octet-stream".into());
                Ok(Outcome {
                    body: Body::Stream(body),
                    function_error: None,
                    content_type,
                    log_tail: Bytes::new(),
                    report,
                })
            }
            Some(Answer::Streams(chunks)) => {
                let body = Body::Whole(chunks.concat().into());
                Ok(Outcome { body, function_error: None, content_type: None, log_tail, report })
            }
            Some(Answer::Hangs | Answer::Fails(_)) | None => {
                let seconds = timeout.as_secs_f64();
                let message = format!("RequestId: {id} Error: Task timed out after {seconds:.2} seconds");
                let error = json!({ "errorType": "Sandbox.Timedout", "errorMessage": message });
                whole(&error, Some(FunctionError::Unhandled))
            }
        }
    }
}

impl Executor for Simulated {
    fn invoke(&self, spec: Arc<Spec>, call: Invocation) -> BoxFuture<'_, Result<Outcome, ExecError>> {
        Box::pin(self.run(spec, call))
    }

    fn provision(&self, spec: Arc<Spec>, environments: u32) -> BoxFuture<'_, Result<(), ExecError>> {
        Box::pin(async move {
            let mut provisioned = self.provisioned.lock();
            match environments {
                0 => provisioned.remove(&spec.id),
                some => provisioned.insert(spec.id.clone(), some),
            };
            Ok(())
        })
    }

    fn provisioned(&self, spec_id: &str) -> u32 {
        self.provisioned.lock().get(spec_id).copied().unwrap_or(0)
    }

    fn keep(&self, spec: Arc<Spec>, size: Fleet) {
        let (concurrency, cpu_millis) =
            spec.managed.map_or((1, 1000), |managed| (managed.concurrency, managed.cpu_millis));
        let mut fleets = self.fleets.lock();
        match fleets.get_mut(&spec.id) {
            Some(kept) => kept.size = size,
            None => {
                let kept = Kept { size, ready: 0, running: 0, concurrency, cpu_millis };
                fleets.insert(spec.id.clone(), kept);
            }
        }
        self.fill(&mut fleets, &spec.id);
    }

    fn kept<'a>(&'a self, spec_id: &'a str) -> BoxFuture<'a, Result<(), ExecError>> {
        Box::pin(async move {
            let _ = self.held.subscribe().wait_for(|held| !held).await;
            let mut fleets = self.fleets.lock();
            self.fill(&mut fleets, spec_id);
            let kept = fleets.get(spec_id).ok_or(ExecError::Ended)?;
            kept.failed().map_or(Ok(()), Err)
        })
    }

    fn standing(&self, spec_id: &str) -> Option<Standing> {
        let fleets = self.fleets.lock();
        let kept = fleets.get(spec_id)?;
        let failed = kept.failed().filter(|_| !*self.held.borrow());
        Some(Standing { ready: kept.ready, running: kept.running, failed, ..Standing::default() })
    }

    fn retire(&self, prefix: &str) -> BoxFuture<'_, ()> {
        self.fleets.lock().retain(|id, _| !id.starts_with(prefix));
        self.provisioned.lock().retain(|id, _| !id.starts_with(prefix));
        self.warm.lock().retain(|id| !id.starts_with(prefix));
        Box::pin(async {})
    }

    fn available(&self) -> Vec<Available> {
        Runtime::all().map(|runtime| Available { runtime, missing: None }).collect()
    }
}
