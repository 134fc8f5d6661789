//! Multi-Region Access Points: made and changed by requests with tokens, which are done before they are answered.
//! Source: S3 User Guide, "Managing multi-Region traffic with Multi-Region Access Points".

mod routes;

use std::collections::BTreeSet;

use haneul_kit::{Access, AccountId, ApiError, Cx, Handle, Instant, Policy, Result, pinned_policy};
use haneul_policy::is_public;
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use sha2::{Digest, Sha256};

use super::access_points::{check_name, policy_about};
use super::account_block::{from_wire as block_from_wire, to_wire as block_to_wire};
use super::{Listing, account, limit};
use crate::bucket::POLICY_RULES;
use crate::model::PublicAccessBlock;
use crate::model::multi_region::{Asked, MultiRegionRecord, MultiRegionRequest, Route};
use crate::multi_region::{ALIAS_ENDING, arn};
use crate::store::multi_region::no_such_point;
use crate::{S3, error};

const REGIONS_MAX: usize = 20;

/// Where its control plane is, whatever Region a request is for.
const HOME: &str = "us-west-2";

type Failed = (String, String);

fn failed(code: &str, message: impl Into<String>) -> Failed {
    (code.to_owned(), message.into())
}

/// The operations as tokens and reports name them.
fn names(asked: &Asked) -> (&'static str, &'static str) {
    match asked {
        Asked::Create { .. } => ("create", "CreateMultiRegionAccessPoint"),
        Asked::Delete { .. } => ("delete", "DeleteMultiRegionAccessPoint"),
        Asked::PutPolicy { .. } => ("put-policy", "PutMultiRegionAccessPointPolicy"),
    }
}

/// In bytes; a request's is kept with it.
const POLICY_LENGTH_MAX: usize = 20 * 1024;

impl S3 {
    /// An action on an access point, which its alias names; its name, as long as there is none.
    async fn on_multi_region(&self, cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
        let found = self.records.multi_region(cx.account(), name).await?;
        let arn = arn(cx.region(), cx.account(), found.as_ref().map_or(name, |point| &point.alias));
        let mut access = Access::to(action).owned_by(cx.account());
        access.resource = arn.clone().into();
        Ok(access
            .key("s3:DataAccessPointArn", arn)
            .key("s3:DataAccessPointAccount", cx.account().to_string())
            .key("s3:AccessPointNetworkOrigin", "Internet"))
    }

    async fn own_multi_region(&self, cx: &Cx, name: &str) -> Result<MultiRegionRecord> {
        self.records.multi_region(cx.account(), name).await?.ok_or_else(no_such_point)
    }

    /// Does a request and gives the ARN of its token. The same client token again is the same request.
    async fn settle(
        &self,
        cx: &Cx,
        client_token: &str,
        asked: Asked,
        made: std::result::Result<Option<MultiRegionRecord>, Failed>,
    ) -> Result<String> {
        let (kind, _) = names(&asked);
        let token = hex::encode(&Sha256::digest(format!("{kind} {client_token}").as_bytes())[..20]);
        let (made, failed) = match made {
            Ok(made) => (made, None),
            Err(failed) => (None, Some(failed)),
        };
        let regions = made.iter().flat_map(|made| made.routes.iter().map(|route| route.region.clone()));
        let request = MultiRegionRequest {
            at_ms: cx.now().millis(),
            request_id: cx.request_id().to_owned(),
            regions: regions.collect(),
            asked,
            failed,
        };
        self.records.settle_multi_region(cx.account(), &token, &request, made.as_ref()).await?;
        Ok(token_arn(cx, kind, &token))
    }

