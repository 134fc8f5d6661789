use std::time::Duration;

use haneul_kit::{ByteStream, Instant, Principal};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use http::StatusCode;

use super::world::{Who, World, code, get, noise, put};
use crate::checksum::{Algorithm, Digest, encode};

const PART: usize = 5 * 1024 * 1024;

async fn begin(world: &World, change: impl FnOnce(&mut s::CreateMultipartUploadRequest)) -> String {
    let mut input =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    change(&mut input);
    world.root::<op::CreateMultipartUpload>(input).await.unwrap().upload_id.unwrap()
}

fn part(upload_id: &str, number: i32, body: Vec<u8>) -> s::UploadPartRequest {
    s::UploadPartRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        upload_id: upload_id.into(),
        part_number: number,
        body: ByteStream::from_bytes(body),
        ..Default::default()
    }
}

fn complete(upload_id: &str, parts: &[(i32, &str)]) -> s::CompleteMultipartUploadRequest {
    let parts = parts.iter().map(|(number, etag)| s::CompletedPart {
        part_number: Some(*number),
        e_tag: Some((*etag).to_owned()),
        ..Default::default()
    });
    s::CompleteMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        upload_id: upload_id.into(),
        multipart_upload: Some(s::CompletedMultipartUpload { parts: Some(parts.collect()) }),
        ..Default::default()
    }
}

async fn upload(world: &World, upload_id: &str, number: i32, body: Vec<u8>) -> String {
    world.root::<op::UploadPart>(part(upload_id, number, body)).await.unwrap().e_tag.unwrap()
}

#[tokio::test]
async fn from_parts_to_object() {
    let world = World::with_bucket().await;
    let id = begin(&world, |input| {
        input.content_type = Some("text/plain".into());
        input.tagging = Some("a=1".into());
    })
    .await;
    let whole = noise(2 * PART + 1000);
    let first = upload(&world, &id, 1, whole[..PART].to_vec()).await;
    upload(&world, &id, 2, noise(10)).await;
    let second = upload(&world, &id, 2, whole[PART..2 * PART].to_vec()).await;
    let last = upload(&world, &id, 7, whole[2 * PART..].to_vec()).await;
    upload(&world, &id, 9, noise(100_000)).await;
    assert!(world.keys().await.is_empty(), "nothing is to be seen before it is complete");

    let parts = [(1, first.as_str()), (2, second.as_str()), (7, last.as_str())];
    let done = world.root::<op::CompleteMultipartUpload>(complete(&id, &parts)).await.unwrap();
    let md5s: Vec<u8> =
        [&first, &second, &last].iter().flat_map(|e| hex::decode(e.trim_matches('"')).unwrap()).collect();
    let etag = format!("\"{}-3\"", hex::encode(Digest::of(Algorithm::Md5, &md5s)));
    assert_eq!(done.e_tag.as_ref(), Some(&etag));
    // Without a wish of the client's, the checksum is of the whole.
    assert_eq!(done.checksum_crc64_nvme, Some(encode(&Digest::of(Algorithm::Crc64Nvme, &whole))));
    assert_eq!(done.checksum_type.as_deref(), Some("FULL_OBJECT"));
    let again = world.root::<op::CompleteMultipartUpload>(complete(&id, &parts)).await.unwrap();
    assert_eq!(again.e_tag.as_ref(), Some(&etag));

    let got = world.root::<op::GetObject>(get("k")).await.unwrap();
    assert_eq!((got.content_type.as_deref(), got.tag_count), (Some("text/plain"), Some(1)));
    assert_eq!(got.body.collect(usize::MAX).await.unwrap(), whole);
    let across = s::GetObjectRequest { range: Some(format!("bytes={}-{}", PART - 2, PART + 1)), ..get("k") };
    let got = world.root::<op::GetObject>(across).await.unwrap();
    assert_eq!(got.body.collect(4).await.unwrap(), whole[PART - 2..PART + 2]);
    let third = s::GetObjectRequest { part_number: Some(3), ..get("k") };
    let answered = world.call::<op::GetObject>(&Who::root(), third).await;
    assert_eq!(answered.status, Some(StatusCode::PARTIAL_CONTENT));
    let got = answered.result.unwrap();
    assert_eq!((got.parts_count, got.content_length), (Some(3), Some(1000)));
    assert_eq!(got.body.collect(1000).await.unwrap(), whole[2 * PART..]);
    let fourth = s::GetObjectRequest { part_number: Some(4), ..get("k") };
    assert_eq!(code(&world.root::<op::GetObject>(fourth).await), "InvalidPartNumber");

    // Overwriting it frees its parts and the manifest; the unused ones went before.
    assert_eq!(world.owned_blobs().await, 2);
    world.put("k", "x").await;
    assert_eq!(world.owned_blobs().await, 0);
}

