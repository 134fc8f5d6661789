//! Dashboards and anomaly detectors.

use haneul_kit::metrics::Owner;
use haneul_kit::{AccountId, ApiError, Result};
use haneul_store::{Range, Reads};

use crate::CloudWatch;
use crate::error;
use crate::model::{DASHBOARDS, DETECTORS, Dashboard, Detector, DetectorSource};
use crate::series::Identity;

/// Detectors of an account and Region; AWS's quota is one for each metric and statistic.
const DETECTORS_MAX: usize = 10_000;

impl CloudWatch {
    pub(crate) async fn put_dashboard(
        &self,
        account: AccountId,
        name: &str,
        dashboard: &Dashboard,
        keep_tags: bool,
    ) -> Result<()> {
        self.platform
            .store
            .transact(|tx| async move {
                let mut dashboard = dashboard.clone();
                if keep_tags && let Some(before) = tx.get(&DASHBOARDS, &(account, name)).await? {
                    dashboard.tags = before.tags;
                }
                Ok(tx.put(&DASHBOARDS, &(account, name), &dashboard)?)
            })
            .await
    }

    pub(crate) async fn dashboard(&self, account: AccountId, name: &str) -> Result<Option<Dashboard>> {
        Ok(self.platform.store.get(&DASHBOARDS, &(account, name)).await?)
    }

    pub(crate) async fn change_dashboard_tags(
        &self,
        account: AccountId,
        name: &str,
        change: impl Fn(&mut Vec<(String, String)>) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let found = tx.get(&DASHBOARDS, &(account, name)).await?;
                let mut dashboard = found.ok_or_else(|| error::resource_not_found("Dashboard", name))?;
                change(&mut dashboard.tags)?;
                Ok(tx.put(&DASHBOARDS, &(account, name), &dashboard)?)
            })
            .await
    }

    pub(crate) async fn dashboards(
        &self,
        account: AccountId,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Dashboard)>> {
        let range = Range::prefix((account,)).text(prefix);
        let range = match after {
            Some(after) => range.after(&(account, after)),
            None => range,
        };
        let found = self.platform.store.scan(&DASHBOARDS, range, limit).await?;
        Ok(found.into_iter().map(|((_, name), dashboard)| (name, dashboard)).collect())
    }

    /// All of them, or none when one does not exist.
    pub(crate) async fn delete_dashboards(&self, account: AccountId, names: &[String]) -> Result<()> {
        self.platform
            .store
            .transact(|tx| async move {
                for name in names {
                    let key = (account, name.as_str());
                    if tx.get(&DASHBOARDS, &key).await?.is_none() {
                        return Err(error::dashboard_not_found(name));
                    }
                    tx.delete(&DASHBOARDS, &key)?;
                }
                Ok(())
            })
            .await
    }

    pub(crate) async fn detectors(&self, owner: Owner) -> Result<Vec<(String, Detector)>> {
        let range = Range::prefix((owner.account, owner.region));
        let found = self.platform.store.scan(&DETECTORS, range, DETECTORS_MAX).await?;
        Ok(found.into_iter().map(|((_, _, id), detector)| (id, detector)).collect())
    }

    /// The detector of a metric and statistic.
    pub(crate) async fn detector_of(
        &self,
        owner: Owner,
        metric: &Identity,
        stat: &str,
    ) -> Result<Option<Detector>> {
        let wanted = DetectorSource::Single {
            namespace: metric.namespace.clone(),
            name: metric.name.clone(),
            dimensions: metric.dimensions.clone(),
            statistic: stat.to_owned(),
        };
        let all = self.detectors(owner).await?;
        Ok(all.into_iter().find(|(_, detector)| detector.watched == wanted).map(|(_, detector)| detector))
    }

    /// Puts a detector, in the place of the one that watches the same. Answers with its id.
    pub(crate) async fn put_detector(&self, owner: Owner, detector: &Detector) -> Result<String> {
        let proposed = self.platform.env.rng.uuid();
        let proposed = &proposed;
        self.platform
            .store
            .transact(|tx| async move {
                let range = Range::prefix((owner.account, owner.region));
                let known = tx.scan(&DETECTORS, range, DETECTORS_MAX).await?;
                let same = known.iter().find(|(_, other)| other.watched == detector.watched);
                let id = same.map_or_else(|| proposed.clone(), |((_, _, id), _)| id.clone());
                if same.is_none() && known.len() >= DETECTORS_MAX {
                    return Err(ApiError::new(
                        haneul_cloudwatch_wire::values::error::LIMIT_EXCEEDED_EXCEPTION,
                        "The quota of anomaly detectors for this account has been reached.",
                    ));
                }
                tx.put(&DETECTORS, &(owner.account, owner.region, id.as_str()), detector)?;
                Ok(id)
            })
            .await
    }

    pub(crate) async fn delete_detector(
        &self,
        owner: Owner,
        wanted: impl Fn(&str, &Detector) -> bool,
    ) -> Result<()> {
        let all = self.detectors(owner).await?;
        let found = all.iter().find(|(id, detector)| wanted(id, detector));
        let (id, _) = found.ok_or_else(error::detector_not_found)?;
        Ok(self.platform.store.delete(&DETECTORS, &(owner.account, owner.region, id.as_str())).await?)
    }
}
