//! Scheduled queries. Sources: API Reference, "CreateScheduledQuery" and its neighbours; User Guide, "Automating log analysis
//! with scheduled queries". [`given`] is what a request brings, and what of that can be kept.

mod given;

use haneul_kit::{Access, Arn, Cx, Handle, Result, Tags, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use given::{created, updated};

use super::queries::milliseconds;
use super::subscription_filters::pass_role;
use super::tags::refused;
use crate::Logs;
use crate::error;
use crate::model::{RunDelivery, RunStatus, ScheduledQuery, ScheduledRun};
use crate::store::ScheduledKey;

const PAGE: usize = 50;
const HISTORY_PAGE: usize = 1000;
const NAME_MAX: usize = 300;

pub(crate) fn scheduled_arn(key: &ScheduledKey) -> Arn {
    Arn::new("logs", key.1, key.0, format_args!("scheduled-query:{}", key.2))
}

/// The scheduled query that an ARN means: one of the caller's, in this Region.
pub(super) fn scheduled_key(cx: &Cx, arn: &Arn) -> Option<ScheduledKey> {
    let id = arn.resource().strip_prefix("scheduled-query:").filter(|id| !id.is_empty())?;
    let ours = arn.service() == "logs"
        && arn.region() == cx.region().as_str()
        && arn.account_id() == Some(cx.account());
    ours.then(|| (cx.account(), cx.region(), id.to_owned()))
}

impl Logs {
    /// By name or ARN.
    async fn identified(&self, cx: &Cx, given: &str) -> Result<Option<(ScheduledKey, ScheduledQuery)>> {
        if let Ok(arn) = Arn::parse(given) {
            let Some(key) = scheduled_key(cx, &arn) else { return Ok(None) };
            return Ok(self.records.find_scheduled(&key).await?.map(|query| (key, query)));
        }
        let all = self.records.scheduled((cx.account(), cx.region())).await?;
        Ok(all.into_iter().find(|(_, query)| query.name == given))
    }

    async fn needed(&self, cx: &Cx, given: &str) -> Result<(ScheduledKey, ScheduledQuery)> {
        self.identified(cx, given).await?.ok_or_else(error::scheduled_not_found)
    }

    async fn on_scheduled(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Access> {
        Ok(match self.identified(cx, given).await? {
            Some((key, query)) => Access::on(action, &scheduled_arn(&key))
                .resource_tags(query.tags.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
            // Of one that is not there nothing is told to who may not ask.
            None => match Arn::parse(given).ok().and_then(|arn| scheduled_key(cx, &arn)) {
                Some(key) => Access::on(action, &scheduled_arn(&key)),
                None => Access::on(action, &scheduled_arn(&(cx.account(), cx.region(), given.to_owned()))),
            },
        })
    }
}

/// A shape of the model as another one that has the same members.
macro_rules! same_members {
    ($from:expr, $of:ident => $to:ident { $($member:ident),* $(,)? }) => {{
        let s::$of { $($member),* } = $from;
        s::$to { $($member),* }
    }};
}

impl Handle<op::CreateScheduledQuery> for Logs {
    async fn access(&self, cx: &Cx, input: &s::CreateScheduledQueryRequest) -> Result<Vec<Access>> {
        let tags = input.tags.iter().flat_map(|tags| tags.iter()).map(|(key, value)| (key, value.as_str()));
        let any = scheduled_arn(&(cx.account(), cx.region(), "*".into()));
        let mut all = vec![Access::on("logs:CreateScheduledQuery", &any).request_tags(tags)];
        all.extend(created(input).roles().into_iter().filter_map(|role| pass_role(Some(role))));
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateScheduledQueryRequest,
    ) -> Result<s::CreateScheduledQueryResponse> {
        if input.name.chars().count() > NAME_MAX || input.name.starts_with("arn:") {
            return Err(error::not_valid("The name is not valid."));
        }
        let tags = Tags::from_request(input.tags.clone().unwrap_or_default())
            .map_err(|why| error::not_valid(refused(why).message()))?;
        let mut query = created(&input).checked(cx)?;
        query.name = input.name;
        query.tags = tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let key = (cx.account(), cx.region(), self.platform.env.rng.uuid());
        self.records.create_scheduled(&key, &query).await?;
        self.scheduling.wake();
        Ok(s::CreateScheduledQueryResponse {
            scheduled_query_arn: Some(scheduled_arn(&key).to_string()),
            state: Some(state(&query).into()),
        })
    }
}

impl Handle<op::GetScheduledQuery> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetScheduledQueryRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_scheduled(cx, "logs:GetScheduledQuery", &input.identifier).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetScheduledQueryRequest,
    ) -> Result<s::GetScheduledQueryResponse> {
        let (key, query) = self.needed(cx, &input.identifier).await?;
        Ok(shown(&key, query))
    }
}

impl Handle<op::UpdateScheduledQuery> for Logs {
    async fn access(&self, cx: &Cx, input: &s::UpdateScheduledQueryRequest) -> Result<Vec<Access>> {
        let mut all = vec![self.on_scheduled(cx, "logs:UpdateScheduledQuery", &input.identifier).await?];
        all.extend(updated(input).roles().into_iter().filter_map(|role| pass_role(Some(role))));
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateScheduledQueryRequest,
    ) -> Result<s::UpdateScheduledQueryResponse> {
        let (key, _) = self.needed(cx, &input.identifier).await?;
        let given = updated(&input).checked(cx)?;
        // All of it but its name, its tags, and what became of it so far.
        let change = |query: &mut ScheduledQuery| {
            *query = ScheduledQuery {
                name: query.name.clone(),
                tags: query.tags.clone(),
                created_ms: query.created_ms,
                last_ms: query.last_ms,
                last: query.last,
                ..given.clone()
            };
            Ok(())
        };
        let query = self.records.change_scheduled(&key, change).await?;
        self.scheduling.wake();
        Ok(same_members!(shown(&key, query), GetScheduledQueryResponse => UpdateScheduledQueryResponse {
            scheduled_query_arn, name, description, query_language, query_string, log_group_identifiers, schedule_expression, timezone, start_time_offset, end_time_offset, destination_configuration, state, schedule_type, last_triggered_time, last_execution_status, schedule_start_time, schedule_end_time, execution_role_arn, creation_time, last_updated_time
        }))
    }
}

impl Handle<op::DeleteScheduledQuery> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteScheduledQueryRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_scheduled(cx, "logs:DeleteScheduledQuery", &input.identifier).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteScheduledQueryRequest,
    ) -> Result<s::DeleteScheduledQueryResponse> {
        let (key, _) = self.needed(cx, &input.identifier).await?;
        self.records.delete_scheduled(&key).await?;
        Ok(s::DeleteScheduledQueryResponse {})
    }
}

