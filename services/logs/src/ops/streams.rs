use std::cmp::Reverse;

use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use crate::Logs;
use crate::error;
use crate::model::Stream;
use crate::names::GroupName;

const PAGE: usize = 50;

impl Handle<op::CreateLogStream> for Logs {
    async fn access(&self, cx: &Cx, input: &s::CreateLogStreamRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        self.on_stream("logs:CreateLogStream", &name, &input.log_stream_name).await
    }

    async fn call(&self, cx: &Cx, input: s::CreateLogStreamRequest) -> Result<Empty> {
        let stream = Stream::new(self.platform.env.rng.u64(), cx.now().millis());
        let name = GroupName::own(cx, &input.log_group_name);
        self.records.create_stream(&name, &input.log_stream_name, &stream).await?;
        Ok(Empty {})
    }
}

impl Handle<op::DeleteLogStream> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteLogStreamRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        self.on_stream("logs:DeleteLogStream", &name, &input.log_stream_name).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteLogStreamRequest) -> Result<Empty> {
        let name = GroupName::own(cx, &input.log_group_name);
        self.records.delete_stream(&name, &input.log_stream_name).await?;
        self.sweeping.wake();
        Ok(Empty {})
    }
}

impl Handle<op::DescribeLogStreams> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DescribeLogStreamsRequest) -> Result<Vec<Access>> {
        let name =
            GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        self.on_group("logs:DescribeLogStreams", &name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeLogStreamsRequest,
    ) -> Result<s::DescribeLogStreamsResponse> {
        let name =
            GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        let by_time = input.order_by.as_deref() == Some("LastEventTime");
        if by_time && input.log_stream_name_prefix.is_some() {
            return Err(error::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        let group = self.records.group(&name).await?;
        let prefix = input.log_stream_name_prefix.unwrap_or_default();
        let mut streams = self.records.streams(group.id, &prefix).await?;
        // A stream without events is older than all that have one.
        let key = |(name, stream): &(String, Stream)| {
            (if by_time { stream.last_event_ms.unwrap_or(i64::MIN) } else { 0 }, name.clone())
        };
        match input.descending.unwrap_or(false) {
            true => streams.sort_by_cached_key(|one| Reverse(key(one))),
            false => streams.sort_by_cached_key(key),
        }
        let descending = input.descending.unwrap_or(false);
        let purpose = format!("logs.streams {} {prefix} {by_time} {descending}", group.id);
        if let Some(token) = &input.next_token {
            let after: (i64, String) =
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?;
            let seen = |one: &(String, Stream)| match descending {
                true => key(one) >= after,
                false => key(one) <= after,
            };
            streams.retain(|one| !seen(one));
        }
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let page = paging::cut(streams, limit, &self.platform.seal, &purpose, key);
        let shown = |(stream_name, stream): (String, Stream)| s::LogStream {
            arn: Some(name.stream_arn(&stream_name).to_string()),
            log_stream_name: Some(stream_name),
            creation_time: Some(stream.created_ms),
            first_event_timestamp: stream.first_event_ms,
            last_event_timestamp: stream.last_event_ms,
            last_ingestion_time: stream.last_ingestion_ms,
            upload_sequence_token: stream.last_ingestion_ms.map(|_| format!("{:056}", stream.id)),
            // AWS stopped counting by stream in 2019 and says zero.
            stored_bytes: Some(0),
        };
        let streams = page.items.into_iter().map(shown).collect();
        Ok(s::DescribeLogStreamsResponse { log_streams: Some(streams), next_token: page.next })
    }
}
