//! Insights by the clock: counts the records that wait for it, and looks at each minute that is over.
//!
//! Records wait in an outbox of their own, so that calls pay nothing. What was counted leaves the outbox in the transaction
//! that has the counts; what was found is told in the transaction that says how far was looked. So a crash counts no call
//! twice and tells nothing twice.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use haneul_env::Rng;
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Batch as Writes, Range, Reads};
use serde_json::Value;

use crate::CloudTrail;
use crate::chunk;
use crate::insights::baseline::{Baseline, CALLS_MIN};
use crate::insights::count::{Hour, Sample, Series, minutes, samples, top};
use crate::insights::decide::{Change, USUAL_MINUTES, decide};
use crate::insights::event::Finding;
use crate::insights::{Minute, millis_of, minute_of};
use crate::model::{COUNTED, Chunk, Counted, HISTORY, HOURS, LAKE, OUTBOX, Scope, WATCHED, Watched};
use crate::names::store_arn;
use crate::sinks::{Sink, Target};
use crate::store::{PAGE, counting, found, told};

/// Chunks that are counted at once.
const CHUNKS: usize = 8;
/// Series of one scope; calls of others are not counted until old ones are swept.
pub(crate) const SERIES_MAX: usize = 5000;
/// Rows of one series: more than are ever kept.
const ROWS_MAX: usize = 2400;
/// Baselines that are kept in memory.
const BASELINES_MAX: usize = 4096;
/// How long after a minute it is looked at.
const LATER: Duration = Duration::from_secs(2);

/// What runs of Insights remember of each other; all of it can be lost.
#[derive(Default)]
pub(crate) struct Looking {
    baselines: HashMap<(Scope, String, Minute, Minute), Baseline>,
    /// The number of the last event.
    number: u64,
}

impl Looking {
    /// A number that no event of any scope has had: scopes write into the same histories and event data stores, and may begin
    /// anew. Later ones are higher; the chance keeps lives of the cloud apart whose clock stands still.
    fn number(&mut self, now: Instant, rng: &Rng) -> u64 {
        let of_now = (now.millis().max(0) as u64) << 20 | rng.below(1 << 19);
        self.number = of_now.max(self.number + 1);
        self.number
    }
}

impl CloudTrail {
    /// Counts what waits and looks at all minutes that are over. The answer tells when the next one is, if anybody looks.
    pub(crate) async fn look_for_insights(&self) -> Result<Option<Instant>> {
        let mut looking = self.looking.lock().await;
        self.ingest().await?;
        let now = self.platform.env.now();
        let sinks = self.sinks.all();
        let mut scopes = vec![String::new()];
        scopes.extend(sinks.iter().filter(|sink| sink.looks(None, false)).filter_map(Sink::trail_id));
        for scope in scopes {
            self.count(&scope).await?;
        }
        let now_minute = minute_of(now.millis());
        let mut next = None;
        for (scope, watched) in self.platform.store.scan(&WATCHED, Range::all(), usize::MAX).await? {
            let organization = self.organization_of(scope.1).await?;
            let covers = |sink: &&Sink| {
                sink.covers(scope.1, scope.2, organization.as_deref())
                    && match scope.0.is_empty() {
                        true => sink.looks(None, true),
                        false => sink.looks(None, false) && sink.trail_id().as_ref() == Some(&scope.0),
                    }
            };
            let own: Vec<&Sink> = sinks.iter().filter(covers).collect();
            if own.is_empty() {
                self.unwatch(&scope).await?;
                continue;
            }
            if watched.minute + 1 < now_minute {
                self.look_at(&mut looking, &scope, watched, now_minute - 1, &own).await?;
            }
            next = Some(Instant::from_millis(millis_of(now_minute + 1)) + LATER);
        }
        Ok(next)
    }

