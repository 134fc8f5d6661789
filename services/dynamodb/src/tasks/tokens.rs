//! Forgets the tokens of transactions when they are no longer good for anything.

use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Batch, Range, Reads};

use crate::error;
use crate::model::TOKENS;
use crate::store::Db;
use crate::store::write::TOKEN_MS;

pub(crate) struct Tokens {
    db: Db,
    signal: Signal,
}

const PAGE: usize = 1_000;

impl Tokens {
    pub(crate) fn new(db: Db) -> Tokens {
        Tokens { db, signal: Signal::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let now = self.db.env.now();
        let mut range = Range::all();
        loop {
            let page = self.db.store.scan(&TOKENS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            let mut batch = Batch::default();
            for (key, _) in page.iter().filter(|(_, token)| token.at_ms + TOKEN_MS <= now.millis()) {
                batch.delete(&TOKENS, key).map_err(error::store)?;
            }
            self.db.store.write(batch).await.map_err(error::store)?;
        }
        Ok(Some(now + Duration::from_millis(TOKEN_MS.unsigned_abs())))
    }
}

impl Reconciler for Tokens {
    fn name(&self) -> &'static str {
        "dynamodb tokens"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
