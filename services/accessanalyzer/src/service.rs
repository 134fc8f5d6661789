use std::sync::Arc;

use haneul_accessanalyzer_wire as wire;
use haneul_kit::{Platform, Result, Service};
use wire::operations as op;

use crate::AccessAnalyzer;
use crate::tasks::Scan;
use crate::tasks::generations::Generate;

/// The dispatch table.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("access-analyzer", crate::resources::KINDS, crate::resources::list);
    let analyzer = Arc::new(AccessAnalyzer::new(platform));
    Ok(Service::of(&wire::SERVICE, analyzer.clone())
        .op::<op::ValidatePolicy>()
        .op::<op::CheckNoNewAccess>()
        .op::<op::CheckAccessNotGranted>()
        .op::<op::CheckNoPublicAccess>()
        .op::<op::CreateAnalyzer>()
        .op::<op::UpdateAnalyzer>()
        .op::<op::GetAnalyzer>()
        .op::<op::ListAnalyzers>()
        .op::<op::DeleteAnalyzer>()
        .op::<op::CreateArchiveRule>()
        .op::<op::GetArchiveRule>()
        .op::<op::ListArchiveRules>()
        .op::<op::UpdateArchiveRule>()
        .op::<op::DeleteArchiveRule>()
        .op::<op::ApplyArchiveRule>()
        .op::<op::GetFinding>()
        .op::<op::GetFindingV2>()
        .op::<op::ListFindings>()
        .op::<op::ListFindingsV2>()
        .op::<op::UpdateFindings>()
        .op::<op::GenerateFindingRecommendation>()
        .op::<op::GetFindingRecommendation>()
        .op::<op::GetFindingsStatistics>()
        .op::<op::GetAnalyzedResource>()
        .op::<op::ListAnalyzedResources>()
        .op::<op::StartResourceScan>()
        .op::<op::CreateAccessPreview>()
        .op::<op::GetAccessPreview>()
        .op::<op::ListAccessPreviews>()
        .op::<op::ListAccessPreviewFindings>()
        .op::<op::StartPolicyGeneration>()
        .op::<op::GetGeneratedPolicy>()
        .op::<op::ListPolicyGenerations>()
        .op::<op::CancelPolicyGeneration>()
        .op::<op::TagResource>()
        .op::<op::UntagResource>()
        .op::<op::ListTagsForResource>()
        .reconciler(Arc::new(Scan(analyzer.clone())))
        .reconciler(Arc::new(Generate(analyzer)))
        .build())
}
