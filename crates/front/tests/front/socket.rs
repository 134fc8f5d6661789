use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use haneul_base::Instant;
use haneul_env::Clock;
use haneul_front::{Limits, Settings, serve};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::World;

/// A world behind a socket, whose limits go by a clock that stands still until it is moved.
pub(crate) struct Served {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Clock,
}

impl Served {
    pub(crate) async fn start(settings: impl FnOnce(&mut Settings)) -> Served {
        let world = World::new();
        let clock = Clock::frozen(Instant::from_secs(0));
        let mut chosen = Settings { clock: clock.clone(), ..Settings::default() };
        settings(&mut chosen);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        world.env.spawn("listener", serve(world.cloud.clone(), listener, chosen));
        Served { world, address, clock }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes. `ends`: the client has said all.
    pub(crate) async fn exchange(&self, bytes: &[u8], ends: bool) -> String {
        let mut socket = self.connect().await;
        let mut answer = Vec::new();
        // The server may answer and close before it has read all.
        let _ = socket.write_all(bytes).await;
        if ends {
            let _ = socket.shutdown().await;
        }
        let _ = socket.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn is_well(&self) -> bool {
        let health = "GET /_haneul/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        self.exchange(health.as_bytes(), false).await.starts_with("HTTP/1.1 200 OK\r\n")
    }

    /// Moves the limits' clock until `work` has ended.
    pub(crate) async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::task::yield_now() => self.clock.advance(Duration::from_millis(100)),
            }
        }
    }
}

#[tokio::test]
async fn many_requests_on_one_connection() {
    let served = Served::start(|_| {}).await;
    let mut socket = served.connect().await;
    let health = "GET /_haneul/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.write_all(health.repeat(3).as_bytes()).await.unwrap();
    let last = "HEAD /_haneul/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    socket.write_all(last.as_bytes()).await.unwrap();
    let mut answers = String::new();
    socket.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 4, "{answers}");
    assert!(answers.ends_with("\r\n\r\n"), "HEAD has no body: {answers}");
}

#[tokio::test]
async fn http2_without_tls() {
    let served = Served::start(|_| {}).await;
    let io = TokioIo::new(served.connect().await);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake::<_, _, Full<bytes::Bytes>>(TokioExecutor::new(), io)
            .await
            .unwrap();
    served.world.env.spawn("client", connection);
    let request = http::Request::get(format!("http://{}/_haneul/health", served.address))
        .body(Full::default())
        .unwrap();
    let answer = client.send_request(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, http::Version::HTTP_2));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"{"));
}

#[tokio::test]
async fn only_so_many_connections() {
    let served = Arc::new(Served::start(|settings| settings.limits.connections_max = 1).await);
    let first = served.connect().await;
    let waiting = tokio::task::yield_now();
    waiting.await;
    let second = {
        let served = served.clone();
        served.world.env.clone().spawn("second", async move { served.is_well().await })
    };
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!second.is_finished());
    drop(first);
    assert!(second.await.unwrap());
}

#[tokio::test]
async fn who_does_nothing_is_let_go() {
    let limits = Limits {
        head_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(20),
        ..Limits::default()
    };
    let served = Served::start(|settings| settings.limits = limits).await;
    // Nothing at all; half a head; half a head, byte by byte.
    for begin in ["", "GET / HTTP/1.1\r\nHost: loc"] {
        let answer = served.while_time_passes(served.exchange(begin.as_bytes(), false)).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    let mut socket = served.connect().await;
    socket.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let dripping = async {
        loop {
            if socket.write_all(b"A: b\r\n").await.is_err() {
                return;
            }
            served.clock.sleep(Duration::from_secs(1)).await;
        }
    };
    served.while_time_passes(dripping).await;
    assert!(served.is_well().await);
}

#[tokio::test]
async fn a_body_has_to_keep_coming() {
    let served = Served::start(|_| {}).await;
    let head =
        "PUT /open/key HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n";
    let answer = served.while_time_passes(served.exchange(format!("{head}abc").as_bytes(), false)).await;
    assert!(answer.contains("<Code>"), "{answer}");
    let form = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\nConnection: close\r\n\r\nAction=";
    let answer = served.while_time_passes(served.exchange(form.as_bytes(), false)).await;
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains("<Code>RequestTimeout</Code>"),
        "{answer}"
    );
    assert!(served.is_well().await);
}
