use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::series::window::Window;

const START: i64 = 1_700_000_040;

fn line(label: &str, values: &[Option<f64>]) -> Line {
    let points = values.iter().enumerate().filter_map(|(i, value)| Some((START + 60 * i as i64, (*value)?)));
    Line::new(label, 60, points.collect())
}

fn run(text: &str) -> Result<Value, String> {
    let (m1, m2) = (
        line("m1", &[Some(1.0), Some(2.0), None, Some(6.0)]),
        line("m2", &[Some(4.0), Some(0.0), Some(5.0), Some(3.0)]),
    );
    let metrics = vec![("m1".to_owned(), m1.clone()), ("m2".to_owned(), m2.clone())];
    let mut results = HashMap::from([("m1".to_owned(), Value::Line(m1)), ("m2".to_owned(), Value::Line(m2))]);
    results.insert("gone".to_owned(), Value::Line(line("gone", &[None])));
    let mut used = line("used", &[Some(5.0)]);
    let identity = crate::series::Identity::new(
        haneul_kit::AccountId::DEFAULT,
        haneul_kit::Region::US_EAST_1,
        "AWS/Lambda",
        "ConcurrentExecutions",
        Vec::new(),
    );
    used.origin = Some(std::sync::Arc::new(Origin { identity, statistic: "Maximum".into() }));
    results.insert("used".to_owned(), Value::Line(used));
    let window = Window { start: START, end: START + 240, period: 60, now: START + 240 };
    let bands = HashMap::from([("m1".to_owned(), vec![(START, 10.0, 1.5)])]);
    let key = ("rule".to_owned(), "Sum".to_owned());
    let rules = HashMap::from([(key, line("rule", &[Some(7.0), None, Some(8.0)]))]);
    let answered = |name: &str, arguments: &str| (name.to_owned(), arguments.to_owned());
    let functions = HashMap::from([
        (answered("f", "[]"), vec![line("one", &[Some(1.0)])]),
        (answered("f:2", r#"["a b",-2.5,true]"#), vec![line("one", &[Some(3.0)]), line("two", &[Some(4.0)])]),
    ]);
    let scope = Scope {
        window,
        results: &results,
        metrics: &metrics,
        searches: &HashMap::new(),
        rules: &rules,
        functions: &functions,
        bands: &bands,
    };
    evaluate(&parse(text)?, &scope)
}

fn shown(value: Value) -> String {
    let line = |line: &Line| {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(at, value)| format!("{}:{}", (at - START) / 60, (value * 1e6).round() / 1e6))
            .collect();
        points.join(" ")
    };
    match value {
        Value::Scalar(value) => format!("= {}", (value * 1e6).round() / 1e6),
        Value::Line(one) => line(&one),
        Value::Lines(lines) => format!("[{}]", lines.iter().map(line).collect::<Vec<_>>().join(" | ")),
    }
}

#[test]
fn expressions_and_their_values() {
    for (text, expected) in [
        ("1 + 2 * 3 ^ 2", "= 19"),
        ("-2 ^ 2", "= -4"),
        ("2 ^ -1", "= 0.5"),
        ("(1+2)*3 - -4/2", "= 11"),
        ("1 < 2 && 2 >= 3 || 1 == 1", "= 1"),
        ("INSIGHT_RULE_METRIC('rule', 'Sum') + m1", "0:8"),
        ("INSIGHT_RULE_METRIC(\"rule\", Sum)", "0:7 2:8"),
        ("m1 + m2", "0:5 1:2 3:9"),
        ("m1 / m2", "0:0.25 3:2"),
        ("100 * m1", "0:100 1:200 3:600"),
        ("m1 > 1 AND m2 > 1", "0:0 1:0 3:1"),
        ("m1 != 2", "0:1 1:0 3:1"),
        ("ABS(-m1)", "0:1 1:2 3:6"),
        ("CEIL(m1 / 4)", "0:1 1:1 3:2"),
        ("FLOOR(m1 / 4)", "0:0 1:0 3:1"),
        ("LOG10(m2 * 10)", "0:1.60206 2:1.69897 3:1.477121"),
        ("LOG(1)", "= 0"),
        ("AVG(m1)", "= 3"),
        ("SUM([m1, m2])", "0:5 1:2 2:5 3:9"),
        ("MAX(METRICS())", "0:4 1:2 2:5 3:6"),
        ("MIN(METRICS('m2'))", "0:4 1:0 2:5 3:3"),
        ("STDDEV(m1)", "= 2.160247"),
        ("m1 - MIN(m1)", "0:0 1:1 3:5"),
        ("DATAPOINT_COUNT(m1)", "= 3"),
        ("DATAPOINT_COUNT(METRICS())", "0:2 1:2 2:1 3:2"),
        ("METRIC_COUNT(METRICS())", "= 2"),
        ("PERIOD(m1)", "= 60"),
        ("m1 / PERIOD(m1) * 60", "0:1 1:2 3:6"),
        ("RATE(m1)", "1:0.016667 3:0.033333"),
        ("DIFF(m1)", "1:1 3:4"),
        ("DIFF_TIME(m1)", "1:60 3:120"),
        ("RUNNING_SUM(m2)", "0:4 1:4 2:9 3:12"),
        ("FILL(m1, 0)", "0:1 1:2 2:0 3:6"),
        ("FILL(m1, REPEAT)", "0:1 1:2 2:2 3:6"),
        ("FILL(m1, LINEAR)", "0:1 1:2 2:4 3:6"),
        ("FILL(m1, m2)", "0:1 1:2 2:5 3:6"),
        ("FILL(METRICS(), 9)", "[0:1 1:2 2:9 3:6 | 0:4 1:0 2:5 3:3]"),
        ("IF(m1 > 1, m2, -1)", "0:-1 1:0 3:3"),
        ("IF(m1 > 1, m2)", "1:0 3:3"),
        ("IF(1 > 2, m1, m2)", "0:4 1:0 2:5 3:3"),
        ("TIME_SERIES(7)", "0:7 1:7 2:7 3:7"),
        ("SORT(METRICS(), SUM, DESC)", "[0:4 1:0 2:5 3:3 | 0:1 1:2 3:6]"),
        ("SORT(METRICS(), MAX, ASC, 1)", "[0:4 1:0 2:5 3:3]"),
        ("SLICE([m1, m2], 1)", "[0:4 1:0 2:5 3:3]"),
        ("SLICE([m1, m2], 0, 1)", "[0:1 1:2 3:6]"),
        ("FIRST([m1, m2])", "0:1 1:2 3:6"),
        ("LAST([m1, m2])", "0:4 1:0 2:5 3:3"),
        ("REMOVE_EMPTY([gone, m1])", "[0:1 1:2 3:6]"),
        ("MINUTE(m1)", "0:14 1:15 2:16 3:17"),
        ("HOUR(m1)", "0:22 1:22 2:22 3:22"),
        ("DAY(m1)", "0:2 1:2 2:2 3:2"),
        ("DATE(m1) + MONTH(m1) * 100 + YEAR(m1) * 10000", "0:20231114 1:20231114 2:20231114 3:20231114"),
        ("EPOCH(m1) - 1700000040", "0:0 1:60 2:120 3:180"),
        ("ANOMALY_DETECTION_BAND(m1)", "[0:13 | 0:7]"),
        ("ANOMALY_DETECTION_BAND(m1, 4)", "[0:16 | 0:4]"),
        ("METRICS() * 2 - m1", "[0:1 1:2 3:6 | 0:7 1:-2 3:0]"),
        ("avg(m1)", "= 3"),
        ("LAMBDA('f')", "[0:1]"),
        ("SUM(LAMBDA('f:2', 'a\nb', -2.5, TRUE)) + m1", "0:8"),
        ("SERVICE_QUOTA(used) / 100", "0:10 1:10 2:10 3:10"),
    ] {
        match run(text) {
            Ok(value) => assert_eq!(shown(value), expected, "{text}"),
            Err(error) => panic!("{text}: {error}"),
        }
    }
}

#[test]
fn what_is_no_expression() {
    for text in [
        "",
        "m1 +",
        "(m1",
        "m1 m2",
        "NOPE(m1)",
        "m9",
        "AVG()",
        "AVG(m1, m2)",
        "FILL(m1)",
        "IF(m1)",
        "'text'",
        "SEARCH('x')",
        "1 / 0",
        "m1 % 2",
        "SORT(METRICS(), AVG, UP)",
        "SORT(METRICS(), DAY, ASC)",
        "LAMBDA('f', 'else')",
        "LAMBDA()",
        "LAMBDA('f', m1)",
        "SERVICE_QUOTA(m1)",
        "SERVICE_QUOTA(1)",
        "INSIGHT_RULE_METRIC('a', 'b')",
        "TIME_SERIES(m1)",
        "FIRST(m1)",
        "\"open",
        "1e999",
        "é",
        "Word",
        "METRICS(m1)",
        "[m1, m2] + [m1]",
        "SUM(1)",
        "ANOMALY_DETECTION_BAND(m2)",
    ] {
        assert!(run(text).is_err(), "{text}");
    }
    let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
    assert_eq!(run(&deep).unwrap_err(), "The expression nests too deeply");
    assert!(run(&"^1".repeat(3000)[1..]).is_err());
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "[-+*/^<>=!&|()\\[\\],.'\"a-zA-Z0-9 é]{0,80}") {
        let _ = run(&text);
    }
}
