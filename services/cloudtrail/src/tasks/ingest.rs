//! From the journal into the tables: the history that lookups read, the outboxes of trails, event data stores.
//!
//! A batch is one transaction with the number of its last record, so each record is taken once, whatever crashes.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{AccountId, BoxFuture, Instant, Reconciler, Region, Result, Signal};
use haneul_store::Batch as Writes;
use serde_json::Value;

use crate::CloudTrail;
use crate::chunk;
use crate::metering::Amounts;
use crate::model::{Chunk, ChunkKey, HISTORY, INGESTED, LAKE, OUTBOX};
use crate::queue::Pending;
use crate::record::BATCH_BYTES;
use crate::sinks::{Sink, Target};
use crate::store::{counting, outbox};
use crate::trail::JOURNAL;

/// Records wait for others so long.
const GATHER: Duration = Duration::from_secs(1);

/// What an ephemeral cloud keeps of its history, in compressed bytes: the oldest goes first.
const REMEMBERED_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Chunks of the history in the order in which they came, where memory is all there is.
#[derive(Default)]
pub(crate) struct Remembered {
    chunks: VecDeque<(ChunkKey, usize)>,
    bytes: usize,
}

/// Where a group of records goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    History,
    Outbox(String),
    /// What Insights counts.
    Count(String),
    Lake(String),
}

type Groups<'a> = BTreeMap<(Place, AccountId, Region), Vec<&'a Pending>>;

impl CloudTrail {
    /// Takes all that waits into the tables. On return every record that had its place before is there.
    pub(crate) async fn ingest(&self) -> Result<()> {
        let _one = self.taking.lock().await;
        let batch = self.queue.take();
        if batch.records.is_empty() {
            return Ok(());
        }
        match self.write(&batch.records, &batch.ingested).await {
            Ok(outgoing) => {
                self.queue.taken(batch.segment());
                if outgoing {
                    self.outgoing.wake();
                }
                Ok(())
            }
            Err(error) => {
                self.queue.put_back(batch);
                Err(error)
            }
        }
    }

    /// Whether any trail has something to deliver now.
    async fn write(&self, records: &[Pending], ingested: &crate::model::Ingested) -> Result<bool> {
        let (groups, amounts) = self.route(records).await?;
        let mut writes = Writes::default();
        let (mut outgoing, mut counted) = (false, false);
        let mut remembered = Vec::new();
        for ((place, account, region), records) in &groups {
            for records in cut(records) {
                let Some(first) = records.first() else { continue };
                let packed = chunk::encode(records.iter().map(|record| (record.at_ms, &record.json[..])));
                let size = packed.len();
                let key = |name: &str| (name.to_owned(), *account, *region, first.seq);
                match place {
                    Place::History => {
                        writes.put(&HISTORY, &key(""), &Chunk(packed))?;
                        remembered.push((key(""), size));
                    }
                    Place::Outbox(name) => {
                        writes.put(&OUTBOX, &key(name), &Chunk(packed))?;
                        outgoing = true;
                    }
                    Place::Count(name) => {
                        writes.put(&OUTBOX, &key(name), &Chunk(packed))?;
                        counted = true;
                    }
                    Place::Lake(id) => writes.put(&LAKE, &key(id), &Chunk(packed))?,
                }
            }
        }
        writes.put(&INGESTED, JOURNAL, ingested)?;
        self.platform.store.write(writes).await?;
        self.meter(amounts);
        if self.platform.data_dir.is_none() {
            self.forget_oldest(remembered).await?;
        }
        if counted {
            self.watching.wake();
        }
        Ok(outgoing)
    }

