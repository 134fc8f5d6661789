//! What the targets for the codecs share: a request is read as an operation's input, and what was read must survive
//! being written and read again.
//!
//! A target names the operations that it knows with [`operations!`]. An input is a first line, which says what is
//! called, and the rest of the request: see [`rpc`] and [`rest`].

use bytes::Bytes;
use haneul_shape::{ByteStream, Operation, ServiceModel, Shape};
use haneul_wire::{
    Label, Model, OperationDef, Payload, Protocol, Request, RequestParts, model, route, validate,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// An operation, as far as its input goes.
pub struct Op {
    pub service: &'static ServiceModel,
    pub name: &'static str,
    pub input: fn() -> Box<dyn Shape>,
}

impl Op {
    pub fn of<O: Operation>() -> Op {
        Op { service: O::SERVICE, name: O::NAME, input: || Box::new(O::Input::default()) }
    }
}

#[macro_export]
macro_rules! operations {
    ($($operation:path),* $(,)?) => { [$($crate::Op::of::<$operation>()),*] };
}

/// A call of an RPC protocol: the operation's name on the first line, then the body.
pub fn rpc(protocol: Protocol, operations: &[Op], input: &[u8]) {
    let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return };
    let Some(op) = operations.iter().find(|op| op.name.as_bytes() == &input[..end]) else { return };
    let headers = HeaderMap::new();
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers, labels: &[] };
    let model = model(op.service);
    let operation = model.operation(op.name).expect("the model has it");
    if let Some(read) = read(model, operation, protocol, &parts, &input[end + 1..], op) {
        let written = write(model, operation, protocol, read).expect("what was read can be written");
        again(model, operation, protocol, op, written, 0);
    }
}

/// A call of a REST protocol: `METHOD /path?query`, headers, an empty line, the body.
pub fn rest(protocol: Protocol, operations: &[Op], input: &[u8]) {
    let Some(first) = operations.first() else { return };
    let end = input.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((input, &[][..]), |at| (&input[..at], &input[at + 2..]));
    let mut lines = head.split(|&byte| byte == b'\n');
    let Some(Ok(line)) = lines.next().map(std::str::from_utf8) else { return };
    let Some((method, target)) = line.split_once(' ') else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = headers(lines);
    let model = model(first.service);
    let Ok(Some(found)) = route(model, method, path, query, &headers) else { return };
    let Some(op) = operations.iter().find(|op| op.name == found.operation.name) else { return };
    let parts = RequestParts { method, path, query, headers: &headers, labels: &found.labels };
    let Some(read) = read(model, found.operation, protocol, &parts, body, op) else { return };
    // An empty label cannot be written; that what was read is written as a valid request is all that is asked.
    if let Ok(written) = write(model, found.operation, protocol, read) {
        again(model, found.operation, protocol, op, written, 0);
    }
}

fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.take(64) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) {
            headers.append(name, value);
        }
    }
    headers
}

fn read(
    model: &'static Model,
    operation: &OperationDef,
    protocol: Protocol,
    parts: &RequestParts<'_>,
    body: &[u8],
    op: &Op,
) -> Option<Box<dyn Shape>> {
    let body = Bytes::copy_from_slice(body);
    let payload = match operation.input_stream {
        Some(_) => Payload::Stream(ByteStream::from_bytes(body)),
        None => Payload::Bytes(body),
    };
    let mut input = (op.input)();
    match haneul_wire::decode_request(model, operation, protocol, parts, payload, &mut *input) {
        Ok(missing) => {
            if let Err(error) = validate(model, protocol, &*input, &missing) {
                answer(model, operation, protocol, &error);
            }
            Some(input)
        }
        Err(error) => {
            answer(model, operation, protocol, &error);
            None
        }
    }
}

fn answer(
    model: &'static Model,
    operation: &OperationDef,
    protocol: Protocol,
    error: &haneul_wire::WireError,
) {
    let answer = haneul_wire::encode_error(model, Some(operation), protocol, error, "REQUEST");
    assert!(answer.status().is_client_error() || answer.status().is_server_error());
}

fn write(
    model: &'static Model,
    operation: &OperationDef,
    protocol: Protocol,
    mut input: Box<dyn Shape>,
) -> Result<Request, haneul_wire::WireError> {
    haneul_wire::encode_request(model, operation, protocol, &mut *input)
}

/// Structures of our models within one another, and lists.
const ROUNDS_MAX: u32 = 16;

/// Reads what was written, and writes it again: the same must come out.
fn again(
    model: &'static Model,
    operation: &OperationDef,
    protocol: Protocol,
    op: &Op,
    first: Request,
    rounds: u32,
) {
    let (head, body) = first.into_parts();
    let bytes = match body {
        Payload::Bytes(bytes) => bytes,
        // It passes through untouched, so there is nothing to see.
        Payload::Stream(_) => Bytes::new(),
    };
    let (method, path, query) = (head.method.as_str(), head.uri.path(), head.uri.query().unwrap_or_default());
    let mut labels: Vec<Label> = Vec::new();
    if protocol.is_rest() {
        let found = route(model, method, path, query, &head.headers);
        match found {
            Ok(Some(found)) if found.operation.name == operation.name => labels = found.labels,
            // Without a parameter that the model requires it is another operation's.
            _ => return,
        }
    }
    let parts = RequestParts { method, path, query, headers: &head.headers, labels: &labels };
    let second = read(model, operation, protocol, &parts, &bytes, op)
        .unwrap_or_else(|| panic!("{} was written as {bytes:?}, which cannot be read", operation.name));
    let second = write(model, operation, protocol, second).expect("what was read can be written");
    assert_eq!((&head.uri, &head.headers), (second.uri(), second.headers()), "{}", operation.name);
    let Payload::Bytes(second_bytes) = second.body() else { return };
    // Query parameters cannot say that a structure is there and empty: each round may drop one, and the last ones settle.
    let may_shrink = matches!(protocol, Protocol::AwsQuery | Protocol::Ec2Query);
    if may_shrink && second_bytes != &bytes {
        assert!(second_bytes.len() <= bytes.len(), "{bytes:?} became {second_bytes:?}");
        assert!(rounds < ROUNDS_MAX, "{second_bytes:?} does not settle");
        return again(model, operation, protocol, op, second, rounds + 1);
    }
    assert_eq!(&bytes, second_bytes, "{}", operation.name);
}
