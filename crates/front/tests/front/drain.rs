use std::time::Duration;

use haneul_env::Clock;
use haneul_sigv4::SignPayload;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::socket::Served;
use crate::world::ROOT;

#[tokio::test]
async fn a_stop_finishes_what_was_begun_and_takes_nothing_new() {
    let served = Served::start(|_| {}).await;
    let body = r#"{"QueueUrl":"http://localhost/000000000000/q"}"#;
    let (mut parts, ()) = http::Request::post("/")
        .header("host", "localhost")
        .header("x-amz-target", "AmazonSQS.ReceiveMessage")
        .header("content-type", "application/x-amz-json-1.0")
        .body(())
        .unwrap()
        .into_parts();
    served.world.signer(ROOT, "sqs").sign(&mut parts, SignPayload::Bytes(body.as_bytes())).unwrap();
    let mut request = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in &parts.headers {
        request += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    request += "\r\n";
    request += body;

    let idle = served.connect().await;
    let mut polling = served.connect().await;
    polling.write_all(request.as_bytes()).await.unwrap();
    // The long poll waits for the end of the world: nothing comes yet.
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    let mut first = [0; 1];
    assert!(polling.try_read(&mut first).is_err());

    let tasks = served.world.env.tasks.clone();
    assert!(tasks.stop(&Clock::real(), Duration::from_secs(30)).await, "connections were left");
    let mut answer = String::new();
    polling.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let mut rest = Vec::new();
    let mut idle = idle;
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
    assert!(TcpStream::connect(served.address).await.is_err());
}
