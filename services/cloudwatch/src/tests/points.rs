use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::Instant;

use super::cloud::{Cloud, datum};

const DAY: i64 = 86_400;

fn request(data: Vec<s::MetricDatum>) -> s::PutMetricDataInput {
    s::PutMetricDataInput { namespace: "Test".into(), metric_data: Some(data), ..Default::default() }
}

#[tokio::test]
async fn what_a_datum_may_be() {
    let cloud = Cloud::new().await;
    let now = cloud.now().secs();
    let good = || datum("m", now, 1.0);
    let dimension = |name: &str, value: &str| s::Dimension { name: name.into(), value: value.into() };
    let set = |count, min, max| s::StatisticSet { sample_count: count, sum: 1.0, minimum: min, maximum: max };
    let cases: Vec<(s::MetricDatum, &str)> = vec![
        (
            s::MetricDatum { value: Some(f64::NAN), ..good() },
            "InvalidParameterValueException: The value NaN for parameter MetricData.member.1.Value is invalid.",
        ),
        (
            s::MetricDatum { value: Some(1e200), ..good() },
            "InvalidParameterValueException: The value 1E200 for parameter MetricData.member.1.Value is invalid.",
        ),
        (
            s::MetricDatum { values: Some(vec![1.0]), ..good() },
            "InvalidParameterCombinationException: The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both.",
        ),
        (
            s::MetricDatum { statistic_values: Some(set(1.0, 1.0, 1.0)), ..good() },
            "InvalidParameterCombinationException: The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive and you have specified both.",
        ),
        (
            s::MetricDatum { value: None, ..good() },
            "MissingRequiredParameterException: The parameter MetricData.member.1.Value is required.",
        ),
        (
            s::MetricDatum { value: None, values: Some(vec![1.0, 2.0]), counts: Some(vec![1.0]), ..good() },
            "InvalidParameterValueException: The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.",
        ),
        (
            s::MetricDatum { value: None, values: Some(vec![1.0; 151]), ..good() },
            "InvalidParameterValueException: The collection MetricData.member.1.Values must not have a size greater than 150.",
        ),
        (
            s::MetricDatum { value: None, statistic_values: Some(set(0.0, 1.0, 1.0)), ..good() },
            "InvalidParameterValueException: The value 0.0 for parameter MetricData.member.1.StatisticValues.SampleCount is invalid.",
        ),
        (
            s::MetricDatum { timestamp: Some(Instant::from_secs(now - 14 * DAY - 1)), ..good() },
            "InvalidParameterValueException: The parameter MetricData.member.1.Timestamp must specify a time no more than two weeks in the past.",
        ),
        (
            s::MetricDatum { timestamp: Some(Instant::from_secs(now + 7201)), ..good() },
            "InvalidParameterValueException: The parameter MetricData.member.1.Timestamp must specify a time no more than two hours in the future.",
        ),
        (
            s::MetricDatum { storage_resolution: Some(30), ..good() },
            "InvalidParameterValueException: The value 30 for parameter MetricData.member.1.StorageResolution is invalid.",
        ),
        (
            s::MetricDatum { dimensions: Some(vec![dimension("a", "b"), dimension("a", "c")]), ..good() },
            "InvalidParameterValueException: Duplicate dimension name a.",
        ),
        (
            s::MetricDatum { dimensions: Some(vec![dimension("é", "b")]), ..good() },
            "InvalidParameterValueException: The value é for parameter MetricData.member.1.Dimensions.member.1.Name is invalid.",
        ),
        (
            s::MetricDatum { dimensions: Some(vec![dimension("a", " ")]), ..good() },
            "InvalidParameterValueException: The value   for parameter MetricData.member.1.Dimensions.member.1.Value is invalid.",
        ),
    ];
    for (datum, expected) in cases {
        assert_eq!(cloud.err::<op::PutMetricData>(request(vec![datum])).await, expected);
    }
    let second = cloud
        .err::<op::PutMetricData>(request(vec![
            good(),
            s::MetricDatum { value: Some(f64::INFINITY), ..good() },
        ]))
        .await;
    assert!(
        second.ends_with("The value Infinity for parameter MetricData.member.2.Value is invalid."),
        "{second}"
    );
    assert!(
        cloud
            .err::<op::PutMetricData>(request(Vec::new()))
            .await
            .ends_with("The parameter MetricData is required.")
    );
    let many = cloud.err::<op::PutMetricData>(request(vec![good(); 1001])).await;
    assert!(many.ends_with("The collection MetricData must not have a size greater than 1000."), "{many}");
    let aws = s::PutMetricDataInput { namespace: "AWS/EC2".into(), ..request(vec![good()]) };
    assert_eq!(
        cloud.err::<op::PutMetricData>(aws).await,
        "InvalidParameterValueException: The value AWS/ for parameter Namespace is invalid."
    );
    // Nothing of what was refused is there.
    assert_eq!(cloud.ok::<op::ListMetrics>(s::ListMetricsInput::default()).await.metrics.unwrap().len(), 0);
}

