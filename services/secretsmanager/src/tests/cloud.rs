use std::sync::Arc;
use std::time::Duration;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Region, Result, Seal};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;
use haneul_store::Store;

pub(super) struct Cloud {
    pub(super) platform: Platform,
    _front: Arc<Front>,
}

pub(super) const OURS: u64 = 111_111_111_111;
pub(super) const THEIRS: u64 = 222_222_222_222;

pub(super) fn root(account: u64) -> Caller {
    Caller::root(AccountId::new(account).unwrap())
}

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(5);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
        let services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_kms::service(&platform).await.unwrap(),
            crate::service(&platform).await.unwrap(),
        ];
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_kms_wire::SERVICE,
            &haneul_lambda_wire::SERVICE,
            &haneul_secretsmanager_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Cloud { platform, _front: front }
    }

    pub(super) async fn call_in<O: Operation>(
        &self,
        caller: &Caller,
        region: &str,
        input: O::Input,
    ) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), region.parse().unwrap(), None, input).await
    }

    pub(super) async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(OURS), input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(&root(OURS), input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    pub(super) fn advance_days(&self, days: u64) {
        self.platform.env.clock.advance(Duration::from_secs(days * 86_400));
    }

    pub(super) async fn create(&self, name: &str, text: &str) -> s::CreateSecretResponse {
        self.ok::<op::CreateSecret>(create(name, text)).await
    }

    pub(super) async fn put(&self, name: &str, text: &str) -> String {
        let input = s::PutSecretValueRequest {
            secret_id: name.into(),
            secret_string: Some(text.into()),
            ..Default::default()
        };
        self.ok::<op::PutSecretValue>(input).await.version_id.unwrap()
    }

    pub(super) async fn get(&self, id: &str, stage: Option<&str>) -> Result<s::GetSecretValueResponse> {
        let input = s::GetSecretValueRequest {
            secret_id: id.into(),
            version_stage: stage.map(str::to_owned),
            ..Default::default()
        };
        self.call::<op::GetSecretValue>(&root(OURS), input).await
    }

    pub(super) async fn text(&self, id: &str, stage: Option<&str>) -> String {
        self.get(id, stage).await.unwrap().secret_string.unwrap()
    }

    /// A user with an inline policy, as the caller that its key would make it.
    pub(super) async fn user(&self, account: u64, name: &str, statement: &str) -> Caller {
        let root = root(account);
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.call::<iam::CreateUser>(&root, create).await.unwrap();
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#),
        };
        self.call::<iam::PutUserPolicy>(&root, put).await.unwrap();
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.call::<iam::CreateAccessKey>(&root, key).await.unwrap().access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }
}

pub(super) fn create(name: &str, text: &str) -> s::CreateSecretRequest {
    s::CreateSecretRequest { name: name.into(), secret_string: Some(text.into()), ..Default::default() }
}
