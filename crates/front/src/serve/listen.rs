use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::seat::Seated;
use super::{Settings, connection};
use crate::Cloud;

/// How long to wait after an error of `accept`, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `cloud` on `listener` until the cloud's tasks are told to stop; then accepts no more and returns.
///
/// Connections finish the requests that they work on and close. They are tasks of the cloud's [`haneul_env::Tasks`],
/// so `tasks.stop(…)` waits for them.
pub async fn serve(cloud: Arc<Cloud>, listener: TcpListener, settings: Settings) {
    let settings = Arc::new(settings);
    let places = Arc::new(Semaphore::new(settings.limits.connections_max));
    let tasks = cloud.platform().env.tasks.clone();
    loop {
        let next = async {
            // Never closed, so the permit always comes.
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        // Stopping is looked at first: who was told that we stop and connects anew waits for what listens next.
        let (place, accepted) = tokio::select! {
            biased;
            () = tasks.stopping() => return,
            next = next => next,
        };
        match accepted {
            Ok((socket, peer)) => {
                prepare(&socket);
                let served =
                    Connection { cloud: cloud.clone(), settings: settings.clone(), peer, _place: place };
                match &settings.workers {
                    None => drop(tasks.spawn("connection", served.serve(Seated::fixed(socket)))),
                    Some(workers) => workers.take(&tasks, socket, move |socket| served.serve(socket)),
                }
            }
            // The client gave up before we came to it.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                settings.clock.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

struct Connection {
    cloud: Arc<Cloud>,
    settings: Arc<Settings>,
    peer: SocketAddr,
    _place: Result<OwnedSemaphorePermit, AcquireError>,
}

impl Connection {
    async fn serve(self, socket: Seated) {
        connection::serve(self.cloud.clone(), socket, self.peer, self.settings.clone()).await;
    }
}

/// Small answers must not wait for a delayed acknowledgement (44 ms, measured).
fn prepare(socket: &TcpStream) {
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
}
