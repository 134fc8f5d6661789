use haneul_kit::{ApiError, ByteStream, Instant};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use http::StatusCode;

use super::world::{Who, World, code, get, noise, put};

/// Empty, inline, at the border to blobs, and of several segments.
const SIZES: &[usize] = &[0, 1, 4096, 65_536, 65_537, 200_000, 1_500_000];

#[tokio::test]
async fn what_is_put_is_got() {
    let world = World::with_bucket().await;
    for &size in SIZES {
        let body = noise(size);
        let output = world.put("k", body.clone()).await;
        let md5 = hex::encode(crate::checksum::Digest::of(crate::checksum::Algorithm::Md5, &body));
        assert_eq!(output.e_tag, Some(format!("\"{md5}\"")), "{size}");
        assert_eq!(output.server_side_encryption.as_deref(), Some("AES256"));
        assert!(output.checksum_crc64_nvme.is_some() && output.version_id.is_none());
        assert_eq!(world.get("k").await.unwrap(), body, "{size}");
    }
    assert_eq!(world.keys().await, ["k"]);
}

#[tokio::test]
async fn keys_are_plain_data() {
    let world = World::with_bucket().await;
    let keys = [
        "etc/../passwd",
        "/lead",
        "a//b",
        "a/",
        "a\0b",
        "nul\0",
        "키 하늘",
        " ",
        "%41",
        "?x=1#y",
        "\u{10FFFF}",
    ];
    for key in keys {
        world.put(key, key.to_owned()).await;
    }
    for key in keys {
        assert_eq!(world.get(key).await.unwrap(), key.as_bytes(), "{key:?}");
    }
    let mut sorted: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    sorted.sort();
    assert_eq!(world.keys().await, sorted);
    let long = "k".repeat(1025);
    assert_eq!(code(&world.root::<op::PutObject>(put(&long, "x")).await), "KeyTooLongError");
}

#[tokio::test]
async fn ranges() {
    let world = World::with_bucket().await;
    for size in [100usize, 300_000] {
        let body = noise(size);
        world.put("k", body.clone()).await;
        for (range, start, end) in [
            ("bytes=0-9".to_owned(), 0, 10),
            ("bytes=90-".to_owned(), 90, size),
            ("bytes=-7".to_owned(), size - 7, size),
            (format!("bytes=50-{}", size * 2), 50, size),
        ] {
            let input = s::GetObjectRequest { range: Some(range.clone()), ..get("k") };
            let answered = world.call::<op::GetObject>(&Who::root(), input).await;
            let output = answered.result.unwrap();
            assert_eq!(answered.status, Some(StatusCode::PARTIAL_CONTENT));
            assert_eq!(output.content_range, Some(format!("bytes {start}-{}/{size}", end - 1)));
            assert_eq!(output.content_length, Some((end - start) as i64));
            assert_eq!(output.body.collect(size).await.unwrap(), body[start..end], "{range} of {size}");
        }
        let ignored = s::GetObjectRequest { range: Some("bytes=5-1".into()), ..get("k") };
        let answered = world.call::<op::GetObject>(&Who::root(), ignored).await;
        assert!(answered.status.is_none() && answered.result.unwrap().content_range.is_none());
        let beyond = s::GetObjectRequest { range: Some(format!("bytes={size}-")), ..get("k") };
        let error = world.root::<op::GetObject>(beyond).await.err().unwrap();
        assert_eq!((error.code(), error.status()), ("InvalidRange", Some(416)));
    }
    for (part, expected) in
        [(1, "ok"), (2, "InvalidPartNumber"), (0, "InvalidArgument"), (10_001, "InvalidArgument")]
    {
        let input = s::GetObjectRequest { part_number: Some(part), ..get("k") };
        assert_eq!(code(&world.root::<op::GetObject>(input).await), expected, "part {part}");
    }
    let both = s::GetObjectRequest { part_number: Some(1), range: Some("bytes=0-1".into()), ..get("k") };
    assert_eq!(code(&world.root::<op::GetObject>(both).await), "InvalidRequest");
}

