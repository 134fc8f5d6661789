//! Threads with a runtime of their own, and each connection on one of them.
//!
//! Requests are short. On a runtime that shares its tasks among threads, nearly each of them wakes another thread to
//! look for work, which takes as long as the request: a fifth of the CPU of a small call, measured. What takes long (files, hashes of
//! large bodies) is on other threads in any case.
//!
//! And few threads are better than many: one that has enough to do finds several requests whenever it looks, and is not
//! put to sleep and woken for each. So connections begin on the first thread that has time, and [`super::balance`] moves
//! some to another when a thread is busy all the time and the machine is not.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use haneul_env::load::ThreadCpu;
use haneul_env::{Tasks, post, rouse};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, watch};

use super::balance;
use super::seat::{Seat, Seated};

/// The threads. They end when this is dropped.
pub struct Workers {
    shared: Arc<Shared>,
    _end: watch::Sender<()>,
}

pub(super) struct Shared {
    pub(super) all: Vec<Worker>,
    /// Of all connections; those that have ended are taken out now and then.
    pub(super) seats: Mutex<Vec<Weak<Seat>>>,
    /// A connection has come.
    pub(super) came: Notify,
}

pub(super) struct Worker {
    runtime: Handle,
    connections: Arc<AtomicUsize>,
    /// Its CPU time, once the thread runs; nothing where the system does not tell.
    pub(super) cpu: Mutex<Option<ThreadCpu>>,
    /// Thousandths of a core that it used lately.
    pub(super) busy: AtomicU32,
}

/// A thread that is busier than this is given no more, while there are others.
pub(super) const BUSY: u32 = 600;

/// Conditions of DynamoDB are resolved as deeply as they may be nested, which in a build without optimisation can be more than
/// the usual 2 MiB. Only what is used is taken.
const STACK_BYTES: usize = 8 * 1024 * 1024;

impl Workers {
    /// # Errors
    /// The system gives no thread, or none of what a runtime needs.
    pub fn start(count: usize) -> std::io::Result<Workers> {
        let (end, ended) = watch::channel(());
        let mut runtimes = Vec::with_capacity(count);
        for _ in 0..count {
            runtimes.push(
                Builder::new_current_thread()
                    .enable_all()
                    .on_thread_park(rouse::idle)
                    .on_thread_unpark(rouse::woke)
                    .build()?,
            );
        }
        let worker = |runtime: &tokio::runtime::Runtime| Worker {
            runtime: runtime.handle().clone(),
            connections: Arc::default(),
            cpu: Mutex::default(),
            busy: AtomicU32::default(),
        };
        let all = runtimes.iter().map(worker).collect();
        let shared = Arc::new(Shared { all, seats: Mutex::default(), came: Notify::new() });
        for (number, runtime) in runtimes.into_iter().enumerate() {
            let (shared, mut ended) = (shared.clone(), ended.clone());
            let thread = std::thread::Builder::new().name("connections".to_owned()).stack_size(STACK_BYTES);
            thread.spawn(move || {
                {
                    let _context = runtime.enter();
                    rouse::put_off(rouse::Limits::default());
                }
                *shared.all[number].cpu.lock() = ThreadCpu::of_this_thread();
                // Nothing is ever sent: what changes is that the sender is gone.
                let ended = async move { drop(ended.changed().await) };
                runtime.spawn(post::deliver());
                runtime.block_on(async {
                    if number == 0 && shared.all.len() > 1 {
                        tokio::select! {
                            () = ended => {}
                            () = balance::run(&shared) => {}
                        }
                    } else {
                        ended.await;
                    }
                });
            })?;
        }
        Ok(Workers { shared, _end: end })
    }

