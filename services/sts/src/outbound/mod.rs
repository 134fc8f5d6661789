//! Outbound identity federation: tokens by which others know who one of our principals is.
//!
//! Reading order: [`keys`] (key pairs of an issuer, and their JSON Web Keys), [`claims`] (what a token says), [`pages`] (the
//! discovery document and the key set, which anybody may read).
//!
//! What must never happen here: a token that says more of a principal than its credentials do, or that is good for
//! longer than they are; a private key outside of the store's seal; a key taken from the key set while a token that it
//! signed is good.
//!
//! Sources: IAM User Guide, "Federating AWS identities to external services" and its pages; RFC 7515, 7517, 7518, 7519.

pub(crate) mod claims;
pub(crate) mod keys;
pub(crate) mod pages;
