use std::collections::HashSet;

use super::eval::eval;
use super::plan::{Command, Plan};
use super::record::Record;
use super::stats::Groups;
use super::value::Value;

/// What a query found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) rows: Vec<Vec<(String, String)>>,
    pub(crate) matched: u64,
    pub(crate) scanned: u64,
    pub(crate) bytes: u64,
    /// Of what indexes said that it cannot match.
    pub(crate) skipped: Skipped,
    pub(crate) groups: u64,
}

/// Events that were passed over, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) events: u64,
    pub(crate) bytes: u64,
}

/// Records in memory between two commands.
const RECORDS_MAX: usize = 500_000;

/// A query at work: records go in one by one, newest first.
pub(crate) struct Run<'p> {
    plan: &'p Plan,
    now_ms: i64,
    limit: usize,
    /// The commands that look at one record at a time, before the first that needs all of them.
    streaming: usize,
    groups: Option<Groups<'p>>,
    kept: Vec<Record>,
    pub(crate) outcome: Outcome,
}

impl<'p> Run<'p> {
    /// `limit` counts where the query names none.
    pub(crate) fn new(plan: &'p Plan, limit: usize, now_ms: i64) -> Run<'p> {
        let per_record = |command: &Command| {
            matches!(
                command,
                Command::Compute(_) | Command::Filter(_) | Command::Lookup(_) | Command::Parse { .. }
            )
        };
        let streaming = plan.commands.iter().take_while(|command| per_record(command)).count();
        let groups = match plan.commands.get(streaming) {
            Some(Command::Stats { aggregates, by }) => Some(Groups::new(aggregates, by)),
            _ => None,
        };
        Run { plan, now_ms, limit, streaming, groups, kept: Vec::new(), outcome: Outcome::default() }
    }

    /// Counts an event that [`Plan::passes_over`].
    pub(crate) fn pass_over(&mut self, bytes: usize) {
        self.outcome.scanned += 1;
        self.outcome.bytes += bytes as u64;
    }

    /// Takes a record; says whether more can still change the result.
    ///
    /// # Errors
    /// When the query wants more memory than it may have.
    pub(crate) fn add(&mut self, mut record: Record, bytes: usize) -> Result<bool, String> {
        self.outcome.scanned += 1;
        self.outcome.bytes += bytes as u64;
        for command in &self.plan.commands[..self.streaming] {
            if !apply(command, &mut record, self.now_ms) {
                return Ok(true);
            }
        }
        self.outcome.matched += 1;
        if let Some(groups) = &mut self.groups {
            groups.add(&record, self.now_ms)?;
            return Ok(true);
        }
        // Records come newest first, so without another order the first ones are the result.
        let rest = &self.plan.commands[self.streaming..];
        let first_come = rest.iter().all(|command| matches!(command, Command::Limit(_)));
        let limit = self.plan.limit.unwrap_or(self.limit);
        if first_come && self.kept.len() >= limit {
            return Ok(true);
        }
        if self.kept.len() >= RECORDS_MAX {
            return Err(format!("the query keeps more than {RECORDS_MAX} records"));
        }
        self.kept.push(record);
        Ok(true)
    }

    /// # Errors
    /// When the query wants more memory than it may have.
    pub(crate) fn finish(mut self) -> Result<Outcome, String> {
        let mut records = std::mem::take(&mut self.kept);
        let mut rest = &self.plan.commands[self.streaming..];
        if let Some(groups) = self.groups.take() {
            records = groups.finish();
            rest = &rest[1..];
        }
        for command in rest {
            records = self.whole(command, records)?;
        }
        records.truncate(self.plan.limit.unwrap_or(self.limit));
        self.outcome.rows = records.iter().map(|record| self.row(record)).collect();
        Ok(self.outcome)
    }

    fn whole(&self, command: &'p Command, mut records: Vec<Record>) -> Result<Vec<Record>, String> {
        let now_ms = self.now_ms;
        match command {
            Command::Compute(_) | Command::Filter(_) | Command::Lookup(_) | Command::Parse { .. } => {
                records.retain_mut(|record| apply(command, record, now_ms));
            }
            Command::Stats { aggregates, by } => {
                let mut groups = Groups::new(aggregates, by);
                for record in &records {
                    groups.add(record, now_ms)?;
                }
                records = groups.finish();
            }
            Command::Sort(keys) => records.sort_by(|a, b| {
                let orders = keys.iter().map(|(expr, down)| {
                    let order = eval(expr, a, now_ms).order(&eval(expr, b, now_ms));
                    if *down { order.reverse() } else { order }
                });
                orders.into_iter().find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
            }),
            Command::Dedup(fields) => {
                let mut seen = HashSet::new();
                records.retain(|record| {
                    let values: Vec<Option<String>> =
                        fields.iter().map(|expr| eval(expr, record, now_ms).text()).collect();
                    // A record without the field is not a duplicate of another one.
                    values.iter().any(Option::is_none) || seen.insert(values)
                });
            }
            Command::Limit(limit) => records.truncate(*limit),
        }
        Ok(records)
    }

    fn row(&self, record: &Record) -> Vec<(String, String)> {
        const DEFAULT: [&str; 2] = ["@timestamp", "@message"];
        let mut names: Vec<&str> = match self.plan.shown.is_empty() {
            true => DEFAULT.to_vec(),
            false => self.plan.shown.iter().map(String::as_str).collect(),
        };
        for name in &self.plan.looked_up {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let pointer = self.plan.events.then_some("@ptr");
        let shown = names.into_iter().filter(|name| *name != "@ptr").chain(pointer);
        shown.filter_map(|name| Some((name.to_owned(), record.get(name).text()?))).collect()
    }
}

/// Works a command out on one record; whether the record stays.
fn apply(command: &Command, record: &mut Record, now_ms: i64) -> bool {
    match command {
        Command::Filter(expr) => return eval(expr, record, now_ms).truth(),
        Command::Compute(list) => {
            for (name, expr) in list {
                let value = eval(expr, record, now_ms).into_owned();
                if !value.is_missing() {
                    record.set(name, value);
                }
            }
        }
        Command::Lookup(lookup) => lookup.apply(record, now_ms),
        Command::Parse { from, regex, fields } => {
            let Some(text) = eval(from, record, now_ms).text() else { return true };
            let Some(found) = regex.captures(&text) else { return true };
            let values = found.iter().skip(1).zip(fields);
            for (value, name) in values.filter_map(|(value, name)| Some((value?, name))) {
                record.set(name, Value::Text(value.as_str().to_owned()));
            }
        }
        _ => {}
    }
    true
}
