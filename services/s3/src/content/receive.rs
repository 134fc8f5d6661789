//! A body becomes stored bytes: streamed, hashed while it is written, and checked before it is published.

use std::sync::Arc;

use bytes::Bytes;
use haneul_kit::extension::Trailers;
use haneul_kit::{ApiError, ByteStream, Result};

use super::cipher::PieceKey;
use super::hashing::{Hashes, Hashing};
use super::{Content, INLINE_BYTES_MAX, blob};
use crate::checksum::{Algorithm, Checksum, Claim, Kind};
use crate::error;
use crate::model::Data;

/// Below this, hashing takes less time than handing it to another thread.
const HASH_INLINE_BYTES_MAX: usize = 128 * 1024;

/// What is known of a body before it comes.
pub(crate) struct Expectation {
    /// In bytes; `None` only for calls inside the cloud.
    pub(crate) length: Option<u64>,
    pub(crate) length_max: u64,
    pub(crate) content_md5: Option<[u8; 16]>,
    /// The checksum to compute, compare and show.
    pub(crate) algorithm: Algorithm,
    /// The checksum to keep, where it is another one: a part of an upload that was begun without naming any may come
    /// with a checksum of whatever kind, and the whole gets a CRC64NVME.
    pub(crate) kept: Option<Algorithm>,
    pub(crate) claim: Option<Claim>,
    /// Where the claim comes, when it comes after the body.
    pub(crate) trailers: Option<Trailers>,
    /// Kept in one Availability Zone only.
    pub(crate) one_zone: bool,
    /// What is no longer is kept in a record, if the blobs are not as good for it.
    pub(crate) inline_bytes_max: u64,
}

/// The class whose bytes survive no loss of a zone.
pub(crate) fn is_one_zone(class: Option<&str>) -> bool {
    class == Some("ONEZONE_IA")
}

impl Expectation {
    /// Whether the client has sent something to check the bytes by.
    pub(crate) fn is_vouched_for(&self) -> bool {
        self.content_md5.is_some() || self.claim.is_some() || self.trailers.is_some()
    }

    /// Of bytes that we read ourselves.
    pub(crate) fn internal(length: u64, algorithm: Algorithm) -> Expectation {
        Expectation {
            length: Some(length),
            length_max: u64::MAX,
            content_md5: None,
            algorithm,
            kept: None,
            claim: None,
            trailers: None,
            one_zone: false,
            inline_bytes_max: INLINE_BYTES_MAX,
        }
    }
}

/// Bytes that are safe, and what they are. Whoever fails to make a record of them gives them back by [`Content::discard`];
/// after a crash the sweep does.
pub(crate) struct Received {
    pub(crate) size: u64,
    /// In hexadecimal.
    pub(crate) md5: String,
    pub(crate) checksum: Checksum,
    /// The one that was asked to be kept; `checksum` where none was.
    pub(crate) kept: Checksum,
    pub(crate) data: Data,
    /// When the data is inline.
    pub(crate) inline: Option<Vec<u8>>,
}

