use std::sync::Arc;

use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::Logs;
use crate::anomaly::judge::Run;
use crate::anomaly::{Anomaly, Model};
use crate::events::{Direction, Reader, Scope};
use crate::model::{Detector, DetectorStatus, Group};
use crate::names::GroupName;
use crate::ops::retention::cutoff_ms;
use crate::pattern::Pattern;
use crate::store::{ANOMALIES_MAX, DetectorKey};

/// Evaluates the anomaly detectors that are due, each time the events of one span of its frequency. What was learned, what was
/// found and how far was looked are one transaction, so a crash evaluates a span again and counts it once.
pub(crate) struct Detecting {
    logs: Arc<Logs>,
    signal: Signal,
}

const ANOMALIES: Metric = Metric::new("AWS/Logs", "AnomalyCount", Unit::Count);

/// Events may come so much later than their time; those that come later are not looked at.
const LATE_MS: i64 = 30_000;
/// Source: the guide: a detector trains on the two weeks before, for up to 15 minutes.
const HISTORY_MS: i64 = 14 * 86_400_000;
const TRAINING_MS: i64 = 15 * 60_000;
/// Events that training, and one evaluation, look at.
const HISTORY_EVENTS_MAX: usize = 50_000;
const EVENTS_MAX: usize = 50_000;
/// Spans that are made up for after the cloud was down.
const SPANS_MAX: i64 = 300;
const DAY_MS: i64 = 86_400_000;

impl Detecting {
    pub(crate) fn new(logs: Arc<Logs>) -> Detecting {
        let signal = logs.detecting.clone();
        Detecting { logs, signal }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let mut next: Option<i64> = None;
        for (key, detector) in self.logs.records.every_detector().await? {
            let now_ms = self.logs.platform.env.now().millis();
            let due = match detector.status {
                DetectorStatus::Paused | DetectorStatus::Failed => continue,
                DetectorStatus::Initializing => now_ms,
                _ => detector.next_ms(LATE_MS),
            };
            let due = match due <= now_ms {
                false => due,
                true => match self.evaluate(&key, detector, now_ms).await {
                    Ok(due) => due,
                    Err(error) => {
                        // One whose events cannot be read stops no other.
                        tracing::warn!(%error, detector = key.2, "an anomaly detector could not be evaluated");
                        now_ms + 60_000
                    }
                },
            };
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        Ok(next.map(Instant::from_millis))
    }

    /// Looks at all spans that are over. When the next one is.
    async fn evaluate(&self, key: &DetectorKey, mut detector: Detector, now_ms: i64) -> Result<i64> {
        let _one = self.logs.judging.lock().await;
        let (records, seal) = (&self.logs.records, &self.logs.platform.seal);
        let name = detector.group.name()?;
        let group = records.store_group(&name).await?.filter(|group| group.id == detector.group_id);
        let Some(group) = group else {
            records
                .change_detector(key, |detector| {
                    detector.status = DetectorStatus::Failed;
                    Ok(())
                })
                .await?;
            return Ok(i64::MAX);
        };
        let filter = Pattern::parse(detector.filter.as_deref().unwrap_or_default())?;
        let look = Look { logs: &self.logs, name: &name, group: &group, filter: &filter };
        let mut model = records.learned(seal, &key.2).await?;
        if detector.status == DetectorStatus::Initializing {
            model.patterns.iter_mut().for_each(|pattern| pattern.usual = Default::default());
            let end_ms = now_ms - LATE_MS;
            look.history(&detector, &mut model, end_ms).await?;
            (detector.status, detector.position_ms) = (DetectorStatus::Training, end_ms);
        }
        let span_ms = detector.span_ms();
        let end_ms = now_ms - LATE_MS;
        detector.position_ms = detector.position_ms.max(end_ms - SPANS_MAX * span_ms);
        let mut all = records.anomalies(seal, &key.2).await?;
        let mut counts = Vec::new();
        while detector.position_ms + span_ms <= end_ms {
            let (from_ms, to_ms) = (detector.position_ms, detector.position_ms + span_ms);
            let run = look.read((from_ms, to_ms), &mut model, EVENTS_MAX).await?;
            let trained = to_ms >= detector.training_since_ms + TRAINING_MS && !model.patterns.is_empty();
            match detector.status == DetectorStatus::Analyzing {
                true => {
                    let found =
                        self.tell(&run, &mut model, &mut all, (to_ms, detector.visibility_days * DAY_MS));
                    counts.push(found);
                }
                false => learn(&run, &mut model, |_| false),
            }
            if trained {
                detector.status = DetectorStatus::Analyzing;
            }
            detector.position_ms = to_ms;
        }
        // All of them may have changed their state.
        let mut changed = all;
        changed.sort_by_key(|anomaly| std::cmp::Reverse(anomaly.last_ms));
        let gone: Vec<String> =
            changed.iter().skip(ANOMALIES_MAX).map(|anomaly| anomaly.id.clone()).collect();
        changed.truncate(ANOMALIES_MAX);
        let (status, position_ms) = (detector.status, detector.position_ms);
        let write = (Some(&model), &changed[..], &gone[..]);
        records
            .write_anomalies(seal, key, write, |now| {
                // Paused or changed meanwhile: that stays.
                if !matches!(now.status, DetectorStatus::Paused) {
                    now.status = status;
                }
                now.position_ms = position_ms;
            })
            .await?;
        for found in counts {
            self.publish(&name, key, &detector, found);
        }
        Ok(detector.next_ms(LATE_MS))
    }

    /// Notes what an evaluation finds; how many are told, by priority.
    fn tell(
        &self,
        run: &Run,
        model: &mut Model,
        all: &mut Vec<Anomaly>,
        (now_ms, visible_ms): (i64, i64),
    ) -> Vec<(String, usize)> {
        for anomaly in all.iter_mut() {
            anomaly.active = false;
            // AWS: what was visible for so long is usual from then on.
            anomaly.baseline |= anomaly.first_ms + visible_ms <= now_ms;
        }
        let mut found = run.judge(model);
        // A pattern that was new a while ago is still the same anomaly.
        for anomaly in all.iter().filter(|anomaly| anomaly.goes_on() && !anomaly.baseline) {
            if let Some(came) = run.0.get(&anomaly.pattern.id).filter(|came| !came.is_new) {
                found.push(anomaly.again(came.count));
            }
        }
        let mut counts: Vec<(String, usize)> = Vec::new();
        let mut unusual: Vec<String> = Vec::new();
        for finding in &found {
            let Some(pattern) = model.pattern(&finding.pattern).filter(|one| !one.is_suppressed(now_ms))
            else {
                continue;
            };
            let known = all.iter().position(|anomaly| anomaly.is_of(finding));
            let at = known.unwrap_or_else(|| {
                all.push(Anomaly::new(self.logs.platform.env.rng.uuid(), finding, pattern, now_ms));
                all.len() - 1
            });
            let anomaly = &mut all[at];
            if anomaly.baseline || anomaly.is_suppressed(now_ms) {
                continue;
            }
            anomaly.seen(finding, pattern, run.0.get(&finding.pattern), now_ms);
            if finding.is_of_frequency() {
                unusual.push(finding.pattern.clone());
            }
            match counts.iter_mut().find(|(priority, _)| priority == finding.priority) {
                Some((_, count)) => *count += 1,
                None => counts.push((finding.priority.to_owned(), 1)),
            }
        }
        // An unusual count is not what is usual, until it is.
        learn(run, model, |id| unusual.iter().any(|one| one == id));
        counts
    }

    fn publish(&self, name: &GroupName, key: &DetectorKey, detector: &Detector, found: Vec<(String, usize)>) {
        let detector = detector.name.as_deref().unwrap_or(&key.2);
        let (metrics, now) = (&self.logs.platform.metrics, self.logs.platform.env.now());
        for (priority, count) in found {
            let dimensions = [("LogAnomalyDetector", detector), ("LogAnomalyPriority", priority.as_str())];
            metrics.record(ANOMALIES, name.account, name.region, now, &dimensions, count as f64);
        }
    }
}

/// Counts become part of what is usual, but for patterns of which `unusual` says that they are not.
fn learn(run: &Run, model: &mut Model, unusual: impl Fn(&str) -> bool) {
    for pattern in &mut model.patterns {
        if !unusual(&pattern.id) {
            pattern.usual.add(run.0.get(&pattern.id).map_or(0, |came| came.count));
        }
    }
}

/// What a detector looks at.
struct Look<'l> {
    logs: &'l Logs,
    name: &'l GroupName,
    group: &'l Group,
    filter: &'l Pattern,
}

