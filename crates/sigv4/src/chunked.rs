//! The decoder of aws-chunked bodies: [`STREAMING-AWS4-HMAC-SHA256-PAYLOAD`](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html)
//! and its [trailing](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html) and unsigned kin.

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use crate::chain::Chain;
use crate::error::AuthError;

/// A chunk's header: 16 digits, `;chunk-signature=`, 64 digits, and something to spare.
const CHUNK_HEADER_BYTES_MAX: usize = 256;
/// Every chunk but the last has at least so many bytes.
const CHUNK_BYTES_MIN: u64 = 8 * 1024;
const TRAILER_BYTES_MAX: usize = 16 * 1024;
const TRAILERS_MAX: usize = 16;

/// Decodes an aws-chunked body that is fed in pieces of any size. No data is copied, and none is kept.
///
/// **A signed chunk's data is handed out before its signature is checked**: chunks may be many MiB and memory is bounded.
/// What is handed out counts only once [`ChunkedDecoder::finish`] has returned `Ok`; until then nothing made of it may
/// become visible. A wrong signature is reported at the end of its chunk, and the decoder refuses everything after it.
#[derive(Debug)]
pub struct ChunkedDecoder {
    mode: Mode,
    state: State,
    /// The piece of a line that has come so far.
    line: Vec<u8>,
    decoded_length: Option<u64>,
    decoded: u64,
    chunk: u64,
    chunk_bytes: u64,
    hasher: Sha256,
    signature: [u8; 64],
    /// Names that `x-amz-trailer` announces, lower-case.
    announced: Vec<String>,
    trailers: HeaderMap,
    trailer_bytes: usize,
    trailer_hasher: Sha256,
}

#[derive(Debug)]
enum Mode {
    Signed(Box<Chain>),
    SignedTrailer(Box<Chain>),
    UnsignedTrailer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    ChunkHeader,
    Data {
        left: u64,
    },
    /// The line break after a chunk's data.
    DataEnd,
    Trailer,
    /// The last line break, which some clients leave out where a signature has said that all is there.
    End,
    Done,
    Failed,
}

impl ChunkedDecoder {
    pub(crate) fn signed(
        chain: Chain,
        with_trailer: bool,
        decoded_length: Option<u64>,
        announced: Vec<String>,
    ) -> Self {
        let chain = Box::new(chain);
        let mode = if with_trailer { Mode::SignedTrailer(chain) } else { Mode::Signed(chain) };
        Self::new(mode, decoded_length, announced)
    }

    /// A decoder for `STREAMING-UNSIGNED-PAYLOAD-TRAILER`. `decoded_length` is what `x-amz-decoded-content-length` says,
    /// in bytes; `announced` are the names in `x-amz-trailer`.
    pub fn unsigned(decoded_length: Option<u64>, announced: Vec<String>) -> Self {
        Self::new(Mode::UnsignedTrailer, decoded_length, announced)
    }

    fn new(mode: Mode, decoded_length: Option<u64>, mut announced: Vec<String>) -> Self {
        for name in &mut announced {
            name.make_ascii_lowercase();
        }
        Self {
            mode,
            state: State::ChunkHeader,
            line: Vec::new(),
            decoded_length,
            decoded: 0,
            chunk: 0,
            chunk_bytes: 0,
            hasher: Sha256::new(),
            signature: [0; 64],
            announced,
            trailers: HeaderMap::new(),
            trailer_bytes: 0,
            trailer_hasher: Sha256::new(),
        }
    }