impl Handle<op::ListScheduledQueries> for Logs {
    async fn access(&self, _: &Cx, _: &s::ListScheduledQueriesRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("logs:ListScheduledQueries")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListScheduledQueriesRequest,
    ) -> Result<s::ListScheduledQueriesResponse> {
        let owner = (cx.account(), cx.region());
        let mut found = self.records.scheduled(owner).await?;
        found.retain(|(_, query)| input.state.as_ref().is_none_or(|wanted| state(query) == wanted));
        if input.schedule_type.as_deref().is_some_and(|kind| kind != CUSTOMER_MANAGED) {
            // AWS's own services make the others.
            found.clear();
        }
        found.sort_by(|a, b| a.1.name.cmp(&b.1.name));
        let purpose = format!("logs.scheduled-queries {} {}", owner.0, owner.1);
        if let Some(token) = &input.next_token {
            let after: String = paging::position(&self.platform.seal, &purpose, token)
                .ok_or_else(|| error::not_valid("The specified nextToken is invalid."))?;
            found.retain(|(_, query)| query.name > after);
        }
        let limit = input.max_results.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(1).max(1));
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, |(_, query)| query.name.clone());
        let summary = |(key, query): (ScheduledKey, ScheduledQuery)| s::ScheduledQuerySummary {
            scheduled_query_arn: Some(scheduled_arn(&key).to_string()),
            state: Some(state(&query).into()),
            schedule_type: Some(CUSTOMER_MANAGED.into()),
            last_triggered_time: query.last_ms,
            last_execution_status: query.last.map(|status| status.as_str().into()),
            destination_configuration: destinations(&query),
            name: Some(query.name),
            schedule_expression: Some(query.expression),
            timezone: query.timezone,
            creation_time: Some(query.created_ms),
            last_updated_time: Some(query.updated_ms),
        };
        Ok(s::ListScheduledQueriesResponse {
            scheduled_queries: Some(page.items.into_iter().map(summary).collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::GetScheduledQueryHistory> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetScheduledQueryHistoryRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_scheduled(cx, "logs:GetScheduledQueryHistory", &input.identifier).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetScheduledQueryHistoryRequest,
    ) -> Result<s::GetScheduledQueryHistoryResponse> {
        let (key, query) = self.needed(cx, &input.identifier).await?;
        let (from_ms, mut to_ms) = (milliseconds(input.start_time, 0), milliseconds(input.end_time, 999));
        if to_ms < from_ms {
            return Err(error::not_valid("endTime lies before startTime."));
        }
        let known = [
            RunStatus::Running,
            RunStatus::InvalidQuery,
            RunStatus::Complete,
            RunStatus::Failed,
            RunStatus::Timeout,
        ];
        let wanted = input.execution_statuses.unwrap_or_default();
        let statuses: Vec<RunStatus> =
            known.into_iter().filter(|status| wanted.iter().any(|one| one == status.as_str())).collect();
        let purpose = format!("logs.scheduled-runs {}", key.2);
        if let Some(token) = &input.next_token {
            let before_ms: i64 = paging::position(&self.platform.seal, &purpose, token)
                .ok_or_else(|| error::not_valid("The specified nextToken is invalid."))?;
            to_ms = to_ms.min(before_ms - 1);
        }
        let limit =
            input.max_results.map_or(HISTORY_PAGE, |limit| usize::try_from(limit).unwrap_or(1).max(1));
        let runs = self.records.scheduled_runs(&key.2, (from_ms, to_ms), &statuses, limit + 1).await?;
        let page = paging::cut(runs, limit, &self.platform.seal, &purpose, |(due_ms, _)| *due_ms);
        Ok(s::GetScheduledQueryHistoryResponse {
            name: Some(query.name),
            scheduled_query_arn: Some(scheduled_arn(&key).to_string()),
            trigger_history: Some(page.items.into_iter().map(record).collect()),
            next_token: page.next,
        })
    }
}

const CUSTOMER_MANAGED: &str = "CUSTOMER_MANAGED";

fn state(query: &ScheduledQuery) -> &'static str {
    if query.enabled { "ENABLED" } else { "DISABLED" }
}