#[tokio::test]
async fn checksums_of_parts() {
    let world = World::with_bucket().await;
    let algorithm = |name: &str, kind: Option<&str>| {
        let (name, kind) = (Some(name.to_owned()), kind.map(str::to_owned));
        move |input: &mut s::CreateMultipartUploadRequest| {
            input.checksum_algorithm = name;
            input.checksum_type = kind;
        }
    };
    let whole = noise(PART + 10);
    let (a, b) = whole.split_at(PART);
    // A composite one needs every part's.
    let id = begin(&world, algorithm("SHA256", None)).await;
    assert_eq!(code(&world.root::<op::UploadPart>(part(&id, 1, a.to_vec())).await), "InvalidRequest");
    let wrong = s::UploadPartRequest { checksum_crc32: Some("AAAAAA==".into()), ..part(&id, 1, a.to_vec()) };
    assert_eq!(code(&world.root::<op::UploadPart>(wrong).await), "InvalidRequest");
    let mut sums = Vec::new();
    let mut etags = Vec::new();
    for (number, bytes) in [(1, a), (2, b)] {
        let sum = Digest::of(Algorithm::Sha256, bytes);
        let input =
            s::UploadPartRequest { checksum_sha256: Some(encode(&sum)), ..part(&id, number, bytes.to_vec()) };
        let output = world.root::<op::UploadPart>(input).await.unwrap();
        assert_eq!(output.checksum_sha256, Some(encode(&sum)));
        etags.push(output.e_tag.unwrap());
        sums.extend(sum);
    }
    let listed = s::ListPartsRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        upload_id: id.clone(),
        ..Default::default()
    };
    let listed = world.root::<op::ListParts>(listed).await.unwrap();
    assert!(listed.parts.unwrap().iter().all(|part| part.checksum_sha256.is_some()));
    let parts = [(1, etags[0].as_str()), (2, etags[1].as_str())];
    let mut done = complete(&id, &parts);
    let refused = world.root::<op::CompleteMultipartUpload>(done.clone()).await.err();
    assert_eq!(
        refused.unwrap().message(),
        "The upload was created using a sha256 checksum. The complete request must include the checksum for each part. \
         It was missing for part 1 in the request."
    );
    let listed = done.multipart_upload.as_mut().unwrap().parts.as_mut().unwrap();
    for (part, sum) in listed.iter_mut().zip(sums.chunks(32)) {
        part.checksum_sha256 = Some(encode(sum));
    }
    let done = world.root::<op::CompleteMultipartUpload>(done).await.unwrap();
    let composite = encode(&Digest::of(Algorithm::Sha256, &sums));
    assert_eq!(done.checksum_sha256, Some(format!("{composite}-2")));
    assert_eq!(done.checksum_type.as_deref(), Some("COMPOSITE"));
    let attributes = s::GetObjectAttributesRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        object_attributes: vec![
            "ETag,Checksum".into(),
            "ObjectParts".into(),
            "ObjectSize".into(),
            "StorageClass".into(),
        ],
        max_parts: Some(1),
        ..Default::default()
    };
    let shown = world.root::<op::GetObjectAttributes>(attributes).await.unwrap();
    assert_eq!(shown.checksum.unwrap().checksum_sha256, Some(composite));
    let parts = shown.object_parts.unwrap();
    assert_eq!((parts.total_parts_count, parts.is_truncated), (Some(2), Some(true)));
    assert_eq!(parts.parts.unwrap().len(), 1);
    assert_eq!(
        (shown.object_size, shown.storage_class.as_deref()),
        (Some(whole.len() as i64), Some("STANDARD"))
    );

    // A CRC of the whole is combined from those of the parts.
    for name in ["CRC32", "CRC32C", "CRC64NVME"] {
        let id = begin(&world, algorithm(name, Some("FULL_OBJECT"))).await;
        let first = upload(&world, &id, 1, a.to_vec()).await;
        let second = upload(&world, &id, 2, b.to_vec()).await;
        let done = complete(&id, &[(1, &first), (2, &second)]);
        let bad = s::CompleteMultipartUploadRequest { mpu_object_size: Some(1), ..done.clone() };
        assert_eq!(code(&world.root::<op::CompleteMultipartUpload>(bad).await), "InvalidRequest");
        let done = world.root::<op::CompleteMultipartUpload>(done).await.unwrap();
        let sum = Some(encode(&Digest::of(Algorithm::parse(name).unwrap(), &whole)));
        assert!(
            [done.checksum_crc32, done.checksum_crc32_c, done.checksum_crc64_nvme].contains(&sum),
            "{name}"
        );
    }
    for (name, kind, expected) in [
        (Some("SHA256"), Some("FULL_OBJECT"), "InvalidRequest"),
        (Some("CRC64NVME"), Some("COMPOSITE"), "InvalidRequest"),
        (None, Some("COMPOSITE"), "InvalidRequest"),
        (Some("ROT13"), None, "InvalidRequest"),
        (Some("XXHASH3"), None, "NotImplemented"),
        (Some("CRC32"), Some("COMPOSITE"), "ok"),
    ] {
        let input = s::CreateMultipartUploadRequest {
            bucket: "bkt".into(),
            key: "k".into(),
            checksum_algorithm: name.map(str::to_owned),
            checksum_type: kind.map(str::to_owned),
            ..Default::default()
        };
        assert_eq!(
            code(&world.root::<op::CreateMultipartUpload>(input).await),
            expected,
            "{name:?} {kind:?}"
        );
    }
}

