//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::SIGNING;
use crate::model::capacity::PROVIDERS;
use crate::model::function::FUNCTIONS;
use crate::model::mapping::MAPPINGS;

const FUNCTION: Kind = Kind::new("lambda:function", "AWS::Lambda::Function");
const MAPPING: Kind = Kind::new("lambda:event-source-mapping", "AWS::Lambda::EventSourceMapping");
const CONFIG: Kind = Kind::new("lambda:code-signing-config", "AWS::Lambda::CodeSigningConfig");
const PROVIDER: Kind = Kind::new("lambda:capacity-provider", "AWS::Lambda::CapacityProvider");
pub(crate) const KINDS: &[Kind] = &[FUNCTION, MAPPING, CONFIG, PROVIDER];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        let arn = |kind: &str, name: &str| Arn::new("lambda", region, account, format_args!("{kind}:{name}"));
        let owner = (account, region);
        let mut all = rows(store, &FUNCTIONS, owner, |(_, _, name), function| {
            FUNCTION.resource(arn("function", &name), function.tags)
        })
        .await?;
        let mappings = rows(store, &MAPPINGS, owner, |(_, _, id), mapping| {
            MAPPING.resource(arn("event-source-mapping", &id), mapping.tags)
        });
        all.extend(mappings.await?);
        let configs = rows(store, &SIGNING, owner, |(_, _, id), config| {
            CONFIG.resource(arn("code-signing-config", &id), config.tags)
        });
        all.extend(configs.await?);
        let providers = rows(store, &PROVIDERS, owner, |(_, _, name), provider| {
            PROVIDER.resource(arn("capacity-provider", &name), provider.tags)
        });
        all.extend(providers.await?);
        Ok(all)
    })
}
