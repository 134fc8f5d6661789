//! Log files into the bucket of a trail, and records into its log group.
//!
//! Files are due at every fifth minute of the clock. What is to be written is noted before it is, so that a crash repeats
//! it under the same name: a record is delivered at least once, and twice only in the same object.
//! Source: CloudTrail User Guide, "CloudTrail log file name format" and "Sending events to CloudWatch Logs".

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use haneul_kit::{AccountId, ApiError, Arn, BoxFuture, Instant, Reconciler, Region, Result, Signal};
use haneul_logs_wire::shapes as l;
use haneul_store::{Range, Reads};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::CloudTrail;
use crate::calls::{File, LogGroup};
use crate::chunk;
use crate::model::{Chunk, ChunkKey, FILES, LogFile, OUTBOX, PLANNED, Planned, Trail};
use crate::names::trail_arn;
use crate::store::{TrailKey, found, outbox};

/// How often files are delivered.
const EVERY_MS: i64 = 300_000;
/// Chunks in one file: some 16 MB of text.
const CHUNKS_MAX: usize = 32;
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

type Group = (AccountId, Region);

/// What a file holds. Insights events have files of their own, which no digest names.
#[derive(PartialEq)]
enum Kind {
    Calls,
    Insights,
}

impl Kind {
    fn outbox(&self, trail: &Trail) -> String {
        match self {
            Kind::Calls => outbox(&trail.id, false),
            Kind::Insights => found(&trail.id, false),
        }
    }

    fn directory(&self) -> &'static str {
        match self {
            Kind::Calls => "CloudTrail",
            Kind::Insights => "CloudTrail-Insight",
        }
    }
}

impl CloudTrail {
    /// Delivers what is due. The answer tells when more will be.
    async fn deliver_due(&self, now: Instant) -> Result<Option<Instant>> {
        let _one = self.delivering.lock().await;
        let mut waiting = false;
        for (key, trail) in self.every_trail().await? {
            let slot_ms = now.millis().div_euclid(EVERY_MS) * EVERY_MS;
            waiting |= self.deliver(&key, &trail, now, slot_ms).await?;
        }
        let next = (now.millis().div_euclid(EVERY_MS) + 1) * EVERY_MS;
        Ok(waiting.then(|| Instant::from_millis(next)))
    }

    /// Delivers all that a trail has, before it is changed.
    pub(crate) async fn deliver_now(&self, key: &TrailKey, trail: &Trail) -> Result<()> {
        self.ingest().await?;
        let _one = self.delivering.lock().await;
        let now = self.platform.env.now();
        self.deliver(key, trail, now, i64::MAX).await?;
        Ok(())
    }

    /// Events of calls, and Insights events. Whether any is left.
    async fn deliver(&self, key: &TrailKey, trail: &Trail, now: Instant, before_ms: i64) -> Result<bool> {
        let mut left = false;
        for logs in [outbox(&trail.id, true), found(&trail.id, true)] {
            left |= self.deliver_logs(key, trail, &logs, now).await?;
        }
        left |= self.deliver_files(key, trail, &Kind::Calls, now, before_ms).await?;
        left |= self.deliver_files(key, trail, &Kind::Insights, now, before_ms).await?;
        Ok(left)
    }

    /// Delivers the groups whose oldest record is older than `before_ms`. Whether any is left.
    async fn deliver_files(
        &self,
        key: &TrailKey,
        trail: &Trail,
        kind: &Kind,
        now: Instant,
        before_ms: i64,
    ) -> Result<bool> {
        let name = kind.outbox(trail);
        let mut left = false;
        let mut after: Option<Group> = None;
        while let Some((group, first_ms)) = self.next_group(&name, after).await? {
            after = Some(group);
            if first_ms >= before_ms {
                left = true;
                continue;
            }
            if let Err(error) = self.deliver_group(key, trail, kind, group, now).await {
                left = true;
                tracing::warn!(trail = key.2, bucket = trail.bucket, %error, "a trail's files could not be delivered");
                let code = error.code().to_owned();
                self.note_status(&trail.id, |status| {
                    status.error = Some(code.clone());
                    status.attempted_ms = Some(now.millis());
                })
                .await?;
            }
        }
        Ok(left)
    }