#[tokio::test]
async fn refusals() {
    let world = World::with_bucket().await;
    let id = begin(&world, |_| {}).await;
    let etag = upload(&world, &id, 1, noise(10)).await;
    let listed = |upload_id: &str, key: &str| s::ListPartsRequest {
        bucket: "bkt".into(),
        key: key.into(),
        upload_id: upload_id.into(),
        ..Default::default()
    };
    assert_eq!(code(&world.root::<op::ListParts>(listed("nope", "k")).await), "NoSuchUpload");
    assert_eq!(code(&world.root::<op::ListParts>(listed(&id, "other")).await), "NoSuchUpload");
    for (number, expected) in
        [(0, "InvalidArgument"), (-1, "InvalidArgument"), (10_001, "InvalidArgument"), (10_000, "ok")]
    {
        assert_eq!(
            code(&world.root::<op::UploadPart>(part(&id, number, noise(1))).await),
            expected,
            "{number}"
        );
    }
    let cases: [(&[(i32, &str)], &str); 5] = [
        (&[], "MalformedXML"),
        (&[(1, "wrong")], "InvalidPart"),
        (&[(2, &etag)], "InvalidPart"),
        (&[(10_000, &etag), (1, &etag)], "InvalidPartOrder"),
        (&[(0, &etag)], "InvalidArgument"),
    ];
    for (parts, expected) in cases {
        assert_eq!(code(&world.root::<op::CompleteMultipartUpload>(complete(&id, parts)).await), expected);
    }
    world.put("k", "x").await;
    let only_new =
        s::CompleteMultipartUploadRequest { if_none_match: Some("*".into()), ..complete(&id, &[(1, &etag)]) };
    assert_eq!(code(&world.root::<op::CompleteMultipartUpload>(only_new).await), "PreconditionFailed");
    let with_match = |tag: &str| s::CompleteMultipartUploadRequest {
        if_match: Some(tag.into()),
        ..complete(&id, &[(1, &etag)])
    };
    let any = world.root::<op::CompleteMultipartUpload>(with_match("*")).await;
    assert_eq!(code(&any), "NotImplemented");
    let first = world.root::<op::CompleteMultipartUpload>(complete(&id, &[(0, &etag)])).await.err().unwrap();
    assert_eq!(first.message(), "PartNumber must be >= 1");
    let this = world.put("k", "x").await.e_tag.unwrap();
    let late = world.root::<op::CompleteMultipartUpload>(with_match(&this)).await;
    assert_eq!(code(&late), "ConditionalRequestConflict", "it was put after the upload began");
}

