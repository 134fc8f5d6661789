//! Every read and write of trails and event data stores; what goes through the queue is written by [`crate::tasks`].

use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads, Tx};

use crate::CloudTrail;
use crate::error;
use crate::model::{
    CHAINS, EventStore, FILES, LAKE, OUTBOX, PLANNED, QUERIES, Query, RESULTS, Rows, STATUS, STORES, Status,
    TRAILS, Trail,
};
use crate::names::TrailName;
use crate::sinks::Sink;

/// Quotas of the User Guide, "Quotas in AWS CloudTrail".
const TRAILS_MAX: usize = 5;
const STORES_MAX: usize = 10;
/// Rows that are read at once.
pub(crate) const PAGE: usize = 1000;

pub(crate) type TrailKey = (AccountId, Region, String);

impl CloudTrail {
    /// Who takes events may have changed.
    pub(crate) async fn reload_sinks(&self) -> Result<()> {
        let mut sinks = Vec::new();
        for ((account, region, _), trail) in self.every_trail().await? {
            if trail.logging {
                sinks.push(Sink::of_trail(account, region, &trail));
            }
        }
        for ((account, region, id), store) in self.every_store().await? {
            if store.ingesting && store.gone_at_ms.is_none() {
                sinks.push(Sink::of_store(account, region, &id, &store));
            }
        }
        self.sinks.set(sinks);
        Ok(())
    }

    /// The trail and its home Region. A name is looked for in the Region of the call first, then among the trails that
    /// cover all Regions.
    pub(crate) async fn find_trail(&self, name: &TrailName) -> Result<Option<(Region, Trail)>> {
        let store = &self.platform.store;
        if let Some(trail) = store.get(&TRAILS, &name.key()).await? {
            return Ok(Some((name.region, trail)));
        }
        if name.is_arn {
            return Ok(None);
        }
        let all = self.trails_of(name.account).await?;
        let shadow = all.into_iter().find(|((_, _, other), trail)| *other == name.name && trail.multi_region);
        Ok(shadow.map(|((_, region, _), trail)| (region, trail)))
    }

    pub(crate) async fn trails_of(&self, account: AccountId) -> Result<Vec<(TrailKey, Trail)>> {
        Ok(self.platform.store.scan(&TRAILS, Range::prefix((account,)), PAGE).await?)
    }

