//! What identity providers and server certificates are refused with.

use haneul_iam_wire::values::error as code;
use haneul_kit::ApiError;

use super::{exists, invalid_input, no_such, validation};

pub(crate) fn no_such_saml_provider(arn: &str) -> ApiError {
    no_such(format!("Manifest not found for arn {arn}"))
}

pub(crate) fn saml_provider_exists(name: &str) -> ApiError {
    exists(format!("Provider with name {name} already exists."))
}

pub(crate) fn saml_metadata(why: &str) -> ApiError {
    invalid_input(format!("Could not parse metadata: {why}"))
}

pub(crate) fn no_such_saml_key(id: &str) -> ApiError {
    no_such(format!("Private key with id {id} was not found."))
}

pub(crate) fn saml_key() -> ApiError {
    invalid_input("The private key is not valid: it must be an unencrypted RSA key in PEM format.")
}

pub(crate) fn saml_encryption_without_key() -> ApiError {
    invalid_input("An assertion encryption mode needs a private key that decrypts.")
}

pub(crate) fn unreadable_certificate() -> ApiError {
    malformed("Unable to parse certificate. Please ensure the certificate is in PEM format.")
}

pub(crate) fn unreadable_private_key() -> ApiError {
    malformed("Unable to parse key. Please ensure the private key is in PEM format and not encrypted.")
}

pub(crate) fn unreadable_chain() -> ApiError {
    malformed("Unable to parse certificate chain. Please ensure the certificate chain is in PEM format.")
}

pub(crate) fn certificate_not_valid_now() -> ApiError {
    malformed("The certificate is not valid at this time. Check its validity period.")
}

pub(crate) fn broken_chain(at: usize) -> ApiError {
    malformed(&format!(
        "Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, \
         followed by any intermediaries in order. The index within the chain of the invalid certificate is: {at}"
    ))
}

pub(crate) fn key_pair_mismatch() -> ApiError {
    let message = "The public key certificate and the private key do not match.";
    ApiError::new(code::KEY_PAIR_MISMATCH_EXCEPTION, message)
}

fn malformed(message: &str) -> ApiError {
    ApiError::new(code::MALFORMED_CERTIFICATE_EXCEPTION, message)
}

pub(crate) fn no_such_oidc_provider(arn: &str) -> ApiError {
    no_such(format!("OpenIDConnect Provider not found for arn {arn}"))
}

pub(crate) fn oidc_provider_exists(url: &str) -> ApiError {
    exists(format!("Provider with url {url} already exists."))
}

pub(crate) fn oidc_url() -> ApiError {
    validation("Invalid Open ID Connect Provider URL")
}

pub(crate) fn thumbprint(given: &str) -> ApiError {
    invalid_input(format!(
        "Thumbprint {given} is not valid: it must be the SHA-1 of a certificate in hexadecimal."
    ))
}

pub(crate) fn too_many_thumbprints() -> ApiError {
    invalid_input("Thumbprint list must contain fewer than 5 entries.")
}

pub(crate) fn no_such_server_certificate(name: &str) -> ApiError {
    no_such(format!("The Server Certificate with name {name} cannot be found."))
}

pub(crate) fn server_certificate_exists(name: &str) -> ApiError {
    exists(format!("The Server Certificate with name {name} already exists."))
}
