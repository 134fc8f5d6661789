/// Samples of one metric in one stretch of time: their number, sum and bounds, and how they are distributed.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
    pub values: Values,
}

/// How the samples of a [`Summary`] are distributed.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// All alike: `min`, `count` times.
    One,
    /// Values and how often each came, in no order, perhaps a value more than once. Exact up to [`VALUES_MAX`] distinct
    /// values; beyond that, neighbours were put together (see [`Summary::compact`]).
    Many(Vec<(f64, f64)>),
    /// Not known: some came as a set of statistics.
    Unknown,
}

/// Distinct values that a summary keeps.
pub const VALUES_MAX: usize = 1024;

impl Summary {
    /// `count` samples of the same value.
    pub fn of(value: f64, count: f64) -> Summary {
        Summary { count, sum: value * count, min: value, max: value, values: Values::One }
    }

    /// A set of statistics, whose distribution is only known when all its samples are alike and their sum says so, too.
    pub fn of_statistics(count: f64, sum: f64, min: f64, max: f64) -> Summary {
        let values = if min == max && sum == min * count { Values::One } else { Values::Unknown };
        Summary { count, sum, min, max, values }
    }

    pub fn add(&mut self, value: f64, count: f64) {
        match &mut self.values {
            Values::One if value == self.min => {}
            Values::One => self.values = Values::Many(vec![(self.min, self.count), (value, count)]),
            Values::Many(values) => match values.last_mut() {
                Some(last) if last.0 == value => last.1 += count,
                _ => values.push((value, count)),
            },
            Values::Unknown => {}
        }
        self.count += count;
        self.sum += value * count;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.compact_when_long();
    }

    pub fn merge(&mut self, other: &Summary) {
        if matches!(other.values, Values::One) {
            let sum = self.sum + other.sum;
            self.add(other.min, other.count);
            self.sum = sum;
            return;
        }
        let mine = std::mem::replace(&mut self.values, Values::Unknown);
        self.values = match (mine, &other.values) {
            (Values::Unknown, _) | (_, Values::Unknown) => Values::Unknown,
            (Values::One, Values::Many(theirs)) => {
                let mut all = Vec::with_capacity(theirs.len() + 1);
                all.push((self.min, self.count));
                all.extend_from_slice(theirs);
                Values::Many(all)
            }
            (Values::Many(mut all), Values::Many(theirs)) => {
                all.extend_from_slice(theirs);
                Values::Many(all)
            }
            (mine, Values::One) => mine,
        };
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.compact_when_long();
    }

    /// The values in ascending order, each once; `None` when the distribution is not known.
    pub fn distribution(&self) -> Option<Vec<(f64, f64)>> {
        match &self.values {
            Values::One => Some(vec![(self.min, self.count)]),
            Values::Many(values) => Some(sorted(values.clone())),
            Values::Unknown => None,
        }
    }

    fn compact_when_long(&mut self) {
        if matches!(&self.values, Values::Many(values) if values.len() >= 2 * VALUES_MAX) {
            self.compact(VALUES_MAX);
        }
    }

    /// Brings the distribution to at most `max` values: equal ones become one, and when there are still too many, those within 0.5 % of
    /// one another (then 1 %, 2 %, …) become their mean. The extremes stay what they are.
    pub fn compact(&mut self, max: usize) {
        let Values::Many(values) = &mut self.values else { return };
        let mut kept = sorted(std::mem::take(values));
        let mut width = 0.005;
        while kept.len() > max.max(8) {
            kept = binned(&kept, width);
            width *= 2.0;
        }
        self.values = match kept[..] {
            [(value, _)] if value == self.min && value == self.max => Values::One,
            _ => Values::Many(kept),
        };
    }
}

fn sorted(mut values: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    values.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    values
}

/// Puts together neighbours whose logarithms fall into the same bin of the given relative width; the first and the last stay alone.
fn binned(values: &[(f64, f64)], width: f64) -> Vec<(f64, f64)> {
    let bin = |value: f64| {
        let place = (value.abs().max(f64::MIN_POSITIVE).ln() / width.ln_1p()).floor();
        if value < 0.0 { (-1, -place) } else { (i32::from(value > 0.0), place) }
    };
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut last_bin = None;
    for (i, &(value, count)) in values.iter().enumerate() {
        let alone = i == 0 || i + 1 == values.len();
        let this = (!alone).then(|| bin(value));
        match kept.last_mut() {
            Some(last) if this.is_some() && this == last_bin => {
                let total = last.1 + count;
                last.0 += (value - last.0) * (count / total);
                last.1 = total;
            }
            _ => kept.push((value, count)),
        }
        last_bin = this;
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However samples come together, the summary is of all of them; distributions stay exact while they are short.
        #[test]
        fn merging_is_adding(samples in prop::collection::vec((-50i32..50, 1u8..4), 1..200), cut in 0usize..200) {
            let samples: Vec<(f64, f64)> = samples.into_iter().map(|(v, c)| (f64::from(v), f64::from(c))).collect();
            let build = |part: &[(f64, f64)]| {
                let mut summary = Summary::of(part[0].0, part[0].1);
                part[1..].iter().for_each(|(v, c)| summary.add(*v, *c));
                summary
            };
            let cut = cut % samples.len();
            let mut merged = build(&samples);
            if cut > 0 {
                merged = build(&samples[..cut]);
                merged.merge(&build(&samples[cut..]));
            }
            let whole = build(&samples);
            prop_assert_eq!((merged.count, merged.min, merged.max), (whole.count, whole.min, whole.max));
            prop_assert!((merged.sum - whole.sum).abs() < 1e-9);
            prop_assert_eq!(merged.distribution(), Some(super::sorted(samples)));
        }

        #[test]
        fn compacting_keeps_number_mean_and_extremes(samples in prop::collection::vec(-1e6f64..1e6, 10..3000), max in 8usize..100) {
            let mut summary = Summary::of(samples[0], 1.0);
            samples[1..].iter().for_each(|v| summary.add(*v, 1.0));
            summary.compact(max);
            let kept = summary.distribution().unwrap();
            prop_assert!(kept.len() <= max);
            let count: f64 = kept.iter().map(|(_, c)| c).sum();
            let sum: f64 = kept.iter().map(|(v, c)| v * c).sum();
            prop_assert_eq!(count, samples.len() as f64);
            prop_assert!((sum - summary.sum).abs() < 1e-3, "{} {}", sum, summary.sum);
            prop_assert_eq!((kept[0].0, kept[kept.len() - 1].0), (summary.min, summary.max));
        }
    }

    #[test]
    fn a_set_of_statistics_hides_the_distribution() {
        let mut summary = Summary::of(1.0, 1.0);
        summary.merge(&Summary::of_statistics(3.0, 6.0, 2.0, 2.0));
        assert_eq!(summary.distribution(), Some(vec![(1.0, 1.0), (2.0, 3.0)]));
        summary.merge(&Summary::of_statistics(2.0, 9.0, 4.0, 5.0));
        assert_eq!((summary.distribution(), summary.count, summary.max), (None, 6.0, 5.0));
    }
}
