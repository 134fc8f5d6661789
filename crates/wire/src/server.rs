use bytes::Bytes;
use haneul_shape::{Mut, Ref, Shape};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::error::{SERIALIZATION, WireError};
use crate::message::{Payload, RequestParts, Response};
use crate::missing::{Missing, Seen, Tracker};
use crate::model::{Kind, Model, OperationDef};
use crate::protocol::Protocol;
use crate::rest::request::header_value;
use crate::validate::Family;
use crate::xml::reader::XmlReader;
use crate::xml::writer::{DECLARATION, SQS_DECLARATION, XmlWriter};
use crate::{cbor, event, form, json, rest, xml};

type Result<T> = std::result::Result<T, WireError>;

/// Reads a request into `input`, which is a default value of the operation's input type.
///
/// `body` is in memory unless [`OperationDef::input_stream`] says otherwise; its size was limited by the caller. What is
/// required and did not come is in the answer, for [`crate::validate`]. An error is the protocol's own for a request that
/// cannot be read, ready for [`crate::encode_error`].
pub fn decode_request(
    model: &Model,
    operation: &OperationDef,
    protocol: Protocol,
    parts: &RequestParts<'_>,
    body: Payload,
    input: &mut dyn Shape,
) -> Result<Missing> {
    let mut tracker = Tracker::default();
    decode(model, operation, protocol, parts, body, input, &mut tracker)
        .map_err(|error| in_words_of(protocol, model, error))?;
    Ok(tracker.finish())
}

fn decode(
    model: &Model,
    operation: &OperationDef,
    protocol: Protocol,
    parts: &RequestParts<'_>,
    body: Payload,
    input: &mut dyn Shape,
    tracker: &mut Tracker,
) -> Result<()> {
    let def = model.structure(input.id());
    let mut seen = Seen::default();
    match protocol {
        Protocol::AwsJson => json::read::body(model, body.bytes(), input, &mut seen, tracker)?,
        Protocol::RpcV2Cbor => cbor::read::body(model, body.bytes(), input, &mut seen, tracker)?,
        Protocol::AwsQuery | Protocol::Ec2Query => {
            return form::read::input(model, protocol, parts.query, body.bytes(), input, tracker);
        }
        Protocol::RestJson | Protocol::RestXml => {
            rest::request::read(model, parts, input, &mut seen, tracker)?;
            rest_body(model, operation, protocol, body, input, &mut seen, tracker)?;
        }
    }
    tracker.close(def, seen);
    Ok(())
}

/// The body of a REST message, in either direction: a payload member, or the members that stand nowhere else.
pub(crate) fn rest_body(
    model: &Model,
    operation: &OperationDef,
    protocol: Protocol,
    body: Payload,
    into: &mut dyn Shape,
    seen: &mut Seen,
    tracker: &mut Tracker,
) -> Result<()> {
    let def_id = into.id();
    let def = model.structure(def_id);
    let Some(payload) = def.payload.map(usize::from) else {
        return match protocol {
            Protocol::RestJson => json::read::body(model, body.bytes(), into, seen, tracker),
            _ => xml_body(model, operation, body.bytes(), into, seen, tracker),
        };
    };
    let target = &model.shape(def.members[payload].shape).kind;
    if let (true, Payload::Bytes(bytes)) = (!def.members[payload].streaming, &body) {
        // No body is no member; for text and bytes as well, since nothing tells an empty one apart.
        if bytes.is_empty() {
            return Ok(());
        }
    }
    seen.again(payload);
    tracker.enter(payload);
    match (into.get_mut(payload), body) {
        (Mut::Stream(place), body) => *place = body.into_stream(),
        // A client takes events from the body itself.
        (Mut::Events(_), _) => {}
        (Mut::Blob(place), Payload::Bytes(bytes)) => *place = bytes,
        (Mut::Str(place), Payload::Bytes(bytes)) => {
            *place = String::from_utf8(bytes.into())
                .map_err(|_| WireError::serialization("The body is not valid UTF-8"))?;
        }
        (Mut::Struct(place), body)
            if protocol == Protocol::RestXml && matches!(target, Kind::Structure(_)) =>
        {
            let xml = XmlReader::new(body.bytes())?;
            let mut decoder = xml::read::Decoder { model, protocol, xml, tracker };
            if let Some(root) = decoder.xml.root()? {
                // Read as an empty one, another document would take a configuration away.
                let is_request = operation.input == Some(def_id);
                if is_request && root.name() != def.members[payload].wire_name {
                    return Err(WireError::serialization("The document is of another kind"));
                }
                decoder.structure(&root, place)?;
                decoder.xml.end()?;
            }
        }
        (place, body) => {
            json::read::payload(model, body.bytes(), def.members[payload].shape, place, tracker)?;
        }
    }
    tracker.leave();
    Ok(())
}

