//! `multipart/form-data` (RFC 7578) as S3 takes it from a browser: fields first, each small, then one file that is
//! never held whole; what comes after the file is ignored.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use haneul_kit::{ApiError, ByteStream, Result};
use haneul_shape::BoxError;
use http_body::{Body, Frame};
use memchr::memmem;

use crate::error;

/// Fields before the file, together, in bytes (S3 API Reference, "POST Object").
const FIELDS_BYTES_MAX: usize = 20 * 1024;

/// Headers of one part; and what may stand before the first boundary.
const HEADERS_BYTES_MAX: usize = 8 * 1024;

/// RFC 2046, section 5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;

/// The fields of a form, and its file still to come.
pub(crate) struct Form {
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) file_name: String,
    pub(crate) file: FormFile,
}

/// A file being read out of a form. Its length is known when it has ended.
pub(crate) struct FormFile {
    parts: Parts,
    size: u64,
    limits: Limits,
    ended: bool,
}

/// Lengths that a file may have, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

struct Parts {
    body: ByteStream,
    buffer: BytesMut,
    /// `\r\n--boundary`
    delimiter: Vec<u8>,
}

/// The boundary in a `Content-Type`, if that is a form's.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len()).then_some(boundary)
}

impl Form {
    /// Reads up to the file.
    pub(crate) async fn read(body: ByteStream, boundary: &str) -> Result<Form> {
        // The first boundary may be the very beginning: then it lacks the line end before it.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let mut parts = Parts { body, buffer, delimiter: format!("\r\n--{boundary}").into_bytes() };
        let mut fields = Vec::new();
        let mut left = FIELDS_BYTES_MAX;
        parts.until_delimiter(HEADERS_BYTES_MAX, malformed).await?;
        loop {
            let Some(head) = parts.head().await? else { return Err(no_file()) };
            if head.name.eq_ignore_ascii_case("file") {
                let limits = Limits { min: 0, max: u64::MAX };
                let file = FormFile { parts, size: 0, limits, ended: false };
                return Ok(Form { fields, file_name: head.file_name, file });
            }
            let value = parts.until_delimiter(left, too_long).await?;
            left = left.checked_sub(head.name.len() + value.len()).ok_or_else(too_long)?;
            let value = String::from_utf8(value.to_vec()).map_err(|_| malformed())?;
            fields.push((head.name, value));
        }
    }

    /// The first field of a name, which is compared without case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

struct Head {
    name: String,
    file_name: String,
}

impl Parts {
    async fn more(&mut self) -> Result<bool> {
        match self.body.next().await {
            None => Ok(false),
            Some(Ok(bytes)) => {
                self.buffer.extend_from_slice(&bytes);
                Ok(true)
            }
            Some(Err(failure)) => Err(crate::content::receive::body_error(failure)),
        }
    }

    /// What stands before the next delimiter, and takes both away.
    async fn until_delimiter(&mut self, max: usize, over: fn() -> ApiError) -> Result<Bytes> {
        loop {
            if let Some(at) = memmem::find(&self.buffer, &self.delimiter) {
                if at > max {
                    return Err(over());
                }
                let content = self.buffer.split_to(at).freeze();
                let _ = self.buffer.split_to(self.delimiter.len());
                return Ok(content);
            }
            if self.buffer.len() > max + self.delimiter.len() {
                return Err(over());
            }
            if !self.more().await? {
                return Err(malformed());
            }
        }
    }

    /// The headers of the next part; `None` after the last.
    async fn head(&mut self) -> Result<Option<Head>> {
        while self.buffer.len() < 2 {
            if !self.more().await? {
                return Err(malformed());
            }
        }
        if self.buffer.starts_with(b"--") {
            return Ok(None);
        }
        loop {
            if let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") {
                let head = self.buffer.split_to(end + 4);
                let head = std::str::from_utf8(&head[..end]).map_err(|_| malformed())?;
                return parse_head(head).map(Some);
            }
            if self.buffer.len() > HEADERS_BYTES_MAX || !self.more().await? {
                return Err(malformed());
            }
        }
    }
}

