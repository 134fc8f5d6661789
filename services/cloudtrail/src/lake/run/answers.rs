//! The answers of subqueries, and what they are for one row.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::{Flow, Halt, Run, Tuple, weight};
use crate::lake::expr::{Row, Segment, Subquery, SubqueryKind};
use crate::lake::nodes::Gather;
use crate::lake::value::{Value, key};

/// Subqueries that one query may have.
pub(crate) const SUBQUERIES_MAX: usize = 50;

/// By the number of the subquery.
pub(crate) struct Answers(Vec<OnceLock<Answer>>);

/// Rows by their key.
#[derive(Default)]
pub(crate) struct Answer(HashMap<Vec<u8>, Entry>);

#[derive(Default)]
struct Entry {
    first: Option<Value>,
    /// The keys of its values, and whether one is NULL.
    values: HashSet<Vec<u8>>,
    null: bool,
    rows: Vec<(Vec<Segment>, Value)>,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers((0..SUBQUERIES_MAX).map(|_| OnceLock::new()).collect())
    }
}

impl Answers {
    /// The answer of the next one.
    pub(super) fn add(&self, answer: Answer) {
        let mut answer = Some(answer);
        for place in &self.0 {
            if let Some(given) = answer.take()
                && let Err(back) = place.set(given)
            {
                answer = Some(back);
            }
        }
    }
}

impl Run<'_> {
    pub(super) async fn gather(&self, gather: &Gather) -> Result<Answer, Halt> {
        let mut answer = Answer::default();
        // Kept until the query ends.
        let mut held = self.budget.hold();
        let mut take = |tuple: Tuple| {
            let keys = self.values(&gather.keys, &tuple);
            if keys.contains(&Value::Null) {
                return Ok(Flow::More);
            }
            let value = gather.value.as_ref().map_or(Value::Null, |value| value.value(self.row(&tuple)));
            let keys = key(&keys);
            if !answer.0.contains_key(&keys) {
                held.add(1, keys.len() + size_of::<Entry>())?;
            }
            let entry = answer.0.entry(keys).or_default();
            if gather.rows {
                held.add(1, weight(&tuple) + value.weight())?;
                entry.rows.push((tuple, value));
                return Ok(Flow::More);
            }
            if gather.single {
                if entry.first.is_some() {
                    return Err(Halt::Failed("Scalar sub-query has returned multiple rows".to_owned()));
                }
                held.add(0, value.weight())?;
                entry.first = Some(value);
                return Ok(Flow::More);
            }
            if gather.value.is_none() {
                // One row says that there is any.
                return Ok(if gather.keys.is_empty() { Flow::Enough } else { Flow::More });
            }
            if value == Value::Null {
                entry.null = true;
            } else {
                let value = key([&value]);
                let size = value.len() + 48;
                if entry.values.insert(value) {
                    held.add(1, size)?;
                }
            }
            Ok(Flow::More)
        };
        self.feed(&gather.node, &mut take).await?;
        std::mem::forget(held);
        Ok(answer)
    }
}

impl Subquery {
    pub(crate) fn value(&self, row: Row<'_>) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(|one| one.value(row)).collect();
        let answer = row.answers.0.get(self.number).and_then(OnceLock::get);
        let found = match keys.contains(&Value::Null) {
            true => None,
            false => answer.and_then(|answer| answer.0.get(&key(&keys))),
        };
        // Rows of the subquery that fit ours in all.
        let fitting = |entry: &Entry, value: Option<&Value>| {
            let (mut fits, mut unknown) = (false, false);
            for (segments, own) in &entry.rows {
                if !row.fuel.burn(1) {
                    break;
                }
                let inner = Row { segments, outer: row.segments, parameters: &[], ..row };
                if !self.residual.iter().all(|one| one.holds(inner)) {
                    continue;
                }
                match value {
                    None => fits = true,
                    Some(value) if value.equals(own) => fits = true,
                    Some(value) => unknown |= *value == Value::Null || *own == Value::Null,
                }
                if fits {
                    break;
                }
            }
            (fits, unknown)
        };
        match (&self.kind, found) {
            (SubqueryKind::Scalar(missing), None) => missing.clone(),
            (SubqueryKind::Scalar(_), Some(entry)) => entry.first.clone().unwrap_or(Value::Null),
            (_, None) => Value::Bool(false),
            (SubqueryKind::Exists, Some(entry)) => {
                Value::Bool(self.residual.is_empty() || fitting(entry, None).0)
            }
            (SubqueryKind::In(value), Some(entry)) => {
                let value = value.value(row);
                let (fits, unknown) = match self.residual.is_empty() {
                    true if value == Value::Null => (false, true),
                    true => (entry.values.contains(&key([&value])), entry.null),
                    false => fitting(entry, Some(&value)),
                };
                if !fits && unknown { Value::Null } else { Value::Bool(fits) }
            }
        }
    }
}
