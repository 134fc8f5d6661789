use haneul_kit::metrics::{Summary, Unit, Values};

/// The samples of one series in one stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bucket {
    /// Where it begins, in seconds since the epoch: a multiple of its tier's span.
    pub(crate) at: i64,
    pub(crate) tier: Tier,
    pub(crate) unit: Unit,
    pub(crate) summary: Summary,
}

impl Bucket {
    /// What it takes in memory, about: one for itself, and one for each value of a distribution.
    pub(crate) fn weight(&self) -> usize {
        match &self.summary.values {
            Values::Many(values) => 1 + values.len(),
            Values::One | Values::Unknown => 1,
        }
    }

    /// What may not be summed up with others.
    pub(crate) fn key(&self) -> (i64, Tier, Unit) {
        (self.at, self.tier, self.unit)
    }
}

/// How finely points are kept. Source: GetMetricStatistics, "Amazon CloudWatch retains metric data as follows".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Tier {
    Second,
    Minute,
    FiveMinutes,
    Hour,
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

impl Tier {
    pub(crate) const ALL: [Tier; 4] = [Tier::Second, Tier::Minute, Tier::FiveMinutes, Tier::Hour];

    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_number(number: u8) -> Option<Tier> {
        Tier::ALL.get(usize::from(number)).copied()
    }

    /// Seconds of one bucket.
    pub(crate) fn span_s(self) -> i64 {
        match self {
            Tier::Second => 1,
            Tier::Minute => 60,
            Tier::FiveMinutes => 300,
            Tier::Hour => HOUR,
        }
    }

    /// Seconds for which buckets are kept like this; older ones go to the next tier, or away.
    pub(crate) fn kept_s(self) -> i64 {
        match self {
            Tier::Second => 3 * HOUR,
            Tier::Minute => 15 * DAY,
            Tier::FiveMinutes => 63 * DAY,
            Tier::Hour => 455 * DAY,
        }
    }

    /// Seconds whose buckets are stored together.
    pub(crate) fn block_s(self) -> i64 {
        match self {
            Tier::Second => HOUR,
            Tier::Minute => DAY,
            Tier::FiveMinutes => 7 * DAY,
            Tier::Hour => 70 * DAY,
        }
    }

    pub(crate) fn next(self) -> Option<Tier> {
        Tier::from_number(self.number() + 1)
    }

    pub(crate) fn align(self, at: i64) -> i64 {
        at.div_euclid(self.span_s()) * self.span_s()
    }

    pub(crate) fn block(self, at: i64) -> i64 {
        at.div_euclid(self.block_s()) * self.block_s()
    }

    /// The coarsest that a point of this age is kept in: periods must be multiples of its span.
    pub(crate) fn for_age(age_s: i64) -> Option<Tier> {
        Tier::ALL.into_iter().find(|tier| age_s <= tier.kept_s())
    }
}

/// Sorts, and puts together what has the same key.
pub(crate) fn combine(mut buckets: Vec<Bucket>) -> Vec<Bucket> {
    buckets.sort_by_key(Bucket::key);
    buckets.dedup_by(|next, kept| {
        let same = next.key() == kept.key();
        if same {
            kept.summary.merge(&next.summary);
        }
        same
    });
    buckets
}

/// The same samples in the next tier; empty when there is none.
pub(crate) fn roll(buckets: Vec<Bucket>, tier: Tier) -> Vec<Bucket> {
    let moved = buckets.into_iter().map(|bucket| Bucket { at: tier.align(bucket.at), tier, ..bucket });
    let mut rolled = combine(moved.collect());
    for bucket in &mut rolled {
        bucket.summary.compact(match tier {
            Tier::Second | Tier::Minute => haneul_kit::metrics::VALUES_MAX,
            // What is kept for months keeps its percentiles to about one percent.
            Tier::FiveMinutes | Tier::Hour => 256,
        });
    }
    rolled
}
