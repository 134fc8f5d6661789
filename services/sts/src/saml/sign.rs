//! Signs responses, for tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

use super::canonical;
use super::xml::Document;

/// A response signed as a whole, its signature after its issuer; `key` is an ECDSA key of P-256 in PKCS #8.
pub(crate) fn response(xml: &str, key: &[u8]) -> String {
    let document = Document::parse(xml).expect("a test's own document");
    let id = document.attribute(0, "ID").expect("an id");
    let hash = digest::digest(&digest::SHA256, &canonical::bytes(&document, 0, None, &[]));
    let info = format!(
        "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"></ds:SignatureMethod><ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform><ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{}</ds:DigestValue></ds:Reference></ds:SignedInfo>",
        STANDARD.encode(hash)
    );
    let random = SystemRandom::new();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &random).expect("a test's own key");
    let value = pair.sign(&random, info.as_bytes()).expect("it signs");
    let signature = format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">{info}<ds:SignatureValue>{}</ds:SignatureValue></ds:Signature>",
        STANDARD.encode(value)
    );
    xml.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
}
