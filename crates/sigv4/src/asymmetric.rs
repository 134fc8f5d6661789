//! Signature version 4A: ECDSA over P-256, with a key pair that is derived from the secret. What is signed is as in version 4,
//! but for the Region, which is not in the scope: `X-Amz-Region-Set` names those that a signature is for.
//!
//! The derivation is NIST SP 800-108 in counter mode with HMAC-SHA256, as the SDKs have it; AWS's guide says that there is one
//! ("AWS Signature Version 4 for API requests", How SigV4a works).

use hmac::{Hmac, Mac};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use sha2::Sha256;

pub(crate) const ALGORITHM: &str = "AWS4-ECDSA-P256-SHA256";

/// Candidates that are tried before a secret is given up: one in 2^32 is no key.
const CANDIDATES_MAX: u8 = 254;

/// The order of the curve less two: a candidate has to be at most that.
const ORDER_LESS_TWO: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f,
];

/// The private key that belongs to an access key.
pub(crate) fn derive(access_key_id: &str, secret_access_key: &str) -> Option<SigningKey> {
    let mut secret = b"AWS4A".to_vec();
    secret.extend_from_slice(secret_access_key.as_bytes());
    for counter in 1..=CANDIDATES_MAX {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&secret).ok()?;
        // The block's number, the label, a zero, the context, and the length in bits.
        mac.update(&1u32.to_be_bytes());
        mac.update(ALGORITHM.as_bytes());
        mac.update(&[0]);
        mac.update(access_key_id.as_bytes());
        mac.update(&[counter]);
        mac.update(&256u32.to_be_bytes());
        let candidate: [u8; 32] = mac.finalize().into_bytes().into();
        if candidate <= ORDER_LESS_TWO {
            return SigningKey::from_slice(&plus_one(candidate)).ok();
        }
    }
    None
}

fn plus_one(mut number: [u8; 32]) -> [u8; 32] {
    for byte in number.iter_mut().rev() {
        let (sum, carries) = byte.overflowing_add(1);
        *byte = sum;
        if !carries {
            break;
        }
    }
    number
}

/// Checks signatures that one access key made.
pub(crate) struct PublicKey(VerifyingKey);

impl PublicKey {
    pub(crate) fn of(access_key_id: &str, secret_access_key: &str) -> Option<PublicKey> {
        derive(access_key_id, secret_access_key).map(|key| PublicKey(*key.verifying_key()))
    }

    /// `signature` is DER in hexadecimal, of 72 bytes at most.
    pub(crate) fn verify(&self, string_to_sign: &[u8], signature: &str) -> bool {
        let bytes = (signature.len() <= 2 * 72).then(|| unhex(signature)).flatten();
        let signature = bytes.and_then(|bytes| Signature::from_der(&bytes).ok());
        signature.is_some_and(|signature| self.0.verify(string_to_sign, &signature).is_ok())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = text.as_bytes();
    let pairs = bytes.chunks_exact(2);
    pairs.remainder().is_empty().then_some(())?;
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// Whether a set of Regions (`us-west-2,eu-*`, `*`) has one.
pub(crate) fn has_region(set: &str, region: &str) -> bool {
    set.split(',').map(str::trim).any(|pattern| match pattern.split_once('*') {
        None => pattern == region,
        Some((begin, end)) => {
            region.len() >= begin.len() + end.len() && region.starts_with(begin) && region.ends_with(end)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_documented_credentials() {
        // The public key that every SDK's test of this derivation names for these credentials.
        let key = derive("AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom").unwrap();
        assert_eq!(
            key.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "7fd3bd010c0d9c292141c2b77bfbde1042c92e6836fff749d1269ec890fca1bd"
        );
    }

    #[test]
    fn numbers_texts_and_sets() {
        assert_eq!(plus_one([0xff; 32]), [0; 32]);
        assert_eq!(unhex("00fF"), Some(vec![0, 255]));
        assert_eq!((unhex("0"), unhex("0g")), (None, None));
        for (set, region, has) in [
            ("*", "us-east-1", true),
            ("us-east-1", "us-east-1", true),
            ("us-east-1,eu-*", "eu-west-1", true),
            ("us-east-1, eu-*", "us-west-1", false),
            ("", "us-east-1", false),
            ("us-*-1-1", "us-1", false),
        ] {
            assert_eq!(has_region(set, region), has, "{set} {region}");
        }
    }
}
