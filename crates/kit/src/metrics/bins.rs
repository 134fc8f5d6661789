use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{Summary, VALUES_MAX, Values};

/// Samples as they come in by the hundred thousand: number, sum, extremes, and how many fell between which bounds.
///
/// The bounds are those of a number's leading bits, so that finding one takes no logarithm: whole numbers below 512 have one
/// each, others share it with those within 0.4 %.
pub(super) struct Bins {
    count: f64,
    sum: f64,
    min: f64,
    max: f64,
    /// By the bits that are left.
    bins: HashMap<u64, Bin, BuildHasherDefault<Spread>>,
    /// Bits of a value that do not count.
    coarse: u32,
}

struct Bin {
    count: f64,
    sum: f64,
    /// What all its samples are, if they are alike.
    alike: Option<f64>,
}

/// Leaves sign, exponent and eight bits of the fraction.
const COARSE: u32 = 44;

impl Bins {
    pub(super) fn of(value: f64) -> Bins {
        let mut bins =
            Bins { count: 0.0, sum: 0.0, min: value, max: value, bins: HashMap::default(), coarse: COARSE };
        bins.add(value);
        bins
    }

    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let bin = self.bins.entry(value.to_bits() >> self.coarse).or_insert(Bin {
            count: 0.0,
            sum: 0.0,
            alike: Some(value),
        });
        bin.count += 1.0;
        bin.sum += value;
        bin.alike = bin.alike.filter(|alike| *alike == value);
        if self.bins.len() > VALUES_MAX {
            self.coarsen();
        }
    }

    /// Puts two neighbours each together.
    fn coarsen(&mut self) {
        self.coarse += 1;
        for (bits, bin) in std::mem::take(&mut self.bins) {
            match self.bins.get_mut(&(bits >> 1)) {
                None => {
                    self.bins.insert(bits >> 1, bin);
                }
                Some(other) => {
                    other.count += bin.count;
                    other.sum += bin.sum;
                    other.alike = other.alike.filter(|alike| bin.alike == Some(*alike));
                }
            }
        }
    }

    pub(super) fn into_summary(self) -> Summary {
        let Bins { count, sum, min, max, bins, .. } = self;
        let mut values = Vec::with_capacity(bins.len() + 2);
        for bin in bins.into_values() {
            match bin.alike {
                Some(value) => values.push((value, bin.count)),
                None => spread(&bin, (min, max), &mut values),
            }
        }
        let values = if min == max { Values::One } else { Values::Many(values) };
        Summary { count, sum, min, max, values }
    }
}

/// The samples of a bin are as many times their mean, but for the extremes of all, which stay what they are.
fn spread(bin: &Bin, (min, max): (f64, f64), values: &mut Vec<(f64, f64)>) {
    let (mut count, mut sum) = (bin.count, bin.sum);
    let mean = sum / count;
    let is_here = |extreme: f64| extreme.to_bits() >> 52 == mean.to_bits() >> 52;
    for extreme in [min, max] {
        // It is in this bin when it is no further away than the bin is wide.
        if count > 1.0 && is_here(extreme) && (extreme - mean).abs() <= mean.abs() / 256.0 {
            values.push((extreme, 1.0));
            count -= 1.0;
            sum -= extreme;
        }
    }
    values.push(((sum / count).clamp(min, max), count));
}

/// Keys are numbers already; they only have to be spread over the places of a table.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, bits: u64) {
        self.0 = (self.0.rotate_left(5) ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_distribution_is_close_and_its_totals_exact(samples in prop::collection::vec(1e-3f64..1e5, 1..4000)) {
            let mut bins = Bins::of(samples[0]);
            samples[1..].iter().for_each(|value| bins.add(*value));
            let summary = bins.into_summary();
            prop_assert_eq!(summary.count, samples.len() as f64);
            prop_assert!((summary.sum - samples.iter().sum::<f64>()).abs() < 1e-6 * summary.sum);
            let mut sorted = samples;
            sorted.sort_unstable_by(f64::total_cmp);
            prop_assert_eq!((summary.min, summary.max), (sorted[0], sorted[sorted.len() - 1]));
            let kept = summary.distribution().unwrap();
            prop_assert_eq!(kept.iter().map(|(_, count)| count).sum::<f64>(), sorted.len() as f64);
            prop_assert_eq!((kept[0].0, kept[kept.len() - 1].0), (summary.min, summary.max));
            let mut at = 0;
            for (value, count) in kept {
                let middle = sorted[at + count as usize / 2];
                prop_assert!((value / middle - 1.0).abs() < 0.04, "{value} {middle}");
                at += count as usize;
            }
        }

        #[test]
        fn small_whole_numbers_and_their_halves_stay_what_they_are(samples in prop::collection::vec(0u16..500, 1..300)) {
            let samples: Vec<f64> = samples.into_iter().map(|value| f64::from(value) / 2.0).collect();
            let mut bins = Bins::of(samples[0]);
            samples[1..].iter().for_each(|value| bins.add(*value));
            let mut expected = Summary::of(samples[0], 1.0);
            samples[1..].iter().for_each(|value| expected.add(*value, 1.0));
            prop_assert_eq!(bins.into_summary().distribution(), expected.distribution());
        }
    }
}
