//! DeleteMessage and DeleteMessageBatch.

use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_shape::Empty;
use haneul_sqs_wire::operations::{DeleteMessage, DeleteMessageBatch};
use haneul_sqs_wire::shapes::*;
use haneul_sqs_wire::values::error as code;

use super::{Sqs, batch};
use crate::engine::HandleError;
use crate::metrics::{DELETED, count};
use crate::{error, receipt};

impl Handle<DeleteMessage> for Sqs {
    async fn access(&self, cx: &Cx, input: &DeleteMessageRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:DeleteMessage", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: DeleteMessageRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        if input.receipt_handle.is_empty() {
            // AWS's own name for it (aws/aws-sdk-js-v3 issues 5478 and 6092).
            return Err(error::missing_parameter("MessageHandle"));
        }
        let receipt = receipt::open(&self.platform.seal, queue.no, &input.receipt_handle)?;
        let outcomes = self.plane.delete(&queue, &[receipt]).await?;
        match outcomes.first() {
            Some(Err(_)) => Err(error::receipt_handle_expired(&input.receipt_handle)),
            _ => {
                count(&self.platform.metrics, cx, &queue, DELETED, 1);
                Ok(Empty)
            }
        }
    }
}

impl Handle<DeleteMessageBatch> for Sqs {
    async fn access(&self, cx: &Cx, input: &DeleteMessageBatchRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:DeleteMessage", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: DeleteMessageBatchRequest) -> Result<DeleteMessageBatchResult> {
        let queue = self.queue(cx, &input.queue_url)?;
        batch::check("DeleteMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
        let (mut ids, mut receipts, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for entry in input.entries {
            match receipt::open(&self.platform.seal, queue.no, &entry.receipt_handle) {
                Ok(receipt) => {
                    ids.push(entry.id);
                    receipts.push(receipt);
                }
                Err(error) => failed.push(batch::failed(entry.id, &error)),
            }
        }
        let mut successful = Vec::new();
        for (id, outcome) in ids.into_iter().zip(self.plane.delete(&queue, &receipts).await?) {
            match outcome {
                Ok(()) => successful.push(DeleteMessageBatchResultEntry { id }),
                Err(why) => failed.push(batch::failed(id, &in_batch(why))),
            }
        }
        if !successful.is_empty() {
            count(&self.platform.metrics, cx, &queue, DELETED, successful.len());
        }
        Ok(DeleteMessageBatchResult { successful: batch::list(successful), failed: batch::list(failed) })
    }
}

/// In a batch AWS words it without the handle, and under another code.
pub(super) fn in_batch(why: HandleError) -> ApiError {
    match why {
        HandleError::Expired => {
            ApiError::new(code::RECEIPT_HANDLE_IS_INVALID, "The receipt handle has expired")
        }
        HandleError::NotAvailable => error::invalid_parameter(
            "Message does not exist or is not available for visibility timeout change.",
        ),
    }
}
