//! Scans: each analyzer looks at all resources of its zone again and again, and at once when it is told to. Beside them,
//! policy [`generations`].

pub(crate) mod generations;

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{AccountId, BoxFuture, Instant, Reconciler, Region, Result, Signal};

use crate::AccessAnalyzer;
use crate::analyze::{Zone, accesses};
use crate::calls::Seen;
use crate::model::Analyzer;
use crate::store::Look;

/// AWS looks at a changed policy within half an hour.
const SCAN_EVERY: Duration = Duration::from_secs(5 * 60);
/// Unused access is looked for once a day.
const UNUSED_EVERY: Duration = Duration::from_secs(24 * 3600);

pub(crate) struct Scan(pub Arc<AccessAnalyzer>);

impl Reconciler for Scan {
    fn name(&self) -> &'static str {
        "access-analyzer.scan"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.0.scan())
    }

    fn signal(&self) -> &Signal {
        &self.0.work
    }
}

impl AccessAnalyzer {
    /// Scans every analyzer whose time has come; says when the next is due.
    pub(crate) async fn scan(&self) -> Result<Option<Instant>> {
        let mut next: Option<Instant> = None;
        for ((account, region, name), analyzer) in self.all().await? {
            let now = self.platform.env.now();
            let every = if analyzer.unused.is_some() { UNUSED_EVERY } else { SCAN_EVERY };
            let due = analyzer.scanned.map_or(now, |at| Instant::from(at) + every);
            let due = if due <= now {
                self.scan_one(account, region, &name, &analyzer).await?;
                now + every
            } else {
                due
            };
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        Ok(next)
    }

    async fn scan_one(
        &self,
        account: AccountId,
        region: Region,
        name: &str,
        analyzer: &Analyzer,
    ) -> Result<()> {
        let zone = self.zone(account, analyzer).await?;
        let mut present = Vec::new();
        if let Some(rule) = &analyzer.unused {
            for owner in &zone.accounts {
                for look in self.look_unused(*owner, region, rule).await? {
                    present.push(look.arn.clone());
                    self.state.note(account, region, name, &look, self.platform.env.now()).await?;
                }
            }
            return self.state.forget_others(account, region, name, &present, self.platform.env.now()).await;
        }
        for owner in &zone.accounts {
            for seen in self.look(*owner, region).await? {
                present.push(seen.arn.clone());
                self.note(account, region, name, &zone, *owner, seen).await?;
            }
        }
        self.state.forget_others(account, region, name, &present, self.platform.env.now()).await
    }

    /// Writes down what was seen of one resource.
    pub(crate) async fn note(
        &self,
        account: AccountId,
        region: Region,
        name: &str,
        zone: &Zone,
        owner: AccountId,
        seen: Seen,
    ) -> Result<()> {
        let mut found = seen.grants;
        if seen.private {
            found.retain(|access| !access.public);
        }
        for policy in &seen.policies {
            found.extend(accesses(policy, zone, seen.private));
        }
        let ids = found.iter().map(|_| self.platform.env.rng.uuid()).collect();
        let look = Look {
            arn: seen.arn,
            kind: seen.kind.to_owned(),
            owner,
            accesses: found,
            error: seen.error.map(str::to_owned),
            ids,
        };
        self.state.note(account, region, name, &look, self.platform.env.now()).await
    }
}
