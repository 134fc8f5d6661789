//! PutMetricDataQueryDefinition, GetMetricDataQueryDefinition, ListMetricDataQueryDefinitions, DeleteMetricDataQueryDefinition: queries
//! that are saved under a path. As in AWS, an expression is not looked at.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result, Tags, paging};

use super::alarm_parts::owner;
use super::insight_rules::pairs;
use super::tags::refused;
use crate::CloudWatch;
use crate::error;
use crate::model::QueryDefinition;

const PAGE: usize = 100;
/// Of a path in UTF-8.
const PATH_BYTES_MAX: usize = 1015;

fn definition_arn(cx: &Cx, id: &str) -> Arn {
    cx.arn("cloudwatch", format_args!("metric-query-definition/{id}"))
}

impl CloudWatch {
    async fn on_query_definition(&self, cx: &Cx, action: &'static str, id: &str) -> Result<Access> {
        let access = Access::on(action, &definition_arn(cx, id));
        Ok(match self.query_definition(owner(cx), id).await? {
            Some(definition) => access.resource_tags(pairs(&definition.tags)),
            None => access,
        })
    }
}

impl Handle<op::PutMetricDataQueryDefinition> for CloudWatch {
    /// On the definition; with tags, TagResource too.
    async fn access(&self, cx: &Cx, input: &s::PutMetricDataQueryDefinitionInput) -> Result<Vec<Access>> {
        let action = "cloudwatch:PutMetricDataQueryDefinition";
        // A new one has no id yet.
        let Some(id) = &input.id else {
            let arn = definition_arn(cx, "*");
            let tags = || input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
            let mut all = vec![Access::on(action, &arn).request_tags(tags())];
            if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
                all.push(Access::on("cloudwatch:TagResource", &arn).request_tags(tags()));
            }
            return Ok(all);
        };
        Ok(vec![self.on_query_definition(cx, action, id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutMetricDataQueryDefinitionInput,
    ) -> Result<s::PutMetricDataQueryDefinitionOutput> {
        let path = input.path;
        let empty_part = path.split('/').any(str::is_empty);
        if empty_part || path.len() > PATH_BYTES_MAX {
            return Err(error::validation(
                "Path must not start or end with a slash, contain an empty folder name, or be longer than 1015 bytes.",
            ));
        }
        if !matches!(input.r#type.as_str(), "PROMQL" | "SQL" | "METRIC_MATH") {
            return Err(error::value_for(&input.r#type, "Type"));
        }
        // "To add tags when you create a definition": an update says nothing of them.
        if input.id.is_some() && input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            return Err(error::validation("Tags can be given only to a new definition: use TagResource."));
        }
        let now_ms = cx.now().millis();
        let (id, definition) = match input.id {
            Some(id) => {
                let change = |definition: &mut QueryDefinition| {
                    definition.path.clone_from(&path);
                    definition.expression.clone_from(&input.expression);
                    definition.language.clone_from(&input.r#type);
                    definition.updated_ms = now_ms;
                    Ok(())
                };
                let definition = self.change_query_definition(owner(cx), &id, change).await?;
                (id, definition)
            }
            None => {
                let tags = input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
                let tags = Tags::from_request(tags).map_err(refused)?;
                let definition = QueryDefinition {
                    path,
                    expression: input.expression,
                    language: input.r#type,
                    created_ms: now_ms,
                    updated_ms: now_ms,
                    tags: tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
                };
                let id = self.platform.env.rng.uuid();
                self.add_query_definition(owner(cx), &id, &definition).await?;
                (id, definition)
            }
        };
        Ok(s::PutMetricDataQueryDefinitionOutput {
            arn: definition_arn(cx, &id).to_string(),
            id,
            path: definition.path,
            expression: definition.expression,
            r#type: definition.language,
            created_at: Instant::from_millis(definition.created_ms),
            updated_at: Instant::from_millis(definition.updated_ms),
        })
    }
}

impl Handle<op::GetMetricDataQueryDefinition> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::GetMetricDataQueryDefinitionInput) -> Result<Vec<Access>> {
        let action = "cloudwatch:GetMetricDataQueryDefinition";
        Ok(vec![self.on_query_definition(cx, action, &input.id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetMetricDataQueryDefinitionInput,
    ) -> Result<s::GetMetricDataQueryDefinitionOutput> {
        let found = self.query_definition(owner(cx), &input.id).await?;
        let definition = found.ok_or_else(|| error::query_definition_not_found(&input.id))?;
        Ok(s::GetMetricDataQueryDefinitionOutput {
            arn: definition_arn(cx, &input.id).to_string(),
            id: input.id,
            path: definition.path,
            expression: definition.expression,
            r#type: definition.language,
            created_at: Instant::from_millis(definition.created_ms),
            updated_at: Instant::from_millis(definition.updated_ms),
        })
    }
}

impl Handle<op::ListMetricDataQueryDefinitions> for CloudWatch {
    /// On all: the documentation knows no resource.
    async fn access(&self, _: &Cx, _: &s::ListMetricDataQueryDefinitionsInput) -> Result<Vec<Access>> {
        Ok(super::access::on_all("cloudwatch:ListMetricDataQueryDefinitions"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListMetricDataQueryDefinitionsInput,
    ) -> Result<s::ListMetricDataQueryDefinitionsOutput> {
        let purpose = format!("cloudwatch.ListMetricDataQueryDefinitions {} {}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let limit = input.max_results.map_or(PAGE, |limit| limit as usize);
        let found = self.query_definitions(owner(cx), after.as_deref(), limit).await?;
        let page = paging::cut(found, limit, seal, &purpose, |(id, _)| id.clone());
        let shown = |(id, definition): (String, QueryDefinition)| s::MetricDataQueryDefinitionSummary {
            id,
            path: definition.path,
            r#type: definition.language,
            updated_at: Some(Instant::from_millis(definition.updated_ms)),
        };
        Ok(s::ListMetricDataQueryDefinitionsOutput {
            items: page.items.into_iter().map(shown).collect(),
            next_token: page.next,
        })
    }
}

impl Handle<op::DeleteMetricDataQueryDefinition> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::DeleteMetricDataQueryDefinitionInput) -> Result<Vec<Access>> {
        let action = "cloudwatch:DeleteMetricDataQueryDefinition";
        Ok(vec![self.on_query_definition(cx, action, &input.id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteMetricDataQueryDefinitionInput,
    ) -> Result<s::DeleteMetricDataQueryDefinitionOutput> {
        self.delete_query_definition(owner(cx), &input.id).await?;
        Ok(s::DeleteMetricDataQueryDefinitionOutput {})
    }
}
