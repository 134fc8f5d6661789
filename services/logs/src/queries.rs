use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use haneul_env::Tasks;
use haneul_kit::meter::{At, UsageType};
use haneul_kit::{AccountId, ApiError, Region, Result, paging};
use haneul_store::Reads;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::Logs;
use crate::data_source::DataSource;
use crate::error;
use crate::events::{Direction, OVERHEAD, Place, Reader, Scope, Wanted};
use crate::index::defaults::{self, STREAM};
use crate::insights::memory::{Memory, Share};
use crate::insights::record::Record;
use crate::insights::run::{Outcome, Run, Skipped};
use crate::insights::subquery::{self, Gathering, Secondary};
use crate::insights::{Moment, Plan, compile};
use crate::model::{QUERIES, Query, Status};
use crate::names::GroupName;
use crate::ops::retention::cutoff_ms;
use crate::transform::Work;

/// Queries that run at once (quota: 100 for each account; a small machine runs fewer) and whose results are kept.
const RUNNING_MAX: usize = 30;
/// Those of one account: what another asks has a place.
const OWN_RUNNING_MAX: usize = 25;
const RESULTS_MAX: usize = 100;
const RESULTS_BYTES_MAX: usize = 512 * 1024 * 1024;
/// What queries read and is paid for. Source: Amazon CloudWatch pricing, "Logs": analyze (Logs Insights queries).
const SCANNED: UsageType = UsageType::new("DataScanned-Bytes", "Bytes");
/// Events between two looks at whether the query was stopped, and bytes of text that expressions look at.
const BREATH: u64 = 1000;
const BREATH_BYTES: u64 = 8 * 1024 * 1024;
/// Rows of a query within another that names no limit, as of any.
const NESTED_LIMIT: usize = 10_000;
/// Source: CloudWatch Logs quotas, "Query timeout".
const TIME_MAX: std::time::Duration = std::time::Duration::from_secs(60 * 60);

/// Queries at work and their results. Lost at a restart, and then worked out anew when somebody asks.
#[derive(Default)]
pub(crate) struct Queries {
    state: Mutex<State>,
    pub(crate) memory: Memory,
    /// Told of each that ends.
    ended: tokio::sync::watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    running: HashMap<String, AccountId>,
    cancelled: HashSet<String>,
    results: HashMap<String, Arc<Outcome>>,
    /// The ids of `results` and how large these are, oldest first.
    order: VecDeque<(String, usize)>,
    bytes: usize,
}

impl State {
    /// Keeps what a query found, which takes so many bytes. The newest stays, however large.
    fn keep(&mut self, id: &str, outcome: Outcome, size: usize) {
        self.results.insert(id.to_owned(), Arc::new(outcome));
        self.order.push_back((id.to_owned(), size));
        self.bytes += size;
        while self.order.len() > 1 && (self.order.len() > RESULTS_MAX || self.bytes > RESULTS_BYTES_MAX) {
            let Some((oldest, size)) = self.order.pop_front() else { break };
            self.bytes -= size;
            // It may have been worked out anew since.
            if !self.order.iter().any(|(id, _)| *id == oldest) {
                self.results.remove(&oldest);
            }
        }
    }
}

impl Queries {
    pub(crate) fn outcome(&self, id: &str) -> Option<Arc<Outcome>> {
        self.state.lock().results.get(id).cloned()
    }

    /// Changes whenever a query ends.
    pub(crate) fn ended(&self) -> tokio::sync::watch::Receiver<u64> {
        self.ended.subscribe()
    }

    pub(crate) fn is_running(&self, id: &str) -> bool {
        self.state.lock().running.contains_key(id)
    }

