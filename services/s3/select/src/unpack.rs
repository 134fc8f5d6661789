//! Compressed objects, unpacked a little at a time: a few bytes of a bomb make gigabytes, so what comes out at once is bounded.

use crate::error::{Result, SelectError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Bzip2,
}

/// Most bytes that come out at once, but for some of GZIP that were held back.
pub const UNPACKED_BYTES: usize = 256 * 1024;

/// Bytes of GZIP that go in at once: deflate makes 1,032 bytes of one at most.
const GZIP_BYTES: usize = UNPACKED_BYTES / 1032;

/// Bytes of BZIP2 that come out at once. A block of 45 MB is made of some 40 bytes, so it is these that are counted.
const BZIP2_BYTES: usize = 64 * 1024;

pub enum Unpacker {
    None,
    Gzip(Box<flate2::write::MultiGzDecoder<Vec<u8>>>),
    Bzip2(Box<Bzip2>),
}

pub struct Bzip2 {
    decoder: bzip2::Decompress,
    /// Whether a stream is under way.
    begun: bool,
    buffer: Box<[u8]>,
}

impl Unpacker {
    pub fn new(compression: Compression) -> Unpacker {
        match compression {
            Compression::None => Unpacker::None,
            Compression::Gzip => Unpacker::Gzip(Box::new(flate2::write::MultiGzDecoder::new(Vec::new()))),
            Compression::Bzip2 => Unpacker::Bzip2(Box::new(Bzip2 {
                decoder: bzip2::Decompress::new(false),
                begun: false,
                buffer: vec![0; BZIP2_BYTES].into(),
            })),
        }
    }

    /// Unpacks some of the next bytes, and says how many of them; the others are to be given again.
    pub fn feed(&mut self, bytes: &[u8], to: &mut Vec<u8>) -> Result<usize> {
        match self {
            Unpacker::None => {
                let some = &bytes[..bytes.len().min(UNPACKED_BYTES)];
                to.extend_from_slice(some);
                Ok(some.len())
            }
            Unpacker::Gzip(decoder) => {
                use std::io::Write;
                let some = &bytes[..bytes.len().min(GZIP_BYTES)];
                let unpacked = decoder.write_all(some);
                to.append(decoder.get_mut());
                unpacked.map(|()| some.len()).map_err(|_| invalid())
            }
            Unpacker::Bzip2(decoder) => {
                let (taken, given) = decoder.step(bytes, to)?;
                if taken == 0 && given == 0 && decoder.begun && !bytes.is_empty() {
                    return Err(invalid());
                }
                Ok(taken)
            }
        }
    }

    /// The end of the object: some of what is left. Says whether that was all, and the object was whole.
    pub fn finish(&mut self, to: &mut Vec<u8>) -> Result<bool> {
        match self {
            Unpacker::None => Ok(true),
            Unpacker::Gzip(decoder) => {
                let finished = decoder.try_finish();
                to.append(decoder.get_mut());
                finished.map(|()| true).map_err(|_| invalid())
            }
            Unpacker::Bzip2(decoder) => {
                if !decoder.begun {
                    return Ok(true);
                }
                let (_, given) = decoder.step(&[], to)?;
                if given == 0 && decoder.begun { Err(invalid()) } else { Ok(!decoder.begun) }
            }
        }
    }
}

impl Bzip2 {
    /// Gives how many bytes went in, and came out.
    fn step(&mut self, bytes: &[u8], to: &mut Vec<u8>) -> Result<(usize, usize)> {
        let (before_in, before_out) = (self.decoder.total_in(), self.decoder.total_out());
        let status = self.decoder.decompress(bytes, &mut self.buffer);
        let taken = (self.decoder.total_in() - before_in) as usize;
        let given = (self.decoder.total_out() - before_out) as usize;
        to.extend_from_slice(&self.buffer[..given]);
        self.begun = true;
        if status.map_err(|_| invalid())? == bzip2::Status::StreamEnd {
            // Another may follow, as bzip2's own tool writes them.
            self.decoder = bzip2::Decompress::new(false);
            self.begun = false;
        }
        Ok((taken, given))
    }
}

fn invalid() -> SelectError {
    let message = "The file is not in a supported compression format or is truncated. Only GZIP and BZIP2 are supported.";
    SelectError::new("InvalidCompressionFormat", message)
}
