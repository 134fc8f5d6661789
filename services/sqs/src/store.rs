//! Every read and write of the store, and the queues in memory that follow it.

use std::collections::BTreeMap;
use std::sync::Arc;

use haneul_kit::{ApiError, Env, Result};
use haneul_store::{Range, Reads, Store, StoreError};
use tokio::sync::Mutex;

use crate::error;
use crate::model::{COUNTERS, DELETED, DeletedRecord, MOVE_TASKS, MoveTaskRecord, QUEUES, QueueRecord};
use crate::plane::{LiveQueue, Plane, QueueKey};
use crate::queue::{Attributes, attributes};

/// The queues' records. Changes go one at a time, each in a task of its own, so that memory follows the store even when
/// the client goes away in between.
pub(crate) struct Registry {
    store: Store,
    env: Env,
    pub(crate) plane: Arc<Plane>,
    changing: Mutex<()>,
}

/// How long the name of a deleted queue cannot be used.
const DELETED_MS: i64 = 60_000;

/// Rows that are read at once.
const PAGE: usize = 1000;

/// Move tasks of one source that are kept.
const TASKS_KEPT: usize = 10;

const QUEUE_COUNTER: &str = "queues";

/// What CreateQueue asks for.
pub(crate) struct NewQueue {
    pub(crate) key: QueueKey,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// The queues of the store, and whether there was ever one.
pub(crate) async fn load(store: &Store) -> Result<(Vec<Arc<LiveQueue>>, bool)> {
    let mut queues = Vec::new();
    let mut range = Range::all();
    loop {
        let page = store.scan(&QUEUES, range, PAGE).await.map_err(error::store)?;
        let Some((last, _)) = page.last() else { break };
        range = Range::all().after(last);
        for ((account, region, name), record) in page {
            let attributes = Attributes::read(&record.attributes)?;
            let key = QueueKey { account, region, name };
            queues.push(Arc::new(LiveQueue::new(key, record, attributes)));
        }
    }
    let counter = store.get(&COUNTERS, QUEUE_COUNTER).await.map_err(error::store)?;
    Ok((queues, counter.is_some()))
}

impl Registry {
    pub(crate) fn new(store: Store, env: Env, plane: Arc<Plane>) -> Registry {
        Registry { store, env, plane, changing: Mutex::new(()) }
    }

