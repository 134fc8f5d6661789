use haneul_md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::{Algorithm, encode};

/// A checksum being computed.
pub(crate) enum Digest {
    Crc32(crc32fast::Hasher),
    Crc32C(u32),
    Crc64Nvme(Box<crc64fast_nvme::Digest>),
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
    Sha512(Box<Sha512>),
    Md5(Box<Md5>),
}

impl Digest {
    pub(crate) fn new(algorithm: Algorithm) -> Digest {
        match algorithm {
            Algorithm::Crc32 => Digest::Crc32(crc32fast::Hasher::new()),
            Algorithm::Crc32C => Digest::Crc32C(0),
            Algorithm::Crc64Nvme => Digest::Crc64Nvme(Box::new(crc64fast_nvme::Digest::new())),
            Algorithm::Sha1 => Digest::Sha1(Box::default()),
            Algorithm::Sha256 => Digest::Sha256(Box::default()),
            Algorithm::Sha512 => Digest::Sha512(Box::default()),
            Algorithm::Md5 => Digest::Md5(Box::default()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Digest::Crc32(hasher) => hasher.update(bytes),
            Digest::Crc32C(crc) => *crc = crc32c::crc32c_append(*crc, bytes),
            Digest::Crc64Nvme(digest) => digest.write(bytes),
            Digest::Sha1(hasher) => hasher.update(bytes),
            Digest::Sha256(hasher) => hasher.update(bytes),
            Digest::Sha512(hasher) => hasher.update(bytes),
            Digest::Md5(hasher) => hasher.update(bytes),
        }
    }

    /// In network byte order.
    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Digest::Crc32(hasher) => hasher.finalize().to_be_bytes().to_vec(),
            Digest::Crc32C(crc) => crc.to_be_bytes().to_vec(),
            Digest::Crc64Nvme(digest) => digest.sum64().to_be_bytes().to_vec(),
            Digest::Sha1(hasher) => hasher.finalize().to_vec(),
            Digest::Sha256(hasher) => hasher.finalize().to_vec(),
            Digest::Sha512(hasher) => hasher.finalize().to_vec(),
            Digest::Md5(hasher) => hasher.finish().to_vec(),
        }
    }

    pub(crate) fn of(algorithm: Algorithm, bytes: &[u8]) -> Vec<u8> {
        let mut digest = Digest::new(algorithm);
        digest.update(bytes);
        digest.finish()
    }

    pub(crate) fn finish_base64(self) -> String {
        encode(&self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of CRC algorithms, of RFC 1321 and of FIPS 180, for `123456789` or `abc`.
    #[test]
    fn known_vectors() {
        for (algorithm, input, expected) in [
            (Algorithm::Crc32, "123456789", "cbf43926"),
            (Algorithm::Crc32C, "123456789", "e3069283"),
            (Algorithm::Crc64Nvme, "123456789", "ae8b14860a799888"),
            (Algorithm::Md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(hex::encode(Digest::of(algorithm, input.as_bytes())), expected, "{algorithm:?}");
            let mut split = Digest::new(algorithm);
            let (a, b) = input.as_bytes().split_at(1);
            split.update(a);
            split.update(b);
            assert_eq!(split.finish().len(), algorithm.length());
        }
    }
}