fn parse_head(head: &str) -> Result<Head> {
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.trim())
    });
    let disposition = disposition.and_then(|value| value.split_once(';'));
    let Some((_, parameters)) = disposition.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("form-data"))
    else {
        return Err(malformed());
    };
    let name = parameter(parameters, "name").ok_or_else(malformed)?;
    // Old browsers give the whole path.
    let file_name = parameter(parameters, "filename").unwrap_or_default();
    let file_name = file_name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    Ok(Head { name, file_name })
}

/// One of `; name="value"; …`. Browsers write a quote inside as `%22` or `\"`.
fn parameter(parameters: &str, wanted: &str) -> Option<String> {
    let mut rest = parameters;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t']);
        if rest.is_empty() {
            return None;
        }
        let (name, after) = rest.split_once('=')?;
        let (value, next) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next;
    }
}

fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &quoted[at + 1..])),
            // A backslash before anything else is one: `C:\a.txt`.
            '\\' if quoted[at + 1..].starts_with('"') => {
                chars.next();
                value.push('"');
            }
            c => value.push(c),
        }
    }
    None
}

impl FormFile {
    pub(crate) fn limited(mut self, limits: Limits) -> FormFile {
        self.limits = limits;
        self
    }

    pub(crate) fn into_stream(self) -> ByteStream {
        ByteStream::new(Streaming { step: Some(Box::pin(self.step())) })
    }

    async fn step(mut self) -> (FormFile, Option<Result<Bytes>>) {
        let piece = self.next().await;
        (self, piece)
    }

    async fn next(&mut self) -> Option<Result<Bytes>> {
        while !self.ended {
            match self.piece().await {
                Ok(piece) if piece.is_empty() => {}
                Ok(piece) => return Some(Ok(piece)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }

    /// Some of the file, perhaps nothing.
    async fn piece(&mut self) -> Result<Bytes> {
        let parts = &mut self.parts;
        let found = memmem::find(&parts.buffer, &parts.delimiter);
        // The end of the buffer may be the beginning of a delimiter.
        let ready = found.unwrap_or_else(|| (parts.buffer.len() + 1).saturating_sub(parts.delimiter.len()));
        let piece = parts.buffer.split_to(ready).freeze();
        self.size += piece.len() as u64;
        if self.size > self.limits.max {
            return Err(error::entity_too_large(self.size, self.limits.max));
        }
        if found.is_some() {
            self.ended = true;
            while let Some(rest) = parts.body.next().await {
                rest.map_err(crate::content::receive::body_error)?;
            }
            if self.size < self.limits.min {
                return Err(too_small(self.size, self.limits.min));
            }
        } else if piece.is_empty() && !parts.more().await? {
            return Err(malformed());
        }
        Ok(piece)
    }
}

type Step = Pin<Box<dyn Future<Output = (FormFile, Option<Result<Bytes>>)> + Send>>;

struct Streaming {
    step: Option<Step>,
}

impl Body for Streaming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(step) = &mut self.step else { return Poll::Ready(None) };
        let (file, piece) = ready!(step.as_mut().poll(cx));
        self.step = None;
        match piece {
            None => Poll::Ready(None),
            Some(Ok(piece)) => {
                self.step = Some(Box::pin(file.step()));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error.into()))),
        }
    }
}

pub(crate) fn malformed() -> ApiError {
    let message = "The body of your POST request is not well-formed multipart/form-data.";
    error::new("MalformedPOSTRequest", 400, message)
}

fn no_file() -> ApiError {
    error::new("InvalidArgument", 400, "POST requires exactly one file upload per request.")
        .with_field("ArgumentName", "file")
        .with_field("ArgumentValue", "0")
}

fn too_long() -> ApiError {
    let message = "Your POST request fields preceding the upload file were too large.";
    error::new("MaxPostPreDataLengthExceeded", 400, message)
        .with_field("MaxPostPreDataLengthBytes", FIELDS_BYTES_MAX.to_string())
}