#[tokio::test]
async fn all_statistics_of_values_sets_and_single_points() {
    let cloud = Cloud::new().await;
    let minute = cloud.minute();
    let base = s::MetricDatum { value: None, unit: Some("Count".into()), ..datum("m", minute, 0.0) };
    cloud
        .put_all(vec![
            s::MetricDatum {
                values: Some(vec![1.0, 2.0, 3.0]),
                counts: Some(vec![2.0, 1.0, 1.0]),
                ..base.clone()
            },
            s::MetricDatum { value: Some(10.0), ..base.clone() },
            s::MetricDatum { value: Some(7.0), unit: Some("Bytes".into()), ..base.clone() },
        ])
        .await;
    let ask = |plain: &[&str], extended: &[&str]| s::GetMetricStatisticsInput {
        namespace: "Test".into(),
        metric_name: "m".into(),
        start_time: Instant::from_secs(minute),
        end_time: Instant::from_secs(minute + 60),
        period: 60,
        statistics: (!plain.is_empty()).then(|| plain.iter().map(|s| (*s).to_owned()).collect()),
        extended_statistics: (!extended.is_empty())
            .then(|| extended.iter().map(|s| (*s).to_owned()).collect()),
        unit: Some("Count".into()),
        ..Default::default()
    };
    let all = cloud
        .ok::<op::GetMetricStatistics>(ask(&["SampleCount", "Sum", "Average", "Minimum", "Maximum"], &[]))
        .await;
    let point = &all.datapoints.unwrap()[0];
    assert_eq!(
        (point.sample_count, point.sum, point.average, point.minimum, point.maximum, point.unit.as_deref()),
        (Some(5.0), Some(17.0), Some(3.4), Some(1.0), Some(10.0), Some("Count"))
    );
    let extended =
        cloud.ok::<op::GetMetricStatistics>(ask(&[], &["p50", "TM(:3)"])).await.datapoints.unwrap();
    let values: Vec<(String, f64)> = extended[0]
        .extended_statistics
        .iter()
        .flat_map(|map| map.iter())
        .map(|(k, v)| (k.to_owned(), *v))
        .collect();
    assert_eq!(values, [("p50".to_owned(), 2.0), ("TM(:3)".to_owned(), 1.75)]);
    // Without a unit, each unit has its point.
    let both = s::GetMetricStatisticsInput { unit: None, ..ask(&["Sum"], &[]) };
    assert_eq!(cloud.ok::<op::GetMetricStatistics>(both).await.datapoints.unwrap().len(), 2);
    // A set of statistics hides the distribution.
    let set = s::StatisticSet { sample_count: 2.0, sum: 9.0, minimum: 4.0, maximum: 5.0 };
    cloud.put_all(vec![s::MetricDatum { statistic_values: Some(set), ..base }]).await;
    assert_eq!(cloud.ok::<op::GetMetricStatistics>(ask(&[], &["p50"])).await.datapoints.unwrap().len(), 0);

    for (input, expected) in [
        (ask(&[], &[]), "Must specify either Statistics or ExtendedStatistics"),
        (
            ask(&["Sum"], &["p1"]),
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.",
        ),
        (ask(&[], &["p101"]), "The value p101 for parameter ExtendedStatistics.member.1 is invalid."),
        (
            s::GetMetricStatisticsInput { period: 61, ..ask(&["Sum"], &[]) },
            "The parameter Period must be a value in the set [ 1, 5, 10, 20, 30 ], or a multiple of 60.",
        ),
        (
            s::GetMetricStatisticsInput { end_time: Instant::from_secs(minute), ..ask(&["Sum"], &[]) },
            "The parameter StartTime must be less than the parameter EndTime.",
        ),
        (
            s::GetMetricStatisticsInput {
                start_time: Instant::from_secs(minute - 1440 * 60),
                ..ask(&["Sum"], &[])
            },
            "You have requested up to 1,441 datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
        ),
    ] {
        let error = cloud.err::<op::GetMetricStatistics>(input).await;
        assert!(error.ends_with(expected), "{error}");
    }
}

