use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use haneul_kit::{BoxFuture, Fault, Instant, Reconciler, Result, Signal};
use tokio::sync::Mutex;

use crate::Lambda;
use crate::capacity::ProviderName;
use crate::capacity::fleet::fleet;
use crate::exec::{ExecError, Fleet, Spec};
use crate::invoke::Target;
use crate::lambda::Known;
use crate::model::capacity::Scaling;
use crate::model::function::{State, Update, VersionRecord};
use crate::names::{FunctionName, version_number, version_text};
use crate::store::capacity::{Attached, TOO_FEW_CPUS};

/// Versions whose environments this run keeps, or tries to. Who begins or ends them holds it from its look at the records on.
#[derive(Default)]
pub(crate) struct Fleets(Mutex<Kept>);

type Key = (FunctionName, u64);
type Kept = HashMap<Key, Arc<Running>>;

struct Running {
    spec_id: String,
    size: Fleet,
    scaling: Scaling,
    /// What answers in its place until it is ready.
    replaces: parking_lot::Mutex<Option<(Arc<Spec>, Fleet)>>,
    /// Somebody is to write what comes of it.
    awaited: AtomicBool,
}

impl Running {
    fn is(&self, spec_id: &str, size: &Fleet, scaling: Scaling) -> bool {
        (self.spec_id.as_str(), &self.size, self.scaling) == (spec_id, size, scaling)
    }

    fn replaces(&self) -> Option<(Arc<Spec>, Fleet)> {
        self.replaces.lock().clone()
    }

