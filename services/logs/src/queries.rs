use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use haneul_kit::{AccountId, ApiError, Region, Result, paging};
use haneul_store::Reads;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::Logs;
use crate::error;
use crate::events::{Direction, OVERHEAD, Place, Reader, Scope, Wanted};
use crate::insights::need::STREAM;
use crate::insights::record::Record;
use crate::insights::run::{Outcome, Run, Skipped};
use crate::insights::{Plan, compile};
use crate::model::{QUERIES, Query, Status};
use crate::names::GroupName;
use crate::ops::retention::cutoff_ms;
use crate::transform::Work;

/// Queries that run at once (quota: 100 for each account; a small machine runs fewer) and whose results are kept.
const RUNNING_MAX: usize = 30;
const RESULTS_MAX: usize = 100;
/// Events between two looks at whether the query was stopped.
const BREATH: u64 = 1000;

/// Queries at work and their results. Lost at a restart, and then worked out anew when somebody asks.
#[derive(Default)]
pub(crate) struct Queries {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: HashSet<String>,
    cancelled: HashSet<String>,
    results: HashMap<String, Arc<Outcome>>,
    /// The ids of `results`, oldest first.
    order: Vec<String>,
}

impl Queries {
    pub(crate) fn outcome(&self, id: &str) -> Option<Arc<Outcome>> {
        self.state.lock().results.get(id).cloned()
    }

    pub(crate) fn is_running(&self, id: &str) -> bool {
        self.state.lock().running.contains(id)
    }

    /// Says whether it ran.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let state = &mut *self.state.lock();
        let ran = state.running.contains(id);
        if ran {
            state.cancelled.insert(id.to_owned());
        }
        ran
    }

    fn begin(&self, id: &str) -> Result<()> {
        let state = &mut *self.state.lock();
        if state.running.len() >= RUNNING_MAX {
            return Err(error::too_many("30 queries run at once"));
        }
        state.running.insert(id.to_owned());
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
            state.results.insert(id.to_owned(), Arc::new(outcome));
            state.order.push(id.to_owned());
            if state.order.len() > RESULTS_MAX {
                let oldest = state.order.remove(0);
                state.results.remove(&oldest);
            }
        }
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

impl Logs {
    /// Sets a recorded query to work.
    ///
    /// # Errors
    /// When too many run.
    pub(crate) fn start(&self, owner: (AccountId, Region), id: String, query: Query) -> Result<()> {
        self.queries.begin(&id)?;
        let Some(logs) = self.this() else { return Err(ApiError::internal("the service is gone")) };
        self.platform.env.spawn("logs.query", async move {
            let started = haneul_env::clock::monotonic();
            let result = logs.work(owner, &id, &query).await;
            let status = match (&result, logs.queries.is_cancelled(&id)) {
                (_, true) => Status::Cancelled,
                (Ok(_), false) => Status::Complete,
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
            logs.queries.end(&id, result.ok());
        });
        Ok(())
    }

    async fn work(&self, (account, region): (AccountId, Region), id: &str, query: &Query) -> Result<Outcome> {
        let mut plan: Plan = compile(&query.text)?;
        self.load_lookups((account, region), &mut plan).await?;
        let now = self.platform.env.now();
        let need = plan.need();
        let (mut skipped, mut groups, mut work) = (Skipped::default(), 0, Work::new());
        let stopped = || self.queries.is_cancelled(id) || self.platform.env.tasks.is_stopping();
        let mut run = Run::new(&plan, query.limit, now.millis());
        // Sealing one for each event costs more than all else that is done with it.
        let mut times = vec![(query.start_ms, query.end_ms, false)];
        if let Some(earlier) = plan.earlier {
            let before_ms = earlier.before_ms(query.start_ms, query.end_ms);
            times.push((
                query.start_ms.saturating_sub(before_ms),
                query.end_ms.saturating_sub(before_ms),
                true,
            ));
        }
        let has_pointers = plan.events || query.text.contains("@ptr");
        for group_name in &query.groups {
            let name = GroupName { account, region, name: group_name.clone() };
            let group = self.records.group(&name).await?;
            let has_index = need.is_some() && self.records.has_index(group.id).await?;
            if !plan.indexed.is_empty() && !has_index {
                continue;
            }
            groups += 1;
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
            for &(from_ms, to_ms, is_before) in &times {
                let scope =
                    Scope { id: group.id, from_ms: from_ms.max(cutoff), to_ms: to_ms.saturating_add(1) };
                let mut reader = Reader::new(self, (&name, group.id), scope, Direction::Backward, None)
                    .unmasked(plan.unmasks)
                    .wanting(wanted)
                    .until(&stopped);
                while let Some(event) = reader.next().await? {
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
                    if plan.passes_over(message) {
                        run.pass_over(bytes);
                    } else {
                        let pointer = has_pointers.then_some(pointer);
                        let record = Record::event(message, time, ingested, stream, &log, pointer);
                        run.add(record, bytes, is_before).map_err(error::invalid)?;
                    }
                    if run.outcome.scanned.is_multiple_of(BREATH) {
                        if stopped() {
                            return Err(error::query_not_found());
                        }
                        tokio::task::yield_now().await;
                    }
                }
                skipped.events += reader.skipped.events;
                skipped.bytes += reader.skipped.bytes;
            }
        }
        let found = run.finish().map_err(error::invalid)?;
        Ok(Outcome { skipped, groups, ..found })
    }

    pub(crate) async fn query(&self, owner: (AccountId, Region), id: &str) -> Result<Query> {
        let found = self.records.store.get(&QUERIES, &(owner.0, owner.1, id)).await?;
        found.ok_or_else(error::query_not_found)
    }
}
