//! Object Lambda access points. Source: S3 User Guide, "Transforming objects with S3 Object Lambda".

use std::borrow::Cow;
use std::collections::BTreeSet;

use haneul_kit::{Access, AccountId, Arn, Cx, Handle, Instant, Region, Result, pinned_policy};
use haneul_policy::is_public;
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;
use http::StatusCode;

use super::access_points::{already_owned, check_name, name_of, no_policy, policy_about};
use super::account_block::to_wire as block_to_wire;
use super::{Listing, account, limit};
use crate::model::PublicAccessBlock;
use crate::model::object_lambda::{ObjectLambdaConfiguration, ObjectLambdaRecord, Transformation};
use crate::object_lambda::ALIAS_ENDING;
use crate::store::access_points::{PointRow, no_such_access_point};
use crate::{S3, error};

const ACTIONS: &[&str] = &["GetObject", "HeadObject", "ListObjects", "ListObjectsV2"];
const FEATURES: &[&str] =
    &["GetObject-Range", "GetObject-PartNumber", "HeadObject-Range", "HeadObject-PartNumber"];

pub(crate) fn arn(region: Region, account: AccountId, name: &str) -> String {
    format!("arn:{}:s3-object-lambda:{region}:{account}:accesspoint/{name}", region.partition())
}

fn on(cx: &Cx, action: &'static str, name: &str) -> Access {
    let mut access = Access::to(action).owned_by(cx.account());
    let arn = arn(cx.region(), cx.account(), name_of(name));
    access.resource = Cow::Owned(arn.clone());
    access
        .key("s3:DataAccessPointArn", arn)
        .key("s3:DataAccessPointAccount", cx.account().to_string())
        .key("s3:AccessPointNetworkOrigin", "Internet")
}

fn row(cx: &Cx, name: &str) -> PointRow {
    (cx.account(), cx.region(), name_of(name).to_owned())
}

impl S3 {
    async fn lambda_point(&self, cx: &Cx, name: &str) -> Result<ObjectLambdaRecord> {
        let row = row(cx, name);
        self.records.object_lambda_point(&row).await?.ok_or_else(|| no_such_access_point(&row.2))
    }

    /// What was given, if it can be done.
    async fn read_configuration(
        &self,
        cx: &Cx,
        given: s::ObjectLambdaConfiguration,
    ) -> Result<ObjectLambdaConfiguration> {
        let supporting = Arn::parse(&given.supporting_access_point)
            .map_err(|_| error::invalid_request("The supporting access point's ARN is invalid"))?;
        let own =
            supporting.region() == cx.region().as_str() && supporting.account() == cx.account().to_string();
        if !own {
            let message = "The supporting access point must be in the same Region and account";
            return Err(error::invalid_request(message));
        }
        let mut configuration = ObjectLambdaConfiguration {
            supporting: given.supporting_access_point,
            metrics: given.cloud_watch_metrics_enabled == Some(true),
            features: given.allowed_features.unwrap_or_default(),
            transformations: Vec::new(),
        };
        let row = (cx.account(), cx.region(), configuration.supporting_name().to_owned());
        self.records.access_point(&row).await?.ok_or_else(|| no_such_access_point(&row.2))?;
        if configuration.features.iter().any(|feature| !FEATURES.contains(&feature.as_str())) {
            return Err(error::malformed_xml());
        }
        let mut seen = BTreeSet::new();
        for given in given.transformation_configurations {
            let s::ObjectLambdaContentTransformation::AwsLambda(lambda) = given.content_transformation else {
                return Err(error::malformed_xml());
            };
            if given.actions.is_empty() || given.actions.iter().any(|one| !ACTIONS.contains(&one.as_str())) {
                return Err(error::malformed_xml());
            }
            if !given.actions.iter().all(|action| seen.insert(action.clone())) {
                let message = "An action can be transformed by one function only";
                return Err(error::invalid_request(message));
            }
            configuration.transformations.push(Transformation {
                actions: given.actions,
                function: lambda.function_arn,
                payload: lambda.function_payload,
            });
        }
        if configuration.transformations.is_empty() {
            return Err(error::malformed_xml());
        }
        Ok(configuration)
    }
}

