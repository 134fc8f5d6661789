use haneul_kit::{AccountId, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State, entities, key};
use crate::model::{GROUPS, Group, MEMBERS, USERS, User};
use crate::{error, quotas};

impl State {
    pub(crate) async fn create_group(&self, account: AccountId, group: &Group) -> Result<()> {
        self.store.transact(|tx| async move { entities::create(&tx, account, group).await }).await
    }

    pub(crate) async fn update_group(
        &self,
        account: AccountId,
        name: &str,
        new_path: Option<&str>,
        new_name: Option<&str>,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut group: Group = entities::get(&tx, account, name).await?;
                if let Some(path) = new_path {
                    group.entity.path = path.to_owned();
                }
                if let Some(new_name) = new_name {
                    let (from, to) = (key(account, name).1, key(account, new_name).1);
                    entities::rename(&tx, account, &mut group, new_name).await?;
                    let members =
                        tx.scan_keys(&MEMBERS, Range::prefix((account, from.as_str())), LIST_MAX).await?;
                    for (_, _, member) in members {
                        tx.delete(&MEMBERS, &(account, &from, &member))?;
                        tx.put(&MEMBERS, &(account, &to, &member), &())?;
                        if let Some(mut user) = tx.get(&USERS, &(account, &member)).await? {
                            user.groups
                                .iter_mut()
                                .filter(|group| **group == from)
                                .for_each(|g| g.clone_from(&to));
                            tx.put(&USERS, &(account, &member), &user)?;
                        }
                    }
                }
                Ok(tx.put(&GROUPS, &key(account, &group.entity.name), &group)?)
            })
            .await
    }

    pub(crate) async fn delete_group(&self, account: AccountId, name: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let group: Group = entities::get(&tx, account, name).await?;
                let members = Range::prefix((account, key(account, name).1));
                if !tx.scan_keys(&MEMBERS, members, 1).await?.is_empty() {
                    return Err(error::must_remove_users());
                }
                entities::delete(&tx, account, &group).await
            })
            .await
    }

    /// Nothing happens when the user is in the group already.
    pub(crate) async fn add_to_group(&self, account: AccountId, group: &str, user: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let _: Group = entities::get(&tx, account, group).await?;
                let mut record: User = entities::get(&tx, account, user).await?;
                let (group, user) = (key(account, group).1, key(account, user).1);
                if record.groups.contains(&group) {
                    return Ok(());
                }
                if record.groups.len() >= quotas::GROUPS_PER_USER {
                    return Err(error::quota("GroupsPerUser", quotas::GROUPS_PER_USER));
                }
                tx.put(&MEMBERS, &(account, &group, &user), &())?;
                record.groups.push(group);
                Ok(tx.put(&USERS, &(account, &user), &record)?)
            })
            .await
    }

    /// Nothing happens when the user is not in the group.
    pub(crate) async fn remove_from_group(&self, account: AccountId, group: &str, user: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let _: Group = entities::get(&tx, account, group).await?;
                let mut record: User = entities::get(&tx, account, user).await?;
                let (group, user) = (key(account, group).1, key(account, user).1);
                record.groups.retain(|other| *other != group);
                tx.delete(&MEMBERS, &(account, &group, &user))?;
                Ok(tx.put(&USERS, &(account, &user), &record)?)
            })
            .await
    }

    /// The users of a group, by name.
    pub(crate) async fn members(&self, account: AccountId, group: &str) -> Result<Vec<User>> {
        let snapshot = self.store.snapshot().await?;
        let members = Range::prefix((account, key(account, group).1));
        let mut users = Vec::new();
        for (_, _, member) in snapshot.scan_keys(&MEMBERS, members, LIST_MAX).await? {
            users.extend(snapshot.get(&USERS, &(account, &member)).await?);
        }
        Ok(users)
    }

    /// The groups of a user, by name.
    pub(crate) async fn groups_of(&self, account: AccountId, user: &User) -> Result<Vec<Group>> {
        let snapshot = self.store.snapshot().await?;
        let mut groups = Vec::new();
        for group in &user.groups {
            groups.extend(snapshot.get(&GROUPS, &(account, group)).await?);
        }
        groups.sort_by(|a: &Group, b| {
            a.entity.name.to_ascii_lowercase().cmp(&b.entity.name.to_ascii_lowercase())
        });
        Ok(groups)
    }
}
