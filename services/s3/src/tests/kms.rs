//! What needs other services: encryption with keys of KMS, against one that only knows what S3 asks (which key, in which
//! context, for whom); and forms that are signed with a key of IAM.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_blob::Blobs;
use haneul_front::{Cloud as Front, Options};
use haneul_kit::platform::{Config, RootKey};
use haneul_kit::{
    Access, AccountId, ApiError, ByteStream, Caller, Cx, Env, Handle, Operation, Platform, Region, Result,
    Seal, Service,
};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_store::Store;
use parking_lot::Mutex;

use super::world::{code, get, put};
use crate::S3;

const KEY: &str = "arn:aws:kms:us-east-1:000000000000:key/k";

/// Its data keys are what it encrypted: only the context must be the same. Key ids that end in `denied` are.
#[derive(Default)]
struct Stub {
    asked: Mutex<Vec<String>>,
}

fn text(context: &Option<haneul_shape::value::Map<String>>) -> String {
    let pairs: Vec<String> = context.iter().flat_map(|map| &map.0).map(|(k, v)| format!("{k}={v}")).collect();
    pairs.join(",")
}

impl Handle<kms::GenerateDataKey> for Stub {
    async fn access(&self, _: &Cx, _: &k::GenerateDataKeyRequest) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn call(&self, cx: &Cx, input: k::GenerateDataKeyRequest) -> Result<k::GenerateDataKeyResponse> {
        assert_eq!(cx.called_via(), ["s3.amazonaws.com"]);
        let context = text(&input.encryption_context);
        self.asked.lock().push(format!("generate {} {context}", input.key_id));
        if input.key_id.ends_with("denied") {
            return Err(ApiError::new("AccessDeniedException", "not for you").with_status(400));
        }
        let plain = [42; 32];
        let blob = [&plain[..], context.as_bytes()].concat();
        Ok(k::GenerateDataKeyResponse {
            ciphertext_blob: Some(blob.into()),
            plaintext: Some(plain.to_vec().into()),
            key_id: Some(KEY.into()),
            ..Default::default()
        })
    }
}

impl Handle<kms::Decrypt> for Stub {
    async fn access(&self, _: &Cx, _: &k::DecryptRequest) -> Result<Vec<Access>> {
        Ok(Vec::new())
    }

    async fn call(&self, _: &Cx, input: k::DecryptRequest) -> Result<k::DecryptResponse> {
        let context = text(&input.encryption_context);
        self.asked.lock().push(format!("decrypt {context}"));
        let blob = input.ciphertext_blob.unwrap();
        assert_eq!(&blob[32..], context.as_bytes(), "the context is part of it");
        Ok(k::DecryptResponse {
            plaintext: Some(blob[..32].to_vec().into()),
            key_id: Some(KEY.into()),
            ..Default::default()
        })
    }
}

struct World {
    platform: Platform,
    env: Env,
    kms: Arc<Stub>,
    s3: Arc<S3>,
    _front: Arc<Front>,
}

impl World {
    async fn new() -> World {
        let env = Env::simulated(5);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let root = RootKey {
            account: AccountId::DEFAULT,
            access_key_id: "test".into(),
            secret_access_key: "secret".into(),
        };
        let config = Config { root_keys: vec![root], relaxed: false };
        let blobs = Blobs::memory(&env);
        let platform = Platform::new(env.clone(), Store::memory(), blobs, None, seal, config);
        let kms = Arc::new(Stub::default());
        let service = Service::of(&haneul_kms_wire::SERVICE, kms.clone());
        let service = service.op::<kms::GenerateDataKey>().op::<kms::Decrypt>().build();
        let mut services = vec![haneul_iam::service(&platform).await.unwrap(), service];
        let s3 = Arc::new(S3::new(&platform));
        services.extend(crate::service::services_of(s3.clone()));
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_kms_wire::SERVICE,
            &haneul_s3_wire::SERVICE,
            &haneul_s3control_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        let world = World { platform, env, kms, s3, _front: front };
        let input = s::CreateBucketRequest { bucket: "bkt".into(), ..Default::default() };
        world.call::<op::CreateBucket>(input).await.unwrap();
        world
    }

