use std::sync::{Arc, Weak};

use haneul_env::Rng;
use haneul_kit::{ApiError, Platform, Result, Signal};
use haneul_roles::Sessions;
use haneul_store::Reads;
use tokio::sync::Mutex;

use crate::model::{INGESTED, Ingested};
use crate::queue::Queue;
use crate::sinks::Sinks;
use crate::tasks::insights::Looking;

/// The state of the service.
pub struct CloudTrail {
    pub(crate) platform: Platform,
    pub(crate) queue: Queue,
    pub(crate) sinks: Sinks,
    /// Ids of events: a generator of its own, so that records do not shift what others draw.
    pub(crate) ids: Rng,
    /// One batch at a time goes into the tables.
    pub(crate) taking: Mutex<()>,
    /// One run of deliveries at a time.
    pub(crate) delivering: Mutex<()>,
    pub(crate) ingesting: Signal,
    pub(crate) outgoing: Signal,
    pub(crate) querying: Signal,
    pub(crate) watching: Signal,
    /// One run of Insights at a time.
    pub(crate) looking: Mutex<Looking>,
    /// Chunks of the history by age, where memory is all there is.
    pub(crate) remembered: parking_lot::Mutex<crate::tasks::ingest::Remembered>,
    /// Sessions of the roles that write to log groups, by trail.
    pub(crate) sessions: Sessions<String>,
    /// Ourselves, for work that goes on after the answer.
    pub(crate) this: Weak<CloudTrail>,
}

/// The key of the only record in its table.
pub(crate) const JOURNAL: &str = "journal";

impl CloudTrail {
    /// Opens the journal and finds what was not yet in the tables.
    ///
    /// # Errors
    /// When the journal is damaged or missing, or the store cannot be read.
    pub async fn open(platform: &Platform) -> Result<Arc<CloudTrail>> {
        let known: Option<Ingested> = platform.store.get(&INGESTED, JOURNAL).await?;
        let queue = match &platform.data_dir {
            None => Queue::in_memory(known.unwrap_or_default()),
            Some(dir) => {
                let (env, dir) = (platform.env.clone(), dir.join("cloudtrail"));
                // Seeds need only differ from journal to journal.
                let seed = Rng::real().u64() as u32;
                let opening = tokio::task::spawn_blocking(move || Queue::open(&env, &dir, known, seed));
                opening.await.map_err(ApiError::internal)??
            }
        };
        if known.is_none() {
            // From now on a missing journal is damage.
            platform.store.put(&INGESTED, JOURNAL, &Ingested::default()).await?;
        }
        let trail = Arc::new_cyclic(|this| CloudTrail {
            platform: platform.clone(),
            queue,
            sinks: Sinks::default(),
            ids: Rng::seeded(platform.env.rng.u64()),
            taking: Mutex::new(()),
            delivering: Mutex::new(()),
            ingesting: Signal::default(),
            outgoing: Signal::default(),
            querying: Signal::default(),
            watching: Signal::default(),
            looking: Mutex::default(),
            remembered: parking_lot::Mutex::default(),
            sessions: Sessions::default(),
            this: this.clone(),
        });
        trail.reload_sinks().await?;
        Ok(trail)
    }
}
