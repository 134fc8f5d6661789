//! The operations, one file for each noun.
//!
//! Every handler does the same three things: say what permission the call needs, act through [`crate::store`], and
//! show the outcome through [`crate::render`].

mod access_keys;
mod account;
mod account_settings;
mod attachments;
mod boundaries;
mod credential_report;
mod delegation;
mod details;
mod entities_for_policy;
mod groups;
mod inline;
mod instance_profiles;
mod last_accessed;
mod login_profiles;
mod mfa_devices;
mod oidc_providers;
mod organizations_report;
mod policies;
mod policy_versions;
mod role_templates;
mod roles;
mod root_access;
mod saml_providers;
mod server_certificates;
mod service_credentials;
mod service_linked_roles;
mod signing_certificates;
mod simulate;
mod ssh_keys;
mod tags;
mod users;