    /// The access point that a request asks for, or why there is none.
    async fn new_multi_region(
        &self,
        cx: &Cx,
        name: &str,
        block: PublicAccessBlock,
        buckets: &[(String, Option<String>)],
    ) -> Result<std::result::Result<MultiRegionRecord, Failed>> {
        let (mut routes, mut regions) = (Vec::new(), BTreeSet::new());
        for (bucket, owner) in buckets {
            let found = match self.bucket_anywhere(bucket, &None).await {
                Ok(found) if found.via.is_none() => found,
                Ok(_) => return Ok(Err(failed("NoSuchBucket", "The specified bucket does not exist"))),
                Err(error) if error.code() == "NoSuchBucket" => {
                    return Ok(Err(failed("NoSuchBucket", "The specified bucket does not exist")));
                }
                Err(error) => return Err(error),
            };
            let named = owner.clone().unwrap_or_else(|| cx.account().to_string());
            if found.owner.to_string() != named {
                return Ok(Err(failed("AccessDenied", "Access denied.")));
            }
            if !regions.insert(found.region.to_string()) {
                let message =
                    "The buckets used to create a Multi-Region Access Point cannot be in the same Region.";
                return Ok(Err(failed("MultiRegionAccessPointSameBucketRegion", message)));
            }
            routes.push(Route {
                bucket: found.name.clone(),
                bucket_id: found.id(),
                bucket_account: found.owner.number(),
                region: found.region.to_string(),
                active: true,
            });
        }
        let rest = self.platform.env.rng.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 12);
        Ok(Ok(MultiRegionRecord {
            account: cx.account().number(),
            name: name.to_owned(),
            // A letter comes first.
            alias: format!("m{rest}{ALIAS_ENDING}"),
            created_ms: cx.now().millis(),
            block,
            policy: None,
            routes,
        }))
    }
}

fn token_arn(cx: &Cx, kind: &str, token: &str) -> String {
    format!("arn:{}:s3:{HOME}:{}:async-request/mrap/{kind}/{token}", cx.region().partition(), cx.account())
}

impl Handle<op::CreateMultiRegionAccessPoint> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateMultiRegionAccessPointRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_multi_region(cx, "s3:CreateMultiRegionAccessPoint", &input.details.name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateMultiRegionAccessPointRequest,
    ) -> Result<s::CreateMultiRegionAccessPointResult> {
        let details = input.details;
        if details.regions.is_empty() || details.regions.len() > REGIONS_MAX {
            let message = format!("A Multi-Region Access Point has between 1 and {REGIONS_MAX} Regions");
            return Err(error::invalid_request(message));
        }
        if check_name(&details.name).is_err() {
            return Err(error::invalid_request("The Multi-Region Access Point name is invalid"));
        }
        let block = details.public_access_block.as_ref().map_or(PublicAccessBlock::ALL, block_from_wire);
        let buckets: Vec<_> =
            details.regions.into_iter().map(|region| (region.bucket, region.bucket_account_id)).collect();
        let made = self.new_multi_region(cx, &details.name, block, &buckets).await?;
        let asked = Asked::Create { name: details.name, block, buckets };
        let arn = self.settle(cx, &input.client_token, asked, made.map(Some)).await?;
        Ok(s::CreateMultiRegionAccessPointResult { request_token_arn: Some(arn) })
    }
}

impl Handle<op::DeleteMultiRegionAccessPoint> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteMultiRegionAccessPointRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_multi_region(cx, "s3:DeleteMultiRegionAccessPoint", &input.details.name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteMultiRegionAccessPointRequest,
    ) -> Result<s::DeleteMultiRegionAccessPointResult> {
        let asked = Asked::Delete { name: input.details.name };
        let arn = self.settle(cx, &input.client_token, asked, Ok(None)).await?;
        Ok(s::DeleteMultiRegionAccessPointResult { request_token_arn: Some(arn) })
    }
}

impl Handle<op::PutMultiRegionAccessPointPolicy> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutMultiRegionAccessPointPolicyRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_multi_region(cx, "s3:PutMultiRegionAccessPointPolicy", &input.details.name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutMultiRegionAccessPointPolicyRequest,
    ) -> Result<s::PutMultiRegionAccessPointPolicyResult> {
        let details = input.details;
        if details.policy.len() > POLICY_LENGTH_MAX {
            return Err(error::new("MalformedPolicy", 400, "Policies must be valid JSON of at most 20 KB"));
        }
        let found = self.records.multi_region(cx.account(), &details.name).await?;
        let account_block = self.records.account_block(cx.account()).await?.unwrap_or_default();
        let checked = match &found {
            Some(point) => check_policy(cx, point, account_block, &details.policy),
            // The transaction says that there is none.
            None => Ok(()),
        };
        let policy = pinned_policy::pin(&self.platform, &details.policy).await?;
        let asked = Asked::PutPolicy { name: details.name, policy };
        let arn = self.settle(cx, &input.client_token, asked, checked.map(|()| None)).await?;
        Ok(s::PutMultiRegionAccessPointPolicyResult { request_token_arn: Some(arn) })
    }
}

