//! Policies of streams. They outlive the table, and a stream that was disabled, as long as the stream can be read.

use haneul_kit::Result;
use haneul_store::Reads;

use super::Db;
use super::tables::Failed;
use crate::error;
use crate::model::{PolicyRecord, STREAMS};
use crate::table::name::{self, TableId};

impl Db {
    /// Changes a stream's policy and returns what it was before and what it is now.
    pub(crate) async fn change_stream_policy(
        &self,
        id: &TableId,
        label: &str,
        edit: impl Fn(Option<&PolicyRecord>) -> Result<Option<PolicyRecord>> + Send + Sync,
    ) -> Result<(Option<PolicyRecord>, Option<PolicyRecord>)> {
        let (key, edit) = ((id.0, id.1, id.2.as_str(), label), &edit);
        let changed = self.store.transact(|tx| async move {
            let Some(mut stream) = tx.get(&STREAMS, &key).await? else { return Ok::<_, Failed>(None) };
            let now = edit(stream.policy.as_ref()).map_err(Failed::Api)?;
            let before = std::mem::replace(&mut stream.policy, now.clone());
            if before != now {
                tx.put(&STREAMS, &key, &stream)?;
            }
            Ok(Some((before, now)))
        });
        let missing = || error::no_stream(&format!("{}/stream/{label}", name::arn(id)));
        changed.await?.ok_or_else(missing)
    }
}
