//! Two accounts and what the organization leaves them.

use haneul_kit::Caller;
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes as q;
use haneul_store::Reads;

use crate::model::POLICIES;

use super::cloud::{Cloud, EVERYTHING, NOT_IN_THE_WEST, master, policy};

const SCP: &str = "SERVICE_CONTROL_POLICY";
const RCP: &str = "RESOURCE_CONTROL_POLICY";

#[tokio::test]
async fn an_scp_denies_a_region_to_everybody_but_the_management_account() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let account = cloud.account("one").await;
    let user = cloud.user(account, "ann", EVERYTHING).await;
    let own = cloud.user(master().account, "boss", EVERYTHING).await;
    let scp = cloud.policy(SCP, "west", NOT_IN_THE_WEST).await;
    cloud.attach(&scp, &root).await;
    for caller in [&user, &Caller::root(account)] {
        cloud.queue("us-east-1", caller, "q").await.unwrap();
        let refused = cloud.queue("us-west-2", caller, "q").await.unwrap_err();
        let expected = format!(
            "User: {} is not authorized to perform: sqs:createqueue on resource: arn:aws:sqs:us-west-2:{account}:q \
             with an explicit deny in a service control policy: arn:aws:organizations::111111111111:policy/",
            caller.arn()
        );
        assert!(refused.message().starts_with(&expected), "{refused}");
        assert!(refused.message().ends_with(&format!("/service_control_policy/{scp}")), "{refused}");
    }
    for caller in [&own, &master()] {
        cloud.queue("us-west-2", caller, "q").await.unwrap();
    }
    cloud.detach(&scp, &root).await;
    cloud.queue("us-west-2", &user, "q").await.unwrap();
}

#[tokio::test]
async fn every_level_must_allow() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let unit = cloud.unit(&root, "unit").await;
    let account = cloud.account("one").await;
    let member = Caller::root(account);
    let only_iam = policy(r#""Effect":"Allow","Action":"iam:*","Resource":"*""#);
    let only_iam = cloud.policy(SCP, "iam", &only_iam).await;
    cloud.attach(&only_iam, &unit).await;
    cloud.detach("p-FullAWSAccess", &unit).await;
    cloud.queue("us-east-1", &member, "a").await.unwrap();
    cloud.move_to(account, &root, &unit).await;
    let refused = cloud.queue("us-east-1", &member, "b").await.unwrap_err();
    let why = "because no service control policy allows the sqs:createqueue action";
    assert!(refused.message().ends_with(why), "{refused}");
    cloud.user(account, "ann", EVERYTHING).await;
    // The content of a policy counts from the next call on.
    let wider = policy(r#""Effect":"Allow","Action":["iam:*","sqs:*"],"Resource":"*""#);
    let update = s::UpdatePolicyRequest { policy_id: only_iam, content: Some(wider), ..Default::default() };
    cloud.ok::<op::UpdatePolicy>(&master(), update).await;
    cloud.queue("us-east-1", &member, "b").await.unwrap();
}

#[tokio::test]
async fn an_rcp_guards_queues_and_roles_of_members() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let account = cloud.account("one").await;
    let admin = cloud.user(master().account, "admin", EVERYTHING).await;
    let queue = async |owner: &Caller| {
        let statement = r#""Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*""#;
        let attributes = [("Policy".to_owned(), policy(statement))].into_iter().collect();
        let create = q::CreateQueueRequest {
            queue_name: "open".into(),
            attributes: Some(attributes),
            ..Default::default()
        };
        cloud.ok::<sqs::CreateQueue>(owner, create).await.queue_url.unwrap()
    };
    let theirs = queue(&Caller::root(account)).await;
    let ours = queue(&master()).await;
    let send = async |caller: &Caller, url: &str| {
        let send =
            q::SendMessageRequest { queue_url: url.into(), message_body: "b".into(), ..Default::default() };
        cloud.call::<sqs::SendMessage>(caller, send).await.map(drop)
    };
    let outsider = cloud.user(super::cloud::stranger().account, "eve", EVERYTHING).await;
    send(&outsider, &theirs).await.unwrap();

    cloud.enable(RCP).await;
    send(&outsider, &theirs).await.unwrap();
    let statement = r#""Effect":"Deny","Principal":"*","Action":["sqs:*","sts:AssumeRole"],"Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalAccount":"ME"}}"#;
    let rcp = policy(&statement.replace("ME", &account.to_string()));
    let rcp = cloud.policy(RCP, "own", &rcp).await;
    cloud.attach(&rcp, &root).await;
    // Whoever calls: from outside, from the management account, or to the management account's own.
    for caller in [&outsider, &admin] {
        let refused = send(caller, &theirs).await.unwrap_err();
        assert_eq!(refused.code(), "AccessDenied", "{refused}");
        send(caller, &ours).await.unwrap();
    }
    send(&Caller::root(account), &theirs).await.unwrap();
    cloud.assume(&admin, account, "OrganizationAccountAccessRole").await.unwrap_err();
    cloud.detach(&rcp, &root).await;
    cloud.assume(&admin, account, "OrganizationAccountAccessRole").await.unwrap();
    send(&outsider, &theirs).await.unwrap();
}

