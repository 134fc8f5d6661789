use std::borrow::Cow;
use std::sync::Arc;

use haneul_kit::{Access, AccountId, ApiError, Cx, Handle, Instant, Policy, Region, Result, pinned_policy};
use haneul_policy::is_public;
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;
use http::StatusCode;

use super::account_block::{from_wire, to_wire};
use super::{Listing, PAGE_MAX, account, limit};
use crate::bucket::{Bucket, POLICY_RULES};
use crate::model::PublicAccessBlock;
use crate::model::access_point::AccessPointRecord;
use crate::store::access_points::{PointRow, no_bucket_to_reach, no_such_access_point};
use crate::{S3, error, object_lambda, policy_check, policy_text, tagging};

/// Longest name, and how long an alias may be.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=50;
const ALIAS_LENGTH_MAX: usize = 63;
const ALIAS_ENDING: &str = "-s3alias";
/// Whether there is such a VPC does not matter: nobody can come from it.
const VPC_ID_LENGTH: std::ops::RangeInclusive<usize> = 1..=1024;

pub(super) fn arn(region: Region, account: AccountId, name: &str) -> String {
    format!("arn:{}:s3:{region}:{account}:accesspoint/{name}", region.partition())
}

/// The name of an access point that is given by name or ARN.
pub(super) fn name_of(given: &str) -> &str {
    given.rsplit_once(":accesspoint/").map_or(given, |(_, name)| name)
}

fn on(cx: &Cx, action: &'static str, name: &str) -> Access {
    let mut access = Access::to(action).owned_by(cx.account());
    access.resource = Cow::Owned(arn(cx.region(), cx.account(), name_of(name)));
    access
}

fn row(cx: &Cx, name: &str) -> PointRow {
    (cx.account(), cx.region(), name_of(name).to_owned())
}

impl S3 {
    /// An alias that nobody guesses, with as much of the name as there is room for.
    pub(super) fn new_alias(&self, name: &str, ending: &str) -> String {
        let rest = self.platform.env.rng.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 34);
        let room = ALIAS_LENGTH_MAX - ending.len() - rest.len() - 1;
        let begin = name.get(..room.min(name.len())).unwrap_or_default().trim_end_matches('-');
        format!("{begin}-{rest}{ending}")
    }

    async fn point(&self, cx: &Cx, name: &str) -> Result<AccessPointRecord> {
        let row = row(cx, name);
        self.records.access_point(&row).await?.ok_or_else(|| no_such_access_point(&row.2))
    }

    /// The bucket that access points are of; `what` is what becomes of them.
    async fn bucket_to_reach(&self, name: &str, what: &str) -> Result<Arc<Bucket>> {
        match self.bucket_anywhere(name, &None).await {
            Err(error) if error.code() == "NoSuchBucket" => Err(no_bucket_to_reach(what)),
            found => found,
        }
    }
}

impl Handle<op::CreateAccessPoint> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateAccessPointRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let access = on(cx, "s3:CreateAccessPoint", &input.name).request_tags(tags);
        if input.tags.as_ref().is_none_or(Vec::is_empty) {
            return Ok(vec![access]);
        }
        let tagging = Access { action: "s3:TagResource", ..access.clone() };
        Ok(vec![access, tagging])
    }

    async fn call(&self, cx: &Cx, input: s::CreateAccessPointRequest) -> Result<s::CreateAccessPointResult> {
        check_name(&input.name)?;
        if input.scope.is_some() {
            return Err(error::not_implemented("The scope of an access point of a directory bucket"));
        }
        let bucket = self.bucket_to_reach(&input.bucket, "created").await?;
        let vpc = input.vpc_configuration.map(|configuration| configuration.vpc_id);
        if vpc.as_ref().is_some_and(|vpc| !VPC_ID_LENGTH.contains(&vpc.len())) {
            return Err(error::invalid_request("The VPC ID is not valid"));
        }
        let named = input.bucket_account_id.clone().unwrap_or_else(|| cx.account().to_string());
        if bucket.owner.to_string() != named || bucket.via.is_some() {
            return Err(error::access_denied("Access Denied"));
        }
        if bucket.region != cx.region() {
            let message = "The bucket is in another Region than the access point would be";
            return Err(error::invalid_request(message));
        }
        let tags = input
            .tags
            .into_iter()
            .flatten()
            .map(|tag| haneul_s3_wire::shapes::Tag { key: tag.key, value: tag.value });
        let point = AccessPointRecord {
            account: cx.account().number(),
            region: cx.region().to_string(),
            name: input.name.clone(),
            bucket: bucket.name.clone(),
            bucket_id: bucket.id(),
            bucket_account: bucket.owner.number(),
            alias: self.new_alias(&input.name, ALIAS_ENDING),
            created_ms: cx.now().millis(),
            block: input.public_access_block_configuration.as_ref().map_or(PublicAccessBlock::ALL, from_wire),
            policy: None,
            tags: tagging::by_arn(tags.collect())?,
            vpc,
        };
        if !self.records.create_access_point(&row(cx, &input.name), &point).await? {
            return Err(already_owned(&input.name));
        }
        Ok(s::CreateAccessPointResult {
            access_point_arn: Some(arn(cx.region(), cx.account(), &input.name)),
            alias: Some(point.alias),
        })
    }
}

