//! Expressions as data: what holds, what is refused and how, what updates and projections come to.

mod conditions;
mod limits;
mod refusals;
mod updates;

use haneul_dynamodb_wire::shapes::AttributeValue;
use haneul_shape::value::Map;

use super::*;
use crate::value::{Attrs, Value, wire};

/// An attribute value in a short form: JSON with `N` as numbers, `S` as strings, sets as `{"SS": […]}` and so on.
pub(super) fn short(json: &serde_json::Value) -> AttributeValue {
    use serde_json::Value as J;
    match json {
        J::Null => AttributeValue::NULL(true),
        J::Bool(value) => AttributeValue::BOOL(*value),
        J::Number(number) => AttributeValue::N(number.to_string()),
        J::String(text) => AttributeValue::S(text.clone()),
        J::Array(list) => AttributeValue::L(list.iter().map(short).collect()),
        J::Object(map) => match map.iter().next() {
            Some((kind, J::Array(list))) if kind == "SS" => {
                AttributeValue::SS(list.iter().map(|text| text.as_str().unwrap().to_owned()).collect())
            }
            Some((kind, J::Array(list))) if kind == "NS" => {
                AttributeValue::NS(list.iter().map(ToString::to_string).collect())
            }
            Some((kind, J::Array(list))) if kind == "BS" => AttributeValue::BS(
                list.iter().map(|text| text.as_str().unwrap().as_bytes().to_vec().into()).collect(),
            ),
            Some((kind, J::String(text))) if kind == "B" => {
                AttributeValue::B(text.as_bytes().to_vec().into())
            }
            Some((kind, J::String(text))) if kind == "N" => AttributeValue::N(text.clone()),
            _ => AttributeValue::M(map.iter().map(|(name, value)| (name.clone(), short(value))).collect()),
        },
    }
}

pub(super) fn item(json: &str) -> Attrs {
    let json: serde_json::Value =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    let AttributeValue::M(map) = short(&json) else { panic!("{json} is no item") };
    wire::attrs(map).unwrap()
}

pub(super) fn value(json: &str) -> Value {
    wire::value(short(&serde_json::from_str(json).unwrap())).unwrap()
}

/// The names and values that all cases may use.
pub(super) fn placeholders() -> Placeholders {
    let names = [("#n", "n"), ("#s", "s"), ("#name", "name"), ("#dot", "d.e"), ("#m", "m"), ("#l", "l")];
    let values = [
        (":hello", r#""hello""#),
        (":he", r#""he""#),
        (":llo", r#""llo""#),
        (":ell", r#""ell""#),
        (":world", r#""world""#),
        (":empty", r#""""#),
        (":a", r#""a""#),
        (":z", r#""z""#),
        (":deep", r#""deep""#),
        (":two", r#""two""#),
        (":0", "0"),
        (":1", "1"),
        (":2", "2"),
        (":3", "3"),
        (":4", "4"),
        (":5", "5"),
        (":50", r#"{"N": "5.0"}"#),
        (":10", "10"),
        (":neg", "-2.5"),
        (":bin", r#"{"B": "abc"}"#),
        (":bin_ab", r#"{"B": "ab"}"#),
        (":bin_bc", r#"{"B": "bc"}"#),
        (":bin_x", r#"{"B": "x"}"#),
        (":true", "true"),
        (":false", "false"),
        (":null", "null"),
        (":ss", r#"{"SS": ["c", "b", "a"]}"#),
        (":ss_ab", r#"{"SS": ["a", "b"]}"#),
        (":ss_d", r#"{"SS": ["d"]}"#),
        (":ns", r#"{"NS": [3, 2, 1]}"#),
        (":ns_9", r#"{"NS": [9]}"#),
        (":bs", r#"{"BS": ["x"]}"#),
        (":l", r#"[1, "two", [3], {"x": 4}]"#),
        (":l3", "[3]"),
        (":l_empty", "[]"),
        (":m", r#"{"a": 1, "b": {"c": "deep"}, "d.e": 7}"#),
        (":mx", r#"{"x": 4}"#),
        (":S", r#""S""#),
        (":N", r#""N""#),
        (":B", r#""B""#),
        (":BOOL", r#""BOOL""#),
        (":NULL", r#""NULL""#),
        (":L", r#""L""#),
        (":M", r#""M""#),
        (":SS", r#""SS""#),
        (":NS", r#""NS""#),
        (":BS", r#""BS""#),
        (":FOO", r#""FOO""#),
    ];
    let names: Map<String> =
        names.into_iter().map(|(name, stands_for)| (name, stands_for.to_owned())).collect();
    let values: Map<AttributeValue> =
        values.into_iter().map(|(name, json)| (name, short(&serde_json::from_str(json).unwrap()))).collect();
    Placeholders::of(Some(names), Some(values), &[("ConditionExpression", true)]).unwrap()
}
