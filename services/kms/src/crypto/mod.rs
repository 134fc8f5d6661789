//! What keys do. All of it is AWS-LC's (through aws-lc-rs: constant time, the library that AWS KMS itself is built on,
//! under a minute to build), but for two things that aws-lc-rs has no call for: Ed25519ph and ML-DSA over an external
//! mu, which are RustCrypto's.
//!
//! Reading order: [`material`] (a key's bytes and what is made from them), [`blob`] (symmetric ciphertexts), [`rsa`],
//! [`ec`], [`edwards`], [`lattice`], [`der`], [`wrapping`] (import of key material).
//!
//! What must never happen here: a plaintext from a ciphertext that was changed, or with another context or key; a
//! key's bytes in an error or a log.

pub(crate) mod blob;
mod der;
mod ec;
mod edwards;
mod lattice;
pub(crate) mod material;
mod rsa;
pub(crate) mod wrapping;

pub(crate) use material::Material;

/// Something did not verify, parse or fit. Why is nobody's business: the caller says what AWS says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

impl From<aws_lc_rs::error::Unspecified> for Refused {
    fn from(_: aws_lc_rs::error::Unspecified) -> Refused {
        Refused
    }
}

impl From<aws_lc_rs::error::KeyRejected> for Refused {
    fn from(_: aws_lc_rs::error::KeyRejected) -> Refused {
        Refused
    }
}

/// A message to sign, or what stands for one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Message<'a> {
    Raw(&'a [u8]),
    Digest(&'a [u8]),
    /// ML-DSA's message representative (FIPS 204, 64 bytes).
    ExternalMu(&'a [u8]),
}

/// The digest that ECDSA and RSA sign.
fn digest(
    message: Message<'_>,
    algorithm: &'static aws_lc_rs::digest::Algorithm,
) -> Result<aws_lc_rs::digest::Digest, Refused> {
    match message {
        Message::Raw(bytes) => Ok(aws_lc_rs::digest::digest(algorithm, bytes)),
        Message::Digest(bytes) => Ok(aws_lc_rs::digest::Digest::import_less_safe(bytes, algorithm)?),
        Message::ExternalMu(_) => Err(Refused),
    }
}
