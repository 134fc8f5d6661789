//! What goes on after the answers: code is prepared and thrown away ([`code`]), events are delivered ([`events`]), executions go
//! on ([`durable`]), provisioned environments are started ([`provision`]), those of capacity providers are kept ([`capacity`]), and mappings are polled (`mappings`). Each finds what is due by itself.

pub(crate) mod capacity;
pub(crate) mod code;
pub(crate) mod durable;
pub(crate) mod events;
pub(crate) mod provision;
