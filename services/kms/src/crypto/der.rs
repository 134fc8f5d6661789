//! The two DER structures of ML-KEM that aws-lc-rs does not write (RFC 9935).

use zeroize::Zeroizing;

use super::material::Secret;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;

/// 2.16.840.1.101.3.4.4.n
fn algorithm(n: u8) -> Vec<u8> {
    tlv(SEQUENCE, &tlv(OID, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, n]))
}

/// SubjectPublicKeyInfo.
pub(super) fn kem_public(n: u8, encapsulation_key: &[u8]) -> Vec<u8> {
    let bits = [&[0][..], encapsulation_key].concat();
    tlv(SEQUENCE, &[algorithm(n), tlv(BIT_STRING, &bits)].concat())
}

/// OneAsymmetricKey with the expanded form of the key.
pub(super) fn kem_private(n: u8, expanded: &[u8]) -> Secret {
    let key = Zeroizing::new(tlv(OCTET_STRING, &Zeroizing::new(tlv(OCTET_STRING, expanded))));
    let content = Zeroizing::new([&tlv(INTEGER, &[0])[..], &algorithm(n), &key].concat());
    Zeroizing::new(tlv(SEQUENCE, &content))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 5);
    out.push(tag);
    let length = content.len();
    match length {
        0..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend_from_slice(&[0x81, length as u8]),
        _ => out.extend_from_slice(&[0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}
