use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_blob::BlockCipher;
use haneul_blob::cipher::TAG_BYTES;
use haneul_kit::ByteStream;
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_store::{Range, Reads};

use super::world::{World, code, get, noise, put};
use crate::checksum::{Algorithm, Digest};

const PLAIN: &[u8] = b"The quick brown fox jumps over the lazy dog, whom nobody is to find.";

fn has_plain(bytes: &[u8]) -> bool {
    bytes.windows(24).any(|window| window == &PLAIN[..24])
}

/// Text of some length with the sentence all over it.
fn text(length: usize) -> Vec<u8> {
    PLAIN.iter().copied().cycle().take(length).collect()
}

/// Shows what is kept.
struct AsItIs;

impl BlockCipher for AsItIs {
    fn seal(&self, _block: u64, _content: &mut [u8]) -> [u8; TAG_BYTES] {
        [0; TAG_BYTES]
    }

    fn open(&self, _block: u64, _sealed: &mut [u8]) -> bool {
        true
    }
}

#[tokio::test]
async fn plain_text_is_nowhere_in_what_is_kept() {
    let world = World::with_bucket().await;
    let copy = |key: &str| s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: format!("copy of {key}"),
        copy_source: format!("bkt/{key}"),
        ..Default::default()
    };
    for length in [100, 60_000, 70_000, 1_500_000] {
        let (key, plain) = (format!("k{length}"), text(length));
        world.put(&key, plain.clone()).await;
        world.root::<op::CopyObject>(copy(&key)).await.unwrap();
        assert_eq!(world.get(&key).await.unwrap(), plain, "{length}");
        assert_eq!(world.get(&format!("copy of {key}")).await.unwrap(), plain, "{length}");
    }
    let store = &world.s3.records.store;
    let rows = store.scan(&crate::store::tables::INLINE, Range::all(), 100).await.unwrap();
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|(_, bytes)| !has_plain(bytes)));
    let rows = store.scan_keys(&crate::store::tables::BLOBS, Range::all(), 100).await.unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let blobs = &world.s3.content.blobs;
        let id = haneul_blob::BlobId::from_bytes(row.try_into().unwrap());
        let length = blobs.stat(id).await.unwrap().len;
        let mut reader = blobs.sealed_reader(id, 0..length, Arc::new(AsItIs));
        while let Some(block) = reader.next().await {
            assert!(!has_plain(&block.unwrap()));
        }
        assert!(blobs.read(id, 0..length).await.is_err(), "it is sealed");
    }
}

#[tokio::test]
async fn ranges_and_parts() {
    let world = World::with_bucket().await;
    let plain = noise(300_000);
    world.put("k", plain.clone()).await;
    for (range, start, end) in [
        ("bytes=0-0", 0, 1),
        ("bytes=65535-65536", 65_535, 65_537),
        ("bytes=-1", 299_999, 300_000),
        ("bytes=100000-250000", 100_000, 250_001),
    ] {
        let input = s::GetObjectRequest { range: Some(range.into()), ..get("k") };
        let output = world.root::<op::GetObject>(input).await.unwrap();
        assert_eq!(output.body.collect(usize::MAX).await.unwrap(), plain[start..end], "{range}");
    }
    let create =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "m".into(), ..Default::default() };
    let upload_id = world.root::<op::CreateMultipartUpload>(create).await.unwrap().upload_id.unwrap();
    let first = noise(5 * 1024 * 1024 + 3);
    let mut parts = Vec::new();
    for (number, body) in [(1, first.clone()), (2, b"the end".to_vec())] {
        let input = s::UploadPartRequest {
            bucket: "bkt".into(),
            key: "m".into(),
            upload_id: upload_id.clone(),
            part_number: number,
            body: ByteStream::from_bytes(body),
            ..Default::default()
        };
        let e_tag = world.root::<op::UploadPart>(input).await.unwrap().e_tag;
        parts.push(s::CompletedPart { part_number: Some(number), e_tag, ..Default::default() });
    }
    let input = s::CompleteMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "m".into(),
        upload_id,
        multipart_upload: Some(s::CompletedMultipartUpload { parts: Some(parts) }),
        ..Default::default()
    };
    world.root::<op::CompleteMultipartUpload>(input).await.unwrap();
    assert_eq!(world.get("m").await.unwrap(), [&first[..], b"the end"].concat());
    let range = format!("bytes={}-", first.len() - 2);
    let output =
        world.root::<op::GetObject>(s::GetObjectRequest { range: Some(range), ..get("m") }).await.unwrap();
    assert_eq!(output.body.collect(100).await.unwrap(), [&first[first.len() - 2..], b"the end"].concat());
}

