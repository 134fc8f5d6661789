//! ML-DSA (FIPS 204) and ML-KEM (FIPS 203).

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::kem::{self, Ciphertext, DecapsulationKey, EncapsulationKey};
use aws_lc_rs::signature::{
    self, KeyPair, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm, UnparsedPublicKey,
};
use ml_dsa::{ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Seed, Signature};
use zeroize::Zeroizing;

use super::material::{Secret, level_index};
use super::{Message, Refused, der};
use crate::spec::Level;

pub(crate) struct DsaKey {
    level: Level,
    pair: PqdsaKeyPair,
    seed: Secret,
    pub(super) public: Vec<u8>,
}

impl DsaKey {
    pub(crate) fn load(level: Level, seed: &[u8]) -> Result<DsaKey, Refused> {
        let pair = PqdsaKeyPair::from_seed(facts(level).0, seed)?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der()?;
        let public = public.as_ref().to_vec();
        Ok(DsaKey { level, pair, seed: Zeroizing::new(seed.to_vec()), public })
    }

    pub(crate) fn sign(&self, message: Message<'_>) -> Result<Vec<u8>, Refused> {
        match message {
            Message::Raw(message) => {
                let mut signature = vec![0; facts(self.level).0.signature_len()];
                let length = self.pair.sign(message, &mut signature)?;
                signature.truncate(length);
                Ok(signature)
            }
            Message::ExternalMu(mu) => match self.level {
                Level::Low => sign_mu::<MlDsa44>(&self.seed, mu),
                Level::Middle => sign_mu::<MlDsa65>(&self.seed, mu),
                Level::High => sign_mu::<MlDsa87>(&self.seed, mu),
            },
            Message::Digest(_) => Err(Refused),
        }
    }

    pub(crate) fn verify(&self, message: Message<'_>, signature: &[u8]) -> Result<(), Refused> {
        match message {
            Message::Raw(message) => {
                let public = UnparsedPublicKey::new(facts(self.level).1, self.pair.public_key().as_ref());
                Ok(public.verify(message, signature)?)
            }
            Message::ExternalMu(mu) => match self.level {
                Level::Low => verify_mu::<MlDsa44>(&self.seed, mu, signature),
                Level::Middle => verify_mu::<MlDsa65>(&self.seed, mu, signature),
                Level::High => verify_mu::<MlDsa87>(&self.seed, mu, signature),
            },
            Message::Digest(_) => Err(Refused),
        }
    }
}

fn expand<P: MlDsaParams>(seed: &[u8]) -> Result<ExpandedSigningKey<P>, Refused> {
    let seed: Seed = seed.try_into().map_err(|_| Refused)?;
    Ok(ExpandedSigningKey::from_seed(&seed))
}

/// The deterministic variant, which FIPS 204 allows and needs no randomness.
fn sign_mu<P: MlDsaParams>(seed: &[u8], mu: &[u8]) -> Result<Vec<u8>, Refused> {
    let mu = mu.try_into().map_err(|_| Refused)?;
    Ok(expand::<P>(seed)?.sign_mu_deterministic(&mu).encode().to_vec())
}

fn verify_mu<P: MlDsaParams>(seed: &[u8], mu: &[u8], signature: &[u8]) -> Result<(), Refused> {
    let mu = mu.try_into().map_err(|_| Refused)?;
    let signature = Signature::<P>::try_from(signature).map_err(|_| Refused)?;
    if expand::<P>(seed)?.verifying_key().verify_mu(&mu, &signature) { Ok(()) } else { Err(Refused) }
}

fn facts(level: Level) -> (&'static PqdsaSigningAlgorithm, &'static PqdsaVerificationAlgorithm) {
    match level {
        Level::Low => (&signature::ML_DSA_44_SIGNING, &signature::ML_DSA_44),
        Level::Middle => (&signature::ML_DSA_65_SIGNING, &signature::ML_DSA_65),
        Level::High => (&signature::ML_DSA_87_SIGNING, &signature::ML_DSA_87),
    }
}

pub(crate) struct KemKey {
    level: Level,
    opener: DecapsulationKey,
    encapsulation_key: Vec<u8>,
    pub(super) public: Vec<u8>,
}

/// A shared secret and what carries it to the holder of the private key.
pub(crate) struct Decapsulated {
    pub(crate) secret: Secret,
    pub(crate) ciphertext: Vec<u8>,
}

impl KemKey {
    pub(crate) fn generate(level: Level) -> Result<Secret, Refused> {
        let key = DecapsulationKey::generate(kem(level))?;
        Ok(Zeroizing::new(key.key_bytes()?.as_ref().to_vec()))
    }

    pub(crate) fn load(level: Level, expanded: &[u8]) -> Result<KemKey, Refused> {
        let opener = DecapsulationKey::new(kem(level), expanded)?;
        // FIPS 203, algorithm 16: dk = dk_PKE (384 k) ‖ ek (384 k + 32) ‖ H(ek) ‖ z.
        let k = usize::from(level_index(level)) + 1;
        let encapsulation_key = expanded.get(384 * k..768 * k + 32).ok_or(Refused)?.to_vec();
        let public = der::kem_public(level_index(level), &encapsulation_key);
        Ok(KemKey { level, opener, encapsulation_key, public })
    }

    pub(crate) fn encapsulate(&self) -> Result<Decapsulated, Refused> {
        let sealer = EncapsulationKey::new(kem(self.level), &self.encapsulation_key)?;
        let (ciphertext, secret) = sealer.encapsulate()?;
        Ok(Decapsulated {
            secret: Zeroizing::new(secret.as_ref().to_vec()),
            ciphertext: ciphertext.as_ref().to_vec(),
        })
    }

    /// A ciphertext of the right length always gives a secret (implicit rejection).
    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> Result<Secret, Refused> {
        let secret = self.opener.decapsulate(Ciphertext::from(ciphertext))?;
        Ok(Zeroizing::new(secret.as_ref().to_vec()))
    }
}

fn kem(level: Level) -> &'static kem::Algorithm {
    match level {
        Level::Low => &kem::ML_KEM_512,
        Level::Middle => &kem::ML_KEM_768,
        Level::High => &kem::ML_KEM_1024,
    }
}
