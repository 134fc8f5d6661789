//! STS and IAM together, called over the bus: through validation and authorisation, as a client's calls go.

mod assume_role;
mod cloud;
mod https_issuer;
mod mfa;
mod outbound;
mod saml;
mod tokens;
mod web_identity;
