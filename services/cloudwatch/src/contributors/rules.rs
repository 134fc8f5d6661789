use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::contributors::{Counter, LogEvent, LogRules, RULES, RULES_MAX, Tallies};
use haneul_kit::{AccountId, BoxFuture, Instant, Region, Result};
use haneul_store::{Range, Reads, Store, TableVersion};
use parking_lot::Mutex;

use super::Definition;
use super::field::Event;

/// The rules over log events, compiled once and again when any rule changes.
pub(crate) struct Rules {
    store: Store,
    version: TableVersion,
    kept: Mutex<Kept>,
}

/// At a version of the table.
type Kept = (u64, HashMap<(AccountId, Region), Arc<Vec<Compiled>>>);

/// Accounts that are remembered.
const ACCOUNTS_MAX: usize = 10_000;

#[derive(Clone)]
struct Compiled {
    id: u64,
    since: Instant,
    transformed: bool,
    definition: Arc<Definition>,
}

impl Rules {
    pub(crate) fn new(store: &Store) -> Rules {
        Rules { store: store.clone(), version: store.table_version(&RULES), kept: Mutex::default() }
    }

    async fn of(&self, owner: (AccountId, Region)) -> Result<Arc<Vec<Compiled>>> {
        let version = self.version.get();
        {
            let kept = self.kept.lock();
            if kept.0 == version
                && let Some(found) = kept.1.get(&owner)
            {
                return Ok(found.clone());
            }
        }
        let mut rules = Vec::new();
        for (_, rule) in self.store.scan(&RULES, Range::prefix(owner), RULES_MAX).await? {
            if !rule.enabled || rule.managed.is_some() {
                continue;
            }
            // All were checked when they were put; one that no longer fits is of a newer version, and left alone.
            let Ok(definition) = Definition::parse(&rule.definition, owner.0, owner.1) else { continue };
            rules.push(Compiled {
                id: rule.id,
                since: Instant::from_millis(rule.since_ms),
                transformed: rule.transformed.unwrap_or(false),
                definition: Arc::new(definition),
            });
        }
        let rules = Arc::new(rules);
        let mut kept = self.kept.lock();
        if kept.0 != version || kept.1.len() >= ACCOUNTS_MAX {
            *kept = (version, HashMap::new());
        }
        kept.1.insert(owner, rules.clone());
        Ok(rules)
    }
}

impl LogRules for Rules {
    fn of_group<'a>(
        &'a self,
        account: AccountId,
        region: Region,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Counter>>>> {
        Box::pin(async move {
            let rules = self.of((account, region)).await?;
            let mut watching = rules.iter().filter(|rule| rule.definition.watches(group)).peekable();
            if watching.peek().is_none() {
                return Ok(None);
            }
            Ok(Some(Arc::new(Watching(watching.cloned().collect())) as Arc<dyn Counter>))
        })
    }

    fn watches<'a>(
        &'a self,
        account: AccountId,
        region: Region,
        group: &'a str,
    ) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let rules = self.of((account, region)).await?;
            Ok(rules.iter().any(|rule| rule.definition.watches(group)))
        })
    }
}

/// The rules that watch one group.
struct Watching(Vec<Compiled>);

impl Counter for Watching {
    fn rules(&self) -> usize {
        self.0.len()
    }

    fn transforms(&self) -> bool {
        self.0.iter().any(|rule| rule.transformed)
    }

    fn count(&self, event: &LogEvent<'_>, tallies: &mut Tallies) -> u64 {
        let mut matched = 0;
        let message = Event::new(event.message);
        let transformed = event.transformed.map(|text| text.map(Event::new));
        for rule in self.0.iter().filter(|rule| rule.since <= event.ingested) {
            let looked_at = match (&transformed, rule.transformed) {
                (Some(Some(transformed)), true) => transformed,
                // It could not be transformed.
                (Some(None), true) => continue,
                _ => &message,
            };
            if let Some((key, value)) = rule.definition.observe(looked_at) {
                tallies.add(rule.id, event.time, &key, value);
                matched += 1;
            }
        }
        matched
    }
}
