//! Key material on its way in: wrapped by a public RSA key of ours.

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

use super::Refused;
use super::material::Secret;
use super::rsa::oaep;

/// The algorithms that importers may wrap with.
pub(crate) const ALGORITHMS: &[&str] =
    &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"];

/// Key material takes no more than a PKCS #8 of RSA 4096 needs.
const MATERIAL_MAX: usize = 8 * 1024;

/// Unwraps `wrapped` with the private key that GetParametersForImport made.
pub(crate) fn unwrap(algorithm: &str, pkcs8: &[u8], wrapped: &[u8]) -> Result<Secret, Refused> {
    let key = PrivateDecryptingKey::from_pkcs8(pkcs8)?;
    let modulus = key.key_size_bytes();
    let key = OaepPrivateDecryptingKey::new(key)?;
    let open = |scheme: &str, bytes: &[u8]| -> Result<Secret, Refused> {
        let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key.decrypt(oaep(scheme)?, bytes, &mut out, None)?.len();
        out.truncate(length);
        Ok(out)
    };
    let scheme = match algorithm {
        "RSA_AES_KEY_WRAP_SHA_1" => "RSAES_OAEP_SHA_1",
        "RSA_AES_KEY_WRAP_SHA_256" => "RSAES_OAEP_SHA_256",
        _ => return open(algorithm, wrapped),
    };
    // PKCS #11 CKM_RSA_AES_KEY_WRAP: an AES key under RSA, then the material under that (RFC 5649).
    let (aes, wrapped) = wrapped.split_at_checked(modulus).ok_or(Refused)?;
    let aes = open(scheme, aes)?;
    if wrapped.len() > MATERIAL_MAX {
        return Err(Refused);
    }
    let mut out = Zeroizing::new(vec![0; wrapped.len() + 8]);
    let length = AesKek::new(&AES_256, &aes)?.unwrap_with_padding(wrapped, &mut out)?.len();
    out.truncate(length);
    Ok(out)
}
