use haneul_shape::{ByteStream, Mut, Shape};
use haneul_wire::{
    Model, OperationDef, Payload, Protocol, RequestParts, decode_request, decode_response, encode_request,
    encode_response, route,
};

use crate::compare::{difference, stream_bytes};
use crate::fill::{Random, structure};
use crate::table::Operation;

/// Sends a random input from client to server. The error says what differs, or which side refused.
pub fn request(
    model: &'static Model,
    operation: &'static OperationDef,
    protocol: Protocol,
    make: &Operation,
    random: &mut Random,
) -> Result<(), String> {
    let (mut sent, mut got) = ((make.input)(), (make.input)());
    structure(model, random, &mut *sent, 0);
    let stream = operation.input_stream.and_then(|member| refilled(&mut *sent, member));
    let request =
        encode_request(model, operation, protocol, &mut *sent).map_err(|e| format!("not sent: {e}"))?;
    let (parts, body) = request.into_parts();
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let method = parts.method.as_str();
    let mut labels = Vec::new();
    if protocol.is_rest() {
        let found =
            route(model, method, path, query, &parts.headers).map_err(|e| format!("not routed: {e}"))?;
        let found = found.ok_or_else(|| format!("no route for {method} {path}?{query}"))?;
        if found.operation.name != operation.name {
            // The older of two operations with one form; the newer answers.
            return match found.operation.name.strip_suffix("Configuration") == Some(operation.name) {
                true => Ok(()),
                false => Err(format!("{method} {path}?{query} is routed to {}", found.operation.name)),
            };
        }
        labels = found.labels;
    }
    let request_parts = RequestParts { method, path, query, headers: &parts.headers, labels: &labels };
    let missing = decode_request(model, operation, protocol, &request_parts, body, &mut *got)
        .map_err(|e| format!("not read: {e}"))?;
    // What is required was sent, so nothing may be missing but what a cut recursion left out.
    if !missing.is_empty() && protocol == Protocol::AwsJson && model.service.name == "sqs" {
        return Err(format!("missing: {missing:?}"));
    }
    streams_agree(stream, operation.input_stream, &mut *got)?;
    difference(model, protocol, &*sent, &*got).map_or(Ok(()), |found| Err(format!("input{found}")))
}

/// Sends a random output from server to client.
pub fn response(
    model: &'static Model,
    operation: &'static OperationDef,
    protocol: Protocol,
    make: &Operation,
    random: &mut Random,
) -> Result<(), String> {
    let (mut sent, mut got) = ((make.output)(), (make.output)());
    structure(model, random, &mut *sent, 0);
    let stream = operation.output_stream.and_then(|member| refilled(&mut *sent, member));
    let response = encode_response(model, operation, protocol, &mut *sent, "request-id")
        .map_err(|e| format!("not answered: {e}"))?;
    let (parts, body) = response.into_parts();
    if operation.output_stream.is_some() && stream.is_none() {
        // Events have a test of their own.
        return Ok(());
    }
    let body = match body {
        Payload::Bytes(bytes) if bytes.is_empty() => Payload::empty(),
        body => body,
    };
    decode_response(model, operation, protocol, parts.status, &parts.headers, body, &mut *got)
        .map_err(|e| format!("answer not read: {e}"))?;
    streams_agree(stream, operation.output_stream, &mut *got)?;
    difference(model, protocol, &*sent, &*got).map_or(Ok(()), |found| Err(format!("output{found}")))
}

/// The bytes of a stream, which is then put back.
fn refilled(shape: &mut dyn Shape, member: u16) -> Option<Vec<u8>> {
    let bytes = stream_bytes(shape, member)?;
    let Mut::Stream(place) = shape.get_mut(usize::from(member)) else { return None };
    *place = ByteStream::from_bytes(bytes.clone());
    Some(bytes)
}

fn streams_agree(sent: Option<Vec<u8>>, member: Option<u16>, got: &mut dyn Shape) -> Result<(), String> {
    let (Some(sent), Some(member)) = (sent, member) else { return Ok(()) };
    match stream_bytes(got, member) {
        Some(got) if got == sent => Ok(()),
        got => Err(format!("the stream of {} bytes became {:?}", sent.len(), got.map(|got| got.len()))),
    }
}
