//! What is refused before an operation is asked, over HTTP through the front.

use haneul_s3_wire::{operations as op, shapes as s};
use http::{Request, request};

use super::cloud::Cloud;
use crate::checksum::{Algorithm, Digest, encode};

async fn world() -> Cloud {
    let cloud = Cloud::relaxed().await;
    cloud.bucket("bkt").await;
    cloud.put("bkt", "k", "hello").await;
    cloud
}

fn put(target: &str) -> request::Builder {
    Request::put(target)
}

/// Status and code, or the status alone where there is no error.
fn shown((status, body): &(u16, String)) -> String {
    let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or_else(|| status.to_string(), |(code, _)| format!("{status} {code}"))
}

async fn send(cloud: &Cloud, request: request::Builder, body: &str) -> (u16, String) {
    cloud.send(request.body(body).unwrap()).await
}

const LIFECYCLE: &str = "<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter/><Expiration><Days>1</Days>\
                         </Expiration></Rule></LifecycleConfiguration>";
const CORS: &str = "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin>\
                    </CORSRule></CORSConfiguration>";
const TAGGING: &str = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
const DELETE: &str = "<Delete><Object><Key>none</Key></Object></Delete>";
const VERSIONING: &str = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
const WEBSITE: &str =
    "<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}]}"#;

