use std::collections::HashMap;

use haneul_kit::{Access, Arn, DataKey, OpenKeys, Platform, Result, Signal};
use haneul_roles::Sessions;
use parking_lot::Mutex;

use crate::limits::Limits;
use crate::model::{DataKeyRecord, StreamKey};
use crate::store::Records;

/// The service's principal, in trust policies.
pub(crate) const PRINCIPAL: &str = "firehose.amazonaws.com";

/// The state of the service.
pub struct Firehose {
    pub(crate) platform: Platform,
    pub(crate) records: Records,
    /// Sessions of streams' roles.
    pub(crate) sessions: Sessions<StreamKey>,
    pub(crate) buffers: Buffers,
    pub(crate) limits: Limits,
    /// Data keys of streams, as they are kept, that were opened lately.
    pub(crate) open_keys: OpenKeys<(u64, DataKeyRecord), DataKey>,
    /// Something is to be delivered, or to be thrown away.
    pub(crate) due: Signal,
    /// A stream was made that reads a source.
    pub(crate) sources: Signal,
}

/// What waits in the store, by the stream's id. The sizes begin anew with the program.
#[derive(Default)]
pub(crate) struct Buffers(Mutex<HashMap<u64, Buffer>>);

#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    pub(crate) key: StreamKey,
    /// When the oldest arrived.
    pub(crate) first_ms: i64,
    pub(crate) bytes: u64,
    /// Deliveries that failed in a row, and when it is tried again.
    pub(crate) failures: u32,
    pub(crate) again_ms: Option<i64>,
    pub(crate) under_way: bool,
    /// Something arrived since the delivery that is under way began.
    arrived: bool,
}

impl Firehose {
    pub(crate) async fn on(&self, action: &'static str, key: &StreamKey) -> Result<Access> {
        let access = Access::on(action, &arn(key));
        let found = self.records.stream(key).await?;
        Ok(match &found {
            Some(stream) => {
                access.resource_tags(stream.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
            }
            None => access,
        })
    }
}

/// iam:PassRole, for whoever hands over a role.
pub(crate) fn passes_role(role: &str) -> Option<Access> {
    let role = Arn::parse(role).ok()?;
    Some(Access::on("iam:PassRole", &role).key("iam:PassedToService", PRINCIPAL))
}

pub(crate) fn arn(key: &StreamKey) -> Arn {
    Arn::new("firehose", key.1, key.0, format_args!("deliverystream/{}", key.2))
}

impl Buffers {
    /// Counts what arrived; says whether there is now as much as an object `holds`, or something at all.
    pub(crate) fn add(&self, key: &StreamKey, id: u64, holds: u64, bytes: u64, now_ms: i64) -> bool {
        let mut buffers = self.0.lock();
        let fresh = || Buffer {
            key: key.clone(),
            first_ms: now_ms,
            bytes: 0,
            failures: 0,
            again_ms: None,
            under_way: false,
            arrived: false,
        };
        let is_new = !buffers.contains_key(&id);
        let buffer = buffers.entry(id).or_insert_with(fresh);
        buffer.bytes += bytes;
        buffer.arrived = true;
        is_new || buffer.bytes >= holds
    }

    pub(crate) fn all(&self) -> Vec<(u64, Buffer)> {
        self.0.lock().iter().map(|(id, buffer)| (*id, buffer.clone())).collect()
    }

    /// Whether so much waits, or cannot be delivered, that nothing more should be read.
    pub(crate) fn is_full(&self, id: u64, most: u64) -> bool {
        self.0.lock().get(&id).is_some_and(|buffer| buffer.failures > 0 || buffer.bytes >= most)
    }

    /// Says whether it was not under way yet.
    pub(crate) fn begin(&self, id: u64) -> bool {
        let mut buffers = self.0.lock();
        let Some(buffer) = buffers.get_mut(&id).filter(|buffer| !buffer.under_way) else { return false };
        (buffer.under_way, buffer.arrived) = (true, false);
        true
    }

    /// The stream is gone.
    pub(crate) fn forget(&self, id: u64) {
        self.0.lock().remove(&id);
    }

    /// A delivery ended: what is left, and from when; or when it is tried again.
    pub(crate) fn end(&self, id: u64, outcome: Ended) {
        let mut buffers = self.0.lock();
        let Some(buffer) = buffers.get_mut(&id) else { return };
        buffer.under_way = false;
        match outcome {
            // Records may have been accepted after the store was found empty, and are counted before this or after.
            Ended::Empty { now_ms } if buffer.arrived => {
                (buffer.failures, buffer.again_ms) = (0, None);
                (buffer.first_ms, buffer.bytes) = (now_ms, 0);
            }
            Ended::Empty { .. } => drop(buffers.remove(&id)),
            Ended::Left { first_ms, delivered } => {
                (buffer.failures, buffer.again_ms) = (0, None);
                buffer.first_ms = first_ms;
                buffer.bytes = buffer.bytes.saturating_sub(delivered);
            }
            Ended::Failed { now_ms } => {
                buffer.failures += 1;
                buffer.again_ms = Some(now_ms + (1000 << buffer.failures.min(8)));
            }
        }
    }
}

pub(crate) enum Ended {
    Empty { now_ms: i64 },
    Left { first_ms: i64, delivered: u64 },
    Failed { now_ms: i64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_while_the_store_was_found_empty_is_delivered_later() {
        let buffers = Buffers::default();
        let key: StreamKey = ("111111111111".parse().unwrap(), haneul_kit::Region::US_EAST_1, "s".into());
        buffers.add(&key, 7, 1000, 10, 1);
        assert!(buffers.begin(7));
        assert!(!buffers.begin(7));
        buffers.add(&key, 7, 1000, 10, 2);
        buffers.end(7, Ended::Empty { now_ms: 5 });
        assert!(matches!(&buffers.all()[..], [(7, buffer)] if buffer.first_ms == 5 && !buffer.under_way));
        assert!(buffers.begin(7));
        buffers.end(7, Ended::Empty { now_ms: 6 });
        assert!(buffers.all().is_empty());
    }
}
