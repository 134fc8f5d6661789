//! What analyzers found.

use haneul_kit::{AccountId, Instant, Region, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State};
use crate::error;
use crate::filter;
use crate::model::{ANALYZERS, Access, Analyzer, FINDINGS, Finding, RESOURCES, Resource, Status};

/// One resource as it was seen.
pub(crate) struct Look {
    pub arn: String,
    pub kind: String,
    pub owner: AccountId,
    pub accesses: Vec<Access>,
    pub error: Option<String>,
    /// Ids for what is new, the same in each run of the transaction.
    pub ids: Vec<String>,
}

/// How long a resolved finding can be seen.
const RESOLVED_KEPT: std::time::Duration = std::time::Duration::from_secs(90 * 24 * 3600);

impl State {
    /// Writes down one look at a resource: what is new, what is still there and what is gone.
    pub(crate) async fn note(
        &self,
        account: AccountId,
        region: Region,
        name: &str,
        look: &Look,
        now: Instant,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let Some(mut analyzer) = tx.get(&ANALYZERS, &(account, region, name)).await? else {
                    return Ok(());
                };
                let at = (account, region, name, look.arn.as_str());
                let before: Option<Resource> = tx.get(&RESOURCES, &at).await?;
                let changed = before.as_ref().is_none_or(|before| before.accesses != look.accesses);
                let resource = Resource {
                    kind: look.kind.clone(),
                    owner: look.owner.number(),
                    created: before.as_ref().map_or(now.into(), |before| before.created),
                    analyzed: now.into(),
                    updated: match &before {
                        Some(before) if !changed => before.updated,
                        _ => now.into(),
                    },
                    accesses: look.accesses.clone(),
                    error: look.error.clone(),
                };
                tx.put(&RESOURCES, &at, &resource)?;
                let findings = tx.scan(&FINDINGS, Range::prefix((account, region, name)), LIST_MAX).await?;
                let mut open: Vec<&Access> = look.accesses.iter().collect();
                for (key, mut finding) in findings {
                    if finding.resource != look.arn || (look.error.is_some() && look.accesses.is_empty()) {
                        continue;
                    }
                    let still = open.iter().position(|access| access.key() == finding.access.key());
                    match still {
                        Some(index) => {
                            let access = open.remove(index);
                            if finding.access != *access || finding.status == Status::Resolved {
                                finding.access = access.clone();
                                finding.updated = now.into();
                            }
                            if finding.status == Status::Resolved {
                                finding.status = initial(&analyzer, &key.3, &finding);
                            }
                            finding.analyzed = now.into();
                            tx.put(&FINDINGS, &key, &finding)?;
                        }
                        None if finding.status != Status::Resolved => {
                            finding.status = Status::Resolved;
                            finding.analyzed = now.into();
                            finding.updated = now.into();
                            tx.put(&FINDINGS, &key, &finding)?;
                        }
                        None => {
                            if Instant::from(finding.updated) + RESOLVED_KEPT <= now {
                                tx.delete(&FINDINGS, &key)?;
                            }
                        }
                    }
                }
                for (access, id) in open.into_iter().zip(&look.ids) {
                    let mut finding = Finding {
                        resource: look.arn.clone(),
                        kind: look.kind.clone(),
                        owner: look.owner.number(),
                        access: access.clone(),
                        created: now.into(),
                        analyzed: now.into(),
                        updated: now.into(),
                        status: Status::Active,
                    };
                    finding.status = initial(&analyzer, id, &finding);
                    tx.put(&FINDINGS, &(account, region, name, id), &finding)?;
                }
                analyzer.last = Some((look.arn.clone(), now.into()));
                Ok(tx.put(&ANALYZERS, &(account, region, name), &analyzer)?)
            })
            .await
    }

    /// Resources that are no longer there, and what was found of them.
    pub(crate) async fn forget_others(
        &self,
        account: AccountId,
        region: Region,
        name: &str,
        present: &[String],
        now: Instant,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                for (key, _) in tx.scan(&RESOURCES, Range::prefix((account, region, name)), LIST_MAX).await? {
                    if !present.contains(&key.3) {
                        tx.delete(&RESOURCES, &key)?;
                    }
                }
                for (key, mut finding) in
                    tx.scan(&FINDINGS, Range::prefix((account, region, name)), LIST_MAX).await?
                {
                    if !present.contains(&finding.resource) && finding.status != Status::Resolved {
                        finding.status = Status::Resolved;
                        finding.updated = now.into();
                        finding.analyzed = now.into();
                        tx.put(&FINDINGS, &key, &finding)?;
                    }
                }
                if let Some(mut analyzer) = tx.get(&ANALYZERS, &(account, region, name)).await? {
                    analyzer.scanned = Some(now.into());
                    tx.put(&ANALYZERS, &(account, region, name), &analyzer)?;
                }
                Ok(())
            })
            .await
    }

    /// Sets the status of findings, by id or by resource; resolved ones stay.
    pub(crate) async fn set_status(
        &self,
        (account, region, name): (AccountId, Region, &str),
        which: &(dyn Fn(&str, &Finding) -> bool + Sync),
        ids: &[String],
        status: Status,
        now: Instant,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                for id in ids {
                    if tx.get(&FINDINGS, &(account, region, name, id)).await?.is_none() {
                        return Err(error::not_found(id, "FINDING"));
                    }
                }
                for (key, mut finding) in
                    tx.scan(&FINDINGS, Range::prefix((account, region, name)), LIST_MAX).await?
                {
                    let open = finding.status != Status::Resolved && finding.status != status;
                    if open && which(&key.3, &finding) {
                        finding.status = status;
                        finding.updated = now.into();
                        tx.put(&FINDINGS, &key, &finding)?;
                    }
                }
                Ok(())
            })
            .await
    }
}

/// A rule archives what is new and meets it.
fn initial(analyzer: &Analyzer, id: &str, finding: &Finding) -> Status {
    let finding = Finding { status: Status::Active, ..finding.clone() };
    match analyzer.rules.values().any(|rule| filter::passes(&rule.filter, id, &finding)) {
        true => Status::Archived,
        false => Status::Active,
    }
}
