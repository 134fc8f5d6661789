//! Bodies that came compressed (`Content-Encoding: gzip`), as SDKs send those of PutMetricData from 10 KiB on. Their signature is over what
//! was sent; what they mean is inside. S3's bodies are not touched: there the encoding belongs to the object.

use std::io::Read;

use bytes::Bytes;
use haneul_kit::ApiError;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::BodyError;

/// The body as it was before it was compressed, at most `max` bytes of it.
///
/// # Errors
/// When it is longer, or is not what the header says.
pub(crate) fn unpacked(headers: &HeaderMap, body: Bytes, max: u64) -> Result<Bytes, ApiError> {
    let gzip =
        headers.get(CONTENT_ENCODING).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"));
    if !gzip || body.is_empty() {
        return Ok(body);
    }
    let mut out = Vec::with_capacity(body.len() * 4);
    let read = flate2::read::MultiGzDecoder::new(&body[..]).take(max.saturating_add(1)).read_to_end(&mut out);
    match read {
        Err(_) => Err(ApiError::new(
            "SerializationException",
            "The body of the request is not compressed as its header says.",
        )),
        Ok(length) if length as u64 > max => Err(BodyError::TooLarge.into_api(false)),
        Ok(_) => Ok(out.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn what_was_packed_comes_out_and_bombs_do_not() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&[b'a'; 100_000]).unwrap();
        let packed = Bytes::from(encoder.finish().unwrap());
        let mut headers = HeaderMap::new();
        assert_eq!(unpacked(&headers, packed.clone(), 10).unwrap(), packed);
        headers.insert(CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(unpacked(&headers, packed.clone(), 100_000).unwrap(), vec![b'a'; 100_000]);
        assert_eq!(unpacked(&headers, packed.clone(), 99_999).unwrap_err().code(), "RequestEntityTooLarge");
        assert_eq!(
            unpacked(&headers, packed.slice(..20), 100_000).unwrap_err().code(),
            "SerializationException"
        );
        assert_eq!(
            unpacked(&headers, Bytes::from_static(b"plain"), 100).unwrap_err().code(),
            "SerializationException"
        );
    }
}
