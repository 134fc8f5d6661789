//! Which operations the function is told of, in pages.

use std::collections::HashMap;

use haneul_kit::{Result, paging};
use serde::{Deserialize, Serialize};

use super::names::ExecutionName;
use super::render;
use crate::model::durable::{Brief, ExecutionRecord, Kind, OperationRecord, OperationStatus};
use crate::{Lambda, error};

/// Operations of a page, unless less is asked for, and bytes of them, about.
pub(crate) const PAGE: usize = 100;
pub(crate) const PAGE_MAX: usize = 1000;
const PAGE_BYTES_MAX: usize = 3 * 1024 * 1024;

/// Source: API Reference, GetDurableExecutionState.
const MARKER_MS: i64 = 24 * 60 * 60 * 1000;

/// An operation, and how it stands to the contexts around it.
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) brief: Brief,
    /// A context around it is over, and stands for what was in it.
    pub(crate) hidden: bool,
    /// No context around it is over.
    pub(crate) live: bool,
}

impl Seen {
    /// Whether the function may be put to sleep until this goes on.
    pub(crate) fn is_pending(&self) -> bool {
        self.live
            && match self.brief.status {
                OperationStatus::Started => {
                    matches!(self.brief.kind, Kind::Wait | Kind::Callback | Kind::ChainedInvoke)
                }
                OperationStatus::Pending => true,
                _ => false,
            }
    }
}

/// All operations in the order in which they began.
pub(crate) fn seen(mut briefs: Vec<(String, Brief)>) -> Vec<Seen> {
    briefs.sort_by_key(|(_, brief)| brief.sequence);
    // What is inside of an operation: hidden, live. Parents began before.
    let mut inside: HashMap<String, (bool, bool)> = HashMap::new();
    let mut all = Vec::with_capacity(briefs.len());
    for (id, brief) in briefs {
        let parent = brief.parent.as_ref().and_then(|parent| inside.get(parent));
        let (hidden, live) = parent.copied().unwrap_or((false, true));
        if brief.kind == Kind::Context {
            let open = brief.status.is_open();
            inside.insert(id.clone(), (hidden || (!open && !brief.replay_children), live && open));
        }
        all.push(Seen { id, brief, hidden, live });
    }
    all
}

/// Where a page begins: after an operation, among those that changed after a change.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Place {
    /// All of it, which begins with the execution itself.
    pub(crate) whole: bool,
    pub(crate) after: u32,
    pub(crate) since: u64,
    pub(crate) at_ms: i64,
}

/// A page of operations. The execution itself is not among the records.
pub(crate) struct Page {
    pub(crate) input: Option<String>,
    pub(crate) operations: Vec<OperationRecord>,
    pub(crate) next: Option<String>,
}

fn purpose(name: &ExecutionName, record: &ExecutionRecord) -> String {
    format!("lambda durable state {}", name.arn(record))
}

impl Lambda {
    pub(crate) fn place(
        &self,
        name: &ExecutionName,
        record: &ExecutionRecord,
        marker: &str,
    ) -> Result<Place> {
        let place = paging::position(&self.platform.seal, &purpose(name, record), marker);
        let now = self.platform.env.now().millis();
        place
            .filter(|place: &Place| place.at_ms.saturating_add(MARKER_MS) > now)
            .ok_or_else(|| error::parameter("Invalid marker."))
    }

    /// A page of what the function has to know, from a place on.
    pub(crate) async fn page_of_state(
        &self,
        name: &ExecutionName,
        record: &ExecutionRecord,
        place: Place,
        limit: usize,
        all: &[Seen],
    ) -> Result<Page> {
        let (mut bytes, mut count) = (0, 0);
        let mut input = None;
        if place.whole && place.after == 0 {
            let found = self.records.execution_data(name, crate::model::durable::INPUT).await?;
            let found = String::from_utf8(found.unwrap_or_default()).unwrap_or_default();
            (bytes, count) = (found.len(), 1);
            input = Some(found);
        }
        let wanted = |seen: &&Seen| {
            let told = place.whole || seen.brief.change > place.since;
            seen.brief.sequence > place.after && told && !seen.hidden
        };
        let mut operations: Vec<OperationRecord> = Vec::new();
        let mut next = None;
        let mut last = place.after;
        for seen in all.iter().filter(wanted) {
            if count >= limit || (bytes >= PAGE_BYTES_MAX && count > 0) {
                let at_ms = self.platform.env.now().millis();
                let place = Place { after: last, at_ms, ..place };
                next = Some(paging::token(&self.platform.seal, &purpose(name, record), &place));
                break;
            }
            last = seen.brief.sequence;
            if let Some(operation) = self.records.operation(name, last).await? {
                bytes += render::size(&operation);
                count += 1;
                operations.push(operation);
            }
        }
        Ok(Page { input, operations, next })
    }
}
