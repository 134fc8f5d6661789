//! Dates of conditions: the W3C profile of ISO 8601 (NOTE-datetime), or seconds since the epoch.

/// Nanoseconds since 1970-01-01T00:00:00Z.
pub(crate) type Nanos = i128;

const SECOND: i128 = 1_000_000_000;

/// `2020`, `2020-04`, `2020-04-01`, `2020-04-01T00:00Z`, `…:00:00Z`, `…:00:00.5+09:00`, or `1585699200`.
/// Four digits are a year. A time without a zone is taken as UTC.
pub(crate) fn parse(text: &str) -> Option<Nanos> {
    let text = text.trim();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.len() != 4 && !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok().map(|s| i128::from(s) * SECOND);
    }
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut fields = date.split('-');
    let year = digits(fields.next()?, 4)?;
    let month = fields.next().map_or(Some(1), |f| digits(f, 2))?;
    let day = fields.next().map_or(Some(1), |f| digits(f, 2))?;
    if fields.next().is_some()
        || !(1..=12).contains(&month)
        || !(1..=days_in_month(year, month)).contains(&day)
    {
        return None;
    }
    let midnight = i128::from(days_from_civil(year, month, day)) * 86_400 * SECOND;
    match time {
        None => Some(midnight),
        Some(_) if date.len() != 10 => None,
        Some(time) => Some(midnight + time_of_day(time)?),
    }
}

fn time_of_day(time: &str) -> Option<Nanos> {
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let mut fields = clock.split(':');
    let hour = digits(fields.next()?, 2)?;
    let minute = digits(fields.next()?, 2)?;
    let (second, fraction) = match fields.next() {
        None => (0, 0),
        Some(field) => match field.split_once('.') {
            Some((second, fraction)) => (digits(second, 2)?, nanos(fraction)?),
            None => (digits(field, 2)?, 0),
        },
    };
    if fields.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => 0,
        [sign, ..] => {
            let (hours, minutes) = match zone[1..].split_once(':') {
                Some(pair) => pair,
                None => zone[1..].split_at_checked(2)?,
            };
            let seconds = digits(hours, 2)? * 3600 + digits(minutes, 2)? * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
    };
    Some(i128::from(hour * 3600 + minute * 60 + second - offset) * SECOND + i128::from(fraction))
}

fn digits(field: &str, width: usize) -> Option<i64> {
    let ok = field.len() == width && field.bytes().all(|b| b.is_ascii_digit());
    if ok { field.parse().ok() } else { None }
}

fn nanos(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || fraction.len() > 18 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok()
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since the epoch in the proleptic Gregorian calendar: years are counted from March, so that the leap
/// day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let at = |seconds: i128| Some(seconds * SECOND);
        assert_eq!(parse("1970-01-01T00:00:00Z"), at(0));
        assert_eq!(parse("2020-01-01T00:00:01Z"), at(1_577_836_801));
        assert_eq!(parse("2020-01-01T09:00:01+09:00"), at(1_577_836_801));
        assert_eq!(parse("2020-01-01T00:00Z"), at(1_577_836_800));
        assert_eq!(parse("2020"), at(1_577_836_800));
        assert_eq!(parse("2020-02-29"), at(1_582_934_400));
        assert_eq!(parse("1577836801"), at(1_577_836_801));
        assert_eq!(parse("2020-01-01T00:00:01.5Z"), Some(1_577_836_801 * SECOND + SECOND / 2));
        for bad in [
            "",
            "x",
            "2021-02-29",
            "2020-13",
            "2020-1-1",
            "2020-01-01T24:00Z",
            "2020-01T00:00Z",
            "-",
            "1e9",
            "2020-01-01T00:00+é:",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
