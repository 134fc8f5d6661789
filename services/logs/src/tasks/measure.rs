use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::contributors::{Counter, LogEvent, Tallies};
use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{BoxFuture, Fault, Instant, Reconciler, Result, Signal};

use crate::Logs;
use crate::events::{Event, OVERHEAD};
use crate::filters::embedded;
use crate::filters::metric::Compiled;
use crate::filters::points::{Points, Series};
use crate::filters::system::{self, Selected};
use crate::model::{Arrival, GroupPlace, Minute, Postponed};
use crate::names::GroupName;
use crate::store::Measured;
use crate::tasks::{TRIED_MS, wait_ms};
use crate::transform::{Transformer, Work};

/// Makes points of metrics of the chunks that were taken in, and has the rules of Contributor Insights count them. A crash between
/// publishing and noting it publishes and counts again.
pub(crate) struct Measuring {
    logs: Arc<Logs>,
    signal: Signal,
}

const MINUTE_MS: i64 = 60_000;

/// Source: User Guide, "Monitoring with CloudWatch metrics".
const EMF_PARSING_ERRORS: Metric = Metric::new("AWS/Logs", "EMFParsingErrors", Unit::None);
const EMF_VALIDATION_ERRORS: Metric = Metric::new("AWS/Logs", "EMFValidationErrors", Unit::None);

/// What some chunks come to.
#[derive(Default)]
struct Run {
    points: Points,
    done: Measured,
    /// What looks at the events of the groups that it met.
    known: HashMap<GroupName, Known>,
}

/// What looks at the events of a group.
#[derive(Clone)]
struct Known {
    filters: Arc<Vec<Compiled>>,
    rules: Option<Arc<dyn Counter>>,
}

impl Known {
    fn transforms(&self) -> bool {
        self.filters.iter().any(|filter| filter.filter.transformed)
            || self.rules.as_ref().is_some_and(|rules| rules.transforms())
    }
}

/// A chunk that was read.
struct Chunk {
    name: GroupName,
    known: Known,
    events: Vec<Event>,
    transformer: Option<Arc<Transformer>>,
}

impl Measuring {
    pub(crate) fn new(logs: Arc<Logs>) -> Measuring {
        let signal = logs.measuring.clone();
        Measuring { logs, signal }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let records = &self.logs.records;
        loop {
            let now_ms = self.logs.platform.env.now().millis();
            let (arrived, postponed) = (records.measuring().await?, records.postponed(now_ms).await?);
            if arrived.is_empty() && postponed.is_empty() {
                break;
            }
            let mut run = Run::default();
            for (chunk, arrival) in arrived {
                if run.done.tallies.is_full() {
                    break;
                }
                run.done.arrived.push(chunk);
                let first = Postponed { arrival, since_ms: now_ms, attempts: 0 };
                self.one(chunk, first, &mut run).await?;
            }
            for ((at, sequence, stream), before) in postponed {
                if run.done.tallies.is_full() {
                    break;
                }
                run.done.postponed.push((at, sequence, stream));
                self.one((sequence, stream), before, &mut run).await?;
            }
            self.publish(run.points).await?;
            run.done.nonce = self.logs.platform.env.rng.u64();
            records.measured(&run.done).await?;
        }
        let next = records.next_postponed().await?.map(Instant::from_millis);
        Ok(self.defaults().await?.into_iter().chain(next).min())
    }

    /// Measures a chunk, or postpones it: none that cannot be read stops the others.
    ///
    /// # Errors
    /// When CloudWatch takes no points now.
    async fn one(&self, (sequence, stream): (u64, u64), chunk: Postponed, run: &mut Run) -> Result<()> {
        let error = match self.read((sequence, stream), &chunk.arrival, run).await {
            Ok(Some(read)) => return self.measure(&read, &chunk.arrival, run).await,
            Ok(None) => return Ok(()),
            Err(error) => error,
        };
        let now_ms = self.logs.platform.env.now().millis();
        if now_ms - chunk.since_ms >= TRIED_MS {
            tracing::warn!(%error, "no metrics are made of events that could not be read for a day");
            return Ok(());
        }
        tracing::debug!(%error, "events that metrics are made of are tried again");
        let key = (now_ms + wait_ms(chunk.attempts), sequence, stream);
        run.done.later.push((key, Postponed { attempts: chunk.attempts.saturating_add(1), ..chunk }));
        Ok(())
    }

