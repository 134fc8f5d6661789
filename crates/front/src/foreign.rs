use std::fmt::Write;

use haneul_kit::ApiError;
use haneul_wire::{Payload, Protocol};
use http::{HeaderValue, Response, StatusCode, header};

/// An error in the protocol that the client speaks, for a service of which we have no model.
pub(crate) fn error(protocol: Protocol, error: &ApiError, request_id: &str) -> Response<Payload> {
    let (content_type, body) = match protocol {
        Protocol::AwsJson => ("application/x-amz-json-1.1", json(error, true)),
        Protocol::RestJson => ("application/json", json(error, false)),
        Protocol::RpcV2Cbor => ("application/cbor", cbor(error)),
        Protocol::AwsQuery => ("text/xml", query(error, request_id)),
        Protocol::Ec2Query => ("text/xml;charset=UTF-8", query(error, request_id)),
        Protocol::RestXml => ("application/xml", rest_xml(error, request_id)),
    };
    let mut answer = Response::new(Payload::from(body));
    *answer.status_mut() = error
        .status()
        .and_then(|status| StatusCode::from_u16(status).ok())
        .unwrap_or(StatusCode::BAD_REQUEST);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let (Protocol::RestJson, Ok(code)) = (protocol, HeaderValue::from_str(error.code())) {
        headers.insert("x-amzn-errortype", code);
    }
    if protocol == Protocol::RpcV2Cbor {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    answer
}

fn json(error: &ApiError, with_type: bool) -> Vec<u8> {
    let mut body = serde_json::Map::new();
    if with_type {
        body.insert("__type".into(), error.code().into());
    }
    body.insert("message".into(), error.message().into());
    serde_json::Value::Object(body).to_string().into_bytes()
}

fn query(error: &ApiError, request_id: &str) -> Vec<u8> {
    let fault = if error.status().is_some_and(|status| status >= 500) { "Receiver" } else { "Sender" };
    let mut out = String::from("<ErrorResponse><Error><Type>");
    out.push_str(fault);
    out.push_str("</Type>");
    element(&mut out, "Code", error.code());
    element(&mut out, "Message", error.message());
    out.push_str("</Error>");
    element(&mut out, "RequestId", request_id);
    out.push_str("</ErrorResponse>");
    out.into_bytes()
}

fn rest_xml(error: &ApiError, request_id: &str) -> Vec<u8> {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    element(&mut out, "Code", error.code());
    element(&mut out, "Message", error.message());
    element(&mut out, "RequestId", request_id);
    out.push_str("</Error>");
    out.into_bytes()
}

fn element(out: &mut String, name: &str, text: &str) {
    let _ = write!(out, "<{name}>");
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // What XML 1.0 cannot hold.
            c if c < ' ' && !matches!(c, '\t' | '\n' | '\r') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    let _ = write!(out, "</{name}>");
}

/// A map of two texts (RFC 8949: major type 5, then type 3 four times).
fn cbor(error: &ApiError) -> Vec<u8> {
    let mut out = vec![0xa2];
    for text in ["__type", error.code(), "message", error.message()] {
        match text.len() {
            length @ 0..24 => out.push(0x60 | length as u8),
            length @ 24..256 => out.extend_from_slice(&[0x78, length as u8]),
            length => {
                out.push(0x7a);
                out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
            }
        }
        out.extend_from_slice(text.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol() {
        let failure = ApiError::not_implemented("glue", "Get<Tables>");
        let read = |protocol| match error(protocol, &failure, "id").into_body() {
            Payload::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Payload::Stream(_) => unreachable!(),
        };
        expect_test::expect![[
            r#"{"__type":"NotImplemented","message":"glue: Get<Tables> is not implemented by Haneul."}"#
        ]]
        .assert_eq(&read(Protocol::AwsJson));
        expect_test::expect!["<ErrorResponse><Error><Type>Receiver</Type><Code>NotImplemented</Code><Message>glue: Get&lt;Tables&gt; is not implemented by Haneul.</Message></Error><RequestId>id</RequestId></ErrorResponse>"]
            .assert_eq(&read(Protocol::AwsQuery));
        assert!(read(Protocol::RpcV2Cbor).contains("NotImplemented"));
        assert_eq!(error(Protocol::RestXml, &failure, "id").status(), 501);
    }
}
