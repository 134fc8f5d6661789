use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;
use haneul_sqs_wire::operations::SetQueueAttributes;
use haneul_sqs_wire::shapes::SetQueueAttributesRequest;

use super::Sqs;
use crate::error;
use crate::queue::attributes;

impl Handle<SetQueueAttributes> for Sqs {
    async fn access(&self, cx: &Cx, input: &SetQueueAttributesRequest) -> Result<Vec<Access>> {
        self.unlocking(cx, "sqs:SetQueueAttributes", &input.queue_url, false)
    }

    async fn call(&self, cx: &Cx, input: SetQueueAttributesRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        if input.attributes.is_empty() {
            return Err(error::missing_parameter("Attribute.Name"));
        }
        let pairs = input.attributes.iter().map(|(name, value)| (name, value.as_str()));
        self.check_policy(queue.key.account, pairs).await?;
        let fifo = queue.meta().attributes.fifo;
        let given = self.pin_policy(input.attributes).await?;
        let edit = move |record: &mut crate::model::QueueRecord| {
            let pairs = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            attributes::merge(&mut record.attributes, pairs, fifo)
        };
        self.registry.change(&queue, edit).await?;
        Ok(Empty)
    }
}
