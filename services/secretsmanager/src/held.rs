//! What secrets cost by the hour. Source: AWS Secrets Manager pricing: each secret and each replica; none that waits to be
//! deleted.

use haneul_kit::meter::{Held, UsageType, held_by_rows};
use haneul_kit::{BoxFuture, Result};

use crate::model::{SECRETS, SecretName, SecretRecord};
use crate::secrets::Secrets;

const SECRET_HOURS: UsageType = UsageType::new("AWSSecretsManager-Secrets", "Secret-Hours");

pub(crate) fn held(secrets: &Secrets) -> BoxFuture<'_, Result<Vec<Held>>> {
    Box::pin(async move {
        held_by_rows(
            &secrets.platform.store,
            &SECRETS,
            |(account, region, name), secret: SecretRecord, all| {
                if secret.deletion.is_some() {
                    return;
                }
                all.push(Held {
                    account,
                    region,
                    service: "secretsmanager",
                    operation: "SecretStorage",
                    resource: SecretName { account, region, name }.arn(&secret.suffix).to_string(),
                    kind: SECRET_HOURS,
                    amount: 1,
                });
            },
        )
        .await
    })
}
