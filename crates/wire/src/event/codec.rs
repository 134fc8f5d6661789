use bytes::Bytes;
use haneul_shape::{Mut, Ref, Shape};

use super::frame::{Frame, HeaderValue};
use crate::error::WireError;
use crate::json::read::model_differs;
use crate::missing::{Seen, Tracker};
use crate::model::Model;
use crate::protocol::Protocol;
use crate::xml::reader::XmlReader;
use crate::xml::writer::XmlWriter;
use crate::{cbor, json, xml};

/// One event, or one of the stream's modelled errors, as a frame. `event` is the union that the stream is of.
pub fn encode_event(model: &Model, protocol: Protocol, event: &dyn Shape) -> Result<Frame, WireError> {
    let variant = event.variant().ok_or_else(model_differs)?;
    let member = &model.structure(event.id()).members[variant];
    let Ref::Struct(value) = event.get(variant) else { return Err(model_differs()) };
    let error = model.shape(member.shape).error().is_some();
    let (kind, name) = if error { ("exception", ":exception-type") } else { ("event", ":event-type") };
    let mut frame = Frame::default();
    text(&mut frame, ":message-type", kind);
    text(&mut frame, name, member.wire_name);
    let def = model.structure(value.id());
    let (content_type, payload) = match def.members.iter().position(|member| member.event_payload) {
        Some(i) => match value.get(i) {
            Ref::Blob(bytes) => ("application/octet-stream", bytes.clone()),
            Ref::Str(text) => ("text/plain", Bytes::copy_from_slice(text.as_bytes())),
            Ref::Struct(inner) => (body_type(protocol), body(model, protocol, inner)),
            Ref::Null => ("", Bytes::new()),
            _ => return Err(model_differs()),
        },
        None if def.members.is_empty() => ("", Bytes::new()),
        None => (body_type(protocol), body(model, protocol, value)),
    };
    if !content_type.is_empty() {
        text(&mut frame, ":content-type", content_type);
    }
    frame.payload = payload;
    Ok(frame)
}

/// The answer's own members, which the RPC protocols send as the first event.
pub(crate) fn initial_response(model: &Model, protocol: Protocol, output: &dyn Shape) -> Frame {
    let mut frame = Frame::default();
    text(&mut frame, ":message-type", "event");
    text(&mut frame, ":event-type", "initial-response");
    text(&mut frame, ":content-type", body_type(protocol));
    frame.payload = body(model, protocol, output);
    frame
}

/// An error that the stream's union has no variant for: it ends the stream.
pub fn encode_event_error(error: &WireError) -> Frame {
    let mut frame = Frame::default();
    text(&mut frame, ":message-type", "error");
    text(&mut frame, ":error-code", &error.code);
    text(&mut frame, ":error-message", &error.message);
    frame
}

/// Reads a frame as an event of the union `into`. An error that the union does not have is the answer's error.
///
/// The first event of an RPC protocol is `initial-response`; `into` must then be the output itself.
pub fn decode_event(
    model: &Model,
    protocol: Protocol,
    frame: &Frame,
    into: &mut dyn Shape,
) -> Result<(), WireError> {
    let name = match frame.text(":message-type") {
        Some("event") => frame.text(":event-type"),
        Some("exception") => frame.text(":exception-type"),
        _ => {
            let code = frame.text(":error-code").unwrap_or("InternalError").to_owned();
            return Err(WireError::receiver(code, frame.text(":error-message").unwrap_or_default()));
        }
    };
    let name = name.ok_or_else(|| WireError::serialization("The event has no type"))?;
    if name == "initial-response" {
        return read_body(model, protocol, &frame.payload, into);
    }
    // An event of a newer model is passed over.
    let Some(variant) = model.structure(into.id()).find(name, 0) else { return Ok(()) };
    let Mut::Struct(value) = into.get_mut(variant) else { return Err(model_differs()) };
    let def = model.structure(value.id());
    match def.members.iter().position(|member| member.event_payload) {
        None => read_body(model, protocol, &frame.payload, value),
        Some(_) if frame.payload.is_empty() && frame.text(":content-type").is_none() => Ok(()),
        Some(i) => match value.get_mut(i) {
            Mut::Blob(place) => {
                *place = frame.payload.clone();
                Ok(())
            }
            Mut::Str(place) => {
                *place = String::from_utf8(frame.payload.to_vec())
                    .map_err(|_| WireError::serialization("The event is not valid UTF-8"))?;
                Ok(())
            }
            Mut::Struct(inner) => read_body(model, protocol, &frame.payload, inner),
            _ => Err(model_differs()),
        },
    }
}

fn read_body(model: &Model, protocol: Protocol, bytes: &[u8], into: &mut dyn Shape) -> Result<(), WireError> {
    let (mut seen, mut tracker) = (Seen::default(), Tracker::default());
    match protocol {
        Protocol::RpcV2Cbor => cbor::read::body(model, bytes, into, &mut seen, &mut tracker),
        Protocol::RestXml => {
            let mut decoder =
                xml::read::Decoder { model, protocol, xml: XmlReader::new(bytes)?, tracker: &mut tracker };
            match decoder.xml.root()? {
                Some(_) => decoder.members(into, &mut seen),
                None => Ok(()),
            }
        }
        _ => json::read::body(model, bytes, into, &mut seen, &mut tracker),
    }
}

fn body(model: &Model, protocol: Protocol, shape: &dyn Shape) -> Bytes {
    match protocol {
        Protocol::RpcV2Cbor => cbor::write::body(model, shape),
        Protocol::RestXml => {
            let mut out = XmlWriter::default();
            let name = model.shape(shape.id()).name;
            out.open(name, "");
            xml::write::members(&mut out, model, protocol, shape);
            out.close(name);
            out.out.into_bytes()
        }
        _ => json::write::body(model, shape),
    }
    .into()
}

fn body_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::RpcV2Cbor => "application/cbor",
        Protocol::RestXml => "text/xml",
        _ => "application/json",
    }
}

fn text(frame: &mut Frame, name: &str, value: &str) {
    frame.headers.push((name.to_owned(), HeaderValue::String(value.to_owned())));
}
