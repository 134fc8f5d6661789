//! Times in the letters of Java's DateTimeFormatter, as transformers name them: `yyyy-MM-dd'T'HH:mm:ss.SSSXXX`.

use haneul_base::instant::{DAYS, MONTHS};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Where a clock shows what a text says.
pub(crate) enum Zone {
    /// Seconds east of UTC.
    Fixed(i64),
    Named(TimeZone),
}

impl Zone {
    pub(crate) const UTC: Zone = Zone::Fixed(0);

    /// A distance from UTC, or a name of the IANA's time zone database.
    pub(super) fn parse(text: &str) -> Option<Zone> {
        let named = || TimeZone::get(text).ok().map(Zone::Named);
        zone(text).map(Zone::Fixed).or_else(named)
    }

    /// Seconds east of UTC when it is so many seconds since 1970, with the name that they go by then.
    fn offset_at(&self, seconds: i64) -> (i64, Option<String>) {
        match self {
            Zone::Fixed(offset_s) => (*offset_s, None),
            Zone::Named(zone) => {
                let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
                let info = zone.to_offset_info(at);
                (i64::from(info.offset().seconds()), Some(info.abbreviation().to_owned()))
            }
        }
    }

    /// The same when clocks there show so many seconds since 1970: the first of two such times, and behind those that are
    /// left out as much later, as Java has it.
    fn offset_of_local(&self, local: i64) -> i64 {
        let named = |zone: &TimeZone| -> Option<i64> {
            let shown: DateTime = TimeZone::UTC.to_datetime(Timestamp::from_second(local).ok()?);
            let at = zone.to_ambiguous_timestamp(shown).compatible().ok()?;
            Some(local - at.as_second())
        };
        match self {
            Zone::Fixed(offset_s) => *offset_s,
            Zone::Named(zone) => named(zone).unwrap_or_default(),
        }
    }
}

/// One piece of a pattern.
enum Piece {
    Literal(String),
    /// A letter and how often it stands.
    Field(char, usize),
}

/// A compiled pattern.
pub(crate) struct Format(Vec<Piece>);

const PATTERN_MAX: usize = 128;