    /// All that is needed to measure a chunk; `None` when there is nothing to measure.
    async fn read(
        &self,
        (sequence, stream): (u64, u64),
        arrival: &Arrival,
        run: &mut Run,
    ) -> Result<Option<Chunk>> {
        let name = arrival.group.name()?;
        // A group that was deleted meanwhile has no metrics, even when there is one of the same name again.
        let group = self.logs.records.store_group(&name).await?;
        if group.is_none_or(|group| group.id != arrival.group_id) {
            return Ok(None);
        }
        let known = match run.known.get(&name) {
            Some(known) => known.clone(),
            None => {
                let contributors = &self.logs.platform.contributors;
                let rules = contributors.of_group(name.account, name.region, &name.name).await?;
                let known = Known { filters: Arc::new(self.filters(&name).await?), rules };
                run.known.insert(name.clone(), known.clone());
                known
            }
        };
        let Some(events) = self.logs.chunk(&name, arrival.group_id, (stream, sequence)).await? else {
            return Ok(None);
        };
        // All of a chunk came under the same one.
        let transformer = match events.first().and_then(|event| event.transformer) {
            Some(number) if known.transforms() => {
                Some(self.logs.transformer(arrival.group_id, number).await?)
            }
            _ => None,
        };
        Ok(Some(Chunk { name, known, events, transformer }))
    }

    async fn measure(&self, chunk: &Chunk, arrival: &Arrival, run: &mut Run) -> Result<()> {
        let name = &chunk.name;
        let now_ms = self.logs.platform.env.now().millis();
        let mut transforming = Work::new();
        let (mut tallies, mut matched) = (Tallies::default(), 0);
        let looks =
            1 + chunk.known.filters.len() + chunk.known.rules.as_ref().map_or(0, |rules| rules.rules());
        for event in &chunk.events {
            let time_ms = event.place.time_ms;
            // Each filter and rule looks at it once.
            transforming.breathe((event.message.len() + OVERHEAD) * looks).await;
            let by = chunk.transformer.as_ref();
            let transformed = by.and_then(|by| by.apply(&event.message, &mut transforming));
            if let Some(rules) = &chunk.known.rules {
                let looked_at = LogEvent {
                    time: Instant::from_millis(time_ms),
                    ingested: Instant::from_millis(event.ingested_ms),
                    message: &event.message,
                    transformed: chunk.transformer.is_some().then_some(transformed.as_deref()),
                };
                matched += rules.count(&looked_at, &mut tallies);
                // What no transaction takes is written before the chunk is noted as measured: a crash in between counts that
                // much of this chunk again, and of no other.
                if tallies.is_full() {
                    let tallies = std::mem::take(&mut tallies);
                    self.logs.records.counted(&tallies, self.logs.platform.env.rng.u64()).await?;
                }
            }
            let filters = chunk.known.filters.iter();
            for filter in filters.filter(|filter| filter.filter.created_ms <= event.ingested_ms) {
                let transformed = transformed.as_ref().filter(|_| filter.filter.transformed);
                let measured = filter.measure(transformed.unwrap_or(&event.message));
                if filter.filter.default.is_some() {
                    let minute = event.ingested_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
                    let key = (minute, arrival.group_id, filter.name.clone());
                    let of = || Minute { group: arrival.group.clone(), matched: false };
                    run.done.minutes.entry(key).or_insert_with(of).matched |= measured.is_some();
                }
                let Some(measured) = measured else { continue };
                let Some(value) = measured.value else { continue };
                run.points.add(series(name, filter, measured.dimensions), time_ms, &[value], now_ms);
            }
            let embedded::Found { time, metrics, fault } = match arrival.unextracted {
                true => embedded::Found::default(),
                false => embedded::metrics(&event.message),
            };
            if let Some(fault) = fault {
                self.note_fault(name, fault);
            }
            for metric in metrics {
                for dimensions in metric.dimensions.iter() {
                    let series = Series {
                        account: name.account,
                        region: name.region,
                        namespace: metric.namespace.clone(),
                        metric: metric.metric.clone(),
                        dimensions: dimensions.clone(),
                        unit: metric.unit.clone(),
                        high_resolution: metric.high_resolution,
                    };
                    run.points.add(series, time.unwrap_or(time_ms), &metric.values, now_ms);
                }
            }
            if run.points.is_full() {
                self.publish(std::mem::take(&mut run.points)).await?;
            }
        }
        run.done.tallies.append(tallies);
        self.logs.meter_matched(name, matched);
        tokio::task::yield_now().await;
        Ok(())
    }

