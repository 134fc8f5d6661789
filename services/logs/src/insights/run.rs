use std::cmp::Ordering;
use std::collections::HashSet;

use super::apply::{Fields, apply, several};
use super::eval::{Moment, eval};
use super::frequent::Frequent;
use super::memory::Share;
use super::patterns::Patterns;
use super::patterns::unusual::{Times, Watch};
use super::plan::{Command, Expr, Plan};
use super::record::Record;
use super::relevant::Relevant;
use super::rows;
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

/// Records in memory between two commands, and how many bytes they take, about.
const RECORDS_MAX: usize = 500_000;
const BYTES_MAX: usize = 512 * 1024 * 1024;
/// Records that are made of one event: lists of lists multiply.
const UNNESTED_MAX: usize = 10_000;
/// Records that `join` makes: keys that both sides have often multiply.
const JOINED_MAX: usize = 1_000_000;
/// Bytes of text that the commands behind the first that needs all records may look at, each.
const STEP_WORK_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// What a copy of a record costs, as bytes of text that are looked at.
const COPY: usize = 1024;
/// Records that are kept until those beyond a limit are let go.
const PRUNED_MIN: usize = 2000;

/// A query at work: records go in one by one, newest first.
pub(crate) struct Run<'p> {
    plan: &'p Plan,
    at: Moment,
    limit: usize,
    /// The commands that look at one record at a time, before the first that needs all of them.
    streaming: usize,
    gathered: Option<Gathered<'p>>,
    kept: Vec<Record>,
    kept_bytes: usize,
    /// Of sorted records only so many can be in the result.
    pruned_to: Option<usize>,
    /// Made of the event at hand by `unnest`.
    unnested: usize,
    joined: usize,
    /// Commands that are done with all records.
    done: usize,
    memory: Option<&'p Share<'p>>,
    pub(crate) outcome: Outcome,
}