    /// Says whether it ran.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let state = &mut *self.state.lock();
        let ran = state.running.contains_key(id);
        if ran {
            state.cancelled.insert(id.to_owned());
        }
        ran
    }

    fn begin(&self, account: AccountId, id: &str) -> Result<()> {
        let state = &mut *self.state.lock();
        if state.running.len() >= RUNNING_MAX {
            return Err(error::too_many("30 queries run at once"));
        }
        if state.running.values().filter(|owner| **owner == account).count() >= OWN_RUNNING_MAX {
            return Err(error::too_many("25 queries of the account run at once"));
        }
        state.running.insert(id.to_owned(), account);
        Ok(())
    }

    fn is_cancelled(&self, id: &str) -> bool {
        self.state.lock().cancelled.contains(id)
    }

    fn end(&self, id: &str, outcome: Option<Outcome>) {
        let state = &mut *self.state.lock();
        state.running.remove(id);
        state.cancelled.remove(id);
        if let Some(outcome) = outcome {
            let size = outcome.rows.iter().flatten().map(|(name, value)| name.len() + value.len()).sum();
            state.keep(id, outcome, size);
        }
        self.ended.send_modify(|ended| *ended += 1);
    }
}

/// A query's place among those that run, which it has until this is dropped, whatever ends it.
pub(crate) struct Begun {
    logs: Arc<Logs>,
    id: String,
    outcome: Option<Outcome>,
}

impl Begun {
    fn end(mut self, outcome: Option<Outcome>) {
        self.outcome = outcome;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.logs.queries.end(&self.id, self.outcome.take());
    }
}

/// Which event a `@ptr` means.
#[derive(Serialize, Deserialize)]
pub(crate) struct Pointer {
    pub(crate) group: String,
    pub(crate) stream: u64,
    pub(crate) place: Place,
}

/// The purpose under which pointers of an account in a Region are sealed.
pub(crate) fn pointers(account: AccountId, region: Region) -> String {
    format!("logs.pointer {account} {region}")
}

/// What a query reads, or one within it.
struct Reading<'q> {
    owner: (AccountId, Region),
    plan: &'q Plan,
    groups: &'q [String],
    /// Both inclusive.
    start_ms: i64,
    end_ms: i64,
    ends: std::time::Instant,
    stopped: &'q (dyn Fn() -> bool + Sync),
}

impl<'q> Reading<'q> {
    /// `START` and `END` of its `SOURCE` stand for the times of the request.
    fn new(
        owner: (AccountId, Region),
        (plan, groups): (&'q Plan, &'q [String]),
        query: &Query,
        stopped: &'q (dyn Fn() -> bool + Sync),
    ) -> Reading<'q> {
        // One that is worked out anew is of the same time.
        let now_ms = query.created_ms;
        let (start, end) = plan.source.as_ref().map_or((None, None), |source| (source.start, source.end));
        Reading {
            owner,
            plan,
            groups,
            start_ms: start.map_or(query.start_ms, |when| when.ms(now_ms)),
            end_ms: end.map_or(query.end_ms, |when| when.ms(now_ms)),
            ends: haneul_env::clock::monotonic() + TIME_MAX,
            stopped,
        }
    }

    fn within(self, time: std::time::Duration) -> Reading<'q> {
        Reading { ends: haneul_env::clock::monotonic() + time, ..self }
    }

    fn moment(&self, now_ms: i64) -> Moment {
        Moment::new(now_ms, self.start_ms, self.end_ms)
    }

    /// Its own time, and that which it is compared with.
    fn times(&self) -> Vec<(i64, i64, bool)> {
        let mut times = vec![(self.start_ms, self.end_ms, false)];
        if let Some(earlier) = self.plan.earlier {
            let before_ms = earlier.before_ms(self.start_ms, self.end_ms);
            let before = |ms: i64| ms.saturating_sub(before_ms);
            times.push((before(self.start_ms), before(self.end_ms), true));
        }
        times
    }

    /// Lets others have their turn.
    ///
    /// # Errors
    /// When nobody waits for it any more, or it took too long.
    async fn breathe(&self) -> Result<()> {
        if (self.stopped)() {
            return Err(error::query_not_found());
        }
        if self.is_over() {
            return Err(error::query_timeout());
        }
        tokio::task::yield_now().await;
        Ok(())
    }

    fn is_over(&self) -> bool {
        haneul_env::clock::monotonic() > self.ends
    }

    /// A reading that is given up because its time is over is not one that nobody waits for.
    fn why(&self, error: ApiError) -> ApiError {
        if self.is_over() { error::query_timeout() } else { error }
    }
}

