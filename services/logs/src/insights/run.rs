use std::collections::HashSet;

use super::eval::eval;
use super::patterns::Patterns;
use super::plan::{Command, Expr, Plan};
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
/// Records that are made of one event: lists of lists multiply.
const UNNESTED_MAX: usize = 10_000;

/// A query at work: records go in one by one, newest first.
pub(crate) struct Run<'p> {
    plan: &'p Plan,
    now_ms: i64,
    limit: usize,
    /// The commands that look at one record at a time, before the first that needs all of them.
    streaming: usize,
    gathered: Option<Gathered<'p>>,
    kept: Vec<Record>,
    /// Made of the event at hand by `unnest`.
    unnested: usize,
    pub(crate) outcome: Outcome,
}

/// What becomes of records that are not kept one by one.
enum Gathered<'p> {
    Groups(Groups<'p>),
    Patterns(&'p Expr, Patterns),
}

impl<'p> Gathered<'p> {
    fn of(command: &'p Command) -> Option<Gathered<'p>> {
        match command {
            Command::Stats { aggregates, by } => Some(Gathered::Groups(Groups::new(aggregates, by))),
            Command::Pattern(of) => Some(Gathered::Patterns(of, Patterns::default())),
            _ => None,
        }
    }

    fn add(&mut self, record: &Record, is_before: bool, now_ms: i64) -> Result<(), String> {
        match self {
            Gathered::Groups(groups) => groups.add(record, now_ms),
            Gathered::Patterns(of, patterns) => {
                if let Some(text) = eval(of, record, now_ms).text() {
                    patterns.add(&text, is_before);
                }
                Ok(())
            }
        }
    }

    fn finish(self, compares: bool) -> Vec<Record> {
        match self {
            Gathered::Groups(groups) => groups.finish(),
            Gathered::Patterns(_, patterns) => patterns.finish(compares),
        }
    }
}

impl<'p> Run<'p> {
    /// `limit` counts where the query names none.
    pub(crate) fn new(plan: &'p Plan, limit: usize, now_ms: i64) -> Run<'p> {
        let per_record = |command: &Command| {
            matches!(
                command,
                Command::Compute(_)
                    | Command::Filter(_)
                    | Command::Lookup(_)
                    | Command::Parse { .. }
                    | Command::Unnest { .. }
            )
        };
        let streaming = plan.commands.iter().take_while(|command| per_record(command)).count();
        let gathered = plan.commands.get(streaming).and_then(Gathered::of);
        Run {
            plan,
            now_ms,
            limit,
            streaming,
            gathered,
            kept: Vec::new(),
            unnested: 0,
            outcome: Outcome::default(),
        }
    }

    /// Counts an event that [`Plan::passes_over`].
    pub(crate) fn pass_over(&mut self, bytes: usize) {
        self.outcome.scanned += 1;
        self.outcome.bytes += bytes as u64;
    }

    /// Takes the record of an event, of the query's own time or of that which it is compared with.
    ///
    /// # Errors
    /// When the query wants more memory than it may have.
    pub(crate) fn add(&mut self, record: Record, bytes: usize, is_before: bool) -> Result<(), String> {
        self.outcome.scanned += 1;
        self.outcome.bytes += bytes as u64;
        self.unnested = 0;
        self.pass(0, record, is_before)
    }

    /// Sends a record through the commands from the `at`th on.
    fn pass(&mut self, at: usize, mut record: Record, is_before: bool) -> Result<(), String> {
        let plan = self.plan;
        for (i, command) in plan.commands[..self.streaming].iter().enumerate().skip(at) {
            if let Command::Unnest { list, field } = command {
                for element in elements(&eval(list, &record, self.now_ms)) {
                    self.unnested += 1;
                    if self.unnested > UNNESTED_MAX {
                        return Err(format!("unnest makes more than {UNNESTED_MAX} records of one event"));
                    }
                    let mut one = record.clone();
                    one.set(field, element);
                    self.pass(i + 1, one, is_before)?;
                }
                return Ok(());
            }
            if !apply(command, &mut record, self.now_ms) {
                return Ok(());
            }
        }
        self.outcome.matched += 1;
        if let Some(gathered) = &mut self.gathered {
            return gathered.add(&record, is_before, self.now_ms);
        }
        // Records come newest first, so without another order the first ones are the result.
        let rest = &plan.commands[self.streaming..];
        let first_come = rest.iter().all(|command| matches!(command, Command::Limit(_)));
        let limit = plan.limit.unwrap_or(self.limit);
        if first_come && self.kept.len() >= limit {
            return Ok(());
        }
        self.room(self.kept.len())?;
        self.kept.push(record);
        Ok(())
    }

    fn room(&self, kept: usize) -> Result<(), String> {
        match kept < RECORDS_MAX {
            true => Ok(()),
            false => Err(format!("the query keeps more than {RECORDS_MAX} records")),
        }
    }

    /// # Errors
    /// When the query wants more memory than it may have.
    pub(crate) fn finish(mut self) -> Result<Outcome, String> {
        let mut records = std::mem::take(&mut self.kept);
        let mut rest = &self.plan.commands[self.streaming..];
        if let Some(gathered) = self.gathered.take() {
            records = gathered.finish(self.plan.earlier.is_some());
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
            Command::Stats { .. } | Command::Pattern(_) => {
                if let Some(mut gathered) = Gathered::of(command) {
                    for record in &records {
                        gathered.add(record, false, now_ms)?;
                    }
                    records = gathered.finish(false);
                }
            }
            Command::Unnest { list, field } => {
                let mut all = Vec::new();
                for record in records {
                    for element in elements(&eval(list, &record, now_ms)) {
                        self.room(all.len())?;
                        let mut one = record.clone();
                        one.set(field, element);
                        all.push(one);
                    }
                }
                records = all;
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

/// The elements of a list; what is none counts as a list of one.
fn elements(value: &Value) -> Vec<Value> {
    match value {
        Value::Missing => Vec::new(),
        Value::Structure(json) => match &**json {
            serde_json::Value::Array(elements) => elements.iter().map(Value::of_json).collect(),
            _ => vec![value.clone()],
        },
        _ => vec![value.clone()],
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