    /// Counts the records of a scope, of all accounts and Regions.
    async fn count(&self, scope: &str) -> Result<()> {
        let store = &self.platform.store;
        let name = counting(scope);
        loop {
            let Some(((_, account, region, _), _)) =
                store.scan(&OUTBOX, Range::prefix((name.clone(),)), 1).await?.into_iter().next()
            else {
                return Ok(());
            };
            let chunks = store.scan(&OUTBOX, Range::prefix((name.clone(), account, region)), CHUNKS).await?;
            let mut by_hour: BTreeMap<(Series, u64), Vec<Arc<Sample>>> = BTreeMap::new();
            let mut writes = Writes::default();
            for (key, Chunk(bytes)) in &chunks {
                for json in chunk::decode(bytes)? {
                    let event: Value = serde_json::from_slice(&json).unwrap_or_default();
                    let Some((all, sample)) = samples(&event, scope.is_empty()) else { continue };
                    let sample = Arc::new(sample);
                    for series in all {
                        by_hour.entry((series, sample.minute / 60)).or_default().push(sample.clone());
                    }
                }
                writes.delete(&OUTBOX, key)?;
            }
            self.add((scope.to_owned(), account, region), by_hour, writes).await?;
        }
    }

    async fn add(
        &self,
        scope: Scope,
        by_hour: BTreeMap<(Series, u64), Vec<Arc<Sample>>>,
        mut writes: Writes,
    ) -> Result<()> {
        let store = &self.platform.store;
        let mut lasts: BTreeMap<String, Counted> = BTreeMap::new();
        let mut known = None;
        let oldest = by_hour.values().flatten().map(|sample| sample.minute).min();
        for ((series, hour), samples) in by_hour {
            let key = (scope.0.clone(), scope.1, scope.2, series.0.clone());
            let mut counted = match lasts.remove(&series.0) {
                Some(counted) => counted,
                None => match store.get(&COUNTED, &key).await? {
                    Some(counted) => counted,
                    None => {
                        let all = match &mut known {
                            Some(count) => count,
                            None => {
                                let range = Range::prefix((scope.0.clone(), scope.1, scope.2));
                                known.insert(store.scan_keys(&COUNTED, range, SERIES_MAX).await?.len())
                            }
                        };
                        if *all >= SERIES_MAX {
                            continue;
                        }
                        *all += 1;
                        Counted::default()
                    }
                },
            };
            let row = (key.0, key.1, key.2, key.3, hour);
            let mut counts = store.get(&HOURS, &row).await?.unwrap_or_default();
            for sample in samples {
                counted.last = counted.last.max(sample.minute);
                counts.add(&sample);
            }
            writes.put(&HOURS, &row, &counts)?;
            lasts.insert(series.0, counted);
        }
        for (series, counted) in lasts {
            writes.put(&COUNTED, &(scope.0.clone(), scope.1, scope.2, series), &counted)?;
        }
        if let Some(oldest) = oldest
            && store.get(&WATCHED, &scope).await?.is_none()
        {
            writes.put(&WATCHED, &scope, &Watched { minute: oldest.saturating_sub(1), since: oldest })?;
        }
        Ok(store.write(writes).await?)
    }

    /// Looks at the minutes up to `until` of every series that had calls since, or in which something goes on.
    async fn look_at(
        &self,
        looking: &mut Looking,
        scope: &Scope,
        mut watched: Watched,
        until: Minute,
        own: &[&Sink],
    ) -> Result<()> {
        let store = &self.platform.store;
        let since_ms = own.iter().filter_map(|sink| sink.insights.as_ref()).map(|insights| insights.since_ms);
        // An insight that was asked for later than others has nothing counted from before.
        let since = minute_of(since_ms.min().unwrap_or(0)).max(watched.since);
        let mut writes = Writes::default();
        let all = || Range::prefix((scope.0.clone(), scope.1, scope.2));
        let mut range = all();
        loop {
            let page = store.scan(&COUNTED, range, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            range = all().after(last);
            for (key, mut counted) in page {
                if counted.last + USUAL_MINUTES < watched.minute && counted.ongoing.is_none() {
                    continue;
                }
                let series = Series(key.3.clone());
                if !own.iter().any(|sink| sink.looks(Some(series.kind()), scope.0.is_empty())) {
                    continue;
                }
                let before = counted.ongoing.clone();
                let findings = self.look_at_series(
                    looking,
                    scope,
                    &series,
                    &mut counted,
                    (watched.minute, until, since),
                );
                for finding in findings.await? {
                    self.tell(looking, &mut writes, scope, own, &finding).await?;
                }
                if counted.ongoing != before {
                    writes.put(&COUNTED, &key, &counted)?;
                }
            }
        }
        watched.minute = until;
        writes.put(&WATCHED, scope, &watched)?;
        store.write(writes).await?;
        self.outgoing.wake();
        Ok(())
    }

    /// What begins and ends in the minutes after `seen` and up to `until`.
    async fn look_at_series(
        &self,
        looking: &mut Looking,
        scope: &Scope,
        series: &Series,
        counted: &mut Counted,
        (seen, until, since): (Minute, Minute, Minute),
    ) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        // The minutes before tell whether calls have stopped.
        let from = seen.saturating_sub(USUAL_MINUTES);
        let rows = self.rows(scope, series, (from, until + 1)).await?;
        let calls: BTreeMap<Minute, u32> =
            minutes(&rows, from, until + 1).map(|(minute, _, calls)| (minute, calls.calls)).collect();
        let of = |minute: Minute| calls.get(&minute).copied().unwrap_or(0);
        let mut minute = seen + 1;
        while minute <= until {
            let mut lately = minute.saturating_sub(USUAL_MINUTES)..=minute;
            if counted.ongoing.is_none() && lately.all(|minute| of(minute) < CALLS_MIN) {
                // Nothing can begin here: on to a minute in which it can.
                let busy = calls.range(minute..).find(|(_, calls)| **calls >= CALLS_MIN);
                let Some((next, _)) = busy else { break };
                minute = *next;
            }
            let window = match &counted.ongoing {
                Some(on) => on.window(),
                None => Baseline::window(minute, since),
            };
            let baseline = self.baseline(looking, scope, series, window).await?;
            let change = decide(&mut counted.ongoing, minute, of(minute), &baseline, || self.ids.uuid());
            if let Some(change) = change {
                findings.push(self.finding(scope, series, change, &baseline).await?);
            }
            minute += 1;
        }
        Ok(findings)
    }

