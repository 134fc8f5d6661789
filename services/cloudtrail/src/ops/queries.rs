use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, ApiError, Cx, Handle, Instant, Result, paging};
use haneul_store::{Range, Reads};

use crate::CloudTrail;
use crate::error;
use crate::lake::{Plan, parse};
use crate::model::{QUERIES, Query, RESULTS};
use crate::store::TrailKey;

/// Queries of an account in a Region that wait or run (quota).
const RUNNING_MAX: usize = 10;
const QUERIES_MAX: usize = 1000;
const ROWS: usize = 1000;

fn plan(cx: &Cx, text: &str) -> Result<Plan> {
    parse(text, cx.now()).map_err(error::query_statement)
}

fn no_owner(owner: Option<&String>, cx: &Cx) -> Result<()> {
    match owner {
        Some(owner) if *owner != cx.account().to_string() => {
            Err(error::parameter("Event data stores of other accounts cannot be queried."))
        }
        _ => Ok(()),
    }
}

impl CloudTrail {
    async fn own_query(&self, cx: &Cx, id: &str) -> Result<(TrailKey, Query)> {
        let key = (cx.account(), cx.region(), id.to_owned());
        let query = self.query(&key).await?;
        self.active_store(cx, &query.store).await?;
        Ok((key, query))
    }

    /// The action on the store of a query; of a query that is not there, on none.
    async fn on_query(&self, cx: &Cx, action: &'static str, id: &str) -> Result<Vec<Access>> {
        let key = (cx.account(), cx.region(), id.to_owned());
        let store = self.query(&key).await.map_or_else(|_| "*".to_owned(), |query| query.store);
        Ok(vec![self.on_store(cx, action, &store).await?])
    }

    async fn queries_of(&self, cx: &Cx) -> Result<Vec<(String, Query)>> {
        let range = Range::prefix((cx.account(), cx.region()));
        let found = self.platform.store.scan(&QUERIES, range, QUERIES_MAX).await?;
        Ok(found.into_iter().map(|((_, _, id), query)| (id, query)).collect())
    }
}

impl Handle<op::StartQuery> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::StartQueryRequest) -> Result<Vec<Access>> {
        let text = input.query_statement.as_deref().unwrap_or_default();
        let store = parse(text, cx.now()).map_or_else(|_| "*".to_owned(), |plan| plan.store);
        Ok(vec![self.on_store(cx, "cloudtrail:StartQuery", &store).await?])
    }

    async fn call(&self, cx: &Cx, input: s::StartQueryRequest) -> Result<s::StartQueryResponse> {
        no_owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        if input.query_alias.is_some() || input.query_parameters.is_some() {
            return Err(error::parameter("QueryAlias is for dashboards, which are not supported."));
        }
        if input.delivery_s3_uri.is_some() {
            let message = "Haneul does not deliver results of queries to S3 yet.";
            return Err(ApiError::new("NotImplemented", message).with_status(501));
        }
        let text = input.query_statement.ok_or_else(|| error::parameter("QueryStatement is required."))?;
        let plan = plan(cx, &text)?;
        let (store_key, _) = self.active_store(cx, &plan.store).await?;
        let others = self.queries_of(cx).await?;
        let running =
            others.iter().filter(|(_, query)| matches!(&*query.status, "QUEUED" | "RUNNING")).count();
        if running >= RUNNING_MAX || others.len() >= QUERIES_MAX {
            let message = "The account has as many queries as are allowed.";
            return Err(ApiError::new("MaxConcurrentQueriesException", message));
        }
        let query = Query {
            store: store_key.2,
            text,
            created_ms: cx.now().millis(),
            took_ms: 0,
            status: "QUEUED".to_owned(),
            error: None,
            matched: 0,
            scanned: 0,
            bytes: 0,
        };
        let id = self.ids.uuid();
        self.platform.store.put(&QUERIES, &(cx.account(), cx.region(), id.as_str()), &query).await?;
        self.querying.wake();
        let owner = Some(cx.account().to_string());
        Ok(s::StartQueryResponse { query_id: Some(id), event_data_store_owner_account_id: owner })
    }
}

impl Handle<op::DescribeQuery> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::DescribeQueryRequest) -> Result<Vec<Access>> {
        let id = input.query_id.as_deref().unwrap_or_default();
        self.on_query(cx, "cloudtrail:DescribeQuery", id).await
    }

    async fn call(&self, cx: &Cx, input: s::DescribeQueryRequest) -> Result<s::DescribeQueryResponse> {
        no_owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        let Some(id) = input.query_id.filter(|_| input.query_alias.is_none()) else {
            return Err(error::parameter("QueryId is required."));
        };
        let (_, query) = self.own_query(cx, &id).await?;
        Ok(s::DescribeQueryResponse {
            query_id: Some(id),
            query_string: Some(query.text),
            query_status: Some(query.status),
            query_statistics: Some(s::QueryStatisticsForDescribeQuery {
                events_matched: Some(query.matched as i64),
                events_scanned: Some(query.scanned as i64),
                bytes_scanned: Some(query.bytes as i64),
                execution_time_in_millis: Some(i32::try_from(query.took_ms).unwrap_or(i32::MAX)),
                creation_time: Some(Instant::from_millis(query.created_ms)),
            }),
            error_message: query.error,
            event_data_store_owner_account_id: Some(cx.account().to_string()),
            ..Default::default()
        })
    }
}

