//! UpdateContributorInsights, DescribeContributorInsights and ListContributorInsights.

use haneul_dynamodb_wire::operations::{
    DescribeContributorInsights, ListContributorInsights, UpdateContributorInsights,
};
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use haneul_store::{Range, Reads};
use parking_lot::Mutex;

use super::Dynamodb;
use super::access::Facts;
use crate::error::{self, validation};
use crate::model::{InsightsKind, InsightsRecord, InsightsRule, InsightsState, TABLES, TableRecord};
use crate::store::tables::Change;
use crate::table::name;

/// Summaries of one answer. Source: the API reference.
const PAGE_MAX: usize = 100;
/// Tables that are read at once.
const TABLES_PAGE: usize = 500;
/// Source: the API reference, ContributorInsightsRule.
const RULE_NAME_MAX: usize = 128;

const ACCESSED: &str = "ACCESSED_AND_THROTTLED_KEYS";
const THROTTLED: &str = "THROTTLED_KEYS";

impl InsightsRecord {
    fn mode(&self) -> String {
        if self.accessed { ACCESSED } else { THROTTLED }.to_owned()
    }

    fn status(&self) -> &'static str {
        match self.state {
            InsightsState::Enabled => "ENABLED",
            InsightsState::Disabled => "DISABLED",
            InsightsState::Failed => "FAILED",
        }
    }
}

