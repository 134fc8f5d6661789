use std::collections::BTreeMap;

use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_shape::Empty;
use haneul_shape::value::Map;

use crate::model::{FINDINGS, Finding, Status, Unused};
use crate::{AccessAnalyzer, error, filter, page, render};

impl AccessAnalyzer {
    pub(super) async fn on_arn(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Vec<Access>> {
        let name = arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, action, name).await?])
    }

    /// The findings of an analyzer that meet a filter, sorted.
    async fn findings(
        &self,
        cx: &Cx,
        arn: &str,
        given: Option<Map<s::Criterion>>,
        sort: Option<&s::SortCriteria>,
    ) -> Result<Vec<(String, Finding)>> {
        let name = AccessAnalyzer::name(cx, arn)?;
        self.analyzer(cx, &name).await?;
        let filter = filter::parse(given.unwrap_or_default())?;
        let all = self.state.parts(&FINDINGS, cx.account(), cx.region(), &name).await?;
        let mut all: Vec<_> =
            all.into_iter().filter(|(id, finding)| filter::passes(&filter, id, finding)).collect();
        let by = sort.and_then(|sort| sort.attribute_name.as_deref()).unwrap_or("updatedAt");
        all.sort_by(|(a, x), (b, y)| {
            let order = match by {
                "createdAt" => x.created.cmp(&y.created),
                "analyzedAt" => x.analyzed.cmp(&y.analyzed),
                "resource" => x.resource.cmp(&y.resource),
                "resourceType" => x.kind.cmp(&y.kind),
                "status" => x.status.as_str().cmp(y.status.as_str()),
                _ => x.updated.cmp(&y.updated),
            };
            order.then_with(|| a.cmp(b))
        });
        if sort.and_then(|sort| sort.order_by.as_deref()) == Some("DESC") {
            all.reverse();
        }
        Ok(all)
    }

    pub(super) async fn finding(&self, cx: &Cx, arn: &str, id: &str) -> Result<Finding> {
        let found = self.findings(cx, arn, None, None).await?;
        let found = found.into_iter().find(|(other, _)| other == id);
        found.map(|(_, finding)| finding).ok_or_else(|| error::not_found(id, "FINDING"))
    }
}

impl Handle<op::ListFindings> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::ListFindingsRequest) -> Result<Vec<Access>> {
        self.on_arn(cx, "access-analyzer:ListFindings", &input.analyzer_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::ListFindingsRequest) -> Result<s::ListFindingsResponse> {
        self.external(cx, &AccessAnalyzer::name(cx, &input.analyzer_arn)?, "ListFindings").await?;
        let all = self.findings(cx, &input.analyzer_arn, input.filter, input.sort.as_ref()).await?;
        let purpose = format!("findings {}", input.analyzer_arn);
        let token = input.next_token.as_deref();
        let (found, next_token) = page::cut(&self.platform.seal, &purpose, token, input.max_results, all)?;
        let findings = found.iter().map(|(id, finding)| render::finding_summary(id, finding)).collect();
        Ok(s::ListFindingsResponse { findings, next_token })
    }
}

impl Handle<op::ListFindingsV2> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::ListFindingsV2Request) -> Result<Vec<Access>> {
        self.on_arn(cx, "access-analyzer:ListFindings", &input.analyzer_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::ListFindingsV2Request) -> Result<s::ListFindingsV2Response> {
        let all = self.findings(cx, &input.analyzer_arn, input.filter, input.sort.as_ref()).await?;
        let purpose = format!("findings v2 {}", input.analyzer_arn);
        let token = input.next_token.as_deref();
        let (found, next_token) = page::cut(&self.platform.seal, &purpose, token, input.max_results, all)?;
        let findings = found.iter().map(|(id, finding)| render::finding_summary_v2(id, finding)).collect();
        Ok(s::ListFindingsV2Response { findings, next_token })
    }
}

impl Handle<op::GetFinding> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GetFindingRequest) -> Result<Vec<Access>> {
        self.on_arn(cx, "access-analyzer:GetFinding", &input.analyzer_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::GetFindingRequest) -> Result<s::GetFindingResponse> {
        self.external(cx, &AccessAnalyzer::name(cx, &input.analyzer_arn)?, "GetFinding").await?;
        let found = self.finding(cx, &input.analyzer_arn, &input.id).await?;
        Ok(s::GetFindingResponse { finding: Some(render::finding(&input.id, &found)) })
    }
}

impl Handle<op::GetFindingV2> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GetFindingV2Request) -> Result<Vec<Access>> {
        self.on_arn(cx, "access-analyzer:GetFinding", &input.analyzer_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::GetFindingV2Request) -> Result<s::GetFindingV2Response> {
        let found = self.finding(cx, &input.analyzer_arn, &input.id).await?;
        let summary = render::finding_summary_v2(&input.id, &found);
        Ok(s::GetFindingV2Response {
            analyzed_at: summary.analyzed_at,
            created_at: summary.created_at,
            error: None,
            id: summary.id,
            next_token: None,
            resource: summary.resource,
            resource_type: summary.resource_type,
            resource_owner_account: summary.resource_owner_account,
            status: summary.status,
            updated_at: summary.updated_at,
            finding_details: vec![render::details(&found)],
            finding_type: summary.finding_type,
        })
    }
}

