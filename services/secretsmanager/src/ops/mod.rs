//! The operations, by noun.

mod batch_get;
pub(crate) mod create_secret;
mod delete_secret;
mod describe;
mod get_secret_value;
mod list_secrets;
mod put_secret_value;
mod random_password;
mod replication;
mod resource_policies;
pub(crate) mod rotation;
mod tags;
mod update_secret;
mod version_stages;
