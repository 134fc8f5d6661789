use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use super::world::{Who, World, code, get};

fn create(name: &str) -> s::CreateBucketRequest {
    s::CreateBucketRequest { bucket: name.into(), ..Default::default() }
}

fn within(name: &str, region: &str) -> s::CreateBucketRequest {
    let configuration =
        s::CreateBucketConfiguration { location_constraint: Some(region.into()), ..Default::default() };
    s::CreateBucketRequest { create_bucket_configuration: Some(configuration), ..create(name) }
}

#[tokio::test]
async fn creating() {
    let world = World::new();
    let output = world.root::<op::CreateBucket>(create("one")).await.unwrap();
    assert_eq!(output.location.as_deref(), Some("/one"));
    assert_eq!(output.bucket_arn.as_deref(), Some("arn:aws:s3:::one"));
    // Again: in us-east-1 it succeeds, elsewhere not; another account's name is taken.
    assert_eq!(code(&world.root::<op::CreateBucket>(create("one")).await), "ok");
    // Its ACL is then that of a new one.
    let of_acls = || s::CreateBucketRequest {
        object_ownership: Some("ObjectWriter".into()),
        acl: Some("log-delivery-write".into()),
        ..create("acls")
    };
    for (input, grants) in [(of_acls(), 3), (create("acls"), 1), (of_acls(), 3)] {
        world.root::<op::CreateBucket>(input).await.unwrap();
        let read = s::GetBucketAclRequest { bucket: "acls".into(), ..Default::default() };
        let acl = world.root::<op::GetBucketAcl>(read).await.unwrap();
        assert_eq!(acl.grants.unwrap().len(), grants);
    }
    assert_eq!(
        code(&world.call::<op::CreateBucket>(&Who::other(), create("one")).await.result),
        "BucketAlreadyExists"
    );
    let west = Who::root().in_region("eu-west-1");
    let made = world.call::<op::CreateBucket>(&west, within("two", "eu-west-1")).await.result.unwrap();
    assert_eq!(made.location.as_deref(), Some("http://two.s3.amazonaws.com/"));
    for who in [&west, &Who::root()] {
        let again = world.call::<op::CreateBucket>(who, within("two", "eu-west-1")).await.result;
        assert_eq!(code(&again), "BucketAlreadyOwnedByYou");
    }
    for (input, expected) in [
        (create("No_Good"), "InvalidBucketName"),
        (s::CreateBucketRequest { object_lock_enabled_for_bucket: Some(true), ..create("lock") }, "ok"),
        (s::CreateBucketRequest { acl: Some("private".into()), ..create("private-acl") }, "ok"),
        (
            s::CreateBucketRequest { acl: Some("public-read".into()), ..create("public-acl") },
            "InvalidBucketAclWithObjectOwnership",
        ),
        (
            s::CreateBucketRequest {
                acl: Some("public-read".into()),
                object_ownership: Some("ObjectWriter".into()),
                ..create("public-acl")
            },
            "InvalidBucketAclWithBlockPublicAccessError",
        ),
        (
            s::CreateBucketRequest { object_ownership: Some("Nobody".into()), ..create("own") },
            "InvalidArgument",
        ),
        (within("mars", "mars-1"), "InvalidLocationConstraint"),
        (within("nowhere", ""), "InvalidLocationConstraint"),
        (
            s::CreateBucketRequest {
                create_bucket_configuration: Some(Default::default()),
                ..create("bare")
            },
            "MalformedXML",
        ),
    ] {
        let name = input.bucket.clone();
        assert_eq!(code(&world.root::<op::CreateBucket>(input).await), expected, "{name}");
    }
}

#[tokio::test]
async fn buckets_of_a_region_that_is_none() {
    let world = World::with_bucket().await;
    let of =
        |region: &str| s::ListBucketsRequest { bucket_region: Some(region.into()), ..Default::default() };
    assert_eq!(code(&world.root::<op::ListBuckets>(of("us-east-1")).await), "ok");
    let refused = world.root::<op::ListBuckets>(of("mars-1")).await.err().unwrap();
    assert_eq!(refused.code(), "InvalidArgument");
    assert_eq!(refused.message(), "Argument value mars-1 is not a valid AWS Region");
}

