//! Writes of items: one transaction for each request, with every index entry and log record that follows from it.

use std::sync::Arc;

use haneul_kit::{ApiError, Result};
use haneul_store::{Reads, StoreError, Tx};

use super::mirrors::Mirrors;
use super::{Db, destinations};
use crate::engine::capacity::Used;
use crate::engine::keys;
use crate::engine::plan::{self, Action, Outcome, Refusal, Write};
use crate::engine::versions::{self, Held, Version};
use crate::error;
use crate::model::{EPOCHS, ITEMS, LOG, LaneSettings, RawKey, TOKENS, TableKey, TokenRecord};
use crate::stream::record;
use crate::stream::sequence::Reserved;
use crate::table::TableInfo;
use crate::value::Attrs;

/// Why none of the writes was done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// At least one was refused; by position.
    Refused(Vec<Option<Refusal>>),
    /// A token that came with another request before.
    TokenMismatch,
    /// The very request was done before, on items of these sizes.
    TokenDone(Vec<usize>),
    Api(ApiError),
    Store(StoreError),
    /// A table changed since it was looked up.
    Stale,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure::Api(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

/// How a batch of writes is to be done.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) writes: Vec<Write>,
    /// Whether the outcomes must tell what was there before and what it cost.
    pub(crate) wants_old: bool,
    pub(crate) token: Option<(TableKey, TokenRecord)>,
    /// Whether it fills a new replica, which uses none of its throughput.
    pub(crate) fills: bool,
    /// Whether it comes of a statement, whose keys contributor insights do not count.
    pub(crate) by_statement: bool,
    /// A transaction uses everything twice: to prepare, and to commit.
    pub(crate) transaction: bool,
}

/// What a batch came to.
pub(super) struct Done {
    /// By position.
    pub(super) outcomes: Vec<Outcome>,
    /// What the same writes used of the other replicas that took them.
    mirrored: Vec<(Arc<TableInfo>, Used)>,
}

/// How often a batch is tried again because a table changed under it.
const STALE_MAX: usize = 10;

/// How long a token is good for.
pub(crate) const TOKEN_MS: i64 = 10 * 60 * 1000;

impl Db {
    /// All of the writes, or none.
    pub(crate) async fn write(&self, batch: Batch) -> Result<Vec<Outcome>, Failure> {
        for write in batch.writes.iter().filter(|write| !write.by_service && write.version.is_none()) {
            let throttled = || match batch.by_statement {
                true => {}
                false => self.note_throttled(&write.table, None, &write.key),
            };
            self.admit_write(&write.table, throttled).map_err(Failure::Api)?;
        }
        // A write that others are told of goes on by itself, so that the batch is shared with a task.
        let mut batch = Arc::new(batch);
        for _ in 0..STALE_MAX {
            match self.write_once(&batch).await {
                Err(Failure::Stale) => {
                    self.forget_tables();
                    batch = Arc::new(self.renew(&batch).await.map_err(Failure::Api)?);
                }
                done => {
                    let done = done.map(|done| {
                        self.charge_mirrored(&done.mirrored);
                        done.outcomes
                    });
                    self.charge_writes(&batch, &done);
                    return done;
                }
            }
        }
        Err(Failure::Api(ApiError::internal("the table went on changing under a write")))
    }

    /// One write that nothing else goes with.
    pub(crate) async fn write_one(&self, write: Write, wants_old: bool) -> Result<Outcome, OneFailure> {
        self.write_alone(Batch { writes: vec![write], wants_old, ..Batch::default() }).await
    }

    /// The same of a batch that has one write.
    pub(crate) async fn write_alone(&self, batch: Batch) -> Result<Outcome, OneFailure> {
        match self.write(batch).await {
            Ok(mut outcomes) => {
                outcomes.pop().ok_or_else(|| OneFailure::Api(ApiError::internal("no outcome")))
            }
            Err(Failure::Refused(mut refusals)) => match refusals.pop().flatten() {
                Some(refusal) => Err(OneFailure::Refused(refusal)),
                None => Err(OneFailure::Api(ApiError::internal("refused without a reason"))),
            },
            Err(failure) => Err(OneFailure::Api(failure.into())),
        }
    }