fn shown(configuration: ObjectLambdaConfiguration) -> s::ObjectLambdaConfiguration {
    let transformations = configuration.transformations.into_iter().map(|one| {
        let lambda = s::AwsLambdaTransformation { function_arn: one.function, function_payload: one.payload };
        s::ObjectLambdaTransformationConfiguration {
            actions: one.actions,
            content_transformation: s::ObjectLambdaContentTransformation::AwsLambda(lambda),
        }
    });
    s::ObjectLambdaConfiguration {
        supporting_access_point: configuration.supporting,
        cloud_watch_metrics_enabled: Some(configuration.metrics),
        allowed_features: (!configuration.features.is_empty()).then_some(configuration.features),
        transformation_configurations: transformations.collect(),
    }
}

fn alias(value: String) -> Option<s::ObjectLambdaAccessPointAlias> {
    Some(s::ObjectLambdaAccessPointAlias { value: Some(value), status: Some("READY".to_owned()) })
}

impl Handle<op::CreateAccessPointForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::CreateAccessPointForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:CreateAccessPointForObjectLambda", &input.name)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateAccessPointForObjectLambdaRequest,
    ) -> Result<s::CreateAccessPointForObjectLambdaResult> {
        check_name(&input.name)?;
        let configuration = self.read_configuration(cx, input.configuration).await?;
        let point = ObjectLambdaRecord {
            account: cx.account().number(),
            region: cx.region().to_string(),
            name: input.name.clone(),
            alias: self.new_alias(&input.name, ALIAS_ENDING),
            created_ms: cx.now().millis(),
            configuration,
            policy: None,
        };
        if !self.records.create_object_lambda(&row(cx, &input.name), &point).await? {
            return Err(already_owned(&input.name));
        }
        Ok(s::CreateAccessPointForObjectLambdaResult {
            object_lambda_access_point_arn: Some(arn(cx.region(), cx.account(), &input.name)),
            alias: alias(point.alias),
        })
    }
}

impl Handle<op::GetAccessPointForObjectLambda> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetAccessPointForObjectLambdaRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:GetAccessPointForObjectLambda", &input.name)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessPointForObjectLambdaRequest,
    ) -> Result<s::GetAccessPointForObjectLambdaResult> {
        let point = self.lambda_point(cx, &input.name).await?;
        Ok(s::GetAccessPointForObjectLambdaResult {
            name: Some(point.name),
            // Turned on, and not to be edited.
            public_access_block_configuration: Some(block_to_wire(PublicAccessBlock::ALL)),
            creation_date: Some(Instant::from_millis(point.created_ms)),
            alias: alias(point.alias),
        })
    }
}

impl Handle<op::DeleteAccessPointForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteAccessPointForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:DeleteAccessPointForObjectLambda", &input.name)])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccessPointForObjectLambdaRequest) -> Result<Empty> {
        self.records.delete_object_lambda(&row(cx, &input.name)).await?;
        cx.set_status(StatusCode::NO_CONTENT);
        Ok(Empty)
    }
}

