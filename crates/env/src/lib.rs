//! The one boundary to what cannot be repeated: the clock, randomness, tasks, files.
//!
//! Everything else in the project asks an [`Env`] for these, so that a test can freeze and move time, replay a run
//! from a seed, wait until every task has ended, and lose what a disk had not yet synced. `clippy.toml` bans the raw
//! forms everywhere but here.
//!
//! Reading order: [`clock`], [`rng`], [`task`], [`fs`], [`env`](mod@env); [`load`], [`post`] and [`rouse`] are for what threads
//! do to one another.
//!
//! What must never happen here: knowledge of any service, protocol or record.

mod alarm;
pub mod clock;
pub mod env;
pub mod fs;
pub mod load;
pub mod post;
pub mod rng;
pub mod rouse;
pub mod task;

pub use clock::Clock;
pub use env::Env;
pub use fs::Fs;
pub use rng::Rng;
pub use task::Tasks;
