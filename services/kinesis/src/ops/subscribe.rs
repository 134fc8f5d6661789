//! SubscribeToShard: records are pushed as they come, for five minutes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use haneul_kinesis_wire::operations::SubscribeToShard;
use haneul_kinesis_wire::shapes as s;
use haneul_kit::{Access, ApiError, Bucket, Cx, Handle, Instant, Result};
use haneul_shape::{BoxError, EventStream};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::get_records::{children, records};
use super::iterator::Start;
use crate::Kinesis;
use crate::error;
use crate::keys::Opener;
use crate::metrics as m;
use crate::names::{ConsumerName, NamedConsumer};
use crate::plane::read::{Bounds, Page, page};
use crate::plane::{Shard, Stream};
use crate::service::shard;

/// How long a subscription lasts, and how long it cannot be taken over. Source: API Reference, "SubscribeToShard".
const LASTS: Duration = Duration::from_secs(5 * 60);
const EXCLUSIVE_MS: i64 = 5_000;
/// An event without records says that the subscription is alive and how far it is.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Records of one event.
const EVENT: Bounds = Bounds { records: 1000, bytes: 1024 * 1024 };
/// What one subscription gets in a second.
const BYTES_PER_SEC: i64 = 2 * 1024 * 1024;

/// A stream's number, a consumer and a shard.
type Place = (u64, String, u32);

/// The subscriptions that are open: one for each consumer and shard.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<Place, Open>>);

struct Open {
    since_ms: i64,
    /// Tells the one before that it was taken over, or that its consumer is gone.
    end: Arc<watch::Sender<Option<End>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    TakenOver,
    Deregistered,
}

/// Gives its place back when it goes.
struct Held {
    subscriptions: Arc<Subscriptions>,
    place: Place,
    end: Arc<watch::Sender<Option<End>>>,
}

impl Subscriptions {
    /// Takes the place of a consumer at a shard. `None` when another one has it for too short a time.
    fn open(self: &Arc<Self>, place: Place, now_ms: i64) -> Option<Held> {
        let end = Arc::new(watch::Sender::new(None));
        let mut all = self.0.lock();
        if let Some(before) = all.get(&place) {
            if now_ms < before.since_ms + EXCLUSIVE_MS {
                return None;
            }
            before.end.send_replace(Some(End::TakenOver));
        }
        all.insert(place.clone(), Open { since_ms: now_ms, end: end.clone() });
        Some(Held { subscriptions: self.clone(), place, end })
    }

    /// Ends those of a consumer that is gone.
    pub(crate) fn end(&self, stream_no: u64, consumer: &str) {
        self.0.lock().retain(|(no, name, _), open| {
            let ends = *no == stream_no && name == consumer;
            if ends {
                open.end.send_replace(Some(End::Deregistered));
            }
            !ends
        });
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut all = self.subscriptions.0.lock();
        if all.get(&self.place).is_some_and(|open| Arc::ptr_eq(&open.end, &self.end)) {
            all.remove(&self.place);
        }
    }
}

impl Kinesis {
    /// A consumer that can subscribe.
    async fn subscriber(&self, cx: &Cx, arn: &str) -> Result<(Arc<Stream>, ConsumerName)> {
        let (stream, named, consumer) = self.consumer(cx, NamedConsumer::by_arn(arn)).await?;
        match consumer.record.status(cx.now().millis()) {
            "ACTIVE" => Ok((stream, named)),
            _ => Err(error::consumer_not_active(&stream.key, &named)),
        }
    }
}

