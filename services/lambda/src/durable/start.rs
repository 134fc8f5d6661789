//! Executions begin: with a name of their own or one that the caller chose, which stands for one input.

use bytes::Bytes;
use haneul_kit::{ApiError, Result};
use sha2::{Digest, Sha256};

use super::execution::Execution;
use super::names::ExecutionName;
use super::{WAIT_MAX_S, render};
use crate::invoke::{Body, Call, Ran, Target, trace};
use crate::model::durable::{
    DurableConfig, EventOf, ExecutionRecord, Failure, Outcome, Parent, Status, TIMEOUT, What,
};
use crate::store::durable::{Begun, ForParent};
use crate::{Lambda, error, metrics};

/// How often the remains of a deleted function are cleared away for a new execution.
const CLEARED_MAX: usize = 4;

/// What begins an execution.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    /// The name that the caller chose.
    pub(crate) name: Option<String>,
    pub(crate) input: Bytes,
    pub(crate) trace: Option<String>,
    /// It may not take longer than who waits for it, in seconds.
    pub(crate) timeout_max_s: Option<u32>,
    pub(crate) parent: Option<Parent>,
    /// The request of an event: nobody waits, but somebody may want to know if it failed.
    pub(crate) event: Option<String>,
}

/// An execution that is there.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    pub(crate) name: ExecutionName,
    pub(crate) record: ExecutionRecord,
}

