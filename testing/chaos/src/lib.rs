//! The whole program, killed: kill -9 at any moment, and power cuts that take every write that was not synced.
//!
//! Writers of S3, SQS and DynamoDB run against the built `haneul` until it is killed. After its restart everything that was
//! answered must be there, and nothing else; then they go on. What every test here asks is in [`world`].
//!
//! For the power cuts the program runs with a library preloaded (`shim/disk.c`) that records what it does to its files.
//! [`disk`] makes up from the record what a disk would hold if the power had been cut at any point of it, and the
//! program is started on that.
//!
//! The tests run for a few seconds in a normal test run. For long: `HANEUL_CHAOS_KILLS=200`, `HANEUL_CHAOS_CUTS=200`;
//! `HANEUL_CHAOS_SEED` replays the choices of a run, as far as threads let it; `HANEUL_CHAOS_KEEP` is a folder in which
//! the state that failed is kept. They are skipped, with a printed reason, when the program is not built
//! (`cargo build --package haneul`, or `HANEUL_BIN`).
//!
//! Reading order: [`program`], [`client`]; [`moment`] (what is known of a call at the end), [`content`]; [`s3`], [`queue`],
//! [`standard`], [`fifo`], [`bank`], [`regions`] (who writes what, and what must be there); [`world`]; [`shim`], [`disk`].
//!
//! What must never happen here: knowledge of how the program works inside, beside where it keeps blobs.

pub mod bank;
pub mod client;
pub mod content;
pub mod disk;
pub mod fifo;
pub mod moment;
pub mod program;
pub mod queue;
pub mod regions;
pub mod s3;
pub mod shim;
pub mod standard;
pub mod world;

/// The number in an environment variable.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}
