//! SSESpecification of CreateTable, UpdateTable and restores.

use haneul_dynamodb_wire::shapes::SSESpecification;
use haneul_kit::{Cx, Result};

use super::Dynamodb;
use crate::error::{self, invalid};
use crate::model::SseRecord;
use crate::table::define::{self, Encryption};
use crate::table::name::TableId;

impl Dynamodb {
    /// Of a new table; by default as `source`, which a restore takes it from.
    pub(super) async fn new_encryption(
        &self,
        cx: &Cx,
        id: &TableId,
        given: Option<&SSESpecification>,
        source: Option<&SseRecord>,
    ) -> Result<Option<SseRecord>> {
        let key = match given.map(define::encryption).transpose()? {
            Some(Encryption::Own) => return Ok(None),
            Some(Encryption::Kms(key)) => key,
            None => match source.filter(|sse| sse.on) {
                Some(sse) => Some(sse.key_arn.as_str()),
                None => return Ok(None),
            },
        };
        let made = self.db.new_data_key(cx, id, key).await?;
        Ok(Some(SseRecord { settled: true, ..made }))
    }

    /// Of a table that is to be restored: who restores must be allowed to read what is restored.
    pub(super) async fn restored_encryption(
        &self,
        cx: &Cx,
        id: &TableId,
        given: Option<&SSESpecification>,
        source: Option<&SseRecord>,
    ) -> Result<Option<SseRecord>> {
        if let Some(sse) = source {
            self.db.key_for(cx, sse).await?;
        }
        if source.is_some() || given.is_some() {
            let taken = self.db.find_table(id).await?.is_some();
            if taken {
                return Err(super::backups::exists(error::in_use(format!("Table already exists: {}", id.2))));
            }
        }
        self.new_encryption(cx, id, given, source).await
    }

    /// Of a table that is there: how it is to be, from now on.
    pub(super) async fn changed_encryption(
        &self,
        cx: &Cx,
        id: &TableId,
        given: &SSESpecification,
    ) -> Result<SseRecord> {
        let wanted = define::encryption(given)?;
        let old = self.db.named_table(id).await?.record.sse.clone();
        match (wanted, old) {
            (Encryption::Kms(key), None) => self.db.new_data_key(cx, id, key).await,
            (Encryption::Kms(key), Some(old)) => {
                let same = |key: &str| old.key_arn == key || old.key_arn.ends_with(&format!(":key/{key}"));
                if old.on && key.is_some_and(same) {
                    return Err(invalid(
                        "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want \
                         to change Master Key",
                    ));
                }
                let settled = old.on && old.settled;
                let made = self.db.wrapped_again(cx, id, &old, key).await?;
                if !self.db.needs_grant(id, &old).await? {
                    self.db.retire(&old).await;
                }
                Ok(SseRecord { settled, ..made })
            }
            (Encryption::Own, Some(old)) if old.on => Ok(SseRecord { on: false, settled: false, ..old }),
            (Encryption::Own, _) => Err(invalid("Table is already encrypted by default")),
        }
    }
}
