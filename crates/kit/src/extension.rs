use haneul_shape::ByteStream;
use http::{HeaderMap, Method, Uri};

use crate::{BoxFuture, Result};

/// The head of a request as it came over HTTP.
#[derive(Clone, Debug)]
pub struct RequestHead {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

impl RequestHead {
    /// The host and port that the client reached us by.
    pub fn host(&self) -> Option<&str> {
        match self.headers.get(http::header::HOST) {
            Some(host) => host.to_str().ok(),
            None => self.uri.authority().map(|authority| authority.as_str()),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What a service does with HTTP beside its model: S3's browser uploads by POST, preflights, websites.
pub trait Extension: Send + Sync + 'static {
    /// Answers a request that no operation of the model matches; `None` gives it back, with its body.
    fn unmodelled<'a>(
        &'a self,
        cx: &'a crate::Cx,
        body: ByteStream,
    ) -> BoxFuture<'a, std::result::Result<Result<http::Response<ByteStream>>, ByteStream>>;

    /// Adds to the head of every answer of the service, errors included, as CORS headers are.
    fn decorate<'a>(&'a self, cx: &'a crate::Cx, answer: &'a mut http::response::Parts) -> BoxFuture<'a, ()>;
}
