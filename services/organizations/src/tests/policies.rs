use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;

use super::cloud::{Cloud, NOT_IN_THE_WEST, master};

const SCP: &str = "SERVICE_CONTROL_POLICY";
const RCP: &str = "RESOURCE_CONTROL_POLICY";

fn create(kind: &str, name: &str, content: &str) -> s::CreatePolicyRequest {
    s::CreatePolicyRequest {
        content: content.into(),
        description: "d".into(),
        name: name.into(),
        r#type: kind.into(),
        tags: None,
    }
}

#[tokio::test]
async fn documents_are_checked_by_type() {
    let cloud = Cloud::organized().await;
    let good = [
        (SCP, NOT_IN_THE_WEST),
        (
            RCP,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#,
        ),
        (
            "TAG_POLICY",
            r#"{"tags":{"CostCenter":{"tag_key":{"@@assign":"CostCenter"},"tag_value":{"@@append":["100","200"]},"enforced_for":{"@@assign":["secretsmanager:*"]}}}}"#,
        ),
        ("AISERVICES_OPT_OUT_POLICY", r#"{"services":{"default":{"opt_out_policy":{"@@assign":"optOut"}}}}"#),
        (
            "BACKUP_POLICY",
            r#"{"plans":{"p":{"regions":{"@@assign":["us-east-1"]},"rules":{"daily":{"schedule_expression":{"@@assign":"cron(0 5 ? * * *)"},"target_backup_vault_name":{"@@assign":"v"},"lifecycle":{"delete_after_days":{"@@assign":"30"}}}},"selections":{"tags":{"t":{"iam_role_arn":{"@@assign":"arn:aws:iam::$account:role/r"},"tag_key":{"@@assign":"k"},"tag_value":{"@@assign":["v"]}}}}}}}"#,
        ),
        (
            "DECLARATIVE_POLICY_EC2",
            r#"{"ec2_attributes":{"serial_console_access":{"status":{"@@assign":"disabled"}}}}"#,
        ),
        ("CHATBOT_POLICY", r#"{"chatbot":{"platforms":{"slack":{"client":{"@@assign":"enabled"}}}}}"#),
        (
            "SECURITYHUB_POLICY",
            r#"{"securityhub":{"enable_in_regions":{"@@assign":["us-east-1"]},"disable_in_regions":{"@@append":["eu-west-1"]}}}"#,
        ),
    ];
    for (kind, content) in good {
        let made =
            cloud.ok::<op::CreatePolicy>(&master(), create(kind, "good", content)).await.policy.unwrap();
        let summary = made.policy_summary.unwrap();
        let arn = summary.arn.unwrap();
        assert!(arn.contains(&format!("/{}/p-", kind.to_lowercase())), "{arn}");
        assert_eq!(made.content.as_deref(), Some(content));
    }
    let bad = [
        (SCP, "{}"),
        (
            SCP,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#,
        ),
        (
            RCP,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}"#,
        ),
        (
            RCP,
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"s3:*","Resource":"*"}]}"#,
        ),
        ("TAG_POLICY", r#"{"tags":{"c":{"tag_key":"CostCenter"}}}"#),
        ("TAG_POLICY", r#"{"tags":{"c":{"tag_key":{"@@append":"CostCenter"}}}}"#),
        ("TAG_POLICY", r#"{"tags":{"c":{"unknown":{"@@assign":"x"}}}}"#),
        ("TAG_POLICY", r#"{"tags":{"c":{"tag_value":{"@@assign":["a"],"more":{}}}}}"#),
        ("TAG_POLICY", r#"{"tags":{"c":{"tag_value":{"@@set":["a"]}}}}"#),
        ("TAG_POLICY", r#"{"tags":{"@@operators_allowed_for_child_policies":["@@none","@@all"]}}"#),
        ("TAG_POLICY", r#"{"plans":{}}"#),
        ("AISERVICES_OPT_OUT_POLICY", r#"{"services":{"default":{"opt_out_policy":{"@@assign":"maybe"}}}}"#),
        ("BACKUP_POLICY", "[]"),
        ("BACKUP_POLICY", "not json"),
    ];
    for (kind, content) in bad {
        let refused = cloud.err::<op::CreatePolicy>(&master(), create(kind, "bad", content)).await;
        assert_eq!(
            refused,
            "MalformedPolicyDocumentException: The provided policy document does not meet the requirements of the specified policy type.",
            "{kind} {content}"
        );
    }
    let long = format!("{NOT_IN_THE_WEST}{}", " ".repeat(6000));
    let refused = cloud.err::<op::CreatePolicy>(&master(), create(SCP, "long", &long)).await;
    assert_eq!(refused, "ConstraintViolationException POLICY_CONTENT_LIMIT_EXCEEDED");
    let deep = format!("{}{}", r#"{"chatbot":{"platforms":{"slack":"#, r#"{"a":"#.repeat(100));
    let refused = cloud.err::<op::CreatePolicy>(&master(), create("CHATBOT_POLICY", "deep", &deep)).await;
    assert!(refused.starts_with("MalformedPolicyDocumentException"), "{refused}");
}

#[tokio::test]
async fn names_are_unique_and_attached_policies_stay() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let policy = cloud.policy(SCP, "west", NOT_IN_THE_WEST).await;
    let same = cloud.err::<op::CreatePolicy>(&master(), create(SCP, "west", NOT_IN_THE_WEST)).await;
    assert!(same.starts_with("DuplicatePolicyException"), "{same}");
    cloud.attach(&policy, &root).await;
    let attach = s::AttachPolicyRequest { policy_id: policy.clone(), target_id: root.clone() };
    let twice = cloud.err::<op::AttachPolicy>(&master(), attach).await;
    assert!(twice.starts_with("DuplicatePolicyAttachmentException"), "{twice}");
    let used =
        cloud.err::<op::DeletePolicy>(&master(), s::DeletePolicyRequest { policy_id: policy.clone() }).await;
    assert!(used.starts_with("PolicyInUseException"), "{used}");
    let targets = s::ListTargetsForPolicyRequest { policy_id: policy.clone(), ..Default::default() };
    let targets = cloud.ok::<op::ListTargetsForPolicy>(&master(), targets).await.targets.unwrap();
    assert_eq!(targets[0].name.as_deref(), Some("Root"));
    cloud.detach(&policy, &root).await;
    let detach = s::DetachPolicyRequest { policy_id: policy.clone(), target_id: root };
    let off = cloud.err::<op::DetachPolicy>(&master(), detach).await;
    assert!(off.starts_with("PolicyNotAttachedException"), "{off}");
    cloud.ok::<op::DeletePolicy>(&master(), s::DeletePolicyRequest { policy_id: policy.clone() }).await;
    let gone =
        cloud.err::<op::DescribePolicy>(&master(), s::DescribePolicyRequest { policy_id: policy }).await;
    assert!(gone.starts_with("PolicyNotFoundException"), "{gone}");
}

#[tokio::test]
async fn aws_own_policies_stay_as_they_are() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    cloud.enable(RCP).await;
    for (kind, id) in [(SCP, "p-FullAWSAccess"), (RCP, "p-RCPFullAWSAccess")] {
        let list = s::ListPoliciesForTargetRequest {
            target_id: root.clone(),
            filter: kind.into(),
            ..Default::default()
        };
        let list = cloud.ok::<op::ListPoliciesForTarget>(&master(), list).await.policies.unwrap();
        assert_eq!(list[0].id.as_deref(), Some(id));
        assert_eq!(list[0].aws_managed, Some(true));
        assert_eq!(
            list[0].arn.as_deref().unwrap(),
            format!("arn:aws:organizations::aws:policy/{}/{id}", kind.to_lowercase())
        );
        let update = s::UpdatePolicyRequest { policy_id: id.into(), ..Default::default() };
        let refused = cloud.err::<op::UpdatePolicy>(&master(), update).await;
        assert_eq!(refused, "InvalidInputException IMMUTABLE_POLICY");
    }
    let detach = |id: &str| s::DetachPolicyRequest { policy_id: id.into(), target_id: root.clone() };
    let last = cloud.err::<op::DetachPolicy>(&master(), detach("p-FullAWSAccess")).await;
    assert_eq!(last, "ConstraintViolationException MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");
    let never = cloud.err::<op::DetachPolicy>(&master(), detach("p-RCPFullAWSAccess")).await;
    assert_eq!(never, "InvalidInputException NON_DETACHABLE_POLICY");
}

#[tokio::test]
async fn types_are_enabled_and_disabled_with_what_is_attached() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let tag = cloud.policy("TAG_POLICY", "t", r#"{"tags":{"c":{"tag_key":{"@@assign":"C"}}}}"#).await;
    let attach = || s::AttachPolicyRequest { policy_id: tag.clone(), target_id: root.clone() };
    let off = cloud.err::<op::AttachPolicy>(&master(), attach()).await;
    assert!(off.starts_with("PolicyTypeNotEnabledException"), "{off}");
    cloud.enable("TAG_POLICY").await;
    let enable = s::EnablePolicyTypeRequest { root_id: root.clone(), policy_type: "TAG_POLICY".into() };
    let twice = cloud.err::<op::EnablePolicyType>(&master(), enable).await;
    assert!(twice.starts_with("PolicyTypeAlreadyEnabledException"), "{twice}");
    cloud.ok::<op::AttachPolicy>(&master(), attach()).await;
    let disable = || s::DisablePolicyTypeRequest { root_id: root.clone(), policy_type: "TAG_POLICY".into() };
    cloud.ok::<op::DisablePolicyType>(&master(), disable()).await;
    let twice = cloud.err::<op::DisablePolicyType>(&master(), disable()).await;
    assert!(twice.starts_with("PolicyTypeNotEnabledException"), "{twice}");
    let targets = s::ListTargetsForPolicyRequest { policy_id: tag.clone(), ..Default::default() };
    assert!(cloud.ok::<op::ListTargetsForPolicy>(&master(), targets).await.targets.unwrap().is_empty());
    cloud.ok::<op::DeletePolicy>(&master(), s::DeletePolicyRequest { policy_id: tag }).await;
    let lost = s::EnablePolicyTypeRequest { root_id: "r-zzzz".into(), policy_type: "TAG_POLICY".into() };
    assert!(cloud.err::<op::EnablePolicyType>(&master(), lost).await.starts_with("RootNotFoundException"));
}

#[tokio::test]
async fn five_of_a_type_fit_on_a_target() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    for n in 0..5 {
        let policy = cloud.policy(SCP, &format!("p{n}"), NOT_IN_THE_WEST).await;
        let attach = s::AttachPolicyRequest { policy_id: policy, target_id: root.clone() };
        if n < 4 {
            cloud.ok::<op::AttachPolicy>(&master(), attach).await;
        } else {
            let full = cloud.err::<op::AttachPolicy>(&master(), attach).await;
            assert_eq!(full, "ConstraintViolationException MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED");
        }
    }
}

#[tokio::test]
async fn the_effective_policy_is_merged_down_the_tree() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let unit = cloud.unit(&root, "unit").await;
    let account = cloud.account("one").await;
    cloud.move_to(account, &root, &unit).await;
    let describe = |target: Option<String>| s::DescribeEffectivePolicyRequest {
        policy_type: "TAG_POLICY".into(),
        target_id: target,
    };
    let none = cloud.err::<op::DescribeEffectivePolicy>(&master(), describe(Some(account.to_string()))).await;
    assert!(none.starts_with("EffectivePolicyNotFoundException"), "{none}");
    cloud.enable("TAG_POLICY").await;
    let above = r#"{"tags":{"cost":{"tag_key":{"@@assign":"Cost"},"tag_value":{"@@assign":["a","b"]}}}}"#;
    let below =
        r#"{"tags":{"cost":{"tag_value":{"@@append":["c"]}},"team":{"tag_value":{"@@assign":["x"]}}}}"#;
    let above = cloud.policy("TAG_POLICY", "above", above).await;
    let below = cloud.policy("TAG_POLICY", "below", below).await;
    cloud.attach(&above, &root).await;
    cloud.attach(&below, &unit).await;
    let member = haneul_kit::Caller::root(account);
    let own =
        cloud.ok::<op::DescribeEffectivePolicy>(&member, describe(None)).await.effective_policy.unwrap();
    let expected =
        r#"{"tags":{"cost":{"tag_key":"Cost","tag_value":["a","b","c"]},"team":{"tag_value":["x"]}}}"#;
    assert_eq!(own.policy_content.as_deref(), Some(expected));
    assert_eq!(own.target_id, Some(account.to_string()));
    let others = describe(Some(master().account.to_string()));
    assert!(
        cloud.err::<op::DescribeEffectivePolicy>(&member, others).await.starts_with("AccessDeniedException")
    );

    // `team` has no key: that makes the whole invalid.
    let list = s::ListAccountsWithInvalidEffectivePolicyRequest {
        policy_type: "TAG_POLICY".into(),
        ..Default::default()
    };
    let invalid =
        cloud.ok::<op::ListAccountsWithInvalidEffectivePolicy>(&master(), list).await.accounts.unwrap();
    assert_eq!(invalid.len(), 1);
    let errors = s::ListEffectivePolicyValidationErrorsRequest {
        account_id: account.to_string(),
        policy_type: "TAG_POLICY".into(),
        ..Default::default()
    };
    let errors = cloud.ok::<op::ListEffectivePolicyValidationErrors>(&master(), errors).await;
    let found = errors.effective_policy_validation_errors.unwrap();
    assert_eq!(found[0].path_to_error.as_deref(), Some("tags/team"));
    assert_eq!(found[0].contributing_policies.as_ref().unwrap().len(), 2);
}
