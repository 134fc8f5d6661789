//! The client's side of each protocol, for our own tests and for calls to other clouds.

use haneul_shape::{Mut, Ref, Shape};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::error::{Fault, WireError};
use crate::json::lexer::{Lexer, Token};
use crate::json::read::model_differs;
use crate::message::{Payload, Request};
use crate::missing::{Seen, Tracker};
use crate::model::{Location, Model, OperationDef};
use crate::protocol::Protocol;
use crate::server::{content_type, json_type, rest_body};
use crate::xml::reader::XmlReader;
use crate::xml::writer::XmlWriter;
use crate::{cbor, form, json, rest, xml};

type Result<T> = std::result::Result<T, WireError>;

/// Writes a call as a request with a path but no host. A stream is taken out of `input`.
pub fn encode_request(
    model: &Model,
    operation: &OperationDef,
    protocol: Protocol,
    input: &mut dyn Shape,
) -> Result<Request> {
    let mut request = http::Request::new(Payload::empty());
    let headers = request.headers_mut();
    let (mut method, mut uri) = ("POST", String::from("/"));
    let body = match protocol {
        Protocol::AwsJson => {
            content_type(headers, json_type(model));
            let target = format!("{}.{}", model.metadata.target_prefix.unwrap_or_default(), operation.name);
            headers.insert("x-amz-target", HeaderValue::from_str(&target).map_err(|_| model_differs())?);
            json::write::body(model, input).into()
        }
        Protocol::RpcV2Cbor => {
            let target = model.metadata.target_prefix.unwrap_or(model.metadata.service_id);
            uri = format!("/service/{target}/operation/{}", operation.name);
            headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
            headers.insert(http::header::ACCEPT, HeaderValue::from_static("application/cbor"));
            if operation.input.is_none() {
                Payload::empty()
            } else {
                content_type(headers, "application/cbor");
                cbor::write::body(model, input).into()
            }
        }
        Protocol::AwsQuery | Protocol::Ec2Query => {
            content_type(headers, "application/x-www-form-urlencoded; charset=utf-8");
            form::write::input(model, protocol, operation.name, input).into_bytes().into()
        }
        Protocol::RestJson | Protocol::RestXml => {
            method = operation.method;
            uri = rest::request::write(model, operation, input, headers)?;
            rest_request_body(model, operation, protocol, input, headers)?
        }
    };
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| model_differs())?;
    *request.uri_mut() =
        uri.parse().map_err(|_| WireError::sender("ParamValidation", "the path is not valid"))?;
    *request.body_mut() = body;
    Ok(request)
}

fn rest_request_body(
    model: &Model,
    operation: &OperationDef,
    protocol: Protocol,
    input: &mut dyn Shape,
    headers: &mut HeaderMap,
) -> Result<Payload> {
    let def = model.structure(input.id());
    if let Some(i) = def.payload.map(usize::from) {
        let member = &def.members[i];
        if let Some(stream) = operation.input_stream {
            return match input.get_mut(usize::from(stream)) {
                Mut::Stream(place) => Ok(Payload::Stream(std::mem::take(place))),
                _ => Err(model_differs()),
            };
        }
        return Ok(match input.get(i) {
            Ref::Null => Payload::empty(),
            Ref::Blob(bytes) => Payload::Bytes(bytes.clone()),
            Ref::Str(text) => text.as_bytes().to_vec().into(),
            Ref::Struct(value) if protocol == Protocol::RestXml => {
                let mut out = XmlWriter::default();
                let uri = member.xml_namespace().map_or("", |namespace| namespace.uri);
                xml::write::payload(&mut out, model, member.wire_name, uri, value);
                out.out.into_bytes().into()
            }
            value => {
                let mut out = Vec::new();
                content_type(headers, "application/json");
                json::write::value(&mut out, model, member.shape, member.timestamp, value);
                out.into()
            }
        });
    }
    if !def.members.iter().any(|member| member.location == Location::Body) {
        return Ok(Payload::empty());
    }
    if protocol == Protocol::RestJson {
        content_type(headers, "application/json");
        return Ok(json::write::body(model, input).into());
    }
    let mut out = XmlWriter::default();
    let root = operation.input_name.unwrap_or_else(|| model.shape(input.id()).name);
    let uri = operation.input_namespace.map_or("", |namespace| namespace.uri);
    out.open(root, &xml::write::namespace_attribute(uri));
    xml::write::members(&mut out, model, protocol, input);
    out.close(root);
    Ok(out.out.into_bytes().into())
}