    /// The specs of which environments are kept for its sake.
    fn specs(&self) -> impl Iterator<Item = String> {
        self.replaces().map(|(old, _)| old.id.clone()).into_iter().chain([self.spec_id.clone()])
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
                lambda.end(&gone).await;
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
                self.end(&running).await;
            }
            if scaling.is_off() && version.state != State::Deactivated {
                let outcome = (State::Deactivated, Update::Done);
                self.settle_managed(function, &version, number, scaling, outcome).await?;
            }
            return Ok(());
        }
        let known = Arc::new(Known::of(function.clone(), record));
        let target_of =
            |version| Target { known: known.clone(), version, qualifier: Some(version_text(number)) };
        let replaces = match (&version.state, &version.update) {
            (State::Active, Update::InProgress) => self.records.previous(function, number).await?,
            _ => None,
        };
        let replaces = match replaces {
            Some(previous) => match self.fleet_of(&target_of(previous.into()), scaling).await {
                Err(refused) if refused.fault() == Fault::Client => None,
                fleet => fleet?,
            },
            None => None,
        };
        let target = target_of(Arc::new(version));
        let version = &target.version;
        let (spec, size) = match self.fleet_of(&target, scaling).await {
            Ok(Some(fleet)) => fleet,
            Ok(None) => return Ok(()),
            Err(refused) if refused.fault() == Fault::Client => {
                let why = ("InsufficientRolePermissions".into(), refused.message().to_owned());
                let outcome = failed_as(version, false, why);
                return self.settle_managed(function, version, number, scaling, outcome).await;
            }
            Err(failed) => return Err(failed),
        };
        if let Some((old, size)) = &replaces
            && self.executor.standing(&old.id).is_none()
        {
            self.executor.keep(old.clone(), size.clone());
        }
        let before = kept.get(&key).cloned();
        for old in before.iter().flat_map(|before| before.specs()) {
            if old != spec.id && replaces.as_ref().is_none_or(|(kept, _)| old != kept.id) {
                self.executor.retire(&old).await;
            }
        }
        let settled = version.state == State::Active
            && version.update != Update::InProgress
            && wanted.applied == Some(scaling);
        let stands = self.executor.standing(&spec.id).is_some();
        if let Some(before) = &before
            && before.is(&spec.id, &size, scaling)
            && (settled || before.awaited.load(Ordering::SeqCst))
            && stands
        {
            *before.replaces.lock() = replaces;
            return Ok(());
        }
        // What took its place back has been there all along, and what became of its replacement is said already.
        let awaited = !(before.is_none() && settled && stands);
        let running = Arc::new(Running {
            spec_id: spec.id.clone(),
            size: size.clone(),
            scaling,
            replaces: parking_lot::Mutex::new(replaces),
            awaited: AtomicBool::new(awaited),
        });
        kept.insert(key.clone(), running.clone());
        self.executor.keep(spec, size);
        if !awaited {
            return Ok(());
        }
        let lambda = self.shared()?;
        self.platform.env.spawn("lambda capacity", async move {
            lambda.await_fleet(&key, &target.version, &running).await;
            running.awaited.store(false, Ordering::SeqCst);
            lambda.wake.capacity.wake();
        });
        Ok(())
    }

    /// What the executor is to keep of a version; nothing when its provider is gone.
    async fn fleet_of(&self, target: &Target, scaling: Scaling) -> Result<Option<(Arc<Spec>, Fleet)>> {
        let function = &target.known.name;
        let Some(capacity) = &target.version.capacity else { return Ok(None) };
        let name = ProviderName::of(function, &capacity.provider);
        let Some(provider) = self.records.find_provider(&name).await? else { return Ok(None) };
        Ok(Some((self.spec(target).await?, fleet(function, capacity, &provider, scaling))))
    }

    async fn end(&self, running: &Running) {
        for spec_id in running.specs() {
            self.executor.retire(&spec_id).await;
        }
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
                Ok(()) => Some((State::Active, Update::Done)),
                Err(ExecError::Ended) => return,
                Err(why) => self.outcome_of(key, version, running, &why).await,
            };
            if let Some(outcome) = outcome {
                let of = running.scaling;
                let written = self.settle_managed(function, version, number, of, outcome.clone()).await;
                match (written, outcome) {
                    (Ok(()), (State::Failed { .. }, _)) => return self.end_fleet(key, running).await,
                    // It works with what is there, and the rest is tried again.
                    (Ok(()), (_, Update::Failed { .. })) => {}
                    // What it replaces is not needed any more.
                    (Ok(()), (_, Update::InProgress)) => self.wake.capacity.wake(),
                    (Ok(()), _) => return,
                    (Err(error), _) => {
                        tracing::warn!(%function, %error, "what came of environments could not be written");
                    }
                }
            }
            self.platform.env.clock.sleep(LOOK_AGAIN).await;
            if !is_current(&*self.fleets.0.lock().await, key, running) {
                return;
            }
        }
    }

    /// What a version is whose environments cannot be started; nothing when there may be room soon. Where there is none beside
    /// what it replaces, that has one environment, and none as soon as the version has some.
    async fn outcome_of(
        &self,
        key: &Key,
        version: &VersionRecord,
        running: &Arc<Running>,
        why: &ExecError,
    ) -> Option<(State, Update)> {
        let kept = self.fleets.0.lock().await;
        if !is_current(&kept, key, running) {
            return None;
        }
        let cpus_each = version.managed().map_or(0, |managed| u64::from(managed.cpu_millis));
        let fits_alone = u64::from(running.size.min) * cpus_each <= running.size.cpu_millis_max;
        let no_room = matches!(why, ExecError::NoProcessors(_) | ExecError::NoCapacity(_)) && fits_alone;
        let failed = |answers| Some(failed_as(version, answers, reason_of(why)));
        match running.replaces() {
            None => failed(self.ready_of(&running.spec_id) > 0),
            Some(_) if !no_room => failed(false),
            Some(_) if self.ready_of(&running.spec_id) > 0 => Some((State::Active, Update::InProgress)),
            Some((old, size)) if self.ready_of(&old.id) > 1 => {
                self.executor.keep(old, Fleet { min: 1, max: 1, ..size });
                None
            }
            Some(_) => failed(false),
        }
    }

    fn ready_of(&self, spec_id: &str) -> u32 {
        self.executor.standing(spec_id).map_or(0, |standing| standing.ready)
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
/// with what is there, and the rest is tried again. `answers`: some of its own are ready.
fn failed_as(version: &VersionRecord, answers: bool, (code, reason): (String, String)) -> (State, Update) {
    match version.state {
        State::Active if answers || version.update != Update::InProgress => {
            (State::Active, Update::Failed { code, reason })
        }
        _ => (State::Failed { code, reason }, Update::Done),
    }
}

/// `StateReasonCode` and `StateReason`.
fn reason_of(why: &ExecError) -> (String, String) {
    let code = match why {
        ExecError::NoProcessors(_) => TOO_FEW_CPUS,
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