    async fn finding(
        &self,
        scope: &Scope,
        series: &Series,
        change: Change,
        baseline: &Baseline,
    ) -> Result<Finding> {
        let (ended, ongoing) = match change {
            Change::Start(ongoing) => (false, ongoing),
            Change::End(ongoing) => (true, ongoing),
        };
        let (start, end) = (ongoing.start, ongoing.last + 1);
        let rows = self.rows(scope, series, (baseline.from, end)).await?;
        let calls: u64 = minutes(&rows, start, end).map(|(.., calls)| u64::from(calls.calls)).sum();
        Ok(Finding {
            account: scope.1,
            region: scope.2,
            series: series.clone(),
            ended,
            baseline_average: baseline.average(),
            insight_average: calls as f64 / (end - start) as f64,
            baseline: top(&rows, baseline.from, baseline.to),
            insight: top(&rows, start, end),
            ongoing,
        })
    }

    async fn baseline(
        &self,
        looking: &mut Looking,
        scope: &Scope,
        series: &Series,
        window: (Minute, Minute),
    ) -> Result<Baseline> {
        let key = (scope.clone(), series.0.clone(), window.0, window.1);
        if let Some(known) = looking.baselines.get(&key) {
            return Ok(*known);
        }
        let made = Baseline::of(&self.rows(scope, series, window).await?, window);
        if looking.baselines.len() >= BASELINES_MAX {
            looking.baselines.clear();
        }
        looking.baselines.insert(key, made);
        Ok(made)
    }

    /// The rows that have minutes within `from..to`.
    pub(crate) async fn rows(
        &self,
        scope: &Scope,
        series: &Series,
        (from, to): (Minute, Minute),
    ) -> Result<Vec<(u64, Hour)>> {
        let key = |hour: u64| (scope.0.clone(), scope.1, scope.2, series.0.clone(), hour);
        let range = Range::prefix((scope.0.clone(), scope.1, scope.2, series.0.clone()))
            .from(&key(from / 60))
            .before(&key(to.div_ceil(60)));
        let rows = self.platform.store.scan(&HOURS, range, ROWS_MAX).await?;
        Ok(rows.into_iter().map(|((.., hour), row)| (hour, row)).collect())
    }