#[tokio::test]
async fn metadata_comes_back() {
    let world = World::with_bucket().await;
    let input = s::PutObjectRequest {
        content_type: Some("text/plain".into()),
        content_encoding: Some("aws-chunked,gzip".into()),
        content_language: Some("ko".into()),
        content_disposition: Some("inline".into()),
        cache_control: Some("no-cache".into()),
        expires: Some("Thu, 01 Dec 2033 16:00:00 GMT".into()),
        website_redirect_location: Some("/elsewhere".into()),
        storage_class: Some("STANDARD_IA".into()),
        tagging: Some("a=1&b=2".into()),
        metadata: Some(
            [("Name".to_owned(), "하늘".to_owned()), ("x".to_owned(), String::new())].into_iter().collect(),
        ),
        ..put("k", "body")
    };
    world.root::<op::PutObject>(input).await.unwrap();
    let head = s::HeadObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        checksum_mode: Some("ENABLED".into()),
        ..Default::default()
    };
    let output = world.root::<op::HeadObject>(head).await.unwrap();
    assert_eq!(output.content_type.as_deref(), Some("text/plain"));
    assert_eq!(output.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(output.content_language.as_deref(), Some("ko"));
    assert_eq!(output.content_disposition.as_deref(), Some("inline"));
    assert_eq!(output.cache_control.as_deref(), Some("no-cache"));
    assert_eq!(output.expires.as_deref(), Some("Thu, 01 Dec 2033 16:00:00 GMT"));
    assert_eq!(output.website_redirect_location.as_deref(), Some("/elsewhere"));
    assert_eq!(output.storage_class.as_deref(), Some("STANDARD_IA"));
    assert_eq!((output.tag_count, output.content_length), (Some(2), Some(4)));
    assert!(output.checksum_crc64_nvme.is_some() && output.checksum_type.as_deref() == Some("FULL_OBJECT"));
    let metadata = output.metadata.unwrap();
    assert_eq!(metadata.get("name").map(String::as_str), Some("=?UTF-8?B?7ZWY64qY?="));
    assert_eq!(metadata.get("x").map(String::as_str), Some(""));

    let overridden = s::GetObjectRequest {
        response_content_type: Some("application/json".into()),
        response_expires: Some(Instant::EPOCH),
        ..get("k")
    };
    let output = world.root::<op::GetObject>(overridden).await.unwrap();
    assert_eq!(output.content_type.as_deref(), Some("application/json"));
    assert_eq!(output.expires.as_deref(), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    assert!(output.checksum_crc64_nvme.is_none(), "only on request");

    world.put("plain", "x").await;
    let plain = world.root::<op::GetObject>(get("plain")).await.unwrap();
    assert_eq!(plain.content_type.as_deref(), Some("binary/octet-stream"));
    assert!(plain.storage_class.is_none() && plain.tag_count.is_none());
}

#[tokio::test]
async fn refused_puts() {
    let world = World::with_bucket().await;
    let some = |text: &str| Some(text.to_owned());
    for (i, (input, expected)) in [
        (s::PutObjectRequest { acl: some("public-read"), ..put("k", "x") }, "AccessControlListNotSupported"),
        (s::PutObjectRequest { acl: some("private"), ..put("k", "x") }, "ok"),
        (s::PutObjectRequest { acl: some("bucket-owner-full-control"), ..put("k", "x") }, "ok"),
        (s::PutObjectRequest { grant_read: some("id=x"), ..put("k", "x") }, "AccessControlListNotSupported"),
        (s::PutObjectRequest { server_side_encryption: some("AES256"), ..put("k", "x") }, "ok"),
        (s::PutObjectRequest { server_side_encryption: some("rot13"), ..put("k", "x") }, "InvalidArgument"),
        (s::PutObjectRequest { ssekms_key_id: some("x"), ..put("k", "x") }, "InvalidArgument"),
        (s::PutObjectRequest { sse_customer_algorithm: some("AES256"), ..put("k", "x") }, "InvalidArgument"),
        (s::PutObjectRequest { storage_class: some("GLACIER"), ..put("k", "x") }, "ok"),
        (s::PutObjectRequest { storage_class: some("GOLD"), ..put("k", "x") }, "InvalidStorageClass"),
        (s::PutObjectRequest { object_lock_mode: some("GOVERNANCE"), ..put("k", "x") }, "InvalidRequest"),
        (s::PutObjectRequest { write_offset_bytes: Some(1), ..put("k", "x") }, "NotImplemented"),
        (s::PutObjectRequest { tagging: some("a=1&a=2"), ..put("k", "x") }, "InvalidArgument"),
        (
            s::PutObjectRequest { website_redirect_location: some("ftp://x"), ..put("k", "x") },
            "InvalidRedirectLocation",
        ),
        (s::PutObjectRequest { content_md5: some("not base64!"), ..put("k", "x") }, "InvalidDigest"),
        (s::PutObjectRequest { content_md5: some("AAAAAAAAAAAAAAAAAAAAAA=="), ..put("k", "x") }, "BadDigest"),
        (s::PutObjectRequest { content_md5: some("nd15QPkUrEQOrfp1/lFXXw=="), ..put("k", "x") }, "BadDigest"),
        (s::PutObjectRequest { content_md5: some("nd1FeJcu2fKk6nB8C+9vtA=="), ..put("k", "x") }, "BadDigest"),
        (
            s::PutObjectRequest { expected_bucket_owner: some("111111111111"), ..put("k", "x") },
            "AccessDenied",
        ),
        (s::PutObjectRequest { bucket: "nope".into(), ..put("k", "x") }, "NoSuchBucket"),
        (
            s::PutObjectRequest {
                metadata: Some([("k".to_owned(), "v".repeat(2048))].into_iter().collect()),
                ..put("k", "x")
            },
            "MetadataTooLarge",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(code(&world.root::<op::PutObject>(input).await), expected, "case {i}");
    }
}

#[tokio::test]
async fn conditional_writes() {
    let world = World::with_bucket().await;
    let with = |if_match: Option<&str>, if_none_match: Option<&str>| s::PutObjectRequest {
        if_match: if_match.map(str::to_owned),
        if_none_match: if_none_match.map(str::to_owned),
        ..put("k", "x")
    };
    let etag = "\"9dd4e461268c8034f5c8564e155c67a6\"";
    for (i, (input, expected)) in [
        (with(Some("*"), None), "NotImplemented"),
        (with(Some(etag), None), "NoSuchKey"),
        (with(None, Some("*")), "ok"),
        (with(None, Some("*")), "PreconditionFailed"),
        (with(Some(etag), None), "ok"),
        (with(Some("\"other\""), None), "PreconditionFailed"),
        (with(None, Some(etag)), "NotImplemented"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(code(&world.root::<op::PutObject>(input).await), expected, "case {i}");
    }
    let delete = |tag: &str| s::DeleteObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        if_match: Some(tag.into()),
        ..Default::default()
    };
    assert_eq!(code(&world.root::<op::DeleteObject>(delete("\"other\"")).await), "PreconditionFailed");
    assert_eq!(code(&world.root::<op::DeleteObject>(delete(etag)).await), "ok");
    assert_eq!(code(&world.root::<op::DeleteObject>(delete(etag)).await), "NoSuchKey");
}

#[tokio::test]
async fn conditional_reads() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let input = s::GetObjectRequest { if_none_match: Some("*".into()), ..get("k") };
    let answered = world.call::<op::GetObject>(&Who::root(), input).await;
    assert_eq!(answered.result.err().unwrap().status(), Some(304));
    assert_eq!(answered.headers["etag"], "\"9dd4e461268c8034f5c8564e155c67a6\"");
    assert!(answered.headers.contains_key("last-modified"));
    let input = s::GetObjectRequest { if_match: Some("\"y\"".into()), ..get("k") };
    let error = world.root::<op::GetObject>(input).await.err().unwrap();
    assert_eq!((error.code(), error.status()), ("PreconditionFailed", Some(412)));
}

#[tokio::test]
async fn a_body_that_fails_leaves_nothing() {
    let world = World::with_bucket().await;
    for size in [10usize, 300_000] {
        // The front found a wrong hash at the end.
        let failing = FailingBody { left: size };
        let input = s::PutObjectRequest {
            body: ByteStream::new(failing),
            content_length: Some(size as i64),
            ..put("k", "")
        };
        let error = world.root::<op::PutObject>(input).await.err().unwrap();
        assert_eq!(error.code(), "XAmzContentSHA256Mismatch");
        assert_eq!(code(&world.get("k").await), "NoSuchKey");
    }
    // Shorter and longer than announced, and not announced at all.
    let body = || ByteStream::new(Unknown(ByteStream::from_bytes("12345")));
    for (length, expected) in [
        (Some(5), "ok"),
        (Some(6), "IncompleteBody"),
        (Some(4), "IncompleteBody"),
        (None, "MissingContentLength"),
    ] {
        let input = s::PutObjectRequest { body: body(), content_length: length, ..put("k", "") };
        assert_eq!(code(&world.root::<op::PutObject>(input).await), expected, "{length:?}");
    }
    let chunked = Who::root().header("transfer-encoding", "chunked");
    for (who, expected) in
        [(chunked.clone(), "NotImplemented"), (chunked.header("x-amz-decoded-content-length", "5"), "ok")]
    {
        let input = s::PutObjectRequest { body: body(), ..put("k", "") };
        assert_eq!(code(&world.call::<op::PutObject>(&who, input).await.result), expected);
    }
    let huge = s::PutObjectRequest { body: body(), content_length: Some(5 * (1 << 30) + 1), ..put("k", "") };
    assert_eq!(code(&world.root::<op::PutObject>(huge).await), "EntityTooLarge");
}

struct FailingBody {
    left: usize,
}

impl http_body::Body for FailingBody {
    type Data = bytes::Bytes;
    type Error = haneul_shape::BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, haneul_shape::BoxError>>> {
        if self.left == 0 {
            let error = ApiError::new("XAmzContentSHA256Mismatch", "no").with_status(400);
            return std::task::Poll::Ready(Some(Err(Box::new(error))));
        }
        let piece = vec![0; self.left.min(10_000)];
        self.left -= piece.len();
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(piece.into()))))
    }
}

