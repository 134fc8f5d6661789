use haneul_kit::{Access, Cx, Handle, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::retention::cutoff_ms;
use crate::Logs;
use crate::error;
use crate::events::{Direction, Event, OVERHEAD, Place, Reader, Scope};
use crate::names::GroupName;

/// A page has no more than this (API Reference, GetLogEvents).
pub(super) const PAGE_EVENTS_MAX: usize = 10_000;
pub(super) const PAGE_BYTES_MAX: usize = 1024 * 1024;

impl Handle<op::GetLogEvents> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetLogEventsRequest) -> Result<Vec<Access>> {
        let name = named(cx, input)?;
        let mut all = self.on_stream("logs:GetLogEvents", &name, &input.log_stream_name).await?;
        if input.unmask == Some(true) {
            all.extend(self.on_group("logs:Unmask", &name).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::GetLogEventsRequest) -> Result<s::GetLogEventsResponse> {
        let name = named(cx, &input)?;
        let group = self.records.group(&name).await?;
        let stream = self.records.stream(group.id, &input.log_stream_name).await?;
        let scope = scope(stream.id, input.start_time, input.end_time, cutoff_ms(&group, cx.now()));
        let token = match &input.next_token {
            Some(token) => Some(parse(token).ok_or_else(error::next_token)?),
            None => None,
        };
        let (direction, beyond) = match token {
            Some((direction, place)) => (direction, Some(place)),
            None if input.start_from_head == Some(true) => (Direction::Forward, None),
            None => (Direction::Backward, None),
        };
        let limit = input.limit.map_or(PAGE_EVENTS_MAX, |limit| limit as usize);
        let mut reader = Reader::new(self, (&name, group.id), scope, direction, beyond)
            .unmasked(input.unmask == Some(true));
        let mut events: Vec<Event> = Vec::new();
        let mut bytes = 0;
        while events.len() < limit
            && let Some(event) = reader.next().await?
        {
            bytes += event.message.len() + OVERHEAD;
            if bytes > PAGE_BYTES_MAX && !events.is_empty() {
                break;
            }
            events.push(event);
        }
        if direction == Direction::Backward {
            events.reverse();
        }
        // Where nothing was found, the tokens stay, so that a client knows that it is at the end, and finds what comes.
        let here = match token {
            Some((_, place)) => place,
            None if direction == Direction::Forward => Place::before(scope.from_ms.max(0)),
            None => Place::before(scope.to_ms.min(cx.now().millis() + 1).max(0)),
        };
        let forward = events.last().map_or(here, |event| event.place);
        let backward = events.first().map_or(here, |event| event.place);
        let shown = |event: Event| s::OutputLogEvent {
            timestamp: Some(event.place.time_ms),
            message: Some(event.message),
            ingestion_time: Some(event.ingested_ms),
        };
        Ok(s::GetLogEventsResponse {
            events: Some(events.into_iter().map(shown).collect()),
            next_forward_token: Some(format!("f/{}/s", forward.id())),
            next_backward_token: Some(format!("b/{}/s", backward.id())),
        })
    }
}

fn named(cx: &Cx, input: &s::GetLogEventsRequest) -> Result<GroupName> {
    GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())
}

/// The times that a request wants, without what is past retention.
pub(super) fn scope(id: u64, from: Option<i64>, to: Option<i64>, cutoff_ms: Option<i64>) -> Scope {
    let from_ms = from.unwrap_or(0).max(cutoff_ms.unwrap_or(0));
    Scope { id, from_ms, to_ms: to.unwrap_or(i64::MAX) }
}

fn parse(token: &str) -> Option<(Direction, Place)> {
    let (kind, rest) = token.split_once('/')?;
    let place = Place::parse(rest.strip_suffix("/s")?)?;
    match kind {
        "f" => Some((Direction::Forward, place)),
        "b" => Some((Direction::Backward, place)),
        _ => None,
    }
}
