use haneul_kit::metrics::Owner;
use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads};

use crate::CloudWatch;
use crate::error;
use crate::model::{METRIC_STREAMS, StreamRecord};

/// Of an account and Region. Source: "CloudWatch service quotas".
const STREAMS_MAX: usize = 1000;

impl CloudWatch {
    pub(crate) async fn stream(&self, owner: Owner, name: &str) -> Result<Option<StreamRecord>> {
        Ok(self.platform.store.get(&METRIC_STREAMS, &(owner.account, owner.region, name)).await?)
    }

    pub(crate) async fn streams(&self, owner: Owner) -> Result<Vec<(String, StreamRecord)>> {
        let range = Range::prefix((owner.account, owner.region));
        let found = self.platform.store.scan(&METRIC_STREAMS, range, STREAMS_MAX).await?;
        Ok(found.into_iter().map(|((_, _, name), stream)| (name, stream)).collect())
    }

    /// Streams of all accounts after one.
    pub(crate) async fn streams_after(
        &self,
        after: Option<&(Owner, String)>,
        limit: usize,
    ) -> Result<Vec<((Owner, String), StreamRecord)>> {
        let range = match after {
            Some((owner, name)) => Range::all().after(&(owner.account, owner.region, name.as_str())),
            None => Range::all(),
        };
        let found = self.platform.store.scan(&METRIC_STREAMS, range, limit).await?;
        let named = |((account, region, name), stream)| ((Owner { account, region }, name), stream);
        Ok(found.into_iter().map(named).collect())
    }

    /// Makes a stream, or gives the one of that name another configuration; whether it runs, what it has sent and its tags
    /// stay, unless tags are given for a new one.
    pub(crate) async fn put_stream(&self, owner: Owner, name: &str, stream: &StreamRecord) -> Result<()> {
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, name);
                let range = Range::prefix((owner.account, owner.region));
                let new = match tx.get(&METRIC_STREAMS, &key).await? {
                    Some(before) => StreamRecord {
                        running: before.running,
                        created_ms: before.created_ms,
                        sent_s: before.sent_s,
                        tags: before.tags,
                        ..stream.clone()
                    },
                    None if tx.scan_keys(&METRIC_STREAMS, range, STREAMS_MAX).await?.len() >= STREAMS_MAX => {
                        return Err(error::stream_limit());
                    }
                    None => stream.clone(),
                };
                Ok(tx.put(&METRIC_STREAMS, &key, &new)?)
            })
            .await
    }

    /// Changes a stream, if it is there.
    pub(crate) async fn change_stream(
        &self,
        owner: Owner,
        name: &str,
        change: impl Fn(&mut StreamRecord) -> Result<()> + Sync,
    ) -> Result<bool> {
        let change = &change;
        self.platform
            .store
            .transact(|tx| async move {
                let key = (owner.account, owner.region, name);
                let Some(mut stream) = tx.get(&METRIC_STREAMS, &key).await? else { return Ok(false) };
                change(&mut stream)?;
                tx.put(&METRIC_STREAMS, &key, &stream)?;
                Ok::<_, ApiError>(true)
            })
            .await
    }

    /// Deletes it if it is there.
    pub(crate) async fn delete_stream(&self, owner: Owner, name: &str) -> Result<()> {
        Ok(self.platform.store.delete(&METRIC_STREAMS, &(owner.account, owner.region, name)).await?)
    }
}
