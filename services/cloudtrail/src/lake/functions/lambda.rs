//! Functions that apply a lambda expression. Source: Trino, "Array functions and operators", "Lambda expressions".

use super::LARGEST;
use super::collections::{array, entries, map};
use crate::lake::value::Value;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lambda {
    Transform,
    Filter,
    AnyMatch,
    AllMatch,
    NoneMatch,
    MapFilter,
    TransformKeys,
    TransformValues,
    ZipWith,
    /// With the state where it begins; what is made of the state in the end is applied by the caller.
    Reduce,
}

impl Lambda {
    /// The function of that name, and how many arguments come before its expression, and how many parameters that has.
    pub(crate) fn named(name: &str) -> Option<(Lambda, usize, usize)> {
        Some(match &*name.to_ascii_lowercase() {
            "transform" => (Lambda::Transform, 1, 1),
            "filter" => (Lambda::Filter, 1, 1),
            "any_match" => (Lambda::AnyMatch, 1, 1),
            "all_match" => (Lambda::AllMatch, 1, 1),
            "none_match" => (Lambda::NoneMatch, 1, 1),
            "map_filter" => (Lambda::MapFilter, 1, 2),
            "transform_keys" => (Lambda::TransformKeys, 1, 2),
            "transform_values" => (Lambda::TransformValues, 1, 2),
            "zip_with" => (Lambda::ZipWith, 2, 2),
            "reduce" => (Lambda::Reduce, 2, 2),
            _ => return None,
        })
    }

    pub(crate) fn call(self, arguments: &[Value], apply: impl FnMut(&[Value]) -> Value) -> Value {
        self.of(arguments, apply).unwrap_or(Value::Null)
    }

    fn of(self, arguments: &[Value], mut apply: impl FnMut(&[Value]) -> Value) -> Option<Value> {
        let first = arguments.first()?;
        let mut size = 0;
        // What is gathered is bounded while it grows.
        let mut fits = move |value: Value| {
            size += value.weight();
            (size <= LARGEST).then_some(value)
        };
        let one = std::slice::from_ref::<Value>;
        Some(match self {
            Lambda::Transform => {
                let each = array(first)?.iter().map(|value| fits(apply(one(value))));
                Value::Array(each.collect::<Option<_>>()?)
            }
            Lambda::Filter => {
                let kept = array(first)?.iter().filter(|value| apply(one(value)).truth() == Some(true));
                Value::Array(kept.cloned().collect())
            }
            Lambda::AnyMatch | Lambda::NoneMatch => {
                let mut unknown = false;
                for value in array(first)? {
                    match apply(one(value)).truth() {
                        Some(true) => return Some(Value::Bool(self == Lambda::AnyMatch)),
                        Some(false) => {}
                        None => unknown = true,
                    }
                }
                (!unknown).then_some(Value::Bool(self == Lambda::NoneMatch))?
            }
            Lambda::AllMatch => {
                let mut unknown = false;
                for value in array(first)? {
                    match apply(one(value)).truth() {
                        Some(false) => return Some(Value::Bool(false)),
                        Some(true) => {}
                        None => unknown = true,
                    }
                }
                (!unknown).then_some(Value::Bool(true))?
            }
            Lambda::MapFilter => {
                let all = entries(first)?.into_iter();
                Value::Map(
                    all.filter(|(k, v)| apply(&[k.clone(), v.clone()]).truth() == Some(true)).collect(),
                )
            }
            Lambda::TransformKeys => {
                let each = entries(first)?.into_iter().map(|(k, v)| Some((fits(apply(&[k, v.clone()]))?, v)));
                map(each.collect::<Option<_>>()?)?
            }
            Lambda::TransformValues => {
                let each = entries(first)?.into_iter().map(|(k, v)| Some((k.clone(), fits(apply(&[k, v]))?)));
                Value::Map(each.collect::<Option<_>>()?)
            }
            Lambda::ZipWith => {
                let (left, right) = (array(first)?, array(arguments.get(1)?)?);
                let at = |all: &[Value], at: usize| all.get(at).cloned().unwrap_or(Value::Null);
                let each =
                    (0..left.len().max(right.len())).map(|n| fits(apply(&[at(left, n), at(right, n)])));
                Value::Array(each.collect::<Option<_>>()?)
            }
            Lambda::Reduce => {
                let mut state = arguments.get(1)?.clone();
                for value in array(first)? {
                    state = apply(&[state, value.clone()]);
                    if state.weight() > LARGEST {
                        return None;
                    }
                }
                state
            }
        })
    }
}
