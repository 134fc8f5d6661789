use haneul_cloudwatch_wire::operations as cloudwatch;
use haneul_cloudwatch_wire::shapes as c;
use haneul_kit::Instant;
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::cloud::Cloud;

fn put(name: &str, pattern: &str, value: &str) -> s::PutMetricFilterRequest {
    s::PutMetricFilterRequest {
        log_group_name: "g".into(),
        filter_name: name.into(),
        filter_pattern: pattern.into(),
        metric_transformations: vec![s::MetricTransformation {
            metric_name: format!("{name}-metric"),
            metric_namespace: "App".into(),
            metric_value: value.into(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn with(
    mut request: s::PutMetricFilterRequest,
    change: impl FnOnce(&mut s::MetricTransformation),
) -> s::PutMetricFilterRequest {
    change(&mut request.metric_transformations[0]);
    request
}

fn dimensions(list: &[(&str, &str)]) -> Option<haneul_shape::value::Map<String>> {
    Some(list.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
}

impl Cloud {
    /// Sample count and sum of a metric over the last hour.
    async fn sums(&self, metric: &str, dimensions: &[(&str, &str)]) -> (f64, f64) {
        let now = self.now_ms();
        let dimension =
            |(name, value): &(&str, &str)| c::Dimension { name: (*name).into(), value: (*value).into() };
        let input = c::GetMetricStatisticsInput {
            namespace: "App".into(),
            metric_name: metric.into(),
            dimensions: Some(dimensions.iter().map(dimension).collect()),
            start_time: Instant::from_millis(now - 3_600_000),
            end_time: Instant::from_millis(now + 3_600_000),
            period: 3600,
            statistics: Some(vec!["Sum".into(), "SampleCount".into()]),
            ..Default::default()
        };
        let points = self.ok::<cloudwatch::GetMetricStatistics>(input).await.datapoints.unwrap_or_default();
        points.iter().fold((0.0, 0.0), |(count, sum), point| {
            (count + point.sample_count.unwrap(), sum + point.sum.unwrap())
        })
    }

    async fn group_with_stream(&self) {
        self.group("g").await;
        self.stream("g", "s").await;
    }
}

#[tokio::test]
async fn events_become_points() {
    let cloud = Cloud::new().await;
    cloud.group_with_stream().await;
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now, "ERROR before the filter")]).await.unwrap();
    cloud.advance(60).await;
    let now = cloud.now_ms();
    cloud.ok::<op::PutMetricFilter>(put("errors", "ERROR", "1")).await;
    cloud.ok::<op::PutMetricFilter>(put("latency", "{ $.ms = * }", "$.ms")).await;
    let by = with(put("bytes", "[ip, status=2*, bytes]", "$bytes"), |t| {
        t.dimensions = dimensions(&[("Ip", "$ip")]);
        t.unit = Some("Bytes".into());
    });
    cloud.ok::<op::PutMetricFilter>(by).await;
    let events = [
        (now, "ERROR one"),
        (now, "ERROR two"),
        (now, "fine"),
        (now, r#"{"ms": 12.5}"#),
        (now, r#"{"ms": "7.5"}"#),
        (now, r#"{"ms": "many"}"#),
        (now, "10.0.0.1 200 512"),
        (now, "10.0.0.1 200 88"),
        (now, "10.0.0.2 201 1"),
        (now, "10.0.0.2 500 99"),
    ];
    cloud.put("g", "s", &events).await.unwrap();
    cloud.settle().await;
    assert_eq!(cloud.sums("errors-metric", &[]).await, (2.0, 2.0));
    assert_eq!(cloud.sums("latency-metric", &[]).await, (2.0, 20.0));
    assert_eq!(cloud.sums("bytes-metric", &[("Ip", "10.0.0.1")]).await, (2.0, 600.0));
    assert_eq!(cloud.sums("bytes-metric", &[("Ip", "10.0.0.2")]).await, (1.0, 1.0));
}

#[tokio::test]
async fn a_default_is_published_for_a_minute_with_events_and_no_match() {
    let cloud = Cloud::new().await;
    cloud.group_with_stream().await;
    let filter = with(put("errors", "ERROR", "5"), |t| t.default_value = Some(0.5));
    cloud.ok::<op::PutMetricFilter>(filter).await;
    for messages in [["fine", "well"], ["ERROR", "fine"]] {
        for message in messages {
            cloud.put("g", "s", &[(cloud.now_ms(), message)]).await.unwrap();
            cloud.settle().await;
        }
        cloud.advance(61).await;
    }
    // A minute in which nothing came.
    cloud.advance(120).await;
    assert_eq!(cloud.sums("errors-metric", &[]).await, (2.0, 5.5));
}

#[tokio::test]
async fn the_embedded_metric_format() {
    let cloud = Cloud::new().await;
    cloud.group_with_stream().await;
    let now = cloud.now_ms();
    let event = format!(
        r#"{{"_aws":{{"Timestamp":{now},"CloudWatchMetrics":[{{"Namespace":"App","Dimensions":[["service"],[]],
           "Metrics":[{{"Name":"time","Unit":"Milliseconds"}},{{"Name":"absent"}}]}},
           {{"Namespace":"AWS/Not","Dimensions":[[]],"Metrics":[{{"Name":"time"}}]}}]}},"service":"cart","time":[1,2,3]}}"#
    );
    // Groups of another class make no metrics.
    let rare = s::CreateLogGroupRequest {
        log_group_name: "rare".into(),
        log_group_class: Some("INFREQUENT_ACCESS".into()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLogGroup>(rare).await;
    cloud.stream("rare", "s").await;
    cloud.put("rare", "s", &[(now, &event)]).await.unwrap();
    cloud.put("g", "s", &[(now, &event), (now, r#"{"_aws": {"CloudWatchMetrics": 7}}"#)]).await.unwrap();
    cloud.settle().await;
    assert_eq!(cloud.sums("time", &[("service", "cart")]).await, (3.0, 6.0));
    assert_eq!(cloud.sums("time", &[]).await, (3.0, 6.0));
}

#[tokio::test]
async fn what_a_filter_may_be() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let invalid = [
        (put("f", "{ $.a = }", "1"), "Invalid filter pattern"),
        (put("f", "ERROR", "$.a"), "Invalid metric transformation"),
        (put("f", "ERROR", "one"), "Invalid metric transformation"),
        (put("f", "[a, b]", "$c"), "Invalid metric transformation"),
        (
            with(put("f", "{ $.a = 1 }", "1"), |t| {
                t.dimensions = dimensions(&[("A", "$.a")]);
                t.default_value = Some(0.0);
            }),
            "Invalid metric transformation: dimensions and default value are mutually exclusive properties.",
        ),
        (
            with(put("f", "ERROR", "1"), |t| t.dimensions = dimensions(&[("A", "$.a")])),
            "The specified filter pattern does not support dimensions",
        ),
        (
            with(put("f", "{ $.a = 1 }", "1"), |t| {
                t.dimensions = dimensions(&[("A", "$.a"), ("B", "$.b"), ("C", "$.c"), ("D", "$.d")]);
            }),
            "Invalid metric transformation",
        ),
        (
            with(put("f", "", "1"), |t| t.metric_namespace = "AWS/Mine".into()),
            "Invalid metric transformation",
        ),
        (
            s::PutMetricFilterRequest { apply_on_transformed_logs: Some(true), ..put("f", "", "1") },
            "applyOnTransformedLogs",
        ),
    ];
    for (request, why) in invalid {
        let error = cloud.err::<op::PutMetricFilter>(request).await;
        assert!(error.starts_with(&format!("InvalidParameterException: {why}")), "{error}");
    }
    let elsewhere = s::PutMetricFilterRequest { log_group_name: "none".into(), ..put("f", "", "1") };
    assert_eq!(
        cloud.err::<op::PutMetricFilter>(elsewhere).await,
        "ResourceNotFoundException: The specified log group does not exist."
    );
    for i in 0..100 {
        cloud.ok::<op::PutMetricFilter>(put(&format!("f{i:03}"), "", "1")).await;
    }
    let limit = "LimitExceededException: Resource limit exceeded.";
    assert_eq!(cloud.err::<op::PutMetricFilter>(put("one more", "", "1")).await, limit);
    // One that is there can be changed.
    for i in 0..5 {
        cloud.ok::<op::PutMetricFilter>(put(&format!("f{i:03}"), "%a.% %b%", "1")).await;
    }
    assert_eq!(cloud.err::<op::PutMetricFilter>(put("f005", "%b.%", "1")).await, limit);
}

#[tokio::test]
async fn filters_are_listed_and_deleted() {
    let cloud = Cloud::new().await;
    for group in ["g", "h"] {
        cloud.group(group).await;
        for name in ["b", "a", "ab"] {
            let request = s::PutMetricFilterRequest { log_group_name: group.into(), ..put(name, "x", "1") };
            cloud.ok::<op::PutMetricFilter>(request).await;
        }
    }
    let list = async |input: s::DescribeMetricFiltersRequest| {
        let mut names = Vec::new();
        let mut input = input;
        loop {
            let page = cloud.ok::<op::DescribeMetricFilters>(input.clone()).await;
            let found = page.metric_filters.unwrap().into_iter();
            names.extend(found.map(|f| format!("{}/{}", f.log_group_name.unwrap(), f.filter_name.unwrap())));
            input.next_token = page.next_token;
            if input.next_token.is_none() {
                return names;
            }
        }
    };
    let all = s::DescribeMetricFiltersRequest { limit: Some(2), ..Default::default() };
    assert_eq!(list(all).await, ["g/a", "h/a", "g/ab", "h/ab", "g/b", "h/b"]);
    let of_group = s::DescribeMetricFiltersRequest {
        log_group_name: Some("g".into()),
        filter_name_prefix: Some("a".into()),
        ..Default::default()
    };
    assert_eq!(list(of_group).await, ["g/a", "g/ab"]);
    let of_metric = s::DescribeMetricFiltersRequest {
        metric_name: Some("b-metric".into()),
        metric_namespace: Some("App".into()),
        ..Default::default()
    };
    assert_eq!(list(of_metric.clone()).await, ["g/b", "h/b"]);
    let half = s::DescribeMetricFiltersRequest { metric_namespace: None, ..of_metric };
    assert!(cloud.err::<op::DescribeMetricFilters>(half).await.starts_with("InvalidParameterException"));
    let delete = s::DeleteMetricFilterRequest { log_group_name: "g".into(), filter_name: "a".into() };
    cloud.ok::<op::DeleteMetricFilter>(delete.clone()).await;
    assert_eq!(
        cloud.err::<op::DeleteMetricFilter>(delete).await,
        "ResourceNotFoundException: The specified metric filter does not exist."
    );
    let groups = cloud.ok::<op::DescribeLogGroups>(Default::default()).await.log_groups.unwrap();
    assert_eq!(groups.iter().map(|group| group.metric_filter_count).collect::<Vec<_>>(), [Some(2), Some(3)]);
    cloud.ok::<op::DeleteLogGroup>(s::DeleteLogGroupRequest { log_group_name: "g".into() }).await;
    cloud.group("g").await;
    assert_eq!(list(Default::default()).await, ["h/a", "h/ab", "h/b"]);
}

/// By name and then by group, over more than one page of the table.
#[tokio::test]
async fn the_filters_of_an_account_are_listed_in_order() {
    let cloud = Cloud::new().await;
    let mut wanted = Vec::new();
    for group in 0..6 {
        cloud.group(&format!("g{group}")).await;
        for filter in 0..100 {
            let name = format!("f{filter:02}");
            let request =
                s::PutMetricFilterRequest { log_group_name: format!("g{group}"), ..put(&name, "x", "1") };
            cloud.ok::<op::PutMetricFilter>(request).await;
            wanted.push((name, format!("g{group}")));
        }
    }
    wanted.sort();
    let (mut found, mut next_token, mut pages) = (Vec::new(), None, 0);
    loop {
        // Without a group the prefix says nothing.
        let input = s::DescribeMetricFiltersRequest {
            next_token,
            filter_name_prefix: Some("f9".into()),
            ..Default::default()
        };
        let page = cloud.ok::<op::DescribeMetricFilters>(input).await;
        let filters = page.metric_filters.unwrap().into_iter();
        found.extend(filters.map(|filter| (filter.filter_name.unwrap(), filter.log_group_name.unwrap())));
        pages += 1;
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!((pages, found == wanted), (12, true));
}

#[tokio::test]
async fn system_fields_select_events_and_are_dimensions() {
    let cloud = Cloud::new().await;
    cloud.group_with_stream().await;
    let here = s::PutMetricFilterRequest {
        field_selection_criteria: Some(r#"@aws.region = "us-east-1" AND @aws.account NOT IN ["1"]"#.into()),
        emit_system_field_dimensions: Some(vec!["@aws.account".into(), "@aws.region".into()]),
        ..with(put("here", "ERROR", "1"), |t| t.default_value = Some(0.0))
    };
    let there = s::PutMetricFilterRequest {
        field_selection_criteria: Some(r#"@aws.region = "eu-west-1""#.into()),
        ..with(put("there", "ERROR", "1"), |t| t.default_value = Some(0.0))
    };
    cloud.ok::<op::PutMetricFilter>(here.clone()).await;
    cloud.ok::<op::PutMetricFilter>(there).await;
    for message in ["ERROR", "fine"] {
        cloud.put("g", "s", &[(cloud.now_ms(), message)]).await.unwrap();
        cloud.advance(61).await;
    }
    let system = [("@aws.account", "111111111111"), ("@aws.region", "us-east-1")];
    assert_eq!(cloud.sums("here-metric", &system).await, (2.0, 1.0));
    assert_eq!(cloud.sums("here-metric", &[]).await, (0.0, 0.0));
    assert_eq!(cloud.sums("there-metric", &[]).await, (0.0, 0.0));
    let all = cloud.ok::<op::DescribeMetricFilters>(Default::default()).await.metric_filters.unwrap();
    assert_eq!(all[0].field_selection_criteria, here.field_selection_criteria);
    assert_eq!(all[0].emit_system_field_dimensions, here.emit_system_field_dimensions);
    assert_eq!(all[1].emit_system_field_dimensions, None);
    let three = |t: &mut s::MetricTransformation| {
        t.dimensions = dimensions(&[("A", "$.a"), ("B", "$.b"), ("C", "$.c")]);
    };
    for (criteria, emit, request) in [
        (Some("@aws.zone = 1"), None, put("f", "", "1")),
        (None, Some("@source.log"), put("f", "", "1")),
        (None, Some("@aws.region"), with(put("f", "{ $.a = * }", "1"), three)),
    ] {
        let request = s::PutMetricFilterRequest {
            field_selection_criteria: criteria.map(str::to_owned),
            emit_system_field_dimensions: emit.map(|field| vec![field.to_owned()]),
            ..request
        };
        let refused = cloud.err::<op::PutMetricFilter>(request).await;
        assert!(refused.starts_with("InvalidParameterException"), "{refused}");
    }
}
