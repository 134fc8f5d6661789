use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use haneul_kit::{Instant, Result};
use serde_json::{Value, json};

use super::items::{self, Reported};
use super::lane::{Item, Lane, Verdict, is_after};
use super::stream::Cursor;
use super::{BATCH_BYTES_MAX, Mapping, Went, back_off, window};
use crate::metrics;
use crate::model::mapping::{Kind, ShardRecord, Window};

/// How often a shard without new records is asked. Source: Developer Guide, the pages on either kind of stream.
const TABLE_ASKED_EVERY: Duration = Duration::from_millis(250);
const STREAM_ASKED_EVERY: Duration = Duration::from_secs(1);

/// How long what a subscription pushes is waited for at once.
const PUSHED_WITHIN: Duration = Duration::from_secs(1);

/// Tries to tell of records that were given up.
const TELLING_MAX: u32 = 5;

/// How reading goes on.
enum Next {
    At(Cursor),
    /// By another cursor, after what was dealt with.
    Anew,
    /// The shard is closed and was read to its end.
    End,
}

impl Next {
    fn cursor(self) -> Option<Cursor> {
        match self {
            Next::At(cursor) => Some(cursor),
            Next::Anew | Next::End => None,
        }
    }
}

/// Reads one shard in order. Where it stands is durable after every batch, and so is what a failed batch was cut into.
pub(super) struct Reader {
    pub(super) mapping: Mapping,
    pub(super) shard: String,
    /// The shard's first sequence number.
    pub(super) begins: String,
}

impl Reader {
    /// Until the shard is closed and dealt with, or the mapping stops; what fails is tried again, at growing distances.
    pub(super) async fn run(&self) {
        let mut failures = 0;
        while !self.mapping.is_stopped() {
            let Err(failed) = self.read(&mut failures).await else { return };
            failures += 1;
            self.mapping.stumbled(&failed, failures).await;
        }
    }

    async fn read(&self, failures: &mut u32) -> Result<()> {
        let mapping = &self.mapping;
        let at = mapping.lambda.records.shard(&mapping.row.2, &self.shard).await?;
        let mut at = at.filter(|at| at.is_of(&self.begins)).unwrap_or_else(|| ShardRecord::of(&self.begins));
        at.begins = Some(self.begins.clone());
        let mut kept = None;
        while !mapping.is_stopped() {
            let from = match kept.take() {
                Some(from) => Some(from),
                None => mapping.cursor(&self.shard, at.position.as_deref()).await?,
            };
            let (items, next) = match from {
                Some(from) => self.gather(from).await?,
                None => (Vec::new(), Next::End),
            };
            if items.is_empty() {
                if self.close_window(&mut at, None).await? {
                    continue;
                }
                if matches!(next, Next::End) {
                    if at.window.is_some() {
                        // The shard has ended before its window.
                        let end =
                            at.window.as_ref().map(|open| window::end_of(open, mapping.record.tumbling_s));
                        self.close_window(&mut at, end).await?;
                    }
                    at.done = true;
                    return self.keep(&at).await;
                }
                *failures = 0;
                kept = next.cursor();
                self.rest(&kept).await;
                continue;
            }
            let last = items.last().map(|item| item.number.clone());
            self.work(&mut at, items).await?;
            *failures = 0;
            // All was dealt with: reading goes on where it had stopped.
            if at.position == last {
                kept = next.cursor();
            }
        }
        Ok(())
    }

    async fn keep(&self, at: &ShardRecord) -> Result<()> {
        self.mapping.lambda.records.put_shard(&self.mapping.row.2, &self.shard, at).await
    }

    /// Waits before a shard without new records is asked again; a subscription has waited by itself.
    async fn rest(&self, cursor: &Option<Cursor>) -> bool {
        if matches!(cursor, Some(Cursor::Subscription(_))) {
            return !self.mapping.is_stopped();
        }
        let often = match self.mapping.record.kind {
            Kind::Kinesis => STREAM_ASKED_EVERY,
            _ => TABLE_ASKED_EVERY,
        };
        self.mapping.sleep(often).await
    }

