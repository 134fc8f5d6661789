use haneul_kit::metrics::Owner;
use haneul_kit::{ApiError, Instant, Result};
use haneul_store::{Batch, Range, Reads, Tx};

use crate::CloudWatch;
use crate::error;
use crate::model::{ACTIONS, ALARMS, Alarm, HISTORY, HistoryItem, PendingAction};

/// Alarms of an account and Region. Source: CloudWatch quotas (5,000, which can be raised).
const ALARMS_MAX: usize = 50_000;

const PAGE: usize = 1_000;

/// How long history is kept. Source: DescribeAlarmHistory, "30 days".
const HISTORY_MS: i64 = 30 * 86_400_000;

/// What a change of an alarm leaves behind.
#[derive(Default)]
pub(crate) struct Traces {
    pub(crate) history: Vec<HistoryItem>,
    pub(crate) actions: Vec<PendingAction>,
}

impl CloudWatch {
    pub(crate) async fn alarm(&self, owner: Owner, name: &str) -> Result<Option<Alarm>> {
        Ok(self.platform.store.get(&ALARMS, &(owner.account, owner.region, name)).await?)
    }

    /// Alarms from `after` on whose names begin with `prefix`, by name.
    pub(crate) async fn alarms(
        &self,
        owner: Owner,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Alarm)>> {
        let (account, region) = (owner.account, owner.region);
        let range = Range::prefix((account, region)).text(prefix);
        let range = match after {
            Some(after) => range.after(&(account, region, after)),
            None => range,
        };
        let found = self.platform.store.scan(&ALARMS, range, limit).await?;
        Ok(found.into_iter().map(|((_, _, name), alarm)| (name, alarm)).collect())
    }

