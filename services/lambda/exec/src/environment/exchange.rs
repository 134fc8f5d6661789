use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use haneul_env::Clock;
use haneul_kit::Instant;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use crate::fleet::Place;

/// What runtime and extensions wait for, and what they said.
pub(crate) struct Exchange {
    state: Mutex<State>,
    /// Counts changes that somebody may wait for.
    changes: watch::Sender<u64>,
    closed: watch::Sender<bool>,
    /// Invocations that the runtime may work on at a time.
    at_once: usize,
}

#[derive(Default)]
struct State {
    /// The runtime's `/next`s that are not answered yet.
    asking: VecDeque<oneshot::Sender<Event>>,
    /// Events that came before one asked for them, by request id.
    queued: VecDeque<(String, Event)>,
    /// What is under way, by request id.
    current: HashMap<String, Current>,
    /// The runtime has asked for its first event.
    ready: bool,
    init_error: Option<Fault>,
    /// External extensions that must register, by name.
    expected: BTreeSet<String>,
    extensions: BTreeMap<String, Extension>,
    closed: bool,
}

struct Current {
    answer: Option<oneshot::Sender<Answer>>,
    taken: bool,
    stream: bool,
    /// The runtime has answered it, to the last byte of a stream.
    done: bool,
    /// Since when nobody waits for its answer any more, but the runtime still works on it.
    abandoned: Option<std::time::Instant>,
    /// In a fleet.
    _place: Option<Place>,
    /// When the first byte of its response came.
    response_began: Option<std::time::Instant>,
}

impl State {
    /// Forgets what was abandoned and no worker can be at any more: each works on one event at a time, and who asks for another
    /// one is done with what it had, whatever came of it.
    fn forget_lost(&mut self, workers: usize) {
        self.asking.retain(|asking| !asking.is_closed());
        let at_work = self.current.values().filter(|current| current.taken && !current.done).count();
        for _ in workers..self.asking.len() + at_work {
            let abandoned = self.current.iter().filter_map(|(id, current)| Some((current.abandoned?, id)));
            let Some((_, oldest)) = abandoned.min() else { return };
            let oldest = oldest.clone();
            self.current.remove(&oldest);
        }
    }
}

/// What is known of an invocation that is over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Over {
    /// The runtime took its event.
    pub(crate) taken: bool,
    pub(crate) response_began: Option<std::time::Instant>,
}

struct Extension {
    name: String,
    events: BTreeSet<String>,
    waiting: Option<oneshot::Sender<Value>>,
    queue: VecDeque<Value>,
    /// It has asked for its first event.
    ready: bool,
    gone: bool,
}

/// What `/next` is answered with.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: Bytes,
}

impl Event {
    pub(crate) fn request_id(&self) -> &str {
        let named = self.headers.iter().find(|(name, _)| *name == "lambda-runtime-aws-request-id");
        named.map_or("", |(_, id)| id)
    }
}

/// What the runtime answered.
pub(crate) enum Answer {
    Response { body: Bytes },
    TooLarge,
    Stream { content_type: String, pieces: mpsc::Receiver<StreamPiece> },
    Fault(Fault),
}

pub(crate) enum StreamPiece {
    Chunk(Bytes),
    /// It ended; with the error that its trailers told.
    End(Option<Fault>),
}

/// An error that a runtime reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: String,
    pub(crate) body: Bytes,
    /// We say it, not the runtime: how a process ended.
    pub(crate) by_platform: bool,
}

/// Queued events for one extension, at most; more is a bug of ours.
const QUEUE_MAX: usize = 64;
const EXTENSIONS_MAX: usize = 10;

/// Where the init stands.
pub(crate) enum Init {
    Going,
    Ready,
    Failed(Fault),
}