impl Handle<SubscribeToShard> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::SubscribeToShardInput) -> Result<Vec<Access>> {
        self.on_consumer("kinesis:SubscribeToShard", NamedConsumer::by_arn(&input.consumer_arn))
    }

    async fn call(&self, cx: &Cx, input: s::SubscribeToShardInput) -> Result<s::SubscribeToShardOutput> {
        let (stream, named) = self.subscriber(cx, &input.consumer_arn).await?;
        let id = &input.shard_id;
        let shard = shard(&stream, id).ok_or_else(|| error::shard_does_not_exist(&stream.key, id))?;
        let start = Start {
            operation: "SubscribeToShard",
            kind: &input.starting_position.r#type,
            sequence: input.starting_position.sequence_number.as_deref(),
            at: input.starting_position.timestamp,
        };
        let place = self.place(&stream, &shard, &start, cx.now()).await?;
        if input.dry_run == Some(true) {
            return Err(error::dry_run());
        }
        let kinesis = self.this.upgrade().ok_or_else(|| ApiError::internal("the service is gone"))?;
        let now = self.platform.env.now();
        let held = self.subscriptions.open((stream.no, named.name.clone(), shard.index), now.millis());
        let success = f64::from(u8::from(held.is_some()));
        self.count(&stream, &[(m::SUBSCRIBE_SUCCESS, success), (m::SUBSCRIBE_EXCEEDED, 1.0 - success)]);
        let held = held.ok_or_else(|| error::subscribed(&stream.key, shard.index, &named.name))?;
        // Who deregistered it in between did not see this subscription.
        self.subscriber(cx, &input.consumer_arn).await?;
        let subscription = Subscription {
            kinesis,
            cx: cx.clone(),
            stream,
            shard: shard.index,
            place,
            held,
            ends: now + LASTS,
            pace: Bucket::new(BYTES_PER_SEC),
            begun: false,
            over: false,
        };
        let events = stream::unfold(subscription, |mut subscription| async move {
            let event = subscription.next().await?;
            Some((event, subscription))
        });
        Ok(s::SubscribeToShardOutput { event_stream: EventStream::new(events) })
    }
}

struct Subscription {
    kinesis: Arc<Kinesis>,
    /// Who subscribed: keys of KMS are asked for on their behalf.
    cx: Cx,
    stream: Arc<Stream>,
    shard: u32,
    /// Where the next event begins.
    place: u64,
    held: Held,
    ends: Instant,
    pace: Bucket,
    begun: bool,
    over: bool,
}

type Event = s::SubscribeToShardEventStream;

impl Subscription {
    async fn next(&mut self) -> Option<Result<Event, BoxError>> {
        if self.over {
            return None;
        }
        let env = self.kinesis.platform.env.clone();
        let mut end = self.held.end.subscribe();
        let beat = env.now() + HEARTBEAT;
        loop {
            let ended = *end.borrow_and_update();
            if let Some(ended) = ended {
                return Some(Ok(self.taken(ended)));
            }
            if env.now() >= self.ends {
                return None;
            }
            let shard = self.stream.state().shards.get(&self.shard).cloned()?;
            let mut arrivals = shard.arrivals.subscribe();
            // What is read from here on includes whatever the next wait will not tell.
            let current = self.stream.state();
            if current.gone {
                return Some(Ok(self.gone()));
            }
            if !current.shards.get(&self.shard).is_some_and(|now| Arc::ptr_eq(now, &shard)) {
                continue;
            }
            let now = env.now();
            if self.pace.is_open(now.millis()) {
                let read = match self.read(&shard).await {
                    Ok(read) => read,
                    Err(refused) => return Some(self.refused(refused)),
                };
                self.over = read.at_tip && shard.is_closed();
                if !read.records.is_empty() || self.over || !self.begun || now >= beat {
                    self.begun = true;
                    return Some(Ok(self.event(&shard, read)));
                }
                self.place = read.next;
            }
            let wake = match self.pace.is_open(now.millis()) {
                true => beat.min(self.ends),
                // Too much was sent to go on at once.
                false => (now + Duration::from_millis(100)).min(self.ends),
            };
            tokio::select! {
                _ = arrivals.changed() => {}
                _ = end.changed() => {}
                () = env.clock.sleep_until(wake) => {}
                () = env.tasks.stopping() => return None,
            }
        }
    }

