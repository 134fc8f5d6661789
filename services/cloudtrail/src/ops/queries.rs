use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, AccountId, ApiError, Cx, Handle, Instant, Result, paging};
use haneul_store::{Range, Reads};

use crate::CloudTrail;
use crate::error;
use crate::lake::{Plan, parse};
use crate::model::{Delivery, QUERIES, Query, Rows};
use crate::names::store_arn;
use crate::store::TrailKey;

/// Queries of an account in a Region that wait or run (quota).
const RUNNING_MAX: usize = 10;
const QUERIES_MAX: usize = 1000;
const ROWS: usize = 1000;

fn plan(cx: &Cx, text: &str) -> Result<Plan> {
    parse(text, cx.now()).map_err(error::query_statement)
}

type Page = Vec<Vec<(String, Option<String>)>>;

/// `s3://bucket/prefix/`
fn delivery(uri: String) -> Result<Delivery> {
    const PREFIX_CHARS_MAX: usize = 200;
    let rest = uri.strip_prefix("s3://").ok_or_else(|| error::bucket_name(&uri))?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    if prefix.chars().count() > PREFIX_CHARS_MAX {
        return Err(error::prefix());
    }
    let (bucket, mut prefix) = (bucket.to_owned(), prefix.to_owned());
    if !prefix.is_empty() {
        prefix.push('/');
    }
    Ok(Delivery { uri, bucket, prefix, status: "PENDING".to_owned(), finished_ms: 0 })
}

/// Whose event data stores and queries are meant.
fn owner(owner: Option<&String>, cx: &Cx) -> Result<AccountId> {
    match owner {
        None => Ok(cx.account()),
        Some(owner) => {
            owner.parse().map_err(|_| error::parameter(format!("{owner} is not the id of an account.")))
        }
    }
}

/// A store by its id, as one of an account.
fn of_owner(cx: &Cx, owner: AccountId, id: &str) -> String {
    if id == "*" { id.to_owned() } else { store_arn(owner, cx.region(), id).to_string() }
}

impl CloudTrail {
    async fn query_of(&self, cx: &Cx, owner: AccountId, id: &str) -> Result<(TrailKey, Query)> {
        let key = (owner, cx.region(), id.to_owned());
        let query = self.query(&key).await?;
        self.active_store(cx, &of_owner(cx, owner, &query.store)).await?;
        Ok((key, query))
    }

    /// The action on the stores of a query; of a query that is not there, on none.
    async fn on_query(
        &self,
        cx: &Cx,
        action: &'static str,
        owner: AccountId,
        id: &str,
    ) -> Result<Vec<Access>> {
        let key = (owner, cx.region(), id.to_owned());
        let stores = match self.query(&key).await {
            Ok(query) => [query.store].into_iter().chain(query.others).collect(),
            Err(_) => vec!["*".to_owned()],
        };
        self.on_stores(cx, action, owner, &stores).await
    }

    async fn on_stores(
        &self,
        cx: &Cx,
        action: &'static str,
        owner: AccountId,
        stores: &[String],
    ) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for store in stores {
            all.push(self.on_store(cx, action, &of_owner(cx, owner, store)).await?);
        }
        Ok(all)
    }

    /// How many rows there are, and so many from one on.
    async fn result_rows(&self, id: &str, query: &Query, from: usize, limit: usize) -> Result<(usize, Page)> {
        if query.pages.is_empty() {
            let Rows(all) = self.result_page(id, 0).await?;
            return Ok((all.len(), all.into_iter().skip(from).take(limit).collect()));
        }
        let total = usize::try_from(query.rows).unwrap_or(usize::MAX);
        let begins = |at: usize| query.pages.get(at).map(|begin| *begin as usize);
        let mut at = query.pages.partition_point(|begin| *begin as usize <= from).saturating_sub(1);
        let mut rows = Page::new();
        while rows.len() < limit
            && let Some(begin) = begins(at)
        {
            let Rows(page) = self.result_page(id, at).await?;
            let skipped = from.saturating_sub(begin);
            rows.extend(page.into_iter().skip(skipped).take(limit - rows.len()));
            at += 1;
        }
        Ok((total, rows))
    }

    async fn queries_of(&self, cx: &Cx, owner: AccountId) -> Result<Vec<(String, Query)>> {
        let range = Range::prefix((owner, cx.region()));
        let found = self.platform.store.scan(&QUERIES, range, QUERIES_MAX).await?;
        Ok(found.into_iter().map(|((_, _, id), query)| (id, query)).collect())
    }
}

