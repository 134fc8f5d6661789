/// Allows so much a second, with what was saved up within one second.
///
/// What is larger than a second's allowance is let through when all of that is there, and what follows waits until it is
/// made good: so the average holds, and a large record is possible.
#[derive(Clone, Debug)]
pub struct Bucket {
    per_sec: i64,
    /// In thousandths; below zero when more was let through than there was.
    left: i64,
    at_ms: i64,
}

impl Bucket {
    pub fn new(per_sec: i64) -> Bucket {
        Bucket { per_sec, left: per_sec * 1000, at_ms: i64::MIN }
    }

    pub fn per_sec(&self) -> i64 {
        self.per_sec
    }

    /// Whether `amount` may pass now. Takes nothing.
    pub fn has(&mut self, amount: i64, now_ms: i64) -> bool {
        self.refill(now_ms);
        self.left >= (amount * 1000).min(self.per_sec * 1000)
    }

    pub fn take(&mut self, amount: i64) {
        self.left -= amount * 1000;
    }

    /// Whether anything may pass whose size is not known yet.
    pub fn is_open(&mut self, now_ms: i64) -> bool {
        self.refill(now_ms);
        self.left > 0
    }

    fn refill(&mut self, now_ms: i64) {
        // A clock that was set back gives nothing and takes nothing.
        let passed_ms = now_ms.saturating_sub(self.at_ms).max(0);
        let refilled = passed_ms.saturating_mul(self.per_sec);
        self.left = self.left.saturating_add(refilled).min(self.per_sec * 1000);
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
}
