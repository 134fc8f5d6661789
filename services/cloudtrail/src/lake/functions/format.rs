//! Times as texts and back, by patterns of MySQL (`date_format`, `date_parse`) and of Joda (`format_datetime`, `parse_datetime`).

use haneul_base::instant::{DAYS, MONTHS};
use haneul_kit::Instant;

use super::{Entry, entry, fits, text};
use crate::lake::dates;
use crate::lake::value::{Value, parse_time};

pub(super) const TABLE: &[Entry] = &[
    entry("date_format", 2, 2, |all| fits(write(&mysql(&text(all, 1)?)?, all[0].time()?)?)),
    entry("date_parse", 2, 2, |all| Some(Value::Time(read(&mysql(&text(all, 1)?)?, &text(all, 0)?)?))),
    entry("format_datetime", 2, 2, |all| fits(write(&joda(&text(all, 1)?)?, all[0].time()?)?)),
    entry("parse_datetime", 2, 2, |all| Some(Value::Time(read(&joda(&text(all, 1)?)?, &text(all, 0)?)?))),
];

const PATTERN_MAX: usize = 200;

enum Part {
    Is(char),
    /// A number with so many digits at least.
    Number(What, usize),
    /// A name, or its first three letters.
    Name(&'static [&'static str], What, bool),
    Noon,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    Year,
    ShortYear,
    Month,
    Day,
    DayOfYear,
    DayOfWeek,
    Hour,
    Hour12,
    Minute,
    Second,
    /// The first digits of a second's fraction.
    Fraction,
}

fn mysql(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = pattern.chars().take(PATTERN_MAX);
    while let Some(c) = rest.next() {
        if c != '%' {
            parts.push(Part::Is(c));
            continue;
        }
        match rest.next()? {
            'Y' => parts.push(Part::Number(What::Year, 4)),
            'y' => parts.push(Part::Number(What::ShortYear, 2)),
            'm' => parts.push(Part::Number(What::Month, 2)),
            'c' => parts.push(Part::Number(What::Month, 1)),
            'd' => parts.push(Part::Number(What::Day, 2)),
            'e' => parts.push(Part::Number(What::Day, 1)),
            'j' => parts.push(Part::Number(What::DayOfYear, 3)),
            'H' => parts.push(Part::Number(What::Hour, 2)),
            'k' => parts.push(Part::Number(What::Hour, 1)),
            'h' | 'I' => parts.push(Part::Number(What::Hour12, 2)),
            'l' => parts.push(Part::Number(What::Hour12, 1)),
            'i' => parts.push(Part::Number(What::Minute, 2)),
            's' | 'S' => parts.push(Part::Number(What::Second, 2)),
            'f' => parts.push(Part::Number(What::Fraction, 6)),
            'M' => parts.push(Part::Name(&MONTHS, What::Month, false)),
            'b' => parts.push(Part::Name(&MONTHS, What::Month, true)),
            'W' => parts.push(Part::Name(&DAYS, What::DayOfWeek, false)),
            'a' => parts.push(Part::Name(&DAYS, What::DayOfWeek, true)),
            'p' => parts.push(Part::Noon),
            'T' => parts.extend(mysql("%H:%i:%s")?),
            'r' => parts.extend(mysql("%h:%i:%s %p")?),
            c if c.is_ascii_alphabetic() => return None,
            c => parts.push(Part::Is(c)),
        }
    }
    Some(parts)
}

fn joda(pattern: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = pattern.chars().take(PATTERN_MAX).peekable();
    while let Some(c) = rest.next() {
        if c == '\'' {
            match rest.next()? {
                '\'' => parts.push(Part::Is('\'')),
                first => {
                    parts.push(Part::Is(first));
                    parts.extend(rest.by_ref().take_while(|c| *c != '\'').map(Part::Is));
                }
            }
            continue;
        }
        let mut count = 1;
        while c.is_ascii_alphabetic() && rest.next_if_eq(&c).is_some() {
            count += 1;
        }
        parts.push(match (c, count) {
            ('y' | 'Y', 2) => Part::Number(What::ShortYear, 2),
            ('y' | 'Y', _) => Part::Number(What::Year, count),
            ('M', 1 | 2) => Part::Number(What::Month, count),
            ('M', _) => Part::Name(&MONTHS, What::Month, count == 3),
            ('d', _) => Part::Number(What::Day, count),
            ('D', _) => Part::Number(What::DayOfYear, count),
            ('e', _) => Part::Number(What::DayOfWeek, count),
            ('E', _) => Part::Name(&DAYS, What::DayOfWeek, count < 4),
            ('H', _) => Part::Number(What::Hour, count),
            ('h', _) => Part::Number(What::Hour12, count),
            ('m', _) => Part::Number(What::Minute, count),
            ('s', _) => Part::Number(What::Second, count),
            ('S', _) => Part::Number(What::Fraction, count.min(9)),
            ('a', _) => Part::Noon,
            (c, _) if c.is_ascii_alphabetic() => return None,
            (c, _) => Part::Is(c),
        });
    }
    Some(parts)
}

