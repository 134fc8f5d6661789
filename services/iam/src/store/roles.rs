use std::collections::BTreeMap;

use haneul_kit::{AccountId, Arn, Policy, Result};
use haneul_policy::PrincipalKind;
use haneul_store::{Reads, Tx};

use super::{Identity, State, attachments, entities, key};
use crate::error;
use crate::model::{ATTACHMENTS, Kind, ROLES, Role, Trust, Usage, tie};

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
}

/// The unique ids of the users and roles that a trust policy names; all of them must exist.
async fn pin(tx: &Tx, trust: &Policy) -> Result<BTreeMap<String, String>> {
    let mut pinned = BTreeMap::new();
    for principal in trust.principals().filter(|principal| principal.kind == PrincipalKind::Aws) {
        let Ok(arn) = Arn::parse(principal.value) else { continue };
        if arn.service() == "iam" && arn.resource() != "root" {
            let id = entities::unique_id(tx, &arn).await?;
            let id = id.ok_or_else(|| error::unknown_principal(principal.value))?;
            pinned.insert(principal.value.to_owned(), id);
        }
    }
    Ok(pinned)
}
