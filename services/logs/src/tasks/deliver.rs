use std::collections::HashSet;
use std::sync::Arc;

use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{ApiError, Arn, BoxFuture, Instant, Reconciler, Result, Signal};

use crate::Logs;
use crate::account::Kind;
use crate::account::documents::Forwarding;
use crate::events::{Event, OVERHEAD};
use crate::filters::payload::{self, Payload, Source};
use crate::filters::system::{self, Selected};
use crate::model::Delivery;
use crate::names::GroupName;
use crate::ops::subscription_filters::BY_STREAM;
use crate::pattern::Pattern;
use crate::store::{DeliveryKey, HeldKey};
use crate::tasks::{TRIED_MS, wait_ms};
use crate::transform::Work;

/// Sends chunks to the subscribers of their groups, each subscriber's in the order in which they came. A crash between sending
/// and noting it sends again.
pub(crate) struct Delivering {
    logs: Arc<Logs>,
    signal: Signal,
}

/// Of each filter. Source: CloudWatch Logs User Guide, "Monitoring with CloudWatch metrics".
const FORWARDED_BYTES: Metric = Metric::new("AWS/Logs", "ForwardedBytes", Unit::Bytes);
const FORWARDED_EVENTS: Metric = Metric::new("AWS/Logs", "ForwardedLogEvents", Unit::None);
const DELIVERY_ERRORS: Metric = Metric::new("AWS/Logs", "DeliveryErrors", Unit::None);
const DELIVERY_THROTTLING: Metric = Metric::new("AWS/Logs", "DeliveryThrottling", Unit::None);

/// Where a delivery goes.
struct Target {
    /// A function or a stream.
    destination: String,
    /// Of a stream.
    role: Option<String>,
    /// Vouches for the sender, where a logical destination leads to the stream.
    sender: Option<String>,
    /// Events of one log stream go into one shard.
    by_stream: bool,
    pattern: Pattern,
    transformed: bool,
    /// System fields that are sent along.
    system: Vec<(String, String)>,
}

impl Target {
    /// As metrics call it.
    fn kind(&self) -> &'static str {
        match self.role {
            None => "Lambda",
            Some(_) if self.destination.contains(":firehose:") => "Firehose",
            Some(_) => "Kinesis",
        }
    }
}

/// Events that were forwarded, and that could not be.
#[derive(Default)]
struct Tally {
    events: usize,
    bytes: usize,
    failed: usize,
}

/// Bytes of events in memory at once: all of a chunk, unless a transformer made more of them.
const PART_BYTES: usize = 4 * 1024 * 1024;

/// What came of one.
enum Sent {
    Done,
    /// The destination may take it later.
    Later,
    /// It may be read later.
    Unread,
}

/// What is left of what waits.
enum Rest {
    None,
    /// Those of the group, until then.
    Held(i64),
    /// All of the subscriber, until then.
    All(i64),
}

fn earlier(due: Option<i64>, at: i64) -> Option<i64> {
    Some(due.map_or(at, |before| before.min(at)))
}

impl Delivering {
    pub(crate) fn new(logs: Arc<Logs>) -> Delivering {
        let signal = logs.delivering.clone();
        Delivering { logs, signal }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let (mut id, mut due): (Option<u64>, Option<i64>) = (None, None);
        while let Some(next) = self.logs.records.next_waiting(id).await? {
            if let Some(at) = self.subscriber(next).await? {
                due = earlier(due, at);
            }
            id = Some(next);
        }
        Ok(due.map(Instant::from_millis))
    }

    /// Sends what waits for one subscriber; says when to try again when something is left. A destination that takes nothing now
    /// holds all up, a chunk that cannot be read those of its group.
    async fn subscriber(&self, id: u64) -> Result<Option<i64>> {
        let records = &self.logs.records;
        let (mut due, mut held, mut group) = (None::<i64>, HashSet::new(), None);
        while let Some((key, first)) = records.next_held(id, group).await? {
            group = Some(key.1);
            match self.held(key, first).await? {
                Rest::None => {}
                Rest::Held(at) => {
                    due = earlier(due, at);
                    held.insert(key.1);
                }
                Rest::All(at) => return Ok(earlier(due, at)),
            }
        }
        let mut after = None;
        loop {
            let waiting = records.waiting(id, after).await?;
            let Some((last, _)) = waiting.last() else { return Ok(due) };
            after = Some(*last);
            let mut later = Vec::new();
            let stopped = self.page(waiting, &mut held, &mut later).await;
            due = later
                .iter()
                .filter(|(_, one)| one.unreadable)
                .fold(due, |due, (_, one)| earlier(due, one.next_ms));
            records.hold(&later).await?;
            if let Some(at) = stopped? {
                return Ok(earlier(due, at));
            }
        }
    }

