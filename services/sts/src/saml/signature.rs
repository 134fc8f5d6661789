//! Which assertion of a response is signed by the provider.
//!
//! Signature wrapping moves a signed element to where nobody looks and puts a forged one where it was. So the document has
//! to be of the plain form that identity providers make: one assertion, directly in the response; signatures directly in
//! what they sign, referring to it by an id that nothing else has. Every signature must be good, and what is read
//! afterwards is the very element that was hashed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use ring::signature::{self as algorithms, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::canonical;
use super::error::SamlError;
use super::xml::{Document, Id};

pub(super) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(super) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// The assertion of the response, once every signature has been found good, of which there is at least one.
pub(super) fn signed_assertion(document: &Document, certificates: &[Vec<u8>]) -> Result<Id, SamlError> {
    let invalid = SamlError::invalid;
    let root = 0;
    if !document.is(root, PROTOCOL, "Response") {
        return Err(invalid("Invalid SAMLResponse: the document is no response"));
    }
    if document.ids().any(|id| document.is(id, ASSERTION, "EncryptedAssertion")) {
        return Err(invalid("Encrypted assertions are not supported"));
    }
    let mut assertions = document.ids().filter(|id| document.is(*id, ASSERTION, "Assertion"));
    let assertion = match (assertions.next(), assertions.next()) {
        (Some(one), None) if document.get(one).parent == Some(root) => one,
        _ => return Err(invalid("SAMLResponse must contain exactly one assertion")),
    };
    refuse_shared_ids(document)?;
    let keys = keys(certificates);
    let mut is_signed = false;
    for signature in document.ids().filter(|id| document.is(*id, DSIG, "Signature")) {
        let parent = document.get(signature).parent;
        let signed = parent.filter(|parent| *parent == root || *parent == assertion);
        let Some(signed) = signed.filter(|signed| document.only(*signed, DSIG, "Signature").is_some()) else {
            return Err(invalid("Response signature invalid: a signature where none belongs"));
        };
        if !is_good(document, signature, signed, &keys) {
            return Err(invalid("Response signature invalid"));
        }
        is_signed = true;
    }
    if is_signed { Ok(assertion) } else { Err(invalid("Response is not signed")) }
}

/// An id that two elements have could be meant either way.
fn refuse_shared_ids(document: &Document) -> Result<(), SamlError> {
    let mut ids: Vec<&str> = Vec::new();
    for id in document.ids() {
        let attributes = document.get(id).attributes.iter();
        ids.extend(attributes.filter(|a| a.name.eq_ignore_ascii_case("id")).map(|a| a.value.as_str()));
    }
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(SamlError::invalid("Response signature invalid: an ID is not unique"));
    }
    Ok(())
}

/// Whether `signature` is one of `signed` by any of the keys.
fn is_good(document: &Document, signature: Id, signed: Id, keys: &[Key]) -> bool {
    verified(document, signature, signed, keys).is_some()
}

fn verified(document: &Document, signature: Id, signed: Id, keys: &[Key]) -> Option<()> {
    let info = document.only(signature, DSIG, "SignedInfo")?;
    let value = document.only(signature, DSIG, "SignatureValue")?;
    // Nothing but its key may be beside, and the key is not taken from there.
    let is_known = |id: Id| id == info || id == value || document.is(id, DSIG, "KeyInfo");
    if !document.children(signature).all(is_known) {
        return None;
    }
    let [method_of_form, method, reference] =
        <[Id; 3]>::try_from(document.children(info).collect::<Vec<_>>()).ok()?;
    let named = |id: Id, name: &str| document.is(id, DSIG, name).then_some(id);
    let inclusive = form(document, named(method_of_form, "CanonicalizationMethod")?)?;
    let method = document.attribute(named(method, "SignatureMethod")?, "Algorithm")?;
    check_reference(document, named(reference, "Reference")?, signature, signed)?;
    let signed_bytes = canonical::bytes(document, info, None, &inclusive);
    let value = decode(document.text(value)?)?;
    keys.iter().any(|key| key.verifies(method, &signed_bytes, &value)).then_some(())
}

