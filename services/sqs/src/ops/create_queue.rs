use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_sqs_wire::operations::CreateQueue;
use haneul_sqs_wire::shapes::{CreateQueueRequest, CreateQueueResult};

use super::{Sqs, tags};
use crate::plane::QueueKey;
use crate::queue::{attributes, name};
use crate::store::NewQueue;

impl Handle<CreateQueue> for Sqs {
    async fn access(&self, cx: &Cx, input: &CreateQueueRequest) -> Result<Vec<Access>> {
        let key = key(cx, &input.queue_name);
        let tags =
            || input.tags.iter().flat_map(|tags| tags.iter().map(|(key, value)| (key, value.as_str())));
        let mut needed = vec![self.on_queue("sqs:CreateQueue", &key, true).request_tags(tags())];
        if tags().next().is_some() {
            needed.push(self.on_queue("sqs:TagQueue", &key, true).request_tags(tags()));
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: CreateQueueRequest) -> Result<CreateQueueResult> {
        let given = input.attributes.unwrap_or_default();
        let pairs = || given.iter().map(|(name, value)| (name, value.as_str()));
        name::check(&input.queue_name, attributes::asks_for_fifo(pairs()))?;
        self.check_policy(cx.account(), pairs()).await?;
        let attributes = self.pin_policy(given).await?;
        let tags = Tags::from_request(input.tags.unwrap_or_default()).map_err(tags::refused)?;
        let tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let key = key(cx, &input.queue_name);
        self.registry.create(NewQueue { key, attributes, tags }).await?;
        Ok(CreateQueueResult { queue_url: Some(name::url(cx, cx.account(), &input.queue_name)) })
    }
}

fn key(cx: &Cx, name: &str) -> QueueKey {
    QueueKey { account: cx.account(), region: cx.region(), name: name.to_owned() }
}
