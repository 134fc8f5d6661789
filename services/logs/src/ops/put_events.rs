use haneul_kit::meter::{At, UsageType};
use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::retention::cutoff_ms;
use crate::Logs;
use crate::error;
use crate::events::{Mask, OVERHEAD};
use crate::filters::embedded;
use crate::index::{Indexer, defaults};
use crate::keys::Fresh;
use crate::model::{Group, Stream};
use crate::names::GroupName;
use crate::protect::policy::Policy;
use crate::protect::{self, Findings};
use crate::settings::AccountSettings;
use crate::store::{NewEvents, Routing};

/// Source: CloudWatch Logs API Reference, PutLogEvents.
pub(crate) const BATCH_BYTES_MAX: usize = 1_048_576;
const FUTURE_MS_MAX: i64 = 2 * 3_600_000;
const PAST_MS_MAX: i64 = 14 * 86_400_000;
const SPAN_MS_MAX: i64 = 86_400_000;

/// What is taken in and paid for. Source: Amazon CloudWatch pricing, "Logs": collect (data ingestion).
const PROCESSED: UsageType = UsageType::new("DataProcessing-Bytes", "Bytes");
const PROCESSED_INFREQUENT: UsageType = UsageType::new("DataProcessingIA-Bytes", "Bytes");
const INFREQUENT: &str = "INFREQUENT_ACCESS";

/// What CloudWatch is told, of each group and of all. Source: CloudWatch Logs User Guide, "Monitoring with CloudWatch metrics".
const INCOMING_BYTES: Metric = Metric::new("AWS/Logs", "IncomingBytes", Unit::Bytes);
const WITH_FINDINGS: Metric = Metric::new("AWS/Logs", "LogEventsWithFindings", Unit::None);
const INCOMING_EVENTS: Metric = Metric::new("AWS/Logs", "IncomingLogEvents", Unit::None);

impl Handle<op::PutLogEvents> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutLogEventsRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        self.on_stream("logs:PutLogEvents", &name, &input.log_stream_name).await
    }

    async fn call(&self, cx: &Cx, input: s::PutLogEventsRequest) -> Result<s::PutLogEventsResponse> {
        let name = GroupName::own(cx, &input.log_group_name);
        let group = self.records.group(&name).await?;
        let stream = self.records.stream(group.id, &input.log_stream_name).await?;
        let events: Vec<(i64, &str)> =
            input.log_events.iter().map(|event| (event.timestamp, event.message.as_str())).collect();
        let size: usize = events.iter().map(|(_, message)| message.len() + OVERHEAD).sum();
        if size > BATCH_BYTES_MAX {
            return Err(error::invalid(format!(
                "Upload too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}"
            )));
        }
        if !events.is_sorted_by_key(|(time, _)| *time) {
            return Err(error::invalid(
                "Log events in a single PutLogEvents request must be in chronological order.",
            ));
        }
        let now_ms = cx.now().millis();
        let too_old = events.partition_point(|(time, _)| *time < now_ms - PAST_MS_MAX);
        let expired = match cutoff_ms(&group, cx.now()) {
            Some(cutoff) => events.partition_point(|(time, _)| *time < cutoff),
            None => 0,
        };
        let too_new = events.partition_point(|(time, _)| *time <= now_ms + FUTURE_MS_MAX);
        let taken = events.get(too_old.max(expired)..too_new).unwrap_or_default();
        if let (Some((first, _)), Some((last, _))) = (taken.first(), taken.last())
            && last - first > SPAN_MS_MAX
        {
            return Err(error::invalid(
                "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
            ));
        }
        if !taken.is_empty() {
            let to = Destination {
                name: &name,
                group: &group,
                stream: &input.log_stream_name,
                stream_id: stream.id,
            };
            self.take_in(cx, to, taken).await?;
        }
        let index = |at: usize| i32::try_from(at).unwrap_or(i32::MAX);
        let rejected = s::RejectedLogEventsInfo {
            too_new_log_event_start_index: (too_new < events.len()).then(|| index(too_new)),
            too_old_log_event_end_index: (too_old > 0).then(|| index(too_old)),
            expired_log_event_end_index: (expired > too_old).then(|| index(expired)),
        };
        let any = too_new < events.len() || too_old > 0 || expired > too_old;
        Ok(s::PutLogEventsResponse {
            // Of no use since 2023, and still answered.
            next_sequence_token: Some(format!("{:056}", stream.id)),
            rejected_log_events_info: any.then_some(rejected),
            rejected_entity_info: None,
        })
    }
}