    async fn write_once(&self, batch: &Arc<Batch>) -> Result<Done, Failure> {
        let mirrors = self.mirrors(&batch.writes).await?;
        let told = |write: &Write| write.table.record.ttl.is_some() || has_logs(&write.table);
        if !batch.writes.iter().any(told) && !mirrors.writes().any(told) {
            let _guards = self.shared.locks.lock(places(batch, &mirrors)).await;
            return self.commit(batch, &mirrors, &[]).await;
        }
        // In a task of its own: a client that goes away must not leave a number reserved that is being committed, nor
        // what was committed untold.
        let (db, batch) = (self.clone(), batch.clone());
        let task = self.env.spawn("dynamodb write", async move {
            let followed = |write: &Write| destinations::logs(&write.table).next().is_some();
            let followed = batch.writes.iter().any(followed) || mirrors.writes().any(followed);
            let done = db.commit_logged(&batch, mirrors).await;
            // Also when nothing was written: a reader stops at a number whose commit is under way.
            if followed {
                db.delivery().wake();
            }
            db.note_replication(&batch);
            db.note_expiries(&batch, &done);
            done
        });
        task.await.map_err(|failed| Failure::Api(ApiError::internal(failed)))?
    }

    /// Whatever comes of it, all numbers in logs are given back by then.
    async fn commit_logged(&self, batch: &Batch, mut mirrors: Mirrors) -> Result<Done, Failure> {
        let _guards = self.shared.locks.lock(places(batch, &mirrors)).await;
        let reserved = self.reserve(batch, &mut mirrors).await?;
        // In tests, others commit in between: what holds them apart must be the locks.
        #[cfg(test)]
        for _ in 0..self.env.rng.below(4) {
            tokio::task::yield_now().await;
        }
        let done = self.commit(batch, &mirrors, &reserved).await?;
        self.note_pace(batch, &done);
        Ok(done)
    }

    /// Counts what came to streams, and notes the lanes to which too much comes.
    fn note_pace(&self, batch: &Batch, done: &Done) {
        let now = self.env.now();
        for (write, outcome) in batch.writes.iter().zip(&done.outcomes) {
            let table = &write.table;
            let Some(stream) = &table.record.stream else { continue };
            // Replicas that are written at once have the same shards.
            let splits = stream.may_split() && table.record.mirrors().is_empty();
            // What changed nothing is not in the stream.
            if splits && outcome.old != outcome.new {
                let log = stream.lane_of(&write.at).log;
                if self.shared.sequences.is_busy_by_one_more(log, now) {
                    self.busy().note((table.account, table.region, table.name.clone()), log);
                }
            }
        }
    }

    /// Takes the numbers of the changes in every log that they go to.
    async fn reserve(&self, batch: &Batch, mirrors: &mut Mirrors) -> Result<Vec<Vec<Reserved>>, StoreError> {
        // The logs of all replicas that are written at once have the same order.
        let _order = match mirrors.is_empty() {
            true => None,
            false => Some(self.shared.order.lock().await),
        };
        let mut reserved = Vec::with_capacity(batch.writes.len());
        for (i, write) in batch.writes.iter().enumerate() {
            reserved.push(self.reserve_of(&write.table, &write.at).await?);
            for mirror in mirrors.of_mut(i) {
                // In tests, others run whenever they might.
                #[cfg(test)]
                tokio::task::yield_now().await;
                mirror.reserved = self.reserve_of(&mirror.write.table, &mirror.write.at).await?;
            }
        }
        Ok(reserved)
    }