impl Started {
    pub(crate) fn arn(&self) -> String {
        self.name.arn(&self.record).to_string()
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Durable functions are called in a version that stays.
///
/// # Errors
/// InvalidParameterValueException.
pub(crate) fn check_qualified(target: &Target) -> Result<()> {
    if target.version.durable.is_some() && target.qualifier.is_none() {
        return Err(error::parameter("You cannot invoke a durable function using an unqualified ARN."));
    }
    Ok(())
}

/// Whoever waits for the end of an execution does so for so long, and no longer.
///
/// # Errors
/// InvalidParameterValueException.
pub(crate) fn check_awaited(target: &Target) -> Result<()> {
    check_qualified(target)?;
    if target.version.durable.as_ref().is_some_and(|config| config.timeout_s > WAIT_MAX_S) {
        return Err(error::parameter(
            "You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.",
        ));
    }
    Ok(())
}

impl Lambda {
    /// Starts an execution, or finds the one of that name and input; it is durable when this returns. `None` when the
    /// operation that wanted it does not any more.
    ///
    /// # Errors
    /// DurableExecutionAlreadyStartedException for a name with another input, and as [`check_qualified`].
    pub(crate) async fn start_execution(
        &self,
        target: Target,
        start: Start,
        parent: Option<&ForParent<'_>>,
    ) -> Result<Option<Started>> {
        check_qualified(&target)?;
        let target = self.ready(target).await?;
        let env = &self.platform.env;
        let config = target.version.durable.clone();
        let mut config = config.ok_or_else(|| ApiError::internal("the function is not durable"))?;
        config.timeout_s = config.timeout_s.min(start.timeout_max_s.unwrap_or(u32::MAX));
        let function = target.known.name.clone();
        let name = ExecutionName { function, name: start.name.unwrap_or_else(|| env.rng.uuid()) };
        let input = if start.input.is_empty() { Bytes::from_static(b"{}") } else { start.input };
        let at = env.now().millis();
        let trace = start.trace.unwrap_or_else(|| trace::root(env, target.version.tracing_active));
        let event = start.event.map(|request_id| EventOf { request_id, qualifier: target.qualifier.clone() });
        let (id, version) = (env.rng.uuid(), target.version.version.clone());
        let new = Fresh { id, version, config, at, trace, event };
        let first = new.execution(name.clone(), &input, start.parent);
        for _ in 0..CLEARED_MAX {
            let began = match parent {
                // What the history of the parent tells is known only here.
                Some(parent) => {
                    let what = match &parent.what {
                        What::ChainedInvokeStarted { function, version, .. } => What::ChainedInvokeStarted {
                            function: function.clone(),
                            version: version.clone(),
                            execution: Some(name.arn(&first.record).to_string()),
                        },
                        other => other.clone(),
                    };
                    let parent = ForParent { what, ..*parent };
                    self.records.begin_execution(&first, &input, Some(&parent)).await?
                }
                None => self.records.begin_execution(&first, &input, None).await?,
            };
            match began {
                Begun::New => {
                    let qualifier = target.qualifier.as_deref();
                    self.sample(metrics::EXECUTIONS_STARTED, &name.function, qualifier, 1.0);
                    self.wake.durable.wake();
                    return Ok(Some(Started { name, record: first.record }));
                }
                Begun::There(record) if record.input_sha256 == first.record.input_sha256 => {
                    return Ok(Some(Started { name, record: *record }));
                }
                Begun::There(_) => {
                    return Err(error::already_started(format!(
                        "The durable execution {} has already been started with another payload.",
                        name.name
                    )));
                }
                Begun::Remains(id) => self.purge_whole(&name, &id).await?,
                Begun::Unwanted => return Ok(None),
            }
        }
        Err(ApiError::internal("executions of a deleted function do not go away"))
    }

    /// Runs a function and waits for its answer: a durable one until its execution ends.
    ///
    /// # Errors
    /// InvalidParameterValueException for an execution that nobody can wait for.
    pub(crate) async fn run_whole(&self, target: Target, call: Call, durable: Option<String>) -> Result<Ran> {
        check_awaited(&target)?;
        if target.version.durable.is_none() {
            return self.run(target, call).await;
        }
        if call.stream {
            return Err(error::parameter("Durable functions do not stream their responses."));
        }
        if target.known.record.reserved == Some(0) {
            return Err(error::throttled(error::Throttle::Function));
        }
        let start = Start {
            name: durable,
            input: call.payload,
            trace: call.trace,
            timeout_max_s: Some(WAIT_MAX_S),
            ..Start::default()
        };
        let started = self.start_execution(target, start, None).await?;
        let started = started.ok_or_else(|| ApiError::internal("an execution was not wanted"))?;
        self.answer(started).await
    }

    /// Waits for the end of an execution, and answers as a function does.
    async fn answer(&self, started: Started) -> Result<Ran> {
        let (arn, version) = (started.arn(), started.record.version.clone());
        let wait = std::time::Duration::from_secs(u64::from(WAIT_MAX_S));
        let ended = self.platform.env.clock.timeout(wait, self.end_of(&started)).await;
        let (body, function_error) = match ended {
            Some(ended) => match ended? {
                (Status::Succeeded, Outcome { result, .. }) => {
                    let result = result.filter(|result| !result.is_empty());
                    (result.unwrap_or_else(|| "null".to_owned()).into_bytes(), None)
                }
                (status, Outcome { error, .. }) => (failed(status, error), Some("Unhandled")),
            },
            None => {
                let said = format!("The durable execution did not end within {WAIT_MAX_S} seconds.");
                let failure = Failure::new("Sandbox.Timedout", said);
                (failed(Status::TimedOut, Some(failure)), Some("Unhandled"))
            }
        };
        Ok(Ran {
            body: Body::Whole(body.into()),
            function_error,
            content_type: None,
            log_tail: Bytes::new(),
            executed_version: version,
            durable_execution: Some(arn),
        })
    }

    /// How it ended, and what it ended with.
    async fn end_of(&self, started: &Started) -> Result<(Status, Outcome)> {
        let mut waiting = self.waiters.join(&started.name);
        loop {
            if let Some(end) = waiting.end(&started.record.id) {
                return Ok((end.status, end.outcome.clone()));
            }
            match self.records.end_of(&started.name, &started.record.id).await? {
                Some((status, outcome)) if !status.is_open() => return Ok((status, outcome)),
                Some(_) => waiting.told().await,
                None => return Err(error::no_execution(&started.arn())),
            }
        }
    }
}

/// An error as functions answer it.
pub(crate) fn failed(status: Status, error: Option<Failure>) -> Vec<u8> {
    let error = error.unwrap_or_else(|| match status {
        Status::TimedOut => Failure::new("ExecutionTimedOut", "The durable execution timed out."),
        Status::Stopped => Failure::new("ExecutionStopped", "The durable execution was stopped."),
        _ => Failure::default(),
    });
    let mut said = serde_json::json!({
        "errorMessage": error.message.clone().unwrap_or_default(),
        "errorType": error.kind.clone().unwrap_or_else(|| status.name().to_owned()),
    });
    if let Some(stack) = &error.stack {
        said["stackTrace"] = stack.clone().into();
    }
    if error.data.is_some() {
        said["errorData"] = render::error_json(&error)["ErrorData"].clone();
    }
    said.to_string().into_bytes()
}

/// What a new execution has of its own.
struct Fresh {
    id: String,
    version: String,
    config: DurableConfig,
    at: i64,
    trace: String,
    event: Option<EventOf>,
}

impl Fresh {
    fn execution(self, name: ExecutionName, input: &[u8], parent: Option<Parent>) -> Execution {
        let Fresh { id, version, config, at, trace, event } = self;
        let timeout_s = config.timeout_s;
        let record = ExecutionRecord {
            id,
            version,
            status: Status::Running,
            deleting: false,
            started_ms: at,
            ended_ms: None,
            times_out_ms: at.saturating_add(i64::from(timeout_s) * 1000),
            config,
            input_sha256: sha256(input),
            trace,
            parent,
            event,
            token: None,
            last: None,
            operations: 0,
            counted: 0,
            bytes: input.len() as u64,
            events: 0,
            change: 0,
            delivered: 0,
            work_ms: None,
            invocation: None,
            failures: 0,
            withheld: false,
            woken: false,
            pause: None,
            requests: Vec::new(),
        };
        let mut execution = Execution::of(name, record);
        execution.note_own(What::ExecutionStarted { timeout_s }, at, None, None);
        execution.changes.set.push((execution.record.times_out_ms, TIMEOUT.to_owned()));
        execution.wake(at);
        execution
    }
}