/// What was put stays the same to the reader while it moves from memory to chunks, and is rolled up as it ages.
#[tokio::test]
async fn points_age_through_the_tiers() {
    let cloud = Cloud::new().await;
    let start = cloud.now().secs() / 3600 * 3600 - 3600;
    let second =
        |i: i64| s::MetricDatum { storage_resolution: Some(1), ..datum("fine", start + i, (i % 10) as f64) };
    for part in 0..6 {
        cloud.put_all((part * 100..part * 100 + 100).map(second).collect()).await;
    }
    cloud.put("coarse", start + 30, 4.0).await;
    let minute_sums: Vec<(i64, f64)> = (0..10).map(|i| (start + i * 60, 270.0)).collect();
    let read = |period| cloud.statistic("fine", start, start + 600, period, "Sum");
    for _ in 0..3 {
        assert_eq!(read(60).await, minute_sums);
        assert_eq!(read(1).await.len(), 600);
        assert_eq!(read(10).await, (0..60).map(|i| (start + i * 10, 45.0)).collect::<Vec<_>>());
        assert_eq!(cloud.statistic("fine", start, start + 600, 600, "p90").await, [(start, p90())]);
        cloud.advance(150).await;
    }
    // After three hours there are no seconds, after 15 days no minutes, after 63 days only hours.
    cloud.advance(4 * 3600).await;
    assert_eq!((read(1).await.len(), read(60).await), (0, minute_sums));
    cloud.advance(16 * 86_400).await;
    assert_eq!((read(60).await.len(), read(300).await), (0, vec![(start, 1350.0), (start + 300, 1350.0)]));
    cloud.advance(60 * 86_400).await;
    assert_eq!((read(300).await.len(), read(3600).await), (0, vec![(start, 2700.0)]));
    assert_eq!(cloud.statistic("fine", start, start + 3600, 3600, "Maximum").await, [(start, 9.0)]);
    assert_eq!(cloud.statistic("coarse", start, start + 3600, 3600, "Sum").await, [(start, 4.0)]);
    cloud.advance(460 * 86_400).await;
    assert_eq!(read(3600).await, []);
}

/// The 90th percentile of 0 to 9, each sixty times: place 539.1 of 600 sorted samples lies between an 8 and a 9.
fn p90() -> f64 {
    let mut samples: Vec<f64> = (0..600).map(|i| f64::from(i % 10)).collect();
    samples.sort_by(f64::total_cmp);
    let place: f64 = 0.9 * 599.0;
    let (low, high) = (samples[place as usize], samples[place as usize + 1]);
    low + (high - low) * place.fract()
}

#[tokio::test]
async fn metrics_are_listed_by_what_they_have_and_forgotten_after_two_weeks() {
    let cloud = Cloud::new().await;
    let now = cloud.now().secs();
    let dimension = |name: &str, value: &str| s::Dimension { name: name.into(), value: value.into() };
    for i in 0..1200 {
        let dimensions =
            vec![dimension("Host", &format!("h{i}")), dimension("Even", &(i % 2 == 0).to_string())];
        cloud.put_all(vec![s::MetricDatum { dimensions: Some(dimensions), ..datum("load", now, 1.0) }]).await;
    }
    cloud.put("other", now, 1.0).await;
    let (mut count, mut pages, mut token) = (0, 0, None);
    loop {
        let filter = s::DimensionFilter { name: "Even".into(), value: Some("true".into()) };
        let input = s::ListMetricsInput {
            namespace: Some("Test".into()),
            dimensions: Some(vec![filter]),
            next_token: token,
            ..Default::default()
        };
        let page = cloud.ok::<op::ListMetrics>(input).await;
        count += page.metrics.unwrap().len();
        pages += 1;
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((count, pages), (600, 2));
    let named = |name: &str| s::ListMetricsInput { metric_name: Some(name.into()), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListMetrics>(named("other")).await.metrics.unwrap().len(), 1);
    cloud.advance(4 * 3600).await;
    let recent = s::ListMetricsInput { recently_active: Some("PT3H".into()), ..named("other") };
    assert_eq!(cloud.ok::<op::ListMetrics>(recent.clone()).await.metrics.unwrap().len(), 0);
    cloud.put("other", now, 1.0).await;
    assert_eq!(cloud.ok::<op::ListMetrics>(recent).await.metrics.unwrap().len(), 1);
    cloud.advance(15 * 86_400).await;
    assert_eq!(cloud.ok::<op::ListMetrics>(named("load")).await.metrics.unwrap().len(), 0);
    let bad = s::ListMetricsInput { next_token: Some("x".into()), ..Default::default() };
    assert_eq!(cloud.err::<op::ListMetrics>(bad).await, "InvalidNextToken: Invalid nextToken");
}
