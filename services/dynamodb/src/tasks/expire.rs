//! Deletes items whose time has come, as the service: the stream tells them from what clients delete.

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Range, Reads};

use super::ttl::{OLDEST_S, expiry_of_entry};
use crate::engine::keys;
use crate::engine::plan::{Action, Write};
use crate::error;
use crate::expression::condition::{Comparator, Condition, Operand};
use crate::expression::path::Path;
use crate::metrics::EXPIRED_ITEMS;
use crate::model::{ITEMS, RawPrefix, TABLES, TtlSettings};
use crate::store::Db;
use crate::store::write::OneFailure;
use crate::table::name::TableId;
use crate::value::{Number, Value};

pub(crate) struct Expire {
    db: Db,
}

const TABLES_PAGE: usize = 200;
const PAGE: usize = 200;

impl Expire {
    pub(crate) fn new(db: Db) -> Expire {
        Expire { db }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let (mut range, mut next) = (Range::all(), None);
        loop {
            let page = self.db.store.scan(&TABLES, range, TABLES_PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for (id, record) in page {
                let Some(ttl) = &record.ttl else { continue };
                if let Some(at) = self.expire(&id, ttl).await? {
                    next = Some(next.map_or(at, |next: Instant| next.min(at)));
                }
            }
        }
        self.db.note_expiry(next);
        Ok(next)
    }

    /// Deletes what is due; gives when the next item is.
    async fn expire(&self, id: &TableId, ttl: &TtlSettings) -> Result<Option<Instant>> {
        let now_s = self.db.env.now().secs();
        let (prefix, oldest) = (keys::of_space(ttl.space), u64::try_from(now_s - OLDEST_S).unwrap_or(0));
        let mut from = [&prefix[..], &oldest.to_be_bytes()].concat();
        loop {
            let range = Range::prefix(RawPrefix(&prefix)).from(&from[..]);
            let page = self.db.store.scan(&ITEMS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(None) };
            from = last.0.clone();
            from.push(0);
            for (at, stored) in page {
                let Some(expiry) = expiry_of_entry(&at.0) else { continue };
                if expiry > now_s {
                    return Ok(Some(Instant::from_secs(expiry)));
                }
                let Some(table) = self.db.find_table(id).await? else { return Ok(None) };
                if let Err(error) = self.db.open(&table).await {
                    // Its items go when its key can be used again.
                    tracing::warn!(table = id.2, %error, "items of a table cannot be expired");
                    return Ok(None);
                }
                let key = Arc::unwrap_or_clone(table.keeping().item(&at.0, stored)?);
                let write = Write {
                    by_service: true,
                    ..Write::of_key(table, key, Action::Delete, Some(due(ttl, now_s)))?
                };
                match self.db.write_one(write, true).await {
                    Ok(_) => {
                        let dimensions = [("TableName", id.2.as_str())];
                        let now = self.db.env.now();
                        self.db.metrics().record(EXPIRED_ITEMS, id.0, id.1, now, &dimensions, 1.0);
                    }
                    // It has another time by now, or none.
                    Err(OneFailure::Refused(_)) => {}
                    Err(OneFailure::Api(error)) => return Err(error),
                }
            }
        }
    }
}

/// Whether the item's time has come, when it is deleted.
fn due(ttl: &TtlSettings, now_s: i64) -> Condition {
    let attribute = Operand::Path(Path::of_name(ttl.attribute.as_str()));
    let next = Operand::Value(Value::N(Number::of_i64(now_s + 1)));
    Condition::Compare(Comparator::Lt, attribute, next)
}

impl Reconciler for Expire {
    fn name(&self) -> &'static str {
        "dynamodb expire"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        self.db.expiry_signal()
    }
}