    /// Makes a queue; one that is there already and differs in nothing that was asked for is fine too.
    pub(crate) async fn create(self: &Arc<Self>, new: NewQueue) -> Result<()> {
        let registry = self.clone();
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            registry.create_alone(new).await
        })
        .await
    }

    async fn create_alone(&self, new: NewQueue) -> Result<()> {
        let pairs = || new.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fifo = attributes::asks_for_fifo(pairs());
        let mut set = BTreeMap::new();
        if let Some(existing) = self.plane.get(&new.key) {
            // What is not valid is refused before it is compared.
            attributes::merge(&mut set, pairs(), existing.meta().attributes.fifo)?;
            let record = &existing.meta().record;
            if let Some(name) = attributes::difference(&record.attributes, pairs()) {
                return Err(error::queue_name_exists(name));
            }
            // A request without tags may do with whatever there are.
            let same_tags = new.tags.is_empty() || new.tags == record.tags;
            return if same_tags { Ok(()) } else { Err(error::queue_has_other_tags()) };
        }
        attributes::merge(&mut set, pairs(), fifo)?;
        let parsed = Attributes::read(&set)?;
        self.check_redrive(&new.key, &parsed, set.get("RedrivePolicy"))?;
        let now_ms = self.env.now().millis();
        let id = (new.key.account, new.key.region, new.key.name.clone());
        let deleted = self.store.get(&DELETED, &id).await.map_err(error::store)?;
        if deleted.is_some_and(|deleted| now_ms < deleted.at_ms + DELETED_MS) {
            return Err(error::queue_deleted_recently());
        }
        let record =
            QueueRecord { no: 0, created_ms: now_ms, modified_ms: now_ms, attributes: set, tags: new.tags };
        let (id, record) = (&id, &record);
        let written = self.store.transact(async |tx| {
            let no = tx.get(&COUNTERS, QUEUE_COUNTER).await?.unwrap_or(1);
            let record = QueueRecord { no, ..record.clone() };
            tx.put(&COUNTERS, QUEUE_COUNTER, &(no + 1))?;
            tx.put(&QUEUES, id, &record)?;
            tx.delete(&DELETED, id)?;
            Ok::<_, StoreError>(record)
        });
        let record = written.await.map_err(error::store)?;
        self.plane.add(Arc::new(LiveQueue::new(new.key, record, parsed)));
        Ok(())
    }

    /// Changes a queue's record.
    pub(crate) async fn change(
        self: &Arc<Self>,
        queue: &Arc<LiveQueue>,
        edit: impl FnOnce(&mut QueueRecord) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let (registry, queue) = (self.clone(), queue.clone());
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            let mut record = registry.still_there(&queue)?.meta().record.clone();
            let before = record.clone();
            edit(&mut record)?;
            let attributes = Attributes::read(&record.attributes)?;
            let redrive = record.attributes.get("RedrivePolicy");
            if redrive != before.attributes.get("RedrivePolicy") {
                registry.check_redrive(&queue.key, &attributes, redrive)?;
            }
            if record == before {
                return Ok(());
            }
            let now_ms = registry.env.now().millis();
            if record.attributes != before.attributes {
                record.modified_ms = now_ms;
            }
            let id = (queue.key.account, queue.key.region, queue.key.name.as_str());
            registry.store.put(&QUEUES, &id, &record).await.map_err(error::store)?;
            queue.set_meta(record, attributes, now_ms);
            Ok(())
        })
        .await
    }

    pub(crate) async fn delete(self: &Arc<Self>, queue: &Arc<LiveQueue>) -> Result<()> {
        let (registry, queue) = (self.clone(), queue.clone());
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            registry.still_there(&queue)?;
            let id = (queue.key.account, queue.key.region, queue.key.name.as_str());
            let deleted = DeletedRecord { at_ms: registry.env.now().millis() };
            let tasks = registry.tasks(&queue.key).await?;
            let (id, deleted, tasks, key) = (&id, &deleted, &tasks, &queue.key);
            let written = registry.store.transact(async |tx| {
                tx.delete(&QUEUES, id)?;
                tx.put(&DELETED, id, deleted)?;
                for (number, _) in tasks {
                    tx.delete(&MOVE_TASKS, &(key.account, key.region, key.name.as_str(), *number))?;
                }
                Ok::<_, StoreError>(())
            });
            written.await.map_err(error::store)?;
            registry.plane.remove(&queue);
            Ok(())
        })
        .await
    }

    /// The move tasks of a source queue, the latest first, by number.
    pub(crate) async fn tasks(&self, source: &QueueKey) -> Result<Vec<(u64, MoveTaskRecord)>> {
        let range = Range::prefix((source.account, source.region, source.name.as_str())).rev();
        let rows = self.store.scan(&MOVE_TASKS, range, PAGE).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, _, number), record)| (number, record)).collect())
    }

    /// Every task that has not ended.
    pub(crate) async fn active_tasks(&self) -> Result<Vec<(QueueKey, u64, MoveTaskRecord)>> {
        let mut active = Vec::new();
        let mut range = Range::all();
        loop {
            let page = self.store.scan(&MOVE_TASKS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(active) };
            range = Range::all().after(last);
            for ((account, region, name, number), record) in page {
                if record.status.is_active() {
                    active.push((QueueKey { account, region, name }, number, record));
                }
            }
        }
    }

    /// Adds a task, if the source has none that is active.
    pub(crate) async fn start_task(&self, source: &QueueKey, record: MoveTaskRecord) -> Result<()> {
        let record = &record;
        let started = self.store.transact(async |tx| {
            let range = Range::prefix((source.account, source.region, source.name.as_str())).rev();
            let tasks = tx.scan(&MOVE_TASKS, range, PAGE).await?;
            if tasks.iter().any(|(_, task)| task.status.is_active()) {
                return Ok(false);
            }
            let number = tasks.first().map_or(1, |((_, _, _, number), _)| number + 1);
            // No more than ListMessageMoveTasks can show.
            for (id, _) in tasks.iter().skip(TASKS_KEPT - 1) {
                tx.delete(&MOVE_TASKS, id)?;
            }
            tx.put(&MOVE_TASKS, &(source.account, source.region, source.name.as_str(), number), record)?;
            Ok::<_, StoreError>(true)
        });
        if started.await.map_err(error::store)? {
            return Ok(());
        }
        // The code and the sentence are on record in floci-io/floci pull request 910.
        Err(error::invalid_parameter(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
        ))
    }

    /// Changes a task's record as it is now; `edit` may run several times.
    pub(crate) async fn change_task(
        &self,
        source: &QueueKey,
        number: u64,
        edit: impl Fn(&mut MoveTaskRecord) + Send + Sync,
    ) -> Result<Option<MoveTaskRecord>> {
        let id = &(source.account, source.region, source.name.as_str(), number);
        let edit = &edit;
        let changed = self.store.transact(async |tx| {
            let Some(mut record) = tx.get(&MOVE_TASKS, id).await? else { return Ok::<_, StoreError>(None) };
            edit(&mut record);
            tx.put(&MOVE_TASKS, id, &record)?;
            Ok(Some(record))
        });
        changed.await.map_err(error::store)
    }

    fn still_there<'a>(&self, queue: &'a Arc<LiveQueue>) -> Result<&'a Arc<LiveQueue>> {
        let found = self.plane.get(&queue.key).filter(|found| found.no == queue.no);
        found.map(|_| queue).ok_or_else(error::queue_does_not_exist)
    }

    /// The dead-letter queue must be there, of the same owner, Region and type, and willing.
    fn check_redrive(&self, source: &QueueKey, attributes: &Attributes, text: Option<&String>) -> Result<()> {
        let (Some(redrive), Some(text)) = (&attributes.redrive, text) else { return Ok(()) };
        let refuse = |reason| Err(error::invalid_value(text, "RedrivePolicy", reason));
        if redrive.target.account != source.account {
            return refuse("Dead-letter target owner should be same as the source.");
        }
        if redrive.target.region != source.region {
            return refuse("Dead-letter target must be in same region as the source.");
        }
        if redrive.target == *source {
            return refuse("Dead-letter target cannot be the source queue itself.");
        }
        let Some(target) = self.plane.get(&redrive.target) else {
            return refuse("Dead letter target does not exist.");
        };
        let target = target.meta();
        if target.attributes.fifo != attributes.fifo {
            return refuse("Dead-letter queue must be same type of queue as the source.");
        }
        if !target.attributes.redrive_allow.allows(source.arn().as_str()) {
            return refuse(
                "Queue ARN is not permitted to use this dead letter queue by its RedriveAllowPolicy.",
            );
        }
        Ok(())
    }

    async fn in_task<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.env.spawn("sqs change", work).await.map_err(ApiError::internal)?
    }
}