impl Format {
    pub(crate) fn new(pattern: &str) -> Option<Format> {
        if pattern.len() > PATTERN_MAX {
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = pattern.chars().peekable();
        while let Some(first) = rest.next() {
            if first == '\'' {
                let mut text = String::new();
                loop {
                    match rest.next() {
                        Some('\'') if rest.peek() == Some(&'\'') => {
                            rest.next();
                            text.push('\'');
                        }
                        Some('\'') => break,
                        Some(other) => text.push(other),
                        // An open quote ends with the pattern: AWS's own default has one.
                        None => break,
                    }
                }
                pieces.push(Piece::Literal(text));
            } else if first.is_ascii_alphabetic() {
                let mut count = 1;
                while rest.peek() == Some(&first) {
                    rest.next();
                    count += 1;
                }
                if !"yuMdEHhKkmsSanXxZz".contains(first) {
                    return None;
                }
                pieces.push(Piece::Field(first, count));
            } else {
                pieces.push(Piece::Literal(first.to_string()));
            }
        }
        Some(Format(pieces))
    }

    /// Milliseconds since 1970; `zone` is of a text that names none.
    pub(crate) fn parse(&self, text: &str, zone_of: &Zone) -> Option<i64> {
        let (mut year, mut month, mut day) = (1970i64, 1i64, 1i64);
        let (mut hour, mut minute, mut second, mut milli) = (0i64, 0i64, 0i64, 0i64);
        let (mut afternoon, mut offset) = (None, None);
        let mut rest = text;
        for (at, piece) in self.0.iter().enumerate() {
            let (letter, count) = match piece {
                Piece::Literal(literal) => {
                    rest = rest.strip_prefix(literal.as_str())?;
                    continue;
                }
                Piece::Field(letter, count) => (*letter, *count),
            };
            // Digits that follow one another are told apart by how many there are.
            let glued = matches!(self.0.get(at + 1), Some(Piece::Field(..)));
            let mut number = |most: usize| {
                let most = if glued { count } else { most };
                let end = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
                let value = rest[..end].parse::<i64>().ok()?;
                rest = &rest[end..];
                Some(value)
            };
            match letter {
                'y' | 'u' => {
                    year = number(9)?;
                    if count == 2 {
                        year += 2000;
                    }
                }
                'M' if count <= 2 => month = number(2)?,
                'M' => {
                    let short = count == 3;
                    month = named(&mut rest, &MONTHS, short)? as i64 + 1;
                }
                'd' => day = number(2)?,
                'E' => {
                    let _ = named(&mut rest, &DAYS, count <= 3)?;
                }
                'H' | 'k' => hour = number(2)? % 24,
                'h' | 'K' => hour = number(2)? % 12,
                'm' => minute = number(2)?,
                's' => second = number(2)?,
                'S' | 'n' => {
                    let end = rest.bytes().take(9).take_while(u8::is_ascii_digit).count();
                    let digits = format!("{:0<3}", rest.get(..end)?);
                    milli = digits.get(..3)?.parse().ok()?;
                    rest = &rest[end..];
                }
                'a' => {
                    afternoon = match rest.get(..2)?.to_ascii_uppercase().as_str() {
                        "AM" => Some(false),
                        "PM" => Some(true),
                        _ => return None,
                    };
                    rest = &rest[2..];
                }
                _ => {
                    let end = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
                    offset = Some(zone(&rest[..end])?);
                    rest = &rest[end..];
                }
            }
        }
        if afternoon == Some(true) {
            hour += 12;
        }
        let good = (1..=12).contains(&month) && (1..=31).contains(&day) && minute < 60 && second <= 60;
        if !rest.is_empty() || !good || !(0..10_000).contains(&year) {
            return None;
        }
        let days = days_of(year, month, day);
        let local = days * 86_400 + hour * 3600 + minute * 60 + second;
        let offset = offset.unwrap_or_else(|| zone_of.offset_of_local(local));
        Some((local - offset) * 1000 + milli)
    }

    pub(super) fn format(&self, ms: i64, zone: &Zone) -> String {
        let (offset_s, abbreviation) = zone.offset_at(ms.div_euclid(1000));
        let local = ms.saturating_add(offset_s * 1000);
        let (days, rest) = (local.div_euclid(86_400_000), local.rem_euclid(86_400_000));
        let (year, month, day) = date_of(days);
        let (hour, minute, second, milli) =
            (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60, rest % 1000);
        let mut out = String::new();
        for piece in &self.0 {
            let (letter, count) = match piece {
                Piece::Literal(literal) => {
                    out.push_str(literal);
                    continue;
                }
                Piece::Field(letter, count) => (*letter, (*count).min(9)),
            };
            let text = match letter {
                'y' | 'u' if count == 2 => format!("{:02}", year % 100),
                'y' | 'u' => format!("{year:0count$}"),
                'M' if count <= 2 => format!("{month:0count$}"),
                'M' if count == 3 => MONTHS[(month - 1) as usize][..3].to_owned(),
                'M' => MONTHS[(month - 1) as usize].to_owned(),
                'd' => format!("{day:0count$}"),
                'E' if count <= 3 => DAYS[(days + 3).rem_euclid(7) as usize][..3].to_owned(),
                'E' => DAYS[(days + 3).rem_euclid(7) as usize].to_owned(),
                'H' => format!("{hour:0count$}"),
                'k' => format!("{:0count$}", if hour == 0 { 24 } else { hour }),
                'h' => format!("{:0count$}", (hour + 11) % 12 + 1),
                'K' => format!("{:0count$}", hour % 12),
                'm' => format!("{minute:0count$}"),
                's' => format!("{second:0count$}"),
                'S' | 'n' => format!("{milli:03}000000")[..count].to_owned(),
                'a' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
                'X' if offset_s == 0 => "Z".to_owned(),
                'z' if let Some(name) = &abbreviation => name.clone(),
                'z' if offset_s == 0 => "UTC".to_owned(),
                _ => {
                    let (sign, offset) = (if offset_s < 0 { '-' } else { '+' }, offset_s.abs());
                    let colon = if letter != 'Z' && count == 3 || letter == 'z' { ":" } else { "" };
                    format!("{sign}{:02}{colon}{:02}", offset / 3600, offset / 60 % 60)
                }
            };
            out.push_str(&text);
        }
        out
    }
}

/// Seconds east of UTC: `Z`, `UTC`, `+09:00`, `-0730`, `+09`, `UTC+09:00`.
pub(super) fn zone(text: &str) -> Option<i64> {
    let text = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
    if matches!(text, "" | "Z") {
        return Some(0);
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 1 | 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(digits.len().min(2));
    let minutes: i64 = if minutes.is_empty() { 0 } else { minutes.parse().ok()? };
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes * 60))
}

fn named(rest: &mut &str, names: &[&str], short: bool) -> Option<usize> {
    let is = |name: &str| {
        let name = if short { &name[..3] } else { name };
        rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name))
    };
    let at = names.iter().position(|name| is(name))?;
    *rest = &rest[if short { 3 } else { names[at].len() }..];
    Some(at)
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    (year + era * 400 + i64::from(month <= 2), month, day)
}
