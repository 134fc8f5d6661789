use aws_lc_rs::hmac;
use haneul_kit::Env;
use zeroize::Zeroizing;

use super::ec::EcKey;
use super::edwards::EdwardsKey;
use super::lattice::{Decapsulated, DsaKey, KemKey};
use super::rsa::RsaKey;
use super::{Message, Refused};
use crate::spec::{Hash, Level, Spec};

/// A key's bytes, as they are sealed and stored: the key itself for symmetric and HMAC keys, PKCS #8 for RSA and
/// elliptic curves, the seed for ML-DSA, the expanded decapsulation key for ML-KEM.
pub(crate) type Secret = Zeroizing<Vec<u8>>;

/// A key ready for use.
pub(crate) enum Material {
    Symmetric(Secret),
    Hmac(Box<hmac::Key>),
    Rsa(Box<RsaKey>),
    Ec(Box<EcKey>),
    Edwards(Box<EdwardsKey>),
    Dsa(Box<DsaKey>),
    Kem(Box<KemKey>),
}

/// New key material. RSA keys take a moment (4,096 bits: up to a second or two), so that is done aside.
pub(crate) async fn generate(env: &Env, spec: Spec) -> Result<Secret, Refused> {
    match spec {
        Spec::Rsa(size) => {
            let made = tokio::task::spawn_blocking(move || RsaKey::generate(size)).await;
            made.map_err(|_| Refused)?
        }
        _ => generate_now(env, spec),
    }
}

/// As [`generate`], for all but RSA.
pub(crate) fn generate_now(env: &Env, spec: Spec) -> Result<Secret, Refused> {
    let random = |length: usize| {
        let mut bytes = Zeroizing::new(vec![0; length]);
        env.rng.fill(&mut bytes);
        bytes
    };
    match spec {
        Spec::Symmetric => Ok(random(32)),
        Spec::Hmac(hash) => Ok(random(hash.bytes())),
        Spec::Rsa(size) => RsaKey::generate(size),
        Spec::Ec(curve) => EcKey::generate(curve),
        Spec::Ed25519 => EdwardsKey::encode(&random(32)),
        Spec::MlDsa(_) => Ok(random(32)),
        Spec::MlKem(level) => KemKey::generate(level),
    }
}

impl Material {
    pub(crate) fn load(spec: Spec, secret: &[u8]) -> Result<Material, Refused> {
        let sized = |length: usize| if secret.len() == length { Ok(()) } else { Err(Refused) };
        Ok(match spec {
            Spec::Symmetric => {
                sized(32)?;
                Material::Symmetric(Zeroizing::new(secret.to_vec()))
            }
            Spec::Hmac(hash) => {
                sized(hash.bytes())?;
                Material::Hmac(Box::new(hmac::Key::new(hmac_algorithm(hash), secret)))
            }
            Spec::Rsa(size) => Material::Rsa(Box::new(RsaKey::load(size, secret)?)),
            Spec::Ec(curve) => Material::Ec(Box::new(EcKey::load(curve, secret)?)),
            Spec::Ed25519 => Material::Edwards(Box::new(EdwardsKey::load(secret)?)),
            Spec::MlDsa(level) => Material::Dsa(Box::new(DsaKey::load(level, secret)?)),
            Spec::MlKem(level) => Material::Kem(Box::new(KemKey::load(level, secret)?)),
        })
    }

    pub(crate) fn symmetric(&self) -> Result<&[u8], Refused> {
        match self {
            Material::Symmetric(secret) => Ok(secret),
            _ => Err(Refused),
        }
    }

    /// The public key as X.509's SubjectPublicKeyInfo, in DER.
    pub(crate) fn public_key(&self) -> Option<&[u8]> {
        match self {
            Material::Symmetric(_) | Material::Hmac(_) => None,
            Material::Rsa(key) => Some(&key.public),
            Material::Ec(key) => Some(&key.public),
            Material::Edwards(key) => Some(&key.public),
            Material::Dsa(key) => Some(&key.public),
            Material::Kem(key) => Some(&key.public),
        }
    }

    /// RSA OAEP.
    pub(crate) fn encrypt(&self, algorithm: &str, plaintext: &[u8]) -> Result<Vec<u8>, Refused> {
        match self {
            Material::Rsa(key) => key.encrypt(algorithm, plaintext),
            _ => Err(Refused),
        }
    }

    pub(crate) fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Result<Secret, Refused> {
        match self {
            Material::Rsa(key) => key.decrypt(algorithm, ciphertext),
            _ => Err(Refused),
        }
    }

    pub(crate) fn sign(&self, algorithm: &str, message: Message<'_>) -> Result<Vec<u8>, Refused> {
        match self {
            Material::Rsa(key) => key.sign(algorithm, message),
            Material::Ec(key) => key.sign(message),
            Material::Edwards(key) => key.sign(algorithm, message),
            Material::Dsa(key) => key.sign(message),
            _ => Err(Refused),
        }
    }

    pub(crate) fn verify(
        &self,
        algorithm: &str,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), Refused> {
        match self {
            Material::Rsa(key) => key.verify(algorithm, message, signature),
            Material::Ec(key) => key.verify(message, signature),
            Material::Edwards(key) => key.verify(algorithm, message, signature),
            Material::Dsa(key) => key.verify(message, signature),
            _ => Err(Refused),
        }
    }

    pub(crate) fn mac(&self, message: &[u8]) -> Result<Vec<u8>, Refused> {
        match self {
            Material::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            _ => Err(Refused),
        }
    }

    /// In constant time.
    pub(crate) fn verify_mac(&self, message: &[u8], mac: &[u8]) -> Result<(), Refused> {
        match self {
            Material::Hmac(key) => Ok(hmac::verify(key, message, mac)?),
            _ => Err(Refused),
        }
    }

    /// ECDH: the raw shared secret, the x coordinate.
    pub(crate) fn agree(&self, peer: &[u8]) -> Result<Secret, Refused> {
        match self {
            Material::Ec(key) => key.agree(peer),
            _ => Err(Refused),
        }
    }

    /// ML-KEM: a fresh shared secret and its encapsulation.
    pub(crate) fn encapsulate(&self) -> Result<Decapsulated, Refused> {
        match self {
            Material::Kem(key) => key.encapsulate(),
            _ => Err(Refused),
        }
    }

    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> Result<Secret, Refused> {
        match self {
            Material::Kem(key) => key.decapsulate(ciphertext),
            _ => Err(Refused),
        }
    }
}

/// A data key pair as GenerateDataKeyPair gives it: PKCS #8 and SubjectPublicKeyInfo.
pub(crate) fn pair(spec: Spec, secret: &Secret) -> Result<(Secret, Vec<u8>), Refused> {
    let public = Material::load(spec, secret)?.public_key().ok_or(Refused)?.to_vec();
    let private = match spec {
        Spec::MlKem(level) => super::der::kem_private(level_index(level), secret),
        _ => secret.clone(),
    };
    Ok((private, public))
}

pub(super) fn level_index(level: Level) -> u8 {
    match level {
        Level::Low => 1,
        Level::Middle => 2,
        Level::High => 3,
    }
}

fn hmac_algorithm(hash: Hash) -> hmac::Algorithm {
    match hash {
        Hash::Sha224 => hmac::HMAC_SHA224,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}
