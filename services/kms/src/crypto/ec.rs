use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::material::Secret;
use super::{Message, Refused, digest};
use crate::spec::Curve;

pub(crate) struct EcKey {
    curve: Curve,
    signer: EcdsaKeyPair,
    /// For curves that agree on secrets.
    agreer: Option<agreement::PrivateKey>,
    pub(super) public: Vec<u8>,
}

impl EcKey {
    pub(crate) fn generate(curve: Curve) -> Result<Secret, Refused> {
        let pair = EcdsaKeyPair::generate(facts(curve).0)?;
        Ok(Zeroizing::new(pair.to_pkcs8v1()?.as_ref().to_vec()))
    }

    pub(crate) fn load(curve: Curve, pkcs8: &[u8]) -> Result<EcKey, Refused> {
        let signer = EcdsaKeyPair::from_pkcs8(facts(curve).0, pkcs8)?;
        let public: PublicKeyX509Der<'_> = signer.public_key().as_der()?;
        let public = public.as_ref().to_vec();
        let agreement = match curve {
            Curve::P256 => Some(&ECDH_P256),
            Curve::P384 => Some(&ECDH_P384),
            Curve::P521 => Some(&ECDH_P521),
            Curve::P256K1 => None,
        };
        let agreer = match agreement {
            Some(algorithm) => Some(agreement::PrivateKey::from_private_key_der(algorithm, pkcs8)?),
            None => None,
        };
        Ok(EcKey { curve, signer, agreer, public })
    }

    /// In DER (RFC 3279).
    pub(crate) fn sign(&self, message: Message<'_>) -> Result<Vec<u8>, Refused> {
        let digest = digest(message, facts(self.curve).1)?;
        Ok(self.signer.sign_digest(&digest)?.as_ref().to_vec())
    }

    pub(crate) fn verify(&self, message: Message<'_>, signature: &[u8]) -> Result<(), Refused> {
        let (_, hash, verification) = facts(self.curve);
        let public = UnparsedPublicKey::new(verification, self.signer.public_key().as_ref());
        Ok(public.verify_digest(&digest(message, hash)?, signature)?)
    }

    /// `peer` is a SubjectPublicKeyInfo of the same curve.
    pub(crate) fn agree(&self, peer: &[u8]) -> Result<Secret, Refused> {
        let own = self.agreer.as_ref().ok_or(Refused)?;
        // The named curve only: neither raw points, which name none, nor parameters spelt out.
        if algorithm_identifier(peer).is_none()
            || algorithm_identifier(peer) != algorithm_identifier(&self.public)
        {
            return Err(Refused);
        }
        let peer = agreement::UnparsedPublicKey::new(own.algorithm(), peer);
        agreement::agree(own, peer, Refused, |secret| Ok(Zeroizing::new(secret.to_vec())))
    }
}

type Facts = (&'static EcdsaSigningAlgorithm, &'static Algorithm, &'static EcdsaVerificationAlgorithm);

fn facts(curve: Curve) -> Facts {
    match curve {
        Curve::P256 => {
            (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &SHA256, &signature::ECDSA_P256_SHA256_ASN1)
        }
        Curve::P384 => {
            (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &SHA384, &signature::ECDSA_P384_SHA384_ASN1)
        }
        Curve::P521 => {
            (&signature::ECDSA_P521_SHA512_ASN1_SIGNING, &SHA512, &signature::ECDSA_P521_SHA512_ASN1)
        }
        Curve::P256K1 => {
            (&signature::ECDSA_P256K1_SHA256_ASN1_SIGNING, &SHA256, &signature::ECDSA_P256K1_SHA256_ASN1)
        }
    }
}

/// The AlgorithmIdentifier of a SubjectPublicKeyInfo.
fn algorithm_identifier(der: &[u8]) -> Option<&[u8]> {
    let inner = match der {
        [0x30, 0x81, _, rest @ ..] | [0x30, 0x82, _, _, rest @ ..] => rest,
        [0x30, length, rest @ ..] if *length < 0x80 => rest,
        _ => return None,
    };
    let length = usize::from(*inner.get(1)?);
    if inner[0] != 0x30 || length >= 0x80 { None } else { inner.get(..2 + length) }
}
