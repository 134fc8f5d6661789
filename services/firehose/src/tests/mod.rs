//! The service with those it works with, in one process.

mod api;
mod cloud;
mod delivery;
mod dispatch;
mod encryption;
mod sources;
