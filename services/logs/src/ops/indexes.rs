use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_logs_wire::values::{index_category as category, index_source as source, index_type};

use super::access::on_all;
use crate::Logs;
use crate::error;
use crate::index::policy::fields;
use crate::model::{Group, GroupIndex};
use crate::names::GroupName;

const PAGE: usize = 500;

impl Handle<op::PutIndexPolicy> for Logs {
    async fn access(&self, cx: &Cx, _: &s::PutIndexPolicyRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:PutIndexPolicy"))
    }

    async fn call(&self, cx: &Cx, input: s::PutIndexPolicyRequest) -> Result<s::PutIndexPolicyResponse> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        let Group { id, class, .. } = self.records.group(&name).await?;
        if class != "STANDARD" {
            return Err(error::invalid(format!(
                "Field index policies are not supported for log groups of the {class} class."
            )));
        }
        let index = GroupIndex {
            fields: fields(&input.policy_document)?,
            document: input.policy_document,
            updated_ms: cx.now().millis(),
        };
        self.records
            .change_group(&name, |group| {
                group.index = Some(index.clone());
                Ok(())
            })
            .await?;
        self.records.bound_fields(id, &index.fields).await?;
        Ok(s::PutIndexPolicyResponse { index_policy: Some(shown(&name, index)) })
    }
}

impl Handle<op::DeleteIndexPolicy> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DeleteIndexPolicyRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DeleteIndexPolicy"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteIndexPolicyRequest,
    ) -> Result<s::DeleteIndexPolicyResponse> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.records
            .change_group(&name, |group| match group.index.take() {
                Some(_) => Ok(()),
                None => Err(error::index_not_found()),
            })
            .await?;
        Ok(s::DeleteIndexPolicyResponse {})
    }
}

impl Handle<op::DescribeIndexPolicies> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DescribeIndexPoliciesRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DescribeIndexPolicies"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeIndexPoliciesRequest,
    ) -> Result<s::DescribeIndexPoliciesResponse> {
        if input.next_token.is_some() {
            return Err(error::next_token());
        }
        let mut found = Vec::new();
        for identifier in &input.log_group_identifiers {
            let name = GroupName::identified(cx, identifier)?;
            found.extend(self.records.group(&name).await?.index.map(|index| shown(&name, index)));
        }
        Ok(s::DescribeIndexPoliciesResponse { index_policies: Some(found), next_token: None })
    }
}

impl Handle<op::DescribeFieldIndexes> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DescribeFieldIndexesRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DescribeFieldIndexes"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeFieldIndexesRequest,
    ) -> Result<s::DescribeFieldIndexesResponse> {
        let wanted = |kind: &str| {
            input.index_categories.as_ref().is_none_or(|kinds| kinds.iter().any(|one| one == kind))
        };
        let purpose = format!("logs.field-indexes {} {}", cx.account(), cx.region());
        let after: (usize, String) = match &input.next_token {
            Some(token) => {
                paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?
            }
            None => (0, String::new()),
        };
        let mut found = Vec::new();
        for (at, identifier) in input.log_group_identifiers.iter().enumerate().skip(after.0) {
            let name = GroupName::identified(cx, identifier)?;
            let group = self.records.group(&name).await?;
            let mut seen = self.records.indexed_fields(group.id).await?;
            let now = group.index.map(|index| index.fields).unwrap_or_default();
            for field in &now {
                seen.entry(field.clone()).or_default();
            }
            for (field, times) in seen {
                let kind = if now.contains(&field) { category::CUSTOM } else { category::INACTIVE };
                if !wanted(kind) || (at, field.as_str()) <= (after.0, after.1.as_str()) {
                    continue;
                }
                let index = s::FieldIndex {
                    log_group_identifier: Some(name.arn().to_string()),
                    field_index_name: Some(field.clone()),
                    last_scan_time: times.last_scan_ms,
                    first_event_time: times.first_event_ms,
                    last_event_time: times.last_event_ms,
                    r#type: Some(index_type::FIELD_INDEX.into()),
                    index_category: Some(kind.into()),
                };
                found.push(((at, field), index));
            }
            if found.len() > PAGE {
                break;
            }
        }
        let page = paging::cut(found, PAGE, &self.platform.seal, &purpose, |(position, _)| position.clone());
        Ok(s::DescribeFieldIndexesResponse {
            field_indexes: Some(page.items.into_iter().map(|(_, index)| index).collect()),
            next_token: page.next,
        })
    }
}

fn shown(name: &GroupName, index: GroupIndex) -> s::IndexPolicy {
    s::IndexPolicy {
        log_group_identifier: Some(name.arn().to_string()),
        last_update_time: Some(index.updated_ms),
        policy_document: Some(index.document),
        policy_name: None,
        source: Some(source::LOG_GROUP.into()),
    }
}