/// Tries to append while the group's key or policies change.
const ATTEMPTS_MAX: usize = 5;
/// Of a batch of findings: less than a chunk can have.
const FINDINGS_BYTES: usize = BATCH_BYTES_MAX / 2;

/// Where events are written to.
#[derive(Clone, Copy)]
struct Destination<'a> {
    name: &'a GroupName,
    group: &'a Group,
    stream: &'a str,
    stream_id: u64,
}

impl Logs {
    /// Keeps events, what is sensitive in them marked, and tells whoever waits for them.
    async fn take_in(&self, cx: &Cx, to: Destination<'_>, events: &[(i64, &str)]) -> Result<()> {
        let owner = (to.name.account, to.name.region);
        let settings = self.settings.of(&self.records, owner).await?;
        let own = match &to.group.protection {
            Some(protection) => Some(self.settings.protection(&protection.document)?),
            None => None,
        };
        let policies: Vec<&Policy> = own.as_deref().into_iter().chain(&settings.protection).collect();
        let findings = match policies.is_empty() {
            true => Findings::default(),
            false => protect::find(&policies, events),
        };
        self.keep(cx, to, events, &findings.masks).await?;
        if !policies.is_empty() {
            let bytes = events.iter().map(|(_, message)| message.len() + OVERHEAD).sum::<usize>();
            self.meter_protected(to.name, bytes as u64);
        }
        self.audit(cx, to.name, &policies, &findings).await
    }

    /// Appends events and tells whoever waits for them.
    async fn keep(
        &self,
        cx: &Cx,
        to: Destination<'_>,
        events: &[(i64, &str)],
        masks: &[(usize, Mask)],
    ) -> Result<()> {
        let Destination { name, group, stream, stream_id } = to;
        let (account, region, now_ms) = (name.account, name.region, cx.now().millis());
        let settings = self.settings.of(&self.records, (account, region)).await?;
        let routing = match group.class.as_str() {
            "STANDARD" => {
                let of_account =
                    settings.subscriptions.iter().filter(|(.., groups)| groups.has(&name.name, None));
                let extracts = settings.extracts(&name.name);
                Routing {
                    of_account: of_account.map(|(id, policy, _)| (*id, policy.clone())).collect(),
                    embedded: extracts && events.iter().any(|(_, message)| embedded::may_be(message)),
                    unextracted: !extracts,
                    watched: self.platform.contributors.watches(account, region, &name.name).await?,
                }
            }
            // The other classes have neither subscriptions nor metrics.
            _ => Routing::default(),
        };
        let transformer = settings.transformer(&name.name, group);
        let indexer = self.indexer(&settings, (name, group), transformer, events).await?;
        let indexer = indexer.as_ref();
        let (mut key, mut attempt) = (group.key.clone(), 0);
        let waiting = loop {
            let open = match &key {
                Some(key) => Some((key.number, self.data_key(name, group.id, key.number, Fresh::No).await?)),
                None => None,
            };
            let new = NewEvents { now_ms, stream_id, events, masks, key: open, transformer, indexer };
            attempt += 1;
            match self.records.append(name, stream, &new, &routing).await {
                Err(error) if error.code() == "OperationAbortedException" && attempt < ATTEMPTS_MAX => {
                    key = self.records.group(name).await?.key;
                }
                other => break other?,
            }
        };
        self.arrivals.send_modify(|count| *count += 1);
        if waiting.for_metrics {
            self.measuring.wake();
        }
        if waiting.for_delivery {
            self.delivering.wake();
        }
        let bytes: usize = events.iter().map(|(_, message)| message.len() + OVERHEAD).sum();
        self.count(cx, name, INCOMING_BYTES, bytes);
        self.count(cx, name, INCOMING_EVENTS, events.len());
        let taken = At {
            at: cx.now(),
            owner: (name.account, name.region),
            service: "logs",
            operation: "PutLogEvents",
            resource: &name.arn().to_string(),
        };
        let kind = if group.class == INFREQUENT { PROCESSED_INFREQUENT } else { PROCESSED };
        self.platform.meter.used(taken, kind, bytes as u64);
        Ok(())
    }

