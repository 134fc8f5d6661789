//! The operations, by noun.

mod delete_parameters;
mod describe_parameters;
mod get_parameters;
mod get_parameters_by_path;
mod history;
mod labels;
mod put_parameter;
mod resource_policies;
pub(crate) mod service_settings;
mod tags;