pub(super) fn already_owned(name: &str) -> ApiError {
    let message = "Your previous request to create the named accesspoint succeeded and you already own it.";
    error::new("AccessPointAlreadyOwnedByYou", 409, message).with_field("AccessPointName", name)
}

pub(super) fn check_name(name: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = NAME_LENGTH.contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("xn--")
        && !name.ends_with(ALIAS_ENDING)
        && !name.ends_with(object_lambda::ALIAS_ENDING);
    if good { Ok(()) } else { Err(error::invalid_request("Your Amazon S3 AccessPoint name is invalid")) }
}

/// A policy whose resources are all ones that `is_own` knows.
pub(super) fn policy_about(text: &str, is_own: impl Fn(&str) -> bool) -> Result<Policy> {
    let policy = policy_text::parse(text)?;
    for statement in policy.statements() {
        let (negated, mut resources) = statement.resources();
        if negated || !resources.all(&is_own) {
            return Err(policy_check::malformed("Policy has invalid resource"));
        }
    }
    Ok(policy)
}

impl Handle<op::GetAccessPoint> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetAccessPointRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:GetAccessPoint")])
    }

    async fn call(&self, cx: &Cx, input: s::GetAccessPointRequest) -> Result<s::GetAccessPointResult> {
        let point = self.point(cx, &input.name).await?;
        let region = cx.region();
        let endpoint = |kind: &str| format!("s3-accesspoint{kind}.{region}.amazonaws.com");
        let endpoints = [
            ("ipv4", endpoint("")),
            ("fips", endpoint("-fips")),
            ("fips_dualstack", endpoint("-fips.dualstack")),
            ("dualstack", endpoint(".dualstack")),
        ];
        Ok(s::GetAccessPointResult {
            access_point_arn: Some(arn(region, cx.account(), &point.name)),
            bucket_account_id: Some(format!("{:012}", point.bucket_account)),
            creation_date: Some(Instant::from_millis(point.created_ms)),
            public_access_block_configuration: Some(to_wire(point.block)),
            network_origin: Some(point.network_origin().to_owned()),
            vpc_configuration: point.vpc.map(|vpc_id| s::VpcConfiguration { vpc_id }),
            endpoints: Some(endpoints.into_iter().map(|(name, host)| (name.to_owned(), host)).collect()),
            name: Some(point.name),
            bucket: Some(point.bucket),
            alias: Some(point.alias),
            ..Default::default()
        })
    }
}

impl Handle<op::DeleteAccessPoint> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteAccessPointRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:DeleteAccessPoint", &input.name)])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccessPointRequest) -> Result<Empty> {
        self.records.delete_access_point(&row(cx, &input.name)).await?;
        cx.set_status(StatusCode::NO_CONTENT);
        Ok(Empty)
    }
}

