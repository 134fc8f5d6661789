use std::sync::Arc;

use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Reconciler, Region, Result, Seal};
use haneul_store::Store;

pub(super) struct Cloud {
    pub platform: Platform,
    reconcilers: Vec<Arc<dyn Reconciler>>,
    _front: Arc<Front>,
}

pub(super) fn root() -> Caller {
    Caller::root(AccountId::new(111_111_111_111).unwrap())
}

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(3);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
        let services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_s3::service(&platform).await.unwrap(),
            haneul_sqs::service(&platform).await.unwrap(),
            haneul_organizations::service(&platform).await.unwrap(),
            crate::service(&platform).await.unwrap(),
        ];
        let own = services[3].reconcilers().iter().chain(services[4].reconcilers());
        let reconcilers = own.cloned().collect();
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_s3_wire::SERVICE,
            &haneul_sqs_wire::SERVICE,
            &haneul_organizations_wire::SERVICE,
            &haneul_accessanalyzer_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Cloud { platform, reconcilers, _front: front }
    }

    /// Lets scans and the like run that are due.
    pub(super) async fn settle(&self) {
        for reconciler in &self.reconcilers {
            reconciler.reconcile().await.unwrap();
        }
    }

    pub(super) async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(), input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(&root(), input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    /// The ARN of a new analyzer that has looked at everything once.
    pub(super) async fn analyzer(&self, kind: &str) -> String {
        let create =
            s::CreateAnalyzerRequest { analyzer_name: "a".into(), r#type: kind.into(), ..Default::default() };
        let arn = self.ok::<op::CreateAnalyzer>(create).await.arn.unwrap();
        self.settle().await;
        arn
    }

    pub(super) async fn findings(&self, arn: &str) -> Vec<s::FindingSummary> {
        let list = s::ListFindingsRequest { analyzer_arn: arn.into(), ..Default::default() };
        self.ok::<op::ListFindings>(list).await.findings
    }
}
