//! All that the author of a service imports.
//!
//! A service is a plain struct with its state, and for each operation it implements an `impl Handle<Operation>`: what
//! the call must be allowed to do ([`Handle::access`]) and what it does ([`Handle::call`]). Because both are methods
//! of one trait, an operation that forgets its authorisation does not compile. [`Service`] collects the handlers into
//! the dispatch table.
//!
//! Reading order: [`handle`] (the trait), [`access`] (what an operation asks permission for), [`cx`] (who, where and
//! when of a call), [`service`] (the dispatch table), [`platform`] (what a service is given to work with),
//! [`directory`] (who exists), [`pinned_policy`] (whom a resource's policy names), [`organization`] (what an account may do at most), [`trail`] (who is told of every call), [`tagged`] (which resources there are), [`access_key_id`], [`seal`] (opaque tokens), [`data_key`] (what services seal with keys of KMS), [`session_token`] (temporary credentials),
//! [`guests`] (programs that we run), [`authorization_message`], [`paging`], [`reconcile`] (work that goes on after the answer), [`extension`] (requests
//! that no model describes), [`watch`] (how calls ended), [`metrics`] (what a service says of its own work to CloudWatch), [`contributors`] (who caused it), [`cron`] (when schedules are due).
//!
//! What must never happen here: knowledge of how any one service does its work. What several share, as the tables of
//! [`contributors`], is here; so is what a session carries for the service that gave it out.

pub mod access;
pub mod access_key_id;
pub mod authorization_message;
pub mod bucket;
pub mod canonical_user;
pub mod contributors;
pub mod cron;
pub mod cx;
pub mod data_key;
pub mod directory;
pub mod extension;
pub mod guests;
pub mod handle;
pub mod meter;
pub mod metrics;
pub mod organization;
pub mod paging;
pub mod pinned_policy;
pub mod platform;
pub mod policy_principal;
pub mod reconcile;
pub mod seal;
pub mod service;
pub mod session_token;
pub mod tagged;
pub mod trail;
pub mod watch;

pub use access::Access;
pub use authorization_message::AuthorizationMessage;
pub use bucket::Bucket;
pub use canonical_user::canonical_user_id;
pub use cx::Cx;
pub use data_key::{DataKey, OpenKeys};
pub use directory::{
    AccessKey, ApiKey, Directory, OidcProvider, PrincipalPolicies, Role, RootAccess, SamlProvider, ServiceUse,
};
pub use extension::{Arriving, Extension, RequestHead, Trailers};
pub use guests::Guests;
pub use handle::Handle;
pub use organization::{Membership, Organization, Standing};
pub use platform::{Authorizer, Platform};
pub use policy_principal::policy_principal;
pub use reconcile::{Reconciler, Signal};
pub use seal::Seal;
pub use service::Service;
pub use tagged::{Kind, Tagged};
pub use trail::Trail;
pub use watch::{Ended, Watch};

pub use haneul_base::{AccountId, Arn, Instant, Region, Tags};
pub use haneul_bus::{ApiError, Bus, Caller, Delegation, Fault, Federation, Principal, Session};
pub use haneul_env::Env;
pub use haneul_policy::Policy;
pub use haneul_shape::{ByteStream, Operation, Shape};

/// A boxed future, for traits that must be object-safe.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub type Result<T, E = ApiError> = std::result::Result<T, E>;