fn xml_body(
    model: &Model,
    operation: &OperationDef,
    bytes: &[u8],
    into: &mut dyn Shape,
    seen: &mut Seen,
    tracker: &mut Tracker,
) -> Result<()> {
    let xml = XmlReader::new(bytes)?;
    let mut decoder = xml::read::Decoder { model, protocol: Protocol::RestXml, xml, tracker };
    let Some(_root) = decoder.xml.root()? else { return Ok(()) };
    if operation.bare_output && Some(into.id()) == operation.output {
        let text = decoder.xml.text()?;
        if let (Mut::Str(place), false) = (into.get_mut(0), text.is_empty()) {
            *place = text;
        }
        return Ok(decoder.xml.end()?);
    }
    decoder.members(into, seen)?;
    Ok(decoder.xml.end()?)
}

/// What cannot be read is a SerializationException to Coral, and something else to the older protocols.
fn in_words_of(protocol: Protocol, model: &Model, error: WireError) -> WireError {
    if error.code != SERIALIZATION {
        return error;
    }
    let (code, message) = match protocol {
        Protocol::AwsQuery => ("MalformedInput", error.message.clone()),
        Protocol::Ec2Query => ("InvalidParameterValue", error.message.clone()),
        Protocol::RestXml if error.message.starts_with("Invalid value") => {
            ("InvalidArgument", error.message.clone())
        }
        Protocol::RestXml => (
            "MalformedXML",
            String::from(
                "The XML you provided was not well-formed or did not validate against our published schema",
            ),
        ),
        Protocol::RestJson if model.service.name == "lambda" => {
            ("InvalidRequestContentException", error.message.clone())
        }
        _ => return error,
    };
    WireError { code: code.into(), message, ..error }
}

/// Writes the answer of a call that succeeded. A stream of bytes or events is taken out of `output`.
pub fn encode_response(
    model: &'static Model,
    operation: &OperationDef,
    protocol: Protocol,
    output: &mut dyn Shape,
    request_id: &str,
) -> Result<Response> {
    let mut response = http::Response::new(Payload::empty());
    let headers = response.headers_mut();
    let mut status = StatusCode::from_u16(operation.status).unwrap_or(StatusCode::OK);
    request_id_headers(protocol, headers, request_id);
    let body = match protocol {
        Protocol::AwsJson | Protocol::RpcV2Cbor if operation.output_stream.is_some() => {
            event::body::rpc(model, operation, protocol, output, headers)?
        }
        Protocol::AwsJson => {
            content_type(headers, json_type(model));
            let body = json::write::body(model, output);
            crc32(model, headers, &body);
            body.into()
        }
        Protocol::RpcV2Cbor => {
            content_type(headers, "application/cbor");
            cbor::write::body(model, output).into()
        }
        Protocol::AwsQuery | Protocol::Ec2Query => {
            content_type(headers, query_type(protocol));
            query_answer(model, operation, protocol, output, request_id).into()
        }
        Protocol::RestJson | Protocol::RestXml => {
            if let Some(code) = rest::response::write(model, output, headers)? {
                status = code;
            }
            rest_answer(model, operation, protocol, output, headers)?
        }
    };
    *response.status_mut() = status;
    *response.body_mut() = body;
    Ok(response)
}

/// As [`encode_response`] for the query protocol, for a client that wants JSON.
pub fn encode_query_response_as_json(
    model: &'static Model,
    operation: &OperationDef,
    output: &dyn Shape,
    request_id: &str,
) -> Response {
    let body = form::answer::json(model, operation, output, request_id);
    let mut response = http::Response::new(Payload::from(body));
    let headers = response.headers_mut();
    request_id_headers(Protocol::AwsQuery, headers, request_id);
    content_type(headers, "application/json");
    response
}

fn query_answer(
    model: &Model,
    operation: &OperationDef,
    protocol: Protocol,
    output: &dyn Shape,
    request_id: &str,
) -> Vec<u8> {
    let mut out = XmlWriter::default();
    let namespace = xml::write::namespace_attribute(&namespace(model, protocol));
    let root = format!("{}Response", operation.name);
    if protocol == Protocol::Ec2Query {
        out.out.push_str(DECLARATION);
        out.open(&root, &namespace);
        out.element("requestId", request_id);
        xml::write::members(&mut out, model, protocol, output);
    } else {
        if model.family == Family::Sqs {
            out.out.push_str(SQS_DECLARATION);
        }
        out.open(&root, &namespace);
        if operation.output.is_some() {
            let result = format!("{}Result", operation.name);
            out.open(&result, "");
            xml::write::members(&mut out, model, protocol, output);
            out.close(&result);
        }
        out.open("ResponseMetadata", "");
        out.element("RequestId", request_id);
        out.close("ResponseMetadata");
    }
    out.close(&root);
    out.out.into_bytes()
}

