//! The ciphertext of a symmetric key, our own format, so that Decrypt finds the key by itself and old key material:
//!
//! ```text
//! version (1) │ key id length, key id │ account (8) │ Region length, Region │ material id (32) │ salt (32) │ AES-256-GCM
//! ```
//!
//! Each message has a key and nonce of its own: HKDF-SHA256 of the key material with the salt. 2³² messages under one
//! random 96-bit nonce would be the limit otherwise; AWS KMS derives keys for the same reason (KMS Cryptographic
//! Details, "Encrypt"). All that stands before the ciphertext, and the encryption context, is authenticated.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use haneul_kit::{AccountId, Env, Region};
use haneul_shape::value::Map;
use zeroize::Zeroizing;

use super::Refused;
use super::material::Secret;
use crate::model::KeyName;

const VERSION: u8 = 1;
const SALT: usize = 32;
const MATERIAL_ID: usize = 32;
const TAG: usize = 16;

/// A ciphertext taken apart; nothing of it is trusted before [`Blob::open`].
pub(crate) struct Blob<'a> {
    pub(crate) key: KeyName,
    /// In hex, as KeyMaterialId.
    pub(crate) material_id: String,
    header: &'a [u8],
    salt: &'a [u8],
    sealed: &'a [u8],
}

pub(crate) type Context = Map<String>;

/// Encrypts under `material`, whose id is `material_id`.
pub(crate) fn seal(
    env: &Env,
    key: &KeyName,
    (material_id, material): (&str, &[u8]),
    context: Option<&Context>,
    plaintext: &[u8],
) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::with_capacity(plaintext.len() + 192);
    out.push(VERSION);
    push_text(&mut out, &key.id)?;
    out.extend_from_slice(&key.account.number().to_be_bytes());
    push_text(&mut out, key.region.as_str())?;
    out.extend_from_slice(&unhex(material_id).ok_or(Refused)?);
    out.extend_from_slice(&env.rng.bytes::<SALT>());
    let (cipher, nonce) = derive(material, &out[out.len() - SALT..])?;
    let aad = aad(&out, context);
    let mut sealed = plaintext.to_vec();
    cipher.seal_in_place_append_tag(nonce, Aad::from(&aad), &mut sealed)?;
    out.append(&mut sealed);
    Ok(out)
}

impl<'a> Blob<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Blob<'a>> {
        let mut rest = bytes;
        if take(&mut rest, 1)? != [VERSION] {
            return None;
        }
        let id = take_text(&mut rest)?.to_owned();
        let account = AccountId::new(u64::from_be_bytes(take(&mut rest, 8)?.try_into().ok()?))?;
        let region: Region = take_text(&mut rest)?.parse().ok()?;
        let material_id = hex(take(&mut rest, MATERIAL_ID)?);
        let salt = take(&mut rest, SALT)?;
        if rest.len() < TAG {
            return None;
        }
        let header = &bytes[..bytes.len() - rest.len()];
        Some(Blob { key: KeyName { account, region, id }, material_id, header, salt, sealed: rest })
    }

    pub(crate) fn open(&self, material: &[u8], context: Option<&Context>) -> Result<Secret, Refused> {
        let (cipher, nonce) = derive(material, self.salt)?;
        let aad = aad(self.header, context);
        let mut plaintext = Zeroizing::new(self.sealed.to_vec());
        let length = cipher.open_in_place(nonce, Aad::from(&aad), &mut plaintext)?.len();
        plaintext.truncate(length);
        Ok(plaintext)
    }
}

/// The cipher and nonce of one message.
fn derive(material: &[u8], salt: &[u8]) -> Result<(LessSafeKey, Nonce), Refused> {
    struct Length;
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            44
        }
    }
    let mut bytes = Zeroizing::new([0; 44]);
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(material);
    prk.expand(&[b"haneul kms message 1"], Length)?.fill(&mut *bytes)?;
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes[..32])?);
    Ok((cipher, Nonce::try_assume_unique_for_key(&bytes[32..])?))
}

/// The header and the context: names in order, each string with its length, so that no two contexts are alike.
fn aad(header: &[u8], context: Option<&Context>) -> Vec<u8> {
    let mut out = header.to_vec();
    let mut pairs: Vec<(&str, &String)> = context.map(|context| context.iter().collect()).unwrap_or_default();
    pairs.sort();
    for (name, value) in pairs {
        for text in [name, value.as_str()] {
            out.extend_from_slice(&(text.len() as u64).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

fn push_text(out: &mut Vec<u8>, text: &str) -> Result<(), Refused> {
    out.push(u8::try_from(text.len()).map_err(|_| Refused)?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = take(rest, 1)?[0];
    std::str::from_utf8(take(rest, usize::from(length))?).ok()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; MATERIAL_ID]> {
    let mut out = [0; MATERIAL_ID];
    if text.len() != 2 * MATERIAL_ID || !text.is_ascii() {
        return None;
    }
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()?;
    }
    Some(out)
}
