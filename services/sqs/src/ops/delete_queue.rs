use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;
use haneul_sqs_wire::operations::DeleteQueue;
use haneul_sqs_wire::shapes::DeleteQueueRequest;

use super::Sqs;

impl Handle<DeleteQueue> for Sqs {
    async fn access(&self, cx: &Cx, input: &DeleteQueueRequest) -> Result<Vec<Access>> {
        self.own(cx, "sqs:DeleteQueue", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: DeleteQueueRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        self.registry.delete(&queue).await?;
        Ok(Empty)
    }
}
