//! Tests in process, on a store in memory and a clock that stands still.

mod catalog;
mod cloud;
mod credentials;
mod directory;
mod dispatch;
mod errors;
mod invariants;
mod listings;
mod mfa;
mod providers;
mod service_credentials;
mod role_templates;
mod service_linked;
mod simulator;
