use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use haneul_kit::metrics::{Metric, Owner, Unit};
use haneul_kit::{Arn, BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_roles::{By, request};

use crate::CloudWatch;
use crate::calls;
use crate::model::StreamRecord;
use crate::series::window::Window;
use crate::store::listing::Scope;
use crate::streams::{PRINCIPAL, Records, Update};

/// Sends what metrics were in the minutes that are over, stream by stream.
///
/// A minute is sent two minutes after it ended, so that what is put late is in it; what comes later is not sent any more.
pub(crate) struct Streams {
    cloudwatch: Arc<CloudWatch>,
}

const LATE_S: i64 = 120;
const MINUTE_S: i64 = 60;
/// What Firehose did not take for so long is left out.
const KEPT_S: i64 = 6 * 3600;
/// Minutes that are sent at once.
const SPAN_S: i64 = 30 * MINUTE_S;

const PAGE: usize = 100;
const METRICS_PAGE: usize = 1000;

/// Streams that are sent at once.
const SENT_AT_ONCE: usize = 16;

const NAMESPACE: &str = "AWS/CloudWatch/MetricStreams";
const UPDATES: Metric = Metric::new(NAMESPACE, "MetricUpdate", Unit::Count);
const ERRORS: Metric = Metric::new(NAMESPACE, "PublishErrorRate", Unit::None);

impl Streams {
    pub(crate) fn new(cloudwatch: Arc<CloudWatch>) -> Streams {
        Streams { cloudwatch }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let (cloudwatch, mut any, mut after) = (&self.cloudwatch, false, None);
        let now = cloudwatch.platform.env.now();
        loop {
            let page = cloudwatch.streams_after(after.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let running: Vec<_> = page.into_iter().filter(|(_, stream)| stream.running).collect();
            any |= !running.is_empty();
            // One that Firehose throttles waits by itself.
            let sending = stream::iter(running).map(|((owner, name), stream)| async move {
                let sent = cloudwatch.send_minutes(owner, &name, &stream, now).await;
                let arn = arn(owner, &name);
                let dimensions = [("MetricStreamName", name.as_str())];
                let record = |metric, value| {
                    let metrics = &cloudwatch.platform.metrics;
                    metrics.record(metric, owner.account, owner.region, now, &dimensions, value);
                };
                record(ERRORS, f64::from(u8::from(sent.is_err())));
                match sent {
                    Ok(0) => {}
                    Ok(updates) => {
                        record(UPDATES, updates as f64);
                        cloudwatch.meter_streamed(owner, now, &arn.to_string(), updates);
                    }
                    Err(error) => tracing::warn!(stream = name, %error, "a metric stream could not be sent"),
                }
            });
            sending.buffer_unordered(SENT_AT_ONCE).collect::<()>().await;
        }
        let next = (now.secs().div_euclid(MINUTE_S) + 1) * MINUTE_S + 5;
        Ok(any.then(|| Instant::from_millis(next * 1000)))
    }
}

fn arn(owner: Owner, name: &str) -> Arn {
    Arn::new("cloudwatch", owner.region, owner.account, format_args!("metric-stream/{name}"))
}

impl CloudWatch {
    /// Sends the minutes of a stream that are due. How many lines there were.
    async fn send_minutes(
        &self,
        owner: Owner,
        name: &str,
        stream: &StreamRecord,
        now: Instant,
    ) -> Result<u64> {
        let due = (now.secs() - LATE_S).div_euclid(MINUTE_S) * MINUTE_S;
        let mut from = stream.sent_s.max(due - KEPT_S);
        let mut updates = 0;
        while from < due {
            let to = due.min(from + SPAN_S);
            updates += self.send_span(owner, name, stream, (from, to), now).await?;
            let still = self.change_stream(owner, name, |stream| {
                stream.sent_s = stream.sent_s.max(to);
                Ok(())
            });
            if !still.await? {
                break;
            }
            from = to;
        }
        Ok(updates)
    }

    async fn send_span(
        &self,
        owner: Owner,
        name: &str,
        stream: &StreamRecord,
        (from, to): (i64, i64),
        now: Instant,
    ) -> Result<u64> {
        let window = Window { start: from, end: to, period: MINUTE_S, now: now.secs() };
        let scope = Scope { account: owner.account, region: owner.region, namespace: None, name: None };
        // When a metric was last put is written down some minutes late.
        let fresh_ms = (from - 3600) * 1000;
        let arn = arn(owner, name);
        let (mut after, mut updates) = (None, 0);
        let mut records = Records::new(owner, &arn, name, stream);
        loop {
            let wanted = |metric: &crate::series::Identity, last_put_ms: i64| {
                last_put_ms >= fresh_ms && stream.takes(metric)
            };
            let (page, next) = self.points.list(scope, after, METRICS_PAGE, wanted).await?;
            for series in page {
                // Not for the whole page: sending may wait.
                let buckets = self.points.view().await?.read(series.id, from, to).await?;
                for (at_s, unit, summary) in window.sum_up(buckets) {
                    updates += 1;
                    let update = Update { metric: &series.identity, at_s, unit, summary: &summary };
                    if let Some(full) = records.add(&update) {
                        self.send(owner, stream, full).await?;
                    }
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let rest = records.take();
        if !rest.is_empty() {
            self.send(owner, stream, rest).await?;
        }
        Ok(updates)
    }

    async fn send(&self, owner: Owner, stream: &StreamRecord, records: Vec<Bytes>) -> Result<()> {
        let platform = &self.platform;
        let by = By { service: PRINCIPAL, account: owner.account, region: owner.region, source: None };
        let request = request(&stream.role, "MetricStreamSession");
        let put = async |caller| {
            calls::put_records(platform, caller, owner.region, &stream.firehose, records).await
        };
        self.stream_sessions.acting(platform, &(owner.account, owner.region), by, request, put).await
    }
}

impl Reconciler for Streams {
    fn name(&self) -> &'static str {
        "cloudwatch.streams"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.cloudwatch.streams_signal
    }
}
