use std::sync::Arc;

use haneul_base::Instant;
use parking_lot::Mutex;

use super::bins::Bins;
use super::sink::{MINUTE_MS, Metrics, Owner, Reading};
use super::{Metric, Unit};

/// A metric with its dimensions, found once and recorded often. Whoever asks for the same metric shares the same samples.
///
/// A sample takes some twenty nanoseconds: a lock that next to nobody else wants, and a few additions. Values that are no
/// whole numbers below 512 are told from one another only when they are 0.4 % apart; number, sum and extremes are exact.
#[derive(Clone)]
pub struct Series {
    metrics: Metrics,
    /// `None` when there are too many.
    slot: Option<Arc<Slot>>,
}

pub(super) struct Slot {
    owner: Owner,
    metric: Metric,
    dimensions: Vec<(&'static str, String)>,
    /// By minute, the newest last: one, and for a moment the one before it.
    minutes: Mutex<Vec<(i64, Bins)>>,
}

impl Series {
    pub(super) fn new(metrics: Metrics, slot: Option<Arc<Slot>>) -> Series {
        Series { metrics, slot }
    }

    /// Adds one sample.
    pub fn record(&self, now: Instant, value: f64) {
        if !self.metrics.is_open() || !value.is_finite() {
            return;
        }
        let Some(slot) = &self.slot else { return self.metrics.drop_one() };
        let minute = now.millis().div_euclid(MINUTE_MS);
        let mut minutes = slot.minutes.lock();
        if let Some((_, bins)) = minutes.iter_mut().rev().find(|(of, _)| *of == minute) {
            bins.add(value);
            return;
        }
        minutes.push((minute, Bins::of(value)));
        minutes.sort_unstable_by_key(|(of, _)| *of);
    }
}

impl Slot {
    pub(super) fn new(owner: Owner, metric: Metric, dimensions: Vec<(&'static str, String)>) -> Slot {
        Slot { owner, metric, dimensions, minutes: Mutex::default() }
    }

    /// Takes out the minutes before `current`. Whether nothing is left.
    pub(super) fn take(&self, current: i64, readings: &mut Vec<Reading>) -> bool {
        let mut minutes = self.minutes.lock();
        let over = minutes.partition_point(|(of, _)| *of < current);
        let Metric { namespace, name, unit } = self.metric;
        let reading = |(of, bins): (i64, Bins)| self.reading((namespace, name, unit), of, bins);
        readings.extend(minutes.drain(..over).map(reading));
        minutes.is_empty()
    }

    fn reading(
        &self,
        (namespace, name, unit): (&'static str, &'static str, Unit),
        minute: i64,
        bins: Bins,
    ) -> Reading {
        Reading {
            owner: self.owner,
            at: Instant::from_millis(minute * MINUTE_MS),
            namespace,
            name,
            unit,
            dimensions: self.dimensions.clone(),
            summary: bins.into_summary(),
        }
    }
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slot = self.slot.as_deref();
        f.debug_tuple("Series").field(&slot.map(|slot| (slot.metric.name, &slot.dimensions))).finish()
    }
}

#[cfg(test)]
mod tests {
    use haneul_base::{AccountId, Region};

    use super::*;

    const SPENT: Metric = Metric::new("AWS/DynamoDB", "ConsumedReadCapacityUnits", Unit::Count);

    fn series(metrics: &Metrics, table: &str) -> Series {
        metrics.series(SPENT, AccountId::DEFAULT, Region::US_EAST_1, &[("TableName", table)])
    }

    fn taken(metrics: &Metrics, at_ms: i64) -> Vec<(String, i64, f64, f64)> {
        let taken = metrics.take(Instant::from_millis(at_ms)).into_iter();
        let mut taken: Vec<_> = taken
            .map(|r| (r.dimensions[0].1.clone(), r.at.millis(), r.summary.count, r.summary.sum))
            .collect();
        taken.sort_by(|a, b| a.partial_cmp(b).unwrap());
        taken
    }

    #[test]
    fn the_same_series_is_one_and_each_minute_is_taken_once() {
        let metrics = Metrics::default();
        let (first, again) = (series(&metrics, "a"), series(&metrics, "a"));
        first.record(Instant::from_millis(1), 9.0);
        metrics.open();
        // A late sample of the minute before is not lost, nor is it the next one's.
        for (series, at_ms, value) in
            [(&first, 1_000, 0.5), (&again, 60_000, 2.0), (&again, 59_999, 1.0), (&first, 60_001, 4.0)]
        {
            series.record(Instant::from_millis(at_ms), value);
        }
        assert_eq!(taken(&metrics, 119_999), [("a".to_owned(), 0, 2.0, 1.5)]);
        drop((first, again));
        assert_eq!(taken(&metrics, 120_000), [("a".to_owned(), 60_000, 2.0, 6.0)]);
        assert!(taken(&metrics, 180_000).is_empty());
        series(&metrics, "a").record(Instant::from_millis(180_000), 1.0);
        assert_eq!(taken(&metrics, 240_000), [("a".to_owned(), 180_000, 1.0, 1.0)]);
    }
}
