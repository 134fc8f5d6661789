//! From points to a state. Source: CloudWatch User Guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data".

use crate::model::StateValue;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Treatment {
    Breaching,
    NotBreaching,
    Ignore,
    Missing,
}

impl Treatment {
    pub(crate) fn parse(text: &str) -> Option<Treatment> {
        Some(match text {
            "breaching" => Treatment::Breaching,
            "notBreaching" => Treatment::NotBreaching,
            "ignore" => Treatment::Ignore,
            "missing" => Treatment::Missing,
            _ => return None,
        })
    }
}

/// M of N.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) periods: usize,
    pub(crate) breaching: usize,
    pub(crate) missing: Treatment,
}

/// Periods that are looked at for so many that count: some more, so that late points are seen.
pub(crate) fn range(periods: usize) -> usize {
    periods + 2
}

/// `points` are the periods of the range, the newest first: whether each breaches, `None` where there is no point. Answers with the
/// state, or `None` for the one that it is in.
pub(crate) fn decide(points: &[Option<bool>], wanted: Wanted) -> Option<StateValue> {
    let Wanted { periods, breaching: needed, missing } = wanted;
    let real: Vec<(usize, bool)> =
        points.iter().enumerate().filter_map(|(age, point)| Some((age + 1, (*point)?))).collect();
    let count = |real: &[(usize, bool)]| real.iter().filter(|(_, breaching)| *breaching).count();
    let of = |alarm: bool| Some(if alarm { StateValue::Alarm } else { StateValue::Ok });
    if real.len() >= periods {
        return of(count(&real[..periods]) >= needed);
    }
    let filled = periods - real.len();
    let breaching = count(&real);
    if breaching >= needed {
        return of(true);
    }
    match missing {
        Treatment::Breaching => of(breaching + filled >= needed),
        Treatment::NotBreaching => of(false),
        // One good point is enough to be fine.
        Treatment::Ignore | Treatment::Missing if breaching < real.len() => of(false),
        Treatment::Ignore => None,
        Treatment::Missing => match real.iter().map(|(age, _)| *age).max() {
            None => Some(StateValue::InsufficientData),
            // Nothing but breaching points, the oldest of them as old as would do: waiting longer would not tell more.
            Some(oldest) if oldest >= needed => of(true),
            Some(_) => None,
        },
    }
}

/// Samples below which a percentile says little. Source: "Percentile-based alarms and low data samples".
pub(crate) fn samples_needed(percentile: f64) -> f64 {
    let share = percentile / 100.0;
    if share >= 0.5 { 10.0 / (1.0 - share).max(1e-9) } else { 10.0 / share.max(1e-9) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables of the user guide: oldest point first, `0` within the threshold, `X` breaching, `-` missing; then the state for missing, ignore,
    /// breaching, notBreaching, where `.` is the state that it was in.
    const THREE_OF_THREE: [(&str, &str); 5] =
        [("0-X-X", "OOOO"), ("0----", "OOOO"), ("-----", "I.AO"), ("0XX-X", "AAAA"), ("--X--", "A.AO")];
    const TWO_OF_THREE: [(&str, &str); 5] =
        [("0-X-X", "AAAA"), ("00X0X", "AAAA"), ("0-X--", "OOAO"), ("----0", "OOAO"), ("---X-", "A.AO")];

    #[test]
    fn the_tables_of_the_user_guide() {
        for (needed, table) in [(3, THREE_OF_THREE), (2, TWO_OF_THREE)] {
            for (points, states) in table {
                let newest_first: Vec<Option<bool>> = points
                    .chars()
                    .rev()
                    .map(|point| match point {
                        '0' => Some(false),
                        'X' => Some(true),
                        _ => None,
                    })
                    .collect();
                let treatments =
                    [Treatment::Missing, Treatment::Ignore, Treatment::Breaching, Treatment::NotBreaching];
                for (missing, expected) in treatments.into_iter().zip(states.chars()) {
                    let wanted = Wanted { periods: 3, breaching: needed, missing };
                    let shown = match decide(&newest_first, wanted) {
                        Some(StateValue::Alarm) => 'A',
                        Some(StateValue::Ok) => 'O',
                        Some(StateValue::InsufficientData) => 'I',
                        None => '.',
                    };
                    assert_eq!(shown, expected, "{points} {needed} of 3, {missing:?}");
                }
            }
        }
        // A single new point of three does not alarm before its time.
        let wanted = Wanted { periods: 3, breaching: 3, missing: Treatment::Missing };
        assert_eq!(decide(&[Some(true), None, None, None, None], wanted), None);
    }

    #[test]
    fn samples_that_a_percentile_needs() {
        assert!((samples_needed(99.0) - 1000.0).abs() < 1e-6);
        assert!((samples_needed(50.0) - 20.0).abs() < 1e-6);
        assert!((samples_needed(10.0) - 100.0).abs() < 1e-6);
    }
}
