//! Data sources: how many groups are of each, and which fields their events have.

use std::collections::BTreeMap;

use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use serde_json::Value;

use super::groups::NamePattern;
use super::retention::cutoff_ms;
use crate::Logs;
use crate::data_source::DataSource;
use crate::error;
use crate::events::{Direction, Reader, Scope};
use crate::model::Group;
use crate::names::GroupName;
use crate::transform::Work;

const PAGE: usize = 50;
/// Groups that one step looks at.
const SCAN: usize = 500;
/// The newest events that are looked at for fields, of all groups of a source, and of how many of these.
const EVENTS_MAX: usize = 10_000;
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Messages that are transformed with the work that a batch may have.
const BATCH: usize = 1024 * 1024;
const GROUPS_MAX: usize = 50;
/// Fields that are told, those within others too, and how deep these lie.
const FIELDS_MAX: usize = 1000;
const DEPTH_MAX: usize = 32;
const NAME_MAX: usize = 256;

impl Handle<op::ListAggregateLogGroupSummaries> for Logs {
    async fn access(&self, _: &Cx, _: &s::ListAggregateLogGroupSummariesRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("logs:ListAggregateLogGroupSummaries")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAggregateLogGroupSummariesRequest,
    ) -> Result<s::ListAggregateLogGroupSummariesResponse> {
        if input.include_linked_accounts == Some(true) || input.account_identifiers.is_some() {
            return Err(error::not_offered("Cross-account observability"));
        }
        let pattern = NamePattern::parse(input.log_group_name_pattern.as_deref().unwrap_or_default())?;
        let is_wanted = |name: &str, group: &Group, source: &DataSource| {
            pattern.matches(name)
                && input.log_group_class.as_ref().is_none_or(|class| *class == group.class)
                && is_of(input.data_sources.as_deref(), source)
        };
        let mut counts: BTreeMap<DataSource, i32> = BTreeMap::new();
        for (name, group, source) in self.sources(cx).await? {
            if is_wanted(&name, &group, &source) {
                *counts.entry(source).or_default() += 1;
            }
        }
        let mut found: Vec<(DataSource, i32)> = counts.into_iter().collect();
        let purpose = format!("logs.data-sources {} {}", cx.account(), cx.region());
        let place = |source: &DataSource| (source.name.clone(), source.kind.clone());
        if let Some(token) = &input.next_token {
            let after: (String, String) =
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?;
            found.retain(|(source, _)| place(source) > after);
        }
        let limit = input.limit.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(1).max(1));
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, |(source, _)| place(source));
        let identifier =
            |key: &str, value: String| s::GroupingIdentifier { key: Some(key.into()), value: Some(value) };
        // What comes of one's own applications has no format, so none is told.
        let summary = |(source, count): (DataSource, i32)| s::AggregateLogGroupSummary {
            log_group_count: Some(count),
            grouping_identifiers: Some(vec![
                identifier("dataSource.Name", source.name),
                identifier("dataSource.Type", source.kind),
            ]),
        };
        Ok(s::ListAggregateLogGroupSummariesResponse {
            aggregate_log_group_summaries: Some(page.items.into_iter().map(summary).collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::GetLogFields> for Logs {
    async fn access(&self, _: &Cx, _: &s::GetLogFieldsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("logs:GetLogFields")])
    }

    async fn call(&self, cx: &Cx, input: s::GetLogFieldsRequest) -> Result<s::GetLogFieldsResponse> {
        let wanted = DataSource { name: input.data_source_name, kind: input.data_source_type };
        let mut groups = self.sources(cx).await?;
        groups.retain(|(_, _, source)| *source == wanted);
        if groups.is_empty() {
            return Err(error::source_not_found());
        }
        let (mut fields, mut left, mut work) = (Shape::default(), FIELDS_MAX, Work::new());
        let among = groups.len().min(GROUPS_MAX);
        let (share, bytes_share) = (EVENTS_MAX / among, BYTES_MAX / among);
        let mut batch = 0;
        for (name, group, _) in groups.into_iter().take(GROUPS_MAX) {
            let name = GroupName::own(cx, &name);
            let from_ms = cutoff_ms(&group, cx.now()).unwrap_or(0);
            let scope = Scope { id: group.id, from_ms, to_ms: i64::MAX };
            let mut reader = Reader::new(self, (&name, group.id), scope, Direction::Backward, None);
            let mut bytes = 0;
            for _ in 0..share {
                let Some(event) = reader.next().await? else { break };
                bytes += event.message.len();
                if bytes > bytes_share {
                    break;
                }
                batch += event.message.len();
                if batch > BATCH {
                    batch = event.message.len();
                    work.renew();
                }
                let event = self.transformed(group.id, event, &mut work).await?;
                work.breathe(event.message.len()).await;
                if let Ok(json @ Value::Object(_)) = serde_json::from_str(&event.message) {
                    fields.take(&json, &mut left, 0);
                }
            }
        }
        Ok(s::GetLogFieldsResponse { log_fields: Some(fields.items()) })
    }
}

impl Logs {
    /// The groups of the caller's account that are of a data source.
    pub(super) async fn sources(&self, cx: &Cx) -> Result<Vec<(String, Group, DataSource)>> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.records.groups(cx, "", after.as_deref(), SCAN).await?;
            let through = page.len() < SCAN;
            after = page.last().map(|(name, _)| name.clone());
            let with_source = |(name, group): (String, Group)| {
                let source = DataSource::of(&group.tags)?;
                Some((name, group, source))
            };
            all.extend(page.into_iter().filter_map(with_source));
            if through {
                return Ok(all);
            }
        }
    }
}

