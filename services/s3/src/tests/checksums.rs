use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::world::{Who, World, code, get, put};
use crate::checksum::{ALL, Algorithm, Digest, encode};

fn with(algorithm: Algorithm, value: String, mut input: s::PutObjectRequest) -> s::PutObjectRequest {
    crate::checksum::wire::show!(input, algorithm, value);
    input
}

#[tokio::test]
async fn in_a_header() {
    let world = World::with_bucket().await;
    for algorithm in ALL.iter().copied() {
        let sum = encode(&Digest::of(algorithm, b"body"));
        let wrong = encode(&Digest::of(algorithm, b"other"));
        for (value, expected) in [
            (sum.clone(), "ok"),
            (wrong, "BadDigest"),
            ("AAAA".into(), "InvalidRequest"),
            ("%".into(), "InvalidRequest"),
        ] {
            let result = world.root::<op::PutObject>(with(algorithm, value, put("k", "body"))).await;
            assert_eq!(code(&result), expected, "{algorithm:?}");
        }
        let input = s::GetObjectRequest { checksum_mode: Some("ENABLED".into()), ..get("k") };
        let got = world.root::<op::GetObject>(input).await.unwrap();
        let shown = [
            got.checksum_crc32,
            got.checksum_crc32_c,
            got.checksum_crc64_nvme,
            got.checksum_sha1,
            got.checksum_sha256,
            got.checksum_sha512,
            got.checksum_md5,
        ];
        assert_eq!(shown.into_iter().flatten().collect::<Vec<_>>(), [sum], "{algorithm:?}");
        assert_eq!(got.checksum_type.as_deref(), Some("FULL_OBJECT"));
    }
    let two =
        with(Algorithm::Crc32, "AAAAAA==".into(), with(Algorithm::Crc32C, "AAAAAA==".into(), put("k", "x")));
    assert_eq!(code(&world.root::<op::PutObject>(two).await), "InvalidRequest");
    let mismatch = s::PutObjectRequest {
        checksum_algorithm: Some("SHA1".into()),
        ..with(Algorithm::Crc32, "AAAAAA==".into(), put("k", "x"))
    };
    assert_eq!(code(&world.root::<op::PutObject>(mismatch).await), "InvalidRequest");
    let announced = s::PutObjectRequest { checksum_algorithm: Some("SHA1".into()), ..put("k", "x") };
    assert_eq!(code(&world.root::<op::PutObject>(announced).await), "InvalidRequest");
    let xxhash = s::PutObjectRequest { checksum_xxhash3: Some("AAAAAAAAAAA=".into()), ..put("k", "x") };
    assert_eq!(code(&world.root::<op::PutObject>(xxhash).await), "NotImplemented");
}

#[tokio::test]
async fn in_a_trailer() {
    let world = World::with_bucket().await;
    let right = encode(&Digest::of(Algorithm::Crc32, b"body"));
    let name = HeaderName::from_static("x-amz-checksum-crc32");
    for (value, expected) in [
        (Some(right.as_str()), "ok"),
        (Some("AAAAAA=="), "BadDigest"),
        (Some("nonsense"), "InvalidRequest"),
        (None, "MalformedTrailerError"),
    ] {
        let who = Who::root().header("x-amz-trailer", "x-amz-checksum-crc32");
        let cx = world.cx(&who);
        let mut trailers = HeaderMap::new();
        if let Some(value) = value {
            trailers.insert(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        cx.http().unwrap().trailers.set(trailers);
        let input = s::PutObjectRequest { checksum_algorithm: Some("CRC32".into()), ..put("k", "body") };
        let result = world.call_in::<op::PutObject>(&cx, &who, input).await.result;
        assert_eq!(code(&result), expected, "{value:?}");
        if let Ok(output) = result {
            assert_eq!(output.checksum_crc32.as_deref(), Some(right.as_str()));
        }
    }
}
