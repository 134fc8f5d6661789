use std::sync::Arc;

use haneul_cloudtrail_wire as wire;
use haneul_kit::{Platform, Result, Service};
use wire::operations as op;

use crate::CloudTrail;
use crate::tasks::deliver::Outgoing;
use crate::tasks::ingest::Ingesting;
use crate::tasks::insights::Watching;
use crate::tasks::query::Querying;
use crate::tasks::sweep::Sweeping;

/// The dispatch table. Tells the platform of the [`Trail`](haneul_kit::Trail).
///
/// # Errors
/// When the journal cannot be opened, or the store not be read.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("cloudtrail", crate::resources::KINDS, crate::resources::list);
    let trail = CloudTrail::open(platform).await?;
    let weak: std::sync::Weak<CloudTrail> = Arc::downgrade(&trail);
    platform.set_trail(weak);
    // Trails.
    let service = Service::of(&wire::SERVICE, trail.clone())
        .op::<op::AddTags>()
        .op::<op::CreateTrail>()
        .op::<op::DeleteTrail>()
        .op::<op::DescribeTrails>()
        .op::<op::GetEventSelectors>()
        .op::<op::GetInsightSelectors>()
        .op::<op::GetTrail>()
        .op::<op::GetTrailStatus>()
        .op::<op::ListInsightsData>()
        .op::<op::ListInsightsMetricData>()
        .op::<op::ListPublicKeys>()
        .op::<op::ListTags>()
        .op::<op::ListTrails>()
        .op::<op::LookupEvents>()
        .op::<op::PutEventSelectors>()
        .op::<op::PutInsightSelectors>()
        .op::<op::RemoveTags>()
        .op::<op::StartLogging>()
        .op::<op::StopLogging>()
        .op::<op::UpdateTrail>();
    // Event data stores.
    let service = service
        .op::<op::CancelQuery>()
        .op::<op::CreateEventDataStore>()
        .op::<op::DeleteEventDataStore>()
        .op::<op::DeleteResourcePolicy>()
        .op::<op::DescribeQuery>()
        .op::<op::GetEventDataStore>()
        .op::<op::GetQueryResults>()
        .op::<op::GetResourcePolicy>()
        .op::<op::ListEventDataStores>()
        .op::<op::ListQueries>()
        .op::<op::PutResourcePolicy>()
        .op::<op::RestoreEventDataStore>()
        .op::<op::SearchSampleQueries>()
        .op::<op::StartEventDataStoreIngestion>()
        .op::<op::StartQuery>()
        .op::<op::StopEventDataStoreIngestion>()
        .op::<op::UpdateEventDataStore>();
    Ok(service
        .reconciler(Arc::new(Ingesting::new(trail.clone())))
        .reconciler(Arc::new(Outgoing::new(trail.clone())))
        .reconciler(Arc::new(Watching::new(trail.clone())))
        .reconciler(Arc::new(Querying::new(trail.clone())))
        .reconciler(Arc::new(Sweeping::new(trail)))
        .build())
}