    /// Records for the next batches: as many as there are within the window, or as fit.
    async fn gather(&self, from: Cursor) -> Result<(Vec<Item>, Next)> {
        let mapping = &self.mapping;
        let record = &mapping.record;
        let wanted = (record.batch_size * record.parallel.max(1)) as usize;
        let fits = BATCH_BYTES_MAX * record.parallel.max(1) as usize;
        let env = &mapping.lambda.platform.env;
        let (mut items, mut bytes, mut next): (Vec<Item>, _, _) = (Vec::new(), 0, Some(from));
        let mut ends: Option<Instant> = None;
        while let Some(from) = next.take() {
            let limit = i32::try_from(wanted - items.len()).unwrap_or(1);
            let wait = match ends {
                Some(ends) => Instant::since(ends, env.now()).min(PUSHED_WITHIN),
                None => PUSHED_WITHIN,
            };
            let (more, following) = match mapping.records(&self.shard, from, limit, wait).await {
                Ok(got) => got,
                // What was read is dealt with first.
                Err(expired) if expired.code() == "ExpiredIteratorException" => {
                    return Ok((items, Next::Anew));
                }
                Err(failed) => return Err(failed),
            };
            let none = more.is_empty();
            mapping.count_events(metrics::POLLED, more.len());
            bytes += more.iter().map(|item| item.size).sum::<usize>();
            items.extend(more);
            next = following;
            if items.is_empty() || items.len() >= wanted || bytes >= fits || next.is_none() {
                break;
            }
            let ends = *ends.get_or_insert_with(|| env.now() + Duration::from_secs(record.window_s.into()));
            // Without a window all that is there already is taken.
            if env.now() >= ends && (none || record.window_s > 0) {
                break;
            }
            if none && !self.rest(&next).await {
                break;
            }
        }
        Ok((items, next.map_or(Next::End, Next::At)))
    }

    /// Deals with records, whatever it takes.
    async fn work(&self, at: &mut ShardRecord, items: Vec<Item>) -> Result<()> {
        let record = &self.mapping.record;
        if record.parallel > 1 && record.tumbling_s == 0 {
            return self.in_lanes(at, items).await;
        }
        let mut lane = Lane { items, parts: std::mem::take(&mut at.parts) };
        while !lane.items.is_empty() && !self.mapping.is_stopped() {
            let numbers: Vec<String> = lane.items.iter().map(|item| item.number.clone()).collect();
            let verdict = self.step(&mut lane, at).await?;
            let dealt = numbers.len() - lane.items.len();
            if dealt > 0 {
                at.position = Some(numbers[dealt - 1].clone());
            }
            at.parts = lane.parts.clone();
            self.keep(at).await?;
            self.pause(verdict).await;
        }
        Ok(())
    }

    /// Several batches at once, those of one key in order.
    async fn in_lanes(&self, at: &mut ShardRecord, items: Vec<Item>) -> Result<()> {
        let count = self.mapping.record.parallel as u64;
        let last = items.last().map(|item| item.number.clone());
        let mut lanes: Vec<Lane> = (0..count).map(|_| Lane::default()).collect();
        for item in items {
            let mut hasher = DefaultHasher::new();
            item.key.hash(&mut hasher);
            lanes[(hasher.finish() % count) as usize].items.push(item);
        }
        let runs = lanes.into_iter().filter(|lane| !lane.items.is_empty()).map(|mut lane| async move {
            let mut alone = ShardRecord::default();
            while !lane.items.is_empty() {
                if self.mapping.is_stopped() {
                    return Ok(false);
                }
                let verdict = self.step(&mut lane, &mut alone).await?;
                self.pause(verdict).await;
            }
            Ok::<_, haneul_kit::ApiError>(true)
        });
        let ended = futures_util::future::try_join_all(runs).await?;
        if ended.into_iter().all(|ended| ended) {
            at.position = last;
            self.keep(at).await?;
        }
        Ok(())
    }

