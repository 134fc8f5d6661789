use haneul_kit::metrics::{Metric, Unit};
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::retention::cutoff_ms;
use crate::Logs;
use crate::error;
use crate::events::OVERHEAD;
use crate::names::GroupName;

/// Source: CloudWatch Logs API Reference, PutLogEvents.
const BATCH_BYTES_MAX: usize = 1_048_576;
const FUTURE_MS_MAX: i64 = 2 * 3_600_000;
const PAST_MS_MAX: i64 = 14 * 86_400_000;
const SPAN_MS_MAX: i64 = 86_400_000;

/// What CloudWatch is told, of each group and of all. Source: CloudWatch Logs User Guide, "Monitoring with CloudWatch metrics".
const INCOMING_BYTES: Metric = Metric::new("AWS/Logs", "IncomingBytes", Unit::Bytes);
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
            self.records.append(cx, &name, &input.log_stream_name, taken).await?;
            self.arrivals.send_modify(|count| *count += 1);
            let bytes: usize = taken.iter().map(|(_, message)| message.len() + OVERHEAD).sum();
            let dimensions = [("LogGroupName", name.name.as_str())];
            for (metric, value) in [(INCOMING_BYTES, bytes), (INCOMING_EVENTS, taken.len())] {
                for dimensions in [&dimensions[..], &[]] {
                    let (account, region) = (name.account, name.region);
                    self.platform.metrics.record(metric, account, region, cx.now(), dimensions, value as f64);
                }
            }
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
