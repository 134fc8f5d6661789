use haneul_kit::{AccountId, Result};
use haneul_store::{Reads, Tx};

use super::{Identity, State, entities, key, list};
use crate::model::{INSTANCE_PROFILES, InstanceProfile, ROLES, Role};
use crate::{error, quotas};

async fn get(reads: &impl Reads, account: AccountId, name: &str) -> Result<InstanceProfile> {
    let found = reads.get(&INSTANCE_PROFILES, &key(account, name)).await?;
    found.ok_or_else(|| error::no_such_instance_profile(name))
}

fn put(tx: &Tx, account: AccountId, profile: &InstanceProfile) -> Result<()> {
    Ok(tx.put(&INSTANCE_PROFILES, &key(account, &profile.name), profile)?)
}

impl State {
    pub(crate) async fn instance_profile(&self, account: AccountId, name: &str) -> Result<InstanceProfile> {
        get(&self.store, account, name).await
    }

    pub(crate) async fn find_instance_profile(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<InstanceProfile>> {
        Ok(self.store.get(&INSTANCE_PROFILES, &key(account, name)).await?)
    }

    /// By name.
    pub(crate) async fn instance_profiles(&self, account: AccountId) -> Result<Vec<InstanceProfile>> {
        let all = list(&self.store, &INSTANCE_PROFILES, account).await?;
        Ok(all.into_iter().map(|(_, profile)| profile).collect())
    }

    pub(crate) async fn create_instance_profile(
        &self,
        account: AccountId,
        profile: &InstanceProfile,
    ) -> Result<()> {
        let quota = ("InstanceProfilesPerAccount", quotas::INSTANCE_PROFILES);
        self.store
            .transact(|tx| async move {
                if tx.get(&INSTANCE_PROFILES, &key(account, &profile.name)).await?.is_some() {
                    return Err(error::instance_profile_exists(&profile.name));
                }
                entities::count(&tx, account, |of| &mut of.instance_profiles, quota).await?;
                put(&tx, account, profile)
            })
            .await
    }

    pub(crate) async fn delete_instance_profile(&self, account: AccountId, name: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let profile = get(&tx, account, name).await?;
                if profile.role.is_some() {
                    return Err(error::must_remove_roles());
                }
                entities::uncount(&tx, account, |of| &mut of.instance_profiles).await?;
                Ok(tx.delete(&INSTANCE_PROFILES, &key(account, name))?)
            })
            .await
    }

    pub(crate) async fn add_role(&self, account: AccountId, profile: &str, role: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut profile = get(&tx, account, profile).await?;
                let mut record: Role = entities::get(&tx, account, role).await?;
                record.must_be_changeable()?;
                if profile.role.is_some() {
                    return Err(error::quota("InstanceSessionsPerInstanceProfile", 1));
                }
                let role = key(account, role);
                record.instance_profiles.push(profile.name.to_ascii_lowercase());
                profile.role = Some(role.1.clone());
                tx.put(&ROLES, &role, &record)?;
                put(&tx, account, &profile)
            })
            .await
    }

    pub(crate) async fn remove_role(&self, account: AccountId, profile: &str, role: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut profile = get(&tx, account, profile).await?;
                let at = key(account, role);
                if profile.role.as_ref() != Some(&at.1) {
                    return Err(error::role_not_in_profile(role));
                }
                let mut record: Role = entities::get(&tx, account, role).await?;
                let name = profile.name.to_ascii_lowercase();
                record.instance_profiles.retain(|other| *other != name);
                profile.role = None;
                tx.put(&ROLES, &at, &record)?;
                put(&tx, account, &profile)
            })
            .await
    }
}
