//! Kinesis destinations: what of a table's record says that its changes go to a stream, and how far they have come.

use std::sync::Arc;

use haneul_kit::Result;
use haneul_store::{Batch, Reads, StoreError, Tx};

use super::Db;
use super::tables::Change;
use crate::error;
use crate::model::{
    DELIVERIES, DROPPED_LOGS, DeliveryRecord, DestinationRecord, DestinationState, DroppedRecord, LOG,
    RawKey, TableRecord,
};
use crate::stream::sequence;
use crate::table::TableInfo;
use crate::table::name::{self, TableId};

/// Keeps what is to be delivered in step with what a table's record says. A log that it no longer names takes no change
/// any more, because every write reads the table's epoch.
pub(super) async fn follow(
    tx: &Tx,
    id: &TableId,
    before: &[DestinationRecord],
    after: Option<&TableRecord>,
    now_ms: i64,
) -> std::result::Result<(), StoreError> {
    let now = after.map_or(&[][..], |after| &after.destinations);
    for gone in before.iter().filter_map(|old| old.log) {
        if now.iter().any(|new| new.log == Some(gone)) {
            continue;
        }
        if let Some(kept) = tx.get(&DELIVERIES, &gone).await? {
            tx.put(&DELIVERIES, &gone, &DeliveryRecord { ended_ms: Some(now_ms), ..kept })?;
        }
    }
    let Some(after) = after else { return Ok(()) };
    for destination in now {
        let Some(log) = destination.log else { continue };
        let kept = tx.get(&DELIVERIES, &log).await?;
        let wanted = DeliveryRecord {
            table_arn: name::arn(id).to_string(),
            stream_arn: destination.stream_arn.clone(),
            precision: destination.precision.clone(),
            partition: after
                .key_schema
                .iter()
                .filter(|key| key.role == "HASH")
                .map(|key| key.name.clone())
                .collect(),
            sse: after.sse.clone(),
            position: kept.as_ref().map_or(0, |kept| kept.position),
            next: kept.as_ref().map_or(0, |kept| kept.next),
            ended_ms: None,
            refused: destination.why.is_some(),
        };
        if kept.as_ref() != Some(&wanted) {
            tx.put(&DELIVERIES, &log, &wanted)?;
        }
    }
    Ok(())
}

impl Db {
    /// Takes what was begun of a destination to its end: what is being enabled, updated or disabled is so.
    pub(crate) async fn settle_destination(&self, table_arn: &str, stream_arn: &str) -> Result<()> {
        let id = name::of_arn(table_arn)?;
        let Some(info) = self.find_table(&id).await? else { return Ok(()) };
        match info.record.destinations.iter().any(|destination| is_begun(destination, stream_arn)) {
            true => self.settle(&id, stream_arn).await,
            false => Ok(()),
        }
    }

    async fn settle(&self, id: &TableId, stream_arn: &str) -> Result<()> {
        let now_ms = self.env.now().millis();
        let settled = self
            .change_table(id, |record, _| {
                for destination in record.destinations.iter_mut().filter(|one| is_begun(one, stream_arn)) {
                    destination.state = match destination.state {
                        DestinationState::Enabling if destination.why.is_some() => {
                            destination.log = None;
                            DestinationState::EnableFailed
                        }
                        DestinationState::Disabling => DestinationState::Disabled,
                        _ => DestinationState::Active,
                    };
                    destination.since_ms = now_ms;
                }
                Ok(Change::default())
            })
            .await;
        match settled {
            // It was deleted meanwhile.
            Err(gone) if gone.code() == error::no_table("").code() => Ok(()),
            settled => settled.map(drop),
        }
    }

    /// Notes how far a stream was brought what is in a log, and forgets what came before.
    pub(crate) async fn keep_delivery(&self, log: u64, position: u64, delivered: &[u64]) -> Result<()> {
        let moved = self.store.transact(|tx| async move {
            if let Some(kept) = tx.get(&DELIVERIES, &log).await? {
                let next = delivered.iter().map(|number| number + 1).fold(kept.next, u64::max);
                tx.put(&DELIVERIES, &log, &DeliveryRecord { position, next, ..kept })?;
            }
            for number in delivered {
                tx.delete(&LOG, &RawKey(sequence::key(log, *number)))?;
            }
            Ok::<_, StoreError>(())
        });
        moved.await.map_err(error::store)
    }

    /// Nothing more is to be brought from a log.
    pub(crate) async fn end_delivery(&self, log: u64, delivery: &DeliveryRecord) -> Result<()> {
        // It may have been disabled since it was settled last, and once this is gone nobody comes to it again. That it
        // ended was committed with its being disabled, so that this sees it.
        self.settle(&name::of_arn(&delivery.table_arn)?, &delivery.stream_arn).await?;
        let dropped = DroppedRecord { at_ms: self.env.now().millis() };
        let mut batch = Batch::default();
        batch.delete(&DELIVERIES, &log).map_err(error::store)?;
        batch.put(&DROPPED_LOGS, &log, &dropped).map_err(error::store)?;
        self.store.write(batch).await.map_err(error::store)?;
        self.upkeep().wake();
        Ok(())
    }
}

/// Whether it is the destination of this stream, and something of it is to be taken to its end.
fn is_begun(destination: &DestinationRecord, stream_arn: &str) -> bool {
    use DestinationState::{Disabling, Enabling, Updating};
    destination.stream_arn == stream_arn && matches!(destination.state, Enabling | Updating | Disabling)
}

/// The logs that a table's changes go to for its destinations.
pub(crate) fn logs(table: &Arc<TableInfo>) -> impl Iterator<Item = u64> {
    table.record.destinations.iter().filter_map(|destination| destination.log)
}
