use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{AccountId, ApiError, Cx, Instant, Platform, Region};
use haneul_meter::{Call, Filter, Place, Taken, Usage, read, rows};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::layers::hooks::Record;

/// How often counts are written down: what a kill can lose.
const EVERY: Duration = Duration::from_secs(60);

/// Calls by operation.
const CALLS: Metric = Metric::new("AWS/Usage", "CallCount", Unit::None);

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Rows that one answer may have.
const ROWS_MAX: usize = 100_000;

/// The meter of one cloud: behind `/_haneul/usage`.
pub(crate) struct Metering {
    platform: Platform,
    /// One flush at a time, so that a reader who waits sees what was counted before.
    flushing: Mutex<()>,
}

/// What a call used, beside its context.
pub(crate) struct Used<'a> {
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) resource: Option<&'a str>,
    pub(crate) failed: bool,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Metering {
    pub(crate) fn new(platform: &Platform) -> Arc<Metering> {
        Arc::new(Metering { platform: platform.clone(), flushing: Mutex::new(()) })
    }

    pub(crate) fn note(&self, cx: &Cx, used: &Used<'_>) {
        self.platform.meter.counters().note(&Call {
            account: cx.account(),
            region: cx.region(),
            service: used.service,
            operation: used.operation,
            resource: used.resource.unwrap_or_default(),
            at: cx.now(),
            failed: used.failed,
            bytes_in: used.bytes_in,
            bytes_out: used.bytes_out,
        });
    }

    /// A call that came over HTTP; `length` is the answer's, where it is known.
    pub(crate) fn note_answer(
        &self,
        cx: &Cx,
        record: &Record<'_>,
        resource: Option<&str>,
        length: Option<u64>,
    ) {
        let given = cx.http().and_then(|head| head.header("content-length"));
        let (service, operation) = (record.service, record.operation);
        let used = Used {
            service,
            operation,
            resource,
            failed: record.error_code.is_some(),
            bytes_in: given.and_then(|given| given.parse().ok()).unwrap_or(0),
            bytes_out: length.unwrap_or(0),
        };
        self.note(cx, &used);
    }

    /// Writes every minute, and once more when the cloud stops.
    pub(crate) fn start(self: &Arc<Metering>) {
        let this = self.clone();
        let env = self.platform.env.clone();
        env.clone().spawn("front.meter", async move {
            // What is held counts from the first start on, not from its first minute.
            if let Err(error) = this.hold().await {
                tracing::error!(%error, "what is held could not be written down and is tried again");
            }
            let mut compacted = None;
            loop {
                let today = day(env.clock.now().millis());
                if compacted != Some(today) {
                    match haneul_meter::compact(&this.platform.store, env.clock.now().millis()).await {
                        Ok(()) => compacted = Some(today),
                        Err(error) => {
                            tracing::error!(%error, "usage could not be made fewer rows and is tried again")
                        }
                    }
                }
                let stopping = tokio::select! {
                    () = env.clock.sleep(EVERY) => false,
                    () = env.tasks.stopping() => true,
                };
                if let Err(error) = this.flush().await {
                    tracing::error!(%error, "usage could not be written and is tried again");
                }
                if stopping {
                    return;
                }
                if let Err(error) = this.hold().await {
                    tracing::error!(%error, "what is held could not be written down and is tried again");
                }
            }
        });
    }

    async fn flush(&self) -> Result<(), ApiError> {
        let _one = self.flushing.lock().await;
        let taken = self.platform.meter.counters().take();
        self.tell_calls(&taken);
        let used = taken.iter().map(|used| (used.place.account, used.place.region, &*used.place.resource));
        let tags = self.tags(used).await;
        let tags_of = |place: &Place| tags.get(&*place.resource).cloned().unwrap_or_default();
        match rows::add(&self.platform.store, taken, tags_of).await {
            Ok(()) => Ok(()),
            Err((error, left)) => {
                self.platform.meter.counters().put_back(left);
                Err(error.into())
            }
        }
    }

    /// Tells CloudWatch of the calls of the services whose usage metrics AWS documents. Source: CloudWatch User Guide, "CloudWatch usage
    /// metrics"; CloudWatch Logs User Guide, "CloudWatch Logs service usage metrics".
    fn tell_calls(&self, taken: &Taken) {
        let metrics = &self.platform.metrics;
        if !metrics.is_open() {
            return;
        }
        let now = self.platform.env.now();
        for used in taken.iter().filter(|used| used.kind.unit == "Requests") {
            let service = match &*used.place.service {
                "cloudwatch" => "CloudWatch",
                "logs" => "Logs",
                _ => continue,
            };
            let Place { account, region, operation, .. } = &used.place;
            let dimensions =
                [("Class", "None"), ("Resource", &**operation), ("Service", service), ("Type", "API")];
            metrics.record(CALLS, *account, *region, now, &dimensions, used.amount as f64);
        }
    }

    /// Writes down what was held in the hours that are over.
    async fn hold(&self) -> Result<(), ApiError> {
        let store = &self.platform.store;
        let spans = rows::held_since(store, self.platform.env.now().millis()).await?;
        if spans.is_empty() {
            return Ok(());
        }
        let held = self.platform.meter.held().await?;
        let tags = self.tags(held.iter().map(|one| (one.account, one.region, &*one.resource))).await;
        let tags_of = |resource: &str| tags.get(resource).cloned().unwrap_or_default();
        Ok(rows::hold(store, &spans, &held, tags_of).await?)
    }

    /// The tags of the resources that were used. One that is gone, or whose service cannot tell, has none.
    async fn tags(
        &self,
        used: impl Iterator<Item = (AccountId, Region, &str)>,
    ) -> HashMap<String, Vec<(String, String)>> {
        let mut asked = HashSet::new();
        let mut found = HashMap::new();
        for (account, region, resource) in used.filter(|(_, _, resource)| !resource.is_empty()) {
            let service = resource.split(':').nth(2).unwrap_or_default();
            if !asked.insert((service, account, region)) {
                continue;
            }
            let listed = self.platform.resources(Some(service), account, region).await;
            let listed = listed.unwrap_or_default();
            found.extend(listed.into_iter().map(|tagged| (tagged.arn, tagged.tags)));
        }
        found
    }

    /// Who pays for what each account used on each day: bills change hands with the month.
    async fn payers(&self, rows: &[Usage]) -> Result<HashMap<(AccountId, i64), AccountId>, ApiError> {
        let Some(organization) = self.platform.organization() else { return Ok(HashMap::new()) };
        let days: BTreeSet<(AccountId, i64)> =
            rows.iter().map(|used| (used.key.1, day(used.key.0))).collect();
        let uses: Vec<(AccountId, Instant)> =
            days.iter().map(|(account, day)| (*account, Instant::from_millis(day * DAY_MS))).collect();
        let payers = organization.payers(&uses).await?;
        Ok(days.into_iter().zip(payers).collect())
    }

    /// The rows that `query` asks for (`from`, `to`, `account`, `service`), as a page.
    pub(crate) async fn usage(&self, query: &str) -> Result<Value, ApiError> {
        let filter = filter(query)?;
        self.flush().await?;
        self.hold().await?;
        let mut rows = read::read(&self.platform.store, &filter, ROWS_MAX + 1).await?;
        let truncated = rows.len() > ROWS_MAX;
        rows.truncate(ROWS_MAX);
        let payers = self.payers(&rows).await?;
        let rows: Vec<Value> = rows
            .into_iter()
            .map(|Usage { key, row, span }| {
                let (hour_ms, account, region, service, what, resource) = key;
                let (operation, usage_type) = what.rsplit_once(' ').unwrap_or((&what, ""));
                let tags: serde_json::Map<String, Value> =
                    row.tags.into_iter().map(|(key, value)| (key, json!(value))).collect();
                json!({
                    "hour": Instant::from_millis(hour_ms).iso8601(),
                    "granularity": span.granularity(),
                    "account": account.to_string(),
                    "payer": payers.get(&(account, day(hour_ms))).unwrap_or(&account).to_string(),
                    "region": region.as_str(),
                    "service": service,
                    "operation": operation,
                    "usage_type": usage_type,
                    "resource": resource,
                    "tags": tags,
                    "amount": row.amount,
                    "unit": row.unit,
                })
            })
            .collect();
        Ok(json!({ "usage": rows, "truncated": truncated }))
    }
}

fn day(hour_ms: i64) -> i64 {
    hour_ms.div_euclid(DAY_MS)
}

fn filter(query: &str) -> Result<Filter, ApiError> {
    let refuse = |text: &str| ApiError::new("BadRequest", text).with_status(400);
    let mut filter = Filter::default();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = percent_decode_str(value).decode_utf8().map_err(|_| refuse("the query is not UTF-8"))?;
        let time = || {
            let at = Instant::parse_iso8601(&value)
                .ok_or_else(|| refuse("a time is like 2026-11-24T02:00:00Z"))?;
            Ok::<_, ApiError>(at.millis())
        };
        match name {
            "from" => filter.from_ms = time()?,
            "to" => filter.until_ms = Some(time()?),
            "account" => {
                let account = value.parse().map_err(|_| refuse("an account has twelve digits"))?;
                filter.account = Some(account);
            }
            "service" => filter.service = Some(value.into_owned()),
            _ => return Err(refuse("say from, to, account or service")),
        }
    }
    Ok(filter)
}