#[tokio::test]
async fn bodies_are_compared_with_what_vouches_for_them() {
    let cloud = world().await;
    for (method, target, body, needed) in [
        ("PUT", "/bkt?lifecycle", LIFECYCLE, true),
        ("PUT", "/bkt?cors", CORS, true),
        ("PUT", "/bkt?tagging", TAGGING, true),
        ("POST", "/bkt?delete", DELETE, true),
        ("PUT", "/bkt/k?tagging", TAGGING, false),
        ("PUT", "/bkt?versioning", VERSIONING, false),
        ("PUT", "/bkt?website", WEBSITE, false),
        ("PUT", "/bkt?policy", POLICY, false),
    ] {
        let of = |algorithm, text: &str| encode(&Digest::of(algorithm, text.as_bytes()));
        let none = || Request::builder().method(method).uri(target);
        let with = |name: &str, value: &str| none().header(name, value);
        let bare = send(&cloud, none(), body).await;
        let expected = if needed { "400 InvalidRequest" } else { "20" };
        assert!(shown(&bare).starts_with(expected), "{target}: {bare:?}");
        assert_eq!(
            bare.1.contains("Missing required header for this request: Content-MD5"),
            needed,
            "{bare:?}"
        );
        for (request, expected) in [
            (with("content-md5", &of(Algorithm::Md5, body)), "20"),
            (with("content-md5", &of(Algorithm::Md5, "other")), "400 BadDigest"),
            (with("content-md5", "nonsense"), "400 InvalidDigest"),
            (with("content-md5", "AAAA"), "400 InvalidDigest"),
            (with("x-amz-checksum-crc32", &of(Algorithm::Crc32, body)), "20"),
            (with("x-amz-checksum-crc32", "AAAAAA=="), "400 BadDigest"),
            (with("x-amz-checksum-sha256", &of(Algorithm::Sha256, body)), "20"),
            (with("x-amz-checksum-sha256", &of(Algorithm::Sha256, "other")), "400 BadDigest"),
            (with("x-amz-checksum-crc64nvme", "nonsense"), "400 InvalidRequest"),
        ] {
            let answer = send(&cloud, request, body).await;
            assert!(shown(&answer).starts_with(expected), "{target} {expected}: {answer:?}");
        }
        // A trailer is a checksum too.
        for (sum, expected) in [(of(Algorithm::Crc32, body), "20"), ("AAAAAA==".to_owned(), "400 BadDigest")]
        {
            let chunked = format!("{:x}\r\n{body}\r\n0\r\nx-amz-checksum-crc32:{sum}\r\n\r\n", body.len());
            let request = with("x-amz-trailer", "x-amz-checksum-crc32")
                .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
                .header("content-encoding", "aws-chunked")
                .header("x-amz-decoded-content-length", body.len());
            let answer = send(&cloud, request, &chunked).await;
            assert!(shown(&answer).starts_with(expected), "{target} {expected}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn an_upload_tells_its_length() {
    let cloud = world().await;
    let refused = send(&cloud, put("/bkt/new"), "").await;
    assert_eq!(shown(&refused), "411 MissingContentLength");
    assert!(cloud.get("bkt", "new").await.is_err());
    assert_eq!(send(&cloud, put("/bkt/new").header("content-length", "0"), "").await.0, 200);
    assert_eq!(cloud.get("bkt", "new").await.unwrap(), "");
    // Inside the cloud there is no header to tell it.
    cloud.put("bkt", "inside", "").await;
}

#[tokio::test]
async fn a_header_section_has_a_limit() {
    let cloud = world().await;
    let long = "a".repeat(8 * 1024);
    let refused = send(&cloud, Request::get("/bkt/k").header("x-filler", &long), "").await;
    assert_eq!(shown(&refused), "400 RequestHeaderSectionTooLarge");
    assert!(refused.1.contains("<MaxSizeAllowed>8192</MaxSizeAllowed>"), "{refused:?}");
    let nearly = &long[..7 * 1024];
    assert_eq!(send(&cloud, Request::get("/bkt/k").header("x-filler", nearly), "").await.0, 200);
    let query = Request::get(format!("/bkt?prefix={long}"));
    assert_ne!(shown(&send(&cloud, query, "").await), "400 RequestHeaderSectionTooLarge");
}

#[tokio::test]
async fn parameters_and_headers() {
    let cloud = world().await;
    let argument = |message: &str, name: &str, value: &str| {
        format!(
            "<Message>{message}</Message><ArgumentName>{name}</ArgumentName><ArgumentValue>{value}</ArgumentValue>"
        )
    };
    let range = |name: &str, value: &str| {
        argument(&format!("Provided {name} not an integer or within integer range"), name, value)
    };
    let encryption = "x-amz-server-side-encryption";
    let unsupported = argument(
        "x-amz-server-side-encryption header is not supported for this operation",
        encryption,
        "AES256",
    );
    let invalid_uri = "<Message>Couldn&apos;t parse the specified URI.</Message>".replace("&apos;", "'");
    for (request, status, code, expected) in [
        (Request::get("/bkt?max-keys=abc"), 400, "InvalidArgument", range("max-keys", "abc")),
        (
            Request::get("/bkt?list-type=2&max-keys=9999999999"),
            400,
            "InvalidArgument",
            range("max-keys", "9999999999"),
        ),
        (Request::get("/bkt?versions&max-keys=1.5"), 400, "InvalidArgument", range("max-keys", "1.5")),
        (Request::get("/bkt?uploads&max-uploads=x"), 400, "InvalidArgument", range("max-uploads", "x")),
        (Request::get("/bkt/k?uploadId=u&max-parts=x"), 400, "InvalidArgument", range("max-parts", "x")),
        (
            Request::get("/bkt?list-type=3"),
            400,
            "InvalidArgument",
            argument("Invalid List Type specified in Request", "list-type", "3"),
        ),
        (
            put("/bkt/k?partNumber=1").header("content-length", "1"),
            400,
            "InvalidArgument",
            argument(
                "This operation does not accept partNumber without uploadId",
                "partNumber",
                "partNumber",
            ),
        ),
        (
            put("/bkt/k?uploadId=u").header("content-length", "1"),
            405,
            "MethodNotAllowed",
            "<Method>PUT</Method><ResourceType>UPLOAD</ResourceType>".to_owned(),
        ),
        (Request::get("/bkt/k").header(encryption, "AES256"), 400, "InvalidArgument", unsupported),
        (
            Request::delete("/bkt/k").header("x-amz-if-match-size", "1"),
            501,
            "NotImplemented",
            "<Header>x-amz-if-match-size</Header>".to_owned(),
        ),
        (Request::get("/bkt/%ff%fe"), 400, "InvalidURI", invalid_uri.clone()),
        (Request::get("/bkt/../k"), 400, "InvalidURI", invalid_uri.clone()),
        (put("/bkt/%2E%2E/k").header("content-length", "1"), 400, "InvalidURI", invalid_uri.clone()),
        (Request::delete("/bkt/a/../../k"), 400, "InvalidURI", invalid_uri),
    ] {
        let target = request.uri_ref().unwrap().to_string();
        let body = if request.method_ref() == Some(&http::Method::PUT) { "x" } else { "" };
        let answer = send(&cloud, request, body).await;
        assert_eq!(shown(&answer), format!("{status} {code}"), "{target}");
        let text = answer.1.replace("&apos;", "'").replace("&#39;", "'");
        assert!(text.contains(&expected), "{target}: {text}");
    }
    for target in ["/bkt?max-keys=5", "/bkt?list-type=2&max-keys=0", "/bkt/a/../b?tagging", "/bkt?uploads"] {
        let answer = send(&cloud, Request::get(target), "").await;
        assert!(answer.0 == 200 || shown(&answer) == "404 NoSuchKey", "{target}: {answer:?}");
    }
    assert_eq!(cloud.get("bkt", "k").await.unwrap(), "hello");
    let head = Request::head("/bkt/k").header(encryption, "aws:kms");
    assert_eq!(send(&cloud, head, "").await.0, 400);
}

#[tokio::test]
async fn what_is_no_method_of_a_sub_resource_touches_nothing() {
    let cloud = world().await;
    let not_allowed = |method: &str, kind: &str| {
        let code = "<Code>MethodNotAllowed</Code>";
        let message = "<Message>The specified method is not allowed against this resource.</Message>";
        format!("{code}{message}<Method>{method}</Method><ResourceType>{kind}</ResourceType>")
    };
    for (method, target, kind) in [
        ("DELETE", "/bkt?acl", "ACL"),
        ("DELETE", "/bkt?location", "LOCATION"),
        ("DELETE", "/bkt?versioning", "VERSIONING"),
        ("DELETE", "/bkt?logging=", "LOGGING_STATUS"),
        ("DELETE", "/bkt?%61cl", "ACL"),
        ("PUT", "/new?uploads", "UPLOADS"),
        ("PUT", "/new?location", "LOCATION"),
        ("DELETE", "/bkt/k?acl", "ACL"),
        ("DELETE", "/bkt/k?retention", "OBJECT_LOCK_RETENTION"),
        ("DELETE", "/bkt/k?legal-hold", "OBJECT_LOCK_LEGALHOLD"),
        ("PUT", "/bkt/k?uploads", "UPLOADS"),
        ("PUT", "/bkt/k?attributes", "OBJECT_ATTRIBUTES"),
        ("GET", "/bkt/k?restore", "OBJECT_RESTORE"),
        ("DELETE", "/bkt?abac", "BUCKET"),
        ("DELETE", "/bkt/k?torrent", "OBJECT"),
        ("PUT", "/bkt/k?select", "OBJECT"),
        ("POST", "/bkt/k", "OBJECT"),
        ("POST", "/bkt/k?acl", "ACL"),
    ] {
        let request = Request::builder().method(method).uri(target).header("content-length", "0");
        let answer = send(&cloud, request, "").await;
        assert_eq!(answer.0, 405, "{method} {target}: {answer:?}");
        assert!(answer.1.contains(&not_allowed(method, kind)), "{method} {target}: {answer:?}");
    }
    for (target, expected) in [
        ("/bkt/k?versions", "400 InvalidRequest"),
        ("/bkt/k?uploads", "400 InvalidRequest"),
        ("/bkt/k?logging", "400 NoLoggingStatusForKey"),
    ] {
        assert_eq!(shown(&send(&cloud, Request::get(target), "").await), expected, "{target}");
    }
    assert_eq!(cloud.get("bkt", "k").await.unwrap(), "hello");
    assert_eq!(shown(&send(&cloud, Request::head("/new"), "").await), "404");
    // What means nothing to S3 changes nothing.
    assert_eq!(send(&cloud, Request::get("/bkt/k?x-id=GetObject&foo"), "").await.1, "hello");
}

#[tokio::test]
async fn forms_that_the_model_does_not_tell() {
    let cloud = world().await;
    let put = || put("/bkt/k").header("content-length", "1");
    let until = "x-amz-object-lock-retain-until-date";
    for (request, message) in [
        (Request::get("/bkt/k?versionId="), "Version id cannot be the empty string"),
        (Request::get("/bkt/k?tagging&versionId="), "Version id cannot be the empty string"),
        (Request::delete("/bkt/k?versionId="), "Version id cannot be the empty string"),
        (Request::get("/bkt/k?response-foo=1"), "response-foo is not in the set of overridable"),
        (
            Request::get("/bkt/k?partNumber=x"),
            "Part number must be an integer between 1 and 10000, inclusive",
        ),
        (put().header(until, "tomorrow"), "The retain until date must be provided in ISO 8601 format"),
        (
            put().header("x-amz-checksum-foo", "x"),
            "The algorithm type you specified in x-amz-checksum- header",
        ),
        (put().header("x-amz-trailer", "x-amz-foo"), "The value specified in the x-amz-trailer header"),
        (
            Request::post("/bkt/k?uploadId=x").header("x-amz-mp-object-size", "-1"),
            "Value for x-amz-mp-object-size header is invalid: ",
        ),
        (Request::get("/bkt/k?attributes"), "The x-amz-object-attributes header specifying the attributes"),
        (
            Request::get("/bkt/k?uploadId=x&part-number-marker=-1"),
            "Argument part-number-marker must be an integer between 0 and 2147483647",
        ),
        (
            Request::get("/bkt?versions&key-marker=k&version-id-marker="),
            "A version-id marker cannot be empty.",
        ),
    ] {
        let answer = send(&cloud, request, "x").await;
        assert_eq!(answer.0, 400, "{message}: {answer:?}");
        assert!(answer.1.contains(&format!("<Message>{message}")), "{message}: {answer:?}");
    }
    for (method, target, body) in [("PUT", "/bkt?policy", POLICY), ("PUT", "/bkt?tagging", TAGGING)] {
        let md5 = encode(&Digest::of(Algorithm::Md5, body.as_bytes()));
        let request = Request::builder().method(method).uri(target).header("content-md5", md5);
        assert_eq!(send(&cloud, request, body).await.0, 204, "{target}");
    }
    let trailer = Request::put("/bkt/k")
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-decoded-content-length", 1);
    let answer = send(&cloud, trailer, "1\r\nx\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n").await;
    assert!(answer.1.contains("Value for x-amz-checksum-crc32 trailing header is invalid."), "{answer:?}");
    assert_eq!(cloud.get("bkt", "k").await.unwrap(), "hello");
}

#[tokio::test]
async fn a_policy_is_the_owners_business() {
    let cloud = world().await;
    let theirs = super::cloud::root(super::cloud::THEIRS);
    let policy = super::cloud::policy(
        r#""Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":["s3:GetBucketPolicy","s3:PutBucketPolicy","s3:DeleteBucketPolicy"],"Resource":"arn:aws:s3:::bkt""#,
    );
    let put =
        || s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy.clone(), ..Default::default() };
    let get = || s::GetBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
    let delete = || s::DeleteBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
    let before = cloud.call::<op::GetBucketPolicy>(&theirs, get()).await.err();
    assert_eq!(before.unwrap().code(), "AccessDenied");
    cloud.ok::<op::PutBucketPolicy>(put()).await;
    for refused in [
        cloud.call::<op::GetBucketPolicy>(&theirs, get()).await.err(),
        cloud.call::<op::PutBucketPolicy>(&theirs, put()).await.err(),
        cloud.call::<op::DeleteBucketPolicy>(&theirs, delete()).await.err(),
    ] {
        let refused = refused.unwrap();
        assert_eq!((refused.code(), refused.status()), ("MethodNotAllowed", Some(405)));
        assert_eq!(refused.message(), "The specified method is not allowed against this resource.");
    }
    let told = policy.replace(r#""222222222222""#, r#""arn:aws:iam::222222222222:root""#);
    assert_eq!(cloud.ok::<op::GetBucketPolicy>(get()).await.policy, Some(told), "an account has an ARN");
}

#[tokio::test]
async fn a_policy_names_who_exists() {
    use haneul_iam_wire::{operations as iam, shapes as i};

    let cloud = world().await;
    let user =
        i::CreateUserRequest { user_name: "ann".into(), path: Some("/team/".into()), ..Default::default() };
    cloud.ok::<iam::CreateUser>(user).await;
    cloud.role("reader", r#""Effect":"Allow","Action":"s3:*","Resource":"*""#).await;
    for (principal, expected) in [
        ("111111111111", "ok"),
        ("arn:aws:iam::111111111111:root", "ok"),
        ("arn:aws:iam::111111111111:user/team/ann", "ok"),
        ("arn:aws:iam::111111111111:user/ann", "MalformedPolicy"),
        ("arn:aws:iam::111111111111:user/nobody", "MalformedPolicy"),
        ("arn:aws:iam::111111111111:role/reader", "ok"),
        ("arn:aws:iam::111111111111:role/nobody", "MalformedPolicy"),
        // Nothing is known of that account.
        ("arn:aws:iam::333333333333:role/partner", "ok"),
    ] {
        let policy = super::cloud::policy(&format!(
            r#""Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*""#
        ));
        let input = s::PutBucketPolicyRequest { bucket: "bkt".into(), policy, ..Default::default() };
        let answer = cloud.call::<op::PutBucketPolicy>(&super::cloud::root(super::cloud::OURS), input).await;
        assert_eq!(super::world::code(&answer), expected, "{principal}");
        if let Err(error) = answer {
            assert_eq!(error.message(), "Invalid principal in policy");
        }
    }
}

#[tokio::test]
async fn methods_that_the_service_and_objects_do_not_take() {
    let cloud = world().await;
    for (method, target, kind) in [
        ("PUT", "/", "SERVICE"),
        ("POST", "/", "SERVICE"),
        ("DELETE", "/", "SERVICE"),
        ("POST", "/bkt/k", "OBJECT"),
    ] {
        let (status, body) = send(&cloud, Request::builder().method(method).uri(target), "").await;
        let about = format!("<Method>{method}</Method><ResourceType>{kind}</ResourceType>");
        assert!(status == 405 && body.contains(&about), "{method} {target}: {status} {body}");
    }
}

#[tokio::test]
async fn what_is_no_acl_is_a_malformed_acl() {
    let cloud = world().await;
    let with_acls = s::PutBucketOwnershipControlsRequest {
        bucket: "bkt".into(),
        ownership_controls: s::OwnershipControls {
            rules: vec![s::OwnershipControlsRule { object_ownership: "ObjectWriter".into() }],
        },
        ..Default::default()
    };
    cloud.ok::<op::PutBucketOwnershipControls>(with_acls).await;
    let acl =
        cloud.ok::<op::GetBucketAcl>(s::GetBucketAclRequest { bucket: "bkt".into(), ..Default::default() });
    let id = acl.await.owner.unwrap().id.unwrap();
    let owner = format!("<Owner><ID>{id}</ID></Owner>");
    let root = |inner: &str| format!("<AccessControlPolicy>{inner}</AccessControlPolicy>");
    let malformed = "400 MalformedACLError";
    for (body, expected) in [
        (String::new(), "400 MissingSecurityHeader"),
        ("<foo/>".to_owned(), malformed),
        ("<AccessControlPolicy>".to_owned(), malformed),
        ("no XML".to_owned(), malformed),
        (root(""), malformed),
        (root(&owner), malformed),
        (root("<AccessControlList/>"), malformed),
        (root(&format!("{owner}<AccessControlList/>")), "200"),
    ] {
        for target in ["/bkt?acl", "/bkt/k?acl"] {
            assert_eq!(shown(&send(&cloud, put(target), &body).await), expected, "{target} {body}");
        }
    }
    let both = send(&cloud, put("/bkt?acl").header("x-amz-acl", "private"), &root(&owner)).await;
    assert_eq!(shown(&both), "400 UnexpectedContent");
}
