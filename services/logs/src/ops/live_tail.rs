use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use haneul_kit::{Access, AccountId, Cx, Handle, Region, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::EventStream;

use crate::Logs;
use crate::error;
use crate::events::{Direction, Reader, Scope};
use crate::names::GroupName;
use crate::pattern::Pattern;

const GROUPS_MAX: usize = 10;
/// A session ends after three hours (User Guide, "Live Tail").
const SESSION: Duration = Duration::from_secs(3 * 3600);
/// Updates come once a second, with up to this many events; beyond them it is a sample.
const EVERY: Duration = Duration::from_secs(1);
const UPDATE_MAX: usize = 500;
/// How late an event may come, by its own time, and still be shown.
const LATE_MS: i64 = 14 * 86_400_000;

impl Handle<op::StartLiveTail> for Logs {
    async fn access(&self, cx: &Cx, input: &s::StartLiveTailRequest) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for identifier in &input.log_group_identifiers {
            let name = GroupName::identified(cx, identifier)?;
            all.extend(self.on_group("logs:StartLiveTail", &name).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::StartLiveTailRequest) -> Result<s::StartLiveTailResponse> {
        if input.log_group_identifiers.is_empty() || input.log_group_identifiers.len() > GROUPS_MAX {
            return Err(error::invalid("A session takes between 1 and 10 log groups."));
        }
        let by_stream = input.log_stream_names.is_some() || input.log_stream_name_prefixes.is_some();
        if by_stream && input.log_group_identifiers.len() > 1 {
            return Err(error::invalid("Log streams can be chosen only when one log group is specified."));
        }
        if input.log_stream_names.is_some() && input.log_stream_name_prefixes.is_some() {
            return Err(error::invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive."));
        }
        let pattern = Pattern::given(input.log_event_filter_pattern.as_deref().unwrap_or_default())?;
        let mut groups = Vec::new();
        for identifier in &input.log_group_identifiers {
            let name = GroupName::identified(cx, identifier)?;
            groups.push((self.records.group(&name).await?.id, name));
        }
        let Some(logs) = self.this() else {
            return Err(haneul_kit::ApiError::internal("the service is gone"));
        };
        let start = s::LiveTailSessionStart {
            request_id: Some(cx.request_id().to_owned()),
            session_id: Some(self.platform.env.rng.uuid()),
            log_group_identifiers: Some(input.log_group_identifiers),
            log_stream_names: input.log_stream_names.clone(),
            log_stream_name_prefixes: input.log_stream_name_prefixes.clone(),
            log_event_filter_pattern: input.log_event_filter_pattern,
        };
        let now = self.platform.env.now();
        let session = Session {
            arrivals: logs.arrivals.subscribe(),
            logs,
            groups,
            names: input.log_stream_names,
            prefixes: input.log_stream_name_prefixes,
            pattern,
            seen_ms: now.millis(),
            owner: (cx.account(), cx.region()),
            paid_until: now,
            ends: now + SESSION,
            ready: VecDeque::from([s::StartLiveTailResponseStream::SessionStart(start)]),
        };
        let events = stream::unfold(session, |mut session| async move {
            let event = session.next().await?;
            Some((event, session))
        });
        Ok(s::StartLiveTailResponse { response_stream: EventStream::new(events) })
    }
}

/// What a session is paid by.
const MINUTE: Duration = Duration::from_secs(60);

struct Session {
    logs: Arc<Logs>,
    arrivals: tokio::sync::watch::Receiver<u64>,
    groups: Vec<(u64, GroupName)>,
    names: Option<Vec<String>>,
    prefixes: Option<Vec<String>>,
    pattern: Pattern,
    /// What was ingested up to here was shown.
    seen_ms: i64,
    owner: (AccountId, Region),
    /// The minutes up to here were metered.
    paid_until: haneul_kit::Instant,
    ends: haneul_kit::Instant,
    ready: VecDeque<s::StartLiveTailResponseStream>,
}

type Sent = std::result::Result<s::StartLiveTailResponseStream, haneul_shape::BoxError>;

impl Session {
    async fn next(&mut self) -> Option<Sent> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(Ok(ready));
        }
        let env = self.logs.platform.env.clone();
        if env.now() >= self.ends {
            return None;
        }
        while self.paid_until <= env.now() {
            self.logs.meter_tailed(self.owner);
            self.paid_until = self.paid_until + MINUTE;
        }
        tokio::select! {
            () = env.clock.sleep_until(env.now() + EVERY) => {}
            () = env.tasks.stopping() => return None,
        }
        // Only what changed is looked for; an update without events says that the session is alive.
        let arrived = self.arrivals.has_changed().unwrap_or(false);
        self.arrivals.mark_unchanged();
        let (results, sampled) = match arrived {
            true => match self.arrived().await {
                Ok(found) => found,
                Err(error) => return Some(Err(error.to_string().into())),
            },
            false => (Vec::new(), false),
        };
        let update = s::LiveTailSessionUpdate {
            session_metadata: Some(s::LiveTailSessionMetadata { sampled: Some(sampled) }),
            session_results: Some(results),
        };
        Some(Ok(s::StartLiveTailResponseStream::SessionUpdate(update)))
    }

    /// Events that came since the last look, and whether there were more than one update takes.
    async fn arrived(&mut self) -> Result<(Vec<s::LiveTailSessionLogEvent>, bool)> {
        let since = self.seen_ms;
        let now_ms = self.logs.platform.env.now().millis();
        let (mut found, mut newest, mut sampled) = (Vec::new(), since, false);
        for (id, name) in &self.groups {
            let wanted = |stream: &str| match (&self.names, &self.prefixes) {
                (Some(names), _) => names.iter().any(|one| one == stream),
                (_, Some(prefixes)) => prefixes.iter().any(|prefix| stream.starts_with(prefix)),
                _ => true,
            };
            let streams = self.logs.records.streams(*id, "").await?;
            let fresh = streams.into_iter().filter(|(name, stream)| {
                wanted(name) && stream.last_ingestion_ms.is_some_and(|ms| ms > since)
            });
            let fresh: HashMap<u64, String> = fresh.map(|(name, stream)| (stream.id, name)).collect();
            for (stream, stream_name) in fresh {
                let scope = Scope { id: stream, from_ms: now_ms - LATE_MS, to_ms: i64::MAX };
                let mut reader = Reader::new(&self.logs, (name, *id), scope, Direction::Backward, None);
                while let Some(event) = reader.next().await? {
                    if event.ingested_ms <= since {
                        // Older by its own time and by ours: what is left was shown.
                        break;
                    }
                    newest = newest.max(event.ingested_ms);
                    if !self.pattern.matches(&event.message) {
                        continue;
                    }
                    if found.len() >= UPDATE_MAX {
                        sampled = true;
                        break;
                    }
                    found.push(s::LiveTailSessionLogEvent {
                        log_stream_name: Some(stream_name.clone()),
                        log_group_identifier: Some(format!("{}:{}", name.account, name.name)),
                        message: Some(event.message),
                        timestamp: Some(event.place.time_ms),
                        ingestion_time: Some(event.ingested_ms),
                    });
                }
            }
        }
        self.seen_ms = newest;
        found.sort_by_key(|event| event.timestamp);
        Ok((found, sampled))
    }
}
