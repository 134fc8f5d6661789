//! What environments cost by the hour that are kept ready. Source: AWS Lambda pricing, "Provisioned Concurrency": by the memory of the
//! function, from when it is configured.

use haneul_kit::meter::{Held, UsageType};
use haneul_kit::{BoxFuture, Result};

use crate::Lambda;
use crate::names::Named;

const READY: UsageType = UsageType::new("Lambda-Provisioned-Concurrency", "MB-Milliseconds");
const READY_ARM: UsageType = UsageType::new("Lambda-Provisioned-Concurrency-ARM", "MB-Milliseconds");
const HOUR_MS: u64 = 3_600_000;

pub(crate) fn held(lambda: &Lambda) -> BoxFuture<'_, Result<Vec<Held>>> {
    Box::pin(async move {
        let mut all = Vec::new();
        for (function, record) in lambda.records.provisioned().await? {
            for (qualifier, provisioned) in record.provisioned {
                let named = Named { function: function.clone(), qualifier: Some(qualifier) };
                // One that is being deleted has nothing ready.
                let Ok(target) = lambda.target(&named).await else { continue };
                let version = &target.version;
                all.push(Held {
                    account: function.account,
                    region: function.region,
                    service: "lambda",
                    operation: "ProvisionedConcurrency",
                    resource: function.arn_of(None).to_string(),
                    kind: if version.architecture == "arm64" { READY_ARM } else { READY },
                    amount: u64::from(provisioned.requested) * u64::from(version.memory_mb) * HOUR_MS,
                });
            }
        }
        // A function with several of them has one row.
        all.sort_by(|a, b| (&a.resource, a.kind).cmp(&(&b.resource, b.kind)));
        all.dedup_by(|later, first| {
            let same = later.resource == first.resource && later.kind == first.kind;
            if same {
                first.amount = first.amount.saturating_add(later.amount);
            }
            same
        });
        Ok(all)
    })
}
