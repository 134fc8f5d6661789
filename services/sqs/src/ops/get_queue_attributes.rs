use haneul_kit::{Access, Cx, Handle, Result, pinned_policy};
use haneul_sqs_wire::operations::GetQueueAttributes;
use haneul_sqs_wire::shapes::{GetQueueAttributesRequest, GetQueueAttributesResult};
use haneul_sqs_wire::values::queue_attribute_name as attribute;

use super::Sqs;
use crate::error;
use crate::queue::attributes;

impl Handle<GetQueueAttributes> for Sqs {
    async fn access(&self, cx: &Cx, input: &GetQueueAttributesRequest) -> Result<Vec<Access>> {
        self.unlocking(cx, "sqs:GetQueueAttributes", &input.queue_url, true)
    }

    async fn call(&self, cx: &Cx, input: GetQueueAttributesRequest) -> Result<GetQueueAttributesResult> {
        let queue = self.queue(cx, &input.queue_url)?;
        let names = input.attribute_names.unwrap_or_default();
        if let Some(unknown) = names.iter().find(|name| !attributes::is_known(name)) {
            return Err(error::unknown_attribute(unknown));
        }
        let wanted = |name: &str| names.iter().any(|asked| asked == attribute::ALL || asked == name);
        let meta = queue.meta();
        let counts = {
            let mut core = queue.core.lock();
            self.plane.advance(&queue, &mut core, self.plane.now_ms());
            core.wake();
            core.queue.counts()
        };
        let state = [
            (attribute::QUEUE_ARN, queue.arn.to_string()),
            (attribute::APPROXIMATE_NUMBER_OF_MESSAGES, counts.visible.to_string()),
            (attribute::APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE, counts.in_flight.to_string()),
            (attribute::APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED, counts.delayed.to_string()),
            (attribute::CREATED_TIMESTAMP, (meta.record.created_ms / 1000).to_string()),
            (attribute::LAST_MODIFIED_TIMESTAMP, (meta.record.modified_ms / 1000).to_string()),
        ];
        let set = attributes::render(&meta.record.attributes, meta.attributes.fifo);
        let all = state.into_iter().chain(set).filter(|(name, _)| wanted(name));
        let mut attributes: haneul_shape::value::Map<String> = all.collect();
        for (_, policy) in attributes.0.iter_mut().filter(|(name, _)| name == attribute::POLICY) {
            *policy = pinned_policy::show(&self.platform, policy).await?;
        }
        Ok(GetQueueAttributesResult { attributes: (!attributes.is_empty()).then_some(attributes) })
    }
}
