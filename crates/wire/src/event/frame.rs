use bytes::{Buf, Bytes, BytesMut};

use crate::error::WireError;

/// One message of an event stream.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html>: a prelude of total length, length of the headers
/// and CRC-32 of both; headers; payload; CRC-32 of all before. Numbers are big-endian.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    pub headers: Vec<(String, HeaderValue)>,
    pub payload: Bytes,
}

/// The types of an event stream's header.
#[derive(Clone, Debug, PartialEq)]
pub enum HeaderValue {
    Bool(bool),
    Byte(i8),
    Short(i16),
    Integer(i32),
    Long(i64),
    Bytes(Bytes),
    String(String),
    /// Milliseconds since 1970.
    Timestamp(i64),
    Uuid([u8; 16]),
}

const PRELUDE: usize = 12;
/// Total length, of which AWS's own implementations allow 24 MiB.
const FRAME_MAX: usize = 24 << 20;
const HEADERS_MAX: usize = 128 << 10;

impl Frame {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).and_then(|(_, value)| match value {
            HeaderValue::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub fn encode(&self) -> Bytes {
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            // A name has at most 255 bytes; ours are those of models.
            headers.push(name.len() as u8);
            headers.extend_from_slice(name.as_bytes());
            value.encode(&mut headers);
        }
        let total = PRELUDE + headers.len() + self.payload.len() + 4;
        let mut out = Vec::with_capacity(total);
        out.extend_from_slice(&(total as u32).to_be_bytes());
        out.extend_from_slice(&(headers.len() as u32).to_be_bytes());
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        out.extend_from_slice(&headers);
        out.extend_from_slice(&self.payload);
        out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
        out.into()
    }

    /// Takes the next frame from the front of `buffer`; `None` when not all of it is there yet.
    pub fn decode(buffer: &mut BytesMut) -> Result<Option<Frame>, WireError> {
        if buffer.len() < PRELUDE {
            return Ok(None);
        }
        let number =
            |at: usize| u32::from_be_bytes([buffer[at], buffer[at + 1], buffer[at + 2], buffer[at + 3]]);
        let (total, headers_len) = (number(0) as usize, number(4) as usize);
        if crc32fast::hash(&buffer[..8]) != number(8) {
            return Err(invalid("the checksum of the prelude is wrong"));
        }
        if total > FRAME_MAX || headers_len > HEADERS_MAX || total < PRELUDE + headers_len + 4 {
            return Err(invalid("a length is out of bounds"));
        }
        if buffer.len() < total {
            return Ok(None);
        }
        let mut frame = buffer.split_to(total).freeze();
        let expected = frame.slice(total - 4..).get_u32();
        if crc32fast::hash(&frame[..total - 4]) != expected {
            return Err(invalid("the checksum of the message is wrong"));
        }
        frame.advance(PRELUDE);
        frame.truncate(total - PRELUDE - 4);
        let mut header_bytes = frame.split_to(headers_len);
        let mut headers = Vec::new();
        while !header_bytes.is_empty() {
            let name_len = usize::from(take(&mut header_bytes, 1)?[0]);
            let name = String::from_utf8(take(&mut header_bytes, name_len)?.into())
                .map_err(|_| invalid("the name of a header is not valid UTF-8"))?;
            headers.push((name, HeaderValue::decode(&mut header_bytes)?));
        }
        Ok(Some(Frame { headers, payload: frame }))
    }
}