/// A body whose length nobody knows.
struct Unknown(ByteStream);

impl http_body::Body for Unknown {
    type Data = bytes::Bytes;
    type Error = haneul_shape::BoxError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, haneul_shape::BoxError>>> {
        std::pin::Pin::new(&mut self.0).poll_frame(cx)
    }
}

fn copy(source: &str, key: &str) -> s::CopyObjectRequest {
    s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: key.into(),
        copy_source: source.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn copies() {
    let world = World::with_bucket().await;
    for size in [100usize, 300_000] {
        let body = noise(size);
        let input = s::PutObjectRequest {
            content_type: Some("text/plain".into()),
            tagging: Some("t=1".into()),
            metadata: Some([("m", "1".to_owned())].into_iter().collect()),
            ..put("a b/키", body.clone())
        };
        world.root::<op::PutObject>(input).await.unwrap();
        let source = "/bkt/a%20b/%ED%82%A4";
        let output = world.root::<op::CopyObject>(copy(source, "copy")).await.unwrap();
        assert!(output.copy_object_result.unwrap().e_tag.is_some());
        let copied = world.root::<op::GetObject>(get("copy")).await.unwrap();
        assert_eq!((copied.content_type.as_deref(), copied.tag_count), (Some("text/plain"), Some(1)));
        assert_eq!(copied.body.collect(size).await.unwrap(), body);
        let replaced = s::CopyObjectRequest {
            metadata_directive: Some("REPLACE".into()),
            tagging_directive: Some("REPLACE".into()),
            content_type: Some("image/png".into()),
            ..copy(source, "replaced")
        };
        world.root::<op::CopyObject>(replaced).await.unwrap();
        let copied = world.root::<op::GetObject>(get("replaced")).await.unwrap();
        assert_eq!((copied.content_type.as_deref(), copied.tag_count), (Some("image/png"), None));
        assert!(copied.metadata.unwrap().is_empty());
    }
    let some = |text: &str| Some(text.to_owned());
    for (i, (input, expected)) in [
        (copy("bkt/copy", "copy"), "InvalidRequest"),
        (s::CopyObjectRequest { metadata_directive: some("REPLACE"), ..copy("bkt/copy", "copy") }, "ok"),
        (s::CopyObjectRequest { storage_class: some("STANDARD_IA"), ..copy("bkt/copy", "copy") }, "ok"),
        (s::CopyObjectRequest { server_side_encryption: some("AES256"), ..copy("bkt/copy", "copy") }, "ok"),
        (s::CopyObjectRequest { checksum_algorithm: some("SHA256"), ..copy("bkt/copy", "copy") }, "ok"),
        (
            s::CopyObjectRequest { metadata_directive: some("MERGE"), ..copy("bkt/copy", "x") },
            "InvalidArgument",
        ),
        (copy("bkt/missing", "x"), "NoSuchKey"),
        (copy("nope/k", "x"), "NoSuchBucket"),
        (copy("nonsense", "x"), "InvalidArgument"),
        (
            s::CopyObjectRequest { copy_source_if_match: some("\"x\""), ..copy("bkt/copy", "x") },
            "PreconditionFailed",
        ),
        (
            s::CopyObjectRequest { copy_source_if_none_match: some("*"), ..copy("bkt/copy", "x") },
            "PreconditionFailed",
        ),
        (
            s::CopyObjectRequest {
                copy_source_if_modified_since: Some(world.env.now()),
                ..copy("bkt/copy", "x")
            },
            "PreconditionFailed",
        ),
        (
            s::CopyObjectRequest {
                copy_source_if_unmodified_since: Some(Instant::EPOCH),
                ..copy("bkt/copy", "x")
            },
            "PreconditionFailed",
        ),
        (s::CopyObjectRequest { if_none_match: some("*"), ..copy("bkt/copy", "copy2") }, "ok"),
        (
            s::CopyObjectRequest { if_none_match: some("*"), ..copy("bkt/copy", "copy2") },
            "PreconditionFailed",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(code(&world.root::<op::CopyObject>(input).await), expected, "case {i}");
    }
}

#[tokio::test]
async fn copying_onto_itself_changes_something() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let copy = || s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        copy_source: "bkt/k".into(),
        ..Default::default()
    };
    assert_eq!(code(&world.root::<op::CopyObject>(copy()).await), "InvalidRequest");
    // A class counts that the object has already.
    let same = s::CopyObjectRequest { storage_class: Some("STANDARD".into()), ..copy() };
    assert_eq!(code(&world.root::<op::CopyObject>(same).await), "ok");
}