fn check_reference(document: &Document, reference: Id, signature: Id, signed: Id) -> Option<()> {
    let id = document.attribute(signed, "ID").filter(|id| !id.is_empty())?;
    if document.attribute(reference, "URI")? != format!("#{id}") {
        return None;
    }
    let [transforms, method, value] =
        <[Id; 3]>::try_from(document.children(reference).collect::<Vec<_>>()).ok()?;
    let named = |id: Id, name: &str| document.is(id, DSIG, name).then_some(id);
    let transforms: Vec<Id> = document.children(named(transforms, "Transforms")?).collect();
    let [enveloped, exclusive] = <[Id; 2]>::try_from(transforms).ok()?;
    if document.attribute(named(enveloped, "Transform")?, "Algorithm")? != ENVELOPED {
        return None;
    }
    let inclusive = form(document, named(exclusive, "Transform")?)?;
    let algorithm = match document.attribute(named(method, "DigestMethod")?, "Algorithm")? {
        "http://www.w3.org/2001/04/xmlenc#sha256" => &digest::SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384" => &digest::SHA384,
        "http://www.w3.org/2001/04/xmlenc#sha512" => &digest::SHA512,
        _ => return None,
    };
    let bytes = canonical::bytes(document, signed, Some(signature), &inclusive);
    let expected = decode(document.text(named(value, "DigestValue")?)?)?;
    (digest::digest(algorithm, &bytes).as_ref() == expected).then_some(())
}

/// The prefixes of exclusive canonicalisation; `None` for any other.
fn form(document: &Document, method: Id) -> Option<Vec<&str>> {
    if document.attribute(method, "Algorithm")? != EXCLUSIVE {
        return None;
    }
    let children: Vec<Id> = document.children(method).collect();
    match children.as_slice() {
        [] => Some(Vec::new()),
        [one] if document.is(*one, EXCLUSIVE, "InclusiveNamespaces") => {
            let list = document.attribute(*one, "PrefixList").unwrap_or_default();
            let prefixes = list.split([' ', '\n', '\t', '\r']).filter(|prefix| !prefix.is_empty());
            Some(prefixes.map(|prefix| if prefix == "#default" { "" } else { prefix }).collect())
        }
        _ => None,
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(packed).ok()
}

enum Key {
    Rsa(Vec<u8>),
    Ec(Vec<u8>),
}

/// The keys of certificates; those that cannot be read verify nothing.
fn keys(certificates: &[Vec<u8>]) -> Vec<Key> {
    let key = |der: &Vec<u8>| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let info = certificate.public_key();
        let bytes = info.subject_public_key.data.to_vec();
        match info.parsed().ok()? {
            PublicKey::RSA(_) => Some(Key::Rsa(bytes)),
            PublicKey::EC(_) => Some(Key::Ec(bytes)),
            _ => None,
        }
    };
    certificates.iter().filter_map(key).collect()
}

impl Key {
    /// The kind of key decides with the method: an RSA key verifies no ECDSA signature, and SHA-1 none at all.
    fn verifies(&self, method: &str, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, key): (&dyn VerificationAlgorithm, &[u8]) = match (self, method) {
            (Key::Rsa(key), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256") => {
                (&algorithms::RSA_PKCS1_2048_8192_SHA256, key)
            }
            (Key::Rsa(key), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384") => {
                (&algorithms::RSA_PKCS1_2048_8192_SHA384, key)
            }
            (Key::Rsa(key), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512") => {
                (&algorithms::RSA_PKCS1_2048_8192_SHA512, key)
            }
            (Key::Ec(key), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256") => {
                (&algorithms::ECDSA_P256_SHA256_FIXED, key)
            }
            (Key::Ec(key), "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384") => {
                (&algorithms::ECDSA_P384_SHA384_FIXED, key)
            }
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
    }
}
