//! Records as the wire has them.

use std::collections::BTreeMap;

use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{AccountId, Arn, Region};
use haneul_shape::value::Map;

use crate::model::{
    Access, Analyzer, ArchiveRule, Exclusion, Finding, Millis, PreviewFinding, Resource, Unused, UnusedRule,
};
use crate::{filter, validate};

pub(crate) fn analyzer_arn(account: AccountId, region: Region, name: &str) -> Arn {
    Arn::new("access-analyzer", region, account, format_args!("analyzer/{name}"))
}

pub(crate) fn analyzer(
    account: AccountId,
    region: Region,
    name: &str,
    record: &Analyzer,
) -> s::AnalyzerSummary {
    let kind = match (&record.organization, &record.unused) {
        (None, None) => "ACCOUNT",
        (Some(_), None) => "ORGANIZATION",
        (None, Some(_)) => "ACCOUNT_UNUSED_ACCESS",
        (Some(_), Some(_)) => "ORGANIZATION_UNUSED_ACCESS",
    };
    s::AnalyzerSummary {
        arn: analyzer_arn(account, region, name).to_string(),
        name: name.into(),
        r#type: kind.into(),
        created_at: record.created.into(),
        last_resource_analyzed: record.last.as_ref().map(|(arn, _)| arn.clone()),
        last_resource_analyzed_at: record.last.as_ref().map(|(_, at)| (*at).into()),
        tags: Some(record.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
        status: "ACTIVE".into(),
        configuration: record.unused.as_ref().map(configuration),
        ..Default::default()
    }
}

pub(crate) fn configuration(rule: &UnusedRule) -> s::AnalyzerConfiguration {
    let criterion = |exclusion: &Exclusion| s::AnalysisRuleCriteria {
        account_ids: (!exclusion.accounts.is_empty()).then(|| exclusion.accounts.clone()),
        resource_tags: (!exclusion.tags.is_empty()).then(|| {
            let set = |set: &BTreeMap<String, String>| set.clone().into_iter().collect();
            exclusion.tags.iter().map(set).collect()
        }),
    };
    let exclusions: Vec<_> = rule.exclusions.iter().map(criterion).collect();
    s::AnalyzerConfiguration::UnusedAccess(s::UnusedAccessConfiguration {
        unused_access_age: i32::try_from(rule.age_days).ok(),
        analysis_rule: (!exclusions.is_empty()).then_some(s::AnalysisRule { exclusions: Some(exclusions) }),
    })
}

pub(crate) fn rule(name: &str, rule: &ArchiveRule) -> s::ArchiveRuleSummary {
    s::ArchiveRuleSummary {
        rule_name: name.into(),
        filter: filter::render(&rule.filter),
        created_at: rule.created.into(),
        updated_at: rule.updated.into(),
    }
}

fn principal(access: &Access) -> Option<Map<String>> {
    Some([access.principal.clone()].into_iter().collect())
}

fn condition(access: &Access) -> Map<String> {
    access.condition.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn sources(access: &Access) -> Option<Vec<s::FindingSource>> {
    Some(vec![s::FindingSource { r#type: access.source.clone(), detail: None }])
}

fn owner(number: u64) -> String {
    AccountId::new(number).unwrap_or_default().to_string()
}

pub(crate) fn finding(id: &str, finding: &Finding) -> s::Finding {
    s::Finding {
        id: id.into(),
        principal: principal(&finding.access),
        action: Some(finding.access.actions.clone()),
        resource: Some(finding.resource.clone()),
        is_public: Some(finding.access.public),
        resource_type: finding.kind.clone(),
        condition: condition(&finding.access),
        created_at: finding.created.into(),
        analyzed_at: finding.analyzed.into(),
        updated_at: finding.updated.into(),
        status: finding.status.as_str().into(),
        resource_owner_account: owner(finding.owner),
        error: None,
        sources: sources(&finding.access),
        resource_control_policy_restriction: None,
    }
}

pub(crate) fn finding_summary(id: &str, record: &Finding) -> s::FindingSummary {
    let whole = finding(id, record);
    s::FindingSummary {
        id: whole.id,
        principal: whole.principal,
        action: whole.action,
        resource: whole.resource,
        is_public: whole.is_public,
        resource_type: whole.resource_type,
        condition: whole.condition,
        created_at: whole.created_at,
        analyzed_at: whole.analyzed_at,
        updated_at: whole.updated_at,
        status: whole.status,
        resource_owner_account: whole.resource_owner_account,
        error: None,
        sources: whole.sources,
        resource_control_policy_restriction: None,
    }
}

pub(crate) fn finding_summary_v2(id: &str, record: &Finding) -> s::FindingSummaryV2 {
    s::FindingSummaryV2 {
        analyzed_at: record.analyzed.into(),
        created_at: record.created.into(),
        error: None,
        id: id.into(),
        resource: Some(record.resource.clone()),
        resource_type: record.kind.clone(),
        resource_owner_account: owner(record.owner),
        status: record.status.as_str().into(),
        updated_at: record.updated.into(),
        finding_type: Some(record.access.kind().into()),
    }
}

pub(crate) fn details(record: &Finding) -> s::FindingDetails {
    if let Some(unused) = &record.access.unused {
        return unused_details(unused);
    }
    s::FindingDetails::ExternalAccessDetails(s::ExternalAccessDetails {
        action: Some(record.access.actions.clone()),
        condition: condition(&record.access),
        is_public: Some(record.access.public),
        principal: principal(&record.access),
        sources: sources(&record.access),
        resource_control_policy_restriction: None,
    })
}

fn unused_details(unused: &Unused) -> s::FindingDetails {
    use s::FindingDetails as Details;
    let at = |last: &Option<Millis>| last.map(Into::into);
    match unused {
        Unused::Role { last } => {
            Details::UnusedIamRoleDetails(s::UnusedIamRoleDetails { last_accessed: at(last) })
        }
        Unused::AccessKey { id, last } => {
            Details::UnusedIamUserAccessKeyDetails(s::UnusedIamUserAccessKeyDetails {
                access_key_id: id.clone(),
                last_accessed: at(last),
            })
        }
        Unused::Password { last } => {
            Details::UnusedIamUserPasswordDetails(s::UnusedIamUserPasswordDetails { last_accessed: at(last) })
        }
        Unused::Permission { service, last, actions } => {
            let action = |(action, at): &(String, Millis)| s::UnusedAction {
                action: action.clone(),
                last_accessed: Some((*at).into()),
            };
            Details::UnusedPermissionDetails(s::UnusedPermissionDetails {
                actions: (!actions.is_empty()).then(|| actions.iter().map(action).collect()),
                service_namespace: service.clone(),
                last_accessed: at(last),
            })
        }
    }
}

pub(crate) fn resource(arn: &str, record: &Resource, status: Option<&str>) -> s::AnalyzedResource {
    let mut actions: Vec<String> =
        record.accesses.iter().flat_map(|access| access.actions.iter().cloned()).collect();
    actions.sort();
    actions.dedup();
    let mut shared: Vec<String> = record.accesses.iter().map(|access| access.source.clone()).collect();
    shared.sort();
    shared.dedup();
    s::AnalyzedResource {
        resource_arn: arn.into(),
        resource_type: record.kind.clone(),
        created_at: record.created.into(),
        analyzed_at: record.analyzed.into(),
        updated_at: record.updated.into(),
        is_public: record.accesses.iter().any(|access| access.public),
        actions: Some(actions),
        shared_via: Some(shared),
        status: status.map(Into::into),
        resource_owner_account: owner(record.owner),
        error: record.error.clone(),
    }
}

pub(crate) fn preview_finding(
    finding: &PreviewFinding,
    created: haneul_kit::Instant,
    account: AccountId,
) -> s::AccessPreviewFinding {
    s::AccessPreviewFinding {
        id: finding.id.clone(),
        existing_finding_id: finding.existing.as_ref().map(|(id, _)| id.clone()),
        existing_finding_status: finding.existing.as_ref().map(|(_, status)| status.as_str().into()),
        principal: principal(&finding.access),
        action: Some(finding.access.actions.clone()),
        condition: Some(condition(&finding.access)),
        resource: Some(finding.resource.clone()),
        is_public: Some(finding.access.public),
        resource_type: finding.kind.clone(),
        created_at: created,
        change_type: finding.change.clone(),
        status: finding.existing.as_ref().map_or("ACTIVE", |(_, status)| status.as_str()).into(),
        resource_owner_account: account.to_string(),
        error: None,
        sources: sources(&finding.access),
        resource_control_policy_restriction: None,
    }
}

pub(crate) fn policy_finding(finding: &validate::Finding) -> s::ValidatePolicyFinding {
    let position = |place: crate::document::Place| s::Position {
        line: place.line as i32,
        column: place.column as i32,
        offset: place.offset as i32,
    };
    let step = |step: &validate::Step| match step {
        validate::Step::Key(key) => s::PathElement::Value(key.clone()),
        validate::Step::Index(index) => s::PathElement::Index(*index as i32),
        validate::Step::Name(key) => s::PathElement::Key(key.clone()),
    };
    s::ValidatePolicyFinding {
        finding_details: finding.details.clone(),
        finding_type: finding.issue.severity.as_str().into(),
        issue_code: finding.issue.code.into(),
        learn_more_link: finding.issue.link(),
        locations: vec![s::Location {
            path: finding.path.iter().map(step).collect(),
            span: s::Span { start: position(finding.start), end: position(finding.end) },
        }],
    }
}