fn check_policy(
    cx: &Cx,
    point: &MultiRegionRecord,
    account_block: PublicAccessBlock,
    text: &str,
) -> std::result::Result<(), Failed> {
    let own = arn(cx.region(), cx.account(), &point.alias);
    let within = format!("{own}/object/");
    let policy = policy_about(text, |resource| resource == own || resource.starts_with(&within))
        .map_err(|refused| failed("MalformedPolicy", refused.message()))?;
    if is_public(&policy) && (point.block.block_public_policy || account_block.block_public_policy) {
        return Err(failed("AccessDenied", "Access denied."));
    }
    Ok(())
}

impl Handle<op::DescribeMultiRegionAccessPointOperation> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DescribeMultiRegionAccessPointOperationRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        let mut access = Access::to("s3:DescribeMultiRegionAccessPointOperation").owned_by(cx.account());
        access.resource = input.request_token_arn.clone().into();
        Ok(vec![access])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeMultiRegionAccessPointOperationRequest,
    ) -> Result<s::DescribeMultiRegionAccessPointOperationResult> {
        let arn = input.request_token_arn;
        let token = arn.rsplit('/').next().unwrap_or_default();
        let found = self.records.multi_region_request(cx.account(), token).await?;
        let found = found.filter(|request| token_arn(cx, names(&request.asked).0, token) == arn);
        let mut request = found
            .ok_or_else(|| error::new("NoSuchAsyncRequest", 404, "The specified request does not exist"))?;
        if let Asked::PutPolicy { policy, .. } = &mut request.asked {
            *policy = pinned_policy::show(&self.platform, policy).await?;
        }
        Ok(s::DescribeMultiRegionAccessPointOperationResult {
            async_operation: Some(operation(arn, request)),
        })
    }
}

fn operation(arn: String, request: MultiRegionRequest) -> s::AsyncOperation {
    let (_, operation) = names(&request.asked);
    let mut parameters = s::AsyncRequestParameters::default();
    match request.asked {
        Asked::Create { name, block, buckets } => {
            let region = |(bucket, bucket_account_id)| s::Region { bucket, bucket_account_id };
            parameters.create_multi_region_access_point_request =
                Some(s::CreateMultiRegionAccessPointInput {
                    name,
                    public_access_block: Some(block_to_wire(block)),
                    regions: buckets.into_iter().map(region).collect(),
                });
        }
        Asked::Delete { name } => {
            let input = s::DeleteMultiRegionAccessPointInput { name };
            parameters.delete_multi_region_access_point_request = Some(input);
        }
        Asked::PutPolicy { name, policy } => {
            let input = s::PutMultiRegionAccessPointPolicyInput { name, policy };
            parameters.put_multi_region_access_point_policy_request = Some(input);
        }
    }
    let status = if request.failed.is_some() { "FAILED" } else { "SUCCEEDED" };
    let details = match request.failed {
        Some((code, message)) => s::AsyncResponseDetails {
            error_details: Some(s::AsyncErrorDetails {
                code: Some(code),
                message: Some(message),
                resource: None,
                request_id: Some(request.request_id),
            }),
            ..Default::default()
        },
        None => {
            let region = |name| s::MultiRegionAccessPointRegionalResponse {
                name: Some(name),
                request_status: Some(status.to_owned()),
            };
            let regions = request.regions.into_iter().map(region).collect();
            let done = s::MultiRegionAccessPointsAsyncResponse { regions: Some(regions) };
            s::AsyncResponseDetails { multi_region_access_point_details: Some(done), ..Default::default() }
        }
    };
    s::AsyncOperation {
        creation_time: Some(Instant::from_millis(request.at_ms)),
        operation: Some(operation.to_owned()),
        request_token_arn: Some(arn),
        request_parameters: Some(parameters),
        request_status: Some(status.to_owned()),
        response_details: Some(details),
    }
}

