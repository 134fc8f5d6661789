//! Queries within a query. They run before it, by themselves, and hand it what they found: values for `filter … in (…)`, records
//! for `join`, rows for `appendcols`.
//!
//! Source: CloudWatch Logs User Guide, "subqueries", "join", "appendcols": none is in another, none runs longer than 30 seconds,
//! and one that is joined has at most 50,000 different keys and no commands.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::memory::Share;
use super::need::{Mark, marks};
use super::plan::Plan;
use super::record::Record;
use super::value::Value;

/// Of one query.
pub(super) const SUBQUERIES_MAX: usize = 10;
/// How long each may take.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(30);
const KEYS_MAX: usize = 50_000;
/// Of the records that are joined, in memory.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// A query within another.
pub(crate) struct Subquery {
    pub(crate) plan: Plan,
    pub(super) hands: Hands,
}

/// What becomes of what it found.
pub(super) enum Hands {
    /// The values of a field.
    Values {
        field: String,
        to: Arc<Found>,
    },
    Records(Arc<Secondary>),
    Rows(Arc<OnceLock<Vec<Row>>>),
}

pub(super) type Row = Vec<(String, String)>;

/// Values that a subquery found.
#[derive(Debug, Default)]
pub(super) struct Found(OnceLock<HashSet<Mark>>);

impl Found {
    pub(super) fn has(&self, mark: &Mark) -> bool {
        self.0.get().is_some_and(|all| all.contains(mark))
    }
}

impl Subquery {
    /// Whether it wants the records themselves.
    pub(crate) fn secondary(&self) -> Option<&Secondary> {
        match &self.hands {
            Hands::Records(secondary) => Some(secondary),
            _ => None,
        }
    }

    /// Takes the rows that it found.
    pub(crate) fn found(&self, rows: Vec<Row>) {
        match &self.hands {
            Hands::Values { field, to } => {
                let values = rows.into_iter().flatten().filter(|(name, _)| name == field);
                let _ = to.0.set(values.flat_map(|(_, value)| marks(&Value::Text(value))).collect());
            }
            Hands::Rows(to) => {
                let _ = to.set(rows);
            }
            Hands::Records(_) => {}
        }
    }
}

/// `join`: what its two sides are called, and by which fields they meet.
pub(super) struct Join {
    /// Records of the left side without a match stay.
    pub(super) is_left: bool,
    pub(super) left: Arc<str>,
    pub(super) right: Arc<str>,
    pub(super) left_field: String,
    pub(super) secondary: Arc<Secondary>,
}

/// The records of the right side of a `join`, by the field that they meet the left by.
pub(crate) struct Secondary {
    field: String,
    records: OnceLock<HashMap<Mark, Vec<Arc<Record>>>>,
}

/// The records of the right side as they come.
#[derive(Default)]
pub(crate) struct Gathering<'m> {
    records: HashMap<Mark, Vec<Arc<Record>>>,
    bytes: usize,
    memory: Option<&'m Share<'m>>,
}

impl<'m> Gathering<'m> {
    /// What is kept is of this share.
    pub(crate) fn within(memory: &'m Share<'m>) -> Gathering<'m> {
        Gathering { memory: Some(memory), ..Gathering::default() }
    }
}

impl Secondary {
    pub(super) fn new(field: String) -> Secondary {
        Secondary { field, records: OnceLock::new() }
    }

    /// Takes a record; one without the field meets nothing.
    ///
    /// # Errors
    /// When there are more keys or bytes than may be.
    pub(crate) fn add(&self, gathering: &mut Gathering<'_>, record: Record) -> Result<(), String> {
        let Some(key) = key(&record.get(&self.field)) else { return Ok(()) };
        if gathering.records.len() >= KEYS_MAX && !gathering.records.contains_key(&key) {
            return Err(format!("the secondary data source of join has more than {KEYS_MAX} different keys"));
        }
        gathering.bytes += record.weight(None);
        if gathering.bytes > BYTES_MAX {
            return Err(format!("the secondary data source of join takes more than {BYTES_MAX} bytes"));
        }
        gathering.memory.map_or(Ok(()), |memory| memory.hold(gathering.bytes))?;
        gathering.records.entry(key).or_default().push(Arc::new(record));
        Ok(())
    }

    pub(crate) fn set(&self, gathering: Gathering<'_>) {
        let _ = self.records.set(gathering.records);
    }
}

impl Join {
    /// The records that a record of the left becomes.
    pub(super) fn apply(&self, record: Record) -> impl Iterator<Item = Record> {
        let left = Arc::new(record);
        let key = key(&left.get(&self.left_field));
        let matches =
            key.and_then(|key| self.secondary.records.get()?.get(&key)).map_or(&[][..], Vec::as_slice);
        let alone = (matches.is_empty() && self.is_left).then_some(None);
        let all = matches.iter().map(Some).chain(alone);
        all.map(move |right| Record::joined((&self.left, &left), (&self.right, right)))
    }
}

/// A value as it is compared: numbers by size, else by their texts.
fn key(value: &Value) -> Option<Mark> {
    marks(value).into_iter().next()
}

/// `appendcols`: the rows of a subquery beside those of the query, by their places.
pub(super) struct AppendCols {
    /// Whether what it has takes the place of what is there.
    pub(super) overrides: bool,
    pub(super) max: usize,
    pub(super) rows: Arc<OnceLock<Vec<Row>>>,
}

impl AppendCols {
    pub(super) fn apply(&self, records: &mut [Record]) {
        let rows = self.rows.get().map_or(&[][..], Vec::as_slice);
        for (record, row) in records.iter_mut().zip(rows.iter().take(self.max)) {
            for (name, value) in row.iter().filter(|(name, _)| name != "@ptr") {
                if self.overrides || record.get(name).is_missing() {
                    record.set(name, Value::Text(value.clone()));
                }
            }
        }
    }
}
