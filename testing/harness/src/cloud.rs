use std::ops::Deref;
use std::sync::Arc;

use haneul_base::{AccountId, Region};
use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::Options;
use haneul_kit::platform::{Config, RootKey};
use haneul_kit::{Platform, Seal};
use haneul_store::Store;

use crate::transport::{InProcess, Tcp};
use crate::{Client, Transport};

/// A cloud under test. Calls are the default account's root user's; `with_key` and `other_account` give others'.
pub struct Cloud {
    root: Client,
    pub env: Env,
    /// `None` when the cloud runs elsewhere (`HANEUL_TEST_ENDPOINT`).
    inside: Option<Arc<haneul_front::Cloud>>,
}

/// A second account that exists in every cloud of the harness.
pub const OTHER_ACCOUNT: u64 = 111_122_223_333;

impl Cloud {
    /// The same run for the same seed; over HTTP when `HANEUL_TEST_ENDPOINT` (`127.0.0.1:4566`) is set.
    pub async fn new(seed: u64) -> Cloud {
        match std::env::var("HANEUL_TEST_ENDPOINT") {
            Ok(address) => {
                let env = Env::real();
                let transport = Arc::new(Tcp { address, env: env.clone() });
                Cloud { root: client(transport, "test", "test"), env, inside: None }
            }
            Err(_) => Cloud::in_process(seed).await,
        }
    }

    /// Always in this process, for tests that move the clock or look inside.
    pub async fn in_process(seed: u64) -> Cloud {
        let env = Env::simulated(seed);
        let platform = platform(&env);
        Cloud::over(platform).await
    }

    /// Over parts that the test chose, as a disk that it will crash.
    pub async fn over(platform: Platform) -> Cloud {
        let env = platform.env.clone();
        let services = haneul_registry::services(&platform).await.expect("every service starts");
        let inside =
            haneul_front::Cloud::new(platform, haneul_registry::MODELS, services, Options::default());
        inside.start_reconcilers();
        let transport = Arc::new(InProcess { cloud: inside.clone(), env: env.clone() });
        Cloud { root: client(transport, "test", "test"), env, inside: Some(inside) }
    }

    /// The root user of [`OTHER_ACCOUNT`].
    pub fn other_account(&self) -> Client {
        self.root.with_key("other", "other")
    }

    pub fn inside(&self) -> &Arc<haneul_front::Cloud> {
        self.inside.as_ref().expect("this test asked for a cloud in this process")
    }

    pub fn platform(&self) -> &Platform {
        self.inside().platform()
    }

    /// Lets every task that can run do so, as reconcilers after a change of the clock.
    pub async fn settle(&self) {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }
}

impl Deref for Cloud {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.root
    }
}

/// The platform of the harness: memory engines, root keys `test` and `other`.
pub fn platform(env: &Env) -> Platform {
    let key = |account: AccountId, name: &str| RootKey {
        account,
        access_key_id: name.to_owned(),
        secret_access_key: name.to_owned(),
    };
    let other = AccountId::new(OTHER_ACCOUNT).expect("twelve digits");
    let config =
        Config { root_keys: vec![key(AccountId::DEFAULT, "test"), key(other, "other")], relaxed: false };
    let seal = Seal::new(&env.rng.bytes(), env.rng.clone());
    Platform::new(env.clone(), Store::memory(), Blobs::memory(env), None, seal, config)
}

fn client(transport: Arc<dyn Transport>, access_key_id: &str, secret_access_key: &str) -> Client {
    Client {
        transport,
        access_key_id: access_key_id.into(),
        secret_access_key: secret_access_key.into(),
        session_token: None,
        region: Region::US_EAST_1,
        protocol: None,
        anonymous: false,
    }
}