#[tokio::test]
async fn aborting_frees_everything() {
    let world = World::with_bucket().await;
    let id = begin(&world, |_| {}).await;
    upload(&world, &id, 1, noise(100_000)).await;
    upload(&world, &id, 2, noise(10)).await;
    let abort = || s::AbortMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        upload_id: id.clone(),
        ..Default::default()
    };
    world.root::<op::AbortMultipartUpload>(abort()).await.unwrap();
    assert_eq!(code(&world.root::<op::AbortMultipartUpload>(abort()).await), "NoSuchUpload");
    assert_eq!(code(&world.root::<op::UploadPart>(part(&id, 1, noise(1))).await), "NoSuchUpload");
    assert_eq!(
        code(&world.root::<op::CompleteMultipartUpload>(complete(&id, &[(1, "x")])).await),
        "NoSuchUpload"
    );
    assert_eq!(world.owned_blobs().await, 0);
}

#[tokio::test]
async fn copying_parts() {
    let world = World::with_bucket().await;
    let source = noise(300_000);
    world.put("source", source.clone()).await;
    let id = begin(&world, |_| {}).await;
    let copy = |number, range: Option<&str>| s::UploadPartCopyRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        upload_id: id.clone(),
        part_number: number,
        copy_source: "bkt/source".into(),
        copy_source_range: range.map(str::to_owned),
        ..Default::default()
    };
    for (range, expected) in [
        (Some("bytes=0-300000"), "InvalidArgument"),
        (Some("bytes=0-"), "InvalidArgument"),
        (Some("bytes=100-199999"), "ok"),
    ] {
        assert_eq!(code(&world.root::<op::UploadPartCopy>(copy(1, range)).await), expected, "{range:?}");
    }
    let output = world.root::<op::UploadPartCopy>(copy(1, Some("bytes=100-199999"))).await.unwrap();
    let etag = output.copy_part_result.unwrap().e_tag.unwrap();
    world.root::<op::CompleteMultipartUpload>(complete(&id, &[(1, &etag)])).await.unwrap();
    assert_eq!(world.get("k").await.unwrap(), source[100..200_000]);
    // An object of parts is a source like any other.
    let whole = s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: "c".into(),
        copy_source: "bkt/k".into(),
        ..Default::default()
    };
    world.root::<op::CopyObject>(whole).await.unwrap();
    assert_eq!(world.get("c").await.unwrap(), source[100..200_000]);
}

