//! Compressed objects, unpacked a little at a time: what a byte of a bomb unpacks to is bounded by how few go in at once.

use std::io::Write;

use crate::error::{Result, SelectError};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Bzip2,
}

/// Bytes that are unpacked at once. Deflate makes at most some thousand of one; a block of bzip2 some 900,000 of 40.
const GZIP_BYTES: usize = 4096;
const BZIP2_BYTES: usize = 256;

pub enum Unpacker {
    None,
    Gzip(Box<flate2::write::MultiGzDecoder<Vec<u8>>>),
    Bzip2(Box<bzip2::write::BzDecoder<Vec<u8>>>, bool),
}

impl Unpacker {
    pub fn new(compression: Compression) -> Unpacker {
        match compression {
            Compression::None => Unpacker::None,
            Compression::Gzip => Unpacker::Gzip(Box::new(flate2::write::MultiGzDecoder::new(Vec::new()))),
            Compression::Bzip2 => Unpacker::Bzip2(Box::new(bzip2::write::BzDecoder::new(Vec::new())), false),
        }
    }

    /// Unpacks the next bytes, handing out what they make in pieces; `false` says that no more is wanted.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
        match self {
            Unpacker::None => take(bytes).map(drop),
            Unpacker::Gzip(decoder) => {
                for piece in bytes.chunks(GZIP_BYTES) {
                    decoder.write_all(piece).map_err(invalid)?;
                    let unpacked = std::mem::take(decoder.get_mut());
                    if !unpacked.is_empty() && !take(&unpacked)? {
                        break;
                    }
                }
                Ok(())
            }
            Unpacker::Bzip2(decoder, begun) => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let count = rest.len().min(BZIP2_BYTES);
                    let taken = decoder.write(&rest[..count]).map_err(invalid)?;
                    *begun = true;
                    if taken == 0 {
                        decoder.try_finish().map_err(invalid)?;
                    }
                    let unpacked = std::mem::take(decoder.get_mut());
                    if !unpacked.is_empty() && !take(&unpacked)? {
                        break;
                    }
                    if taken == 0 {
                        // The stream is over; another may follow, as bzip2's own tool writes them.
                        **decoder = bzip2::write::BzDecoder::new(Vec::new());
                        *begun = false;
                    }
                    rest = &rest[taken..];
                }
                Ok(())
            }
        }
    }

    /// The end of the object: what is left, and whether it was whole.
    pub fn finish(&mut self, mut take: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
        let unpacked = match self {
            Unpacker::None => return Ok(()),
            Unpacker::Gzip(decoder) => {
                decoder.try_finish().map_err(invalid)?;
                std::mem::take(decoder.get_mut())
            }
            Unpacker::Bzip2(decoder, begun) => {
                if *begun {
                    decoder.try_finish().map_err(invalid)?;
                }
                std::mem::take(decoder.get_mut())
            }
        };
        if unpacked.is_empty() { Ok(()) } else { take(&unpacked).map(drop) }
    }
}

fn invalid(failure: std::io::Error) -> SelectError {
    let _ = failure;
    let message = "The file is not in a supported compression format or is truncated. Only GZIP and BZIP2 are supported.";
    SelectError::new("InvalidCompressionFormat", message)
}