#[tokio::test]
async fn deleting_many() {
    let world = World::with_bucket().await;
    for key in ["a", "c", "d"] {
        world.put(key, key).await;
    }
    let object = |key: &str| s::ObjectIdentifier { key: key.into(), ..Default::default() };
    let request = |objects, quiet| s::DeleteObjectsRequest {
        bucket: "bkt".into(),
        delete: s::Delete { objects, quiet: Some(quiet) },
        checksum_algorithm: Some("CRC32".into()),
        ..Default::default()
    };
    let stale = s::ObjectIdentifier { e_tag: Some("\"stale\"".into()), ..object("d") };
    let wrong = s::ObjectIdentifier { version_id: Some("nonsense".into()), ..object("a") };
    let output = world
        .root::<op::DeleteObjects>(request(vec![object("a"), object("missing"), stale, wrong], false))
        .await
        .unwrap();
    let deleted: Vec<_> = output.deleted.unwrap().into_iter().filter_map(|entry| entry.key).collect();
    assert_eq!(deleted, ["a", "missing"]);
    let mut errors: Vec<_> = output.errors.unwrap().into_iter().filter_map(|entry| entry.code).collect();
    errors.sort();
    assert_eq!(errors, ["NoSuchVersion", "PreconditionFailed"]);
    assert_eq!(world.keys().await, ["c", "d"]);
    let quiet = world.root::<op::DeleteObjects>(request(vec![object("c"), object("d")], true)).await.unwrap();
    assert!(quiet.deleted.is_none() && quiet.errors.is_none());
    assert!(world.keys().await.is_empty());
    let many = (0..1001).map(|i| object(&i.to_string())).collect();
    assert_eq!(code(&world.root::<op::DeleteObjects>(request(many, false)).await), "MalformedXML");
    assert_eq!(code(&world.root::<op::DeleteObjects>(request(Vec::new(), false)).await), "MalformedXML");
}

