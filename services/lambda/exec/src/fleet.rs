//! Environments of capacity providers: kept whether there are invocations or not, each taking several at a time.
//!
//! Who calls finds a place in the environment that has least to do, or is refused: environments are not started for an
//! invocation, but behind it, when the places or processors in use pass the target (Lambda, "Scaling Lambda Managed
//! Instances"). What is used is remembered for a while, so that a pause does not end what will be wanted again. An
//! environment that ends by itself is replaced, and so is one whose credentials come to their end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use haneul_env::clock::monotonic;
use haneul_kit::Instant;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::environment::Environment;
use crate::environment::init::{self, StartError};
use crate::host::said_by;
use crate::lease::Lease;
use crate::pool::Pool;
use crate::{ExecError, Fleet, Spec, Standing};

/// How often the use of environments is looked at, and the least time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// After so long, half of what was used at a time is forgotten.
const HALF_FORGOTTEN_S: f64 = 30.0;
/// Waits between attempts to start an environment that failed: doubled up to the most.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// One that ends sooner than this counts as an attempt that failed.
const LIFE_MIN: Duration = Duration::from_secs(10);
/// How long room is waited for, before it is said that there is none: others may be on their way out.
const ROOM_PATIENCE: Duration = Duration::from_secs(5);
/// What one that leaves has beside the function's timeout: an event that came last waits for its worker, and its end is written.
const LEAVING_MARGIN: Duration = Duration::from_secs(3);

/// A place for one invocation in an environment, until it is dropped.
pub(crate) struct Place {
    usage: Arc<Use>,
    freed: Arc<Notify>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let before = self.usage.running.fetch_sub(1, Ordering::SeqCst);
        if before == 1 && self.usage.leaving.load(Ordering::SeqCst) {
            self.freed.notify_one();
        }
    }
}

#[derive(Default)]
struct Use {
    running: AtomicUsize,
    /// It ends when the last invocation has, or when it could not have one any more.
    leaving: AtomicBool,
}

pub(crate) struct Fleets {
    pool: Arc<Pool>,
    kept: Mutex<HashMap<String, Kept>>,
    /// Environments of one fleet that are started at a time: more would only slow each other down. One whose init hangs holds
    /// up none of another function.
    starts_max: usize,
    wake: Arc<Notify>,
}

/// The fleet of one spec.
struct Kept {
    spec: Arc<Spec>,
    size: Fleet,
    members: Vec<Member>,
    starting: usize,
    failures: u32,
    failed: Option<ExecError>,
    /// No attempt before.
    again: Option<std::time::Instant>,
    /// Since when there is no room for one that is wanted.
    cramped: Option<std::time::Instant>,
    /// Invocations at a time, and thousandths of processors, as remembered.
    load: f64,
    cpu_millis: f64,
    looked: std::time::Instant,
    changes: watch::Sender<()>,
}

struct Member {
    environment: Arc<Environment>,
    usage: Arc<Use>,
    since: std::time::Instant,
    /// Since when it takes nothing new.
    leaves: Option<std::time::Instant>,
    cpu_micros: u64,
}

impl Member {
    fn running(&self) -> usize {
        self.usage.running.load(Ordering::SeqCst)
    }

    fn leave(&mut self) {
        self.leaves.get_or_insert_with(monotonic);
        self.usage.leaving.store(true, Ordering::SeqCst);
    }

    fn is_leaving(&self) -> bool {
        self.leaves.is_some()
    }

    /// Whether nothing that somebody waits for is lost with it. A handler that ran out of time works on, perhaps for ever.
    fn may_end(&self, timeout: Duration) -> bool {
        let over = self.leaves.is_some_and(|since| since.elapsed() > timeout + LEAVING_MARGIN);
        self.is_leaving() && (self.running() == 0 || self.environment.is_dead() || over)
    }

    fn takes_calls(&self, now: Instant) -> bool {
        !self.is_leaving() && self.environment.is_usable(now)
    }
}

impl Kept {
    fn concurrency(&self) -> usize {
        self.spec.managed.map_or(1, |managed| managed.concurrency as usize).max(1)
    }

    fn cpu_millis_each(&self) -> u64 {
        self.spec.managed.map_or(1000, |managed| u64::from(managed.cpu_millis)).max(1)
    }

    fn running(&self) -> usize {
        self.members.iter().map(Member::running).sum()
    }

    fn ready(&self, now: Instant) -> usize {
        self.members.iter().filter(|member| member.takes_calls(now)).count()
    }