#[tokio::test]
async fn listing_uploads_and_parts() {
    let world = World::with_bucket().await;
    let mut ids = Vec::new();
    for key in ["a", "a", "dir/x", "dir/y", "z"] {
        world.env.clock.advance(std::time::Duration::from_secs(1));
        ids.push((key, begin(&world, |input| input.key = key.into()).await));
    }
    let list = |max, delimiter: Option<&str>| s::ListMultipartUploadsRequest {
        bucket: "bkt".into(),
        max_uploads: Some(max),
        delimiter: delimiter.map(str::to_owned),
        ..Default::default()
    };
    for max in [1, 2, 3, 10] {
        let mut found = Vec::new();
        let (mut key_marker, mut upload_id_marker) = (None, None);
        loop {
            let input = s::ListMultipartUploadsRequest { key_marker, upload_id_marker, ..list(max, None) };
            let page = world.root::<op::ListMultipartUploads>(input).await.unwrap();
            for upload in page.uploads.into_iter().flatten() {
                found.push((upload.key.unwrap(), upload.upload_id.unwrap()));
            }
            if page.is_truncated != Some(true) {
                let ended = (page.next_key_marker.unwrap(), page.next_upload_id_marker.unwrap());
                assert_eq!(found.last(), Some(&ended), "the last page says where it ended, too");
                break;
            }
            (key_marker, upload_id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
        let expected: Vec<(String, String)> =
            ids.iter().map(|(key, id)| ((*key).to_owned(), id.clone())).collect();
        assert_eq!(found, expected, "by {max}");
    }
    let folded = world.root::<op::ListMultipartUploads>(list(10, Some("/"))).await.unwrap();
    assert_eq!(folded.common_prefixes.unwrap().len(), 1);
    assert_eq!(folded.uploads.unwrap().len(), 3);

    let id = &ids[4].1;
    for number in [3, 1, 2] {
        let input = s::UploadPartRequest { key: "z".into(), ..part(id, number, noise(1)) };
        world.root::<op::UploadPart>(input).await.unwrap();
    }
    let parts = |after| s::ListPartsRequest {
        bucket: "bkt".into(),
        key: "z".into(),
        upload_id: id.clone(),
        max_parts: Some(2),
        part_number_marker: after,
        ..Default::default()
    };
    let first = world.root::<op::ListParts>(parts(None)).await.unwrap();
    assert_eq!((first.is_truncated, first.next_part_number_marker), (Some(true), Some(2)));
    let second = world.root::<op::ListParts>(parts(Some(2))).await.unwrap();
    // The last page says where it ended, too.
    assert_eq!((second.is_truncated, second.next_part_number_marker), (Some(false), Some(3)));
    assert_eq!(second.parts.unwrap()[0].part_number, Some(3));
}

#[tokio::test]
async fn an_upload_makes_a_version() {
    let world = World::with_bucket().await;
    world.version("Enabled").await;
    world.root::<op::PutObject>(put("k", "old")).await.unwrap();
    let id = begin(&world, |_| {}).await;
    let etag = upload(&world, &id, 1, noise(3)).await;
    let done = world.root::<op::CompleteMultipartUpload>(complete(&id, &[(1, &etag)])).await.unwrap();
    assert!(done.version_id.is_some());
    assert_eq!(world.get("k").await.unwrap(), noise(3));
}

#[tokio::test]
async fn a_listing_of_no_uploads_has_empty_markers() {
    let world = World::with_bucket().await;
    let list = |upload_id_marker: Option<&str>| s::ListMultipartUploadsRequest {
        bucket: "bkt".into(),
        key_marker: upload_id_marker.map(|_| "k".to_owned()),
        upload_id_marker: upload_id_marker.map(str::to_owned),
        ..Default::default()
    };
    let page = world.root::<op::ListMultipartUploads>(list(None)).await.unwrap();
    assert_eq!(
        (page.next_key_marker.as_deref(), page.next_upload_id_marker.as_deref()),
        (Some(""), Some(""))
    );
    assert_eq!((page.prefix, page.uploads.is_none()), (None, true));
    let id = begin(&world, |_| {}).await;
    let abort = s::AbortMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        upload_id: id.clone(),
        ..Default::default()
    };
    world.root::<op::AbortMultipartUpload>(abort).await.unwrap();
    assert!(world.root::<op::ListMultipartUploads>(list(Some(&id))).await.is_ok(), "where a page ended");
    let refused = world.root::<op::ListMultipartUploads>(list(Some("nonsense"))).await.err().unwrap();
    assert_eq!(refused.message(), "Invalid uploadId marker");
}

#[tokio::test]
async fn a_conditional_completion_conflicts_with_what_came_in_between() {
    let world = World::with_bucket().await;
    let (exists, changed) = ("If-None-Match", "If-Match");
    let ended = async |id: &str, etag: &str, if_match: Option<&str>| {
        let input = s::CompleteMultipartUploadRequest {
            if_match: if_match.map(str::to_owned),
            if_none_match: if_match.is_none().then(|| "*".to_owned()),
            ..complete(id, &[(1, etag)])
        };
        match world.root::<op::CompleteMultipartUpload>(input).await {
            Ok(_) => ("ok".to_owned(), None),
            Err(error) => {
                let condition = error.fields().iter().find(|(name, _)| *name == "Condition");
                (error.code().to_owned(), condition.map(|(_, value)| value.clone()))
            }
        }
    };
    let said = |code: &str, condition: &str| (code.to_owned(), Some(condition.to_owned()));

    // Nothing there before, nothing there after.
    let id = begin(&world, |_| {}).await;
    let etag = upload(&world, &id, 1, noise(3)).await;
    assert_eq!(ended(&id, &etag, None).await.0, "ok");
    // Something there, and then deleted.
    let id = begin(&world, |_| {}).await;
    upload(&world, &id, 1, noise(3)).await;
    assert_eq!(ended(&id, &etag, None).await, said("PreconditionFailed", exists));
    world.delete("k").await;
    assert_eq!(ended(&id, &etag, None).await, said("ConditionalRequestConflict", exists));
    // The same object all the time.
    let there = world.put("k", "same").await.e_tag.unwrap();
    let id = begin(&world, |_| {}).await;
    upload(&world, &id, 1, noise(3)).await;
    assert_eq!(ended(&id, &etag, Some("x")).await, said("PreconditionFailed", changed));
    // One that was written again, with the same tag.
    world.put("k", "same").await;
    assert_eq!(ended(&id, &etag, Some(&there)).await, said("ConditionalRequestConflict", changed));
    let id = begin(&world, |_| {}).await;
    upload(&world, &id, 1, noise(3)).await;
    assert_eq!(ended(&id, &etag, Some(&there)).await.0, "ok");
}

#[tokio::test]
async fn a_completion_of_nothing() {
    let world = World::with_bucket().await;
    let id = begin(&world, |_| {}).await;
    let empty = complete(&id, &[]);
    assert_eq!(code(&world.root::<op::CompleteMultipartUpload>(empty.clone()).await), "MalformedXML");
    let none = s::CompleteMultipartUploadRequest { multipart_upload: None, ..empty };
    let refused = world.root::<op::CompleteMultipartUpload>(none).await.err().unwrap();
    assert_eq!((refused.code(), refused.message()), ("InvalidRequest", "You must specify at least one part"));
}

#[tokio::test]
async fn an_object_is_as_old_as_its_upload() {
    let world = World::with_bucket().await;
    world.version("Enabled").await;
    let began = world.env.now();
    let id = begin(&world, |_| {}).await;
    let etag = upload(&world, &id, 1, noise(3)).await;
    world.env.clock.advance(Duration::from_secs(3600));
    world.put("k", "meanwhile").await;
    world.env.clock.advance(Duration::from_secs(3600));
    world.root::<op::CompleteMultipartUpload>(complete(&id, &[(1, &etag)])).await.unwrap();

    let got = world.root::<op::GetObject>(get("k")).await.unwrap();
    assert_eq!((got.content_length, got.last_modified), (Some(3), Some(Instant::from_secs(began.secs()))));
    let list = s::ListObjectsV2Request { bucket: "bkt".into(), ..Default::default() };
    let listed = world.root::<op::ListObjectsV2>(list).await.unwrap().contents.unwrap().remove(0);
    assert_eq!(listed.last_modified, got.last_modified);
    // It took the place of the version before when it was there, not when it was begun.
    let (bucket, now) = (world.bucket_id().await, world.env.now().secs());
    let older = world.s3.records.older_versions(bucket, "k", None, 10).await.unwrap();
    assert_eq!(older.iter().map(|one| one.noncurrent_since_s).collect::<Vec<_>>(), [Some(now)]);
}

#[tokio::test]
async fn the_initiator_may_list_parts_and_abort() {
    let world = World::with_bucket().await;
    let puts =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}]}"#;
    let ann = Who::user(puts);
    let mut eve = Who::user(puts);
    // One that came later has the name and not the id.
    eve.caller.principal = Principal::User { path: "/".into(), name: "ann".into(), id: "AIDALATER".into() };
    let denied = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"},
        {"Effect":"Deny","Action":["s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],"Resource":"*"}]}"#;
    let begun =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    let id =
        world.call::<op::CreateMultipartUpload>(&ann, begun.clone()).await.result.unwrap().upload_id.unwrap();
    let asked = async |who: &Who, id: &str, key: &str| {
        let list = s::ListPartsRequest {
            bucket: "bkt".into(),
            key: key.into(),
            upload_id: id.to_owned(),
            ..Default::default()
        };
        let abort = s::AbortMultipartUploadRequest {
            bucket: "bkt".into(),
            key: key.into(),
            upload_id: id.to_owned(),
            ..Default::default()
        };
        let listed = code(&world.call::<op::ListParts>(who, list).await.result);
        (listed, code(&world.call::<op::AbortMultipartUpload>(who, abort).await.result))
    };
    let (no, yes) = (("AccessDenied", "AccessDenied"), ("ok", "ok"));
    for (who, id, key, expected) in [
        (&eve, id.as_str(), "k", no),
        (&Who::user(denied), &id, "k", no),
        (&Who::other(), &id, "k", no),
        (&Who::anonymous(), &id, "k", no),
        (&ann, "another", "k", no),
        (&ann, &id, "other", no),
        (&ann, &id, "k", yes),
    ] {
        let said = asked(who, id, key).await;
        assert_eq!((said.0.as_str(), said.1.as_str()), expected, "{} {id} {key}", who.caller.arn());
    }

    // Another account's, which may put by the bucket's policy: its upload is that account's too, unless the owner denies it.
    let policy = async |statements: &str| {
        let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let input = s::PutBucketPolicyRequest { bucket: "bkt".into(), policy, ..Default::default() };
        world.root::<op::PutBucketPolicy>(input).await.unwrap();
    };
    let lets = r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::bkt/*"}"#;
    let keeps = r#"{"Effect":"Deny","Principal":"*","Action":["s3:AbortMultipartUpload","s3:ListMultipartUploadParts"],"Resource":"arn:aws:s3:::bkt/*"}"#;
    policy(lets).await;
    let id = world
        .call::<op::CreateMultipartUpload>(&Who::other(), begun)
        .await
        .result
        .unwrap()
        .upload_id
        .unwrap();
    policy(&format!("{lets},{keeps}")).await;
    assert_eq!(asked(&Who::other(), &id, "k").await.1, "AccessDenied");
    policy(lets).await;
    assert_eq!(asked(&ann, &id, "k").await.1, "AccessDenied");
    assert_eq!(asked(&Who::other(), &id, "k").await, ("ok".to_owned(), "ok".to_owned()));
}
