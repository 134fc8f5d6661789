use haneul_kit::{Access, AccountId, Cx, Platform, Region, Result, Signal};

use crate::analyze::Zone;
use crate::error;
use crate::model::{ANALYZERS, Analyzer};
use crate::render::analyzer_arn;
use crate::store::State;

/// The state of the service.
pub struct AccessAnalyzer {
    pub(crate) platform: Platform,
    pub(crate) state: State,
    /// Wakes the reconciler: something is to be looked at now.
    pub(crate) work: Signal,
    /// As [`AccessAnalyzer::work`], for policy generations.
    pub(crate) jobs: Signal,
}

impl AccessAnalyzer {
    pub(crate) fn new(platform: &Platform) -> AccessAnalyzer {
        AccessAnalyzer {
            platform: platform.clone(),
            state: State { store: platform.store.clone() },
            work: Signal::default(),
            jobs: Signal::default(),
        }
    }

    /// An action on an analyzer, by name.
    pub(crate) async fn on(&self, cx: &Cx, action: &'static str, name: &str) -> Result<Access> {
        let found = self.state.find(cx.account(), cx.region(), name).await?;
        let access = Access::on(action, &analyzer_arn(cx.account(), cx.region(), name));
        let tags = found.map(|found| found.tags).unwrap_or_default();
        Ok(access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))))
    }

    /// The name in the ARN of an analyzer of the caller's account and Region.
    ///
    /// # Errors
    /// As of one that does not exist, for every other ARN.
    pub(crate) fn name(cx: &Cx, arn: &str) -> Result<String> {
        let prefix = analyzer_arn(cx.account(), cx.region(), "").to_string();
        let name = arn.strip_prefix(&prefix).filter(|name| !name.is_empty() && !name.contains('/'));
        name.map(str::to_owned).ok_or_else(|| error::not_found(arn, "ANALYZER"))
    }

    pub(crate) async fn analyzer(&self, cx: &Cx, name: &str) -> Result<Analyzer> {
        let found = self.state.find(cx.account(), cx.region(), name).await?;
        found.ok_or_else(|| error::not_found(name, "ANALYZER"))
    }

    /// Whom an analyzer trusts, and whose resources it looks at.
    pub(crate) async fn zone(&self, account: AccountId, analyzer: &Analyzer) -> Result<Zone> {
        let Some(organization) = &analyzer.organization else {
            return Ok(Zone { accounts: vec![account], organization: None });
        };
        let mut accounts = vec![account];
        for member in self.members(account).await? {
            if !accounts.contains(&member) {
                accounts.push(member);
            }
        }
        Ok(Zone { accounts, organization: Some(organization.clone()) })
    }

    /// For what only analyzers of external access do.
    pub(crate) async fn external(&self, cx: &Cx, name: &str, operation: &str) -> Result<Analyzer> {
        let analyzer = self.analyzer(cx, name).await?;
        match analyzer.unused {
            Some(_) => Err(error::external_only(operation)),
            None => Ok(analyzer),
        }
    }

    /// Every analyzer of the cloud.
    pub(crate) async fn all(&self) -> Result<Vec<((AccountId, Region, String), Analyzer)>> {
        use haneul_store::Reads;
        Ok(self.state.store.scan(&ANALYZERS, haneul_store::Range::all(), crate::store::LIST_MAX).await?)
    }
}