impl Handle<UpdateContributorInsights> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::UpdateContributorInsightsInput) -> Result<Vec<Access>> {
        let facts = Facts { index: input.index_name.as_deref(), ..Facts::default() };
        Ok(vec![self.on_items(cx, "dynamodb:UpdateContributorInsights", &input.table_name, facts).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateContributorInsightsInput,
    ) -> Result<s::UpdateContributorInsightsOutput> {
        let id = name::of(cx, &input.table_name)?;
        let enable = input.contributor_insights_action == "ENABLE";
        let accessed = input.contributor_insights_mode.as_deref() != Some(THROTTLED);
        let index = input.index_name;
        let status = Mutex::new("DISABLED");
        let edit = |record: &mut TableRecord| {
            let sorts = has_sort_key(record, &id.2, index.as_deref())?;
            let known = record.insights.iter_mut().find(|insights| insights.index == index);
            *status.lock() = match (known, enable) {
                (Some(known), true)
                    if known.state == InsightsState::Enabled && known.accessed == accessed =>
                {
                    "ENABLED"
                }
                (Some(known), true) => {
                    known.rules = self.rules(cx, (&id.2, index.as_deref()), (accessed, sorts), &known.rules);
                    (known.accessed, known.state) = (accessed, InsightsState::Enabled);
                    known.changed_ms = cx.now().millis();
                    "ENABLING"
                }
                (None, true) => {
                    record.insights.push(InsightsRecord {
                        index: index.clone(),
                        accessed,
                        state: InsightsState::Enabled,
                        changed_ms: cx.now().millis(),
                        rules: self.rules(cx, (&id.2, index.as_deref()), (accessed, sorts), &[]),
                    });
                    "ENABLING"
                }
                (Some(known), false) if known.state != InsightsState::Disabled => {
                    known.rules.clear();
                    known.state = InsightsState::Disabled;
                    known.changed_ms = cx.now().millis();
                    "DISABLING"
                }
                (_, false) => "DISABLED",
            };
            Ok(Change::default())
        };
        let table = self.db.change_table(&id, |record, _| edit(record)).await?;
        let known = table.record.insights.iter().find(|insights| insights.index == index);
        Ok(s::UpdateContributorInsightsOutput {
            contributor_insights_mode: known.map(InsightsRecord::mode),
            table_name: Some(table.name.clone()),
            index_name: index,
            contributor_insights_status: Some(status.into_inner().to_owned()),
        })
    }
}

/// Whether the key has a sort key.
fn has_sort_key(record: &TableRecord, table: &str, index: Option<&str>) -> Result<bool> {
    let schema = match index {
        None => &record.key_schema,
        Some(name) => match record.indexes.iter().find(|index| index.global && index.name == name) {
            Some(index) => &index.key_schema,
            None => {
                return Err(error::not_found(format!(
                    "Requested resource not found: Index: {name} of table: {table} not found"
                )));
            }
        },
    };
    Ok(schema.iter().any(|key| key.role == "RANGE"))
}

impl Dynamodb {
    /// The rules of a table or index; those that it has stay.
    fn rules(
        &self,
        cx: &Cx,
        (table, index): (&str, Option<&str>),
        (accessed, sorts): (bool, bool),
        known: &[InsightsRule],
    ) -> Vec<InsightsRule> {
        let kinds = [InsightsKind::Pkc, InsightsKind::Skc, InsightsKind::Pkt, InsightsKind::Skt];
        let wanted = kinds
            .into_iter()
            .filter(|kind| (accessed || !kind.is_of_access()) && (sorts || !kind.is_of_sort_key()));
        let new = |kind: InsightsKind| {
            let id = self.platform.env.rng.u64();
            // AWS's names end with the time. Two that are cut to the same, or are made at the same moment, must not be one rule.
            let (begin, end) = (
                format!("DynamoDBContributorInsights-{}-", kind.name()),
                format!("-{}{:03}", cx.now().millis(), id % 1000),
            );
            let mut resource = table.to_owned();
            if let Some(index) = index {
                resource.push('-');
                resource.push_str(index);
            }
            resource.truncate(RULE_NAME_MAX.saturating_sub(begin.len() + end.len()));
            InsightsRule { kind, name: format!("{begin}{resource}{end}"), id }
        };
        wanted
            .map(|kind| known.iter().find(|rule| rule.kind == kind).cloned().unwrap_or_else(|| new(kind)))
            .collect()
    }
}

impl Handle<DescribeContributorInsights> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DescribeContributorInsightsInput) -> Result<Vec<Access>> {
        let facts = Facts { index: input.index_name.as_deref(), ..Facts::default() };
        Ok(vec![self.on_items(cx, "dynamodb:DescribeContributorInsights", &input.table_name, facts).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeContributorInsightsInput,
    ) -> Result<s::DescribeContributorInsightsOutput> {
        let table = self.db.named_table(&name::of(cx, &input.table_name)?).await?;
        has_sort_key(&table.record, &table.name, input.index_name.as_deref())?;
        let known = table.record.insights.iter().find(|insights| insights.index == input.index_name);
        let failed = known.is_some_and(|insights| insights.state == InsightsState::Failed);
        let rules = known.filter(|insights| insights.state == InsightsState::Enabled);
        Ok(s::DescribeContributorInsightsOutput {
            table_name: Some(table.name.clone()),
            contributor_insights_rule_list: rules
                .map(|insights| insights.rules.iter().map(|rule| rule.name.clone()).collect()),
            contributor_insights_status: Some(known.map_or("DISABLED", InsightsRecord::status).to_owned()),
            last_update_date_time: known.map(|insights| Instant::from_millis(insights.changed_ms)),
            failure_exception: failed.then(|| s::FailureException {
                exception_name: Some("LimitExceededException".into()),
                exception_description: Some(
                    "Per-account Amazon CloudWatch Contributor Insights rule limit reached. Please disable Contributor \
                     Insights for other tables/indexes OR disable Contributor Insights rules before retrying."
                        .into(),
                ),
            }),
            contributor_insights_mode: known.map(InsightsRecord::mode),
            index_name: input.index_name,
        })
    }
}

impl Handle<ListContributorInsights> for Dynamodb {
    async fn access(&self, _: &Cx, _: &s::ListContributorInsightsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:ListContributorInsights")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListContributorInsightsInput,
    ) -> Result<s::ListContributorInsightsOutput> {
        let limit = match input.max_results {
            None => PAGE_MAX,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=PAGE_MAX).contains(limit))
                .ok_or_else(|| validation(format!("MaxResults must be between 1 and {PAGE_MAX}")))?,
        };
        let one = input.table_name.as_deref().map(|given| name::of(cx, given)).transpose()?;
        let purpose = format!(
            "dynamodb.ListContributorInsights {} {} {}",
            cx.account(),
            cx.region(),
            one.as_ref().map_or("", |(_, _, name)| name)
        );
        let seal = &self.platform.seal;
        let after: Option<(String, Option<String>)> = match &input.next_token {
            Some(token) => Some(
                paging::position(seal, &purpose, token)
                    .ok_or_else(|| validation("The provided NextToken is invalid"))?,
            ),
            None => None,
        };
        let mut found: Vec<(String, InsightsRecord)> = Vec::new();
        let mut add = |name: &str, record: &TableRecord| {
            let on = record.insights.iter().filter(|insights| insights.state != InsightsState::Disabled);
            found.extend(on.map(|insights| (name.to_owned(), insights.clone())));
        };
        match &one {
            Some(id) => {
                let table = self.db.named_table(id).await?;
                add(&table.name, &table.record);
            }
            None => {
                let owned = || Range::prefix((cx.account(), cx.region()));
                let mut range = owned();
                loop {
                    let page = self.db.store.scan(&TABLES, range, TABLES_PAGE).await.map_err(error::store)?;
                    page.iter().for_each(|((_, _, name), record)| add(name, record));
                    let Some((last, _)) = page.last().filter(|_| page.len() == TABLES_PAGE) else { break };
                    range = owned().after(last);
                }
            }
        }
        let place = |(name, insights): &(String, InsightsRecord)| (name.clone(), insights.index.clone());
        found.sort_by_key(place);
        found.retain(|one| after.as_ref().is_none_or(|after| place(one) > *after));
        let page = paging::cut(found, limit, seal, &purpose, place);
        let summary = |(name, insights): (String, InsightsRecord)| s::ContributorInsightsSummary {
            contributor_insights_status: Some(insights.status().to_owned()),
            contributor_insights_mode: Some(insights.mode()),
            table_name: Some(name),
            index_name: insights.index,
        };
        Ok(s::ListContributorInsightsOutput {
            contributor_insights_summaries: Some(page.items.into_iter().map(summary).collect()),
            next_token: page.next,
        })
    }
}
