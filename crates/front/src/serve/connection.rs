use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use haneul_env::Tasks;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio_rustls::TlsAcceptor;

use super::gather::Gathered;
use super::refusal::Refusing;
use super::seat::Seated;
use super::stream::Socket;
use super::watch::{Activity, Watched};
use super::{Paced, Settings};
use crate::{Cloud, ConnInfo};

/// The first byte of a TLS handshake record (RFC 8446, section 5.1). No HTTP method begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// What HTTP/2 lets one client have under way; the rest waits.
const STREAMS_MAX: u32 = 200;
/// Of data that a client may send before we have taken it, per stream and in all.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Serves one connection to its end.
pub async fn serve(cloud: Arc<Cloud>, socket: Seated, peer: SocketAddr, settings: Arc<Settings>) {
    let opened = settings.clock.timeout(settings.limits.head_timeout, open(socket, &settings)).await;
    let (socket, secure) = match opened {
        Some(Ok(Some(opened))) => opened,
        Some(Err(error)) => {
            tracing::debug!(%peer, %error, "no connection came about");
            return;
        }
        // It closed again, or it said nothing.
        Some(Ok(None)) | None => return,
    };
    let (tasks, rng) = (cloud.platform().env.tasks.clone(), cloud.platform().env.rng.clone());
    let activity = Arc::new(Activity::default());
    let info = ConnInfo { peer: Some(peer.ip()), secure };
    let (served, noted, limits) = (cloud, activity.clone(), settings.clone());
    let service = service_fn(move |request: http::Request<Incoming>| {
        let working = noted.working();
        let (cloud, held) = (served.clone(), limits.held.clone());
        let request = request.map(|body| Paced::new(body, limits.clock.clone(), &limits.limits));
        async move {
            let answer = cloud.handle(request, info).await;
            drop(working);
            Ok::<_, Infallible>(answer.map(|body| Gathered::new(body, held)))
        }
    });
    let builder = builder(&settings, tasks.clone());
    let io = Refusing::new(Watched::new(TokioIo::new(socket), activity.clone()), rng);
    let connection = builder.serve_connection(io, service);
    tokio::pin!(connection);
    // Behind wakers of its own: what goes on beside the connection is not looked at for every piece of data on it.
    let mut beside = FuturesUnordered::new();
    beside.push(async {
        tokio::select! {
            () = activity.dead(&settings.clock, &settings.limits) => Beside::Dead,
            () = tasks.stopping() => Beside::Stopping,
        }
    });
    let ended = loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => break ended,
            Some(event) = beside.next() => match event {
                Beside::Stopping => connection.as_mut().graceful_shutdown(),
                Beside::Dead => {
                    tracing::debug!(%peer, "a connection was closed that did nothing");
                    return;
                }
            },
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended with an error");
    }
}

enum Beside {
    /// The client does nothing.
    Dead,
    /// The cloud stops.
    Stopping,
}

fn builder(settings: &Settings, tasks: Tasks) -> auto::Builder<OnTasks> {
    let limits = &settings.limits;
    let mut builder = auto::Builder::new(OnTasks(tasks));
    builder.http1().max_buf_size(limits.head_bytes_max);
    if let Some(headers_max) = limits.headers_max {
        builder.http1().max_headers(headers_max);
    }
    builder
        .http2()
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX));
    builder
}

/// The socket, behind TLS if its first byte says so and we have certificates; `None` when it was closed at once.
async fn open(mut socket: Seated, settings: &Settings) -> std::io::Result<Option<(Socket, bool)>> {
    let Some(tls) = &settings.tls else { return Ok(Some((Socket::Plain(socket), false))) };
    let mut first = [0];
    if socket.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first[0] != TLS_HANDSHAKE {
        return Ok(Some((Socket::Plain(socket), false)));
    }
    let secured = TlsAcceptor::from(tls.clone()).accept(socket).await?;
    Ok(Some((Socket::Tls(Box::new(secured)), true)))
}

/// Runs hyper's tasks (one for each HTTP/2 stream) as the cloud's, so that a shutdown waits for them.
#[derive(Clone)]
struct OnTasks(Tasks);

impl<F> hyper::rt::Executor<F> for OnTasks
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, work: F) {
        self.0.spawn("stream", work);
    }
}
