//! What one evaluation finds.
//!
//! - A pattern that was not known: new.
//! - A pattern that came at least [`COUNT_MIN`] times, more often than in any evaluation before, and more often than the mean
//!   and four deviations: more frequent. One that came less often than ever, and than the mean less four deviations: less
//!   frequent. Both want [`RUNS_MIN`] evaluations before.
//! - A value that a token of a few values never had: an unusual token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::learned::{Learned, Model};
use super::tokens::Level;

pub(crate) const RUNS_MIN: u32 = 12;
const COUNT_MIN: u64 = 10;
const DEVIATIONS: f64 = 4.0;
/// So far out, what is not marked by its severity is of medium priority.
const DEVIATIONS_MEDIUM: f64 = 12.0;
pub(crate) const SAMPLES_MAX: usize = 5;
const SAMPLE_CHARS_MAX: usize = 2000;
/// Different unusual values of one pattern in one evaluation.
const VALUES_MAX: usize = 5;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    New,
    More,
    Less,
    /// The token's place, and its value.
    Value(usize, String),
}

/// What came of one pattern.
#[derive(Clone, Debug, Default)]
pub(crate) struct Came {
    pub(crate) count: u64,
    pub(crate) is_new: bool,
    pub(crate) samples: Vec<(i64, String)>,
    pub(crate) values: BTreeMap<(usize, String), u64>,
}

/// What came in one evaluation, by pattern.
#[derive(Default)]
pub(crate) struct Run(pub(crate) BTreeMap<String, Came>);

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) pattern: String,
    pub(crate) count: u64,
    pub(crate) priority: &'static str,
    pub(crate) description: String,
}

impl Run {
    pub(crate) fn add(&mut self, model: &mut Model, message: &str, at_ms: i64, id: impl FnOnce() -> String) {
        let seen = model.learn(message, at_ms, id);
        let came = self.0.entry(seen.pattern).or_default();
        came.count += 1;
        came.is_new |= seen.is_new;
        if came.samples.len() < SAMPLES_MAX {
            let end = message.char_indices().nth(SAMPLE_CHARS_MAX).map_or(message.len(), |(at, _)| at);
            came.samples.push((at_ms, message[..end].to_owned()));
        }
        if let Some(value) = seen.value
            && (came.values.len() < VALUES_MAX || came.values.contains_key(&value))
        {
            *came.values.entry(value).or_default() += 1;
        }
    }

    /// What is unusual. Counts are not learned yet.
    pub(crate) fn judge(&self, model: &Model) -> Vec<Finding> {
        let none = Came::default();
        let mut all = Vec::new();
        for pattern in &model.patterns {
            let came = self.0.get(&pattern.id).unwrap_or(&none);
            if came.is_new {
                all.push(finding(pattern, Kind::New, came.count, 0.0));
                continue;
            }
            if let Some((kind, deviations)) = frequency(pattern, came.count) {
                all.push(finding(pattern, kind, came.count, deviations));
            }
            for ((slot, value), count) in &came.values {
                all.push(finding(pattern, Kind::Value(*slot, value.clone()), *count, 0.0));
            }
        }
        all
    }
}

fn frequency(pattern: &Learned, count: u64) -> Option<(Kind, f64)> {
    let usual = &pattern.usual;
    if usual.runs < RUNS_MIN {
        return None;
    }
    let deviations = (count as f64 - usual.mean()) / usual.deviation().max(f64::MIN_POSITIVE);
    if count >= COUNT_MIN && count > usual.highest && deviations > DEVIATIONS {
        return Some((Kind::More, deviations));
    }
    (count < usual.lowest && deviations < -DEVIATIONS).then_some((Kind::Less, -deviations))
}

fn finding(pattern: &Learned, kind: Kind, count: u64, deviations: f64) -> Finding {
    let priority = priority(pattern.level, deviations);
    let usual = pattern.usual.mean();
    let description = match &kind {
        Kind::New => format!("New pattern: {count} log events match a pattern that was not seen before"),
        Kind::More => format!("Pattern frequency: {count} log events match, where {usual:.1} are usual"),
        Kind::Less => format!("Pattern frequency: only {count} log events match, where {usual:.1} are usual"),
        Kind::Value(at, value) => {
            let position = pattern.slots[..=*at].iter().filter(|slot| slot.text.is_none()).count();
            format!(
                "Token variation: {count} log events have the new value \"{value}\" in dynamic token {position}"
            )
        }
    };
    Finding { kind, pattern: pattern.id.clone(), count, priority, description }
}

/// AWS: by the severity that log events tell, and by how far out they are.
pub(crate) fn priority(level: Level, deviations: f64) -> &'static str {
    match level {
        Level::Fatal | Level::Error => "HIGH",
        Level::Warning => "MEDIUM",
        Level::None if deviations > DEVIATIONS_MEDIUM => "MEDIUM",
        Level::None => "LOW",
    }
}

impl Finding {
    pub(crate) fn is_of_frequency(&self) -> bool {
        matches!(self.kind, Kind::More | Kind::Less)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(model: &mut Model, messages: &[(&str, usize)]) -> Vec<(Kind, u64, &'static str)> {
        let mut run = Run::default();
        for (message, times) in messages {
            for _ in 0..*times {
                let id = format!("{:032x}", model.patterns.len());
                run.add(model, message, 0, || id);
            }
        }
        let found = run.judge(model);
        for pattern in &mut model.patterns {
            pattern.usual.add(run.0.get(&pattern.id).map_or(0, |came| came.count));
        }
        found.into_iter().map(|one| (one.kind, one.count, one.priority)).collect()
    }

    #[test]
    fn what_is_unusual() {
        let mut model = Model::default();
        run(&mut model, &[("GET /items 200", 30), ("beat of the heart", 20)]);
        for _ in 0..RUNS_MIN {
            assert_eq!(run(&mut model, &[("GET /items 200", 31), ("beat of the heart", 20)]), []);
        }
        assert_eq!(
            run(&mut model, &[("GET /items 200", 300), ("ERROR disk is full", 2)]),
            [(Kind::More, 300, "MEDIUM"), (Kind::Less, 0, "LOW"), (Kind::New, 2, "HIGH")]
        );
        // Known now.
        assert_eq!(
            run(&mut model, &[("GET /items 200", 31), ("beat of the heart", 20), ("ERROR disk is full", 2)]),
            []
        );
    }
}