impl HeaderValue {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut fixed = |ty: u8, bytes: &[u8]| {
            out.push(ty);
            out.extend_from_slice(bytes);
        };
        match self {
            HeaderValue::Bool(true) => fixed(0, &[]),
            HeaderValue::Bool(false) => fixed(1, &[]),
            HeaderValue::Byte(value) => fixed(2, &value.to_be_bytes()),
            HeaderValue::Short(value) => fixed(3, &value.to_be_bytes()),
            HeaderValue::Integer(value) => fixed(4, &value.to_be_bytes()),
            HeaderValue::Long(value) => fixed(5, &value.to_be_bytes()),
            HeaderValue::Bytes(bytes) => sized(out, 6, bytes),
            HeaderValue::String(text) => sized(out, 7, text.as_bytes()),
            HeaderValue::Timestamp(value) => fixed(8, &value.to_be_bytes()),
            HeaderValue::Uuid(bytes) => fixed(9, bytes),
        }
    }

    fn decode(bytes: &mut Bytes) -> Result<HeaderValue, WireError> {
        let ty = take(bytes, 1)?[0];
        let len = match ty {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            6 | 7 => usize::from(take(bytes, 2)?.get_u16()),
            9 => 16,
            _ => return Err(invalid("a header has an unknown type")),
        };
        let mut value = take(bytes, len)?;
        Ok(match ty {
            0 | 1 => HeaderValue::Bool(ty == 0),
            2 => HeaderValue::Byte(value.get_i8()),
            3 => HeaderValue::Short(value.get_i16()),
            4 => HeaderValue::Integer(value.get_i32()),
            5 => HeaderValue::Long(value.get_i64()),
            6 => HeaderValue::Bytes(value),
            7 => HeaderValue::String(
                String::from_utf8(value.into()).map_err(|_| invalid("a header is not valid UTF-8"))?,
            ),
            8 => HeaderValue::Timestamp(value.get_i64()),
            _ => {
                let mut uuid = [0; 16];
                value.copy_to_slice(&mut uuid);
                HeaderValue::Uuid(uuid)
            }
        })
    }
}

/// Longer than 65,535 bytes a header cannot be; what we put into headers is cut there.
fn sized(out: &mut Vec<u8>, ty: u8, bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
    out.push(ty);
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take(bytes: &mut Bytes, len: usize) -> Result<Bytes, WireError> {
    if bytes.len() < len {
        return Err(invalid("a header is cut off"));
    }
    Ok(bytes.split_to(len))
}

fn invalid(why: &str) -> WireError {
    WireError::serialization(format!("The event stream is not valid: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame {
            headers: vec![
                (":event-type".into(), HeaderValue::String("Records".into())),
                ("b".into(), HeaderValue::Bool(false)),
                ("i".into(), HeaderValue::Integer(-7)),
                ("t".into(), HeaderValue::Timestamp(1_795_487_748_123)),
                ("u".into(), HeaderValue::Uuid([9; 16])),
                ("x".into(), HeaderValue::Bytes(Bytes::from_static(b"\x00\x01"))),
            ],
            payload: Bytes::from_static(b"payload"),
        }
    }

    #[test]
    fn there_and_back_in_pieces() {
        let bytes = frame().encode();
        let mut buffer = BytesMut::new();
        for (i, byte) in bytes.iter().enumerate() {
            buffer.extend_from_slice(&[*byte]);
            let decoded = Frame::decode(&mut buffer).unwrap();
            assert_eq!(decoded, (i + 1 == bytes.len()).then(frame));
        }
    }

    #[test]
    fn no_headers_and_no_payload_is_the_smallest() {
        // The example of an empty message in AWS's test vectors has these sixteen bytes.
        assert_eq!(hex(&Frame::default().encode()), "000000100000000005c248eb7d98c8ff");
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = frame().encode();
        for i in 0..bytes.len() {
            let mut buffer = BytesMut::from(&bytes[..]);
            buffer[i] ^= 0x10;
            // A longer length may leave it waiting, but never with a frame.
            assert!(!matches!(Frame::decode(&mut buffer), Ok(Some(_))), "byte {i}");
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>) {
            let mut buffer = BytesMut::from(&bytes[..]);
            let _ = Frame::decode(&mut buffer);
        }

        #[test]
        fn never_panics_behind_a_true_prelude(headers in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let mut out = Vec::new();
            out.extend_from_slice(&((16 + headers.len()) as u32).to_be_bytes());
            out.extend_from_slice(&(headers.len() as u32).to_be_bytes());
            out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
            out.extend_from_slice(&headers);
            out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
            let _ = Frame::decode(&mut BytesMut::from(&out[..]));
        }
    }
}
