use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Policy, Result, pinned_policy};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;
use serde_json::{Value, json};

use crate::model::function::PolicyRecord;
use crate::names::{self, LATEST, Named, version_number};
use crate::{Lambda, error, policy};

impl Handle<op::AddPermission> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::AddPermissionRequest) -> Result<Vec<Access>> {
        let mut access =
            self.on(cx, "lambda:AddPermission", &input.function_name, input.qualifier.as_deref()).await?;
        access = access.key("lambda:Principal", input.principal.as_str());
        if let Some(auth) = &input.function_url_auth_type {
            access = access.key("lambda:FunctionUrlAuthType", auth.as_str());
        }
        Ok(vec![access])
    }

    async fn call(&self, cx: &Cx, input: s::AddPermissionRequest) -> Result<s::AddPermissionResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let key = self.policy_key(&named).await?;
        let statement = policy::statement(&input, named.arn().as_str())?;
        let pinned = self.pin_statement(&statement).await?;
        let revision = self.revision();
        let edit = self.records.change(&named.function, |record| {
            let mut held = record.policies.remove(&key);
            check(input.revision_id.as_deref(), held.as_ref())?;
            policy::add(&mut held, pinned.clone(), revision.clone())?;
            record.policies.extend(held.map(|held| (key.clone(), held)));
            Ok(())
        });
        edit.await?;
        Ok(s::AddPermissionResponse { statement: Some(statement.to_string()) })
    }
}

impl Handle<op::RemovePermission> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::RemovePermissionRequest) -> Result<Vec<Access>> {
        let qualifier = input.qualifier.as_deref();
        Ok(vec![self.on(cx, "lambda:RemovePermission", &input.function_name, qualifier).await?])
    }

    async fn call(&self, cx: &Cx, input: s::RemovePermissionRequest) -> Result<Empty> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let key = self.policy_key(&named).await?;
        let revision = self.revision();
        let edit = self.records.change(&named.function, |record| {
            let mut held = record.policies.remove(&key);
            if held.is_none() {
                return Err(error::not_found("No policy is associated with the given resource."));
            }
            check(input.revision_id.as_deref(), held.as_ref())?;
            policy::remove(&mut held, &input.statement_id, revision.clone())?;
            record.policies.extend(held.map(|held| (key.clone(), held)));
            Ok(())
        });
        edit.await?;
        Ok(Empty)
    }
}

impl Handle<op::GetPolicy> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetPolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "lambda:GetPolicy", &input.function_name, input.qualifier.as_deref()).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetPolicyRequest) -> Result<s::GetPolicyResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let policy = self.policy_of(&named).await?;
        let document = pinned_policy::show(&self.platform, &policy.document).await?;
        Ok(s::GetPolicyResponse { policy: Some(document), revision_id: Some(policy.revision) })
    }
}

impl Handle<op::PutResourcePolicy> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PutResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "lambda:PutResourcePolicy", function_of(&input.resource_arn)?, None).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutResourcePolicyRequest,
    ) -> Result<s::PutResourcePolicyResponse> {
        let named = names::read(cx, function_of(&input.resource_arn)?, None)?;
        let key = self.policy_key(&named).await?;
        Policy::parse(&input.policy, &policy::RULES)
            .map_err(|refused| error::parameter(format!("The policy is not valid: {refused}")))?;
        let document = pinned_policy::pin(&self.platform, &input.policy).await?;
        let next = PolicyRecord { document, revision: self.revision() };
        let edit = self.records.change(&named.function, |record| {
            check(input.revision_id.as_deref(), record.policies.get(&key))?;
            record.policies.insert(key.clone(), next.clone());
            Ok(())
        });
        edit.await?;
        Ok(s::PutResourcePolicyResponse { policy: Some(input.policy), revision_id: Some(next.revision) })
    }
}

impl Handle<op::GetResourcePolicy> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "lambda:GetResourcePolicy", function_of(&input.resource_arn)?, None).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetResourcePolicyRequest,
    ) -> Result<s::GetResourcePolicyResponse> {
        let named = names::read(cx, function_of(&input.resource_arn)?, None)?;
        let policy = self.policy_of(&named).await?;
        let document = pinned_policy::show(&self.platform, &policy.document).await?;
        Ok(s::GetResourcePolicyResponse { policy: Some(document), revision_id: Some(policy.revision) })
    }
}

impl Handle<op::DeleteResourcePolicy> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on(cx, "lambda:DeleteResourcePolicy", function_of(&input.resource_arn)?, None).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteResourcePolicyRequest) -> Result<Empty> {
        let named = names::read(cx, function_of(&input.resource_arn)?, None)?;
        let key = self.policy_key(&named).await?;
        let edit = self.records.change(&named.function, |record| {
            check(input.revision_id.as_deref(), record.policies.get(&key))?;
            let held = record.policies.remove(&key);
            held.map(drop).ok_or_else(|| error::not_found(NO_POLICY))
        });
        edit.await?;
        Ok(Empty)
    }
}

const NO_POLICY: &str = "The resource you requested does not exist.";

/// A function's ARN: there are no other resources with policies of this kind here.
fn function_of(arn: &str) -> Result<&str> {
    match Arn::parse(arn) {
        Ok(parsed) if parsed.resource().starts_with("function:") => Ok(arn),
        _ => Err(error::unsupported("A resource policy of anything but a function, version or alias")),
    }
}

fn check(wanted: Option<&str>, held: Option<&PolicyRecord>) -> Result<()> {
    match wanted {
        Some(wanted) if held.is_none_or(|held| held.revision != wanted) => Err(error::policy_revision()),
        _ => Ok(()),
    }
}

impl Lambda {
    /// Under what a policy is kept: the version or alias, which must exist.
    async fn policy_key(&self, named: &Named) -> Result<String> {
        let function = &named.function;
        self.records.get(function).await?;
        let Some(qualifier) = named.qualifier.as_deref() else { return Ok(String::new()) };
        if qualifier == LATEST {
            return Err(error::parameter("We currently do not support adding policies for $LATEST."));
        }
        let exists = match version_number(qualifier) {
            Some(number) => self.records.version(function, number).await?.is_some(),
            None => self.records.alias(function, qualifier).await?.is_some(),
        };
        if exists { Ok(qualifier.to_owned()) } else { Err(error::no_function(named.arn())) }
    }

    /// A statement as it is kept.
    pub(super) async fn pin_statement(&self, statement: &Value) -> Result<Value> {
        let document = json!({ "Statement": statement }).to_string();
        let pinned = pinned_policy::pin(&self.platform, &document).await?;
        let mut document: Value = serde_json::from_str(&pinned).map_err(ApiError::internal)?;
        Ok(document["Statement"].take())
    }

    async fn policy_of(&self, named: &Named) -> Result<PolicyRecord> {
        let mut record = self.records.get(&named.function).await?;
        let key = named.qualifier.as_deref().filter(|qualifier| *qualifier != LATEST).unwrap_or_default();
        record.policies.remove(key).ok_or_else(|| error::not_found(NO_POLICY))
    }
}