    async fn read(&self, shard: &Shard) -> Result<Page> {
        let platform = &self.kinesis.platform;
        let mut opener = Opener::new(&self.kinesis.keys, platform, &self.cx, &self.stream.arn);
        let state = self.stream.state();
        let now_ms = platform.env.now().millis();
        page(&platform.store, shard, &state.record, self.place, now_ms, EVENT, &mut opener).await
    }

    fn event(&mut self, shard: &Shard, read: Page) -> Event {
        let Page { records: found, bytes, next, behind_ms, .. } = read;
        self.place = next;
        self.pace.take(bytes as i64);
        let now_ms = self.kinesis.platform.env.now().millis();
        let arrived_ms = found.last().map_or(now_ms, |last| last.arrived_ms);
        // Going on after this one misses nothing and repeats nothing; at the end of the shard there is nothing to go on from.
        let continuation = shard.sequence(next.saturating_sub(1), arrived_ms).text();
        let count = found.len() as f64;
        let samples = [
            (m::EVENT_SUCCESS, 1.0),
            (m::EVENT_BYTES, bytes as f64),
            (m::EVENT_RECORDS, count),
            (m::EVENT_BEHIND, behind_ms as f64),
        ];
        self.kinesis.count(&self.stream, &samples);
        self.kinesis.meter_pushed(&self.stream, bytes);
        let of_shard = [(m::OUTGOING_BYTES, bytes as f64), (m::OUTGOING_RECORDS, count)];
        self.kinesis.count_shard(&self.stream, self.shard, &of_shard);
        Event::SubscribeToShardEvent(s::SubscribeToShardEvent {
            records: records(shard, found),
            continuation_sequence_number: (!self.over).then_some(continuation),
            millis_behind_latest: behind_ms,
            child_shards: self.over.then(|| children(&self.stream.state(), self.shard)),
        })
    }

    fn taken(&mut self, ended: End) -> Event {
        self.over = true;
        match ended {
            End::TakenOver => {
                let message = error::subscribed(&self.stream.key, self.shard, &self.held.place.1);
                let message = Some(message.message().to_owned());
                Event::ResourceInUseException(s::ResourceInUseException { message })
            }
            End::Deregistered => {
                let message = error::no_consumer(&self.stream.key, &self.held.place.1);
                let message = Some(message.message().to_owned());
                Event::ResourceNotFoundException(s::ResourceNotFoundException { message })
            }
        }
    }

    fn gone(&mut self) -> Event {
        self.over = true;
        let message = Some(error::no_stream(&self.stream.key).message().to_owned());
        Event::ResourceNotFoundException(s::ResourceNotFoundException { message })
    }

    /// What KMS or the store refused, as the stream's last event.
    fn refused(&mut self, refused: ApiError) -> Result<Event, BoxError> {
        use haneul_kinesis_wire::values::error as code;
        self.over = true;
        let message = Some(refused.message().to_owned());
        Ok(match refused.code() {
            code::KMS_ACCESS_DENIED_EXCEPTION => {
                Event::KMSAccessDeniedException(s::KMSAccessDeniedException { message })
            }
            code::KMS_DISABLED_EXCEPTION => Event::KMSDisabledException(s::KMSDisabledException { message }),
            code::KMS_INVALID_STATE_EXCEPTION => {
                Event::KMSInvalidStateException(s::KMSInvalidStateException { message })
            }
            code::KMS_NOT_FOUND_EXCEPTION => Event::KMSNotFoundException(s::KMSNotFoundException { message }),
            code::KMS_THROTTLING_EXCEPTION => {
                Event::KMSThrottlingException(s::KMSThrottlingException { message })
            }
            _ => {
                tracing::error!(stream = %self.stream.arn, error = %refused, "a subscription failed");
                Event::InternalFailureException(s::InternalFailureException { message })
            }
        })
    }
}
