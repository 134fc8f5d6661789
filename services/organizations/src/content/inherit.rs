//! From the policies of each level to the one that an account ends up with. Source: AWS Organizations User Guide,
//! "Inheritance operators" and "Inheritance examples".
//!
//! Level by level from the root down; within a level in the order of attachment. `@@assign` replaces what came from
//! above; two of one level that set the same single value do not replace one another, the first stays, and lists of one
//! level are joined. A control binds the levels below it: operators that it leaves out do nothing there, and where it
//! leaves out `@@assign` no new settings come in under its place either.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::settings::{APPEND, ASSIGN, CONTROL, REMOVE, allowed};

/// One place of the tree.
#[derive(Default)]
struct Place {
    value: Option<Value>,
    /// Whether this level has assigned it.
    fresh: bool,
    below: BTreeMap<String, Place>,
    /// What the levels above leave of the operators; `None` for all.
    bound: Option<BTreeSet<String>>,
    /// What this level will leave to those below.
    next_bound: Option<BTreeSet<String>>,
}

/// The effective policy of policies by level, root first; `None` when nothing is left.
pub(crate) fn effective(levels: &[Vec<Value>]) -> Option<Value> {
    let mut top = Place::default();
    for level in levels {
        for policy in level {
            if let Value::Object(object) = policy {
                apply(&mut top, object);
            }
        }
        settle(&mut top);
    }
    render(&top)
}

fn apply(place: &mut Place, object: &Map<String, Value>) {
    if let Some(names) = allowed(object.get(CONTROL)) {
        let names: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
        place.next_bound = Some(match place.next_bound.take() {
            Some(before) => before.intersection(&names).cloned().collect(),
            None => names,
        });
    }
    for (key, value) in object {
        let free = place.bound.as_ref().is_none_or(|bound| bound.contains(key));
        match key.as_str() {
            CONTROL => {}
            ASSIGN if free => assign(place, value),
            APPEND if free => append(place, value),
            REMOVE if free => remove(place, value),
            ASSIGN | APPEND | REMOVE => {}
            _ => {
                let Value::Object(object) = value else { continue };
                let may_add = place.bound.as_ref().is_none_or(|bound| bound.contains(ASSIGN));
                if may_add || place.below.contains_key(key) {
                    apply(place.below.entry(key.clone()).or_default(), object);
                }
            }
        }
    }
}

fn assign(place: &mut Place, value: &Value) {
    match (&mut place.value, place.fresh) {
        (Some(Value::Array(_)), true) => append(place, value),
        (Some(_), true) => {}
        (slot, _) => *slot = Some(value.clone()),
    }
    place.fresh = true;
}

fn append(place: &mut Place, value: &Value) {
    let mut list = items(place.value.take());
    for item in items(Some(value.clone())) {
        if !list.contains(&item) {
            list.push(item);
        }
    }
    place.value = Some(Value::Array(list));
}

fn remove(place: &mut Place, value: &Value) {
    let gone = items(Some(value.clone()));
    let list: Vec<Value> =
        items(place.value.take()).into_iter().filter(|item| !gone.contains(item)).collect();
    place.value = (!list.is_empty()).then_some(Value::Array(list));
}

fn items(value: Option<Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
    }
}

/// A level is done: what it leaves binds those below.
fn settle(place: &mut Place) {
    place.fresh = false;
    if let Some(next) = place.next_bound.take() {
        place.bound = Some(match place.bound.take() {
            Some(before) => before.intersection(&next).cloned().collect(),
            None => next,
        });
    }
    for below in place.below.values_mut() {
        settle(below);
    }
}

fn render(place: &Place) -> Option<Value> {
    if let Some(value) = &place.value {
        return Some(value.clone());
    }
    let members: Map<String, Value> =
        place.below.iter().filter_map(|(key, below)| Some((key.clone(), render(below)?))).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_guides_examples() {
        let cases = [
            // A child overwrites.
            (
                vec![
                    vec![
                        json!({"tags": {"costcenter": {"tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["Production"]}}}}),
                    ],
                    vec![
                        json!({"tags": {"costcenter": {"tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["Sandbox"]}}}}),
                    ],
                ],
                Some(json!({"tags": {"costcenter": {"tag_key": "CostCenter", "tag_value": ["Sandbox"]}}})),
            ),
            // A child appends, and removes.
            (
                vec![
                    vec![json!({"tags": {"c": {"tag_value": {"@@assign": ["a", "b"]}}}})],
                    vec![json!({"tags": {"c": {"tag_value": {"@@append": ["c"], "@@remove": ["a"]}}}})],
                ],
                Some(json!({"tags": {"c": {"tag_value": ["b", "c"]}}})),
            ),
            // A parent forbids changes of a setting.
            (
                vec![
                    vec![
                        json!({"services": {"default": {"opt_out_policy": {"@@operators_allowed_for_child_policies": ["@@none"], "@@assign": "optOut"}}}}),
                    ],
                    vec![
                        json!({"services": {"default": {"opt_out_policy": {"@@assign": "optIn"}}, "lex": {"opt_out_policy": {"@@assign": "optIn"}}}}),
                    ],
                ],
                Some(
                    json!({"services": {"default": {"opt_out_policy": "optOut"}, "lex": {"opt_out_policy": "optIn"}}}),
                ),
            ),
            // And new settings.
            (
                vec![
                    vec![
                        json!({"services": {"@@operators_allowed_for_child_policies": ["@@none"], "default": {"opt_out_policy": {"@@assign": "optOut"}}}}),
                    ],
                    vec![json!({"services": {"lex": {"opt_out_policy": {"@@assign": "optIn"}}}})],
                ],
                Some(json!({"services": {"default": {"opt_out_policy": "optOut"}}})),
            ),
            // A control binds the levels below, not its own.
            (
                vec![
                    vec![
                        json!({"t": {"a": {"@@operators_allowed_for_child_policies": ["@@append"], "@@assign": ["1"]}}}),
                        json!({"t": {"a": {"@@assign": ["2"]}}}),
                    ],
                    vec![json!({"t": {"a": {"@@assign": ["3"]}}}), json!({"t": {"a": {"@@append": ["4"]}}})],
                ],
                Some(json!({"t": {"a": ["1", "2", "4"]}})),
            ),
            // Nothing is left.
            (
                vec![
                    vec![json!({"t": {"a": {"@@assign": ["1"]}}})],
                    vec![json!({"t": {"a": {"@@remove": ["1"]}}})],
                ],
                None,
            ),
        ];
        for (levels, expected) in cases {
            assert_eq!(effective(&levels), expected, "{levels:?}");
        }
    }
}
