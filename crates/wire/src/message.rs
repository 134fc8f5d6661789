use bytes::Bytes;
use haneul_shape::ByteStream;
use http::HeaderMap;

use crate::error::WireError;

/// What a request says outside its body, as it came: nothing is decoded.
#[derive(Clone, Copy)]
pub struct RequestParts<'a> {
    pub method: &'a str,
    /// Still percent-encoded.
    pub path: &'a str,
    /// Still percent-encoded, without the question mark.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// The labels of the path, decoded, as [`crate::Route`] found them; empty for the RPC protocols.
    pub labels: &'a [Label],
}

/// A label of a REST path: the member of the input that it fills, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub member: usize,
    pub value: String,
}

/// The body of a message: in memory, or (where the model says that a member streams) still on its way.
pub enum Payload {
    Bytes(Bytes),
    Stream(ByteStream),
}

pub type Response = http::Response<Payload>;
pub type Request = http::Request<Payload>;

impl Payload {
    pub fn empty() -> Payload {
        Payload::Bytes(Bytes::new())
    }

    /// The bytes in memory; those of a stream are for the member that streams, so there are none.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Payload::Bytes(bytes) => bytes,
            Payload::Stream(_) => &[],
        }
    }

    pub fn into_stream(self) -> ByteStream {
        match self {
            Payload::Bytes(bytes) => ByteStream::from_bytes(bytes),
            Payload::Stream(stream) => stream,
        }
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Payload {
        Payload::Bytes(bytes.into())
    }
}

/// One header as text. A value that is not UTF-8 is an error, not an absent header.
pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, WireError> {
    match headers.get(name) {
        None => Ok(None),
        Some(value) => std::str::from_utf8(value.as_bytes())
            .map(Some)
            .map_err(|_| WireError::serialization(format!("The header {name} is not valid UTF-8"))),
    }
}