/// Whether a source is one of those that a filter means.
pub(super) fn is_of(filters: Option<&[s::DataSourceFilter]>, source: &DataSource) -> bool {
    filters.is_none_or(|filters| {
        filters.iter().any(|filter| source.fits(&filter.name, filter.r#type.as_deref()))
    })
}

/// What values of a field are like, in all events.
#[derive(Default)]
struct Shape {
    texts: bool,
    whole: bool,
    broken: bool,
    truths: bool,
    fields: BTreeMap<String, Shape>,
    element: Option<Box<Shape>>,
}

impl Shape {
    fn take(&mut self, value: &Value, left: &mut usize, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::Null => {}
            Value::Bool(_) => self.truths = true,
            Value::Number(number) if number.is_f64() => self.broken = true,
            Value::Number(_) => self.whole = true,
            Value::String(_) => self.texts = true,
            Value::Array(elements) => {
                let element = self.element.get_or_insert_default();
                elements.iter().for_each(|one| element.take(one, left, depth + 1));
            }
            Value::Object(members) => {
                for (name, member) in members.iter().filter(|(name, _)| (1..=NAME_MAX).contains(&name.len()))
                {
                    if !self.fields.contains_key(name) {
                        if *left == 0 {
                            continue;
                        }
                        *left -= 1;
                    }
                    self.fields.entry(name.clone()).or_default().take(member, left, depth + 1);
                }
            }
        }
    }

    fn items(&self) -> Vec<s::LogFieldsListItem> {
        let item = |(name, shape): (&String, &Shape)| s::LogFieldsListItem {
            log_field_name: Some(name.clone()),
            log_field_type: Some(shape.kind()),
        };
        self.fields.iter().map(item).collect()
    }

    fn kind(&self) -> s::LogFieldType {
        let kind = match (!self.fields.is_empty(), self.element.is_some()) {
            (true, _) => "struct",
            (_, true) => "array",
            _ if self.texts || self.truths && (self.whole || self.broken) => "string",
            _ if self.broken => "double",
            _ if self.whole => "long",
            _ if self.truths => "boolean",
            _ => "string",
        };
        s::LogFieldType {
            r#type: Some(kind.into()),
            element: self
                .element
                .as_ref()
                .filter(|_| kind == "array")
                .map(|element| Box::new(element.kind())),
            fields: (kind == "struct").then(|| self.items()),
        }
    }
}
