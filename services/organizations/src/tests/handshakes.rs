use std::time::Duration;

use haneul_kit::Caller;
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use super::cloud::{Cloud, master, stranger};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn invitation(id: &str, kind: &str) -> s::InviteAccountToOrganizationRequest {
    let target = s::HandshakeParty { id: id.into(), r#type: kind.into() };
    s::InviteAccountToOrganizationRequest { target, notes: Some("come".into()), tags: None }
}

async fn invite(cloud: &Cloud) -> String {
    let account = stranger().account.to_string();
    let made = cloud.ok::<op::InviteAccountToOrganization>(&master(), invitation(&account, "ACCOUNT")).await;
    let made = made.handshake.unwrap();
    assert_eq!(made.state.as_deref(), Some("OPEN"));
    made.id.unwrap()
}

async fn accept(cloud: &Cloud, caller: &Caller, id: &str) -> Result<(), haneul_kit::ApiError> {
    cloud
        .call::<op::AcceptHandshake>(caller, s::AcceptHandshakeRequest { handshake_id: id.into() })
        .await
        .map(drop)
}

#[tokio::test]
async fn who_is_invited_and_accepts_is_a_member() {
    let cloud = Cloud::organized().await;
    let id = invite(&cloud).await;
    let again = invitation(&stranger().account.to_string(), "ACCOUNT");
    let twice = cloud.err::<op::InviteAccountToOrganization>(&master(), again.clone()).await;
    assert!(twice.starts_with("DuplicateHandshakeException"), "{twice}");
    let list = cloud.ok::<op::ListHandshakesForAccount>(&stranger(), Default::default()).await;
    assert_eq!(list.handshakes.unwrap()[0].id.as_deref(), Some(id.as_str()));
    let refused = accept(&cloud, &master(), &id).await.unwrap_err();
    assert_eq!(refused.code(), "AccessDeniedException", "only who is asked");
    accept(&cloud, &stranger(), &id).await.unwrap();
    let refused = accept(&cloud, &stranger(), &id).await.unwrap_err();
    assert_eq!(refused.code(), "HandshakeAlreadyInStateException");
    let cancel = s::CancelHandshakeRequest { handshake_id: id.clone() };
    let late = cloud.err::<op::CancelHandshake>(&master(), cancel).await;
    assert!(late.starts_with("InvalidHandshakeTransitionException"), "{late}");
    let seen = cloud.ok::<op::DescribeOrganization>(&stranger(), Empty).await.organization.unwrap();
    assert_eq!(seen.master_account_id.as_deref(), Some("111111111111"));
    let inside = cloud.err::<op::InviteAccountToOrganization>(&master(), again).await;
    assert_eq!(inside, "HandshakeConstraintViolationException ALREADY_IN_AN_ORGANIZATION");
}

#[tokio::test]
async fn an_invitation_is_declined_cancelled_or_expires() {
    let cloud = Cloud::organized().await;
    let id = invite(&cloud).await;
    let decline = s::DeclineHandshakeRequest { handshake_id: id.clone() };
    cloud.ok::<op::DeclineHandshake>(&stranger(), decline).await;
    assert_eq!(
        accept(&cloud, &stranger(), &id).await.unwrap_err().code(),
        "InvalidHandshakeTransitionException"
    );

    let id = invite(&cloud).await;
    let cancel = || s::CancelHandshakeRequest { handshake_id: id.clone() };
    let refused = cloud.err::<op::CancelHandshake>(&stranger(), cancel()).await;
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");
    cloud.ok::<op::CancelHandshake>(&master(), cancel()).await;

    let id = invite(&cloud).await;
    cloud.platform.env.clock.advance(DAY * 15);
    assert_eq!(
        accept(&cloud, &stranger(), &id).await.unwrap_err().code(),
        "InvalidHandshakeTransitionException"
    );
    cloud.settle().await;
    let describe = || s::DescribeHandshakeRequest { handshake_id: id.clone() };
    let seen = cloud.ok::<op::DescribeHandshake>(&master(), describe()).await.handshake.unwrap();
    assert_eq!(seen.state.as_deref(), Some("EXPIRED"));
    cloud.platform.env.clock.advance(DAY * 31);
    cloud.settle().await;
    let gone = cloud.err::<op::DescribeHandshake>(&master(), describe()).await;
    assert!(gone.starts_with("HandshakeNotFoundException"), "{gone}");
}

#[tokio::test]
async fn an_invitation_by_address_finds_its_account() {
    let cloud = Cloud::organized().await;
    let account = cloud.account("one").await;
    let member = Caller::root(account);
    cloud.ok::<op::LeaveOrganization>(&member, Empty).await;
    let made =
        cloud.ok::<op::InviteAccountToOrganization>(&master(), invitation("One@example.org", "EMAIL")).await;
    accept(&cloud, &member, &made.handshake.unwrap().id.unwrap()).await.unwrap();
    for (id, kind, reason) in [
        ("nobody", "EMAIL", "INVALID_EMAIL_ADDRESS_TARGET"),
        ("12", "ACCOUNT", "INVALID_PATTERN_TARGET_ID"),
        ("o-1234567890", "ORGANIZATION", "INVALID_PARTY_TYPE_TARGET"),
    ] {
        let refused = cloud.err::<op::InviteAccountToOrganization>(&master(), invitation(id, kind)).await;
        assert_eq!(refused, format!("InvalidInputException {reason}"));
    }
}

#[tokio::test]
async fn invitations_have_a_rate() {
    let cloud = Cloud::organized().await;
    for n in 0..20 {
        let target = invitation(&format!("3333333333{n:02}"), "ACCOUNT");
        cloud.ok::<op::InviteAccountToOrganization>(&master(), target).await;
    }
    let target = || invitation("444444444444", "ACCOUNT");
    let full = cloud.err::<op::InviteAccountToOrganization>(&master(), target()).await;
    assert_eq!(full, "HandshakeConstraintViolationException HANDSHAKE_RATE_LIMIT_EXCEEDED");
    cloud.platform.env.clock.advance(DAY * 2);
    cloud.ok::<op::InviteAccountToOrganization>(&master(), target()).await;
}

#[tokio::test]
async fn all_features_come_when_all_agree() {
    let cloud = Cloud::new().await;
    let billing = s::CreateOrganizationRequest { feature_set: Some("CONSOLIDATED_BILLING".into()) };
    cloud.ok::<op::CreateOrganization>(&master(), billing).await;
    let create = s::CreatePolicyRequest {
        content: super::cloud::NOT_IN_THE_WEST.into(),
        description: String::new(),
        name: "p".into(),
        r#type: "SERVICE_CONTROL_POLICY".into(),
        tags: None,
    };
    let early = cloud.err::<op::CreatePolicy>(&master(), create.clone()).await;
    assert!(early.starts_with("PolicyTypeNotAvailableForOrganizationException"), "{early}");
    let id = invite(&cloud).await;
    accept(&cloud, &stranger(), &id).await.unwrap();

    let begun = cloud.ok::<op::EnableAllFeatures>(&master(), Default::default()).await.handshake.unwrap();
    assert_eq!(begun.action.as_deref(), Some("ENABLE_ALL_FEATURES"));
    let twice = cloud.err::<op::EnableAllFeatures>(&master(), Default::default()).await;
    let pending =
        "HandshakeConstraintViolationException ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION";
    assert_eq!(twice, pending);
    let closed =
        cloud.err::<op::InviteAccountToOrganization>(&master(), invitation("333333333333", "ACCOUNT")).await;
    assert_eq!(closed, "HandshakeConstraintViolationException INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES");

    let asked = async |caller: &Caller, action: &str| {
        let filter = s::HandshakeFilter { action_type: Some(action.into()), parent_handshake_id: None };
        let list = s::ListHandshakesForAccountRequest { filter: Some(filter), ..Default::default() };
        let found = cloud.ok::<op::ListHandshakesForAccount>(caller, list).await.handshakes.unwrap();
        found.into_iter().map(|found| found.id.unwrap()).collect::<Vec<_>>()
    };
    assert!(asked(&master(), "APPROVE_ALL_FEATURES").await.is_empty(), "not before the member agrees");
    let member = asked(&stranger(), "ENABLE_ALL_FEATURES").await;
    accept(&cloud, &stranger(), &member[0]).await.unwrap();
    let last = asked(&master(), "APPROVE_ALL_FEATURES").await;
    accept(&cloud, &master(), &last[0]).await.unwrap();
    let seen = cloud.ok::<op::DescribeOrganization>(&master(), Empty).await.organization.unwrap();
    assert_eq!(seen.feature_set.as_deref(), Some("ALL"));
    cloud.ok::<op::CreatePolicy>(&master(), create).await;
    let done = cloud.err::<op::EnableAllFeatures>(&master(), Default::default()).await;
    assert_eq!(done, "HandshakeConstraintViolationException ORGANIZATION_ALREADY_HAS_ALL_FEATURES");
}
