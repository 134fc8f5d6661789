use std::collections::{BTreeMap, BTreeSet};

use crate::durable::names::ExecutionName;
use crate::model::durable::{
    Brief, EventRecord, ExecutionRecord, Failure, OperationRecord, OperationStatus, Outcome, Status, What,
};

/// Invocations, pauses and resumptions are told of in the history up to this many events: nothing else bounds them. What
/// operations do is always told.
const UNBOUNDED_TOLD_MAX: u32 = 20_000;

/// One execution, with the operations that a change is about. What changes is noted for the store.
#[derive(Clone, Debug)]
pub(crate) struct Execution {
    pub(crate) name: ExecutionName,
    pub(crate) record: ExecutionRecord,
    /// By id, those that were asked for.
    pub(crate) operations: BTreeMap<String, OperationRecord>,
    /// The contexts around them, as far as they are not among them.
    pub(crate) around: BTreeMap<String, Brief>,
    pub(crate) changes: Changes,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Ids of operations that are to be written.
    pub(crate) touched: BTreeSet<String>,
    pub(crate) events: Vec<EventRecord>,
    /// Timers to set and to take away: when, and whose.
    pub(crate) set: Vec<(i64, String)>,
    pub(crate) unset: Vec<(i64, String)>,
    /// Operations whose functions are to be run, and from when.
    pub(crate) calls: Vec<(i64, String)>,
    /// It ended with this.
    pub(crate) outcome: Option<Outcome>,
}

impl Execution {
    pub(crate) fn of(name: ExecutionName, record: ExecutionRecord) -> Execution {
        Execution {
            name,
            record,
            operations: BTreeMap::new(),
            around: BTreeMap::new(),
            changes: Changes::default(),
        }
    }

    pub(crate) fn note(&mut self, event: EventRecord) {
        let unbounded = matches!(
            event.what,
            What::InvocationCompleted { .. } | What::ExecutionPaused { .. } | What::ExecutionResumed { .. }
        );
        if !unbounded || self.record.events < UNBOUNDED_TOLD_MAX {
            self.record.events += 1;
            self.changes.events.push(event);
        }
    }

    /// An event of the execution itself.
    pub(crate) fn note_own(&mut self, what: What, at: i64, payload: Option<String>, error: Option<Failure>) {
        self.note(EventRecord { at_ms: at, what, operation: None, payload, error });
    }

    /// An event of an operation.
    pub(crate) fn note_of(
        &mut self,
        id: &str,
        what: What,
        at: i64,
        payload: Option<String>,
        error: Option<Failure>,
    ) {
        let operation = self.operations.get(id).map(OperationRecord::subject);
        self.note(EventRecord { at_ms: at, what, operation, payload, error });
    }

    /// An operation is to be written; the function is to hear of it, if `told`.
    pub(crate) fn touch(&mut self, id: &str, told: bool) {
        if told {
            self.record.change += 1;
        }
        let change = self.record.change;
        if let Some(operation) = self.operations.get_mut(id) {
            if told {
                operation.change = change;
            }
            self.changes.touched.insert(id.to_owned());
        }
    }

    /// Whether no context around an operation is over.
    pub(crate) fn is_live(&self, id: &str) -> bool {
        let mut inside = self.operations.get(id).and_then(|operation| operation.parent.as_deref());
        while let Some(id) = inside {
            let (status, parent) = match (self.operations.get(id), self.around.get(id)) {
                (Some(context), _) => (context.status, &context.parent),
                (None, Some(context)) => (context.status, &context.parent),
                (None, None) => return false,
            };
            if !status.is_open() {
                return false;
            }
            inside = parent.as_deref();
        }
        true
    }

    pub(crate) fn status_of(&self, id: &str) -> Option<OperationStatus> {
        self.operations.get(id).map(|operation| operation.status)
    }

    /// The function has something to do: now, or when its invocation or the pause is over.
    pub(crate) fn wake(&mut self, at: i64) {
        if self.record.status != Status::Running || self.record.invocation.is_some() {
            self.record.woken = true;
        } else if self.record.work_ms.is_none() {
            self.record.work_ms = Some(at.max(0).unsigned_abs());
        }
    }

    pub(crate) fn count(&mut self, operations: u32, bytes: usize) {
        self.record.counted = self.record.counted.saturating_add(operations);
        self.record.bytes = self.record.bytes.saturating_add(bytes as u64);
    }
}
