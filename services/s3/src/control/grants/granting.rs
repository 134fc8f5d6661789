use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result, paging};
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;

use super::scope;
use super::{
    Named, PAGE_MAX, creating, instance_of, limit, no_identity_center, no_such_token, own, purpose, row,
    tag_map,
};
use crate::model::grant::{Grant, GrantPermission};
use crate::store::grants::{InstanceRow, no_such_grant, no_such_location};
use crate::{S3, error};

const IAM: &str = "IAM";

pub(super) fn permission(text: &str) -> Result<GrantPermission> {
    GrantPermission::parse(text).ok_or_else(|| error::invalid_request("The permission is invalid"))
}

/// `Object` or nothing.
pub(super) fn is_object(kind: Option<&str>) -> Result<bool> {
    match kind {
        None => Ok(false),
        Some("Object") => Ok(true),
        Some(_) => Err(error::invalid_request("The type of the S3 prefix is invalid")),
    }
}

pub(super) fn grantee(arn: &str) -> s::Grantee {
    s::Grantee { grantee_type: Some(IAM.to_owned()), grantee_identifier: Some(arn.to_owned()) }
}

impl S3 {
    /// The ARN of the user or role to whom access is given.
    async fn check_grantee(&self, given: s::Grantee) -> Result<String> {
        let invalid = || error::invalid_request("Invalid Grantee in the request");
        match given.grantee_type.as_deref() {
            Some(IAM) => {}
            Some("DIRECTORY_USER" | "DIRECTORY_GROUP") => return Err(no_identity_center()),
            _ => return Err(invalid()),
        }
        let text = given.grantee_identifier.ok_or_else(invalid)?;
        let arn = Arn::parse(&text).map_err(|_| invalid())?;
        let account = arn.account_id().filter(|_| arn.service() == "iam" && arn.region().is_empty());
        let account = account.ok_or_else(invalid)?;
        let (kind, path) = arn.resource().split_once('/').ok_or_else(invalid)?;
        let name = path.rsplit('/').next().unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'*' && byte != b'?';
        let exists = match kind {
            "role" => {
                let role = self.platform.directory().role(account, name).await?;
                role.is_some_and(|role| role.arn() == arn)
            }
            // Names of users are not looked up: who is none gets nothing.
            "user" => !name.is_empty() && path.bytes().all(plain),
            _ => false,
        };
        if exists { Ok(text) } else { Err(invalid()) }
    }
}

impl Handle<op::CreateAccessGrant> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateAccessGrantRequest) -> Result<Vec<Access>> {
        let (of, id) = (own(cx, &input.account_id)?, &input.access_grants_location_id);
        let access = self.on_location(of, id, "s3:CreateAccessGrant").await?;
        let location = self.records.grants_location(&row(of, id)).await?;
        let sub = input.access_grants_location_configuration.as_ref();
        let sub = sub.and_then(|configuration| configuration.s3_sub_prefix.as_deref());
        let object = input.s3_prefix_type.is_some();
        let made = location.and_then(|location| scope::of_grant(&location.scope, sub, object).ok());
        let access = match made {
            Some((path, _)) => access.key("s3:AccessGrantScope", path),
            None => access,
        };
        Ok(creating(access, &input.tags))
    }

    async fn call(&self, cx: &Cx, input: s::CreateAccessGrantRequest) -> Result<s::CreateAccessGrantResult> {
        let of = own(cx, &input.account_id)?;
        self.instance(of).await?;
        if input.application_arn.is_some() {
            return Err(no_identity_center());
        }
        let location_id = input.access_grants_location_id;
        let location = self.records.grants_location(&row(of, &location_id)).await?;
        let location = location.ok_or_else(no_such_location)?;
        let object = is_object(input.s3_prefix_type.as_deref())?;
        let sub_prefix = input.access_grants_location_configuration.and_then(|given| given.s3_sub_prefix);
        let (path, scope) = scope::of_grant(&location.scope, sub_prefix.as_deref(), object)?;
        let grant = Grant {
            created_ms: cx.now().millis(),
            location: location_id,
            sub_prefix,
            permission: permission(&input.permission)?,
            grantee: self.check_grantee(input.grantee).await?,
            scope: path,
            bucket: scope.bucket,
            key: scope.key,
            is_prefix: scope.is_prefix,
            tags: tag_map(input.tags)?,
        };
        let id = self.platform.env.rng.uuid();
        self.records.create_grant(&row(of, &id), &grant).await?;
        let shown = entry(of, id, grant);
        Ok(s::CreateAccessGrantResult {
            created_at: shown.created_at,
            access_grant_id: shown.access_grant_id,
            access_grant_arn: shown.access_grant_arn,
            grantee: shown.grantee,
            access_grants_location_id: shown.access_grants_location_id,
            access_grants_location_configuration: shown.access_grants_location_configuration,
            permission: shown.permission,
            application_arn: None,
            grant_scope: shown.grant_scope,
        })
    }
}