    pub(crate) async fn every_trail(&self) -> Result<Vec<(TrailKey, Trail)>> {
        let mut all = Vec::new();
        let mut range = Range::all();
        loop {
            let page = self.platform.store.scan(&TRAILS, range, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            range = Range::all().after(last);
            all.extend(page);
        }
    }

    pub(crate) async fn create_trail(&self, key: &TrailKey, trail: &Trail) -> Result<()> {
        self.platform
            .store
            .transact(|tx| async move {
                if tx.get(&TRAILS, key).await?.is_some() {
                    return Err(error::trail_exists(&key.2, key.0));
                }
                let count = tx.scan_keys(&TRAILS, Range::prefix((key.0, key.1)), TRAILS_MAX).await?.len();
                if count >= TRAILS_MAX {
                    return Err(error::too_many_trails(key.0, count, key.1.as_str()));
                }
                Ok(tx.put(&TRAILS, key, trail)?)
            })
            .await?;
        self.reload_sinks().await
    }

    /// Changes a trail; `change` may refuse.
    pub(crate) async fn change_trail(
        &self,
        key: &TrailKey,
        change: impl Fn(&mut Trail) -> Result<()> + Sync,
    ) -> Result<Trail> {
        let change = &change;
        let trail = self
            .platform
            .store
            .transact(|tx| async move {
                let found = tx.get(&TRAILS, key).await?;
                let mut trail = found.ok_or_else(|| error::trail_not_found(&key.2, key.0))?;
                change(&mut trail)?;
                tx.put(&TRAILS, key, &trail)?;
                Ok::<_, haneul_kit::ApiError>(trail)
            })
            .await?;
        self.reload_sinks().await?;
        Ok(trail)
    }

    pub(crate) async fn delete_trail(&self, key: &TrailKey) -> Result<()> {
        let gone: Option<Trail> = self
            .platform
            .store
            .transact(|tx| async move {
                let trail = tx.get(&TRAILS, key).await?;
                if let Some(trail) = &trail {
                    tx.delete(&TRAILS, key)?;
                    tx.delete(&STATUS, &trail.id)?;
                }
                Ok::<_, haneul_kit::ApiError>(trail)
            })
            .await?;
        self.reload_sinks().await?;
        if let Some(trail) = gone {
            self.forget_trail(&trail.id).await?;
        }
        Ok(())
    }

    /// What hangs on a trail that is gone.
    async fn forget_trail(&self, id: &str) -> Result<()> {
        for outbox in [outbox(id, false), outbox(id, true), found(id, false), found(id, true), counting(id)] {
            let outbox = &outbox;
            loop {
                let more = self
                    .platform
                    .store
                    .transact(|tx| async move {
                        let keys = tx.scan_keys(&OUTBOX, Range::prefix((outbox.clone(),)), PAGE).await?;
                        keys.iter().try_for_each(|key| tx.delete(&OUTBOX, key))?;
                        Ok::<_, haneul_kit::ApiError>(keys.len() == PAGE)
                    })
                    .await?;
                if !more {
                    break;
                }
            }
            let planned = Range::prefix((outbox.clone(),));
            for key in self.platform.store.scan_keys(&PLANNED, planned, PAGE).await? {
                self.platform.store.delete(&PLANNED, &key).await?;
            }
        }
        self.forget_insights(id).await?;
        let chains = Range::prefix((id.to_owned(),));
        for key in self.platform.store.scan_keys(&CHAINS, chains, PAGE).await? {
            self.platform.store.delete(&CHAINS, &key).await?;
        }
        let files = Range::prefix((id.to_owned(),));
        for key in self.platform.store.scan_keys(&FILES, files, PAGE).await? {
            self.platform.store.delete(&FILES, &key).await?;
        }
        Ok(())
    }

    pub(crate) async fn status(&self, id: &str) -> Result<Status> {
        Ok(self.platform.store.get(&STATUS, id).await?.unwrap_or_default())
    }

    pub(crate) async fn note_status(&self, id: &str, change: impl Fn(&mut Status) + Sync) -> Result<()> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let mut status = tx.get(&STATUS, id).await?.unwrap_or_default();
                change(&mut status);
                Ok(tx.put(&STATUS, id, &status)?)
            })
            .await
    }

    pub(crate) async fn every_store(&self) -> Result<Vec<(TrailKey, EventStore)>> {
        let mut all = Vec::new();
        let mut range = Range::all();
        loop {
            let page = self.platform.store.scan(&STORES, range, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            range = Range::all().after(last);
            all.extend(page);
        }
    }

    pub(crate) async fn stores_of(
        &self,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<(TrailKey, EventStore)>> {
        Ok(self.platform.store.scan(&STORES, Range::prefix((account, region)), PAGE).await?)
    }

    pub(crate) async fn find_store(&self, key: &TrailKey) -> Result<Option<EventStore>> {
        Ok(self.platform.store.get(&STORES, key).await?)
    }

    pub(crate) async fn create_store(&self, key: &TrailKey, made: &EventStore) -> Result<()> {
        self.platform
            .store
            .transact(|tx| async move {
                let others = tx.scan(&STORES, Range::prefix((key.0, key.1)), PAGE).await?;
                if others.iter().any(|(_, other)| other.name == made.name) {
                    return Err(error::store_exists(&made.name));
                }
                if others.len() >= STORES_MAX {
                    return Err(error::too_many_stores());
                }
                Ok(tx.put(&STORES, key, made)?)
            })
            .await?;
        self.reload_sinks().await
    }

    pub(crate) async fn change_store(
        &self,
        key: &TrailKey,
        change: impl Fn(&mut EventStore) -> Result<()> + Sync,
    ) -> Result<EventStore> {
        let change = &change;
        let changed = self
            .platform
            .store
            .transact(|tx| async move {
                let found = tx.get(&STORES, key).await?;
                let mut store = found.ok_or_else(|| error::no_store(&key.2))?;
                change(&mut store)?;
                let others = tx.scan(&STORES, Range::prefix((key.0, key.1)), PAGE).await?;
                if others.iter().any(|(other, record)| other != key && record.name == store.name) {
                    return Err(error::store_exists(&store.name));
                }
                tx.put(&STORES, key, &store)?;
                Ok::<_, haneul_kit::ApiError>(store)
            })
            .await?;
        self.reload_sinks().await?;
        Ok(changed)
    }

    /// An event data store and all that hangs on it, for good.
    pub(crate) async fn drop_store(&self, key: &TrailKey) -> Result<()> {
        let store = &self.platform.store;
        loop {
            let events = Range::prefix((key.2.clone(),));
            let keys = store.scan_keys(&LAKE, events, PAGE).await?;
            let more = keys.len() == PAGE;
            for key in keys {
                store.delete(&LAKE, &key).await?;
            }
            if !more {
                break;
            }
        }
        for (query, record) in store.scan(&QUERIES, Range::prefix((key.0, key.1)), PAGE).await? {
            if record.store == key.2 || record.others.contains(&key.2) {
                self.forget_query(&query, &record).await?;
            }
        }
        store.delete(&STORES, key).await?;
        self.reload_sinks().await
    }

    pub(crate) async fn query(&self, key: &TrailKey) -> Result<Query> {
        self.platform.store.get(&QUERIES, key).await?.ok_or_else(|| error::no_query(&key.2))
    }

    /// Puts a query's outcome in, unless it was cancelled meanwhile. Its pages are there before it.
    pub(crate) async fn finish_query(&self, key: &TrailKey, outcome: &Query) -> Result<()> {
        let finished: bool = self
            .platform
            .store
            .transact(|tx: Tx| async move {
                let Some(now) = tx.get(&QUERIES, key).await? else { return Ok(false) };
                if !matches!(&*now.status, "QUEUED" | "RUNNING") {
                    return Ok(false);
                }
                tx.put(&QUERIES, key, outcome)?;
                Ok::<_, haneul_kit::ApiError>(true)
            })
            .await?;
        if !finished {
            self.forget_pages(&key.2, outcome.pages.len()).await?;
        }
        Ok(())
    }

    /// What a crash leaves of pages is written over when the query runs again.
    pub(crate) async fn put_page(&self, query: &str, at: usize, page: &Rows) -> Result<()> {
        Ok(self.platform.store.put(&RESULTS, &page_of(query, at), page).await?)
    }

    /// What came of the delivery of a query's rows.
    pub(crate) async fn note_delivery(&self, key: &TrailKey, status: &str) -> Result<()> {
        self.platform
            .store
            .transact(|tx: Tx| async move {
                let Some(mut query) = tx.get(&QUERIES, key).await? else { return Ok(()) };
                if let Some(delivery) = &mut query.delivery {
                    status.clone_into(&mut delivery.status);
                }
                Ok(tx.put(&QUERIES, key, &query)?)
            })
            .await
    }

    pub(crate) async fn result_page(&self, query: &str, at: usize) -> Result<Rows> {
        let found = self.platform.store.get(&RESULTS, &page_of(query, at)).await?;
        Ok(found.unwrap_or(Rows(Vec::new())))
    }

    pub(crate) async fn forget_query(&self, key: &TrailKey, query: &Query) -> Result<()> {
        self.forget_pages(&key.2, query.pages.len()).await?;
        Ok(self.platform.store.delete(&QUERIES, key).await?)
    }

    async fn forget_pages(&self, query: &str, pages: usize) -> Result<()> {
        for at in 0..pages.max(1) {
            self.platform.store.delete(&RESULTS, &page_of(query, at)).await?;
        }
        Ok(())
    }
}

fn page_of(query: &str, at: usize) -> String {
    if at == 0 { query.to_owned() } else { format!("{query}/{at}") }
}

/// The outbox of a trail's files of Insights events, or of those for its log group.
pub(crate) fn found(id: &str, logs: bool) -> String {
    format!("{id}/{}", if logs { "insight-logs" } else { "insight-s3" })
}

/// The records that Insights has still to count, by scope.
pub(crate) fn counting(scope: &str) -> String {
    format!("{scope}/count")
}

/// The history of a scope's Insights events.
pub(crate) fn told(scope: &str) -> String {
    if scope.is_empty() { "insight".to_owned() } else { scope.to_owned() }
}

/// The outbox of a trail's files, or of its log group.
pub(crate) fn outbox(id: &str, logs: bool) -> String {
    format!("{id}/{}", if logs { "logs" } else { "s3" })
}
