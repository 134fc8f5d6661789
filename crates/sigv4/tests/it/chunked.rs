//! The decoder of aws-chunked bodies: rules that no vector breaks, and fragmentation.

use bytes::Bytes;
use haneul_sigv4::{
    AuthError, ChunkedDecoder, ChunkedForm, Credentials, PayloadVerifier, SignPayload, Signer, Timestamp,
    Verifier,
};
use http::{HeaderMap, HeaderValue, Request};
use proptest::prelude::*;

use crate::support::{Sample, joined};

const NOW: Timestamp = Timestamp::from_unix_s(1_700_000_000);
const SECRET: &str = "secret";

fn unsigned(body: &str, length: u64, announced: &[&str]) -> Result<(Vec<u8>, HeaderMap), AuthError> {
    let announced = announced.iter().map(|n| (*n).to_owned()).collect();
    let mut decoder = ChunkedDecoder::unsigned(Some(length), announced);
    let mut out = Vec::new();
    decoder.push(Bytes::copy_from_slice(body.as_bytes()), &mut out)?;
    Ok((joined(&out), decoder.finish()?))
}

#[test]
fn framing() {
    let big = "x".repeat(8_192);
    let two = format!("2000\r\n{big}\r\n1\r\ny\r\n0\r\n\r\n");
    let small_first = format!("1\r\ny\r\n2000\r\n{big}\r\n0\r\n\r\n");
    let long_header = format!("{}5\r\n", "0".repeat(300));
    let many: String = (0..20).map(|i| format!("x-amz-checksum-{i}:a\r\n")).collect();
    let many = format!("0\r\n{many}\r\n");
    let many_names: Vec<String> = (0..20).map(|i| format!("x-amz-checksum-{i}")).collect();
    let many_names: Vec<&str> = many_names.iter().map(String::as_str).collect();
    let long_trailer = format!("0\r\nx-amz-checksum-crc32:{}\r\n\r\n", "a".repeat(20_000));
    let crc = &["x-amz-checksum-crc32"][..];
    let incomplete = Err(AuthError::IncompleteBody);
    let malformed = Err(AuthError::MalformedTrailer);
    type Case<'a> = (&'a str, u64, &'a [&'a str], Result<u64, AuthError>);
    let cases: &[Case<'_>] = &[
        ("0\r\n\r\n", 0, &[], Ok(0)),
        ("5\r\nhello\r\n0\r\n\r\n", 5, &[], Ok(5)),
        ("5\r\nhello\r\n000\r\nX-Amz-Checksum-CRC32: abc \r\n\r\n", 5, crc, Ok(5)),
        ("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:abc\n\n", 5, crc, Ok(5)),
        (&two, 8_193, &[], Ok(8_193)),
        (&small_first, 8_193, &[], Err(AuthError::ChunkTooSmall { chunk: 2, size: 1 })),
        ("", 0, &[], incomplete.clone()),
        ("0\r\n", 0, &[], incomplete.clone()),
        ("5\r\nhel", 5, &[], incomplete.clone()),
        ("5\r\nhello\r\n", 5, &[], incomplete.clone()),
        ("5\r\nhelloX\n0\r\n\r\n", 5, &[], incomplete.clone()),
        ("5\nhello\r\n0\r\n\r\n", 5, &[], incomplete.clone()),
        ("5\r\nhello\r\n0\r\n\r\n", 4, &[], incomplete.clone()),
        ("5\r\nhello\r\n0\r\n\r\n", 6, &[], incomplete.clone()),
        ("5\r\nhello\r\n0\r\n\r\nmore", 5, &[], incomplete.clone()),
        ("-5\r\nhello\r\n0\r\n\r\n", 5, &[], incomplete.clone()),
        ("+5\r\nhello\r\n0\r\n\r\n", 5, &[], incomplete.clone()),
        ("0x5\r\nhello\r\n0\r\n\r\n", 5, &[], incomplete.clone()),
        ("5;a=b\r\nhello\r\n0\r\n\r\n", 5, &[], incomplete.clone()),
        ("\r\n", 0, &[], incomplete.clone()),
        ("ffffffffffffffff\r\n", u64::MAX, &[], incomplete.clone()),
        ("10000000000000000\r\n", u64::MAX, &[], incomplete.clone()),
        (&long_header, 5, &[], incomplete.clone()),
        ("0\r\nx-amz-checksum-crc32:a\r\n\r\n", 0, &[], malformed.clone()),
        ("0\r\n\r\n", 0, crc, malformed.clone()),
        ("0\r\nx-amz-checksum-crc32\r\n\r\n", 0, crc, malformed.clone()),
        ("0\r\nx-amz-checksum-crc32:a\r\nx-amz-checksum-crc32:b\r\n\r\n", 0, crc, malformed.clone()),
        ("0\r\nx-amz-checksum-crc32:\u{1}\r\n\r\n", 0, crc, malformed.clone()),
        ("0\r\nx-amz-checksum-crc32:a\r\n", 0, crc, incomplete),
        (&many, 0, &many_names, malformed.clone()),
        (&long_trailer, 0, crc, malformed),
    ];
    for (body, length, announced, expected) in cases {
        let result = unsigned(body, *length, announced).map(|(data, trailers)| {
            assert_eq!(trailers.len(), announced.len());
            data.len() as u64
        });
        assert_eq!(result, *expected, "{:?}", &body[..body.len().min(60)]);
    }
}

