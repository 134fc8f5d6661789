//! What an organization's policies leave of a call, and what the end of an account does to it.

use std::sync::Arc;

use haneul_base::AccountId;
use haneul_kit::directory::NamedPolicy;
use haneul_kit::{BoxFuture, Membership, Organization, Policy, Result, Standing};
use haneul_policy::Rules;

use crate::world::{Answer, ROOT, USER, World};

/// The same for every account.
struct Everywhere(Standing);

impl Organization for Everywhere {
    fn in_use(&self) -> bool {
        true
    }

    fn standing(&self, _: AccountId) -> BoxFuture<'_, Result<Option<Arc<Standing>>>> {
        Box::pin(async { Ok(Some(Arc::new(self.0.clone()))) })
    }
}

const ALL: &str = r#""Effect":"Allow","Action":"*","Resource":"*""#;

fn level(name: &str, statement: &str, rules: &Rules) -> Vec<NamedPolicy> {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#);
    let policy = Arc::new(Policy::parse(&text, rules).unwrap());
    vec![NamedPolicy { name: format!("arn:aws:organizations::1:policy/o-1/{name}"), policy }]
}

fn world(scps: &[&str], rcps: &[&str]) -> World {
    let world = World::with(false, &format!(r#"{{"Version":"2012-10-17","Statement":[{{{ALL}}}]}}"#));
    let membership = Membership {
        organization_id: "o-1".into(),
        management_account: AccountId::new(1).unwrap(),
        path: "o-1/r-1/".into(),
        scp_levels: scps.iter().map(|scp| level("p-scp", scp, &Rules::IDENTITY)).collect(),
        rcp_levels: rcps.iter().map(|rcp| level("p-rcp", rcp, &Rules::RESOURCE)).collect(),
        trusted_services: Vec::new(),
        delegated_services: Vec::new(),
    };
    let standing = Standing { suspended: false, membership: Some(membership) };
    world.cloud.platform().set_organization(Arc::new(Everywhere(standing)));
    world
}

async fn send(world: &World, who: haneul_sigv4::Credentials<'_>) -> Answer {
    let body = r#"{"QueueUrl":"http://localhost:4566/000000000000/q","MessageBody":"b"}"#;
    world.json(who, "sqs", "AmazonSQS.SendMessage", body).await
}

#[tokio::test]
async fn every_level_must_allow_for_root_and_users_alike() {
    for who in [ROOT, USER] {
        let open = world(&[ALL, ALL], &[]);
        assert_eq!(send(&open, who).await.status, 200);
        let half = world(&[ALL, r#""Effect":"Allow","Action":"s3:*","Resource":"*""#], &[]);
        let refused = send(&half, who).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        let why = "because no service control policy allows the sqs:sendmessage action";
        assert!(refused.body.contains(why), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_denial_names_the_policy() {
    let region = r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#;
    let refused = send(&world(&[ALL, region], &[]), ROOT).await;
    let why = "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/p-scp";
    assert!(refused.body.contains(why), "{}", refused.body);
    let rcp = r#""Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*""#;
    let refused = send(&world(&[ALL], &[rcp]), ROOT).await;
    let why = "with an explicit deny in a resource control policy: arn:aws:organizations::1:policy/o-1/p-rcp";
    assert!(refused.body.contains(why), "{}", refused.body);
}

#[tokio::test]
async fn a_closed_account_has_no_credentials() {
    let world = World::new();
    let standing = Standing { suspended: true, membership: None };
    world.cloud.platform().set_organization(Arc::new(Everywhere(standing)));
    let refused = send(&world, ROOT).await;
    assert_eq!(refused.code(), "InvalidClientTokenId", "{}", refused.body);
    let request = http::Request::get("/bucket/key");
    let refused = world.signed(ROOT, "s3", request, "").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "AccountProblem"));
}

#[tokio::test]
async fn conditions_know_the_organization() {
    let scp = |condition: &str| {
        format!(r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{{{condition}}}"#)
    };
    let cases = [
        (r#""StringEquals":{"aws:PrincipalOrgID":"o-1","aws:ResourceOrgID":"o-1"}"#, true),
        (r#""StringEquals":{"aws:PrincipalOrgID":"o-2"}"#, false),
        (
            r#""ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-1/r-1/*","aws:ResourceOrgPaths":"o-1/*"}"#,
            true,
        ),
        (r#""StringEquals":{"aws:PrincipalOrgMasterAccount":"000000000001"}"#, true),
        (r#""Null":{"aws:SourceOrgID":"true","aws:AssumedRoot":"true"}"#, true),
    ];
    for (condition, denied) in cases {
        let answer = send(&world(&[&format!("{ALL}}},{{{}", scp(condition))], &[]), USER).await;
        assert_eq!(answer.status == 403, denied, "{condition}: {}", answer.body);
    }
}
