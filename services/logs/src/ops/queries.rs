use std::collections::{BTreeSet, HashSet};

use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::{Range, Reads};

use super::access::on_all;
use crate::Logs;
use crate::data_source::DataSource;
use crate::error;
use crate::insights::{Plan, Source, compile};
use crate::model::{Group, QUERIES, Query, Status};
use crate::names::GroupName;
use crate::store::queries::KEPT_MS;

const GROUPS_MAX: usize = 50;
/// Source: User Guide, "SOURCE".
const SOURCE_GROUPS_MAX: usize = 10_000;
const LIMIT_DEFAULT: i32 = 10_000;
const PAGE_MAX: usize = 10_000;
const LIST_MAX: usize = 1000;
const GROUPS_PAGE: usize = 500;

impl Handle<op::StartQuery> for Logs {
    async fn access(&self, cx: &Cx, input: &s::StartQueryRequest) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        let plan = compile(&input.query_string).ok();
        let (source, unmasks) = match &plan {
            Some(plan) => (plan.source.clone(), plan.unmasks()),
            None => (None, false),
        };
        let mut names = self.asked(cx, input, source).await?;
        for one in plan.iter().flat_map(Plan::subqueries) {
            if let Some(source) = &one.plan.source {
                names.extend(self.sourced(cx, source).await?);
            }
        }
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        for name in names {
            all.extend(self.on_group("logs:StartQuery", &name).await?);
            if unmasks {
                all.extend(self.on_group("logs:Unmask", &name).await?);
            }
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::StartQueryRequest) -> Result<s::StartQueryResponse> {
        if input.query_language.as_deref().is_some_and(|language| language != "CWLI") {
            return Err(error::not_offered("A query language other than Logs Insights QL"));
        }
        let mut plan = compile(&input.query_string)?;
        let names = self.asked(cx, &input, plan.source.clone()).await?;
        self.check_groups(&names).await?;
        let mut nested_groups = Vec::new();
        for one in plan.subqueries() {
            let groups = match &one.plan.source {
                Some(source) => {
                    let names = self.sourced(cx, source).await?;
                    self.check_groups(&names).await?;
                    Some(names.into_iter().map(|name| name.name).collect())
                }
                None => None,
            };
            nested_groups.push(groups);
        }
        if input.end_time < input.start_time {
            return Err(error::invalid("Query's end date and time is before its start date and time."));
        }
        // A table that is not there is told at once.
        self.check_lookups((cx.account(), cx.region()), &mut plan).await?;
        let query = Query {
            text: input.query_string,
            groups: names.into_iter().map(|name| name.name).collect(),
            start_ms: milliseconds(input.start_time, 0),
            end_ms: milliseconds(input.end_time, 999),
            limit: input.limit.unwrap_or(LIMIT_DEFAULT) as usize,
            created_ms: cx.now().millis(),
            took_ms: 0,
            status: Status::Running,
            by: cx.caller().arn(),
            bytes: 0,
            nested_groups,
        };
        let id = self.platform.env.rng.uuid();
        let owner = (cx.account(), cx.region());
        // A query that may not run leaves no record.
        let begun = self.begin(owner.0, id.clone())?;
        self.records.store.put(&QUERIES, &(owner.0, owner.1, id.as_str()), &query).await?;
        self.go(owner, begun, query);
        Ok(s::StartQueryResponse { query_id: Some(id) })
    }
}

impl Handle<op::StopQuery> for Logs {
    async fn access(&self, cx: &Cx, _: &s::StopQueryRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:StopQuery"))
    }

    async fn call(&self, cx: &Cx, input: s::StopQueryRequest) -> Result<s::StopQueryResponse> {
        self.query((cx.account(), cx.region()), &input.query_id).await?;
        if !self.queries.cancel(&input.query_id) {
            return Err(error::invalid("Query is not in a running state: it has ended already."));
        }
        Ok(s::StopQueryResponse { success: Some(true) })
    }
}

