//! Calls between services, typed by the wire crates and made as somebody.
//!
//! A service never depends on another service, only on its wire crate: `bus.call::<sqs::SendMessage>(…)`. Such a call
//! goes through the same layers as a client's (validation, authorisation, audit), as the service principal or role
//! that the caller names, so what a service may do on a user's behalf is decided by that user's policies.
//!
//! Reading order: [`error`] (what an API call may fail with), [`caller`] (who calls), [`bus`](mod@bus) (the call).
//!
//! What must never happen here: a call that skips the layers, or knowledge of any one service.

pub mod bus;
pub mod caller;
pub mod error;

pub use bus::{Bus, Call, Dispatch, Dispatched};
pub use caller::{Caller, Delegation, Federation, Principal, Session};
pub use error::{ApiError, Fault};
