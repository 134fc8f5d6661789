use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use haneul_base::{Instant, Region};
use haneul_kit::session_token::Credentials;
use haneul_shape::Operation;
use haneul_sigv4::{SignPayload, Signer, Timestamp};
use haneul_wire::{Model, OperationDef, Payload, Protocol};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use crate::Transport;

/// Somebody with an access key, in a Region. Cheap to clone and change.
#[derive(Clone)]
pub struct Client {
    pub transport: Arc<dyn Transport>,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: Option<String>,
    pub region: Region,
    /// The protocol to speak; the service's first by default.
    pub protocol: Option<Protocol>,
    /// Without a signature, as a browser comes.
    pub anonymous: bool,
}

/// An answer that was an error.
#[derive(Debug)]
pub struct Failure {
    pub status: StatusCode,
    pub code: String,
    pub message: String,
    pub headers: HeaderMap,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.code, self.message)
    }
}

impl std::error::Error for Failure {}

impl Client {
    pub fn with_key(&self, access_key_id: &str, secret_access_key: &str) -> Client {
        Client {
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
            ..self.clone()
        }
    }

    pub fn with_credentials(&self, credentials: &Credentials) -> Client {
        Client {
            session_token: Some(credentials.session_token.clone()),
            ..self.with_key(&credentials.access_key_id, &credentials.secret_access_key)
        }
    }

    pub fn in_region(&self, region: Region) -> Client {
        Client { region, ..self.clone() }
    }

    pub fn speaking(&self, protocol: Protocol) -> Client {
        Client { protocol: Some(protocol), ..self.clone() }
    }

    pub fn anonymous(&self) -> Client {
        Client { anonymous: true, ..self.clone() }
    }

    /// Makes one call and reads its answer.
    #[allow(clippy::result_large_err)] // tests read it, nobody passes it far
    pub async fn call<O: Operation>(&self, mut input: O::Input) -> Result<O::Output, Failure> {
        let model = haneul_wire::model(O::SERVICE);
        let operation = model.operation(O::NAME).expect("the model has its own operations");
        let protocol = self.protocol.unwrap_or(model.metadata.protocols[0]);
        let request = haneul_wire::encode_request(model, operation, protocol, &mut input)
            .unwrap_or_else(|error| panic!("{} cannot be encoded: {error:?}", O::NAME));
        let request = self.prepare(model, operation, request).await;
        let response = self.transport.send(request).await;
        let mut output = O::Output::default();
        read(model, operation, protocol, response, &mut output)?;
        Ok(output)
    }

    /// Sends a request as it stands, after signing it for `service` (SigV4's name of it).
    pub async fn send(&self, service: &str, request: Request<Bytes>) -> Response<Bytes> {
        let request = self.sign(service, request);
        self.transport.send(request).await
    }

    async fn prepare(
        &self,
        model: &Model,
        operation: &OperationDef,
        request: Request<Payload>,
    ) -> Request<Bytes> {
        let (mut parts, body) = request.into_parts();
        let body = match body {
            Payload::Bytes(bytes) => bytes,
            Payload::Stream(stream) => {
                stream.collect(usize::MAX).await.expect("a test's own body has no errors").into()
            }
        };
        // As every SDK does.
        if operation.checksum_required {
            let md5 = BASE64.encode(haneul_md5::md5(&body));
            let md5 = HeaderValue::try_from(md5).expect("base64 is a header's text");
            parts.headers.entry("content-md5").or_insert(md5);
        }
        self.sign(model.metadata.signing_name, Request::from_parts(parts, body))
    }

    fn sign(&self, service: &str, request: Request<Bytes>) -> Request<Bytes> {
        let (mut parts, body) = request.into_parts();
        let length = HeaderValue::from(body.len());
        parts.headers.insert(http::header::CONTENT_LENGTH, length);
        parts.headers.entry(http::header::HOST).or_insert_with(|| self.transport.host());
        if !self.anonymous {
            let now = Timestamp::from_unix_s(self.transport.now().secs());
            let credentials = haneul_sigv4::Credentials {
                access_key_id: &self.access_key_id,
                secret_access_key: &self.secret_access_key,
                session_token: self.session_token.as_deref(),
            };
            Signer::new(credentials, self.region.as_str(), service, now)
                .sign(&mut parts, SignPayload::Bytes(&body))
                .expect("a test's own request can be signed");
        }
        Request::from_parts(parts, body)
    }

    /// The time by which requests are signed.
    pub fn now(&self) -> Instant {
        self.transport.now()
    }
}

#[allow(clippy::result_large_err)] // tests read it, nobody passes it far
fn read(
    model: &'static Model,
    operation: &OperationDef,
    protocol: Protocol,
    response: Response<Bytes>,
    output: &mut dyn haneul_shape::Shape,
) -> Result<(), Failure> {
    let (parts, body) = response.into_parts();
    if !parts.status.is_success() {
        let error = haneul_wire::decode_error(protocol, parts.status, &parts.headers, &body);
        let failure = Failure {
            status: parts.status,
            code: error.code.to_string(),
            message: error.message.clone(),
            headers: parts.headers,
        };
        return Err(failure);
    }
    let payload = match operation.output_stream {
        Some(_) => Payload::Stream(haneul_shape::ByteStream::from_bytes(body)),
        None => Payload::Bytes(body),
    };
    haneul_wire::decode_response(model, operation, protocol, parts.status, &parts.headers, payload, output)
        .map_err(|error| Failure {
            status: parts.status,
            code: error.code.to_string(),
            message: format!("the answer cannot be read: {}", error.message),
            headers: parts.headers.clone(),
        })
}