impl Handle<op::StartQuery> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::StartQueryRequest) -> Result<Vec<Access>> {
        let text = input.query_statement.as_deref().unwrap_or_default();
        let stores = parse(text, cx.now()).map_or_else(|_| vec!["*".to_owned()], |plan| plan.stores());
        let owner = owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        self.on_stores(cx, "cloudtrail:StartQuery", owner, &stores).await
    }

    async fn call(&self, cx: &Cx, input: s::StartQueryRequest) -> Result<s::StartQueryResponse> {
        let owner = owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        if input.query_alias.is_some() || input.query_parameters.is_some() {
            return Err(error::parameter("QueryAlias is for dashboards, which are not supported."));
        }
        let text = input.query_statement.ok_or_else(|| error::parameter("QueryStatement is required."))?;
        let plan = plan(cx, &text)?;
        let mut stores = Vec::new();
        for store in plan.stores() {
            stores.push(self.active_store(cx, &of_owner(cx, owner, &store)).await?.0.2);
        }
        let store = stores.remove(0);
        let delivery = match input.delivery_s3_uri {
            Some(uri) => {
                let delivery = delivery(uri)?;
                self.check_results(&delivery, &store_arn(owner, cx.region(), &store)).await?;
                Some(delivery)
            }
            None => None,
        };
        let others = self.queries_of(cx, owner).await?;
        let running =
            others.iter().filter(|(_, query)| matches!(&*query.status, "QUEUED" | "RUNNING")).count();
        if running >= RUNNING_MAX || others.len() >= QUERIES_MAX {
            let message = "The account has as many queries as are allowed.";
            return Err(ApiError::new("MaxConcurrentQueriesException", message));
        }
        let query = Query {
            store,
            text,
            created_ms: cx.now().millis(),
            took_ms: 0,
            status: "QUEUED".to_owned(),
            error: None,
            matched: 0,
            scanned: 0,
            bytes: 0,
            others: stores,
            pages: Vec::new(),
            rows: 0,
            delivery,
        };
        let id = self.ids.uuid();
        self.platform.store.put(&QUERIES, &(owner, cx.region(), id.as_str()), &query).await?;
        self.querying.wake();
        let owner = Some(owner.to_string());
        Ok(s::StartQueryResponse { query_id: Some(id), event_data_store_owner_account_id: owner })
    }
}

impl Handle<op::DescribeQuery> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::DescribeQueryRequest) -> Result<Vec<Access>> {
        let id = input.query_id.as_deref().unwrap_or_default();
        let owner = owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        self.on_query(cx, "cloudtrail:DescribeQuery", owner, id).await
    }

    async fn call(&self, cx: &Cx, input: s::DescribeQueryRequest) -> Result<s::DescribeQueryResponse> {
        let owner = owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        let Some(id) = input.query_id.filter(|_| input.query_alias.is_none()) else {
            return Err(error::parameter("QueryId is required."));
        };
        let (_, query) = self.query_of(cx, owner, &id).await?;
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
            delivery_s3_uri: query.delivery.as_ref().map(|delivery| delivery.uri.clone()),
            delivery_status: query.delivery.map(|delivery| delivery.status),
            event_data_store_owner_account_id: Some(owner.to_string()),
            ..Default::default()
        })
    }
}

impl Handle<op::GetQueryResults> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::GetQueryResultsRequest) -> Result<Vec<Access>> {
        let owner = owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        self.on_query(cx, "cloudtrail:GetQueryResults", owner, &input.query_id).await
    }

    async fn call(&self, cx: &Cx, input: s::GetQueryResultsRequest) -> Result<s::GetQueryResultsResponse> {
        let owner = owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        let (_, query) = self.query_of(cx, owner, &input.query_id).await?;
        let purpose = format!("cloudtrail.results {} {owner} {}", cx.account(), input.query_id);
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
        let (total, page) = self.result_rows(&input.query_id, &query, from, limit).await?;
        let page: Vec<Vec<haneul_shape::value::Map<String>>> = page
            .into_iter()
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
        let mut all = self.queries_of(cx, store.0).await?;
        all.retain(|(id, query)| {
            let created = Instant::from_millis(query.created_ms);
            (query.store == store.2 || query.others.contains(&store.2))
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
        let owner = owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        self.on_query(cx, "cloudtrail:CancelQuery", owner, &input.query_id).await
    }

    async fn call(&self, cx: &Cx, input: s::CancelQueryRequest) -> Result<s::CancelQueryResponse> {
        let owner = owner(input.event_data_store_owner_account_id.as_ref(), cx)?;
        let (key, mut query) = self.query_of(cx, owner, &input.query_id).await?;
        if !matches!(&*query.status, "QUEUED" | "RUNNING") {
            return Err(error::query_inactive(&input.query_id));
        }
        query.status = "CANCELLED".to_owned();
        if let Some(delivery) = &mut query.delivery {
            delivery.status = "CANCELLED".to_owned();
        }
        self.finish_query(&key, &query).await?;
        Ok(s::CancelQueryResponse {
            query_id: input.query_id,
            query_status: "CANCELLED".to_owned(),
            event_data_store_owner_account_id: Some(owner.to_string()),
        })
    }
}
