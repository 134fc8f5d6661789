//! A client of few words: signs, sends, waits. It never tries again, so each call is sent once or not at all.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use haneul_env::Clock;
use haneul_sigv4::{Credentials, SignPayload, Signer, Timestamp};
use http::{HeaderMap, Request};
use serde_json::Value;

/// One connection's worth of calls, made anew when it breaks.
pub struct Client {
    address: String,
    connection: Option<TcpStream>,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// The program went away before its answer came: nobody knows whether the call was carried out.
#[derive(Debug)]
pub struct Lost;

pub type Result<T> = std::result::Result<T, Lost>;

const CREDENTIALS: Credentials<'static> =
    Credentials { access_key_id: "test", secret_access_key: "test", session_token: None };
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    pub fn new(address: &str) -> Client {
        Client { address: address.to_owned(), connection: None }
    }

    /// A call of S3, path style: `target` is the path with its query, encoded.
    pub fn s3(&mut self, method: &str, target: &str, body: &[u8]) -> Result<Answer> {
        self.send("us-east-1", "s3", method, target, &[], body)
    }

    /// A call in JSON; the answer may be a refusal.
    pub fn json(&mut self, service: &str, target: &str, input: &Value) -> Result<Answer> {
        self.json_in("us-east-1", service, target, input)
    }

    /// The same in any Region.
    pub fn json_in(&mut self, region: &str, service: &str, target: &str, input: &Value) -> Result<Answer> {
        let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.0")];
        self.send(region, service, "POST", "/", &headers, input.to_string().as_bytes())
    }

    /// A call of SQS: the answer's JSON. Every refusal is a panic, since no call of ours deserves one.
    pub fn sqs(&mut self, operation: &str, input: &Value) -> Result<Value> {
        let target = format!("AmazonSQS.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.0")];
        let answer = self.send("us-east-1", "sqs", "POST", "/", &headers, input.to_string().as_bytes())?;
        answer.expect(&[200], operation);
        Ok(if answer.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&answer.body).expect("JSON")
        })
    }

    fn send(
        &mut self,
        region: &str,
        service: &str,
        method: &str,
        target: &str,
        headers: &[(&'static str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{target}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).expect("a request").into_parts().0;
        let now = Timestamp::from_unix_s(Clock::real().now().secs());
        Signer::new(CREDENTIALS, region, service, now)
            .sign(&mut parts, SignPayload::Bytes(body))
            .expect("it has a host");
        let mut head = format!("{method} {target} HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in &parts.headers {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().expect("we wrote it")));
        }
        head.push_str("\r\n");
        let answer = self.exchange(head.as_bytes(), body, method == "HEAD");
        if answer.is_err() {
            self.connection = None;
        }
        answer.map_err(|_| Lost)
    }

    fn exchange(&mut self, head: &[u8], body: &[u8], is_head: bool) -> std::io::Result<Answer> {
        let connection = match &mut self.connection {
            Some(open) => open,
            none => {
                let made = TcpStream::connect(&self.address)?;
                made.set_nodelay(true)?;
                made.set_read_timeout(Some(PATIENCE))?;
                none.insert(made)
            }
        };
        if body.len() < 64 << 10 {
            connection.write_all(&[head, body].concat())?;
        } else {
            connection.write_all(head)?;
            connection.write_all(body)?;
        }
        let (answer, keep) = read_answer(connection, is_head)?;
        if !keep {
            self.connection = None;
        }
        Ok(answer)
    }
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// # Panics
    /// When the status is another one.
    pub fn expect(&self, statuses: &[u16], what: &str) {
        assert!(statuses.contains(&self.status), "{what}: {} {}", self.status, self.text());
    }

    /// The texts of the elements with this name, in a document that we know to have nothing to unescape.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let inside = |piece: &str| piece.split_once(&close).map(|(inside, _)| inside.to_owned());
        text.split(&open).skip(1).filter_map(inside).collect()
    }
}

fn read_answer(connection: &mut TcpStream, is_head: bool) -> std::io::Result<(Answer, bool)> {
    let ended = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        more(connection, &mut bytes)?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    bytes.drain(..end);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(ended)?;
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.trim().parse()) {
            headers.append(name, value);
        }
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let keep = header("connection") != Some("close");
    let body = if is_head || status == 204 || status == 304 {
        Vec::new()
    } else if header("transfer-encoding") == Some("chunked") {
        read_chunks(connection, bytes)?
    } else {
        let length = header("content-length").and_then(|text| text.parse().ok()).ok_or_else(ended)?;
        while bytes.len() < length {
            more(connection, &mut bytes)?;
        }
        bytes
    };
    Ok((Answer { status, headers, body }, keep))
}

fn read_chunks(connection: &mut TcpStream, mut bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else {
            more(connection, &mut bytes)?;
            continue;
        };
        let size =
            std::str::from_utf8(&bytes[..end]).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.ok_or(std::io::ErrorKind::InvalidData)?;
        while bytes.len() < end + 4 + size {
            more(connection, &mut bytes)?;
        }
        body.extend_from_slice(&bytes[end + 2..end + 2 + size]);
        bytes.drain(..end + 4 + size);
        if size == 0 {
            return Ok(body);
        }
    }
}

fn more(connection: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let mut piece = vec![0; 256 << 10];
    match connection.read(&mut piece)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        read => {
            bytes.extend_from_slice(&piece[..read]);
            Ok(())
        }
    }
}
