//! What is on its way to subscribers: what waits for its turn, and apart from it what cannot be read now, by group. So nobody
//! looks at what is held again and again to find what is not.

use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads};

use super::Records;
use super::filters::WAITING_PAGE;
use crate::model::{DELIVERIES, Delivery, HELD_DELIVERIES};

/// Subscription, sequence and stream.
pub(crate) type DeliveryKey = (u64, u64, u64);
/// Subscription, group, sequence and stream.
pub(crate) type HeldKey = (u64, u64, u64, u64);

impl Records {
    /// The first subscription after `id` that chunks wait for.
    pub(crate) async fn next_waiting(&self, id: Option<u64>) -> Result<Option<u64>> {
        let (range, of_held) = match id {
            Some(id) => {
                let held = Range::all().after(&(id, u64::MAX, u64::MAX, u64::MAX));
                (Range::all().after(&(id, u64::MAX, u64::MAX)), held)
            }
            None => (Range::all(), Range::all()),
        };
        let found = self.store.scan_keys(&DELIVERIES, range, 1).await?;
        let held = self.store.scan_keys(&HELD_DELIVERIES, of_held, 1).await?;
        Ok(found.first().map(|(id, ..)| *id).into_iter().chain(held.first().map(|(id, ..)| *id)).min())
    }

    /// The chunks that wait for a subscription, oldest first, from the one after `after` on.
    pub(crate) async fn waiting(
        &self,
        id: u64,
        after: Option<DeliveryKey>,
    ) -> Result<Vec<(DeliveryKey, Delivery)>> {
        let range = Range::prefix((id,));
        let range = match &after {
            Some(after) => range.after(after),
            None => range,
        };
        Ok(self.store.scan(&DELIVERIES, range, WAITING_PAGE).await?)
    }

    pub(crate) async fn delivered(&self, key: &DeliveryKey) -> Result<()> {
        Ok(self.store.delete(&DELIVERIES, key).await?)
    }

    pub(crate) async fn postpone(&self, key: &DeliveryKey, delivery: &Delivery) -> Result<()> {
        Ok(self.store.put(&DELIVERIES, key, delivery).await?)
    }

    /// Puts deliveries behind those of their groups that are held.
    pub(crate) async fn hold(&self, deliveries: &[(DeliveryKey, Delivery)]) -> Result<()> {
        if deliveries.is_empty() {
            return Ok(());
        }
        self.store
            .transact(|tx| async move {
                for (key, delivery) in deliveries {
                    let (id, sequence, stream) = *key;
                    tx.delete(&DELIVERIES, key)?;
                    let held = (id, delivery.arrival.group_id, sequence, stream);
                    tx.put(&HELD_DELIVERIES, &held, delivery)?;
                }
                Ok::<_, ApiError>(())
            })
            .await
    }

    /// The first that is held of the first group after `group`.
    pub(crate) async fn next_held(&self, id: u64, group: Option<u64>) -> Result<Option<(HeldKey, Delivery)>> {
        let range = Range::prefix((id,));
        let range = match group {
            Some(group) => range.after(&(id, group, u64::MAX, u64::MAX)),
            None => range,
        };
        Ok(self.store.scan(&HELD_DELIVERIES, range, 1).await?.pop())
    }

    /// The first that is held of a group.
    pub(crate) async fn first_held(&self, id: u64, group: u64) -> Result<Option<(HeldKey, Delivery)>> {
        Ok(self.store.scan(&HELD_DELIVERIES, Range::prefix((id, group)), 1).await?.pop())
    }

    pub(crate) async fn held_delivered(&self, key: &HeldKey) -> Result<()> {
        Ok(self.store.delete(&HELD_DELIVERIES, key).await?)
    }

    pub(crate) async fn postpone_held(&self, key: &HeldKey, delivery: &Delivery) -> Result<()> {
        Ok(self.store.put(&HELD_DELIVERIES, key, delivery).await?)
    }
}
