use std::collections::HashMap;

use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::events::{PAGE_BYTES_MAX, PAGE_EVENTS_MAX, scope};
use super::retention::cutoff_ms;
use crate::Logs;
use crate::error;
use crate::events::{Direction, OVERHEAD, Place, Reader};
use crate::names::GroupName;
use crate::pattern::Pattern;

/// What one call looks through before it answers with what it has and a token.
const SCAN_BYTES_MAX: usize = if cfg!(test) { 64 * 1024 } else { 64 * 1024 * 1024 };

impl Handle<op::FilterLogEvents> for Logs {
    async fn access(&self, cx: &Cx, input: &s::FilterLogEventsRequest) -> Result<Vec<Access>> {
        let name =
            GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        let mut all = self.on_group("logs:FilterLogEvents", &name).await?;
        if input.unmask == Some(true) {
            all.extend(self.on_group("logs:Unmask", &name).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::FilterLogEventsRequest) -> Result<s::FilterLogEventsResponse> {
        let name =
            GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        let pattern = Pattern::given(input.filter_pattern.as_deref().unwrap_or_default())?;
        if input.log_stream_names.is_some() && input.log_stream_name_prefix.is_some() {
            return Err(error::invalid(
                "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
            ));
        }
        let group = self.records.group(&name).await?;
        let streams: HashMap<u64, String> = match &input.log_stream_names {
            Some(names) => {
                let mut found = HashMap::new();
                for name in names {
                    found.insert(self.records.stream(group.id, name).await?.id, name.clone());
                }
                found
            }
            None => {
                let prefix = input.log_stream_name_prefix.as_deref().unwrap_or_default();
                let found = self.records.streams(group.id, prefix).await?;
                found.into_iter().map(|(name, stream)| (stream.id, name)).collect()
            }
        };
        let direction = match input.start_from_head {
            Some(false) => Direction::Backward,
            _ => Direction::Forward,
        };
        let purpose = format!("logs.filter {}", group.id);
        let seal = &self.platform.seal;
        let beyond: Option<Place> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        // One stream is read by itself; several are read as the group, in the order of time.
        let id = match streams.len() {
            1 => streams.keys().copied().next().unwrap_or(group.id),
            _ => group.id,
        };
        let scope = scope(id, input.start_time, input.end_time, cutoff_ms(&group, cx.now()));
        let limit = input.limit.map_or(PAGE_EVENTS_MAX, |limit| limit as usize);
        let mut reader = Reader::new(self, (&name, group.id), scope, direction, beyond)
            .unmasked(input.unmask == Some(true));
        let (mut events, mut bytes, mut last, mut more) = (Vec::new(), 0, None, false);
        while let Some(event) = reader.next().await? {
            let matched = streams.contains_key(&event.stream) && pattern.matches(&event.message);
            let full = events.len() >= limit
                || !events.is_empty() && bytes + event.message.len() + OVERHEAD > PAGE_BYTES_MAX
                || reader.bytes_given > SCAN_BYTES_MAX;
            if matched && full || reader.bytes_given > SCAN_BYTES_MAX && last.is_some() {
                more = true;
                break;
            }
            last = Some(event.place);
            if !matched {
                continue;
            }
            bytes += event.message.len() + OVERHEAD;
            events.push(s::FilteredLogEvent {
                log_stream_name: streams.get(&event.stream).cloned(),
                timestamp: Some(event.place.time_ms),
                event_id: Some(event.place.id()),
                message: Some(event.message),
                ingestion_time: Some(event.ingested_ms),
            });
        }
        let next_token = last.filter(|_| more).map(|place| paging::token(seal, &purpose, &place));
        // AWS stopped naming the streams that it searched in 2020.
        Ok(s::FilterLogEventsResponse {
            events: Some(events),
            searched_log_streams: Some(Vec::new()),
            next_token,
        })
    }
}

impl Handle<op::TestMetricFilter> for Logs {
    async fn access(&self, cx: &Cx, _: &s::TestMetricFilterRequest) -> Result<Vec<Access>> {
        Ok(super::access::on_all(cx, "logs:TestMetricFilter"))
    }

    async fn call(&self, _: &Cx, input: s::TestMetricFilterRequest) -> Result<s::TestMetricFilterResponse> {
        let pattern = Pattern::given(&input.filter_pattern)?;
        let matched = input.log_event_messages.into_iter().zip(1..).filter(|(m, _)| pattern.matches(m));
        let record = |(message, number): (String, i64)| s::MetricFilterMatchRecord {
            event_number: Some(number),
            extracted_values: Some(pattern.extract(&message).into_iter().collect()),
            event_message: Some(message),
        };
        Ok(s::TestMetricFilterResponse { matches: Some(matched.map(record).collect()) })
    }
}
