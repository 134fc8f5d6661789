use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::Lambda;
use crate::names::FunctionName;

/// Events under way at once, in all and of one function: a busy function must not keep the others waiting.
const UNDER_WAY_MAX: usize = 256;
const OF_FUNCTION_MAX: usize = 64;

/// Events looked at in one run; those of functions that are busy are passed over.
const LOOKED_AT_MAX: usize = 20_000;
const PAGE: usize = 500;

/// What failed for reasons of ours is looked at again after this.
const AGAIN: Duration = Duration::from_secs(5);

/// Delivers events when they are due.
pub(crate) struct Events {
    lambda: Arc<Lambda>,
    under_way: Arc<Mutex<UnderWay>>,
}

#[derive(Default)]
struct UnderWay {
    events: HashSet<u64>,
    functions: HashMap<FunctionName, usize>,
}

impl Events {
    pub(crate) fn new(lambda: Arc<Lambda>) -> Events {
        Events { lambda, under_way: Arc::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let (lambda, env) = (&self.lambda, &self.lambda.platform.env);
        let now = env.now();
        let (mut after, mut looked_at) = (None, 0);
        loop {
            let page = lambda.records.events_due(now, after, PAGE).await?;
            let length = page.len();
            for (row, event) in page {
                after = Some(row);
                let name = event.named().map(|named| named.function);
                if !self.begin(row.1, name.as_ref()) {
                    continue;
                }
                let (lambda, under_way) = (lambda.clone(), self.under_way.clone());
                env.spawn("lambda event", async move {
                    let _ends = Ends { under_way, event: row.1, name, wake: lambda.wake.events.clone() };
                    if let Err(error) = lambda.deliver(row).await {
                        tracing::error!(%error, "an event's delivery failed and is tried again");
                        let env = lambda.platform.env.clone();
                        tokio::select! {
                            () = env.clock.sleep(AGAIN) => {}
                            () = env.tasks.stopping() => {}
                        }
                    }
                });
            }
            looked_at += length;
            let full = self.under_way.lock().events.len() >= UNDER_WAY_MAX;
            if full || length < PAGE || looked_at >= LOOKED_AT_MAX {
                return lambda.records.next_event(now).await;
            }
        }
    }

    fn begin(&self, event: u64, name: Option<&FunctionName>) -> bool {
        let under_way = &mut *self.under_way.lock();
        if under_way.events.len() >= UNDER_WAY_MAX || under_way.events.contains(&event) {
            return false;
        }
        if let Some(name) = name {
            let of_function = under_way.functions.entry(name.clone()).or_default();
            if *of_function >= OF_FUNCTION_MAX {
                return false;
            }
            *of_function += 1;
        }
        under_way.events.insert(event)
    }
}

/// Takes an event off the list of those under way, however its delivery ended.
struct Ends {
    under_way: Arc<Mutex<UnderWay>>,
    event: u64,
    name: Option<FunctionName>,
    wake: Signal,
}

impl Drop for Ends {
    fn drop(&mut self) {
        {
            let under_way = &mut *self.under_way.lock();
            under_way.events.remove(&self.event);
            if let Some(name) = &self.name
                && let Some(count) = under_way.functions.get_mut(name)
            {
                *count -= 1;
                if *count == 0 {
                    under_way.functions.remove(name);
                }
            }
        }
        self.wake.wake();
    }
}

impl Reconciler for Events {
    fn name(&self) -> &'static str {
        "lambda events"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.lambda.wake.events
    }
}
