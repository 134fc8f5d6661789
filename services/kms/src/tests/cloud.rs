use std::sync::Arc;
use std::time::Duration;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Region, Result, Seal};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use haneul_shape::value::Map;
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
        let services =
            vec![haneul_iam::service(&platform).await.unwrap(), crate::service(&platform).await.unwrap()];
        let models = [&haneul_iam_wire::SERVICE, &haneul_kms_wire::SERVICE];
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

    pub(super) async fn ok<O: Operation>(&self, caller: &Caller, input: O::Input) -> O::Output {
        self.call::<O>(caller, input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, caller: &Caller, input: O::Input) -> String {
        match self.call::<O>(caller, input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    pub(super) fn advance_days(&self, days: u64) {
        self.platform.env.clock.advance(Duration::from_secs(days * 86_400));
    }

    /// A symmetric key of root's.
    pub(super) async fn key(&self) -> s::KeyMetadata {
        self.make(s::CreateKeyRequest::default()).await
    }

    pub(super) async fn make(&self, input: s::CreateKeyRequest) -> s::KeyMetadata {
        self.ok::<op::CreateKey>(&root(OURS), input).await.key_metadata.unwrap()
    }

    pub(super) async fn describe(&self, key_id: &str) -> s::KeyMetadata {
        let input = s::DescribeKeyRequest { key_id: key_id.into(), ..Default::default() };
        self.ok::<op::DescribeKey>(&root(OURS), input).await.key_metadata.unwrap()
    }

    pub(super) async fn encrypt(&self, key_id: &str, text: &str) -> haneul_shape::Bytes {
        let made = self.ok::<op::Encrypt>(&root(OURS), encrypt(key_id, text)).await;
        made.ciphertext_blob.unwrap()
    }

    pub(super) async fn decrypt(&self, blob: &haneul_shape::Bytes) -> Result<String> {
        let opened = self.call::<op::Decrypt>(&root(OURS), decrypt(blob)).await?;
        Ok(String::from_utf8(opened.plaintext.unwrap().to_vec()).unwrap())
    }

    /// A user with an inline policy, as the caller that its key would make it.
    pub(super) async fn user(&self, account: u64, name: &str, statement: Option<&str>) -> Caller {
        let root = root(account);
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.ok::<iam::CreateUser>(&root, create).await;
        if let Some(statement) = statement {
            let put = i::PutUserPolicyRequest {
                user_name: name.into(),
                policy_name: "own".into(),
                policy_document: policy(statement),
            };
            self.ok::<iam::PutUserPolicy>(&root, put).await;
        }
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.ok::<iam::CreateAccessKey>(&root, key).await.access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }
}

pub(super) fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statements}}}]}}"#)
}

pub(super) fn encrypt(key_id: &str, text: &str) -> s::EncryptRequest {
    s::EncryptRequest {
        key_id: key_id.into(),
        plaintext: text.as_bytes().to_vec().into(),
        ..Default::default()
    }
}

pub(super) fn decrypt(blob: &haneul_shape::Bytes) -> s::DecryptRequest {
    s::DecryptRequest { ciphertext_blob: Some(blob.clone()), ..Default::default() }
}

pub(super) fn context(pairs: &[(&str, &str)]) -> Option<Map<String>> {
    Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}
