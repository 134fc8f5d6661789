//! `@{name}` in policies and patterns. A list takes the place of the text that it is in: once for each of its values, and
//! for each pair when there are two lists. Values go into strings of the parsed document, never into its text.

use std::collections::{BTreeMap, BTreeSet};

use haneul_kit::Policy;
use haneul_policy::Rules;
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
/// What is filled in can be shorter than its placeholder.
const SAMPLE_SIZE_MAX: usize = 1024 * 1024;

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

/// Whether a document can become a policy: with something in every placeholder that is good where it stands. Whether the
/// values of a request are, its policy will say.
///
/// # Errors
/// With what no values mend.
pub(crate) fn check_policy(document: &str, rules: &Rules) -> Result<(), String> {
    let mut parsed: Json = serde_json::from_str(document).map_err(|error| error.to_string())?;
    put_samples(&mut parsed, ANYWHERE);
    let rules = Rules {
        strict_arns: false,
        strict_sids: false,
        strict_providers: false,
        size_max: SAMPLE_SIZE_MAX,
        ..*rules
    };
    Policy::parse(&parsed.to_string(), &rules).map(drop).map_err(|refused| refused.to_string())
}

/// What is good in the place of a whole text, and within one.
type Samples = (&'static str, &'static str);

const ANYWHERE: Samples = ("*", "name");
/// An account is a good principal, alone and within an ARN.
const PRINCIPAL: Samples = ("000000000000", "000000000000");

/// The samples of what is under a key.
fn samples_under(key: &str, above: Samples) -> Samples {
    match key {
        "Principal" | "NotPrincipal" => PRINCIPAL,
        "Service" if above == PRINCIPAL => ("service.amazonaws.com", "name"),
        _ => sample_of_operator(key).map_or(above, |sample| (sample, sample)),
    }
}

/// What a condition operator compares with, where that is not just any text.
fn sample_of_operator(operator: &str) -> Option<&'static str> {
    let operator = operator.rsplit(':').next()?;
    Some(match operator.strip_suffix("IfExists").unwrap_or(operator) {
        "IpAddress" | "NotIpAddress" => "0.0.0.0/0",
        "Bool" | "Null" => "true",
        "BinaryEquals" => "AAAA",
        operator if operator.starts_with("Numeric") => "0",
        operator if operator.starts_with("Date") => "2000-01-01T00:00:00Z",
        _ => return None,
    })
}

fn put_samples(value: &mut Json, samples: Samples) {
    match value {
        Json::String(text) => {
            let is_alone = text.starts_with("@{") && text.find('}') == Some(text.len() - 1);
            *text = sampled(text, if is_alone { samples.0 } else { samples.1 });
        }
        Json::Array(list) => list.iter_mut().for_each(|value| put_samples(value, samples)),
        Json::Object(map) => {
            let members = std::mem::take(map).into_iter().map(|(key, mut value)| {
                put_samples(&mut value, samples_under(&key, samples));
                (sampled(&key, "name"), value)
            });
            *map = members.collect();
        }
        _ => {}
    }
}

fn sampled(text: &str, sample: &str) -> String {
    let mut parts = text.split("@{");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + sample + part.split_once('}').map_or("", |(_, rest)| rest))
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
    fn what_can_become_a_policy() {
        let statement = |text: &str| format!(r#"{{"Version":"2012-10-17","Statement":{{{text}}}}}"#);
        for (rules, good) in [
            (Rules::IDENTITY, r#""Effect":"Allow","Action":"@{a}","Resource":"@{b}""#),
            (
                Rules::IDENTITY,
                r#""Effect":"Allow","Action":["@{a}:Get*","s3:@{a}"],"Resource":"arn:aws:s3:::@{b}-@{c}/*""#,
            ),
            (
                Rules::IDENTITY,
                r#""Sid":"@{a}","Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/@{a}":"@{b}"}}"#,
            ),
            (
                Rules::TRUST,
                r#""Effect":"Allow","Principal":{"AWS":["@{a}","arn:aws:iam::@{a}:role/@{b}"]},"Action":"sts:AssumeRole""#,
            ),
            (
                Rules::TRUST,
                r#""Effect":"Allow","Principal":{"Service":"@{a}.amazonaws.com"},"Action":"sts:AssumeRole""#,
            ),
            (
                Rules::TRUST,
                r#""Effect":"Allow","Principal":{"Federated":"@{a}"},"Action":"sts:AssumeRoleWithSAML""#,
            ),
            (Rules::TRUST, r#""Effect":"Allow","Principal":{"Service":"@{a}"},"Action":"sts:AssumeRole""#),
            (
                Rules::IDENTITY,
                r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"@{a}"},"NumericLessThanIfExists":{"s3:max-keys":"@{a}"},"DateLessThan":{"aws:CurrentTime":"@{a}"},"ForAnyValue:Bool":{"aws:SecureTransport":["@{a}"]}}"#,
            ),
        ] {
            assert_eq!(check_policy(&statement(good), &rules), Ok(()), "{good}");
        }
        for bad in
            [r#""Effect":"Allow","Action":"@{a}""#, r#""Effect":"Maybe","Action":"@{a}","Resource":"*""#]
        {
            assert!(check_policy(&statement(bad), &Rules::IDENTITY).is_err(), "{bad}");
        }
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