impl Handle<op::UpdateFindings> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::UpdateFindingsRequest) -> Result<Vec<Access>> {
        self.on_arn(cx, "access-analyzer:UpdateFindings", &input.analyzer_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateFindingsRequest) -> Result<Empty> {
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        self.analyzer(cx, &name).await?;
        let status = match input.status.as_str() {
            "ACTIVE" => Status::Active,
            "ARCHIVED" => Status::Archived,
            other => return Err(error::invalid(format!("The status {other} is not valid."))),
        };
        let ids = input.ids.unwrap_or_default();
        if ids.is_empty() == input.resource_arn.is_none() {
            return Err(error::invalid("Specify either ids or resourceArn."));
        }
        let which = |id: &str, finding: &Finding| {
            ids.iter().any(|wanted| wanted == id) || input.resource_arn.as_ref() == Some(&finding.resource)
        };
        self.state.set_status((cx.account(), cx.region(), &name), &which, &ids, status, cx.now()).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetFindingsStatistics> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GetFindingsStatisticsRequest) -> Result<Vec<Access>> {
        self.on_arn(cx, "access-analyzer:GetFindingsStatistics", &input.analyzer_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFindingsStatisticsRequest,
    ) -> Result<s::GetFindingsStatisticsResponse> {
        let all = self.findings(cx, &input.analyzer_arn, None, None).await?;
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        if self.analyzer(cx, &name).await?.unused.is_some() {
            return Ok(unused_statistics(cx, &all));
        }
        let count =
            |status: Status| Some(all.iter().filter(|(_, finding)| finding.status == status).count() as i32);
        let mut kinds: Vec<&str> = all.iter().map(|(_, finding)| finding.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let by_kind = kinds.into_iter().map(|kind| {
            let active = |public: bool| {
                let of = all.iter().filter(|(_, finding)| {
                    finding.kind == kind
                        && finding.status == Status::Active
                        && finding.access.public == public
                });
                Some(of.count() as i32)
            };
            let details = s::ResourceTypeDetails {
                total_active_public: active(true),
                total_active_cross_account: active(false),
                total_active_errors: Some(0),
            };
            (kind.to_owned(), details)
        });
        let statistics = s::ExternalAccessFindingsStatistics {
            resource_type_statistics: Some(by_kind.collect()),
            total_active_findings: count(Status::Active),
            total_archived_findings: count(Status::Archived),
            total_resolved_findings: count(Status::Resolved),
        };
        Ok(s::GetFindingsStatisticsResponse {
            findings_statistics: Some(vec![s::FindingsStatistics::ExternalAccessFindingsStatistics(
                statistics,
            )]),
            last_updated_at: Some(cx.now()),
        })
    }
}

/// Accounts that are told of; source: the API Reference, UnusedAccessFindingsStatistics.
const TOP_ACCOUNTS: usize = 10;

fn unused_statistics(cx: &Cx, all: &[(String, Finding)]) -> s::GetFindingsStatisticsResponse {
    let count =
        |status: Status| Some(all.iter().filter(|(_, finding)| finding.status == status).count() as i32);
    let active: Vec<&Finding> =
        all.iter().map(|(_, finding)| finding).filter(|finding| finding.status == Status::Active).collect();
    let of_kind = |findings: &[&Finding], kind: &str| {
        findings.iter().filter(|finding| finding.access.kind() == kind).count() as i32
    };
    let mut by_account: BTreeMap<u64, Vec<&Finding>> = BTreeMap::new();
    for finding in &active {
        by_account.entry(finding.owner).or_default().push(finding);
    }
    let mut by_account: Vec<(u64, Vec<&Finding>)> = by_account.into_iter().collect();
    by_account.sort_by_key(|(_, findings)| std::cmp::Reverse(findings.len()));
    let top = by_account.iter().take(TOP_ACCOUNTS).map(|(account, findings)| {
        let details = Unused::KINDS.map(|kind| (kind.to_owned(), of_kind(findings, kind)));
        s::FindingAggregationAccountDetails {
            account: AccountId::new(*account).map(|account| account.to_string()),
            number_of_active_findings: Some(findings.len() as i32),
            details: Some(details.into_iter().collect()),
        }
    });
    let kinds = Unused::KINDS.map(|kind| s::UnusedAccessTypeStatistics {
        unused_access_type: Some(kind.to_owned()),
        total: Some(of_kind(&active, kind)),
    });
    let statistics = s::UnusedAccessFindingsStatistics {
        unused_access_type_statistics: Some(kinds.into()),
        top_accounts: Some(top.collect()),
        total_active_findings: count(Status::Active),
        total_archived_findings: count(Status::Archived),
        total_resolved_findings: count(Status::Resolved),
    };
    s::GetFindingsStatisticsResponse {
        findings_statistics: Some(vec![s::FindingsStatistics::UnusedAccessFindingsStatistics(statistics)]),
        last_updated_at: Some(cx.now()),
    }
}