/// Where the events go that a query reads.
enum Sink<'s, 'p> {
    Run(&'s mut Run<'p>),
    Secondary(&'s Secondary, &'s mut Gathering<'p>),
}

impl Sink<'_, '_> {
    fn add(&mut self, record: Record, bytes: usize, is_before: bool) -> Result<()> {
        match self {
            Sink::Run(run) => run.add(record, bytes, is_before),
            Sink::Secondary(secondary, gathering) => secondary.add(gathering, record),
        }
        .map_err(error::invalid)
    }

    fn pass_over(&mut self, bytes: usize) {
        if let Sink::Run(run) = self {
            run.pass_over(bytes);
        }
    }

    fn is_full(&self) -> bool {
        matches!(self, Sink::Run(run) if run.is_full())
    }

    fn take_spent(&mut self) -> u64 {
        match self {
            Sink::Run(run) => run.take_spent(),
            Sink::Secondary(..) => 0,
        }
    }
}

/// What was read for a query.
#[derive(Clone, Copy, Default)]
struct Read {
    events: u64,
    bytes: u64,
    skipped: Skipped,
    groups: u64,
}

impl Logs {
    /// Sets a recorded query to work.
    ///
    /// # Errors
    /// When too many run.
    pub(crate) fn start(&self, owner: (AccountId, Region), id: String, query: Query) -> Result<()> {
        let begun = self.begin(owner.0, id)?;
        self.go(owner, begun, query);
        Ok(())
    }

    /// Takes one of the places for queries that run at once.
    ///
    /// # Errors
    /// When all are taken.
    pub(crate) fn begin(&self, account: AccountId, id: String) -> Result<Begun> {
        let Some(logs) = self.this() else { return Err(ApiError::internal("the service is gone")) };
        logs.queries.begin(account, &id)?;
        Ok(Begun { logs, id, outcome: None })
    }

    /// Works on a query that has its place.
    pub(crate) fn go(&self, owner: (AccountId, Region), begun: Begun, query: Query) {
        self.platform.env.tasks.spawn_aside("logs.query", async move {
            let (logs, id) = (begun.logs.clone(), begun.id.clone());
            let started = haneul_env::clock::monotonic();
            let result = logs.work(owner, &id, &query).await;
            if logs.platform.env.tasks.is_stopping() && !logs.queries.is_cancelled(&id) && result.is_err() {
                // It is not over: whoever asks for it after the start has it worked out anew.
                return;
            }
            let scanned = result.as_ref().map_or(0, |outcome| outcome.bytes);
            // Of all groups together.
            let (at, resource) = (logs.platform.env.now(), "");
            let read = At { at, owner, service: "logs", operation: "StartQuery", resource };
            logs.platform.meter.used(read, SCANNED, scanned);
            if let Err(error) = &result {
                // The answer of GetQueryResults has no place for it.
                tracing::info!(query = %id, %error, "a query did not end well");
            }
            let status = match (&result, logs.queries.is_cancelled(&id)) {
                (_, true) => Status::Cancelled,
                (Ok(_), false) => Status::Complete,
                (Err(error), false) if error::is_query_timeout(error) => Status::TimedOut,
                (Err(_), false) => Status::Failed,
            };
            let bytes = result.as_ref().map_or(0, |outcome| outcome.bytes);
            let took_ms = started.elapsed().as_millis() as i64;
            let done = Query { status, bytes, took_ms, ..query };
            if let Err(error) =
                logs.records.store.put(&QUERIES, &(owner.0, owner.1, id.as_str()), &done).await
            {
                tracing::error!(%error, "the end of a query could not be kept");
            }
            begun.end(result.ok());
        });
    }