    /// Sends some of what waits. What can only be read later, and what is behind it, goes to `later`; says when to try again
    /// when the destination takes nothing now.
    async fn page(
        &self,
        waiting: Vec<(DeliveryKey, Delivery)>,
        held: &mut HashSet<u64>,
        later: &mut Vec<(DeliveryKey, Delivery)>,
    ) -> Result<Option<i64>> {
        for (key, delivery) in waiting {
            let group = delivery.arrival.group_id;
            if held.contains(&group) {
                later.push((key, delivery));
                continue;
            }
            let is_due = delivery.next_ms <= self.logs.platform.env.now().millis();
            let left = if is_due { self.attempt(key, delivery).await } else { Some(delivery) };
            match left {
                None => self.logs.records.delivered(&key).await?,
                Some(left) if left.unreadable => {
                    held.insert(group);
                    later.push((key, left));
                }
                Some(left) => {
                    if is_due {
                        self.logs.records.postpone(&key, &left).await?;
                    }
                    return Ok(Some(left.next_ms));
                }
            }
        }
        Ok(None)
    }

    /// Sends what is held of a group, from its first on.
    async fn held(&self, mut key: HeldKey, mut first: Delivery) -> Result<Rest> {
        let records = &self.logs.records;
        let (id, group, ..) = key;
        loop {
            let is_due = first.next_ms <= self.logs.platform.env.now().millis();
            let left = if is_due { self.attempt((id, key.2, key.3), first).await } else { Some(first) };
            if let Some(left) = left {
                if is_due {
                    records.postpone_held(&key, &left).await?;
                }
                return Ok(if left.unreadable { Rest::Held(left.next_ms) } else { Rest::All(left.next_ms) });
            }
            records.held_delivered(&key).await?;
            match records.first_held(id, group).await? {
                Some(next) => (key, first) = next,
                None => return Ok(Rest::None),
            }
        }
    }

    /// Tries a delivery; what is left of it when it is to be tried again.
    async fn attempt(&self, key: DeliveryKey, delivery: Delivery) -> Option<Delivery> {
        let now_ms = self.logs.platform.env.now().millis();
        let sent = match self.deliver(key, &delivery).await {
            Ok(sent) => sent,
            Err(error) => self.unread(&delivery, &error),
        };
        let unreadable = match sent {
            Sent::Done => return None,
            Sent::Later => false,
            Sent::Unread => true,
        };
        let next_ms = now_ms + wait_ms(delivery.attempts);
        Some(Delivery { attempts: delivery.attempts.saturating_add(1), next_ms, unreadable, ..delivery })
    }

    async fn deliver(&self, (id, sequence, stream): DeliveryKey, delivery: &Delivery) -> Result<Sent> {
        let name = delivery.arrival.group.name()?;
        let Some(target) = self.target(id, &name, delivery).await? else { return Ok(Sent::Done) };
        let group_id = delivery.arrival.group_id;
        let Some(events) = self.logs.chunk(&name, group_id, (stream, sequence)).await? else {
            return Ok(Sent::Done);
        };
        let (mut tally, mut part, mut bytes) = (Tally::default(), Vec::new(), 0);
        let mut work = Work::new();
        for event in events {
            let event = match target.transformed {
                true => self.logs.transformed(group_id, event, &mut work).await?,
                false => event,
            };
            work.breathe(event.message.len() + OVERHEAD).await;
            if !target.pattern.matches(&event.message) {
                continue;
            }
            bytes += event.message.len() + OVERHEAD;
            part.push(event);
            if bytes >= PART_BYTES {
                if let Some(sent) = self.send(&name, &target, delivery, &part, &mut tally).await? {
                    return Ok(sent);
                }
                part.clear();
                bytes = 0;
            }
        }
        if let Some(sent) = self.send(&name, &target, delivery, &part, &mut tally).await? {
            return Ok(sent);
        }
        self.counted(&name, &target, delivery, &tally);
        Ok(Sent::Done)
    }

    /// Sends some events of a chunk; says what has become of the whole when that is settled by them.
    async fn send(
        &self,
        name: &GroupName,
        target: &Target,
        delivery: &Delivery,
        events: &[Event],
        tally: &mut Tally,
    ) -> Result<Option<Sent>> {
        let source = Source {
            owner: name.account.to_string(),
            group: &name.name,
            stream: &delivery.arrival.stream,
            filter: &delivery.filter,
            of_account: delivery.of_account,
            system: &target.system,
        };
        let (payloads, left_out) =
            payload::payloads(target.role.is_none(), &source, &target.pattern, events)?;
        if left_out > 0 {
            tracing::warn!(
                filter = delivery.filter,
                group = name.name,
                left_out,
                "events are too long to be forwarded"
            );
        }
        tally.failed += left_out;
        let mut left = events.len() - left_out;
        for Payload { body, events } in payloads {
            if let Err(error) = self.hand(name, target, delivery, body).await {
                let sent = self.failed(name, target, delivery, left, &error);
                // What is tried again is counted then.
                if matches!(sent, Sent::Done) {
                    self.counted(name, target, delivery, tally);
                }
                return Ok(Some(sent));
            }
            left -= events.len();
            tally.events += events.len();
            tally.bytes += events.iter().map(|event| event.message.len() + OVERHEAD).sum::<usize>();
        }
        Ok(None)
    }

