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
        dimensions: Default::default(),
        unit: None,
        high_resolution: false,
    };
    let now = 1_700_000_000_000;
    let mut points = Points::default();
    for value in 0..400 {
        points.add(series("many"), now, &[f64::from(value)], now);
        points.add(series("one"), now, &[1.0], now);
    }
    points.add(series("one"), now + 60_000, &[0.0, -0.0], now);
    points.add(series("old"), now - 15 * 86_400_000, &[1.0], now);
    points.add(series("one"), now, &[f64::NAN, f64::MAX], now);
    let requests = points.requests();
    let data: Vec<_> =
        requests.iter().flat_map(|(_, _, input)| input.metric_data.as_ref().unwrap()).collect();
    let lengths: Vec<usize> = data.iter().map(|datum| datum.values.as_ref().unwrap().len()).collect();
    assert_eq!((requests.len(), lengths), (1, vec![150, 150, 100, 1, 1]));
    assert_eq!(data[3].counts.as_deref(), Some(&[400.0][..]));
    assert_eq!(data[4].counts.as_deref(), Some(&[2.0][..]));
}

/// As many as an afternoon of searching through a list would take.
#[test]
fn different_values_of_one_series_are_added_quickly_and_not_without_end() {
    let series = Series {
        account: haneul_kit::AccountId::DEFAULT,
        region: haneul_kit::Region::US_EAST_1,
        namespace: "App".into(),
        metric: "m".into(),
        dimensions: Default::default(),
        unit: None,
        high_resolution: false,
    };
    let mut points = Points::default();
    points.add(series.clone(), 0, &[1.0; 100_000], 0);
    assert!(!points.is_full());
    let values: Vec<f64> = (0..1_000_000).map(f64::from).collect();
    points.add(series, 0, &values, 0);
    assert!(points.is_full());
    let values = points.requests().into_iter().flat_map(|(_, _, input)| input.metric_data.unwrap());
    assert_eq!(values.map(|datum| datum.values.unwrap().len()).sum::<usize>(), 1_000_000);
}

/// What one event can ask for is bounded, and what keeps to the specification is all there.
#[test]
fn an_embedded_event_has_an_end() {
    let list = |count: usize, of: &dyn Fn(usize) -> String| (0..count).map(of).collect::<Vec<_>>().join(",");
    let event = |metrics: usize, sets: usize, dimensions: usize, values: usize| {
        let names = list(metrics, &|at| format!(r#"{{"Name":"m{at}"}}"#));
        let set = list(dimensions, &|at| format!(r#""d{at}""#));
        let sets = list(sets, &|_| format!("[{set}]"));
        let fields = list(dimensions, &|at| format!(r#""d{at}":"x""#));
        let values = list(metrics, &|at| format!(r#""m{at}":[{}]"#, list(values, &|at| at.to_string())));
        let directive = format!(r#"{{"Namespace":"N","Dimensions":[{sets}],"Metrics":[{names}]}}"#);
        format!(r#"{{"_aws":{{"CloudWatchMetrics":[{directive}]}},{fields},{values}}}"#)
    };
    let points = |text: &str| -> usize {
        metrics(text).metrics.iter().map(|metric| metric.values.len() * metric.dimensions.len()).sum()
    };
    for (metrics, sets, dimensions, values, found) in [
        (100, 1, 30, 100, 10_000),
        (101, 1, 1, 1, 0),
        (1, 1, 31, 1, 0),
        (1, 1, 1, 101, 0),
        (100, 100, 1, 1, 10_000),
        (1, 1000, 1, 1, 100),
        (100, 100, 30, 100, 10_000),
    ] {
        let text = event(metrics, sets, dimensions, values);
        assert_eq!(points(&text), found, "{metrics} {sets} {dimensions} {values}");
    }
    let long = "n".repeat(256);
    let text = format!(
        r#"{{"_aws":{{"CloudWatchMetrics":[{{"Namespace":"N","Metrics":[{{"Name":"{long}"}}]}}]}},"{long}":1}}"#
    );
    assert_eq!(points(&text), 0);
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
        assert_eq!(metrics(&text).metrics.len(), found, "{text}");
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
        assert_eq!(regexes(pattern).len(), count, "{pattern}");
    }
}