    fn note_fault(&self, name: &GroupName, fault: embedded::Fault) {
        let metric = match fault {
            embedded::Fault::Structure => EMF_PARSING_ERRORS,
            embedded::Fault::Rules => EMF_VALIDATION_ERRORS,
        };
        let platform = &self.logs.platform;
        let (now, dimensions) = (platform.env.now(), [("LogGroupName", name.name.as_str())]);
        platform.metrics.record(metric, name.account, name.region, now, &dimensions, 1.0);
    }

    async fn filters(&self, name: &GroupName) -> Result<Vec<Compiled>> {
        let filters = self.logs.records.metric_filters(name).await?;
        // All compiled when they were made; one that no longer does is of a newer version, and left alone.
        let selected = filters
            .iter()
            .filter(|(_, record)| Selected::has(record.selection.as_deref(), name).unwrap_or(false));
        Ok(selected.filter_map(|(filter, record)| Compiled::new(filter, record).ok()).collect())
    }

    async fn publish(&self, points: Points) -> Result<()> {
        for (account, region, input) in points.requests() {
            match self.logs.publish(account, region, input).await {
                // It would be refused for ever.
                Err(error) if error.fault() == Fault::Client || error.status() == Some(501) => {
                    tracing::warn!(%error, "points of a metric filter were refused");
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Publishes the defaults of the minutes that are over and had events but no match; says when the next one ends.
    async fn defaults(&self) -> Result<Option<Instant>> {
        let records = &self.logs.records;
        loop {
            let minutes = records.minutes().await?;
            let now_ms = self.logs.platform.env.now().millis();
            let Some((first, _)) = minutes.first() else { return Ok(None) };
            if first.0 + MINUTE_MS > now_ms {
                return Ok(Some(Instant::from_millis(first.0 + MINUTE_MS)));
            }
            for (key, minute) in minutes.into_iter().take_while(|(key, _)| key.0 + MINUTE_MS <= now_ms) {
                if !minute.matched {
                    self.publish_default(key.0, &key.2, &minute.group, now_ms).await?;
                }
                records.minute_done(&key).await?;
            }
        }
    }

    async fn publish_default(&self, at_ms: i64, filter: &str, group: &GroupPlace, now_ms: i64) -> Result<()> {
        let name = group.name()?;
        let filters = self.filters(&name).await?;
        let Some(filter) = filters.iter().find(|one| one.name == filter) else { return Ok(()) };
        let Some(value) = filter.filter.default else { return Ok(()) };
        let mut points = Points::default();
        points.add(series(&name, filter, Vec::new()), at_ms, &[value], now_ms);
        self.publish(points).await
    }
}

fn series(name: &GroupName, filter: &Compiled, mut dimensions: Vec<(String, String)>) -> Series {
    dimensions.extend(system::values(&filter.filter.system_dimensions, name));
    Series {
        account: name.account,
        region: name.region,
        namespace: filter.filter.namespace.clone(),
        metric: filter.filter.metric.clone(),
        dimensions: dimensions.into(),
        unit: filter.filter.unit.clone(),
        high_resolution: false,
    }
}

impl Reconciler for Measuring {
    fn name(&self) -> &'static str {
        "logs.measuring"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