    /// For a write of the item that lies at `at`.
    async fn reserve_of(&self, table: &Arc<TableInfo>, at: &[u8]) -> Result<Vec<Reserved>, StoreError> {
        let mut reserved = Vec::new();
        let now = || self.env.now();
        if let Some(stream) = &table.record.stream {
            let lane = stream.lane_of(at);
            reserved.push(self.shared.sequences.reserve(&self.store, lane, now).await?);
        }
        for log in other_logs(table) {
            let lane = LaneSettings { log, parent: None };
            reserved.push(self.shared.sequences.reserve(&self.store, lane, now).await?);
        }
        Ok(reserved)
    }

    async fn commit(
        &self,
        batch: &Batch,
        mirrors: &Mirrors,
        reserved: &[Vec<Reserved>],
    ) -> Result<Done, Failure> {
        let now_ms = self.env.now().millis();
        self.store
            .transact(|tx| async move {
                if let Some((key, record)) = &batch.token {
                    check_token(&tx, key, record, now_ms).await?;
                }
                check_epochs(&tx, batch.writes.iter().chain(mirrors.writes())).await?;
                let mut outcomes = Vec::with_capacity(batch.writes.len());
                let mut mirrored = Vec::new();
                let mut refusals: Vec<Option<Refusal>> = vec![None; batch.writes.len()];
                for (i, write) in batch.writes.iter().enumerate() {
                    let mirrors = mirrors.of(i);
                    let looks = needs_old(write, batch.wants_old)
                        || mirrors.iter().any(|mirror| needs_old(&mirror.write, false));
                    let old = match looks {
                        true => tx
                            .get(&ITEMS, &write.at[..])
                            .await?
                            .map(|stored| write.table.keeping().item(&write.at, stored)),
                        false => None,
                    };
                    let old = old.transpose()?;
                    let reserved = reserved.get(i).map_or(&[][..], Vec::as_slice);
                    let version = match version(&tx, write, reserved).await? {
                        Standing::Newest(version) => version,
                        // Another replica's write that came too late is none.
                        Standing::Outdated => {
                            let used = Used::default();
                            outcomes.push(Outcome { old: old.clone(), new: old, used });
                            continue;
                        }
                    };
                    match write.plan(old.as_ref()) {
                        Ok(new) => {
                            let images = Images { old, new, looked_at: looks };
                            // The other replicas have what this one has, and come to the same.
                            for mirror in mirrors {
                                let numbers = (&mirror.reserved[..], None);
                                let used = self.apply(&tx, &mirror.write, &images, numbers, now_ms)?;
                                mirrored.push((mirror.write.table.clone(), used));
                            }
                            let used = self.apply(&tx, write, &images, (reserved, version), now_ms)?;
                            outcomes.push(Outcome { old: images.old, new: images.new, used });
                        }
                        Err(refusal) => refusals[i] = Some(refusal),
                    }
                }
                if refusals.iter().any(Option::is_some) {
                    return Err(Failure::Refused(refusals));
                }
                if batch.transaction {
                    plan::check_transaction(&batch.writes, &outcomes)?;
                }
                if let Some((key, record)) = &batch.token {
                    let bytes = outcomes.iter().map(Outcome::bytes).collect();
                    tx.put(&TOKENS, key, &TokenRecord { bytes, ..record.clone() })?;
                }
                Ok(Done { outcomes, mirrored })
            })
            .await
    }

