//! The whole cloud in this process: any request, signed by its root user, as HTTP/1.1 text with the name of a service
//! before the method. No answer may be an internal error.

#![no_main]

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use haneul_harness::Cloud;
use http::{HeaderName, HeaderValue, Request};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;

/// Then a new cloud: memory is bounded, and a finding has few requests before it.
const REQUESTS_MAX: u32 = 200;
/// Turns that others get before the clock is moved: for calls that wait.
const TURNS: u32 = 300;

struct World {
    runtime: Runtime,
    cloud: Option<(Cloud, u32)>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World {
        runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"),
        cloud: None,
    });
}

fuzz_target!(|input: &[u8]| {
    let Some((service, request)) = read(input) else { return };
    WORLD.with_borrow_mut(|world| {
        let (runtime, kept) = (&world.runtime, &mut world.cloud);
        runtime.block_on(async {
            if kept.as_ref().is_none_or(|(_, requests)| *requests == 0) {
                *kept = Some((begin().await, REQUESTS_MAX));
            }
            let Some((cloud, requests)) = kept else { return };
            *requests -= 1;
            send(cloud, service, request).await;
        });
    });
});

/// A cloud with a bucket, an object and a queue to aim at.
async fn begin() -> Cloud {
    let cloud = Cloud::in_process(1).await;
    for text in [
        "s3 PUT /bkt\n\n",
        "s3 PUT /bkt/k\n\nhello",
        "sqs POST /\nx-amz-target: AmazonSQS.CreateQueue\ncontent-type: application/x-amz-json-1.0\n\n{\"QueueName\":\"q\"}",
        "iam POST /\ncontent-type: application/x-www-form-urlencoded\n\nAction=CreateUser&Version=2010-05-08&UserName=ann",
    ] {
        let (service, request) = read(text.as_bytes()).expect("a request");
        assert!(cloud.send(service, request).await.status().is_success(), "{text}");
    }
    cloud
}

async fn send(cloud: &Cloud, service: &'static str, request: Request<Bytes>) {
    let shown = format!("{service} {} {}", request.method(), request.uri());
    let call = cloud.send(service, request);
    let time = async {
        loop {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            cloud.env.clock.advance(Duration::from_secs(5));
        }
    };
    tokio::select! {
        biased;
        answer = call => {
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            assert_ne!(answer.status().as_u16(), 500, "{shown}: {body}");
        }
        () = time => {}
    }
}

fn read(input: &[u8]) -> Option<(&'static str, Request<Bytes>)> {
    let end = input.windows(2).position(|two| two == b"\n\n")?;
    let (head, body) = (&input[..end], &input[end + 2..]);
    let mut lines = head.split(|&byte| byte == b'\n');
    let first = std::str::from_utf8(lines.next()?).ok()?;
    let (service, first) = first.split_once(' ')?;
    let (method, target) = first.split_once(' ')?;
    let service = ["s3", "sqs", "iam", "sts"].into_iter().find(|known| *known == service)?;
    if !target.starts_with('/') {
        return None;
    }
    let mut request =
        Request::builder().method(method).uri(target).body(Bytes::copy_from_slice(body)).ok()?;
    for line in lines.take(32) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) {
            request.headers_mut().append(name, value);
        }
    }
    Some((service, request))
}
