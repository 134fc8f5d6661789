//! The codecs from outside, over real models: one binary, since each links every wire crate it names.

mod errors;
mod events;
mod hostile;
mod json;
mod query;
mod rest;
mod support;
mod validation;
