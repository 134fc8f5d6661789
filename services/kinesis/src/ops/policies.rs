//! Policies of streams and consumers.

use haneul_kinesis_wire::operations::{DeleteResourcePolicy, GetResourcePolicy, PutResourcePolicy};
use haneul_kinesis_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result, pinned_policy};
use haneul_shape::Empty;

use crate::Kinesis;
use crate::error;
use crate::names::{self, NamedConsumer, Resource};
use crate::plane::stream::check_policy;

impl Kinesis {
    /// Puts a policy on whatever an ARN names, or takes it off, and gives the one before.
    async fn set_policy(&self, cx: &Cx, arn: &str, policy: Option<String>) -> Result<Option<String>> {
        match names::resource(arn)? {
            Resource::Stream(key) => {
                let stream = self.stream_of(cx, &key).await?;
                let edit = move |_: &_, record: &mut crate::model::StreamRecord| {
                    Ok(std::mem::replace(&mut record.policy, policy))
                };
                self.registry.change(&stream, edit).await
            }
            Resource::Consumer(..) => {
                let (stream, named, consumer) = self.consumer(cx, NamedConsumer::by_arn(arn)).await?;
                self.edit_consumer(&stream, &named.name, move |record| {
                    record.policy = policy;
                    Ok(())
                })
                .await?;
                Ok(consumer.record.policy)
            }
        }
    }

    async fn policy(&self, cx: &Cx, arn: &str) -> Result<String> {
        let found = match names::resource(arn)? {
            Resource::Stream(key) => self.stream_of(cx, &key).await?.state().record.policy.clone(),
            Resource::Consumer(..) => self.consumer(cx, NamedConsumer::by_arn(arn)).await?.2.record.policy,
        };
        found.ok_or_else(|| error::not_found(format!("No resource policy found for resource ARN {arn}")))
    }
}

impl Handle<PutResourcePolicy> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::PutResourcePolicyInput) -> Result<Vec<Access>> {
        self.on_resource("kinesis:PutResourcePolicy", &input.resource_arn)
    }

    async fn call(&self, cx: &Cx, input: s::PutResourcePolicyInput) -> Result<Empty> {
        check_policy(&input.policy)?;
        let policy = pinned_policy::pin(&self.platform, &input.policy).await?;
        self.set_policy(cx, &input.resource_arn, Some(policy)).await?;
        Ok(Empty)
    }
}

impl Handle<GetResourcePolicy> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::GetResourcePolicyInput) -> Result<Vec<Access>> {
        self.on_resource("kinesis:GetResourcePolicy", &input.resource_arn)
    }

    async fn call(&self, cx: &Cx, input: s::GetResourcePolicyInput) -> Result<s::GetResourcePolicyOutput> {
        let policy = self.policy(cx, &input.resource_arn).await?;
        Ok(s::GetResourcePolicyOutput { policy: pinned_policy::show(&self.platform, &policy).await? })
    }
}

impl Handle<DeleteResourcePolicy> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::DeleteResourcePolicyInput) -> Result<Vec<Access>> {
        self.on_resource("kinesis:DeleteResourcePolicy", &input.resource_arn)
    }

    async fn call(&self, cx: &Cx, input: s::DeleteResourcePolicyInput) -> Result<Empty> {
        self.policy(cx, &input.resource_arn).await?;
        self.set_policy(cx, &input.resource_arn, None).await?;
        Ok(Empty)
    }
}
