//! Records of streams with their policies, kept until any of them changes: a reader asks for its stream with every call.

use std::sync::Arc;

use haneul_kit::{AccountId, Region, Result};
use haneul_policy::Policy;
use haneul_store::{Range, Reads};

use super::Db;
use super::kept::Kept;
use crate::error;
use crate::model::{STREAMS, StreamRecord};
use crate::table::TableInfo;
use crate::table::name::{self, TableId};

/// A stream as it is read.
pub(crate) struct StreamInfo {
    pub(crate) table: TableId,
    pub(crate) label: String,
    pub(crate) record: StreamRecord,
    /// For the evaluator.
    pub(crate) policy: Option<Arc<Policy>>,
}

/// By the table's id and the stream's label.
pub(super) type Cache = Kept<(AccountId, Region, String, String), StreamInfo>;

impl Db {
    /// `None` when there is no such stream, or nothing is left of it.
    pub(crate) async fn find_stream(&self, id: &TableId, label: &str) -> Result<Option<Arc<StreamInfo>>> {
        let cache = &self.shared.streams;
        let key = (id.0, id.1, id.2.clone(), label.to_owned());
        let version = match cache.find(&key) {
            Ok(info) => return Ok(Some(info)),
            Err(version) => version,
        };
        let Some(record) = self.store.get(&STREAMS, &key).await.map_err(error::store)? else {
            return Ok(None);
        };
        let document = record.policy.as_ref().map(|policy| &policy.document);
        let policy = document.and_then(|document| name::parse_policy(document).ok()).map(Arc::new);
        let (table, label) = (id.clone(), label.to_owned());
        Ok(Some(cache.keep(version, key, StreamInfo { table, label, record, policy })))
    }

    /// The label of the last stream that a table had, as long as something is left of it.
    pub(crate) async fn last_stream(&self, info: &TableInfo) -> Result<Option<String>> {
        let range = Range::prefix((info.account, info.region, &info.name)).rev();
        let found = self.store.scan(&STREAMS, range, 1).await.map_err(error::store)?;
        // Streams outlive their tables, and another table may have had the name.
        let own = |stream: &StreamRecord| stream.created_ms >= info.record.created_ms;
        Ok(found.into_iter().next().filter(|(_, stream)| own(stream)).map(|((.., label), _)| label))
    }
}

#[cfg(test)]
mod tests {
    use haneul_kit::platform::Config;
    use haneul_kit::{Env, Platform, Seal};
    use haneul_store::Store;

    use super::*;
    use crate::model::PolicyRecord;

    const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*",
        "Action": "dynamodb:GetRecords", "Resource": "*"}}"#;

    #[tokio::test]
    async fn a_stream_is_read_once_and_again_when_it_changes() {
        let (env, store) = (Env::simulated(3), Store::memory());
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform =
            Platform::new(env.clone(), store, haneul_blob::Blobs::memory(&env), None, seal, config);
        let db = Db::new(&platform);
        let id: TableId = ("111111111111".parse().unwrap(), Region::US_EAST_1, "tab".to_owned());
        assert!(db.find_stream(&id, "label").await.unwrap().is_none());
        let record = StreamRecord {
            log: 7,
            view: "NEW_IMAGE".into(),
            created_ms: 0,
            ended_ms: None,
            key_schema: Vec::new(),
            sse: None,
            policy: None,
            lanes: Vec::new(),
        };
        let (record, key) = (&record, &(id.0, id.1, "tab".to_owned(), "label".to_owned()));
        db.store.transact(|tx| async move { tx.put(&STREAMS, key, record) }).await.unwrap();
        let first = db.find_stream(&id, "label").await.unwrap().unwrap();
        assert!(first.policy.is_none());
        assert!(Arc::ptr_eq(&first, &db.find_stream(&id, "label").await.unwrap().unwrap()));
        let policy = || PolicyRecord { document: POLICY.into(), revision: "1".into() };
        db.change_stream_policy(&id, "label", |_| Ok(Some(policy()))).await.unwrap();
        let second = db.find_stream(&id, "label").await.unwrap().unwrap();
        assert!(second.policy.is_some() && second.record.policy == Some(policy()));
    }
}
