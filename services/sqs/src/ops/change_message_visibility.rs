//! ChangeMessageVisibility and ChangeMessageVisibilityBatch.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;
use haneul_sqs_wire::operations::{ChangeMessageVisibility, ChangeMessageVisibilityBatch};
use haneul_sqs_wire::shapes::*;

use super::delete_message::in_batch;
use super::receive_message::VISIBILITY_SECS_MAX;
use super::{Sqs, batch};
use crate::engine::HandleError;
use crate::plane::{LiveQueue, Receipt};
use crate::{error, receipt};

impl Handle<ChangeMessageVisibility> for Sqs {
    async fn access(&self, cx: &Cx, input: &ChangeMessageVisibilityRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:ChangeMessageVisibility", &input.queue_url)
    }

    async fn call(&self, cx: &Cx, input: ChangeMessageVisibilityRequest) -> Result<Empty> {
        let queue = self.queue(cx, &input.queue_url)?;
        let handle = &input.receipt_handle;
        if handle.is_empty() {
            return Err(error::missing_parameter("ReceiptHandle"));
        }
        let receipt = self.check_change(&queue, handle, input.visibility_timeout)?;
        let timeout_ms = i64::from(input.visibility_timeout) * 1000;
        match self.plane.change_visibility(&queue, &receipt, timeout_ms) {
            Ok(()) => Ok(Empty),
            Err(HandleError::Expired) => Err(error::receipt_handle_expired(handle)),
            Err(HandleError::NotAvailable) => Err(error::message_not_available(handle)),
        }
    }
}

impl Handle<ChangeMessageVisibilityBatch> for Sqs {
    async fn access(&self, cx: &Cx, input: &ChangeMessageVisibilityBatchRequest) -> Result<Vec<Access>> {
        self.shared(cx, "sqs:ChangeMessageVisibility", &input.queue_url)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: ChangeMessageVisibilityBatchRequest,
    ) -> Result<ChangeMessageVisibilityBatchResult> {
        let queue = self.queue(cx, &input.queue_url)?;
        let ids = input.entries.iter().map(|entry| entry.id.as_str());
        batch::check("ChangeMessageVisibilityBatchRequestEntry", ids)?;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in input.entries {
            let timeout = entry.visibility_timeout.unwrap_or(queue.meta().attributes.visibility_secs as i32);
            let changed = self.check_change(&queue, &entry.receipt_handle, timeout).and_then(|receipt| {
                let timeout_ms = i64::from(timeout) * 1000;
                self.plane.change_visibility(&queue, &receipt, timeout_ms).map_err(in_batch)
            });
            match changed {
                Ok(()) => successful.push(ChangeMessageVisibilityBatchResultEntry { id: entry.id }),
                Err(error) => failed.push(batch::failed(entry.id, &error)),
            }
        }
        let (successful, failed) = (batch::list(successful), batch::list(failed));
        Ok(ChangeMessageVisibilityBatchResult { successful, failed })
    }
}

impl Sqs {
    fn check_change(&self, queue: &LiveQueue, handle: &str, timeout_secs: i32) -> Result<Receipt> {
        if !(0..=VISIBILITY_SECS_MAX).contains(&timeout_secs) {
            return Err(error::invalid_value(
                &timeout_secs.to_string(),
                "VisibilityTimeout",
                "VisibilityTimeout must be an integer between 0 and 43200",
            ));
        }
        let receipt = receipt::open(&self.platform.seal, queue.no, handle)?;
        // Twelve hours from the receive on, however often it is extended.
        let end_ms = self.plane.now_ms() + i64::from(timeout_secs) * 1000;
        if end_ms > receipt.at_ms + i64::from(VISIBILITY_SECS_MAX) * 1000 {
            return Err(error::total_visibility_beyond_limit(timeout_secs));
        }
        Ok(receipt)
    }
}
