//! The whole cloud in one process: memory store, clock frozen, randomness from a seed, no sockets.
//!
//! ```ignore
//! let cloud = Cloud::new(7).await;
//! let queue = cloud.call::<CreateQueue>(CreateQueueRequest { queue_name: "q".into(), ..Default::default() }).await?;
//! cloud.env.clock.advance(Duration::from_secs(30));
//! ```
//!
//! A call is encoded by the codecs' client side, signed, and goes through every layer of the front door, so what a test
//! sees is what an SDK would. With `HANEUL_TEST_ENDPOINT` set, the same calls go over HTTP to a running program instead;
//! tests that move the clock or look inside say so with [`Cloud::in_process`].
//!
//! Reading order: [`cloud`], [`client`] (typed calls), [`transport`] (in process, or over a socket).

pub mod client;
pub mod cloud;
pub mod transport;

pub use client::{Client, Failure};
pub use cloud::Cloud;
pub use transport::Transport;
