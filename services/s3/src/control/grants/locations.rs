use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result, paging};
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;

use super::scope::{self, SCHEME, Scope};
use super::{
    DEFAULT, Named, creating, instance_of, limit, no_such_token, own, passing, purpose, row, tag_map,
};
use crate::model::grant::GrantsLocation;
use crate::store::grants::{InstanceRow, LOCATIONS_MAX, no_such_location};
use crate::{S3, error};

impl S3 {
    /// Refuses what is no role of the account: whether it lets S3 Access Grants in, its trust policy says when it is
    /// assumed.
    async fn check_role(&self, of: InstanceRow, role: &str) -> Result<()> {
        let invalid = || error::new("InvalidIamRole", 400, "The specified IAM Role is invalid");
        let arn = Arn::parse(role).map_err(|_| invalid())?;
        let name = arn.resource().strip_prefix("role/").and_then(|path| path.rsplit('/').next());
        let name = name.filter(|_| arn.service() == "iam" && arn.account_id() == Some(of.0));
        let found = self.platform.directory().role(of.0, name.ok_or_else(invalid)?).await?;
        if found.is_some_and(|found| found.arn() == arn) { Ok(()) } else { Err(invalid()) }
    }
}

impl Handle<op::CreateAccessGrantsLocation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateAccessGrantsLocationRequest) -> Result<Vec<Access>> {
        let of = own(cx, &input.account_id)?;
        let access = self.on_instance(of, "s3:CreateAccessGrantsLocation").await?;
        let access = access.key("s3:AccessGrantsLocationScope", input.location_scope.as_str());
        let mut needed = creating(access, &input.tags);
        needed.extend(passing(&input.iam_role_arn));
        Ok(needed)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateAccessGrantsLocationRequest,
    ) -> Result<s::CreateAccessGrantsLocationResult> {
        let of = own(cx, &input.account_id)?;
        self.instance(of).await?;
        let invalid = || {
            let message = "The specified Access Grants Location is invalid";
            error::new("InvalidAccessGrantsLocation", 400, message)
        };
        let scope = scope::of_location(&input.location_scope).ok_or_else(invalid)?;
        // The data must be in the account and the Region of the instance.
        if let Some(Scope { bucket, .. }) = Scope::parse(&scope, false) {
            let bucket = self.buckets.get(&self.records, &bucket).await?.ok_or_else(invalid)?;
            if (bucket.owner, bucket.region) != of || bucket.via.is_some() {
                return Err(invalid());
            }
        }
        self.check_role(of, &input.iam_role_arn).await?;
        let id = if scope == SCHEME { DEFAULT.to_owned() } else { self.platform.env.rng.uuid() };
        let location = GrantsLocation {
            created_ms: cx.now().millis(),
            scope,
            role: input.iam_role_arn,
            tags: tag_map(input.tags)?,
            grants: 0,
        };
        self.records.create_grants_location(&row(of, &id), &location).await?;
        let shown = entry(of, id, location);
        Ok(s::CreateAccessGrantsLocationResult {
            created_at: shown.created_at,
            access_grants_location_id: shown.access_grants_location_id,
            access_grants_location_arn: shown.access_grants_location_arn,
            location_scope: shown.location_scope,
            iam_role_arn: shown.iam_role_arn,
        })
    }
}

fn entry(of: InstanceRow, id: String, location: GrantsLocation) -> s::ListAccessGrantsLocationsEntry {
    s::ListAccessGrantsLocationsEntry {
        created_at: Some(Instant::from_millis(location.created_ms)),
        access_grants_location_arn: Some(Named::Location(id.clone()).arn(of)),
        access_grants_location_id: Some(id),
        location_scope: Some(location.scope),
        iam_role_arn: Some(location.role),
    }
}

