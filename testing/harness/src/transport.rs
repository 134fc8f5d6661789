use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use haneul_base::Instant;
use haneul_env::Env;
use haneul_front::ConnInfo;
use haneul_kit::BoxFuture;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;

/// How requests reach the cloud.
pub trait Transport: Send + Sync + 'static {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Response<Bytes>>;
    /// The value of `Host`.
    fn host(&self) -> HeaderValue;
    /// The cloud's time.
    fn now(&self) -> Instant;
}

/// Straight into the front door's layers.
pub struct InProcess {
    pub cloud: Arc<haneul_front::Cloud>,
    pub env: Env,
}

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Response<Bytes>> {
        Box::pin(async move {
            let connection = ConnInfo { peer: Some(IpAddr::from([127, 0, 0, 1])), secure: false };
            let response = self.cloud.handle(request.map(Full::new), connection).await;
            let (parts, body) = response.into_parts();
            let body = body.collect(usize::MAX).await.expect("the answer's body ends well");
            Response::from_parts(parts, body.into())
        })
    }

    fn host(&self) -> HeaderValue {
        HeaderValue::from_static("localhost:4566")
    }

    fn now(&self) -> Instant {
        self.env.now()
    }
}

/// Over a socket, to a program that runs already; one connection for each request.
pub struct Tcp {
    pub address: String,
    pub env: Env,
}

impl Transport for Tcp {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Response<Bytes>> {
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect(&self.address).await.expect("the program listens");
            let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                .await
                .expect("the program speaks HTTP");
            let connection = self.env.spawn("test connection", connection);
            let response = sender.send_request(request.map(Full::new)).await.expect("the program answers");
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("the answer's body ends well").to_bytes();
            connection.abort();
            Response::from_parts(parts, body)
        })
    }

    fn host(&self) -> HeaderValue {
        HeaderValue::from_str(&self.address).expect("an address is a header value")
    }

    fn now(&self) -> Instant {
        self.env.now()
    }
}