    async fn work(&self, owner: (AccountId, Region), id: &str, query: &Query) -> Result<Outcome> {
        let mut plan: Plan = compile(&query.text)?;
        self.load_lookups(owner, &mut plan).await?;
        let now_ms = query.created_ms;
        let stopped = || self.queries.is_cancelled(id) || self.platform.env.tasks.is_stopping();
        let mut nested = Read::default();
        // What the queries within it found is there until it has ended.
        let shares: Vec<Share<'_>> = plan.subqueries().iter().map(|_| self.queries.memory.share()).collect();
        for (at, (one, share)) in plan.subqueries().iter().zip(&shares).enumerate() {
            let groups = query.nested_groups.get(at).and_then(Option::as_ref).unwrap_or(&query.groups);
            let reading =
                Reading::new(owner, (&one.plan, groups), query, &stopped).within(subquery::TIME_MAX);
            let read = match one.secondary() {
                Some(secondary) => {
                    let mut gathering = Gathering::within(share);
                    let read = self.read(&reading, Sink::Secondary(secondary, &mut gathering)).await?;
                    secondary.set(gathering);
                    read
                }
                None => {
                    let mut run = Run::new(&one.plan, NESTED_LIMIT, reading.moment(now_ms)).within(share);
                    let read = self.read(&reading, Sink::Run(&mut run)).await?;
                    one.found(ended(&reading, run).await?.rows);
                    read
                }
            };
            (nested.events, nested.bytes) = (nested.events + read.events, nested.bytes + read.bytes);
        }
        let reading = Reading::new(owner, (&plan, &query.groups), query, &stopped);
        let share = self.queries.memory.share();
        let mut run = Run::new(&plan, query.limit, reading.moment(now_ms)).within(&share);
        let read = self.read(&reading, Sink::Run(&mut run)).await?;
        let found = ended(&reading, run).await?;
        Ok(Outcome {
            scanned: found.scanned + nested.events,
            bytes: found.bytes + nested.bytes,
            skipped: read.skipped,
            groups: read.groups,
            ..found
        })
    }