impl Look<'_> {
    /// Learns from the first events between two times.
    async fn read(&self, (from_ms, to_ms): (i64, i64), model: &mut Model, events_max: usize) -> Result<Run> {
        let kept_from_ms = cutoff_ms(self.group, self.logs.platform.env.now()).unwrap_or(0);
        let scope = Scope { id: self.group.id, from_ms: from_ms.max(kept_from_ms), to_ms };
        let mut reader = Reader::new(self.logs, (self.name, self.group.id), scope, Direction::Forward, None);
        let (mut run, mut looked) = (Run::default(), 0usize);
        while let Some(event) = reader.next().await? {
            looked += 1;
            if looked > events_max {
                break;
            }
            if self.filter.matches(&event.message) {
                let rng = &self.logs.platform.env.rng;
                run.add(model, &event.message, event.place.time_ms, || {
                    format!("{:016x}{:016x}", rng.u64(), rng.u64())
                });
            }
            if looked.is_multiple_of(500) {
                tokio::task::yield_now().await;
            }
        }
        Ok(run)
    }

    /// Learns from the two weeks before: by spans, as evaluations will.
    async fn history(&self, detector: &Detector, model: &mut Model, end_ms: i64) -> Result<()> {
        let span_ms = detector.span_ms();
        let scope = Scope { id: self.group.id, from_ms: end_ms - HISTORY_MS, to_ms: end_ms };
        // The newest events count: where do they begin?
        let mut reader = Reader::new(self.logs, (self.name, self.group.id), scope, Direction::Backward, None);
        let (mut first_ms, mut looked) = (None, 0usize);
        while let Some(event) = reader.next().await? {
            looked += 1;
            first_ms = Some(event.place.time_ms);
            if looked >= HISTORY_EVENTS_MAX {
                break;
            }
            if looked.is_multiple_of(500) {
                tokio::task::yield_now().await;
            }
        }
        let Some(first_ms) = first_ms else { return Ok(()) };
        // No more spans than the model needs to know what is usual.
        let spans = ((end_ms - first_ms) / span_ms + 1).min(2 * SPANS_MAX);
        let mut from_ms = end_ms - spans * span_ms;
        if from_ms > first_ms {
            self.read((first_ms, from_ms), model, HISTORY_EVENTS_MAX).await?;
        }
        while from_ms + span_ms <= end_ms {
            let run = self.read((from_ms, from_ms + span_ms), model, EVENTS_MAX).await?;
            learn(&run, model, |_| false);
            from_ms += span_ms;
        }
        Ok(())
    }
}

impl Reconciler for Detecting {
    fn name(&self) -> &'static str {
        "logs.detecting"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
