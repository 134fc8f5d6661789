use haneul_kit::metrics::{Summary, Unit};

use super::{Bucket, Tier};

/// A stretch of time that is cut into periods. All in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Where the first period begins.
    pub(crate) start: i64,
    /// Exclusive.
    pub(crate) end: i64,
    pub(crate) period: i64,
    pub(crate) now: i64,
}

impl Window {
    /// As AWS rounds the start: to the minute within 15 days (to the period when that is shorter), to 5 minutes within 63 days, to the hour
    /// before that.
    pub(crate) fn new(start_ms: i64, end_ms: i64, period: i64, now_ms: i64) -> Window {
        let (start, now) = (start_ms.div_euclid(1000), now_ms.div_euclid(1000));
        let grain = match Tier::for_age(now - start) {
            Some(Tier::Second | Tier::Minute) => period.clamp(1, 60),
            Some(Tier::FiveMinutes) => 300,
            Some(Tier::Hour) | None => 3600,
        };
        let end = end_ms.div_euclid(1000) + i64::from(end_ms.rem_euclid(1000) > 0);
        Window { start: start.div_euclid(grain) * grain, end, period, now }
    }

    /// Where the periods begin that a point may stand at.
    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = i64> + use<> {
        let (start, period) = (self.start, self.period);
        (0..self.len()).map(move |i| start + i * period)
    }

    /// Number of periods.
    pub(crate) fn len(&self) -> i64 {
        (self.end - self.start).max(0).div_euclid(self.period)
            + i64::from((self.end - self.start).max(0) % self.period > 0)
    }

    fn step(&self, at: i64) -> i64 {
        self.start + (at - self.start).div_euclid(self.period) * self.period
    }

    /// Whether a point of this time is still kept finely enough for the period.
    fn kept(&self, at: i64) -> bool {
        match Tier::for_age(self.now - at) {
            Some(Tier::Second) => true,
            Some(tier) => self.period % tier.span_s() == 0,
            None => false,
        }
    }

    /// The samples of each period and unit, in the order of time.
    pub(crate) fn sum_up(&self, mut buckets: Vec<Bucket>) -> Vec<(i64, Unit, Summary)> {
        buckets.retain(|bucket| bucket.at >= self.start && bucket.at < self.end && self.kept(bucket.at));
        buckets.sort_by_key(Bucket::key);
        let mut periods: Vec<(i64, Unit, Summary)> = Vec::new();
        for bucket in buckets {
            let at = self.step(bucket.at);
            let found = periods.iter_mut().rev().take_while(|(known, ..)| *known == at);
            match found.into_iter().find(|(_, unit, _)| *unit == bucket.unit) {
                Some((_, _, summary)) => summary.merge(&bucket.summary),
                None => periods.push((at, bucket.unit, bucket.summary)),
            }
        }
        periods
    }

    /// The samples of each period, whatever their unit.
    pub(crate) fn sum_up_all(&self, mut buckets: Vec<Bucket>) -> Vec<(i64, Summary)> {
        buckets.iter_mut().for_each(|bucket| bucket.unit = Unit::None);
        self.sum_up(buckets).into_iter().map(|(at, _, summary)| (at, summary)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const NOW: i64 = 1_700_000_000;

    fn window(age_s: i64, length_s: i64, period: i64) -> Window {
        Window::new((NOW - age_s) * 1000, (NOW - age_s + length_s) * 1000, period, NOW * 1000)
    }

    #[test]
    fn starts_are_rounded_by_age() {
        for (age, period, grain) in
            [(100, 60, 60), (100, 300, 60), (100, 10, 10), (16 * DAY, 300, 300), (64 * DAY, 3600, 3600)]
        {
            let window = window(age, 7200, period);
            assert_eq!(window.start % grain, 0, "{age} {period}");
            assert!((NOW - age) - window.start < grain);
        }
        assert_eq!(window(100, 90, 60).len(), (90 + (NOW - 100) % 60 + 59) / 60);
    }

    #[test]
    fn periods_that_old_points_no_longer_serve_have_none() {
        let bucket = |at, tier: Tier| Bucket {
            at: tier.align(at),
            tier,
            unit: Unit::Count,
            summary: Summary::of(1.0, 1.0),
        };
        let count = |age: i64, period, tier| {
            let window = window(age + 7200, 14_400, period);
            window.sum_up_all(vec![bucket(NOW - age, tier)]).len()
        };
        assert_eq!((count(100, 1, Tier::Second), count(100, 10, Tier::Second)), (1, 1));
        assert_eq!((count(4 * 3600, 10, Tier::Second), count(4 * 3600, 60, Tier::Second)), (0, 1));
        assert_eq!((count(16 * DAY, 60, Tier::Minute), count(16 * DAY, 300, Tier::Minute)), (0, 1));
        assert_eq!(
            (count(64 * DAY, 300, Tier::FiveMinutes), count(64 * DAY, 3600, Tier::FiveMinutes)),
            (0, 1)
        );
        assert_eq!(count(456 * DAY, 3600, Tier::Hour), 0);
    }

    #[test]
    fn units_stay_apart_when_asked() {
        let bucket = |unit| Bucket { at: NOW - 60, tier: Tier::Minute, unit, summary: Summary::of(2.0, 1.0) };
        let window = window(600, 600, 300);
        let buckets = vec![bucket(Unit::Count), bucket(Unit::Bytes), bucket(Unit::Count)];
        let apart = window.sum_up(buckets.clone());
        assert_eq!(
            apart.iter().map(|(_, unit, s)| (*unit, s.count)).collect::<Vec<_>>(),
            [(Unit::Bytes, 1.0), (Unit::Count, 2.0)]
        );
        assert_eq!(window.sum_up_all(buckets)[0].1.count, 3.0);
    }
}
