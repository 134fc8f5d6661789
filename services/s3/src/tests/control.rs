use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::{AccountId, Caller};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3control_wire::{operations as control, shapes as c};

use super::cloud::{Cloud, OURS, THEIRS, policy, put, root};

fn get(bucket: &str, key: &str) -> s::GetObjectRequest {
    s::GetObjectRequest { bucket: bucket.into(), key: key.into(), ..Default::default() }
}

async fn set_policy(cloud: &Cloud, statement: &str) -> haneul_kit::Result<haneul_shape::Empty> {
    let input =
        s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy(statement), ..Default::default() };
    cloud.call::<op::PutBucketPolicy>(&root(OURS), input).await
}

#[tokio::test]
async fn an_account_s_block_counts_beside_the_bucket_s() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "k", "x").await;
    let unblock = s::DeletePublicAccessBlockRequest { bucket: "bkt".into(), ..Default::default() };
    cloud.ok::<op::DeletePublicAccessBlock>(unblock).await;
    let public =
        r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*""#;
    set_policy(&cloud, public).await.unwrap();
    let anonymous = Caller::anonymous(AccountId::DEFAULT);
    let read = || cloud.call::<op::GetObject>(&anonymous, get("bkt", "k"));
    assert!(read().await.is_ok());
    let account_id = OURS.to_string();
    let ask = || c::GetPublicAccessBlockRequest { account_id: account_id.clone() };
    let none = cloud.err::<control::GetPublicAccessBlock>(ask()).await;
    assert!(none.starts_with("NoSuchPublicAccessBlockConfiguration"), "{none}");
    let block = c::PutPublicAccessBlockRequest {
        account_id: account_id.clone(),
        public_access_block_configuration: c::PublicAccessBlockConfiguration {
            restrict_public_buckets: Some(true),
            block_public_policy: Some(true),
            ..Default::default()
        },
    };
    cloud.ok::<control::PutPublicAccessBlock>(block.clone()).await;
    assert!(read().await.is_err_and(|error| error.code() == "AccessDenied"));
    assert!(
        set_policy(&cloud, public).await.is_err_and(|error| error.message().contains("BlockPublicPolicy"))
    );
    let shown =
        cloud.ok::<control::GetPublicAccessBlock>(ask()).await.public_access_block_configuration.unwrap();
    assert_eq!((shown.restrict_public_buckets, shown.block_public_acls), (Some(true), Some(false)));
    let other = cloud.call::<control::PutPublicAccessBlock>(&root(THEIRS), block).await;
    assert!(other.is_err_and(|error| error.code() == "AccessDenied"), "another account's");
    let delete = c::DeletePublicAccessBlockRequest { account_id };
    cloud.ok::<control::DeletePublicAccessBlock>(delete).await;
    assert!(read().await.is_ok());
}

