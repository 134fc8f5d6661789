//! Source: Trino, "Date and time functions and operators". Times are of UTC.

use haneul_kit::Instant;

use super::{Entry, entry, text};
use crate::lake::cast::day;
use crate::lake::dates;
use crate::lake::value::{Value, parse_time};

pub(super) const TABLE: &[Entry] = &[
    entry("date", 1, 1, |all| day(&all[0])),
    entry("date_add", 3, 3, |all| {
        let moved = dates::add(&text(all, 0)?, all[1].whole()?, all[2].time()?)?;
        let is_day = matches!(all[2], Value::Date(_)) && moved.millis() % 86_400_000 == 0;
        Some(if is_day { Value::Date(moved) } else { Value::Time(moved) })
    }),
    entry("date_diff", 3, 3, |all| {
        Some(Value::Int(dates::between(&text(all, 0)?, all[1].time()?, all[2].time()?)?))
    }),
    entry("date_trunc", 2, 2, truncated),
    entry("day", 1, 1, |all| part(all, 8..10)),
    entry("day_of_month", 1, 1, |all| part(all, 8..10)),
    entry("day_of_week", 1, 1, |all| Some(Value::Int(dates::day_of_week(all[0].time()?)))),
    entry("dow", 1, 1, |all| Some(Value::Int(dates::day_of_week(all[0].time()?)))),
    entry("day_of_year", 1, 1, |all| Some(Value::Int(dates::day_of_year(all[0].time()?)?))),
    entry("doy", 1, 1, |all| Some(Value::Int(dates::day_of_year(all[0].time()?)?))),
    entry("from_iso8601_date", 1, 1, |all| day(&all[0])),
    entry("from_iso8601_timestamp", 1, 1, |all| Some(Value::Time(all[0].time()?))),
    entry("from_unixtime", 1, 1, |all| Some(Value::Time(dates::within((all[0].number()? * 1000.0) as i64)?))),
    entry("hour", 1, 1, |all| part(all, 11..13)),
    entry("last_day_of_month", 1, 1, |all| {
        let first = parse_time(&format!("{}-01", all[0].time()?.iso8601().get(..7)?))?;
        Some(Value::Date(dates::add("day", -1, dates::add("month", 1, first)?)?))
    }),
    entry("millisecond", 1, 1, |all| Some(Value::Int(all[0].time()?.millis().rem_euclid(1000)))),
    entry("minute", 1, 1, |all| part(all, 14..16)),
    entry("month", 1, 1, |all| part(all, 5..7)),
    entry("quarter", 1, 1, |all| Some(Value::Int((number(all[0].time()?, 5..7)? + 2) / 3))),
    entry("second", 1, 1, |all| part(all, 17..19)),
    entry("to_iso8601", 1, 1, |all| match &all[0] {
        Value::Date(_) => Some(Value::Text(all[0].shown()?)),
        other => Some(Value::Text(other.time()?.iso8601_millis())),
    }),
    entry("to_unixtime", 1, 1, |all| Some(Value::Float(all[0].time()?.millis() as f64 / 1000.0))),
    entry("week", 1, 1, |all| Some(Value::Int(dates::week(all[0].time()?)?.1))),
    entry("week_of_year", 1, 1, |all| Some(Value::Int(dates::week(all[0].time()?)?.1))),
    entry("year", 1, 1, |all| part(all, 0..4)),
    entry("year_of_week", 1, 1, |all| Some(Value::Int(dates::week(all[0].time()?)?.0))),
    entry("yow", 1, 1, |all| Some(Value::Int(dates::week(all[0].time()?)?.0))),
];

fn number(at: Instant, range: std::ops::Range<usize>) -> Option<i64> {
    at.iso8601().get(range)?.parse().ok()
}

fn part(all: &[Value], range: std::ops::Range<usize>) -> Option<Value> {
    Some(Value::Int(number(all[0].time()?, range)?))
}

fn truncated(all: &[Value]) -> Option<Value> {
    let at = all[1].time()?;
    let iso = at.iso8601();
    let unit = text(all, 0)?.to_ascii_lowercase();
    let (keep, rest) = match &*unit {
        "year" => (4, "-01-01T00:00:00Z"),
        "quarter" => {
            let month = (number(at, 5..7)? - 1) / 3 * 3 + 1;
            let first = parse_time(&format!("{}-{month:02}-01", iso.get(..4)?))?;
            return Some(Value::Time(first));
        }
        "month" => (7, "-01T00:00:00Z"),
        "week" => {
            let back = dates::add("day", 1 - dates::day_of_week(at), at)?;
            return Some(Value::Time(parse_time(back.iso8601().get(..10)?)?));
        }
        "day" => (10, "T00:00:00Z"),
        "hour" => (13, ":00:00Z"),
        "minute" => (16, ":00Z"),
        "second" => (19, "Z"),
        "millisecond" => return Some(Value::Time(at)),
        _ => return None,
    };
    Some(Value::Time(parse_time(&format!("{}{rest}", iso.get(..keep)?))?))
}