impl Exchange {
    pub(crate) fn new(expected: impl IntoIterator<Item = String>, at_once: usize) -> Exchange {
        let state = State { expected: expected.into_iter().collect(), ..State::default() };
        Exchange {
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
            closed: watch::Sender::new(false),
            at_once,
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    // The runtime's side.

    /// The runtime asks for an event; resolves when there is one, or with an error when the environment ends. `None` when more
    /// ask than may at a time.
    pub(crate) fn next(&self) -> Option<Next> {
        let mut state = self.state.lock();
        state.ready = true;
        let (give, take) = oneshot::channel();
        if state.closed {
            return Some(take);
        }
        let mut give = Some(give);
        while let Some((request_id, event)) = state.queued.pop_front() {
            let Some(current) = state.current.get_mut(&request_id) else { continue };
            current.taken = true;
            if let Some(give) = give.take() {
                let _ = give.send(event);
            }
            break;
        }
        if let Some(give) = give {
            state.asking.retain(|asking| !asking.is_closed());
            if self.at_once == 1 {
                // Who asks anew has given up what it asked before.
                state.asking.clear();
            } else if state.asking.len() >= self.at_once {
                return None;
            }
            state.asking.push_back(give);
            state.forget_lost(self.at_once);
        }
        drop(state);
        self.changed();
        Some(take)
    }

    /// Whether `request_id` is under way, and whether its caller reads a stream.
    pub(crate) fn is_current(&self, request_id: &str) -> Option<bool> {
        let state = self.state.lock();
        let current = state.current.get(request_id)?;
        let abandoned = current.abandoned.is_some();
        (current.answer.is_some() || abandoned).then_some(current.stream && !abandoned)
    }

    /// False when `request_id` is not under way, or was answered.
    pub(crate) fn answer(&self, request_id: &str, answer: Answer) -> bool {
        let mut state = self.state.lock();
        let Some(current) = state.current.get_mut(request_id) else { return false };
        if current.abandoned.is_some() {
            state.current.remove(request_id);
            return true;
        }
        let goes_on = matches!(answer, Answer::Stream { .. });
        let Some(given) = current.answer.take() else { return false };
        let sent = given.send(answer).is_ok();
        current.done = !(sent && goes_on);
        sent
    }

    /// The runtime has written all of a stream.
    pub(crate) fn stream_ended(&self, request_id: &str) {
        let mut state = self.state.lock();
        let Some(current) = state.current.get_mut(request_id) else { return };
        current.done = true;
        if current.abandoned.is_some() {
            state.current.remove(request_id);
        }
    }

    pub(crate) fn init_failed(&self, fault: Fault) {
        self.state.lock().init_error.get_or_insert(fault);
        self.changed();
    }

    // Our side.

    /// Gives the event to the runtime, or keeps it for when it asks; resolves with its answer. `place` is held until the
    /// runtime is done with it.
    pub(crate) fn offer(
        &self,
        request_id: &str,
        stream: bool,
        event: Event,
        place: Option<Place>,
    ) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.state.lock();
        let mut untaken = Some(event);
        while untaken.is_some() {
            let Some(asking) = state.asking.pop_front() else { break };
            // If its connection is gone, another one may ask.
            untaken = untaken.and_then(|event| asking.send(event).err());
        }
        let taken = untaken.is_none();
        if let Some(event) = untaken {
            state.queued.push_back((request_id.to_owned(), event));
        }
        let current = Current {
            answer: Some(answer),
            taken,
            stream,
            done: false,
            abandoned: None,
            _place: place,
            response_began: None,
        };
        state.current.insert(request_id.to_owned(), current);
        answered
    }

    /// Resolves when the runtime has taken the event, with false when it will not.
    pub(crate) async fn taken(&self, request_id: &str) -> bool {
        let mut changes = self.changes.subscribe();
        loop {
            {
                let state = self.state.lock();
                match state.current.get(request_id) {
                    Some(current) if current.taken => return true,
                    Some(_) if !state.closed => {}
                    _ => return false,
                }
            }
            if changes.changed().await.is_err() {
                return false;
            }
        }
    }

    /// Takes an event back. False when the runtime has it already.
    pub(crate) fn withdraw(&self, request_id: &str) -> bool {
        let mut state = self.state.lock();
        if state.current.get(request_id).is_some_and(|current| current.taken) {
            return false;
        }
        state.queued.retain(|(queued, _)| queued != request_id);
        state.current.remove(request_id);
        true
    }

    /// The runtime begins to answer.
    pub(crate) fn response_begins(&self, request_id: &str) {
        let mut state = self.state.lock();
        if let Some(current) = state.current.get_mut(request_id) {
            current.response_began.get_or_insert_with(haneul_env::clock::monotonic);
        }
    }

    /// The invocation is over.
    pub(crate) fn over(&self, request_id: &str) -> Over {
        let mut state = self.state.lock();
        state.queued.retain(|(queued, _)| queued != request_id);
        let ended = state.current.remove(request_id);
        ended.map_or_else(Over::default, |current| Over {
            taken: current.taken,
            response_began: current.response_began,
        })
    }

    /// Nobody waits for the invocation any more. If the runtime works on, its place is free when it has answered.
    pub(crate) fn abandon(&self, request_id: &str) -> Over {
        let mut state = self.state.lock();
        let closed = state.closed;
        match state.current.get_mut(request_id) {
            Some(current) if current.taken && !current.done && !closed => {
                current.abandoned = Some(haneul_env::clock::monotonic());
                current.answer = None;
                let over = Over { taken: true, response_began: current.response_began };
                state.forget_lost(self.at_once);
                over
            }
            _ => {
                drop(state);
                self.over(request_id)
            }
        }
    }

    /// Returns when `wanted` ask for events, when for `patience` no more do than before, or after `most`.
    pub(crate) async fn many_ask(&self, wanted: usize, (patience, most): (Duration, Duration), host: &Clock) {
        let mut changes = self.changes.subscribe();
        let mut there = 0;
        let coming = async {
            loop {
                let asking = self.state.lock().asking.len();
                if asking >= wanted || *self.closed.borrow() {
                    return;
                }
                there = there.max(asking);
                let more = async {
                    while changes.changed().await.is_ok() {
                        if self.state.lock().asking.len() > there {
                            return;
                        }
                    }
                };
                if host.timeout(patience, more).await.is_none() {
                    return;
                }
            }
        };
        host.timeout(most, coming).await;
    }

    pub(crate) fn init(&self) -> Init {
        let state = self.state.lock();
        if let Some(fault) = &state.init_error {
            return Init::Failed(fault.clone());
        }
        let extensions = state.extensions.values().all(|extension| extension.ready || extension.gone);
        match state.ready && state.expected.is_empty() && extensions {
            true => Init::Ready,
            false => Init::Going,
        }
    }

    /// Resolves when [`Exchange::init`] is no longer going.
    pub(crate) async fn initialised(&self) -> Init {
        let mut changes = self.changes.subscribe();
        loop {
            match self.init() {
                Init::Going => {}
                decided => return decided,
            }
            if changes.changed().await.is_err() {
                return Init::Going;
            }
        }
    }

    /// Whether runtime and extensions all wait for an event, so that nothing is lost when they are frozen.
    pub(crate) fn all_wait(&self) -> bool {
        let state = self.state.lock();
        let runtime = state.asking.iter().any(|asking| !asking.is_closed());
        runtime && state.extensions.values().all(|extension| extension.gone || extension.waiting.is_some())
    }

    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        state.asking.clear();
        state.queued.clear();
        state.current.retain(|_, current| current.abandoned.is_none());
        for extension in state.extensions.values_mut() {
            extension.waiting = None;
        }
        drop(state);
        self.closed.send_replace(true);
        self.changed();
    }

