//! aws-chunked bodies: any bytes, however they are cut up, and bodies that we framed and somebody changed.

#![no_main]

use bytes::Bytes;
use haneul_sigv4::{
    AuthError, Body, ChunkedDecoder, ChunkedForm, Credentials, PayloadVerifier, RequestAuth, RequestParts,
    SignPayload, Signer, Timestamp, Verifier,
};
use http::{HeaderMap, Request};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_unix_s(1_700_000_000);
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const CHUNK_BYTES_MIN: usize = 8 * 1024;
const TRAILER: &str = "x-amz-checksum-crc32c";

// `[form and cuts, what to change, where, where, bytes…]`
fuzz_target!(|input: &[u8]| {
    let [kind, change, high, low, bytes @ ..] = input else { return };
    let cut = usize::from(kind >> 2) + 1;
    any_bytes(bytes, cut);
    let form = [ChunkedForm::Signed, ChunkedForm::SignedTrailer, ChunkedForm::UnsignedTrailer]
        [usize::from(kind & 3) % 3];
    framed_by_us(bytes, form, cut, *change, usize::from(*high) << 8 | usize::from(*low));
});

type Decoded = Result<(Vec<u8>, HeaderMap), AuthError>;

/// How a body is cut makes no difference to what it means.
fn any_bytes(bytes: &[u8], cut: usize) {
    for length in [None, Some(5)] {
        let decode = |cut: usize| -> Decoded {
            let mut decoder = ChunkedDecoder::unsigned(length, vec![TRAILER.to_owned()]);
            let mut out = Vec::new();
            for piece in bytes.chunks(cut) {
                decoder.push(Bytes::copy_from_slice(piece), &mut out)?;
            }
            Ok((out.concat(), decoder.finish()?))
        };
        let whole = decode(bytes.len().max(1));
        same(&whole, &decode(cut));
        if let Ok((data, _)) = whole {
            assert!(data.len() < bytes.len() && length.is_none_or(|length| data.len() as u64 == length));
        }
    }
}

fn same(one: &Decoded, other: &Decoded) {
    match (one, other) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(_), Err(_)) => {}
        _ => panic!("{one:?} in one piece, {other:?} in several"),
    }
}

/// What we frame is decoded; a signed body in which a byte differs is not, unless it says the same.
fn framed_by_us(data: &[u8], form: ChunkedForm, cut: usize, change: u8, at: usize) {
    let mut data = data.to_vec();
    data.resize(data.len() + usize::from(cut.is_multiple_of(2)) * CHUNK_BYTES_MIN, b'x');
    let trailers: &[&str] = if form == ChunkedForm::Signed { &[] } else { &[TRAILER] };
    let mut parts = Request::put("http://b.s3.amazonaws.com/k").body(()).unwrap().into_parts().0;
    let credentials =
        Credentials { access_key_id: "AKIDEXAMPLE", secret_access_key: SECRET, session_token: None };
    let payload = SignPayload::Chunked { form, decoded_length: data.len() as u64, trailers };
    let mut signer =
        Signer::new(credentials, "us-east-1", "s3", NOW).sign(&mut parts, payload).expect("it has a host");
    let mut body = Vec::new();
    for chunk in data.chunks(CHUNK_BYTES_MIN) {
        body.extend_from_slice(&signer.chunk_header(chunk));
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    let values: Vec<(&str, &str)> = trailers.iter().map(|name| (*name, "AAAAAA==")).collect();
    body.extend_from_slice(&signer.end(&values));
    let names: Vec<(&str, usize)> = values.iter().map(|(name, value)| (*name, value.len())).collect();
    let length = form.encoded_length(data.len() as u64, CHUNK_BYTES_MIN as u64, &names);
    assert_eq!(body.len() as u64, length);

    let request = RequestParts::from_http(&parts);
    let Ok(RequestAuth::SigV4(auth)) = RequestAuth::parse(&request) else { panic!("we signed it") };
    let verified =
        Verifier::new(4).verify(&auth, &request, SECRET, Body::Deferred, NOW).expect("we signed it");
    let decode = |body: &[u8]| -> Decoded {
        let mut decoder = PayloadVerifier::new(&auth, &verified, &parts.headers)?;
        let mut out = Vec::new();
        for piece in body.chunks(cut) {
            decoder.push(Bytes::copy_from_slice(piece), &mut out)?;
        }
        Ok((out.concat(), decoder.finish()?))
    };
    let (decoded, _) = decode(&body).expect("we framed it");
    assert!(decoded == data);

    if change != 0 && form != ChunkedForm::UnsignedTrailer {
        let at = at % body.len();
        body[at] ^= change;
        if let Ok((decoded, _)) = decode(&body) {
            assert!(decoded == data, "byte {at} was changed and nobody saw");
        }
    }
}