    async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        let root = Caller::root(AccountId::DEFAULT);
        self.platform.bus.call::<O>(root, Region::US_EAST_1, None, input).await
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.kms.asked.lock())
    }

    async fn read(&self, key: &str) -> Vec<u8> {
        self.call::<op::GetObject>(get(key)).await.unwrap().body.collect(usize::MAX).await.unwrap()
    }
}

fn put_with(key: &str, kms_key: Option<&str>) -> s::PutObjectRequest {
    s::PutObjectRequest {
        server_side_encryption: Some("aws:kms".into()),
        ssekms_key_id: kms_key.map(str::to_owned),
        body: ByteStream::from_bytes(vec![b'x'; 100_000]),
        ..put(key, "")
    }
}

#[tokio::test]
async fn each_object_has_a_key_of_kms() {
    let world = World::new().await;
    let made = world.call::<op::PutObject>(put_with("k", Some("my-key"))).await.unwrap();
    assert_eq!(made.server_side_encryption.as_deref(), Some("aws:kms"));
    assert_eq!(made.ssekms_key_id.as_deref(), Some(KEY));
    assert_eq!(made.bucket_key_enabled, None);
    assert_eq!(world.asked(), ["generate my-key aws:s3:arn=arn:aws:s3:::bkt/k"]);
    assert_eq!(world.read("k").await, vec![b'x'; 100_000]);
    assert_eq!(world.asked(), ["decrypt aws:s3:arn=arn:aws:s3:::bkt/k"]);
    // A look at it asks KMS for nothing.
    let head = s::HeadObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    let shown = world.call::<op::HeadObject>(head).await.unwrap();
    assert_eq!((shown.ssekms_key_id.as_deref(), world.asked().len()), (Some(KEY), 0));
    // Without a key, that of the account; with the client's context.
    let header = "eyJ0ZWFtIjoiYSJ9";
    let input = s::PutObjectRequest { ssekms_encryption_context: Some(header.into()), ..put_with("c", None) };
    let made = world.call::<op::PutObject>(input).await.unwrap();
    assert_eq!(made.ssekms_encryption_context.as_deref(), Some(header));
    assert_eq!(world.asked(), ["generate alias/aws/s3 aws:s3:arn=arn:aws:s3:::bkt/c,team=a"]);
    assert_eq!(world.read("c").await.len(), 100_000);
    let denied = world.call::<op::PutObject>(put_with("d", Some("denied"))).await;
    assert_eq!(code(&denied), "AccessDenied");
    let input = s::PutObjectRequest { ssekms_encryption_context: Some("e".into()), ..put_with("d", None) };
    assert_eq!(code(&world.call::<op::PutObject>(input).await), "InvalidArgument");
}

#[tokio::test]
async fn keys_of_kms_want_signature_version_4() {
    let world = World::new().await;
    world.call::<op::PutObject>(put_with("k", None)).await.unwrap();
    world.call::<op::PutObject>(put("own", "x")).await.unwrap();
    let message = "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.";
    let root = || Caller::root(AccountId::DEFAULT);
    let anonymous = || Caller::anonymous(AccountId::DEFAULT);
    for (caller, target, refused) in [
        (root(), "/", false),
        (root(), "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", false),
        (root(), "/?AWSAccessKeyId=test", true),
        (anonymous(), "/", true),
    ] {
        let target = http::Uri::from_static(target);
        let http = haneul_kit::RequestHead::new(http::Method::GET, target.clone(), http::HeaderMap::new());
        let cx = Cx::new(haneul_kit::cx::Parts {
            http: Some(http),
            ..haneul_kit::cx::Parts::within("r", caller, Region::US_EAST_1, world.env.now())
        });
        let head = s::HeadObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
        let answers = [
            Handle::<op::GetObject>::call(&*world.s3, &cx, get("k")).await.err(),
            Handle::<op::HeadObject>::call(&*world.s3, &cx, head).await.err(),
            Handle::<op::PutObject>::call(&*world.s3, &cx, put_with("new", None)).await.err(),
        ];
        for answer in answers {
            assert_eq!(answer.as_ref().map(|error| error.message()), refused.then_some(message), "{target}");
            if let Some(error) = answer {
                assert_eq!((error.code(), error.status()), ("InvalidArgument", Some(400)));
                let argument = |name, value: &str| (name, value.to_owned());
                let fields = [argument("ArgumentName", "Authorization"), argument("ArgumentValue", "null")];
                assert_eq!(error.fields(), fields);
            }
        }
        assert!(Handle::<op::GetObject>::call(&*world.s3, &cx, get("own")).await.is_ok(), "{target}");
    }
}