    /// What indexes the events of a batch; nothing when no policy asks for it and none of them has a field that is indexed by
    /// default.
    async fn indexer(
        &self,
        settings: &AccountSettings,
        (name, group): (&GroupName, &Group),
        transformer: Option<u64>,
        events: &[(i64, &str)],
    ) -> Result<Option<Indexer>> {
        if group.class != "STANDARD" {
            return Ok(None);
        }
        let mut fields: Vec<String> =
            settings.indexed_fields(&name.name, group)?.into_iter().map(|field| field.name).collect();
        fields.retain(|field| !defaults::is_known(field));
        // A transformer may make them.
        if fields.is_empty() && transformer.is_none() && !defaults::may_be_in(events) {
            return Ok(None);
        }
        let transformer = match transformer {
            Some(number) => Some(self.transformer(group.id, number).await?),
            None => None,
        };
        Ok(Some(Indexer { fields, transformer }))
    }

    /// Counts for a group and for all.
    fn count(&self, cx: &Cx, name: &GroupName, metric: Metric, value: usize) {
        for dimensions in [&[("LogGroupName", name.name.as_str())][..], &[]] {
            let (account, region) = (name.account, name.region);
            self.platform.metrics.record(metric, account, region, cx.now(), dimensions, value as f64);
        }
    }

    /// Writes what was found to where the policies say, before the batch is answered.
    async fn audit(
        &self,
        cx: &Cx,
        name: &GroupName,
        policies: &[&Policy],
        findings: &Findings,
    ) -> Result<()> {
        if findings.audited.is_empty() {
            return Ok(());
        }
        self.count(cx, name, WITH_FINDINGS, findings.audited.len());
        let mut groups: Vec<&String> =
            policies.iter().filter_map(|policy| policy.findings_group.as_ref()).collect();
        groups.dedup();
        let (time, arn) = (cx.now().iso8601(), format!("{}:*", name.arn()));
        let reports: Vec<String> = findings
            .audited
            .iter()
            .map(|(_, detections)| protect::report(&time, &arn, detections).to_string())
            .collect();
        for group in groups {
            let to = GroupName::own(cx, group);
            if let Err(error) = self.write_findings(cx, &to, &name.name, &reports).await {
                tracing::warn!(%error, group = to.name, "findings of a data protection policy were not written");
            }
        }
        Ok(())
    }

    async fn write_findings(&self, cx: &Cx, to: &GroupName, of: &str, reports: &[String]) -> Result<()> {
        let group = self.records.group(to).await?;
        let stream = of.replace(['/', ':', '*'], "_");
        let made = Stream::new(self.platform.env.rng.u64(), cx.now().millis());
        match self.records.create_stream(to, &stream, &made).await {
            Err(error) if error.code() != "ResourceAlreadyExistsException" => return Err(error),
            _ => {}
        }
        let stream_id = self.records.stream(group.id, &stream).await?.id;
        let to = Destination { name: to, group: &group, stream: &stream, stream_id };
        let now_ms = cx.now().millis();
        let mut left = reports;
        while !left.is_empty() {
            let mut bytes = 0;
            let fits = left.iter().take_while(|report| {
                bytes += report.len();
                bytes <= FINDINGS_BYTES
            });
            let (part, rest) = left.split_at(fits.count().max(1));
            let events: Vec<(i64, &str)> = part.iter().map(|report| (now_ms, report.as_str())).collect();
            self.keep(cx, to, &events, &[]).await?;
            left = rest;
        }
        Ok(())
    }
}
