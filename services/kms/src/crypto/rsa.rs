use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{self, KeyPair, RsaEncoding, RsaKeyPair, RsaParameters, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::material::Secret;
use super::{Message, Refused, digest};
use crate::spec::RsaSize;

pub(crate) struct RsaKey {
    signer: RsaKeyPair,
    opener: OaepPrivateDecryptingKey,
    sealer: OaepPublicEncryptingKey,
    pub(super) public: Vec<u8>,
}

impl RsaKey {
    pub(crate) fn generate(size: RsaSize) -> Result<Secret, Refused> {
        let size = match size {
            RsaSize::Bits2048 => KeySize::Rsa2048,
            RsaSize::Bits3072 => KeySize::Rsa3072,
            RsaSize::Bits4096 => KeySize::Rsa4096,
        };
        let der: Pkcs8V1Der<'_> = PrivateDecryptingKey::generate(size)?.as_der()?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    pub(crate) fn load(size: RsaSize, pkcs8: &[u8]) -> Result<RsaKey, Refused> {
        let signer = RsaKeyPair::from_pkcs8(pkcs8)?;
        if signer.public_modulus_len() != size.bytes() {
            return Err(Refused);
        }
        let private = PrivateDecryptingKey::from_pkcs8(pkcs8)?;
        let public: PublicKeyX509Der<'_> = private.public_key().as_der()?;
        Ok(RsaKey {
            signer,
            public: public.as_ref().to_vec(),
            sealer: OaepPublicEncryptingKey::new(private.public_key())?,
            opener: OaepPrivateDecryptingKey::new(private)?,
        })
    }

    pub(crate) fn encrypt(&self, algorithm: &str, plaintext: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut out = vec![0; self.sealer.ciphertext_size()];
        let length = self.sealer.encrypt(oaep(algorithm)?, plaintext, &mut out, None)?.len();
        out.truncate(length);
        Ok(out)
    }

    pub(crate) fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Result<Secret, Refused> {
        let mut out = Zeroizing::new(vec![0; self.opener.min_output_size()]);
        let length = self.opener.decrypt(oaep(algorithm)?, ciphertext, &mut out, None)?.len();
        out.truncate(length);
        Ok(out)
    }

    pub(crate) fn sign(&self, algorithm: &str, message: Message<'_>) -> Result<Vec<u8>, Refused> {
        let (hash, encoding, _) = scheme(algorithm)?;
        let mut signature = vec![0; self.signer.public_modulus_len()];
        self.signer.sign_digest(encoding, &digest(message, hash)?, &mut signature)?;
        Ok(signature)
    }

    pub(crate) fn verify(
        &self,
        algorithm: &str,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), Refused> {
        let (hash, _, parameters) = scheme(algorithm)?;
        let public = UnparsedPublicKey::new(parameters, self.signer.public_key().as_ref());
        Ok(public.verify_digest(&digest(message, hash)?, signature)?)
    }
}

pub(super) fn oaep(algorithm: &str) -> Result<&'static OaepAlgorithm, Refused> {
    match algorithm {
        "RSAES_OAEP_SHA_1" => Ok(&OAEP_SHA1_MGF1SHA1),
        "RSAES_OAEP_SHA_256" => Ok(&OAEP_SHA256_MGF1SHA256),
        _ => Err(Refused),
    }
}

type Scheme = (&'static Algorithm, &'static dyn RsaEncoding, &'static RsaParameters);

fn scheme(algorithm: &str) -> Result<Scheme, Refused> {
    Ok(match algorithm {
        "RSASSA_PKCS1_V1_5_SHA_256" => {
            (&SHA256, &signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256)
        }
        "RSASSA_PKCS1_V1_5_SHA_384" => {
            (&SHA384, &signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384)
        }
        "RSASSA_PKCS1_V1_5_SHA_512" => {
            (&SHA512, &signature::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512)
        }
        "RSASSA_PSS_SHA_256" => (&SHA256, &signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256),
        "RSASSA_PSS_SHA_384" => (&SHA384, &signature::RSA_PSS_SHA384, &signature::RSA_PSS_2048_8192_SHA384),
        "RSASSA_PSS_SHA_512" => (&SHA512, &signature::RSA_PSS_SHA512, &signature::RSA_PSS_2048_8192_SHA512),
        _ => return Err(Refused),
    })
}
