//! What keys cost by the hour. Source: AWS KMS pricing: each key of a customer, and each of the first two rotations of its
//! material; keys that wait to be deleted are free, and AWS's own.

use haneul_kit::meter::{Held, UsageType, held_by_rows};
use haneul_kit::{BoxFuture, Result};

use crate::kms::Kms;
use crate::model::{KEYS, KeyName, KeyRecord};

const KEY_HOURS: UsageType = UsageType::new("KMS-Keys", "Key-Hours");
const ROTATIONS_MAX: usize = 2;

pub(crate) fn held(kms: &Kms) -> BoxFuture<'_, Result<Vec<Held>>> {
    Box::pin(async move {
        held_by_rows(&kms.platform.store, &KEYS, |(account, region, id), key: KeyRecord, all| {
            if key.aws_managed || key.deletion.is_some() {
                return;
            }
            let rotations = key.materials.iter().filter(|material| material.rotated.is_some()).count();
            all.push(Held {
                account,
                region,
                service: "kms",
                operation: "KeyStorage",
                resource: KeyName { account, region, id }.arn().to_string(),
                kind: KEY_HOURS,
                amount: 1 + rotations.min(ROTATIONS_MAX) as u64,
            });
        })
        .await
    })
}
