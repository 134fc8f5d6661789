//! The body of a request against what its headers say of it.

use bytes::Bytes;
use http::HeaderMap;
use sha2::{Digest, Sha256};

use crate::chain::Chain;
use crate::chunked::ChunkedDecoder;
use crate::encode::{ascii, hex_32};
use crate::error::AuthError;
use crate::key::SigningKey;
use crate::parse::SigV4;
use crate::payload::PayloadHash;
use crate::request::{X_AMZ_CONTENT_SHA256, X_AMZ_DECODED_CONTENT_LENGTH, X_AMZ_TRAILER};
use crate::timestamp::Timestamp;
use crate::verify::Verified;

/// More names in `x-amz-trailer` than a request can need.
const ANNOUNCED_MAX: usize = 16;

/// Takes a body in pieces of any size and hands out the object's data: checks the hash of a plain one, decodes and
/// checks an aws-chunked one. The same promise as [`ChunkedDecoder`]'s holds: nothing counts before
/// [`PayloadVerifier::finish`].
#[derive(Debug)]
pub struct PayloadVerifier {
    kind: Kind,
    decoded_length: Option<u64>,
}

#[derive(Debug)]
enum Kind {
    Unsigned,
    Sha256 { hasher: Sha256, claimed: [u8; 32] },
    Chunked(Box<ChunkedDecoder>),
}

impl PayloadVerifier {
    /// For a request whose signature was verified.
    ///
    /// # Errors
    /// `MissingDecodedLength`, `MalformedTrailer` (too many announced), `SigV4A`.
    pub fn new(auth: &SigV4<'_>, verified: &Verified, headers: &HeaderMap) -> Result<Self, AuthError> {
        let chain = || Chain {
            key: verified.key.clone(),
            timestamp: auth.timestamp,
            scope: auth.credential.scope().to_owned(),
            access_key_id: auth.credential.access_key_id().to_owned(),
            previous: verified.signature,
            checked: true,
        };
        Self::build(auth.payload, headers, Some(&chain))
    }

    /// For a cloud that was told to let every signature pass: chunks are decoded, the signatures in them are not
    /// looked at. Hashes and lengths have to be right nevertheless.
    ///
    /// # Errors
    /// As [`PayloadVerifier::new`].
    pub fn unchecked(headers: &HeaderMap) -> Result<Self, AuthError> {
        let chain = || Chain {
            key: SigningKey::derive("", "", "", ""),
            timestamp: Timestamp::from_unix_s(0),
            scope: String::new(),
            access_key_id: String::new(),
            previous: [0; 64],
            checked: false,
        };
        Self::build(payload_of(headers), headers, Some(&chain))
    }

    /// For a request that nobody signed: what it says of its payload has to hold nevertheless.
    ///
    /// # Errors
    /// As [`PayloadVerifier::new`]; `MissingAuthentication` when the payload says that it is signed.
    pub fn anonymous(headers: &HeaderMap) -> Result<Self, AuthError> {
        Self::build(payload_of(headers), headers, None)
    }

    fn build(
        payload: PayloadHash,
        headers: &HeaderMap,
        chain: Option<&dyn Fn() -> Chain>,
    ) -> Result<Self, AuthError> {
        let mut decoded_length = None;
        let kind = match payload {
            PayloadHash::StreamingSigned | PayloadHash::StreamingSignedTrailer => {
                decoded_length = Some(parse_decoded_length(headers)?);
                let with_trailer = payload == PayloadHash::StreamingSignedTrailer;
                let announced = if with_trailer { parse_announced(headers)? } else { Vec::new() };
                let chain = chain.ok_or(AuthError::MissingAuthentication)?();
                Kind::Chunked(Box::new(ChunkedDecoder::signed(
                    chain,
                    with_trailer,
                    decoded_length,
                    announced,
                )))
            }
            PayloadHash::StreamingUnsignedTrailer => {
                decoded_length = Some(parse_decoded_length(headers)?);
                Kind::Chunked(Box::new(ChunkedDecoder::unsigned(decoded_length, parse_announced(headers)?)))
            }
            PayloadHash::Sha256(claimed) => Kind::Sha256 { hasher: Sha256::new(), claimed },
            PayloadHash::StreamingSigV4A => return Err(AuthError::SigV4A),
            // Event streams sign each message; whoever reads the messages checks that.
            PayloadHash::Absent
            | PayloadHash::Unsigned
            | PayloadHash::Invalid
            | PayloadHash::StreamingEvents => Kind::Unsigned,
        };
        Ok(Self { kind, decoded_length })
    }

    /// How many bytes of data an aws-chunked body declares. The body that is fed is longer.
    pub fn decoded_length(&self) -> Option<u64> {
        self.decoded_length
    }

    /// Takes the next piece of the body and appends the data in it to `out`.
    ///
    /// # Errors
    /// Those of [`ChunkedDecoder::push`].
    pub fn push(&mut self, data: Bytes, out: &mut Vec<Bytes>) -> Result<(), AuthError> {
        match &mut self.kind {
            Kind::Chunked(decoder) => return decoder.push(data, out),
            Kind::Sha256 { hasher, .. } => hasher.update(&data),
            Kind::Unsigned => {}
        }
        out.push(data);
        Ok(())
    }

    /// The body has ended: gives the trailers, of which there are none unless it was aws-chunked.
    ///
    /// # Errors
    /// `ContentSha256Mismatch`, and those of [`ChunkedDecoder::finish`].
    pub fn finish(self) -> Result<HeaderMap, AuthError> {
        match self.kind {
            Kind::Chunked(decoder) => decoder.finish(),
            Kind::Sha256 { hasher, claimed } => {
                let computed = hasher.finalize().into();
                if computed == claimed {
                    return Ok(HeaderMap::new());
                }
                Err(AuthError::ContentSha256Mismatch {
                    claimed: ascii(&hex_32(&claimed)).to_owned(),
                    computed: ascii(&hex_32(&computed)).to_owned(),
                })
            }
            Kind::Unsigned => Ok(HeaderMap::new()),
        }
    }
}

fn payload_of(headers: &HeaderMap) -> PayloadHash {
    match headers.get(X_AMZ_CONTENT_SHA256) {
        Some(value) => value.to_str().map_or(PayloadHash::Invalid, PayloadHash::parse),
        None => PayloadHash::Absent,
    }
}

fn parse_decoded_length(headers: &HeaderMap) -> Result<u64, AuthError> {
    headers
        .get(X_AMZ_DECODED_CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .filter(|v| v.bytes().all(|b| b.is_ascii_digit()))
        .and_then(|v| v.parse().ok())
        .ok_or(AuthError::MissingDecodedLength)
}

fn parse_announced(headers: &HeaderMap) -> Result<Vec<String>, AuthError> {
    let mut names = Vec::new();
    for value in headers.get_all(X_AMZ_TRAILER) {
        let value = value.to_str().map_err(|_| AuthError::MalformedTrailer)?;
        names.extend(
            value
                .split(',')
                .map(|n| n.trim().to_ascii_lowercase())
                .filter(|n| !n.is_empty())
                .take(ANNOUNCED_MAX + 1),
        );
        if names.len() > ANNOUNCED_MAX {
            return Err(AuthError::MalformedTrailer);
        }
    }
    Ok(names)
}
