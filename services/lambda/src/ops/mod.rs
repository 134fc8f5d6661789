//! The operations, one file for each noun.

mod account;
mod aliases;
mod capacity_providers;
mod concurrency;
mod create_function;
mod durable_callbacks;
mod durable_checkpoint;
mod durable_control;
mod durable_executions;
mod functions;
mod invoke;
mod invoke_configs;
mod layer_policies;
mod layers;
mod mappings;
mod paging;
mod permissions;
mod provisioned;
mod render;
mod runtimes;
mod scaling;
mod signing;
mod source;
mod tags;
mod update_code;
mod update_configuration;
mod urls;
mod versions;

pub(crate) use functions::LINK_MS;
pub(crate) use urls::auth;
