//! The IAM policy language, as a pure crate: no IO, no clock, no dependency on the rest of Haneul.
//!
//! A policy document is read once ([`Policy::parse`]) into a compiled form: wildcards split, actions
//! lowercased and indexed by service, condition values turned into numbers, dates and networks. After
//! that, [`decide`] answers a [`Request`] from the policies that apply to it ([`Inputs`]), following the
//! IAM User Guide's "Policy evaluation logic"; [`Decision`] says why, and [`denial_message`] says it in
//! the words of AWS's "Troubleshoot access denied error messages".
//!
//! Modules in reading order:
//!
//! - [`document`]: the compiled [`Policy`] and its statements, and the index that makes it cheap to ask;
//! - [`rules`]: what each kind of policy may contain, and how long it may be, as data;
//! - `json`, `parse`, `serialize`: text to policy and back. `json` is our own reader, because policies
//!   must refuse duplicate keys, keep numbers as they were written, and have a limit on depth; `names` renames
//!   principals in a text;
//! - `phases`, `arn`: which of several faults of a policy of permissions IAM names, and its checks of resource ARNs;
//! - `pattern`, `template`: wildcards, and wildcards with `${variables}`; `sieve`: what cannot match a resource;
//! - `action`, `principal`, [`condition`]: the elements of a statement and how each one matches;
//! - [`request`]: who asks for what; [`context`]: with which context keys, set or worked out when asked for;
//! - [`evaluate`]: the decision; [`decision`]: its result; [`message`]: the denial in AWS's words; [`trace`]: what
//!   came near;
//! - [`public`]: S3's "meaning of public".
//!
//! What must never happen here: a clock or a file is read; a document makes the parser panic, recurse
//! without bound or take more than linear memory; a wildcard takes exponential time; a value that cannot
//! be understood widens access (it is refused when parsed, or never matches).

mod action;
mod arn;
pub mod condition;
pub mod context;
pub mod decision;
pub mod document;
mod error;
pub mod evaluate;
mod json;
pub mod message;
mod names;
mod parse;
mod pattern;
mod phases;
mod principal;
pub mod public;
pub mod request;
pub mod rules;
mod serialize;
mod sieve;
mod template;
pub mod trace;

pub use context::{Context, Source};
pub use decision::{Decision, Matched, PolicyType, Reason};
pub use document::{Effect, Policy, Statement, Version};
pub use error::{ErrorKind, PolicyError};
pub use evaluate::{Attached, Inputs, Level, ResourceMode, decide, explain};
pub use message::{Detail, denial_message};
pub use names::rename_principals;
pub use principal::{PrincipalKind, PrincipalRef};
pub use public::is_public;
pub use request::{Caller, Principal, Request};
pub use rules::{Presence, Rules};
pub use trace::{Miss, Why, misses};
