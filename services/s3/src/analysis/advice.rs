//! When STANDARD_IA would be cheaper. AWS tells what it looks at (bytes stored and bytes read by age, of thirty days or more), not
//! how it decides; this decides by what the two classes cost.

use super::GROUPS;
use crate::model::analysis::{Day, Figures};

/// Days that are looked at, and that have to be observed before there is an answer.
const DAYS: usize = 30;

/// Days for which an observed age has to stay the same until it is recommended.
const STABLE_DAYS: usize = 15;

/// A lifecycle rule cannot move younger objects to STANDARD_IA, in days.
const AGE_MIN: i64 = 30;

/// Bytes read in thirty days for each byte stored, below which STANDARD_IA is cheaper: it saves $0.0105 per GB and month, and takes
/// $0.01 for each GB read (us-east-1).
const RATIO_MAX: f64 = 1.05;

const CLASS: &str = "STANDARD";

/// What objects of an age group or older were read, for each byte stored, over the days.
pub(crate) fn cumulative_ratio(days: &[(u64, Day)], class: &str, from: usize) -> Option<f64> {
    let mut sum = Figures::default();
    let mut counted = 0u64;
    for (_, day) in days.iter().filter(|(_, day)| day.counted) {
        counted += 1;
        let rows = day.rows.iter().filter(|row| row.class == class && row.group >= from);
        rows.for_each(|row| sum.add(&row.figures));
    }
    // On average over the days.
    let stored = sum.stored as f64 / counted.max(1) as f64;
    (stored > 0.0).then(|| sum.retrieved as f64 / stored)
}

/// The days that an answer for the last one is made of.
pub(crate) fn window(days: &[(u64, Day)]) -> &[(u64, Day)] {
    &days[days.len().saturating_sub(DAYS)..]
}

/// Of each day, the age from which objects were read so little that they should be in STANDARD_IA.
pub(crate) fn observed(days: &[(u64, Day)]) -> Vec<Option<i64>> {
    let mut counted = 0;
    let of_day = |(at, (_, day)): (usize, &(u64, Day))| {
        counted += usize::from(day.counted);
        if counted < DAYS {
            return None;
        }
        let window = window(&days[..=at]);
        let ages = GROUPS.iter().enumerate().filter(|(_, (age, _))| *age >= AGE_MIN);
        let mut rare = ages.filter(|(group, _)| {
            cumulative_ratio(window, CLASS, *group).is_some_and(|ratio| ratio < RATIO_MAX)
        });
        rare.next().map(|(_, (age, _))| *age)
    };
    days.iter().enumerate().map(of_day).collect()
}

/// The age that is recommended on the last day of `observed`: once it stays.
pub(crate) fn recommended(observed: &[Option<i64>]) -> Option<i64> {
    let last = observed.len().checked_sub(STABLE_DAYS)?;
    let age = *observed.last()?;
    age.filter(|_| observed[last..].iter().all(|other| *other == age))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten bytes of each of two ages, of which the younger are read `read` times over in thirty days.
    fn day(read: u64) -> Day {
        let mut day = Day { counted: true, ..Day::default() };
        day.add(CLASS, 2, &Figures { objects: 1, stored: 300, retrieved: 10 * read, ..Figures::default() });
        day.add(CLASS, 3, &Figures { objects: 1, stored: 300, ..Figures::default() });
        day
    }

    #[test]
    fn after_thirty_days_and_when_it_stays() {
        let days = |count: u64, read: u64| -> Vec<_> { (0..count).map(|i| (i, day(read))).collect() };
        let last = |days: &[(u64, Day)]| {
            let all = observed(days);
            (*all.last().unwrap(), recommended(&all))
        };
        assert_eq!(last(&days(29, 1)), (None, None));
        assert_eq!(last(&days(30, 1)), (Some(30), None));
        assert_eq!(last(&days(44, 1)), (Some(30), Some(30)));
        // Read three times over, they and the older ones together are read too much.
        assert_eq!(last(&days(60, 3)), (Some(45), Some(45)));
        let mut changing = days(60, 3);
        changing.extend((60..90).map(|i| (i, day(0))));
        assert_eq!(last(&changing), (Some(30), Some(30)));
        assert_eq!(last(&changing[..75]).1, None);
        assert_eq!(cumulative_ratio(&days(30, 3), CLASS, 2), Some(1.5));
        assert_eq!(cumulative_ratio(&days(30, 3), "GLACIER", 2), None);
    }
}
