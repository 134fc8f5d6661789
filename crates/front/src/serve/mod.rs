//! The listener: from a socket to [`Cloud::handle`](crate::Cloud::handle) and back.
//!
//! [`listen`] accepts connections, at most so many, and ends when the cloud stops; [`connection`] serves one, in
//! HTTP/1.1 or HTTP/2, plain or TLS (its first byte tells); [`tls`] makes the certificates; [`watch`] notices a
//! connection that does nothing; [`pace`] a body that does not come; [`refusal`] words what hyper refuses;
//! `gather` sends pieces of a body together; [`workers`] are the threads that connections are served on, [`seat`] a connection's place
//! among them, `balance` what moves it.
//!
//! Time here is the host's, not the cloud's: a test that moves the cloud by a month must not cut off every upload.

mod balance;
pub mod connection;
mod gather;
mod guests;
pub mod listen;
pub mod pace;
pub mod refusal;
pub mod seat;
pub mod stream;
pub mod tls;
pub mod watch;
pub mod workers;

use std::sync::Arc;
use std::time::Duration;

use haneul_env::Clock;

pub use gather::Held;
pub use listen::serve;
pub use pace::{Paced, Stalled};
pub use workers::Workers;

/// How a listener treats its clients.
#[derive(Clone)]
pub struct Settings {
    /// TLS beside plain HTTP on the same port; see [`tls`].
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// The clock of the limits below. [`Clock::real`], but for tests.
    pub clock: Clock,
    pub limits: Limits,
    /// Threads to serve connections on; without them it is done on the runtime that listens.
    pub workers: Option<Arc<Workers>>,
    /// Of bodies that wait for their clients.
    pub held: Held,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Further clients wait in the kernel's queue.
    pub connections_max: usize,
    /// Request line and headers; more is refused.
    pub head_bytes_max: usize,
    /// More is refused. Any other number than hyper's own 100 costs an allocation for each request.
    pub headers_max: Option<usize>,
    /// From a request's first byte to the end of its headers, and for the handshake of TLS.
    pub head_timeout: Duration,
    /// Without a byte either way while no request is being worked on.
    pub idle_timeout: Duration,
    /// In each such span…
    pub body_window: Duration,
    /// …so many bytes of a body must come, unless it ends.
    pub body_bytes_min: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 4096,
            head_bytes_max: 64 * 1024,
            headers_max: None,
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(90),
            body_window: Duration::from_secs(30),
            body_bytes_min: 512,
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        let (clock, limits) = (Clock::real(), Limits::default());
        Settings { tls: None, clock, limits, workers: None, held: Held::default() }
    }
}
