//! Policies of accounts.

use haneul_kit::{AccountId, ApiError, Region, Result};
use haneul_store::{Range, Reads};

use super::{Records, transformer_key};
use crate::account::Kind;
use crate::error;
use crate::model::{ACCOUNT_POLICIES, AccountPolicy, TRANSFORMERS, TransformerRecord};

/// Policies of all kinds that an account can have in a Region, with room to spare.
const POLICIES_MAX: usize = 200;

impl Records {
    /// Puts a policy, with what it transforms by; `check` sees the others of its kind, by name, and may refuse.
    pub(crate) async fn put_account_policy(
        &self,
        (account, region): (AccountId, Region),
        kind: &str,
        name: &str,
        (made, transformer): (&AccountPolicy, Option<&TransformerRecord>),
        check: impl Fn(&[(String, AccountPolicy)]) -> Result<()> + Sync,
    ) -> Result<()> {
        let check = &check;
        self.store
            .transact(|tx| async move {
                let range = Range::prefix((account, region, kind));
                let there = tx.scan(&ACCOUNT_POLICIES, range, POLICIES_MAX).await?;
                let (mut others, mut before) = (Vec::new(), None);
                for ((.., one), policy) in there {
                    if one == name { before = Some(policy) } else { others.push((one, policy)) }
                }
                check(&others)?;
                if let (Some(number), Some(record)) = (made.transformer, transformer) {
                    tx.put(&TRANSFORMERS, &transformer_key(0, number), record)?;
                }
                let id = before.map_or(made.id, |before| before.id);
                Ok(tx.put(
                    &ACCOUNT_POLICIES,
                    &(account, region, kind, name),
                    &AccountPolicy { id, ..made.clone() },
                )?)
            })
            .await
    }

    pub(crate) async fn delete_account_policy(
        &self,
        (account, region): (AccountId, Region),
        kind: &str,
        name: &str,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let key = (account, region, kind, name);
                if tx.get(&ACCOUNT_POLICIES, &key).await?.is_none() {
                    return Err(error::account_policy_not_found());
                }
                Ok::<_, ApiError>(tx.delete(&ACCOUNT_POLICIES, &key)?)
            })
            .await
    }

    /// The policies of a kind, by name.
    pub(crate) async fn account_policies(
        &self,
        (account, region): (AccountId, Region),
        kind: Kind,
    ) -> Result<Vec<(String, AccountPolicy)>> {
        let range = Range::prefix((account, region, kind.as_str()));
        let found = self.store.scan(&ACCOUNT_POLICIES, range, POLICIES_MAX).await?;
        Ok(found.into_iter().map(|((.., name), policy)| (name, policy)).collect())
    }
}
