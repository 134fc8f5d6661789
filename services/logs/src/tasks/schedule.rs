use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{ApiError, BoxFuture, Caller, Fault, Instant, Reconciler, Result, Signal};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::wait_ms;
use crate::Logs;
use crate::model::{
    BucketTarget, DeliveryKind, DeliveryStatus, PendingRun, RunDelivery, RunStatus, ScheduledQuery,
    ScheduledRun, TableTarget,
};
use crate::ops::scheduled_queries::scheduled_arn;
use crate::schedule::{LOOKBACK_S, Schedule};
use crate::store::{RunKey, ScheduledKey};

/// Runs scheduled queries when they are due, as their execution roles, and delivers what they find as the roles of their
/// destinations. That a run is due and when the next one is are one transaction; a run that a crash interrupts goes on with
/// the query that it began.
///
/// Runs that were due while the cloud was down are made up, the newest [`MISSED_MAX`] of each, each over the time that it would
/// have looked at: a cloud that was never down has their results, and the events are still there.
pub(crate) struct Scheduling {
    logs: Arc<Logs>,
    signal: Signal,
    /// The scheduled queries of them, and the accounts that these are of.
    at_work: Arc<Mutex<HashMap<String, u64>>>,
}

const MISSED_MAX: usize = 100;
/// Runs that are at work at once, of the queries that may.
const RUNS_MAX: usize = 5;
/// Those of one account.
const OWN_RUNS_MAX: usize = 4;
const PENDING_LOOK: usize = 10_000;
/// What does not go because others are in the way is tried for so long.
const TRIED_MS: i64 = 3_600_000;
/// More than there are within that hour: what comes to it is a run that the cloud goes down in again and again.
const ATTEMPTS_MAX: u32 = 30;
const RETRY: Duration = Duration::from_secs(1);

