use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self as algorithms, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// More keys than any issuer has at a time.
const KEYS_MAX: usize = 100;

/// The keys of an issuer that can verify a signature.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    /// The only algorithm that it is for, if it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
}

#[derive(Deserialize)]
struct Page {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JWK Set (RFC 7517). Keys of kinds that we do not know, or for encryption, are left out.
    pub fn parse(json: &[u8]) -> Option<KeySet> {
        let page: Page = serde_json::from_slice(json).ok()?;
        let keys = page.keys.into_iter().take(KEYS_MAX).filter_map(Key::of);
        Some(KeySet(keys.collect()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is a key of that id.
    pub fn has(&self, id: Option<&str>) -> bool {
        id.is_none_or(|id| self.0.iter().any(|key| key.id.as_deref() == Some(id)))
    }

    /// Whether any key of that id (any at all, where the token names none) made this signature by this algorithm.
    pub fn verifies(&self, id: Option<&str>, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let named = self.0.iter().filter(|key| id.is_none() || key.id.as_deref() == id);
        named.into_iter().any(|key| key.verifies(algorithm, message, signature))
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Key> {
        if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let bytes =
            |field: &Option<String>| URL_SAFE_NO_PAD.decode(field.as_deref()?.trim_end_matches('=')).ok();
        let point = |length: usize| {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            (x.len() == length && y.len() == length).then(|| [&[4], &x[..], &y[..]].concat())
        };
        let material = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => {
                // Leading zeros are no part of a number to the verifier.
                let plain = |number: Vec<u8>| number.into_iter().skip_while(|byte| *byte == 0).collect();
                Material::Rsa { n: plain(bytes(&jwk.n)?), e: plain(bytes(&jwk.e)?) }
            }
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            _ => return None,
        };
        Some(Key { id: jwk.kid, algorithm: jwk.alg, material })
    }

    /// The kind of key decides with the algorithm: no key is ever a secret of an HMAC.
    fn verifies(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.algorithm.as_deref().is_some_and(|only| only != algorithm) {
            return false;
        }
        let rsa = |parameters| match &self.material {
            Material::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
            _ => false,
        };
        match (algorithm, &self.material) {
            ("RS256", _) => rsa(&algorithms::RSA_PKCS1_2048_8192_SHA256),
            ("RS384", _) => rsa(&algorithms::RSA_PKCS1_2048_8192_SHA384),
            ("RS512", _) => rsa(&algorithms::RSA_PKCS1_2048_8192_SHA512),
            ("ES256", Material::P256(point)) => {
                UnparsedPublicKey::new(&algorithms::ECDSA_P256_SHA256_FIXED, point)
                    .verify(message, signature)
                    .is_ok()
            }
            ("ES384", Material::P384(point)) => {
                UnparsedPublicKey::new(&algorithms::ECDSA_P384_SHA384_FIXED, point)
                    .verify(message, signature)
                    .is_ok()
            }
            _ => false,
        }
    }
}