#[tokio::test]
async fn deleting() {
    let world = World::with_bucket().await;
    let input = || s::DeleteBucketRequest { bucket: "bkt".into(), ..Default::default() };
    world.put("k", "x").await;
    assert_eq!(code(&world.root::<op::DeleteBucket>(input()).await), "BucketNotEmpty");
    world.delete("k").await;
    let upload =
        s::CreateMultipartUploadRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    let upload_id = world.root::<op::CreateMultipartUpload>(upload).await.unwrap().upload_id.unwrap();
    assert_eq!(code(&world.root::<op::DeleteBucket>(input()).await), "BucketNotEmpty");
    let abort = s::AbortMultipartUploadRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        upload_id,
        ..Default::default()
    };
    world.root::<op::AbortMultipartUpload>(abort).await.unwrap();
    world.version("Enabled").await;
    world.delete("k").await;
    let refused = world.root::<op::DeleteBucket>(input()).await.err().unwrap();
    assert!(refused.message().contains("You must delete all versions"), "{refused}");
    let other = World::with_bucket().await;
    let wrong = s::DeleteBucketRequest { expected_bucket_owner: Some("111111111111".into()), ..input() };
    assert_eq!(code(&other.root::<op::DeleteBucket>(wrong).await), "AccessDenied");
    assert_eq!(code(&other.root::<op::DeleteBucket>(input()).await), "ok");
    assert_eq!(code(&other.root::<op::DeleteBucket>(input()).await), "NoSuchBucket");
    assert_eq!(code(&other.get("k").await), "NoSuchBucket");
    // A bucket made anew does not see the old one's objects.
    other.create("bkt").await;
    assert!(other.keys().await.is_empty());
}

#[tokio::test]
async fn the_wrong_region() {
    let world = World::new();
    world.root::<op::CreateBucket>(within("bkt", "eu-west-1")).await.unwrap();
    let by_path = world.call::<op::GetObject>(&Who::root(), get("k")).await;
    let error = by_path.result.err().unwrap();
    assert_eq!((error.code(), error.status()), ("PermanentRedirect", Some(301)));
    assert_eq!(by_path.headers["x-amz-bucket-region"], "eu-west-1");
    let by_host = Who { virtual_host: Some("bkt".into()), ..Who::root() };
    let error = world.call::<op::GetObject>(&by_host, get("k")).await.result.err().unwrap();
    assert_eq!((error.code(), error.status()), ("AuthorizationHeaderMalformed", Some(400)));
    assert!(error.fields().contains(&("Region", "eu-west-1".into())));
    let right = Who::root().in_region("eu-west-1");
    assert_eq!(code(&world.call::<op::GetObject>(&right, get("k")).await.result), "NoSuchKey");

    let head = s::HeadBucketRequest { bucket: "bkt".into(), ..Default::default() };
    let headed = world.call::<op::HeadBucket>(&right, head.clone()).await;
    assert!(headed.result.is_ok());
    assert_eq!(headed.headers["x-amz-bucket-region"], "eu-west-1");
    assert_eq!(code(&world.root::<op::HeadBucket>(head).await), "PermanentRedirect");
    let missing = s::HeadBucketRequest { bucket: "nope".into(), ..Default::default() };
    assert_eq!(code(&world.root::<op::HeadBucket>(missing).await), "NoSuchBucket");
    let location = s::GetBucketLocationRequest { bucket: "bkt".into(), ..Default::default() };
    let located = world.root::<op::GetBucketLocation>(location).await.unwrap();
    assert_eq!(located.location_constraint.as_deref(), Some("eu-west-1"));
    // The old name of Ireland is given back.
    world.root::<op::CreateBucket>(within("old", "EU")).await.unwrap();
    let location = s::GetBucketLocationRequest { bucket: "old".into(), ..Default::default() };
    let located = world.root::<op::GetBucketLocation>(location).await.unwrap();
    assert_eq!(located.location_constraint.as_deref(), Some("EU"));
}

#[tokio::test]
async fn listing_buckets() {
    let world = World::new();
    for name in ["aa1", "aa2", "aa3", "bb1"] {
        world.create(name).await;
    }
    world.root::<op::CreateBucket>(within("aa0", "eu-west-1")).await.unwrap();
    world.call::<op::CreateBucket>(&Who::other(), create("zz9")).await.result.unwrap();
    let names = |output: &s::ListBucketsOutput| -> Vec<String> {
        output.buckets.iter().flatten().filter_map(|bucket| bucket.name.clone()).collect()
    };
    let all = world.root::<op::ListBuckets>(Default::default()).await.unwrap();
    assert_eq!(names(&all), ["aa0", "aa1", "aa2", "aa3", "bb1"]);
    assert!(all.buckets.unwrap()[0].bucket_region.is_none() && all.continuation_token.is_none());
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let input = s::ListBucketsRequest {
            prefix: Some("aa".into()),
            max_buckets: Some(2),
            bucket_region: Some("us-east-1".into()),
            continuation_token: token,
        };
        let page = world.root::<op::ListBuckets>(input).await.unwrap();
        assert!(page.buckets.as_ref().unwrap().len() <= 2);
        found.extend(names(&page));
        token = page.continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, ["aa1", "aa2", "aa3"]);
    for input in [
        s::ListBucketsRequest { max_buckets: Some(0), ..Default::default() },
        s::ListBucketsRequest { max_buckets: Some(10_001), ..Default::default() },
        s::ListBucketsRequest { continuation_token: Some("forged".into()), ..Default::default() },
    ] {
        assert_eq!(code(&world.root::<op::ListBuckets>(input).await), "InvalidArgument");
    }
}
