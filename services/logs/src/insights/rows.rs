//! Commands that look at rows and their neighbours, in the order in which the results stand.
//!
//! Source: CloudWatch Logs User Guide, "addtotals", "accum", "autoregress", "filldown", "fillmissing", "outlier", "sessionize".
//! Where it is silent: boundaries of outliers lie `param` ranges beyond the quartiles, and a marker is called `FIELD_outlier`;
//! missing bins are those between the first and the last that there are, of each combination of the other groups; a session's
//! name is made of its identity and its first event's time, so it is the same when the query runs again.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use sha2::{Digest, Sha256};

use super::record::{FIELD, Record};
use super::stats::quantile;
use super::value::Value;
use crate::names::fits;

pub(super) struct AddTotals {
    /// What the total of a row is called.
    pub(super) name: String,
    pub(super) rows: bool,
    /// A row of the totals of columns comes last.
    pub(super) columns: bool,
    /// `None` for all that are numbers.
    pub(super) fields: Option<Vec<String>>,
}

impl AddTotals {
    pub(super) fn apply(&self, records: &mut Vec<Record>) {
        let mut columns: BTreeMap<String, f64> = BTreeMap::new();
        for record in records.iter_mut() {
            let (mut total, mut has_any) = (0.0, false);
            for name in self.names(record) {
                let value = match &*record.get(&name) {
                    Value::Time(_) => None,
                    value => value.number(),
                };
                let Some(value) = value else { continue };
                (total, has_any) = (total + value, true);
                if self.columns {
                    *columns.entry(name).or_default() += value;
                }
            }
            if self.rows && has_any {
                record.set(&self.name, Value::Number(total));
                if self.columns {
                    *columns.entry(self.name.clone()).or_default() += total;
                }
            }
        }
        if self.columns {
            let mut summary = Record::default();
            for (name, total) in columns {
                summary.set(&name, Value::Number(total));
            }
            records.push(summary);
        }
    }

    fn names(&self, record: &Record) -> Vec<String> {
        match &self.fields {
            Some(fields) => fields.clone(),
            // What every event has is no number of its own.
            None => record
                .names()
                .into_iter()
                .filter(|name| !name.starts_with('@') && *name != self.name)
                .collect(),
        }
    }
}

pub(super) fn accumulate(records: &mut [Record], field: &str, into: &str) {
    let mut total = 0.0;
    for record in records {
        if let Some(value) = record.get(field).number() {
            total += value;
            record.set(into, Value::Number(total));
        }
    }
}

pub(super) struct Autoregress {
    pub(super) field: String,
    /// By how many rows the values come later, and the fields that they are in.
    pub(super) lags: Vec<(usize, String)>,
}

impl Autoregress {
    /// Says how many bytes the values take that it adds; ends when these are too many.
    pub(super) fn apply(&self, records: &mut [Record], most: usize) -> usize {
        let mut bytes = 0;
        let deepest = self.lags.iter().map(|(lag, _)| *lag).max().unwrap_or_default();
        let mut before: VecDeque<Value> = VecDeque::new();
        for record in records {
            let value = record.get(&self.field).into_owned();
            for (lag, name) in &self.lags {
                if let Some(past) = lag.checked_sub(1).and_then(|at| before.get(at)) {
                    bytes += FIELD + name.len() + past.weight();
                    record.set(name, past.clone());
                }
            }
            if bytes > most {
                break;
            }
            before.push_front(value);
            before.truncate(deepest);
        }
        bytes
    }
}

/// Carries the last value of each field forward, of all where none is named. Says how many bytes that takes; ends when these are too many.
pub(super) fn fill_down(records: &mut [Record], patterns: &[String], most: usize) -> usize {
    let (mut last, mut bytes) = (BTreeMap::<String, Value>::new(), 0);
    for record in records {
        let names = match patterns.is_empty() {
            true => record.names(),
            // A field by its whole name may be in a structure.
            false => {
                let plain = patterns.iter().filter(|pattern| !pattern.contains('*')).cloned();
                let named = record.names().into_iter();
                plain.chain(named.filter(|name| patterns.iter().any(|one| fits(one, name)))).collect()
            }
        };
        for name in names {
            let value = record.get(&name);
            if !value.is_missing() {
                last.insert(name, value.into_owned());
            }
        }
        for (name, value) in &last {
            if record.get(name).is_missing() {
                bytes += name.len() + value.weight();
                record.set(name, value.clone());
            }
        }
        if bytes > most {
            break;
        }
    }
    bytes
}

/// What the rows of one group have beside their bins, and the bins that there are.
type Bins = (Vec<Value>, BTreeSet<i64>);

pub(super) struct FillMissing {
    /// The field of the bins, and how wide these are.
    pub(super) bin: String,
    pub(super) span_ms: i64,
    /// The other fields that `stats` groups by.
    pub(super) others: Vec<String>,
    /// What the rows that come have.
    pub(super) with: Vec<(String, Value)>,
}

