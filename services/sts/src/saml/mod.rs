//! SAML 2.0 responses: from the text that a browser carried to what is known to be true of its holder.
//!
//! Reading order: [`xml`] (a document as a tree; no types, entities, comments or instructions come out of it),
//! [`canonical`] (the bytes that are signed), [`signature`] (what of the document is signed by the provider),
//! [`assertion`] (what the signed part says, and whether that is meant for AWS and for now).
//!
//! What must never happen here: a look at an element that is not under a verified signature; a key taken from the
//! document itself; a document that takes more than linear memory or recurses without bound.
//!
//! Sources: SAML 2.0 core and profiles (OASIS saml-core-2.0-os, saml-profiles-2.0-os), XML Signature (RFC 3275), Exclusive
//! XML Canonicalization 1.0; IAM User Guide, "Configure SAML assertions for the authentication response".

pub mod assertion;
mod attributes;
mod canonical;
mod error;
#[cfg(test)]
pub(crate) mod sign;
mod signature;
mod xml;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub use assertion::{Assertion, Expected};
pub use error::{Problem, SamlError};

/// Verifies a response as it comes in `SAMLAssertion`: base64, white space allowed.
///
/// # Errors
/// Whatever makes it not believable. The message is for the caller and tells nothing that the response did not.
pub fn verify(response: &str, expected: &Expected<'_>) -> Result<Assertion, SamlError> {
    let packed: String = response.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(packed).map_err(|_| SamlError::invalid("Invalid base64 SAMLResponse"))?;
    let text = String::from_utf8(bytes).map_err(|_| SamlError::invalid("Invalid SAMLResponse: not UTF-8"))?;
    let document = xml::Document::parse(&text).map_err(|_| SamlError::invalid("Invalid SAMLResponse XML"))?;
    let assertion = signature::signed_assertion(&document, expected.certificates)?;
    assertion::read(&document, assertion, expected)
}
