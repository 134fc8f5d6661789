use haneul_kit::metrics::Owner;
use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads};

use crate::CloudWatch;
use crate::error;
use crate::model::{ALARMS, MUTE_RULES, MuteRule};
use crate::mute::Muting;

/// Rules of an account and Region. Ours: AWS tells no quota.
const RULES_MAX: usize = 1000;

impl CloudWatch {
    pub(crate) async fn mute_rule(&self, owner: Owner, name: &str) -> Result<Option<MuteRule>> {
        Ok(self.platform.store.get(&MUTE_RULES, &(owner.account, owner.region, name)).await?)
    }

    pub(crate) async fn mute_rules(&self, owner: Owner) -> Result<Vec<(String, MuteRule)>> {
        let range = Range::prefix((owner.account, owner.region));
        let found = self.platform.store.scan(&MUTE_RULES, range, RULES_MAX).await?;
        Ok(found.into_iter().map(|((_, _, name), rule)| (name, rule)).collect())
    }

    pub(crate) async fn muting(&self, owner: Owner) -> Result<Muting> {
        Ok(Muting(self.mute_rules(owner).await?))
    }

    /// Makes a rule, or gives the one of that name another configuration; its tags stay when none are given.
    pub(crate) async fn put_mute_rule(
        &self,
        owner: Owner,
        name: &str,
        rule: &MuteRule,
        tags: Option<&[(String, String)]>,
    ) -> Result<()> {
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, name);
                let before = tx.get(&MUTE_RULES, &key).await?;
                let range = Range::prefix((owner.account, owner.region));
                if before.is_none() && tx.scan_keys(&MUTE_RULES, range, RULES_MAX).await?.len() >= RULES_MAX {
                    return Err(error::mute_rule_limit());
                }
                for target in &rule.targets {
                    if tx.get(&ALARMS, &(owner.account, owner.region, target.as_str())).await?.is_none() {
                        return Err(error::validation(format!("The alarm {target} does not exist.")));
                    }
                }
                let kept = before.map(|before| before.tags).unwrap_or_default();
                let tags = tags.map_or(kept, <[_]>::to_vec);
                Ok(tx.put(&MUTE_RULES, &key, &MuteRule { tags, ..rule.clone() })?)
            })
            .await?;
        self.alarms_signal.wake();
        Ok(())
    }

    pub(crate) async fn change_mute_rule_tags(
        &self,
        owner: Owner,
        name: &str,
        change: impl Fn(&mut Vec<(String, String)>) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, name);
                let found = tx.get(&MUTE_RULES, &key).await?;
                let mut rule = found.ok_or_else(|| error::resource_not_found("AlarmMuteRule", name))?;
                change(&mut rule.tags)?;
                Ok::<_, ApiError>(tx.put(&MUTE_RULES, &key, &rule)?)
            })
            .await
    }

    /// Deletes it if it is there.
    pub(crate) async fn delete_mute_rule(&self, owner: Owner, name: &str) -> Result<()> {
        self.platform.store.delete(&MUTE_RULES, &(owner.account, owner.region, name)).await?;
        self.alarms_signal.wake();
        Ok(())
    }
}
