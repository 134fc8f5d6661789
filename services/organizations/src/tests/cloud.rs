use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Reconciler, Region, Result, Seal, session_token};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes as q;
use haneul_store::Store;
use haneul_sts_wire::operations as sts;
use haneul_sts_wire::shapes as t;

pub(super) struct Cloud {
    pub platform: Platform,
    reconciler: Arc<dyn Reconciler>,
    _front: Arc<Front>,
}

/// The root user of the management account.
pub(super) fn master() -> Caller {
    Caller::root(AccountId::new(111_111_111_111).unwrap())
}

/// The root user of an account outside.
pub(super) fn stranger() -> Caller {
    Caller::root(AccountId::new(222_222_222_222).unwrap())
}

impl Cloud {
    pub(super) async fn new() -> Cloud {
        Cloud::over(Store::memory(), 5).await
    }

    pub(super) async fn over(store: Store, seed: u64) -> Cloud {
        let env = Env::simulated(seed);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), store, Blobs::memory(&env), None, seal, config);
        let own = crate::service(&platform).await.unwrap();
        let reconciler = own.reconcilers()[0].clone();
        let services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_sts::service(&platform).await.unwrap(),
            haneul_sqs::service(&platform).await.unwrap(),
            own,
        ];
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_sts_wire::SERVICE,
            &haneul_sqs_wire::SERVICE,
            &haneul_organizations_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Cloud { platform, reconciler, _front: front }
    }

    /// With an organization of all features.
    pub(super) async fn organized() -> Cloud {
        let cloud = Cloud::new().await;
        cloud.ok::<op::CreateOrganization>(&master(), Default::default()).await;
        cloud.enable("SERVICE_CONTROL_POLICY").await;
        cloud
    }

    pub(super) async fn settle(&self) {
        self.reconciler.reconcile().await.unwrap();
    }

    pub(super) async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.call_in::<O>("us-east-1", caller, input).await
    }

    pub(super) async fn call_in<O: Operation>(
        &self,
        region: &str,
        caller: &Caller,
        input: O::Input,
    ) -> Result<O::Output> {
        let region: Region = region.parse().unwrap();
        self.platform.bus.call::<O>(caller.clone(), region, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, caller: &Caller, input: O::Input) -> O::Output {
        self.call::<O>(caller, input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`, with the reason of the exceptions that have one.
    pub(super) async fn err<O: Operation>(&self, caller: &Caller, input: O::Input) -> String {
        let Err(error) = self.call::<O>(caller, input).await else { panic!("{} went through", O::NAME) };
        let detail = error.detail().map(|detail| {
            let reason = detail.downcast_ref::<s::ConstraintViolationException>().map(|d| d.reason.clone());
            let reason = reason
                .or_else(|| detail.downcast_ref::<s::InvalidInputException>().map(|d| d.reason.clone()))
                .or_else(|| {
                    let shape = detail.downcast_ref::<s::HandshakeConstraintViolationException>();
                    shape.map(|d| d.reason.clone())
                });
            reason.flatten().unwrap_or_default()
        });
        match detail {
            Some(reason) if !reason.is_empty() => format!("{} {reason}", error.code()),
            _ => format!("{}: {}", error.code(), error.message()),
        }
    }

    pub(super) async fn root_id(&self) -> String {
        let roots = self.ok::<op::ListRoots>(&master(), Default::default()).await.roots;
        roots.unwrap()[0].id.clone().unwrap()
    }

    pub(super) async fn unit(&self, parent: &str, name: &str) -> String {
        let create =
            s::CreateOrganizationalUnitRequest { parent_id: parent.into(), name: name.into(), tags: None };
        let made = self.ok::<op::CreateOrganizationalUnit>(&master(), create).await;
        made.organizational_unit.unwrap().id.unwrap()
    }

    /// A new account under the root.
    pub(super) async fn account(&self, name: &str) -> AccountId {
        let status =
            self.ok::<op::CreateAccount>(&master(), creation(name)).await.create_account_status.unwrap();
        assert_eq!(status.state.as_deref(), Some("IN_PROGRESS"));
        self.settle().await;
        let describe =
            s::DescribeCreateAccountStatusRequest { create_account_request_id: status.id.unwrap() };
        let status = self.ok::<op::DescribeCreateAccountStatus>(&master(), describe).await;
        let status = status.create_account_status.unwrap();
        assert_eq!(status.state.as_deref(), Some("SUCCEEDED"), "{:?}", status.failure_reason);
        status.account_id.unwrap().parse().unwrap()
    }

    pub(super) async fn policy(&self, kind: &str, name: &str, content: &str) -> String {
        let create = s::CreatePolicyRequest {
            content: content.into(),
            description: String::new(),
            name: name.into(),
            r#type: kind.into(),
            tags: None,
        };
        let made = self.ok::<op::CreatePolicy>(&master(), create).await;
        made.policy.unwrap().policy_summary.unwrap().id.unwrap()
    }

    pub(super) async fn attach(&self, policy: &str, target: &str) {
        let attach = s::AttachPolicyRequest { policy_id: policy.into(), target_id: target.into() };
        self.ok::<op::AttachPolicy>(&master(), attach).await;
    }

    pub(super) async fn detach(&self, policy: &str, target: &str) {
        let detach = s::DetachPolicyRequest { policy_id: policy.into(), target_id: target.into() };
        self.ok::<op::DetachPolicy>(&master(), detach).await;
    }

    pub(super) async fn enable(&self, kind: &str) {
        let enable = s::EnablePolicyTypeRequest { root_id: self.root_id().await, policy_type: kind.into() };
        self.ok::<op::EnablePolicyType>(&master(), enable).await;
    }

    pub(super) async fn move_to(&self, account: AccountId, from: &str, to: &str) {
        let input = s::MoveAccountRequest {
            account_id: account.to_string(),
            source_parent_id: from.into(),
            destination_parent_id: to.into(),
        };
        self.ok::<op::MoveAccount>(&master(), input).await;
    }

    /// Whether the caller may make a queue.
    pub(super) async fn queue(&self, region: &str, caller: &Caller, name: &str) -> Result<()> {
        let create = q::CreateQueueRequest { queue_name: name.into(), ..Default::default() };
        self.call_in::<sqs::CreateQueue>(region, caller, create).await.map(drop)
    }

    /// A user of the account, with this inline policy.
    pub(super) async fn user(&self, account: AccountId, name: &str, statement: &str) -> Caller {
        let root = Caller::root(account);
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.ok::<iam::CreateUser>(&root, create).await;
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: policy(statement),
        };
        self.ok::<iam::PutUserPolicy>(&root, put).await;
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.ok::<iam::CreateAccessKey>(&root, key).await.access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }

    pub(super) async fn assume(&self, caller: &Caller, account: AccountId, role: &str) -> Result<Caller> {
        let assume = t::AssumeRoleRequest {
            role_arn: format!("arn:aws:iam::{account}:role/{role}"),
            role_session_name: "work".into(),
            ..Default::default()
        };
        let made = self.call::<sts::AssumeRole>(caller, assume).await?.credentials.unwrap();
        let now = self.platform.env.now();
        let opened = session_token::open(&self.platform.seal, &made.session_token, &made.access_key_id, now);
        Ok(opened.unwrap().caller)
    }

    pub(super) async fn empty<O: Operation<Input = Empty>>(&self, caller: &Caller) -> O::Output {
        self.ok::<O>(caller, Empty).await
    }
}

pub(super) fn creation(name: &str) -> s::CreateAccountRequest {
    s::CreateAccountRequest {
        email: format!("{name}@example.org"),
        account_name: name.into(),
        ..Default::default()
    }
}

/// A policy of one statement.
pub(super) fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}

pub(super) const EVERYTHING: &str = r#""Effect":"Allow","Action":"*","Resource":"*""#;

pub(super) const NOT_IN_THE_WEST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-west-2"}}}]}"#;
