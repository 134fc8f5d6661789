//! Rules of Contributor Insights, and what they counted.

use std::collections::{BTreeMap, HashSet};

use haneul_kit::contributors::{self, CONTRIBUTORS_MAX, RULES, RULES_MAX, Rule, TALLIES, Tally};
use haneul_kit::metrics::Owner;
use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads, Snapshot};

use crate::CloudWatch;
use crate::error;
use crate::model::CONTRIBUTORS;

/// Minutes of a report that are read at once, tallies that are merged at once, minutes that are forgotten at once.
const MINUTES: usize = 16;
const MERGED: usize = 16;
const SWEPT: usize = 500;
/// Bytes of keys that one transaction writes: as JSON, they may be six times that long.
const KEYS_MAX: usize = 4 * 1024 * 1024;

/// What was counted is kept for 15 days. Source: CloudWatch User Guide, "Using Contributor Insights".
pub(crate) const KEPT_MS: i64 = 15 * 86_400_000;

impl CloudWatch {
    /// Puts what `change` makes of the rule that there was.
    pub(crate) async fn put_rule(
        &self,
        owner: Owner,
        name: &str,
        change: impl Fn(Option<Rule>) -> Result<Rule> + Sync,
    ) -> Result<()> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let before = tx.get(&RULES, &(owner.account, owner.region, name)).await?;
                let rule = change(before)?;
                match contributors::put_rule(&tx, (owner.account, owner.region), name, &rule).await? {
                    true => Ok(()),
                    false => Err(error::rule_limit()),
                }
            })
            .await
    }

    pub(crate) async fn rule(&self, owner: Owner, name: &str) -> Result<Option<Rule>> {
        Ok(self.platform.store.get(&RULES, &(owner.account, owner.region, name)).await?)
    }

    /// All of an account in a Region, by name.
    pub(crate) async fn rules(&self, owner: Owner) -> Result<Vec<(String, Rule)>> {
        let range = Range::prefix((owner.account, owner.region));
        let found = self.platform.store.scan(&RULES, range, RULES_MAX).await?;
        Ok(found.into_iter().map(|((_, _, name), rule)| (name, rule)).collect())
    }

    /// Changes or, where `change` gives nothing, deletes a rule.
    pub(crate) async fn change_rule(
        &self,
        owner: Owner,
        name: &str,
        change: impl Fn(Rule) -> Result<Option<Rule>> + Sync,
    ) -> Result<()> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, name);
                let before = tx.get(&RULES, &key).await?.ok_or_else(|| error::rule_not_found(name))?;
                match change(before)? {
                    Some(rule) => tx.put(&RULES, &key, &rule)?,
                    // What it counted is forgotten behind it.
                    None => tx.delete(&RULES, &key)?,
                }
                Ok(())
            })
            .await
    }

    /// What a rule counted from `from` to `to` (exclusive), both in milliseconds: `each` is given the minutes in their order.
    pub(crate) async fn counted(
        &self,
        snapshot: &Snapshot,
        rule: u64,
        (from, to): (i64, i64),
        mut each: impl FnMut(i64, Tally) + Send,
    ) -> Result<()> {
        let mut from = from;
        while from < to {
            let range = Range::prefix((rule,)).from(&(rule, from)).before(&(rule, to));
            let merged = snapshot.scan(&CONTRIBUTORS, range, MINUTES).await?;
            let until = match merged.last() {
                Some(((_, minute), _)) if merged.len() == MINUTES => minute + 1,
                _ => to,
            };
            let mut minutes: BTreeMap<i64, Tally> =
                merged.into_iter().map(|((_, minute), tally)| (minute, tally)).collect();
            let waiting = || Range::prefix((rule,)).before(&(rule, until, 0u64));
            let mut range = waiting().from(&(rule, from, 0u64));
            loop {
                let page = snapshot.scan(&TALLIES, range, MINUTES).await?;
                let last = page.last().filter(|_| page.len() == MINUTES).map(|(key, _)| *key);
                for ((_, minute, _), tally) in page {
                    minutes.entry(minute).or_default().merge(&tally, CONTRIBUTORS_MAX);
                }
                let Some(last) = last else { break };
                range = waiting().after(&last);
            }
            minutes.into_iter().for_each(|(minute, tally)| each(minute, tally));
            from = until;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Merges some tallies into their minutes; says whether there were any.
    pub(crate) async fn merge_tallies(&self) -> Result<bool> {
        let store = &self.platform.store;
        let found = store.scan(&TALLIES, Range::all(), MERGED).await?;
        let mut minutes: BTreeMap<(u64, i64), Tally> = BTreeMap::new();
        for ((rule, minute, _), tally) in &found {
            minutes.entry((*rule, *minute)).or_default().merge(tally, CONTRIBUTORS_MAX);
        }
        let (found, minutes) = (&found, &minutes);
        store
            .transact(|tx| async move {
                let mut bytes = 0;
                for (key, tally) in minutes {
                    let mut merged = tx.get(&CONTRIBUTORS, key).await?.unwrap_or_default();
                    merged.merge(tally, CONTRIBUTORS_MAX);
                    merged.trim(CONTRIBUTORS_MAX);
                    tx.put(&CONTRIBUTORS, key, &merged)?;
                    let of_minute = |(rule, minute, _): &&(u64, i64, u64)| (*rule, *minute) == *key;
                    for tally in found.iter().map(|(key, _)| key).filter(of_minute) {
                        tx.delete(&TALLIES, tally)?;
                    }
                    bytes += merged.key_bytes();
                    // The others have their turn next.
                    if bytes > KEYS_MAX {
                        break;
                    }
                }
                Ok::<_, ApiError>(())
            })
            .await?;
        Ok(!found.is_empty())
    }

    /// Forgets what is too old and what belongs to no rule any more.
    pub(crate) async fn forget_minutes(&self, now_ms: i64) -> Result<()> {
        let store = &self.platform.store;
        let mut counted = Vec::new();
        let mut range = Range::all();
        while let Some((rule, _)) = store.scan_keys(&CONTRIBUTORS, range, 1).await?.pop() {
            counted.push(rule);
            range = Range::all().after(&(rule, i64::MAX));
        }
        // Read after what was counted: a rule that has minutes was there before them.
        let mut known = HashSet::new();
        let mut range = Range::all();
        loop {
            let page = store.scan(&RULES, range, SWEPT).await?;
            known.extend(page.iter().map(|(_, rule)| rule.id));
            let Some((last, _)) = page.last().filter(|_| page.len() == SWEPT) else { break };
            range = Range::all().after(last);
        }
        for rule in counted {
            let until = if known.contains(&rule) { now_ms - KEPT_MS } else { i64::MAX };
            loop {
                let range = Range::prefix((rule,)).before(&(rule, until));
                let old = store.scan_keys(&CONTRIBUTORS, range, SWEPT).await?;
                let mut batch = haneul_store::Batch::default();
                for key in &old {
                    batch.delete(&CONTRIBUTORS, key)?;
                }
                if old.is_empty() {
                    break;
                }
                store.write(batch).await?;
            }
        }
        Ok(())
    }
}
