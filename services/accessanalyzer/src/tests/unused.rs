use std::time::Duration;

use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AccountId, Caller, Principal};
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes as q;

use super::cloud::Cloud;

const DAY: Duration = Duration::from_secs(24 * 3600);
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}"#;

async fn role(cloud: &Cloud, name: &str, tags: Option<Vec<i::Tag>>) -> Caller {
    let create = i::CreateRoleRequest {
        role_name: name.into(),
        assume_role_policy_document: TRUST.into(),
        tags,
        ..Default::default()
    };
    let role = cloud.ok::<iam::CreateRole>(create).await.role;
    let policy =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sqs:*","s3:*"],"Resource":"*"}}"#;
    let put = i::PutRolePolicyRequest {
        role_name: name.into(),
        policy_name: "p".into(),
        policy_document: policy.into(),
    };
    cloud.ok::<iam::PutRolePolicy>(put).await;
    let principal =
        Principal::Role { path: "/".into(), name: name.into(), id: role.role_id, session_name: "s".into() };
    Caller { principal, ..Caller::root(AccountId::new(111_111_111_111).unwrap()) }
}

/// As the front door notes it for a call that came over HTTP.
fn note(cloud: &Cloud, caller: &Caller) {
    let now = cloud.platform.env.now();
    cloud.platform.directory().note_use(caller, "sqs", "us-east-1", now);
}

async fn found(cloud: &Cloud, arn: &str) -> Vec<String> {
    let list = s::ListFindingsV2Request { analyzer_arn: arn.into(), ..Default::default() };
    let findings = cloud.ok::<op::ListFindingsV2>(list).await.findings;
    let mut lines = Vec::new();
    for one in findings.into_iter().filter(|one| one.status == "ACTIVE") {
        let get = s::GetFindingV2Request { analyzer_arn: arn.into(), id: one.id, ..Default::default() };
        let details = cloud.ok::<op::GetFindingV2>(get).await.finding_details.remove(0);
        let more = match details {
            s::FindingDetails::UnusedPermissionDetails(of) => format!(" {}", of.service_namespace),
            s::FindingDetails::UnusedIamUserAccessKeyDetails(of) => format!(" {}", &of.access_key_id[..4]),
            _ => String::new(),
        };
        let name = one.resource.unwrap().rsplit('/').next().unwrap().to_owned();
        lines.push(format!("{name} {}{more}", one.finding_type.unwrap()));
    }
    lines.sort();
    lines
}

