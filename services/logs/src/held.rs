//! What the events of groups cost by the hour that are kept. Source: Amazon CloudWatch pricing, "Logs": store (archival), by
//! compressed bytes.

use haneul_kit::meter::{Held, UsageType};
use haneul_kit::{BoxFuture, Result};

use crate::Logs;
use crate::names::GroupName;

const STORED: UsageType = UsageType::new("TimedStorage-ByteHrs", "Byte-Hours");

pub(crate) fn held(logs: &Logs) -> BoxFuture<'_, Result<Vec<Held>>> {
    Box::pin(async move {
        let records = &logs.records;
        let mut all = Vec::new();
        for ((account, region, name), group) in records.every_named_group().await? {
            let streams = records.streams(group.id, "").await?;
            let bytes: i64 = streams.iter().map(|(_, stream)| stream.bytes).sum();
            let amount = u64::try_from(bytes).unwrap_or(0);
            if amount > 0 {
                let resource = GroupName { account, region, name }.arn().to_string();
                let (service, operation) = ("logs", "HourlyStorageMetering");
                all.push(Held { account, region, service, operation, resource, kind: STORED, amount });
            }
        }
        Ok(all)
    })
}
