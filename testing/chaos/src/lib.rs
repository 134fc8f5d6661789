//! The whole program, killed: kill -9 at any moment, and power cuts that take every write that was not synced.
//!
pub mod disk;
pub mod shim;