    /// How many environments there should be.
    fn wanted(&self) -> usize {
        let each = self.concurrency() as f64 * self.size.target;
        let by_load = (self.load / each).ceil();
        let by_cpu = (self.cpu_millis / (self.cpu_millis_each() as f64 * self.size.target)).ceil();
        let wanted = by_load.max(by_cpu).max(0.0) as usize;
        wanted.max(self.size.min as usize).min(self.size.max as usize)
    }

    /// Lets none more take calls than may be there: those that are replaced go first, then the idlest. One that was under way
    /// when the fleet became smaller takes nothing at all.
    fn keep_to_most(&mut self, now: Instant) {
        let mut surplus = self.ready(now).saturating_sub(self.size.max as usize);
        while surplus > 0 {
            let usable = self.members.iter_mut().filter(|member| member.takes_calls(now));
            let Some(first) =
                usable.min_by_key(|member| (!member.environment.is_aging(now), member.running()))
            else {
                return;
            };
            first.leave();
            surplus -= 1;
        }
    }

    /// Looks at what is used.
    fn measure(&mut self) {
        let (now, running) = (monotonic(), self.running());
        let passed = now.saturating_duration_since(self.looked).as_secs_f64();
        if passed < LOOK_EVERY.as_secs_f64() / 2.0 {
            // Too short for a rate of processors.
            self.load = self.load.max(running as f64);
            return;
        }
        let mut used_micros = 0;
        for member in &mut self.members {
            let before = member.cpu_micros;
            member.cpu_micros = member.environment.usage().cpu_micros;
            used_micros += member.cpu_micros.saturating_sub(before);
        }
        self.looked = now;
        let forgotten = 0.5f64.powf(passed / HALF_FORGOTTEN_S);
        self.load = (self.load * forgotten).max(running as f64);
        // What an init takes says nothing of what invocations need.
        let millis = if running == 0 { 0.0 } else { used_micros as f64 / passed / 1000.0 };
        self.cpu_millis = self.cpu_millis * 0.8 + millis * 0.2;
    }

    fn changed(&self) {
        self.changes.send_modify(|()| {});
    }

    fn fail(&mut self, why: ExecError) {
        self.failures += 1;
        self.failed = Some(why);
        let wait = RETRY_MIN * 2u32.pow(self.failures.min(7) - 1);
        self.again = Some(monotonic() + wait.min(RETRY_MAX));
    }
}

