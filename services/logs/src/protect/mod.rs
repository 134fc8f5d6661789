//! Data protection: what sensitive data is ([`identifiers`]), what policies say of it ([`policy`]), and what of a batch is
//! audited and masked.
//!
//! Source: CloudWatch Logs User Guide, "Help protect sensitive log data with masking".

mod checks;
pub(crate) mod identifiers;
pub(crate) mod policy;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::events::Mask;
use policy::Policy;

/// What policies found in a batch.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// By event, in order; none overlaps another of its event.
    pub(crate) masks: Vec<(usize, Mask)>,
    /// What each event had of what is audited: the identifier and where, in characters.
    pub(crate) audited: Vec<(usize, Vec<Detection>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Detection {
    pub(crate) identifier: Arc<str>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Detections of one event, and of one batch beyond one for each event, that an audit names. What is masked has no such limit.
const AUDITED_MAX: usize = 1000;
const AUDITED_OF_BATCH_MAX: usize = 100_000;

pub(crate) fn find(policies: &[&Policy], events: &[(i64, &str)]) -> Findings {
    let mut findings = Findings::default();
    let mut left = AUDITED_OF_BATCH_MAX;
    for (at, (_, message)) in events.iter().enumerate() {
        let (mut masks, mut named) = (Vec::new(), Vec::new());
        for identifier in policies.iter().flat_map(|policy| &policy.identifiers) {
            let found = identifier.find(message);
            if found.is_empty() {
                continue;
            }
            let hits = found.iter().take(AUDITED_MAX);
            named.extend(hits.map(|(start, end)| (*start, *end, identifier.name.clone())));
            masks.extend(
                found.iter().map(|(start, end)| Mask { start: *start as u32, length: (end - start) as u32 }),
            );
            // Each time, so that no number of identifiers makes them more than the message is long.
            masks = merged(masks);
        }
        named.sort();
        named.dedup();
        named.truncate(AUDITED_MAX.min(left.max(1)));
        left = left.saturating_sub(named.len());
        findings.masks.extend(masks.into_iter().map(|mask| (at, mask)));
        if !named.is_empty() {
            findings.audited.push((at, in_characters(message, named)));
        }
    }
    findings
}

/// Detections whose places are in bytes, sorted by where they begin.
fn in_characters(message: &str, named: Vec<(usize, usize, Arc<str>)>) -> Vec<Detection> {
    let mut places: Vec<usize> = named.iter().flat_map(|(start, end, _)| [*start, *end]).collect();
    places.sort_unstable();
    let (mut counted, mut characters) = (0, 0);
    let before: HashMap<usize, usize> = places
        .into_iter()
        .map(|place| {
            characters += message[counted..place].chars().count();
            counted = place;
            (place, characters)
        })
        .collect();
    let detection = |(start, end, identifier): (usize, usize, Arc<str>)| Detection {
        identifier,
        start: before[&start] + 1,
        end: before[&end],
    };
    named.into_iter().map(detection).collect()
}

/// Sorted, and what overlaps is one.
fn merged(mut masks: Vec<Mask>) -> Vec<Mask> {
    // Of a few sorted runs, which is what this sort is fast for.
    masks.sort();
    let mut done: Vec<Mask> = Vec::new();
    for mask in masks {
        let end = mask.start + mask.length;
        match done.last_mut() {
            Some(last) if mask.start <= last.start + last.length => {
                last.length = last.length.max(end - last.start);
            }
            _ => done.push(mask),
        }
    }
    done
}

/// What an audit says of an event.
pub(crate) fn report(time: &str, group_arn: &str, detections: &[Detection]) -> Value {
    let mut by_name: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for found in detections {
        let place = json!({ "start": found.start, "end": found.end });
        by_name.entry(&found.identifier).or_default().push(place);
    }
    let of = |(name, found): (&str, Vec<Value>)| json!({ "name": name, "count": found.len(), "detections": found });
    json!({
        "auditTimestamp": time,
        "resourceArn": group_arn,
        "dataIdentifiers": by_name.into_iter().map(of).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