fn record((due_ms, run): (i64, ScheduledRun)) -> s::TriggerHistoryRecord {
    let destination = |delivery: RunDelivery| s::ScheduledQueryDestination {
        destination_type: Some(delivery.kind.as_str().into()),
        destination_identifier: Some(delivery.to),
        status: Some(delivery.status.as_str().into()),
        processed_identifier: delivery.written,
        error_message: delivery.error,
    };
    s::TriggerHistoryRecord {
        query_id: run.query,
        execution_status: Some(run.status.as_str().into()),
        triggered_timestamp: Some(due_ms),
        error_message: run.error,
        destinations: Some(run.deliveries.into_iter().map(destination).collect()),
    }
}

fn destinations(query: &ScheduledQuery) -> Option<s::DestinationConfiguration> {
    let bucket = query.bucket.clone().map(|bucket| s::S3Configuration {
        destination_identifier: bucket.uri,
        role_arn: bucket.role,
        owner_account_id: bucket.owner,
        kms_key_id: bucket.key,
    });
    let table = query.table.clone().map(|table| s::LookupTableConfiguration {
        table_name: table.name,
        role_arn: table.role,
        description: table.description,
        kms_key_id: table.key,
        tags: (!table.tags.is_empty()).then(|| table.tags.into_iter().collect()),
    });
    (bucket.is_some() || table.is_some()).then_some(s::DestinationConfiguration {
        s3_configuration: bucket,
        lookup_table_configuration: table,
    })
}

fn shown(key: &ScheduledKey, query: ScheduledQuery) -> s::GetScheduledQueryResponse {
    s::GetScheduledQueryResponse {
        scheduled_query_arn: Some(scheduled_arn(key).to_string()),
        state: Some(state(&query).into()),
        destination_configuration: destinations(&query),
        name: Some(query.name),
        description: query.description,
        query_language: Some("CWLI".into()),
        query_string: Some(query.text),
        log_group_identifiers: query.groups,
        schedule_expression: Some(query.expression),
        timezone: query.timezone,
        start_time_offset: query.start_offset_s,
        end_time_offset: query.end_offset_s,
        schedule_type: Some(CUSTOMER_MANAGED.into()),
        last_triggered_time: query.last_ms,
        last_execution_status: query.last.map(|status| status.as_str().into()),
        schedule_start_time: query.from_ms,
        schedule_end_time: query.until_ms,
        execution_role_arn: Some(query.role),
        creation_time: Some(query.created_ms),
        last_updated_time: Some(query.updated_ms),
    }
}
