use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::State;
use crate::error;
use crate::live::GRANTS_MAX;
use crate::model::{GRANTS, GrantRecord, KEYS, KeyName};

impl State {
    /// Adds a grant, unless one of the same name and content is there. The id of either.
    pub(crate) async fn create_grant(&self, name: &KeyName, id: &str, grant: &GrantRecord) -> Result<String> {
        let (account, region, key) = name.row();
        self.store
            .transact(|tx| async move {
                if tx.get(&KEYS, &name.row()).await?.is_none() {
                    return Err(error::key_not_found(&name.arn()));
                }
                let others = tx.scan(&GRANTS, Range::prefix(name.row()), GRANTS_MAX).await?;
                if grant.name.is_some() {
                    let same = |other: &GrantRecord| {
                        GrantRecord { created_ms: 0, ..other.clone() }
                            == GrantRecord { created_ms: 0, ..grant.clone() }
                    };
                    if let Some(((.., id), _)) = others.iter().find(|(_, other)| same(other)) {
                        return Ok(id.clone());
                    }
                }
                if others.len() >= GRANTS_MAX {
                    return Err(error::limit("The maximum number of grants of the key is reached."));
                }
                tx.put(&GRANTS, &(account, region, key, id), grant)?;
                Ok(id.to_owned())
            })
            .await
    }

    pub(crate) async fn delete_grant(&self, name: &KeyName, id: &str) -> Result<()> {
        let row = (name.account, name.region, name.id.as_str(), id);
        self.store
            .transact(|tx| async move {
                if tx.get(&GRANTS, &row).await?.is_none() {
                    return Err(error::grant_not_found(id));
                }
                Ok(tx.delete(&GRANTS, &row)?)
            })
            .await
    }

    /// The grants of all keys of an account and Region that `wanted` picks, after a key and grant.
    pub(crate) async fn grants_where(
        &self,
        (account, region): (AccountId, Region),
        after: Option<(String, String)>,
        limit: usize,
        wanted: impl Fn(&GrantRecord) -> bool,
    ) -> Result<Vec<(String, String, GrantRecord)>> {
        /// Rows read at once.
        const PAGE: usize = 1000;
        let mut found = Vec::new();
        let mut after = after;
        loop {
            let range = Range::prefix((account, region));
            let range = match &after {
                Some((key, id)) => range.after(&(account, region, key.as_str(), id.as_str())),
                None => range,
            };
            let rows = self.store.scan(&GRANTS, range, PAGE).await?;
            let more = rows.len() == PAGE;
            for ((_, _, key, id), grant) in rows {
                after = Some((key.clone(), id.clone()));
                if wanted(&grant) {
                    found.push((key, id, grant));
                    if found.len() >= limit {
                        return Ok(found);
                    }
                }
            }
            if !more {
                return Ok(found);
            }
        }
    }
}
