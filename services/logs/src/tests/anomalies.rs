use haneul_cloudwatch_wire::{operations as cw, shapes as c};
use haneul_kit::Instant;
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::cloud::{Cloud, OURS};

async fn detector(cloud: &Cloud, filter: Option<&str>) -> String {
    let create = s::CreateLogAnomalyDetectorRequest {
        log_group_arn_list: vec![format!("arn:aws:logs:us-east-1:{OURS}:log-group:app")],
        detector_name: Some("watch".into()),
        evaluation_frequency: Some("FIVE_MIN".into()),
        filter_pattern: filter.map(str::to_owned),
        ..Default::default()
    };
    cloud.ok::<op::CreateLogAnomalyDetector>(create).await.anomaly_detector_arn.unwrap()
}

async fn status(cloud: &Cloud, arn: &str) -> String {
    let get = s::GetLogAnomalyDetectorRequest { anomaly_detector_arn: arn.into() };
    cloud.ok::<op::GetLogAnomalyDetector>(get).await.anomaly_detector_status.unwrap()
}

async fn anomalies(cloud: &Cloud, arn: &str, state: Option<&str>) -> Vec<s::Anomaly> {
    let list = s::ListAnomaliesRequest {
        anomaly_detector_arn: Some(arn.into()),
        suppression_state: state.map(str::to_owned),
        ..Default::default()
    };
    let mut all = cloud.ok::<op::ListAnomalies>(list).await.anomalies.unwrap();
    all.sort_by_key(|anomaly| anomaly.first_seen);
    all
}

fn told(all: &[s::Anomaly]) -> Vec<&str> {
    all.iter().map(|anomaly| anomaly.description.as_str()).collect()
}

/// One span: usual messages, these too, and the evaluation.
async fn span(cloud: &Cloud, more: &[(&str, usize)]) {
    let now = cloud.now_ms();
    let mut events: Vec<(i64, String)> =
        (0..10).map(|n| (now + n, format!("[INFO] Request time: {} ms", 100 + n))).collect();
    for (message, times) in more {
        events.extend((0..*times).map(|_| (now + 20, (*message).to_owned())));
    }
    let events: Vec<(i64, &str)> = events.iter().map(|(at, message)| (*at, message.as_str())).collect();
    cloud.put("app", "one", &events).await.unwrap();
    cloud.advance(300).await;
}

async fn cloud() -> Cloud {
    let cloud = Cloud::new().await;
    cloud.group("app").await;
    cloud.stream("app", "one").await;
    cloud
}

/// Made, trained, and through enough evaluations to know what is usual.
async fn trained(cloud: &Cloud, filter: Option<&str>) -> String {
    let arn = detector(cloud, filter).await;
    cloud.settle().await;
    assert_eq!(status(cloud, &arn).await, "TRAINING");
    for _ in 0..14 {
        span(cloud, &[]).await;
    }
    assert_eq!(status(cloud, &arn).await, "ANALYZING");
    assert!(anomalies(cloud, &arn, None).await.is_empty());
    arn
}