impl Content {
    /// A body that is small, as it is: what is expected of it beside its length is not compared.
    pub(crate) async fn whole(&self, body: ByteStream, expected: &Expectation) -> Result<Vec<u8>> {
        let mut source = Source { body, read: 0 };
        let mut whole = Vec::new();
        while let Some(piece) = source.next(expected).await? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    /// With a key the bytes are encrypted before they are kept.
    pub(crate) async fn receive(
        &self,
        body: ByteStream,
        expected: &Expectation,
        key: Option<PieceKey>,
    ) -> Result<Received> {
        if let Some(length) = expected.length
            && length > expected.length_max
        {
            return Err(error::entity_too_large(length, expected.length_max));
        }
        let mut source = Source { body, read: 0 };
        let mut hashes = Hashes::new(expected);
        let inline_bytes_max = expected.inline_bytes_max.min(self.inline_bytes_max);
        let mut head = Vec::with_capacity(expected.length.unwrap_or(0).min(inline_bytes_max) as usize);
        let mut over = None;
        while let Some(piece) = source.next(expected).await? {
            if head.len() + piece.len() > inline_bytes_max as usize {
                over = Some(piece);
                break;
            }
            head.extend_from_slice(&piece);
        }
        let Some(piece) = over else {
            hashes.update(&head);
            let (md5, sum, kept) = check(hashes, &source, expected)?;
            let size = head.len() as u64;
            let (data, inline) = match size {
                0 => (Data::Empty, None),
                _ => {
                    let kept = match key {
                        Some(key) => key.seal_whole(head),
                        None => head,
                    };
                    (Data::Inline(self.data_id()), Some(kept))
                }
            };
            return Ok(Received { size, md5, checksum: sum, kept, data, inline });
        };
        // Boxed: it is large, and small bodies never come here.
        Box::pin(self.receive_blob(vec![Bytes::from(head), piece], source, hashes, expected, key)).await
    }

    async fn receive_blob(
        &self,
        first: Vec<Bytes>,
        mut source: Source,
        hashes: Hashes,
        expected: &Expectation,
        key: Option<PieceKey>,
    ) -> Result<Received> {
        let mut writer = match key {
            Some(key) if expected.one_zone => self.blobs.sealed_writer_of_one(expected.length, Arc::new(key)),
            Some(key) => self.blobs.sealed_writer(expected.length, Arc::new(key)),
            None => self.blobs.writer(expected.length),
        };
        let mut hashing = Hashing::Idle(hashes);
        let mut segment: Vec<Bytes> = first;
        let mut ended = false;
        while !ended {
            let mut length: usize = segment.iter().map(Bytes::len).sum();
            // What is hashed and written at once. Two of these are in memory for each upload.
            while length < self.blobs.step() {
                match source.next(expected).await? {
                    Some(piece) => {
                        length += piece.len();
                        segment.push(piece);
                    }
                    None => {
                        ended = true;
                        break;
                    }
                }
            }
            let pieces = std::mem::take(&mut segment);
            let mut hashes = hashing.idle().await?;
            hashing = if ended && length <= HASH_INLINE_BYTES_MAX {
                pieces.iter().for_each(|piece| hashes.update(piece));
                Hashing::Idle(hashes)
            } else {
                self.hasher.update(hashes, pieces.clone())
            };
            for piece in pieces {
                writer.write(piece).await.map_err(blob)?;
            }
        }
        let (md5, sum, kept) = check(hashing.idle().await?, &source, expected)?;
        let written = writer.finish().await.map_err(blob)?;
        let data = Data::Blob(written.id);
        Ok(Received { size: source.read, md5, checksum: sum, kept, data, inline: None })
    }

    /// Takes back bytes of which no record was made.
    pub(crate) async fn discard(&self, data: &Data) {
        if let Data::Blob(id) = data {
            self.free(vec![*id]).await;
        }
    }
}

/// A body, and how much of it was read.
struct Source {
    body: ByteStream,
    read: u64,
}

impl Source {
    async fn next(&mut self, expected: &Expectation) -> Result<Option<Bytes>> {
        let data = match self.body.next().await {
            None => return Ok(None),
            Some(Ok(data)) => data,
            Some(Err(failure)) => return Err(body_error(failure)),
        };
        self.read += data.len() as u64;
        if self.read > expected.length.unwrap_or(u64::MAX) {
            return Err(error::incomplete_body());
        }
        if self.read > expected.length_max {
            return Err(error::entity_too_large(self.read, expected.length_max));
        }
        Ok(Some(data))
    }
}

/// The front's verdict on a body (a wrong hash or chunk signature) is an error of the API already; anything else means
/// that the client went away.
pub(crate) fn body_error(failure: haneul_shape::BoxError) -> ApiError {
    match failure.downcast::<ApiError>() {
        Ok(error) => *error,
        Err(failure) => {
            tracing::debug!(%failure, "a body ended early");
            error::incomplete_body()
        }
    }
}

fn check(hashes: Hashes, source: &Source, expected: &Expectation) -> Result<(String, Checksum, Checksum)> {
    if expected.length.is_some_and(|length| length != source.read) {
        return Err(error::incomplete_body());
    }
    let algorithm = hashes.algorithm;
    let (md5, sum, kept) = hashes.finish();
    if let Some(claimed) = expected.content_md5
        && claimed[..] != md5[..]
    {
        return Err(error::bad_digest(&hex::encode(claimed), &crate::checksum::encode(&md5)));
    }
    let value = crate::checksum::encode(&sum);
    let trailer;
    let claim = if let Some(trailers) = &expected.trailers {
        let given = trailers.header(algorithm.header());
        let claim = Claim { algorithm, value: given.ok_or_else(error::malformed_trailer)?.trim().to_owned() };
        claim.check_form_in("trailing header")?;
        trailer = claim;
        Some(&trailer)
    } else {
        expected.claim.as_ref()
    };
    if let Some(claim) = claim {
        claim.compare(&value)?;
    }
    let checksum = Checksum { algorithm, kind: Kind::FullObject, value };
    let kept = kept.unwrap_or_else(|| checksum.clone());
    Ok((hex::encode(md5), checksum, kept))
}