fn entry(of: InstanceRow, id: String, grant: Grant) -> s::ListAccessGrantEntry {
    let configuration =
        grant.sub_prefix.map(|sub| s::AccessGrantsLocationConfiguration { s3_sub_prefix: Some(sub) });
    s::ListAccessGrantEntry {
        created_at: Some(Instant::from_millis(grant.created_ms)),
        access_grant_arn: Some(Named::Grant(id.clone()).arn(of)),
        access_grant_id: Some(id),
        grantee: Some(grantee(&grant.grantee)),
        permission: Some(grant.permission.as_str().to_owned()),
        access_grants_location_id: Some(grant.location),
        access_grants_location_configuration: configuration,
        grant_scope: Some(grant.scope),
        application_arn: None,
    }
}

impl Handle<op::GetAccessGrant> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetAccessGrantRequest) -> Result<Vec<Access>> {
        let of = own(cx, &input.account_id)?;
        Ok(vec![self.on_grant(of, &input.access_grant_id, "s3:GetAccessGrant").await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetAccessGrantRequest) -> Result<s::GetAccessGrantResult> {
        let (of, id) = (own(cx, &input.account_id)?, input.access_grant_id);
        self.instance(of).await?;
        let grant = self.records.grant(&row(of, &id)).await?.ok_or_else(no_such_grant)?;
        let shown = entry(of, id, grant);
        Ok(s::GetAccessGrantResult {
            created_at: shown.created_at,
            access_grant_id: shown.access_grant_id,
            access_grant_arn: shown.access_grant_arn,
            grantee: shown.grantee,
            permission: shown.permission,
            access_grants_location_id: shown.access_grants_location_id,
            access_grants_location_configuration: shown.access_grants_location_configuration,
            grant_scope: shown.grant_scope,
            application_arn: None,
        })
    }
}

impl Handle<op::ListAccessGrants> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListAccessGrantsRequest) -> Result<Vec<Access>> {
        let of = instance_of(cx, &input.account_id)?;
        Ok(vec![self.on_instance(of, "s3:ListAccessGrants").await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListAccessGrantsRequest) -> Result<s::ListAccessGrantsResult> {
        let of = instance_of(cx, &input.account_id)?;
        self.instance(of).await?;
        let asked = input.permission.as_deref().map(permission).transpose()?;
        // No grant here is for a directory's users or through one of its applications.
        let none = input.grantee_type.as_deref().is_some_and(|kind| kind != IAM)
            || input.application_arn.as_deref().is_some_and(|arn| arn != "ALL");
        let matches = |grant: &Grant| {
            !none
                && asked.is_none_or(|asked| asked == grant.permission)
                && input.grantee_identifier.as_ref().is_none_or(|arn| *arn == grant.grantee)
                && input.grant_scope.as_ref().is_none_or(|scope| *scope == grant.scope)
        };
        let filter = [&input.grantee_identifier, &input.permission, &input.grant_scope]
            .map(|filter| filter.as_deref().unwrap_or_default())
            .join("\n");
        let (seal, purpose) = (&self.platform.seal, purpose("grants", of, &filter));
        let after = input
            .next_token
            .map(|token| paging::position::<String>(seal, &purpose, &token).ok_or_else(no_such_token));
        let (mut after, limit) = (after.transpose()?, limit(input.max_results));
        let mut found = Vec::new();
        loop {
            let page = self.records.grants(of, after.as_deref(), PAGE_MAX).await?;
            let more = page.len() == PAGE_MAX;
            after = page.last().map(|(id, _)| id.clone());
            found.extend(page.into_iter().filter(|(_, grant)| matches(grant)));
            if found.len() > limit || !more {
                break;
            }
        }
        let page = paging::cut(found, limit, seal, &purpose, |(id, _)| id.clone());
        let shown = page.items.into_iter().map(|(id, grant)| entry(of, id, grant));
        Ok(s::ListAccessGrantsResult { access_grants_list: Some(shown.collect()), next_token: page.next })
    }
}

impl Handle<op::DeleteAccessGrant> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteAccessGrantRequest) -> Result<Vec<Access>> {
        let of = own(cx, &input.account_id)?;
        Ok(vec![self.on_grant(of, &input.access_grant_id, "s3:DeleteAccessGrant").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccessGrantRequest) -> Result<Empty> {
        let of = own(cx, &input.account_id)?;
        self.records.delete_grant(&row(of, &input.access_grant_id)).await?;
        Ok(Empty)
    }
}
