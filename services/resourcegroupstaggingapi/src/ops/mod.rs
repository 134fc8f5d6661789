//! Lookups and changes.

mod change;
mod lookup;
