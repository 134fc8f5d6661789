use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haneul_kit::{ApiError, Env, Instant, Result, Seal};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use serde_json::{Value, json};

use crate::model::{Algorithm, SigningKey};

/// A key signs for so long. AWS says only that keys are rotated.
const SIGNS_FOR: Duration = Duration::from_secs(90 * 24 * 3600);
/// And is shown for longer: until what it signed last has expired, and whoever keeps key sets has asked again.
const SHOWN_FOR: Duration = Duration::from_secs(92 * 24 * 3600);
const PURPOSE: &str = "sts signing key";

pub(crate) fn signs(key: &SigningKey, now: Instant) -> bool {
    now < key.created() + SIGNS_FOR
}

pub(crate) fn is_shown(key: &SigningKey, now: Instant) -> bool {
    now < key.created() + SHOWN_FOR
}

/// A new key. RSA takes a moment, so that is done aside.
pub(crate) async fn generate(env: &Env, seal: &Seal, algorithm: Algorithm) -> Result<SigningKey> {
    let pkcs8 = match algorithm {
        Algorithm::Rs256 => {
            let made = tokio::task::spawn_blocking(|| {
                let der: Pkcs8V1Der<'_> = PrivateDecryptingKey::generate(KeySize::Rsa2048)?.as_der()?;
                Ok::<_, aws_lc_rs::error::Unspecified>(der.as_ref().to_vec())
            });
            made.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?
        }
        Algorithm::Es384 => {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new());
            made.map_err(ApiError::internal)?.as_ref().to_vec()
        }
    };
    Ok(SigningKey {
        id: env.rng.uuid(),
        algorithm,
        created_ms: env.now().millis(),
        sealed: seal.seal(PURPOSE, &pkcs8),
    })
}

/// A key ready for use.
pub(crate) struct Signer<'a> {
    key: &'a SigningKey,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Signer<'_> {
    pub(crate) fn open<'a>(seal: &Seal, key: &'a SigningKey) -> Result<Signer<'a>> {
        let pkcs8 = seal.open(PURPOSE, &key.sealed);
        let pkcs8 = pkcs8.ok_or_else(|| ApiError::internal("a key was sealed under another cloud's key"))?;
        let pair = match key.algorithm {
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(&pkcs8).map(Pair::Rsa),
            Algorithm::Es384 => {
                let how = &ECDSA_P384_SHA384_FIXED_SIGNING;
                EcdsaKeyPair::from_pkcs8(how, &pkcs8, &SystemRandom::new()).map(Pair::Ec)
            }
        };
        Ok(Signer { key, pair: pair.map_err(ApiError::internal)? })
    }

    /// The JSON Web Token of these claims, in compact form.
    pub(crate) fn token(&self, claims: &Value) -> Result<String> {
        let header = json!({ "kid": self.key.id, "typ": "JWT", "alg": self.key.algorithm.as_str() });
        let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(claims));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature)
                    .map_err(ApiError::internal)?;
                signature
            }
            Pair::Ec(pair) => {
                pair.sign(&random, message.as_bytes()).map_err(ApiError::internal)?.as_ref().to_vec()
            }
        };
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public half as a JSON Web Key.
    pub(crate) fn jwk(&self) -> Value {
        let (id, algorithm) = (&self.key.id, self.key.algorithm.as_str());
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                let (n, e) = (number(&public.n), number(&public.e));
                json!({ "kty": "RSA", "use": "sig", "alg": algorithm, "kid": id, "n": n, "e": e })
            }
            Pair::Ec(pair) => {
                // Uncompressed: a byte that says so, and two coordinates.
                let both = &pair.public_key().as_ref()[1..];
                let (x, y) = both.split_at(both.len() / 2);
                let (x, y) = (number(x), number(y));
                json!({ "kty": "EC", "use": "sig", "alg": algorithm, "kid": id, "crv": "P-384", "x": x, "y": y })
            }
        }
    }
}
