use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use haneul_kit::{BoxFuture, Fault, Instant, Reconciler, Result, Signal};
use tokio::sync::Mutex;

use crate::Lambda;
use crate::capacity::ProviderName;
use crate::capacity::fleet::fleet;
use crate::exec::{ExecError, Fleet};
use crate::invoke::Target;
use crate::lambda::Known;
use crate::model::capacity::Scaling;
use crate::model::function::{State, Update, VersionRecord};
use crate::names::{FunctionName, version_number, version_text};
use crate::store::capacity::Attached;

/// Versions whose environments this run keeps, or tries to. Who begins or ends them holds it from its look at the records on.
#[derive(Default)]
pub(crate) struct Fleets(Mutex<Kept>);

type Key = (FunctionName, u64);
type Kept = HashMap<Key, Arc<Running>>;

struct Running {
    spec_id: String,
    size: Fleet,
    scaling: Scaling,
    /// Somebody is to write what comes of it.
    awaited: AtomicBool,
}

impl Running {
    fn is(&self, spec_id: &str, size: &Fleet, scaling: Scaling) -> bool {
        (self.spec_id.as_str(), &self.size, self.scaling) == (spec_id, size, scaling)
    }
}

/// When environments that could not be started are asked after again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Keeps the environments of versions on capacity providers.
pub(crate) struct Capacity(pub(crate) Arc<Lambda>);

impl Capacity {
    async fn run(&self) -> Result<Option<Instant>> {
        let lambda = &self.0;
        let attached = {
            let mut kept = lambda.fleets.0.lock().await;
            let attached = lambda.records.attached().await?;
            let wanted: HashSet<_> = attached.iter().map(|one| (one.function.clone(), one.number)).collect();
            for (_, gone) in kept.extract_if(|key, _| !wanted.contains(key)) {
                lambda.executor.retire(&gone.spec_id).await;
            }
            attached
        };
        let mut failed = None;
        for one in attached {
            // One that cannot be looked at keeps no other one waiting.
            let mut kept = lambda.fleets.0.lock().await;
            failed = lambda.keep_version(&mut kept, &one).await.err().or(failed);
        }
        failed.map_or(Ok(None), Err)
    }
}

impl Lambda {
    async fn keep_version(&self, kept: &mut Kept, one: &Attached) -> Result<()> {
        let (function, number) = (&one.function, one.number);
        let key = (function.clone(), number);
        let Some(version) = self.records.version(function, number).await? else { return Ok(()) };
        let Some(record) = self.records.function(function).await? else { return Ok(()) };
        let wanted = record.scaling.get(&version_text(number)).cloned().unwrap_or_default();
        let scaling = wanted.requested;
        if matches!(version.state, State::Failed { .. }) || scaling.is_off() {
            if let Some(running) = kept.remove(&key) {
                self.executor.retire(&running.spec_id).await;
            }
            if scaling.is_off() && version.state != State::Deactivated {
                let outcome = (State::Deactivated, Update::Done);
                self.settle_managed(function, &version, number, scaling, outcome).await?;
            }
            return Ok(());
        }
        let known = Arc::new(Known::of(function.clone(), record));
        let target = Target { known, version: version.into(), qualifier: Some(version_text(number)) };
        let version = &target.version;
        let spec = match self.spec(&target).await {
            Ok(spec) => spec,
            Err(refused) if refused.fault() == Fault::Client => {
                let why = ("InsufficientRolePermissions".into(), refused.message().to_owned());
                return self
                    .settle_managed(function, version, number, scaling, failed_as(version, why))
                    .await;
            }
            Err(failed) => return Err(failed),
        };
        let Some(size) = self.fleet_of(&target, scaling).await? else { return Ok(()) };
        let settled = version.state == State::Active
            && version.update != Update::InProgress
            && wanted.applied == Some(scaling);
        let before = kept.get(&key);
        let is_kept = before.is_some_and(|before| {
            before.is(&spec.id, &size, scaling) && (settled || before.awaited.load(Ordering::SeqCst))
        });
        if is_kept && self.executor.standing(&spec.id).is_some() {
            return Ok(());
        }
        if let Some(old) = before.filter(|before| before.spec_id != spec.id) {
            self.executor.retire(&old.spec_id).await;
        }
        let spec_id = spec.id.clone();
        let running =
            Arc::new(Running { spec_id, size: size.clone(), scaling, awaited: AtomicBool::new(true) });
        kept.insert(key.clone(), running.clone());
        self.executor.keep(spec, size);
        let lambda = self.shared()?;
        self.platform.env.spawn("lambda capacity", async move {
            lambda.await_fleet(&key, &target.version, &running).await;
            running.awaited.store(false, Ordering::SeqCst);
            lambda.wake.capacity.wake();
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

    /// Environments of a version that is called: after a start they may not have been asked for yet. Of one that is another one
    /// by now there are none, and who calls it is throttled.
    pub(crate) async fn keep_called(&self, target: &Target, spec_id: &str) -> Result<()> {
        if self.executor.standing(spec_id).is_some() {
            return Ok(());
        }
        let Some(number) = version_number(&target.version.version) else { return Ok(()) };
        let called = Attached { function: target.known.name.clone(), number };
        let mut kept = self.fleets.0.lock().await;
        self.keep_version(&mut kept, &called).await
    }

    /// Waits until as many environments of a version are ready as there are at least to be, and writes what came of it.
    async fn await_fleet(&self, key: &Key, version: &VersionRecord, running: &Arc<Running>) {
        let (function, number) = (&key.0, key.1);
        loop {
            let outcome = match self.executor.kept(&running.spec_id).await {
                Ok(()) => (State::Active, Update::Done),
                Err(ExecError::Ended) => return,
                Err(why) => failed_as(version, reason_of(&why)),
            };
            let written =
                self.settle_managed(function, version, number, running.scaling, outcome.clone()).await;
            match (written, outcome) {
                (Ok(()), (State::Failed { .. }, _)) => return self.end_fleet(key, running).await,
                // It works with what is there, and the rest is tried again.
                (Ok(()), (_, Update::Failed { .. })) => {}
                (Ok(()), _) => return,
                (Err(error), _) => {
                    tracing::warn!(%function, %error, "what came of environments could not be written");
                }
            }
            self.platform.env.clock.sleep(LOOK_AGAIN).await;
            if !is_current(&*self.fleets.0.lock().await, key, running) {
                return;
            }
        }
    }

    /// Ends what failed, unless something else is wanted by now. Who asks again has it tried again.
    async fn end_fleet(&self, key: &Key, running: &Arc<Running>) {
        let mut kept = self.fleets.0.lock().await;
        if is_current(&kept, key, running) {
            kept.remove(key);
            self.executor.retire(&running.spec_id).await;
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

fn is_current(kept: &Kept, key: &Key, running: &Arc<Running>) -> bool {
    kept.get(key).is_some_and(|now| Arc::ptr_eq(now, running))
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
        ExecError::Ended | ExecError::Internal(_) => "InternalError",
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