    /// Reads what a query asks for, newest first.
    async fn read(&self, reading: &Reading<'_>, mut sink: Sink<'_, '_>) -> Result<Read> {
        let ((account, region), plan) = (reading.owner, reading.plan);
        let now = self.platform.env.now();
        let need = plan.need();
        let (mut done, mut work, mut spent) = (Read::default(), Work::new(), 0);
        let stopped = || (reading.stopped)() || reading.is_over();
        for group_name in reading.groups {
            let name = GroupName { account, region, name: group_name.clone() };
            let group = self.records.group(&name).await?;
            let has_index = need.is_some() && self.records.has_index(group.id).await?;
            if !plan.indexed.is_empty() && !has_index {
                continue;
            }
            let of_group = defaults::of_group(&name, DataSource::of(&group.tags).as_ref());
            if need.as_ref().is_some_and(|need| !need.may_hold_among(&of_group)) {
                continue;
            }
            done.groups += 1;
            let streams = self.records.streams(group.id, "").await?;
            let streams: HashMap<u64, String> =
                streams.into_iter().map(|(name, stream)| (stream.id, name)).collect();
            let of_stream = need.as_ref().filter(|need| need.names(STREAM));
            let its_streams: Option<HashSet<u64>> = of_stream.map(|need| {
                streams.iter().filter(|(_, name)| need.may_hold_in(name)).map(|(id, _)| *id).collect()
            });
            let wanted = (has_index || its_streams.is_some()).then_some(Wanted {
                need: need.as_ref(),
                indexed: &plan.indexed,
                streams: its_streams.as_ref(),
            });
            let log = format!("{account}:{group_name}");
            let cutoff = cutoff_ms(&group, now).unwrap_or(0);
            for (from_ms, to_ms, is_before) in reading.times() {
                let scope =
                    Scope { id: group.id, from_ms: from_ms.max(cutoff), to_ms: to_ms.saturating_add(1) };
                let mut reader = Reader::new(self, (&name, group.id), scope, Direction::Backward, None)
                    .unmasked(plan.unmasks)
                    .wanting(wanted)
                    .until(&stopped);
                while let Some(event) = reader.next().await.map_err(|error| reading.why(error))? {
                    let Some(stream) = streams.get(&event.stream) else { continue };
                    let pointer = || {
                        let at =
                            Pointer { group: group_name.clone(), stream: event.stream, place: event.place };
                        paging::token(&self.platform.seal, &pointers(account, region), &at)
                    };
                    let (time, ingested) = (event.place.time_ms, event.ingested_ms);
                    let transformed = match event.transformer {
                        Some(number) => {
                            self.transformer(group.id, number).await?.apply(&event.message, &mut work)
                        }
                        None => None,
                    };
                    work.breathe(event.message.len()).await;
                    work.renew();
                    let message = transformed.as_ref().unwrap_or(&event.message);
                    let bytes = event.message.len() + OVERHEAD;
                    (done.events, done.bytes) = (done.events + 1, done.bytes + bytes as u64);
                    if plan.passes_over(message) {
                        sink.pass_over(bytes);
                    } else {
                        // Sealing one for each event costs more than all else that is done with it.
                        let pointer = plan.pointers.then_some(pointer);
                        let record = Record::event(message, time, ingested, stream, &log, pointer);
                        let record = record.of_group(&of_group);
                        sink.add(record, bytes, is_before)?;
                    }
                    if sink.is_full() {
                        return Ok(done);
                    }
                    spent += sink.take_spent();
                    if done.events.is_multiple_of(BREATH) || spent > BREATH_BYTES {
                        spent = 0;
                        reading.breathe().await?;
                    }
                }
                done.skipped.events += reader.skipped.events;
                done.skipped.bytes += reader.skipped.bytes;
            }
        }
        Ok(done)
    }

    pub(crate) async fn query(&self, owner: (AccountId, Region), id: &str) -> Result<Query> {
        let found = self.records.store.get(&QUERIES, &(owner.0, owner.1, id)).await?;
        found.ok_or_else(error::query_not_found)
    }
}

/// What a query found, when the commands that need all records are done.
async fn ended(reading: &Reading<'_>, mut run: Run<'_>) -> Result<Outcome> {
    while Tasks::long(|| run.step()).map_err(error::invalid)? {
        reading.breathe().await?;
    }
    Tasks::long(|| run.finish()).map_err(error::invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_account_takes_all_places() {
        let queries = Queries::default();
        let [one, other, third] = [1, 2, 3].map(|number| AccountId::new(number).unwrap());
        (0..OWN_RUNNING_MAX).for_each(|i| queries.begin(one, &format!("{i}")).unwrap());
        assert!(queries.begin(one, "more").is_err());
        (OWN_RUNNING_MAX..RUNNING_MAX).for_each(|i| queries.begin(other, &format!("{i}")).unwrap());
        assert!(queries.begin(third, "more").is_err());
        queries.end("0", None);
        queries.begin(third, "more").unwrap();
    }

    #[test]
    fn results_that_are_kept_are_bounded() {
        let mut state = State::default();
        for id in ["a", "b", "a", "c"] {
            state.keep(id, Outcome::default(), RESULTS_BYTES_MAX / 3);
        }
        let kept = |state: &State| ["a", "b", "c", "d"].map(|id| state.results.contains_key(id));
        assert_eq!(kept(&state), [true, true, true, false]);
        state.keep("d", Outcome::default(), RESULTS_BYTES_MAX);
        assert_eq!(kept(&state), [false, false, false, true]);
        (0..2 * RESULTS_MAX).for_each(|i| state.keep(&format!("{i}"), Outcome::default(), 1));
        assert_eq!(state.results.len(), RESULTS_MAX);
    }
}
