//! Contributor insights: the rules of CloudWatch that tables have, and what is counted for them.
//!
//! A table whose record names no rules costs nothing: nobody looks further. What is counted is held in memory for up to a second
//! (`tasks::insights` writes it), so that a crash loses no more than that, as it does with metrics.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::contributors::{self, Managed, RULES, Rule, Tallies};
use haneul_kit::{Result, Signal};
use haneul_store::{StoreError, Tx};
use parking_lot::Mutex;
use serde_json::json;

use super::Db;
use crate::engine::capacity::{self, Used};
use crate::engine::keys;
use crate::engine::plan::{self, Outcome, Write};
use crate::model::{InsightsKind, InsightsRule, InsightsState, TableRecord};
use crate::table::name::TableId;
use crate::table::{KeySchema, TableInfo};
use crate::value::size;
use crate::value::{Attrs, Value};

/// Contributors of one report. Source: DynamoDB Developer Guide, "CloudWatch contributor insights for DynamoDB: How it works".
const CONTRIBUTORS_MAX: u32 = 25;

/// A unit of writing counts as so many of reading. Source: the same, ConsumedThroughputUnits.
const WRITE_UNITS: f64 = 3.0;

/// What waits to be written.
#[derive(Default)]
pub(super) struct Counted {
    tallies: Mutex<Tallies>,
    signal: Signal,
}

impl InsightsKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            InsightsKind::Pkc => "PKC",
            InsightsKind::Skc => "SKC",
            InsightsKind::Pkt => "PKT",
            InsightsKind::Skt => "SKT",
        }
    }

    pub(crate) fn is_of_sort_key(self) -> bool {
        matches!(self, InsightsKind::Skc | InsightsKind::Skt)
    }

    pub(crate) fn is_of_access(self) -> bool {
        matches!(self, InsightsKind::Pkc | InsightsKind::Skc)
    }
}

/// Makes the rules of CloudWatch those that a record names, after a change of it. Rules of indexes that are gone go with them; what
/// finds no place among the account's rules has failed.
pub(super) async fn follow(
    tx: &Tx,
    id: &TableId,
    before: &TableRecord,
    after: &mut TableRecord,
    now_ms: i64,
) -> Result<(), StoreError> {
    let indexes = &after.indexes;
    let is_there = |name: &String| indexes.iter().any(|index| index.global && index.name == *name);
    after.insights.retain(|insights| insights.index.as_ref().is_none_or(is_there));
    let owner = (id.0, id.1);
    let rules = |record: &TableRecord| -> Vec<InsightsRule> {
        record.insights.iter().flat_map(|insights| insights.rules.iter().cloned()).collect()
    };
    let (had, has) = (rules(before), rules(after));
    for gone in had.iter().filter(|rule| !has.contains(rule)) {
        tx.delete(&RULES, &(owner.0, owner.1, gone.name.as_str()))?;
    }
    for insights in &mut after.insights {
        let (kept, new): (Vec<_>, Vec<_>) = insights.rules.drain(..).partition(|rule| had.contains(rule));
        let mut fits = true;
        for rule in &new {
            fits = fits && contributors::put_rule(tx, owner, &rule.name, &shown(rule, now_ms)).await?;
        }
        insights.rules = kept;
        if fits {
            insights.rules.extend(new);
            insights.rules.sort_by_key(|rule| rule.kind);
        } else {
            // What there was before goes on counting.
            for rule in new {
                tx.delete(&RULES, &(owner.0, owner.1, rule.name.as_str()))?;
            }
            insights.state = InsightsState::Failed;
        }
    }
    Ok(())
}

/// Of a table that is deleted.
pub(super) fn drop_rules(tx: &Tx, id: &TableId, record: &TableRecord) -> Result<(), StoreError> {
    let mut rules = record.insights.iter().flat_map(|insights| &insights.rules);
    rules.try_for_each(|rule| tx.delete(&RULES, &(id.0, id.1, rule.name.as_str())))
}

