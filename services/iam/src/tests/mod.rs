//! Tests in process, on a store in memory and a clock that stands still.

mod catalog;
mod cloud;
mod credentials;
mod delegation;
mod directory;
mod dispatch;
mod errors;
mod invariants;
mod listings;
mod mfa;
mod providers;
mod role_templates;
mod service_credentials;
mod service_linked;
mod simulator;
