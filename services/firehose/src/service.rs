use std::sync::Arc;

use haneul_firehose_wire as wire;
use haneul_kit::{Platform, Result, Service};
use wire::operations as op;

use crate::Firehose;
use crate::store::Records;
use crate::tasks::{Deliveries, Sources};

/// The dispatch table.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("firehose", crate::resources::KINDS, crate::resources::list);
    let state = Arc::new(Firehose {
        platform: platform.clone(),
        records: Records { store: platform.store.clone() },
        sessions: Default::default(),
        buffers: Default::default(),
        limits: Default::default(),
        open_keys: Default::default(),
        due: Default::default(),
        sources: Default::default(),
    });
    Ok(Service::of(&wire::SERVICE, state.clone())
        .op::<op::CreateDeliveryStream>()
        .op::<op::DeleteDeliveryStream>()
        .op::<op::DescribeDeliveryStream>()
        .op::<op::ListDeliveryStreams>()
        .op::<op::ListTagsForDeliveryStream>()
        .op::<op::PutRecord>()
        .op::<op::PutRecordBatch>()
        .op::<op::StartDeliveryStreamEncryption>()
        .op::<op::StopDeliveryStreamEncryption>()
        .op::<op::TagDeliveryStream>()
        .op::<op::UntagDeliveryStream>()
        .op::<op::UpdateDestination>()
        .reconciler(Arc::new(Sources::new(state.clone())))
        .reconciler(Arc::new(Deliveries::new(state)))
        .build())
}
