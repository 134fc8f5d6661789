use bytes::Bytes;
use haneul_shape::{Operation, Shape};
use haneul_wire::{Missing, Payload, Protocol, RequestParts, Response, WireError, model};
use http::HeaderMap;

/// Reads a request of an RPC protocol.
pub(crate) fn decode<O: Operation>(
    protocol: Protocol,
    body: &[u8],
) -> Result<(O::Input, Missing), WireError> {
    let model = model(O::SERVICE);
    let operation = model.operation(O::NAME).unwrap();
    let headers = HeaderMap::new();
    let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers, labels: &[] };
    let mut input = O::Input::default();
    let body = Payload::Bytes(Bytes::copy_from_slice(body));
    let missing = haneul_wire::decode_request(model, operation, protocol, &parts, body, &mut input)?;
    Ok((input, missing))
}

/// Reads and validates a request of an RPC protocol.
pub(crate) fn accept<O: Operation>(protocol: Protocol, body: &[u8]) -> Result<O::Input, WireError> {
    let (input, missing) = decode::<O>(protocol, body)?;
    haneul_wire::validate(model(O::SERVICE), protocol, &input, &missing)?;
    Ok(input)
}

/// Reads and validates a request of a REST protocol: `target` is its path with its query string.
pub(crate) fn accept_rest<O: Operation>(
    method: &str,
    target: &str,
    headers: &[(&'static str, &str)],
    body: &[u8],
) -> Result<O::Input, WireError> {
    let model = model(O::SERVICE);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
        .collect();
    let route = haneul_wire::route(model, method, path, query, &headers)?.expect("a route");
    assert_eq!(route.operation.name, O::NAME);
    let parts = RequestParts { method, path, query, headers: &headers, labels: &route.labels };
    let mut input = O::Input::default();
    let body = Payload::Bytes(Bytes::copy_from_slice(body));
    let protocol = model.metadata.protocols[0];
    let missing = haneul_wire::decode_request(model, route.operation, protocol, &parts, body, &mut input)?;
    haneul_wire::validate(model, protocol, &input, &missing)?;
    Ok(input)
}

pub(crate) fn answer<O: Operation>(protocol: Protocol, mut output: O::Output) -> Response {
    let model = model(O::SERVICE);
    let operation = model.operation(O::NAME).unwrap();
    haneul_wire::encode_response(model, operation, protocol, &mut output as &mut dyn Shape, "REQ").unwrap()
}

/// Status, headers in order of their names, and body: for comparison with expected text.
pub(crate) fn text(response: Response) -> String {
    let (parts, body) = response.into_parts();
    let mut out = format!("{}\n", parts.status.as_u16());
    let mut headers: Vec<_> = parts.headers.iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        out.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    if let Payload::Bytes(bytes) = body {
        out.push_str(&String::from_utf8_lossy(&bytes));
    }
    out
}