#[test]
fn a_failed_decoder_stays_failed() {
    let mut decoder = ChunkedDecoder::unsigned(Some(5), Vec::new());
    let mut out = Vec::new();
    decoder.push(Bytes::from_static(b"zz\r\n"), &mut out).unwrap_err();
    assert_eq!(
        decoder.push(Bytes::from_static(b"5\r\nhello\r\n0\r\n\r\n"), &mut out),
        Err(AuthError::IncompleteBody)
    );
    assert_eq!(decoder.finish(), Err(AuthError::IncompleteBody));
    assert!(out.is_empty());
}

#[test]
fn what_a_body_needs_to_be_decoded() {
    let mut headers = HeaderMap::new();
    assert!(PayloadVerifier::anonymous(&headers).is_ok());
    headers.insert("x-amz-content-sha256", HeaderValue::from_static("STREAMING-UNSIGNED-PAYLOAD-TRAILER"));
    assert_eq!(PayloadVerifier::anonymous(&headers).unwrap_err(), AuthError::MissingDecodedLength);
    for wrong in ["", "x", "-1", "+1", "1 ", "99999999999999999999"] {
        headers.insert("x-amz-decoded-content-length", HeaderValue::from_str(wrong).unwrap());
        let error = PayloadVerifier::anonymous(&headers).unwrap_err();
        assert_eq!(error, AuthError::MissingDecodedLength, "{wrong:?}");
    }
    headers.insert("x-amz-decoded-content-length", HeaderValue::from_static("5"));
    assert_eq!(PayloadVerifier::anonymous(&headers).unwrap().decoded_length(), Some(5));
    headers.insert("x-amz-content-sha256", HeaderValue::from_static("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"));
    assert_eq!(PayloadVerifier::anonymous(&headers).unwrap_err(), AuthError::MissingAuthentication);
}

/// Signs a body in chunks, then feeds it in pieces of the given sizes: its data and trailers come out again.
fn round_trip(form: ChunkedForm, data: &[u8], chunk_bytes: usize, pieces: &[usize]) -> (Vec<u8>, HeaderMap) {
    let trailers: &[(&str, &str)] = if form == ChunkedForm::Signed {
        &[]
    } else {
        &[("x-amz-checksum-crc32", "abc="), ("x-amz-checksum-sha1", "d")]
    };
    let names: Vec<&str> = trailers.iter().map(|(name, _)| *name).collect();
    let credentials = Credentials { access_key_id: "A", secret_access_key: SECRET, session_token: None };
    let (mut parts, ()) = Request::put("http://localhost/b/k").body(()).unwrap().into_parts();
    let mut signer = Signer::new(credentials, "us-east-1", "s3", NOW)
        .sign(&mut parts, SignPayload::Chunked { form, decoded_length: data.len() as u64, trailers: &names })
        .unwrap();
    let mut body = Vec::new();
    for chunk in data.chunks(chunk_bytes) {
        body.extend_from_slice(&signer.chunk_header(chunk));
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(&signer.end(trailers));
    let lengths: Vec<_> = trailers.iter().map(|(name, value)| (*name, value.len())).collect();
    assert_eq!(body.len() as u64, form.encoded_length(data.len() as u64, chunk_bytes as u64, &lengths));

    let sample = Sample {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: None,
        headers: parts.headers,
        body: Vec::new(),
    };
    let auth = sample.sigv4().unwrap();
    let verified = sample.verify(&Verifier::new(4), SECRET, NOW).unwrap();
    let mut decoder = PayloadVerifier::new(&auth, &verified, &sample.headers).unwrap();
    let mut body = Bytes::from(body);
    let mut out = Vec::new();
    for piece in pieces.iter().cycle() {
        if body.is_empty() {
            break;
        }
        decoder.push(body.split_to((*piece).min(body.len())), &mut out).unwrap();
    }
    (joined(&out), decoder.finish().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fragments_make_no_difference(
        length in 0_usize..40_000,
        chunk_bytes in 8_192_usize..20_000,
        pieces in prop::collection::vec(1_usize..3_000, 1..6),
        form in prop::sample::select(vec![ChunkedForm::Signed, ChunkedForm::SignedTrailer, ChunkedForm::UnsignedTrailer]),
    ) {
        let data: Vec<u8> = (0..length).map(|i| (i * 7 + i / 251) as u8).collect();
        let (decoded, trailers) = round_trip(form, &data, chunk_bytes, &pieces);
        prop_assert!(decoded == data);
        prop_assert_eq!(trailers.len(), if form == ChunkedForm::Signed { 0 } else { 2 });
    }

    #[test]
    fn random_bodies_neither_panic_nor_pass(body in prop::collection::vec(any::<u8>(), 0..400), piece in 1_usize..50) {
        let mut decoder = ChunkedDecoder::unsigned(None, vec!["x-amz-checksum-crc32".to_owned()]);
        let mut out = Vec::new();
        for piece in body.chunks(piece) {
            if decoder.push(Bytes::copy_from_slice(piece), &mut out).is_err() {
                return Ok(());
            }
        }
        prop_assert!(decoder.finish().is_err());
    }
}

#[test]
fn one_byte_at_a_time() {
    let data = vec![7; 8_192 + 5];
    for form in [ChunkedForm::Signed, ChunkedForm::SignedTrailer, ChunkedForm::UnsignedTrailer] {
        assert_eq!(round_trip(form, &data, 8_192, &[1]).0, data);
    }
}