    /// Turns true with [`Exchange::close`].
    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.closed.subscribe()
    }

    // The extensions.

    /// # Errors
    /// A sentence why it may not.
    pub(crate) fn register(
        &self,
        id: String,
        name: &str,
        events: BTreeSet<String>,
    ) -> Result<(), &'static str> {
        let mut state = self.state.lock();
        if state.extensions.len() >= EXTENSIONS_MAX {
            return Err("Too many extensions");
        }
        if state.extensions.values().any(|extension| extension.name == name) {
            return Err("Extension with this name already registered");
        }
        state.expected.remove(name);
        let extension = Extension {
            name: name.to_owned(),
            events,
            waiting: None,
            queue: VecDeque::new(),
            ready: false,
            gone: false,
        };
        state.extensions.insert(id, extension);
        drop(state);
        self.changed();
        Ok(())
    }

    pub(crate) fn extension_name(&self, id: &str) -> Option<String> {
        self.state.lock().extensions.get(id).map(|extension| extension.name.clone())
    }

    pub(crate) fn extension_events(&self, id: &str) -> Vec<String> {
        let state = self.state.lock();
        state
            .extensions
            .get(id)
            .map(|extension| extension.events.iter().cloned().collect())
            .unwrap_or_default()
    }

    pub(crate) fn extension_next(&self, id: &str) -> Option<oneshot::Receiver<Value>> {
        let mut state = self.state.lock();
        let extension = state.extensions.get_mut(id)?;
        extension.ready = true;
        let (give, take) = oneshot::channel();
        match extension.queue.pop_front() {
            Some(event) => {
                let _ = give.send(event);
            }
            None => extension.waiting = Some(give),
        }
        drop(state);
        self.changed();
        Some(take)
    }

    pub(crate) fn extension_gone(&self, id: &str) {
        if let Some(extension) = self.state.lock().extensions.get_mut(id) {
            extension.gone = true;
        }
        self.changed();
    }

    pub(crate) fn has_extensions(&self) -> bool {
        !self.state.lock().extensions.is_empty()
    }

    pub(crate) fn tell_invoke(&self, event: &Value) {
        self.tell("INVOKE", event);
    }

    pub(crate) fn shut_down(&self, reason: &str, deadline: Instant) {
        let event = json!({
            "eventType": "SHUTDOWN", "shutdownReason": reason, "deadlineMs": deadline.millis(),
        });
        self.tell("SHUTDOWN", &event);
    }

    fn tell(&self, kind: &str, event: &Value) {
        for extension in self.state.lock().extensions.values_mut() {
            if extension.gone || !extension.events.contains(kind) {
                continue;
            }
            let kept = match extension.waiting.take() {
                Some(waiting) => waiting.send(event.clone()).err(),
                None => Some(event.clone()),
            };
            if let Some(event) = kept.filter(|_| extension.queue.len() < QUEUE_MAX) {
                extension.queue.push_back(event);
            }
        }
    }

    /// Resolves when every extension that was told of the shutdown has asked for the next event, or is gone.
    pub(crate) async fn extensions_gone(&self) {
        let mut changes = self.changes.subscribe();
        loop {
            let done = self.state.lock().extensions.values().all(|extension| {
                extension.gone || extension.waiting.is_some() || !extension.events.contains("SHUTDOWN")
            });
            if done || changes.changed().await.is_err() {
                return;
            }
        }
    }
}

pub(crate) type Next = oneshot::Receiver<Event>;

#[cfg(test)]
mod tests;
