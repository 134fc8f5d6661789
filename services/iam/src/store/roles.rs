use std::collections::BTreeMap;

use haneul_kit::{AccountId, Arn, Policy, Result};
use haneul_policy::PrincipalKind;
use haneul_store::{Reads, Tx};

use super::{Identity, State, attachments, entities, key};
use crate::error;
use crate::model::{ATTACHMENTS, Kind, ROLES, Role, Trust, Usage, User, tie};

impl State {
    /// `trust` is the role's trust policy, parsed.
    pub(crate) async fn create_role(&self, account: AccountId, role: &Role, trust: &Policy) -> Result<Role> {
        self.store
            .transact(|tx| async move {
                let mut role = role.clone();
                role.trust.pinned = pin(&tx, trust).await?;
                entities::create(&tx, account, &role).await?;
                Ok(role)
            })
            .await
    }

    /// Makes the role of a template with all that is attached to it, or gives the one that was made from it before.
    pub(crate) async fn acquire_role(
        &self,
        account: AccountId,
        role: &Role,
        trust: &Policy,
        is_new: bool,
    ) -> Result<Role> {
        self.store
            .transact(|tx| async move {
                let at = key(account, &role.entity.name);
                if let Some(found) = tx.get(&ROLES, &at).await? {
                    return match (&found.template, &role.template) {
                        (had, wanted) if had == wanted && !is_new => Ok(found),
                        (had, wanted) if had == wanted => Err(error::role_changed(&role.entity.name)),
                        (Some(had), Some(wanted)) if had.arn == wanted.arn => {
                            Err(error::role_of_other_values(&role.entity.name))
                        }
                        _ => Err(error::role_name_conflict(&role.entity.name)),
                    };
                }
                if !is_new {
                    return Err(error::role_changed(&role.entity.name));
                }
                let mut role = role.clone();
                role.trust.pinned = pin(&tx, trust).await?;
                for arn in &role.entity.attached {
                    attachments::check_attachable(&tx, account, arn).await?;
                    tx.put(&ATTACHMENTS, &(account, arn, tie(Usage::Permissions, Kind::Role), &at.1), &())?;
                }
                entities::create(&tx, account, &role).await?;
                Ok(role)
            })
            .await
    }

    pub(crate) async fn set_trust(
        &self,
        account: AccountId,
        name: &str,
        document: &str,
        trust: &Policy,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut role: Role = entities::get(&tx, account, name).await?;
                role.must_be_changeable()?;
                role.trust = Trust { document: document.to_owned(), pinned: pin(&tx, trust).await? };
                Ok(tx.put(&ROLES, &key(account, name), &role)?)
            })
            .await
    }

    pub(crate) async fn change_role(
        &self,
        account: AccountId,
        name: &str,
        change: impl Fn(&mut Role) -> Result<()>,
    ) -> Result<Role> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let mut role: Role = entities::get(&tx, account, name).await?;
                change(&mut role)?;
                tx.put(&ROLES, &key(account, name), &role)?;
                Ok(role)
            })
            .await
    }

    pub(crate) async fn delete_role(&self, account: AccountId, name: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let role: Role = entities::get(&tx, account, name).await?;
                role.must_be_changeable()?;
                if !role.instance_profiles.is_empty() {
                    return Err(error::must_remove_roles());
                }
                entities::delete(&tx, account, &role).await
            })
            .await
    }

    /// For showing a trust policy: the unique ids to put in place of ARNs whose bearers are gone.
    pub(crate) async fn gone_principals(&self, trust: &Trust) -> Result<BTreeMap<String, String>> {
        let mut gone = BTreeMap::new();
        for (arn, id) in &trust.pinned {
            if unique_id(&self.store, arn).await?.as_ref() != Some(id) {
                gone.insert(arn.clone(), id.clone());
            }
        }
        Ok(gone)
    }
}

/// The unique ids of the users and roles that a trust policy names; all of them must exist.
async fn pin(tx: &Tx, trust: &Policy) -> Result<BTreeMap<String, String>> {
    let mut pinned = BTreeMap::new();
    for principal in trust.principals().filter(|principal| principal.kind == PrincipalKind::Aws) {
        let names_entity =
            Arn::parse(principal.value).is_ok_and(|arn| arn.service() == "iam" && !arn.resource().eq("root"));
        if names_entity {
            let id = unique_id(tx, principal.value).await?;
            let id = id.ok_or_else(|| error::unknown_principal(principal.value))?;
            pinned.insert(principal.value.to_owned(), id);
        }
    }
    Ok(pinned)
}

/// The id of the user or role that has this ARN now.
async fn unique_id(reads: &impl Reads, arn: &str) -> Result<Option<String>> {
    let Ok(arn) = Arn::parse(arn) else { return Ok(None) };
    let Some(account) = arn.account_id() else { return Ok(None) };
    match arn.resource().split_once('/') {
        Some(("user", _)) => id_at::<User>(reads, account, &arn).await,
        Some(("role", _)) => id_at::<Role>(reads, account, &arn).await,
        _ => Ok(None),
    }
}

async fn id_at<T: Identity>(reads: &impl Reads, account: AccountId, arn: &Arn) -> Result<Option<String>> {
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let found: Option<T> = reads.get(T::TABLE, &key(account, name)).await?;
    Ok(found.filter(|record| record.arn(account) == *arn).map(|record| record.entity().id.clone()))
}