fn value(what: What, at: Instant) -> Option<i64> {
    let iso = at.iso8601();
    let part = |range: std::ops::Range<usize>| iso.get(range)?.parse::<i64>().ok();
    Some(match what {
        What::Year => part(0..4)?,
        What::ShortYear => part(2..4)?,
        What::Month => part(5..7)?,
        What::Day => part(8..10)?,
        What::DayOfYear => dates::day_of_year(at)?,
        What::DayOfWeek => dates::day_of_week(at),
        What::Hour => part(11..13)?,
        What::Hour12 => (part(11..13)? + 11) % 12 + 1,
        What::Minute => part(14..16)?,
        What::Second => part(17..19)?,
        What::Fraction => at.millis().rem_euclid(1000),
    })
}

fn write(parts: &[Part], at: Instant) -> Option<String> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Is(c) => out.push(*c),
            Part::Number(What::Fraction, digits) => {
                let nine = format!("{:03}000000", value(What::Fraction, at)?);
                out.push_str(nine.get(..*digits)?);
            }
            Part::Number(what, digits) => {
                out.push_str(&format!("{:0digits$}", value(*what, at)?, digits = *digits));
            }
            Part::Name(names, what, short) => {
                let name = names.get(usize::try_from(value(*what, at)? - 1).ok()?)?;
                out.push_str(if *short { name.get(..3)? } else { name });
            }
            Part::Noon => out.push_str(if value(What::Hour, at)? < 12 { "AM" } else { "PM" }),
        }
    }
    Some(out)
}

fn read(parts: &[Part], given: &str) -> Option<Instant> {
    let (mut year, mut month, mut day, mut hour, mut minute, mut second, mut ms) = (1970, 1, 1, 0, 0, 0, 0);
    let mut afternoon = None;
    let mut rest = given;
    for (at, part) in parts.iter().enumerate() {
        match part {
            Part::Is(c) => rest = rest.strip_prefix(*c)?,
            Part::Number(What::Fraction, _) => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let three: String = rest.get(..digits)?.chars().chain("000".chars()).take(3).collect();
                ms = three.parse().ok()?;
                rest = rest.get(digits..)?;
            }
            Part::Number(what, _) => {
                let most = match what {
                    What::Year => 4,
                    What::DayOfYear => 3,
                    _ => 2,
                };
                // Digits that stand close to the next number are no more than their own.
                let close = matches!(parts.get(at + 1), Some(Part::Number(..)));
                let limit = if close { most } else { most.max(2) };
                let digits = rest.bytes().take(limit).take_while(u8::is_ascii_digit).count();
                let number: i64 = rest.get(..digits)?.parse().ok()?;
                rest = rest.get(digits..)?;
                match what {
                    What::Year => year = number,
                    What::ShortYear => year = if number < 70 { 2000 + number } else { 1900 + number },
                    What::Month => month = number,
                    What::Day => day = number,
                    What::Hour | What::Hour12 => hour = number,
                    What::Minute => minute = number,
                    What::Second => second = number,
                    What::DayOfYear | What::DayOfWeek | What::Fraction => return None,
                }
            }
            Part::Name(names, what, short) => {
                let shown = |name: &&'static str| if *short { &name[..3] } else { *name };
                let found = names.iter().position(|name| {
                    let name = shown(name);
                    rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
                })?;
                rest = rest.get(shown(&names[found]).len()..)?;
                if *what == What::Month {
                    month = found as i64 + 1;
                }
            }
            Part::Noon => {
                let mark = rest.get(..2)?;
                afternoon = Some(mark.eq_ignore_ascii_case("PM"));
                rest = rest.get(2..)?;
            }
        }
    }
    if let Some(afternoon) = afternoon {
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    let iso = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z");
    rest.is_empty().then(|| parse_time(&iso)).flatten()
}