#[tokio::test]
async fn a_changed_bit_is_an_error_and_never_other_bytes() {
    let world = World::with_bucket().await;
    world.put("k", text(1000)).await;
    let table = &crate::store::tables::INLINE;
    let store = &world.s3.records.store;
    let (id, mut bytes) = store.scan(table, Range::all(), 1).await.unwrap().remove(0);
    bytes[500] ^= 4;
    let (id, bytes) = (&id, &bytes);
    let done = store.transact(|tx| async move {
        tx.put(table, id, bytes)?;
        Ok::<_, haneul_store::StoreError>(())
    });
    done.await.unwrap();
    assert_eq!(code(&world.get("k").await), "InternalFailure");
}

fn key(byte: u8) -> (Option<String>, Option<String>) {
    let key = [byte; 32];
    (Some(STANDARD.encode(key)), Some(STANDARD.encode(Digest::of(Algorithm::Md5, &key))))
}

#[tokio::test]
async fn keys_that_clients_bring() {
    let world = World::with_bucket().await;
    let aes = || Some("AES256".to_owned());
    let ((key, md5), (other, other_md5)) = (key(1), key(2));
    let put_with =
        |algorithm: Option<String>, key: &Option<String>, md5: &Option<String>| s::PutObjectRequest {
            sse_customer_algorithm: algorithm,
            sse_customer_key: key.clone(),
            sse_customer_key_md5: md5.clone(),
            ..put("k", text(100_000))
        };
    for (input, expected) in [
        (put_with(aes(), &None, &None), "InvalidArgument"),
        (put_with(None, &key, &md5), "InvalidArgument"),
        (put_with(aes(), &key, &None), "InvalidArgument"),
        (put_with(aes(), &key, &other_md5), "InvalidArgument"),
        (put_with(Some("rot13".into()), &key, &md5), "InvalidEncryptionAlgorithmError"),
        (put_with(aes(), &Some("c2hvcnQ=".into()), &md5), "InvalidArgument"),
        (
            s::PutObjectRequest { server_side_encryption: aes(), ..put_with(aes(), &key, &md5) },
            "InvalidArgument",
        ),
        (put_with(aes(), &key, &md5), "ok"),
    ] {
        assert_eq!(code(&world.root::<op::PutObject>(input).await), expected);
    }
    let get_with = |key: &Option<String>, md5: &Option<String>| s::GetObjectRequest {
        sse_customer_algorithm: key.as_ref().and_then(|_| aes()),
        sse_customer_key: key.clone(),
        sse_customer_key_md5: md5.clone(),
        ..get("k")
    };
    for (input, expected) in [
        (get_with(&None, &None), "InvalidRequest"),
        (get_with(&other, &other_md5), "AccessDenied"),
        (get_with(&key, &md5), "ok"),
    ] {
        assert_eq!(code(&world.root::<op::GetObject>(input).await), expected);
    }
    let output = world.root::<op::GetObject>(get_with(&key, &md5)).await.unwrap();
    assert_eq!(output.server_side_encryption, None);
    assert_eq!(output.sse_customer_key_md5, md5);
    assert_ne!(
        output.e_tag.unwrap().trim_matches('"'),
        hex::encode(Digest::of(Algorithm::Md5, &text(100_000)))
    );
    assert_eq!(output.body.collect(usize::MAX).await.unwrap(), text(100_000));
    let head = s::HeadObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    assert_eq!(code(&world.root::<op::HeadObject>(head).await), "InvalidRequest");
    // A copy out of it, and what has no such key.
    let copy = s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: "plain".into(),
        copy_source: "bkt/k".into(),
        copy_source_sse_customer_algorithm: aes(),
        copy_source_sse_customer_key: key.clone(),
        copy_source_sse_customer_key_md5: md5.clone(),
        ..Default::default()
    };
    world.root::<op::CopyObject>(copy).await.unwrap();
    assert_eq!(world.get("plain").await.unwrap(), text(100_000));
    let wrong = s::GetObjectRequest { key: "plain".into(), ..get_with(&key, &md5) };
    assert_eq!(code(&world.root::<op::GetObject>(wrong).await), "InvalidRequest");
    // A bucket that blocks it.
    let rule = s::ServerSideEncryptionRule {
        blocked_encryption_types: Some(s::BlockedEncryptionTypes {
            encryption_type: Some(vec!["SSE-C".into()]),
        }),
        ..Default::default()
    };
    let block = s::PutBucketEncryptionRequest {
        bucket: "bkt".into(),
        server_side_encryption_configuration: s::ServerSideEncryptionConfiguration { rules: vec![rule] },
        ..Default::default()
    };
    world.root::<op::PutBucketEncryption>(block).await.unwrap();
    assert_eq!(code(&world.root::<op::PutObject>(put_with(aes(), &key, &md5)).await), "AccessDenied");
}

