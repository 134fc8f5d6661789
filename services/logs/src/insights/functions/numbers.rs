use super::{Arguments, Function, number};
use crate::insights::value::Value;

/// Of the Earth, in kilometers.
const RADIUS_KM: f64 = 6371.0;

pub(super) fn call(function: Function, of: &Arguments<'_, '_>) -> Option<Value> {
    let one = |f: fn(f64) -> f64| number(of.number(0).map(f));
    let all = || of.values.iter().filter_map(|value| value.number());
    Some(match function {
        Function::Abs => one(f64::abs),
        Function::Ceil => one(f64::ceil),
        Function::Floor => one(f64::floor),
        Function::Log => one(f64::ln),
        Function::Sqrt => one(f64::sqrt),
        Function::ToNumber | Function::ToDouble => one(|number| number),
        Function::ToInt => whole(of.number(0), f64::from(i32::MIN), f64::from(i32::MAX)),
        Function::ToLong => whole(of.number(0), i64::MIN as f64, i64::MAX as f64),
        Function::Greatest => number(all().reduce(f64::max)),
        Function::Least => number(all().reduce(f64::min)),
        Function::Round => number(of.number(0).and_then(|value| match of.values.len() {
            1 => Some(value.round()),
            // Beyond what a number has there is nothing to round.
            _ => {
                let digits = 10f64.powi(of.number(1)?.clamp(-300.0, 15.0) as i32);
                Some((value * digits).round() / digits)
            }
        })),
        Function::Haversine => number(distance(of)),
        _ => return None,
    })
}

/// Without what is behind the point; nothing for what does not fit.
fn whole(value: Option<f64>, least: f64, most: f64) -> Value {
    number(value.map(f64::trunc).filter(|value| (least..=most).contains(value)))
}

fn distance(of: &Arguments<'_, '_>) -> Option<f64> {
    let degrees = |i: usize, most: f64| of.number(i).filter(|degrees| degrees.abs() <= most);
    let (lat1, lon1) = (degrees(0, 90.0)?.to_radians(), degrees(1, 360.0)?.to_radians());
    let (lat2, lon2) = (degrees(2, 90.0)?.to_radians(), degrees(3, 360.0)?.to_radians());
    let half = |a: f64, b: f64| ((b - a) / 2.0).sin().powi(2);
    let chord = half(lat1, lat2) + lat1.cos() * lat2.cos() * half(lon1, lon2);
    Some(2.0 * RADIUS_KM * chord.clamp(0.0, 1.0).sqrt().asin())
}