    /// All alarms of all accounts.
    pub(crate) async fn every_alarm(&self) -> Result<Vec<(Owner, String, Alarm)>> {
        let mut all = Vec::new();
        let mut range = Range::all();
        loop {
            let page = self.platform.store.scan(&ALARMS, range, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            range = Range::all().after(last);
            all.extend(
                page.into_iter()
                    .map(|((account, region, name), alarm)| (Owner { account, region }, name, alarm)),
            );
        }
    }

    /// Makes an alarm, or gives it another configuration: `change` gets the one that is there.
    pub(crate) async fn put_alarm(
        &self,
        owner: Owner,
        name: &str,
        now: Instant,
        change: impl Fn(Option<Alarm>) -> Result<(Alarm, Traces)> + Sync,
    ) -> Result<()> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, name);
                let before = tx.get(&ALARMS, &key).await?;
                if before.is_none() {
                    let range = Range::prefix((owner.account, owner.region));
                    if tx.scan_keys(&ALARMS, range, ALARMS_MAX).await?.len() >= ALARMS_MAX {
                        return Err(error::alarm_limit());
                    }
                }
                let (alarm, traces) = change(before)?;
                tx.put(&ALARMS, &key, &alarm)?;
                self.leave(&tx, owner, now, traces)
            })
            .await?;
        self.alarms_signal.wake();
        Ok(())
    }

    /// Changes an alarm that is there; `false` when it is not, or when `change` has nothing to do.
    pub(crate) async fn change_alarm(
        &self,
        owner: Owner,
        name: &str,
        now: Instant,
        change: impl Fn(&mut Alarm) -> Result<Option<Traces>> + Sync,
    ) -> Result<bool> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, name);
                let Some(mut alarm) = tx.get(&ALARMS, &key).await? else { return Ok(false) };
                let Some(traces) = change(&mut alarm)? else { return Ok(false) };
                tx.put(&ALARMS, &key, &alarm)?;
                self.leave(&tx, owner, now, traces)?;
                Ok(true)
            })
            .await
    }

    /// Grows, so that what happens in one millisecond stays in order; and is another one after a restart.
    fn next_number(&self) -> u64 {
        let count = self.numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        count << 24 | self.platform.env.rng.below(1 << 24)
    }

    fn leave(&self, tx: &Tx, owner: Owner, now: Instant, traces: Traces) -> Result<()> {
        let now_ms = now.millis();
        for item in &traces.history {
            tx.put(&HISTORY, &(owner.account, owner.region, now_ms, self.next_number()), item)?;
        }
        for action in &traces.actions {
            tx.put(&ACTIONS, &(now_ms, owner.account, owner.region, self.next_number()), action)?;
        }
        Ok(())
    }

    /// Deletes those that are there. `check` may refuse by what else there is.
    pub(crate) async fn delete_alarms(
        &self,
        owner: Owner,
        names: &[String],
        now: Instant,
        check: impl Fn(&[(String, Alarm)]) -> Result<()> + Sync,
    ) -> Result<()> {
        let check = &check;
        self.platform
            .store
            .transact(|tx| async move {
                let range = Range::prefix((owner.account, owner.region));
                let all = tx.scan(&ALARMS, range, ALARMS_MAX).await?;
                let all: Vec<(String, Alarm)> =
                    all.into_iter().map(|((_, _, name), alarm)| (name, alarm)).collect();
                check(&all)?;
                let mut traces = Traces::default();
                for (name, alarm) in all.iter().filter(|(name, _)| names.contains(name)) {
                    tx.delete(&ALARMS, &(owner.account, owner.region, name.as_str()))?;
                    let data = serde_json::json!({ "version": "1.0", "type": "Delete" });
                    traces.history.push(alarm.item(
                        name,
                        "ConfigurationUpdate",
                        format!("Alarm \"{name}\" deleted"),
                        &data,
                    ));
                }
                self.leave(&tx, owner, now, traces)
            })
            .await?;
        self.alarms_signal.wake();
        Ok(())
    }

    /// Actions that are due, oldest first.
    pub(crate) async fn due_actions(&self, now_ms: i64) -> Result<Vec<(i64, Owner, u64, PendingAction)>> {
        let account = haneul_kit::AccountId::DEFAULT;
        let range = Range::all().before(&(now_ms + 1, account, haneul_kit::Region::US_EAST_1, 0u64));
        let found = self.platform.store.scan(&ACTIONS, range, PAGE).await?;
        let due = |((at, account, region, number), action)| (at, Owner { account, region }, number, action);
        Ok(found.into_iter().map(due).collect())
    }

    pub(crate) async fn next_action_ms(&self) -> Result<Option<i64>> {
        let first = self.platform.store.scan_keys(&ACTIONS, Range::all(), 1).await?;
        Ok(first.first().map(|(at, ..)| *at))
    }

    /// The action was called, or given up: a line of history instead of it.
    pub(crate) async fn finish_action(
        &self,
        key: (i64, Owner, u64),
        item: &HistoryItem,
        now: Instant,
    ) -> Result<()> {
        let (at, owner, number) = key;
        let mut batch = Batch::default();
        batch.delete(&ACTIONS, &(at, owner.account, owner.region, number))?;
        batch.put(&HISTORY, &(owner.account, owner.region, now.millis(), self.next_number()), item)?;
        Ok(self.platform.store.write(batch).await?)
    }

    pub(crate) async fn postpone_action(
        &self,
        key: (i64, Owner, u64),
        action: &PendingAction,
        until_ms: i64,
    ) -> Result<()> {
        let (at, owner, number) = key;
        let mut batch = Batch::default();
        batch.delete(&ACTIONS, &(at, owner.account, owner.region, number))?;
        batch.put(&ACTIONS, &(until_ms, owner.account, owner.region, number), action)?;
        Ok(self.platform.store.write(batch).await?)
    }

    /// A page of history within `[from_ms, to_ms]`, beyond `after` in the direction.
    pub(crate) async fn history(
        &self,
        owner: Owner,
        times: (i64, i64),
        after: Option<(i64, u64)>,
        ascending: bool,
        limit: usize,
    ) -> Result<Vec<(i64, u64, HistoryItem)>> {
        let (account, region) = (owner.account, owner.region);
        let range = Range::prefix((account, region)).from(&(account, region, times.0, 0u64)).before(&(
            account,
            region,
            times.1.saturating_add(1),
            0u64,
        ));
        let range = match (after, ascending) {
            (None, true) => range,
            (None, false) => range.rev(),
            (Some((at, number)), true) => range.after(&(account, region, at, number)),
            (Some((at, number)), false) => range.before(&(account, region, at, number)).rev(),
        };
        let found = self.platform.store.scan(&HISTORY, range, limit).await?;
        Ok(found.into_iter().map(|((_, _, at, number), item)| (at, number, item)).collect())
    }

    pub(crate) async fn drop_old_history(&self, now_ms: i64) -> Result<()> {
        let mut range = Range::all();
        loop {
            let keys = self.platform.store.scan_keys(&HISTORY, range, PAGE).await?;
            let Some(last) = keys.last() else { return Ok(()) };
            range = Range::all().after(last);
            let mut batch = Batch::default();
            for key in keys.iter().filter(|(_, _, at, _)| *at < now_ms - HISTORY_MS) {
                batch.delete(&HISTORY, key)?;
            }
            self.platform.store.write(batch).await?;
        }
    }
}

/// For whoever asks what is not there.
pub(crate) fn found(found: bool) -> Result<(), ApiError> {
    if found { Ok(()) } else { Err(error::alarm_not_found()) }
}
