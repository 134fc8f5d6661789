use futures_util::FutureExt;
use proptest::prelude::*;

use super::chunk::{self, decode};
use super::{Indexed, Indexer, may_have, policy};
use crate::events::Mask;
use crate::insights::compile;
use crate::insights::need::{Mark, marks};
use crate::insights::value::Value;
use crate::transform::Work;

fn indexer(fields: &[&str]) -> Indexer {
    Indexer { fields: fields.iter().map(|field| (*field).to_owned()).collect(), transformer: None }
}

/// The index of events that no transformer changes.
fn indexed(fields: &[&str], events: &[(i64, &str)], masks: &[(usize, Mask)]) -> Indexed {
    let (indexer, mut work) = (indexer(fields), Work::new());
    let found = indexer.index((events, 0), masks, None, &mut work).now_or_never();
    found.unwrap_or_else(|| panic!("it had to wait")).unwrap()
}

#[test]
fn documents_name_fields() {
    for (document, fields) in [
        (r#"{"Fields":["a","b.c"]}"#, &["a", "b.c"][..]),
        (r#"{"Fields":["@@user","@requestId"]}"#, &["@@user", "@requestId"]),
        (r#"{"Fields":["a"],"FieldsV2":{"b":{"type":"FIELD_INDEX"}}}"#, &["a", "b"]),
        (r#"{"FieldsV2":{"b":{"type":"FACET"}}}"#, &["b"]),
        (r#"{"Fields":["@ingestionTime","@logStream"]}"#, &["@ingestionTime", "@logStream"]),
    ] {
        let found = policy::fields(document).unwrap();
        assert_eq!(found.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), fields, "{document}");
    }
    let many =
        serde_json::json!({ "Fields": (0..21).map(|n| n.to_string()).collect::<Vec<_>>() }).to_string();
    let long = serde_json::json!({ "Fields": ["x".repeat(101)] }).to_string();
    for document in [
        "",
        "[]",
        "{}",
        r#"{"Fields":[]}"#,
        r#"{"Fields":"a"}"#,
        r#"{"Fields":[1]}"#,
        r#"{"Fields":[""]}"#,
        r#"{"Fields":["a","a"]}"#,
        r#"{"Fields":["a"],"FieldsV2":{"a":{"type":"FIELD_INDEX"}}}"#,
        r#"{"FieldsV2":{"a":{}}}"#,
        r#"{"Fields":["@message"]}"#,
        r#"{"Fields":["a"],"More":1}"#,
        &many,
        &long,
    ] {
        assert!(policy::fields(document).is_err(), "{document}");
    }
}

/// What a query would match is never passed over: for each query, whether it may match these events.
#[test]
fn what_a_query_needs() {
    let events = [
        (1, r#"{"id":"a-1","status":200,"ok":true,"deep":{"x":"1.0"},"open":7}"#),
        (5, r#"{"id":"b-2","status":"404"}"#),
    ];
    let found = indexed(&["id", "status", "ok", "deep.x", "never"], &events, &[]);
    assert_eq!(found.times.iter().find(|(field, _)| field == "id").unwrap().1, Some((1, 5)));
    assert_eq!(found.times.iter().find(|(field, _)| field == "never").unwrap().1, None);
    let index = decode(&found.bytes).unwrap();
    assert_eq!((index.head.events, index.head.is_masked, index.head.key), (2, false, None));
    for (query, may) in [
        ("filter id = 'a-1'", true),
        ("filter id = 'a-2'", false),
        ("filter 'a-2' = id", false),
        ("filter id in ['x', 'b-2']", true),
        ("filter id in ['x', 'y']", false),
        ("filter id not in ['x', 'y']", true),
        ("filter id != 'x'", true),
        ("filter not id = 'x'", true),
        ("filter status = 200", true),
        ("filter status = '200.0'", true),
        ("filter status = 404", true),
        ("filter status = 500", false),
        ("filter status > 500", true),
        ("filter ok = true", true),
        ("filter ok = 1", true),
        ("filter ok = '1'", true),
        ("filter deep.x = 1", true),
        ("filter deep.x = true", true),
        ("filter deep.x = -1", false),
        ("filter never = 'x'", false),
        ("filter open = 8", true),
        ("filter id = 'x' and open = 7", false),
        ("filter id = 'x' or open = 7", true),
        ("filter id = 'x' or status = 500", false),
        ("filter id = 'x' or status = 200", true),
        ("filter id = status", true),
        ("filter id like 'x'", true),
        ("fields 1 as id | filter id = 'x'", true),
        ("parse @message '*,*' as id, b | filter id = 'x'", true),
        ("fields 1 as other | filter id = 'x'", false),
        ("limit 1 | filter id = 'x'", true),
        ("stats count(*) by id | filter id = 'x'", true),
        ("filter open = 7 | filter id = 'x' | stats count(*)", false),
        ("filterIndex id = 'x'", false),
        ("filterIndex id = 'a-1'", true),
        ("fields @message", true),
    ] {
        let plan = compile(query).unwrap();
        let known = |field: &str, mark: &Mark| may_have(&index, field, mark, None);
        assert_eq!(plan.need().is_none_or(|need| need.may_hold(&known)), may, "{query}");
    }
    for bad in [
        "fields 1 as id | filterIndex id = 'x'",
        "parse @message '*,*' as id, b | filterIndex id in ['x']",
        "stats count(*) as id | filterIndex id = 1",
        "filterIndex id",
        "filterIndex id != 'x'",
        "filterIndex id = 'x' or status = 1",
        "filterIndex",
    ] {
        assert!(compile(bad).is_err(), "{bad}");
    }
    assert_eq!(
        compile("filterIndex id = 'x' | filterIndex status in [1, 2]").unwrap().indexed,
        ["id", "status"]
    );
}

/// What is hidden is indexed as it is shown.
#[test]
fn masks_are_kept_in_the_index() {
    let events = [(1, r#"{"mail":"a@b.co"}"#)];
    let found = indexed(&["mail"], &events, &[(0, Mask { start: 9, length: 6 })]);
    let index = decode(&found.bytes).unwrap();
    assert!(index.head.is_masked);
    let has = |text: &str| may_have(&index, "mail", &Mark::Text(text.into()), None);
    assert_eq!((has("a@b.co"), has("******")), (Some(false), Some(true)));
}

fn value() -> impl Strategy<Value = Value> {
    let numbers = [0.0, -0.0, 1.0, 1.00001, 2.5, -7.0, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let texts = [
        "0",
        "1",
        "1.0",
        " 1",
        "true",
        "inf",
        "-inf",
        "NaN",
        "1e999",
        "2.5",
        "x",
        "",
        "1970-01-01 00:00:00.000",
    ];
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        prop::sample::select(numbers.to_vec()).prop_map(Value::Number),
        any::<f64>().prop_map(Value::Number),
        (-2..3_i64).prop_map(Value::Time),
        prop::sample::select(texts.to_vec()).prop_map(|text| Value::Text(text.to_owned())),
        any::<f64>().prop_map(|number| Value::Text(number.to_string())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// What `=` holds for has a mark in common.
    #[test]
    fn marks_tell_no_equals_apart(a in value(), b in value()) {
        let (of_a, of_b) = (marks(&a), marks(&b));
        prop_assert!(!a.same(&b) || of_a.iter().any(|mark| of_b.contains(mark)), "{:?} {:?}", a, b);
    }
}

proptest! {
    #[test]
    fn every_value_is_found_again_and_few_others(values in prop::collection::hash_set("[a-z]{1,12}", 1..300)) {
        let messages: Vec<String> = values.iter().map(|value| format!(r#"{{"v":"{value}"}}"#)).collect();
        let events: Vec<(i64, &str)> = messages.iter().map(|message| (1, message.as_str())).collect();
        let bytes = indexed(&["v"], &events, &[]).bytes;
        let index = decode(&bytes).unwrap();
        let has = |text: String| may_have(&index, "v", &Mark::Text(text), None) == Some(true);
        for value in &values {
            prop_assert!(has(value.clone()));
        }
        let others = (0..1000).filter(|n| has(format!("{n}x"))).count();
        prop_assert!(others < 100, "{others} of 1000");
    }

    #[test]
    fn damage_is_no_index(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Some(index) = decode(&bytes) {
            let _ = index.has("v", chunk::hash("v", &Mark::Number(0), None));
        }
    }
}