#[tokio::test]
async fn a_bucket_key_serves_many_objects_for_a_while() {
    let world = World::new().await;
    let rule = s::ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(s::ServerSideEncryptionByDefault {
            sse_algorithm: "aws:kms".into(),
            kms_master_key_id: Some("my-key".into()),
        }),
        bucket_key_enabled: Some(true),
        ..Default::default()
    };
    let input = s::PutBucketEncryptionRequest {
        bucket: "bkt".into(),
        server_side_encryption_configuration: s::ServerSideEncryptionConfiguration { rules: vec![rule] },
        ..Default::default()
    };
    world.call::<op::PutBucketEncryption>(input).await.unwrap();
    for key in ["a", "b"] {
        let made = world.call::<op::PutObject>(put(key, "hello")).await.unwrap();
        assert_eq!(made.bucket_key_enabled, Some(true));
    }
    assert_eq!(world.asked(), ["generate my-key aws:s3:arn=arn:aws:s3:::bkt"]);
    assert_eq!(world.read("a").await, b"hello");
    assert_eq!(world.read("b").await, b"hello");
    assert_eq!(world.asked(), ["decrypt aws:s3:arn=arn:aws:s3:::bkt"]);
    world.env.clock.advance(std::time::Duration::from_secs(301));
    assert_eq!(world.read("a").await, b"hello");
    world.call::<op::PutObject>(put("c", "hello")).await.unwrap();
    assert_eq!(world.asked().len(), 2);
    // Parts of an upload are of its key.
    let create =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "m".into(), ..Default::default() };
    let upload_id = world.call::<op::CreateMultipartUpload>(create).await.unwrap().upload_id.unwrap();
    let part = s::UploadPartRequest {
        bucket: "bkt".into(),
        key: "m".into(),
        upload_id: upload_id.clone(),
        part_number: 1,
        body: ByteStream::from_bytes("part"),
        ..Default::default()
    };
    let e_tag = world.call::<op::UploadPart>(part).await.unwrap().e_tag;
    let part = s::CompletedPart { part_number: Some(1), e_tag, ..Default::default() };
    let input = s::CompleteMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "m".into(),
        upload_id,
        multipart_upload: Some(s::CompletedMultipartUpload { parts: Some(vec![part]) }),
        ..Default::default()
    };
    let made = world.call::<op::CompleteMultipartUpload>(input).await.unwrap();
    assert_eq!(made.ssekms_key_id.as_deref(), Some(KEY));
    assert_eq!(world.read("m").await, b"part");
}

