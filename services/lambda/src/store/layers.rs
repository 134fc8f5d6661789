use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::{Records, refer};
use crate::error;
use crate::model::function::PolicyRecord;
use crate::model::layer::{LAYER_VERSIONS, LAYERS, LayerRecord};
use crate::names::LayerName;

const LAYERS_MAX: usize = 100_000;

fn row(name: &LayerName, version: u64) -> (AccountId, Region, &str, u64) {
    (name.account, name.region, &name.name, version)
}

impl Records {
    /// Gives the number of the new version.
    pub(crate) async fn publish_layer(&self, name: &LayerName, record: &LayerRecord) -> Result<u64> {
        self.store
            .transact(|tx| async move {
                let version = tx.get(&LAYERS, &name.row()).await?.unwrap_or(1);
                tx.put(&LAYERS, &name.row(), &(version + 1))?;
                tx.put(&LAYER_VERSIONS, &row(name, version), record)?;
                refer(&tx, std::iter::once(record.code.blob), std::iter::empty()).await?;
                Ok(version)
            })
            .await
    }

    pub(crate) async fn layer(&self, name: &LayerName, version: u64) -> Result<Option<LayerRecord>> {
        Ok(self.store.get(&LAYER_VERSIONS, &row(name, version)).await?)
    }

    /// The versions of a layer, newest first.
    pub(crate) async fn layer_versions(&self, name: &LayerName) -> Result<Vec<(u64, LayerRecord)>> {
        let range = Range::prefix(name.row()).rev();
        let rows = self.store.scan(&LAYER_VERSIONS, range, LAYERS_MAX).await?;
        Ok(rows.into_iter().map(|((_, _, _, version), record)| (version, record)).collect())
    }

    /// Every layer version of an account and Region.
    pub(crate) async fn layers(
        &self,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<(String, u64, LayerRecord)>> {
        let rows = self.store.scan(&LAYER_VERSIONS, Range::prefix((account, region)), LAYERS_MAX).await?;
        Ok(rows.into_iter().map(|((_, _, name, version), record)| (name, version, record)).collect())
    }

    pub(crate) async fn delete_layer(&self, name: &LayerName, version: u64) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let Some(record) = tx.get(&LAYER_VERSIONS, &row(name, version)).await? else { return Ok(()) };
                refer(&tx, std::iter::empty(), std::iter::once(record.code.blob)).await?;
                Ok(tx.delete(&LAYER_VERSIONS, &row(name, version))?)
            })
            .await
    }

    pub(crate) async fn change_layer_policy<T: Send>(
        &self,
        name: &LayerName,
        version: u64,
        edit: impl Fn(&mut Option<PolicyRecord>) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let found = tx.get(&LAYER_VERSIONS, &row(name, version)).await?;
                let mut record = found.ok_or_else(|| no_layer(name, version))?;
                let done = edit(&mut record.policy)?;
                tx.put(&LAYER_VERSIONS, &row(name, version), &record)?;
                Ok(done)
            })
            .await
    }
}

pub(crate) fn no_layer(name: &LayerName, version: u64) -> haneul_kit::ApiError {
    error::not_found(format!("Layer version {} does not exist.", name.version_arn(version)))
}
