use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use haneul_cloudwatch_wire as wire;
use haneul_kit::{AccountId, Platform, Region, Result, Service, Signal};
use haneul_roles::Sessions;
use wire::operations as op;

use crate::contributors::rules::Rules;
use crate::store::Points;
use crate::tasks::{Actions, Alarms, Contributors, Intake, Rolling, Streams, Writing};

/// The state of the service.
pub struct CloudWatch {
    pub(crate) platform: Platform,
    pub(crate) points: Points,
    /// Says that an alarm has changed.
    pub(crate) alarms_signal: Signal,
    /// Says that there are actions to be called.
    pub(crate) actions_signal: Signal,
    /// Says that a metric stream has changed.
    pub(crate) streams_signal: Signal,
    /// Of the roles of metric streams.
    pub(crate) stream_sessions: Sessions<(AccountId, Region)>,
    /// The next line of history, the next action.
    pub(crate) numbers: AtomicU64,
}

/// The dispatch table.
///
/// # Errors
/// When what a crash left in the journal cannot be read.
pub async fn service(platform: &Platform) -> Result<Service> {
    let points = Points::open(&platform.store, &platform.env.rng, Signal::default()).await?;
    platform.metrics.open();
    platform.contributors.set_log_rules(Arc::new(Rules::new(&platform.store)));
    platform.tagged.add("cloudwatch", crate::resources::KINDS, crate::resources::list);
    let cloudwatch = Arc::new(CloudWatch {
        platform: platform.clone(),
        points,
        alarms_signal: Signal::default(),
        actions_signal: Signal::default(),
        streams_signal: Signal::default(),
        stream_sessions: Sessions::default(),
        numbers: AtomicU64::new(0),
    });
    platform.meter.holds("cloudwatch", &cloudwatch, crate::held::held);
    // Metrics.
    let service = Service::of(&wire::SERVICE, cloudwatch.clone())
        .op::<op::PutMetricData>()
        .op::<op::GetMetricData>()
        .op::<op::GetMetricStatistics>()
        .op::<op::ListMetrics>();
    // Alarms.
    let service = service
        .op::<op::PutMetricAlarm>()
        .op::<op::PutCompositeAlarm>()
        .op::<op::DescribeAlarms>()
        .op::<op::DescribeAlarmsForMetric>()
        .op::<op::DescribeAlarmContributors>()
        .op::<op::DescribeAlarmHistory>()
        .op::<op::SetAlarmState>()
        .op::<op::EnableAlarmActions>()
        .op::<op::DisableAlarmActions>()
        .op::<op::DeleteAlarms>()
        .op::<op::PutAlarmMuteRule>()
        .op::<op::GetAlarmMuteRule>()
        .op::<op::ListAlarmMuteRules>()
        .op::<op::DeleteAlarmMuteRule>();
    // Dashboards and detectors.
    let service = service
        .op::<op::PutDashboard>()
        .op::<op::GetDashboard>()
        .op::<op::ListDashboards>()
        .op::<op::DeleteDashboards>()
        .op::<op::GetMetricWidgetImage>()
        .op::<op::PutAnomalyDetector>()
        .op::<op::DescribeAnomalyDetectors>()
        .op::<op::DeleteAnomalyDetector>();
    // Contributor Insights.
    let service = service
        .op::<op::PutInsightRule>()
        .op::<op::DescribeInsightRules>()
        .op::<op::EnableInsightRules>()
        .op::<op::DisableInsightRules>()
        .op::<op::DeleteInsightRules>()
        .op::<op::GetInsightRuleReport>();
    // Metric streams.
    let service = service
        .op::<op::PutMetricStream>()
        .op::<op::GetMetricStream>()
        .op::<op::ListMetricStreams>()
        .op::<op::StartMetricStreams>()
        .op::<op::StopMetricStreams>()
        .op::<op::DeleteMetricStream>();
    // Saved queries.
    let service = service
        .op::<op::PutMetricDataQueryDefinition>()
        .op::<op::GetMetricDataQueryDefinition>()
        .op::<op::ListMetricDataQueryDefinitions>()
        .op::<op::DeleteMetricDataQueryDefinition>();
    // Tags.
    let service = service.op::<op::TagResource>().op::<op::UntagResource>().op::<op::ListTagsForResource>();
    let service = service
        .reconciler(Arc::new(Writing::new(cloudwatch.clone())))
        .reconciler(Arc::new(Rolling::new(cloudwatch.clone())))
        .reconciler(Arc::new(Intake::new(cloudwatch.clone())))
        .reconciler(Arc::new(Contributors::new(cloudwatch.clone())))
        .reconciler(Arc::new(Streams::new(cloudwatch.clone())))
        .reconciler(Arc::new(Alarms::new(cloudwatch.clone())))
        .reconciler(Arc::new(Actions::new(cloudwatch)));
    Ok(service.build())
}