#[tokio::test]
async fn deletes_free_the_bytes() {
    let world = World::with_bucket().await;
    let blobs = &world.s3.content.blobs;
    let put_large = |key: &'static str| world.put(key, noise(100_000));
    put_large("k").await;
    let data =
        world.s3.records.find(bucket_id(&world).await, "k", None).await.unwrap().unwrap().body.unwrap().data;
    let crate::model::Data::Blob(first) = data else { panic!("large objects are blobs") };
    // A reader that began before keeps the bytes to its end.
    let reading = world.root::<op::GetObject>(get("k")).await.unwrap();
    put_large("k").await;
    assert!(blobs.stat(first).await.is_ok());
    assert_eq!(reading.body.collect(100_000).await.unwrap(), noise(100_000));
    world.s3.content.delete_retired().await;
    assert!(blobs.stat(first).await.is_err());
    world.delete("k").await;
    assert!(!world.s3.records.owns_blob(first).await.unwrap());
}

async fn bucket_id(world: &World) -> u64 {
    world.s3.records.bucket("bkt").await.unwrap().unwrap().id
}

#[tokio::test]
async fn tagging_of_objects() {
    let world = World::with_bucket().await;
    let tag = |key: &str| s::Tag { key: key.into(), value: "v".into() };
    let set = |tags: Vec<s::Tag>| s::PutObjectTaggingRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        tagging: s::Tagging { tag_set: tags },
        ..Default::default()
    };
    let read = || s::GetObjectTaggingRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    assert_eq!(code(&world.root::<op::PutObjectTagging>(set(vec![tag("a")])).await), "NoSuchKey");
    world.put("k", "x").await;
    assert!(world.root::<op::GetObjectTagging>(read()).await.unwrap().tag_set.is_empty());
    world.root::<op::PutObjectTagging>(set(vec![tag("a"), tag("b")])).await.unwrap();
    assert_eq!(world.root::<op::GetObjectTagging>(read()).await.unwrap().tag_set.len(), 2);
    let eleven = (0..11).map(|i| tag(&i.to_string())).collect();
    assert_eq!(code(&world.root::<op::PutObjectTagging>(set(eleven)).await), "BadRequest");
    let delete =
        s::DeleteObjectTaggingRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    world.root::<op::DeleteObjectTagging>(delete).await.unwrap();
    assert!(world.root::<op::GetObjectTagging>(read()).await.unwrap().tag_set.is_empty());
    assert_eq!(world.get("k").await.unwrap(), b"x");
}
