//! Brings the batches of one subscriber to its listener.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use haneul_env::clock::monotonic;
use haneul_env::{Clock, Env};
use haneul_sandbox::Connection;
use http::{Method, Request, header};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Notify, watch};

use super::buffer::{Buffer, Dropped};
use super::subscription::{Api, Destination, Subscription};
use super::{Event, records};
use crate::BoxFuture;

/// How long a listener may take to answer one batch.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Between tries: doubled from the first to the last.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// A listener that failed so often in a row does not keep its environment from being frozen.
const FAILURES_MAX: u32 = 4;

pub(crate) struct Subscriber {
    pub(crate) extension_id: String,
    state: Mutex<State>,
    /// There may be something to send.
    stirred: Notify,
    /// Counts batches that were delivered or failed.
    progress: watch::Sender<u64>,
    paused: watch::Receiver<bool>,
}

struct State {
    wanted: Subscription,
    buffer: Buffer,
    /// Since when the buffer is not empty.
    since: Option<std::time::Instant>,
    flush: bool,
    delivering: bool,
    failures: u32,
}

/// Opens connections to ports inside.
pub(crate) type Connect = Arc<dyn Fn(u16) -> BoxFuture<'static, io::Result<Connection>> + Send + Sync>;

impl Subscriber {
    pub(crate) fn new(extension_id: &str, wanted: Subscription, paused: watch::Receiver<bool>) -> Subscriber {
        let buffer = Buffer::default();
        let state = State { wanted, buffer, since: None, flush: false, delivering: false, failures: 0 };
        Subscriber {
            extension_id: extension_id.to_owned(),
            state: Mutex::new(state),
            stirred: Notify::new(),
            progress: watch::Sender::new(0),
            paused,
        }
    }

    pub(crate) fn api(&self) -> Api {
        self.state.lock().wanted.api
    }

    pub(crate) fn change(&self, wanted: Subscription) {
        self.state.lock().wanted = wanted;
        self.stirred.notify_one();
    }

    pub(crate) fn take(&self, event: &Event) {
        let mut state = self.state.lock();
        let Some(text) = state.wanted.render(event) else { return };
        let (items_max, bytes_max) = (state.wanted.items_max, state.wanted.bytes_max);
        state.buffer.push(text, items_max, bytes_max);
        let first = state.since.is_none();
        if first {
            state.since = Some(monotonic());
        }
        if first || state.buffer.is_full(items_max, bytes_max) {
            self.stirred.notify_one();
        }
    }

    pub(crate) fn flush(&self) {
        self.state.lock().flush = true;
        self.stirred.notify_one();
    }

    pub(crate) fn is_settled(&self) -> bool {
        let state = self.state.lock();
        state.failures >= FAILURES_MAX || (state.buffer.is_empty() && !state.delivering)
    }

    pub(crate) async fn settled(&self) {
        let mut progress = self.progress.subscribe();
        while !self.is_settled() && progress.changed().await.is_ok() {}
    }

    /// Delivers until `closed`, or for ever.
    pub(crate) async fn deliver(
        self: Arc<Self>,
        env: Env,
        connect: Connect,
        mut closed: watch::Receiver<bool>,
    ) {
        tokio::select! {
            () = self.run(&env, &connect) => {}
            _ = closed.wait_for(|closed| *closed) => {}
        }
    }

