use std::time::Duration;

use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_organizations_wire::operations as org;
use haneul_organizations_wire::shapes as o;
use haneul_s3_wire::operations as s3;
use haneul_s3_wire::shapes as b;
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes as q;

use super::cloud::{Cloud, root};

fn allow(principal: &str, action: &str, resource: &str, more: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"{action}","Resource":"{resource}"{more}}}]}}"#
    )
}

async fn queue(cloud: &Cloud, name: &str, policy: &str) -> String {
    let attributes = [("Policy".to_owned(), policy.to_owned())].into_iter().collect();
    let create = q::CreateQueueRequest { queue_name: name.into(), attributes: Some(attributes), tags: None };
    cloud.ok::<sqs::CreateQueue>(create).await.queue_url.unwrap()
}

async fn role(cloud: &Cloud, name: &str, principal: &str) {
    let create = i::CreateRoleRequest {
        role_name: name.into(),
        assume_role_policy_document: format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}]}}"#
        ),
        ..Default::default()
    };
    cloud.ok::<iam::CreateRole>(create).await;
}

#[tokio::test]
async fn who_is_let_in_from_outside_is_found() {
    let cloud = Cloud::new().await;
    queue(&cloud, "open", &allow(r#""*""#, "sqs:SendMessage", "*", "")).await;
    queue(&cloud, "shared", &allow(r#"{"AWS":"222222222222"}"#, "sqs:SendMessage", "*", "")).await;
    queue(&cloud, "own", &allow(r#"{"AWS":"111111111111"}"#, "sqs:SendMessage", "*", "")).await;
    let fenced = r#","Condition":{"StringEquals":{"aws:PrincipalAccount":"111111111111"}}"#;
    queue(&cloud, "fenced", &allow(r#""*""#, "sqs:SendMessage", "*", fenced)).await;
    role(&cloud, "service", r#"{"Service":"lambda.amazonaws.com"}"#).await;
    role(&cloud, "partner", r#"{"AWS":"arn:aws:iam::333333333333:root"}"#).await;
    let create = b::CreateBucketRequest { bucket: "some-bucket".into(), ..Default::default() };
    cloud.ok::<s3::CreateBucket>(create).await;
    cloud
        .ok::<s3::DeletePublicAccessBlock>(b::DeletePublicAccessBlockRequest {
            bucket: "some-bucket".into(),
            ..Default::default()
        })
        .await;
    let put = b::PutBucketPolicyRequest {
        bucket: "some-bucket".into(),
        policy: allow(r#""*""#, "s3:GetObject", "arn:aws:s3:::some-bucket/*", ""),
        ..Default::default()
    };
    cloud.ok::<s3::PutBucketPolicy>(put).await;

    let arn = cloud.analyzer("ACCOUNT").await;
    assert_eq!(arn, "arn:aws:access-analyzer:us-east-1:111111111111:analyzer/a");
    let mut found: Vec<(String, String, bool)> = cloud
        .findings(&arn)
        .await
        .into_iter()
        .map(|finding| {
            let principal = finding.principal.unwrap();
            let principal = principal.iter().next().map(|(_, value)| value.clone()).unwrap();
            (finding.resource.unwrap(), principal, finding.is_public.unwrap())
        })
        .collect();
    found.sort();
    let expect =
        |resource: &str, principal: &str, public| (resource.to_owned(), principal.to_owned(), public);
    assert_eq!(
        found,
        [
            expect("arn:aws:iam::111111111111:role/partner", "333333333333", false),
            expect("arn:aws:s3:::some-bucket", "*", true),
            expect("arn:aws:sqs:us-east-1:111111111111:open", "*", true),
            expect("arn:aws:sqs:us-east-1:111111111111:shared", "222222222222", false),
        ]
    );
    let list = s::ListAnalyzedResourcesRequest { analyzer_arn: arn.clone(), ..Default::default() };
    let resources = cloud.ok::<op::ListAnalyzedResources>(list).await.analyzed_resources;
    assert_eq!(resources.iter().filter(|resource| resource.resource_type == "AWS::SQS::Queue").count(), 4);
    let get = s::GetFindingsStatisticsRequest { analyzer_arn: arn };
    let statistics = cloud.ok::<op::GetFindingsStatistics>(get).await.findings_statistics.unwrap().remove(0);
    let s::FindingsStatistics::ExternalAccessFindingsStatistics(statistics) = statistics else {
        panic!("external")
    };
    assert_eq!(statistics.total_active_findings, Some(4));
}

#[tokio::test]
async fn a_finding_is_resolved_when_the_access_is_gone() {
    let cloud = Cloud::new().await;
    let url = queue(&cloud, "open", &allow(r#""*""#, "sqs:SendMessage", "*", "")).await;
    let arn = cloud.analyzer("ACCOUNT").await;
    let finding = cloud.findings(&arn).await.remove(0);
    assert_eq!(finding.status, "ACTIVE");
    assert_eq!(finding.action.unwrap(), ["sqs:SendMessage"]);
    let attributes = [("Policy".to_owned(), String::new())].into_iter().collect();
    cloud.ok::<sqs::SetQueueAttributes>(q::SetQueueAttributesRequest { queue_url: url, attributes }).await;
    let scan = s::StartResourceScanRequest {
        analyzer_arn: arn.clone(),
        resource_arn: "arn:aws:sqs:us-east-1:111111111111:open".into(),
        resource_owner_account: None,
    };
    cloud.ok::<op::StartResourceScan>(scan).await;
    let get =
        s::GetFindingV2Request { analyzer_arn: arn.clone(), id: finding.id.clone(), ..Default::default() };
    assert_eq!(cloud.ok::<op::GetFindingV2>(get).await.status, "RESOLVED");
    // The clock brings the next look at everything.
    queue(&cloud, "other", &allow(r#""*""#, "sqs:SendMessage", "*", "")).await;
    cloud.settle().await;
    assert_eq!(cloud.findings(&arn).await.len(), 1);
    cloud.platform.env.clock.advance(Duration::from_secs(301));
    cloud.settle().await;
    assert_eq!(cloud.findings(&arn).await.len(), 2);
}

#[tokio::test]
async fn archive_rules_archive_what_meets_them() {
    let cloud = Cloud::new().await;
    queue(&cloud, "open", &allow(r#""*""#, "sqs:SendMessage", "*", "")).await;
    let arn = cloud.analyzer("ACCOUNT").await;
    let filter = |key: &str, value: &str| {
        let criterion = s::Criterion { eq: Some(vec![value.into()]), ..Default::default() };
        [(key.to_owned(), criterion)].into_iter().collect()
    };
    let create = |key: &str, value: &str| s::CreateArchiveRuleRequest {
        analyzer_name: "a".into(),
        rule_name: "queues".into(),
        filter: filter(key, value),
        client_token: None,
    };
    let bad = cloud.err::<op::CreateArchiveRule>(create("colour", "blue")).await;
    assert!(bad.starts_with("ValidationException"), "{bad}");
    cloud.ok::<op::CreateArchiveRule>(create("resourceType", "AWS::SQS::Queue")).await;
    let twice = cloud.err::<op::CreateArchiveRule>(create("resourceType", "AWS::SQS::Queue")).await;
    assert!(twice.starts_with("ConflictException"), "{twice}");
    let second = s::CreateAnalyzerRequest {
        analyzer_name: "b".into(),
        r#type: "ACCOUNT".into(),
        ..Default::default()
    };
    let full = cloud.err::<op::CreateAnalyzer>(second).await;
    assert!(full.starts_with("ServiceQuotaExceededException"), "{full}");
    assert_eq!(cloud.findings(&arn).await[0].status, "ACTIVE", "only what is new");
    let apply = s::ApplyArchiveRuleRequest {
        analyzer_arn: arn.clone(),
        rule_name: "queues".into(),
        client_token: None,
    };
    cloud.ok::<op::ApplyArchiveRule>(apply).await;
    assert_eq!(cloud.findings(&arn).await[0].status, "ARCHIVED");
    queue(&cloud, "other", &allow(r#"{"AWS":"222222222222"}"#, "sqs:*", "*", "")).await;
    cloud.platform.env.clock.advance(Duration::from_secs(301));
    cloud.settle().await;
    assert!(cloud.findings(&arn).await.iter().all(|finding| finding.status == "ARCHIVED"));
    let update = s::UpdateFindingsRequest {
        analyzer_arn: arn.clone(),
        status: "ACTIVE".into(),
        resource_arn: Some("arn:aws:sqs:us-east-1:111111111111:other".into()),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFindings>(update).await;
    let list = s::ListFindingsV2Request {
        analyzer_arn: arn,
        filter: Some(filter("status", "ACTIVE")),
        ..Default::default()
    };
    let active = cloud.ok::<op::ListFindingsV2>(list).await.findings;
    assert_eq!(active.len(), 1);
    let list = s::ListArchiveRulesRequest { analyzer_name: "a".into(), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListArchiveRules>(list).await.archive_rules[0].rule_name, "queues");
}

#[tokio::test]
async fn an_organization_is_one_zone() {
    let cloud = Cloud::new().await;
    let create = || s::CreateAnalyzerRequest {
        analyzer_name: "a".into(),
        r#type: "ORGANIZATION".into(),
        ..Default::default()
    };
    let alone = cloud.err::<op::CreateAnalyzer>(create()).await;
    assert!(alone.starts_with("ValidationException"), "{alone}");
    cloud.ok::<org::CreateOrganization>(Default::default()).await;
    let trust =
        o::EnableAWSServiceAccessRequest { service_principal: "access-analyzer.amazonaws.com".into() };
    cloud.ok::<org::EnableAWSServiceAccess>(trust).await;
    let account = o::CreateAccountRequest {
        email: "one@example.org".into(),
        account_name: "one".into(),
        ..Default::default()
    };
    cloud.ok::<org::CreateAccount>(account).await;
    cloud.settle().await;
    let members = cloud.ok::<org::ListAccounts>(Default::default()).await.accounts.unwrap();
    let member =
        members.iter().filter_map(|member| member.id.clone()).find(|id| id != "111111111111").unwrap();
    let inside = format!(r#"{{"AWS":"{member}"}}"#);
    queue(&cloud, "inside", &allow(&inside, "sqs:SendMessage", "*", "")).await;
    queue(&cloud, "outside", &allow(r#"{"AWS":"222222222222"}"#, "sqs:SendMessage", "*", "")).await;
    let arn = cloud.analyzer("ORGANIZATION").await;
    let found: Vec<String> =
        cloud.findings(&arn).await.into_iter().filter_map(|finding| finding.resource).collect();
    // The member's own door is open to the management account, which is inside.
    assert_eq!(found, ["arn:aws:sqs:us-east-1:111111111111:outside"]);
}

#[tokio::test]
async fn a_preview_tells_what_would_be_found() {
    let cloud = Cloud::new().await;
    queue(&cloud, "q", &allow(r#"{"AWS":"222222222222"}"#, "sqs:SendMessage", "*", "")).await;
    let arn = cloud.analyzer("ACCOUNT").await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sqs:SendMessage","Resource":"*"},{"Effect":"Allow","Principal":"*","Action":"sqs:ReceiveMessage","Resource":"*"}]}"#;
    let configuration = s::SqsQueueConfiguration { queue_policy: Some(policy.into()) };
    let create = s::CreateAccessPreviewRequest {
        analyzer_arn: arn.clone(),
        configurations: [(
            "arn:aws:sqs:us-east-1:111111111111:q".to_owned(),
            s::Configuration::SqsQueue(configuration),
        )]
        .into_iter()
        .collect(),
        client_token: None,
    };
    let id = cloud.ok::<op::CreateAccessPreview>(create).await.id;
    let get = s::GetAccessPreviewRequest { access_preview_id: id.clone(), analyzer_arn: arn.clone() };
    assert_eq!(cloud.ok::<op::GetAccessPreview>(get).await.access_preview.status, "COMPLETED");
    let list = s::ListAccessPreviewFindingsRequest {
        access_preview_id: id,
        analyzer_arn: arn,
        ..Default::default()
    };
    let found = cloud.ok::<op::ListAccessPreviewFindings>(list).await.findings;
    let mut changes: Vec<(&str, bool)> =
        found.iter().map(|finding| (finding.change_type.as_str(), finding.is_public.unwrap())).collect();
    changes.sort_unstable();
    assert_eq!(changes, [("NEW", true), ("UNCHANGED", false)]);
}

#[tokio::test]
async fn analyzers_are_kept_by_account_and_region() {
    let cloud = Cloud::new().await;
    cloud.analyzer("ACCOUNT").await;
    let create = s::CreateAnalyzerRequest {
        analyzer_name: "a".into(),
        r#type: "ACCOUNT".into(),
        ..Default::default()
    };
    let twice = cloud.err::<op::CreateAnalyzer>(create).await;
    assert!(twice.starts_with("ConflictException"), "{twice}");
    for kind in ["ACCOUNT_INTERNAL_ACCESS", "ORGANIZATION_UNUSED_ACCESS"] {
        let create =
            s::CreateAnalyzerRequest { analyzer_name: "b".into(), r#type: kind.into(), ..Default::default() };
        let refused = cloud.err::<op::CreateAnalyzer>(create).await;
        assert!(refused.starts_with("ValidationException"), "{refused}");
    }
    let other = haneul_kit::Caller::root(haneul_kit::AccountId::new(5).unwrap());
    let get = s::GetAnalyzerRequest { analyzer_name: "a".into() };
    let lost = cloud.call::<op::GetAnalyzer>(&other, get.clone()).await.err().unwrap();
    assert_eq!(lost.code(), "ResourceNotFoundException");
    assert_eq!(cloud.call::<op::GetAnalyzer>(&root(), get.clone()).await.unwrap().analyzer.status, "ACTIVE");
    cloud
        .ok::<op::DeleteAnalyzer>(s::DeleteAnalyzerRequest { analyzer_name: "a".into(), client_token: None })
        .await;
    cloud.err::<op::GetAnalyzer>(get).await;
}

#[tokio::test]
async fn checks_answer_in_aws_words() {
    let cloud = Cloud::new().await;
    let policy = |action: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"s","Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
        )
    };
    let check = s::CheckNoNewAccessRequest {
        new_policy_document: policy("s3:*"),
        existing_policy_document: policy("s3:Get*"),
        policy_type: "IDENTITY_POLICY".into(),
    };
    let answer = cloud.ok::<op::CheckNoNewAccess>(check).await;
    assert_eq!(answer.result.as_deref(), Some("FAIL"));
    let reason = &answer.reasons.unwrap()[0];
    assert_eq!(reason.description.as_deref(), Some("New access in the statement with sid: s."));
    let check = s::CheckAccessNotGrantedRequest {
        policy_document: policy("s3:Get*"),
        access: vec![s::Access { actions: Some(vec!["s3:PutObject".into()]), resources: None }],
        policy_type: "IDENTITY_POLICY".into(),
    };
    assert_eq!(cloud.ok::<op::CheckAccessNotGranted>(check).await.result.as_deref(), Some("PASS"));
    let check = s::CheckNoPublicAccessRequest {
        policy_document: allow(r#""*""#, "s3:GetObject", "arn:aws:s3:::b/*", ""),
        resource_type: "AWS::S3::Bucket".into(),
    };
    assert_eq!(cloud.ok::<op::CheckNoPublicAccess>(check).await.result.as_deref(), Some("FAIL"));
    let check = s::CheckNoPublicAccessRequest {
        policy_document: "{".into(),
        resource_type: "AWS::S3::Bucket".into(),
    };
    let refused = cloud.err::<op::CheckNoPublicAccess>(check).await;
    assert!(refused.starts_with("InvalidParameterException"), "{refused}");
}
