//! Statistics by name, and their values. Source: CloudWatch User Guide, "CloudWatch statistics definitions".

use haneul_kit::metrics::Summary;

/// `Average`, `p99.9`, `TM(2%:98%)`, `PR(:300)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    Percentile(f64),
    /// Interquartile mean, trimmed mean.
    TrimmedMean(Bounds),
    WinsorizedMean(Bounds),
    TrimmedCount(Bounds),
    TrimmedSum(Bounds),
    /// In percent, between two values: exclusive of the lower, inclusive of the upper one.
    PercentileRank(Option<f64>, Option<f64>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bounds {
    /// Shares of the samples, in percent.
    Percent(f64, f64),
    /// Values, the lower exclusive and the upper inclusive.
    Values(Option<f64>, Option<f64>),
}

impl Statistic {
    /// One of the five plain ones, as `Statistics` and `Statistic` name them.
    pub(crate) fn plain(name: &str) -> Option<Statistic> {
        Some(match name {
            "SampleCount" => Statistic::SampleCount,
            "Average" => Statistic::Average,
            "Sum" => Statistic::Sum,
            "Minimum" => Statistic::Minimum,
            "Maximum" => Statistic::Maximum,
            _ => return None,
        })
    }

    /// An extended one: `p90`, `tm95`, `TM(5%:95%)`, `PR(100:2000)`, `IQM`.
    pub(crate) fn extended(text: &str) -> Option<Statistic> {
        if text.len() > 64 || !text.is_ascii() {
            return None;
        }
        let lower = text.to_ascii_lowercase();
        if lower == "iqm" {
            return Some(Statistic::TrimmedMean(Bounds::Percent(25.0, 75.0)));
        }
        if let Some(rest) = lower.strip_prefix('p').filter(|rest| !rest.starts_with('r')) {
            return Some(Statistic::Percentile(percent(rest)?));
        }
        let (kind, rest) = lower.split_at_checked(2)?;
        if kind == "pr" {
            let Bounds::Values(low, high) = bounds(rest)? else { return None };
            return Some(Statistic::PercentileRank(low, high));
        }
        let bounds = match rest.starts_with('(') {
            true => bounds(rest)?,
            false => Bounds::Percent(0.0, percent(rest)?),
        };
        // "Winsorized mean … boundaries are numbers between 0 and 100": with values it is refused there, too.
        match (kind, bounds) {
            ("tm", _) => Some(Statistic::TrimmedMean(bounds)),
            ("tc", _) => Some(Statistic::TrimmedCount(bounds)),
            ("ts", _) => Some(Statistic::TrimmedSum(bounds)),
            ("wm", _) => Some(Statistic::WinsorizedMean(bounds)),
            _ => None,
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Statistic> {
        Statistic::plain(text).or_else(|| Statistic::extended(text))
    }

    /// `None` where the distribution would be needed and is not known, or has negative values.
    pub(crate) fn of(self, summary: &Summary) -> Option<f64> {
        let samples = || summary.distribution().filter(|_| summary.min >= 0.0);
        match self {
            Statistic::SampleCount => Some(summary.count),
            Statistic::Average => Some(summary.sum / summary.count),
            Statistic::Sum => Some(summary.sum),
            Statistic::Minimum => Some(summary.min),
            Statistic::Maximum => Some(summary.max),
            Statistic::Percentile(percent) => Some(percentile(&samples()?, percent)),
            Statistic::TrimmedMean(bounds) => {
                let (count, sum) = trimmed(&samples()?, bounds);
                (count > 0.0).then(|| sum / count)
            }
            Statistic::TrimmedCount(bounds) => Some(trimmed(&samples()?, bounds).0),
            Statistic::TrimmedSum(bounds) => Some(trimmed(&samples()?, bounds).1),
            Statistic::WinsorizedMean(bounds) => {
                let samples = samples()?;
                let (low, high) = match bounds {
                    Bounds::Percent(low, high) => (percentile(&samples, low), percentile(&samples, high)),
                    Bounds::Values(low, high) => (low.unwrap_or(f64::MIN), high.unwrap_or(f64::MAX)),
                };
                let sum: f64 = samples.iter().map(|(value, count)| value.max(low).min(high) * count).sum();
                Some(sum / summary.count)
            }
            Statistic::PercentileRank(low, high) => {
                let (count, _) = trimmed(&samples()?, Bounds::Values(low, high));
                Some(100.0 * count / summary.count)
            }
        }
    }
}

/// `90`, `99.99`: up to 10 decimals, 0 to 100.
fn percent(text: &str) -> Option<f64> {
    let value = number(text)?;
    (value <= 100.0).then_some(value)
}

fn number(text: &str) -> Option<f64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let good = digits(whole)
        && digits(decimals)
        && !(whole.is_empty() && decimals.is_empty())
        && decimals.len() <= 10;
    if good { text.parse().ok() } else { None }
}

/// `(2%:98%)`, `(:300)`, `(150:1000)`, `(5%:)`.
fn bounds(text: &str) -> Option<Bounds> {
    let (low, high) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(':')?;
    let (low, high) = (low.trim(), high.trim());
    let part = |text: &str| match (text, text.strip_suffix('%')) {
        ("", _) => Some((None, None)),
        (_, Some(share)) => Some((Some(percent(share)?), Some(true))),
        (value, None) => Some((Some(number(value)?), Some(false))),
    };
    let ((low, low_share), (high, high_share)) = (part(low)?, part(high)?);
    let ordered = low.zip(high).is_none_or(|(low, high)| low < high);
    match (low_share, high_share) {
        _ if !ordered => None,
        (None, None) => None,
        (Some(true) | None, Some(true) | None) => {
            Some(Bounds::Percent(low.unwrap_or(0.0), high.unwrap_or(100.0)))
        }
        (Some(false) | None, Some(false) | None) => Some(Bounds::Values(low, high)),
        _ => None,
    }
}

/// With linear interpolation between the two samples next to the place: sample `k` of `n` stands at `k / (n - 1)`.
pub(crate) fn percentile(samples: &[(f64, f64)], percent: f64) -> f64 {
    let total: f64 = samples.iter().map(|(_, count)| count).sum();
    let place = (percent / 100.0) * (total - 1.0).max(0.0);
    let (below, part) = (place.floor(), place.fract());
    let low = at(samples, below);
    if part == 0.0 { low } else { low + (at(samples, below + 1.0) - low) * part }
}

/// The sample of this index, counted from zero.
fn at(samples: &[(f64, f64)], index: f64) -> f64 {
    let mut before = 0.0;
    for (value, count) in samples {
        before += count;
        if index < before {
            return *value;
        }
    }
    samples.last().map_or(0.0, |(value, _)| *value)
}

/// Number and sum of the samples within the bounds. A bound in percent cuts through a sample where it must.
fn trimmed(samples: &[(f64, f64)], bounds: Bounds) -> (f64, f64) {
    let (mut count, mut sum) = (0.0, 0.0);
    match bounds {
        Bounds::Values(low, high) => {
            let within =
                |value: f64| low.is_none_or(|low| value > low) && high.is_none_or(|high| value <= high);
            for (value, times) in samples.iter().filter(|(value, _)| within(*value)) {
                count += times;
                sum += value * times;
            }
        }
        Bounds::Percent(low, high) => {
            let total: f64 = samples.iter().map(|(_, count)| count).sum();
            let (from, to) = (total * low / 100.0, total * high / 100.0);
            let mut before = 0.0f64;
            for (value, times) in samples {
                let part = (before + times).min(to) - before.max(from);
                before += times;
                if part > 0.0 {
                    count += part;
                    sum += value * part;
                }
            }
        }
    }
    (count, sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hundred() -> Summary {
        let mut summary = Summary::of(1.0, 1.0);
        (2..=100).for_each(|i| summary.add(f64::from(i), 1.0));
        summary
    }

    #[test]
    fn values_of_one_to_a_hundred() {
        for (name, expected) in [
            ("SampleCount", 100.0),
            ("Average", 50.5),
            ("Sum", 5050.0),
            ("Minimum", 1.0),
            ("Maximum", 100.0),
            ("p0", 1.0),
            ("p50", 50.5),
            ("p90", 90.1),
            ("P99.9", 99.901),
            ("p100", 100.0),
            ("tm90", 45.5),
            ("TM(10%:90%)", 50.5),
            ("TM(:50%)", 25.5),
            ("TM(98:100)", 99.5),
            ("iqm", 50.5),
            ("tc90", 90.0),
            ("TC(10:20)", 10.0),
            ("TC(99%:)", 1.0),
            ("ts10", 55.0),
            ("TS(99:)", 100.0),
            ("PR(:30)", 30.0),
            ("PR(10:30)", 20.0),
            ("PR(90:)", 10.0),
            ("wm100", 50.5),
            ("WM(:50)", (1275.0 + 50.0 * 50.0) / 100.0),
        ] {
            let found = Statistic::parse(name).unwrap().of(&hundred()).unwrap();
            assert!((found - expected).abs() < 1e-9, "{name}: {found}, not {expected}");
        }
    }

    #[test]
    fn what_is_no_statistic() {
        for bad in [
            "",
            "p",
            "p101",
            "p-1",
            "pp50",
            "average",
            "tm",
            "tm101",
            "TM()",
            "TM(:)",
            "TM(5%:10)",
            "TM(90%:10%)",
            "PR(1%:2%)",
            "pr90",
            "iqm50",
            "p1e1",
            "p+1",
            "pNaN",
            "xx(1:2)",
            "TM(1:2",
            "é9",
            "p50.12345678901",
        ] {
            assert_eq!(Statistic::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn distributions_that_are_not_known() {
        let set = Summary::of_statistics(3.0, 6.0, 1.0, 3.0);
        assert_eq!(Statistic::parse("p50").unwrap().of(&set), None);
        assert_eq!(Statistic::Average.of(&set), Some(2.0));
        let mut negative = Summary::of(-1.0, 1.0);
        negative.add(5.0, 1.0);
        assert_eq!(Statistic::parse("p50").unwrap().of(&negative), None);
    }
}
