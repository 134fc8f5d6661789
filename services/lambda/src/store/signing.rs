use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use crate::error;
use crate::model::{SIGNING, SigningRecord};

impl Records {
    pub(crate) async fn signing(&self, at: &(AccountId, Region, String)) -> Result<SigningRecord> {
        let found = self.store.get(&SIGNING, at).await?;
        found.ok_or_else(|| {
            let (account, region, id) = at;
            error::signing_not_found(format!(
                "The Lambda code signing configuration arn:aws:lambda:{region}:{account}:code-signing-config:{id} \
                 can not be found."
            ))
        })
    }

    pub(crate) async fn put_signing(
        &self,
        at: &(AccountId, Region, String),
        record: &SigningRecord,
    ) -> Result<()> {
        Ok(self.store.put(&SIGNING, at, record).await?)
    }

    pub(crate) async fn delete_signing(&self, at: &(AccountId, Region, String)) -> Result<()> {
        Ok(self.store.delete(&SIGNING, at).await?)
    }

    pub(crate) async fn signings(
        &self,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<(String, SigningRecord)>> {
        let rows = self.store.scan(&SIGNING, Range::prefix((account, region)), super::PAGE).await?;
        Ok(rows.into_iter().map(|((_, _, id), record)| (id, record)).collect())
    }
}
