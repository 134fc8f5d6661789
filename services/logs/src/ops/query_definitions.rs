use haneul_kit::{Access, ApiError, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::{Range, Reads};

use super::access::on_all;
use crate::Logs;
use crate::error;
use crate::insights::compile;
use crate::model::{QUERY_DEFINITIONS, QueryDefinition};
use crate::names::GroupName;

/// Saved queries of an account in a Region (quota).
const DEFINITIONS_MAX: usize = 1000;

impl Handle<op::PutQueryDefinition> for Logs {
    async fn access(&self, cx: &Cx, _: &s::PutQueryDefinitionRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:PutQueryDefinition"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutQueryDefinitionRequest,
    ) -> Result<s::PutQueryDefinitionResponse> {
        if input.query_language.as_deref().is_some_and(|language| language != "CWLI") {
            return Err(error::not_offered("A query language other than Logs Insights QL"));
        }
        if input.parameters.is_some_and(|parameters| !parameters.is_empty()) {
            return Err(error::not_offered("A saved query with parameters"));
        }
        compile(&input.query_string)?;
        let groups = input.log_group_names.unwrap_or_default();
        let groups =
            groups.iter().map(|one| Ok(GroupName::identified(cx, one)?.name)).collect::<Result<_>>()?;
        let definition = QueryDefinition {
            name: input.name,
            query: input.query_string,
            groups,
            modified_ms: cx.now().millis(),
        };
        let (account, region) = (cx.account(), cx.region());
        let replaced = input.query_definition_id.is_some();
        let id = input.query_definition_id.unwrap_or_else(|| self.platform.env.rng.uuid());
        let (key, definition) = (&(account, region, id.as_str()), &definition);
        self.records
            .store
            .transact(|tx| async move {
                if replaced && tx.get(&QUERY_DEFINITIONS, key).await?.is_none() {
                    return Err(error::definition_not_found());
                }
                let range = Range::prefix((account, region));
                let there = tx.scan_keys(&QUERY_DEFINITIONS, range, DEFINITIONS_MAX).await?;
                if !replaced && there.len() >= DEFINITIONS_MAX {
                    return Err(error::too_many("1000 query definitions for each Region"));
                }
                Ok::<_, ApiError>(tx.put(&QUERY_DEFINITIONS, key, definition)?)
            })
            .await?;
        Ok(s::PutQueryDefinitionResponse { query_definition_id: Some(id) })
    }
}

impl Handle<op::DeleteQueryDefinition> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DeleteQueryDefinitionRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DeleteQueryDefinition"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteQueryDefinitionRequest,
    ) -> Result<s::DeleteQueryDefinitionResponse> {
        let key = &(cx.account(), cx.region(), input.query_definition_id.as_str());
        self.records
            .store
            .transact(|tx| async move {
                if tx.get(&QUERY_DEFINITIONS, key).await?.is_none() {
                    return Err(error::definition_not_found());
                }
                Ok::<_, ApiError>(tx.delete(&QUERY_DEFINITIONS, key)?)
            })
            .await?;
        Ok(s::DeleteQueryDefinitionResponse { success: Some(true) })
    }
}

impl Handle<op::DescribeQueryDefinitions> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DescribeQueryDefinitionsRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DescribeQueryDefinitions"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeQueryDefinitionsRequest,
    ) -> Result<s::DescribeQueryDefinitionsResponse> {
        let prefix = input.query_definition_name_prefix.unwrap_or_default();
        let range = Range::prefix((cx.account(), cx.region()));
        let found = self.records.store.scan(&QUERY_DEFINITIONS, range, DEFINITIONS_MAX).await?;
        let mut found: Vec<(String, QueryDefinition)> = found
            .into_iter()
            .map(|((_, _, id), definition)| (id, definition))
            .filter(|(_, definition)| definition.name.starts_with(&prefix))
            .collect();
        let key = |(id, definition): &(String, QueryDefinition)| (definition.name.clone(), id.clone());
        found.sort_by_cached_key(key);
        let purpose = format!("logs.definitions {} {} {prefix}", cx.account(), cx.region());
        if let Some(token) = &input.next_token {
            let after: (String, String) =
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?;
            found.retain(|one| key(one) > after);
        }
        let limit = input.max_results.map_or(DEFINITIONS_MAX, |max| max as usize);
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, key);
        let shown = |(id, definition): (String, QueryDefinition)| s::QueryDefinition {
            query_language: Some("CWLI".into()),
            query_definition_id: Some(id),
            name: Some(definition.name),
            query_string: Some(definition.query),
            last_modified: Some(definition.modified_ms),
            log_group_names: Some(definition.groups),
            parameters: None,
        };
        Ok(s::DescribeQueryDefinitionsResponse {
            query_definitions: Some(page.items.into_iter().map(shown).collect()),
            next_token: page.next,
        })
    }
}