impl Handle<op::GetQueryResults> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetQueryResultsRequest) -> Result<Vec<Access>> {
        let query = self.query((cx.account(), cx.region()), &input.query_id).await;
        let mut all = Vec::new();
        for name in query.map(|query| query.all_groups()).unwrap_or_default() {
            all.extend(self.on_group("logs:GetQueryResults", &GroupName::own(cx, &name)).await?);
        }
        Ok(if all.is_empty() { on_all(cx, "logs:GetQueryResults") } else { all })
    }

    async fn call(&self, cx: &Cx, input: s::GetQueryResultsRequest) -> Result<s::GetQueryResultsResponse> {
        let owner = (cx.account(), cx.region());
        let id = &input.query_id;
        let running = self.queries.is_running(id);
        let query = self.query(owner, id).await?;
        let outcome = self.queries.outcome(id);
        let mut status = query.status;
        let lost = matches!(status, Status::Running | Status::Complete) && outcome.is_none() && !running;
        if lost && !self.queries.is_running(id) && self.queries.outcome(id).is_none() {
            // A restart lost it, or newer ones pushed it out.
            self.start(owner, id.clone(), Query { status: Status::Running, ..query })?;
            status = Status::Running;
        }
        let outcome = self.queries.outcome(id);
        if outcome.is_none() && status == Status::Complete {
            status = Status::Running;
        }
        let purpose = format!("logs.results {id}");
        let from: usize = match &input.next_token {
            Some(token) => {
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?
            }
            None => 0,
        };
        let size = input.max_items.filter(|max| *max > 0).map_or(PAGE_MAX, |max| max as usize);
        let outcome = outcome.unwrap_or_default();
        let page = outcome.rows.iter().skip(from).take(size);
        let field = |(name, value): &(String, String)| s::ResultField {
            field: Some(name.clone()),
            value: Some(value.clone()),
        };
        let results: Vec<Vec<s::ResultField>> = page.map(|row| row.iter().map(field).collect()).collect();
        let next = from + results.len();
        let more = next < outcome.rows.len();
        Ok(s::GetQueryResultsResponse {
            query_language: Some("CWLI".into()),
            results: Some(results),
            statistics: Some(s::QueryStatistics {
                records_matched: Some(outcome.matched as f64),
                records_scanned: Some(outcome.scanned as f64),
                bytes_scanned: Some(outcome.bytes as f64),
                estimated_records_skipped: Some(outcome.skipped.events as f64),
                estimated_bytes_skipped: Some(outcome.skipped.bytes as f64),
                log_groups_scanned: Some(outcome.groups as f64),
                result_count: Some(outcome.rows.len() as f64),
            }),
            status: Some(word(status).into()),
            encryption_key: None,
            next_token: more.then(|| paging::token(&self.platform.seal, &purpose, &next)),
        })
    }
}

impl Handle<op::DescribeQueries> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DescribeQueriesRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DescribeQueries"))
    }

    async fn call(&self, cx: &Cx, input: s::DescribeQueriesRequest) -> Result<s::DescribeQueriesResponse> {
        let purpose = format!("logs.queries {} {}", cx.account(), cx.region());
        let after: Option<(i64, String)> = match &input.next_token {
            Some(token) => {
                Some(paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?)
            }
            None => None,
        };
        let limit = input.max_results.map_or(LIST_MAX, |max| max as usize);
        let key = |(id, query): &(String, Query)| (-query.created_ms, id.clone());
        let fresh_ms = cx.now().millis() - KEPT_MS;
        let is_asked = |one: &(String, Query)| {
            let query = &one.1;
            query.created_ms >= fresh_ms
                && input.log_group_name.as_ref().is_none_or(|name| query.asks(name))
                && input.status.as_ref().is_none_or(|status| word(query.status) == status)
                && after.as_ref().is_none_or(|after| key(one) > *after)
        };
        // Of a week's queries, which are kept by their ids, no more than a page stays in memory.
        let mut queries: Vec<(String, Query)> = Vec::new();
        let mut last = None;
        loop {
            let range = Range::prefix((cx.account(), cx.region()));
            let range = match &last {
                Some(last) => range.after(last),
                None => range,
            };
            let found = self.records.store.scan(&QUERIES, range, LIST_MAX).await?;
            let through = found.len() < LIST_MAX;
            last = found.last().map(|(key, _)| key.clone());
            queries.extend(found.into_iter().map(|((_, _, id), query)| (id, query)).filter(is_asked));
            queries.sort_by_key(key);
            queries.truncate(limit + 1);
            if through {
                break;
            }
        }
        let page = paging::cut(queries, limit, &self.platform.seal, &purpose, key);
        let info = |(id, query): (String, Query)| s::QueryInfo {
            query_language: Some("CWLI".into()),
            query_id: Some(id),
            query_string: Some(query.text),
            status: Some(word(query.status).into()),
            create_time: Some(query.created_ms),
            log_group_name: query.groups.first().cloned(),
            query_duration: Some(query.took_ms),
            bytes_scanned: Some(query.bytes as f64),
            user_identity: Some(query.by),
        };
        Ok(s::DescribeQueriesResponse {
            queries: Some(page.items.into_iter().map(info).collect()),
            next_token: page.next,
        })
    }
}

