//! Browser uploads without a signature; signed ones are tested with boto3, which makes them.

use haneul_kit::{ByteStream, Cx};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use http::{Method, Response};

use super::world::{Who, World, code};

fn form(fields: &[(&str, &str)], file: &str) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        form += &format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    form + "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"photo.jpg\"\r\n\
            Content-Type: image/jpeg\r\n\r\n"
        + file
        + "\r\n--xx--\r\n"
}

async fn post(world: &World, content_type: &str, form: String) -> haneul_kit::Result<Response<ByteStream>> {
    let who = Who { virtual_host: Some("bkt".into()), ..Who::anonymous() };
    let who = who.header("content-type", content_type).header("host", "bkt.s3.localhost:4566");
    let cx: Cx = world.with_method(&who, Method::POST);
    let http = cx.http().unwrap().clone();
    world.s3.post_object(&cx, &http, ByteStream::from_bytes(form)).await
}

const FORM: &str = "multipart/form-data; boundary=xx";

async fn public_world() -> World {
    let world = World::with_bucket().await;
    let unblock = s::DeletePublicAccessBlockRequest { bucket: "bkt".into(), ..Default::default() };
    world.root::<op::DeletePublicAccessBlock>(unblock).await.unwrap();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:PutObject","s3:PutObjectTagging"],"Resource":"arn:aws:s3:::bkt/in/*"}]}"#;
    let input =
        s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy.into(), ..Default::default() };
    world.root::<op::PutBucketPolicy>(input).await.unwrap();
    world
}

#[tokio::test]
async fn answers_as_the_form_wants() {
    let world = public_world().await;
    let key = ("key", "in/${filename}");
    for (fields, status, location) in [
        (vec![key], 204, "http://bkt.s3.localhost:4566/in%2Fphoto.jpg"),
        (vec![key, ("success_action_status", "200")], 200, "http://bkt.s3.localhost:4566/in%2Fphoto.jpg"),
        (vec![key, ("success_action_status", "404")], 204, "http://bkt.s3.localhost:4566/in%2Fphoto.jpg"),
        (vec![key, ("success_action_status", "201")], 201, "http://bkt.s3.localhost:4566/in%2Fphoto.jpg"),
        (
            vec![key, ("success_action_redirect", "http://example.com/done?a=b")],
            303,
            "http://example.com/done?a=b&bucket=bkt&key=in%2Fphoto.jpg&etag=%225d41402abc4b2a76b9719d911017c592%22",
        ),
        (
            vec![key, ("success_action_redirect", "nowhere")],
            204,
            "http://bkt.s3.localhost:4566/in%2Fphoto.jpg",
        ),
    ] {
        let answer = post(&world, FORM, form(&fields, "hello")).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{fields:?}");
        assert_eq!(answer.headers()["location"], location, "{fields:?}");
        assert_eq!(answer.headers()["etag"], "\"5d41402abc4b2a76b9719d911017c592\"");
        let body = String::from_utf8(answer.into_body().collect(1000).await.unwrap()).unwrap();
        assert_eq!(body.contains("<Key>in/photo.jpg</Key>"), status == 201, "{body}");
        assert_eq!(world.get("in/photo.jpg").await.unwrap(), b"hello");
        world.delete("in/photo.jpg").await;
    }
    let fields = [
        ("key", "in/k"),
        ("Content-Type", "text/plain"),
        ("x-amz-meta-Who", "me"),
        ("x-amz-meta-where", "하늘"),
        ("x-amz-meta-lines", "one\r\ntwo"),
        ("x-amz-meta-é", "no name of a header"),
        ("tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"),
        ("submit", "Upload"),
    ];
    post(&world, FORM, form(&fields, &"x".repeat(300_000))).await.unwrap();
    let head = s::HeadObjectRequest { bucket: "bkt".into(), key: "in/k".into(), ..Default::default() };
    let shown = world.root::<op::HeadObject>(head).await.unwrap();
    assert_eq!((shown.content_type.as_deref(), shown.content_length), (Some("text/plain"), Some(300_000)));
    let metadata = shown.metadata.unwrap();
    assert_eq!((metadata.get("who").map(String::as_str), shown.tag_count), (Some("me"), Some(1)));
    // A form is UTF-8.
    assert_eq!(metadata.get("where").map(String::as_str), Some("=?UTF-8?B?7ZWY64qY?="));
    assert_eq!((metadata.len(), shown.missing_meta), (2, Some(2)));
}

#[tokio::test]
async fn refused_forms() {
    let world = public_world().await;
    for (content_type, body, expected) in [
        ("text/plain", "hello".to_owned(), "PreconditionFailed"),
        (FORM, "hello".to_owned(), "MalformedPOSTRequest"),
        (FORM, form(&[], "x"), "InvalidArgument"),
        (FORM, form(&[("key", "")], "x"), "InvalidArgument"),
        (FORM, form(&[("key", "out/k")], "x"), "AccessDenied"),
        (FORM, form(&[("key", "in/k"), ("policy", "e30=")], "x"), "InvalidArgument"),
        (FORM, form(&[("key", "in/k"), ("AWSAccessKeyId", "a"), ("signature", "b")], "x"), "InvalidArgument"),
        (FORM, form(&[("key", "in/k"), ("acl", "public-read")], "x"), "AccessDenied"),
        (FORM, form(&[("key", "in/k"), ("tagging", "<a")], "x"), "MalformedXML"),
        (FORM, form(&[("key", "in/k"), ("x-amz-checksum-crc32", "AAAAAA==")], "x"), "BadDigest"),
    ] {
        let shown = body.chars().take(90).collect::<String>();
        assert_eq!(code(&post(&world, content_type, body).await), expected, "{shown}");
        assert!(world.keys().await.is_empty(), "{shown}");
    }
}
