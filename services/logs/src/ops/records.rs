use std::collections::HashMap;

use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::access::on_all;
use super::retention::cutoff_ms;
use crate::Logs;
use crate::error;
use crate::events::{Direction, Event, Reader, Scope};
use crate::insights::record::Record;
use crate::names::GroupName;
use crate::queries::{Pointer, pointers};

/// Events looked at for the fields of a group.
const SAMPLE: usize = 10_000;
const MINUTE_MS: i64 = 60_000;

impl Handle<op::GetLogRecord> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetLogRecordRequest) -> Result<Vec<Access>> {
        match self.pointed(cx, &input.log_record_pointer) {
            Ok(pointer) => {
                let name = GroupName::own(cx, &pointer.group);
                let mut all = self.on_group("logs:GetLogRecord", &name).await?;
                if input.unmask == Some(true) {
                    all.extend(self.on_group("logs:Unmask", &name).await?);
                }
                Ok(all)
            }
            Err(_) => Ok(on_all(cx, "logs:GetLogRecord")),
        }
    }

    async fn call(&self, cx: &Cx, input: s::GetLogRecordRequest) -> Result<s::GetLogRecordResponse> {
        let pointer = self.pointed(cx, &input.log_record_pointer)?;
        let name = GroupName::own(cx, &pointer.group);
        let group = self.records.group(&name).await?;
        let time = pointer.place.time_ms;
        if cutoff_ms(&group, cx.now()).is_some_and(|cutoff| time < cutoff) {
            return Err(error::record_not_found());
        }
        let streams = self.records.streams(group.id, "").await?;
        let stream = streams.into_iter().find(|(_, stream)| stream.id == pointer.stream);
        let (stream, _) = stream.ok_or_else(error::record_not_found)?;
        let scope = Scope { id: pointer.stream, from_ms: time, to_ms: time + 1 };
        let mut reader = Reader::new(self, (&name, group.id), scope, Direction::Forward, None)
            .unmasked(input.unmask == Some(true));
        let event = loop {
            match reader.next().await? {
                Some(event) if event.place == pointer.place => break event,
                Some(_) => {}
                None => return Err(error::record_not_found()),
            }
        };
        let log = format!("{}:{}", cx.account(), name.name);
        let record = as_record(&event, &stream, &log, input.log_record_pointer);
        let fields = record.fields().filter_map(|(name, value)| Some((name.to_owned(), value.text()?)));
        Ok(s::GetLogRecordResponse { log_record: Some(fields.collect()) })
    }
}

impl Handle<op::GetLogGroupFields> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetLogGroupFieldsRequest) -> Result<Vec<Access>> {
        let name =
            GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        self.on_group("logs:GetLogGroupFields", &name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetLogGroupFieldsRequest,
    ) -> Result<s::GetLogGroupFieldsResponse> {
        let name =
            GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
        let group = self.records.group(&name).await?;
        let now_ms = cx.now().millis();
        let (from_ms, to_ms) = match input.time {
            Some(secs) => (secs * 1000 - 8 * MINUTE_MS, secs * 1000 + 8 * MINUTE_MS),
            None => (now_ms - 15 * MINUTE_MS, now_ms + 1),
        };
        let from_ms = from_ms.max(cutoff_ms(&group, cx.now()).unwrap_or(0));
        let scope = Scope { id: group.id, from_ms, to_ms };
        let mut reader = Reader::new(self, (&name, group.id), scope, Direction::Backward, None);
        let (mut counts, mut events): (HashMap<String, usize>, usize) = (HashMap::new(), 0);
        while events < SAMPLE
            && let Some(event) = reader.next().await?
        {
            events += 1;
            for (name, _) in as_record(&event, "", "", String::new()).fields() {
                if name != "@ptr" {
                    *counts.entry(name.to_owned()).or_default() += 1;
                }
            }
        }
        let mut fields: Vec<(String, usize)> = counts.into_iter().collect();
        fields.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let field = |(name, count): (String, usize)| s::LogGroupField {
            name: Some(name),
            percent: Some((count * 100 / events.max(1)) as i32),
        };
        Ok(s::GetLogGroupFieldsResponse { log_group_fields: Some(fields.into_iter().map(field).collect()) })
    }
}

impl Logs {
    fn pointed(&self, cx: &Cx, pointer: &str) -> Result<Pointer> {
        let purpose = pointers(cx.account(), cx.region());
        let pointer = paging::position(&self.platform.seal, &purpose, pointer);
        pointer.ok_or_else(|| error::invalid("The specified log record pointer is invalid."))
    }
}

fn as_record(event: &Event, stream: &str, log: &str, pointer: String) -> Record {
    Record::event(&event.message, event.place.time_ms, event.ingested_ms, stream, log, Some(|| pointer))
}
