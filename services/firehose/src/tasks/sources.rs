use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::PAGE;
use crate::Firehose;
use crate::source::Reader;

/// Has the source of every stream read. Who reads ends when the stream is gone.
pub(crate) struct Sources {
    state: Arc<Firehose>,
    /// By the stream's id.
    reading: Mutex<HashMap<u64, JoinHandle<()>>>,
}

impl Sources {
    pub(crate) fn new(state: Arc<Firehose>) -> Sources {
        Sources { state, reading: Mutex::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let state = &self.state;
        self.reading.lock().retain(|_, reader| !reader.is_finished());
        let mut after = None;
        loop {
            let page = state.records.page(after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(None) };
            after = Some(last.clone());
            for (key, stream) in page {
                let Some(source) = stream.source else { continue };
                let since = Instant::from_millis(stream.created_ms);
                self.reading.lock().entry(stream.id).or_insert_with(|| {
                    let reader = Reader { state: state.clone(), key, id: stream.id, source, since };
                    state.platform.env.spawn("firehose source", reader.run())
                });
            }
        }
    }
}

impl Reconciler for Sources {
    fn name(&self) -> &'static str {
        "firehose sources"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.state.sources
    }
}
