use std::time::Duration;

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Delegation, Session, session_token};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use super::cloud::{Cloud, MAY_ASSUME, OURS, THEIRS, assume, policy, root, trusting};

const OUR_ROOT: &str = "arn:aws:iam::111111111111:root";

async fn denied(cloud: &Cloud, caller: &Caller, role: &str) {
    let who = caller.arn();
    assert_eq!(
        cloud.err::<op::AssumeRole>(caller, assume(role)).await,
        format!("AccessDenied: User: {who} is not authorized to perform: sts:AssumeRole on resource: {role}")
    );
}

#[tokio::test]
async fn trust_and_permission_within_an_account() {
    let cloud = Cloud::new().await;
    let bare = cloud.user(OURS, "bare", None).await;
    let able = cloud.user(OURS, "able", Some(MAY_ASSUME)).await;
    let by_account = cloud.role(OURS, "by-account", &trusting(OUR_ROOT)).await;
    let by_name = cloud.role(OURS, "by-name", &trusting(&bare.arn())).await;

    // The account is trusted: then the user's own policies decide. The user is trusted: that is enough.
    let error = cloud.err::<op::AssumeRole>(&bare, assume(&by_account)).await;
    assert!(error.contains("no identity-based policy allows the sts:AssumeRole action"), "{error}");
    let made = cloud.ok::<op::AssumeRole>(&able, assume(&by_account)).await;
    let user = made.assumed_role_user.unwrap();
    assert_eq!(user.arn, "arn:aws:sts::111111111111:assumed-role/by-account/work");
    assert!(user.assumed_role_id.starts_with("AROA") && user.assumed_role_id.ends_with(":work"));
    assert_eq!(made.packed_policy_size, None);
    let session = cloud.open(made.credentials);
    let identity = cloud.ok::<op::GetCallerIdentity>(&session, Default::default()).await;
    assert_eq!(identity.arn, Some(user.arn));
    assert_eq!(identity.user_id, Some(user.assumed_role_id));
    cloud.ok::<op::AssumeRole>(&bare, assume(&by_name)).await;
    denied(&cloud, &able, &by_name).await;

    // One that is not there trusts nobody, and the path is part of the name.
    denied(&cloud, &able, "arn:aws:iam::111111111111:role/missing").await;
    denied(&cloud, &able, "arn:aws:iam::111111111111:role/x/by-account").await;
    for invalid in ["arn:aws:iam::111111111111:user/able", "arn:aws:sts::111111111111:assumed-role/a/b"] {
        let error = cloud.err::<op::AssumeRole>(&able, assume(invalid)).await;
        assert_eq!(error, format!("ValidationError: {invalid} is invalid"));
    }
    let error = cloud.err::<op::AssumeRole>(&root(OURS), assume(&by_account)).await;
    assert_eq!(error, "AccessDenied: Roles may not be assumed by root accounts.");
}

