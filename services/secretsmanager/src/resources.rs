//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::{SECRETS, SecretName};

const SECRET: Kind = Kind::new("secretsmanager", "AWS::SecretsManager::Secret");
pub(crate) const KINDS: &[Kind] = &[SECRET];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &SECRETS, (account, region), |(account, region, name), secret| {
            let name = SecretName { account, region, name };
            SECRET.resource(name.arn(&secret.suffix), secret.tags)
        })
        .await
    })
}