    /// Serves a connection on the first thread that has time for it.
    pub(super) fn take<F>(
        &self,
        tasks: &Tasks,
        socket: TcpStream,
        serve: impl FnOnce(Seated) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let worker = self.shared.choose();
        let seat = Arc::new(Seat::new(worker));
        self.shared.seats.lock().push(Arc::downgrade(&seat));
        self.shared.came.notify_one();
        let (moved, own) = (socket.into_std(), seat.clone());
        let work = Box::pin(async move {
            match moved.and_then(TcpStream::from_std) {
                Ok(socket) => serve(Seated::new(socket, own)).await,
                Err(error) => tracing::warn!(%error, "cannot serve a connection"),
            }
        });
        self.shared.serve_on(worker, tasks, seat, work);
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Shared {
    fn choose(&self) -> usize {
        let busy = |worker: &Worker| worker.busy.load(Relaxed);
        if self.all.iter().all(|worker| worker.cpu.lock().is_none()) {
            let fewest =
                self.all.iter().enumerate().min_by_key(|(_, worker)| worker.connections.load(Relaxed));
            return fewest.map_or(0, |(number, _)| number);
        }
        let free = self.all.iter().position(|worker| busy(worker) < BUSY);
        let least = || self.all.iter().enumerate().min_by_key(|(_, worker)| busy(worker));
        free.or_else(|| least().map(|(number, _)| number)).unwrap_or(0)
    }

    fn serve_on(self: &Arc<Self>, worker: usize, tasks: &Tasks, seat: Arc<Seat>, work: Work) {
        let on = &self.all[worker];
        let counted = Counted::new(&on.connections);
        seat.moved(worker);
        let served =
            Served { work: Some(work), seat, tasks: tasks.clone(), workers: self.clone(), _counted: counted };
        tasks.spawn_on(&on.runtime, "connection", served);
    }

    pub(super) fn connections(&self) -> usize {
        self.all.iter().map(|worker| worker.connections.load(Relaxed)).sum()
    }
}

/// A connection on a thread, until it ends or goes on on another.
struct Served {
    work: Option<Work>,
    seat: Arc<Seat>,
    tasks: Tasks,
    workers: Arc<Shared>,
    _counted: Counted,
}

impl Future for Served {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(worker) = self.seat.turn() {
            let Some(work) = self.work.take() else { return Poll::Ready(()) };
            self.workers.serve_on(worker, &self.tasks, self.seat.clone(), work);
            return Poll::Ready(());
        }
        let Some(work) = &mut self.work else { return Poll::Ready(()) };
        let polled = work.as_mut().poll(cx);
        rouse::step();
        polled
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use haneul_env::Clock;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Echoes each byte with the number of the thread that it was read on.
    async fn echo(mut socket: Seated, threads: Vec<std::thread::ThreadId>) {
        let mut byte = [0];
        while socket.read_exact(&mut byte).await.is_ok() {
            // A wait that began on one thread may end on another.
            Clock::real().sleep(Duration::from_millis(1)).await;
            let here = std::thread::current().id();
            let number = threads.iter().position(|thread| *thread == here).unwrap_or(99);
            socket.write_all(&[byte[0], number as u8]).await.unwrap();
        }
    }

    async fn thread_of(workers: &Workers, number: usize) -> std::thread::ThreadId {
        let runtime = workers.shared.all[number].runtime.clone();
        Tasks::default().spawn_on(&runtime, "asks", async { std::thread::current().id() }).await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_goes_on_where_it_is_asked_to() {
        let workers = Workers::start(3).unwrap();
        let mut threads = Vec::new();
        for number in 0..3 {
            threads.push(thread_of(&workers, number).await);
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let tasks = Tasks::default();
        workers.take(&tasks, listener.accept().await.unwrap().0, move |socket| echo(socket, threads));
        let seat = workers.shared.seats.lock()[0].upgrade().unwrap();
        let first = seat.on();
        let mut places = Vec::new();
        for (byte, wanted) in [first, 1, 2, 2, 0, 1].into_iter().enumerate() {
            seat.ask(wanted);
            client.write_all(&[byte as u8]).await.unwrap();
            let mut answer = [0; 2];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(usize::from(answer[0]), byte);
            places.push((usize::from(answer[1]), wanted));
        }
        assert!(places.iter().all(|(on, wanted)| on == wanted), "{places:?}");
        // Where it was, it is let go of after it has begun elsewhere.
        while workers.shared.connections() != 1 {
            Clock::real().sleep(Duration::from_millis(1)).await;
        }
        drop(client);
        assert!(tasks.stop(&Clock::real(), Duration::from_secs(5)).await);
        assert_eq!(workers.shared.connections(), 0);
    }
}
