use std::collections::HashMap;

use haneul_kit::{AccountId, Arn, Instant, Result};
use haneul_store::{Range, Reads, Record, Table, Tx};

use super::{LIST_MAX, State, attachments, key, list};
use crate::model::{
    ACCESSES, ACCOUNTS, ATTACHMENTS, Account, Entity, GROUPS, Group, Key, Kind, ROLES, Role, USERS, Usage,
    User, tie,
};
use crate::{document, error, quotas, service_linked};

/// A user, a group or a role.
pub(crate) trait Identity: Record + Clone + 'static {
    const KIND: Kind;
    const TABLE: &'static Table<Key, Self>;
    /// AWS's name of the quota, and the quota.
    const QUOTA: (&'static str, u32);

    fn entity(&self) -> &Entity;
    fn entity_mut(&mut self) -> &mut Entity;
    fn count(account: &mut Account) -> &mut u32;

    fn tags(&self) -> &[(String, String)] {
        &[]
    }

    fn boundary(&self) -> Option<&str> {
        None
    }

    /// # Errors
    /// UnmodifiableEntity for what only a service may change.
    fn must_be_changeable(&self) -> Result<()> {
        let entity = self.entity();
        if Self::KIND == Kind::Role && entity.path.starts_with(service_linked::PATH_START) {
            return Err(error::protected_role(&entity.name));
        }
        Ok(())
    }

    fn arn(&self, account: AccountId) -> Arn {
        arn(Self::KIND, account, &self.entity().path, &self.entity().name)
    }
}

/// What can have a permissions boundary: a user or a role.
pub(crate) trait Bounded: Identity {
    fn boundary_mut(&mut self) -> &mut Option<String>;
}

pub(crate) fn arn(kind: Kind, account: AccountId, path: &str, name: &str) -> Arn {
    Arn::global("iam", account, format_args!("{}{path}{name}", kind.noun()))
}