impl Handle<op::GetQueryResults> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::GetQueryResultsRequest) -> Result<Vec<Access>> {
        self.on_query(cx, "cloudtrail:GetQueryResults", &input.query_id).await
    }

    async fn call(&self, cx: &Cx, input: s::GetQueryResultsRequest) -> Result<s::GetQueryResultsResponse> {
        no_owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        let (_, query) = self.own_query(cx, &input.query_id).await?;
        let purpose = format!("cloudtrail.results {} {}", cx.account(), input.query_id);
        let seal = &self.platform.seal;
        let from: usize = match &input.next_token {
            Some(token) => paging::position(seal, &purpose, token).ok_or_else(error::next_token)?,
            None => 0,
        };
        let limit = match input.max_query_results {
            None => ROWS,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=ROWS).contains(limit))
                .ok_or_else(|| error::max_results("MaxQueryResults"))?,
        };
        let rows =
            self.platform.store.get(&RESULTS, &input.query_id).await?.map(|rows| rows.0).unwrap_or_default();
        let total = rows.len();
        let page: Vec<Vec<haneul_shape::value::Map<String>>> = rows
            .into_iter()
            .skip(from)
            .take(limit)
            .map(|row| {
                let column = |(name, value): (String, Option<String>)| {
                    [(name, value.unwrap_or_default())].into_iter().collect()
                };
                row.into_iter().map(column).collect()
            })
            .collect();
        let next = from + page.len();
        Ok(s::GetQueryResultsResponse {
            query_status: Some(query.status),
            query_statistics: Some(s::QueryStatistics {
                results_count: Some(page.len() as i32),
                total_results_count: Some(total as i32),
                bytes_scanned: Some(query.bytes as i64),
            }),
            query_result_rows: Some(page),
            next_token: (next < total).then(|| paging::token(seal, &purpose, &next)),
            error_message: query.error,
        })
    }
}

impl Handle<op::ListQueries> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::ListQueriesRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:ListQueries", &input.event_data_store).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListQueriesRequest) -> Result<s::ListQueriesResponse> {
        let (store, _) = self.active_store(cx, &input.event_data_store).await?;
        let (from, until) = (input.start_time, input.end_time);
        if from.zip(until).is_some_and(|(from, until)| from > until) {
            return Err(ApiError::new("InvalidDateRangeException", "The start time is after the end time."));
        }
        let purpose = format!("cloudtrail.queries {} {} {:?}", cx.account(), store.2, input.query_status);
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut all = self.queries_of(cx).await?;
        all.retain(|(id, query)| {
            let created = Instant::from_millis(query.created_ms);
            query.store == store.2
                && from.is_none_or(|from| created >= from)
                && until.is_none_or(|until| created <= until)
                && input.query_status.as_ref().is_none_or(|status| *status == query.status)
                && after.as_ref().is_none_or(|after| id > after)
        });
        let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(ROWS).max(1);
        let page = paging::cut(all, limit, seal, &purpose, |(id, _)| id.clone());
        let queries = page.items.into_iter().map(|(id, query)| s::Query {
            query_id: Some(id),
            query_status: Some(query.status),
            creation_time: Some(Instant::from_millis(query.created_ms)),
        });
        Ok(s::ListQueriesResponse { queries: Some(queries.collect()), next_token: page.next })
    }
}

impl Handle<op::CancelQuery> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::CancelQueryRequest) -> Result<Vec<Access>> {
        self.on_query(cx, "cloudtrail:CancelQuery", &input.query_id).await
    }

    async fn call(&self, cx: &Cx, input: s::CancelQueryRequest) -> Result<s::CancelQueryResponse> {
        no_owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        let (key, mut query) = self.own_query(cx, &input.query_id).await?;
        if !matches!(&*query.status, "QUEUED" | "RUNNING") {
            return Err(error::query_inactive(&input.query_id));
        }
        query.status = "CANCELLED".to_owned();
        self.finish_query(&key, &query, None).await?;
        Ok(s::CancelQueryResponse {
            query_id: input.query_id,
            query_status: "CANCELLED".to_owned(),
            event_data_store_owner_account_id: Some(cx.account().to_string()),
        })
    }
}