impl Handle<op::ListAccessPointsForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListAccessPointsForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:ListAccessPointsForObjectLambda")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAccessPointsForObjectLambdaRequest,
    ) -> Result<s::ListAccessPointsForObjectLambdaResult> {
        let limit = limit(input.max_results)?;
        let listing = Listing::of(cx, "object lambda access points", "");
        let after = self.position(&listing, input.next_token)?;
        let (account, region) = (cx.account(), cx.region());
        let found = self.records.object_lambda_points(account, region, after.as_deref(), limit + 1).await?;
        let page = self.cut(&listing, found, limit, |point| point.name.clone());
        let list = page.items.into_iter().map(|point| s::ObjectLambdaAccessPoint {
            object_lambda_access_point_arn: Some(arn(cx.region(), cx.account(), &point.name)),
            name: point.name,
            alias: alias(point.alias),
        });
        Ok(s::ListAccessPointsForObjectLambdaResult {
            object_lambda_access_point_list: Some(list.collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::GetAccessPointConfigurationForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetAccessPointConfigurationForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:GetAccessPointConfigurationForObjectLambda", &input.name)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessPointConfigurationForObjectLambdaRequest,
    ) -> Result<s::GetAccessPointConfigurationForObjectLambdaResult> {
        let point = self.lambda_point(cx, &input.name).await?;
        let configuration = Some(shown(point.configuration));
        Ok(s::GetAccessPointConfigurationForObjectLambdaResult { configuration })
    }
}

impl Handle<op::PutAccessPointConfigurationForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutAccessPointConfigurationForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:PutAccessPointConfigurationForObjectLambda", &input.name)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutAccessPointConfigurationForObjectLambdaRequest,
    ) -> Result<Empty> {
        let configuration = self.read_configuration(cx, input.configuration).await?;
        let set = |point: &mut ObjectLambdaRecord| point.configuration = configuration.clone();
        self.records.change_object_lambda(&row(cx, &input.name), set).await?;
        Ok(Empty)
    }
}

impl Handle<op::PutAccessPointPolicyForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutAccessPointPolicyForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:PutAccessPointPolicyForObjectLambda", &input.name)])
    }

    async fn call(&self, cx: &Cx, input: s::PutAccessPointPolicyForObjectLambdaRequest) -> Result<Empty> {
        let own = arn(cx.region(), cx.account(), name_of(&input.name));
        let policy = policy_about(&input.policy, |resource| resource == own)?;
        if is_public(&policy) {
            return Err(error::access_denied("Access Denied"));
        }
        let text = pinned_policy::pin(&self.platform, &input.policy).await?;
        let set = |point: &mut ObjectLambdaRecord| point.policy = Some(text.clone());
        self.records.change_object_lambda(&row(cx, &input.name), set).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetAccessPointPolicyForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetAccessPointPolicyForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:GetAccessPointPolicyForObjectLambda", &input.name)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessPointPolicyForObjectLambdaRequest,
    ) -> Result<s::GetAccessPointPolicyForObjectLambdaResult> {
        let policy =
            self.lambda_point(cx, &input.name).await?.policy.ok_or_else(|| no_policy(&input.name))?;
        let policy = pinned_policy::show(&self.platform, &policy).await?;
        Ok(s::GetAccessPointPolicyForObjectLambdaResult { policy: Some(policy) })
    }
}

impl Handle<op::GetAccessPointPolicyStatusForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetAccessPointPolicyStatusForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:GetAccessPointPolicyStatusForObjectLambda", &input.name)])
    }

    /// A public policy is never taken.
    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessPointPolicyStatusForObjectLambdaRequest,
    ) -> Result<s::GetAccessPointPolicyStatusForObjectLambdaResult> {
        self.lambda_point(cx, &input.name).await?.policy.ok_or_else(|| no_policy(&input.name))?;
        let policy_status = Some(s::PolicyStatus { is_public: Some(false) });
        Ok(s::GetAccessPointPolicyStatusForObjectLambdaResult { policy_status })
    }
}

impl Handle<op::DeleteAccessPointPolicyForObjectLambda> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteAccessPointPolicyForObjectLambdaRequest,
    ) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![on(cx, "s3:DeleteAccessPointPolicyForObjectLambda", &input.name)])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccessPointPolicyForObjectLambdaRequest) -> Result<Empty> {
        self.records.change_object_lambda(&row(cx, &input.name), |point| point.policy = None).await?;
        cx.set_status(StatusCode::NO_CONTENT);
        Ok(Empty)
    }
}