#[tokio::test]
async fn a_policy_that_was_accepted_once_goes_on_binding() {
    let cloud = Cloud::organized().await;
    let account = cloud.account("one").await;
    let deny = |resource: &str| {
        policy(&format!(r#""Effect":"Deny","Action":"sqs:CreateQueue","Resource":["*","{resource}"]"#))
    };
    let id = cloud.policy(SCP, "no", &deny("arn:aws:s3:::bucket")).await;
    cloud.attach(&id, &account.to_string()).await;
    let in_a_region = deny("arn:aws:s3:us-east-1:000000000000:bucket");
    let update = s::UpdatePolicyRequest {
        policy_id: id.clone(),
        content: Some(in_a_region.clone()),
        ..Default::default()
    };
    let refused = cloud.err::<op::UpdatePolicy>(&master(), update).await;
    assert!(refused.starts_with("MalformedPolicyDocumentException"), "{refused}");
    let organization =
        cloud.empty::<op::DescribeOrganization>(&master()).await.organization.unwrap().id.unwrap();
    let (at, content) = (&(organization.as_str(), id.as_str()), &in_a_region);
    cloud
        .platform
        .store
        .transact(|tx| async move {
            let mut policy = tx.get(&POLICIES, at).await?.unwrap();
            policy.content.clone_from(content);
            Ok::<(), haneul_kit::ApiError>(tx.put(&POLICIES, at, &policy)?)
        })
        .await
        .unwrap();
    let refused = cloud.queue("us-east-1", &Caller::root(account), "q").await.unwrap_err();
    assert_eq!(refused.code(), "AccessDenied", "{refused}");
}

#[tokio::test]
async fn a_denial_in_the_own_account_names_the_rcp() {
    let cloud = Cloud::organized().await;
    let account = cloud.account("one").await;
    cloud.enable(RCP).await;
    let rcp = policy(r#""Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*""#);
    let rcp = cloud.policy(RCP, "no", &rcp).await;
    cloud.attach(&rcp, &account.to_string()).await;
    let refused = cloud.queue("us-east-1", &Caller::root(account), "q").await.unwrap_err();
    assert!(
        refused.message().contains("with an explicit deny in a resource control policy: arn:aws:"),
        "{refused}"
    );
    assert!(refused.message().ends_with(&rcp), "{refused}");
}

#[tokio::test]
async fn standing_tells_organization_and_path() {
    let cloud = Cloud::new().await;
    assert!(cloud.platform.organization().is_none(), "nobody pays before there is an organization");
    cloud.ok::<op::CreateOrganization>(&master(), Default::default()).await;
    cloud.enable(SCP).await;
    let root = cloud.root_id().await;
    let unit = cloud.unit(&root, "unit").await;
    let account = cloud.account("one").await;
    cloud.move_to(account, &root, &unit).await;
    let standing = cloud.platform.standing(account).await.unwrap().unwrap();
    let membership = standing.membership.as_ref().unwrap();
    assert_eq!(membership.path, format!("{}/{root}/{unit}/", membership.organization_id));
    assert_eq!(membership.scp_levels.len(), 3);
    assert!(membership.rcp_levels.is_empty());
    let standing = cloud.platform.standing(master().account).await.unwrap().unwrap();
    assert!(standing.membership.as_ref().unwrap().scp_levels.is_empty());
}
