//! Frames of event streams: any bytes; the same with their checksums put right; and the events in them.

#![no_main]

use bytes::{Bytes, BytesMut};
use haneul_lambda_wire::shapes::InvokeWithResponseStreamResponseEvent;
use haneul_s3_wire::shapes::SelectObjectContentEventStream;
use haneul_shape::Shape;
use haneul_wire::{Frame, Protocol, decode_event, encode_event, model};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    frames(input);
    let mut right = input.to_vec();
    put_right(&mut right);
    frames(&right);
});

fn frames(bytes: &[u8]) {
    let mut buffer = BytesMut::from(bytes);
    while let Ok(Some(frame)) = {
        let before = buffer.clone().freeze();
        next(&mut buffer, before)
    } {
        event(Protocol::RestXml, &frame, SelectObjectContentEventStream::default());
        event(Protocol::RestJson, &frame, InvokeWithResponseStreamResponseEvent::default());
    }
}

/// A frame, which is written as it was read.
fn next(buffer: &mut BytesMut, before: Bytes) -> Result<Option<Frame>, haneul_wire::WireError> {
    let found = Frame::decode(buffer)?;
    if let Some(frame) = &found {
        let read = before.len() - buffer.len();
        assert!(read >= 16);
        assert_eq!(frame.encode(), before[..read]);
    }
    Ok(found)
}

fn event<T: Shape + Default>(protocol: Protocol, frame: &Frame, mut into: T) {
    let model = match protocol {
        Protocol::RestXml => model(&haneul_s3_wire::SERVICE),
        _ => model(&haneul_lambda_wire::SERVICE),
    };
    if decode_event(model, protocol, frame, &mut into).is_err() || into.variant().is_none() {
        return;
    }
    let written = encode_event(model, protocol, &into).expect("it was read");
    let mut again = T::default();
    decode_event(model, protocol, &written, &mut again).expect("it was written");
    assert_eq!(encode_event(model, protocol, &again).expect("it was read"), written);
}

/// Lets the fuzzer past the checksums, frame by frame.
fn put_right(bytes: &mut [u8]) {
    let mut rest = bytes;
    while rest.len() >= 16 {
        let total = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let prelude = crc32fast::hash(&rest[..8]);
        rest[8..12].copy_from_slice(&prelude.to_be_bytes());
        if !(16..=rest.len()).contains(&total) {
            return;
        }
        let whole = crc32fast::hash(&rest[..total - 4]);
        rest[total - 4..total].copy_from_slice(&whole.to_be_bytes());
        rest = &mut rest[total..];
    }
}
