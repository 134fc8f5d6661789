//! Anomaly detectors, what they learned and what they found. Both have words of log events in them, so they are sealed.

use haneul_kit::{AccountId, ApiError, Region, Result, Seal};
use haneul_store::{Batch, Range, Reads};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Records;
use crate::anomaly::{Anomaly, Model};
use crate::error;
use crate::model::{ANOMALIES, DETECTORS, Detector, LEARNED};

pub(crate) type DetectorKey = (AccountId, Region, String);

/// Detectors of an account in a Region. Source: CloudWatch Logs quotas, "Log anomaly detectors".
const DETECTORS_MAX: usize = 500;
/// Anomalies that are kept of one detector: the oldest go first.
pub(crate) const ANOMALIES_MAX: usize = 500;
const PURPOSE: &str = "logs anomalies";

fn open<T: DeserializeOwned>(seal: &Seal, sealed: &str) -> Result<T> {
    let plain = seal.open(PURPOSE, sealed).ok_or_else(|| ApiError::internal("anomalies do not open"))?;
    serde_json::from_slice(&plain).map_err(ApiError::internal)
}

fn close(seal: &Seal, value: &impl Serialize) -> Result<String> {
    Ok(seal.seal(PURPOSE, &serde_json::to_vec(value).map_err(ApiError::internal)?))
}

impl Records {
    pub(crate) async fn detector(&self, key: &DetectorKey) -> Result<Detector> {
        self.store.get(&DETECTORS, key).await?.ok_or_else(error::detector_not_found)
    }

    pub(crate) async fn find_detector(&self, key: &DetectorKey) -> Result<Option<Detector>> {
        Ok(self.store.get(&DETECTORS, key).await?)
    }

    pub(crate) async fn detectors(&self, owner: (AccountId, Region)) -> Result<Vec<(DetectorKey, Detector)>> {
        Ok(self.store.scan(&DETECTORS, Range::prefix(owner), DETECTORS_MAX).await?)
    }

    pub(crate) async fn every_detector(&self) -> Result<Vec<(DetectorKey, Detector)>> {
        Ok(self.store.scan(&DETECTORS, Range::all(), usize::MAX).await?)
    }

    pub(crate) async fn create_detector(&self, key: &DetectorKey, detector: &Detector) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let there = tx.scan_keys(&DETECTORS, Range::prefix((key.0, key.1)), DETECTORS_MAX).await?;
                if there.len() >= DETECTORS_MAX {
                    return Err(error::too_many("500 log anomaly detectors for each Region"));
                }
                Ok(tx.put(&DETECTORS, key, detector)?)
            })
            .await
    }

    pub(crate) async fn change_detector(
        &self,
        key: &DetectorKey,
        change: impl Fn(&mut Detector) -> Result<()> + Sync,
    ) -> Result<Detector> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let found = tx.get(&DETECTORS, key).await?;
                let mut detector = found.ok_or_else(error::detector_not_found)?;
                change(&mut detector)?;
                tx.put(&DETECTORS, key, &detector)?;
                Ok::<_, ApiError>(detector)
            })
            .await
    }

    pub(crate) async fn delete_detector(&self, key: &DetectorKey) -> Result<()> {
        self.detector(key).await?;
        let mut batch = Batch::default();
        batch.delete(&DETECTORS, key)?;
        batch.delete(&LEARNED, &key.2)?;
        let found = Range::prefix((key.2.clone(),));
        for at in self.store.scan_keys(&ANOMALIES, found, usize::MAX).await? {
            batch.delete(&ANOMALIES, &at)?;
        }
        Ok(self.store.write(batch).await?)
    }

    pub(crate) async fn learned(&self, seal: &Seal, detector: &str) -> Result<Model> {
        match self.store.get(&LEARNED, detector).await? {
            Some(sealed) => open(seal, &sealed),
            None => Ok(Model::default()),
        }
    }

    pub(crate) async fn anomalies(&self, seal: &Seal, detector: &str) -> Result<Vec<Anomaly>> {
        let rows = self.store.scan(&ANOMALIES, Range::prefix((detector.to_owned(),)), usize::MAX).await?;
        rows.iter().map(|(_, sealed)| open(seal, sealed)).collect()
    }

    /// What an evaluation came to, or what a caller said of anomalies: those that changed, those that go, the model if it changed, and the detector.
    pub(crate) async fn write_anomalies(
        &self,
        seal: &Seal,
        key: &DetectorKey,
        (model, changed, gone): (Option<&Model>, &[Anomaly], &[String]),
        detector: impl Fn(&mut Detector) + Sync,
    ) -> Result<()> {
        let model = match model {
            Some(model) => Some(close(seal, model)?),
            None => None,
        };
        let mut sealed = Vec::new();
        for anomaly in changed {
            sealed.push(((key.2.clone(), anomaly.id.clone()), close(seal, anomaly)?));
        }
        let (model, sealed, change) = (&model, &sealed, &detector);
        self.store
            .transact(|tx| async move {
                // Deleted meanwhile: nothing comes back.
                let Some(mut detector) = tx.get(&DETECTORS, key).await? else { return Ok(()) };
                change(&mut detector);
                tx.put(&DETECTORS, key, &detector)?;
                if let Some(model) = model {
                    tx.put(&LEARNED, &key.2, model)?;
                }
                for (at, anomaly) in sealed {
                    tx.put(&ANOMALIES, at, anomaly)?;
                }
                for id in gone {
                    tx.delete(&ANOMALIES, &(key.2.clone(), id.clone()))?;
                }
                Ok::<_, ApiError>(())
            })
            .await
    }
}
