//! What is usual for a series, and when a minute is not.
//!
//! The baseline is every minute of the seven days before, those without calls too, up to the hour in which the minute is. A
//! minute is unusually busy when it has at least [`CALLS_MIN`] calls, more than any minute of the baseline, and more than
//! the mean and six deviations; it is unusually quiet when it has fewer calls than any minute of the baseline, and less
//! than the mean less four deviations. A deviation is the standard deviation of the baseline, or the root of the mean if
//! that is larger (what chance alone does to calls that are independent of each other). So regular bursts are usual, and
//! a call that comes once in a while is.

use super::Minute;
use super::count::{Rows, minutes};

/// How much is looked at.
pub(crate) const MINUTES: u64 = 7 * 1440;
/// Without so much, nothing is called unusual. AWS: up to 36 hours pass after Insights was enabled.
pub(crate) const MINUTES_MIN: u64 = 1440;
/// Fewer calls in a minute are never unusually many.
pub(crate) const CALLS_MIN: u32 = 4;
const DEVIATIONS_ABOVE: f64 = 6.0;
const DEVIATIONS_BELOW: f64 = 4.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusual {
    Many,
    Few,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Baseline {
    pub(crate) from: Minute,
    pub(crate) to: Minute,
    mean: f64,
    deviation: f64,
    highest: u32,
    lowest: u32,
}

impl Baseline {
    /// The minutes that are the baseline of one, when calls were counted since `since`.
    pub(crate) fn window(minute: Minute, since: Minute) -> (Minute, Minute) {
        let to = minute - minute % 60;
        (to.saturating_sub(MINUTES).max(since).min(to), to)
    }

    pub(crate) fn of(rows: &Rows, (from, to): (Minute, Minute)) -> Baseline {
        let count = to.saturating_sub(from);
        let (mut sum, mut squares, mut seen) = (0.0, 0.0, 0);
        let (mut highest, mut lowest) = (0, u32::MAX);
        for (.., calls) in minutes(rows, from, to) {
            let calls = calls.calls;
            sum += f64::from(calls);
            squares += f64::from(calls) * f64::from(calls);
            seen += 1;
            (highest, lowest) = (highest.max(calls), lowest.min(calls));
        }
        let of = |sum: f64| sum / count.max(1) as f64;
        let mean = of(sum);
        let variance = (of(squares) - mean * mean).max(0.0);
        let lowest = if seen == count { lowest } else { 0 };
        Baseline { from, to, mean, deviation: variance.sqrt().max(mean.sqrt()), highest, lowest }
    }

    pub(crate) fn average(&self) -> f64 {
        self.mean
    }

    pub(crate) fn judge(&self, calls: u32) -> Option<Unusual> {
        if self.to.saturating_sub(self.from) < MINUTES_MIN {
            return None;
        }
        let many = calls >= CALLS_MIN
            && calls > self.highest
            && f64::from(calls) > self.mean + DEVIATIONS_ABOVE * self.deviation;
        let few = calls < self.lowest && f64::from(calls) < self.mean - DEVIATIONS_BELOW * self.deviation;
        match (many, few) {
            (true, _) => Some(Unusual::Many),
            (_, true) => Some(Unusual::Few),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::count::{Calls, Hour};
    use super::*;

    /// A week in which the minute `n` has `calls(n)`.
    fn week(calls: impl Fn(u64) -> u32) -> Baseline {
        let hour = |hour: u64| {
            let minutes = (0..60u8).map(|minute| Calls {
                minute,
                calls: calls(hour * 60 + u64::from(minute)),
                of: Vec::new(),
            });
            (hour, Hour { values: Vec::new(), minutes: minutes.filter(|calls| calls.calls > 0).collect() })
        };
        let rows: Vec<(u64, Hour)> = (0..168).map(hour).collect();
        Baseline::of(&rows, (0, MINUTES))
    }

    #[test]
    fn what_is_unusual() {
        let noise = |n: u64| 15 + (n * 7919 % 11) as u32;
        type Judgements<'a> = &'a [(u32, Option<Unusual>)];
        let cases: [(&str, Baseline, Judgements<'_>); 5] = [
            ("nothing at all", week(|_| 0), &[(0, None), (3, None), (4, Some(Unusual::Many))]),
            (
                "once an hour",
                week(|n| u32::from(n % 60 == 5)),
                &[(0, None), (1, None), (3, None), (5, Some(Unusual::Many))],
            ),
            // AWS's examples: 20 calls a minute, then 100, then none.
            (
                "about twenty",
                week(noise),
                &[(0, Some(Unusual::Few)), (15, None), (30, None), (100, Some(Unusual::Many))],
            ),
            (
                "bursts",
                week(|n| if n % 60 == 0 { 50 } else { 0 }),
                &[(50, None), (0, None), (51, Some(Unusual::Many))],
            ),
            ("steady but rare", week(|_| 2), &[(0, None), (4, None), (11, Some(Unusual::Many))]),
        ];
        for (name, baseline, judgements) in cases {
            for (calls, expected) in judgements {
                assert_eq!(baseline.judge(*calls), *expected, "{name}: {calls}");
            }
        }
    }

    #[test]
    fn a_young_baseline_judges_nothing() {
        assert_eq!(Baseline::of(&[], (0, MINUTES_MIN - 1)).judge(1000), None);
        assert_eq!(Baseline::of(&[], (0, MINUTES_MIN)).judge(1000), Some(Unusual::Many));
        assert_eq!(Baseline::window(MINUTES * 2 + 61, 0), (MINUTES + 60, MINUTES * 2 + 60));
        assert_eq!(Baseline::window(100, 70), (60, 60));
    }
}
