use std::collections::HashMap;
use std::sync::{Arc, Weak};

use haneul_kit::{ApiError, Platform, Result, Service, Signal};
use haneul_logs_wire as wire;
use haneul_roles::Sessions;
use parking_lot::Mutex;
use wire::operations as op;

use crate::events::Event;
use crate::events::chunk::{self, At};
use crate::ingestion::Ingestion;
use crate::keys::{Fresh, OpenKeys};
use crate::names::GroupName;
use crate::ops::access::ResourcePolicies;
use crate::queries::Queries;
use crate::settings::Settings;
use crate::store::Records;
use crate::tasks::{Delivering, Detecting, Exporting, Measuring, Scheduling, Sweeping};
use crate::transform::{Transformer, Work};

/// Transformers that are kept compiled.
const TRANSFORMERS_MAX: usize = 200;

/// The state of the service.
pub struct Logs {
    pub(crate) platform: Platform,
    pub(crate) records: Records,
    pub(crate) queries: Queries,
    pub(crate) settings: Settings,
    pub(crate) resource_policies: ResourcePolicies,
    pub(crate) open_keys: OpenKeys,
    /// Compiled, by group and number.
    transformers: Mutex<HashMap<(u64, u64), Arc<Transformer>>>,
    pub(crate) sweeping: Signal,
    pub(crate) measuring: Signal,
    pub(crate) delivering: Signal,
    pub(crate) exporting: Signal,
    pub(crate) detecting: Signal,
    pub(crate) scheduling: Signal,
    /// Who changes what an anomaly detector learned or found.
    pub(crate) judging: tokio::sync::Mutex<()>,
    /// Of the roles of subscriptions.
    pub(crate) sessions: Sessions<GroupName>,
    /// Told of every batch, for live tails.
    pub(crate) arrivals: tokio::sync::watch::Sender<u64>,
    /// Ourselves, for work that goes on after the answer.
    this: Weak<Logs>,
}

impl Logs {
    pub(crate) fn this(&self) -> Option<Arc<Logs>> {
        self.this.upgrade()
    }

    /// The events of a chunk (stream and sequence), what is masked hidden, for work behind the calls; `None` when it was
    /// swept away, or is damaged and can never be read.
    pub(crate) async fn chunk(
        &self,
        name: &GroupName,
        group_id: u64,
        (stream, sequence): (u64, u64),
    ) -> Result<Option<Vec<Event>>> {
        let Some(bytes) = self.records.chunk(stream, sequence).await? else { return Ok(None) };
        let key = match chunk::sealed_by(&bytes.0) {
            Some(number) => Some(self.data_key(name, group_id, number, Fresh::No).await?),
            None => None,
        };
        match chunk::decode(At { stream, sequence }, &bytes.0, key.as_ref()) {
            Ok(mut events) => {
                events.iter_mut().for_each(Event::hide);
                Ok(Some(events))
            }
            Err(error) => {
                tracing::error!(%error, group = name.name, "events are passed over");
                Ok(None)
            }
        }
    }

    /// What transforms the events of a group that came under this number.
    pub(crate) async fn transformer(&self, group_id: u64, number: u64) -> Result<Arc<Transformer>> {
        let at = (group_id, number);
        if let Some(found) = self.transformers.lock().get(&at) {
            return Ok(found.clone());
        }
        let record = self.records.transformer(group_id, number).await?;
        let record = record.ok_or_else(|| ApiError::internal("a transformer is gone"))?;
        let transformer = Arc::new(Transformer::new(&crate::ops::transformers::read(&record)?)?);
        let mut kept = self.transformers.lock();
        if kept.len() >= TRANSFORMERS_MAX {
            kept.clear();
        }
        kept.insert(at, transformer.clone());
        Ok(transformer)
    }

    /// An event as its transformer makes it; one that it does not understand, or has no work left
    /// for, stays as it is.
    pub(crate) async fn transformed(&self, group_id: u64, event: Event, work: &mut Work) -> Result<Event> {
        let message = match event.transformer {
            Some(number) => self.transformer(group_id, number).await?.apply(&event.message, work),
            None => None,
        };
        Ok(match message {
            Some(message) => Event { message, ..event },
            None => event,
        })
    }
}

/// The dispatch table.
///
/// # Errors
/// None now: the tables need no opening.
pub async fn service(platform: &Platform) -> Result<Service> {
    let logs = logs(platform);
    platform.tagged.add("logs", crate::resources::KINDS, crate::resources::list);
    platform.meter.holds("logs", &logs, crate::held::held);
    Ok(dispatch(logs))
}

/// The service's state.
pub(crate) fn logs(platform: &Platform) -> Arc<Logs> {
    let records = Records::new(&platform.store);
    let settings = Settings::new(&records);
    let resource_policies = ResourcePolicies::new(&platform.store);
    Arc::new_cyclic(|this| Logs {
        this: this.clone(),
        platform: platform.clone(),
        records,
        queries: Queries::default(),
        settings,
        resource_policies,
        open_keys: OpenKeys::default(),
        transformers: Mutex::default(),
        sweeping: Signal::default(),
        measuring: Signal::default(),
        delivering: Signal::default(),
        exporting: Signal::default(),
        detecting: Signal::default(),
        scheduling: Signal::default(),
        sessions: Sessions::default(),
        judging: tokio::sync::Mutex::default(),
        arrivals: tokio::sync::watch::Sender::new(0),
    })
}