    /// Into the history, to the trails, and to the destinations of event data stores.
    async fn tell(
        &self,
        looking: &mut Looking,
        writes: &mut Writes,
        scope: &Scope,
        own: &[&Sink],
        finding: &Finding,
    ) -> Result<()> {
        let event_id = self.ids.uuid();
        let at_ms = finding.at().millis();
        let packed = |json: &[u8]| Chunk(chunk::encode([(at_ms, json)].into_iter()));
        let now = self.platform.env.now();
        let mut key = |name: String| (name, scope.1, scope.2, looking.number(now, &self.platform.env.rng));
        let json = finding.of_trail(&event_id);
        writes.put(&HISTORY, &key(told(&scope.0)), &packed(&json))?;
        let (source, name, _) = finding.series.parts();
        for sink in own {
            let management = scope.0.is_empty();
            if !sink.looks(Some(finding.series.kind()), management)
                || !sink.takes_finding(source, name, management)
            {
                continue;
            }
            match &sink.target {
                Target::Trail { id, logs } => {
                    writes.put(&OUTBOX, &key(found(id, false)), &packed(&json))?;
                    if *logs {
                        writes.put(&OUTBOX, &key(found(id, true)), &packed(&json))?;
                    }
                }
                Target::Store { id, .. } => {
                    let Some(destination) =
                        sink.insights.as_ref().and_then(|insights| insights.destination.clone())
                    else {
                        continue;
                    };
                    let (account, region) = sink.owner();
                    let there = self.find_store(&(account, region, destination.clone())).await?;
                    if there.is_some_and(|store| store.ingesting && store.gone_at_ms.is_none()) {
                        let source = store_arn(account, region, id);
                        let json = finding.of_store(&event_id, source.as_str());
                        writes.put(&LAKE, &key(destination), &packed(&json))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Nobody looks any more. Counts stay until they are too old.
    async fn unwatch(&self, scope: &Scope) -> Result<()> {
        let store = &self.platform.store;
        loop {
            let range = Range::prefix((scope.0.clone(), scope.1, scope.2));
            let keys = store.scan_keys(&COUNTED, range, PAGE).await?;
            let mut writes = Writes::default();
            for key in &keys {
                writes.delete(&COUNTED, key)?;
            }
            if keys.len() < PAGE {
                writes.delete(&WATCHED, scope)?;
                return Ok(store.write(writes).await?);
            }
            store.write(writes).await?;
        }
    }

    /// What Insights knows of a trail's data events.
    pub(crate) async fn forget_insights(&self, scope: &str) -> Result<()> {
        let store = &self.platform.store;
        let name = || (scope.to_owned(),);
        for key in store.scan_keys(&WATCHED, Range::prefix(name()), usize::MAX).await? {
            self.unwatch(&key).await?;
        }
        loop {
            let hours = store.scan_keys(&HOURS, Range::prefix(name()), PAGE).await?;
            let events = store.scan_keys(&HISTORY, Range::prefix(name()), PAGE).await?;
            if hours.is_empty() && events.is_empty() {
                return Ok(());
            }
            let mut writes = Writes::default();
            hours.iter().try_for_each(|key| writes.delete(&HOURS, key))?;
            events.iter().try_for_each(|key| writes.delete(&HISTORY, key))?;
            store.write(writes).await?;
        }
    }

    /// Deletes what was counted before an hour, and series that have nothing left.
    pub(crate) async fn sweep_counts(&self, before_ms: i64) -> Result<()> {
        let store = &self.platform.store;
        let before = minute_of(before_ms) / 60;
        let mut range = Range::all();
        loop {
            let first = store.scan_keys(&HOURS, range, 1).await?;
            let Some(key) = first.into_iter().next() else { break };
            range = if key.4 < before {
                store.delete(&HOURS, &key).await?;
                Range::all().after(&key)
            } else {
                Range::all().after(&(key.0, key.1, key.2, key.3, u64::MAX))
            };
        }
        let mut range = Range::all();
        loop {
            let page = store.scan(&COUNTED, range, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range = Range::all().after(last);
            for (key, counted) in &page {
                if counted.last / 60 < before && counted.ongoing.is_none() {
                    store.delete(&COUNTED, key).await?;
                }
            }
        }
    }
}

pub(crate) struct Watching {
    trail: Arc<CloudTrail>,
    signal: Signal,
    due: parking_lot::Mutex<Option<Instant>>,
}

impl Watching {
    pub(crate) fn new(trail: Arc<CloudTrail>) -> Watching {
        let signal = trail.watching.clone();
        Watching { trail, signal, due: parking_lot::Mutex::default() }
    }
}

impl Reconciler for Watching {
    fn name(&self) -> &'static str {
        "cloudtrail.insights"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let due = *self.due.lock();
            // Whatever came since then waits for the end of its minute.
            if let Some(due) = due.filter(|due| *due > self.trail.platform.env.now()) {
                return Ok(Some(due));
            }
            let next = self.trail.look_for_insights().await?;
            *self.due.lock() = next;
            Ok(next)
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
