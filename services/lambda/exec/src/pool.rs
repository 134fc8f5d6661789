//! All environments of a host, and who waits for one.
//!
//! What all may hold together is bounded by memory: each counts with the megabytes of its function from its start to
//! its end. When there is no room, idle environments of others are ended, least recently used first; when all are busy,
//! invocations wait. Room that comes free goes to the account that holds least, then to the function that holds least,
//! then to who waits longest; a function that holds more than its share gives an environment up while others wait.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use haneul_env::clock::monotonic;
use haneul_kit::Instant;
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::environment::init::{self, StartError};
use crate::environment::{Environment, Freezing, Shared};
use crate::lease::Lease;
use crate::{ExecError, Spec};

/// How long an idle environment runs on, so that one that is used again at once is not frozen in between.
const FREEZE_AFTER: Duration = Duration::from_millis(20);
/// Invocations of one function that wait, at most.
const WAITING_MAX: usize = 10_000;

pub(crate) struct Pool {
    pub(crate) shared: Arc<Shared>,
    state: Mutex<State>,
    /// Environments that are started at a time: more would only slow each other down.
    starts: Semaphore,
    memory_mb_max: u64,
    idle_max: Duration,
    to_freeze: Mutex<VecDeque<Arc<Environment>>>,
    freezer: Notify,
}

#[derive(Default)]
struct State {
    groups: HashMap<String, Group>,
    memory_mb: u64,
    /// Somebody waits for room.
    hungry: bool,
    stopping: bool,
    sequence: u64,
}

/// The environments of one spec.
struct Group {
    spec: Arc<Spec>,
    /// The last one was used last.
    idle: Vec<Idle>,
    busy: usize,
    starting: usize,
    waiting: VecDeque<Waiter>,
    provisioned: usize,
}

struct Idle {
    environment: Arc<Environment>,
    since: Instant,
}

struct Waiter {
    sequence: u64,
    give: oneshot::Sender<Result<Lease, StartError>>,
}

impl Group {
    fn count(&self) -> usize {
        self.idle.len() + self.busy + self.starting
    }

    fn memory_mb(&self) -> u64 {
        self.count() as u64 * u64::from(self.spec.memory_mb)
    }

    /// Starts that are wanted and not under way.
    fn wanted(&self) -> usize {
        let open = self.waiting.iter().filter(|waiter| !waiter.give.is_closed()).count();
        let warm = self.provisioned.saturating_sub(self.count());
        open.saturating_sub(self.starting).max(warm)
    }
}

