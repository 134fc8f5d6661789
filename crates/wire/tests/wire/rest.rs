use expect_test::expect;
use haneul_lambda_wire::operations as lambda;
use haneul_s3_wire::operations as s3;
use haneul_s3_wire::shapes::{
    Bucket, CopyObjectOutput, CopyObjectResult, GetBucketAclOutput, GetBucketLocationOutput, Grant, Grantee,
    HeadObjectOutput, ListBucketsOutput, ListObjectsV2Output, Object, Owner,
};
use haneul_shape::Instant;
use haneul_wire::Protocol::{RestJson, RestXml};
use haneul_wire::{model, route};
use http::HeaderMap;

use crate::support::{accept_rest, answer, text};

#[test]
fn s3_routes() {
    let model = model(&haneul_s3_wire::SERVICE);
    for (method, target, header, operation) in [
        ("GET", "/", "", "ListBuckets"),
        ("GET", "/?x-id=ListBuckets", "", "ListBuckets"),
        ("GET", "/b", "", "ListObjects"),
        ("GET", "/b/", "", "ListObjects"),
        ("GET", "/b?list-type=2&prefix=a", "", "ListObjectsV2"),
        ("GET", "/b?acl", "", "GetBucketAcl"),
        ("GET", "/b?acl=", "", "GetBucketAcl"),
        ("GET", "/b?versions&prefix=x", "", "ListObjectVersions"),
        ("GET", "/b?uploads", "", "ListMultipartUploads"),
        ("GET", "/b?analytics&id=1", "", "GetBucketAnalyticsConfiguration"),
        ("GET", "/b?analytics", "", "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?lifecycle", "", "GetBucketLifecycleConfiguration"),
        ("PUT", "/b", "", "CreateBucket"),
        ("DELETE", "/b", "", "DeleteBucket"),
        ("HEAD", "/b/", "", "HeadBucket"),
        ("POST", "/b?delete", "", "DeleteObjects"),
        ("GET", "/b/a/b//c", "", "GetObject"),
        ("GET", "/b/k?partNumber=1", "", "GetObject"),
        ("GET", "/b/k?uploadId=1", "", "ListParts"),
        ("GET", "/b/k?tagging&versionId=1", "", "GetObjectTagging"),
        ("HEAD", "/b/k", "", "HeadObject"),
        ("PUT", "/b/k", "", "PutObject"),
        ("PUT", "/b/k?x-id=PutObject", "", "PutObject"),
        ("PUT", "/b/k", "x-amz-copy-source", "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "", "UploadPart"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "x-amz-copy-source", "UploadPartCopy"),
        ("POST", "/b/k?uploads", "", "CreateMultipartUpload"),
        ("POST", "/b/k?uploads=", "", "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", "", "CompleteMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", "", "AbortMultipartUpload"),
        ("DELETE", "/b/k", "", "DeleteObject"),
        ("POST", "/b/k?select&select-type=2", "", "SelectObjectContent"),
        ("POST", "/WriteGetObjectResponse", "x-amz-request-route", "WriteGetObjectResponse"),
        ("PATCH", "/b", "", ""),
        ("POST", "/b", "", ""),
    ] {
        let mut headers = HeaderMap::new();
        if !header.is_empty() {
            headers.insert(header, "x".parse().unwrap());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let found = route(model, method, path, query, &headers).unwrap();
        assert_eq!(found.map_or("", |route| route.operation.name), operation, "{method} {target} {header}");
    }
}

#[test]
fn labels_parameters_and_headers() {
    let input = accept_rest::<s3::ListObjectsV2>(
        "GET",
        "/b?list-type=2&prefix=a%2Fb+c&max-keys=7&delimiter=%2F",
        &[],
        b"",
    );
    let input = input.unwrap();
    assert_eq!((input.bucket.as_str(), input.prefix.as_deref()), ("b", Some("a/b c")));
    assert_eq!((input.max_keys, input.delimiter.as_deref()), (Some(7), Some("/")));
    let headers = [
        ("x-amz-meta-owner", "me"),
        ("content-type", "text/plain"),
        ("content-length", "5"),
        ("x-amz-meta-empty", ""),
        ("x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"),
    ];
    let input = accept_rest::<s3::PutObject>("PUT", "/b/a%20b/%ED%95%98+/c//d", &headers, b"hello").unwrap();
    assert_eq!(input.key, "a b/하+/c//d");
    assert_eq!(input.content_length, Some(5));
    let metadata = input.metadata.unwrap();
    assert_eq!(
        (metadata.get("owner").unwrap().as_str(), metadata.get("empty").unwrap().as_str()),
        ("me", "")
    );
    assert_eq!(input.object_lock_retain_until_date, Some(Instant::from_secs(1_893_456_000)));
    assert_eq!(input.body.length(), Some(5));
    let when = [("if-modified-since", "Tue, 24 Nov 2026 02:35:48 GMT"), ("range", "bytes=0-4")];
    let input = accept_rest::<s3::GetObject>("GET", "/b/k", &when, b"").unwrap();
    assert_eq!(input.if_modified_since, Some(Instant::from_secs(1_795_487_748)));
    assert_eq!(input.range.as_deref(), Some("bytes=0-4"));
}

#[test]
fn xml_bodies() {
    let body = br#"<?xml version="1.0" encoding="UTF-8"?>
        <!-- a comment --><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a&amp;b&#x20;</Key></Object>
        <Quiet>true</Quiet><Unknown><Deep/></Unknown><Object><Key><![CDATA[<c>]]></Key><VersionId>v</VersionId></Object></Delete>"#;
    let input = accept_rest::<s3::DeleteObjects>("POST", "/b?delete", &[], body).unwrap();
    let keys: Vec<_> = input.delete.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["a&b ", "<c>"]);
    assert_eq!(input.delete.quiet, Some(true));
    let body = br#"<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
        xsi:type="CanonicalUser"><ID>me</ID></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>"#;
    let input = accept_rest::<s3::PutBucketAcl>("PUT", "/b?acl", &[], body).unwrap();
    let grants = input.access_control_policy.unwrap().grants.unwrap();
    let grantee = grants[0].grantee.as_ref().unwrap();
    assert_eq!((grantee.r#type.as_str(), grantee.id.as_deref()), ("CanonicalUser", Some("me")));
    // No body, and a body without elements.
    assert!(
        accept_rest::<s3::CreateBucket>("PUT", "/b", &[], b"").unwrap().create_bucket_configuration.is_none()
    );
    let input = accept_rest::<s3::CreateBucket>("PUT", "/b", &[], b"<CreateBucketConfiguration/>").unwrap();
    assert!(input.create_bucket_configuration.unwrap().location_constraint.is_none());
}

#[test]
fn xml_answers() {
    let owner = Owner { display_name: None, id: Some("o".into()) };
    let output = ListBucketsOutput {
        buckets: Some(vec![Bucket {
            name: Some("b".into()),
            creation_date: Some(Instant::from_secs(1_500_000_000)),
            ..Default::default()
        }]),
        owner: Some(owner.clone()),
        ..Default::default()
    };
    expect![[r#"
        200
        content-type: application/xml
        x-amz-id-2: REQ
        x-amz-request-id: REQ
        <?xml version="1.0" encoding="UTF-8"?>
        <ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets><Bucket><Name>b</Name><CreationDate>2017-07-14T02:40:00.000Z</CreationDate></Bucket></Buckets><Owner><ID>o</ID></Owner></ListAllMyBucketsResult>"#]]
    .assert_eq(&text(answer::<s3::ListBuckets>(RestXml, output)));
    let output = ListObjectsV2Output {
        name: Some("b".into()),
        prefix: Some(String::new()),
        key_count: Some(1),
        contents: Some(vec![Object { key: Some("k\u{1}".into()), size: Some(3), ..Default::default() }]),
        ..Default::default()
    };
    expect![[r#"
        200
        content-type: application/xml
        x-amz-id-2: REQ
        x-amz-request-id: REQ
        <?xml version="1.0" encoding="UTF-8"?>
        <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Contents><Key>k&#x1;</Key><Size>3</Size></Contents><Name>b</Name><Prefix></Prefix><KeyCount>1</KeyCount></ListBucketResult>"#]]
    .assert_eq(&text(answer::<s3::ListObjectsV2>(RestXml, output)));
    let grantee = Grantee { r#type: "CanonicalUser".into(), id: Some("o".into()), ..Default::default() };
    let output = GetBucketAclOutput {
        owner: Some(owner),
        grants: Some(vec![Grant { grantee: Some(grantee), permission: Some("FULL_CONTROL".into()) }]),
    };
    expect![[r#"
        200
        content-type: application/xml
        x-amz-id-2: REQ
        x-amz-request-id: REQ
        <?xml version="1.0" encoding="UTF-8"?>
        <AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>o</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>"#]]
    .assert_eq(&text(answer::<s3::GetBucketAcl>(RestXml, output)));
    let location = |region: Option<&str>| {
        let output = GetBucketLocationOutput { location_constraint: region.map(str::to_owned) };
        text(answer::<s3::GetBucketLocation>(RestXml, output)).lines().last().unwrap().to_owned()
    };
    let root = r#"<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">"#;
    assert_eq!(location(Some("eu-west-1")), format!("{root}eu-west-1</LocationConstraint>"));
    assert_eq!(location(None), format!("{root}</LocationConstraint>"));
    let output = CopyObjectOutput {
        copy_object_result: Some(CopyObjectResult { e_tag: Some("\"e\"".into()), ..Default::default() }),
        version_id: Some("v".into()),
        ..Default::default()
    };
    expect![[r#"
        200
        content-type: application/xml
        x-amz-id-2: REQ
        x-amz-request-id: REQ
        x-amz-version-id: v
        <?xml version="1.0" encoding="UTF-8"?>
        <CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ETag>&quot;e&quot;</ETag></CopyObjectResult>"#]]
    .assert_eq(&text(answer::<s3::CopyObject>(RestXml, output)));
}

#[test]
fn answers_without_a_body() {
    let output = HeadObjectOutput {
        content_length: Some(5),
        e_tag: Some("\"e\"".into()),
        last_modified: Some(Instant::from_secs(1_795_487_748)),
        metadata: Some([("a", String::from("b"))].into_iter().collect()),
        ..Default::default()
    };
    let latin = HeadObjectOutput {
        metadata: Some([("a", String::from("\u{e9}"))].into_iter().collect()),
        ..Default::default()
    };
    let answered = answer::<s3::HeadObject>(RestXml, latin);
    assert_eq!(answered.headers()["x-amz-meta-a"].as_bytes(), b"\xe9", "as it is read");
    expect![[r#"
        200
        content-length: 5
        etag: "e"
        last-modified: Tue, 24 Nov 2026 02:35:48 GMT
        x-amz-id-2: REQ
        x-amz-meta-a: b
        x-amz-request-id: REQ
    "#]]
    .assert_eq(&text(answer::<s3::HeadObject>(RestXml, output)));
    assert!(text(answer::<s3::DeleteBucket>(RestXml, haneul_shape::Empty)).starts_with("204\n"));
}

#[test]
fn rest_json() {
    let target = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations?Qualifier=1";
    let headers = [("x-amz-invocation-type", "Event")];
    let input = accept_rest::<lambda::Invoke>("POST", target, &headers, b"{}").unwrap();
    assert_eq!(input.function_name, "arn:aws:lambda:us-east-1:000000000000:function:f");
    assert_eq!((input.qualifier.as_deref(), input.invocation_type.as_deref()), (Some("1"), Some("Event")));
    assert_eq!(input.payload.as_deref(), Some(&b"{}"[..]));
    let body = br#"{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":"UEs="},"Timeout":3}"#;
    let input = accept_rest::<lambda::CreateFunction>("POST", "/2015-03-31/functions", &[], body).unwrap();
    assert_eq!((input.timeout, input.code.zip_file.as_deref()), (Some(3), Some(&b"PK"[..])));
    let output = haneul_lambda_wire::shapes::InvocationResponse {
        status_code: Some(202),
        executed_version: Some("1".into()),
        payload: Some("{}".into()),
        ..Default::default()
    };
    expect![[r#"
        202
        content-type: application/octet-stream
        x-amz-executed-version: 1
        x-amzn-requestid: REQ
        {}"#]]
    .assert_eq(&text(answer::<lambda::Invoke>(RestJson, output)));
}
