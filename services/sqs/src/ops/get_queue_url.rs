use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_sqs_wire::operations::GetQueueUrl;
use haneul_sqs_wire::shapes::{GetQueueUrlRequest, GetQueueUrlResult};

use super::Sqs;
use crate::error;
use crate::plane::QueueKey;
use crate::queue::name;

impl Handle<GetQueueUrl> for Sqs {
    async fn access(&self, cx: &Cx, input: &GetQueueUrlRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_queue("sqs:GetQueueUrl", &key(cx, input)?, true)])
    }

    async fn call(&self, cx: &Cx, input: GetQueueUrlRequest) -> Result<GetQueueUrlResult> {
        let queue = self.plane.get(&key(cx, &input)?).ok_or_else(error::queue_does_not_exist)?;
        Ok(GetQueueUrlResult { queue_url: Some(name::url(cx, queue.key.account, &queue.key.name)) })
    }
}

fn key(cx: &Cx, input: &GetQueueUrlRequest) -> Result<QueueKey> {
    let owner: Option<AccountId> = match &input.queue_owner_aws_account_id {
        None => Some(cx.account()),
        Some(owner) => owner.parse().ok(),
    };
    let account = owner.ok_or_else(|| error::invalid_address(cx))?;
    Ok(QueueKey { account, region: cx.region(), name: input.queue_name.clone() })
}
