//! The cloud around the service: IAM, KMS, S3 and the front's layers, in one process.

use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Reconciler, Region, Result, Seal};
use haneul_store::Store;

pub(super) struct Cloud {
    pub(super) platform: Platform,
    reconcilers: Vec<Arc<dyn Reconciler>>,
    _front: Arc<Front>,
}

const ACCOUNT: u64 = 111_111_111_111;

pub(super) fn root() -> Caller {
    Caller::root(AccountId::new(ACCOUNT).unwrap())
}

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(5);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
        let mut services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_kms::service(&platform).await.unwrap(),
        ];
        services.extend(haneul_s3::services(&platform).await.unwrap());
        let ours = crate::services(&platform).await.unwrap();
        let reconcilers = ours.iter().flat_map(|service| service.reconcilers()).cloned().collect();
        services.extend(ours);
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_kms_wire::SERVICE,
            &haneul_s3_wire::SERVICE,
            &haneul_dynamodb_wire::SERVICE,
            &haneul_dynamodbstreams_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Cloud { platform, reconcilers, _front: front }
    }

    pub(super) async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(), input).await.unwrap()
    }

    pub(super) async fn settle(&self) {
        for reconciler in &self.reconcilers {
            reconciler.reconcile().await.unwrap();
        }
    }
}
