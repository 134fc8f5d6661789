//! What is done to executions from outside: they are paused, resumed and stopped, and end at last.

use haneul_kit::Result;

use super::execution::Execution;
use super::{SAME_REQUEST_MS, TIMEOUT_MAX_S};
use crate::error;
use crate::model::durable::{Failure, Outcome, PURGE, PauseRecord, RequestRecord, Status, TIMEOUT, What};

/// Requests whose client tokens are remembered.
const REQUESTS_MAX: usize = 16;

/// A request that a client may repeat.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) client_token: Option<String>,
    pub(crate) sha256: String,
    pub(crate) reason: Option<String>,
    pub(crate) at: i64,
}

impl Execution {
    /// # Errors
    /// ResourceConflictException when it does not run.
    pub(crate) fn pause(&mut self, request: &Request, timeout_paused: bool) -> Result<()> {
        if self.is_repeated(request)? {
            return Ok(());
        }
        if self.record.status != Status::Running {
            return Err(error::conflict(format!(
                "The durable execution cannot be paused: its status is {}.",
                self.record.shown()
            )));
        }
        self.record.status = Status::Pausing;
        self.record.pause = Some(PauseRecord {
            requested_ms: request.at,
            paused_ms: None,
            would_time_out_ms: self.record.times_out_ms,
            reason: request.reason.clone(),
            timeout_paused,
        });
        if self.record.invocation.is_none() {
            // An invocation that was to come waits for the end of the pause.
            if self.record.work_ms.take().is_some() {
                self.record.woken = true;
            }
            self.come_to_rest(request.at);
        }
        Ok(())
    }

    /// Nothing of it runs any more, or is to count.
    pub(crate) fn come_to_rest(&mut self, at: i64) {
        if self.record.status != Status::Pausing {
            return;
        }
        self.record.status = Status::Paused;
        let Some(pause) = &mut self.record.pause else { return };
        pause.paused_ms = Some(at);
        let what =
            What::ExecutionPaused { requested_ms: pause.requested_ms, timeout_paused: pause.timeout_paused };
        let (reason, timeout_paused) = (pause.reason.clone(), pause.timeout_paused);
        if timeout_paused {
            let latest = self.record.started_ms.saturating_add(i64::from(TIMEOUT_MAX_S) * 1000);
            self.times_out(latest);
        }
        self.note_own(what, at, reason, None);
    }

    /// # Errors
    /// ResourceConflictException when it is not paused.
    pub(crate) fn resume(&mut self, request: &Request) -> Result<()> {
        if self.is_repeated(request)? {
            return Ok(());
        }
        let Some(pause) = self.record.pause.take() else {
            return Err(error::conflict(format!(
                "The durable execution cannot be resumed: its status is {}.",
                self.record.shown()
            )));
        };
        if let Some(paused) = pause.paused_ms.filter(|_| pause.timeout_paused) {
            let rested = request.at.saturating_sub(paused).max(0);
            let latest = self.record.started_ms.saturating_add(i64::from(TIMEOUT_MAX_S) * 1000);
            self.times_out(pause.would_time_out_ms.saturating_add(rested).min(latest));
        }
        self.record.status = Status::Running;
        let what = What::ExecutionResumed { requested_ms: request.at };
        self.note_own(what, request.at, request.reason.clone(), None);
        // An invocation that is still under way is followed by another one, if it has to be.
        if self.record.invocation.is_none() && std::mem::take(&mut self.record.woken) {
            self.wake(request.at);
        }
        Ok(())
    }

    fn times_out(&mut self, at: i64) {
        self.changes.unset.push((self.record.times_out_ms, TIMEOUT.to_owned()));
        self.record.times_out_ms = at;
        self.changes.set.push((at, TIMEOUT.to_owned()));
    }

    /// Whether the client has asked for this before; otherwise it is remembered.
    fn is_repeated(&mut self, request: &Request) -> Result<bool> {
        let Some(token) = &request.client_token else { return Ok(false) };
        let requests = &mut self.record.requests;
        requests.retain(|own| own.at_ms.saturating_add(SAME_REQUEST_MS) > request.at);
        match requests.iter().find(|own| own.client_token == *token) {
            Some(own) if own.sha256 == request.sha256 => return Ok(true),
            Some(_) => {
                return Err(error::parameter(
                    "The client token was used for a request with other parameters.",
                ));
            }
            None => {}
        }
        if requests.len() >= REQUESTS_MAX {
            requests.remove(0);
        }
        let (client_token, sha256) = (token.clone(), request.sha256.clone());
        requests.push(RequestRecord { client_token, sha256, at_ms: request.at });
        Ok(false)
    }

    /// The execution's time is over, if it is.
    pub(crate) fn time_out(&mut self, at: i64) {
        if self.record.status.is_open() && self.record.times_out_ms <= at {
            self.end(Status::TimedOut, Outcome::default(), at);
        }
    }

    pub(crate) fn stop(&mut self, error: Option<Failure>, at: i64) -> i64 {
        if self.record.status.is_open() {
            self.end(Status::Stopped, Outcome { result: None, error }, at);
        }
        self.record.ended_ms.unwrap_or(at)
    }

    /// It ends. What its function still says does not count.
    pub(crate) fn end(&mut self, status: Status, outcome: Outcome, at: i64) {
        if !self.record.status.is_open() {
            return;
        }
        let error = outcome.error.clone();
        let what = match status {
            Status::Succeeded => What::ExecutionSucceeded,
            Status::TimedOut => What::ExecutionTimedOut,
            Status::Stopped => What::ExecutionStopped,
            _ => What::ExecutionFailed,
        };
        let record = &mut self.record;
        record.status = status;
        record.ended_ms = Some(at);
        (record.token, record.last, record.work_ms, record.pause) = (None, None, None, None);
        self.changes.unset.push((record.times_out_ms, TIMEOUT.to_owned()));
        self.changes.set.extend(record.kept_until_ms().map(|until| (until, PURGE.to_owned())));
        self.note_own(what, at, None, error);
        self.changes.outcome = Some(outcome);
    }

    /// It is deleted with all that belongs to it, by and by.
    ///
    /// # Errors
    /// ResourceConflictException while it has not ended.
    pub(crate) fn delete(&mut self, at: i64) -> Result<()> {
        if self.record.status.is_open() {
            return Err(error::conflict(format!(
                "The durable execution cannot be deleted: its status is {}.",
                self.record.shown()
            )));
        }
        if !self.record.deleting {
            self.record.deleting = true;
            self.changes.set.push((at, PURGE.to_owned()));
        }
        Ok(())
    }
}