    /// The first account and Region of an outbox after another, and the time of its oldest record.
    async fn next_group(&self, name: &str, after: Option<Group>) -> Result<Option<(Group, i64)>> {
        let range = Range::prefix((name.to_owned(),));
        let range = match after {
            Some((account, region)) => range.after(&(name, account, region, u64::MAX)),
            None => range,
        };
        let first = self.platform.store.scan(&OUTBOX, range, 1).await?;
        let Some(((_, account, region, _), Chunk(bytes))) = first.into_iter().next() else { return Ok(None) };
        Ok(Some(((account, region), chunk::head(&bytes)?.first_ms)))
    }

    async fn deliver_group(
        &self,
        key: &TrailKey,
        trail: &Trail,
        kind: &Kind,
        group: Group,
        now: Instant,
    ) -> Result<()> {
        let store = &self.platform.store;
        let name = kind.outbox(trail);
        let plan_key = &(name.clone(), group.0, group.1);
        loop {
            let planned = store.get(&PLANNED, plan_key).await?;
            let range = Range::prefix((name.clone(), group.0, group.1));
            let mut chunks = store.scan(&OUTBOX, range, CHUNKS_MAX).await?;
            if let Some(planned) = &planned {
                chunks.retain(|(key, _)| key.3 <= planned.last_seq);
            }
            let Some(((_, _, _, last_seq), _)) = chunks.last() else { return Ok(()) };
            let planned = match planned {
                Some(planned) => planned,
                None => {
                    let object = self.file_key(trail, kind, group, now);
                    let planned = Planned { key: object, last_seq: *last_seq };
                    store.put(&PLANNED, plan_key, &planned).await?;
                    planned
                }
            };
            let (gzip, file) = log_file(trail, &planned.key, &chunks)?;
            let arn = trail_arn(key.0, key.1, &key.2);
            let object = File { key: planned.key.clone(), gzip, metadata: Vec::new() };
            self.put_file(trail, &arn, object).await?;
            let keys: &Vec<ChunkKey> = &chunks.into_iter().map(|(key, _)| key).collect();
            let file_key = &(trail.id.clone(), group.0, group.1, now.millis(), planned.key.clone());
            let file = &file;
            store
                .transact(|tx| async move {
                    keys.iter().try_for_each(|key| tx.delete(&OUTBOX, key))?;
                    tx.delete(&PLANNED, plan_key)?;
                    if trail.validation && *kind == Kind::Calls {
                        tx.put(&FILES, file_key, file)?;
                    }
                    Ok::<_, ApiError>(())
                })
                .await?;
            self.note_status(&trail.id, |status| {
                status.error = None;
                status.delivered_ms = Some(now.millis());
                status.attempted_ms = Some(now.millis());
            })
            .await?;
        }
    }

    fn file_key(&self, trail: &Trail, kind: &Kind, (account, region): Group, now: Instant) -> String {
        let (day, minute) = (day(now), &now.basic()[..13]);
        let unique = self.ids.text(ALPHANUMERIC, 16);
        let directory = directory(trail, account);
        let kind = kind.directory();
        format!("{directory}/{kind}/{region}/{day}/{account}_{kind}_{region}_{minute}Z_{unique}.json.gz")
    }

    /// Whether anything could not be delivered and is to be tried again.
    async fn deliver_logs(&self, key: &TrailKey, trail: &Trail, name: &str, now: Instant) -> Result<bool> {
        if self.next_group(name, None).await?.is_none() {
            return Ok(false);
        }
        let arn = trail_arn(key.0, key.1, &key.2);
        let result = self.deliver_logs_of(trail, &arn, name).await;
        let code = result.as_ref().err().map(|error| error.code().to_owned());
        if let Err(error) = &result {
            tracing::warn!(trail = key.2, %error, "a trail's events could not be sent to its log group");
        }
        self.note_status(&trail.id, |status| {
            status.logs_error.clone_from(&code);
            if code.is_none() {
                status.logs_ms = Some(now.millis());
            }
        })
        .await?;
        Ok(result.is_err())
    }

