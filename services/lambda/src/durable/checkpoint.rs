//! Checkpoints: what the function has done becomes durable, and it hears of what happened meanwhile.

use haneul_kit::Result;

use super::SAME_REQUEST_MS;
use super::apply::Given;
use super::execution::Execution;
use super::render;
use super::update::Update;
use crate::error;
use crate::model::durable::{Answered, OperationRecord, Status};

/// Bytes of operations, about, that are told at once; more come in pages.
const TOLD_BYTES_MAX: usize = 3 * 1024 * 1024;

pub(crate) struct Checkpoint<'a> {
    pub(crate) token: &'a str,
    /// The token after this one.
    pub(crate) next: &'a str,
    pub(crate) client_token: Option<&'a str>,
    /// Of the updates.
    pub(crate) sha256: &'a str,
    pub(crate) updates: &'a [Update],
    pub(crate) given: Given<'a>,
}

/// What a checkpoint is answered with.
#[derive(Debug)]
pub(crate) struct Told {
    /// `None` when this invocation can write no more.
    pub(crate) token: Option<String>,
    /// The changes after this one are told.
    pub(crate) since: u64,
    /// They are these; `None` when they have to be looked for.
    pub(crate) operations: Option<Vec<OperationRecord>>,
}

impl Execution {
    /// # Errors
    /// InvalidParameterValueException for a token that is not the current one, and for updates that do not fit.
    pub(crate) fn checkpoint(&mut self, asked: &Checkpoint<'_>) -> Result<Told> {
        if self.record.token.as_deref() != Some(asked.token) {
            return self.told_before(asked);
        }
        let (at, since) = (asked.given.at, self.record.delivered);
        let news = self.record.change > since;
        self.apply(asked.updates, &asked.given)?;
        self.record.delivered = self.record.change;
        let token = match self.record.status {
            Status::Running => Some(asked.next.to_owned()),
            Status::Pausing => {
                // What was said so far counts; what is said from here on would come too late.
                (self.record.withheld, self.record.woken) = (true, true);
                self.come_to_rest(at);
                None
            }
            _ => None,
        };
        self.record.token.clone_from(&token);
        self.record.last = asked.client_token.map(|client_token| Answered {
            client_token: client_token.to_owned(),
            sha256: asked.sha256.to_owned(),
            at_ms: at,
            token: token.clone(),
            since,
        });
        let mut own: Vec<OperationRecord> =
            self.changes.touched.iter().filter_map(|id| self.operations.get(id)).cloned().collect();
        own.sort_by_key(|operation| operation.sequence);
        let fits = own.iter().map(render::size).sum::<usize>() <= TOLD_BYTES_MAX;
        Ok(Told { token, since, operations: (fits && !news).then_some(own) })
    }

    /// The answer to a checkpoint that was made, whose client did not hear it.
    fn told_before(&self, asked: &Checkpoint<'_>) -> Result<Told> {
        let last = self.record.last.as_ref().filter(|last| {
            asked.client_token == Some(last.client_token.as_str())
                && last.at_ms.saturating_add(SAME_REQUEST_MS) > asked.given.at
        });
        match last {
            Some(last) if last.sha256 == asked.sha256 => {
                Ok(Told { token: last.token.clone(), since: last.since, operations: None })
            }
            Some(_) => {
                Err(error::parameter("The client token was used for a request with other parameters."))
            }
            None => Err(error::parameter("Invalid checkpoint token")),
        }
    }
}