#[tokio::test]
async fn two_layers_of_encryption() {
    let world = World::new().await;
    let input = s::PutObjectRequest {
        server_side_encryption: Some("aws:kms:dsse".into()),
        ..put_with("d", Some("my-key"))
    };
    let made = world.call::<op::PutObject>(input).await.unwrap();
    assert_eq!(made.server_side_encryption.as_deref(), Some("aws:kms:dsse"));
    assert_eq!((made.ssekms_key_id.as_deref(), made.bucket_key_enabled), (Some(KEY), None));
    assert_eq!(world.read("d").await, vec![b'x'; 100_000]);
    let range = s::GetObjectRequest { range: Some("bytes=65530-65545".into()), ..get("d") };
    let part = world.call::<op::GetObject>(range).await.unwrap().body.collect(100).await.unwrap();
    assert_eq!(part, vec![b'x'; 16]);
    assert_eq!(world.asked().len(), 3);
    let input = s::PutObjectRequest {
        server_side_encryption: Some("aws:kms:dsse".into()),
        bucket_key_enabled: Some(true),
        ..put_with("d", None)
    };
    assert_eq!(code(&world.call::<op::PutObject>(input).await), "InvalidArgument");
    // As the bucket's default, for parts too.
    let rule = s::ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(s::ServerSideEncryptionByDefault {
            sse_algorithm: "aws:kms:dsse".into(),
            kms_master_key_id: Some("my-key".into()),
        }),
        ..Default::default()
    };
    let input = s::PutBucketEncryptionRequest {
        bucket: "bkt".into(),
        server_side_encryption_configuration: s::ServerSideEncryptionConfiguration { rules: vec![rule] },
        ..Default::default()
    };
    world.call::<op::PutBucketEncryption>(input).await.unwrap();
    let create =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "m".into(), ..Default::default() };
    let made = world.call::<op::CreateMultipartUpload>(create).await.unwrap();
    assert_eq!(made.server_side_encryption.as_deref(), Some("aws:kms:dsse"));
    let upload_id = made.upload_id.unwrap();
    let part = s::UploadPartRequest {
        bucket: "bkt".into(),
        key: "m".into(),
        upload_id: upload_id.clone(),
        part_number: 1,
        body: ByteStream::from_bytes(vec![b'y'; 200_000]),
        ..Default::default()
    };
    let e_tag = world.call::<op::UploadPart>(part).await.unwrap().e_tag;
    let part = s::CompletedPart { part_number: Some(1), e_tag, ..Default::default() };
    let input = s::CompleteMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "m".into(),
        upload_id,
        multipart_upload: Some(s::CompletedMultipartUpload { parts: Some(vec![part]) }),
        ..Default::default()
    };
    world.call::<op::CompleteMultipartUpload>(input).await.unwrap();
    assert_eq!(world.read("m").await, vec![b'y'; 200_000]);
}

#[tokio::test]
async fn the_encryption_of_objects_that_are_there_is_changed() {
    let world = World::new().await;
    let update = |key: &str, arn: &str, bucket_key: Option<bool>| s::UpdateObjectEncryptionRequest {
        bucket: "bkt".into(),
        key: key.into(),
        object_encryption: s::ObjectEncryption::SSEKMS(s::SSEKMSEncryption {
            kms_key_arn: arn.into(),
            bucket_key_enabled: bucket_key,
        }),
        ..Default::default()
    };
    let before = world.call::<op::PutObject>(put("k", vec![b'z'; 150_000])).await.unwrap();
    world.call::<op::UpdateObjectEncryption>(update("k", KEY, None)).await.unwrap();
    assert_eq!(world.asked(), [format!("generate {KEY} aws:s3:arn=arn:aws:s3:::bkt/k")]);
    let head = || s::HeadObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    let shown = world.call::<op::HeadObject>(head()).await.unwrap();
    assert_eq!((shown.ssekms_key_id.as_deref(), shown.bucket_key_enabled), (Some(KEY), None));
    assert_eq!(shown.e_tag, before.e_tag, "it is of the bytes, which are the same");
    assert_eq!(world.read("k").await, vec![b'z'; 150_000]);
    world.call::<op::UpdateObjectEncryption>(update("k", KEY, Some(true))).await.unwrap();
    assert_eq!(world.call::<op::HeadObject>(head()).await.unwrap().bucket_key_enabled, Some(true));
    assert_eq!(world.read("k").await, vec![b'z'; 150_000]);
    let other = "arn:aws:kms:us-east-1:111111111111:key/k";
    for (key, arn, expected) in [
        ("k", "alias/x", "InvalidRequest"),
        ("k", "arn:aws:kms:us-east-1:000000000000:alias/x", "InvalidRequest"),
        ("k", other, "AccessDenied"),
        ("missing", KEY, "NoSuchKey"),
        ("k", "arn:aws:kms:us-east-1:000000000000:key/denied", "AccessDenied"),
    ] {
        let refused = world.call::<op::UpdateObjectEncryption>(update(key, arn, None)).await;
        assert_eq!(code(&refused), expected, "{key} {arn}");
    }
    let double =
        s::PutObjectRequest { server_side_encryption: Some("aws:kms:dsse".into()), ..put_with("d", None) };
    world.call::<op::PutObject>(double).await.unwrap();
    let refused = world.call::<op::UpdateObjectEncryption>(update("d", KEY, None)).await;
    assert_eq!(code(&refused), "InvalidRequest");
}

