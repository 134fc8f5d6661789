use bytes::Bytes;
use haneul_wire::{Payload, Protocol, RequestParts, decode_request, model, route};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::dump::dump;
use crate::table::OPERATIONS;

/// Reads a request that botocore made, and gives the input that we understand.
pub fn understood(vector: &Value) -> Result<Value, String> {
    let text = |key: &str| vector[key].as_str().unwrap_or_default();
    let make = OPERATIONS
        .iter()
        .find(|make| make.service.name == text("service") && make.name == text("operation"))
        .ok_or("no such operation")?;
    let model = model(make.service);
    let mut operation = model.operation(make.name).ok_or("not in the model")?;
    let protocol = protocol(text("protocol"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in vector["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().map_err(|_| "a header's name")?;
        let value = HeaderValue::from_bytes(value.as_str().unwrap_or_default().as_bytes());
        headers.insert(name, value.map_err(|_| "a header's value")?);
    }
    let (path, query) = text("url").split_once('?').unwrap_or((text("url"), ""));
    let mut labels = Vec::new();
    if protocol.is_rest() {
        let found = route(model, text("method"), path, query, &headers).map_err(|error| error.to_string())?;
        let found = found.ok_or_else(|| format!("no route: {path}?{query}"))?;
        if found.operation.name != operation.name {
            return Err(format!("{path}?{query} is routed to {}", found.operation.name));
        }
        (operation, labels) = (found.operation, found.labels);
    }
    let body: Vec<u8> =
        vector["body"].as_array().into_iter().flatten().filter_map(Value::as_u64).map(|b| b as u8).collect();
    let parts = RequestParts { method: text("method"), path, query, headers: &headers, labels: &labels };
    let mut input = (make.input)();
    decode_request(model, operation, protocol, &parts, Payload::Bytes(Bytes::from(body)), &mut *input)
        .map_err(|error| error.to_string())?;
    Ok(dump(model, &*input))
}

/// By botocore's name.
pub fn protocol(name: &str) -> Result<Protocol, String> {
    Ok(match name {
        "json" => Protocol::AwsJson,
        "query" => Protocol::AwsQuery,
        "ec2" => Protocol::Ec2Query,
        "rest-json" => Protocol::RestJson,
        "rest-xml" => Protocol::RestXml,
        "smithy-rpc-v2-cbor" => Protocol::RpcV2Cbor,
        other => return Err(format!("no protocol {other}")),
    })
}

pub fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::AwsJson => "json",
        Protocol::AwsQuery => "query",
        Protocol::Ec2Query => "ec2",
        Protocol::RestJson => "rest-json",
        Protocol::RestXml => "rest-xml",
        Protocol::RpcV2Cbor => "smithy-rpc-v2-cbor",
    }
}