#[tokio::test]
async fn what_a_delegate_assumes_is_of_the_delegation() {
    let cloud = Cloud::new().await;
    let able = cloud.user(OURS, "able", Some(MAY_ASSUME)).await;
    let role = cloud.role(OURS, "role", &trusting(&able.arn())).await;
    let expires_at = cloud.platform.env.now() + Duration::from_secs(1800);
    let delegation = Delegation {
        account: root(THEIRS).account,
        policy: policy(r#""Effect":"Allow","Action":["sts:*","iam:ListRoles"],"Resource":"*""#),
    };
    let session = Session { expires_at, delegation: Some(delegation.clone()), ..Session::default() };
    let delegate = Caller { session: Some(session), ..able };
    let long = s::AssumeRoleRequest { duration_seconds: Some(3601), ..assume(&role) };
    let error = cloud.err::<op::AssumeRole>(&delegate, long).await;
    assert!(error.contains("exceeds the 1 hour session limit"), "{error}");
    let made = cloud.ok::<op::AssumeRole>(&delegate, assume(&role)).await;
    let assumed = cloud.open(made.credentials);
    let session = assumed.session.clone().unwrap();
    assert_eq!((session.delegation, session.expires_at.secs()), (Some(delegation), expires_at.secs()));
    cloud.ok::<iam::ListRoles>(&assumed, Default::default()).await;
    let error = cloud.err::<iam::ListUsers>(&assumed, Default::default()).await;
    assert!(error.starts_with("AccessDenied"), "{error}");
}

#[tokio::test]
async fn across_accounts_both_sides_must_allow() {
    let cloud = Cloud::new().await;
    let bare = cloud.user(OURS, "bare", None).await;
    let able = cloud.user(OURS, "able", Some(MAY_ASSUME)).await;
    let condition = format!(
        r#"{},"Condition":{{"StringEquals":{{"sts:ExternalId":"secret"}}}}"#,
        trusting("111111111111")
    );
    let role = cloud.role(THEIRS, "shared", &condition).await;
    let closed = cloud.role(THEIRS, "closed", &trusting("222222222222")).await;
    denied(&cloud, &able, &role).await;
    denied(&cloud, &able, &closed).await;
    let with_id = |id: &str| s::AssumeRoleRequest { external_id: Some(id.into()), ..assume(&role) };
    assert!(cloud.call::<op::AssumeRole>(&able, with_id("guess")).await.is_err());
    assert!(cloud.call::<op::AssumeRole>(&bare, with_id("secret")).await.is_err());
    let session = cloud.open(cloud.ok::<op::AssumeRole>(&able, with_id("secret")).await.credentials);
    assert_eq!(session.account.to_string(), "222222222222");
    // It acts in the role's account.
    cloud.ok::<iam::GetRole>(&session, i::GetRoleRequest { role_name: "shared".into() }).await;
    cloud.ok::<iam::ListUsers>(&session, Default::default()).await;

    // What was trusted is trusted no more with the next call.
    let untrust = i::UpdateAssumeRolePolicyRequest {
        role_name: "shared".into(),
        policy_document: policy(&trusting("222222222222")),
    };
    cloud.ok::<iam::UpdateAssumeRolePolicy>(&root(THEIRS), untrust).await;
    assert!(cloud.call::<op::AssumeRole>(&able, with_id("secret")).await.is_err());
    // And a role that is gone takes its sessions with it.
    let inline = i::DeleteRolePolicyRequest { role_name: "shared".into(), policy_name: "all".into() };
    cloud.ok::<iam::DeleteRolePolicy>(&root(THEIRS), inline).await;
    cloud.ok::<iam::DeleteRole>(&root(THEIRS), i::DeleteRoleRequest { role_name: "shared".into() }).await;
    cloud.role(THEIRS, "shared", &condition).await;
    assert!(cloud.call::<iam::ListUsers>(&session, Default::default()).await.is_err());
}

#[tokio::test]
async fn session_policies_narrow() {
    let cloud = Cloud::new().await;
    let able = cloud.user(OURS, "able", Some(MAY_ASSUME)).await;
    let role = cloud.role(OURS, "app", &trusting(OUR_ROOT)).await;
    let only =
        |action: &str| Some(policy(&format!(r#""Effect":"Allow","Action":"{action}","Resource":"*""#)));
    let narrowed = s::AssumeRoleRequest { policy: only("iam:ListUsers"), ..assume(&role) };
    let made = cloud.ok::<op::AssumeRole>(&able, narrowed).await;
    assert!(made.packed_policy_size.is_some_and(|percent| (1..=100).contains(&percent)));
    let session = cloud.open(made.credentials);
    cloud.ok::<iam::ListUsers>(&session, Default::default()).await;
    let error = cloud.err::<iam::ListRoles>(&session, Default::default()).await;
    assert_eq!(
        error,
        "AccessDenied: User: arn:aws:sts::111111111111:assumed-role/app/work is not authorized to perform: \
         iam:ListRoles on resource: arn:aws:iam::111111111111:role/ because no session policy allows the \
         iam:ListRoles action"
    );
    let by_arn = s::AssumeRoleRequest {
        policy_arns: Some(vec![s::PolicyDescriptorType {
            arn: Some("arn:aws:iam::aws:policy/IAMReadOnlyAccess".into()),
        }]),
        ..assume(&role)
    };
    let session = cloud.open(cloud.ok::<op::AssumeRole>(&able, by_arn).await.credentials);
    cloud.ok::<iam::ListRoles>(&session, Default::default()).await;
    let make = i::CreateGroupRequest { group_name: "g".into(), path: None };
    assert!(cloud.call::<iam::CreateGroup>(&session, make).await.is_err());

    let refused = [
        (Some("{".to_owned()), "MalformedPolicyDocumentException: "),
        (
            Some(policy(&format!(
                r#""Sid":"{}","Effect":"Allow","Action":"*","Resource":"*""#,
                "a".repeat(2000)
            ))),
            "PackedPolicyTooLargeException: Packed policy consumes 10",
        ),
    ];
    for (policy, message) in refused {
        let error =
            cloud.err::<op::AssumeRole>(&able, s::AssumeRoleRequest { policy, ..assume(&role) }).await;
        assert!(error.starts_with(message), "{error}");
    }
    let arn =
        Some(vec![s::PolicyDescriptorType { arn: Some("arn:aws:iam::aws:policy/NoSuchAccess".into()) }]);
    let error =
        cloud.err::<op::AssumeRole>(&able, s::AssumeRoleRequest { policy_arns: arn, ..assume(&role) }).await;
    assert!(error.contains("does not exist or is not attachable"), "{error}");
}

#[tokio::test]
async fn durations_and_chains() {
    let cloud = Cloud::new().await;
    let able = cloud.user(OURS, "able", Some(MAY_ASSUME)).await;
    let role = cloud.role(OURS, "app", &trusting(OUR_ROOT)).await;
    let next = cloud.role(OURS, "next", &trusting(OUR_ROOT)).await;
    let of = |role: &str, secs| s::AssumeRoleRequest { duration_seconds: Some(secs), ..assume(role) };
    let error = cloud.err::<op::AssumeRole>(&able, of(&role, 3601)).await;
    assert_eq!(
        error,
        "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
    let longer = i::UpdateRoleRequest {
        role_name: "app".into(),
        max_session_duration: Some(7200),
        ..Default::default()
    };
    cloud.ok::<iam::UpdateRole>(&root(OURS), longer).await;
    let longer = i::UpdateRoleRequest {
        role_name: "next".into(),
        max_session_duration: Some(7200),
        ..Default::default()
    };
    cloud.ok::<iam::UpdateRole>(&root(OURS), longer).await;
    let made = cloud.ok::<op::AssumeRole>(&able, of(&role, 7200)).await.credentials.unwrap();
    let now = cloud.platform.env.now();
    assert_eq!(made.expiration.since(now).as_secs(), 7200);
    let session = cloud.open(Some(made.clone()));
    let error = cloud.err::<op::AssumeRole>(&session, of(&next, 3601)).await;
    assert_eq!(
        error,
        "ValidationError: The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
         chaining."
    );
    cloud.ok::<op::AssumeRole>(&session, of(&next, 3600)).await;
    assert!(cloud.call::<op::AssumeRole>(&able, of(&role, 899)).await.is_err());
    cloud.platform.env.clock.advance(std::time::Duration::from_secs(7200));
    let now = cloud.platform.env.now();
    let opened = session_token::open(&cloud.platform.seal, &made.session_token, &made.access_key_id, now);
    assert_eq!(opened, Err(session_token::TokenError::Expired));
}

#[tokio::test]
async fn tags_and_source_identity_follow_a_chain() {
    let cloud = Cloud::new().await;
    let able = cloud.user(OURS, "able", Some(r#""Effect":"Allow","Action":"sts:*","Resource":"*""#)).await;
    let all = format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{OUR_ROOT}"}},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]"#
    );
    let first = cloud.role(OURS, "first", &all).await;
    let tagged_only = format!(r#"{all},"Condition":{{"StringEquals":{{"aws:PrincipalTag/Team":"sky"}}}}"#);
    let second = cloud.role(OURS, "second", &tagged_only).await;
    let plain = cloud.role(OURS, "plain", &trusting(OUR_ROOT)).await;
    let tags = |pairs: &[(&str, &str)]| {
        Some(pairs.iter().map(|(key, value)| s::Tag { key: (*key).into(), value: (*value).into() }).collect())
    };
    let input = s::AssumeRoleRequest {
        tags: tags(&[("Team", "sky"), ("Stage", "prod")]),
        transitive_tag_keys: Some(vec!["Team".into()]),
        source_identity: Some("ann".into()),
        ..assume(&first)
    };
    // A trust policy must allow tags and source identities too.
    let error = cloud
        .err::<op::AssumeRole>(&able, s::AssumeRoleRequest { role_arn: plain.clone(), ..input.clone() })
        .await;
    assert!(error.contains("sts:TagSession"), "{error}");
    let session = cloud.open(cloud.ok::<op::AssumeRole>(&able, input).await.credentials);
    // Only the transitive tag is there in the second session, which the second role's trust policy saw already.
    let made = cloud.ok::<op::AssumeRole>(&session, assume(&second)).await;
    assert_eq!(made.source_identity.as_deref(), Some("ann"));
    let chained = cloud.open(made.credentials);
    let facts = chained.session.unwrap();
    assert_eq!(facts.tags, [("Team".to_owned(), "sky".to_owned())]);
    assert_eq!(facts.transitive_tag_keys, ["Team"]);
    assert_eq!(facts.source_identity.as_deref(), Some("ann"));

    let refused = [
        (s::AssumeRoleRequest { tags: tags(&[("team", "sea")]), ..assume(&second) }, "InvalidParameterValue"),
        (
            s::AssumeRoleRequest { source_identity: Some("bea".into()), ..assume(&second) },
            "AccessDenied: The source",
        ),
        (
            s::AssumeRoleRequest { tags: tags(&[("a", "1"), ("A", "2")]), ..assume(&second) },
            "InvalidParameterValue: Dup",
        ),
        (
            s::AssumeRoleRequest { tags: tags(&[("aws:a", "1")]), ..assume(&second) },
            "InvalidParameterValue: Session",
        ),
        (
            s::AssumeRoleRequest { transitive_tag_keys: Some(vec!["x".into()]), ..assume(&second) },
            "InvalidParameterValue: The specified",
        ),
        (
            s::AssumeRoleRequest { serial_number: Some("arn:aws:iam::1:mfa/a".into()), ..assume(&second) },
            "AccessDenied: MultiFactor",
        ),
    ];
    for (input, message) in refused {
        let error = cloud.err::<op::AssumeRole>(&session, input).await;
        assert!(error.starts_with(message), "{error}");
    }
}
