//! AddPermission and RemovePermission, which edit the queue's policy.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;
use haneul_sqs_wire::operations::{AddPermission, RemovePermission};
use haneul_sqs_wire::shapes::{AddPermissionRequest, RemovePermissionRequest};
use haneul_sqs_wire::values::queue_attribute_name::POLICY;

use super::Sqs;
use crate::model::QueueRecord;
use crate::queue::{attributes, permission};

impl Handle<AddPermission> for Sqs {
    async fn access(&self, cx: &Cx, input: &AddPermissionRequest) -> Result<Vec<Access>> {
        self.own(cx, "sqs:AddPermission", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: AddPermissionRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        let statement =
            permission::statement(&queue.arn, &input.label, &input.aws_account_ids, &input.actions)?;
        let arn = queue.arn.clone();
        let edit = move |record: &mut QueueRecord| {
            let policy = permission::add(record.attributes.get(POLICY), &arn, &input.label, statement)?;
            set_policy(record, &policy)
        };
        self.registry.change(&queue, edit).await?;
        Ok(Empty)
    }
}

impl Handle<RemovePermission> for Sqs {
    async fn access(&self, cx: &Cx, input: &RemovePermissionRequest) -> Result<Vec<Access>> {
        self.own(cx, "sqs:RemovePermission", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: RemovePermissionRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        let edit = move |record: &mut QueueRecord| {
            let policy = permission::remove(record.attributes.get(POLICY), &input.label)?;
            set_policy(record, &policy)
        };
        self.registry.change(&queue, edit).await?;
        Ok(Empty)
    }
}

fn set_policy(record: &mut QueueRecord, policy: &str) -> Result<()> {
    let fifo = record.attributes.contains_key("FifoQueue");
    attributes::merge(&mut record.attributes, [(POLICY, policy)], fifo)
}
