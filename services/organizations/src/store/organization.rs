//! An organization begins and ends.

use std::collections::BTreeSet;

use haneul_kit::{AccountId, Instant, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State, count_members, members, organization, transfers};
use crate::error;
use crate::kinds;
use crate::model::{
    ACCOUNTS, ATTACHMENTS, Account, CREATIONS, EMAILS, HANDSHAKES, HandshakeState, MEMBERS, Node,
    ORGANIZATIONS, Organization, POLICIES, Seat, Status, UNITS,
};

/// What is chosen before the transaction, because it may run again.
pub(crate) struct Ids {
    pub organization: String,
    pub root: String,
}

/// The address of an account that was not made by us.
pub(crate) fn email(account: AccountId) -> String {
    format!("root+{account}@example.com")
}

/// The record of an account that comes from outside.
pub(crate) fn outsider(account: AccountId) -> Account {
    Account {
        name: format!("Account {account}"),
        email: email(account),
        status: Status::Active,
        made_here: false,
        closed: None,
        seat: None,
    }
}

impl State {
    pub(crate) async fn create_organization(
        &self,
        account: AccountId,
        all_features: bool,
        ids: &Ids,
        now: Instant,
    ) -> Result<(Organization, Account)> {
        self.store
            .transact(|tx| async move {
                let before = tx.get(&ACCOUNTS, &account).await?;
                let mut record = before.unwrap_or_else(|| outsider(account));
                if record.seat.is_some() {
                    return Err(error::already_in_organization());
                }
                let node = Node::default();
                let id = &ids.organization;
                let made = Organization {
                    management: account.number(),
                    all_features,
                    created: now.into(),
                    root: ids.root.clone(),
                    root_node: node.clone(),
                    // The page of CreateOrganization says that service control policies are enabled in the root; what
                    // AWS does, and Terraform relies on, is that EnablePolicyType has to be called.
                    enabled_types: BTreeSet::new(),
                    services: Default::default(),
                    resource_policy: None,
                    closures: Vec::new(),
                    migration: None,
                };
                record.seat = Some(Seat {
                    organization: id.clone(),
                    parent: ids.root.clone(),
                    node,
                    created: false,
                    joined: now.into(),
                    delegations: Default::default(),
                });
                tx.put(&ORGANIZATIONS, id, &made)?;
                tx.put(&ACCOUNTS, &account, &record)?;
                tx.put(&MEMBERS, &(id, account), &())?;
                tx.put(&EMAILS, &record.email.to_lowercase(), &account.number())?;
                Ok((made, record))
            })
            .await
    }

    /// Only of an organization without members and without accounts on their way in.
    pub(crate) async fn delete_organization(&self, id: &str, now: Instant) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let record = organization(&tx, id).await?;
                if count_members(&tx, id).await? > 1 {
                    return Err(error::organization_not_empty());
                }
                transfers::must_be_over(&tx, id, record.management(), now).await?;
                let creations = tx.scan(&CREATIONS, Range::prefix((id,)), LIST_MAX).await?;
                if creations.iter().any(|(_, creation)| creation.completed.is_none()) {
                    return Err(error::organization_not_empty());
                }
                for (key, _) in creations {
                    tx.delete(&CREATIONS, &key)?;
                }
                for (key, _) in tx.scan(&UNITS, Range::prefix((id,)), LIST_MAX).await? {
                    tx.delete(&UNITS, &key)?;
                }
                for (key, _) in tx.scan(&POLICIES, Range::prefix((id,)), LIST_MAX).await? {
                    tx.delete(&POLICIES, &key)?;
                }
                for (key, ()) in tx.scan(&ATTACHMENTS, Range::prefix((id,)), LIST_MAX).await? {
                    tx.delete(&ATTACHMENTS, &key)?;
                }
                for (key, mut handshake) in tx.scan(&HANDSHAKES, Range::all(), LIST_MAX).await? {
                    if handshake.organization == id && handshake.state.is_pending() {
                        handshake.state = HandshakeState::Canceled;
                        handshake.ended = Some(now.into());
                        tx.put(&HANDSHAKES, &key, &handshake)?;
                    }
                }
                let management = record.management();
                if let Some(mut account) = tx.get(&ACCOUNTS, &management).await? {
                    account.seat = None;
                    tx.put(&ACCOUNTS, &management, &account)?;
                }
                tx.delete(&MEMBERS, &(id, management))?;
                tx.delete(&ORGANIZATIONS, id)?;
                Ok(())
            })
            .await
    }

    /// Enables or disables a type of policy; the default policy comes and everything of the type goes with it.
    pub(crate) async fn set_type(
        &self,
        id: &str,
        root: &str,
        kind: &kinds::Kind,
        on: bool,
    ) -> Result<Organization> {
        self.store
            .transact(|tx| async move {
                let mut record = organization(&tx, id).await?;
                if record.root != root {
                    return Err(error::root_not_found());
                }
                if !record.all_features {
                    return Err(error::type_not_available());
                }
                let enabled = record.enabled_types.contains(kind.name);
                match on {
                    true if enabled => return Err(error::type_already_enabled()),
                    false if !enabled => return Err(error::type_not_enabled()),
                    true => record.enabled_types.insert(kind.name.to_owned()),
                    false => record.enabled_types.remove(kind.name),
                };
                let own = tx.scan(&POLICIES, Range::prefix((id,)), LIST_MAX).await?;
                let mut of_type: Vec<String> = own
                    .into_iter()
                    .filter(|(_, p)| p.kind == kind.name)
                    .map(|((_, policy), _)| policy)
                    .collect();
                let default = kind.default_policy().map(|policy| policy.id.to_owned());
                of_type.extend(default.clone());
                let change = |node: &mut Node| -> bool {
                    let before = node.attached.len();
                    if on {
                        node.attached.extend(default.clone());
                    } else {
                        node.attached.retain(|policy| !of_type.contains(policy));
                    }
                    node.attached.len() != before
                };
                if !on {
                    for policy in &of_type {
                        for (key, ()) in tx.scan(&ATTACHMENTS, Range::prefix((id, policy)), LIST_MAX).await? {
                            tx.delete(&ATTACHMENTS, &key)?;
                        }
                    }
                }
                let mut targets = vec![record.root.clone()];
                change(&mut record.root_node);
                for ((_, unit_id), mut unit) in tx.scan(&UNITS, Range::prefix((id,)), LIST_MAX).await? {
                    if change(&mut unit.node) {
                        tx.put(&UNITS, &(id, &unit_id), &unit)?;
                    }
                    targets.push(unit_id);
                }
                for (number, mut account) in members(&tx, id).await? {
                    if account.seat.as_mut().is_some_and(|seat| change(&mut seat.node)) {
                        tx.put(&ACCOUNTS, &number, &account)?;
                    }
                    targets.push(number.to_string());
                }
                if let Some(default) = default.as_ref().filter(|_| on) {
                    for target in &targets {
                        tx.put(&ATTACHMENTS, &(id, default, target), &())?;
                    }
                }
                tx.put(&ORGANIZATIONS, id, &record)?;
                Ok(record)
            })
            .await
    }
}
