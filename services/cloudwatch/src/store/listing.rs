use std::sync::Arc;

use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::Points;
use crate::model::{METRICS, Metric};
use crate::series::{Identity, Series};

/// Metrics looked at at once.
const PAGE: usize = 2_000;

/// A place among the metrics of an account and Region.
pub(crate) type Place = (String, String, String);

/// Which metrics to list.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
}

impl Points {
    /// Up to `limit` metrics for which `wanted` is true (it is told when the metric was last put, in milliseconds), after `after`; and where
    /// the next page begins, when there may be more.
    pub(crate) async fn list(
        &self,
        scope: Scope<'_>,
        mut after: Option<Place>,
        limit: usize,
        wanted: impl Fn(&Identity, i64) -> bool,
    ) -> Result<(Vec<Arc<Series>>, Option<Place>)> {
        let mut found = Vec::new();
        let mut last = None;
        loop {
            let page = self.store.scan(&METRICS, range(scope, after.as_ref()), PAGE).await?;
            let through = page.len() < PAGE;
            for ((account, region, namespace, name, digest), metric) in page {
                after = Some((namespace.clone(), name.clone(), digest));
                if scope.name.is_some_and(|wanted| wanted != name) {
                    continue;
                }
                let series = self.series(account, region, namespace, name, metric);
                if wanted(&series.identity, series.last_put_ms()) {
                    // One more than fits: there is a next page.
                    if found.len() == limit {
                        return Ok((found, last));
                    }
                    found.push(series);
                    last.clone_from(&after);
                }
            }
            if through {
                return Ok((found, None));
            }
        }
    }

    fn series(
        &self,
        account: AccountId,
        region: Region,
        namespace: String,
        name: String,
        metric: Metric,
    ) -> Arc<Series> {
        let identity = Identity { account, region, namespace, name, dimensions: metric.dimensions };
        match self.known.read().get(&identity.bytes()[..]) {
            Some(known) => known.clone(),
            None => Arc::new(Series::new(metric.id, identity, metric.last_put_ms)),
        }
    }
}

fn range(scope: Scope<'_>, after: Option<&Place>) -> Range<(AccountId, Region, String, String, String)> {
    let (account, region) = (scope.account, scope.region);
    let range = match (scope.namespace, scope.name) {
        (Some(namespace), Some(name)) => Range::prefix((account, region, namespace, name)),
        (Some(namespace), None) => Range::prefix((account, region, namespace)),
        (None, _) => Range::prefix((account, region)),
    };
    match after {
        Some((namespace, name, digest)) => range.after(&(account, region, namespace, name, digest)),
        None => range,
    }
}
