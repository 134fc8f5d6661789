use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_logs_wire::values::{index_category as category, index_source as source, index_type};

use super::access::on_all;
use crate::Logs;
use crate::data_source::DataSource;
use crate::error;
use crate::index::defaults::{OF_EVENTS, STREAM, is_known, of_group};
use crate::index::policy::fields;
use crate::model::{Group, GroupIndex, IndexedField};
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
            fields: fields(&input.policy_document)?.into_iter().map(|field| field.name).collect(),
            document: input.policy_document,
            updated_ms: cx.now().millis(),
        };
        self.records
            .change_group(&name, |group| {
                group.index = Some(index.clone());
                Ok(())
            })
            .await?;
        let current: Vec<String> = index.fields.iter().cloned().chain(OF_EVENTS.map(str::to_owned)).collect();
        self.records.bound_fields(id, &current).await?;
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
        let settings = self.settings.of(&self.records, (cx.account(), cx.region())).await?;
        let mut found = Vec::new();
        for identifier in &input.log_group_identifiers {
            let name = GroupName::identified(cx, identifier)?;
            let group = self.records.group(&name).await?;
            found.extend(group.index.clone().map(|index| shown(&name, index)));
            let of_account = settings.indexes(&name.name, &group).map(|index| s::IndexPolicy {
                log_group_identifier: Some(name.arn().to_string()),
                last_update_time: Some(index.policy.updated_ms),
                policy_document: Some(index.policy.document.clone()),
                policy_name: Some(index.name.clone()),
                source: Some(source::ACCOUNT.into()),
            });
            found.extend(of_account);
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
        let settings = self.settings.of(&self.records, (cx.account(), cx.region())).await?;
        let mut found = Vec::new();
        for (at, identifier) in input.log_group_identifiers.iter().enumerate().skip(after.0) {
            let name = GroupName::identified(cx, identifier)?;
            let group = self.records.group(&name).await?;
            let now = settings.indexed_fields(&name.name, &group)?;
            let defaults = default_fields(&name, &group);
            let mut seen = self.records.indexed_fields(group.id).await?;
            let all = self.times_of_all(group.id).await?;
            for field in now.iter().map(|field| field.name.as_str()).chain(defaults.iter().copied()) {
                let times = if is_known(field) { all.clone() } else { IndexedField::default() };
                seen.entry(field.to_owned()).or_insert(times);
            }
            for (field, times) in seen {
                let by_policy = now.iter().find(|one| one.name == field);
                let kind = match by_policy {
                    Some(_) => category::CUSTOM,
                    None if defaults.contains(&field.as_str()) => category::DEFAULT,
                    None => category::INACTIVE,
                };
                let is_facet = by_policy.is_some_and(|one| one.is_facet);
                if !wanted(kind) || (at, field.as_str()) <= (after.0, after.1.as_str()) {
                    continue;
                }
                let index = s::FieldIndex {
                    log_group_identifier: Some(name.arn().to_string()),
                    field_index_name: Some(field.clone()),
                    last_scan_time: times.last_scan_ms,
                    first_event_time: times.first_event_ms,
                    last_event_time: times.last_event_ms,
                    r#type: Some(if is_facet { index_type::FACET } else { index_type::FIELD_INDEX }.into()),
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

impl Logs {
    /// The times of a field that all events of a group have.
    async fn times_of_all(&self, group: u64) -> Result<IndexedField> {
        let mut all = IndexedField::default();
        for (_, stream) in self.records.streams(group, "").await? {
            all.join(&IndexedField {
                first_event_ms: stream.first_event_ms,
                last_event_ms: stream.last_event_ms,
                last_scan_ms: stream.last_ingestion_ms,
            });
        }
        Ok(all)
    }
}

/// The fields that a group is indexed by without a policy.
pub(super) fn default_fields(name: &GroupName, group: &Group) -> Vec<&'static str> {
    if group.class != "STANDARD" {
        return Vec::new();
    }
    let of_group = of_group(name, DataSource::of(&group.tags).as_ref());
    let shared = of_group.iter().map(|(field, _)| *field);
    [STREAM].into_iter().chain(shared).chain(OF_EVENTS).collect()
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
