use haneul_kit::{AccountId, Region};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Definition;
use super::field::Event;

fn parse(definition: &Value) -> Result<Definition, String> {
    Definition::parse(&definition.to_string(), AccountId::DEFAULT, Region::US_EAST_1)
}

/// A rule over JSON events with these changes.
fn rule(change: impl FnOnce(&mut Value)) -> Value {
    let mut rule = json!({
        "Schema": {"Name": "CloudWatchLogRule", "Version": 1},
        "LogGroupNames": ["api*", "one"],
        "LogFormat": "JSON",
        "Contribution": {"Keys": ["$.ip"], "Filters": []},
        "AggregateOn": "Count",
    });
    change(&mut rule);
    rule
}

type Change = Box<dyn FnOnce(&mut Value)>;

fn remove(rule: &mut Value, name: &str) {
    rule.as_object_mut().unwrap().remove(name);
}

#[test]
fn what_a_definition_may_say() {
    let account = AccountId::DEFAULT.to_string();
    let good: Vec<Change> = vec![
        Box::new(|_| {}),
        Box::new(|r| r["Contribution"]["Keys"] = json!(["$.a", "$.b[0]", "$.c[1].d", "$.e.f.g"])),
        Box::new(|r| {
            r["AggregateOn"] = json!("Sum");
            r["Contribution"]["ValueOf"] = json!("$.bytes");
        }),
        Box::new(move |r| {
            remove(r, "LogGroupNames");
            r["LogGroupARNs"] = json!([
                format!("arn:aws:logs:us-east-1:{account}:log-group:demo"),
                "arn:aws:logs:us-east-1:*:log-group/other*",
            ]);
        }),
        Box::new(|r| {
            r["LogFormat"] = json!("CLF");
            r["Fields"] = json!({"4": "Ip", "7": "Status"});
            r["Contribution"] =
                json!({"Keys": ["Ip", "2"], "Filters": [{"Match": "Status", "EqualTo": 200}]});
        }),
    ];
    for (i, change) in good.into_iter().enumerate() {
        let definition = rule(change);
        assert!(parse(&definition).is_ok(), "{i}: {:?}", parse(&definition));
    }
    let filter = |filter: Value| move |r: &mut Value| r["Contribution"]["Filters"] = json!([filter]);
    let bad: Vec<(Change, &str)> = vec![
        (Box::new(|r| *r = json!([])), "no JSON object"),
        (Box::new(|r| r["Schema"]["Version"] = json!(2)), "Schema"),
        (Box::new(|r| remove(r, "LogGroupNames")), "LogGroupNames or LogGroupARNs"),
        (Box::new(|r| r["LogGroupARNs"] = json!(["x"])), "LogGroupNames or LogGroupARNs"),
        (Box::new(|r| r["LogGroupNames"] = json!([])), "at least one"),
        (Box::new(|r| r["LogGroupNames"] = json!(["a*b"])), "at its end"),
        (
            Box::new(|r| {
                remove(r, "LogGroupNames");
                r["LogGroupARNs"] = json!(["arn:aws:logs:us-east-1:999999999999:log-group:demo"]);
            }),
            "this account and Region",
        ),
        (Box::new(|r| r["LogFormat"] = json!("XML")), "LogFormat"),
        (Box::new(|r| r["Fields"] = json!({"1": "a"})), "CLF"),
        (Box::new(|r| remove(r, "Contribution")), "Contribution must be"),
        (Box::new(|r| r["Contribution"]["Keys"] = json!([])), "at least one"),
        (Box::new(|r| r["Contribution"]["Keys"] = json!(["$.a", "$.b", "$.c", "$.d", "$.e"])), "more than 4"),
        (Box::new(|r| r["Contribution"]["Keys"] = json!(["ip"])), "no path"),
        (Box::new(|r| r["Contribution"]["Keys"] = json!(["$.a[x]"])), "no path"),
        (Box::new(|r| r["Contribution"]["Keys"] = json!(["$"])), "no path"),
        (Box::new(|r| r["AggregateOn"] = json!("Sum")), "ValueOf"),
        (Box::new(|r| r["AggregateOn"] = json!("Max")), "Count or Sum"),
        (Box::new(|r| r["Contribution"]["ValueOf"] = json!("$.n")), "AggregateOn Sum"),
        (Box::new(|r| r["Other"] = json!(1)), "Other is not known"),
        (Box::new(filter(json!({"In": ["a"]}))), "Match"),
        (Box::new(filter(json!({"Match": "$.a"}))), "exactly one operator"),
        (Box::new(filter(json!({"Match": "$.a", "In": ["a"], "EqualTo": 1}))), "exactly one operator"),
        (Box::new(filter(json!({"Match": "$.a", "In": []}))), "1 to 10"),
        (Box::new(filter(json!({"Match": "$.a", "In": [1]}))), "strings"),
        (Box::new(filter(json!({"Match": "$.a", "EqualTo": "x"}))), "number"),
        (Box::new(filter(json!({"Match": "$.a", "IsPresent": 1}))), "true or false"),
        (Box::new(filter(json!({"Match": "$.a", "Like": "x"}))), "no operator"),
        (
            Box::new(|r| {
                let one = json!({"Match": "$.a", "IsPresent": true});
                r["Contribution"]["Filters"] = json!([one, one, one, one, one]);
            }),
            "up to 4",
        ),
    ];
    for (change, why) in bad {
        let definition = rule(change);
        let error = parse(&definition).unwrap_err();
        assert!(error.contains(why), "{definition}: {error}");
    }
    assert!(Definition::parse(&" ".repeat(9_000), AccountId::DEFAULT, Region::US_EAST_1).is_err());
}