    async fn deliver_logs_of(&self, trail: &Trail, arn: &Arn, name: &str) -> Result<()> {
        let group = trail.log_group.as_deref().and_then(LogGroup::parse);
        let group = group.ok_or_else(|| ApiError::internal("a trail's log group has no ARN"))?;
        let session = self.logs_session(trail, arn).await?;
        let store = &self.platform.store;
        loop {
            let chunks = store.scan(&OUTBOX, Range::prefix((name.to_owned(),)), 1).await?;
            let Some((key, Chunk(bytes))) = chunks.into_iter().next() else { return Ok(()) };
            let stream = match &trail.organization {
                Some(id) => format!("{id}_{}_CloudTrail_{}", key.1, key.2),
                None => format!("{}_CloudTrail_{}", key.1, key.2),
            };
            let mut events: Vec<l::InputLogEvent> = chunk::decode(&bytes)?
                .into_iter()
                .filter_map(|json| String::from_utf8(json).ok())
                .map(|message| l::InputLogEvent { timestamp: time_of(&message), message })
                .collect();
            events.sort_by_key(|event| event.timestamp);
            self.put_log_events(&session, &group, &stream, events).await?;
            store.delete(&OUTBOX, &key).await?;
        }
    }
}

fn time_of(json: &str) -> i64 {
    let event: Value = serde_json::from_str(json).unwrap_or_default();
    event["eventTime"].as_str().and_then(Instant::parse_iso8601).unwrap_or(Instant::EPOCH).millis()
}

/// Where a trail's files of an account begin: `[prefix/]AWSLogs/[o-…/]ACCOUNT`.
pub(crate) fn directory(trail: &Trail, account: AccountId) -> String {
    let prefix = trail.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
    match &trail.organization {
        Some(id) => format!("{prefix}AWSLogs/{id}/{account}"),
        None => format!("{prefix}AWSLogs/{account}"),
    }
}

/// `2026/11/24`
pub(crate) fn day(at: Instant) -> String {
    let basic = at.basic();
    format!("{}/{}/{}", &basic[..4], &basic[4..6], &basic[6..8])
}

pub(crate) fn gzip(text: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).map_err(ApiError::internal)?;
    encoder.finish().map_err(ApiError::internal)
}

fn log_file(trail: &Trail, key: &str, chunks: &[(ChunkKey, Chunk)]) -> Result<(Vec<u8>, LogFile)> {
    let mut text = b"{\"Records\":[".to_vec();
    let (mut oldest_ms, mut newest_ms) = (i64::MAX, i64::MIN);
    let mut first = true;
    for (_, Chunk(bytes)) in chunks {
        let head = chunk::head(bytes)?;
        (oldest_ms, newest_ms) = (oldest_ms.min(head.first_ms), newest_ms.max(head.last_ms));
        for json in chunk::decode(bytes)? {
            if !std::mem::take(&mut first) {
                text.push(b',');
            }
            text.extend_from_slice(&json);
        }
    }
    text.extend_from_slice(b"]}");
    let file = LogFile {
        bucket: trail.bucket.clone(),
        key: key.to_owned(),
        hash: hex::encode(Sha256::digest(&text)),
        oldest_ms,
        newest_ms,
    };
    Ok((gzip(&text)?, file))
}

/// Deliveries and then digests, so that a digest misses no file of its hour.
pub(crate) struct Outgoing {
    trail: Arc<CloudTrail>,
    signal: Signal,
}

impl Outgoing {
    pub(crate) fn new(trail: Arc<CloudTrail>) -> Outgoing {
        let signal = trail.outgoing.clone();
        Outgoing { trail, signal }
    }
}

impl Reconciler for Outgoing {
    fn name(&self) -> &'static str {
        "cloudtrail.deliver"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            self.trail.ingest().await?;
            let now = self.trail.platform.env.now();
            let files = self.trail.deliver_due(now).await?;
            let digests = self.trail.digest_due(now).await?;
            Ok([files, digests].into_iter().flatten().min())
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