fn create(name: &str) -> c::CreateAccessPointRequest {
    c::CreateAccessPointRequest {
        account_id: OURS.to_string(),
        name: name.into(),
        bucket: "bkt".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn access_points_are_doors_with_a_policy_of_their_own() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "open/k", "x").await;
    cloud.put("bkt", "shut/k", "x").await;
    for (name, expected) in [("ab", "InvalidRequest"), ("Abc", "InvalidRequest"), ("a-", "InvalidRequest")] {
        assert!(cloud.err::<control::CreateAccessPoint>(create(name)).await.starts_with(expected));
    }
    let made = cloud.ok::<control::CreateAccessPoint>(create("door")).await;
    let alias = made.alias.unwrap();
    assert!(alias.starts_with("door-") && alias.ends_with("-s3alias") && alias.len() <= 63, "{alias}");
    let again = cloud.err::<control::CreateAccessPoint>(create("door")).await;
    assert!(again.starts_with("AccessPointAlreadyOwnedByYou"), "{again}");

    // The owner's root user, by alias and by the name in a host.
    let host = format!("door-{OURS}");
    for name in [alias.as_str(), host.as_str()] {
        assert_eq!(cloud.get(name, "open/k").await.unwrap(), "x");
        cloud.ok::<op::PutObject>(put(name, "new", "y")).await;
    }
    assert_eq!(cloud.get("bkt", "new").await.unwrap(), "y");

    // Another account: the bucket delegates to its owner's access points, and the access point decides.
    let theirs = root(THEIRS);
    let read = |key: &'static str| cloud.call::<op::GetObject>(&theirs, get(&alias, key));
    assert!(read("open/k").await.is_err());
    let delegate = format!(
        r#""Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"s3:*","Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"],
           "Condition":{{"StringEquals":{{"s3:DataAccessPointAccount":"{OURS}"}}}}"#
    );
    set_policy(&cloud, &delegate).await.unwrap();
    assert!(read("open/k").await.is_err(), "the access point has said nothing yet");
    let arn = format!("arn:aws:s3:us-east-1:{OURS}:accesspoint/door");
    let allow = format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Action":"s3:GetObject","Resource":"{arn}/object/open/*""#
    );
    let put_policy = |statement: &str| c::PutAccessPointPolicyRequest {
        account_id: OURS.to_string(),
        name: "door".into(),
        policy: policy(statement),
    };
    cloud.ok::<control::PutAccessPointPolicy>(put_policy(&allow)).await;
    assert!(read("open/k").await.is_ok());
    assert!(read("shut/k").await.is_err_and(|error| error.code() == "AccessDenied"));
    assert!(
        cloud.call::<op::GetObject>(&theirs, get("bkt", "open/k")).await.is_err(),
        "not by the front door"
    );
    let public =
        format!(r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"{arn}/object/*""#);
    assert!(
        cloud.err::<control::PutAccessPointPolicy>(put_policy(&public)).await.starts_with("AccessDenied")
    );
    let elsewhere = r#""Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*""#;
    assert!(
        cloud
            .err::<control::PutAccessPointPolicy>(put_policy(elsewhere))
            .await
            .starts_with("MalformedPolicy")
    );

    // A denial of the access point binds its own account's users too.
    let user = i::CreateUserRequest { user_name: "ann".into(), ..Default::default() };
    cloud.ok::<iam::CreateUser>(user).await;
    let may = i::PutUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "all".into(),
        policy_document: policy(r#""Effect":"Allow","Action":"s3:*","Resource":"*""#),
    };
    cloud.ok::<iam::PutUserPolicy>(may).await;
    let key = i::CreateAccessKeyRequest { user_name: Some("ann".into()) };
    let id = cloud.ok::<iam::CreateAccessKey>(key).await.access_key.access_key_id;
    let ann = cloud.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone();
    assert!(cloud.call::<op::GetObject>(&ann, get(&alias, "shut/k")).await.is_ok());
    let deny = format!(
        r#""Effect":"Deny","Principal":{{"AWS":"*"}},"Action":"s3:GetObject","Resource":"{arn}/object/shut/*""#
    );
    cloud.ok::<control::PutAccessPointPolicy>(put_policy(&deny)).await;
    assert!(cloud.call::<op::GetObject>(&ann, get(&alias, "shut/k")).await.is_err());
    assert!(cloud.call::<op::GetObject>(&ann, get("bkt", "shut/k")).await.is_ok());

    // What is listed and read, and how it ends.
    cloud.ok::<control::CreateAccessPoint>(create("another")).await;
    let list = c::ListAccessPointsRequest {
        account_id: OURS.to_string(),
        max_results: Some(1),
        ..Default::default()
    };
    let first = cloud.ok::<control::ListAccessPoints>(list.clone()).await;
    assert_eq!(first.access_point_list.unwrap()[0].name, "another");
    let list = c::ListAccessPointsRequest { next_token: first.next_token, ..list };
    let second = cloud.ok::<control::ListAccessPoints>(list).await;
    assert_eq!((second.access_point_list.unwrap()[0].name.as_str(), second.next_token), ("door", None));
    let delete = s::DeleteBucketRequest { bucket: "bkt".into(), ..Default::default() };
    for key in ["open/k", "shut/k", "new"] {
        let input = s::DeleteObjectRequest { bucket: "bkt".into(), key: key.into(), ..Default::default() };
        cloud.ok::<op::DeleteObject>(input).await;
    }
    let refused = cloud.err::<op::DeleteBucket>(delete.clone()).await;
    assert!(refused.starts_with("BucketHasAccessPointsAttached"), "{refused}");
    for name in ["door", "another"] {
        let input = c::DeleteAccessPointRequest { account_id: OURS.to_string(), name: name.into() };
        cloud.ok::<control::DeleteAccessPoint>(input).await;
    }
    assert!(cloud.get(&alias, "open/k").await.is_err_and(|error| error.code() == "NoSuchBucket"));
    cloud.ok::<op::DeleteBucket>(delete).await;
}

#[tokio::test]
async fn tags_by_arn() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.ok::<control::CreateAccessPoint>(create("door")).await;
    for resource_arn in
        ["arn:aws:s3:::bkt".to_owned(), format!("arn:aws:s3:us-east-1:{OURS}:accesspoint/door")]
    {
        let account_id = OURS.to_string();
        let tag = |key: &str| c::Tag { key: key.into(), value: "v".into() };
        let add = c::TagResourceRequest {
            account_id: account_id.clone(),
            resource_arn: resource_arn.clone(),
            tags: vec![tag("a"), tag("b")],
        };
        cloud.ok::<control::TagResource>(add).await;
        let remove = c::UntagResourceRequest {
            account_id: account_id.clone(),
            resource_arn: resource_arn.clone(),
            tag_keys: vec!["a".into()],
        };
        cloud.ok::<control::UntagResource>(remove).await;
        let read = c::ListTagsForResourceRequest { account_id, resource_arn };
        let tags = cloud.ok::<control::ListTagsForResource>(read).await.tags.unwrap();
        assert_eq!((tags.len(), tags[0].key.as_str()), (1, "b"));
    }
}

#[tokio::test]
async fn refusals_name_the_access_point() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let field = |error: &haneul_kit::ApiError, wanted: &str| {
        error.fields().iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone())
    };
    let named = |error: haneul_kit::ApiError| {
        (error.code().to_owned(), error.status(), field(&error, "AccessPointName").unwrap_or_default())
    };
    let root = root(OURS);
    let said = |code: &str, status: u16| (code.to_owned(), Some(status), "door".to_owned());
    let (account_id, name) = (OURS.to_string(), "door".to_owned());
    let read = c::GetAccessPointRequest { account_id: account_id.clone(), name: name.clone() };
    let refused = cloud.call::<control::GetAccessPoint>(&root, read).await.err().unwrap();
    assert_eq!(named(refused), said("NoSuchAccessPoint", 404));
    cloud.ok::<control::CreateAccessPoint>(create("door")).await;
    let refused = cloud.call::<control::CreateAccessPoint>(&root, create("door")).await.err().unwrap();
    assert_eq!(named(refused), said("AccessPointAlreadyOwnedByYou", 409));
    let read = c::GetAccessPointPolicyRequest { account_id: account_id.clone(), name };
    let refused = cloud.call::<control::GetAccessPointPolicy>(&root, read).await.err().unwrap();
    assert_eq!(named(refused), said("NoSuchAccessPointPolicy", 404));

    let elsewhere = c::CreateAccessPointRequest { bucket: "nowhere".into(), ..create("other") };
    let refused = cloud.err::<control::CreateAccessPoint>(elsewhere).await;
    assert_eq!(refused, "InvalidRequest: Amazon S3 AccessPoint can only be created for existing bucket");
    let list = |max_results, next_token: Option<&str>, bucket: Option<&str>| c::ListAccessPointsRequest {
        account_id: account_id.clone(),
        max_results,
        next_token: next_token.map(str::to_owned),
        bucket: bucket.map(str::to_owned),
        ..Default::default()
    };
    for (refused, words) in [
        (list(None, None, Some("nowhere")), "Amazon S3 AccessPoint can only be listed for existing bucket"),
        (list(Some(1001), None, None), "The range for the MaxResults parameter is not valid."),
        (list(Some(-1), None, None), "The range for the MaxResults parameter is not valid."),
        (list(None, Some("door"), None), "The next token is not valid."),
    ] {
        assert_eq!(cloud.err::<control::ListAccessPoints>(refused).await, format!("InvalidRequest: {words}"));
    }
    for (action, principal, words) in [
        ("s3:Nothing", "*", "Policy has invalid action"),
        ("s3:GetObject", "arn:aws:iam::111111111111:user/nobody", "Invalid principal in policy"),
    ] {
        let statement = format!(
            r#""Effect":"Deny","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"arn:aws:s3:us-east-1:{OURS}:accesspoint/door""#
        );
        let input = c::PutAccessPointPolicyRequest {
            account_id: account_id.clone(),
            name: "door".into(),
            policy: policy(&statement),
        };
        let refused = cloud.err::<control::PutAccessPointPolicy>(input).await;
        assert_eq!(refused, format!("MalformedPolicy: {words}"));
    }
}

/// There is no VPC here to come from.
#[tokio::test]
async fn an_access_point_of_a_vpc_lets_nobody_else_in() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "k", "x").await;
    let of_vpc = |name: &str, vpc_id: &str| c::CreateAccessPointRequest {
        vpc_configuration: Some(c::VpcConfiguration { vpc_id: vpc_id.into() }),
        ..create(name)
    };
    assert!(cloud.err::<control::CreateAccessPoint>(of_vpc("door", "")).await.starts_with("InvalidRequest"));
    let vpc = "vpc-0123456789abcdef0";
    let alias = cloud.ok::<control::CreateAccessPoint>(of_vpc("door", vpc)).await.alias.unwrap();
    for name in [alias.as_str(), &format!("door-{OURS}")] {
        assert!(cloud.get(name, "k").await.is_err_and(|error| error.code() == "AccessDenied"), "{name}");
    }
    let (account_id, name) = (OURS.to_string(), "door".to_owned());
    let shown = c::GetAccessPointRequest { account_id: account_id.clone(), name: name.clone() };
    let shown = cloud.ok::<control::GetAccessPoint>(shown).await;
    assert_eq!(shown.network_origin.as_deref(), Some("VPC"));
    assert_eq!(shown.vpc_configuration.unwrap().vpc_id, vpc);
    let public = format!(
        r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:us-east-1:{OURS}:accesspoint/door/object/*""#
    );
    let put = c::PutAccessPointPolicyRequest {
        account_id: account_id.clone(),
        name: name.clone(),
        policy: policy(&public),
    };
    cloud.ok::<control::PutAccessPointPolicy>(put).await;
    let status = c::GetAccessPointPolicyStatusRequest { account_id, name };
    let status = cloud.ok::<control::GetAccessPointPolicyStatus>(status).await.policy_status.unwrap();
    assert_eq!(status.is_public, Some(false), "nobody but the VPC can come");
}

#[tokio::test]
async fn tags_by_arn_are_refused_in_words_of_their_own() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let tag = |key: &str, value: &str| c::Tag { key: key.into(), value: value.into() };
    let many = (0..51).map(|i| tag(&i.to_string(), "v")).collect();
    for (arn, tags, expected) in [
        (
            "arn:aws:s3:::nowhere",
            vec![tag("a", "b")],
            "NoSuchResource: The specified resource doesn't exist.",
        ),
        ("arn:aws:s3:::bkt", vec![tag("a", "b"), tag("a", "c")], "InvalidTag: There are duplicate tag keys"),
        ("arn:aws:s3:::bkt", vec![tag("aws:a", "b")], "InvalidTag: User-defined tag keys can't start with"),
        (
            "arn:aws:s3:::bkt",
            vec![tag("a<", "b")],
            "InvalidTag: This request contains a tag key or value that",
        ),
        (
            "arn:aws:s3:::bkt",
            vec![tag("a", "<")],
            "InvalidTag: This request contains a tag key or value that",
        ),
        ("arn:aws:s3:::bkt", many, "TooManyTags: The number of tags exceeds the limit of 50 tags."),
    ] {
        let input = c::TagResourceRequest { account_id: OURS.to_string(), resource_arn: arn.into(), tags };
        let refused = cloud.err::<control::TagResource>(input).await;
        assert!(refused.starts_with(expected), "{refused}");
    }
}

#[tokio::test]
async fn a_block_must_say_something() {
    let cloud = Cloud::new().await;
    let nothing = c::PutPublicAccessBlockRequest {
        account_id: OURS.to_string(),
        public_access_block_configuration: c::PublicAccessBlockConfiguration::default(),
    };
    let refused = cloud.err::<control::PutPublicAccessBlock>(nothing).await;
    assert_eq!(refused, "InvalidRequest: Must specify at least one configuration.");
}
