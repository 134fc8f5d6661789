use std::sync::{Arc, OnceLock};

use haneul_shape::ByteStream;
use http::{HeaderMap, Method, Uri};

use crate::{BoxFuture, Result};

/// The head of a request as it came over HTTP.
#[derive(Clone, Debug)]
pub struct RequestHead {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub trailers: Trailers,
    /// The bucket that the host names, for a virtual-hosted-style request to S3; the path then is the key alone.
    pub bucket: Option<String>,
}

/// What a client says after its body: `x-amz-checksum-…` of an aws-chunked upload.
///
/// They are known only once the body's stream has ended (`next` gave `None`); the front fills them in by then.
#[derive(Clone, Debug, Default)]
pub struct Trailers(Arc<OnceLock<HeaderMap>>);

impl Trailers {
    /// The trailers; `None` before the end of the body.
    pub fn get(&self) -> Option<&HeaderMap> {
        self.0.get()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.get()?.get(name)?.to_str().ok()
    }

    /// For the front door, at the end of the body; a second call has no effect.
    pub fn set(&self, trailers: HeaderMap) {
        let _ = self.0.set(trailers);
    }
}

impl RequestHead {
    pub fn new(method: Method, uri: Uri, headers: HeaderMap) -> RequestHead {
        RequestHead { method, uri, headers, trailers: Trailers::default(), bucket: None }
    }

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

/// The code of an error, among the extensions of the answer that tells it.
#[derive(Clone, Debug)]
pub struct ErrorCode(pub String);

/// A call over HTTP whose operation is known.
pub struct Arriving<'a> {
    pub operation: &'static str,
    /// Whether the model wants a checksum of the body.
    pub checksum_required: bool,
    /// `None` where the body is on its way to the handler as a stream.
    pub body: Option<&'a [u8]>,
}

/// What a service does with HTTP beside its model: S3's browser uploads by POST, preflights, websites.
pub trait Extension: Send + Sync + 'static {
    /// Answers a request that no operation of the model matches; `None` gives it back, with its body.
    fn unmodelled<'a>(
        &'a self,
        cx: &'a crate::Cx,
        body: ByteStream,
    ) -> BoxFuture<'a, std::result::Result<Result<http::Response<ByteStream>>, ByteStream>>;

    /// Looks at a call before its input is read: at what the model does not tell of the head, and whether the body came
    /// whole. The caller is known by then, and not yet whether they may.
    ///
    /// # Errors
    /// Whatever the service answers instead of doing the call.
    fn check(&self, _cx: &crate::Cx, _call: &Arriving<'_>) -> Result<()> {
        Ok(())
    }

    /// The service whose API keys (`Authorization: Bearer`) speak for a user in such a request, as `logs.amazonaws.com`; none
    /// unless it says so.
    fn api_keys(&self) -> Option<&'static str> {
        None
    }

    /// Whether the body of such a request comes unpacked from what `Content-Encoding` says, as those of operations do.
    fn unpacks_bodies(&self) -> bool {
        false
    }

    /// Adds to the head of every answer of the service, errors included, as CORS headers are.
    fn decorate<'a>(&'a self, cx: &'a crate::Cx, answer: &'a mut http::response::Parts) -> BoxFuture<'a, ()>;
}
