//! The operations, one file for each noun.
//!
//! Every handler does the same three things: say what permission the call needs, act through [`crate::store`], and
//! show the outcome through [`crate::render`].

mod access_keys;
mod account;
mod attachments;
mod boundaries;
mod credentials;
mod details;
mod entities_for_policy;
mod groups;
mod inline;
mod instance_profiles;
mod mfa_devices;
mod oidc_providers;
mod policies;
mod policy_versions;
mod roles;
mod saml_providers;
mod simulate;
mod tags;
mod users;
