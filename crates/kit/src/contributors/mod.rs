//! Who contributes most: what the rules of CloudWatch's Contributor Insights count, minute by minute.
//!
//! CloudWatch owns the rules over log events ([`LogRules`]); the service that takes the events in asks it which rules watch a
//! group, has them count, and writes the [`Tallies`] in the transaction in which it notes that the events were looked at: none is
//! counted twice or forgotten. A service that has rules of its own ([`Managed`]) writes rules and tallies itself. CloudWatch
//! merges tallies into minutes, tells of them, and forgets them.
//!
//! [`tally`] (the counts of a minute), [`sketch`] (how many different ones there were).

mod sketch;
mod tally;

use std::sync::{Arc, OnceLock};

use haneul_base::{AccountId, Instant, Region};
use haneul_store::{Range, Reads, Record, StoreError, Table, Tx};
use serde::{Deserialize, Serialize};

use crate::{BoxFuture, Result};

pub use tally::{CONTRIBUTORS_MAX, SEPARATOR, Share, Tallies, Tally, key};

/// Rules of an account in a Region, those that services made among them. Source: CloudWatch service quotas.
pub const RULES_MAX: usize = 100;

/// All rules, by name.
pub static RULES: Table<(AccountId, Region, String), Rule> = Table::new("contributors.rules");

/// What was counted and not yet merged: the rule's id, the minute's beginning in milliseconds, and a random number.
pub static TALLIES: Table<(u64, i64, u64), Tally> = Table::new("contributors.tallies");

/// What is counted, and how it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What its tallies are kept under. Another one when its meaning changes, so that counts of different things never mix.
    pub id: u64,
    pub definition: String,
    pub enabled: bool,
    /// Since when it counts.
    pub since_ms: i64,
    /// Whether it looks at transformed events; as given.
    pub transformed: Option<bool>,
    pub tags: Vec<(String, String)>,
    /// Set when a service made it, which alone may change it.
    pub managed: Option<Managed>,
}

impl Record for Rule {}

/// A rule that a service feeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Managed {
    /// `DynamoDB`
    pub by: String,
    /// What the parts of a contributor are called.
    pub keys: Vec<String>,
    /// Contributors that one report may ask for.
    pub contributors_max: u32,
}

/// A log event on its way to the rules.
#[derive(Clone, Copy, Debug)]
pub struct LogEvent<'a> {
    pub time: Instant,
    /// When it came in: rules count what came after them.
    pub ingested: Instant,
    pub message: &'a str,
    /// `None` when its group has no transformer; what the transformer made of it, unless it failed.
    pub transformed: Option<Option<&'a str>>,
}

/// The rules over log events.
pub trait LogRules: Send + Sync + 'static {
    /// The rules that watch a group; `None` when there are none, which is soon found out.
    fn of_group<'a>(
        &'a self,
        account: AccountId,
        region: Region,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Counter>>>>;

    /// Whether any rule watches a group: asked at each writing to it.
    fn watches<'a>(
        &'a self,
        account: AccountId,
        region: Region,
        group: &'a str,
    ) -> BoxFuture<'a, Result<bool>>;
}

/// Rules that count.
pub trait Counter: Send + Sync {
    /// How many they are.
    fn rules(&self) -> usize;

    /// Whether one of them looks at transformed events.
    fn transforms(&self) -> bool;

    /// Says how many rules it was for.
    fn count(&self, event: &LogEvent<'_>, tallies: &mut Tallies) -> u64;
}

/// Where the services find the rules over log events. Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub struct Contributors(Arc<OnceLock<Arc<dyn LogRules>>>);

impl Contributors {
    /// Said by CloudWatch when it is made; a second time has no effect. A cloud without it has no rules over log events.
    pub fn set_log_rules(&self, rules: Arc<dyn LogRules>) {
        let _ = self.0.set(rules);
    }

    /// The rules that watch a group.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of_group(
        &self,
        account: AccountId,
        region: Region,
        group: &str,
    ) -> Result<Option<Arc<dyn Counter>>> {
        match self.0.get() {
            Some(rules) => rules.of_group(account, region, group).await,
            None => Ok(None),
        }
    }

    /// Whether any rule watches a group.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn watches(&self, account: AccountId, region: Region, group: &str) -> Result<bool> {
        match self.0.get() {
            Some(rules) => rules.watches(account, region, group).await,
            None => Ok(false),
        }
    }
}

/// Puts a rule, unless it is a new one and there are [`RULES_MAX`] already; says whether it was put.
///
/// # Errors
/// When the store cannot be read.
pub async fn put_rule(
    tx: &Tx,
    (account, region): (AccountId, Region),
    name: &str,
    rule: &Rule,
) -> Result<bool, StoreError> {
    let key = (account, region, name);
    if tx.get(&RULES, &key).await?.is_none() {
        let known = tx.scan_keys(&RULES, Range::prefix((account, region)), RULES_MAX).await?;
        if known.len() >= RULES_MAX {
            return Ok(false);
        }
    }
    tx.put(&RULES, &key, rule)?;
    Ok(true)
}
