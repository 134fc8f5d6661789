//! Metadata that is not ASCII, by every way in and out.

use haneul_kit::ByteStream;
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::value::Map;

use super::world::{World, get, put};
use crate::conditions::WriteConditions;
use crate::model::Body;
use crate::store::objects::NewObject;
use crate::store::watch::Watch;

/// As the codec reads a client's UTF-8.
fn latin1(text: &str) -> Option<Map<String>> {
    let name = "nonascii".to_owned();
    Some([(name, text.bytes().map(char::from).collect::<String>())].into_iter().collect())
}

async fn shown(world: &World, key: &str) -> String {
    let head = s::HeadObjectRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() };
    let head = world.root::<op::HeadObject>(head).await.unwrap();
    let got = world.root::<op::GetObject>(get(key)).await.unwrap();
    assert_eq!((&head.metadata, head.missing_meta), (&got.metadata, got.missing_meta));
    head.metadata.unwrap().get("nonascii").unwrap().clone()
}

#[tokio::test]
async fn every_write_takes_it_and_every_read_encodes_it() {
    let world = World::with_bucket().await;
    // S3 User Guide, "Working with object metadata".
    let (given, expected) = ("ÄMÄZÕÑ S3", "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=");
    let input = s::PutObjectRequest { metadata: latin1(given), ..put("put", "x") };
    world.root::<op::PutObject>(input).await.unwrap();
    assert_eq!(shown(&world, "put").await, expected);

    let copy = |metadata, directive: &str, key: &str| s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: key.into(),
        copy_source: "bkt/put".into(),
        metadata_directive: Some(directive.to_owned()),
        metadata,
        ..Default::default()
    };
    world.root::<op::CopyObject>(copy(None, "COPY", "copied")).await.unwrap();
    assert_eq!(shown(&world, "copied").await, expected);
    world.root::<op::CopyObject>(copy(latin1(given), "REPLACE", "replaced")).await.unwrap();
    assert_eq!(shown(&world, "replaced").await, expected);

    let begin = s::CreateMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "parts".into(),
        metadata: latin1("=?ISO-8859-1?Q?J=F8rn?="),
        ..Default::default()
    };
    let upload_id = world.root::<op::CreateMultipartUpload>(begin).await.unwrap().upload_id.unwrap();
    let part = s::UploadPartRequest {
        bucket: "bkt".into(),
        key: "parts".into(),
        upload_id: upload_id.clone(),
        part_number: 1,
        body: ByteStream::from_bytes("x"),
        ..Default::default()
    };
    let e_tag = world.root::<op::UploadPart>(part).await.unwrap().e_tag;
    let parts = vec![s::CompletedPart { part_number: Some(1), e_tag, ..Default::default() }];
    let complete = s::CompleteMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "parts".into(),
        upload_id,
        multipart_upload: Some(s::CompletedMultipartUpload { parts: Some(parts) }),
        ..Default::default()
    };
    world.root::<op::CompleteMultipartUpload>(complete).await.unwrap();
    assert_eq!(shown(&world, "parts").await, "=?UTF-8?Q?J=C3=B8rn?=");
}

#[tokio::test]
async fn what_older_versions_kept_is_readable() {
    let world = World::with_bucket().await;
    // They kept the UTF-8 that came in.
    let metadata = vec![("nonascii".to_owned(), "하늘".to_owned())];
    let body = Body { etag: "e".into(), metadata, ..Body::default() };
    let new = NewObject {
        bucket: world.bucket_id().await,
        bucket_name: "bkt",
        key: "old",
        owner: None,
        body: &body,
        inline: None,
        annotations: &[],
        conditions: &WriteConditions::default(),
        now: world.env.now(),
        modified: world.env.now(),
        random: [0; 16],
        watch: &Watch::nobody(),
    };
    world.s3.records.put_object(&new).await.unwrap();
    assert_eq!(shown(&world, "old").await, "=?UTF-8?B?7ZWY64qY?=");
}