impl Identity for User {
    const KIND: Kind = Kind::User;
    const TABLE: &'static Table<Key, User> = &USERS;
    const QUOTA: (&'static str, u32) = ("UsersPerAccount", quotas::USERS);

    fn entity(&self) -> &Entity {
        &self.entity
    }

    fn entity_mut(&mut self) -> &mut Entity {
        &mut self.entity
    }

    fn count(account: &mut Account) -> &mut u32 {
        &mut account.users
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    fn boundary(&self) -> Option<&str> {
        self.boundary.as_deref()
    }
}

impl Identity for Group {
    const KIND: Kind = Kind::Group;
    const TABLE: &'static Table<Key, Group> = &GROUPS;
    const QUOTA: (&'static str, u32) = ("GroupsPerAccount", quotas::GROUPS);

    fn entity(&self) -> &Entity {
        &self.entity
    }

    fn entity_mut(&mut self) -> &mut Entity {
        &mut self.entity
    }

    fn count(account: &mut Account) -> &mut u32 {
        &mut account.groups
    }
}

impl Identity for Role {
    const KIND: Kind = Kind::Role;
    const TABLE: &'static Table<Key, Role> = &ROLES;
    const QUOTA: (&'static str, u32) = ("RolesPerAccount", quotas::ROLES);

    fn entity(&self) -> &Entity {
        &self.entity
    }

    fn entity_mut(&mut self) -> &mut Entity {
        &mut self.entity
    }

    fn count(account: &mut Account) -> &mut u32 {
        &mut account.roles
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    fn boundary(&self) -> Option<&str> {
        self.boundary.as_deref()
    }
}

impl Bounded for User {
    fn boundary_mut(&mut self) -> &mut Option<String> {
        &mut self.boundary
    }
}

impl Bounded for Role {
    fn boundary_mut(&mut self) -> &mut Option<String> {
        &mut self.boundary
    }
}

/// The id of the user or role that has this ARN now.
pub(crate) async fn unique_id(reads: &impl Reads, arn: &Arn) -> Result<Option<String>> {
    let Some(account) = arn.account_id().filter(|_| arn.service() == "iam") else { return Ok(None) };
    match arn.resource().split_once('/') {
        Some(("user", _)) => id_at::<User>(reads, account, arn).await,
        Some(("role", _)) => id_at::<Role>(reads, account, arn).await,
        _ => Ok(None),
    }
}

async fn id_at<T: Identity>(reads: &impl Reads, account: AccountId, arn: &Arn) -> Result<Option<String>> {
    let name = arn.resource().rsplit('/').next().unwrap_or_default();
    let found: Option<T> = reads.get(T::TABLE, &key(account, name)).await?;
    Ok(found.filter(|record| record.arn(account) == *arn).map(|record| record.entity().id.clone()))
}

/// The ARNs of an account's users and roles by their unique ids.
pub(crate) async fn bearers(reads: &impl Reads, account: AccountId) -> Result<HashMap<String, Arn>> {
    let users = list(reads, &USERS, account).await?;
    let roles = list(reads, &ROLES, account).await?;
    let users = users.iter().map(|(_, user)| (user.entity.id.clone(), user.arn(account)));
    let roles = roles.iter().map(|(_, role)| (role.entity.id.clone(), role.arn(account)));
    Ok(users.chain(roles).collect())
}

/// The entity, or the error that it is not there.
pub(crate) async fn get<T: Identity>(reads: &impl Reads, account: AccountId, name: &str) -> Result<T> {
    let found = reads.get(T::TABLE, &key(account, name)).await?;
    found.ok_or_else(|| error::no_such_entity(T::KIND, name))
}

/// Puts a new entity, counted against its quota and tied to its boundary.
pub(super) async fn create<T: Identity>(tx: &Tx, account: AccountId, record: &T) -> Result<()> {
    let name = &record.entity().name;
    let at = key(account, name);
    if tx.get(T::TABLE, &at).await?.is_some() {
        return Err(error::entity_exists(T::KIND, name));
    }
    if let Some(boundary) = record.boundary() {
        attachments::check_boundary(tx, account, boundary).await?;
        tx.put(&ATTACHMENTS, &(account, boundary, tie(Usage::Boundary, T::KIND), &at.1), &())?;
    }
    count(tx, account, T::count, T::QUOTA).await?;
    Ok(tx.put(T::TABLE, &at, record)?)
}

/// Deletes an entity that nothing hangs on any more, except for its boundary.
pub(super) async fn delete<T: Identity>(tx: &Tx, account: AccountId, record: &T) -> Result<()> {
    let at = key(account, &record.entity().name);
    if !record.entity().inline.is_empty() {
        return Err(error::must_delete_policies());
    }
    if !record.entity().attached.is_empty() {
        return Err(error::must_detach_policies());
    }
    if let Some(boundary) = record.boundary() {
        tx.delete(&ATTACHMENTS, &(account, boundary, tie(Usage::Boundary, T::KIND), &at.1))?;
    }
    for gone in tx.scan_keys(&ACCESSES, Range::prefix((account, &record.entity().id)), LIST_MAX).await? {
        tx.delete(&ACCESSES, &gone)?;
    }
    uncount(tx, account, T::count).await?;
    Ok(tx.delete(T::TABLE, &at)?)
}

/// Moves an entity to another name, with the index of its policies.
pub(super) async fn rename<T: Identity>(
    tx: &Tx,
    account: AccountId,
    record: &mut T,
    name: &str,
) -> Result<()> {
    let (from, to) = (key(account, &record.entity().name), key(account, name));
    if from != to {
        if tx.get(T::TABLE, &to).await?.is_some() {
            return Err(error::entity_exists(T::KIND, name));
        }
        let permissions = record.entity().attached.iter().map(|arn| (arn.as_str(), Usage::Permissions));
        for (arn, usage) in permissions.chain(record.boundary().map(|arn| (arn, Usage::Boundary))) {
            tx.delete(&ATTACHMENTS, &(account, arn, tie(usage, T::KIND), &from.1))?;
            tx.put(&ATTACHMENTS, &(account, arn, tie(usage, T::KIND), &to.1), &())?;
        }
        tx.delete(T::TABLE, &from)?;
    }
    record.entity_mut().name = name.to_owned();
    Ok(())
}

/// One more of something in the account.
pub(super) async fn count(
    tx: &Tx,
    account: AccountId,
    of: impl Fn(&mut Account) -> &mut u32,
    (quota, limit): (&str, u32),
) -> Result<()> {
    let mut record = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
    let count = of(&mut record);
    if *count >= limit {
        return Err(error::quota(quota, limit));
    }
    *count += 1;
    Ok(tx.put(&ACCOUNTS, &account, &record)?)
}

/// One less.
pub(super) async fn uncount(
    tx: &Tx,
    account: AccountId,
    of: impl Fn(&mut Account) -> &mut u32,
) -> Result<()> {
    let mut record = tx.get(&ACCOUNTS, &account).await?.unwrap_or_default();
    let count = of(&mut record);
    *count = count.saturating_sub(1);
    Ok(tx.put(&ACCOUNTS, &account, &record)?)
}

pub(crate) fn new_entity(path: Option<&str>, name: &str, id: String, now: Instant) -> Entity {
    Entity {
        path: path.unwrap_or("/").to_owned(),
        name: name.to_owned(),
        id,
        created: now.into(),
        attached: Vec::new(),
        inline: Default::default(),
    }
}

impl State {
    pub(crate) async fn entity<T: Identity>(&self, account: AccountId, name: &str) -> Result<T> {
        get(&self.store, account, name).await
    }

    pub(crate) async fn find<T: Identity>(&self, account: AccountId, name: &str) -> Result<Option<T>> {
        Ok(self.store.get(T::TABLE, &key(account, name)).await?)
    }

    /// By name, those below a path.
    pub(crate) async fn entities<T: Identity>(
        &self,
        account: AccountId,
        path_prefix: Option<&str>,
    ) -> Result<Vec<T>> {
        let all = list(&self.store, T::TABLE, account).await?.into_iter().map(|(_, record)| record);
        let prefix = path_prefix.unwrap_or("/");
        Ok(all.filter(|record: &T| record.entity().path.starts_with(prefix)).collect())
    }

    /// Adds or replaces an inline policy.
    pub(crate) async fn put_inline<T: Identity>(
        &self,
        account: AccountId,
        name: &str,
        policy: &str,
        text: &str,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record: T = get(&tx, account, name).await?;
                record.must_be_changeable()?;
                let inline = &mut record.entity_mut().inline;
                let others =
                    inline.iter().filter(|(other, _)| *other != policy).map(|(_, text)| text.as_str());
                document::check_inline(T::KIND, name, text, others)?;
                inline.insert(policy.to_owned(), text.to_owned());
                Ok(tx.put(T::TABLE, &key(account, name), &record)?)
            })
            .await
    }

    pub(crate) async fn delete_inline<T: Identity>(
        &self,
        account: AccountId,
        name: &str,
        policy: &str,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut record: T = get(&tx, account, name).await?;
                record.must_be_changeable()?;
                if record.entity_mut().inline.remove(policy).is_none() {
                    return Err(error::no_such_inline_policy(T::KIND, policy));
                }
                Ok(tx.put(T::TABLE, &key(account, name), &record)?)
            })
            .await
    }
}
