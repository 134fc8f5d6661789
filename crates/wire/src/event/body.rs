use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use haneul_shape::stream::Events;
use haneul_shape::{BoxError, ByteStream, Mut, Shape};
use http::HeaderMap;
use http_body::{Body, Frame as HttpFrame};

use super::CONTENT_TYPE;
use super::codec::{encode_event, encode_event_error, initial_response};
use crate::error::WireError;
use crate::json::read::model_differs;
use crate::message::Payload;
use crate::model::{Model, OperationDef};
use crate::protocol::Protocol;
use crate::server::content_type;

/// The answer of an RPC protocol whose output has a stream of events.
pub(crate) fn rpc(
    model: &'static Model,
    operation: &OperationDef,
    protocol: Protocol,
    output: &mut dyn Shape,
    headers: &mut HeaderMap,
) -> Result<Payload, WireError> {
    content_type(headers, CONTENT_TYPE);
    let first = initial_response(model, protocol, output).encode();
    let member = operation.output_stream.ok_or_else(model_differs)?;
    match output.get_mut(usize::from(member)) {
        Mut::Events(events) => Ok(Payload::Stream(stream(model, protocol, events.take(), Some(first)))),
        _ => Err(model_differs()),
    }
}

/// Events as the body of an answer, each sent when it happens. An error of the stream becomes its last frame.
pub(crate) fn stream(
    model: &'static Model,
    protocol: Protocol,
    events: Box<dyn Events>,
    first: Option<Bytes>,
) -> ByteStream {
    ByteStream::new(Encoded { model, protocol, events, first, ended: false })
}

struct Encoded {
    model: &'static Model,
    protocol: Protocol,
    events: Box<dyn Events>,
    first: Option<Bytes>,
    ended: bool,
}

impl Body for Encoded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<HttpFrame<Bytes>, BoxError>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(HttpFrame::data(first))));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let event = match std::task::ready!(self.events.poll_event(cx)) {
            None => {
                self.ended = true;
                return Poll::Ready(None);
            }
            Some(event) => event,
        };
        let frame = event.and_then(|event| Ok(encode_event(self.model, self.protocol, &*event)?));
        let frame = frame.unwrap_or_else(|error| {
            self.ended = true;
            match error.downcast_ref::<WireError>() {
                Some(error) => encode_event_error(error),
                None => {
                    encode_event_error(&WireError::receiver("InternalError", "An internal error occurred"))
                }
            }
        });
        Poll::Ready(Some(Ok(HttpFrame::data(frame.encode()))))
    }
}
