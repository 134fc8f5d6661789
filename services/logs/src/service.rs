use std::sync::{Arc, Weak};

use haneul_kit::{Platform, Result, Service, Signal};
use haneul_logs_wire as wire;
use wire::operations as op;

use crate::queries::Queries;
use crate::store::Records;
use crate::tasks::Sweeping;

/// The state of the service.
pub struct Logs {
    pub(crate) platform: Platform,
    pub(crate) records: Records,
    pub(crate) queries: Queries,
    pub(crate) sweeping: Signal,
    /// Told of every batch, for live tails.
    pub(crate) arrivals: tokio::sync::watch::Sender<u64>,
    /// Ourselves, for work that goes on after the answer.
    this: Weak<Logs>,
}

impl Logs {
    pub(crate) fn this(&self) -> Option<Arc<Logs>> {
        self.this.upgrade()
    }
}

/// The dispatch table.
///
/// # Errors
/// None now: the tables need no opening.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("logs", crate::resources::KINDS, crate::resources::list);
    let logs = Arc::new_cyclic(|this| Logs {
        this: this.clone(),
        platform: platform.clone(),
        records: Records::new(&platform.store),
        queries: Queries::default(),
        sweeping: Signal::default(),
        arrivals: tokio::sync::watch::Sender::new(0),
    });
    // Groups and streams.
    let service = Service::of(&wire::SERVICE, logs.clone())
        .op::<op::CreateLogGroup>()
        .op::<op::DeleteLogGroup>()
        .op::<op::DescribeLogGroups>()
        .op::<op::ListLogGroups>()
        .op::<op::PutRetentionPolicy>()
        .op::<op::DeleteRetentionPolicy>()
        .op::<op::PutLogGroupDeletionProtection>()
        .op::<op::CreateLogStream>()
        .op::<op::DeleteLogStream>()
        .op::<op::DescribeLogStreams>();
    // Events.
    let service = service
        .op::<op::PutLogEvents>()
        .op::<op::GetLogEvents>()
        .op::<op::FilterLogEvents>()
        .op::<op::StartLiveTail>()
        .op::<op::TestMetricFilter>()
        .op::<op::GetLogRecord>()
        .op::<op::GetLogGroupFields>();
    // Queries.
    let service = service
        .op::<op::StartQuery>()
        .op::<op::StopQuery>()
        .op::<op::GetQueryResults>()
        .op::<op::DescribeQueries>()
        .op::<op::PutQueryDefinition>()
        .op::<op::DeleteQueryDefinition>()
        .op::<op::DescribeQueryDefinitions>();
    // Tags and policies.
    let service = service
        .op::<op::TagResource>()
        .op::<op::UntagResource>()
        .op::<op::ListTagsForResource>()
        .op::<op::TagLogGroup>()
        .op::<op::UntagLogGroup>()
        .op::<op::ListTagsLogGroup>()
        .op::<op::PutResourcePolicy>()
        .op::<op::DeleteResourcePolicy>()
        .op::<op::DescribeResourcePolicies>();
    Ok(service.reconciler(Arc::new(Sweeping::new(logs))).build())
}