impl FillMissing {
    /// Says how many bytes the rows take that it adds; ends when these are too many.
    ///
    /// # Errors
    /// When there would be more rows than `most`.
    pub(super) fn apply(
        &self,
        records: &mut Vec<Record>,
        most: usize,
        bytes_most: usize,
    ) -> Result<usize, String> {
        let bin_of = |record: &Record| record.get(&self.bin).number().map(|ms| ms as i64);
        let bins: Vec<i64> = records.iter().filter_map(bin_of).collect();
        let (Some(&first), Some(&last)) = (bins.iter().min(), bins.iter().max()) else { return Ok(0) };
        let count = usize::try_from(last.saturating_sub(first) / self.span_ms.max(1)).unwrap_or(usize::MAX);
        let group_of = |record: &Record| -> Vec<Option<String>> {
            self.others.iter().map(|name| record.get(name).text()).collect()
        };
        let mut groups: HashMap<Vec<Option<String>>, Bins> = HashMap::new();
        for record in &*records {
            let values = || self.others.iter().map(|name| record.get(name).into_owned()).collect();
            let group = groups.entry(group_of(record)).or_insert_with(|| (values(), BTreeSet::new()));
            group.1.extend(bin_of(record));
        }
        if count.saturating_add(1).saturating_mul(groups.len()) > most {
            return Err(format!("fillmissing makes more than {most} rows"));
        }
        let rises = bins.is_sorted();
        let mut bytes = 0;
        for (values, present) in groups.into_values() {
            for bin in (0..=count)
                .map(|i| first.saturating_add(self.span_ms.saturating_mul(i as i64)))
                .filter(|bin| !present.contains(bin))
            {
                let mut record = Record::default();
                record.set(&self.bin, Value::Time(bin));
                for (name, value) in self.others.iter().zip(&values) {
                    record.set(name, value.clone());
                }
                for (name, value) in &self.with {
                    record.set(name, value.clone());
                }
                bytes += record.weight(None);
                if bytes > bytes_most {
                    return Ok(bytes);
                }
                records.push(record);
            }
        }
        // The order of bins is that in which they came: `stats` has the newest first.
        records.sort_by_key(|record| bin_of(record).map(|ms| if rises { ms } else { ms.saturating_neg() }));
        Ok(bytes)
    }
}

pub(super) struct Outlier {
    /// Else they are drawn to the boundary.
    pub(super) removes: bool,
    pub(super) param: f64,
    pub(super) lower: bool,
    pub(super) marks: bool,
    pub(super) fields: Vec<String>,
}

impl Outlier {
    pub(super) fn marker(field: &str) -> String {
        format!("{field}_outlier")
    }

    pub(super) fn apply(&self, records: &mut Vec<Record>) {
        // The boundaries are those of all rows, before any goes.
        let bounds: Vec<(&String, f64, f64)> = self
            .fields
            .iter()
            .filter_map(|field| {
                let mut values: Vec<f64> =
                    records.iter().filter_map(|record| record.get(field).number()).collect();
                values.sort_by(f64::total_cmp);
                let (low, high) = (quantile(&values, 0.25)?, quantile(&values, 0.75)?);
                let reach = (high - low) * self.param;
                Some((field, if self.lower { low - reach } else { f64::NEG_INFINITY }, high + reach))
            })
            .collect();
        records.retain_mut(|record| {
            for (field, low, high) in &bounds {
                let Some(value) = record.get(field).number() else { continue };
                let is_out = value < *low || value > *high;
                if is_out && self.removes {
                    return false;
                }
                if is_out {
                    record.set(field, Value::Number(value.clamp(*low, *high)));
                }
                if self.marks {
                    record.set(&Outlier::marker(field), Value::Bool(is_out));
                }
            }
            true
        });
    }
}

pub(super) struct Sessionize {
    pub(super) fields: Vec<String>,
    pub(super) gap_ms: i64,
    pub(super) into: String,
}

impl Sessionize {
    pub(super) fn apply(&self, records: &mut [Record]) {
        let mut by_identity: HashMap<Vec<Option<String>>, Vec<(f64, usize)>> = HashMap::new();
        for (at, record) in records.iter().enumerate() {
            let Some(time) = record.time() else { continue };
            let identity = self.fields.iter().map(|field| record.get(field).text()).collect();
            by_identity.entry(identity).or_default().push((time, at));
        }
        for (identity, mut events) in by_identity {
            events.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let (mut last, mut session) = (f64::NEG_INFINITY, String::new());
            for (time, at) in events {
                if time - last > self.gap_ms as f64 {
                    session = name(&identity, time);
                }
                last = time;
                records[at].set(&self.into, Value::Text(session.clone()));
            }
        }
    }
}

fn name(identity: &[Option<String>], start: f64) -> String {
    let mut hash = Sha256::new();
    for part in identity {
        let part = part.as_deref().unwrap_or_default();
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update((start as i64).to_be_bytes());
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
