//! OpenID Connect: from an ID token to what is known to be true of its holder.
//!
//! Reading order: [`token`] (a JSON Web Token, its signature and its claims), [`keys`] (a JSON Web Key Set), [`issuer`] (the
//! keys of an issuer, fetched by its discovery document and kept for a while), `fetch` (one small page over HTTP).
//!
//! What must never happen here: an algorithm that the token chose for a key of another kind; a token believed for another
//! issuer, another audience or another time; a page fetched from anywhere but the issuer and where it points, over plain
//! HTTP unless that is this machine, or without bound.
//!
//! Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 7515, 7517, 7518, 7519, 8725; IAM User Guide, "Available keys for
//! AWS OIDC federation", "Pass session tags in AWS STS".

mod fetch;
pub mod issuer;
pub mod keys;
pub mod token;

pub use keys::KeySet;
pub use token::{Claims, Token, TokenError};
