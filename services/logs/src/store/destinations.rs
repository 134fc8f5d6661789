//! Logical destinations.

use haneul_kit::{AccountId, ApiError, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use crate::error;
use crate::model::{DESTINATIONS, Destination};
use crate::names::DestinationName;

impl Records {
    pub(crate) async fn find_destination(&self, name: &DestinationName) -> Result<Option<Destination>> {
        Ok(self.store.get(&DESTINATIONS, &name.key()).await?)
    }

    pub(crate) async fn destination(&self, name: &DestinationName) -> Result<Destination> {
        self.find_destination(name).await?.ok_or_else(error::destination_not_found)
    }

    /// The first of an account's destinations in a Region whose names begin so, after `after`.
    pub(crate) async fn destinations(
        &self,
        (account, region): (AccountId, Region),
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Destination)>> {
        let range = Range::prefix((account, region)).text(prefix);
        let range = match after {
            Some(after) => range.after(&(account, region, after)),
            None => range,
        };
        let found = self.store.scan(&DESTINATIONS, range, limit).await?;
        Ok(found.into_iter().map(|((.., name), destination)| (name, destination)).collect())
    }

    /// Makes a destination, or changes where it leads and leaves the rest; `retag` adds the tags of the request.
    pub(crate) async fn put_destination(
        &self,
        name: &DestinationName,
        made: &Destination,
        retag: impl Fn(&mut Vec<(String, String)>) -> Result<()> + Sync,
    ) -> Result<Destination> {
        let retag = &retag;
        self.store
            .transact(|tx| async move {
                let mut destination = match tx.get(&DESTINATIONS, &name.key()).await? {
                    Some(before) => {
                        Destination { target: made.target.clone(), role: made.role.clone(), ..before }
                    }
                    None => made.clone(),
                };
                retag(&mut destination.tags)?;
                tx.put(&DESTINATIONS, &name.key(), &destination)?;
                Ok::<_, ApiError>(destination)
            })
            .await
    }

    pub(crate) async fn change_destination(
        &self,
        name: &DestinationName,
        change: impl Fn(&mut Destination) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let found = tx.get(&DESTINATIONS, &name.key()).await?;
                let mut destination = found.ok_or_else(error::destination_not_found)?;
                change(&mut destination)?;
                Ok::<_, ApiError>(tx.put(&DESTINATIONS, &name.key(), &destination)?)
            })
            .await
    }

    pub(crate) async fn delete_destination(&self, name: &DestinationName) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if tx.get(&DESTINATIONS, &name.key()).await?.is_none() {
                    return Err(error::destination_not_found());
                }
                Ok::<_, ApiError>(tx.delete(&DESTINATIONS, &name.key())?)
            })
            .await
    }
}
