//! Signature version 4, both sides of it, as pure functions: no IO, no clock (`now` is a parameter), no global state.
//!
//! A server goes this way:
//!
//! 1. [`RequestAuth::parse`] reads what the request carries. Nothing is verified, but the credential's scope already
//!    tells the service and the region, which is what the router needs.
//! 2. The caller looks the access key up and calls [`Verifier::verify`] (or [`Verifier::verify_post`] for the fields
//!    of an S3 POST form, which [`PostAuth::parse`] has read, and whose [`PostPolicy`] it then evaluates).
//! 3. The body goes through a [`PayloadVerifier`], which checks its hash, or decodes and checks an aws-chunked one.
//!    **What it hands out counts only once its `finish` has returned `Ok`.**
//! 4. An [`AuthError`] holds facts; [`AuthError::render`] words them as the [`Family`] of the service does.
//!
//! Who has to answer for what: the existence and the state of an access key, whether a session token belongs to it, and
//! whether the scope's region is the bucket's ([`SigV4::expect_region`]) are the caller's to check.
//!
//! Outside S3 a path is normalised before it is signed, so that `/a/../b` and `/b` have the same signature, as in AWS:
//! what such a service routes on must not tell them apart to anybody's advantage.
//!
//! A signature is first compared with that of the canonical request that AWS documents. If it is another one, the
//! readings that signers in the field are known to have are tried (an unnormalised path, a query or path as sent, a host
//! without port, a token added after signing). Each stands for the same request, so none loosens what a signature says.
//!
//! Modules in reading order: [`timestamp`](Timestamp), `encode` (hexadecimal, percent), `credential`, `payload`
//! (`x-amz-content-sha256`), `request` (the borrowed parts), `parse`, `canonical`, `key` (and the cache), `asymmetric` (version 4A), `verify`, `chain`
//! (signatures of chunks), `chunked` (the decoder), `body`, `post`, `post_policy`, `v2` (what S3 still takes of version 2), `sign` (the client's side), `error`,
//! `render`.
//!
//! What must never happen: a comparison of signatures that is not constant-time; a panic, or memory without bound, from
//! anything a client can send; a dependency on another crate of Haneul.

mod asymmetric;
mod body;
mod canonical;
mod chain;
mod chunked;
mod credential;
mod encode;
mod error;
mod key;
mod parse;
mod payload;
mod post;
mod post_policy;
mod render;
mod request;
mod sign;
mod timestamp;
mod v2;
mod verify;

pub use body::PayloadVerifier;
pub use chunked::ChunkedDecoder;
pub use credential::Credential;
pub use error::{AuthError, Carrier, ExpiresProblem, SignatureMismatch};
pub use key::{SigningKey, SigningKeyCache};
pub use parse::{EXPIRES_S_MAX, RequestAuth, SigV4};
pub use payload::{EMPTY_SHA256, PayloadHash};
pub use post::{PostAuth, PostForm};
pub use post_policy::PostPolicy;
pub use render::{ErrorReply, Family};
pub use request::RequestParts;
pub use sign::{ChunkSigner, ChunkedForm, Credentials, SignError, SignPayload, Signer};
pub use timestamp::{BasicTime, Timestamp};
pub use v2::{PostFormV2, PresignedV2};
pub use verify::{Body, SKEW_S_MAX, Verified, Verifier, verify_with_key};