impl Handle<op::ListAccessPoints> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListAccessPointsRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:ListAccessPoints")])
    }

    async fn call(&self, cx: &Cx, input: s::ListAccessPointsRequest) -> Result<s::ListAccessPointsResult> {
        let limit = limit(input.max_results)?;
        if let Some(bucket) = &input.bucket {
            self.bucket_to_reach(bucket, "listed").await?;
        }
        let listing = Listing::of(cx, "access points", input.bucket.as_deref().unwrap_or_default());
        let mut after = self.position(&listing, input.next_token)?;
        let mut found = Vec::new();
        loop {
            let page =
                self.records.access_points(cx.account(), cx.region(), after.as_deref(), PAGE_MAX).await?;
            let last = page.last().map(|point| point.name.clone());
            let more = page.len() == PAGE_MAX;
            found.extend(
                page.into_iter().filter(|point| input.bucket.as_ref().is_none_or(|b| *b == point.bucket)),
            );
            if found.len() > limit || !more {
                break;
            }
            after = last;
        }
        let page = self.cut(&listing, found, limit, |point| point.name.clone());
        let shown = page.items.into_iter().map(|point| s::AccessPoint {
            access_point_arn: Some(arn(cx.region(), cx.account(), &point.name)),
            bucket_account_id: Some(format!("{:012}", point.bucket_account)),
            network_origin: point.network_origin().to_owned(),
            vpc_configuration: point.vpc.map(|vpc_id| s::VpcConfiguration { vpc_id }),
            name: point.name,
            bucket: point.bucket,
            alias: Some(point.alias),
            ..Default::default()
        });
        Ok(s::ListAccessPointsResult { access_point_list: Some(shown.collect()), next_token: page.next })
    }
}

impl Handle<op::PutAccessPointPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutAccessPointPolicyRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:PutAccessPointPolicy", &input.name)])
    }

    async fn call(&self, cx: &Cx, input: s::PutAccessPointPolicyRequest) -> Result<Empty> {
        let own = arn(cx.region(), cx.account(), name_of(&input.name));
        let within = format!("{own}/object/");
        let policy =
            policy_about(&input.policy, |resource| resource == own || resource.starts_with(&within))?;
        policy_check::check_actions(&policy)?;
        self.check_principals(&policy, cx.account()).await?;
        let text = pinned_policy::pin(&self.platform, &input.policy).await?;
        let public = is_public(&policy);
        let account_block = self.records.account_block(cx.account()).await?.unwrap_or_default();
        let set = |point: &mut AccessPointRecord| {
            let public = public && point.vpc.is_none();
            if public && (point.block.block_public_policy || account_block.block_public_policy) {
                return Err(error::access_denied("Access Denied"));
            }
            point.policy = Some(text.clone());
            Ok(())
        };
        self.records.change_access_point(&row(cx, &input.name), set).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetAccessPointPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetAccessPointPolicyRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:GetAccessPointPolicy", &input.name)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessPointPolicyRequest,
    ) -> Result<s::GetAccessPointPolicyResult> {
        let policy = self.point(cx, &input.name).await?.policy.ok_or_else(|| no_policy(&input.name))?;
        let policy = pinned_policy::show(&self.platform, &policy).await?;
        Ok(s::GetAccessPointPolicyResult { policy: Some(policy) })
    }
}

impl Handle<op::GetAccessPointPolicyStatus> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetAccessPointPolicyStatusRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:GetAccessPointPolicyStatus", &input.name)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessPointPolicyStatusRequest,
    ) -> Result<s::GetAccessPointPolicyStatusResult> {
        let point = self.point(cx, &input.name).await?;
        let text = point.policy.ok_or_else(|| no_policy(&input.name))?;
        let policy = Policy::parse(&text, &POLICY_RULES).map_err(haneul_kit::ApiError::internal)?;
        // What a VPC alone can reach is not public, whomever the policy names.
        let public = is_public(&policy) && point.vpc.is_none() && !point.block.restrict_public_buckets;
        Ok(s::GetAccessPointPolicyStatusResult {
            policy_status: Some(s::PolicyStatus { is_public: Some(public) }),
        })
    }
}

impl Handle<op::DeleteAccessPointPolicy> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteAccessPointPolicyRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:DeleteAccessPointPolicy", &input.name)])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccessPointPolicyRequest) -> Result<Empty> {
        let clear = |point: &mut AccessPointRecord| {
            point.policy = None;
            Ok(())
        };
        self.records.change_access_point(&row(cx, &input.name), clear).await?;
        cx.set_status(StatusCode::NO_CONTENT);
        Ok(Empty)
    }
}

pub(super) fn no_policy(name: &str) -> ApiError {
    error::new("NoSuchAccessPointPolicy", 404, "The specified accesspoint policy does not exist")
        .with_field("AccessPointName", name_of(name))
}