impl Fleets {
    pub(crate) fn new(pool: &Arc<Pool>) -> Arc<Fleets> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let fleets = Arc::new(Fleets {
            pool: pool.clone(),
            kept: Mutex::default(),
            starts_max: (2 * processors).max(4),
            wake: Arc::default(),
        });
        pool.shared.env.spawn("function fleets", fleets.clone().run());
        fleets
    }

    pub(crate) fn keep(&self, spec: &Arc<Spec>, size: Fleet) {
        let mut all = self.kept.lock();
        let kept = all.entry(spec.id.clone()).or_insert_with(|| Kept {
            spec: spec.clone(),
            size: size.clone(),
            members: Vec::new(),
            starting: 0,
            failures: 0,
            failed: None,
            again: None,
            cramped: None,
            load: 0.0,
            cpu_millis: 0.0,
            looked: monotonic(),
            changes: watch::Sender::new(()),
        });
        if kept.size != size {
            // What failed by the old size may do by the new one.
            (kept.size, kept.failed, kept.failures, kept.again, kept.cramped) = (size, None, 0, None, None);
            kept.keep_to_most(self.pool.shared.env.now());
            kept.changed();
        }
        drop(all);
        self.wake.notify_one();
    }

    pub(crate) async fn kept(&self, spec_id: &str) -> Result<(), ExecError> {
        loop {
            let mut changes = {
                let all = self.kept.lock();
                let kept = all.get(spec_id).filter(|kept| kept.size.max > 0).ok_or(ExecError::Ended)?;
                let least = kept.size.min.min(kept.size.max) as usize;
                if kept.ready(self.pool.shared.env.now()) >= least {
                    return Ok(());
                }
                if let Some(failed) = &kept.failed {
                    return Err(failed.clone());
                }
                kept.changes.subscribe()
            };
            let _ = changes.changed().await;
        }
    }

    pub(crate) fn standing(&self, spec_id: &str) -> Option<Standing> {
        let all = self.kept.lock();
        let kept = all.get(spec_id).filter(|kept| kept.size.max > 0)?;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Some(Standing {
            ready: count(kept.ready(self.pool.shared.env.now())),
            starting: count(kept.starting),
            running: count(kept.running()),
            failed: kept.failed.clone(),
        })
    }

    /// A place in an environment that is not one of `tried`.
    pub(crate) async fn acquire(
        &self,
        spec: &Arc<Spec>,
        wait_max: Duration,
        tried: &[Arc<Environment>],
    ) -> Result<Lease, ExecError> {
        let until = monotonic() + wait_max;
        loop {
            let mut changes = {
                let mut all = self.kept.lock();
                let kept = all.get_mut(&spec.id).filter(|kept| kept.size.max > 0);
                let kept = kept.ok_or(ExecError::Ended)?;
                let (now, most) = (self.pool.shared.env.now(), kept.concurrency());
                let running = kept.running();
                let usable = kept.members.iter().filter(|member| member.takes_calls(now));
                let free = usable.clone().filter(|member| {
                    let new = !tried.iter().any(|tried| Arc::ptr_eq(tried, &member.environment));
                    new && member.running() < most
                });
                let found = free.min_by_key(|member| member.running()).map(|member| {
                    member.usage.running.fetch_add(1, Ordering::SeqCst);
                    let place = Place { usage: member.usage.clone(), freed: self.wake.clone() };
                    Lease::of_fleet(member.environment.clone(), place)
                });
                let there = usable.count();
                kept.load = kept.load.max((running + 1) as f64);
                if kept.wanted() > kept.members.len() + kept.starting {
                    self.wake.notify_one();
                }
                match (found, &kept.failed) {
                    (Some(lease), _) => return Ok(lease),
                    (None, _) if there > 0 => return Err(ExecError::Saturated),
                    (None, Some(failed)) => return Err(failed.clone()),
                    (None, None) => kept.changes.subscribe(),
                }
            };
            let left = until.saturating_duration_since(monotonic());
            if self.pool.shared.host.timeout(left, changes.changed()).await.is_none() {
                return Err(ExecError::NoCapacity("no environment became ready in time".into()));
            }
        }
    }

    /// Ends the fleets of all specs whose id begins with `prefix`; busy environments after their invocations.
    pub(crate) fn retire(&self, prefix: &str) {
        for (_, kept) in self.kept.lock().iter_mut().filter(|(id, _)| id.starts_with(prefix)) {
            (kept.size.min, kept.size.max) = (0, 0);
            kept.changed();
        }
        self.wake.notify_one();
    }

    async fn run(self: Arc<Fleets>) {
        let (host, tasks) = (self.pool.shared.host.clone(), self.pool.shared.env.tasks.clone());
        loop {
            let some = !self.kept.lock().is_empty();
            tokio::select! {
                () = self.wake.notified() => {}
                () = host.sleep(LOOK_EVERY), if some => {}
                () = tasks.stopping() => break,
            }
            self.look();
            tokio::select! {
                () = host.sleep(LOOK_AGAIN) => {}
                () = tasks.stopping() => break,
            }
        }
        for (_, kept) in self.kept.lock().drain() {
            for member in kept.members {
                member.environment.retired.store(true, Ordering::SeqCst);
                member.environment.kill();
            }
        }
    }

    /// Starts what is wanted, and ends what is not.
    fn look(self: &Arc<Fleets>) {
        let now = self.pool.shared.env.now();
        let mut all = self.kept.lock();
        let mut held: HashMap<String, u64> = HashMap::new();
        for kept in all.values_mut() {
            kept.measure();
            let counted = kept.members.iter().filter(|member| !member.environment.is_aging(now)).count();
            *held.entry(kept.size.provider.clone()).or_default() +=
                (counted + kept.starting) as u64 * kept.cpu_millis_each();
        }
        for kept in all.values_mut() {
            let held = held.entry(kept.size.provider.clone()).or_default();
            self.start_wanted(kept, held, now);
            let over = *held > kept.size.cpu_millis_max;
            self.end_unwanted(kept, over, now);
        }
        // What was retired and has ended is forgotten.
        all.retain(|_, kept| kept.size.max > 0 || !kept.members.is_empty() || kept.starting > 0);
    }

    fn start_wanted(self: &Arc<Fleets>, kept: &mut Kept, held: &mut u64, now: Instant) {
        let fresh = |member: &&Member| member.takes_calls(now) && !member.environment.is_aging(now);
        let mut there = kept.members.iter().filter(fresh).count() + kept.starting;
        if kept.again.is_some_and(|again| monotonic() < again) {
            return;
        }
        while there < kept.wanted() && kept.starting < self.starts_max {
            let provider_full = *held + kept.cpu_millis_each() > kept.size.cpu_millis_max;
            if provider_full || !self.pool.take(&kept.spec) {
                let since = *kept.cramped.get_or_insert_with(monotonic);
                if there < kept.size.min as usize && since.elapsed() >= ROOM_PATIENCE {
                    kept.failed = Some(no_room(kept, provider_full));
                    kept.changed();
                }
                return;
            }
            kept.starting += 1;
            there += 1;
            *held += kept.cpu_millis_each();
            let (fleets, spec) = (self.clone(), kept.spec.clone());
            self.pool.shared.env.spawn("function fleet start", async move { fleets.start(spec).await });
        }
        // All that was tried found room.
        kept.cramped = None;
    }

    /// `over`: the provider may have fewer processors than its environments hold.
    fn end_unwanted(self: &Arc<Fleets>, kept: &mut Kept, over: bool, now: Instant) {
        let least = kept.size.min.min(kept.size.max) as usize;
        let wanted = if over { least } else { kept.wanted() };
        let is_fresh = |member: &Member| member.takes_calls(now) && !member.environment.is_aging(now);
        let fresh = kept.members.iter().filter(|member| is_fresh(member)).count();
        for member in &mut kept.members {
            let replaced = member.environment.is_aging(now) && fresh >= wanted;
            if replaced || !member.environment.is_usable(now) || kept.size.max == 0 {
                member.leave();
            }
        }
        if fresh > wanted && kept.starting == 0 {
            let fresh = kept.members.iter_mut().filter(|member| is_fresh(member));
            if let Some(idlest) = fresh.min_by_key(|member| member.running()) {
                idlest.leave();
            }
        }
        let timeout = kept.spec.timeout;
        for member in kept.members.extract_if(.., |member| member.may_end(timeout)) {
            self.pool.free(&kept.spec);
            self.pool.shared.env.spawn("function end", member.environment.shut_down("spindown"));
        }
    }

    async fn start(self: Arc<Fleets>, spec: Arc<Spec>) {
        let started = match init::start(&self.pool.shared, &spec).await {
            Ok(environment) => Ok(environment),
            Err(StartError::Host(error)) => Err(error),
            Err(StartError::Function(failure)) => Err(said_by(*failure, &spec).await),
        };
        let mut all = self.kept.lock();
        let Some(kept) = all.get_mut(&spec.id) else {
            // The program stops.
            if let Ok(environment) = started {
                environment.kill();
            }
            return self.pool.free(&spec);
        };
        kept.starting -= 1;
        match started {
            Ok(environment) => {
                (kept.failed, kept.again) = (None, None);
                let member = Member {
                    environment: environment.clone(),
                    usage: Arc::default(),
                    since: monotonic(),
                    leaves: None,
                    cpu_micros: environment.usage().cpu_micros,
                };
                kept.members.push(member);
                kept.keep_to_most(self.pool.shared.env.now());
                let fleets = self.clone();
                self.pool.shared.env.spawn("function fleet watch", async move {
                    environment.ended().await;
                    fleets.gone(&environment);
                });
            }
            Err(why) => {
                self.pool.free(&spec);
                kept.fail(why);
            }
        }
        kept.changed();
        drop(all);
        self.wake.notify_one();
    }

    /// An environment ended, by itself or because it was ended.
    fn gone(&self, environment: &Arc<Environment>) {
        let mut all = self.kept.lock();
        let Some(kept) = all.get_mut(&environment.spec.id) else { return };
        let at = kept.members.iter().position(|member| Arc::ptr_eq(&member.environment, environment));
        if let Some(at) = at {
            let member = kept.members.swap_remove(at);
            self.pool.free(&kept.spec);
            environment.kill();
            let young = member.since.elapsed() < LIFE_MIN;
            if young && kept.failures > 0 {
                kept.fail(ExecError::Internal(
                    "environments of the function end soon after their start".into(),
                ));
            } else {
                // It is replaced at once, the first time.
                kept.failures = u32::from(young);
            }
            kept.changed();
        }
        drop(all);
        self.wake.notify_one();
    }
}

fn no_room(kept: &Kept, provider_full: bool) -> ExecError {
    let (wanted, each) = (kept.size.min, kept.spec.memory_mb);
    match provider_full {
        true => {
            let most = kept.size.cpu_millis_max / 1000;
            ExecError::NoProcessors(format!(
                "{wanted} execution environments of {:.1} vCPUs do not fit into the {most} vCPUs of the capacity provider",
                kept.cpu_millis_each() as f64 / 1000.0
            ))
        }
        false => ExecError::NoCapacity(format!(
            "{wanted} execution environments of {each} MB do not fit into the memory that this host has for functions"
        )),
    }
}
