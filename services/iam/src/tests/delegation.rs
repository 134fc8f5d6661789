//! Delegation requests beyond what one call after another shows: somebody else was quicker, time went by, the operator
//! removed the partner.

use std::time::Duration;

use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{AccountId, Caller, Delegation, Reconciler, Result, Session};
use haneul_shape::Empty;
use haneul_store::{Range, Reads};

use super::cloud::{ACCOUNT, Cloud};
use crate::model::{DELEGATION_WORKFLOWS, DelegationRequest, DelegationState as State};

const ID: &str = "0123456789abcdef";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A cloud with a request in that state that somebody of [`ACCOUNT`] owns. Its partner is not in the catalog.
async fn cloud(state: State) -> Cloud {
    let cloud = Cloud::new().await;
    let now = cloud.platform.env.now().into();
    let request = DelegationRequest {
        id: ID.into(),
        requestor: 111_122_223_333,
        requestor_name: "Example".into(),
        workflow_id: "workflow".into(),
        owner_account: Some(ACCOUNT),
        owner: Some(cloud.caller.arn()),
        approver: None,
        approved_as: None,
        description: "It is needed.".into(),
        message: None,
        template: "arn:aws:iam:::delegation-template/example.com/One".into(),
        parameters: Vec::new(),
        policy: super::cloud::ALLOW_ALL.into(),
        boundaries: Vec::new(),
        redirect_url: None,
        channel: "arn:aws:sqs:us-east-1:111122223333:news".into(),
        session_secs: 3600,
        only_send_by_owner: false,
        state,
        created: now,
        changed: now,
        notes: None,
        rejection: None,
        changes: 0,
    };
    cloud.iam.state.create_delegation(&request, cloud.platform.env.now()).await.unwrap();
    cloud
}

async fn update(cloud: &Cloud, notes: &str) -> Result<Empty> {
    let input =
        s::UpdateDelegationRequestRequest { delegation_request_id: ID.into(), notes: Some(notes.into()) };
    cloud.call::<op::UpdateDelegationRequest>(input).await
}

async fn get(cloud: &Cloud) -> Result<s::GetDelegationRequestResponse> {
    let input = s::GetDelegationRequestRequest { delegation_request_id: ID.into(), ..Default::default() };
    cloud.call::<op::GetDelegationRequest>(input).await
}

fn code<T>(result: Result<T>) -> String {
    result.map_or_else(|error| error.code().to_owned(), |_| "ok".into())
}

#[tokio::test]
async fn what_another_account_has_taken_is_not_there() {
    let mut cloud = cloud(State::Assigned).await;
    cloud.caller = Caller::root(AccountId::new(222_222_222_222).unwrap());
    let id = || ID.to_owned();
    let reject = s::RejectDelegationRequestRequest { delegation_request_id: id(), ..Default::default() };
    let accept = s::AcceptDelegationRequestRequest { delegation_request_id: id() };
    for (what, said) in [
        ("get", code(get(&cloud).await)),
        ("update", code(update(&cloud, "x").await)),
        ("accept", code(cloud.call::<op::AcceptDelegationRequest>(accept).await)),
        ("reject", code(cloud.call::<op::RejectDelegationRequest>(reject).await)),
    ] {
        assert_eq!(said, "NoSuchEntityException", "{what}");
    }
}

#[tokio::test]
async fn updates_keep_no_request_alive() {
    let cloud = cloud(State::Assigned).await;
    assert_eq!(code(update(&cloud, "first").await), "ok");
    let before = get(&cloud).await.unwrap().delegation_request.unwrap();
    cloud.platform.env.clock.advance(DAY * 6);
    assert_eq!(code(update(&cloud, "second").await), "ok");
    let after = get(&cloud).await.unwrap().delegation_request.unwrap();
    assert_eq!(after.notes.as_deref(), Some("second"));
    assert_eq!(after.expiration_time, before.expiration_time);
    assert_eq!(cloud.iam.state.notices().await.unwrap().len(), 1, "the partner hears of a new state only");
    cloud.platform.env.clock.advance(DAY);
    assert_eq!(code(update(&cloud, "third").await), "InvalidInputException");
}

#[tokio::test]
async fn expired_requests_can_be_seen_for_thirty_days() {
    let cloud = cloud(State::Assigned).await;
    let gone = DAY * 37;
    cloud.platform.env.clock.advance(gone - Duration::from_secs(1));
    let next = cloud.iam.expiry.reconcile().await.unwrap();
    assert_eq!(next, Some(cloud.platform.env.now() + Duration::from_secs(1)));
    assert_eq!(get(&cloud).await.unwrap().delegation_request.unwrap().state.as_deref(), Some("EXPIRED"));
    cloud.platform.env.clock.advance(Duration::from_secs(1));
    assert_eq!(code(get(&cloud).await), "NoSuchEntityException", "before anybody has swept");
    assert_eq!(cloud.iam.expiry.reconcile().await.unwrap(), None);
    let again = cloud.iam.state.store.scan(&DELEGATION_WORKFLOWS, Range::all(), 9);
    assert!(again.await.unwrap().is_empty(), "the workflow may be used again");
}

#[tokio::test]
async fn delegates_hand_nothing_on() {
    let mut cloud = cloud(State::Assigned).await;
    let delegation = Delegation { account: AccountId::DEFAULT, policy: super::cloud::ALLOW_ALL.to_owned() };
    cloud.caller.session = Some(Session { delegation: Some(delegation), ..Session::default() });
    let accept = s::AcceptDelegationRequestRequest { delegation_request_id: ID.into() };
    let refused = cloud.call::<op::AcceptDelegationRequest>(accept).await;
    assert_eq!(code(refused), "AccessDenied");
}

#[tokio::test]
async fn a_partner_that_was_removed_is_given_nothing() {
    let cloud = cloud(State::Assigned).await;
    let accept = s::AcceptDelegationRequestRequest { delegation_request_id: ID.into() };
    let refused = cloud.call::<op::AcceptDelegationRequest>(accept).await.unwrap_err();
    assert!(refused.to_string().contains("not onboarded any more"), "{refused}");
    assert_eq!(code(update(&cloud, "x").await), "ok");
    cloud.iam.notices.reconcile().await.unwrap();
    assert!(cloud.iam.state.notices().await.unwrap().is_empty());
}
