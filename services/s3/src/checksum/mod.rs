//! The checksums that S3 keeps beside an object (S3 User Guide, "Checking object integrity in Amazon S3").
//!
//! Reading order: this file (algorithms, values, types), [`digest`] (computing), [`combine`] (the CRC of a whole from
//! those of its parts), [`wire`] (the many members of the model's shapes).

pub(crate) mod combine;
pub(crate) mod digest;
pub(crate) mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use haneul_kit::Result;
use serde::{Deserialize, Serialize};

use crate::error;

pub(crate) use digest::Digest;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32C,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
    Md5,
}

/// Whether the checksum is of the object's bytes, or of the checksums of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    FullObject,
    Composite,
}

/// A checksum that was computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
    /// Base64, and `-N` after it when it is composed of N parts.
    pub(crate) value: String,
}

pub(crate) const ALL: &[Algorithm] = &[
    Algorithm::Crc32,
    Algorithm::Crc32C,
    Algorithm::Crc64Nvme,
    Algorithm::Sha1,
    Algorithm::Sha256,
    Algorithm::Sha512,
    Algorithm::Md5,
];

impl Algorithm {
    /// The model's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC32",
            Algorithm::Crc32C => "CRC32C",
            Algorithm::Crc64Nvme => "CRC64NVME",
            Algorithm::Sha1 => "SHA1",
            Algorithm::Sha256 => "SHA256",
            Algorithm::Sha512 => "SHA512",
            Algorithm::Md5 => "MD5",
        }
    }

    pub(crate) fn header(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "x-amz-checksum-crc32",
            Algorithm::Crc32C => "x-amz-checksum-crc32c",
            Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Algorithm::Sha1 => "x-amz-checksum-sha1",
            Algorithm::Sha256 => "x-amz-checksum-sha256",
            Algorithm::Sha512 => "x-amz-checksum-sha512",
            Algorithm::Md5 => "x-amz-checksum-md5",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Algorithm> {
        if let Some(found) = ALL.iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name)) {
            return Ok(*found);
        }
        if name.to_ascii_uppercase().starts_with("XXHASH") {
            return Err(error::not_implemented(format_args!("The checksum algorithm {name}")));
        }
        Err(error::invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, \
             CRC64NVME, SHA1, SHA256]",
        ))
    }

    /// Of the digest, in bytes.
    pub(crate) fn length(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32C => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
            Algorithm::Md5 => 16,
        }
    }

    /// What a multipart upload gets when its client names no type.
    pub(crate) fn default_kind(self) -> Kind {
        if self == Algorithm::Crc64Nvme { Kind::FullObject } else { Kind::Composite }
    }

    fn allows(self, kind: Kind) -> bool {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32C => true,
            Algorithm::Crc64Nvme => kind == Kind::FullObject,
            _ => kind == Kind::Composite,
        }
    }

    /// The type of a multipart upload's checksum as its client wants it.
    pub(crate) fn kind(self, wanted: Option<&str>) -> Result<Kind> {
        let Some(wanted) = wanted else { return Ok(self.default_kind()) };
        let kind = Kind::parse(wanted)?;
        if self.allows(kind) {
            return Ok(kind);
        }
        let message = format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            kind.as_str(),
            self.as_str().to_ascii_lowercase()
        );
        Err(error::invalid_request(message))
    }
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::FullObject => "FULL_OBJECT",
            Kind::Composite => "COMPOSITE",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Kind> {
        match name {
            "FULL_OBJECT" => Ok(Kind::FullObject),
            "COMPOSITE" => Ok(Kind::Composite),
            _ => Err(error::invalid_request("Value for x-amz-checksum-type header is invalid.")),
        }
    }
}

/// A checksum that a client gives, to be compared with ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) algorithm: Algorithm,
    pub(crate) value: String,
}

impl Claim {
    /// Checks the form of one part's or object's own checksum.
    pub(crate) fn check_form(&self) -> Result<()> {
        self.check_form_in("header")
    }

    /// Of one that came in a `header` or a `trailing header`.
    pub(crate) fn check_form_in(&self, place: &str) -> Result<()> {
        match BASE64.decode(&self.value) {
            Ok(bytes) if bytes.len() == self.algorithm.length() => Ok(()),
            _ => Err(error::invalid_request(format!(
                "Value for {} {place} is invalid.",
                self.algorithm.header()
            ))),
        }
    }

    pub(crate) fn compare(&self, computed: &str) -> Result<()> {
        if self.value == computed { Ok(()) } else { Err(error::bad_checksum(self.algorithm.as_str())) }
    }
}

/// The digest of `Content-MD5`.
pub(crate) fn parse_content_md5(text: &str) -> Result<[u8; 16]> {
    let bytes = BASE64.decode(text.trim()).map_err(|_| error::invalid_digest(text))?;
    bytes.try_into().map_err(|_| error::invalid_digest(text))
}

/// The MD5 of bytes that we made ourselves, in hexadecimal.
pub(crate) fn md5_hex(bytes: &[u8]) -> String {
    let mut digest = Digest::new(Algorithm::Md5);
    digest.update(bytes);
    hex::encode(digest.finish())
}

pub(crate) fn encode(digest: &[u8]) -> String {
    BASE64.encode(digest)
}

/// The bytes of a checksum that we encoded.
pub(crate) fn decode(value: &str) -> Vec<u8> {
    BASE64.decode(value).unwrap_or_default()
}