    /// Writes what an item becomes, and all that follows from it in one table. Gives what that used.
    fn apply(
        &self,
        tx: &Tx,
        write: &Write,
        images: &Images,
        (reserved, version): (&[Reserved], Option<Version>),
        now_ms: i64,
    ) -> Result<Used, Failure> {
        let table = &write.table;
        let keeping = table.keeping();
        let Images { old, new, looked_at } = images;
        let (changes, used) = plan::entries(table, old.as_ref(), new.as_ref());
        // The log of a global table is the last one.
        let (reserved, told) = match (table.record.told(), reserved) {
            (Some(_), [others @ .., told]) => (others, Some(told)),
            _ => (reserved, None),
        };
        if let (Some(global), Some(version)) = (table.record.told(), version) {
            let held = Held { version, gone: new.is_none() };
            tx.put(&ITEMS, &versions::key(global.versions, &write.at)[..], &held.stored())?;
            let others = !global.peers.is_empty();
            if let (Some(told), None, true) = (told, write.version, others) {
                let at = told.key();
                let change = record::encode(now_ms, write.by_service, &write.key, (None, None));
                tx.put(&LOG, &RawKey(at.clone()), &keeping.logged(&at, change)?)?;
            }
        }
        if write.writes() && (!looked_at || old != new) {
            match new {
                Some(item) => tx.put(&ITEMS, &write.at[..], &keeping.stored(&write.at, item.clone())?)?,
                None => tx.delete(&ITEMS, &write.at[..])?,
            }
            for change in changes {
                match change.entry {
                    Some(entry) => tx.put(&ITEMS, &change.at[..], &keeping.stored(&change.at, entry)?)?,
                    None => tx.delete(&ITEMS, &change.at[..])?,
                }
            }
            if table.record.ttl.is_some() {
                self.apply_ttl(tx, table, write, old.as_ref(), new.as_ref())?;
            }
            if !reserved.is_empty() {
                let images = (old.as_deref(), new.as_deref());
                let change = record::encode(now_ms, write.by_service, &write.key, images);
                for reserved in reserved {
                    let at = reserved.key();
                    let logged = keeping.logged(&at, change.clone())?;
                    tx.put(&LOG, &RawKey(at), &logged)?;
                }
            }
        }
        Ok(used)
    }

    fn apply_ttl(
        &self,
        tx: &Tx,
        table: &TableInfo,
        write: &Write,
        old: Option<&Arc<Attrs>>,
        new: Option<&Arc<Attrs>>,
    ) -> Result<(), Failure> {
        let Some(ttl) = &table.record.ttl else { return Ok(()) };
        let at = |item: Option<&Arc<Attrs>>| crate::tasks::ttl::entry_at(ttl, item?, &write.at);
        let (before, after) = (at(old), at(new));
        if before == after {
            return Ok(());
        }
        if let Some(before) = before {
            tx.delete(&ITEMS, &before[..])?;
        }
        if let Some(after) = after {
            let entry = table.keeping().stored(&after, Arc::new(write.key.clone()))?;
            tx.put(&ITEMS, &after[..], &entry)?;
        }
        Ok(())
    }

    /// The same writes on the tables as they are now.
    async fn renew(&self, batch: &Batch) -> Result<Batch> {
        let mut writes = batch.writes.clone();
        for write in &mut writes {
            let table = &write.table;
            let id = (table.account, table.region, table.name.clone());
            let now = self.table(&id).await?;
            if now.record.space != table.record.space {
                return Err(error::no_resource());
            }
            if let Action::Put(item) = &write.action {
                keys::check_empty(&now, item)?;
                keys::check_item(&now, item)?;
            }
            if let Some(key) = table.key.get() {
                let _ = now.key.set(key.clone());
            }
            self.open(&now).await?;
            write.table = now;
        }
        Ok(Batch { writes, token: batch.token.clone(), ..*batch })
    }
}

/// An item before and after a write.
struct Images {
    old: Option<Arc<Attrs>>,
    new: Option<Arc<Attrs>>,
    /// Whether anybody looked what was there before.
    looked_at: bool,
}

/// Where everything lies that is written: what is to be locked.
fn places<'a>(batch: &'a Batch, mirrors: &'a Mirrors) -> impl Iterator<Item = &'a [u8]> {
    batch.writes.iter().chain(mirrors.writes()).map(|write| &write.at[..])
}

/// Why a single write was not done.
#[derive(Debug)]
pub(crate) enum OneFailure {
    Refused(Refusal),
    Api(ApiError),
}

