//! Brings the changes of tables to their Kinesis streams: every change, in the order of each item's changes, at least once.
//!
//! Changes lie in a log of the destination's own, in the commits of the items (`store::write`). Whoever brings them asks
//! for a page of the log, sends it, and forgets it when all of it has arrived. In one call there is never a second change
//! of an item, because a stream may refuse some of a call's records and take others after them. What a stream does not
//! take is tried again for a day, and writes never wait for it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use haneul_kinesis_wire::operations as kinesis;
use haneul_kinesis_wire::shapes as k;
use haneul_kit::metrics::Metric;
use haneul_kit::{ApiError, BoxFuture, Instant, Platform, Reconciler, Result, Signal};
use haneul_store::{Range, Reads};
use parking_lot::Mutex;

use crate::engine::keys;
use crate::error;
use crate::metrics::{CAPTURE_AGE, CAPTURE_FAILED, CAPTURE_THROTTLED, CAPTURE_UNITS};
use crate::model::{DELIVERIES, DeliveryRecord, LOG, RawKey, RawPrefix};
use crate::roles::Sessions;
use crate::store::Db;
use crate::store::seal::Keeping;
use crate::stream::event::{Origin, partition_key};
use crate::stream::read::{KEPT_MS, horizon};
use crate::stream::sequence::{self, PER_MS};
use crate::table::name::{self, TableId};

/// What the metrics call what is done here.
const OPERATION: &str = "ChangeDataCaptureForKinesisDataStreams";

/// Records and bytes of one call, and bytes of one record with its key. Source: Kinesis API reference, "PutRecords".
const CALL_RECORDS_MAX: usize = 500;
const CALL_BYTES_MAX: usize = 5 * 1024 * 1024;
const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// Changes of one page of a log, about the bytes that it has at most, and how many changes are read at once: one may have
/// two images of 400 KB.
const PAGE: usize = 100;
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
const STEP: usize = 20;

/// Pages that one stream gets before the others have their turn.
const TURN_PAGES_MAX: usize = 20;

const DELIVERIES_PAGE: usize = 500;

/// Streams that are told at once.
const CONCURRENT_MAX: usize = 8;

/// When a stream that refused records is asked again, and one that could not be asked at all.
const THROTTLED_RETRY: Duration = Duration::from_millis(500);
const RETRY: Duration = Duration::from_secs(10);

/// One unit of change data capture is a kilobyte of a change.
const UNIT_BYTES: usize = 1024;

pub(crate) struct Deliver {
    db: Db,
    sessions: Sessions,
    /// Who is not asked again before then, whatever was written meanwhile.
    held: Mutex<HashMap<To, Instant>>,
}

/// A change on its way.
struct Sent {
    number: u64,
    /// Where its item lies: what tells items apart.
    item: Vec<u8>,
    entry: k::PutRecordsRequestEntry,
    units: usize,
    arrived: bool,
}

/// How a turn of a stream ended.
enum Turn {
    /// There is nothing left for now.
    Done,
    /// Nor will there be: the log is none any more.
    Ended,
    /// Others have their turn.
    More,
    Throttled,
}

/// Whose changes go where: the ARNs of a table and of a stream.
type To = (String, String);

/// Who is to be looked at, in the order in which it was asked for.
#[derive(Default)]
struct Asked {
    waiting: VecDeque<To>,
    standing: HashMap<To, Standing>,
}

enum Standing {
    Waiting,
    UnderWay,
    /// Asked for again meanwhile: what is new may be behind what was looked at.
    Behind,
}

impl Asked {
    fn ask(&mut self, to: &To) {
        match self.standing.get_mut(to) {
            Some(Standing::Waiting) => {}
            Some(standing) => *standing = Standing::Behind,
            None => {
                self.standing.insert(to.clone(), Standing::Waiting);
                self.waiting.push_back(to.clone());
            }
        }
    }

    fn begin(&mut self) -> Option<To> {
        let to = self.waiting.pop_front()?;
        self.standing.insert(to.clone(), Standing::UnderWay);
        Some(to)
    }

    fn end(&mut self, to: &To) {
        if let Some(Standing::Behind) = self.standing.remove(to) {
            self.ask(to);
        }
    }