#[tokio::test]
async fn what_nobody_uses_is_found() {
    let cloud = Cloud::new().await;
    let busy = role(&cloud, "busy", None).await;
    role(&cloud, "idle", None).await;
    let tag = i::Tag { key: "break".into(), value: "glass".into() };
    role(&cloud, "spare", Some(vec![tag])).await;
    let create = i::CreateUserRequest { user_name: "ann".into(), ..Default::default() };
    cloud.ok::<iam::CreateUser>(create).await;
    cloud.ok::<iam::CreateAccessKey>(i::CreateAccessKeyRequest { user_name: Some("ann".into()) }).await;
    let profile = i::CreateLoginProfileRequest {
        user_name: Some("ann".into()),
        password: Some("First-pass1".into()),
        ..Default::default()
    };
    cloud.ok::<iam::CreateLoginProfile>(profile).await;
    let analyzer = cloud.analyzer("ACCOUNT_UNUSED_ACCESS").await;
    assert_eq!(found(&cloud, &analyzer).await, Vec::<String>::new(), "nobody is old enough");

    cloud.platform.env.clock.advance(DAY * 80);
    note(&cloud, &busy);
    cloud.call::<sqs::ListQueues>(&busy, q::ListQueuesRequest::default()).await.unwrap();
    cloud.platform.env.clock.advance(DAY * 11);
    role(&cloud, "new", None).await;
    cloud.settle().await;
    assert_eq!(
        found(&cloud, &analyzer).await,
        [
            "ann UnusedIAMUserAccessKey AKIA",
            "ann UnusedIAMUserPassword",
            "busy UnusedPermission s3",
            "idle UnusedIAMRole",
            "spare UnusedIAMRole",
        ]
    );
    let get = s::GetFindingsStatisticsRequest { analyzer_arn: analyzer.clone() };
    let statistics = cloud.ok::<op::GetFindingsStatistics>(get).await.findings_statistics.unwrap().remove(0);
    let s::FindingsStatistics::UnusedAccessFindingsStatistics(statistics) = statistics else {
        panic!("of unused access")
    };
    assert_eq!(statistics.total_active_findings, Some(5));
    let roles = &statistics.unused_access_type_statistics.unwrap()[0];
    assert_eq!((roles.unused_access_type.as_deref(), roles.total), (Some("UnusedIAMRole"), Some(2)));

    // What to do about a permission.
    let list = s::ListFindingsV2Request { analyzer_arn: analyzer.clone(), ..Default::default() };
    let all = cloud.ok::<op::ListFindingsV2>(list).await.findings;
    let id_of = |kind: &str| {
        all.iter().find(|one| one.finding_type.as_deref() == Some(kind)).map(|one| one.id.clone()).unwrap()
    };
    let about = |id: String| s::GenerateFindingRecommendationRequest { analyzer_arn: analyzer.clone(), id };
    let refused = cloud.err::<op::GenerateFindingRecommendation>(about(id_of("UnusedIAMRole"))).await;
    assert!(refused.starts_with("ValidationException"), "{refused}");
    let id = id_of("UnusedPermission");
    let get = s::GetFindingRecommendationRequest {
        analyzer_arn: analyzer.clone(),
        id: id.clone(),
        ..Default::default()
    };
    assert!(cloud.err::<op::GetFindingRecommendation>(get.clone()).await.starts_with("ResourceNotFound"));
    cloud.ok::<op::GenerateFindingRecommendation>(about(id)).await;
    let steps = cloud.ok::<op::GetFindingRecommendation>(get).await.recommended_steps.unwrap();
    let shown: Vec<(String, Option<String>)> = steps
        .into_iter()
        .map(|step| {
            let s::RecommendedStep::UnusedPermissionsRecommendedStep(step) = step else {
                panic!("of permissions")
            };
            (step.recommended_action, step.recommended_policy)
        })
        .collect();
    assert_eq!(shown[0].0, "CREATE_POLICY");
    assert!(shown[0].1.as_ref().unwrap().contains(r#"["sqs:*"]"#), "{shown:?}");
    assert_eq!(shown[1], ("DETACH_POLICY".to_owned(), None));

    // A shorter period, and what is kept for emergencies left out.
    let set = [("break".to_owned(), "glass".to_owned())].into_iter().collect();
    let rule = s::AnalysisRuleCriteria { account_ids: None, resource_tags: Some(vec![set]) };
    let update = s::UpdateAnalyzerRequest {
        analyzer_name: "a".into(),
        configuration: Some(s::AnalyzerConfiguration::UnusedAccess(s::UnusedAccessConfiguration {
            unused_access_age: Some(10),
            analysis_rule: Some(s::AnalysisRule { exclusions: Some(vec![rule]) }),
        })),
    };
    let updated = cloud.ok::<op::UpdateAnalyzer>(update).await;
    let shown = cloud.ok::<op::GetAnalyzer>(s::GetAnalyzerRequest { analyzer_name: "a".into() }).await;
    for given in [updated.configuration, shown.analyzer.configuration] {
        let Some(s::AnalyzerConfiguration::UnusedAccess(given)) = given else { panic!("of unused access") };
        assert_eq!(given.unused_access_age, Some(10));
        assert_eq!(given.analysis_rule.unwrap().exclusions.unwrap().len(), 1);
    }
    assert_eq!(shown.analyzer.r#type, "ACCOUNT_UNUSED_ACCESS");
    cloud.settle().await;
    let now = found(&cloud, &analyzer).await;
    assert!(now.contains(&"busy UnusedIAMRole".to_owned()), "{now:?}");
    assert!(!now.iter().any(|line| line.starts_with("spare") || line.starts_with("new")), "{now:?}");

    // Used again: resolved with the next scan.
    note(&cloud, &busy);
    cloud.platform.env.clock.advance(DAY);
    cloud.settle().await;
    let now = found(&cloud, &analyzer).await;
    assert!(!now.contains(&"busy UnusedIAMRole".to_owned()), "{now:?}");
}

#[tokio::test]
async fn what_is_for_analyzers_of_external_access_only() {
    let cloud = Cloud::new().await;
    let analyzer = cloud.analyzer("ACCOUNT_UNUSED_ACCESS").await;
    let list = s::ListFindingsRequest { analyzer_arn: analyzer.clone(), ..Default::default() };
    let refused = cloud.err::<op::ListFindings>(list).await;
    assert_eq!(refused, "ValidationException: ListFindings is supported for external access analyzers only.");
    let list = s::ListAnalyzedResourcesRequest { analyzer_arn: analyzer, ..Default::default() };
    assert!(cloud.err::<op::ListAnalyzedResources>(list).await.contains("external access analyzers only"));
    let create = |age, name: &str, kind: &str| s::CreateAnalyzerRequest {
        analyzer_name: name.into(),
        r#type: kind.into(),
        configuration: Some(s::AnalyzerConfiguration::UnusedAccess(s::UnusedAccessConfiguration {
            unused_access_age: Some(age),
            analysis_rule: None,
        })),
        ..Default::default()
    };
    for refused in [
        create(0, "b", "ACCOUNT_UNUSED_ACCESS"),
        create(366, "b", "ACCOUNT_UNUSED_ACCESS"),
        create(9, "b", "ACCOUNT"),
    ] {
        assert!(cloud.err::<op::CreateAnalyzer>(refused).await.starts_with("ValidationException: "));
    }
    let create = s::CreateAnalyzerRequest {
        analyzer_name: "c".into(),
        r#type: "ACCOUNT".into(),
        ..Default::default()
    };
    cloud.ok::<op::CreateAnalyzer>(create).await;
    let update = s::UpdateAnalyzerRequest { analyzer_name: "c".into(), configuration: None };
    assert!(cloud.err::<op::UpdateAnalyzer>(update).await.contains("have no configuration"));
}
