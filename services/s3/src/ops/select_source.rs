//! What a selection reads: an object as it comes, or ranges of it.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use haneul_kit::{ApiError, ByteStream, Result};
use haneul_s3_select::{Columnar, Engine, SelectError, Stats};

use crate::S3;
use crate::content::Content;
use crate::content::cipher::DataKey;
use crate::content::readers::Reading;
use crate::content::receive::body_error;
use crate::content::send::Wanted;
use crate::model::{Body, Data, Manifest};
use crate::range::Span;

/// Most bytes of Parquet objects that all selections of the process hold together.
const MEMORY_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

static MEMORY: AtomicU64 = AtomicU64::new(0);

pub(super) enum Failed {
    Select(SelectError),
    Api(ApiError),
    /// All memory for selections is in use.
    Busy,
}

impl From<SelectError> for Failed {
    fn from(failure: SelectError) -> Failed {
        Failed::Select(failure)
    }
}

pub(super) enum Source {
    Stream {
        object: ByteStream,
        /// What of the object has not been taken yet.
        piece: Bytes,
        engine: Box<Engine>,
        /// All was read, and not everything answered.
        is_read: bool,
    },
    /// Without an engine it has failed.
    Columns { object: Box<Ranges>, engine: Option<Box<Columnar>>, memory: Memory },
}

impl Source {
    pub(super) fn stream(object: ByteStream, engine: Engine) -> Source {
        Source::Stream { object, piece: Bytes::new(), engine: Box::new(engine), is_read: false }
    }

    pub(super) fn columns(object: Ranges, engine: Columnar) -> Source {
        Source::Columns { object: Box::new(object), engine: Some(Box::new(engine)), memory: Memory(0) }
    }

    /// Goes on for a while. Says whether the answer is over.
    pub(super) async fn go_on(&mut self) -> Result<bool, Failed> {
        match self {
            Source::Stream { engine, is_read: true, .. } => Ok(engine.finish()?),
            Source::Stream { object, piece, engine, is_read } => {
                if engine.is_done() {
                    *is_read = true;
                } else if piece.is_empty() {
                    match object.next().await {
                        Some(next) => *piece = next.map_err(|failure| Failed::Api(body_error(failure)))?,
                        None => *is_read = true,
                    }
                } else {
                    let fed = engine.feed(piece)?;
                    piece.advance(fed);
                }
                Ok(false)
            }
            Source::Columns { object, engine, memory } => {
                let gone = || Failed::Api(ApiError::internal("a selection has no engine"));
                let mut working = engine.take().ok_or_else(gone)?;
                let mut bytes = Vec::new();
                if let Some(range) = working.wanted() {
                    memory.hold(working.held() as u64 + range.end - range.start)?;
                    bytes = object.read(range).await.map_err(Failed::Api)?;
                }
                // Pages are unpacked, and thousands of rows made of them: no connection waits for that.
                let worked = tokio::task::spawn_blocking(move || {
                    let given = if bytes.is_empty() { Ok(()) } else { working.give(&bytes) };
                    let over = given.and_then(|()| working.go_on());
                    (working, over)
                });
                let (working, over) =
                    worked.await.map_err(|failure| Failed::Api(ApiError::internal(failure)))?;
                memory.hold(working.held() as u64)?;
                *engine = Some(working);
                Ok(over?)
            }
        }
    }

    pub(super) fn stats(&self) -> Stats {
        match self {
            Source::Stream { engine, .. } => engine.stats(),
            Source::Columns { engine, .. } => {
                engine.as_ref().map(|engine| engine.stats()).unwrap_or_default()
            }
        }
    }

    pub(super) fn ready(&self) -> usize {
        match self {
            Source::Stream { engine, .. } => engine.ready(),
            Source::Columns { engine, .. } => engine.as_ref().map_or(0, |engine| engine.ready()),
        }
    }

    pub(super) fn take(&mut self) -> String {
        match self {
            Source::Stream { engine, .. } => engine.take(),
            Source::Columns { engine, .. } => engine.as_mut().map(|engine| engine.take()).unwrap_or_default(),
        }
    }

    /// Whether somebody else is to have a turn.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Source::Stream { engine, .. } if engine.is_waiting())
    }

    /// Whether long work may show in no bytes that are read.
    pub(super) fn is_columns(&self) -> bool {
        matches!(self, Source::Columns { .. })
    }
}

/// What a selection holds of [`MEMORY_BYTES_MAX`].
pub(super) struct Memory(u64);

impl Memory {
    fn hold(&mut self, bytes: u64) -> Result<(), Failed> {
        let others = |all: u64| all.saturating_sub(self.0);
        let fits =
            |all: u64| Some(others(all) + bytes).filter(|all| bytes <= self.0 || *all <= MEMORY_BYTES_MAX);
        MEMORY.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map_err(|_| Failed::Busy)?;
        self.0 = bytes;
        Ok(())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        MEMORY.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// The bytes of a version, any range of them.
pub(super) struct Ranges {
    content: Content,
    data: Data,
    manifest: Option<Manifest>,
    /// Those of a small object, decrypted.
    inline: Option<Bytes>,
    key: Option<DataKey>,
    /// The version stays as it is until the last range was read.
    _reading: Reading,
}

impl S3 {
    pub(super) async fn ranges(
        &self,
        body: &Body,
        inline: Option<Vec<u8>>,
        reading: Reading,
        key: Option<DataKey>,
    ) -> Result<Ranges> {
        let mut ranges = Ranges {
            content: self.content.clone(),
            data: body.data.clone(),
            manifest: self.manifest(&body.data).await?,
            inline: None,
            key: key.clone(),
            _reading: reading,
        };
        if !matches!(body.data, Data::Blob(_) | Data::Parts(_)) {
            let mut whole =
                self.stream(body, inline, Span::whole(body.size), self.content.readers.begin(), key).await?;
            ranges.inline = Some(collected(&mut whole, body.size).await?.into());
        }
        Ok(ranges)
    }
}

impl Ranges {
    async fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let length = range.end - range.start;
        if let Some(inline) = &self.inline {
            let bytes = inline.get(range.start as usize..range.end as usize);
            return bytes.map(<[u8]>::to_vec).ok_or_else(|| ApiError::internal("inline bytes are too few"));
        }
        let wanted = Wanted {
            data: &self.data,
            manifest: self.manifest.as_ref(),
            span: Span { start: range.start, end: range.end },
            key: self.key.clone(),
        };
        collected(&mut self.content.send(wanted, self.content.readers.begin()), length).await
    }
}

async fn collected(from: &mut ByteStream, length: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length as usize);
    while let Some(piece) = from.next().await {
        bytes.extend_from_slice(&piece.map_err(body_error)?);
    }
    if bytes.len() as u64 == length {
        Ok(bytes)
    } else {
        Err(ApiError::internal("an object's bytes are too few"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back() {
        let mut one = Memory(0);
        assert!(one.hold(MEMORY_BYTES_MAX + 1).is_err());
        assert!(one.hold(MEMORY_BYTES_MAX / 2).is_ok());
        let mut other = Memory(0);
        assert!(other.hold(MEMORY_BYTES_MAX / 2 + 1).is_err());
        assert!(one.hold(1000).is_ok());
        assert!(other.hold(MEMORY_BYTES_MAX / 2 + 1).is_ok());
        drop(one);
        drop(other);
    }
}
