use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::Instant;

use super::cloud::{Cloud, datum, expression, query};

#[tokio::test]
async fn math_searches_and_insights_over_stored_points() {
    let cloud = Cloud::new().await;
    let start = cloud.minute() - 600;
    let dimension = |value: &str| Some(vec![s::Dimension { name: "Host".into(), value: value.into() }]);
    for i in 0..5i64 {
        let at = start + i * 60;
        cloud
            .put_all(vec![
                datum("errors", at, i as f64),
                datum("requests", at, 10.0),
                s::MetricDatum { dimensions: dimension("one"), ..datum("cpuLoad", at, 1.0) },
                s::MetricDatum { dimensions: dimension("two"), ..datum("cpuLoad", at, 3.0) },
            ])
            .await;
    }
    let hidden = |q: s::MetricDataQuery| s::MetricDataQuery { return_data: Some(false), ..q };
    let ask = |text: &str| {
        let queries = vec![
            hidden(query("m1", "errors", 60, "Sum")),
            hidden(query("m2", "requests", 60, "Sum")),
            s::MetricDataQuery { label: Some("rate ${MAX}".into()), ..expression("e1", text, Some(60)) },
        ];
        cloud.data(queries, start, start + 600)
    };
    let rate = ask("100 * m1 / m2").await;
    assert_eq!(rate[0].0, "rate 40");
    assert_eq!(rate[0].1, (0..5).map(|i| (start + i * 60, 10.0 * i as f64)).collect::<Vec<_>>());
    let found = ask("SEARCH('{Test,Host} cpu', 'Maximum', 60)").await;
    assert_eq!(
        found.iter().map(|(label, points)| (label.as_str(), points.len())).collect::<Vec<_>>(),
        [("rate 1", 5), ("rate 3", 5)]
    );
    let sum = ask("SUM(SEARCH('cpuLoad', 'Maximum', 60)) + 0 * m1").await;
    assert_eq!(sum[0].1[0], (start, 4.0));
    let plain = |text: &str| cloud.data(vec![expression("q", text, Some(300))], start, start + 600);
    let groups =
        plain("SELECT AVG(cpuLoad) FROM SCHEMA(\"Test\", Host) GROUP BY Host ORDER BY MAX() DESC").await;
    assert_eq!(groups, [("two".to_owned(), vec![(start, 3.0)]), ("one".to_owned(), vec![(start, 1.0)])]);
    assert_eq!(
        plain("SELECT SUM(cpuLoad) FROM Test WHERE Host != 'two'").await,
        [("q".to_owned(), vec![(start, 5.0)])]
    );
    assert_eq!(plain("SELECT COUNT(nothing) FROM Test").await, [("q".to_owned(), Vec::new())]);
}

#[tokio::test]
async fn requests_that_make_no_sense() {
    let cloud = Cloud::new().await;
    let now = cloud.now();
    let ask = |queries: Vec<s::MetricDataQuery>| s::GetMetricDataInput {
        metric_data_queries: queries,
        start_time: Instant::from_secs(now.secs() - 600),
        end_time: now,
        ..Default::default()
    };
    let m = || query("m1", "m", 60, "Sum");
    for (queries, expected) in [
        (vec![m(), m()], "The values for parameter id in MetricDataQueries are not unique."),
        (
            vec![query("M", "m", 60, "Sum")],
            "The value M for parameter MetricDataQueries.member.1.Id is not valid. The id must begin with a lowercase letter and have only letters, numbers, and underscores.",
        ),
        (
            vec![query("m", "m", 61, "Sum")],
            "The parameter MetricDataQueries.member.1.MetricStat.Period must be a value in the set [ 1, 5, 10, 20, 30 ], or a multiple of 60.",
        ),
        (
            vec![query("m", "m", 60, "Median")],
            "The value Median for parameter MetricDataQueries.member.1.MetricStat.Stat is not supported.",
        ),
        (
            vec![s::MetricDataQuery { id: "m".into(), ..Default::default() }],
            "You must specify either MetricDataQueries.member.1.Expression or MetricDataQueries.member.1.MetricStat.",
        ),
        (vec![expression("e", "m1 +", None)], "Error in expression 'e' [The expression ends too early]"),
        (vec![expression("e", "m9", None)], "Error in expression 'e' [Unresolved identifier: m9]"),
        (
            vec![expression("e1", "e2", None), expression("e2", "e1", None)],
            "Error in expression 'e1' [The expression refers to itself]",
        ),
        (vec![m(), expression("e", "SUM(m1) + 1", None)], ""),
        (
            vec![expression("e", "1 + 1", None)],
            "Error in expression 'e' [The expression must result in a time series, not in a scalar]",
        ),
        (
            vec![expression("q", "SELECT AVG(x) FROM y", None)],
            "The parameter MetricDataQueries.member.1.Period is required for a Metrics Insights query.",
        ),
        (
            vec![expression("q", "SELECT AVG(x) FROM", Some(60))],
            "Error in expression 'q' [Expected a namespace in the query]",
        ),
    ] {
        match cloud.call::<op::GetMetricData>(ask(queries)).await {
            // An empty series has no sum: the expression is an empty series, too.
            Ok(_) => assert_eq!(expected, ""),
            Err(error) => assert_eq!(error.to_string(), format!("ValidationException: {expected}")),
        }
    }
    let backwards = s::GetMetricDataInput { end_time: Instant::from_secs(0), ..ask(vec![m()]) };
    assert_eq!(
        cloud.err::<op::GetMetricData>(backwards).await,
        "ValidationException: The parameter EndTime must be greater than StartTime."
    );
}

#[tokio::test]
async fn pages_hold_every_point_once() {
    let cloud = Cloud::new().await;
    let start = cloud.minute() - 3000;
    for i in 0..50i64 {
        cloud
            .put_all(vec![datum("a", start + i * 60, i as f64), datum("b", start + i * 60, -(i as f64))])
            .await;
    }
    for (scan, limit) in [("TimestampAscending", 7), ("TimestampDescending", 50), ("TimestampDescending", 33)]
    {
        let (mut token, mut seen) = (None, Vec::new());
        loop {
            let input = s::GetMetricDataInput {
                metric_data_queries: vec![query("a", "a", 60, "Sum"), query("b", "b", 60, "Sum")],
                start_time: Instant::from_secs(start),
                end_time: Instant::from_secs(start + 3000),
                scan_by: Some(scan.into()),
                max_datapoints: Some(limit),
                next_token: token,
                ..Default::default()
            };
            let page = cloud.ok::<op::GetMetricData>(input).await;
            let results = page.metric_data_results.unwrap();
            let points: usize = results.iter().map(|r| r.values.as_ref().unwrap().len()).sum();
            assert!(points <= limit as usize);
            for result in results {
                let id = result.id.unwrap();
                seen.extend(
                    result
                        .timestamps
                        .unwrap()
                        .into_iter()
                        .zip(result.values.unwrap())
                        .map(|(at, v)| (id.clone(), at, v)),
                );
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 100);
        let sorted = |id: &str| {
            let times: Vec<Instant> = seen.iter().filter(|(of, ..)| of == id).map(|(_, at, _)| *at).collect();
            if scan == "TimestampAscending" { times.is_sorted() } else { times.iter().rev().is_sorted() }
        };
        assert!(sorted("a") && sorted("b"), "{scan}");
    }
}
