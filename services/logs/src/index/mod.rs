//! Field indexes: which values the fields of a chunk's events have, so that queries pass over chunks that cannot match.
//!
//! Reading order: [`policy`] (which fields), [`defaults`] (those without a policy), here how events are indexed, [`chunk`] (what is kept of each chunk). Fields are
//! found as queries find them, in the transformed event, so a chunk that is passed over has no event that would have matched.
//! Source: CloudWatch Logs User Guide, "Create field indexes to improve query performance and reduce scan volume".

pub(crate) mod chunk;
pub(crate) mod defaults;
pub(crate) mod policy;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::events::{Event, Mask, OVERHEAD, Place};
use crate::insights::need::{Mark, marks};
use crate::insights::record::Record;
use crate::keys::DataKey;
use crate::transform::{Transformer, Work};

use chunk::{Hash, Head};

/// What indexes the events of a batch.
pub(crate) struct Indexer {
    /// Those of policies. Of those without one, a chunk has those that its events have.
    pub(crate) fields: Vec<String>,
    pub(crate) transformer: Option<Arc<Transformer>>,
}

/// Of a field: its values, and the times of the first and last event that has it.
type Values = (HashSet<Hash>, Option<(i64, i64)>);

/// What was found in events.
pub(crate) struct Indexed {
    pub(crate) bytes: Vec<u8>,
    /// Of each field, the times of the first and last event that has it.
    pub(crate) times: Vec<(String, Option<(i64, i64)>)>,
}

impl Indexer {
    /// `masks` are by event, in their order: what is hidden is indexed as it is shown. `None` when there is nothing to index, or not
    /// work enough left to transform all of them: queries look at them all the same, but for `filterIndex`, which looks at
    /// nothing that was not indexed.
    pub(crate) async fn index(
        &self,
        (events, ingested_ms): (&[(i64, &str)], i64),
        masks: &[(usize, Mask)],
        key: Option<(u64, &DataKey)>,
        work: &mut Work,
    ) -> Option<Indexed> {
        let by_policy = self.fields.iter().map(String::as_str);
        let mut found: BTreeMap<&str, Values> =
            by_policy.chain(defaults::OF_EVENTS).map(|field| (field, Default::default())).collect();
        let hashing = key.map(|(_, key)| key.index_key());
        for (at, (time, message)) in events.iter().enumerate() {
            let of = |end: usize| masks.partition_point(|(event, _)| *event < end);
            let masks: Vec<Mask> = masks[of(at)..of(at + 1)].iter().map(|(_, mask)| *mask).collect();
            let mut event = Event {
                place: Place::before(*time),
                stream: 0,
                ingested_ms: 0,
                message: (*message).to_owned(),
                masks,
                transformer: None,
            };
            event.hide();
            let transformed = self.transformer.as_ref().and_then(|by| by.apply(&event.message, work));
            if work.is_spent() {
                return None;
            }
            work.breathe(message.len() + OVERHEAD).await;
            let message = transformed.as_ref().unwrap_or(&event.message);
            let record = Record::event(message, *time, ingested_ms, "", "", Some(String::new));
            for (field, (hashes, times)) in &mut found {
                let marks = marks(&record.get(field));
                if marks.is_empty() {
                    continue;
                }
                hashes.extend(marks.iter().map(|mark| chunk::hash(field, mark, hashing)));
                *times =
                    Some(times.map_or((*time, *time), |(first, last)| (first.min(*time), last.max(*time))));
            }
        }
        found.retain(|field, (hashes, _)| !hashes.is_empty() || self.fields.iter().any(|own| own == field));
        if found.is_empty() {
            return None;
        }
        let bytes: usize = events.iter().map(|(_, message)| message.len() + OVERHEAD).sum();
        let head = Head {
            events: events.len() as u32,
            bytes: bytes as u32,
            is_masked: !masks.is_empty(),
            key: key.map(|(number, _)| number),
        };
        let of_fields: Vec<(&str, &HashSet<Hash>)> =
            found.iter().map(|(field, (hashes, _))| (*field, hashes)).collect();
        let bytes = chunk::encode(&head, &of_fields);
        let times = found.into_iter().map(|(field, (_, times))| (field.to_owned(), times)).collect();
        Some(Indexed { bytes, times })
    }
}

/// Whether a mark of a field may be in a chunk; `None` when the field is not indexed in it.
pub(crate) fn may_have(
    index: &chunk::Index<'_>,
    field: &str,
    mark: &Mark,
    key: Option<&DataKey>,
) -> Option<bool> {
    index.has(field, chunk::hash(field, mark, key.map(DataKey::index_key)))
}

#[cfg(test)]
mod tests;
