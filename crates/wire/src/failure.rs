//! How a failure reads on the wire.

use haneul_shape::{Ref, Shape};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::error::{Fault, WireError};
use crate::form::write::scalar;
use crate::message::{Payload, Response};
use crate::model::{ErrorDef, Location, Model, OperationDef, ShapeDef};
use crate::protocol::{Protocol, TimestampFormat};
use crate::rest::request::{header_value, write_header};
use crate::server::{content_type, crc32, json_type, namespace, query_type, request_id_headers};
use crate::validate::Family;
use crate::xml::writer::{DECLARATION, SQS_DECLARATION, XmlWriter};
use crate::{cbor, json, xml};

/// Writes the answer of a call that failed. `operation` is known unless the failure came before it was.
///
/// The body of an answer to HEAD is for the front door to leave out; the status and headers are the same.
pub fn encode_error(
    model: &Model,
    operation: Option<&OperationDef>,
    protocol: Protocol,
    error: &WireError,
    request_id: &str,
) -> Response {
    let failure = Failure::new(model, operation, protocol, error);
    let mut response = http::Response::new(Payload::empty());
    *response.status_mut() = failure.status;
    let headers = response.headers_mut();
    request_id_headers(protocol, headers, request_id);
    failure.headers(headers);
    // RFC 9110: these have no body.
    if failure.status == StatusCode::NOT_MODIFIED || failure.status == StatusCode::NO_CONTENT {
        return response;
    }
    let body: Vec<u8> = match protocol {
        Protocol::AwsJson => {
            content_type(headers, json_type(model));
            let body = failure.json(true);
            crc32(model, headers, &body);
            body
        }
        Protocol::RestJson => {
            content_type(headers, "application/json");
            failure.json(false)
        }
        Protocol::RpcV2Cbor => {
            content_type(headers, "application/cbor");
            failure.cbor()
        }
        Protocol::AwsQuery | Protocol::Ec2Query => {
            content_type(headers, query_type(protocol));
            failure.query_xml(request_id).into_bytes()
        }
        Protocol::RestXml => {
            content_type(headers, "application/xml");
            failure.rest_xml(request_id).into_bytes()
        }
    };
    *response.body_mut() = body.into();
    response
}

/// As [`encode_error`] for the query protocol, for a client that wants JSON.
pub fn encode_query_error_as_json(
    model: &Model,
    operation: Option<&OperationDef>,
    error: &WireError,
    request_id: &str,
) -> Response {
    let failure = Failure::new(model, operation, Protocol::AwsQuery, error);
    let mut response = http::Response::new(Payload::from(failure.query_json(request_id)));
    *response.status_mut() = failure.status;
    let headers = response.headers_mut();
    request_id_headers(Protocol::AwsQuery, headers, request_id);
    failure.headers(headers);
    content_type(headers, "application/json");
    response
}

/// A sentence of SQS's, and how its query protocol has it still.
const NO_QUEUE: &str = "The specified queue does not exist.";
const NO_QUEUE_BY_QUERY: &str = "The specified queue does not exist for this wsdl version.";

struct Failure<'a> {
    model: &'a Model,
    protocol: Protocol,
    error: &'a WireError,
    shape: Option<&'a ShapeDef>,
    def: Option<&'a ErrorDef>,
    status: StatusCode,
}

