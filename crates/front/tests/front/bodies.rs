use bytes::Bytes;
use haneul_sigv4::{ChunkedForm, SignPayload};

use crate::world::{Answer, ROOT, World};

/// An upload in two chunks of `form`; `change` may spoil the framed body.
async fn upload(world: &World, form: ChunkedForm, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Answer {
    let (first, second) = (vec![b'a'; 8192], b"the end".to_vec());
    let trailers: &[(&str, &str)] =
        if form == ChunkedForm::Signed { &[] } else { &[("x-amz-checksum-crc32", "AAAAAA==")] };
    let names: Vec<&str> = trailers.iter().map(|(name, _)| *name).collect();
    let (mut parts, ()) = http::Request::put("/bucket/key")
        .header("host", "localhost:4566")
        .header("content-encoding", "aws-chunked")
        .body(())
        .unwrap()
        .into_parts();
    let payload = SignPayload::Chunked { form, decoded_length: 8199, trailers: &names };
    let mut chunks = world.signer(ROOT, "s3").sign(&mut parts, payload).unwrap();
    let mut body = Vec::new();
    for chunk in [first, second] {
        body.extend_from_slice(&chunks.chunk_header(&chunk));
        body.extend_from_slice(&chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(&chunks.end(trailers));
    world.send(http::Request::from_parts(parts, Bytes::from(change(body)))).await
}

fn flip(body: Vec<u8>, at: usize) -> Vec<u8> {
    let mut body = body;
    body[at] ^= 1;
    body
}

#[tokio::test]
async fn chunked_uploads_are_decoded_and_checked() {
    let world = World::new();
    for form in [ChunkedForm::Signed, ChunkedForm::SignedTrailer, ChunkedForm::UnsignedTrailer] {
        let answer = upload(&world, form, |body| body).await;
        assert_eq!(answer.status, 200, "{form:?}: {}", answer.body);
        assert_eq!(answer.header("etag"), "8199 of Some(8199) to bucket/key", "{form:?}");
        let checksum = if form == ChunkedForm::Signed { "" } else { "AAAAAA==" };
        assert_eq!(answer.header("x-amz-checksum-crc32"), checksum, "{form:?}");
        let answer = upload(&world, form, |body| body[..body.len() - 20].to_vec()).await;
        assert_eq!(answer.status, 400, "{form:?}: {}", answer.body);
    }
    let answer = upload(&world, ChunkedForm::Signed, |body| flip(body, 1000)).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "SignatureDoesNotMatch"), "{}", answer.body);
    let answer = upload(&world, ChunkedForm::UnsignedTrailer, |body| flip(body, 0)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "IncompleteBody"), "{}", answer.body);
}

#[tokio::test]
async fn relaxed_decodes_chunks_of_any_signature() {
    let world = World::with(true, "");
    let answer = upload(&world, ChunkedForm::SignedTrailer, |body| flip(body, 1000)).await;
    assert_eq!(
        (answer.status, answer.header("etag")),
        (200, "8199 of Some(8199) to bucket/key"),
        "{}",
        answer.body
    );
}

async fn put(world: &World, header: (&str, &str), payload: SignPayload<'_>, body: &str) -> Answer {
    let (mut parts, ()) = http::Request::put("/bucket/key")
        .header("host", "localhost:4566")
        .header(header.0, header.1)
        .body(())
        .unwrap()
        .into_parts();
    world.signer(ROOT, "s3").sign(&mut parts, payload).unwrap();
    world.send(http::Request::from_parts(parts, Bytes::copy_from_slice(body.as_bytes()))).await
}

#[tokio::test]
async fn plain_uploads() {
    let world = World::new();
    let none = ("x-none", "");
    let answer = put(&world, none, SignPayload::Bytes(b"data"), "data").await;
    assert_eq!(answer.header("etag"), "4 of Some(4) to bucket/key");
    let answer = put(&world, none, SignPayload::Unsigned, "data").await;
    assert_eq!(answer.header("etag"), "4 of Some(4) to bucket/key");
    let answer = put(&world, none, SignPayload::Bytes(b"other"), "data").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "XAmzContentSHA256Mismatch"));
    let answer = put(&world, ("x-amz-content-sha256", "nonsense"), SignPayload::Unsigned, "data").await;
    assert_eq!(answer.status, 200, "the signer sets its own");
    let form = ChunkedForm::UnsignedTrailer;
    let six_gib = SignPayload::Chunked { form, decoded_length: 6 << 30, trailers: &[] };
    let answer = put(&world, none, six_gib, "").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "EntityTooLarge"), "{}", answer.body);
}

#[tokio::test]
async fn an_error_before_the_body_is_read() {
    let world = World::new();
    let request = http::Request::put("/absent/key");
    let answer = world.signed(ROOT, "s3", request, vec![b'x'; 100_000]).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "NoSuchBucket"));
    assert!(answer.body.contains("<BucketName>absent</BucketName>"), "{}", answer.body);
}

#[tokio::test]
async fn a_small_s3_body_is_checked_too() {
    let world = World::new();
    let tagging = "<Tagging><TagSet></TagSet></Tagging>";
    let answer = world.signed(ROOT, "s3", http::Request::put("/bucket?tagging"), tagging).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (mut parts, ()) =
        http::Request::put("/bucket?tagging").header("host", "localhost").body(()).unwrap().into_parts();
    world.signer(ROOT, "s3").sign(&mut parts, SignPayload::Bytes(b"other")).unwrap();
    let answer = world.send(http::Request::from_parts(parts, Bytes::from_static(tagging.as_bytes()))).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "XAmzContentSHA256Mismatch"));
}
