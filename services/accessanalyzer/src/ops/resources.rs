use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_shape::Empty;
use haneul_store::Reads;

use crate::model::{FINDINGS, RESOURCES, Status};
use crate::{AccessAnalyzer, error, page, render};

impl Handle<op::ListAnalyzedResources> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::ListAnalyzedResourcesRequest) -> Result<Vec<Access>> {
        let name = input.analyzer_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:ListAnalyzedResources", name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAnalyzedResourcesRequest,
    ) -> Result<s::ListAnalyzedResourcesResponse> {
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        self.external(cx, &name, "ListAnalyzedResources").await?;
        let all = self.state.parts(&RESOURCES, cx.account(), cx.region(), &name).await?;
        let all = all
            .into_iter()
            .filter(|(_, found)| input.resource_type.as_ref().is_none_or(|kind| *kind == found.kind));
        let purpose = format!("resources {} {:?}", input.analyzer_arn, input.resource_type);
        let token = input.next_token.as_deref();
        let (found, next_token) =
            page::cut(&self.platform.seal, &purpose, token, input.max_results, all.collect())?;
        let summary = |(arn, found): (String, crate::model::Resource)| s::AnalyzedResourceSummary {
            resource_arn: arn,
            resource_owner_account: AccountId::new(found.owner).unwrap_or_default().to_string(),
            resource_type: found.kind,
        };
        Ok(s::ListAnalyzedResourcesResponse {
            analyzed_resources: found.into_iter().map(summary).collect(),
            next_token,
        })
    }
}

impl Handle<op::GetAnalyzedResource> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GetAnalyzedResourceRequest) -> Result<Vec<Access>> {
        let name = input.analyzer_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:GetAnalyzedResource", name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAnalyzedResourceRequest,
    ) -> Result<s::GetAnalyzedResourceResponse> {
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        self.external(cx, &name, "GetAnalyzedResource").await?;
        let at = (cx.account(), cx.region(), &name, &input.resource_arn);
        let found = self.state.store.get(&RESOURCES, &at).await?;
        let found = found.ok_or_else(|| error::not_found(&input.resource_arn, "ANALYZED_RESOURCE"))?;
        let findings = self.state.parts(&FINDINGS, cx.account(), cx.region(), &name).await?;
        let mut statuses: Vec<Status> = findings
            .into_iter()
            .filter(|(_, finding)| finding.resource == input.resource_arn)
            .map(|(_, finding)| finding.status)
            .collect();
        statuses.sort_by_key(|status| match status {
            Status::Active => 0,
            Status::Archived => 1,
            Status::Resolved => 2,
        });
        let status = statuses.first().map(|status| status.as_str());
        Ok(s::GetAnalyzedResourceResponse {
            resource: Some(render::resource(&input.resource_arn, &found, status)),
        })
    }
}

impl Handle<op::StartResourceScan> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::StartResourceScanRequest) -> Result<Vec<Access>> {
        let name = input.analyzer_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:StartResourceScan", name).await?])
    }

    /// Looks before it answers: who asks for a scan wants to know.
    async fn call(&self, cx: &Cx, input: s::StartResourceScanRequest) -> Result<Empty> {
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        let analyzer = self.external(cx, &name, "StartResourceScan").await?;
        let zone = self.zone(cx.account(), &analyzer).await?;
        let owner = match &input.resource_owner_account {
            Some(owner) => owner.parse().map_err(|_| error::invalid("The resource owner is not valid."))?,
            None => cx.account(),
        };
        if !zone.accounts.contains(&owner) {
            return Err(error::not_found(&input.resource_arn, "RESOURCE"));
        }
        let seen = self.look(owner, cx.region()).await?;
        let seen = seen.into_iter().find(|seen| seen.arn == input.resource_arn);
        let seen = seen.ok_or_else(|| error::not_found(&input.resource_arn, "RESOURCE"))?;
        self.note(cx.account(), cx.region(), &name, &zone, owner, seen).await?;
        Ok(Empty)
    }
}