/// What becomes of records that are not kept one by one.
enum Gathered<'p> {
    Groups(Groups<'p>),
    Patterns(&'p Expr, Box<Patterns>),
    Frequent(Frequent<'p>),
    Relevant(Relevant<'p>),
}

impl<'p> Gathered<'p> {
    fn of(command: &'p Command, at: &Moment) -> Option<Gathered<'p>> {
        match command {
            Command::Stats { aggregates, by } => Some(Gathered::Groups(Groups::new(aggregates, by))),
            Command::Pattern { of, is_watched } => {
                let times = Times { start_ms: at.start_ms, end_ms: at.end_ms };
                Some(Gathered::Patterns(of, Box::new(Patterns::new(is_watched.then(|| Watch::new(times))))))
            }
            Command::CountFrequent(fields) => Some(Gathered::Frequent(Frequent::new(fields))),
            Command::RelevantFields { fields, condition } => {
                Some(Gathered::Relevant(Relevant::new(fields, condition)))
            }
            _ => None,
        }
    }

    fn add(&mut self, record: &Record, is_before: bool, at: &Moment) -> Result<(), String> {
        match self {
            Gathered::Groups(groups) => return groups.add(record, at),
            Gathered::Patterns(of, patterns) => {
                let text = eval(of, record, at);
                if let Value::Structure(_) = &*text {
                    return Ok(());
                }
                if let Some(text) = text.text() {
                    patterns.add(&text, is_before, record.time());
                }
            }
            Gathered::Frequent(frequent) => frequent.add(record, at),
            Gathered::Relevant(relevant) => relevant.add(record, at),
        }
        Ok(())
    }

    /// Bytes that it takes, about.
    fn weight(&self) -> usize {
        match self {
            Gathered::Groups(groups) => groups.weight(),
            Gathered::Patterns(_, patterns) => patterns.weight(),
            Gathered::Frequent(frequent) => frequent.weight(),
            Gathered::Relevant(relevant) => relevant.weight(),
        }
    }

    fn finish(self, compares: bool) -> Vec<Record> {
        match self {
            Gathered::Groups(groups) => groups.finish(),
            Gathered::Patterns(_, patterns) => patterns.finish(compares),
            Gathered::Frequent(frequent) => frequent.finish(),
            Gathered::Relevant(relevant) => relevant.finish(),
        }
    }
}

impl<'p> Run<'p> {
    /// `limit` counts where the query names none.
    pub(crate) fn new(plan: &'p Plan, limit: usize, at: Moment) -> Run<'p> {
        let streaming = plan.commands.iter().take_while(|command| command.is_per_record()).count();
        let gathered = plan.commands.get(streaming).and_then(|command| Gathered::of(command, &at));
        let limit = plan.limit.unwrap_or(limit);
        let pruned_to = match &plan.commands[streaming..] {
            [Command::Sort(_)] => Some(limit),
            [Command::Sort(_), Command::Limit(limit), ..] => Some(*limit),
            _ => None,
        };
        Run {
            plan,
            at,
            limit,
            streaming,
            gathered,
            kept: Vec::new(),
            kept_bytes: 0,
            pruned_to,
            unnested: 0,
            joined: 0,
            done: streaming,
            memory: None,
            outcome: Outcome::default(),
        }
    }

    /// What it keeps is of this share.
    pub(crate) fn within(self, memory: &'p Share<'p>) -> Run<'p> {
        Run { memory: Some(memory), ..self }
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
        self.at.renew();
        self.pass(0, record, is_before)
    }

    /// Whether no other event changes the result: `limit any` has what it wants.
    pub(crate) fn is_full(&self) -> bool {
        self.plan.any && self.takes_first() && self.kept.len() >= self.limit
    }

    /// Bytes of text that expressions looked at since somebody asked.
    pub(crate) fn take_spent(&mut self) -> u64 {
        self.at.take_spent()
    }

    /// Records come newest first, so without another order the first ones are the result.
    fn takes_first(&self) -> bool {
        self.plan.commands[self.streaming..].iter().all(|command| matches!(command, Command::Limit(_)))
    }

    /// Sends a record through the commands from the `from`th on.
    fn pass(&mut self, from: usize, mut record: Record, is_before: bool) -> Result<(), String> {
        let plan = self.plan;
        for (i, command) in plan.commands[..self.streaming].iter().enumerate().skip(from) {
            if let Command::Join(join) = command {
                for one in join.apply(record) {
                    self.at.spend(COPY);
                    self.joined += 1;
                    if self.joined > JOINED_MAX {
                        return Err(format!("join makes more than {JOINED_MAX} records"));
                    }
                    self.pass(i + 1, one, is_before)?;
                }
                return Ok(());
            }
            if command.multiplies() {
                // Copies are made one by one: most do not stay.
                for fields in several(command, &record, &self.at) {
                    self.unnested += 1;
                    if self.unnested > UNNESTED_MAX {
                        return Err(format!("unnest makes more than {UNNESTED_MAX} records of one event"));
                    }
                    self.pass(i + 1, with(&record, fields, &self.at), is_before)?;
                }
                return Ok(());
            }
            if !apply(command, &mut record, &self.at) {
                return Ok(());
            }
        }
        self.outcome.matched += 1;
        if let Some(gathered) = &mut self.gathered {
            gathered.add(&record, is_before, &self.at)?;
            return match self.memory {
                Some(memory) => memory.hold(gathered.weight()),
                None => Ok(()),
            };
        }
        if self.takes_first() && self.kept.len() >= self.limit {
            return Ok(());
        }
        self.kept_bytes += record.weight(self.kept.last());
        self.kept.push(record);
        if let Some(limit) = self.pruned_to.filter(|limit| self.kept.len() >= (2 * limit).max(PRUNED_MIN)) {
            self.prune(limit)?;
        }
        Room::new(self.memory).has(self.kept.len(), self.kept_bytes)
    }

    /// Lets records go that a limit behind a sort leaves out.
    fn prune(&mut self, limit: usize) -> Result<(), String> {
        let Some(Command::Sort(keys)) = self.plan.commands.get(self.streaming) else { return Ok(()) };
        let records = std::mem::take(&mut self.kept);
        self.kept = sorted(keys, records, &self.at, Room::beside(self.memory, self.kept_bytes))?;
        self.kept.truncate(limit);
        self.kept_bytes = weight(&self.kept);
        Ok(())
    }

    /// Takes a command that needs all records one step further; whether there is another.
    ///
    /// # Errors
    /// When the query wants more memory or work than it may have.
    pub(crate) fn step(&mut self) -> Result<bool, String> {
        if let Some(gathered) = self.gathered.take() {
            Room::new(self.memory).has(0, gathered.weight())?;
            self.kept = gathered.finish(self.plan.earlier.is_some());
            self.done += 1;
        } else if let Some(command) = self.plan.commands.get(self.done) {
            let records = std::mem::take(&mut self.kept);
            self.at.take_spent();
            self.kept = self.whole(command, records)?;
            self.done += 1;
        } else {
            return Ok(false);
        }
        self.kept_bytes = weight(&self.kept);
        Room::new(self.memory).has(self.kept.len(), self.kept_bytes)?;
        Ok(self.done < self.plan.commands.len())
    }

    /// What it found, when all steps are taken.
    ///
    /// # Errors
    /// When the texts are too many: what records share (the list that `unnest` took apart, what `join` found) is not shared by
    /// the rows.
    pub(crate) fn finish(mut self) -> Result<Outcome, String> {
        self.kept.truncate(self.limit);
        let (mut rows, mut bytes) = (Vec::with_capacity(self.kept.len()), 0);
        let room = Room::beside(self.memory, self.kept_bytes);
        for record in std::mem::take(&mut self.kept) {
            let row = self.row(&record);
            bytes += row.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
            room.has(0, bytes)?;
            rows.push(row);
        }
        self.outcome.rows = rows;
        Ok(self.outcome)
    }

    fn whole(&self, command: &'p Command, mut records: Vec<Record>) -> Result<Vec<Record>, String> {
        let at = &self.at;
        let room = Room::beside(self.memory, self.kept_bytes);
        let mut spent = 0;
        // Each record has its share of work, and all have one together.
        let mut next = || {
            spent += at.take_spent();
            match spent > STEP_WORK_MAX {
                true => Err("the query looks at more text than it may".to_owned()),
                false => Ok(()),
            }
        };
        match command {
            Command::Stats { .. }
            | Command::Pattern { .. }
            | Command::CountFrequent(_)
            | Command::RelevantFields { .. } => {
                if let Some(mut gathered) = Gathered::of(command, at) {
                    for record in &records {
                        next()?;
                        gathered.add(record, false, at)?;
                        room.has(0, gathered.weight())?;
                    }
                    records = gathered.finish(false);
                }
            }
            Command::Join(join) => {
                let (mut all, mut bytes) = (Vec::new(), 0);
                for one in records.into_iter().flat_map(|record| join.apply(record)) {
                    at.spend(COPY);
                    next()?;
                    bytes += one.weight(all.last());
                    all.push(one);
                    room.has(all.len(), bytes)?;
                }
                records = all;
            }
            _ if command.multiplies() => {
                let (mut all, mut bytes) = (Vec::new(), 0);
                for record in records {
                    next()?;
                    for fields in several(command, &record, at) {
                        let one = with(&record, fields, at);
                        bytes += one.weight(all.last());
                        all.push(one);
                        room.has(all.len(), bytes)?;
                    }
                }
                records = all;
            }
            Command::AppendCols(append) => append.apply(&mut records),
            Command::AddTotals(totals) => totals.apply(&mut records),
            Command::Accum { field, into } => rows::accumulate(&mut records, field, into),
            Command::Autoregress(autoregress) => room.has(0, autoregress.apply(&mut records, BYTES_MAX))?,
            Command::FillDown(patterns) => {
                room.has(0, rows::fill_down(&mut records, patterns, BYTES_MAX))?;
            }
            Command::FillMissing(fill) => {
                let bytes = fill.apply(&mut records, RECORDS_MAX, BYTES_MAX)?;
                room.has(0, bytes)?;
            }
            Command::Outlier(outlier) => outlier.apply(&mut records),
            Command::Sessionize(sessionize) => sessionize.apply(&mut records),
            Command::Sort(keys) => {
                records = sorted(keys, records, at, room)?;
                next()?;
            }
            Command::Dedup(fields) => {
                let (mut seen, mut bytes, mut wrong) = (HashSet::new(), 0, Ok(()));
                records.retain(|record| {
                    if wrong.is_err() {
                        return false;
                    }
                    let values: Vec<Option<String>> =
                        fields.iter().map(|expr| eval(expr, record, at).text()).collect();
                    bytes += values.iter().flatten().map(String::len).sum::<usize>();
                    wrong = next().and_then(|()| room.has(0, bytes));
                    // A record without the field is not a duplicate of another one.
                    values.iter().any(Option::is_none) || seen.insert(values)
                });
                wrong?;
            }
            Command::Limit(limit) => records.truncate(*limit),
            _ => {
                // Of what the command adds.
                let (mut bytes, mut wrong) = (0, Ok(()));
                records.retain_mut(|record| {
                    if wrong.is_err() {
                        return false;
                    }
                    let before = record.weight(None);
                    let stays = apply(command, record, at);
                    if stays {
                        bytes += record.weight(None).saturating_sub(before);
                    }
                    wrong = next().and_then(|()| room.has(0, bytes));
                    stays
                });
                wrong?;
            }
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

/// Whether there is room for what a command makes.
#[derive(Clone, Copy)]
struct Room<'m> {
    memory: Option<&'m Share<'m>>,
    /// Bytes of what it makes that from.
    beside: usize,
}

impl<'m> Room<'m> {
    fn new(memory: Option<&'m Share<'m>>) -> Room<'m> {
        Room::beside(memory, 0)
    }

    fn beside(memory: Option<&'m Share<'m>>, beside: usize) -> Room<'m> {
        Room { memory, beside }
    }

    fn has(self, records: usize, bytes: usize) -> Result<(), String> {
        if records > RECORDS_MAX {
            return Err(format!("the query keeps more than {RECORDS_MAX} records"));
        }
        if bytes > BYTES_MAX {
            return Err(format!("the query keeps records of more than {BYTES_MAX} bytes"));
        }
        self.memory.map_or(Ok(()), |memory| memory.hold(self.beside + bytes))
    }
}

fn weight(records: &[Record]) -> usize {
    let before = std::iter::once(None).chain(records.iter().map(Some));
    records.iter().zip(before).map(|(record, before)| record.weight(before)).sum()
}

/// Each expression is worked out once for each record, not at each comparison.
fn sorted(
    keys: &[(Expr, bool)],
    records: Vec<Record>,
    at: &Moment,
    room: Room<'_>,
) -> Result<Vec<Record>, String> {
    let (mut all, mut bytes) = (Vec::with_capacity(records.len()), 0);
    for record in records {
        at.renew();
        let values: Vec<Value> = keys.iter().map(|(expr, _)| eval(expr, &record, at).into_owned()).collect();
        // Structures are shared with the record.
        bytes += values
            .iter()
            .map(|value| if let Value::Text(text) = value { text.len() } else { 0 })
            .sum::<usize>();
        room.has(0, bytes)?;
        all.push((values, record));
    }
    all.sort_by(|(a, _), (b, _)| {
        let orders = keys.iter().zip(a.iter().zip(b)).map(|((_, down), (a, b))| {
            let order = a.order(b);
            if *down { order.reverse() } else { order }
        });
        orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
    Ok(all.into_iter().map(|(_, record)| record).collect())
}

/// A copy of a record with more fields.
fn with(record: &Record, fields: Fields<'_>, at: &Moment) -> Record {
    at.spend(COPY);
    let mut one = record.clone();
    for (name, value) in fields {
        one.set(name, value);
    }
    one
}