impl Scheduling {
    pub(crate) fn new(logs: Arc<Logs>) -> Scheduling {
        let signal = logs.scheduling.clone();
        Scheduling { logs, signal, at_work: Arc::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let mut next: Option<i64> = None;
        for (key, query) in self.logs.records.every_scheduled().await? {
            match self.begin(&key, query).await {
                Ok(due_ms) => next = [next, due_ms].into_iter().flatten().min(),
                Err(error) => tracing::warn!(%error, scheduled_query = key.2, "a run could not be begun"),
            }
        }
        let now_ms = self.logs.platform.env.now().millis();
        for (run, pending) in self.logs.records.pending_runs(PENDING_LOOK).await? {
            let again_ms = match pending.attempts {
                0 => 0,
                attempts => pending.last_ms.saturating_add(wait_ms(attempts)),
            };
            if again_ms > now_ms {
                next = Some(next.map_or(again_ms, |next| next.min(again_ms)));
                continue;
            }
            if self.at_work.lock().len() >= RUNS_MAX {
                // Whoever ends asks for another look.
                break;
            }
            // The runs of one scheduled query go one after the other, so that a slow one takes no more than one place, and one
            // account's leave places for others.
            let account = pending.account();
            let waits = {
                let at_work = self.at_work.lock();
                at_work.contains_key(&run.0)
                    || at_work.values().filter(|owner| **owner == account).count() >= OWN_RUNS_MAX
            };
            if !waits {
                self.send_off(run, account);
            }
        }
        Ok(next.map(Instant::from_millis))
    }

    /// Notes the runs that are due. When the next one is.
    async fn begin(&self, key: &ScheduledKey, query: ScheduledQuery) -> Result<Option<i64>> {
        let now_ms = self.logs.platform.env.now().millis();
        let Some(mut due_ms) = query.next_ms.filter(|_| query.enabled) else { return Ok(None) };
        if due_ms > now_ms {
            return Ok(Some(due_ms));
        }
        let schedule =
            Schedule::parse(&query.expression, query.timezone.as_deref()).map_err(ApiError::internal)?;
        let following = |at_ms: i64| query.following(&schedule, at_ms);
        let mut missed = vec![due_ms];
        while let Some(at_ms) =
            missed.last().and_then(|at_ms| following(*at_ms)).filter(|at_ms| *at_ms <= now_ms)
        {
            missed.push(at_ms);
            if missed.len() > 10 * MISSED_MAX {
                missed.drain(..9 * MISSED_MAX);
            }
        }
        let skipped = missed.len().saturating_sub(MISSED_MAX);
        if missed[skipped] != due_ms {
            self.logs.records.skip_runs(key, due_ms, Some(missed[skipped])).await?;
        }
        for at_ms in missed.into_iter().skip(skipped) {
            let next_ms = following(at_ms);
            let run = ScheduledRun {
                query: None,
                status: RunStatus::Running,
                error: None,
                deliveries: deliveries(&query),
            };
            if !self.logs.records.begin_run(key, (at_ms, next_ms), &run).await? {
                // It was changed, and tells of it.
                return Ok(None);
            }
            due_ms = next_ms.unwrap_or(i64::MAX);
        }
        Ok(Some(due_ms).filter(|due_ms| *due_ms != i64::MAX))
    }

    fn send_off(&self, run: RunKey, account: u64) {
        let logs = self.logs.clone();
        let at_work = AtWork::new(&self.at_work, (&run.0, account), &logs.scheduling);
        self.logs.platform.env.spawn("logs.scheduled_query", async move {
            let _at_work = at_work;
            // The attempt is noted before it is made: one that takes the cloud down with it waits longer each time.
            let now_ms = logs.platform.env.now().millis();
            match logs.records.try_run(&run, now_ms).await {
                Ok(Some(pending)) => {
                    if let Err(error) = logs.go_on(&run, &pending).await {
                        tracing::warn!(%error, scheduled_query = run.0, "a scheduled query is tried again");
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "a run could not be begun");
                    // Not at once again.
                    logs.platform.env.clock.sleep(RETRY).await;
                }
            }
        });
    }
}

/// A run's place among those at work, until this is dropped, whatever ends it.
struct AtWork {
    all: Arc<Mutex<HashMap<String, u64>>>,
    query: String,
    signal: Signal,
}

impl AtWork {
    fn new(all: &Arc<Mutex<HashMap<String, u64>>>, (query, account): (&str, u64), signal: &Signal) -> AtWork {
        all.lock().insert(query.to_owned(), account);
        AtWork { all: all.clone(), query: query.to_owned(), signal: signal.clone() }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.all.lock().remove(&self.query);
        self.signal.wake();
    }
}

fn deliveries(query: &ScheduledQuery) -> Vec<RunDelivery> {
    let delivery = |kind: DeliveryKind, to: &str| RunDelivery {
        kind,
        to: to.to_owned(),
        status: DeliveryStatus::InProgress,
        written: None,
        error: None,
    };
    let bucket = query.bucket.as_ref().map(|bucket| delivery(DeliveryKind::Bucket, &bucket.uri));
    let table = query.table.as_ref().map(|table| delivery(DeliveryKind::Table, &table.name));
    bucket.into_iter().chain(table).collect()
}

impl ScheduledQuery {
    /// When it runs after this time.
    pub(crate) fn following(&self, schedule: &Schedule, after_ms: i64) -> Option<i64> {
        let after_ms = self.from_ms.map_or(after_ms, |from_ms| after_ms.max(from_ms - 1));
        schedule.next(after_ms).filter(|at_ms| self.until_ms.is_none_or(|until_ms| *at_ms <= until_ms))
    }
}

type Row = Vec<s::ResultField>;

impl Logs {
    /// Takes a run as far as it goes.
    ///
    /// # Errors
    /// When it is to be tried again.
    async fn go_on(&self, run_key: &RunKey, pending: &PendingRun) -> Result<()> {
        let found = match pending.key() {
            Some(key) => self.records.find_scheduled(&key).await?.map(|query| (key, query)),
            None => None,
        };
        let run = self.records.scheduled_run(run_key).await?;
        let (Some((key, query)), Some(mut run)) = (found, run) else {
            return self.records.drop_run(run_key).await;
        };
        let due_ms = run_key.1;
        if pending.attempts > ATTEMPTS_MAX {
            run.status = RunStatus::Failed;
            run.error = Some("The query was interrupted too often.".to_owned());
            run.deliveries.clear();
            return self.records.put_run(&key, due_ms, &run, true).await;
        }
        let rows = match self.rows_of_run(&key, &query, due_ms, &mut run).await {
            Ok(rows) => rows,
            Err(error) if self.may_try_again(&error, pending) => return Err(error),
            Err(error) => {
                run.status = match error.code() {
                    "MalformedQueryException" => RunStatus::InvalidQuery,
                    "QueryTimeoutException" => RunStatus::Timeout,
                    _ => RunStatus::Failed,
                };
                run.error = Some(error.message().to_owned());
                // Results are delivered of a query that succeeds.
                run.deliveries.clear();
                return self.records.put_run(&key, due_ms, &run, true).await;
            }
        };
        run.status = RunStatus::Complete;
        for at in 0..run.deliveries.len() {
            if run.deliveries[at].status != DeliveryStatus::InProgress {
                continue;
            }
            let sent = match (run.deliveries[at].kind, &query.bucket, &query.table) {
                (DeliveryKind::Bucket, Some(bucket), _) => {
                    self.write_results(&key, bucket, due_ms, run.query.as_deref().unwrap_or_default(), &rows)
                        .await
                }
                (DeliveryKind::Table, _, Some(table)) => {
                    self.write_table(&key, table, run.query.as_deref().unwrap_or_default()).await
                }
                // It was taken away since.
                _ => Err(crate::error::invalid("The destination is no longer configured.")),
            };
            match sent {
                Err(error) if self.may_try_again(&error, pending) => {
                    self.records.put_run(&key, due_ms, &run, false).await?;
                    return Err(error);
                }
                Err(error) => {
                    let delivery = &mut run.deliveries[at];
                    delivery.status = match error.fault() {
                        Fault::Server => DeliveryStatus::Failed,
                        Fault::Client => DeliveryStatus::ClientError,
                    };
                    delivery.error = Some(error.message().to_owned());
                }
                Ok(written) => {
                    run.deliveries[at].status = DeliveryStatus::Complete;
                    run.deliveries[at].written = Some(written);
                }
            }
        }
        self.records.put_run(&key, due_ms, &run, true).await
    }

