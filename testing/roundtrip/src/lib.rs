//! Every operation of every service through every protocol that the service speaks, there and back.
//!
//! [`table`] lists the operations as constructors of their inputs and outputs. [`fill`] makes random values of the model.
//! [`compare`] tells whether what arrived is what was sent. [`trip`] sends one. [`mod@dump`] and [`vector`] compare
//! with what botocore writes and reads. The test that runs them all is in `tests`.
//!
//! More cases: `HANEUL_CASES=100 cargo test -p haneul-roundtrip`. A failure prints its seed; `HANEUL_SEED` repeats it.

pub mod compare;
pub mod dump;
pub mod fill;
pub mod table;
pub mod trip;
pub mod vector;