    async fn run(&self, env: &Env, connect: &Connect) {
        let (clock, mut paused) = (Clock::real(), self.paused.clone());
        // Kept over batches: who listens by TCP takes one connection.
        let mut stream: Option<Connection> = None;
        loop {
            let (batch, destination) = self.batch(&clock, env).await;
            let mut pause = PAUSE_MIN;
            loop {
                if paused.wait_for(|paused| !paused).await.is_err() {
                    return;
                }
                let sending = send(env, connect, &destination, &batch, &mut stream);
                let sent =
                    clock.timeout(ANSWER_MAX, sending).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()));
                match sent {
                    Ok(()) => break,
                    Err(error) => {
                        tracing::debug!(%error, "an extension did not take its telemetry");
                        stream = None;
                        self.state.lock().failures += 1;
                        self.progress.send_modify(|count| *count += 1);
                    }
                }
                clock.sleep(pause).await;
                pause = (2 * pause).min(PAUSE_MAX);
            }
            let mut state = self.state.lock();
            state.delivering = false;
            state.failures = 0;
            drop(state);
            self.progress.send_modify(|count| *count += 1);
        }
    }

    /// The next batch, once it is due.
    async fn batch(&self, clock: &Clock, env: &Env) -> (Vec<String>, Destination) {
        loop {
            let wait = {
                let mut state = self.state.lock();
                let State { wanted, buffer, since, flush, delivering, .. } = &mut *state;
                let waited = since.map(|since| since.elapsed());
                let due = *flush
                    || buffer.is_full(wanted.items_max, wanted.bytes_max)
                    || waited.is_some_and(|waited| waited >= wanted.timeout);
                if buffer.is_empty() {
                    *flush = false;
                } else if due {
                    let (mut batch, dropped) = buffer.take(wanted.items_max, wanted.bytes_max);
                    if dropped != Dropped::default() {
                        let event = Event {
                            time: env.now(),
                            kind: "platform.logsDropped",
                            record: records::logs_dropped(dropped),
                        };
                        batch.extend(wanted.render(&event));
                    }
                    *since = (!buffer.is_empty()).then(monotonic);
                    // What is left of a flush is due as well.
                    *flush = *flush && !buffer.is_empty();
                    if !batch.is_empty() {
                        *delivering = true;
                        return (batch, wanted.destination.clone());
                    }
                    continue;
                }
                waited.map(|waited| wanted.timeout.saturating_sub(waited))
            };
            let stirred = self.stirred.notified();
            match wait {
                Some(left) => {
                    clock.timeout(left, stirred).await;
                }
                None => stirred.await,
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn buffered(&self) -> Vec<String> {
        self.state.lock().buffer.texts()
    }
}

async fn send(
    env: &Env,
    connect: &Connect,
    destination: &Destination,
    batch: &[String],
    stream: &mut Option<Connection>,
) -> io::Result<()> {
    match destination {
        Destination::Http { port, path, put } => {
            let connection = connect(*port).await?;
            let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(connection))
                .await
                .map_err(io::Error::other)?;
            env.spawn("telemetry connection", async move {
                let _ = driver.await;
            });
            let request = Request::builder()
                .method(if *put { Method::PUT } else { Method::POST })
                .uri(path)
                .header(header::HOST, format!("sandbox.localdomain:{port}"))
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::CONNECTION, "close")
                .body(Full::new(Bytes::from(format!("[{}]", batch.join(",")))))
                .map_err(io::Error::other)?;
            let answer = sender.send_request(request).await.map_err(io::Error::other)?;
            // Its body is of no interest, and may be endless.
            match answer.status().is_success() {
                true => Ok(()),
                false => Err(io::Error::other(format!("the listener answered {}", answer.status()))),
            }
        }
        Destination::Tcp { port } => {
            if stream.is_none() {
                *stream = Some(connect(*port).await?);
            }
            let Some(there) = stream.as_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
            let mut text = batch.join("\n");
            text.push('\n');
            there.write_all(text.as_bytes()).await?;
            there.flush().await
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
    use tokio::sync::mpsc;

    use super::super::Telemetry;
    use super::*;

    fn subscription(destination: &Value) -> Subscription {
        let body = json!({
            "schemaVersion": "2022-12-13", "types": ["function", "platform"], "destination": destination,
            "buffering": { "timeoutMs": 30_000 },
        });
        Subscription::parse(Api::Telemetry, body.to_string().as_bytes(), false).unwrap()
    }

    fn line(text: &str) -> Event {
        Event { time: Env::real().now(), kind: "function", record: Value::from(text) }
    }

    /// A subscriber whose connections come out at the other end.
    fn subscribed(
        telemetry: &Telemetry,
        destination: &Value,
    ) -> (mpsc::UnboundedReceiver<tokio::io::DuplexStream>, watch::Sender<bool>) {
        let (opened, connections) = mpsc::unbounded_channel();
        let connect: Connect = Arc::new(move |_| {
            let (ours, theirs) = tokio::io::duplex(1 << 22);
            let sent = opened.send(theirs);
            Box::pin(async move { sent.map(|()| Connection::Memory(ours)).map_err(io::Error::other) })
        });
        let subscriber = telemetry.subscribe("x", subscription(destination)).unwrap().unwrap();
        let (env, (end, ended)) = (Env::real(), watch::channel(false));
        env.spawn("telemetry", subscriber.deliver(env.clone(), connect, ended));
        (connections, end)
    }

    #[tokio::test]
    async fn what_is_dropped_is_told_with_the_next_batch() {
        let telemetry = Telemetry::new();
        telemetry.pause(true);
        for _ in 0..8 {
            telemetry.say(line(&"x".repeat(100_000)));
        }
        let (mut connections, _end) =
            subscribed(&telemetry, &json!({ "protocol": "TCP", "URI": "tcp://sandbox:7000" }));
        telemetry.say(line("the last one has no room"));
        telemetry.flush();
        // Nothing is sent before it goes on, and then all of it without waiting for 30 seconds.
        assert!(connections.try_recv().is_err());
        telemetry.pause(false);
        let mut lines = BufReader::new(connections.recv().await.unwrap()).lines();
        let mut kinds = Vec::new();
        while kinds.last().is_none_or(|last: &Value| last["type"] != "platform.logsDropped") {
            kinds.push(serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap());
        }
        let dropped = &kinds.last().unwrap()["record"];
        assert!(dropped["droppedRecords"].as_u64().unwrap() >= 2, "{dropped}");
        assert!(dropped["droppedBytes"].as_u64().unwrap() >= 200_000, "{dropped}");
    }

    #[tokio::test]
    async fn a_batch_that_is_refused_comes_again() {
        let telemetry = Telemetry::new();
        let to = json!({ "protocol": "HTTP", "URI": "http://sandbox.localdomain:80/p", "method": "PUT" });
        let (mut connections, _end) = subscribed(&telemetry, &to);
        telemetry.say(line("kept"));
        telemetry.flush();
        for (answer, settled) in [("500 No", false), ("200 OK", true)] {
            let mut connection = connections.recv().await.unwrap();
            let mut asked = vec![0; 64 * 1024];
            let read = connection.read(&mut asked).await.unwrap();
            let mut asked = String::from_utf8_lossy(&asked[..read]).into_owned();
            while !asked.ends_with("]") {
                let mut more = [0; 1024];
                let read = connection.read(&mut more).await.unwrap();
                assert!(read > 0, "{asked}");
                asked.push_str(&String::from_utf8_lossy(&more[..read]));
            }
            assert!(
                asked.starts_with("PUT /p HTTP/1.1\r\n") && asked.contains("\"record\":\"kept\""),
                "{asked}"
            );
            assert!(!telemetry.is_settled());
            connection
                .write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n").as_bytes())
                .await
                .unwrap();
            if settled {
                telemetry.settled().await;
            }
        }
    }
}
