//! Every transaction on the store.

use haneul_kit::{ApiError, Instant, Result};
use haneul_store::{Batch, Range, Reads, StoreError};

use crate::ApplicationAutoscaling;
use crate::error;
use crate::model::{
    ACTIONS, ACTIVITIES, ActionRecord, ActivityRecord, NamedKey, POLICIES, PolicyRecord, TARGETS, TargetKey,
    TargetRecord,
};

/// Source: "Quotas for Application Auto Scaling".
const TARGETS_MAX: usize = 5_000;
const ACTIONS_MAX: usize = 200;

/// How long activities are told of. Source: the API reference of DescribeScalingActivities: six weeks.
const KEPT_MS: i64 = 42 * 24 * 60 * 60 * 1000;

const PAGE: usize = 500;

/// What a transaction fails with.
enum Failed {
    Store(StoreError),
    Api(ApiError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed::Store(error)
    }
}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> ApiError {
        match failed {
            Failed::Store(error) => error::store(error),
            Failed::Api(error) => error,
        }
    }
}

pub(crate) fn named(key: &TargetKey, name: &str) -> NamedKey {
    (key.0, key.1, key.2.clone(), key.3.clone(), name.to_owned())
}

pub(crate) fn target_of(key: &NamedKey) -> TargetKey {
    (key.0, key.1, key.2.clone(), key.3.clone())
}

impl ApplicationAutoscaling {
    pub(crate) async fn target(&self, key: &TargetKey) -> Result<Option<TargetRecord>> {
        self.platform.store.get(&TARGETS, key).await.map_err(error::store)
    }

    /// Makes or changes a target. `edit` may run more than once.
    pub(crate) async fn put_target(
        &self,
        key: &TargetKey,
        edit: impl Fn(Option<TargetRecord>) -> Result<TargetRecord> + Send + Sync,
    ) -> Result<TargetRecord> {
        let edit = &edit;
        let done = self.platform.store.transact(|tx| async move {
            let before = tx.get(&TARGETS, key).await?;
            if before.is_none() {
                let others = tx.scan_keys(&TARGETS, Range::prefix((key.0, key.1)), TARGETS_MAX).await?;
                if others.len() >= TARGETS_MAX {
                    let message =
                        format!("The number of scalable targets exceeds the limit of {TARGETS_MAX}.");
                    return Err(Failed::Api(error::limit_exceeded(message)));
                }
            }
            let after = edit(before).map_err(Failed::Api)?;
            tx.put(&TARGETS, key, &after)?;
            Ok(after)
        });
        Ok(done.await?)
    }

    /// Drops a target with its policies and scheduled actions. Gives the policies, whose alarms are still there.
    pub(crate) async fn drop_target(&self, key: &TargetKey) -> Result<Vec<(NamedKey, PolicyRecord)>> {
        let done = self.platform.store.transact(|tx| async move {
            if tx.get(&TARGETS, key).await?.is_none() {
                return Err(Failed::Api(error::no_target(key)));
            }
            let policies = tx.scan(&POLICIES, of_target(key), PAGE).await?;
            for (key, _) in &policies {
                tx.delete(&POLICIES, key)?;
            }
            for key in tx.scan_keys(&ACTIONS, of_target(key), PAGE).await? {
                tx.delete(&ACTIONS, &key)?;
            }
            tx.delete(&TARGETS, key)?;
            Ok(policies)
        });
        Ok(done.await?)
    }

    /// Makes or changes a policy. `edit` may run more than once.
    pub(crate) async fn put_policy(
        &self,
        key: &NamedKey,
        edit: impl Fn(Option<PolicyRecord>) -> Result<PolicyRecord> + Send + Sync,
    ) -> Result<PolicyRecord> {
        let edit = &edit;
        let done = self.platform.store.transact(|tx| async move {
            let target = target_of(key);
            if tx.get(&TARGETS, &target).await?.is_none() {
                return Err(Failed::Api(error::no_target(&target)));
            }
            let after = edit(tx.get(&POLICIES, key).await?).map_err(Failed::Api)?;
            let others = tx.scan_keys(&POLICIES, of_target(&target), PAGE).await?;
            if others.iter().any(|other| other.4 != key.4) {
                return Err(Failed::Api(error::validation(
                    "Only one TargetTrackingScaling policy for a given metric specification is allowed.",
                )));
            }
            tx.put(&POLICIES, key, &after)?;
            Ok(after)
        });
        Ok(done.await?)
    }

    pub(crate) async fn policy(&self, key: &NamedKey) -> Result<Option<PolicyRecord>> {
        self.platform.store.get(&POLICIES, key).await.map_err(error::store)
    }