pub(crate) fn namespace(model: &Model, protocol: Protocol) -> String {
    let mut uri = String::from(model.metadata.xml_namespace.unwrap_or_default());
    // EC2's own answers have the slash that its model lacks.
    if protocol == Protocol::Ec2Query && !uri.ends_with('/') {
        uri.push('/');
    }
    uri
}

fn rest_answer(
    model: &'static Model,
    operation: &OperationDef,
    protocol: Protocol,
    output: &mut dyn Shape,
    headers: &mut HeaderMap,
) -> Result<Payload> {
    let def = model.structure(output.id());
    let kind = if protocol == Protocol::RestJson { "application/json" } else { "application/xml" };
    if let Some(stream) = operation.output_stream.map(usize::from) {
        return match output.get_mut(stream) {
            Mut::Stream(place) => {
                default_content_type(headers, "binary/octet-stream");
                Ok(Payload::Stream(std::mem::take(place)))
            }
            Mut::Events(events) => {
                content_type(headers, event::CONTENT_TYPE);
                Ok(Payload::Stream(event::body::stream(model, protocol, events.take(), None)))
            }
            _ => Err(json::read::model_differs()),
        };
    }
    if let Some(i) = def.payload.map(usize::from) {
        let member = &def.members[i];
        return Ok(match output.get(i) {
            Ref::Null => Payload::empty(),
            Ref::Blob(bytes) => {
                default_content_type(headers, "application/octet-stream");
                Payload::Bytes(bytes.clone())
            }
            Ref::Str(text) => {
                default_content_type(
                    headers,
                    if protocol == Protocol::RestJson { "text/plain" } else { "application/json" },
                );
                Payload::Bytes(Bytes::copy_from_slice(text.as_bytes()))
            }
            Ref::Struct(value) if protocol == Protocol::RestXml => {
                content_type(headers, kind);
                let mut out = XmlWriter { out: String::from(DECLARATION) };
                let uri =
                    member.xml_namespace().map_or_else(|| namespace(model, protocol), |n| n.uri.to_owned());
                xml::write::payload(&mut out, model, member.wire_name, &uri, value);
                out.out.into_bytes().into()
            }
            value => {
                content_type(headers, kind);
                let mut out = Vec::new();
                json::write::value(&mut out, model, member.shape, member.timestamp, value);
                out.into()
            }
        });
    }
    let has_body = def.members.iter().any(|m| m.location == crate::model::Location::Body);
    if protocol == Protocol::RestJson {
        // A JSON client of an operation without output reads no body; 204 must have none.
        if operation.output.is_none() || operation.status == 204 || !has_body && def.bound {
            return Ok(Payload::empty());
        }
        content_type(headers, kind);
        return Ok(json::write::body(model, output).into());
    }
    if !has_body {
        return Ok(Payload::empty());
    }
    content_type(headers, kind);
    let mut out = XmlWriter { out: String::from(DECLARATION) };
    let root = operation.output_root.or(def.xml_name).unwrap_or_else(|| model.shape(output.id()).name);
    out.open(root, &xml::write::namespace_attribute(&namespace(model, protocol)));
    match output.get(0) {
        Ref::Str(text) if operation.bare_output => xml::writer::escape(&mut out.out, text),
        _ if operation.bare_output => {}
        _ => xml::write::members(&mut out, model, protocol, output),
    }
    out.close(root);
    Ok(out.out.into_bytes().into())
}

pub(crate) fn request_id_headers(protocol: Protocol, headers: &mut HeaderMap, id: &str) {
    let Ok(value) = header_value("request id", id) else { return };
    match protocol {
        Protocol::RestXml => {
            headers.insert("x-amz-request-id", value.clone());
            headers.insert("x-amz-id-2", value);
        }
        _ => {
            headers.insert("x-amzn-requestid", value);
        }
    }
    if protocol == Protocol::RpcV2Cbor {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
}

/// As EC2 has it, and as all others do.
pub(crate) fn query_type(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Ec2Query { "text/xml;charset=UTF-8" } else { "text/xml" }
}

pub(crate) fn json_type(model: &Model) -> &'static str {
    if model.metadata.json_version == "1.0" {
        "application/x-amz-json-1.0"
    } else {
        "application/x-amz-json-1.1"
    }
}

pub(crate) fn content_type(headers: &mut HeaderMap, value: &'static str) {
    headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(value));
}

fn default_content_type(headers: &mut HeaderMap, value: &'static str) {
    headers.entry(http::header::CONTENT_TYPE).or_insert(HeaderValue::from_static(value));
}

/// DynamoDB's SDKs check the body against this header.
pub(crate) fn crc32(model: &Model, headers: &mut HeaderMap, body: &[u8]) {
    if model.family == Family::DynamoDb {
        headers.insert("x-amz-crc32", HeaderValue::from(crc32fast::hash(body)));
    }
}
