//! The Telemetry API of extensions, and the Logs API before it: what the platform and the programs of one environment
//! say, sent in batches to the listeners that extensions opened inside.
//!
//! Reading order: [`records`] (what the platform says), [`subscription`] (what an extension asked for), [`buffer`] (what
//! waits for it), [`deliver`] (how it gets there). [`Telemetry`] is where all of it comes in.
//!
//! Subscriptions are only taken during the init; who subscribes has what was said since its beginning. While an
//! environment is frozen nothing is sent, and it is not frozen while something waits for a listener that takes it.

pub(crate) mod buffer;
pub(crate) mod deliver;
pub(crate) mod records;
pub(crate) mod subscription;

use std::sync::Arc;

use haneul_kit::Instant;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

use deliver::Subscriber;
use subscription::{Api, Subscription};

/// What is kept for those who subscribe during the init.
const EARLY_EVENTS_MAX: usize = 10_000;
const EARLY_BYTES_MAX: usize = 1 << 20;

/// One thing that was said.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) time: Instant,
    /// `platform.…`, `function` or `extension`.
    pub(crate) kind: &'static str,
    pub(crate) record: Value,
}

impl Event {
    /// What a subscription names to have it.
    pub(crate) fn stream(&self) -> &'static str {
        match self.kind {
            "function" => "function",
            "extension" => "extension",
            _ => "platform",
        }
    }

    fn size(&self) -> usize {
        self.record.as_str().map_or_else(|| self.record.to_string().len(), str::len)
    }
}

pub(crate) struct Telemetry {
    state: Mutex<State>,
    paused: watch::Sender<bool>,
}

struct State {
    /// Until the init is over.
    early: Option<Vec<Event>>,
    early_bytes: usize,
    subscribers: Vec<Arc<Subscriber>>,
}

impl Telemetry {
    pub(crate) fn new() -> Telemetry {
        let state = State { early: Some(Vec::new()), early_bytes: 0, subscribers: Vec::new() };
        Telemetry { state: Mutex::new(state), paused: watch::Sender::new(false) }
    }

    /// Whether anybody has, or may yet ask for, what is said.
    pub(crate) fn is_wanted(&self) -> bool {
        let state = self.state.lock();
        state.early.is_some() || !state.subscribers.is_empty()
    }

    pub(crate) fn say(&self, event: Event) {
        let mut state = self.state.lock();
        for subscriber in &state.subscribers {
            subscriber.take(&event);
        }
        let State { early: Some(early), early_bytes, .. } = &mut *state else { return };
        let size = event.size();
        if *early_bytes + size <= EARLY_BYTES_MAX && early.len() < EARLY_EVENTS_MAX {
            early.push(event);
            *early_bytes += size;
        }
    }

    /// Takes a subscription, or changes the one that the extension has. A new one is handed back: whoever called
    /// delivers what it buffers.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) fn subscribe(
        &self,
        extension_id: &str,
        wanted: Subscription,
    ) -> Result<Option<Arc<Subscriber>>, Refused> {
        let mut state = self.state.lock();
        let Some(early) = &state.early else { return Err(Refused::Closed) };
        if let Some(there) = state.subscribers.iter().find(|one| one.extension_id == extension_id) {
            if there.api() != wanted.api {
                return Err(Refused::OtherApi(there.api()));
            }
            there.change(wanted);
            return Ok(None);
        }
        let subscriber = Arc::new(Subscriber::new(extension_id, wanted, self.paused.subscribe()));
        early.iter().for_each(|event| subscriber.take(event));
        state.subscribers.push(subscriber.clone());
        Ok(Some(subscriber))
    }

    /// The init is over: nobody can subscribe any more.
    pub(crate) fn close_subscriptions(&self) {
        let mut state = self.state.lock();
        state.early = None;
        state.early_bytes = 0;
    }

    /// Sends what is buffered now, without waiting for its time.
    pub(crate) fn flush(&self) {
        self.state.lock().subscribers.iter().for_each(|subscriber| subscriber.flush());
    }

    /// Whether nothing waits for a listener that takes it.
    pub(crate) fn is_settled(&self) -> bool {
        self.state.lock().subscribers.iter().all(|subscriber| subscriber.is_settled())
    }

    /// Resolves when [`Telemetry::is_settled`].
    pub(crate) async fn settled(&self) {
        let subscribers = self.state.lock().subscribers.clone();
        for subscriber in subscribers {
            subscriber.settled().await;
        }
    }

    /// Stops or goes on sending.
    pub(crate) fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }
}

/// Why a subscription is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The init is over.
    Closed,
    /// The extension has subscribed by the other API.
    OtherApi(Api),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(api: Api, types: &[&str]) -> Subscription {
        let schema = if api == Api::Telemetry { "2022-12-13" } else { "2020-08-15" };
        let body = json!({
            "schemaVersion": schema, "types": types,
            "destination": { "protocol": "HTTP", "URI": "http://sandbox.localdomain:8080" },
        });
        Subscription::parse(api, body.to_string().as_bytes(), false).unwrap()
    }

    fn said(kind: &'static str, text: &str) -> Event {
        Event { time: Instant::from_secs(1_700_000_000), kind, record: Value::from(text) }
    }

    #[test]
    fn who_subscribes_has_what_was_said_before() {
        let telemetry = Telemetry::new();
        telemetry.say(said("function", "loading\n"));
        telemetry.say(said("extension", "mine\n"));
        let subscriber =
            telemetry.subscribe("a", wanted(Api::Telemetry, &["function"])).unwrap().expect("it is new");
        telemetry.say(said("function", "ready\n"));
        let texts: Vec<String> = subscriber.buffered();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[0].contains("loading") && texts[1].contains("ready"));
        // Again is no second one, the other API is refused, and so is everything after the init.
        assert!(telemetry.subscribe("a", wanted(Api::Telemetry, &["extension"])).unwrap().is_none());
        telemetry.say(said("function", "no longer wanted\n"));
        assert_eq!(subscriber.buffered().len(), 2);
        let refused = telemetry.subscribe("a", wanted(Api::Logs, &["function"])).map(|_| ());
        assert_eq!(refused, Err(Refused::OtherApi(Api::Telemetry)));
        telemetry.close_subscriptions();
        let refused = telemetry.subscribe("b", wanted(Api::Telemetry, &["function"])).map(|_| ());
        assert_eq!(refused, Err(Refused::Closed));
        assert!(telemetry.is_wanted() && !telemetry.is_settled());
    }

    #[test]
    fn after_an_init_without_subscribers_nothing_is_kept() {
        let telemetry = Telemetry::new();
        telemetry.close_subscriptions();
        assert!(!telemetry.is_wanted() && telemetry.is_settled());
        let refused = telemetry.subscribe("a", wanted(Api::Telemetry, &["platform"])).map(|_| ());
        assert_eq!(refused, Err(Refused::Closed));
    }

    #[test]
    fn what_is_kept_for_later_has_a_limit() {
        let telemetry = Telemetry::new();
        for _ in 0..20 {
            telemetry.say(said("function", &"x".repeat(100_000)));
        }
        let subscriber = telemetry.subscribe("a", wanted(Api::Telemetry, &["function"])).unwrap().unwrap();
        assert!(subscriber.buffered().len() <= EARLY_BYTES_MAX / 100_000);
        // A record that is not a text counts as it is sent.
        let record = serde_json::json!({ "name": "x".repeat(1000) });
        assert!(Event { time: Instant::from_secs(1), kind: "platform.extension", record }.size() > 1000);
    }
}
