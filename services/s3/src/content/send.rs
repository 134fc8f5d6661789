//! Stored bytes become a body, a piece at a time.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use haneul_blob::BlobReader;
use haneul_kit::ByteStream;
use haneul_shape::BoxError;
use http_body::{Body, Frame, SizeHint};

use super::Content;
use super::readers::Reading;
use crate::model::{Data, DataId, Manifest};
use crate::range::Span;

/// Bytes of one piece of stored data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) data: Data,
    pub(crate) span: Span,
}

impl Content {
    /// The bytes `span` of an object. `manifest` is needed when the data is in parts.
    pub(crate) fn send(
        &self,
        data: &Data,
        manifest: Option<&Manifest>,
        span: Span,
        reading: Reading,
    ) -> ByteStream {
        let extents = extents(data, manifest, span);
        ByteStream::new(Outgoing {
            content: self.clone(),
            left: span.length(),
            extents,
            step: None,
            _reading: reading,
        })
    }

    /// The next bytes of an extent, and what is left to read of it.
    async fn step(self, source: Source) -> (Option<Source>, Result<Bytes, BoxError>) {
        match source {
            Source::Extent(Extent { data: Data::Blob(id), span }) => {
                let reader = self.blobs.reader(id, span.start..span.end);
                Box::pin(self.step(Source::Blob(reader))).await
            }
            Source::Blob(mut reader) => match reader.next().await {
                None => (None, Ok(Bytes::new())),
                Some(Ok(bytes)) => (Some(Source::Blob(reader)), Ok(bytes)),
                Some(Err(failure)) => (None, Err(failure.into())),
            },
            Source::Extent(Extent { data: Data::Inline(id), span }) => (None, self.inline(&id, span).await),
            Source::Extent(_) => (None, Ok(Bytes::new())),
        }
    }

    async fn inline(&self, id: &DataId, span: Span) -> Result<Bytes, BoxError> {
        let bytes = Bytes::from(self.records.inline(id).await?.ok_or("inline bytes are gone")?);
        if span.end > bytes.len() as u64 {
            return Err("inline bytes are shorter than their record says".into());
        }
        Ok(bytes.slice(span.start as usize..span.end as usize))
    }
}

/// Where the bytes of `span` are.
pub(crate) fn extents(data: &Data, manifest: Option<&Manifest>, span: Span) -> VecDeque<Extent> {
    let Some(manifest) = manifest else {
        return VecDeque::from([Extent { data: data.clone(), span }]);
    };
    let mut found = VecDeque::new();
    let mut offset = 0;
    for part in &manifest.parts {
        let (start, end) = (span.start.max(offset), span.end.min(offset + part.size));
        if start < end {
            found.push_back(Extent {
                data: part.data.clone(),
                span: Span { start: start - offset, end: end - offset },
            });
        }
        offset += part.size;
    }
    found
}

enum Source {
    Extent(Extent),
    Blob(BlobReader),
}

type Step = Pin<Box<dyn Future<Output = (Option<Source>, Result<Bytes, BoxError>)> + Send>>;

/// The body of an answer. It sends exactly the length it announced, or breaks off.
struct Outgoing {
    content: Content,
    extents: VecDeque<Extent>,
    step: Option<Step>,
    left: u64,
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
                let step = self.content.clone().step(Source::Extent(extent));
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
        };
        let manifest = Manifest { parts: vec![part(1, 10), part(2, 0), part(3, 5), part(4, 10)] };
        let spans = |start, end| {
            extents(&Data::Parts((0, 0)), Some(&manifest), Span { start, end })
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
