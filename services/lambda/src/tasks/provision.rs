use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::Lambda;
use crate::names::{FunctionName, Named};

/// Environments that are kept ready, by function and by version or alias, as far as this run has started them.
#[derive(Default)]
pub(crate) struct Provisioned(Mutex<HashMap<(FunctionName, String), Ready>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    setting: u64,
    pub(crate) environments: u32,
    /// Why they could not be started.
    pub(crate) failed: Option<String>,
}

impl Provisioned {
    pub(crate) fn of(&self, function: &FunctionName, qualifier: &str) -> Option<Ready> {
        self.0.lock().get(&(function.clone(), qualifier.to_owned())).cloned()
    }
}

/// Starts environments ahead of calls.
pub(crate) struct Provision(pub(crate) Arc<Lambda>);

impl Provision {
    async fn run(&self) -> Result<Option<Instant>> {
        let lambda = &self.0;
        let mut wanted = BTreeMap::new();
        for (function, record) in lambda.records.provisioned().await? {
            for (qualifier, provisioned) in record.provisioned {
                wanted.insert((function.clone(), qualifier), provisioned.requested);
            }
        }
        let gone: Vec<_> = {
            let ready = lambda.provisioned.0.lock();
            ready.keys().filter(|key| !wanted.contains_key(key)).cloned().collect()
        };
        for key in gone {
            lambda.provisioned.0.lock().remove(&key);
            let _ = lambda.keep_ready(&key.0, &key.1, 0).await;
        }
        for ((function, qualifier), environments) in wanted {
            let Ok(target) = lambda.target(&named(&function, &qualifier)).await else { continue };
            let setting = target.version.setting;
            let is_ready = lambda
                .provisioned
                .of(&function, &qualifier)
                .is_some_and(|ready| ready.setting == setting && ready.environments == environments);
            if is_ready {
                continue;
            }
            let failed = lambda.keep_ready(&function, &qualifier, environments).await.err();
            let failed = failed.map(|error| error.message().to_owned());
            let ready = Ready { setting, environments, failed };
            lambda.provisioned.0.lock().insert((function, qualifier), ready);
        }
        Ok(None)
    }
}

fn named(function: &FunctionName, qualifier: &str) -> Named {
    Named { function: function.clone(), qualifier: Some(qualifier.to_owned()) }
}

impl Lambda {
    async fn keep_ready(&self, function: &FunctionName, qualifier: &str, environments: u32) -> Result<()> {
        let target = self.ready(self.target(&named(function, qualifier)).await?).await?;
        let spec = self.spec(&target).await?;
        self.executor.provision(spec, environments).await.map_err(crate::invoke::exec_error)
    }
}

impl Reconciler for Provision {
    fn name(&self) -> &'static str {
        "lambda provision"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.0.wake.provision
    }
}
