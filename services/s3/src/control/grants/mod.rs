//! S3 Access Grants: users and roles are given access to paths, and get credentials for them.
//!
//! Reading order: this file (whose instance it is, and its ARNs), [`scope`] (paths), [`instance`], [`policy`] (the
//! instance's), [`locations`], [`granting`], [`data`] (credentials for who was granted access).
//! Source: S3 User Guide, "Managing access with S3 Access Grants".

mod data;
mod granting;
mod instance;
mod locations;
mod policy;
mod scope;

use std::borrow::Cow;
use std::sync::Arc;

use haneul_kit::{Access, AccountId, ApiError, Arn, Cx, Policy, Region, Result};
use haneul_s3_wire::shapes::Tag;
use haneul_s3control_wire::shapes as s;

use crate::bucket::POLICY_RULES;
use crate::model::grant::GrantsInstance;
use crate::store::grants::{GrantRow, InstanceRow, no_such_instance};
use crate::tagging::{self, TagMap};
use crate::{S3, error};

/// Who assumes the roles of locations.
pub(crate) const PRINCIPAL: &str = "access-grants.s3.amazonaws.com";
const PAGE_MAX: usize = 1000;
/// The id of the only instance that an account has in a Region, and of its location `s3://`.
const DEFAULT: &str = "default";

/// What an ARN of S3 Access Grants names.
pub(super) enum Named {
    Instance,
    Location(String),
    Grant(String),
}

impl Named {
    /// `None` for an ARN of something else.
    pub(super) fn parse(resource: &str) -> Option<Named> {
        let rest = resource.strip_prefix("access-grants/default")?;
        if rest.is_empty() {
            return Some(Named::Instance);
        }
        match rest.strip_prefix('/')?.split_once('/')? {
            ("location", id) if !id.is_empty() => Some(Named::Location(id.to_owned())),
            ("grant", id) if !id.is_empty() => Some(Named::Grant(id.to_owned())),
            _ => None,
        }
    }

    fn arn(&self, row: InstanceRow) -> String {
        let (account, region) = row;
        let instance = format!("arn:{}:s3:{region}:{account}:access-grants/default", region.partition());
        match self {
            Named::Instance => instance,
            Named::Location(id) => format!("{instance}/location/{id}"),
            Named::Grant(id) => format!("{instance}/grant/{id}"),
        }
    }
}

/// The instance of the account that a request names: one's own, or one that lets others in.
fn instance_of(cx: &Cx, account_id: &str) -> Result<InstanceRow> {
    let account = account_id.parse::<AccountId>().map_err(|_| error::access_denied("Access Denied"))?;
    Ok((account, cx.region()))
}

fn own(cx: &Cx, account_id: &str) -> Result<InstanceRow> {
    Ok((super::account(cx, account_id)?, cx.region()))
}

fn row(of: InstanceRow, id: &str) -> GrantRow {
    (of.0, of.1, id.to_owned())
}

impl S3 {
    /// A permission on an instance, on which its policy decides too.
    async fn on_instance(&self, of: InstanceRow, action: &'static str) -> Result<Access> {
        let mut access = Access::to(action).owned_by(of.0);
        access.resource = Cow::Owned(Named::Instance.arn(of));
        let Some(instance) = self.records.grants_instance(&of).await? else { return Ok(access) };
        // It was parsed before it was stored.
        let policy = instance.policy.as_deref().map(|text| Policy::parse(text, &POLICY_RULES)).transpose();
        let policy = policy.map_err(ApiError::internal)?;
        Ok(tagged(access.with_policy(policy.map(Arc::new)), &instance.tags))
    }

    /// A permission on a location, with its scope.
    async fn on_location(&self, of: InstanceRow, id: &str, action: &'static str) -> Result<Access> {
        let mut access = Access::to(action).owned_by(of.0);
        access.resource = Cow::Owned(Named::Location(id.to_owned()).arn(of));
        let Some(location) = self.records.grants_location(&row(of, id)).await? else { return Ok(access) };
        Ok(tagged(access.key("s3:AccessGrantsLocationScope", location.scope.as_str()), &location.tags))
    }

