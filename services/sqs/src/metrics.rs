//! What CloudWatch is told of queues. Source: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS".

use std::sync::Arc;
use std::sync::atomic::Ordering;

use haneul_kit::metrics::{Metric, Metrics, Owner, Reading, Source, Summary, Unit};
use haneul_kit::{BoxFuture, Cx, Instant};

use crate::plane::{LiveQueue, Plane};

const NAMESPACE: &str = "AWS/SQS";

pub(crate) const SENT: Metric = Metric::new(NAMESPACE, "NumberOfMessagesSent", Unit::Count);
pub(crate) const SENT_SIZE: Metric = Metric::new(NAMESPACE, "SentMessageSize", Unit::Bytes);
pub(crate) const RECEIVED: Metric = Metric::new(NAMESPACE, "NumberOfMessagesReceived", Unit::Count);
pub(crate) const EMPTY_RECEIVES: Metric = Metric::new(NAMESPACE, "NumberOfEmptyReceives", Unit::Count);
pub(crate) const DELETED: Metric = Metric::new(NAMESPACE, "NumberOfMessagesDeleted", Unit::Count);

/// Of FIFO queues.
pub(crate) const DEDUPLICATED: Metric =
    Metric::new(NAMESPACE, "NumberOfDeduplicatedSentMessages", Unit::Count);

/// A queue is silent when nobody has used it for this long and it is empty.
const ACTIVE_MS: i64 = 6 * 3_600_000;

/// One sample of a queue's metric.
pub(crate) fn count(metrics: &Metrics, cx: &Cx, queue: &LiveQueue, metric: Metric, value: usize) {
    if !metrics.is_open() {
        return;
    }
    queue.used_ms.store(cx.now().millis(), Ordering::Relaxed);
    let key = &queue.key;
    metrics.record(metric, key.account, key.region, cx.now(), &[("QueueName", &key.name)], value as f64);
}

/// How many messages the queues hold and how old they are, once a minute.
pub(crate) struct Depths {
    pub(crate) plane: Arc<Plane>,
}

impl Source for Depths {
    fn read(&self, minute: Instant) -> BoxFuture<'_, Vec<Reading>> {
        Box::pin(async move {
            let mut readings = Vec::new();
            for queue in self.plane.all() {
                let now_ms = self.plane.now_ms();
                let (counts, oldest_ms, busy_groups) = {
                    let mut core = queue.core.lock();
                    self.plane.advance(&queue, &mut core, now_ms);
                    core.wake();
                    (core.queue.counts(), core.queue.oldest_ms(), core.queue.busy_groups())
                };
                let empty = counts.visible + counts.in_flight + counts.delayed == 0;
                if empty && queue.used_ms.load(Ordering::Relaxed) < minute.millis() - ACTIVE_MS {
                    continue;
                }
                let mut told = vec![
                    ("ApproximateNumberOfMessagesVisible", Unit::Count, counts.visible as f64),
                    ("ApproximateNumberOfMessagesNotVisible", Unit::Count, counts.in_flight as f64),
                    ("ApproximateNumberOfMessagesDelayed", Unit::Count, counts.delayed as f64),
                ];
                told.extend(busy_groups.map(|groups| {
                    ("ApproximateNumberOfGroupsWithInflightMessages", Unit::Count, groups as f64)
                }));
                told.extend(oldest_ms.map(|sent_ms| {
                    let age_s = ((now_ms - sent_ms).max(0) / 1000) as f64;
                    ("ApproximateAgeOfOldestMessage", Unit::Seconds, age_s)
                }));
                for (name, unit, value) in told {
                    readings.push(Reading {
                        owner: Owner { account: queue.key.account, region: queue.key.region },
                        at: minute,
                        namespace: NAMESPACE,
                        name,
                        unit,
                        dimensions: vec![("QueueName", queue.key.name.clone())],
                        summary: Summary::of(value, 1.0),
                    });
                }
            }
            readings
        })
    }
}
