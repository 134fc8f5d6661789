//! Access that nobody uses: the users and roles of an account against what IAM noted of them. Source: IAM User Guide,
//! "IAM Access Analyzer findings" and "Create an IAM Access Analyzer unused access analyzer".
//!
//! Who has not existed for the whole tracking period is not looked at. Of a principal that is in use, each service is told
//! that was not, and of a service that was, the actions that were tried before the period and not in it.

use std::collections::BTreeMap;
use std::time::Duration;

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_iam_wire::values::status_type;
use haneul_kit::{AccountId, Caller, Instant, Operation, Principal, Region, Result};

use crate::AccessAnalyzer;
use crate::model::{Unused, UnusedRule};
use crate::store::Look;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Pages that are read of one listing.
const PAGES_MAX: usize = 1000;

struct Reader<'a> {
    analyzer: &'a AccessAnalyzer,
    account: AccountId,
    region: Region,
    rule: &'a UnusedRule,
    /// What was last used before this is unused.
    since: Instant,
}

impl AccessAnalyzer {
    /// Every user and role of an account with what it does not use.
    pub(crate) async fn look_unused(
        &self,
        account: AccountId,
        region: Region,
        rule: &UnusedRule,
    ) -> Result<Vec<Look>> {
        let number = account.to_string();
        if rule.exclusions.iter().any(|exclusion| exclusion.accounts.contains(&number)) {
            return Ok(Vec::new());
        }
        let since = self.platform.env.now() - DAY * rule.age_days;
        let reader = Reader { analyzer: self, account, region, rule, since };
        let mut looks = reader.users().await?;
        looks.extend(reader.roles().await?);
        Ok(looks)
    }
}

impl Reader<'_> {
    async fn ask<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        let bus = &self.analyzer.platform.bus;
        bus.call::<O>(Caller::root(self.account), self.region, None, input).await
    }

    async fn users(&self) -> Result<Vec<Look>> {
        let (mut looks, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let list = i::ListUsersRequest { marker, max_items: Some(1000), path_prefix: None };
            let page = self.ask::<iam::ListUsers>(list).await?;
            for user in page.users.into_iter().filter(|user| user.create_date <= self.since) {
                looks.extend(self.user(user.user_name.as_deref().unwrap_or_default()).await?);
            }
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        Ok(looks)
    }

    async fn user(&self, name: &str) -> Result<Option<Look>> {
        let get = i::GetUserRequest { user_name: Some(name.to_owned()) };
        let user = self.ask::<iam::GetUser>(get).await?.user;
        if self.leaves_out(user.tags) {
            return Ok(None);
        }
        let mut unused = Vec::new();
        let list = i::ListAccessKeysRequest { user_name: Some(name.to_owned()), ..Default::default() };
        for key in self.ask::<iam::ListAccessKeys>(list).await?.access_key_metadata {
            let Some(id) = key.access_key_id else { continue };
            let is_old = key.create_date.is_some_and(|at| at <= self.since);
            if key.status.as_deref() != Some(status_type::ACTIVE) || !is_old {
                continue;
            }
            let get = i::GetAccessKeyLastUsedRequest { access_key_id: id.clone() };
            let used = self.ask::<iam::GetAccessKeyLastUsed>(get).await?.access_key_last_used;
            let last = used.and_then(|used| used.last_used_date);
            if self.is_before(last) {
                unused.push(Unused::AccessKey { id, last: last.map(Into::into) });
            }
        }
        let get = i::GetLoginProfileRequest { user_name: Some(name.to_owned()) };
        if let Ok(found) = self.ask::<iam::GetLoginProfile>(get).await
            && found.login_profile.create_date <= self.since
            && self.is_before(user.password_last_used)
        {
            unused.push(Unused::Password { last: user.password_last_used.map(Into::into) });
        }
        let (path, name) = (user.path.unwrap_or_default(), user.user_name.unwrap_or_default());
        let principal = Principal::User { path, name, id: user.user_id };
        unused.extend(self.permissions(principal).await?);
        Ok(Some(self.look_of(user.arn, "AWS::IAM::User", unused)))
    }

    async fn roles(&self) -> Result<Vec<Look>> {
        let (mut looks, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let list = i::ListRolesRequest { marker, max_items: Some(1000), path_prefix: None };
            let page = self.ask::<iam::ListRoles>(list).await?;
            let is_service_linked = |role: &i::Role| role.path.starts_with("/aws-service-role/");
            let old = page.roles.into_iter().filter(|role| role.create_date <= self.since);
            for role in old.filter(|role| !is_service_linked(role)) {
                looks.extend(self.role(&role.role_name).await?);
            }
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        Ok(looks)
    }

    async fn role(&self, name: &str) -> Result<Option<Look>> {
        let role = self.ask::<iam::GetRole>(i::GetRoleRequest { role_name: name.to_owned() }).await?.role;
        if self.leaves_out(role.tags) {
            return Ok(None);
        }
        let last = role.role_last_used.and_then(|used| used.last_used_date);
        let unused = if self.is_before(last) {
            vec![Unused::Role { last: last.map(Into::into) }]
        } else {
            let session_name = String::from("-");
            let principal =
                Principal::Role { path: role.path, name: role.role_name, id: role.role_id, session_name };
            self.permissions(principal).await?
        };
        Ok(Some(self.look_of(role.arn, "AWS::IAM::Role", unused)))
    }

    /// The services, and actions, that a principal may use and does not; nothing of one that uses none at all.
    async fn permissions(&self, principal: Principal) -> Result<Vec<Unused>> {
        let caller = Caller { principal, ..Caller::root(self.account) };
        let uses = self.analyzer.platform.directory().service_uses(&caller).await?;
        if uses.iter().all(|of| self.is_before(of.last)) {
            return Ok(Vec::new());
        }
        let unused = uses.into_iter().filter_map(|of| {
            let whole = self.is_before(of.last);
            let before = of.actions.into_iter().filter(|(_, at)| *at <= self.since);
            let actions: Vec<_> = match whole {
                true => Vec::new(),
                false => before.map(|(name, at)| (format!("{}:{name}", of.service), at.into())).collect(),
            };
            let any = whole || !actions.is_empty();
            let last = of.last.map(Into::into);
            any.then_some(Unused::Permission { service: of.service, last, actions })
        });
        Ok(unused.collect())
    }

    fn is_before(&self, last: Option<Instant>) -> bool {
        last.is_none_or(|last| last <= self.since)
    }

    fn leaves_out(&self, tags: Option<Vec<i::Tag>>) -> bool {
        let tags: BTreeMap<String, String> =
            tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect();
        let mut sets = self.rule.exclusions.iter().flat_map(|exclusion| &exclusion.tags);
        sets.any(|set| !set.is_empty() && set.iter().all(|(key, value)| tags.get(key) == Some(value)))
    }

    fn look_of(&self, arn: String, kind: &str, unused: Vec<Unused>) -> Look {
        Look {
            arn,
            kind: kind.to_owned(),
            owner: self.account,
            ids: unused.iter().map(|_| self.analyzer.platform.env.rng.uuid()).collect(),
            accesses: unused.into_iter().map(Unused::into_access).collect(),
            error: None,
        }
    }
}
