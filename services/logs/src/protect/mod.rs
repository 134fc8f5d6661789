//! Data protection: what sensitive data is ([`identifiers`]), what policies say of it ([`policy`]), and what of a batch is
//! audited and masked.
//!
//! Source: CloudWatch Logs User Guide, "Help protect sensitive log data with masking".

mod checks;
pub(crate) mod identifiers;
pub(crate) mod policy;

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
    pub(crate) identifier: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Detections of one event that are kept.
const DETECTIONS_MAX: usize = 1000;

pub(crate) fn find(policies: &[&Policy], events: &[(i64, &str)]) -> Findings {
    let mut findings = Findings::default();
    for (at, (_, message)) in events.iter().enumerate() {
        let (mut masks, mut audited) = (Vec::new(), Vec::new());
        for policy in policies {
            for identifier in &policy.identifiers {
                for (start, end) in identifier.find(message).into_iter().take(DETECTIONS_MAX) {
                    masks.push(Mask { start: start as u32, length: (end - start) as u32 });
                    let characters = |to: usize| message[..to].chars().count();
                    audited.push(Detection {
                        identifier: identifier.name.clone(),
                        start: characters(start) + 1,
                        end: characters(end),
                    });
                }
            }
        }
        findings.masks.extend(merged(masks).into_iter().map(|mask| (at, mask)));
        audited.sort_by(|a, b| (a.start, a.end, &a.identifier).cmp(&(b.start, b.end, &b.identifier)));
        audited.dedup();
        if !audited.is_empty() {
            findings.audited.push((at, audited));
        }
    }
    findings
}

/// Sorted, and what overlaps is one.
fn merged(mut masks: Vec<Mask>) -> Vec<Mask> {
    masks.sort_unstable();
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
    let mut names: Vec<&str> = detections.iter().map(|found| found.identifier.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let of = |name: &str| {
        let found: Vec<Value> = detections
            .iter()
            .filter(|found| found.identifier == name)
            .map(|found| json!({ "start": found.start, "end": found.end }))
            .collect();
        json!({ "name": name, "count": found.len(), "detections": found })
    };
    json!({
        "auditTimestamp": time,
        "resourceArn": group_arn,
        "dataIdentifiers": names.into_iter().map(of).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
