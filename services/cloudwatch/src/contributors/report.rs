use haneul_kit::contributors::{CONTRIBUTORS_MAX, SEPARATOR, Tally};

/// Contributors that are told apart over the whole of a report.
const TOLD_APART_MAX: usize = 20_000;

/// What is asked of the counts. Times in milliseconds; periods begin at the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) period_ms: i64,
    pub(crate) contributors: usize,
    /// Ranked by the largest observation, not by the sum.
    pub(crate) by_maximum: bool,
}

impl Asked {
    fn period(&self, minute: i64) -> i64 {
        self.start_ms + (minute - self.start_ms).div_euclid(self.period_ms) * self.period_ms
    }
}

/// What there was in one period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Datapoint {
    pub(crate) at_ms: i64,
    pub(crate) unique: f64,
    pub(crate) max_contributor: f64,
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Sums up minutes, which come in their order: over all of the time, or by period, or both.
pub(crate) struct Summing {
    asked: Asked,
    wanted: Wanted,
    total: Tally,
    period: Option<(i64, Tally)>,
    points: Vec<Datapoint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Total,
    Periods,
    Both,
}

impl Summing {
    pub(crate) fn new(asked: Asked, wanted: Wanted) -> Summing {
        Summing { asked, wanted, total: Tally::default(), period: None, points: Vec::new() }
    }

    pub(crate) fn add(&mut self, minute: i64, tally: &Tally) {
        if self.wanted != Wanted::Periods {
            self.total.merge(tally, TOLD_APART_MAX);
        }
        if self.wanted == Wanted::Total {
            return;
        }
        let at = self.asked.period(minute);
        if self.period.as_ref().is_some_and(|(known, _)| *known != at) {
            self.end_period();
        }
        self.period.get_or_insert_with(|| (at, Tally::default())).1.merge(tally, 10 * CONTRIBUTORS_MAX);
    }

    fn end_period(&mut self) {
        let Some((at_ms, tally)) = self.period.take().filter(|(_, tally)| tally.count > 0.0) else { return };
        self.points.push(Datapoint {
            at_ms,
            unique: tally.unique(),
            max_contributor: tally.top.values().map(|share| share.sum).fold(f64::MIN, f64::max),
            count: tally.count,
            sum: tally.sum,
            min: tally.min,
            max: tally.max,
        });
    }

    /// Everything together, and each period that had anything.
    pub(crate) fn done(mut self) -> (Tally, Vec<Datapoint>) {
        self.end_period();
        (self.total, self.points)
    }
}

/// One of those that contributed most.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contributor {
    pub(crate) key: String,
    pub(crate) value: f64,
    /// By time; only where there was something.
    pub(crate) points: Vec<(i64, f64)>,
}

impl Contributor {
    pub(crate) fn keys(&self) -> Vec<String> {
        self.key.split(SEPARATOR).map(str::to_owned).collect()
    }
}

/// The largest contributors, largest first, without their points.
pub(crate) fn ranked(total: &Tally, asked: &Asked) -> Vec<Contributor> {
    let value =
        |share: &haneul_kit::contributors::Share| if asked.by_maximum { share.max } else { share.sum };
    let mut all: Vec<(&String, f64)> = total.top.iter().map(|(key, share)| (key, value(share))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    all.truncate(asked.contributors);
    let contributor =
        |(key, value): (&String, f64)| Contributor { key: key.clone(), value, points: Vec::new() };
    all.into_iter().map(contributor).collect()
}

/// Finds the points of contributors in minutes, which come in their order.
pub(crate) struct Plotting {
    asked: Asked,
    contributors: Vec<Contributor>,
}

impl Plotting {
    pub(crate) fn new(asked: Asked, contributors: Vec<Contributor>) -> Plotting {
        Plotting { asked, contributors }
    }

    pub(crate) fn add(&mut self, minute: i64, tally: &Tally) {
        let at = self.asked.period(minute);
        for contributor in &mut self.contributors {
            let Some(share) = tally.top.get(&contributor.key) else { continue };
            match contributor.points.last_mut().filter(|(known, _)| *known == at) {
                Some((_, value)) if self.asked.by_maximum => *value = value.max(share.max),
                Some((_, value)) => *value += share.sum,
                None => {
                    let value = if self.asked.by_maximum { share.max } else { share.sum };
                    contributor.points.push((at, value));
                }
            }
        }
    }

    pub(crate) fn done(self) -> Vec<Contributor> {
        self.contributors
    }
}
