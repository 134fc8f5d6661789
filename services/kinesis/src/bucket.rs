//! Limits per second.

/// Allows so much a second, with what was saved up within one second.
///
/// What is larger than a second's allowance is let through when all of that is there, and what follows waits until it is
/// made good: so the average holds, and a large record is possible.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    per_sec: i64,
    /// In thousandths; below zero when more was let through than there was.
    left: i64,
    /// In thousandths: what passed lately, less four fifths of what might have.
    load: i64,
    at_ms: i64,
}

/// A bucket is hot when its load is what passes in so many seconds: it was near its limit for longer than that.
const HOT_SECS: i64 = 2;

impl Bucket {
    pub(crate) fn new(per_sec: i64) -> Bucket {
        Bucket { per_sec, left: per_sec * 1000, load: 0, at_ms: i64::MIN }
    }

    /// Whether `amount` may pass now. Takes nothing.
    pub(crate) fn has(&mut self, amount: i64, now_ms: i64) -> bool {
        self.refill(now_ms);
        self.left >= (amount * 1000).min(self.per_sec * 1000)
    }

    pub(crate) fn take(&mut self, amount: i64) {
        self.left -= amount * 1000;
        // What is larger than a second's allowance is made good by what follows: it is no load that lasts.
        self.load = (self.load + amount.min(self.per_sec) * 1000).min(self.load_max());
    }

    /// Whether anything may pass whose size is not known yet.
    pub(crate) fn is_open(&mut self, now_ms: i64) -> bool {
        self.refill(now_ms);
        self.left > 0
    }

    /// Whether more than four fifths of what may pass did so for some seconds.
    pub(crate) fn is_hot(&self) -> bool {
        self.load >= self.load_max()
    }

    fn load_max(&self) -> i64 {
        HOT_SECS * self.per_sec * 1000
    }

    fn refill(&mut self, now_ms: i64) {
        // A clock that was set back gives nothing and takes nothing.
        let passed_ms = now_ms.saturating_sub(self.at_ms).max(0);
        let refilled = passed_ms.saturating_mul(self.per_sec);
        self.left = self.left.saturating_add(refilled).min(self.per_sec * 1000);
        self.load = (self.load - refilled / 5 * 4).max(0);
        self.at_ms = now_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_allows_what_it_says() {
        let mut bucket = Bucket::new(5);
        let mut take = |amount, now_ms| {
            let has = bucket.has(amount, now_ms);
            if has {
                bucket.take(amount);
            }
            has
        };
        assert!((0..5).all(|_| take(1, 1000)));
        assert!(!take(1, 1000) && !take(1, 1199));
        assert!(take(1, 1200) && !take(1, 1200));
        // Larger than a second: only when all is there, and made good after it.
        assert!(!take(10, 2000) && take(10, 3000) && !take(1, 4000) && take(1, 4200));
        // Set back.
        assert!(!take(1, 0) && take(1, 200));
    }

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
            let mut bucket = Bucket::new(1000);
            let mut hot = (0..60_000).step_by(every_ms).filter(|now_ms| {
                if bucket.has(amount, *now_ms) {
                    bucket.take(amount);
                }
                bucket.is_hot()
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
        let mut bucket = Bucket::new(1000);
        for now_ms in (0..600_000).step_by(1000) {
            assert!(bucket.has(1000, now_ms));
            bucket.take(1000);
        }
        assert!(bucket.is_hot());
        assert!(bucket.has(100, 601_000));
        bucket.take(100);
        assert!(!bucket.is_hot());
    }
}
