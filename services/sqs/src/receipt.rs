use haneul_kit::{Result, Seal};

use crate::codec::{Reader, put_ms, put_number};
use crate::error;
use crate::plane::{QueueNo, Receipt};

const PURPOSE: &str = "sqs.receipt";

/// Longest handle that is looked at; ours are about 90 characters.
const HANDLE_LENGTH_MAX: usize = 1024;

/// The receipt as an opaque handle that nobody can forge; the same one for the same receive, as who repeats it with its
/// ReceiveRequestAttemptId is to get.
pub(crate) fn seal(seal: &Seal, receipt: &Receipt) -> String {
    let mut content = Vec::with_capacity(32);
    put_number(&mut content, receipt.queue);
    put_number(&mut content, u64::from(receipt.slot));
    put_number(&mut content, receipt.seq);
    put_number(&mut content, u64::from(receipt.receives));
    put_ms(&mut content, receipt.at_ms);
    seal.seal_alike(PURPOSE, &content)
}

/// The receipt in a handle that this queue gave out.
pub(crate) fn open(seal: &Seal, queue: QueueNo, handle: &str) -> Result<Receipt> {
    let read = || {
        let content = seal.open(PURPOSE, handle)?;
        let mut from = Reader::new(&content);
        Some(Receipt {
            queue: from.number()?,
            slot: from.small()?,
            seq: from.number()?,
            receives: from.small()?,
            at_ms: from.ms()?,
        })
    };
    let receipt = if handle.len() <= HANDLE_LENGTH_MAX { read() } else { None };
    receipt.filter(|receipt| receipt.queue == queue).ok_or_else(|| error::receipt_handle_invalid(handle))
}

#[cfg(test)]
mod tests {
    use haneul_kit::Env;

    use super::*;

    #[test]
    fn only_for_its_queue_and_unchanged() {
        let key = Seal::new(&[1; 32], Env::simulated(1).rng);
        let receipt = Receipt { queue: 7, slot: 8, seq: 1 << 50, receives: 3, at_ms: 1_767_225_600_000 };
        let handle = seal(&key, &receipt);
        assert_eq!(open(&key, 7, &handle).unwrap(), receipt);
        assert_eq!(seal(&key, &receipt), handle);
        assert_ne!(seal(&key, &Receipt { receives: 4, ..receipt }), handle);
        for (queue, handle) in [(8, handle.as_str()), (7, ""), (7, "AQEB"), (7, &handle[1..]), (7, "é")] {
            assert_eq!(open(&key, queue, handle).unwrap_err().code(), "ReceiptHandleIsInvalid", "{handle}");
        }
        assert_eq!(open(&key, 7, &"A".repeat(100_000)).unwrap_err().code(), "ReceiptHandleIsInvalid");
    }
}
