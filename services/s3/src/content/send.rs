//! Stored bytes become a body, a piece at a time.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use haneul_blob::BlobReader;
use haneul_kit::ByteStream;
use haneul_shape::BoxError;
use http_body::{Body, Frame, SizeHint};

use super::Content;
use super::cipher::{DataKey, PieceKey};
use super::readers::Reading;
use crate::model::{Data, DataId, Manifest};
use crate::range::Span;

/// Bytes of one piece of stored data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) data: Data,
    pub(crate) span: Span,
    /// For the key of a part.
    pub(crate) salt: Option<[u8; 16]>,
}

/// What of an object is wanted, and how to read it.
pub(crate) struct Wanted<'a> {
    pub(crate) data: &'a Data,
    /// Needed when the data is in parts.
    pub(crate) manifest: Option<&'a Manifest>,
    pub(crate) span: Span,
    /// Needed when the data is encrypted.
    pub(crate) key: Option<DataKey>,
}

impl Content {
    /// The wanted bytes of an object.
    pub(crate) fn send(&self, wanted: Wanted<'_>, reading: Reading) -> ByteStream {
        let extents = extents(&wanted);
        ByteStream::new(Outgoing {
            content: self.clone(),
            left: wanted.span.length(),
            key: wanted.key,
            extents,
            step: None,
            _reading: reading,
        })
    }

    /// The next bytes of an extent, and what is left to read of it.
    async fn step(self, source: Source) -> (Option<Source>, Result<Bytes, BoxError>) {
        match source {
            Source::Extent(Extent { data: Data::Blob(id), span, .. }, key) => {
                let range = span.start..span.end;
                let reader = match key {
                    Some(key) => self.blobs.sealed_reader(id, range, key),
                    None => self.blobs.reader(id, range),
                };
                Box::pin(self.step(Source::Blob(reader))).await
            }
            Source::Blob(mut reader) => match reader.next().await {
                None => (None, Ok(Bytes::new())),
                Some(Ok(bytes)) => (Some(Source::Blob(reader)), Ok(bytes)),
                Some(Err(failure)) => (None, Err(failure.into())),
            },
            Source::Extent(Extent { data: Data::Inline(id), span, .. }, key) => {
                (None, self.inline(&id, span, key).await)
            }
            Source::Extent(..) => (None, Ok(Bytes::new())),
        }
    }

    async fn inline(&self, id: &DataId, span: Span, key: Option<Arc<PieceKey>>) -> Result<Bytes, BoxError> {
        let bytes = self.records.inline(id).await?.ok_or("inline bytes are gone")?;
        let bytes = Bytes::from(match key {
            Some(key) => key.open_whole(bytes)?,
            None => bytes,
        });
        if span.end > bytes.len() as u64 {
            return Err("inline bytes are shorter than their record says".into());
        }
        Ok(bytes.slice(span.start as usize..span.end as usize))
    }
}

/// Where the wanted bytes are.
fn extents(wanted: &Wanted<'_>) -> VecDeque<Extent> {
    let span = wanted.span;
    let Some(manifest) = wanted.manifest else {
        let data = wanted.data.clone();
        return VecDeque::from([Extent { data, span, salt: None }]);
    };
    let mut found = VecDeque::new();
    let mut offset = 0;
    for part in &manifest.parts {
        let (start, end) = (span.start.max(offset), span.end.min(offset + part.size));
        if start < end {
            found.push_back(Extent {
                data: part.data.clone(),
                span: Span { start: start - offset, end: end - offset },
                salt: part.salt.as_deref().and_then(|salt| hex::decode(salt).ok()?.try_into().ok()),
            });
        }
        offset += part.size;
    }
    found
}

enum Source {
    Extent(Extent, Option<Arc<PieceKey>>),
    Blob(BlobReader),
}

type Step = Pin<Box<dyn Future<Output = (Option<Source>, Result<Bytes, BoxError>)> + Send>>;

/// The body of an answer. It sends exactly the length it announced, or breaks off.
struct Outgoing {
    content: Content,
    extents: VecDeque<Extent>,
    step: Option<Step>,
    left: u64,
    key: Option<DataKey>,
    _reading: Reading,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            if self.step.is_none() {
                let Some(extent) = self.extents.pop_front() else {
                    let missing = std::mem::take(&mut self.left) > 0;
                    let failure = missing.then(|| Err("an object is shorter than its record says".into()));
                    return Poll::Ready(failure);
                };
                let key = self.key.as_ref().map(|key| Arc::new(key.piece(extent.salt.as_ref())));
                let step = self.content.clone().step(Source::Extent(extent, key));
                self.step = Some(Box::pin(step));
            }
            let Some(step) = &mut self.step else { continue };
            let (source, read) = ready!(step.as_mut().poll(cx));
            self.step = None;
            let bytes = match read {
                Ok(bytes) => bytes,
                Err(failure) => {
                    tracing::error!(%failure, "stored bytes could not be read");
                    self.extents.clear();
                    self.left = 0;
                    return Poll::Ready(Some(Err(failure)));
                }
            };
            if let Some(source) = source {
                let step = self.content.clone().step(source);
                self.step = Some(Box::pin(step));
            }
            if !bytes.is_empty() {
                self.left = self.left.saturating_sub(bytes.len() as u64);
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ManifestPart;

    #[test]
    fn a_span_over_parts() {
        let part = |number: u32, size| ManifestPart {
            number,
            size,
            data: Data::Inline((0, u64::from(number))),
            checksum: None,
            salt: None,
        };
        let manifest = Manifest { parts: vec![part(1, 10), part(2, 0), part(3, 5), part(4, 10)] };
        let data = Data::Parts((0, 0));
        let spans = |start, end| {
            let span = Span { start, end };
            let wanted = Wanted { data: &data, manifest: Some(&manifest), span, key: None };
            extents(&wanted)
                .into_iter()
                .map(|e| match e.data {
                    Data::Inline((_, id)) => (id, e.span.start, e.span.end),
                    _ => unreachable!("only inline parts"),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(spans(0, 25), [(1, 0, 10), (3, 0, 5), (4, 0, 10)]);
        assert_eq!(spans(9, 11), [(1, 9, 10), (3, 0, 1)]);
        assert_eq!(spans(10, 15), [(3, 0, 5)]);
        assert_eq!(spans(24, 25), [(4, 9, 10)]);
        assert!(spans(5, 5).is_empty());
    }
}
