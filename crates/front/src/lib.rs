//! The front door: from a socket, or a call on the bus, to a service's operation and back.
//!
//! A [`Cloud`] is all services behind one door. [`Cloud::handle`] answers an HTTP request without any socket, as tests
//! do it; [`serve()`](serve::serve) puts it behind a listener; the bus reaches the same layers through
//! [`haneul_bus::Dispatch`].
//!
//! Reading order: [`cloud`] (what it is made of), [`catalog`] (services by their names), [`route`] (whom a request is
//! for), `exchange` (one request through all layers), [`layers`], `dispatch` (one call of the bus through them), `noted` (what a call tells the trail of itself), `metering` (what it used), [`body`]
//! (read, checked, bounded), `decisions` (what was decided lately and why), [`reply`] and `foreign` (errors, in every protocol), [`cors`], [`control`] (`/_haneul/…`),
//! [`serve`] (sockets, TLS, HTTP).
//!
//! What must never happen here: knowledge of what a service does (its name may stand in a table of limits, forms and
//! words); an operation that runs before its caller was authorised; a request that makes us panic, hang, or take memory
//! without bound; a secret in the log.

pub mod body;
pub mod catalog;
pub mod cloud;
pub mod control;
pub mod cors;
mod date;
mod decisions;
mod dispatch;
mod exchange;
mod foreign;
pub mod layers;
mod metering;
mod noted;
pub mod reply;
pub mod route;
pub mod serve;

pub use cloud::{Cloud, ConnInfo, Options};
pub use control::Control;
pub use serve::{Limits, Settings, serve};