#[tokio::test]
async fn new_patterns_and_unusual_frequencies_are_found() {
    let cloud = cloud().await;
    let arn = trained(&cloud, None).await;
    span(&cloud, &[("[ERROR] disk sda is full", 3)]).await;
    span(&cloud, &[]).await;
    let all = anomalies(&cloud, &arn, None).await;
    let [new] = &all[..] else { panic!("{:?}", told(&all)) };
    assert_eq!((&*new.pattern_string, new.priority.as_deref()), ("[ERROR] disk sda is full", Some("HIGH")));
    assert_eq!((&*new.state, new.active, new.suppressed), ("Active", false, Some(false)));
    assert_eq!(new.histogram.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [3]);
    assert_eq!(new.log_samples.len(), 3);
    assert_eq!(new.log_samples[0].message.as_deref(), Some("[ERROR] disk sda is full"));
    assert_eq!(new.pattern_id.len(), 32);
    assert_eq!(new.log_group_arn_list, [format!("arn:aws:logs:us-east-1:{OURS}:log-group:app")]);
    // It comes again: the same anomaly.
    span(&cloud, &[("[ERROR] disk sda is full", 2), ("[INFO] Request time: 7 ms", 200)]).await;
    span(&cloud, &[]).await;
    let all = anomalies(&cloud, &arn, None).await;
    let [again, more] = &all[..] else { panic!("{:?}", told(&all)) };
    assert_eq!(again.histogram.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(more.pattern_string, "[INFO] Request time: <*> ms");
    assert!(more.description.contains("210 log events"), "{}", more.description);
    let dynamic = more.pattern_tokens.iter().find(|token| token.is_dynamic == Some(true)).unwrap();
    assert_eq!(dynamic.dynamic_token_position, Some(1));

    let statistics = c::GetMetricStatisticsInput {
        namespace: "AWS/Logs".into(),
        metric_name: "AnomalyCount".into(),
        dimensions: Some(vec![
            c::Dimension { name: "LogAnomalyDetector".into(), value: "watch".into() },
            c::Dimension { name: "LogAnomalyPriority".into(), value: "HIGH".into() },
        ]),
        start_time: Instant::from_millis(cloud.now_ms() - 86_400_000),
        end_time: Instant::from_millis(cloud.now_ms() + 60_000),
        period: 86_400,
        statistics: Some(vec!["Sum".into()]),
        ..Default::default()
    };
    let points = cloud.ok::<cw::GetMetricStatistics>(statistics).await.datapoints.unwrap();
    assert_eq!(points.iter().filter_map(|point| point.sum).sum::<f64>(), 2.0);

    // After its time it is usual.
    cloud.advance(22 * 86_400).await;
    cloud.settle().await;
    let all = anomalies(&cloud, &arn, None).await;
    assert!(all.iter().take(2).all(|anomaly| anomaly.state == "Baseline"), "{:?}", told(&all));
}

#[tokio::test]
async fn what_is_suppressed_is_not_told() {
    let cloud = cloud().await;
    let arn = trained(&cloud, None).await;
    span(&cloud, &[("[WARN] queue is long", 1)]).await;
    span(&cloud, &[]).await;
    let found = anomalies(&cloud, &arn, None).await.remove(0);
    assert_eq!(found.priority.as_deref(), Some("MEDIUM"));
    let update = |anomaly: bool, kind: Option<&str>, hours: Option<i32>| s::UpdateAnomalyRequest {
        anomaly_detector_arn: arn.clone(),
        anomaly_id: anomaly.then(|| found.anomaly_id.clone()),
        pattern_id: (!anomaly).then(|| found.pattern_id.clone()),
        suppression_type: kind.map(str::to_owned),
        suppression_period: hours
            .map(|hours| s::SuppressionPeriod { value: Some(hours), suppression_unit: Some("HOURS".into()) }),
        ..Default::default()
    };
    assert!(
        cloud
            .err::<op::UpdateAnomaly>(update(true, Some("LIMITED"), None))
            .await
            .starts_with("InvalidParameterException")
    );
    cloud.ok::<op::UpdateAnomaly>(update(true, Some("LIMITED"), Some(1))).await;
    let one = anomalies(&cloud, &arn, Some("SUPPRESSED")).await.remove(0);
    assert_eq!((&*one.state, one.is_pattern_level_suppression), ("Suppressed", Some(false)));
    assert_eq!(one.suppressed_until, Some(cloud.now_ms() + 3_600_000));
    assert!(anomalies(&cloud, &arn, Some("UNSUPPRESSED")).await.is_empty());
    span(&cloud, &[("[WARN] queue is long", 4)]).await;
    span(&cloud, &[]).await;
    assert_eq!(anomalies(&cloud, &arn, None).await[0].histogram.iter().count(), 1, "no new data");
    cloud.advance(3600).await;
    assert_eq!(anomalies(&cloud, &arn, None).await[0].state, "Active");
    span(&cloud, &[("[WARN] queue is long", 4)]).await;
    span(&cloud, &[]).await;
    assert_eq!(anomalies(&cloud, &arn, None).await[0].histogram.iter().count(), 2);

    cloud.ok::<op::UpdateAnomaly>(update(false, Some("INFINITE"), None)).await;
    let one = anomalies(&cloud, &arn, None).await.remove(0);
    assert_eq!((one.suppressed_until, one.is_pattern_level_suppression), (Some(0), Some(true)));
    cloud.ok::<op::UpdateAnomaly>(update(false, None, None)).await;
    assert_eq!(anomalies(&cloud, &arn, None).await[0].suppressed, Some(false));
    let baseline = s::UpdateAnomalyRequest { baseline: Some(true), ..update(true, None, None) };
    cloud.ok::<op::UpdateAnomaly>(baseline).await;
    assert_eq!(anomalies(&cloud, &arn, None).await[0].state, "Baseline");
}

#[tokio::test]
async fn a_filter_limits_what_is_looked_at_and_a_paused_detector_looks_at_nothing() {
    let cloud = cloud().await;
    let arn = trained(&cloud, Some("-noise")).await;
    span(&cloud, &[("noise of the sea", 5)]).await;
    span(&cloud, &[]).await;
    assert!(anomalies(&cloud, &arn, None).await.is_empty());
    let update = |enabled| s::UpdateLogAnomalyDetectorRequest {
        anomaly_detector_arn: arn.clone(),
        enabled,
        anomaly_visibility_time: Some(7),
        ..Default::default()
    };
    cloud.ok::<op::UpdateLogAnomalyDetector>(update(false)).await;
    assert_eq!(status(&cloud, &arn).await, "PAUSED");
    span(&cloud, &[("[FATAL] all is lost", 1)]).await;
    span(&cloud, &[]).await;
    assert!(anomalies(&cloud, &arn, None).await.is_empty());
    cloud.ok::<op::UpdateLogAnomalyDetector>(update(true)).await;
    for _ in 0..5 {
        span(&cloud, &[]).await;
    }
    assert_eq!(status(&cloud, &arn).await, "ANALYZING");
    cloud
        .ok::<op::DeleteLogAnomalyDetector>(s::DeleteLogAnomalyDetectorRequest {
            anomaly_detector_arn: arn.clone(),
        })
        .await;
    let get = s::GetLogAnomalyDetectorRequest { anomaly_detector_arn: arn };
    assert!(cloud.err::<op::GetLogAnomalyDetector>(get).await.starts_with("ResourceNotFoundException"));
    assert!(
        cloud
            .ok::<op::ListLogAnomalyDetectors>(Default::default())
            .await
            .anomaly_detectors
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn detectors_are_checked_listed_and_tagged() {
    let cloud = cloud().await;
    let create = |group: &str, key: Option<&str>| s::CreateLogAnomalyDetectorRequest {
        log_group_arn_list: vec![group.into()],
        kms_key_id: key.map(str::to_owned),
        tags: Some([("team".to_owned(), "sky".to_owned())].into_iter().collect()),
        ..Default::default()
    };
    let app = format!("arn:aws:logs:us-east-1:{OURS}:log-group:app");
    let key = format!("arn:aws:kms:us-east-1:{OURS}:key/1234");
    for (input, code) in [
        (create("app", None), "InvalidParameterException"),
        (create(&format!("arn:aws:logs:us-east-1:{OURS}:log-group:gone"), None), "ResourceNotFoundException"),
        (create(&app, Some(&key)), "InvalidOperationException"),
    ] {
        assert!(cloud.err::<op::CreateLogAnomalyDetector>(input).await.starts_with(code), "{code}");
    }
    let mut arns = Vec::new();
    for _ in 0..3 {
        arns.push(
            cloud.ok::<op::CreateLogAnomalyDetector>(create(&app, None)).await.anomaly_detector_arn.unwrap(),
        );
    }
    let (mut listed, mut token) = (Vec::new(), None);
    loop {
        let list = s::ListLogAnomalyDetectorsRequest {
            limit: Some(2),
            next_token: token,
            filter_log_group_arn: Some(app.clone()),
        };
        let page = cloud.ok::<op::ListLogAnomalyDetectors>(list).await;
        listed.extend(page.anomaly_detectors.unwrap().into_iter().map(|one| {
            assert_eq!(
                (one.anomaly_visibility_time, one.evaluation_frequency.as_deref()),
                (Some(21), Some("FIVE_MIN"))
            );
            one.anomaly_detector_arn.unwrap()
        }));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    arns.sort();
    assert_eq!(listed, arns);
    let tag = s::TagResourceRequest {
        resource_arn: arns[0].clone(),
        tags: [("env".to_owned(), "test".to_owned())].into_iter().collect(),
    };
    cloud.ok::<op::TagResource>(tag).await;
    let untag = s::UntagResourceRequest { resource_arn: arns[0].clone(), tag_keys: vec!["team".into()] };
    cloud.ok::<op::UntagResource>(untag).await;
    let list = s::ListTagsForResourceRequest { resource_arn: arns[0].clone() };
    let tags = cloud.ok::<op::ListTagsForResource>(list).await.tags.unwrap();
    assert_eq!(
        tags.iter().map(|(k, v)| (k.to_owned(), v.clone())).collect::<Vec<_>>(),
        [("env".to_owned(), "test".to_owned())]
    );
}
