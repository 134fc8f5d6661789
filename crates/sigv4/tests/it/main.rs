//! Signature version 4 against what others sign, and against what nobody should.

mod asymmetric;
mod aws_examples;
mod chunked;
mod errors;
mod hostile;
mod round_trip;
mod support;
mod v2;
mod vectors;