    async fn pause(&self, verdict: Option<Verdict>) {
        if let Some(Verdict::Again(attempts)) = verdict {
            self.mapping.sleep(back_off(attempts)).await;
        }
    }

    /// Tries one batch of a lane. Gives what becomes of it when it failed.
    async fn step(&self, lane: &mut Lane, at: &mut ShardRecord) -> Result<Option<Verdict>> {
        let mapping = &self.mapping;
        let record = &mapping.record;
        let now = mapping.lambda.platform.env.now();
        let mut count = lane.batch(record.batch_size as usize).len();
        if record.tumbling_s > 0
            && let Some(first) = lane.items.first()
        {
            let start_ms = window::start_of(first.at_ms, record.tumbling_s);
            self.close_window(at, Some(start_ms)).await?;
            let open =
                at.window.get_or_insert_with(|| Window { start_ms, state: json!({}), ended_early: false });
            count = count.min(window::within(&lane.items, open.start_ms, record.tumbling_s)).max(1);
        }
        if record.age_max_s >= 0 {
            let oldest = now.millis() - record.age_max_s * 1000;
            let old = lane.items[..count].iter().take_while(|item| item.at_ms < oldest).count();
            if old > 0 {
                let items = lane.items[..old].to_vec();
                lane.done(old);
                self.discard("RecordAgeExceeded", items, 0, "").await;
                return Ok(None);
            }
        }
        let batch = &lane.items[..count];
        let wanted: Vec<&Item> =
            batch.iter().filter(|item| mapping.filters.want(&item.event, item.body.as_deref())).collect();
        mapping.count_events(metrics::FILTERED_OUT, count - wanted.len());
        if wanted.is_empty() {
            lane.done(count);
            return Ok(None);
        }
        let records: Vec<Value> = wanted.iter().map(|item| item.event.clone()).collect();
        let event = match &at.window {
            Some(open) => window::event(records, open, record.tumbling_s, &self.shard, &record.source, false),
            None => json!({ "Records": records }),
        };
        if let Some(last) = batch.last() {
            let age_ms = now.millis() - last.at_ms;
            let (function, qualifier) = (&mapping.named.function, mapping.named.qualifier.as_deref());
            mapping.lambda.sample(metrics::ITERATOR_AGE, function, qualifier, age_ms.max(0) as f64);
        }
        let invoked = wanted.len();
        mapping.count_events(metrics::INVOKED, invoked);
        let failed_invoke = |failed: usize| mapping.count_events(metrics::FAILED_INVOKE, failed);
        let went = mapping.invoke(event, None).await.inspect_err(|_| failed_invoke(invoked))?;
        let (reported, request_id) = match went {
            Went::Well(answer) => {
                if let Some(open) = &mut at.window {
                    take_state(open, &answer);
                }
                let is_known = |id: &str| batch.iter().any(|item| item.number == id);
                match record.item_failures {
                    true => (items::read(&answer, is_known), String::new()),
                    false => (Reported::AllWell, String::new()),
                }
            }
            Went::Badly { request_id } => (Reported::All, request_id),
            // It counts as no attempt.
            Went::NotNow => return Ok(Some(Verdict::Again(1))),
        };
        let failed = match reported {
            Reported::AllWell => {
                lane.done(count);
                return Ok(None);
            }
            Reported::All => {
                failed_invoke(invoked);
                count
            }
            Reported::Failed(ids) => {
                // What comes before the first that failed is done.
                let first = batch.iter().position(|item| ids.contains(&item.number)).unwrap_or(0);
                failed_invoke(ids.len());
                lane.done(first);
                count - first
            }
        };
        let verdict = lane.failed(failed, record.bisect, record.retries_max);
        if let Verdict::Discard(items, attempts) = &verdict {
            self.discard("RetryAttemptsExhausted", items.clone(), *attempts, &request_id).await;
        }
        Ok(Some(verdict))
    }