fn too_small(size: u64, min: u64) -> ApiError {
    error::new("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size")
        .with_field("ProposedSize", size.to_string())
        .with_field("MinSizeAllowed", min.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that comes in pieces of a size.
    fn body(text: &[u8], piece: usize) -> ByteStream {
        struct Pieces(Vec<Bytes>);
        impl Body for Pieces {
            type Data = Bytes;
            type Error = BoxError;

            fn poll_frame(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
                Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(piece))))
            }
        }
        let mut pieces: Vec<Bytes> = text.chunks(piece).map(Bytes::copy_from_slice).collect();
        pieces.reverse();
        ByteStream::new(Pieces(pieces))
    }

    const FORM: &str = "--xx\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/${filename}\r\n--xx\r\n\
                        Content-Disposition: form-data; name=\"file\"; filename=\"C:\\\\dir\\b.txt\"\r\n\
                        Content-Type: text/plain\r\n\r\nhello\r\n--x\r\nworld\r\n--xx\r\n\
                        Content-Disposition: form-data; name=\"submit\"\r\n\r\nlater\r\n--xx--\r\n";

    #[tokio::test]
    async fn fields_then_the_file_whatever_the_pieces() {
        for piece in [1, 2, 3, 7, 50, 10_000] {
            let form = Form::read(body(FORM.as_bytes(), piece), "xx").await.unwrap();
            assert_eq!(form.fields, [("key".to_owned(), "a/${filename}".to_owned())]);
            assert_eq!(form.file_name, "b.txt");
            assert_eq!(form.field("KEY"), Some("a/${filename}"));
            let file = form.file.into_stream().collect(100).await.unwrap();
            assert_eq!(file, b"hello\r\n--x\r\nworld", "pieces of {piece}");
        }
    }

    #[tokio::test]
    async fn limits_of_the_file() {
        for (min, max, expected) in [(17, 17, "ok"), (18, 20, "EntityTooSmall"), (0, 16, "EntityTooLarge")] {
            let form = Form::read(body(FORM.as_bytes(), 5), "xx").await.unwrap();
            let read = form.file.limited(Limits { min, max }).into_stream().collect(100).await;
            let code = match read {
                Ok(_) => "ok".to_owned(),
                Err(error) => error.downcast::<ApiError>().unwrap().code().to_owned(),
            };
            assert_eq!(code, expected, "{min}..={max}");
        }
    }

    #[tokio::test]
    async fn broken_forms() {
        let field = |name: &str, value: &str| {
            format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        for (text, expected) in [
            (String::new(), "MalformedPOSTRequest"),
            ("hello".to_owned(), "MalformedPOSTRequest"),
            (field("key", "x"), "MalformedPOSTRequest"),
            (field("key", "x") + "--xx--\r\n", "InvalidArgument"),
            ("--xx\r\nContent-Type: a/b\r\n\r\nx\r\n--xx--".to_owned(), "MalformedPOSTRequest"),
            (field("key", &"x".repeat(21_000)) + "--xx--", "MaxPostPreDataLengthExceeded"),
            (field("key", &"x".repeat(500_000)), "MaxPostPreDataLengthExceeded"),
            (format!("--xx\r\n{}", "x".repeat(100_000)), "MalformedPOSTRequest"),
        ] {
            let read = Form::read(body(text.as_bytes(), 1000), "xx").await;
            assert_eq!(read.err().unwrap().code(), expected, "{}", &text[..text.len().min(60)]);
        }
        // Without an end.
        let cut = FORM.split("\r\n--xx\r\nContent-Disposition: form-data; name=\"submit\"").next().unwrap();
        let form = Form::read(body(cut.as_bytes(), 9), "xx").await.unwrap();
        assert!(form.file.into_stream().collect(100).await.is_err());
    }

    #[test]
    fn boundaries() {
        for (header, expected) in [
            ("multipart/form-data; boundary=xx", Some("xx")),
            ("Multipart/Form-Data; charset=utf-8; boundary=\"x y\"", Some("x y")),
            ("multipart/form-data", None),
            ("multipart/mixed; boundary=xx", None),
            ("multipart/form-data; boundary=", None),
        ] {
            assert_eq!(boundary(header).as_deref(), expected, "{header}");
        }
    }
}
