//! A thread and a runtime of its own for each core, and each connection on one of them for its life.
//!
//! Requests are short. On a runtime that shares its tasks among threads, nearly each of them wakes another thread to
//! look for work, which takes as long as the request: a fifth of the CPU of a small call, measured. What takes long (files, hashes of
//! large bodies) is on other threads in any case.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use haneul_env::Tasks;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;

/// The threads. They end when this is dropped.
pub struct Workers {
    all: Vec<Worker>,
    _end: watch::Sender<()>,
}

struct Worker {
    runtime: Handle,
    connections: Arc<AtomicUsize>,
}

impl Workers {
    /// # Errors
    /// The system gives no thread, or none of what a runtime needs.
    pub fn start(count: usize) -> std::io::Result<Workers> {
        let (end, ended) = watch::channel(());
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            all.push(Worker { runtime: runtime.handle().clone(), connections: Arc::default() });
            let mut ended = ended.clone();
            std::thread::Builder::new()
                .name("connections".to_owned())
                // Nothing is ever sent: what changes is that the sender is gone.
                .spawn(move || runtime.block_on(async move { drop(ended.changed().await) }))?;
        }
        Ok(Workers { all, _end: end })
    }

    /// Serves a connection on the thread that has the fewest.
    pub(super) fn take<F>(
        &self,
        tasks: &Tasks,
        socket: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(worker) = self.all.iter().min_by_key(|worker| worker.connections.load(Relaxed)) else {
            return;
        };
        let counted = Counted::new(&worker.connections);
        let moved = socket.into_std();
        tasks.spawn_on(&worker.runtime, "connection", async move {
            let _counted = counted;
            match moved.and_then(TcpStream::from_std) {
                Ok(socket) => serve(socket).await,
                Err(error) => tracing::warn!(%error, "cannot serve a connection"),
            }
        });
    }
}

/// One connection of a worker, until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(connections: &Arc<AtomicUsize>) -> Counted {
        connections.fetch_add(1, Relaxed);
        Counted(connections.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
