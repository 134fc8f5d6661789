use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{BoxFuture, Fault, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::Lambda;
use crate::capacity::ProviderName;
use crate::capacity::fleet::fleet;
use crate::exec::{ExecError, Fleet, Spec};
use crate::invoke::Target;
use crate::model::capacity::Scaling;
use crate::model::function::{State, Update, VersionRecord};
use crate::names::{FunctionName, Named, version_text};
use crate::store::capacity::Attached;

/// Versions whose environments this run keeps, or tries to.
#[derive(Default)]
pub(crate) struct Fleets(Mutex<HashMap<(FunctionName, u64), Running>>);

struct Running {
    spec_id: String,
    size: Fleet,
}

/// When environments that could not be started are asked after again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Keeps the environments of versions on capacity providers.
pub(crate) struct Capacity(pub(crate) Arc<Lambda>);

impl Capacity {
    async fn run(&self) -> Result<Option<Instant>> {
        let lambda = &self.0;
        let attached = lambda.records.attached().await?;
        let wanted: HashSet<_> = attached.iter().map(|one| (one.function.clone(), one.number)).collect();
        let gone: Vec<String> = {
            let mut running = lambda.fleets.0.lock();
            running.extract_if(|key, _| !wanted.contains(key)).map(|(_, one)| one.spec_id).collect()
        };
        for spec_id in gone {
            lambda.executor.retire(&spec_id).await;
        }
        let mut failed = None;
        for one in attached {
            // One that cannot be looked at keeps no other one waiting.
            failed = lambda.keep_version(&one).await.err().or(failed);
        }
        failed.map_or(Ok(None), Err)
    }
}

impl Lambda {
    async fn keep_version(&self, one: &Attached) -> Result<()> {
        let (function, number) = (&one.function, one.number);
        let key = (function.clone(), number);
        let Some(version) = self.records.version(function, number).await? else { return Ok(()) };
        let Some(record) = self.records.function(function).await? else { return Ok(()) };
        let scaling = record.scaling.get(&version_text(number)).map(|scaling| scaling.requested);
        let scaling = scaling.unwrap_or_default();
        if matches!(version.state, State::Failed { .. }) || scaling.is_off() {
            let running = self.fleets.0.lock().remove(&key);
            if let Some(running) = running {
                self.executor.retire(&running.spec_id).await;
            }
            if scaling.is_off() && version.state != State::Deactivated {
                let outcome = (State::Deactivated, Update::Done);
                self.settle_managed(&one.function, &version, number, scaling, outcome).await?;
            }
            return Ok(());
        }
        let named = Named { function: function.clone(), qualifier: Some(version_text(number)) };
        let target = self.target(&named).await?;
        let spec = match self.spec(&target).await {
            Ok(spec) => spec,
            Err(refused) if refused.fault() == Fault::Client => {
                let why = ("InsufficientRolePermissions".into(), refused.message().to_owned());
                let outcome = failed_as(&version, why);
                return self.settle_managed(function, &version, number, scaling, outcome).await;
            }
            Err(failed) => return Err(failed),
        };
        let Some(size) = self.fleet_of(&target, scaling).await? else { return Ok(()) };
        let before = {
            let mut running = self.fleets.0.lock();
            let before = running.get(&key).map(|one| (one.spec_id.clone(), one.size.clone()));
            running.insert(key, Running { spec_id: spec.id.clone(), size: size.clone() });
            before
        };
        if before.as_ref() == Some(&(spec.id.clone(), size.clone())) {
            return Ok(());
        }
        if let Some((old, _)) = before.filter(|(old, _)| *old != spec.id) {
            self.executor.retire(&old).await;
        }
        self.executor.keep(spec.clone(), size.clone());
        let lambda = self.shared()?;
        let function = function.clone();
        self.platform.env.spawn("lambda capacity", async move {
            if let Err(error) = lambda.await_fleet(&function, &version, number, scaling, &spec, &size).await {
                tracing::warn!(%function, %error, "what came of environments could not be written");
            }
        });
        Ok(())
    }

    /// What the executor is to keep of a version; nothing when its provider is gone.
    async fn fleet_of(&self, target: &Target, scaling: Scaling) -> Result<Option<Fleet>> {
        let function = &target.known.name;
        let Some(capacity) = &target.version.capacity else { return Ok(None) };
        let name = ProviderName::of(function, &capacity.provider);
        let provider = self.records.find_provider(&name).await?;
        Ok(provider.map(|provider| fleet(function, capacity, &provider, scaling)))
    }

    /// Environments of a version that is called: after a start they may not have been asked for yet.
    pub(crate) async fn keep_called(&self, target: &Target, spec: &Arc<Spec>) -> Result<()> {
        if self.executor.standing(&spec.id).is_some() {
            return Ok(());
        }
        let scaling = target.known.record.scaling.get(&target.version.version);
        let scaling = scaling.map(|scaling| scaling.requested).unwrap_or_default();
        if let Some(size) = self.fleet_of(target, scaling).await? {
            self.executor.keep(spec.clone(), size);
        }
        Ok(())
    }

    /// Waits until as many environments of a version are ready as there are at least to be, and writes what came of it.
    async fn await_fleet(
        &self,
        function: &FunctionName,
        version: &VersionRecord,
        number: u64,
        scaling: Scaling,
        spec: &Arc<Spec>,
        size: &Fleet,
    ) -> Result<()> {
        loop {
            let outcome = match self.executor.kept(&spec.id).await {
                Ok(()) => (State::Active, Update::Done),
                // It was ended, or ended by itself and is tried again.
                Err(ExecError::Internal(why)) if self.executor.standing(&spec.id).is_none() => {
                    tracing::debug!(spec = spec.id, why, "environments are not wanted any more");
                    return Ok(());
                }
                Err(why) => failed_as(version, reason_of(&why)),
            };
            let tried_again = matches!(outcome, (State::Active, Update::Failed { .. }));
            self.settle_managed(function, version, number, scaling, outcome).await?;
            if !tried_again {
                self.wake.capacity.wake();
                return Ok(());
            }
            self.platform.env.clock.sleep(LOOK_AGAIN).await;
            let same = |running: &Running| running.spec_id == spec.id && running.size == *size;
            if !self.fleets.0.lock().get(&(function.clone(), number)).is_some_and(same) {
                return Ok(());
            }
        }
    }

    async fn settle_managed(
        &self,
        function: &FunctionName,
        version: &VersionRecord,
        number: u64,
        scaling: Scaling,
        outcome: (State, Update),
    ) -> Result<()> {
        let as_it_was = (version.setting, scaling);
        self.records.settle_managed(function, number, as_it_was, outcome, &self.revision()).await
    }
}

/// What becomes of a version whose environments cannot be started, by code and reason. One that works, or has worked, goes on
/// with what is there, and the rest is tried again.
fn failed_as(version: &VersionRecord, (code, reason): (String, String)) -> (State, Update) {
    match version.state {
        State::Active if version.update != Update::InProgress => {
            (State::Active, Update::Failed { code, reason })
        }
        _ => (State::Failed { code, reason }, Update::Done),
    }
}

/// `StateReasonCode` and `StateReason`.
fn reason_of(why: &ExecError) -> (String, String) {
    let code = match why {
        ExecError::NoProcessors(_) => "CapacityProviderScalingLimitExceeded",
        ExecError::NoCapacity(_) | ExecError::Saturated => "InsufficientCapacity",
        ExecError::NoCredentials(_) => "InsufficientRolePermissions",
        ExecError::CodeUnusable(_) => "FunctionError.InvalidEntryPoint",
        ExecError::RuntimeUnavailable(_) => "InvalidRuntime",
        ExecError::Internal(_) => "InternalError",
        ExecError::InitFailed(said) => {
            let said: serde_json::Value = serde_json::from_str(said).unwrap_or_default();
            match said["errorType"].as_str().unwrap_or_default() {
                "Sandbox.Timedout" => "FunctionError.InitTimeout",
                "Runtime.OutOfMemory" => "FunctionError.InitResourceExhausted",
                "Runtime.InvalidEntrypoint" => "FunctionError.InvalidEntryPoint",
                kind if kind.starts_with("Extension.") => "FunctionError.ExtensionInitError",
                _ => "FunctionError.RuntimeInitError",
            }
        }
    };
    (code.into(), why.to_string())
}

impl Reconciler for Capacity {
    fn name(&self) -> &'static str {
        "lambda capacity"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.0.wake.capacity
    }
}
