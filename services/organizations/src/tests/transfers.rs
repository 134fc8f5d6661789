use std::time::Duration;

use haneul_kit::{AccountId, Caller, Instant};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use super::cloud::{Cloud, master, stranger};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The root user of a third account, with an organization of its own.
fn distributor() -> Caller {
    Caller::root(AccountId::new(333_333_333_333).unwrap())
}

/// Three organizations.
async fn cloud() -> Cloud {
    let cloud = Cloud::organized().await;
    for caller in [stranger(), distributor()] {
        cloud.ok::<op::CreateOrganization>(&caller, Default::default()).await;
    }
    cloud
}

/// When the month after next begins.
fn start(cloud: &Cloud) -> Instant {
    let mut at = cloud.platform.env.now() + DAY * 32;
    while !at.iso8601().contains("-01T") {
        at = at + DAY;
    }
    Instant::from_secs(at.secs() / 86_400 * 86_400)
}

fn invitation(cloud: &Cloud, id: &str, kind: &str) -> s::InviteOrganizationToTransferResponsibilityRequest {
    s::InviteOrganizationToTransferResponsibilityRequest {
        r#type: "BILLING".into(),
        target: s::HandshakeParty { id: id.into(), r#type: kind.into() },
        notes: Some("We pay.".into()),
        start_timestamp: start(cloud),
        source_name: "customer".into(),
        tags: Some(vec![s::Tag { key: "team".into(), value: "sky".into() }]),
    }
}

/// The handshake and the transfer.
async fn invite(cloud: &Cloud, from: &Caller, to: &Caller) -> (String, String) {
    let input = invitation(cloud, &to.account.to_string(), "ACCOUNT");
    let made =
        cloud.ok::<op::InviteOrganizationToTransferResponsibility>(from, input).await.handshake.unwrap();
    assert_eq!(made.action.as_deref(), Some("TRANSFER_RESPONSIBILITY"));
    let resources = made.resources.unwrap();
    let transfer =
        resources.iter().find(|of| of.r#type.as_deref() == Some("RESPONSIBILITY_TRANSFER")).unwrap();
    (made.id.unwrap(), transfer.value.clone().unwrap())
}

async fn accept(cloud: &Cloud, caller: &Caller, id: &str) -> String {
    match cloud
        .call::<op::AcceptHandshake>(caller, s::AcceptHandshakeRequest { handshake_id: id.into() })
        .await
    {
        Ok(_) => "ok".into(),
        Err(_) => {
            cloud
                .err::<op::AcceptHandshake>(caller, s::AcceptHandshakeRequest { handshake_id: id.into() })
                .await
        }
    }
}

async fn describe(cloud: &Cloud, caller: &Caller, id: &str) -> s::ResponsibilityTransfer {
    let input = s::DescribeResponsibilityTransferRequest { id: id.into() };
    cloud.ok::<op::DescribeResponsibilityTransfer>(caller, input).await.responsibility_transfer.unwrap()
}

async fn status(cloud: &Cloud, caller: &Caller, id: &str) -> String {
    describe(cloud, caller, id).await.status.unwrap()
}

async fn payer(cloud: &Cloud, account: AccountId) -> String {
    let organization = cloud.platform.organization().unwrap();
    let uses = [(account, cloud.platform.env.now())];
    organization.payers(&uses).await.unwrap()[0].to_string()
}

#[tokio::test]
async fn a_transfer_begins_and_ends_with_months_and_says_who_pays() {
    let cloud = cloud().await;
    let member = cloud.account("member").await;
    let (handshake, id) = invite(&cloud, &stranger(), &master()).await;
    assert_eq!(status(&cloud, &stranger(), &id).await, "REQUESTED");
    let seen = describe(&cloud, &master(), &id).await;
    assert_eq!(seen.active_handshake_id.as_ref(), Some(&handshake));
    assert!(seen.arn.unwrap().contains("/billing/outbound/rt-"));
    for (caller, expected) in
        [(Caller::root(member), "AccessDeniedException"), (distributor(), "AccessDeniedException")]
    {
        let refused = accept(&cloud, &caller, &handshake).await;
        assert!(refused.starts_with(expected), "{refused}");
    }
    assert_eq!(accept(&cloud, &master(), &handshake).await, "ok");
    let seen = describe(&cloud, &stranger(), &id).await;
    assert!(seen.arn.unwrap().contains("/billing/inbound/rt-"));
    assert_eq!(seen.source.unwrap().management_account_id.as_deref(), Some("111111111111"));
    assert_eq!(seen.target.unwrap().management_account_id.as_deref(), Some("222222222222"));
    assert_eq!((seen.status.as_deref(), seen.active_handshake_id), (Some("ACCEPTED"), None));

    assert_eq!(payer(&cloud, member).await, "111111111111", "not yet");
    assert_eq!(payer(&cloud, AccountId::new(999_999_999_999).unwrap()).await, "999999999999");
    cloud.platform.env.clock.advance(start(&cloud).since(cloud.platform.env.now()));
    let begun = describe(&cloud, &master(), &id).await.start_timestamp.unwrap();
    cloud.platform.env.clock.advance(begun.since(cloud.platform.env.now()));
    assert_eq!(payer(&cloud, member).await, "222222222222");
    assert_eq!(payer(&cloud, master().account).await, "222222222222");
    assert_eq!(payer(&cloud, stranger().account).await, "222222222222");

    let terminate = || s::TerminateResponsibilityTransferRequest { id: id.clone(), end_timestamp: None };
    let refused = cloud.err::<op::TerminateResponsibilityTransfer>(&distributor(), terminate()).await;
    assert!(refused.starts_with("ResponsibilityTransferNotFoundException"), "{refused}");
    let ended = cloud.ok::<op::TerminateResponsibilityTransfer>(&master(), terminate()).await;
    let end = ended.responsibility_transfer.unwrap().end_timestamp.unwrap();
    assert!(end.iso8601_millis().ends_with("T23:59:59.999Z"), "{}", end.iso8601_millis());
    assert_eq!(status(&cloud, &stranger(), &id).await, "WITHDRAWN");
    let refused = cloud.err::<op::TerminateResponsibilityTransfer>(&stranger(), terminate()).await;
    assert!(refused.starts_with("ResponsibilityTransferAlreadyInStatusException"), "{refused}");
    assert_eq!(payer(&cloud, member).await, "222222222222", "until the month ends");
    cloud.platform.env.clock.advance(end.since(cloud.platform.env.now()) + Duration::from_millis(1));
    assert_eq!(payer(&cloud, member).await, "111111111111");
}

#[tokio::test]
async fn transfers_are_inherited_but_not_for_ever() {
    let cloud = cloud().await;
    let last = Caller::root(AccountId::new(444_444_444_444).unwrap());
    cloud.ok::<op::CreateOrganization>(&last, Default::default()).await;
    let (first, id) = invite(&cloud, &stranger(), &master()).await;
    let (second, _) = invite(&cloud, &distributor(), &stranger()).await;
    let (circle, _) = invite(&cloud, &master(), &distributor()).await;
    let (third, _) = invite(&cloud, &last, &distributor()).await;
    let (another, _) = invite(&cloud, &last, &master()).await;
    assert_eq!(accept(&cloud, &master(), &first).await, "ok");
    assert_eq!(accept(&cloud, &stranger(), &second).await, "ok");
    for (caller, handshake, reason) in [
        (distributor(), &circle, "ConstraintViolationException RESPONSIBILITY_TRANSFER_MAX_LEVEL_VIOLATION"),
        (distributor(), &third, "ConstraintViolationException RESPONSIBILITY_TRANSFER_MAX_LEVEL_VIOLATION"),
        (
            master(),
            &another,
            "ConstraintViolationException RESPONSIBILITY_TRANSFER_MAX_OUTBOUND_QUOTA_VIOLATION",
        ),
    ] {
        assert_eq!(accept(&cloud, &caller, handshake).await, reason);
    }
    let begins = describe(&cloud, &master(), &id).await.start_timestamp.unwrap();
    cloud.platform.env.clock.advance(begins.since(cloud.platform.env.now()));
    assert_eq!(payer(&cloud, master().account).await, "333333333333");
    assert_eq!(payer(&cloud, stranger().account).await, "333333333333");

    let list =
        s::ListInboundResponsibilityTransfersRequest { r#type: "BILLING".into(), ..Default::default() };
    let found = cloud.ok::<op::ListInboundResponsibilityTransfers>(&stranger(), list).await;
    assert_eq!(found.responsibility_transfers.unwrap().len(), 1);
    let list =
        s::ListOutboundResponsibilityTransfersRequest { r#type: "BILLING".into(), ..Default::default() };
    let found = cloud.ok::<op::ListOutboundResponsibilityTransfers>(&stranger(), list).await;
    assert_eq!(found.responsibility_transfers.unwrap().len(), 1);
    let refused = cloud.err::<op::DeleteOrganization>(&distributor(), Empty).await;
    assert_eq!(refused, "ConstraintViolationException ACTIVE_RESPONSIBILITY_TRANSFER_PROCESS");
}

#[tokio::test]
async fn invitations_are_refused_declined_canceled_and_expire() {
    let cloud = cloud().await;
    let member = cloud.account("member").await;
    for (id, kind, expected) in [
        (
            master().account.to_string(),
            "ACCOUNT",
            "HandshakeConstraintViolationException SOURCE_AND_TARGET_CANNOT_MATCH",
        ),
        (member.to_string(), "ACCOUNT", "InvalidInputException TARGET_NOT_SUPPORTED"),
        ("999999999999".into(), "ACCOUNT", "InvalidInputException TARGET_NOT_SUPPORTED"),
        ("12".into(), "ACCOUNT", "InvalidInputException INVALID_PATTERN_TARGET_ID"),
        ("o-1234567890".into(), "ORGANIZATION", "InvalidInputException INVALID_PARTY_TYPE_TARGET"),
    ] {
        let input = invitation(&cloud, &id, kind);
        let refused = cloud.err::<op::InviteOrganizationToTransferResponsibility>(&master(), input).await;
        assert_eq!(refused, expected, "{id}");
    }
    let by_member = invitation(&cloud, "222222222222", "ACCOUNT");
    let refused =
        cloud.err::<op::InviteOrganizationToTransferResponsibility>(&Caller::root(member), by_member).await;
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");

    let (handshake, id) = invite(&cloud, &master(), &stranger()).await;
    let again = invitation(&cloud, "222222222222", "ACCOUNT");
    let refused = cloud.err::<op::InviteOrganizationToTransferResponsibility>(&master(), again).await;
    assert!(refused.starts_with("DuplicateHandshakeException"), "{refused}");
    let update = |name: &str| s::UpdateResponsibilityTransferRequest { id: id.clone(), name: name.into() };
    let renamed = cloud.ok::<op::UpdateResponsibilityTransfer>(&master(), update("other")).await;
    assert_eq!(renamed.responsibility_transfer.unwrap().name.as_deref(), Some("other"));
    let refused = cloud.err::<op::UpdateResponsibilityTransfer>(&stranger(), update("theirs")).await;
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");
    let terminate = s::TerminateResponsibilityTransferRequest { id: id.clone(), end_timestamp: None };
    let refused = cloud.err::<op::TerminateResponsibilityTransfer>(&master(), terminate).await;
    assert!(refused.starts_with("InvalidResponsibilityTransferTransitionException"), "{refused}");
    let decline = s::DeclineHandshakeRequest { handshake_id: handshake };
    cloud.ok::<op::DeclineHandshake>(&stranger(), decline).await;
    assert_eq!(status(&cloud, &master(), &id).await, "DECLINED");
    let refused = cloud.err::<op::UpdateResponsibilityTransfer>(&master(), update("late")).await;
    assert_eq!(refused, "ConstraintViolationException TRANSFER_RESPONSIBILITY_UPDATE_NOT_ALLOWED");

    let (handshake, id) = invite(&cloud, &master(), &stranger()).await;
    cloud.ok::<op::CancelHandshake>(&master(), s::CancelHandshakeRequest { handshake_id: handshake }).await;
    assert_eq!(status(&cloud, &stranger(), &id).await, "CANCELED");

    let (handshake, id) = invite(&cloud, &master(), &stranger()).await;
    let tags = s::ListTagsForResourceRequest { resource_id: id.clone(), next_token: None };
    assert_eq!(cloud.ok::<op::ListTagsForResource>(&master(), tags).await.tags.unwrap().len(), 1);
    cloud.platform.env.clock.advance(DAY * 15);
    assert_eq!(status(&cloud, &master(), &id).await, "EXPIRED");
    let refused = accept(&cloud, &stranger(), &handshake).await;
    assert!(refused.starts_with("InvalidHandshakeTransitionException"), "{refused}");
    cloud.settle().await;
    assert_eq!(status(&cloud, &stranger(), &id).await, "EXPIRED");
    cloud.platform.env.clock.advance(DAY * 31);
    cloud.settle().await;
    let gone = s::DescribeResponsibilityTransferRequest { id };
    let refused = cloud.err::<op::DescribeResponsibilityTransfer>(&master(), gone).await;
    assert!(refused.starts_with("ResponsibilityTransferNotFoundException"), "{refused}");
}

#[tokio::test]
async fn each_side_has_tags_of_its_own() {
    let cloud = cloud().await;
    let (_, id) = invite(&cloud, &master(), &stranger()).await;
    let tags = async |caller: &Caller| {
        let input = s::ListTagsForResourceRequest { resource_id: id.clone(), next_token: None };
        let tags = cloud.ok::<op::ListTagsForResource>(caller, input).await.tags.unwrap_or_default();
        tags.into_iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(tags(&stranger()).await, none);
    let tag = s::TagResourceRequest {
        resource_id: id.clone(),
        tags: vec![s::Tag { key: "team".into(), value: "sea".into() }],
    };
    cloud.ok::<op::TagResource>(&stranger(), tag).await;
    assert_eq!(tags(&stranger()).await, ["team=sea"]);
    assert_eq!(tags(&master()).await, ["team=sky"]);
    let untag = s::UntagResourceRequest { resource_id: id.clone(), tag_keys: vec!["team".into()] };
    cloud.ok::<op::UntagResource>(&stranger(), untag).await;
    assert_eq!((tags(&stranger()).await, tags(&master()).await), (vec![], vec!["team=sky".to_owned()]));
}

#[tokio::test]
async fn an_invitation_binds_who_sent_it() {
    let cloud = cloud().await;
    let (handshake, _) = invite(&cloud, &stranger(), &distributor()).await;
    let refused = cloud.err::<op::DeleteOrganization>(&stranger(), Empty).await;
    assert_eq!(refused, "ConstraintViolationException ACTIVE_RESPONSIBILITY_TRANSFER_PROCESS");
    cloud.empty::<op::DeleteOrganization>(&distributor()).await;
    let refused = accept(&cloud, &distributor(), &handshake).await;
    assert_ne!(refused, "ok", "there is nothing to hand over any more");
}
