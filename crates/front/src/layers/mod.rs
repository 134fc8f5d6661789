//! What every call passes, in this order, whether it comes over HTTP or over the bus:
//!
//! [`limits`] → [`request_id`] → [`authn`] (who calls, by signature) → [`place`] (account and Region) →
//! [`hooks::Throttle`] → validation (by `haneul-wire`, from the model) → [`authz`] (may they, with what the
//! [`organization`] leaves them) → the operation →
//! [`Metering`](crate::metering::Metering) → [`hooks::Audit`].
//!
//! The bus starts at validation: its caller is already known.

pub mod authn;
pub mod authz;
pub mod context;
pub mod denial;
pub mod hooks;
pub mod limits;
pub mod organization;
pub mod place;
pub mod request_id;
pub mod signature;
