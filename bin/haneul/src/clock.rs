use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use crate::Result;
use crate::cli::{ClockCommand, EndpointOptions};

pub(crate) fn run(command: &ClockCommand) -> Result<()> {
    let (endpoint, body) = match command {
        ClockCommand::Now(endpoint) => (endpoint, None),
        ClockCommand::Advance { span, endpoint } => {
            (endpoint, Some(json!({ "advance_seconds": seconds(span)? })))
        }
        ClockCommand::Freeze { off, endpoint } => (endpoint, Some(json!({ "freeze": !off }))),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let answer = runtime.block_on(ask(endpoint, "/_haneul/clock", body))?;
    println!(
        "{}{}",
        answer["now"].as_str().unwrap_or("?"),
        if answer["frozen"] == true { " (frozen)" } else { "" }
    );
    Ok(())
}

/// `90`, `90s`, `15m`, `12h`, `30d` as seconds.
fn seconds(span: &str) -> Result<u64> {
    let (number, unit) = match span.char_indices().last() {
        Some((i, 's')) => (&span[..i], 1),
        Some((i, 'm')) => (&span[..i], 60),
        Some((i, 'h')) => (&span[..i], 3_600),
        Some((i, 'd')) => (&span[..i], 86_400),
        _ => (span, 1),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    seconds.ok_or_else(|| format!("{span}: give a number of seconds, or a number with s, m, h or d"))
}

/// How long a cloud on the same machine may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

async fn ask(endpoint: &EndpointOptions, path: &str, body: Option<Value>) -> Result<Value> {
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

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn spans() {
        let cases = [("90", 90), ("90s", 90), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000)];
        for (text, number) in cases {
            assert_eq!(seconds(text), Ok(number));
        }
        for bad in ["", "d", "-1", "1w", "99999999999999999999d", "９"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
