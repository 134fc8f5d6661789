//! SSH public keys: RSA in OpenSSH's one-line form or in PEM, read and written in both.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use pkcs8::SubjectPublicKeyInfoRef;
use pkcs8::der::Decode;
use pkcs8::der::Encode;
use pkcs8::der::asn1::UintRef;
use x509_parser::pem::Pem;

/// `ssh-rsa`, RFC 4253, section 6.6.
const ALGORITHM: &[u8] = b"ssh-rsa";

/// AWS takes no shorter key, and none longer than what OpenSSH makes.
const BITS_MIN: usize = 2048;
const BITS_MAX: usize = 16_384;

/// An RSA public key: exponent and modulus, big-endian without leading zeros.
#[derive(Debug, PartialEq)]
pub(crate) struct SshKey {
    exponent: Vec<u8>,
    modulus: Vec<u8>,
}

impl SshKey {
    /// `None` for what is no RSA key of a size that is taken.
    pub(crate) fn read(body: &str) -> Option<SshKey> {
        let body = body.trim();
        let key = if body.starts_with("-----BEGIN") { read_pem(body) } else { read_line(body) }?;
        let bits = key.modulus.len() * 8 - key.modulus.first()?.leading_zeros() as usize;
        (BITS_MIN..=BITS_MAX).contains(&bits).then_some(key).filter(|key| !key.exponent.is_empty())
    }

    /// The blob of RFC 4253.
    fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        let mut put = |bytes: &[u8], is_number: bool| {
            // A number whose highest bit is set would be negative.
            let padded = is_number && bytes.first().is_some_and(|first| first & 0x80 != 0);
            blob.extend((bytes.len() as u32 + u32::from(padded)).to_be_bytes());
            blob.extend(padded.then_some(0));
            blob.extend(bytes);
        };
        put(ALGORITHM, false);
        put(&self.exponent, true);
        put(&self.modulus, true);
        blob
    }

    /// `ssh-rsa AAAA…`
    pub(crate) fn to_line(&self) -> String {
        format!("ssh-rsa {}", STANDARD.encode(self.blob()))
    }

    /// SubjectPublicKeyInfo in PEM.
    pub(crate) fn to_pem(&self) -> Option<String> {
        let public = pkcs1::RsaPublicKey {
            modulus: UintRef::new(&self.modulus).ok()?,
            public_exponent: UintRef::new(&self.exponent).ok()?,
        };
        let key = public.to_der().ok()?;
        let info = SubjectPublicKeyInfoRef {
            algorithm: pkcs1::ALGORITHM_ID,
            subject_public_key: pkcs8::der::asn1::BitStringRef::from_bytes(&key).ok()?,
        };
        let text = STANDARD.encode(info.to_der().ok()?);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        Some(format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")))
    }

    /// `d8:9e:…`
    pub(crate) fn fingerprint(&self) -> String {
        let digest = Md5::digest(self.blob());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
    }
}

fn read_line(body: &str) -> Option<SshKey> {
    let mut words = body.split_whitespace();
    if words.next()?.as_bytes() != ALGORITHM {
        return None;
    }
    let blob = STANDARD.decode(words.next()?).ok()?;
    let mut rest = blob.as_slice();
    let mut take = || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (part, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        rest = after;
        Some(part)
    };
    let (algorithm, exponent, modulus) = (take()?, take()?, take()?);
    (algorithm == ALGORITHM && rest.is_empty())
        .then(|| SshKey { exponent: trimmed(exponent), modulus: trimmed(modulus) })
}

fn read_pem(body: &str) -> Option<SshKey> {
    let block = Pem::iter_from_buffer(body.as_bytes()).next()?.ok()?;
    let of = |der: &[u8]| {
        let key = pkcs1::RsaPublicKey::from_der(der).ok()?;
        Some(SshKey {
            exponent: key.public_exponent.as_bytes().to_vec(),
            modulus: key.modulus.as_bytes().to_vec(),
        })
    };
    match block.label.as_str() {
        "PUBLIC KEY" => {
            let info = SubjectPublicKeyInfoRef::from_der(&block.contents).ok()?;
            of(info.subject_public_key.as_bytes()?)
        }
        "RSA PUBLIC KEY" => of(&block.contents),
        _ => None,
    }
}

fn trimmed(bytes: &[u8]) -> Vec<u8> {
    bytes[bytes.iter().take_while(|byte| **byte == 0).count()..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `ssh-keygen -t rsa -b 2048`; its fingerprint by `ssh-keygen -l -E md5`.
    const LINE: &str = include_str!("tests/ssh_key.pub");
    const FINGERPRINT: &str = include_str!("tests/ssh_key.md5");

    #[test]
    fn reads_and_writes_both_forms() {
        let key = SshKey::read(LINE).unwrap();
        assert_eq!(key.to_line(), LINE.trim().rsplit_once(' ').unwrap().0);
        assert_eq!(key.fingerprint(), FINGERPRINT.trim());
        assert_eq!(SshKey::read(&key.to_pem().unwrap()).unwrap(), key);
    }

    #[test]
    fn refuses_what_is_none() {
        for bad in [
            "",
            "ssh-rsa",
            "ssh-rsa AAAA",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA",
            "-----BEGIN PUBLIC KEY-----",
            &LINE[..LINE.len() / 2],
        ] {
            assert_eq!(SshKey::read(bad), None, "{bad}");
        }
        let small = SshKey { exponent: vec![1, 0, 1], modulus: vec![0xff; 128] };
        assert_eq!(SshKey::read(&small.to_line()), None);
    }
}