    async fn hand(
        &self,
        name: &GroupName,
        target: &Target,
        delivery: &Delivery,
        body: Vec<u8>,
    ) -> Result<()> {
        let Some(role) = &target.role else {
            return self.logs.invoke(name, &target.destination, body).await;
        };
        if let Some(sender) = &target.sender {
            self.logs.session(name, sender).await?;
        }
        let stream = Arn::parse(&target.destination).map_err(ApiError::internal)?;
        let random;
        let key = if target.by_stream {
            &delivery.arrival.stream
        } else {
            random = self.logs.platform.env.rng.uuid();
            &random
        };
        // A partition key has 256 characters, a log stream's name as many as 512.
        let key: String = key.chars().take(256).collect();
        self.logs.put_record(name, role, &stream, &key, body.into()).await
    }

    fn counted(&self, name: &GroupName, target: &Target, delivery: &Delivery, tally: &Tally) {
        for (metric, value) in [
            (FORWARDED_BYTES, tally.bytes),
            (FORWARDED_EVENTS, tally.events),
            (DELIVERY_ERRORS, tally.failed),
        ] {
            if value > 0 {
                self.count(name, target.kind(), delivery, metric, value);
            }
        }
    }

    /// `None` when the subscription is gone, or the logical destination that it names is closed to it.
    async fn target(&self, id: u64, name: &GroupName, delivery: &Delivery) -> Result<Option<Target>> {
        let records = &self.logs.records;
        let group = records.store_group(name).await?;
        if group.is_none_or(|group| group.id != delivery.arrival.group_id) {
            return Ok(None);
        }
        let (destination, role, through, distribution, pattern, transformed, system) = if delivery.of_account
        {
            let found = records.account_policies((name.account, name.region), Kind::Subscription).await?;
            let Some((_, policy)) = found.into_iter().find(|(_, policy)| policy.id == id) else {
                return Ok(None);
            };
            let forwarding = Forwarding::parse(&policy.document)?;
            (
                forwarding.destination,
                forwarding.role,
                policy.through,
                forwarding.distribution,
                forwarding.pattern,
                false,
                Vec::new(),
            )
        } else {
            let found = records.subscription(name, &delivery.filter).await?;
            let Some(subscription) = found.filter(|found| found.id == id) else { return Ok(None) };
            if !Selected::has(subscription.selection.as_deref(), name)? {
                return Ok(None);
            }
            let system = system::values(&subscription.system_fields, name);
            (
                subscription.destination,
                subscription.role,
                subscription.through,
                subscription.distribution,
                subscription.pattern,
                subscription.transformed,
                system,
            )
        };
        let (destination, role, sender) = match through {
            Some(id) => match self.logs.open_destination(&destination, id, name.account).await? {
                Some(open) => (open.target, Some(open.role), role),
                None => {
                    tracing::warn!(
                        filter = delivery.filter,
                        destination,
                        "a destination is closed to a subscriber"
                    );
                    return Ok(None);
                }
            },
            None => (destination, role, None),
        };
        let by_stream = distribution == BY_STREAM;
        let pattern = Pattern::parse(&pattern)?;
        Ok(Some(Target { destination, role, sender, by_stream, pattern, transformed, system }))
    }

    fn failed(
        &self,
        name: &GroupName,
        target: &Target,
        delivery: &Delivery,
        events: usize,
        error: &ApiError,
    ) -> Sent {
        let throttled =
            matches!(error.code(), "TooManyRequestsException" | "ProvisionedThroughputExceededException");
        let now_ms = self.logs.platform.env.now().millis();
        if (throttled || error.is_retryable()) && now_ms - delivery.since_ms < TRIED_MS {
            if throttled {
                self.count(name, target.kind(), delivery, DELIVERY_THROTTLING, events);
            }
            return Sent::Later;
        }
        tracing::warn!(%error, filter = delivery.filter, group = name.name, "a subscriber refused events");
        self.count(name, target.kind(), delivery, DELIVERY_ERRORS, events);
        Sent::Done
    }

    /// What could not be read: its key is disabled, say.
    fn unread(&self, delivery: &Delivery, error: &ApiError) -> Sent {
        if self.logs.platform.env.now().millis() - delivery.since_ms < TRIED_MS {
            tracing::debug!(%error, filter = delivery.filter, "events for a subscriber are tried again");
            return Sent::Unread;
        }
        tracing::warn!(%error, filter = delivery.filter, "events for a subscriber could not be read for a day");
        if let Ok(name) = delivery.arrival.group.name() {
            self.count(&name, "Lambda", delivery, DELIVERY_ERRORS, 1);
        }
        Sent::Done
    }

    fn count(&self, name: &GroupName, kind: &str, delivery: &Delivery, metric: Metric, value: usize) {
        let dimensions = [
            ("LogGroupName", name.name.as_str()),
            ("DestinationType", kind),
            ("FilterName", delivery.filter.as_str()),
        ];
        let now = self.logs.platform.env.now();
        self.logs.platform.metrics.record(metric, name.account, name.region, now, &dimensions, value as f64);
    }
}

impl Reconciler for Delivering {
    fn name(&self) -> &'static str {
        "logs.delivering"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
