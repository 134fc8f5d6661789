use std::time::Duration;

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::Caller;
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;

use super::cloud::{Cloud, EVERYTHING, creation, master};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_created_account_is_real_and_its_creator_gets_in() {
    let cloud = Cloud::organized().await;
    let account = cloud.account("one").await;
    let describe = s::DescribeAccountRequest { account_id: account.to_string() };
    let seen = cloud.ok::<op::DescribeAccount>(&master(), describe).await.account.unwrap();
    assert_eq!((seen.name.as_deref(), seen.email.as_deref()), (Some("one"), Some("one@example.org")));
    assert_eq!((seen.status.as_deref(), seen.joined_method.as_deref()), (Some("ACTIVE"), Some("CREATED")));
    let get = i::GetRoleRequest { role_name: "OrganizationAccountAccessRole".into() };
    let role = cloud.ok::<iam::GetRole>(&Caller::root(account), get).await.role;
    assert_eq!(role.arn, format!("arn:aws:iam::{account}:role/OrganizationAccountAccessRole"));

    let admin = cloud.user(master().account, "admin", EVERYTHING).await;
    let inside = cloud.assume(&admin, account, "OrganizationAccountAccessRole").await.unwrap();
    assert_eq!(inside.account, account);
    cloud.queue("us-east-1", &inside, "q").await.unwrap();
    let outsider = cloud.user(super::cloud::stranger().account, "eve", EVERYTHING).await;
    cloud.assume(&outsider, account, "OrganizationAccountAccessRole").await.unwrap_err();

    let named = s::CreateAccountRequest { role_name: Some("Door".into()), ..creation("two") };
    cloud.ok::<op::CreateAccount>(&master(), named).await;
    cloud.settle().await;
    let list =
        s::ListCreateAccountStatusRequest { states: Some(vec!["SUCCEEDED".into()]), ..Default::default() };
    let all = cloud.ok::<op::ListCreateAccountStatus>(&master(), list).await.create_account_statuses.unwrap();
    let two = all.iter().find(|status| status.account_name.as_deref() == Some("two")).unwrap();
    let two = two.account_id.as_ref().unwrap().parse().unwrap();
    cloud.assume(&admin, two, "Door").await.unwrap();
}

#[tokio::test]
async fn an_address_is_used_once() {
    let cloud = Cloud::organized().await;
    cloud.account("one").await;
    let twice = s::CreateAccountRequest { email: "ONE@example.org".into(), ..creation("two") };
    let status = cloud.ok::<op::CreateAccount>(&master(), twice).await.create_account_status.unwrap();
    cloud.settle().await;
    let describe = s::DescribeCreateAccountStatusRequest { create_account_request_id: status.id.unwrap() };
    let status = cloud.ok::<op::DescribeCreateAccountStatus>(&master(), describe).await;
    let status = status.create_account_status.unwrap();
    assert_eq!(status.state.as_deref(), Some("FAILED"));
    assert_eq!(status.failure_reason.as_deref(), Some("EMAIL_ALREADY_EXISTS"));
    assert_eq!(status.account_id, None);
    let lost = s::DescribeCreateAccountStatusRequest { create_account_request_id: "car-12345678".into() };
    let lost = cloud.err::<op::DescribeCreateAccountStatus>(&master(), lost).await;
    assert!(lost.starts_with("CreateAccountStatusNotFoundException"), "{lost}");
}

