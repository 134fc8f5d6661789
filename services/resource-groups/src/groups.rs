use haneul_kit::{Access, ApiError, Arn, Cx, Platform, Result, Tagged};
use haneul_store::{Range, Reads};

use crate::error;
use crate::model::{GROUPS, Group, MEMBERS};
use crate::query::Query;
use crate::resources::arn;

/// The state of the service.
pub struct Groups {
    pub(crate) platform: Platform,
}

/// Groups of an account in a Region (quota), and members of one by hand.
const GROUPS_MAX: usize = 100;
const MEMBERS_MAX: usize = 10_000;

impl Groups {
    /// The action on the group of that name with its tags.
    pub(crate) async fn on_group(&self, cx: &Cx, action: &'static str, name: &str) -> Result<Vec<Access>> {
        let access = Access::on(action, &arn(cx.account(), cx.region(), name));
        let group = self.platform.store.get(&GROUPS, &(cx.account(), cx.region(), name)).await?;
        let tags = group.map(|group| group.tags).unwrap_or_default();
        Ok(vec![access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))])
    }

    pub(crate) async fn group(&self, cx: &Cx, name: &str) -> Result<Group> {
        let found = self.platform.store.get(&GROUPS, &(cx.account(), cx.region(), name)).await?;
        found.ok_or_else(error::not_found)
    }

    pub(crate) async fn all(&self, cx: &Cx) -> Result<Vec<(String, Group)>> {
        let range = Range::prefix((cx.account(), cx.region()));
        let found = self.platform.store.scan(&GROUPS, range, GROUPS_MAX).await?;
        Ok(found.into_iter().map(|((_, _, name), group)| (name, group)).collect())
    }

    pub(crate) async fn create(&self, cx: &Cx, name: &str, group: &Group) -> Result<()> {
        let key = &(cx.account(), cx.region(), name.to_owned());
        self.platform
            .store
            .transact(|tx| async move {
                if tx.get(&GROUPS, key).await?.is_some() {
                    return Err(error::exists());
                }
                if tx.scan_keys(&GROUPS, Range::prefix((key.0, key.1)), GROUPS_MAX).await?.len() >= GROUPS_MAX
                {
                    return Err(error::bad_request("The account has as many groups as are allowed."));
                }
                Ok(tx.put(&GROUPS, key, group)?)
            })
            .await
    }

    pub(crate) async fn change(
        &self,
        cx: &Cx,
        name: &str,
        change: impl Fn(&mut Group) -> Result<()> + Sync,
    ) -> Result<Group> {
        let key = &(cx.account(), cx.region(), name.to_owned());
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let mut group = tx.get(&GROUPS, key).await?.ok_or_else(error::not_found)?;
                change(&mut group)?;
                tx.put(&GROUPS, key, &group)?;
                Ok::<_, ApiError>(group)
            })
            .await
    }

    pub(crate) async fn delete(&self, cx: &Cx, name: &str) -> Result<Group> {
        let key = &(cx.account(), cx.region(), name.to_owned());
        self.platform
            .store
            .transact(|tx| async move {
                let group = tx.get(&GROUPS, key).await?.ok_or_else(error::not_found)?;
                let members = Range::prefix((key.0, key.1, key.2.clone()));
                for member in tx.scan_keys(&MEMBERS, members, MEMBERS_MAX).await? {
                    tx.delete(&MEMBERS, &member)?;
                }
                tx.delete(&GROUPS, key)?;
                Ok::<_, ApiError>(group)
            })
            .await
    }

    pub(crate) async fn join(&self, cx: &Cx, name: &str, arn: &str) -> Result<()> {
        let key = (cx.account(), cx.region(), name, arn);
        Ok(self.platform.store.put(&MEMBERS, &key, &()).await?)
    }

    pub(crate) async fn leave(&self, cx: &Cx, name: &str, arn: &str) -> Result<bool> {
        let key = &(cx.account(), cx.region(), name.to_owned(), arn.to_owned());
        self.platform
            .store
            .transact(|tx| async move {
                let was = tx.get(&MEMBERS, key).await?.is_some();
                tx.delete(&MEMBERS, key)?;
                Ok::<_, ApiError>(was)
            })
            .await
    }

    /// All resources that the caller's account has here, by ARN.
    pub(crate) async fn resources(&self, cx: &Cx) -> Result<Vec<Tagged>> {
        let mut all = self.platform.resources(None, cx.account(), cx.region()).await?;
        all.sort_by(|one, other| one.arn.cmp(&other.arn));
        Ok(all)
    }

    /// What belongs to a group now.
    pub(crate) async fn members(&self, cx: &Cx, name: &str, group: &Group) -> Result<Vec<Tagged>> {
        let mut all = self.resources(cx).await?;
        match self.query_of(group)? {
            Some(query) => all.retain(|resource| query.finds(resource)),
            None => {
                let range = Range::prefix((cx.account(), cx.region(), name.to_owned()));
                let members = self.platform.store.scan_keys(&MEMBERS, range, MEMBERS_MAX).await?;
                all.retain(|resource| members.iter().any(|member| member.3 == resource.arn));
            }
        }
        Ok(all)
    }

    pub(crate) fn query_of(&self, group: &Group) -> Result<Option<Query>> {
        let parse = |(kind, text): &(String, String)| Query::parse(kind, text, &self.platform.tagged.kinds());
        group.query.as_ref().map(parse).transpose()
    }
}

/// The name of a group that is given by name or ARN.
pub(crate) fn name_of(given: &str) -> Result<String> {
    if !given.starts_with("arn:") {
        return Ok(given.to_owned());
    }
    let arn = Arn::parse(given).ok();
    let name = arn.as_ref().and_then(|arn| arn.resource().strip_prefix("group/"));
    name.map(str::to_owned).ok_or_else(|| error::bad_request(format!("{given} is not the ARN of a group.")))
}

/// Either of the two members that name a group.
pub(crate) fn either(old: Option<&String>, new: Option<&String>) -> Result<String> {
    match new.or(old) {
        Some(given) => name_of(given),
        None => Err(error::bad_request("Group is required.")),
    }
}
