use std::sync::{Arc, Weak};

use haneul_kit::{Access, Arn, Cx, Platform, Policy, Result, Signal};
use haneul_roles::Sessions;

use crate::cache::Cache;
use crate::code::CodeStore;
use crate::durable::wait::Waiters;
use crate::exec::Executor;
use crate::images::Images;
use crate::invoke::{Concurrency, Specs};
use crate::model::function::{FunctionRecord, VersionRecord};
use crate::names::{self, FunctionName, Named};
use crate::store::Records;
use crate::tasks::capacity::Fleets;
use crate::tasks::provision::Provisioned;

/// The service's principal, in trust policies and in `aws:CalledVia`.
pub(crate) const PRINCIPAL: &str = "lambda.amazonaws.com";

/// The state of the service.
pub struct Lambda {
    pub(crate) platform: Platform,
    pub(crate) records: Records,
    pub(crate) code: CodeStore,
    pub(crate) images: Images,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) concurrency: Arc<Concurrency>,
    pub(crate) cache: Cache,
    pub(crate) sessions: Sessions<FunctionName>,
    pub(crate) specs: Specs,
    pub(crate) provisioned: Provisioned,
    pub(crate) fleets: Fleets,
    pub(crate) waiters: Waiters,
    pub(crate) wake: Wake,
    pub(crate) this: Weak<Lambda>,
}

/// What wakes the reconcilers.
#[derive(Default)]
pub(crate) struct Wake {
    /// Code is to be prepared, or to be thrown away.
    pub(crate) code: Signal,
    pub(crate) events: Signal,
    /// An execution can go on.
    pub(crate) durable: Signal,
    pub(crate) provision: Signal,
    /// What runs on capacity providers has changed.
    pub(crate) capacity: Signal,
    pub(crate) mappings: Signal,
}

impl Lambda {
    /// For tasks that outlive a call.
    pub(crate) fn shared(&self) -> Result<Arc<Lambda>> {
        self.this.upgrade().ok_or_else(|| haneul_kit::ApiError::internal("the service is gone"))
    }

    pub(crate) fn revision(&self) -> String {
        self.platform.env.rng.uuid()
    }

    /// What an action on a function needs: its own policy may allow it too.
    pub(crate) async fn on(
        &self,
        cx: &Cx,
        action: &'static str,
        given: &str,
        qualifier: Option<&str>,
    ) -> Result<Access> {
        let named = names::read(cx, given, qualifier)?;
        self.on_named(action, &named).await
    }

    pub(crate) async fn on_named(&self, action: &'static str, named: &Named) -> Result<Access> {
        let access = Access::on(action, &named.arn());
        let Some(known) = self.cache.function(&self.records, &named.function).await? else {
            return Ok(access);
        };
        let tags = known.record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let policy = known.policy(named.qualifier.as_deref());
        Ok(access.resource_tags(tags).with_policy(policy))
    }

    /// An action that is not on one version or alias.
    pub(crate) async fn on_function(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Access> {
        let mut named = names::read(cx, given, None)?;
        named.qualifier = None;
        self.on_named(action, &named).await
    }

    /// iam:PassRole, for whoever hands Lambda a role.
    pub(crate) fn passes_role(role: &str) -> Option<Access> {
        let role = Arn::parse(role).ok()?;
        Some(Access::on("iam:PassRole", &role).key("iam:PassedToService", PRINCIPAL))
    }
}

/// What is known of a function, ready for use.
pub(crate) struct Known {
    pub(crate) name: FunctionName,
    pub(crate) record: FunctionRecord,
    pub(crate) latest: Arc<VersionRecord>,
    policies: Vec<(String, Arc<Policy>)>,
}

impl Known {
    pub(crate) fn of(name: FunctionName, record: FunctionRecord) -> Known {
        let compiled = record.policies.iter().filter_map(|(qualifier, policy)| {
            let compiled = Policy::parse(&policy.document, &crate::policy::RULES).ok()?;
            Some((qualifier.clone(), Arc::new(compiled)))
        });
        let policies = compiled.collect();
        let latest = Arc::new(record.latest.clone());
        Known { name, record, latest, policies }
    }

    /// The policy of the function, or of one of its versions and aliases.
    pub(crate) fn policy(&self, qualifier: Option<&str>) -> Option<Arc<Policy>> {
        let wanted = qualifier.filter(|qualifier| *qualifier != names::LATEST).unwrap_or_default();
        self.policies.iter().find(|(own, _)| own == wanted).map(|(_, policy)| policy.clone())
    }
}
