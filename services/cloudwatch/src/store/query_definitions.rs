use haneul_kit::metrics::Owner;
use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads};

use crate::CloudWatch;
use crate::error;
use crate::model::{QUERY_DEFINITIONS, QUERY_PATHS, QueryDefinition};

/// Of an account and Region. Source: PutMetricDataQueryDefinition.
const DEFINITIONS_MAX: usize = 1000;

impl CloudWatch {
    pub(crate) async fn query_definition(&self, owner: Owner, id: &str) -> Result<Option<QueryDefinition>> {
        Ok(self.platform.store.get(&QUERY_DEFINITIONS, &(owner.account, owner.region, id)).await?)
    }

    /// After an id, with one more than `limit`.
    pub(crate) async fn query_definitions(
        &self,
        owner: Owner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, QueryDefinition)>> {
        let range = Range::prefix((owner.account, owner.region));
        let range = match after {
            Some(id) => range.after(&(owner.account, owner.region, id)),
            None => range,
        };
        let found = self.platform.store.scan(&QUERY_DEFINITIONS, range, limit + 1).await?;
        Ok(found.into_iter().map(|((_, _, id), definition)| (id, definition)).collect())
    }

    /// Saves a new one, whose id nobody has.
    pub(crate) async fn add_query_definition(
        &self,
        owner: Owner,
        id: &str,
        definition: &QueryDefinition,
    ) -> Result<()> {
        self.platform
            .store
            .transact(|tx| async move {
                let range = Range::prefix((owner.account, owner.region));
                if tx.scan_keys(&QUERY_DEFINITIONS, range, DEFINITIONS_MAX).await?.len() >= DEFINITIONS_MAX {
                    return Err(error::query_definition_limit());
                }
                let path = (owner.account, owner.region, definition.path.as_str());
                if tx.get(&QUERY_PATHS, &path).await?.is_some() {
                    return Err(error::path_taken(&definition.path));
                }
                tx.put(&QUERY_PATHS, &path, &id.to_owned())?;
                Ok(tx.put(&QUERY_DEFINITIONS, &(owner.account, owner.region, id), definition)?)
            })
            .await
    }

    /// Changes one that is there; as it is then.
    pub(crate) async fn change_query_definition(
        &self,
        owner: Owner,
        id: &str,
        change: impl Fn(&mut QueryDefinition) -> Result<()> + Sync,
    ) -> Result<QueryDefinition> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, id);
                let found = tx.get(&QUERY_DEFINITIONS, &key).await?;
                let before = found.ok_or_else(|| error::query_definition_not_found(id))?;
                let mut definition = before.clone();
                change(&mut definition)?;
                if definition.path != before.path {
                    let path = (owner.account, owner.region, definition.path.as_str());
                    if tx.get(&QUERY_PATHS, &path).await?.is_some() {
                        return Err(error::path_taken(&definition.path));
                    }
                    tx.delete(&QUERY_PATHS, &(owner.account, owner.region, before.path.as_str()))?;
                    tx.put(&QUERY_PATHS, &path, &id.to_owned())?;
                }
                tx.put(&QUERY_DEFINITIONS, &key, &definition)?;
                Ok(definition)
            })
            .await
    }

    /// Deletes it if it is there.
    pub(crate) async fn delete_query_definition(&self, owner: Owner, id: &str) -> Result<()> {
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, id);
                let Some(definition) = tx.get(&QUERY_DEFINITIONS, &key).await? else { return Ok(()) };
                tx.delete(&QUERY_PATHS, &(owner.account, owner.region, definition.path.as_str()))?;
                Ok::<_, ApiError>(tx.delete(&QUERY_DEFINITIONS, &key)?)
            })
            .await
    }
}