    /// A permission on a grant, with its scope.
    async fn on_grant(&self, of: InstanceRow, id: &str, action: &'static str) -> Result<Access> {
        let mut access = Access::to(action).owned_by(of.0);
        access.resource = Cow::Owned(Named::Grant(id.to_owned()).arn(of));
        let Some(grant) = self.records.grant(&row(of, id)).await? else { return Ok(access) };
        Ok(tagged(access.key("s3:AccessGrantScope", grant.scope.as_str()), &grant.tags))
    }

    /// A permission on what an ARN names.
    pub(super) async fn on_named(
        &self,
        of: InstanceRow,
        named: &Named,
        action: &'static str,
    ) -> Result<Access> {
        match named {
            Named::Instance => self.on_instance(of, action).await,
            Named::Location(id) => self.on_location(of, id, action).await,
            Named::Grant(id) => self.on_grant(of, id, action).await,
        }
    }

    pub(super) async fn tags_of_named(&self, of: InstanceRow, named: &Named) -> Result<TagMap> {
        use crate::store::grants::{no_such_grant, no_such_location};
        let records = &self.records;
        Ok(match named {
            Named::Instance => self.instance(of).await?.tags,
            Named::Location(id) => {
                records.grants_location(&row(of, id)).await?.ok_or_else(no_such_location)?.tags
            }
            Named::Grant(id) => records.grant(&row(of, id)).await?.ok_or_else(no_such_grant)?.tags,
        })
    }

    pub(super) async fn change_tags_of_named(
        &self,
        of: InstanceRow,
        named: &Named,
        change: impl Fn(&mut TagMap) -> Result<()> + Sync,
    ) -> Result<()> {
        let records = &self.records;
        match named {
            Named::Instance => records.change_grants_instance(&of, |it| change(&mut it.tags)).await,
            Named::Location(id) => {
                records.change_grants_location(&row(of, id), |it| change(&mut it.tags)).await.map(drop)
            }
            Named::Grant(id) => records.change_grant(&row(of, id), |it| change(&mut it.tags)).await,
        }
    }

    async fn instance(&self, of: InstanceRow) -> Result<GrantsInstance> {
        self.records.grants_instance(&of).await?.ok_or_else(no_such_instance)
    }
}

fn tagged(access: Access, tags: &TagMap) -> Access {
    access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
}

/// What creating something with tags needs: the action, and tagging too.
fn creating(access: Access, tags: &Option<Vec<s::Tag>>) -> Vec<Access> {
    let given = tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
    let access = access.request_tags(given);
    if tags.as_ref().is_none_or(Vec::is_empty) {
        return vec![access];
    }
    let mut tagging = Access { action: "s3:TagResource", ..access.clone() };
    // The scope is nothing that TagResource knows of.
    tagging.keys.retain(|(key, _)| key.starts_with("aws:"));
    vec![access, tagging]
}

/// That a role is handed over.
fn passing(role: &str) -> Option<Access> {
    let role = Arn::parse(role).ok()?;
    Some(Access::on("iam:PassRole", &role).key("iam:PassedToService", PRINCIPAL))
}

fn tag_map(tags: Option<Vec<s::Tag>>) -> Result<TagMap> {
    let given: Vec<Tag> =
        tags.into_iter().flatten().map(|tag| Tag { key: tag.key, value: tag.value }).collect();
    tagging::by_arn(given)
}

fn limit(max_results: Option<i32>) -> usize {
    max_results.map_or(PAGE_MAX, |max| max.clamp(1, PAGE_MAX as i32) as usize)
}

fn no_such_token() -> ApiError {
    error::invalid_request("The continuation token provided is invalid")
}

/// For what needs an IAM Identity Center, of which there is none here.
fn no_identity_center() -> ApiError {
    let message = "The specified identity center instance is invalid";
    error::new("InvalidIdentityCenterInstance", 400, message)
}

/// A listing's purpose, so that its tokens are good for it alone.
fn purpose(operation: &str, of: InstanceRow, filter: &str) -> String {
    let (account, region): (AccountId, Region) = of;
    format!("s3control {operation} {account} {region} {filter}")
}