pub(crate) fn dispatch(logs: Arc<Logs>) -> Service {
    // Groups and streams.
    let service = Service::of(&wire::SERVICE, logs.clone())
        .op::<op::CreateLogGroup>()
        .op::<op::DeleteLogGroup>()
        .op::<op::AssociateKmsKey>()
        .op::<op::DisassociateKmsKey>()
        .op::<op::DescribeLogGroups>()
        .op::<op::ListLogGroups>()
        .op::<op::PutRetentionPolicy>()
        .op::<op::DeleteRetentionPolicy>()
        .op::<op::PutLogGroupDeletionProtection>()
        .op::<op::PutBearerTokenAuthentication>()
        .op::<op::CreateLogStream>()
        .op::<op::DeleteLogStream>()
        .op::<op::DescribeLogStreams>();
    // Events.
    let service = service
        .extension(Arc::new(Ingestion(logs.clone())))
        .op::<op::PutLogEvents>()
        .op::<op::GetLogEvents>()
        .op::<op::FilterLogEvents>()
        .op::<op::StartLiveTail>()
        .op::<op::TestMetricFilter>()
        .op::<op::GetLogRecord>()
        .op::<op::GetLogGroupFields>();
    // Filters.
    let service = service
        .op::<op::PutMetricFilter>()
        .op::<op::DeleteMetricFilter>()
        .op::<op::DescribeMetricFilters>()
        .op::<op::PutSubscriptionFilter>()
        .op::<op::DeleteSubscriptionFilter>()
        .op::<op::DescribeSubscriptionFilters>()
        .op::<op::PutDestination>()
        .op::<op::PutDestinationPolicy>()
        .op::<op::DescribeDestinations>()
        .op::<op::DeleteDestination>()
        .op::<op::PutAccountPolicy>()
        .op::<op::DeleteAccountPolicy>()
        .op::<op::DescribeAccountPolicies>();
    // Transformers, data protection and exports.
    let service = service
        .op::<op::PutTransformer>()
        .op::<op::GetTransformer>()
        .op::<op::DeleteTransformer>()
        .op::<op::TestTransformer>()
        .op::<op::PutIndexPolicy>()
        .op::<op::DeleteIndexPolicy>()
        .op::<op::DescribeIndexPolicies>()
        .op::<op::DescribeFieldIndexes>()
        .op::<op::PutDataProtectionPolicy>()
        .op::<op::GetDataProtectionPolicy>()
        .op::<op::DeleteDataProtectionPolicy>()
        .op::<op::CreateExportTask>()
        .op::<op::CancelExportTask>()
        .op::<op::DescribeExportTasks>();
    let service = service.op::<op::ListAggregateLogGroupSummaries>().op::<op::GetLogFields>();
    // Queries.
    let service = service
        .op::<op::StartQuery>()
        .op::<op::StopQuery>()
        .op::<op::GetQueryResults>()
        .op::<op::DescribeQueries>()
        .op::<op::ListLogGroupsForQuery>()
        .op::<op::PutQueryDefinition>()
        .op::<op::DeleteQueryDefinition>()
        .op::<op::DescribeQueryDefinitions>();
    // Lookup tables.
    let service = service
        .op::<op::CreateLookupTable>()
        .op::<op::UpdateLookupTable>()
        .op::<op::GetLookupTable>()
        .op::<op::DescribeLookupTables>()
        .op::<op::DeleteLookupTable>();
    // Scheduled queries.
    let service = service
        .op::<op::CreateScheduledQuery>()
        .op::<op::GetScheduledQuery>()
        .op::<op::UpdateScheduledQuery>()
        .op::<op::DeleteScheduledQuery>()
        .op::<op::ListScheduledQueries>()
        .op::<op::GetScheduledQueryHistory>();
    // Anomalies.
    let service = service
        .op::<op::CreateLogAnomalyDetector>()
        .op::<op::GetLogAnomalyDetector>()
        .op::<op::UpdateLogAnomalyDetector>()
        .op::<op::DeleteLogAnomalyDetector>()
        .op::<op::ListLogAnomalyDetectors>()
        .op::<op::ListAnomalies>()
        .op::<op::UpdateAnomaly>();
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
    let service = service
        .reconciler(Arc::new(Sweeping::new(logs.clone())))
        .reconciler(Arc::new(Measuring::new(logs.clone())))
        .reconciler(Arc::new(Delivering::new(logs.clone())))
        .reconciler(Arc::new(Detecting::new(logs.clone())))
        .reconciler(Arc::new(Scheduling::new(logs.clone())))
        .reconciler(Arc::new(Exporting::new(logs)));
    service.build()
}