impl Handle<op::GetAccessGrantsLocation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetAccessGrantsLocationRequest) -> Result<Vec<Access>> {
        let (of, id) = (own(cx, &input.account_id)?, &input.access_grants_location_id);
        Ok(vec![self.on_location(of, id, "s3:GetAccessGrantsLocation").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessGrantsLocationRequest,
    ) -> Result<s::GetAccessGrantsLocationResult> {
        let (of, id) = (own(cx, &input.account_id)?, input.access_grants_location_id);
        self.instance(of).await?;
        let location = self.records.grants_location(&row(of, &id)).await?.ok_or_else(no_such_location)?;
        let shown = entry(of, id, location);
        Ok(s::GetAccessGrantsLocationResult {
            created_at: shown.created_at,
            access_grants_location_id: shown.access_grants_location_id,
            access_grants_location_arn: shown.access_grants_location_arn,
            location_scope: shown.location_scope,
            iam_role_arn: shown.iam_role_arn,
        })
    }
}

impl Handle<op::ListAccessGrantsLocations> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListAccessGrantsLocationsRequest) -> Result<Vec<Access>> {
        let of = instance_of(cx, &input.account_id)?;
        Ok(vec![self.on_instance(of, "s3:ListAccessGrantsLocations").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAccessGrantsLocationsRequest,
    ) -> Result<s::ListAccessGrantsLocationsResult> {
        let of = instance_of(cx, &input.account_id)?;
        self.instance(of).await?;
        let seal = &self.platform.seal;
        let purpose = purpose("locations", of, input.location_scope.as_deref().unwrap_or_default());
        let after = input
            .next_token
            .map(|token| paging::position::<String>(seal, &purpose, &token).ok_or_else(no_such_token));
        let after = after.transpose()?;
        // All that come after: there are no more than a page of them.
        let mut found = self.records.grants_locations(of, after.as_deref(), LOCATIONS_MAX as usize).await?;
        found.retain(|(_, location)| input.location_scope.as_ref().is_none_or(|it| *it == location.scope));
        let page = paging::cut(found, limit(input.max_results), seal, &purpose, |(id, _)| id.clone());
        let shown = page.items.into_iter().map(|(id, location)| entry(of, id, location));
        Ok(s::ListAccessGrantsLocationsResult {
            access_grants_locations_list: Some(shown.collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::UpdateAccessGrantsLocation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UpdateAccessGrantsLocationRequest) -> Result<Vec<Access>> {
        let (of, id) = (own(cx, &input.account_id)?, &input.access_grants_location_id);
        let mut needed = vec![self.on_location(of, id, "s3:UpdateAccessGrantsLocation").await?];
        needed.extend(passing(&input.iam_role_arn));
        Ok(needed)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateAccessGrantsLocationRequest,
    ) -> Result<s::UpdateAccessGrantsLocationResult> {
        let (of, id) = (own(cx, &input.account_id)?, input.access_grants_location_id);
        self.instance(of).await?;
        self.check_role(of, &input.iam_role_arn).await?;
        let set = |location: &mut GrantsLocation| {
            location.role = input.iam_role_arn.clone();
            Ok(())
        };
        let shown = entry(of, id.clone(), self.records.change_grants_location(&row(of, &id), set).await?);
        Ok(s::UpdateAccessGrantsLocationResult {
            created_at: shown.created_at,
            access_grants_location_id: shown.access_grants_location_id,
            access_grants_location_arn: shown.access_grants_location_arn,
            location_scope: shown.location_scope,
            iam_role_arn: shown.iam_role_arn,
        })
    }
}

impl Handle<op::DeleteAccessGrantsLocation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteAccessGrantsLocationRequest) -> Result<Vec<Access>> {
        let (of, id) = (own(cx, &input.account_id)?, &input.access_grants_location_id);
        Ok(vec![self.on_location(of, id, "s3:DeleteAccessGrantsLocation").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccessGrantsLocationRequest) -> Result<Empty> {
        let of = own(cx, &input.account_id)?;
        self.records.delete_grants_location(&row(of, &input.access_grants_location_id)).await?;
        Ok(Empty)
    }
}