#[test]
fn which_groups_are_watched() {
    let definition = parse(&rule(|_| {})).unwrap();
    for (group, watched) in [("api", true), ("api/x", true), ("one", true), ("one2", false), ("ap", false)] {
        assert_eq!(definition.watches(group), watched, "{group}");
    }
}

#[test]
fn which_events_count() {
    let event = r#"{"ip": "1.2.3.4", "status": 200, "size": "12.5", "ok": true, "none": null, "deep": {"list": [{"x": "y"}]}}"#;
    for (filter, counts) in [
        (json!({"Match": "$.ip", "In": ["a", "1.2.3.4"]}), true),
        (json!({"Match": "$.ip", "In": ["1.2.3"]}), false),
        (json!({"Match": "$.ip", "NotIn": ["1.2.3.4"]}), false),
        (json!({"Match": "$.ip", "NotIn": ["b"]}), true),
        (json!({"Match": "$.ip", "StartsWith": ["9", "1.2"]}), true),
        (json!({"Match": "$.ip", "StartsWith": ["2"]}), false),
        (json!({"Match": "$.status", "EqualTo": 200}), true),
        (json!({"Match": "$.status", "NotEqualTo": 200}), false),
        (json!({"Match": "$.status", "GreaterThan": 199.5}), true),
        (json!({"Match": "$.status", "LessThan": 200}), false),
        (json!({"Match": "$.status", "In": ["200"]}), true),
        (json!({"Match": "$.size", "GreaterThan": 12}), true),
        (json!({"Match": "$.ip", "GreaterThan": 1}), false),
        (json!({"Match": "$.ok", "In": ["true"]}), true),
        (json!({"Match": "$.gone", "NotIn": ["x"]}), false),
        (json!({"Match": "$.gone", "IsPresent": false}), true),
        (json!({"Match": "$.gone", "IsPresent": true}), false),
        (json!({"Match": "$.none", "IsPresent": false}), true),
        (json!({"Match": "$.deep", "IsPresent": true}), false),
        (json!({"Match": "$.deep.list[0].x", "In": ["y"]}), true),
        (json!({"Match": "$.deep.list[1].x", "IsPresent": false}), true),
        (json!({"Match": "$.IP", "IsPresent": true}), false),
    ] {
        let definition = parse(&rule(|r| r["Contribution"]["Filters"] = json!([filter]))).unwrap();
        let observed = definition.observe(&Event::new(event));
        assert_eq!(observed, counts.then(|| ("1.2.3.4".to_owned(), 1.0)), "{filter}");
    }
    let sum = parse(&rule(|r| {
        r["AggregateOn"] = json!("Sum");
        r["Contribution"] = json!({"Keys": ["$.ip", "$.status"], "ValueOf": "$.size"});
    }))
    .unwrap();
    assert_eq!(sum.observe(&Event::new(event)), Some(("1.2.3.4\x00200".to_owned(), 12.5)));
    for other in
        [r#"{"ip": "a", "status": 1}"#, r#"{"ip": "a", "status": 1, "size": "x"}"#, "text", "", "[1]"]
    {
        assert_eq!(sum.observe(&Event::new(other)), None, "{other}");
    }
}

#[test]
fn common_log_format() {
    let definition = parse(&rule(|r| {
        r["LogFormat"] = json!("CLF");
        r["Fields"] = json!({"1": "Ip", "5": "Request", "6": "Status", "7": "Bytes"});
        r["AggregateOn"] = json!("Sum");
        r["Contribution"] = json!({
            "Keys": ["Ip", "Request"], "ValueOf": "Bytes", "Filters": [{"Match": "Status", "EqualTo": 200}],
        });
    }))
    .unwrap();
    let line = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a b HTTP/1.0" 200 2326"#;
    let observed = definition.observe(&Event::new(line)).unwrap();
    assert_eq!(observed, ("127.0.0.1\0GET /a b HTTP/1.0".to_owned(), 2326.0));
    let missed = line.replace(" 200 ", " 404 ");
    assert_eq!(definition.observe(&Event::new(&missed)), None);
    assert_eq!(definition.observe(&Event::new("\"open [x")), None);
}

proptest! {
    #[test]
    fn nothing_panics(text in "[\\[\\]{}$.,:\"0-9a-zé ]{0,60}") {
        super::fuzz(&text);
    }
}
