//! The smallest runtime of one's own: answers every event with `null`, by the Runtime API over one connection.
//!
//! What `functions_bench` measures `provided.al2023` with, compiled as a static program. Without a Runtime API it ends at
//! once, which is the floor: its own bare start.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn main() -> std::io::Result<()> {
    let Ok(address) = std::env::var("AWS_LAMBDA_RUNTIME_API") else { return Ok(()) };
    let mut stream = TcpStream::connect(&address)?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    loop {
        write!(stream, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
        let id = answer(&mut answers)?;
        write!(
            stream,
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {address}\r\nContent-Length: 4\r\n\r\nnull"
        )?;
        answer(&mut answers)?;
    }
}

/// Reads one answer to its end; gives the request id among its headers.
fn answer(answers: &mut impl BufRead) -> std::io::Result<String> {
    let (mut id, mut length) = (String::new(), 0u64);
    loop {
        let mut line = String::new();
        if answers.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(given) = line.strip_prefix("lambda-runtime-aws-request-id: ") {
            id = given.to_owned();
        } else if let Some(given) = line.strip_prefix("content-length: ") {
            length = given.parse().unwrap_or(0);
        }
    }
    std::io::copy(&mut answers.take(length), &mut std::io::sink())?;
    Ok(id)
}
