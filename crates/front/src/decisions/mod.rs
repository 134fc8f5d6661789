//! What was decided lately, and what principals do: behind `/_haneul/explain` and `/_haneul/least-privilege`.
//!
//! A call leaves what it asked and the policies that it was asked of, all of it shared or moved, in a ring ([`recent`]);
//! only when somebody wants to know is the evaluator run once more and asked why ([`report`]). What was allowed is noted by
//! principal, action and resource ([`usage`], written behind the calls), from which a policy is made that allows just
//! that ([`least_privilege`]).

mod least_privilege;
mod recent;
mod report;
mod usage;

use std::sync::Arc;

use haneul_env::Env;
use haneul_kit::{ApiError, Instant, Platform, reconcile};
use serde_json::Value;

pub(crate) use recent::Decided;
use recent::Recent;
pub(crate) use report::decoded_statements;
use usage::Usage;

/// The memory of one cloud.
pub struct Decisions {
    recent: Recent,
    usage: Arc<Usage>,
}

impl Decisions {
    pub(crate) fn new(platform: &Platform) -> Decisions {
        Decisions { recent: Recent::default(), usage: Arc::new(Usage::new(platform)) }
    }

    pub(crate) fn start(&self, env: &Env) {
        reconcile::start(env, self.usage.clone());
    }

    /// Takes what was asked, and whether it was allowed.
    pub(crate) fn keep(&self, decided: Decided, allowed: bool) {
        if allowed {
            self.note_use(&decided);
        }
        self.recent.keep(decided, allowed);
    }

    fn note_use(&self, decided: &Decided) {
        let caller = decided.cx.caller();
        for access in decided.accesses.iter().filter(|access| access.federated.is_none()) {
            self.usage.note(caller, access.action, &access.resource, decided.cx.now());
        }
    }

    /// What was decided for a request; `None` for one that is unknown, or too long ago.
    pub(crate) fn explain(&self, request_id: &str) -> Option<Value> {
        let decided = self.recent.of_request(request_id);
        (!decided.is_empty()).then(|| report::of(request_id, &decided))
    }

    /// What the principal did in a time.
    pub(crate) async fn used(
        &self,
        principal: &str,
        since: Instant,
        until: Instant,
    ) -> Result<Vec<(String, String)>, ApiError> {
        self.usage.between(principal, since, until).await
    }

    /// A policy that allows what the principal did and no more.
    pub(crate) async fn least_privilege(&self, principal: &str) -> Result<Value, ApiError> {
        let used = self.usage.of(principal).await?;
        Ok(least_privilege::of(principal, &used))
    }
}