#[tokio::test]
async fn a_closed_account_is_suspended_and_then_gone() {
    let cloud = Cloud::organized().await;
    let account = cloud.account("one").await;
    let close = || s::CloseAccountRequest { account_id: account.to_string() };
    cloud.ok::<op::CloseAccount>(&master(), close()).await;
    let status = async || {
        let describe = s::DescribeAccountRequest { account_id: account.to_string() };
        cloud.call::<op::DescribeAccount>(&master(), describe).await.map(|found| found.account.unwrap().state)
    };
    assert_eq!(status().await.unwrap().as_deref(), Some("PENDING_CLOSURE"));
    cloud.settle().await;
    assert_eq!(status().await.unwrap().as_deref(), Some("SUSPENDED"));
    let standing = cloud.platform.standing(account).await.unwrap().unwrap();
    assert!(standing.suspended);
    let twice = cloud.err::<op::CloseAccount>(&master(), close()).await;
    assert!(twice.starts_with("AccountAlreadyClosedException"), "{twice}");
    // Nobody reaches what it has.
    let admin = cloud.user(master().account, "admin", EVERYTHING).await;
    let refused = cloud.assume(&admin, account, "OrganizationAccountAccessRole").await.unwrap_err();
    assert_eq!(refused.code(), "AccessDenied");

    cloud.platform.env.clock.advance(DAY * 89);
    cloud.settle().await;
    assert_eq!(status().await.unwrap().as_deref(), Some("SUSPENDED"));
    cloud.platform.env.clock.advance(DAY * 2);
    cloud.settle().await;
    assert_eq!(status().await.unwrap_err().code(), "AccountNotFoundException");
    assert!(cloud.platform.standing(account).await.unwrap().unwrap().suspended, "for good");
    let management = s::CloseAccountRequest { account_id: master().account.to_string() };
    let refused = cloud.err::<op::CloseAccount>(&master(), management).await;
    assert_eq!(refused, "ConstraintViolationException CANNOT_CLOSE_MANAGEMENT_ACCOUNT");
}

#[tokio::test]
async fn closures_have_a_quota_of_thirty_days() {
    let cloud = Cloud::organized().await;
    let mut accounts = Vec::new();
    for n in 0..12 {
        accounts.push(cloud.account(&format!("a{n}")).await.to_string());
    }
    let close = |n: usize| s::CloseAccountRequest { account_id: accounts[n].clone() };
    for n in 0..3 {
        cloud.ok::<op::CloseAccount>(&master(), close(n)).await;
    }
    let busy = cloud.err::<op::CloseAccount>(&master(), close(3)).await;
    assert_eq!(busy, "ConstraintViolationException CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED");
    for n in 3..10 {
        cloud.settle().await;
        cloud.ok::<op::CloseAccount>(&master(), close(n)).await;
    }
    cloud.settle().await;
    let full = cloud.err::<op::CloseAccount>(&master(), close(10)).await;
    assert_eq!(full, "ConstraintViolationException CLOSE_ACCOUNT_QUOTA_EXCEEDED");
    cloud.platform.env.clock.advance(DAY * 31);
    cloud.ok::<op::CloseAccount>(&master(), close(10)).await;
}

/// The steps of a creation, each followed by a crash: what is seen after it is nothing or the whole account.
#[tokio::test]
async fn no_half_account_is_left_by_a_crash() {
    let cloud = Cloud::organized().await;
    let status =
        cloud.ok::<op::CreateAccount>(&master(), creation("one")).await.create_account_status.unwrap();
    // Before the reconciler ran: the request is there, the account is not.
    let list = cloud.ok::<op::ListAccounts>(&master(), Default::default()).await.accounts.unwrap();
    assert_eq!(list.len(), 1);
    // Another process opens the same store, and finishes what was begun; once more changes nothing.
    let reopened = Cloud::over(cloud.platform.store.clone(), 9).await;
    reopened.settle().await;
    reopened.settle().await;
    let describe = s::DescribeCreateAccountStatusRequest { create_account_request_id: status.id.unwrap() };
    let status = reopened.ok::<op::DescribeCreateAccountStatus>(&master(), describe).await;
    assert_eq!(status.create_account_status.unwrap().state.as_deref(), Some("SUCCEEDED"));
    let list = reopened.ok::<op::ListAccounts>(&master(), Default::default()).await.accounts.unwrap();
    assert_eq!(list.len(), 2);
}

#[tokio::test]
async fn a_removed_account_stands_alone() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let account = cloud.account("one").await;
    let deny = cloud.policy("SERVICE_CONTROL_POLICY", "west", super::cloud::NOT_IN_THE_WEST).await;
    cloud.attach(&deny, &root).await;
    cloud.queue("us-west-2", &Caller::root(account), "q").await.unwrap_err();
    let remove = || s::RemoveAccountFromOrganizationRequest { account_id: account.to_string() };
    cloud.ok::<op::RemoveAccountFromOrganization>(&master(), remove()).await;
    cloud.queue("us-west-2", &Caller::root(account), "q").await.unwrap();
    let gone = cloud.err::<op::RemoveAccountFromOrganization>(&master(), remove()).await;
    assert!(gone.starts_with("AccountNotFoundException"), "{gone}");
}
