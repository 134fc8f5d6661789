use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize};

use haneul_kit::{AccountId, Arn, Env, Region};
use parking_lot::{Mutex, RwLock};

use super::log::Log;
use super::op::Op;
use super::waiters::Waiters;
use crate::engine::{EXPIRED_MAX, Queue};
use crate::model::QueueRecord;
use crate::queue::Attributes;

/// A queue's number: unique, never used again.
pub(crate) type QueueNo = u64;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct QueueKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl QueueKey {
    pub(crate) fn arn(&self) -> Arn {
        Arn::new("sqs", self.region, self.account, &self.name)
    }
}

/// One queue: its messages, and its record as it is in the store.
pub(crate) struct LiveQueue {
    pub(crate) no: QueueNo,
    pub(crate) key: QueueKey,
    pub(crate) arn: Arn,
    meta: RwLock<Arc<Meta>>,
    /// When a message was last sent, received or deleted, in this process; `i64::MIN` for never.
    pub(crate) used_ms: AtomicI64,
    pub(crate) core: Mutex<Core>,
}

pub(crate) struct Meta {
    pub(crate) record: QueueRecord,
    pub(crate) attributes: Attributes,
}

/// What the queue's lock guards.
pub(crate) struct Core {
    pub(crate) queue: Queue,
    pub(crate) waiters: Waiters,
    /// Deleted: those who wait find out.
    pub(crate) gone: bool,
    /// When it was last purged.
    pub(crate) purged_ms: Option<i64>,
    /// A purge of everything up to this seq is in the log and not yet durable.
    pub(crate) purging: Option<u64>,
}

impl LiveQueue {
    pub(crate) fn new(key: QueueKey, record: QueueRecord, attributes: Attributes) -> LiveQueue {
        let core = Core {
            queue: Queue::new(attributes.settings()),
            waiters: Waiters::default(),
            gone: false,
            purged_ms: None,
            purging: None,
        };
        LiveQueue {
            no: record.no,
            arn: key.arn(),
            key,
            meta: RwLock::new(Arc::new(Meta { record, attributes })),
            used_ms: AtomicI64::new(i64::MIN),
            core: Mutex::new(core),
        }
    }

    pub(crate) fn meta(&self) -> Arc<Meta> {
        self.meta.read().clone()
    }

    /// Follows a change that the store has taken.
    pub(crate) fn set_meta(&self, record: QueueRecord, attributes: Attributes, now_ms: i64) {
        let settings = attributes.settings();
        *self.meta.write() = Arc::new(Meta { record, attributes });
        let mut core = self.core.lock();
        core.queue.set(settings, now_ms);
        core.wake();
    }
}

impl Core {
    /// Wakes as many as there are messages for, and the first to look at the clock again.
    pub(crate) fn wake(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        self.waiters.wake(self.queue.available());
        let next_ms = self.queue.next_event_ms();
        self.waiters.rearm(next_ms);
    }
}

/// All queues of the cloud, and the log that they share.
pub(crate) struct Plane {
    pub(crate) env: Env,
    pub(crate) log: Log,
    /// Bytes of bodies in memory.
    pub(crate) cached_bytes: Arc<AtomicUsize>,
    queues: RwLock<BTreeMap<QueueKey, Arc<LiveQueue>>>,
}

impl Plane {
    pub(crate) fn new(env: Env, log: Log, queues: impl IntoIterator<Item = Arc<LiveQueue>>) -> Plane {
        let plane = Plane { env, log, cached_bytes: Arc::default(), queues: RwLock::default() };
        for queue in queues {
            plane.add(queue);
        }
        plane
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.env.now().millis()
    }

    pub(crate) fn get(&self, key: &QueueKey) -> Option<Arc<LiveQueue>> {
        self.queues.read().get(key).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<LiveQueue>> {
        self.queues.read().values().cloned().collect()
    }

    /// Up to `limit` queues of an account and Region whose names begin with `prefix`, after the name `after`.
    pub(crate) fn list(
        &self,
        account: AccountId,
        region: Region,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<LiveQueue>> {
        let from =
            QueueKey { account, region, name: after.filter(|name| *name > prefix).unwrap_or(prefix).into() };
        let queues = self.queues.read();
        let rest =
            queues.range(from..).filter(|(key, _)| after.is_none_or(|after| key.name.as_str() > after));
        let ours = rest.take_while(|(key, _)| {
            key.account == account && key.region == region && key.name.starts_with(prefix)
        });
        ours.take(limit).map(|(_, queue)| queue.clone()).collect()
    }

    /// The queues whose dead-letter queue this is, by name.
    pub(crate) fn sources_of(&self, target: &QueueKey) -> Vec<Arc<LiveQueue>> {
        let mut all = self.list(target.account, target.region, "", None, usize::MAX);
        all.retain(|queue| {
            let meta = queue.meta();
            meta.attributes.redrive.as_ref().is_some_and(|redrive| redrive.target == *target)
        });
        all
    }

    pub(crate) fn add(&self, queue: Arc<LiveQueue>) {
        self.queues.write().insert(queue.key.clone(), queue);
    }

    /// Forgets a queue that the store no longer has, with its messages.
    pub(crate) fn remove(&self, queue: &LiveQueue) {
        self.queues.write().remove(&queue.key);
        let mut core = queue.core.lock();
        core.gone = true;
        core.queue = Queue::new(core.queue.settings());
        core.waiters.wake(usize::MAX);
    }

    /// Lets time pass for a queue. What expired is noted in the log, so that a longer retention does not bring it back.
    pub(crate) fn advance(&self, queue: &LiveQueue, core: &mut Core, now_ms: i64) {
        loop {
            let expired = core.queue.advance(now_ms);
            let more = expired.len() == EXPIRED_MAX;
            if !expired.is_empty() {
                self.log.note(&Op::Delete { queue: queue.no, messages: expired });
            }
            if !more {
                return;
            }
        }
    }
}
