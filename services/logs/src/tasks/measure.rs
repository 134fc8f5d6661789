use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{BoxFuture, Fault, Instant, Reconciler, Result, Signal};

use crate::Logs;
use crate::filters::embedded;
use crate::filters::metric::Compiled;
use crate::filters::points::{Points, Series};
use crate::model::{Arrival, GroupPlace, Minute};
use crate::names::GroupName;

/// Makes points of metrics of the chunks that were taken in. A crash between publishing and noting it publishes again.
pub(crate) struct Measuring {
    logs: Arc<Logs>,
    signal: Signal,
}

const MINUTE_MS: i64 = 60_000;

/// The metric filters of the groups that a run met.
type Known = HashMap<String, Arc<Vec<Compiled>>>;

/// By minute, group and filter: whether any event matched.
type Minutes = HashMap<(i64, u64, String), Minute>;

impl Measuring {
    pub(crate) fn new(logs: Arc<Logs>) -> Measuring {
        let signal = logs.measuring.clone();
        Measuring { logs, signal }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let records = &self.logs.records;
        loop {
            let waiting = records.measuring().await?;
            if waiting.is_empty() {
                return self.defaults().await;
            }
            let (mut points, mut minutes, mut known) = (Points::default(), Minutes::new(), Known::new());
            for (chunk, arrival) in &waiting {
                self.measure(*chunk, arrival, &mut points, &mut minutes, &mut known).await?;
            }
            self.publish(points).await?;
            let chunks: Vec<(u64, u64)> = waiting.into_iter().map(|(chunk, _)| chunk).collect();
            records.measured(&chunks, &minutes.into_iter().collect::<Vec<_>>()).await?;
        }
    }

    async fn measure(
        &self,
        (sequence, stream): (u64, u64),
        arrival: &Arrival,
        points: &mut Points,
        minutes: &mut Minutes,
        known: &mut Known,
    ) -> Result<()> {
        let name = arrival.group.name()?;
        // A group that was deleted meanwhile has no metrics, even when there is one of the same name again.
        let group = self.logs.records.store_group(&name).await?;
        if group.is_none_or(|group| group.id != arrival.group_id) {
            return Ok(());
        }
        let filters = match known.get(&name.arn().to_string()) {
            Some(filters) => filters.clone(),
            None => {
                let filters = Arc::new(self.filters(&name).await?);
                known.insert(name.arn().to_string(), filters.clone());
                filters
            }
        };
        let Some(events) = self.logs.chunk(&name, arrival.group_id, (stream, sequence)).await? else {
            return Ok(());
        };
        let now_ms = self.logs.platform.env.now().millis();
        let transformed = match filters.iter().any(|filter| filter.filter.transformed) {
            true => self.logs.transformed(arrival.group_id, &events).await?,
            false => Vec::new(),
        };
        for (at, event) in events.iter().enumerate() {
            let time_ms = event.place.time_ms;
            for filter in filters.iter().filter(|filter| filter.filter.created_ms <= event.ingested_ms) {
                let looked_at = transformed.get(at).filter(|_| filter.filter.transformed).unwrap_or(event);
                let measured = filter.measure(&looked_at.message);
                if filter.filter.default.is_some() {
                    let minute = event.ingested_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
                    let key = (minute, arrival.group_id, filter.name.clone());
                    let of = || Minute { group: arrival.group.clone(), matched: false };
                    minutes.entry(key).or_insert_with(of).matched |= measured.is_some();
                }
                let Some(measured) = measured else { continue };
                let Some(value) = measured.value else { continue };
                points.add(series(&name, filter, measured.dimensions), time_ms, value, now_ms);
            }
            let (time, metrics) = embedded::metrics(&event.message);
            for metric in metrics {
                for dimensions in &metric.dimensions {
                    let series = Series {
                        account: name.account,
                        region: name.region,
                        namespace: metric.namespace.clone(),
                        metric: metric.metric.clone(),
                        dimensions: dimensions.clone(),
                        unit: metric.unit.clone(),
                        high_resolution: metric.high_resolution,
                    };
                    for value in &metric.values {
                        points.add(series.clone(), time.unwrap_or(time_ms), *value, now_ms);
                    }
                }
            }
        }
        Ok(())
    }

    async fn filters(&self, name: &GroupName) -> Result<Vec<Compiled>> {
        let filters = self.logs.records.metric_filters(name).await?;
        // All compiled when they were made; one that no longer does is of a newer version, and left alone.
        Ok(filters.iter().filter_map(|(filter, record)| Compiled::new(filter, record).ok()).collect())
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
        points.add(series(&name, filter, Vec::new()), at_ms, value, now_ms);
        self.publish(points).await
    }
}

fn series(name: &GroupName, filter: &Compiled, dimensions: Vec<(String, String)>) -> Series {
    Series {
        account: name.account,
        region: name.region,
        namespace: filter.filter.namespace.clone(),
        metric: filter.filter.metric.clone(),
        dimensions,
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