fn report(point: MultiRegionRecord) -> s::MultiRegionAccessPointReport {
    let region = |route: Route| s::RegionReport {
        bucket: Some(route.bucket),
        region: Some(route.region),
        bucket_account_id: Some(format!("{:012}", route.bucket_account)),
    };
    s::MultiRegionAccessPointReport {
        name: Some(point.name),
        alias: Some(point.alias),
        created_at: Some(Instant::from_millis(point.created_ms)),
        public_access_block: Some(block_to_wire(point.block)),
        status: Some("READY".to_owned()),
        regions: Some(point.routes.into_iter().map(region).collect()),
    }
}

impl Handle<op::GetMultiRegionAccessPoint> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetMultiRegionAccessPointRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_multi_region(cx, "s3:GetMultiRegionAccessPoint", &input.name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetMultiRegionAccessPointRequest,
    ) -> Result<s::GetMultiRegionAccessPointResult> {
        let point = self.own_multi_region(cx, &input.name).await?;
        Ok(s::GetMultiRegionAccessPointResult { access_point: Some(report(point)) })
    }
}

impl Handle<op::ListMultiRegionAccessPoints> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListMultiRegionAccessPointsRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:ListMultiRegionAccessPoints")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListMultiRegionAccessPointsRequest,
    ) -> Result<s::ListMultiRegionAccessPointsResult> {
        let limit = limit(input.max_results)?;
        let listing = Listing::of(cx, "multi-region access points", "");
        let after = self.position(&listing, input.next_token)?;
        let found = self.records.multi_regions(cx.account(), after.as_deref(), limit + 1).await?;
        let page = self.cut(&listing, found, limit, |point| point.name.clone());
        let list = page.items.into_iter().map(report).collect();
        Ok(s::ListMultiRegionAccessPointsResult { access_points: Some(list), next_token: page.next })
    }
}

impl Handle<op::GetMultiRegionAccessPointPolicy> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetMultiRegionAccessPointPolicyRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_multi_region(cx, "s3:GetMultiRegionAccessPointPolicy", &input.name).await?])
    }

    /// What is proposed is established at once.
    async fn call(
        &self,
        cx: &Cx,
        input: s::GetMultiRegionAccessPointPolicyRequest,
    ) -> Result<s::GetMultiRegionAccessPointPolicyResult> {
        let policy = match self.own_multi_region(cx, &input.name).await?.policy {
            Some(policy) => Some(pinned_policy::show(&self.platform, &policy).await?),
            None => None,
        };
        let policy = s::MultiRegionAccessPointPolicyDocument {
            established: Some(s::EstablishedMultiRegionAccessPointPolicy { policy: policy.clone() }),
            proposed: Some(s::ProposedMultiRegionAccessPointPolicy { policy }),
        };
        Ok(s::GetMultiRegionAccessPointPolicyResult { policy: Some(policy) })
    }
}

impl Handle<op::GetMultiRegionAccessPointPolicyStatus> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetMultiRegionAccessPointPolicyStatusRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![self.on_multi_region(cx, "s3:GetMultiRegionAccessPointPolicyStatus", &input.name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetMultiRegionAccessPointPolicyStatusRequest,
    ) -> Result<s::GetMultiRegionAccessPointPolicyStatusResult> {
        let point = self.own_multi_region(cx, &input.name).await?;
        let policy = point.policy.as_deref().map(|text| Policy::parse(text, &POLICY_RULES)).transpose();
        let policy = policy.map_err(ApiError::internal)?;
        let account_block = self.records.account_block(cx.account()).await?.unwrap_or_default();
        let restricted = point.block.restrict_public_buckets || account_block.restrict_public_buckets;
        let public = policy.as_ref().is_some_and(is_public) && !restricted;
        let established = Some(s::PolicyStatus { is_public: Some(public) });
        Ok(s::GetMultiRegionAccessPointPolicyStatusResult { established })
    }
}

/// The alias that is given by itself or in an ARN.
fn alias_of(given: &str) -> &str {
    given.rsplit(['/', ':']).next().unwrap_or(given)
}

impl S3 {
    /// The caller's access point of an alias.
    async fn routed(&self, account: AccountId, given: &str) -> Result<MultiRegionRecord> {
        let found = self.records.multi_region_by_alias(alias_of(given)).await?;
        found.filter(|point| point.account == account.number()).ok_or_else(no_such_point)
    }
}