#[tokio::test]
async fn parts_bring_the_key_of_their_upload() {
    let world = World::with_bucket().await;
    let aes = |given: bool| given.then(|| "AES256".to_owned());
    let (mine, other, none) = (key(1), key(2), (None, None));
    for (begun_with, given, expected) in [
        (&mine, &mine, ""),
        (&none, &none, ""),
        (&mine, &other, "The provided encryption parameters did not match the ones used originally."),
        (&mine, &none, "The multipart upload initiate requested encryption."),
        (&none, &mine, "The multipart upload initiate requested encryption."),
    ] {
        let begin = s::CreateMultipartUploadRequest {
            bucket: "bkt".into(),
            key: "m".into(),
            sse_customer_algorithm: aes(begun_with.0.is_some()),
            sse_customer_key: begun_with.0.clone(),
            sse_customer_key_md5: begun_with.1.clone(),
            ..Default::default()
        };
        let upload = world.root::<op::CreateMultipartUpload>(begin).await.unwrap().upload_id.unwrap();
        let part = s::UploadPartRequest {
            bucket: "bkt".into(),
            key: "m".into(),
            part_number: 1,
            upload_id: upload,
            sse_customer_algorithm: aes(given.0.is_some()),
            sse_customer_key: given.0.clone(),
            sse_customer_key_md5: given.1.clone(),
            body: ByteStream::from_bytes("x"),
            ..Default::default()
        };
        match world.root::<op::UploadPart>(part).await {
            Ok(_) => assert_eq!(expected, ""),
            Err(refused) => {
                assert_eq!(refused.code(), "InvalidRequest");
                assert!(
                    !expected.is_empty() && refused.message().starts_with(expected),
                    "{}",
                    refused.message()
                );
            }
        }
    }
}

#[tokio::test]
async fn wrong_keys_in_the_words_of_s3() {
    let world = World::with_bucket().await;
    let ((key, md5), (other, other_md5)) = (key(1), key(2));
    let put_with = |algorithm: &str, md5: &Option<String>| s::PutObjectRequest {
        sse_customer_algorithm: Some(algorithm.to_owned()),
        sse_customer_key: key.clone(),
        sse_customer_key_md5: md5.clone(),
        ..put("k", "x")
    };
    for (input, value) in [(put_with("AES512", &md5), "AES512"), (put_with("AES256", &other_md5), "null")] {
        let refused = world.root::<op::PutObject>(input).await.map(drop).unwrap_err();
        for field in [("ArgumentName", "x-amz-server-side-encryption"), ("ArgumentValue", value)] {
            assert!(refused.fields().contains(&(field.0, field.1.to_owned())), "{:?}", refused.fields());
        }
    }
    world.root::<op::PutObject>(put_with("AES256", &md5)).await.unwrap();
    let wrong = s::GetObjectRequest {
        sse_customer_algorithm: Some("AES256".into()),
        sse_customer_key: other,
        sse_customer_key_md5: other_md5,
        ..get("k")
    };
    let refused = world.root::<op::GetObject>(wrong).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), "AccessDenied");
    assert!(refused.message().ends_with("must provide the correct secret key."), "{}", refused.message());
}
