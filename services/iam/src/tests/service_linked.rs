use std::time::Duration;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::Reconciler;

use super::cloud::{Cloud, trust};

#[tokio::test]
async fn a_service_linked_role_is_its_services() {
    let cloud = Cloud::new().await;
    let create = |service: &str, suffix: Option<&str>| s::CreateServiceLinkedRoleRequest {
        aws_service_name: service.into(),
        custom_suffix: suffix.map(str::to_owned),
        description: Some("of a test".into()),
    };
    let made = cloud.ok::<op::CreateServiceLinkedRole>(create("autoscaling.amazonaws.com", None)).await;
    let made = made.role.unwrap();
    let arn = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    assert_eq!(made.arn, arn);
    let name = made.role_name;
    let attached = s::ListAttachedRolePoliciesRequest { role_name: name.clone(), ..Default::default() };
    let attached = cloud.ok::<op::ListAttachedRolePolicies>(attached).await.attached_policies.unwrap();
    assert_eq!(attached[0].policy_name.as_deref(), Some("AutoScalingServiceRolePolicy"));

    for (input, said) in [
        (create("autoscaling.amazonaws.com", None), "has been taken in this account"),
        (create("rds.amazonaws.com", Some("x")), "Custom suffix is not allowed for rds.amazonaws.com"),
        (create("nothing.amazonaws.com", None), "Invalid AWS service name"),
    ] {
        let refused = cloud.call::<op::CreateServiceLinkedRole>(input).await.err().unwrap();
        assert!(refused.code() == "InvalidInputException" && refused.to_string().contains(said), "{refused}");
    }
    cloud.ok::<op::CreateServiceLinkedRole>(create("autoscaling.amazonaws.com", Some("two"))).await;

    let refused = [
        cloud.call::<op::DeleteRole>(s::DeleteRoleRequest { role_name: name.clone() }).await.err(),
        cloud
            .call::<op::UpdateAssumeRolePolicy>(s::UpdateAssumeRolePolicyRequest {
                role_name: name.clone(),
                policy_document: trust("*"),
            })
            .await
            .err(),
        cloud
            .call::<op::AttachRolePolicy>(s::AttachRolePolicyRequest {
                role_name: name.clone(),
                policy_arn: "arn:aws:iam::aws:policy/ReadOnlyAccess".into(),
            })
            .await
            .err(),
        cloud
            .call::<op::DetachRolePolicy>(s::DetachRolePolicyRequest {
                role_name: name.clone(),
                policy_arn: attached[0].policy_arn.clone().unwrap(),
            })
            .await
            .err(),
        cloud
            .call::<op::PutRolePolicy>(s::PutRolePolicyRequest {
                role_name: name.clone(),
                policy_name: "p".into(),
                policy_document: super::cloud::ALLOW_ALL.into(),
            })
            .await
            .err(),
        cloud
            .call::<op::UpdateRole>(s::UpdateRoleRequest {
                role_name: name.clone(),
                max_session_duration: Some(7200),
                ..Default::default()
            })
            .await
            .err(),
    ];
    for refused in refused {
        let refused = refused.expect("a service-linked role is protected");
        assert_eq!(refused.code(), "UnmodifiableEntityException");
    }
    let described = s::UpdateRoleRequest {
        role_name: name.clone(),
        description: Some("mine".into()),
        ..Default::default()
    };
    cloud.ok::<op::UpdateRole>(described).await;

    let delete = s::DeleteServiceLinkedRoleRequest { role_name: name.clone() };
    let id = cloud.ok::<op::DeleteServiceLinkedRole>(delete.clone()).await.deletion_task_id;
    assert_eq!(cloud.ok::<op::DeleteServiceLinkedRole>(delete).await.deletion_task_id, id, "while it runs");
    let status = async || {
        let input = s::GetServiceLinkedRoleDeletionStatusRequest { deletion_task_id: id.clone() };
        cloud.ok::<op::GetServiceLinkedRoleDeletionStatus>(input).await.status
    };
    cloud.iam.deletions.reconcile().await.unwrap();
    assert_eq!(status().await, "IN_PROGRESS");
    cloud.platform.env.clock.advance(Duration::from_secs(2));
    cloud.iam.deletions.reconcile().await.unwrap();
    assert_eq!(status().await, "SUCCEEDED");
    let gone = cloud.call::<op::GetRole>(s::GetRoleRequest { role_name: name }).await.err().unwrap();
    assert_eq!(gone.code(), "NoSuchEntityException");
    let roles = cloud.ok::<op::GetAccountSummary>(Default::default()).await.summary_map.unwrap();
    assert_eq!(roles.iter().find(|(key, _)| *key == "Roles").unwrap().1, &1);
    cloud.platform.env.clock.advance(Duration::from_secs(8 * 24 * 3600));
    cloud.iam.deletions.reconcile().await.unwrap();
    let input = s::GetServiceLinkedRoleDeletionStatusRequest { deletion_task_id: id.clone() };
    assert!(cloud.call::<op::GetServiceLinkedRoleDeletionStatus>(input).await.is_err(), "forgotten");
}

#[tokio::test]
async fn root_access_wants_an_organization() {
    let cloud = Cloud::new().await;
    let refused = cloud.call::<op::EnableOrganizationsRootSessions>(Default::default()).await.err().unwrap();
    assert_eq!(refused.code(), "OrganizationNotFoundException");
}

#[tokio::test]
async fn outbound_federation_goes_on_and_off() {
    let cloud = Cloud::new().await;
    let account = cloud.caller.account;
    assert_eq!(cloud.directory().outbound_issuer(account).await.unwrap(), None);
    let off = cloud.call::<op::DisableOutboundWebIdentityFederation>(Default::default()).await.err().unwrap();
    assert_eq!(off.code(), "FeatureDisabledException");
    let issuer =
        cloud.ok::<op::EnableOutboundWebIdentityFederation>(Default::default()).await.issuer_identifier;
    assert_eq!(cloud.directory().outbound_issuer(account).await.unwrap(), issuer);
    let on = cloud.call::<op::EnableOutboundWebIdentityFederation>(Default::default()).await.err().unwrap();
    assert_eq!(on.code(), "FeatureEnabledException");
    cloud.ok::<op::DisableOutboundWebIdentityFederation>(Default::default()).await;
    assert_eq!(cloud.directory().outbound_issuer(account).await.unwrap(), None);
    let again =
        cloud.ok::<op::EnableOutboundWebIdentityFederation>(Default::default()).await.issuer_identifier;
    assert_eq!(again, issuer, "who trusts it need not learn another");
}
