use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::metrics::{Metric, Owner, Reading, Source, Summary, Unit};
use haneul_kit::{AccountId, BoxFuture, Instant, Region};

use super::cloud::{Cloud, OURS};

const SENT: Metric = Metric::new("AWS/SQS", "NumberOfMessagesSent", Unit::Count);

struct Depth;

impl Source for Depth {
    fn read(&self, minute: Instant) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async move {
            vec![Reading {
                owner: Owner { account: AccountId::new(OURS).unwrap(), region: Region::US_EAST_1 },
                at: minute,
                namespace: "AWS/SQS",
                name: "ApproximateNumberOfMessagesVisible",
                unit: Unit::Count,
                dimensions: vec![("QueueName", "q".to_owned())],
                summary: Summary::of(5.0, 1.0),
            }]
        })
    }
}

#[tokio::test]
async fn what_services_say_of_their_work_becomes_metrics() {
    let cloud = Cloud::new().await;
    cloud.settle().await;
    cloud.platform.metrics.register(std::sync::Arc::new(Depth));
    let account = AccountId::new(OURS).unwrap();
    let minute = cloud.minute();
    for _ in 0..7 {
        let metrics = &cloud.platform.metrics;
        metrics.record(SENT, account, Region::US_EAST_1, cloud.now(), &[("QueueName", "q")], 2.0);
    }
    cloud.advance(61).await;
    let input = |name: &str| s::GetMetricStatisticsInput {
        namespace: "AWS/SQS".into(),
        metric_name: name.into(),
        dimensions: Some(vec![s::Dimension { name: "QueueName".into(), value: "q".into() }]),
        start_time: Instant::from_secs(minute),
        end_time: Instant::from_secs(minute + 120),
        period: 60,
        statistics: Some(vec!["Sum".into(), "SampleCount".into()]),
        ..Default::default()
    };
    let sent = cloud.ok::<op::GetMetricStatistics>(input(SENT.name)).await.datapoints.unwrap();
    assert_eq!(
        (sent[0].sum, sent[0].sample_count, sent[0].unit.as_deref()),
        (Some(14.0), Some(7.0), Some("Count"))
    );
    let depth = cloud
        .ok::<op::GetMetricStatistics>(input("ApproximateNumberOfMessagesVisible"))
        .await
        .datapoints
        .unwrap();
    assert_eq!(depth[0].sum, Some(5.0));
}
