//! Carries the writes of each replica of a global table to the others.
//!
//! A replica logs the keys that were written in it. Whoever carries them looks up what the items are by now, with their
//! versions, and writes that into the other replica, where an item that has a later version stays as it is. So it does not
//! matter how often, in which order or how late anything arrives, and a replica that could not be reached catches up from
//! where its link stopped. A new replica gets all items the same way first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Range, Reads, Snapshot, StoreError};

use crate::engine::keys;
use crate::engine::plan::{Action, Write, key_of};
use crate::engine::versions::{self, Held, Version};
use crate::error;
use crate::metrics::REPLICATION_LATENCY;
use crate::model::{ITEMS, LINKS, LOG, LinkKey, LinkRecord, RawKey, RawPrefix, TABLES};
use crate::store::Db;
use crate::store::tables::{Change, Failed};
use crate::store::write::{Batch, Failure};
use crate::stream::sequence::{self, PER_MS};
use crate::table::TableInfo;
use crate::table::name::TableId;
use crate::value::{Attrs, size};

/// Records or items that are looked at at once, and bytes that are written at once.
const PAGE: usize = 200;
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Pages of items and of a log that one link carries before the others have their turn.
const TURN_PAGES_MAX: usize = 50;

const LINKS_PAGE: usize = 500;

/// When a link that failed is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// How often the versions of what was deleted are looked through.
const SWEEP: Duration = Duration::from_secs(24 * 60 * 60);

/// A version of something deleted stays at least as long after every link had come past it.
const GONE_KEPT_MS: u64 = 60 * 60 * 1000;

pub(crate) struct Replicate {
    db: Db,
}

/// An item as it is at one replica, or that it is gone.
struct Told {
    key: Attrs,
    item: Option<Arc<Attrs>>,
    version: Version,
}