/// A rule as CloudWatch shows it.
fn shown(rule: &InsightsRule, now_ms: i64) -> Rule {
    let keys: &[&str] =
        if rule.kind.is_of_sort_key() { &["PartitionKey", "SortKey"] } else { &["PartitionKey"] };
    let value = if rule.kind.is_of_access() { "ConsumedThroughputUnits" } else { "ThrottleCount" };
    let definition = json!({
        "Schema": {"Name": "ServiceLogRule", "Version": 1},
        "LogFormat": "JSON",
        "Contribution": {"Keys": keys, "ValueOf": value, "Filters": []},
        "AggregateOn": "Sum",
    });
    Rule {
        id: rule.id,
        definition: definition.to_string(),
        enabled: true,
        since_ms: now_ms,
        transformed: None,
        tags: Vec::new(),
        managed: Some(Managed {
            by: "DynamoDB".into(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            contributors_max: CONTRIBUTORS_MAX,
        }),
    }
}

impl Db {
    pub(crate) fn insights_signal(&self) -> &Signal {
        &self.shared.insights.signal
    }

    /// What was counted since it was last taken.
    pub(crate) fn take_counted(&self) -> Tallies {
        std::mem::take(&mut *self.shared.insights.tallies.lock())
    }

    pub(crate) fn counted_is_full(&self) -> bool {
        self.shared.insights.tallies.lock().is_full()
    }

    /// A key was read, of the table or of the index at that position: all of it, or the partition alone.
    pub(crate) fn note_read(&self, table: &TableInfo, index: Option<usize>, key: &Attrs, units: f64) {
        if !table.record.insights.is_empty() {
            self.note(table, index, key, true, units);
        }
    }

    /// A key was not used because the throughput did not let it.
    pub(crate) fn note_throttled(&self, table: &TableInfo, index: Option<usize>, key: &Attrs) {
        if !table.record.insights.is_empty() {
            self.note(table, index, key, false, 1.0);
        }
    }

    /// An item was written, and what that changed in the global indexes.
    pub(super) fn note_write(&self, write: &Write, outcome: Option<&Outcome>, used: &Used) {
        let table = &write.table;
        if table.record.insights.is_empty() {
            return;
        }
        let mut of_table = used.table;
        for (position, units) in &used.indexes {
            let Some(index) = table.indexes.get(*position) else { continue };
            if !index.record.global {
                of_table += units;
                continue;
            }
            let Some(outcome) = outcome else { continue };
            let has_entry =
                |item: &&std::sync::Arc<Attrs>| keys::of_entry(index, &table.schema, item).is_some();
            let old = outcome.old.as_ref().filter(has_entry);
            let new = outcome.new.as_ref().filter(has_entry);
            let place = |item| keys::of_entry(index, &table.schema, item);
            let mut left = *units;
            if let Some(old) = old.filter(|old| new.is_none_or(|new| place(old) != place(new))) {
                let entry = plan::projected(index, &table.schema, old);
                let units = capacity::of_write(size::of_item(&entry)).min(left);
                self.note(table, Some(*position), old, true, WRITE_UNITS * units);
                left -= units;
            }
            if let Some(new) = new.filter(|_| left > 0.0) {
                self.note(table, Some(*position), new, true, WRITE_UNITS * left);
            }
        }
        self.note(table, None, &write.key, true, WRITE_UNITS * of_table);
    }

    fn note(&self, table: &TableInfo, index: Option<usize>, item: &Attrs, accessed: bool, value: f64) {
        // A local index is part of its table.
        let index = index.and_then(|at| table.indexes.get(at)).filter(|index| index.record.global);
        let name = index.map(|index| &index.record.name);
        let found = table.record.insights.iter().find(|insights| insights.index.as_ref() == name);
        let Some(insights) = found else { return };
        let mut rules = insights.rules.iter().filter(|rule| rule.kind.is_of_access() == accessed).peekable();
        if rules.peek().is_none() || value <= 0.0 {
            return;
        }
        let schema = index.map_or(&table.schema, |index| &index.schema);
        let Some((partition, whole)) = texts(schema, item) else { return };
        let now = self.env.now();
        let counted = &self.shared.insights;
        let first = {
            let mut tallies = counted.tallies.lock();
            let first = tallies.is_empty();
            for rule in rules {
                match (rule.kind.is_of_sort_key(), &whole) {
                    (false, _) => tallies.add(rule.id, now, &partition, value),
                    (true, Some(whole)) => tallies.add(rule.id, now, whole, value),
                    // Only the partition is known.
                    (true, None) => {}
                }
            }
            first || tallies.is_full()
        };
        if first {
            counted.signal.wake();
        }
    }
}

/// The partition key, and the whole key where the sort key is known, as contributors.
fn texts(schema: &KeySchema, item: &Attrs) -> Option<(String, Option<String>)> {
    let text = |keys: &[crate::table::KeyAttribute]| -> Option<String> {
        let parts: Option<Vec<Cow<'_, str>>> = keys.iter().map(|key| text(item.get(&key.name)?)).collect();
        parts.map(|parts| parts.join(","))
    };
    let partition: Cow<'_, str> = text(&schema.hash)?.into();
    let whole = match schema.range.is_empty() {
        true => None,
        false => text(&schema.range).map(|sort| contributors::key(&[partition.clone(), sort.into()])),
    };
    Some((contributors::key(&[partition]), whole))
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::S(text) => Some(Cow::Borrowed(text)),
        Value::N(number) => Some(Cow::Owned(number.to_string())),
        Value::B(bytes) => Some(Cow::Owned(STANDARD.encode(bytes))),
        _ => None,
    }
}