/// Reads the answer of a call that succeeded. A body that streams goes to its member; of events, decode the body's
/// frames with [`crate::Frame::decode`] and [`crate::decode_event`].
pub fn decode_response(
    model: &Model,
    operation: &OperationDef,
    protocol: Protocol,
    status: StatusCode,
    headers: &HeaderMap,
    body: Payload,
    output: &mut dyn Shape,
) -> Result<()> {
    let (mut seen, mut tracker) = (Seen::default(), Tracker::default());
    match protocol {
        Protocol::AwsJson => json::read::body(model, body.bytes(), output, &mut seen, &mut tracker),
        Protocol::RpcV2Cbor => cbor::read::body(model, body.bytes(), output, &mut seen, &mut tracker),
        Protocol::AwsQuery | Protocol::Ec2Query => {
            query_answer(model, operation, protocol, body.bytes(), output)
        }
        Protocol::RestJson | Protocol::RestXml => {
            rest::response::read(model, status, headers, output)?;
            rest_body(model, operation, protocol, body, output, &mut seen, &mut tracker)
        }
    }
}

fn query_answer(
    model: &Model,
    operation: &OperationDef,
    protocol: Protocol,
    bytes: &[u8],
    output: &mut dyn Shape,
) -> Result<()> {
    let (mut seen, mut tracker) = (Seen::default(), Tracker::default());
    let mut decoder =
        xml::read::Decoder { model, protocol, xml: XmlReader::new(bytes)?, tracker: &mut tracker };
    if decoder.xml.root()?.is_none() {
        return Ok(());
    }
    if protocol == Protocol::Ec2Query {
        return decoder.members(output, &mut seen);
    }
    let result = format!("{}Result", operation.name);
    while let Some(element) = decoder.xml.child()? {
        if element.name() == result {
            decoder.members(output, &mut seen)?;
        } else {
            decoder.xml.skip()?;
        }
    }
    Ok(())
}

/// Reads the answer of a call that failed, without its typed members.
pub fn decode_error(protocol: Protocol, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> WireError {
    let mut error = match status.is_server_error() {
        true => WireError::receiver(status.as_str().to_owned(), ""),
        false => WireError::sender(status.as_str().to_owned(), ""),
    };
    error.status = Some(status.as_u16());
    // A body that is not the protocol's leaves the status to speak.
    let _ = match protocol {
        Protocol::AwsJson | Protocol::RestJson => json_error(body, &mut error),
        Protocol::RpcV2Cbor => cbor_error(body, &mut error),
        _ => xml_error(body, &mut error),
    };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(name) = text("x-amzn-errortype") {
        error.code = shape_name(name).to_owned().into();
    }
    if let Some(code) = text("x-amzn-query-error").and_then(|value| value.split(';').next()) {
        error.code = code.to_owned().into();
    }
    error.fault = if status.is_server_error() { Fault::Receiver } else { Fault::Sender };
    error
}

/// `com.amazonaws.sqs#QueueDoesNotExist:http://…` → `QueueDoesNotExist`
fn shape_name(text: &str) -> &str {
    let text = text.split(':').next().unwrap_or(text);
    text.rsplit('#').next().unwrap_or(text)
}

fn field(error: &mut WireError, name: &str, value: String) {
    match name {
        "__type" | "Code" => error.code = shape_name(&value).to_owned().into(),
        "code" if error.code.starts_with(|c: char| c.is_ascii_digit()) => {
            error.code = shape_name(&value).to_owned().into();
        }
        "message" | "Message" => error.message = value,
        _ => error.fields.push((name.to_owned().into(), value)),
    }
}

fn json_error(body: &[u8], error: &mut WireError) -> Result<()> {
    let mut lexer = Lexer::new(body)?;
    if lexer.value()? != Token::Object {
        return Ok(());
    }
    let mut first = true;
    while let Some(key) = lexer.key(&mut first)? {
        match lexer.value()? {
            Token::String(value) => field(error, &key, value.into_owned()),
            Token::Number(value) => field(error, &key, value.to_owned()),
            token => lexer.skip_rest(&token)?,
        }
    }
    Ok(())
}

fn cbor_error(body: &[u8], error: &mut WireError) -> Result<()> {
    use minicbor::data::Type;
    let mut cbor = minicbor::Decoder::new(body);
    let len = cbor.map()?.unwrap_or(u64::MAX);
    for _ in 0..len {
        if cbor.datatype()? == Type::Break {
            break;
        }
        let key = cbor.str()?;
        match cbor.datatype()? {
            Type::String => field(error, key, cbor.str()?.to_owned()),
            _ => cbor.skip()?,
        }
    }
    Ok(())
}

/// `Error` may be the root, or within `ErrorResponse` or `Response/Errors`.
fn xml_error(body: &[u8], error: &mut WireError) -> Result<()> {
    let mut xml = XmlReader::new(body)?;
    let Some(root) = xml.root()? else { return Ok(()) };
    let mut inside = root.name() == "Error";
    while !inside {
        match xml.child()? {
            Some(element) if element.name() == "Errors" => {}
            Some(element) if element.name() == "Error" => inside = true,
            Some(_) => xml.skip()?,
            None => return Ok(()),
        }
    }
    while let Some(element) = xml.child()? {
        let name = element.name().to_owned();
        field(error, &name, xml.text()?);
    }
    Ok(())
}