    /// What was asked for meanwhile waits too.
    fn hold(&mut self, to: &To) {
        self.standing.remove(to);
    }
}

impl Deliver {
    pub(crate) fn new(db: Db, platform: Platform) -> Deliver {
        Deliver { db, sessions: Sessions::new(platform), held: Mutex::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let (env, mut asked, mut under_way) = (&self.db.env, Asked::default(), FuturesUnordered::new());
        let mut known = self.known().await?;
        let mut due = self.ask_all(&mut asked, &known);
        loop {
            while under_way.len() < CONCURRENT_MAX
                && let Some(to) = asked.begin()
            {
                let logs = known.get(&to).cloned().unwrap_or_default();
                under_way.push(async move { (self.bring(&to, logs).await, to) });
            }
            if under_way.is_empty() {
                return Ok(due);
            }
            let timer = async {
                match due {
                    Some(at) => env.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            // One stream that is slow must not keep the others waiting.
            tokio::select! {
                biased;
                () = env.tasks.stopping() => {
                    // What was begun is ended, so that it is not told twice.
                    under_way.for_each(|_| std::future::ready(())).await;
                    return Ok(None);
                }
                Some((after, to)) = under_way.next() => {
                    match after {
                        Some(after) if after > Duration::ZERO => {
                            let at = env.now() + after;
                            asked.hold(&to);
                            self.held.lock().insert(to, at);
                            due = due.into_iter().chain([at]).min();
                        }
                        after => {
                            asked.end(&to);
                            if after.is_some() {
                                asked.ask(&to);
                            }
                        }
                    }
                }
                () = self.db.delivery().woken() => {
                    known = self.known().await?;
                    due = self.ask_all(&mut asked, &known);
                }
                () = timer => due = self.ask_all(&mut asked, &known),
            }
        }
    }

    /// Asks for all who may be asked now. Gives when the next one may be.
    fn ask_all(&self, asked: &mut Asked, known: &BTreeMap<To, Vec<u64>>) -> Option<Instant> {
        let (now, mut held) = (self.db.env.now(), self.held.lock());
        held.retain(|to, at| *at > now && known.contains_key(to));
        known.keys().filter(|to| !held.contains_key(*to)).for_each(|to| asked.ask(to));
        held.values().min().copied()
    }

    /// The logs of each destination, the earliest first.
    async fn known(&self) -> Result<BTreeMap<To, Vec<u64>>> {
        let (mut range, mut known) = (Range::all(), BTreeMap::<To, Vec<u64>>::new());
        loop {
            let page = self.db.store.scan(&DELIVERIES, range, DELIVERIES_PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { return Ok(known) };
            range = Range::all().after(last);
            for (log, delivery) in page {
                known.entry((delivery.table_arn, delivery.stream_arn)).or_default().push(log);
            }
        }
    }

    /// Brings one table's changes to one stream. Says when it is to be tried again, if it is.
    async fn bring(&self, (table, stream): &To, logs: Vec<u64>) -> Option<Duration> {
        let brought = async {
            self.db.settle_destination(table, stream).await?;
            // The stream may have been taken away and given back: what the earlier log has left comes first.
            for log in logs {
                match self.turn(log).await? {
                    Turn::Ended => {}
                    turn => return Ok(turn),
                }
            }
            Ok::<_, ApiError>(Turn::Done)
        };
        match brought.await {
            Ok(Turn::Done | Turn::Ended) => None,
            Ok(Turn::More) => Some(Duration::ZERO),
            Ok(Turn::Throttled) => Some(THROTTLED_RETRY),
            Err(error) => {
                tracing::warn!(table, stream, %error, "changes were not brought to a stream");
                Some(RETRY)
            }
        }
    }

    async fn turn(&self, log: u64) -> Result<Turn> {
        for _ in 0..TURN_PAGES_MAX {
            // As it is by now: what was settled, or changed by others.
            let found = self.db.store.get(&DELIVERIES, &log).await.map_err(error::store)?;
            let Some(delivery) = found else { return Ok(Turn::Ended) };
            let ended = delivery.ended_ms.is_some();
            if delivery.refused {
                return self.over(log, &delivery, ended).await;
            }
            let id = name::of_arn(&delivery.table_arn)?;
            let now = self.db.env.now();
            let position = self.forget_old(&id, log, &delivery).await?;
            let (under_way, next) =
                self.db.sequences().bounds(&self.db.store, log).await.map_err(error::store)?;
            let page = self.page(log, position, under_way.unwrap_or(next)).await?;
            if page.is_empty() {
                return self.over(log, &delivery, ended && under_way.is_none()).await;
            }
            let oldest_ms = page
                .first()
                .and_then(|(key, _)| sequence::number_of(&key.0))
                .map_or(0, |number| number / PER_MS);
            let sent = self.send(&id, log, &delivery, page).await;
            let age_ms = u64::try_from(now.millis()).unwrap_or(0).saturating_sub(oldest_ms);
            self.record(CAPTURE_AGE, &id, age_ms as f64);
            if !sent? {
                return Ok(Turn::Throttled);
            }
        }
        Ok(Turn::More)
    }

    /// Changes of a log from `position` on, as many as one page has.
    async fn page(&self, log: u64, position: u64, before: u64) -> Result<Vec<(RawKey, Vec<u8>)>> {
        let (mut page, mut bytes, mut from): (Vec<(RawKey, Vec<u8>)>, _, _) = (Vec::new(), 0, position);
        loop {
            let range = Range::prefix(RawPrefix(&log.to_be_bytes()))
                .from(&sequence::key(log, from)[..])
                .before(&sequence::key(log, before)[..]);
            let found = self.db.store.scan(&LOG, range, STEP).await.map_err(error::store)?;
            let whole = found.len() < STEP;
            bytes += found.iter().map(|(_, change)| change.len()).sum::<usize>();
            page.extend(found);
            if whole || page.len() >= PAGE || bytes >= PAGE_BYTES_MAX {
                return Ok(page);
            }
            let last = page.last().and_then(|(key, _)| sequence::number_of(&key.0));
            from = last.map_or(before, |last| last + 1);
        }
    }

    /// There is nothing to be brought; `ended` is whether there never will be.
    async fn over(&self, log: u64, delivery: &DeliveryRecord, ended: bool) -> Result<Turn> {
        if !ended {
            return Ok(Turn::Done);
        }
        self.db.end_delivery(log, delivery).await?;
        // The table may have gone, or got another key, meanwhile.
        let id = name::of_arn(&delivery.table_arn)?;
        let table = self.db.find_table(&id).await?;
        let used = table.as_ref().and_then(|table| table.record.sse.as_ref());
        if let Some(sse) = &delivery.sse
            && used.is_none_or(|used| used.grant != sse.grant)
            && !self.db.needs_grant(&id, sse).await?
        {
            self.db.retire(sse).await;
        }
        Ok(Turn::Ended)
    }

    /// Gives up what is older than a day. Gives where to go on.
    async fn forget_old(&self, id: &TableId, log: u64, delivery: &DeliveryRecord) -> Result<u64> {
        let now = self.db.env.now();
        let horizon = horizon(now);
        let mut position = delivery.position;
        loop {
            if position >= horizon {
                break;
            }
            let range = Range::prefix(RawPrefix(&log.to_be_bytes()))
                .from(&sequence::key(log, position)[..])
                .before(&sequence::key(log, horizon)[..]);
            let page = self.db.store.scan_keys(&LOG, range, PAGE).await.map_err(error::store)?;
            let old: Vec<u64> = page.iter().filter_map(|key| sequence::number_of(&key.0)).collect();
            let Some(last) = old.last() else { break };
            position = last + 1;
            self.db.keep_delivery(log, position, &old).await?;
            self.record(CAPTURE_FAILED, id, old.len() as f64);
            tracing::warn!(
                table = delivery.table_arn,
                stream = delivery.stream_arn,
                changes = old.len(),
                kept_ms = KEPT_MS,
                "changes were given up that a stream did not take for a day"
            );
        }
        Ok(position)
    }

    /// Sends a page of changes, and forgets what has arrived. Whether that is all of it.
    async fn send(
        &self,
        id: &TableId,
        log: u64,
        delivery: &DeliveryRecord,
        page: Vec<(RawKey, Vec<u8>)>,
    ) -> Result<bool> {
        let key = match &delivery.sse {
            Some(sse) => Some(self.db.key_by_grant(sse).await?),
            None => None,
        };
        let keeping = Keeping { seals: false, key: key.as_ref() };
        let precision = delivery.precision.as_deref();
        let origin = Origin { region: id.1, table: &id.2, log, precision };
        let mut sent = Vec::with_capacity(page.len());
        let (mut failed, mut delivered) = (0, Vec::new());
        for (at, bytes) in page {
            let number = sequence::number_of(&at.0)
                .ok_or_else(|| ApiError::internal("a record of a log has no number"))?;
            let change = keeping.change(&at.0, &bytes)?;
            let (document, size) = origin.document(number, &change);
            let partition_key = partition_key(&delivery.partition, &change.key);
            if document.len() + partition_key.len() > RECORD_BYTES_MAX {
                failed += 1;
                delivered.push(number);
                continue;
            }
            let item = keys::of_attributes(&change.key);
            let entry = k::PutRecordsRequestEntry {
                data: Bytes::from(document),
                partition_key: Some(partition_key),
                ..Default::default()
            };
            sent.push(Sent { number, item, entry, units: size.div_ceil(UNIT_BYTES).max(1), arrived: false });
        }
        if failed > 0 {
            self.record(CAPTURE_FAILED, id, f64::from(failed));
        }
        let outcome = self.calls(id, delivery, &mut sent).await;
        let units: usize = sent.iter().filter(|sent| sent.arrived).map(|sent| sent.units).sum();
        if units > 0 {
            self.record(CAPTURE_UNITS, id, units as f64);
        }
        delivered.extend(sent.iter().filter(|sent| sent.arrived).map(|sent| sent.number));
        // What did not arrive is found again from its number on; what did is gone from there.
        let first_left = sent.iter().find(|sent| !sent.arrived).map(|sent| sent.number);
        let last = delivered.iter().max().copied();
        if let Some(position) = first_left.or(last.map(|last| last + 1)) {
            self.db.keep_delivery(log, position, &delivered).await?;
        }
        outcome?;
        Ok(first_left.is_none())
    }

    /// Sends changes until all have arrived or some are refused. Of one item, none is sent before the one before it arrived.
    async fn calls(&self, id: &TableId, delivery: &DeliveryRecord, all: &mut [Sent]) -> Result<()> {
        loop {
            let (mut held, mut bytes, mut chosen) = (HashSet::new(), 0, Vec::new());
            for (i, sent) in all.iter().enumerate().filter(|(_, sent)| !sent.arrived) {
                let size = sent.entry.data.len() + sent.entry.partition_key.as_ref().map_or(0, String::len);
                let fits = chosen.len() < CALL_RECORDS_MAX && bytes + size <= CALL_BYTES_MAX;
                if held.insert(sent.item.as_slice()) && fits {
                    bytes += size;
                    chosen.push(i);
                }
            }
            if chosen.is_empty() {
                return Ok(());
            }
            let input = k::PutRecordsInput {
                records: chosen.iter().map(|i| all[*i].entry.clone()).collect(),
                stream_arn: Some(delivery.stream_arn.clone()),
                ..Default::default()
            };
            let put = self.sessions.call::<kinesis::PutRecords>(id.0, id.1, &delivery.table_arn, input).await;
            let answered = match put {
                Ok(answered) => answered.records,
                Err(error) if error.code() == "ProvisionedThroughputExceededException" => {
                    self.record(CAPTURE_THROTTLED, id, chosen.len() as f64);
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            let mut refused = 0;
            for (i, result) in chosen.iter().zip(&answered) {
                match result.error_code {
                    None => all[*i].arrived = true,
                    Some(_) => refused += 1,
                }
            }
            if refused > 0 || answered.len() < chosen.len() {
                self.record(CAPTURE_THROTTLED, id, f64::from(refused));
                return Ok(());
            }
        }
    }

    fn record(&self, metric: Metric, id: &TableId, value: f64) {
        let dimensions = [("TableName", id.2.as_str()), ("DelegatedOperation", OPERATION)];
        self.db.metrics().record(metric, id.0, id.1, self.db.env.now(), &dimensions, value);
    }
}

impl Reconciler for Deliver {
    fn name(&self) -> &'static str {
        "dynamodb deliver"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        self.db.delivery()
    }
}