    fn may_try_again(&self, error: &ApiError, pending: &PendingRun) -> bool {
        let is_passing = error.fault() == Fault::Server
            || matches!(error.code(), "LimitExceededException" | "ThrottlingException" | "SlowDown");
        // What a stop interrupts goes on after it.
        self.platform.env.tasks.is_stopping()
            || is_passing && self.platform.env.now().millis() < pending.first_ms.saturating_add(TRIED_MS)
    }

    /// The results of a run's query, which is begun, or was before a crash.
    async fn rows_of_run(
        &self,
        key: &ScheduledKey,
        query: &ScheduledQuery,
        due_ms: i64,
        run: &mut ScheduledRun,
    ) -> Result<Vec<Row>> {
        let (bus, owner) = (&self.platform.bus, (key.0, key.1));
        let arn = scheduled_arn(key).to_string();
        let role = self.assume(owner, arn.clone(), &query.role).await?.caller;
        let id = match &run.query {
            Some(id) => id.clone(),
            None => {
                let at = |offset_s: i64| due_ms.div_euclid(1000).saturating_sub(offset_s);
                let input = s::StartQueryRequest {
                    log_group_identifiers: query.groups.clone(),
                    query_string: query.text.clone(),
                    start_time: at(query.start_offset_s.unwrap_or(LOOKBACK_S)).max(0),
                    // The last second is that before the run.
                    end_time: (at(query.end_offset_s.unwrap_or(0)) - 1).max(0),
                    ..Default::default()
                };
                let begun = bus.call::<op::StartQuery>(role.clone(), key.1, None, input).await?;
                let id = begun.query_id.ok_or_else(|| ApiError::internal("a query has no id"))?;
                run.query = Some(id.clone());
                self.records.put_run(key, due_ms, run, false).await?;
                id
            }
        };
        let (mut rows, mut token) = (Vec::new(), None);
        let mut ended = self.queries.ended();
        loop {
            ended.mark_unchanged();
            let input = s::GetQueryResultsRequest {
                query_id: id.clone(),
                next_token: token.clone(),
                ..Default::default()
            };
            let page = bus.call::<op::GetQueryResults>(role.clone(), key.1, None, input).await?;
            match page.status.as_deref() {
                Some("Complete") => {}
                Some("Running") if self.platform.env.tasks.is_stopping() => {
                    return Err(ApiError::internal("the cloud is stopping"));
                }
                Some("Running") => {
                    ended.changed().await.map_err(ApiError::internal)?;
                    continue;
                }
                Some("Timeout") => return Err(crate::error::query_timeout()),
                status => {
                    let how = status.unwrap_or("Unknown");
                    return Err(crate::error::invalid(format!("The query ended with the status {how}.")));
                }
            }
            rows.extend(page.results.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Writes results to a bucket, as the role of the destination; where they are.
    async fn write_results(
        &self,
        key: &ScheduledKey,
        bucket: &BucketTarget,
        due_ms: i64,
        id: &str,
        rows: &[Row],
    ) -> Result<String> {
        let role = self.assume((key.0, key.1), scheduled_arn(key).to_string(), &bucket.role).await?.caller;
        let (name, prefix) = bucket.place();
        let time = Instant::from_millis(due_ms).iso8601_millis().replace([':', '-'], "");
        let time = time.split('.').next().unwrap_or_default();
        let object = format!("{prefix}{}/{time}Z-{id}.json", key.2);
        self.put_results(role, key, bucket, (name, &object), json(rows)).await?;
        Ok(format!("s3://{name}/{object}"))
    }

    /// Makes a lookup table of results, or gives one that is there these rows instead of its own; its ARN.
    async fn write_table(&self, key: &ScheduledKey, table: &TableTarget, id: &str) -> Result<String> {
        let (bus, arn) = (&self.platform.bus, scheduled_arn(key).to_string());
        let role: Caller = self.assume((key.0, key.1), arn, &table.role).await?.caller;
        let table_arn =
            crate::ops::lookup_tables::lookup_arn(&(key.0, key.1, table.name.clone())).to_string();
        let update = s::UpdateLookupTableRequest {
            lookup_table_arn: table_arn.clone(),
            query_id: Some(id.to_owned()),
            description: table.description.clone(),
            kms_key_id: table.key.clone(),
            ..Default::default()
        };
        // The results were there a moment ago: newer ones may push them out, and then they are worked out anew.
        let passing = |error| match self.queries.outcome(id) {
            Some(_) => error,
            None => ApiError::internal("the results are gone"),
        };
        match bus.call::<op::UpdateLookupTable>(role.clone(), key.1, None, update).await {
            Err(error) if error.code() == "ResourceNotFoundException" => {}
            other => return other.map(|_| table_arn).map_err(passing),
        }
        let create = s::CreateLookupTableRequest {
            lookup_table_name: table.name.clone(),
            query_id: Some(id.to_owned()),
            description: table.description.clone(),
            tags: (!table.tags.is_empty()).then(|| table.tags.iter().cloned().collect()),
            kms_key_id: table.key.clone(),
            ..Default::default()
        };
        bus.call::<op::CreateLookupTable>(role, key.1, None, create).await.map(|_| table_arn).map_err(passing)
    }
}

/// One object a row, without the pointers of events. Source: User Guide, "Query result format and structure".
fn json(rows: &[Row]) -> Vec<u8> {
    let object = |row: &Row| -> Value {
        let fields = row.iter().filter(|field| field.field.as_deref() != Some("@ptr"));
        let pair = |field: &s::ResultField| Some((field.field.clone()?, Value::from(field.value.clone()?)));
        Value::Object(fields.filter_map(pair).collect::<Map<_, _>>())
    };
    Value::Array(rows.iter().map(object).collect()).to_string().into_bytes()
}

impl Reconciler for Scheduling {
    fn name(&self) -> &'static str {
        "logs.scheduling"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