    /// Changes a policy that is still the same one.
    pub(crate) async fn note_units(&self, key: &NamedKey, record: &PolicyRecord, units: i64) -> Result<()> {
        let done = self.platform.store.transact(|tx| async move {
            let there = tx.get(&POLICIES, key).await?;
            if there.is_some_and(|there| there == *record) {
                tx.put(&POLICIES, key, &PolicyRecord { units, ..record.clone() })?;
            }
            Ok::<_, Failed>(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn drop_policy(&self, key: &NamedKey) -> Result<PolicyRecord> {
        let done = self.platform.store.transact(|tx| async move {
            let Some(record) = tx.get(&POLICIES, key).await? else {
                return Err(Failed::Api(error::no_policy(&target_of(key), &key.4)));
            };
            tx.delete(&POLICIES, key)?;
            Ok(record)
        });
        Ok(done.await?)
    }

    pub(crate) async fn actions(&self, range: Range<NamedKey>) -> Result<Vec<(NamedKey, ActionRecord)>> {
        self.platform.store.scan(&ACTIONS, range, PAGE).await.map_err(error::store)
    }

    pub(crate) async fn put_action(
        &self,
        key: &NamedKey,
        edit: impl Fn(Option<ActionRecord>) -> Result<ActionRecord> + Send + Sync,
    ) -> Result<()> {
        let edit = &edit;
        let done = self.platform.store.transact(|tx| async move {
            let target = target_of(key);
            if tx.get(&TARGETS, &target).await?.is_none() {
                return Err(Failed::Api(error::no_target(&target)));
            }
            let before = tx.get(&ACTIONS, key).await?;
            if before.is_none() {
                let others = tx.scan_keys(&ACTIONS, of_target(&target), ACTIONS_MAX).await?;
                if others.len() >= ACTIONS_MAX {
                    let message = format!(
                        "The number of scheduled actions exceeds the limit of {ACTIONS_MAX} for one target."
                    );
                    return Err(Failed::Api(error::limit_exceeded(message)));
                }
            }
            let after = edit(before).map_err(Failed::Api)?;
            tx.put(&ACTIONS, key, &after)?;
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn drop_action(&self, key: &NamedKey) -> Result<()> {
        let done = self.platform.store.transact(|tx| async move {
            if tx.get(&ACTIONS, key).await?.is_none() {
                return Err(Failed::Api(error::no_action(&target_of(key), &key.4)));
            }
            tx.delete(&ACTIONS, key)?;
            Ok(())
        });
        Ok(done.await?)
    }

    /// A scheduled action's turn: sets the bounds of its target, when it will be due next, and what is told of it, at once.
    pub(crate) async fn fire(
        &self,
        key: &NamedKey,
        due_ms: i64,
        next_ms: Option<i64>,
        change: impl Fn(&ActionRecord, &mut TargetRecord) -> Option<ActivityRecord> + Send + Sync,
    ) -> Result<()> {
        let (change, id, now) = (&change, &self.platform.env.rng.uuid(), self.platform.env.now());
        let done = self.platform.store.transact(|tx| async move {
            let Some(action) = tx.get(&ACTIONS, key).await?.filter(|action| action.next_ms == Some(due_ms))
            else {
                return Ok(());
            };
            let target_key = target_of(key);
            if let Some(mut target) = tx.get(&TARGETS, &target_key).await? {
                if let Some(activity) = change(&action, &mut target) {
                    tx.put(&ACTIVITIES, &(key.0, key.1, -now.millis(), id.clone()), &activity)?;
                }
                tx.put(&TARGETS, &target_key, &target)?;
            }
            tx.put(&ACTIONS, key, &ActionRecord { next_ms, ..action })?;
            Ok::<_, Failed>(())
        });
        Ok(done.await?)
    }

    /// What fails again in the same way is told once, until something succeeds.
    pub(crate) async fn note_activity(&self, key: &TargetKey, record: &ActivityRecord) -> Result<()> {
        if record.failed && self.is_told(key, record).await? {
            return Ok(());
        }
        let (now, id) = (self.platform.env.now(), self.platform.env.rng.uuid());
        let at = (key.0, key.1, -now.millis(), id);
        self.platform.store.put(&ACTIVITIES, &at, record).await.map_err(error::store)
    }

    async fn is_told(&self, key: &TargetKey, record: &ActivityRecord) -> Result<bool> {
        let newest = Range::prefix((key.0, key.1));
        let newest = self.platform.store.scan(&ACTIVITIES, newest, PAGE).await.map_err(error::store)?;
        let of_target = newest
            .into_iter()
            .map(|(_, other)| other)
            .filter(|other| (&other.resource, &other.dimension) == (&record.resource, &record.dimension));
        let same = |other: ActivityRecord| ActivityRecord { ended_ms: record.ended_ms, ..other } == *record;
        Ok(of_target.take_while(|other| other.failed).any(same))
    }

    /// Forgets what nobody is told of any more. Whether anything is left.
    pub(crate) async fn trim_activities(&self, now: Instant) -> Result<bool> {
        let (mut range, oldest) = (Range::all(), -(now.millis() - KEPT_MS));
        let mut left = false;
        loop {
            let page = self.platform.store.scan_keys(&ACTIVITIES, range, PAGE).await.map_err(error::store)?;
            let Some(last) = page.last() else { return Ok(left) };
            left |= page.iter().any(|key| key.2 <= oldest);
            range = Range::all().after(last);
            let mut batch = Batch::default();
            for key in page.iter().filter(|key| key.2 > oldest) {
                batch.delete(&ACTIVITIES, key).map_err(error::store)?;
            }
            self.platform.store.write(batch).await.map_err(error::store)?;
        }
    }
}

pub(crate) fn of_target(key: &TargetKey) -> Range<NamedKey> {
    Range::prefix((key.0, key.1, key.2.clone(), key.3.clone()))
}