impl Replicate {
    pub(crate) fn new(db: Db) -> Replicate {
        Replicate { db }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let now = self.db.env.now();
        let (mut range, mut failed) = (Range::all(), false);
        let mut filling: BTreeSet<TableId> = BTreeSet::new();
        let (mut any, mut behind) = (false, false);
        loop {
            let page = self.db.store.scan(&LINKS, range, LINKS_PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for (key, link) in page {
                any = true;
                let target = (key.0, key.3, key.1.clone());
                match self.db.carry(&key, link).await {
                    Ok(all) => {
                        filling.insert(target);
                        if !all {
                            behind = true;
                            self.db.replication().wake();
                        }
                    }
                    Err(error) => {
                        // One replica that cannot be reached must not keep the others waiting.
                        tracing::warn!(table = key.1, from = %key.2, to = %key.3, %error, "writes were not carried");
                        failed = true;
                    }
                }
            }
        }
        for target in filling {
            self.db.open_replica(&target).await?;
        }
        if !any {
            return Ok(None);
        }
        let mut sweep_at = self.db.next_sweep(now).await?;
        // What a link has not brought yet may be earlier than a deletion, which must stop it then.
        if !failed && !behind && now >= sweep_at {
            self.sweep().await?;
            sweep_at = now + SWEEP;
            self.db.set_next_sweep(sweep_at).await?;
        }
        Ok(Some(if failed { now + RETRY } else { sweep_at }))
    }

    /// Forgets what was deleted long ago: no earlier write of it can be under way.
    async fn sweep(&self) -> Result<()> {
        let before = sequence::of_time(self.db.env.now()).saturating_sub(GONE_KEPT_MS * PER_MS);
        let mut range = Range::all();
        loop {
            let page = self.db.store.scan(&TABLES, range, LINKS_PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range = Range::all().after(last);
            for (_, record) in page {
                if let Some(global) = record.told() {
                    self.db.sweep_versions(global.versions, before).await?;
                }
            }
        }
    }
}

impl Db {
    /// Brings what one replica has to tell another to it, as much as has a turn. Whether that was all.
    pub(crate) async fn carry(&self, key: &LinkKey, mut link: LinkRecord) -> Result<bool> {
        let ids = ((key.0, key.2, key.1.clone()), (key.0, key.3, key.1.clone()));
        for _ in 0..TURN_PAGES_MAX {
            let Some((source, target)) = self.ends(&ids, &link).await? else { return Ok(true) };
            if !link.filled {
                let (told, after) = self.page_of_items(&source, link.after.as_deref()).await?;
                self.tell(&target, told, true).await?;
                (link.filled, link.after) = (after.is_none(), after);
                self.keep_link(key, &link).await?;
                continue;
            }
            let (told, position) = self.page_of_log(&source, &link).await?;
            let Some(position) = position else { return Ok(true) };
            let oldest = told.iter().map(|told| told.version.at / PER_MS).min();
            self.tell(&target, told, false).await?;
            link.position = position;
            self.keep_link(key, &link).await?;
            self.trim_told(key).await?;
            if let Some(oldest) = oldest {
                let now = self.env.now();
                let latency = u64::try_from(now.millis()).unwrap_or(0).saturating_sub(oldest) as f64;
                let dimensions = [("TableName", key.1.as_str()), ("ReceivingRegion", key.3.as_str())];
                self.metrics().record(REPLICATION_LATENCY, key.0, key.2, now, &dimensions, latency);
            }
        }
        Ok(false)
    }

    /// Brings what one replica has to tell to all others: before it leaves.
    pub(crate) async fn carry_all(&self, id: &TableId) -> Result<()> {
        let range = Range::prefix((id.0, id.2.clone(), id.1));
        for (key, link) in self.store.scan(&LINKS, range, LINKS_PAGE).await.map_err(error::store)? {
            let mut link = Some(link);
            while let Some(from) = link.take() {
                if !self.carry(&key, from).await? {
                    link = self.store.get(&LINKS, &key).await.map_err(error::store)?;
                }
            }
        }
        Ok(())
    }

    /// The replica that is read and the one that is written, their keys open; `None` when the link is none any more.
    async fn ends(
        &self,
        ids: &(TableId, TableId),
        link: &LinkRecord,
    ) -> Result<Option<(Arc<TableInfo>, Arc<TableInfo>)>> {
        let log = |info: &TableInfo| info.record.global.as_ref().map(|global| global.log);
        let (Some(source), Some(target)) = (self.find_table(&ids.0).await?, self.find_table(&ids.1).await?)
        else {
            return Ok(None);
        };
        if log(&source) != Some(link.log) || log(&target) != Some(link.into) {
            return Ok(None);
        }
        self.open(&source).await?;
        self.open(&target).await?;
        Ok(Some((source, target)))
    }

    /// Items after a key (without the space), and the last key when there are more.
    async fn page_of_items(
        &self,
        source: &TableInfo,
        after: Option<&[u8]>,
    ) -> Result<(Vec<Told>, Option<Vec<u8>>)> {
        let prefix = keys::of_space(source.record.space);
        let mut range = Range::prefix(RawPrefix(&prefix));
        if let Some(after) = after {
            range = range.after(&RawKey([&prefix[..], after].concat()));
        }
        let snapshot = self.snapshot().await?;
        let page = snapshot.scan(&ITEMS, range, PAGE).await.map_err(error::store)?;
        let last = page.last().filter(|_| page.len() == PAGE).map(|(key, _)| key.0[keys::HASH_AT..].to_vec());
        let mut told = Vec::with_capacity(page.len());
        for (at, stored) in page {
            let item = source.keeping().item(&at.0, stored)?;
            let key = key_of(&source.schema, &item);
            // What was there before it was a replica is older than anything written since.
            let version = held(&snapshot, source, &at.0).await?.map(|held| held.version);
            let version = version.unwrap_or(Version { at: 0, by: source.region });
            told.push(Told { key, item: Some(item), version });
        }
        Ok((told, last))
    }

    /// What the next records of the log tell, and where to go on; `None` when there are none.
    async fn page_of_log(&self, source: &TableInfo, link: &LinkRecord) -> Result<(Vec<Told>, Option<u64>)> {
        let (under_way, next) = self.sequences().bounds(&self.store, link.log).await.map_err(error::store)?;
        let range = Range::prefix(RawPrefix(&link.log.to_be_bytes()))
            .from(&sequence::key(link.log, link.position)[..])
            .before(&sequence::key(link.log, under_way.unwrap_or(next))[..]);
        let page = self.store.scan(&LOG, range, PAGE).await.map_err(error::store)?;
        let next = page.last().and_then(|(key, _)| sequence::number_of(&key.0)).map(|number| number + 1);
        // After the log was read: what it tells of is there.
        let snapshot = self.snapshot().await?;
        let (mut told, mut seen) = (Vec::new(), BTreeSet::new());
        for (logged_at, bytes) in page {
            let change = source.keeping().change(&logged_at.0, &bytes)?;
            let at = keys::of_item(source.record.space, &source.schema, &change.key);
            if !seen.insert(at.clone()) {
                continue;
            }
            let Some(held) = held(&snapshot, source, &at).await? else { continue };
            let item = snapshot.get(&ITEMS, &at[..]).await.map_err(error::store)?;
            let item = item.map(|stored| source.keeping().item(&at, stored)).transpose()?;
            told.push(Told { key: change.key, item, version: held.version });
        }
        Ok((told, next))
    }

    /// Writes items as they are elsewhere.
    async fn tell(&self, target: &Arc<TableInfo>, told: Vec<Told>, fills: bool) -> Result<()> {
        let (mut writes, mut bytes) = (Vec::new(), 0);
        let mut told = told.into_iter().peekable();
        while let Some(one) = told.next() {
            bytes += one.item.as_ref().map_or(0, |item| size::of_item(item));
            let write = match one.item {
                Some(item) => Write {
                    action: Action::Put(item),
                    ..Write::of_key(target.clone(), one.key, Action::Delete, None)?
                },
                None => Write::of_key(target.clone(), one.key, Action::Delete, None)?,
            };
            writes.push(Write { version: Some(one.version), ..write });
            if bytes >= BYTES_MAX || told.peek().is_none() {
                let batch = Batch { writes: std::mem::take(&mut writes), fills, ..Batch::default() };
                self.write(batch).await.map_err(|failure| match failure {
                    Failure::Refused(_) => haneul_kit::ApiError::internal("a replica refused a write"),
                    failure => failure.into(),
                })?;
                bytes = 0;
            }
        }
        Ok(())
    }

    /// Keeps how far a link has come, unless it is of another group by now.
    async fn keep_link(&self, key: &LinkKey, link: &LinkRecord) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let there = tx.get(&LINKS, key).await?;
            if there.is_some_and(|there| (there.log, there.into) == (link.log, link.into)) {
                tx.put(&LINKS, key, link)?;
            }
            Ok::<_, StoreError>(())
        });
        done.await.map_err(error::store)
    }

    /// Drops what every other replica was told, but for the last of it: what is logged after a restart gets numbers above
    /// what the log has, which must be above what the links have come past, wherever the clock stands by then.
    async fn trim_told(&self, key: &LinkKey) -> Result<()> {
        let range = Range::prefix((key.0, key.1.clone(), key.2));
        let links = self.store.scan(&LINKS, range, LINKS_PAGE).await.map_err(error::store)?;
        let Some(log) = links.first().map(|(_, link)| link.log) else { return Ok(()) };
        let told = links.iter().map(|(_, link)| if link.filled { link.position } else { 0 }).min();
        let end = sequence::key(log, told.unwrap_or(0).saturating_sub(1));
        loop {
            let range = Range::prefix(RawPrefix(&log.to_be_bytes())).before(&end[..]);
            let page = self.store.scan_keys(&LOG, range, PAGE * 5).await.map_err(error::store)?;
            if page.is_empty() {
                return Ok(());
            }
            let mut batch = haneul_store::Batch::default();
            for key in &page {
                batch.delete(&LOG, key).map_err(error::store)?;
            }
            self.store.write(batch).await.map_err(error::store)?;
        }
    }

    /// Lets a replica be used once all others have filled it.
    async fn open_replica(&self, id: &TableId) -> Result<()> {
        let Some(info) = self.find_table(id).await? else { return Ok(()) };
        let Some(global) = info.record.global.as_ref().filter(|global| !global.active) else {
            return Ok(());
        };
        for peer in &global.peers {
            let key = (id.0, id.2.clone(), *peer, id.1);
            let link = self.store.get(&LINKS, &key).await.map_err(error::store)?;
            if link.is_none_or(|link| !link.filled) {
                return Ok(());
            }
        }
        self.change_table(id, |record, _| {
            record.global.iter_mut().for_each(|global| global.active = true);
            Ok(Change::default())
        })
        .await?;
        self.expiry_signal().wake();
        Ok(())
    }

    /// Forgets the versions before `before` of what is not there.
    async fn sweep_versions(&self, space: u64, before: u64) -> Result<()> {
        let prefix = keys::of_space(space);
        let (mut after, mut size): (Option<RawKey>, usize) = (None, PAGE);
        loop {
            let (prefix, start) = (&prefix, &after);
            let done = self.store.transact(|tx| async move {
                let mut range = Range::prefix(RawPrefix(prefix));
                if let Some(start) = start {
                    range = range.after(start);
                }
                let page = tx.scan(&ITEMS, range, size).await?;
                let last = page.last().map(|(key, _)| key.clone()).filter(|_| page.len() == size);
                for (key, stored) in page {
                    if Held::of(&stored).is_some_and(|held| held.gone && held.version.at < before) {
                        tx.delete(&ITEMS, &key)?;
                    }
                }
                Ok::<_, Failed>(last)
            });
            match done.await {
                Ok(None) => return Ok(()),
                Ok(last) => (after, size) = (last, (size * 2).min(PAGE)),
                // Writers are faster than a page of this size.
                Err(Failed::Store(StoreError::Conflict)) if size > 1 => size /= 2,
                // Another day will do.
                Err(Failed::Store(StoreError::Conflict)) => return Ok(()),
                Err(failed) => return Err(failed.into()),
            }
        }
    }
}

async fn held(snapshot: &Snapshot, table: &TableInfo, at: &[u8]) -> Result<Option<Held>> {
    let Some(global) = &table.record.global else { return Ok(None) };
    let stored = snapshot.get(&ITEMS, &versions::key(global.versions, at)[..]).await.map_err(error::store)?;
    Ok(stored.and_then(|stored| Held::of(&stored)))
}

impl Reconciler for Replicate {
    fn name(&self) -> &'static str {
        "dynamodb replicate"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        self.db.replication()
    }
}
