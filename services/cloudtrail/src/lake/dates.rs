//! Times that are moved, and how far apart they are. Source: Trino, "Date and time functions".

use haneul_kit::Instant;

use super::value::parse_time;

const SECOND_MS: i64 = 1000;
const DAY_MS: i64 = 86_400 * SECOND_MS;

/// How long a unit is, in milliseconds; `Err` in months.
fn length(unit: &str) -> Option<Result<i64, i64>> {
    let unit = unit.to_ascii_lowercase();
    Some(match unit.strip_suffix('s').unwrap_or(&unit) {
        "millisecond" => Ok(1),
        "second" => Ok(SECOND_MS),
        "minute" => Ok(60 * SECOND_MS),
        "hour" => Ok(3600 * SECOND_MS),
        "day" => Ok(DAY_MS),
        "week" => Ok(7 * DAY_MS),
        "month" => Err(1),
        "quarter" => Err(3),
        "year" => Err(12),
        _ => return None,
    })
}

/// A time so many units later.
pub(super) fn add(unit: &str, number: i64, at: Instant) -> Option<Instant> {
    match length(unit)? {
        Ok(ms) => within(at.millis().checked_add(number.checked_mul(ms)?)?),
        Err(months) => {
            let (month, day, rest_ms) = civil(at)?;
            let month = month.checked_add(number.checked_mul(months)?)?;
            let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
            // The last day of a month that is shorter.
            let first_ms =
                (28..=day).rev().find_map(|day| date(year, month, day)).or_else(|| date(year, month, day))?;
            within(first_ms + rest_ms)
        }
    }
}

/// How many whole units lie between two times.
pub(super) fn between(unit: &str, from: Instant, to: Instant) -> Option<i64> {
    let months = match length(unit)? {
        Ok(ms) => return Some((to.millis() - from.millis()) / ms),
        Err(months) => months,
    };
    let ((one, day, ms), (other, later_day, later_ms)) = (civil(from)?, civil(to)?);
    let whole = other - one;
    let partial = (later_day, later_ms).cmp(&(day, ms));
    let whole = match whole.signum() {
        1 if partial.is_lt() => whole - 1,
        -1 if partial.is_gt() => whole + 1,
        _ => whole,
    };
    Some(whole / months)
}

/// Monday is 1.
pub(super) fn day_of_week(at: Instant) -> i64 {
    // The first day of the epoch was a Thursday.
    (at.millis().div_euclid(DAY_MS) + 3).rem_euclid(7) + 1
}

/// A time that can be written.
pub(super) fn within(ms: i64) -> Option<Instant> {
    const LEAST: i64 = -62_135_596_800_000;
    const MOST: i64 = 253_402_300_799_999;
    (LEAST..=MOST).contains(&ms).then(|| Instant::from_millis(ms))
}

/// Months since the year 0, the day of the month, and milliseconds of the day.
fn civil(at: Instant) -> Option<(i64, i64, i64)> {
    let text = at.iso8601();
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    Some((part(0..4)? * 12 + part(5..7)? - 1, part(8..10)?, at.millis().rem_euclid(DAY_MS)))
}

fn date(year: i64, month: i64, day: i64) -> Option<i64> {
    let text = format!("{year:04}-{month:02}-{day:02}");
    let at = parse_time(&text)?;
    (at.iso8601().get(..10)? == text).then(|| at.millis())
}

pub(super) fn day_of_year(at: Instant) -> Option<i64> {
    let first = parse_time(&format!("{}-01-01", at.iso8601().get(..4)?))?;
    Some((at.millis() - first.millis()).div_euclid(DAY_MS) + 1)
}

/// The year and the week in it, by ISO 8601: the week belongs to the year of its Thursday.
pub(super) fn week(at: Instant) -> Option<(i64, i64)> {
    let thursday = within(at.millis() + (4 - day_of_week(at)) * DAY_MS)?;
    let year = thursday.iso8601().get(..4)?.parse().ok()?;
    Some((year, (day_of_year(thursday)? - 1) / 7 + 1))
}