/// Posts `file` under `key` with a policy that allows `in/` and up to ten bytes, valid for a minute.
async fn post(world: &World, secret: &str, key: &str, more: &[(&str, &str)], file: &str) -> String {
    let now = haneul_sigv4::Timestamp::from_unix_s(world.env.now().secs());
    let date = now.basic();
    let credential = format!("test/{}/us-east-1/s3/aws4_request", date.date());
    let policy = format!(
        r#"{{"expiration":"{}","conditions":[{{"bucket":"bkt"}},["starts-with","$key","in/"],["content-length-range",1,10],
        {{"x-amz-algorithm":"AWS4-HMAC-SHA256"}},{{"x-amz-credential":"{credential}"}},{{"x-amz-date":"{}"}}]}}"#,
        now.plus_s(60).extended(),
        date.as_str(),
    );
    let policy = STANDARD.encode(policy);
    let signer = haneul_sigv4::SigningKey::derive(secret, date.date(), "us-east-1", "s3");
    let signature = String::from_utf8(signer.sign(policy.as_bytes()).to_vec()).unwrap();
    let mut fields = vec![
        ("key", key),
        ("policy", &policy),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", &credential),
        ("x-amz-date", date.as_str()),
        ("x-amz-signature", &signature),
    ];
    fields.extend_from_slice(more);
    let mut form = String::new();
    for (name, value) in fields {
        form += &format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    form += "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    form += &format!("{file}\r\n--xx--\r\n");
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", http::HeaderValue::from_static("multipart/form-data; boundary=xx"));
    let http = haneul_kit::RequestHead::new(http::Method::POST, http::Uri::from_static("/bkt"), headers);
    let cx = Cx::new(haneul_kit::cx::Parts {
        secure: false,
        http: Some(http.clone()),
        ..haneul_kit::cx::Parts::within(
            "r",
            Caller::anonymous(AccountId::DEFAULT),
            Region::US_EAST_1,
            world.env.now(),
        )
    });
    code(&world.s3.post_object(&cx, &http, ByteStream::from_bytes(form)).await)
}

#[tokio::test]
async fn signed_forms() {
    let world = World::new().await;
    for (secret, key, more, file, expected) in [
        ("secret", "in/a", &[][..], "hello", "ok"),
        ("wrong", "in/b", &[], "hello", "SignatureDoesNotMatch"),
        ("secret", "out/b", &[], "hello", "AccessDenied"),
        ("secret", "in/b", &[("acl", "private")], "hello", "AccessDenied"),
        ("secret", "in/b", &[], "hello, world", "EntityTooLarge"),
        ("secret", "in/b", &[], "", "EntityTooSmall"),
    ] {
        assert_eq!(post(&world, secret, key, more, file).await, expected, "{secret} {key} {file}");
    }
    assert_eq!(world.read("in/a").await, b"hello");
    let missing = world.call::<op::GetObject>(get("in/b")).await;
    assert_eq!(code(&missing), "NoSuchKey");
}
