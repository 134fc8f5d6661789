use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;

use super::cloud::{ALLOW_ALL, Cloud};

const TAGGED: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::${aws:username}/*","Condition":{"Bool":{"aws:SecureTransport":"true"}}},
    {"Effect":"Deny","Action":"s3:GetObjectAcl","Resource":"*"}]}"#;

fn decisions(output: s::SimulatePolicyResponse) -> Vec<(String, String)> {
    let results = output.evaluation_results.unwrap().into_iter();
    results.map(|result| (result.eval_action_name, result.eval_decision)).collect()
}

fn entry(name: &str, value: &str) -> s::ContextEntry {
    s::ContextEntry {
        context_key_name: Some(name.into()),
        context_key_values: Some(vec![value.into()]),
        context_key_type: None,
    }
}

#[tokio::test]
async fn policies_are_tried_as_they_would_decide() {
    let cloud = Cloud::new().await;
    let input = s::SimulateCustomPolicyRequest {
        policy_input_list: vec![TAGGED.into()],
        action_names: vec!["s3:GetObject".into(), "s3:GetObjectAcl".into(), "s3:PutObject".into()],
        resource_arns: Some(vec!["arn:aws:s3:::ann/k".into()]),
        caller_arn: Some("arn:aws:iam::123456789012:user/ann".into()),
        context_entries: Some(vec![entry("aws:SecureTransport", "true")]),
        ..Default::default()
    };
    let without = s::SimulateCustomPolicyRequest { context_entries: None, ..input.clone() };
    assert_eq!(
        decisions(cloud.ok::<op::SimulateCustomPolicy>(input).await)
            .iter()
            .map(|(_, d)| d.as_str())
            .collect::<Vec<_>>(),
        ["allowed", "explicitDeny", "implicitDeny"]
    );
    let results = cloud.ok::<op::SimulateCustomPolicy>(without).await.evaluation_results.unwrap();
    assert_eq!(results[0].eval_decision, "implicitDeny");
    assert_eq!(results[0].missing_context_values.as_deref(), Some(&["aws:SecureTransport".to_owned()][..]));

    let keys = s::GetContextKeysForCustomPolicyRequest { policy_input_list: vec![TAGGED.into()] };
    let keys = cloud.ok::<op::GetContextKeysForCustomPolicy>(keys).await.context_key_names.unwrap();
    assert_eq!(keys, ["aws:username", "aws:SecureTransport"], "as written, in the order of the text");
    // Who has no caller has no user name either, until the request says one.
    let nobody = s::SimulateCustomPolicyRequest {
        policy_input_list: vec![TAGGED.into()],
        action_names: vec!["s3:GetObject".into()],
        resource_arns: Some(vec!["arn:aws:s3:::simulated/k".into()]),
        context_entries: Some(vec![entry("aws:SecureTransport", "true")]),
        ..Default::default()
    };
    let mut told = nobody.clone();
    told.context_entries.as_mut().unwrap().push(entry("aws:username", "simulated"));
    let results = cloud.ok::<op::SimulateCustomPolicy>(nobody).await.evaluation_results.unwrap();
    assert_eq!(results[0].eval_decision, "implicitDeny");
    assert_eq!(results[0].missing_context_values.as_deref(), Some(&["aws:username".to_owned()][..]));
    let told = decisions(cloud.ok::<op::SimulateCustomPolicy>(told).await);
    assert_eq!(told, [("s3:GetObject".to_owned(), "allowed".to_owned())]);
    let bad = s::SimulateCustomPolicyRequest { policy_input_list: vec!["{".into()], ..Default::default() };
    assert_eq!(
        cloud.call::<op::SimulateCustomPolicy>(bad).await.err().unwrap().code(),
        "InvalidInputException"
    );
}

#[tokio::test]
async fn a_user_is_tried_with_groups_and_boundary() {
    let cloud = Cloud::new().await;
    cloud.ok::<op::CreateUser>(s::CreateUserRequest { user_name: "ann".into(), ..Default::default() }).await;
    cloud.ok::<op::CreateGroup>(s::CreateGroupRequest { group_name: "ops".into(), path: None }).await;
    let inline = s::PutGroupPolicyRequest {
        group_name: "ops".into(),
        policy_name: "all".into(),
        policy_document: ALLOW_ALL.into(),
    };
    cloud.ok::<op::PutGroupPolicy>(inline).await;
    let join = s::AddUserToGroupRequest { group_name: "ops".into(), user_name: "ann".into() };
    cloud.ok::<op::AddUserToGroup>(join).await;
    let boundary = s::PutUserPermissionsBoundaryRequest {
        user_name: "ann".into(),
        permissions_boundary: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess".into(),
    };
    cloud.ok::<op::PutUserPermissionsBoundary>(boundary).await;
    let input = |arn: &str| s::SimulatePrincipalPolicyRequest {
        policy_source_arn: arn.into(),
        action_names: vec!["s3:GetObject".into(), "s3:PutObject".into()],
        ..Default::default()
    };
    let user = cloud.ok::<op::SimulatePrincipalPolicy>(input("arn:aws:iam::123456789012:user/ann")).await;
    let user = user.evaluation_results.unwrap();
    assert_eq!((user[0].eval_decision.as_str(), user[1].eval_decision.as_str()), ("allowed", "implicitDeny"));
    let sources: Vec<&str> =
        user[0].matched_statements.iter().flatten().filter_map(|of| of.source_policy_id.as_deref()).collect();
    assert!(sources.contains(&"group_ops_all"), "{sources:?}");
    let detail = user[1].permissions_boundary_decision_detail.as_ref().unwrap();
    assert_eq!(detail.allowed_by_permissions_boundary, Some(false));
    let group = cloud.ok::<op::SimulatePrincipalPolicy>(input("arn:aws:iam::123456789012:group/ops")).await;
    assert!(decisions(group).iter().all(|(_, decision)| decision == "allowed"));
    let path = cloud.call::<op::SimulatePrincipalPolicy>(input("arn:aws:iam::123456789012:user/x/ann")).await;
    assert_eq!(path.err().unwrap().code(), "NoSuchEntityException");
    let source = cloud.call::<op::SimulatePrincipalPolicy>(input("arn:aws:s3:::bucket-of-somebody")).await;
    assert_eq!(source.err().unwrap().code(), "InvalidInputException");
    let session = "arn:aws:sts::123456789012:assumed-role/app/s";
    let source = cloud.access::<op::SimulatePrincipalPolicy>(&input(session)).await.err().unwrap();
    assert_eq!(source.message(), format!("Invalid ARN provided in the request: {session}"));
}

#[tokio::test]
async fn statements_are_told_with_their_places() {
    let cloud = Cloud::new().await;
    let input = s::SimulateCustomPolicyRequest {
        policy_input_list: vec![TAGGED.into()],
        action_names: vec!["s3:GetObjectAcl".into()],
        resource_arns: Some(vec!["arn:aws:s3:::bea/k".into()]),
        caller_arn: Some("arn:aws:iam::123456789012:user/ann".into()),
        ..Default::default()
    };
    let results = cloud.ok::<op::SimulateCustomPolicy>(input).await.evaluation_results.unwrap();
    let matched = &results[0].matched_statements.as_ref().unwrap()[0];
    let of =
        |position: &Option<s::Position>| position.as_ref().map(|at| (at.line.unwrap(), at.column.unwrap()));
    assert_eq!(matched.source_policy_id.as_deref(), Some("PolicyInputList.1"));
    assert_eq!(of(&matched.start_position), Some((2, 139)));
    assert_eq!(of(&matched.end_position), Some((3, 64)));
    assert_eq!(results[0].eval_resource_name.as_deref(), Some("arn:aws:s3:::bea/k"));
    assert!(results[0].resource_specific_results.is_none());
}
