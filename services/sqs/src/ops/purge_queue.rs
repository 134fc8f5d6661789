use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;
use haneul_sqs_wire::operations::PurgeQueue;
use haneul_sqs_wire::shapes::PurgeQueueRequest;

use super::Sqs;

impl Handle<PurgeQueue> for Sqs {
    async fn access(&self, cx: &Cx, input: &PurgeQueueRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:PurgeQueue", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: PurgeQueueRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        self.plane.purge(&queue).await?;
        Ok(Empty)
    }
}
