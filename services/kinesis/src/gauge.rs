//! Limits per second of a shard, and whether it is near them.

use haneul_kit::Bucket;

/// What may pass, and how near to all of it what passed was for some time.
#[derive(Clone, Debug)]
pub(crate) struct Gauge {
    bucket: Bucket,
    /// In thousandths: what passed lately, less four fifths of what might have.
    load: i64,
    at_ms: i64,
}

/// A gauge is hot when its load is what passes in so many seconds: it was near its limit for longer than that.
const HOT_SECS: i64 = 2;

impl Gauge {
    pub(crate) fn new(per_sec: i64) -> Gauge {
        Gauge { bucket: Bucket::new(per_sec), load: 0, at_ms: i64::MIN }
    }

    /// Whether `amount` may pass now. Takes nothing.
    pub(crate) fn has(&mut self, amount: i64, now_ms: i64) -> bool {
        let passed_ms = now_ms.saturating_sub(self.at_ms).max(0);
        self.load = (self.load - passed_ms.saturating_mul(self.bucket.per_sec()) / 5 * 4).max(0);
        self.at_ms = now_ms;
        self.bucket.has(amount, now_ms)
    }

    pub(crate) fn take(&mut self, amount: i64) {
        self.bucket.take(amount);
        // What is larger than a second's allowance is made good by what follows: it is no load that lasts.
        self.load = (self.load + amount.min(self.bucket.per_sec()) * 1000).min(self.load_max());
    }

    /// Whether more than four fifths of what may pass did so for some seconds.
    pub(crate) fn is_hot(&self) -> bool {
        self.load >= self.load_max()
    }

    fn load_max(&self) -> i64 {
        HOT_SECS * self.bucket.per_sec() * 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_makes_hot() {
        // How much comes how often, and in how many seconds that makes hot.
        for (amount, every_ms, hot_secs) in [
            (100, 100, Some(5..12)),
            (1000, 1000, Some(5..12)),
            (95, 100, Some(5..20)),
            (75, 100, None),
            (800, 1000, None),
            (10_000, 10_000, None),
        ] {
            let mut gauge = Gauge::new(1000);
            let mut hot = (0..60_000).step_by(every_ms).filter(|now_ms| {
                if gauge.has(amount, *now_ms) {
                    gauge.take(amount);
                }
                gauge.is_hot()
            });
            let hot = hot.next().map(|now_ms| now_ms / 1000);
            match hot_secs {
                Some(secs) => {
                    assert!(hot.is_some_and(|hot| secs.contains(&hot)), "{amount} {every_ms}: {hot:?}")
                }
                None => assert_eq!(hot, None, "{amount} {every_ms}"),
            }
        }
        // It is not hot any longer when less comes, however long more did.
        let mut gauge = Gauge::new(1000);
        for now_ms in (0..600_000).step_by(1000) {
            assert!(gauge.has(1000, now_ms));
            gauge.take(1000);
        }
        assert!(gauge.is_hot());
        assert!(gauge.has(100, 601_000));
        gauge.take(100);
        assert!(!gauge.is_hot());
    }
}