    async fn route<'a>(&self, records: &'a [Pending]) -> Result<(Groups<'a>, Amounts)> {
        let sinks = self.sinks.all();
        let mut organizations: HashMap<AccountId, Option<String>> = HashMap::new();
        let (mut groups, mut amounts) = (Groups::new(), Amounts::default());
        for record in records {
            let (account, region) = (record.account, record.region);
            if !record.data {
                groups.entry((Place::History, account, region)).or_default().push(record);
            }
            if sinks.is_empty() {
                continue;
            }
            if sinks.iter().any(Sink::is_of_organization) && !organizations.contains_key(&account) {
                organizations.insert(account, self.organization_of(account).await?);
            }
            let organization = organizations.get(&account).and_then(Option::as_deref);
            let looks = |sink: &Sink| sink.looks(None, true) && sink.covers(account, region, organization);
            if !record.data && sinks.iter().any(looks) {
                groups.entry((Place::Count(counting("")), account, region)).or_default().push(record);
            }
            let (mut event, mut took) = (None, Vec::new());
            for sink in sinks.iter().filter(|sink| sink.covers(account, region, organization)) {
                let event = event
                    .get_or_insert_with(|| serde_json::from_slice::<Value>(&record.json).unwrap_or_default());
                if !sink.takes(event) {
                    continue;
                }
                took.push(sink);
                let places = match &sink.target {
                    Target::Trail { id, logs } => {
                        let mut places = vec![Place::Outbox(outbox(id, false))];
                        places.extend(logs.then(|| Place::Outbox(outbox(id, true))));
                        let counts = record.data && sink.looks(None, false);
                        places.extend(counts.then(|| Place::Count(counting(id))));
                        places
                    }
                    Target::Store { id, .. } => vec![Place::Lake(id.clone())],
                };
                for place in places {
                    groups.entry((place, account, region)).or_default().push(record);
                }
            }
            if let Some(event) = &event {
                amounts.taken(record, event, took.into_iter());
            }
        }
        Ok((groups, amounts))
    }

    /// The organization that an account is in.
    pub(crate) async fn organization_of(&self, account: AccountId) -> Result<Option<String>> {
        let standing = self.platform.standing(account).await?;
        let membership = standing.and_then(|standing| standing.membership.clone());
        Ok(membership.map(|membership| membership.organization_id))
    }

    async fn forget_oldest(&self, new: Vec<(ChunkKey, usize)>) -> Result<()> {
        let mut gone = Writes::default();
        {
            let mut remembered = self.remembered.lock();
            remembered.bytes += new.iter().map(|(_, size)| size).sum::<usize>();
            remembered.chunks.extend(new);
            if remembered.bytes <= REMEMBERED_BYTES_MAX {
                return Ok(());
            }
            while remembered.bytes > REMEMBERED_BYTES_MAX {
                let Some((key, size)) = remembered.chunks.pop_front() else { break };
                remembered.bytes -= size;
                gone.delete(&HISTORY, &key)?;
            }
        }
        Ok(self.platform.store.write(gone).await?)
    }
}

/// Cuts records to chunks.
fn cut<'a, 'b>(records: &'b [&'a Pending]) -> Vec<&'b [&'a Pending]> {
    let (mut cuts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (i, record) in records.iter().enumerate() {
        bytes += record.json.len();
        if bytes >= chunk::BYTES {
            cuts.push(&records[start..=i]);
            (start, bytes) = (i + 1, 0);
        }
    }
    cuts.push(&records[start..]);
    cuts
}

pub(crate) struct Ingesting {
    trail: Arc<CloudTrail>,
    signal: Signal,
}

impl Ingesting {
    pub(crate) fn new(trail: Arc<CloudTrail>) -> Ingesting {
        let signal = trail.ingesting.clone();
        Ingesting { trail, signal }
    }
}

impl Reconciler for Ingesting {
    fn name(&self) -> &'static str {
        "cloudtrail.ingest"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let Some((bytes, oldest_ms)) = self.trail.queue.waiting() else { return Ok(None) };
            let due = Instant::from_millis(oldest_ms) + GATHER;
            if bytes < BATCH_BYTES && self.trail.platform.env.now() < due {
                return Ok(Some(due));
            }
            self.trail.ingest().await?;
            Ok(None)
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
