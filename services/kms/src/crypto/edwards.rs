use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use digest::{FixedOutput, HashMarker, Output, OutputSizeUser, Update, typenum::U64};
use ed25519_dalek::{Signature, SigningKey};
use zeroize::Zeroizing;

use super::material::Secret;
use super::{Message, Refused};

pub(crate) struct EdwardsKey {
    pair: Ed25519KeyPair,
    /// For Ed25519ph, which aws-lc-rs has not.
    prehash: SigningKey,
    pub(super) public: Vec<u8>,
}

impl EdwardsKey {
    /// PKCS #8 of a seed.
    pub(crate) fn encode(seed: &[u8]) -> Result<Secret, Refused> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)?;
        Ok(Zeroizing::new(pair.to_pkcs8v1()?.as_ref().to_vec()))
    }

    pub(crate) fn load(pkcs8: &[u8]) -> Result<EdwardsKey, Refused> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
        let seed = pair.seed()?;
        let seed: aws_lc_rs::encoding::Curve25519SeedBin<'_> =
            aws_lc_rs::encoding::AsBigEndian::as_be_bytes(&seed)?;
        let seed: &[u8; 32] = seed.as_ref().try_into().map_err(|_| Refused)?;
        let prehash = SigningKey::from_bytes(seed);
        Ok(EdwardsKey { public: public.as_ref().to_vec(), pair, prehash })
    }

    pub(crate) fn sign(&self, algorithm: &str, message: Message<'_>) -> Result<Vec<u8>, Refused> {
        match (algorithm, message) {
            ("ED25519_SHA_512", Message::Raw(message)) => Ok(self.pair.try_sign(message)?.as_ref().to_vec()),
            ("ED25519_PH_SHA_512", Message::Digest(digest)) => {
                let signed = self.prehash.sign_prehashed(Given::new(digest)?, None).map_err(|_| Refused)?;
                Ok(signed.to_bytes().to_vec())
            }
            _ => Err(Refused),
        }
    }

    pub(crate) fn verify(
        &self,
        algorithm: &str,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), Refused> {
        match (algorithm, message) {
            ("ED25519_SHA_512", Message::Raw(message)) => {
                let public = UnparsedPublicKey::new(&signature::ED25519, self.pair.public_key().as_ref());
                Ok(public.verify(message, signature)?)
            }
            ("ED25519_PH_SHA_512", Message::Digest(digest)) => {
                let signature = Signature::from_slice(signature).map_err(|_| Refused)?;
                let public = self.prehash.verifying_key();
                public.verify_prehashed(Given::new(digest)?, None, &signature).map_err(|_| Refused)
            }
            _ => Err(Refused),
        }
    }
}

/// A SHA-512 that was computed elsewhere, where a hash function is wanted.
#[derive(Clone)]
struct Given([u8; 64]);

impl Given {
    fn new(digest: &[u8]) -> Result<Given, Refused> {
        Ok(Given(digest.try_into().map_err(|_| Refused)?))
    }
}

impl Default for Given {
    fn default() -> Given {
        Given([0; 64])
    }
}

impl HashMarker for Given {}

impl OutputSizeUser for Given {
    type OutputSize = U64;
}

impl Update for Given {
    fn update(&mut self, _: &[u8]) {}
}

impl FixedOutput for Given {
    fn finalize_into(self, out: &mut Output<Given>) {
        out.copy_from_slice(&self.0);
    }
}