impl Handle<op::ListLogGroupsForQuery> for Logs {
    async fn access(&self, cx: &Cx, _: &s::ListLogGroupsForQueryRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:ListLogGroupsForQuery"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListLogGroupsForQueryRequest,
    ) -> Result<s::ListLogGroupsForQueryResponse> {
        let query = self.query((cx.account(), cx.region()), &input.query_id).await?;
        let purpose = format!("logs.query-groups {}", input.query_id);
        let mut groups = query.all_groups();
        if let Some(token) = &input.next_token {
            let after: String =
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?;
            groups.retain(|name| *name > after);
        }
        let limit = input.max_results.map_or(GROUPS_PAGE, |max| usize::try_from(max).unwrap_or(1).max(1));
        let page = paging::cut(groups, limit, &self.platform.seal, &purpose, String::clone);
        Ok(s::ListLogGroupsForQueryResponse {
            log_group_identifiers: Some(page.items),
            next_token: page.next,
        })
    }
}

impl Logs {
    /// The groups that a query asks: those that the request names, or those that `SOURCE` does.
    async fn asked(
        &self,
        cx: &Cx,
        input: &s::StartQueryRequest,
        source: Option<Source>,
    ) -> Result<Vec<GroupName>> {
        let Some(source) = source else { return groups(cx, input) };
        let is_named = input.log_group_name.is_some()
            || input.log_group_names.is_some()
            || input.log_group_identifiers.is_some();
        if is_named {
            return Err(error::invalid("Log groups are named by the request or by SOURCE, not by both."));
        }
        self.sourced(cx, &source).await
    }

    /// The groups that a `SOURCE` names.
    async fn sourced(&self, cx: &Cx, source: &Source) -> Result<Vec<GroupName>> {
        if !source.names.is_empty() {
            return source.names.iter().map(|one| GroupName::identified(cx, one)).collect();
        }
        let own = cx.account().to_string();
        if source.accounts.iter().any(|account| *account != own) {
            return Err(error::not_offered("Cross-account observability"));
        }
        let class = source.class.as_deref().unwrap_or("STANDARD");
        let mut names = BTreeSet::new();
        let all = [String::new()];
        for prefix in if source.prefixes.is_empty() { &all[..] } else { &source.prefixes[..] } {
            let found = self.records.groups(cx, prefix, None, SOURCE_GROUPS_MAX + 1).await?;
            let is_asked = |group: &Group| group.class == class && is_of_sources(&source.data_sources, group);
            names.extend(found.into_iter().filter(|(_, group)| is_asked(group)).map(|(name, _)| name));
        }
        if names.len() > SOURCE_GROUPS_MAX {
            return Err(error::invalid("SOURCE selects more than 10000 log groups: name fewer."));
        }
        Ok(names.into_iter().map(|name| GroupName::own(cx, &name)).collect())
    }

    async fn check_groups(&self, names: &[GroupName]) -> Result<()> {
        for name in names {
            let found = self.records.store_group(name).await?;
            let group = found.ok_or_else(|| error::group_named_not_found(&name.name, name.account))?;
            if group.class == "DELIVERY" {
                return Err(error::invalid("Log groups of the DELIVERY class cannot be queried."));
            }
        }
        Ok(())
    }
}

fn groups(cx: &Cx, input: &s::StartQueryRequest) -> Result<Vec<GroupName>> {
    let named = match (&input.log_group_name, &input.log_group_names, &input.log_group_identifiers) {
        (Some(name), None, None) => vec![GroupName::own(cx, name)],
        (None, Some(names), None) => names.iter().map(|name| GroupName::own(cx, name)).collect(),
        (None, None, Some(all)) => {
            all.iter().map(|one| GroupName::identified(cx, one)).collect::<Result<_>>()?
        }
        _ => {
            return Err(error::invalid(
                "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given.",
            ));
        }
    };
    if named.is_empty() || named.len() > GROUPS_MAX {
        return Err(error::invalid("A query takes between 1 and 50 log groups."));
    }
    Ok(named)
}

/// Whether a group is of one of the data sources that `SOURCE` names, if it names any.
fn is_of_sources(wanted: &[String], group: &Group) -> bool {
    let Some(source) = DataSource::of(&group.tags) else { return wanted.is_empty() };
    let fits = |one: &String| one.split_once('.').is_some_and(|(name, kind)| source.fits(name, Some(kind)));
    wanted.is_empty() || wanted.iter().any(fits)
}

/// Clients give seconds, and the older ones milliseconds.
pub(super) fn milliseconds(time: i64, rest: i64) -> i64 {
    const SECONDS_MAX: i64 = 100_000_000_000;
    if time < SECONDS_MAX { time.saturating_mul(1000).saturating_add(rest) } else { time }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Running => "Running",
        Status::Complete => "Complete",
        Status::Cancelled => "Cancelled",
        Status::Failed => "Failed",
        Status::TimedOut => "Timeout",
    }
}
