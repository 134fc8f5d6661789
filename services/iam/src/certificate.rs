//! X.509 certificates and private keys in PEM, as requests bring them.

use haneul_kit::{Instant, Result};
use pkcs1::RsaPrivateKey;
use pkcs8::PrivateKeyInfo;
use pkcs8::der::Decode;
use sec1::EcPrivateKey;
use x509_parser::error::X509Error;
use x509_parser::parse_x509_certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::X509Certificate;
use x509_parser::public_key::PublicKey;

use crate::error;

/// Certificates of one chain.
const CHAIN_MAX: usize = 20;

const CERTIFICATE: &str = "CERTIFICATE";

/// One certificate, read.
pub(crate) struct Read {
    pub der: Vec<u8>,
    pub not_before: Instant,
    pub not_after: Instant,
}

impl Read {
    fn parsed(&self) -> Result<X509Certificate<'_>> {
        match parse_x509_certificate(&self.der) {
            Ok(([], parsed)) => Ok(parsed),
            _ => Err(error::unreadable_certificate()),
        }
    }
}

/// The only certificate in a text.
///
/// # Errors
/// MalformedCertificate for anything else.
pub(crate) fn read(pem: &str) -> Result<Read> {
    let mut all = read_all(pem)?;
    match all.len() {
        1 => Ok(all.remove(0)),
        _ => Err(error::unreadable_certificate()),
    }
}

fn read_all(pem: &str) -> Result<Vec<Read>> {
    let mut found = Vec::new();
    for block in Pem::iter_from_buffer(pem.as_bytes()).take(CHAIN_MAX + 1) {
        let block = block.map_err(|_| error::unreadable_certificate())?;
        if block.label != CERTIFICATE || found.len() == CHAIN_MAX {
            return Err(error::unreadable_certificate());
        }
        let (not_before, not_after) = match parse_x509_certificate(&block.contents) {
            Ok(([], parsed)) => {
                let validity = parsed.validity();
                (validity.not_before.timestamp(), validity.not_after.timestamp())
            }
            _ => return Err(error::unreadable_certificate()),
        };
        found.push(Read {
            der: block.contents,
            not_before: Instant::from_secs(not_before),
            not_after: Instant::from_secs(not_after),
        });
    }
    Ok(found)
}

/// A server certificate with its private key and the certificates above it, checked as AWS does at the upload.
///
/// # Errors
/// MalformedCertificate, KeyPairMismatch.
pub(crate) fn check_pair(body: &str, private_key: &str, chain: Option<&str>, now: Instant) -> Result<Read> {
    let read = read(body)?;
    if now < read.not_before || now > read.not_after {
        return Err(error::certificate_not_valid_now());
    }
    let key = public_part(private_key).ok_or_else(error::unreadable_private_key)?;
    if !matches(&key, &read.parsed()?) {
        return Err(error::key_pair_mismatch());
    }
    let chain = chain.map(read_all).transpose().map_err(|_| error::unreadable_chain())?;
    let mut below = &read;
    for (at, above) in chain.iter().flatten().enumerate() {
        if !signed_by(&below.parsed()?, &above.parsed()?) {
            return Err(error::broken_chain(at));
        }
        below = above;
    }
    if chain.is_some_and(|chain| chain.is_empty()) {
        return Err(error::unreadable_chain());
    }
    Ok(read)
}

/// Algorithms that the verifier does not know are taken by the issuer's name alone.
fn signed_by(below: &X509Certificate<'_>, above: &X509Certificate<'_>) -> bool {
    below.issuer() == above.subject()
        && match below.verify_signature(Some(above.public_key())) {
            Ok(()) => true,
            Err(X509Error::SignatureUnsupportedAlgorithm) => true,
            Err(_) => false,
        }
}

/// What of a public key tells it from others.
#[derive(Debug, PartialEq)]
enum PublicPart {
    /// Modulus and exponent, without leading zeros.
    Rsa(Vec<u8>, Vec<u8>),
    /// The uncompressed point.
    Ec(Vec<u8>),
}

/// SAML's decryption keys and the like must be RSA.
pub(crate) fn is_rsa_private_key(pem: &str) -> bool {
    matches!(public_part(pem), Some(PublicPart::Rsa(..)))
}

/// The public part of an unencrypted private key: PKCS #1, PKCS #8 or SEC 1.
fn public_part(pem: &str) -> Option<PublicPart> {
    for block in Pem::iter_from_buffer(pem.as_bytes()).take(2) {
        let block = block.ok()?;
        match block.label.as_str() {
            // Before an EC key OpenSSL writes which curve it is of.
            "EC PARAMETERS" => {}
            "RSA PRIVATE KEY" => return rsa(&block.contents),
            "EC PRIVATE KEY" => return ec(&block.contents),
            "PRIVATE KEY" => {
                let info = PrivateKeyInfo::from_der(&block.contents).ok()?;
                return rsa(info.private_key).or_else(|| ec(info.private_key));
            }
            _ => return None,
        }
    }
    None
}

fn rsa(der: &[u8]) -> Option<PublicPart> {
    let key = RsaPrivateKey::from_der(der).ok()?;
    Some(PublicPart::Rsa(key.modulus.as_bytes().to_vec(), key.public_exponent.as_bytes().to_vec()))
}

fn ec(der: &[u8]) -> Option<PublicPart> {
    let key = EcPrivateKey::from_der(der).ok()?;
    Some(PublicPart::Ec(key.public_key?.to_vec()))
}

fn matches(key: &PublicPart, certificate: &X509Certificate<'_>) -> bool {
    let trimmed = |bytes: &[u8]| bytes[bytes.iter().take_while(|byte| **byte == 0).count()..].to_vec();
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(of)) => *key == PublicPart::Rsa(trimmed(of.modulus), trimmed(of.exponent)),
        Ok(PublicKey::EC(of)) => *key == PublicPart::Ec(of.data().to_vec()),
        _ => false,
    }
}
