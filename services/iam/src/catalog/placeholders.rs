//! `@{name}` in policies and patterns. A list takes the place of the text that it is in: once for each of its values, and
//! for each pair when there are two lists. Values go into strings of the parsed document, never into its text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

/// What stands for one name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    One(String),
    Many(Vec<String>),
}

pub(crate) type Values = BTreeMap<String, Value>;

/// What came of one text.
#[derive(Debug, PartialEq)]
pub(crate) enum Filled {
    One(String),
    /// A list was in it.
    Many(Vec<String>),
}

#[derive(Debug, PartialEq)]
pub(crate) enum Problem {
    /// Nothing was given for this name.
    Missing(String),
    /// More than [`TEXTS_MAX`] texts come of one.
    TooMany,
    /// A list where only one text can be.
    List(String),
    /// Not JSON.
    Document,
}

/// More than fit into any policy.
const TEXTS_MAX: usize = 1000;

/// The names in a document, each once.
///
/// # Errors
/// When it is no JSON object, or a placeholder has no end.
pub(crate) fn names(document: &str) -> Result<BTreeSet<String>, String> {
    let parsed: Json = serde_json::from_str(document).map_err(|error| error.to_string())?;
    if !parsed.is_object() {
        return Err("not a policy".into());
    }
    let mut found = BTreeSet::new();
    collect(&parsed, &mut found);
    if found.contains("") {
        return Err("a placeholder without a name, or without its end".into());
    }
    Ok(found)
}

fn collect(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => found.extend(names_in(text).map(str::to_owned)),
        Json::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Json::Object(map) => map.iter().for_each(|(key, value)| {
            found.extend(names_in(key).map(str::to_owned));
            collect(value, found);
        }),
        _ => {}
    }
}

/// The names in one text; an empty one for a placeholder that is not whole.
pub(crate) fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("@{").skip(1).map(|rest| rest.split_once('}').map_or("", |(name, _)| name))
}

/// Fills in a document.
pub(crate) fn fill_document(document: &str, values: &Values) -> Result<String, Problem> {
    let parsed: Json = serde_json::from_str(document).map_err(|_| Problem::Document)?;
    Ok(fill_json(&parsed, values)?.to_string())
}

fn fill_json(value: &Json, values: &Values) -> Result<Json, Problem> {
    Ok(match value {
        Json::String(text) => match fill(text, values)? {
            Filled::One(text) => Json::String(text),
            Filled::Many(texts) => Json::Array(texts.into_iter().map(Json::String).collect()),
        },
        Json::Array(list) => {
            let mut all = Vec::new();
            for value in list {
                match fill_json(value, values)? {
                    // A list within a list is part of that.
                    Json::Array(inner) if value.is_string() => all.extend(inner),
                    other => all.push(other),
                }
            }
            Json::Array(all)
        }
        Json::Object(map) => {
            let mut filled = Map::new();
            for (key, value) in map {
                filled.insert(fill_text(key, values)?, fill_json(value, values)?);
            }
            Json::Object(filled)
        }
        other => other.clone(),
    })
}

/// Fills in a text that stays one.
pub(crate) fn fill_text(text: &str, values: &Values) -> Result<String, Problem> {
    match fill(text, values)? {
        Filled::One(text) => Ok(text),
        Filled::Many(_) => Err(Problem::List(text.to_owned())),
    }
}

fn fill(text: &str, values: &Values) -> Result<Filled, Problem> {
    let mut parts = text.split("@{");
    let mut all = vec![parts.next().unwrap_or_default().to_owned()];
    let mut listed = false;
    for part in parts {
        let (name, rest) = part.split_once('}').ok_or_else(|| Problem::Missing(part.to_owned()))?;
        match values.get(name).ok_or_else(|| Problem::Missing(name.to_owned()))? {
            Value::One(value) => all.iter_mut().for_each(|text| text.push_str(value)),
            Value::Many(many) => {
                listed = true;
                if all.len() * many.len() > TEXTS_MAX {
                    return Err(Problem::TooMany);
                }
                all = all.iter().flat_map(|text| many.iter().map(move |of| format!("{text}{of}"))).collect();
            }
        }
        all.iter_mut().for_each(|text| text.push_str(rest));
    }
    Ok(match listed {
        true => Filled::Many(all),
        false => Filled::One(all.pop().unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values::from([
            ("one".into(), Value::One("x\"}]".into())),
            ("two".into(), Value::Many(vec!["a".into(), "b".into()])),
            ("three".into(), Value::Many(vec!["1".into(), "2".into()])),
            ("none".into(), Value::Many(vec![])),
        ])
    }

    #[test]
    fn documents_are_filled_in() {
        for (document, expected) in [
            (r#"{"a":"-@{one}-"}"#, r#"{"a":"-x\"}]-"}"#),
            (r#"{"a":"@{two}"}"#, r#"{"a":["a","b"]}"#),
            (r#"{"a":["z","@{two}/*"]}"#, r#"{"a":["z","a/*","b/*"]}"#),
            (r#"{"a":"@{two}@{three}"}"#, r#"{"a":["a1","a2","b1","b2"]}"#),
            (r#"{"a":["@{none}"]}"#, r#"{"a":[]}"#),
            (r#"{"@{one}":[["@{two}"],1,null]}"#, r#"{"x\"}]":[["a","b"],1,null]}"#),
            (r#"{"a":"${aws:username} @ {one}"}"#, r#"{"a":"${aws:username} @ {one}"}"#),
        ] {
            assert_eq!(fill_document(document, &values()).as_deref(), Ok(expected), "{document}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in() {
        let missing = |name: &str| Err(Problem::Missing(name.to_owned()));
        assert_eq!(fill_document(r#"{"a":"@{no}"}"#, &values()), missing("no"));
        assert_eq!(fill_document(r#"{"a":"@{one"}"#, &values()), missing("one"));
        assert_eq!(fill_document("[", &values()), Err(Problem::Document));
        assert_eq!(fill_text("@{two}", &values()), Err(Problem::List("@{two}".into())));
        let many = Values::from([("m".into(), Value::Many(vec!["x".into(); 50]))]);
        assert_eq!(fill_document(r#"{"a":"@{m}@{m}"}"#, &many), Err(Problem::TooMany));
    }

    #[test]
    fn names_are_found() {
        let found = names(r#"{"a":["@{one}@{two}"],"@{three}":{"b":"@{one}"}}"#).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["one", "three", "two"]);
        for bad in ["[]", "{", r#"{"a":"@{"}"#, r#"{"a":"@{}"}"#] {
            assert!(names(bad).is_err(), "{bad}");
        }
    }
}
