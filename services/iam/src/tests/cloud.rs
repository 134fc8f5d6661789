//! One cloud for a test: IAM alone, called as the front door would after everything was allowed.

use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_kit::cx::Parts;
use haneul_kit::platform::{Config, RootKey};
use haneul_kit::{
    Access, AccountId, Caller, Cx, Directory, Handle, Operation, Platform, Principal, Region, Result, Seal,
};
use haneul_store::Store;

use crate::Iam;

pub(super) struct Cloud {
    pub iam: Arc<Iam>,
    pub platform: Platform,
    pub caller: Caller,
}

pub(super) const ACCOUNT: u64 = 123_456_789_012;

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(1);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let account = AccountId::new(ACCOUNT).unwrap();
        let root = RootKey { account, access_key_id: "test".into(), secret_access_key: "test".into() };
        let config = Config { root_keys: vec![root], relaxed: false };
        let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
        let iam = Arc::new(Iam::open(&platform).await.unwrap());
        platform.set_directory(iam.directory.clone());
        Cloud { iam, platform, caller: Caller::root(account) }
    }

    pub(super) fn directory(&self) -> &Arc<dyn Directory> {
        self.platform.directory()
    }

    pub(super) fn cx(&self) -> Cx {
        Cx::new(Parts::within("0", self.caller.clone(), Region::US_EAST_1, self.platform.env.now()))
    }

    /// The call, with no question of permission.
    pub(super) async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output>
    where
        Iam: Handle<O>,
    {
        Handle::<O>::call(&*self.iam, &self.cx(), input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output
    where
        Iam: Handle<O>,
    {
        self.call::<O>(input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    pub(super) async fn access<O: Operation>(&self, input: &O::Input) -> Result<Vec<Access>>
    where
        Iam: Handle<O>,
    {
        Handle::<O>::access(&*self.iam, &self.cx(), input).await
    }

    pub(super) fn user(&self, path: &str, name: &str, id: &str) -> Caller {
        Caller {
            principal: Principal::User { path: path.into(), name: name.into(), id: id.into() },
            ..self.caller.clone()
        }
    }
}

pub(super) const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// A trust policy for this principal.
pub(super) fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}
