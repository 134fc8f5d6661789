use super::embedded::metrics;
use super::points::{Points, Series};
use crate::pattern::regexes;

#[test]
fn points_are_summed_and_cut_into_requests() {
    let series = |metric: &str| Series {
        account: haneul_kit::AccountId::DEFAULT,
        region: haneul_kit::Region::US_EAST_1,
        namespace: "App".into(),
        metric: metric.into(),
        dimensions: Vec::new(),
        unit: None,
        high_resolution: false,
    };
    let now = 1_700_000_000_000;
    let mut points = Points::default();
    for value in 0..400 {
        points.add(series("many"), now, f64::from(value), now);
        points.add(series("one"), now, 1.0, now);
    }
    points.add(series("one"), now + 60_000, 1.0, now);
    points.add(series("old"), now - 15 * 86_400_000, 1.0, now);
    points.add(series("bad"), now, f64::NAN, now);
    let requests = points.requests();
    let data: Vec<_> =
        requests.iter().flat_map(|(_, _, input)| input.metric_data.as_ref().unwrap()).collect();
    let lengths: Vec<usize> = data.iter().map(|datum| datum.values.as_ref().unwrap().len()).collect();
    assert_eq!((requests.len(), lengths), (1, vec![150, 150, 100, 1, 1]));
    assert_eq!(data[3].counts.as_deref(), Some(&[400.0][..]));
}

#[test]
fn embedded_metrics_that_break_the_rules_are_left_out() {
    let event = |metrics: &str, dimensions: &str, rest: &str| {
        format!(
            r#"{{"_aws":{{"Timestamp":1,"CloudWatchMetrics":[{{"Namespace":"N","Dimensions":{dimensions},"Metrics":{metrics}}}]}}{rest}}}"#
        )
    };
    for (text, found) in [
        (event(r#"[{"Name":"a"}]"#, "[[]]", r#","a":1"#), 1),
        (event(r#"[{"Name":"a"},{"Name":"b"}]"#, "[[]]", r#","a":1,"b":[1,2]"#), 2),
        (event(r#"[{"Name":"a"}]"#, "[[]]", r#","a":"1""#), 0),
        (event(r#"[{"Name":"a"}]"#, r#"[["d"]]"#, r#","a":1"#), 0),
        (event(r#"[{"Name":"a"}]"#, r#"[["d"]]"#, r#","a":1,"d":"x""#), 1),
        (event("7", "[[]]", ""), 0),
        ("{\"_aws\" \"CloudWatchMetrics\"".to_owned(), 0),
    ] {
        assert_eq!(metrics(&text).1.len(), found, "{text}");
    }
}

#[test]
fn regular_expressions_are_counted() {
    for (pattern, count) in [
        ("", 0),
        ("ERROR", 0),
        ("%a% %b%", 2),
        ("{ $.a = %x% }", 1),
        ("[a = %x%, b = %y%]", 2),
        ("{", 0),
        ("[", 0),
    ] {
        assert_eq!(regexes(pattern), count, "{pattern}");
    }
}
