//! Which resources there are, for the tagging API, resource groups and the meter.

use haneul_kit::tagged::rows;
use haneul_kit::{AccountId, Arn, BoxFuture, Kind, Region, Result, Tagged};
use haneul_store::Store;

use crate::model::ANALYZERS;

const ANALYZER: Kind = Kind::new("access-analyzer", "AWS::AccessAnalyzer::Analyzer");
pub(crate) const KINDS: &[Kind] = &[ANALYZER];

pub(crate) fn list(store: &Store, account: AccountId, region: Region) -> BoxFuture<'_, Result<Vec<Tagged>>> {
    Box::pin(async move {
        rows(store, &ANALYZERS, (account, region), |(account, region, name), analyzer| {
            ANALYZER.resource(
                Arn::new("access-analyzer", region, account, format_args!("analyzer/{name}")),
                analyzer.tags,
            )
        })
        .await
    })
}