impl Pool {
    pub(crate) fn new(shared: Arc<Shared>, memory_mb_max: u64, idle_max: Duration) -> Arc<Pool> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = Arc::new(Pool {
            shared,
            state: Mutex::default(),
            starts: Semaphore::new((2 * processors).max(4)),
            memory_mb_max,
            idle_max,
            to_freeze: Mutex::default(),
            freezer: Notify::new(),
        });
        let env = pool.shared.env.clone();
        env.spawn("function freezer", pool.clone().freeze_idle());
        env.spawn("function reaper", pool.clone().reap_idle());
        pool
    }

    /// An environment of `spec`, as soon as there is one.
    pub(crate) async fn acquire(
        self: &Arc<Pool>,
        spec: &Arc<Spec>,
        wait_max: Duration,
    ) -> Result<Lease, StartError> {
        if u64::from(spec.memory_mb) > self.memory_mb_max {
            let (wants, has) = (spec.memory_mb, self.memory_mb_max);
            let why = format!("the function wants {wants} MB, all functions together may have {has} MB here");
            return Err(StartError::Host(ExecError::NoCapacity(why)));
        }
        let waits = {
            let mut state = self.state.lock();
            if state.stopping {
                return Err(StartError::Host(ExecError::NoCapacity("the program stops".into())));
            }
            state.sequence += 1;
            let sequence = state.sequence;
            let now = self.shared.env.now();
            let group = state.group(spec);
            let mut unusable = Vec::new();
            let mut found = None;
            while let Some(idle) = group.idle.pop() {
                if idle.environment.is_usable(now) {
                    found = Some(idle.environment);
                    break;
                }
                unusable.push(idle.environment);
            }
            if found.is_some() {
                group.busy += 1;
            }
            self.end_all(&mut state, unusable, "spindown");
            if let Some(environment) = found {
                return Ok(Lease::of_pool(self, environment));
            }
            let (give, waits) = oneshot::channel();
            let group = state.group(spec);
            if group.waiting.len() >= WAITING_MAX {
                let why = "too many invocations of the function wait for an environment";
                return Err(StartError::Host(ExecError::NoCapacity(why.into())));
            }
            group.waiting.push_back(Waiter { sequence, give });
            self.start_wanted(&mut state);
            waits
        };
        match self.shared.host.timeout(wait_max, waits).await {
            Some(Ok(leased)) => leased,
            Some(Err(_)) => Err(StartError::Host(ExecError::Internal("the wait was given up".into()))),
            None => {
                let why = "no environment came free in time: the memory for functions is used up";
                Err(StartError::Host(ExecError::NoCapacity(why.into())))
            }
        }
    }

    pub(crate) fn release(self: &Arc<Pool>, environment: Arc<Environment>) {
        let mut state = self.state.lock();
        let now = self.shared.env.now();
        let (hungry, stopping) = (state.hungry, state.stopping);
        let share = self.memory_mb_max / (state.groups.len().max(1) as u64);
        let group = state.group(&environment.spec);
        group.busy = group.busy.saturating_sub(1);
        let too_much = hungry && group.memory_mb() > share && group.count() > group.provisioned;
        if !environment.is_usable(now) || stopping || too_much {
            let reason = if environment.is_dead() { "failure" } else { "spindown" };
            self.end_all(&mut state, vec![environment], reason);
            self.start_wanted(&mut state);
            return;
        }
        self.place(&mut state, environment, now);
    }

    /// Gives the environment to who waits for it, or keeps it.
    fn place(self: &Arc<Pool>, state: &mut State, environment: Arc<Environment>, now: Instant) {
        let group = state.group(&environment.spec);
        let mut lease = Lease::of_pool(self, environment);
        while let Some(waiter) = group.waiting.pop_front() {
            group.busy += 1;
            match waiter.give.send(Ok(lease)) {
                Ok(()) => return,
                // It gave up waiting. What comes back is ours again.
                Err(back) => {
                    group.busy -= 1;
                    let Ok(back) = back else { return };
                    lease = back;
                }
            }
        }
        if let Some(environment) = lease.take_environment() {
            if environment.rest() {
                self.to_freeze.lock().push_back(environment.clone());
                self.freezer.notify_one();
            }
            group.idle.push(Idle { environment, since: now });
        }
    }

    /// Starts what is wanted, as far as there is room or room can be made.
    fn start_wanted(self: &Arc<Pool>, state: &mut State) {
        state.hungry = false;
        if state.stopping {
            return;
        }
        loop {
            let held = |account: &str| -> u64 {
                let of_account = state.groups.values().filter(|group| group.spec.account == account);
                of_account.map(Group::memory_mb).sum()
            };
            let wanting = state.groups.iter().filter(|(_, group)| group.wanted() > 0);
            let next = wanting.min_by_key(|(_, group)| {
                let oldest = group.waiting.front().map_or(u64::MAX, |waiter| waiter.sequence);
                (held(&group.spec.account), group.memory_mb(), oldest)
            });
            let Some((id, group)) = next else { return };
            let (id, spec) = (id.clone(), group.spec.clone());
            if !self.make_room(state, &id, u64::from(spec.memory_mb)) {
                state.hungry = true;
                return;
            }
            state.memory_mb += u64::from(spec.memory_mb);
            state.group(&spec).starting += 1;
            let pool = self.clone();
            self.shared.env.spawn("function start", async move { pool.start(spec).await });
        }
    }

    /// Ends idle environments of others until `wanted` megabytes are free.
    fn make_room(self: &Arc<Pool>, state: &mut State, for_id: &str, wanted: u64) -> bool {
        while state.memory_mb + wanted > self.memory_mb_max {
            let spare = state.groups.iter().filter(|(id, group)| {
                *id != for_id && !group.idle.is_empty() && group.count() > group.provisioned
            });
            let oldest = spare.min_by_key(|(_, group)| group.idle.first().map(|idle| idle.since));
            let Some(id) = oldest.map(|(id, _)| id.clone()) else { return false };
            let Some(group) = state.groups.get_mut(&id) else { return false };
            let ended = group.idle.remove(0).environment;
            self.end_all(state, vec![ended], "spindown");
        }
        true
    }

    async fn start(self: Arc<Pool>, spec: Arc<Spec>) {
        let permit = self.starts.acquire().await;
        {
            let mut state = self.state.lock();
            let group = state.group(&spec);
            let waits = group.waiting.iter().any(|waiter| !waiter.give.is_closed());
            if !waits && group.count() > group.provisioned {
                // Another one came free meanwhile.
                group.starting -= 1;
                state.memory_mb -= u64::from(spec.memory_mb);
                return self.start_wanted(&mut state);
            }
        }
        let started = init::start(&self.shared, &spec).await;
        drop(permit);
        let mut state = self.state.lock();
        let stopping = state.stopping;
        let group = state.group(&spec);
        group.starting = group.starting.saturating_sub(1);
        match started {
            Ok(environment) if !stopping => {
                let now = self.shared.env.now();
                self.place(&mut state, environment, now);
            }
            Ok(environment) => {
                state.memory_mb -= u64::from(spec.memory_mb);
                environment.kill();
            }
            Err(error) => {
                let mut error = Some(error);
                while let Some(waiter) = group.waiting.pop_front() {
                    let Some(told) = error.take() else { break };
                    match waiter.give.send(Err(told)) {
                        Ok(()) => break,
                        Err(Err(back)) => error = Some(back),
                        Err(Ok(_)) => break,
                    }
                }
                if error.is_some() {
                    // Nobody waits: it was for the provisioned ones, which would fail again at once.
                    group.provisioned = group.provisioned.min(group.count());
                }
                state.memory_mb -= u64::from(spec.memory_mb);
            }
        }
        self.start_wanted(&mut state);
    }

    /// Takes environments, which are in no group's list any more, to their end.
    fn end_all(self: &Arc<Pool>, state: &mut State, ended: Vec<Arc<Environment>>, reason: &'static str) {
        for environment in ended {
            state.memory_mb = state.memory_mb.saturating_sub(u64::from(environment.spec.memory_mb));
            self.shared.env.spawn("function end", environment.shut_down(reason));
        }
        // What nobody uses is forgotten.
        state
            .groups
            .retain(|_, group| group.count() > 0 || !group.waiting.is_empty() || group.provisioned > 0);
    }

    /// Starts environments until `environments` of them are there, and keeps so many.
    pub(crate) async fn provision(
        self: &Arc<Pool>,
        spec: &Arc<Spec>,
        environments: u32,
    ) -> Result<(), StartError> {
        let wanted = environments as usize;
        let missing = {
            let mut state = self.state.lock();
            let group = state.group(spec);
            let missing = wanted.saturating_sub(group.count());
            let room = missing as u64 * u64::from(spec.memory_mb);
            if !self.make_room(&mut state, &spec.id, room) {
                let why = format!("{environments} environments of {} MB do not fit", spec.memory_mb);
                return Err(StartError::Host(ExecError::NoCapacity(why)));
            }
            state.memory_mb += room;
            state.group(spec).starting += missing;
            missing
        };
        let starting = (0..missing).map(|_| self.warm_up(spec));
        let started = futures_util::future::join_all(starting).await;
        let failed = started.into_iter().find_map(Result::err);
        let mut state = self.state.lock();
        if let Some(error) = failed {
            state.group(spec).provisioned = 0;
            return Err(error);
        }
        state.group(spec).provisioned = wanted;
        if wanted == 0 {
            self.end_all(&mut state, Vec::new(), "spindown");
        }
        Ok(())
    }

    async fn warm_up(self: &Arc<Pool>, spec: &Arc<Spec>) -> Result<(), StartError> {
        let permit = self.starts.acquire().await;
        let started = init::start(&self.shared, spec).await;
        drop(permit);
        let mut state = self.state.lock();
        let group = state.group(spec);
        group.starting = group.starting.saturating_sub(1);
        match started {
            Ok(environment) => {
                let now = self.shared.env.now();
                self.place(&mut state, environment, now);
                Ok(())
            }
            Err(error) => {
                state.memory_mb = state.memory_mb.saturating_sub(u64::from(spec.memory_mb));
                Err(error)
            }
        }
    }

    /// Takes memory for an environment of a fleet, if there is some or can be made. It is given back by [`Pool::free`].
    pub(crate) fn take(self: &Arc<Pool>, spec: &Spec) -> bool {
        let mut state = self.state.lock();
        let room = u64::from(spec.memory_mb);
        let fits = !state.stopping && self.make_room(&mut state, &spec.id, room);
        if fits {
            state.memory_mb += room;
        }
        fits
    }

    pub(crate) fn free(self: &Arc<Pool>, spec: &Spec) {
        let mut state = self.state.lock();
        state.memory_mb = state.memory_mb.saturating_sub(u64::from(spec.memory_mb));
        self.start_wanted(&mut state);
    }

    pub(crate) fn provisioned(&self, spec_id: &str) -> usize {
        let state = self.state.lock();
        let group = state.groups.get(spec_id);
        group.map_or(0, |group| group.provisioned.min(group.idle.len() + group.busy))
    }

    /// Ends all environments of specs whose id begins with `prefix`; busy ones after their invocation.
    pub(crate) fn retire(self: &Arc<Pool>, prefix: &str) {
        let mut state = self.state.lock();
        let mut ended = Vec::new();
        for (_, group) in state.groups.iter_mut().filter(|(id, _)| id.starts_with(prefix)) {
            group.provisioned = 0;
            ended.extend(group.idle.drain(..).map(|idle| idle.environment));
        }
        self.end_all(&mut state, ended, "spindown");
        self.start_wanted(&mut state);
    }

    /// Environments that are there, for figures: idle and busy.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.state.lock();
        let idle = state.groups.values().map(|group| group.idle.len()).sum();
        (idle, state.groups.values().map(|group| group.busy).sum())
    }

    async fn freeze_idle(self: Arc<Pool>) {
        let tasks = self.shared.env.tasks.clone();
        loop {
            tokio::select! {
                () = self.freezer.notified() => {}
                () = tasks.stopping() => return,
            }
            while let Some(environment) = { self.to_freeze.lock().pop_front() } {
                // In the order in which they came to rest; one that worked since is looked at again later.
                let rested = environment.rested(monotonic());
                if let Some(left) = FREEZE_AFTER.checked_sub(rested) {
                    self.shared.host.sleep(left).await;
                }
                if tasks.is_stopping() {
                    return;
                }
                let rests = environment.rested(monotonic()) >= FREEZE_AFTER;
                environment.set_queued(!rests);
                if !rests {
                    self.to_freeze.lock().push_back(environment);
                } else if environment.freeze() == Freezing::Later {
                    environment.set_queued(true);
                    self.to_freeze.lock().push_back(environment);
                }
            }
        }
    }

    /// By the cloud's clock: a test that moves it by an hour finds functions cold.
    async fn reap_idle(self: Arc<Pool>) {
        let (clock, tasks) = (self.shared.env.clock.clone(), self.shared.env.tasks.clone());
        loop {
            tokio::select! {
                () = clock.sleep((self.idle_max / 10).max(Duration::from_millis(10))) => {}
                () = tasks.stopping() => break,
            }
            let now = self.shared.env.now();
            let mut state = self.state.lock();
            let mut ended = Vec::new();
            for group in state.groups.values_mut() {
                let mut spare = group.count().saturating_sub(group.provisioned);
                let idle_max = self.idle_max;
                group.idle.retain(|idle| {
                    let old = now.since(idle.since) >= idle_max && spare > 0;
                    let over = old || !idle.environment.is_usable(now);
                    if over {
                        spare = spare.saturating_sub(1);
                        ended.push(idle.environment.clone());
                    }
                    !over
                });
            }
            self.end_all(&mut state, ended, "spindown");
            self.start_wanted(&mut state);
        }
        let mut state = self.state.lock();
        state.stopping = true;
        let idle: Vec<_> = state.groups.values_mut().flat_map(|group| group.idle.drain(..)).collect();
        for idle in idle {
            idle.environment.retired.store(true, Ordering::SeqCst);
            idle.environment.kill();
        }
        for group in state.groups.values_mut() {
            group.waiting.clear();
        }
    }
}

impl State {
    fn group(&mut self, spec: &Arc<Spec>) -> &mut Group {
        self.groups.entry(spec.id.clone()).or_insert_with(|| Group {
            spec: spec.clone(),
            idle: Vec::new(),
            busy: 0,
            starting: 0,
            waiting: VecDeque::new(),
            provisioned: 0,
        })
    }
}