    /// Ends the window that is open, if it ends before `next_ms` (or by now): the function gets its last call. True when
    /// there was one.
    async fn close_window(&self, at: &mut ShardRecord, next_ms: Option<i64>) -> Result<bool> {
        let mapping = &self.mapping;
        let span_s = mapping.record.tumbling_s;
        let Some(open) = at.window.as_ref().filter(|_| span_s > 0) else { return Ok(false) };
        let next_ms = next_ms.unwrap_or_else(|| mapping.lambda.platform.env.now().millis());
        if window::end_of(open, span_s) > next_ms {
            return Ok(false);
        }
        let mut attempts = 0;
        loop {
            let event = window::event(Vec::new(), open, span_s, &self.shard, &mapping.record.source, true);
            match mapping.invoke(event, None).await? {
                Went::Well(_) => break,
                Went::NotNow => {}
                Went::Badly { .. } => {
                    attempts += 1;
                    let most = mapping.record.retries_max;
                    if most >= 0 && i64::from(attempts) > most {
                        break;
                    }
                }
            }
            if !mapping.sleep(back_off(attempts.max(1))).await {
                return Ok(false);
            }
        }
        at.window = None;
        self.keep(at).await?;
        Ok(true)
    }

    /// Tells of records that were given up, if somebody wants to know.
    async fn discard(&self, condition: &str, items: Vec<Item>, attempts: u32, request_id: &str) {
        let mapping = &self.mapping;
        let (Some(first), Some(last)) = (items.first(), items.last()) else { return };
        debug_assert!(!is_after(&first.number, &last.number));
        let dropped = || mapping.count_events(metrics::DROPPED, items.len());
        let Some(destination) = &mapping.record.on_failure else { return dropped() };
        let Ok(target) = mapping.lambda.target(&mapping.named).await else { return dropped() };
        let batch_info = match mapping.record.kind {
            Kind::Kinesis => "KinesisBatchInfo",
            _ => "DDBStreamBatchInfo",
        };
        let time = |at_ms: i64| Instant::from_millis(at_ms).iso8601();
        let mut message = json!({
            "requestContext": {
                "requestId": request_id,
                "functionArn": mapping.record.function,
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "version": "1.0",
            "timestamp": mapping.lambda.platform.env.now().iso8601_millis(),
            batch_info: {
                "shardId": self.shard,
                "startSequenceNumber": first.number,
                "endSequenceNumber": last.number,
                "approximateArrivalOfFirstRecord": time(first.at_ms),
                "approximateArrivalOfLastRecord": time(last.at_ms),
                "batchSize": items.len(),
                "streamArn": mapping.record.source,
            },
        });
        if attempts > 0 {
            message["responseContext"] = json!({
                "statusCode": 200,
                "executedVersion": target.version.version,
                "functionError": "Unhandled",
            });
        }
        let role = &target.version.role;
        for attempt in 1..=TELLING_MAX {
            let function = &mapping.named.function;
            let sent = mapping.lambda.send_record(function, role, destination, message.clone(), None).await;
            let Err(error) = sent else {
                return mapping.count_events(metrics::DELIVERED_ON_FAILURE, items.len());
            };
            let qualifier = mapping.named.qualifier.as_deref();
            mapping.lambda.sample(metrics::DELIVERY_FAILURES, function, qualifier, 1.0);
            tracing::warn!(mapping = mapping.row.2, %error, attempt, "records that were given up could not be told of");
            if !mapping.sleep(back_off(attempt)).await {
                return;
            }
        }
        dropped();
    }
}

/// A windowed function answers with what the next call of its window is to be given.
fn take_state(open: &mut Window, answer: &[u8]) {
    let said: Value = serde_json::from_slice(answer).unwrap_or(Value::Null);
    match said.get("state") {
        Some(_) if answer.len() > window::STATE_MAX => open.ended_early = true,
        Some(state) => open.state = state.clone(),
        None => {}
    }
}
