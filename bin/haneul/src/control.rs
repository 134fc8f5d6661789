//! Asks a running cloud what only the program itself can tell: the paths under `/_haneul/`.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::Result;
use crate::cli::EndpointOptions;

/// GETs `path`, or POSTs `body` to it.
pub(crate) fn ask(endpoint: &EndpointOptions, path: &str, body: Option<Value>) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(exchange(endpoint, path, body))
}

/// How long a cloud on the same machine may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

async fn exchange(endpoint: &EndpointOptions, path: &str, body: Option<Value>) -> Result<Value> {
    let url = &endpoint.endpoint;
    let unreachable = |error: &dyn std::fmt::Display| {
        format!("cannot reach a cloud at {url}: {error}; is `haneul` running? (--endpoint names another one)")
    };
    let host = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("{url}: the control API is reached over http:// on a loopback address"))?
        .trim_end_matches('/');
    let exchange = async {
        let stream = tokio::net::TcpStream::connect(host).await.map_err(|error| unreachable(&error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| unreachable(&error))?;
        let method = if body.is_some() { "POST" } else { "GET" };
        let content = body.map(|body| body.to_string()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(content)))
            .map_err(|error| format!("{url}: {error}"))?;
        let answering = async move {
            let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = response.status();
            let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
            let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            if status.is_success() {
                Ok(answer)
            } else {
                Err(format!("the cloud answered {status}: {answer}"))
            }
        };
        tokio::select! {
            answer = answering => answer,
            ended = connection => Err(format!("the connection ended: {ended:?}")),
        }
    };
    let clock = haneul_env::Clock::real();
    clock.timeout(ANSWER_WITHIN, exchange).await.unwrap_or_else(|| Err(unreachable(&"no answer within 10 s")))
}
