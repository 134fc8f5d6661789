//! What a metric's values are expected to be: a mean and a deviation for each hour of the week, from what was stored before.
//!
//! A week is cut into 168 hours. Each has the mean and the standard deviation of the points that fell into it in the training range, newer weeks
//! counting more (half after two weeks). Hours with fewer than three points borrow from the hour of the day, then from all. Points far from their
//! hour's median (four times its median deviation, scaled to a standard deviation) are left out, so that an outage does not become what is expected.

/// What is known of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    hours: Vec<(f64, f64)>,
}

/// How far back a model looks, in seconds. Source: "the machine-learning algorithm trains on up to two weeks of data"; more weeks are kept
/// here, so that an hour of the week has more than two values.
pub(crate) const TRAINING_S: i64 = 35 * 86_400;

/// Points that a model needs at least.
pub(crate) const POINTS_MIN: usize = 10;

const HOURS: usize = 168;
const HOUR_S: i64 = 3600;
const HALF_LIFE_S: f64 = 14.0 * 86_400.0;

#[derive(Clone, Copy, Default)]
struct Moments {
    weight: f64,
    points: usize,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64, weight: f64) {
        self.weight += weight;
        self.points += 1;
        self.sum += weight * value;
        self.squares += weight * value * value;
    }

    fn merge(&mut self, other: &Moments) {
        self.weight += other.weight;
        self.points += other.points;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    fn mean_and_deviation(&self) -> (f64, f64) {
        let mean = self.sum / self.weight;
        (mean, (self.squares / self.weight - mean * mean).max(0.0).sqrt())
    }
}

impl Model {
    /// Learns from points before `now`; `offset_s` is what the metric's time zone is ahead of UTC. `None` when there are too few.
    pub(crate) fn train(points: &[(i64, f64)], now: i64, offset_s: i64) -> Option<Model> {
        if points.len() < POINTS_MIN {
            return None;
        }
        let usual = usual(points, offset_s);
        let kept: Vec<(i64, f64)> = points
            .iter()
            .copied()
            .filter(|(at, value)| {
                let (median, deviation) = usual[hour_of_week(*at, offset_s)];
                (value - median).abs() <= 4.0 * deviation
            })
            .collect();
        // Where nothing is usual, everything is.
        let kept = if kept.len() * 2 < points.len() { points } else { &kept };
        Some(Model { hours: learn(kept, now, offset_s) })
    }

    /// The expected value and its deviation.
    pub(crate) fn at(&self, time: i64, offset_s: i64) -> (f64, f64) {
        self.hours[hour_of_week(time, offset_s)]
    }
}

/// What a zone is ahead of UTC, in seconds: `UTC`, `GMT`, `Etc/GMT-9` (which is ahead by nine hours), `+09:00`. Others are refused when they
/// are given.
pub(crate) fn zone_offset_s(zone: &str) -> Option<i64> {
    if matches!(zone, "UTC" | "GMT" | "Etc/UTC" | "Etc/GMT") {
        return Some(0);
    }
    if let Some(hours) = zone.strip_prefix("Etc/GMT") {
        let hours: i64 = hours.parse().ok()?;
        return (-14..=12).contains(&hours).then_some(-hours * HOUR_S);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=14).contains(&hours) && (0..60).contains(&minutes))
        .then_some(sign * (hours * HOUR_S + minutes * 60))
}

pub(crate) fn offset_s(zone: Option<&str>) -> i64 {
    zone.and_then(zone_offset_s).unwrap_or(0)
}

fn hour_of_week(time: i64, offset_s: i64) -> usize {
    ((time + offset_s).div_euclid(HOUR_S)).rem_euclid(HOURS as i64) as usize
}

/// Median and median deviation of each hour of the week.
fn usual(points: &[(i64, f64)], offset_s: i64) -> Vec<(f64, f64)> {
    let mut hours: Vec<Vec<f64>> = vec![Vec::new(); HOURS];
    for (at, value) in points {
        hours[hour_of_week(*at, offset_s)].push(*value);
    }
    let spread = deviation_of(&mut points.iter().map(|(_, value)| *value).collect::<Vec<f64>>()).1;
    hours
        .iter_mut()
        .map(|values| {
            let (median, deviation) = deviation_of(values);
            // Too few points, or all alike: what is usual of the whole metric is wide enough.
            (
                median,
                if values.len() < 6 {
                    f64::INFINITY
                } else {
                    deviation.max(spread * 0.5).max(median.abs() * 0.05).max(1e-9)
                },
            )
        })
        .collect()
}

/// Median, and the median distance from it as a standard deviation would be for a normal distribution.
fn deviation_of(values: &mut [f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, f64::INFINITY);
    }
    let median = middle(values);
    let mut distances: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
    (median, 1.4826 * middle(&mut distances))
}

fn middle(values: &mut [f64]) -> f64 {
    let at = values.len() / 2;
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}

fn learn(points: &[(i64, f64)], now: i64, offset_s: i64) -> Vec<(f64, f64)> {
    let mut hours = [Moments::default(); HOURS];
    for (at, value) in points {
        let age = (now - at).max(0) as f64;
        hours[hour_of_week(*at, offset_s)].add(*value, (-age / HALF_LIFE_S * std::f64::consts::LN_2).exp());
    }
    let mut all = Moments::default();
    let mut days = [Moments::default(); 24];
    for (hour, moments) in hours.iter().enumerate() {
        all.merge(moments);
        days[hour % 24].merge(moments);
    }
    let (_, overall) = all.mean_and_deviation();
    (0..HOURS)
        .map(|hour| {
            let known =
                [&hours[hour], &days[hour % 24], &all].into_iter().find(|moments| moments.points >= 3);
            let (mean, deviation) = known.unwrap_or(&all).mean_and_deviation();
            // A metric that never moved still has a band: a hundredth of what is usual, or of its size.
            (mean, deviation.max(overall * 0.1).max(mean.abs() * 0.01).max(1e-9))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    #[test]
    fn hours_of_the_week_are_learned_and_outages_are_not() {
        let now = 28 * 24 * HOUR;
        // Days are busy, nights are not, and one night there was an outage.
        let value =
            |at: i64| if (8..18).contains(&(at / HOUR % 24)) { 100.0 } else { 10.0 } + (at / 300 % 5) as f64;
        let mut points: Vec<(i64, f64)> = (0..now / 300).map(|i| (i * 300, value(i * 300))).collect();
        points
            .iter_mut()
            .filter(|(at, _)| (500..502).contains(&(at / HOUR)))
            .for_each(|(_, value)| *value = 5000.0);
        let model = Model::train(&points, now, 0).unwrap();
        let (day, wide) = model.at(now + 12 * HOUR, 0);
        assert!((day - 102.0).abs() < 1.0 && wide < 20.0, "{day} {wide}");
        let (night, _) = model.at(now + 2 * HOUR, 0);
        assert!((night - 12.0).abs() < 1.0, "{night}");
        assert_eq!(Model::train(&points[..5], now, 0), None);
        let flat: Vec<(i64, f64)> = (0..50).map(|i| (i * 300, 7.0)).collect();
        let (mean, deviation) = Model::train(&flat, now, 0).unwrap().at(now, 0);
        assert!((mean - 7.0).abs() < 1e-9 && (0.0..0.1).contains(&(deviation - 0.0)), "{mean} {deviation}");
    }
}
