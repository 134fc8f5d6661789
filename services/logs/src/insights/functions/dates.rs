use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Arguments, Function, number, text};
use crate::insights::record::Record;
use crate::insights::value::Value;
use crate::transform::dates::{Format, Zone};

/// Of a format, in characters.
const FORMAT_MAX: usize = 256;

pub(super) fn call(function: Function, of: &Arguments<'_, '_>, record: &Record) -> Option<Value> {
    Some(match function {
        Function::Bin => match of.values {
            [span] => floor(record.time(), span.number()),
            _ => floor(of.number(0), of.number(1)),
        },
        Function::DateFloor => floor(of.number(0), of.number(1)),
        Function::DateCeil => match (of.number(0), of.number(1)) {
            (Some(at), Some(span)) if span >= 1.0 => Value::Time(((at / span).ceil() * span) as i64),
            _ => Value::Missing,
        },
        Function::FromMillis => of.number(0).map_or(Value::Missing, |ms| Value::Time(ms as i64)),
        Function::ToMillis => number(of.number(0)),
        Function::ParseDate => number(parsed(of).map(|ms| ms as f64)),
        Function::FormatDate => text(formatted(of)),
        _ => return None,
    })
}

fn floor(at: Option<f64>, span: Option<f64>) -> Value {
    match (at, span) {
        (Some(at), Some(span)) if span >= 1.0 => Value::Time(((at / span).floor() * span) as i64),
        _ => Value::Missing,
    }
}

/// A date by a pattern of Java's DateTimeFormatter. One that names its own zone is in that.
fn parsed(of: &Arguments<'_, '_>) -> Option<i64> {
    let (date, format) = (of.text(0)?, Format::new(&of.text(1)?)?);
    let (in_utc, an_hour_east) = (format.parse(&date, &Zone::UTC)?, format.parse(&date, &Zone::Fixed(3600))?);
    if in_utc == an_hour_east || of.values.len() < 3 {
        return Some(in_utc);
    }
    let local = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(in_utc).ok()?);
    Some(ms(local, &of.zone(2)?)?.as_millisecond())
}

/// A time that a change of the clock leaves out is the one after it; of one that comes twice, the first.
fn ms(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(local).ok()
}

/// A time by a format of strftime.
fn formatted(of: &Arguments<'_, '_>) -> Option<String> {
    let format = of.text(1).filter(|format| format.len() <= FORMAT_MAX)?;
    let at = Timestamp::from_millisecond(of.number(0)? as i64).ok()?;
    jiff::fmt::strtime::format(&*format, &at.to_zoned(of.zone(2)?)).ok()
}