impl<'a> Failure<'a> {
    fn new(
        model: &'a Model,
        operation: Option<&OperationDef>,
        protocol: Protocol,
        error: &'a WireError,
    ) -> Failure<'a> {
        // Two shapes may have one code; the operation's own comes first.
        let own = operation.and_then(|operation| {
            operation.errors.iter().map(|id| model.shape(*id)).find_map(|shape| {
                let def = shape.error()?;
                (shape.name == error.code || def.code == Some(&error.code)).then_some((shape, def))
            })
        });
        let found = own.or_else(|| model.error(&error.code));
        let (shape, def) = found.unzip();
        let by_fault = if error.fault == Fault::Sender { 400 } else { 500 };
        // SQS's statuses are those of its query protocol; under JSON every failure of the sender is 400.
        let of_model = match protocol {
            Protocol::AwsJson if model.family == Family::Sqs => None,
            _ => def.and_then(|def| def.status),
        };
        let status = error.status.or(of_model).unwrap_or(match def {
            Some(def) if def.fault => 500,
            _ => by_fault,
        });
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Failure { model, protocol, error, shape, def, status }
    }

    /// The code as the query protocol and XML have it.
    fn query_code(&self) -> &str {
        match (self.def.and_then(|def| def.code), self.shape) {
            (Some(code), _) => code,
            (None, Some(shape)) => shape.name,
            (None, None) => self.model.family.query_code(&self.error.code).unwrap_or(&self.error.code),
        }
    }

    fn shape_name(&self) -> &str {
        match self.shape {
            Some(shape) => shape.name,
            None => self.model.family.coral_name(&self.error.code).unwrap_or(&self.error.code),
        }
    }

    fn fault(&self) -> &'static str {
        if self.status.is_server_error() { "Receiver" } else { "Sender" }
    }

    fn headers(&self, headers: &mut HeaderMap) {
        headers.extend(self.error.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = header_value(name, &value) {
                headers.insert(name, value);
            }
        };
        if self.protocol == Protocol::RestJson {
            set("x-amzn-errortype", self.shape_name().to_owned());
        }
        if self.model.metadata.query_compatible
            && matches!(self.protocol, Protocol::AwsJson | Protocol::RpcV2Cbor)
        {
            set("x-amzn-query-error", format!("{};{}", self.query_code(), self.fault()));
        }
        if let (Some(detail), true) = (&self.error.detail, self.protocol.is_rest()) {
            let def = self.model.structure(detail.id());
            for (i, member) in def.members.iter().enumerate() {
                if member.location == Location::Header {
                    // A header that cannot be written is better left out than a failure of the failure.
                    let _ = write_header(self.model, def, i, detail.get(i), headers);
                }
            }
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.entry(http::header::ALLOW).or_insert(HeaderValue::from_static(""));
        }
    }

    /// The member that holds the message: `message` in most models, `Message` in some.
    fn message_name(&self) -> &'static str {
        let of_model = self.shape.and_then(|shape| {
            let (id, _) = self.model.shape_named(shape.name)?;
            let members = &self.model.structure(id).members;
            members.iter().find(|m| m.wire_name.eq_ignore_ascii_case("message")).map(|m| m.wire_name)
        });
        of_model.unwrap_or(match self.model.family {
            Family::DynamoDb if self.error.code == crate::error::SERIALIZATION => "Message",
            Family::Lambda => "Message",
            _ => "message",
        })
    }

    /// The other members: those of the typed error that are not absent, and the free fields.
    fn details(&self) -> impl Iterator<Item = (usize, &'a dyn Shape)> {
        let detail = self.error.detail.as_deref();
        let members = detail.map_or(0, |detail| self.model.structure(detail.id()).members.len());
        (0..members).filter_map(move |i| Some((i, detail?))).filter(|(i, detail)| {
            let member = &self.model.structure(detail.id()).members[*i];
            member.location == Location::Body
                && !member.wire_name.eq_ignore_ascii_case("message")
                && !matches!(detail.get(*i), Ref::Null)
        })
    }

    fn message(&self) -> &str {
        let of_detail = || {
            let detail = self.error.detail.as_deref()?;
            let members = &self.model.structure(detail.id()).members;
            let i = members.iter().position(|m| m.wire_name.eq_ignore_ascii_case("message"))?;
            match detail.get(i) {
                Ref::Str(text) => Some(text),
                _ => None,
            }
        };
        match self.error.message.as_str() {
            "" => of_detail().unwrap_or_default(),
            NO_QUEUE if self.protocol == Protocol::AwsQuery && self.model.family == Family::Sqs => {
                NO_QUEUE_BY_QUERY
            }
            message => message,
        }
    }

    fn type_name(&self) -> String {
        format!(
            "{}{}",
            self.model.family.error_namespace(self.shape.is_some(), &self.error.code),
            self.shape_name()
        )
    }

    fn json(&self, with_type: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.push(b'{');
        if with_type {
            out.extend_from_slice(b"\"__type\":");
            json::write::string(&mut out, &self.type_name());
            // An operation that is none has a type and nothing else.
            if self.message().is_empty() && self.shape.is_none() && self.error.fields.is_empty() {
                out.push(b'}');
                return out;
            }
            out.push(b',');
        }
        json::write::string(&mut out, self.message_name());
        out.push(b':');
        json::write::string(&mut out, self.message());
        for (i, detail) in self.details() {
            let member = &self.model.structure(detail.id()).members[i];
            out.push(b',');
            json::write::string(&mut out, member.wire_name);
            out.push(b':');
            json::write::value(&mut out, self.model, member.shape, member.timestamp, detail.get(i));
        }
        for (name, value) in &self.error.fields {
            out.push(b',');
            json::write::string(&mut out, name);
            out.push(b':');
            json::write::string(&mut out, value);
        }
        out.push(b'}');
        out
    }

    fn cbor(&self) -> Vec<u8> {
        let details: Vec<_> = self.details().collect();
        let fields = self.error.fields.iter().map(|(name, value)| (&**name, value.as_str()));
        cbor::write::error(
            self.model,
            [("__type", self.type_name().as_str()), (self.message_name(), self.message())]
                .into_iter()
                .chain(fields),
            &details,
        )
    }

    fn query_xml(&self, request_id: &str) -> String {
        let mut out = XmlWriter::default();
        if self.protocol == Protocol::Ec2Query {
            out.out.push_str(DECLARATION);
            out.out.push_str("<Response><Errors><Error>");
            out.element("Code", self.query_code());
            out.element("Message", self.message());
            out.out.push_str("</Error></Errors>");
            out.element("RequestID", request_id);
            out.out.push_str("</Response>");
            return out.out;
        }
        let namespace = xml::write::namespace_attribute(&namespace(self.model, self.protocol));
        let is_sqs = self.model.family == Family::Sqs;
        if is_sqs {
            out.out.push_str(SQS_DECLARATION);
        }
        out.open("ErrorResponse", &namespace);
        out.open("Error", "");
        out.element("Type", self.fault());
        out.element("Code", self.query_code());
        out.element("Message", self.message());
        self.xml_details(&mut out);
        if is_sqs {
            out.out.push_str("<Detail/>");
        }
        out.close("Error");
        out.element("RequestId", request_id);
        out.close("ErrorResponse");
        out.out
    }

    fn query_json(&self, request_id: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let mut pair = |before: &str, text: &str| {
            out.extend_from_slice(before.as_bytes());
            json::write::string(&mut out, text);
        };
        pair("{\"Error\":{\"Code\":", self.query_code());
        pair(",\"Message\":", self.message());
        pair(",\"Type\":", self.fault());
        pair("},\"RequestId\":", request_id);
        out.push(b'}');
        out
    }

    fn rest_xml(&self, request_id: &str) -> String {
        let mut out = XmlWriter { out: String::from(DECLARATION) };
        if self.model.family != Family::S3 {
            out.open(
                "ErrorResponse",
                &xml::write::namespace_attribute(&namespace(self.model, self.protocol)),
            );
        }
        out.open("Error", "");
        out.element("Code", self.query_code());
        out.element("Message", self.message());
        self.xml_details(&mut out);
        if self.model.family == Family::S3 {
            out.element("RequestId", request_id);
            out.element("HostId", request_id);
            out.close("Error");
        } else {
            out.close("Error");
            out.element("RequestId", request_id);
            out.close("ErrorResponse");
        }
        out.out
    }

    fn xml_details(&self, out: &mut XmlWriter) {
        for (i, detail) in self.details() {
            let member = &self.model.structure(detail.id()).members[i];
            if let Some(text) = scalar(detail.get(i), TimestampFormat::Iso8601) {
                out.element(member.wire_name, &text);
            }
        }
        for (name, value) in &self.error.fields {
            out.element(name, value);
        }
    }
}