    /// Takes the next piece of the body and appends the data in it to `out`.
    ///
    /// # Errors
    /// `IncompleteBody` for what is not framed as it should be or longer than declared, `ChunkTooSmall`,
    /// `SignatureMismatch` (at the end of a chunk), `MalformedTrailer`.
    pub fn push(&mut self, mut data: Bytes, out: &mut Vec<Bytes>) -> Result<(), AuthError> {
        while !data.is_empty() {
            if let Err(error) = self.step(&mut data, out) {
                self.state = State::Failed;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The body has ended: gives the trailers.
    ///
    /// # Errors
    /// `IncompleteBody` when it should not have ended yet.
    pub fn finish(self) -> Result<HeaderMap, AuthError> {
        let signed = !matches!(self.mode, Mode::UnsignedTrailer);
        match self.state {
            State::Done => Ok(self.trailers),
            State::End if signed && self.line.is_empty() => Ok(self.trailers),
            _ => Err(AuthError::IncompleteBody),
        }
    }

    fn step(&mut self, data: &mut Bytes, out: &mut Vec<Bytes>) -> Result<(), AuthError> {
        match self.state {
            State::Data { left } => self.take_data(data, left, out),
            State::ChunkHeader => match self.take_line(data, CHUNK_HEADER_BYTES_MAX)? {
                Some(line) => self.begin_chunk(&line),
                None => Ok(()),
            },
            State::DataEnd | State::End => match self.take_line(data, 2)?.as_deref() {
                Some(b"\r\n") => {
                    let next = if self.state == State::End { State::Done } else { State::ChunkHeader };
                    self.state = next;
                    Ok(())
                }
                Some(_) => Err(AuthError::IncompleteBody),
                None => Ok(()),
            },
            State::Trailer => {
                let left = TRAILER_BYTES_MAX - self.trailer_bytes;
                let line = self.take_line(data, left).map_err(|_| AuthError::MalformedTrailer)?;
                match line {
                    Some(line) => self.take_trailer(&line),
                    None => Ok(()),
                }
            }
            State::Done | State::Failed => Err(AuthError::IncompleteBody),
        }
    }

    /// Takes up to and including the next newline; `None` while it has not come. Longer lines than `max` are refused.
    fn take_line(&mut self, data: &mut Bytes, max: usize) -> Result<Option<Vec<u8>>, AuthError> {
        let room = max - self.line.len();
        let window = &data[..data.len().min(room)];
        match window.iter().position(|b| *b == b'\n') {
            Some(newline) => {
                self.line.extend_from_slice(&window[..=newline]);
                data.advance(newline + 1);
                Ok(Some(std::mem::take(&mut self.line)))
            }
            None if window.len() == room => Err(AuthError::IncompleteBody),
            None => {
                self.line.extend_from_slice(window);
                data.clear();
                Ok(None)
            }
        }
    }

    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), AuthError> {
        let line = line.strip_suffix(b"\r\n").ok_or(AuthError::IncompleteBody)?;
        let size = match &self.mode {
            Mode::UnsignedTrailer => line,
            Mode::Signed(_) | Mode::SignedTrailer(_) => {
                let semicolon = line.iter().position(|b| *b == b';').ok_or(AuthError::IncompleteBody)?;
                self.signature = line[semicolon..]
                    .strip_prefix(b";chunk-signature=")
                    .and_then(|s| s.try_into().ok())
                    .ok_or(AuthError::IncompleteBody)?;
                &line[..semicolon]
            }
        };
        let size = parse_size(size).ok_or(AuthError::IncompleteBody)?;
        self.chunk += 1;
        if size == 0 {
            return self.end_of_data();
        }
        if self.chunk > 1 && self.chunk_bytes < CHUNK_BYTES_MIN {
            return Err(AuthError::ChunkTooSmall { chunk: self.chunk, size: self.chunk_bytes });
        }
        let decoded = self.decoded.checked_add(size).ok_or(AuthError::IncompleteBody)?;
        if self.decoded_length.is_some_and(|length| decoded > length) {
            return Err(AuthError::IncompleteBody);
        }
        self.decoded = decoded;
        self.chunk_bytes = size;
        self.state = State::Data { left: size };
        Ok(())
    }

    fn take_data(&mut self, data: &mut Bytes, left: u64, out: &mut Vec<Bytes>) -> Result<(), AuthError> {
        let n = usize::try_from(left).map_or(data.len(), |left| left.min(data.len()));
        let piece = data.split_to(n);
        let signed = !matches!(self.mode, Mode::UnsignedTrailer);
        if signed {
            self.hasher.update(&piece);
        }
        out.push(piece);
        let left = left - n as u64;
        self.state = State::Data { left };
        if left == 0 {
            self.state = State::DataEnd;
            self.verify_chunk()?;
        }
        Ok(())
    }

    /// The chunk of no bytes.
    fn end_of_data(&mut self) -> Result<(), AuthError> {
        self.verify_chunk()?;
        if self.decoded_length.is_some_and(|length| length != self.decoded) {
            return Err(AuthError::IncompleteBody);
        }
        self.state = if matches!(self.mode, Mode::Signed(_)) { State::End } else { State::Trailer };
        Ok(())
    }

    fn verify_chunk(&mut self) -> Result<(), AuthError> {
        match &mut self.mode {
            Mode::Signed(chain) | Mode::SignedTrailer(chain) => {
                chain.verify_chunk(self.hasher.finalize_reset().into(), &self.signature)
            }
            Mode::UnsignedTrailer => Ok(()),
        }
    }

    fn take_trailer(&mut self, line: &[u8]) -> Result<(), AuthError> {
        self.trailer_bytes += line.len();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            // AWS's own example ends each trailer with two line breaks, so that only the signature ends signed ones.
            if matches!(self.mode, Mode::UnsignedTrailer) {
                self.all_announced()?;
                self.state = State::Done;
            }
            return Ok(());
        }
        let line = str::from_utf8(line).map_err(|_| AuthError::MalformedTrailer)?;
        let (name, value) = line.split_once(':').ok_or(AuthError::MalformedTrailer)?;
        let (name, value) = (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']));
        if let (Mode::SignedTrailer(chain), "x-amz-trailer-signature") = (&mut self.mode, name.as_str()) {
            let signature = value.as_bytes().try_into().map_err(|_| AuthError::MalformedTrailer)?;
            chain.verify_trailers(self.trailer_hasher.finalize_reset().into(), &signature)?;
            self.all_announced()?;
            self.state = State::End;
            return Ok(());
        }
        if !self.announced.contains(&name) || self.trailers.len() >= TRAILERS_MAX {
            return Err(AuthError::MalformedTrailer);
        }
        for part in [name.as_bytes(), b":", value.as_bytes(), b"\n"] {
            self.trailer_hasher.update(part);
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| AuthError::MalformedTrailer)?;
        let value = HeaderValue::from_str(value).map_err(|_| AuthError::MalformedTrailer)?;
        if self.trailers.insert(name, value).is_some() {
            return Err(AuthError::MalformedTrailer);
        }
        Ok(())
    }

    fn all_announced(&self) -> Result<(), AuthError> {
        let all = self.announced.iter().all(|name| self.trailers.contains_key(name.as_str()));
        if all { Ok(()) } else { Err(AuthError::MalformedTrailer) }
    }
}

/// Hexadecimal digits and nothing else.
fn parse_size(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}