impl OneFailure {
    /// `returned` is whether the client wants to see the item that did not meet the condition.
    pub(crate) fn into_api(self, returned: bool) -> ApiError {
        match self {
            OneFailure::Refused(Refusal::Condition(item)) => {
                error::conditional_check_failed(item.filter(|_| returned).map(Arc::unwrap_or_clone))
            }
            OneFailure::Refused(Refusal::Duplicate) => error::duplicate_item(),
            OneFailure::Refused(Refusal::Invalid(message)) => error::validation(message),
            OneFailure::Api(error) => error,
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> ApiError {
        match failure {
            Failure::Refused(_) => error::conditional_check_failed(None),
            Failure::TokenMismatch => error::idempotent_mismatch(),
            Failure::TokenDone(_) | Failure::Stale => {
                ApiError::internal("a write that was not to be seen outside")
            }
            Failure::Api(error) => error,
            Failure::Store(error) => error::store(error),
        }
    }
}

/// Whether a table's changes go to any log.
fn has_logs(table: &Arc<TableInfo>) -> bool {
    table.record.stream.is_some() || other_logs(table).next().is_some()
}

/// The logs that a table's changes go to beside its stream.
fn other_logs(table: &Arc<TableInfo>) -> impl Iterator<Item = u64> {
    let pitr = table.record.pitr.as_ref().map(|pitr| pitr.log);
    let told = table.record.told().map(|global| global.log);
    // The log of a global table is the last one.
    pitr.into_iter().chain(destinations::logs(table)).chain(told)
}

/// How a write of an item of a global table stands to the last one before it.
enum Standing {
    /// With its version, where the item has one.
    Newest(Option<Version>),
    Outdated,
}

async fn version(tx: &Tx, write: &Write, reserved: &[Reserved]) -> Result<Standing, Failure> {
    let (Some(global), true) = (write.table.record.told(), write.writes()) else {
        return Ok(Standing::Newest(None));
    };
    let stored = tx.get(&ITEMS, &versions::key(global.versions, &write.at)[..]).await?;
    let held = stored.and_then(|stored| Held::of(&stored)).map(|held| held.version);
    if let Some(version) = write.version {
        let outdated = held.is_some_and(|held| held >= version);
        return Ok(if outdated { Standing::Outdated } else { Standing::Newest(Some(version)) });
    }
    // Later than what it replaces, even where the clock went back meanwhile.
    let number = reserved.last().map_or(0, Reserved::number);
    let at = number.max(held.map_or(0, |held| held.at + 1));
    Ok(Standing::Newest(Some(Version { at, by: write.table.region })))
}

/// A put that nothing asks about, into a table where nothing follows from it, need not look at what it replaces.
fn needs_old(write: &Write, wants_old: bool) -> bool {
    let table = &write.table;
    if write.is_refused() {
        return false;
    }
    wants_old
        || write.condition.is_some()
        || !matches!(write.action, Action::Put(_) | Action::Delete)
        || !table.indexes.is_empty()
        || table.record.ttl.is_some()
        || has_logs(table)
}

async fn check_epochs<'a>(tx: &Tx, writes: impl Iterator<Item = &'a Write> + Send) -> Result<(), Failure> {
    let mut checked = Vec::new();
    for write in writes {
        let space = write.table.record.space;
        if checked.contains(&space) {
            continue;
        }
        if tx.get(&EPOCHS, &space).await? != Some(write.table.epoch) {
            return Err(Failure::Stale);
        }
        checked.push(space);
    }
    Ok(())
}

async fn check_token(tx: &Tx, key: &TableKey, record: &TokenRecord, now_ms: i64) -> Result<(), Failure> {
    match tx.get(&TOKENS, key).await? {
        Some(before) if now_ms < before.at_ms + TOKEN_MS => Err(match before.digest == record.digest {
            true => Failure::TokenDone(before.bytes),
            false => Failure::TokenMismatch,
        }),
        _ => Ok(()),
    }
}
