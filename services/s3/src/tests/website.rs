use haneul_kit::{ByteStream, Cx, Extension, cx::Parts};
use haneul_s3_wire::{operations as op, shapes as s};
use http::{HeaderMap, Method};

use super::cloud::{Cloud, OURS, policy, put, root};

struct Page {
    status: u16,
    headers: HeaderMap,
    body: String,
}

async fn visit(cloud: &Cloud, method: Method, path: &str, headers: &[(&'static str, &str)]) -> Page {
    let mut head = haneul_kit::RequestHead::new(method, path.parse().unwrap(), HeaderMap::new());
    head.headers.insert("host", "site.s3-website-us-east-1.localhost:4566".parse().unwrap());
    for (name, value) in headers {
        head.headers.insert(*name, value.parse().unwrap());
    }
    head.bucket = Some("site".into());
    let cx = Cx::new(Parts {
        secure: false,
        http: Some(head),
        ..Parts::within(
            "R",
            haneul_kit::Caller::anonymous(haneul_kit::AccountId::DEFAULT),
            haneul_kit::Region::US_EAST_1,
            cloud.env.now(),
        )
    });
    let answered = cloud.s3.unmodelled(&cx, ByteStream::default()).await;
    let answered = answered.unwrap_or_else(|_| panic!("a website's")).unwrap();
    let (head, body) = answered.into_parts();
    let body = String::from_utf8(body.collect(usize::MAX).await.unwrap()).unwrap();
    Page { status: head.status.as_u16(), headers: head.headers, body }
}

async fn get(cloud: &Cloud, path: &str) -> Page {
    visit(cloud, Method::GET, path, &[]).await
}

async fn configure(
    cloud: &Cloud,
    website: s::WebsiteConfiguration,
) -> haneul_kit::Result<haneul_shape::Empty> {
    let input = s::PutBucketWebsiteRequest {
        bucket: "site".into(),
        website_configuration: website,
        ..Default::default()
    };
    cloud.call::<op::PutBucketWebsite>(&root(OURS), input).await
}

fn plain() -> s::WebsiteConfiguration {
    s::WebsiteConfiguration {
        index_document: Some(s::IndexDocument { suffix: "index.html".into() }),
        error_document: Some(s::ErrorDocument { key: "error.html".into() }),
        ..Default::default()
    }
}

async fn site() -> Cloud {
    let cloud = Cloud::new().await;
    cloud.bucket("site").await;
    let unblock = s::DeletePublicAccessBlockRequest { bucket: "site".into(), ..Default::default() };
    cloud.ok::<op::DeletePublicAccessBlock>(unblock).await;
    let public = policy(
        r#""Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::site","arn:aws:s3:::site/*"]"#,
    );
    let input = s::PutBucketPolicyRequest { bucket: "site".into(), policy: public, ..Default::default() };
    cloud.ok::<op::PutBucketPolicy>(input).await;
    for (key, body) in [("index.html", "home"), ("docs/index.html", "docs"), ("a.txt", "text")] {
        let input = s::PutObjectRequest { content_type: Some("text/html".into()), ..put("site", key, body) };
        cloud.ok::<op::PutObject>(input).await;
    }
    cloud
}

#[tokio::test]
async fn documents_and_errors() {
    let cloud = site().await;
    let page = get(&cloud, "/").await;
    assert_eq!(
        (page.status, &page.headers["content-type"]),
        (404, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(page.body.contains("<li>Code: NoSuchWebsiteConfiguration</li>"), "{}", page.body);
    configure(&cloud, plain()).await.unwrap();
    let page = get(&cloud, "/").await;
    assert_eq!(
        (page.status, page.body.as_str(), &page.headers["content-type"]),
        (200, "home", &"text/html".parse().unwrap())
    );
    assert_eq!(get(&cloud, "/docs/").await.body, "docs");
    let page = get(&cloud, "/docs").await;
    assert_eq!((page.status, &page.headers["location"]), (302, &"/docs/".parse().unwrap()));
    // Without the error document, both errors are told.
    let page = get(&cloud, "/missing%3Cscript%3E").await;
    assert_eq!((page.status, &page.headers["x-amz-error-code"]), (404, &"NoSuchKey".parse().unwrap()));
    assert!(page.body.starts_with("<html>\n<head><title>404 Not Found</title></head>"), "{}", page.body);
    assert!(page.body.contains("An Error Occurred While Attempting to Retrieve a Custom Error Document"));
    assert!(!page.body.contains("<script>"));
    cloud.put("site", "error.html", "sorry").await;
    let page = get(&cloud, "/missing").await;
    assert_eq!((page.status, page.body.as_str()), (404, "sorry"));
    let page = visit(&cloud, Method::HEAD, "/missing", &[]).await;
    assert_eq!((page.status, page.body.as_str()), (404, ""));
    let page = visit(&cloud, Method::PUT, "/a.txt", &[]).await;
    assert_eq!(page.status, 405);
    assert!(page.body.contains("<li>ResourceType: OBJECT</li>"), "{}", page.body);
    let page = visit(&cloud, Method::GET, "/a.txt", &[("range", "bytes=0-1")]).await;
    assert_eq!((page.status, page.body.as_str()), (206, "te"));
    let etag = get(&cloud, "/a.txt").await.headers["etag"].to_str().unwrap().to_owned();
    let page = visit(&cloud, Method::GET, "/a.txt", &[("if-none-match", &etag)]).await;
    assert_eq!((page.status, page.body.as_str()), (304, ""));
    // An object may redirect by itself.
    let moved =
        s::PutObjectRequest { website_redirect_location: Some("/a.txt".into()), ..put("site", "moved", "") };
    cloud.ok::<op::PutObject>(moved).await;
    let page = get(&cloud, "/moved").await;
    assert_eq!((page.status, &page.headers["location"]), (301, &"/a.txt".parse().unwrap()));
    // Who may not list is sent on to a folder, and told of no missing key.
    let reads = policy(
        r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::site/*""#,
    );
    let input = s::PutBucketPolicyRequest { bucket: "site".into(), policy: reads, ..Default::default() };
    cloud.ok::<op::PutBucketPolicy>(input).await;
    let page = get(&cloud, "/docs").await;
    assert_eq!((page.status, &page.headers["location"]), (302, &"/docs/".parse().unwrap()));
    assert_eq!(get(&cloud, "/missing").await.status, 403);
    // What is not public is not served.
    let delete = s::DeleteBucketPolicyRequest { bucket: "site".into(), ..Default::default() };
    cloud.ok::<op::DeleteBucketPolicy>(delete).await;
    let page = get(&cloud, "/a.txt").await;
    assert_eq!((page.status, &page.headers["x-amz-error-code"]), (403, &"AccessDenied".parse().unwrap()));
}

#[tokio::test]
async fn redirects() {
    let cloud = site().await;
    let to = |host: &str, code: Option<&str>| s::Redirect {
        host_name: Some(host.into()),
        http_redirect_code: code.map(str::to_owned),
        ..Default::default()
    };
    let rule = |prefix: Option<&str>, error: Option<&str>, redirect| s::RoutingRule {
        condition: Some(s::Condition {
            key_prefix_equals: prefix.map(str::to_owned),
            http_error_code_returned_equals: error.map(str::to_owned),
        }),
        redirect,
    };
    let rules = vec![
        rule(
            Some("old/"),
            None,
            s::Redirect { replace_key_prefix_with: Some("docs/".into()), ..Default::default() },
        ),
        rule(None, Some("404"), to("other.example", Some("302"))),
    ];
    configure(&cloud, s::WebsiteConfiguration { routing_rules: Some(rules.clone()), ..plain() })
        .await
        .unwrap();
    let read = s::GetBucketWebsiteRequest { bucket: "site".into(), ..Default::default() };
    let read = cloud.ok::<op::GetBucketWebsite>(read).await.routing_rules.unwrap();
    assert_eq!(read[1].redirect.http_redirect_code.as_deref(), Some("302"));
    for (path, status, location) in [
        ("/old/a", 301, "http://site.s3-website-us-east-1.localhost:4566/docs/a"),
        ("/none", 302, "http://other.example/none"),
    ] {
        let page = get(&cloud, path).await;
        assert_eq!((page.status, page.headers["location"].to_str().unwrap()), (status, location));
    }
    let all = s::WebsiteConfiguration {
        redirect_all_requests_to: Some(s::RedirectAllRequestsTo {
            host_name: "new.example".into(),
            protocol: Some("https".into()),
        }),
        ..Default::default()
    };
    configure(&cloud, all.clone()).await.unwrap();
    let page = get(&cloud, "/a%20b?c=d").await;
    assert_eq!(
        (page.status, page.headers["location"].to_str().unwrap()),
        (301, "https://new.example/a%20b?c=d")
    );
    let both = s::WebsiteConfiguration { index_document: plain().index_document, ..all };
    let bad = |redirect| s::WebsiteConfiguration {
        routing_rules: Some(vec![rule(Some("a"), None, redirect)]),
        ..plain()
    };
    for (website, expected) in [
        (both, "RedirectAllRequestsTo cannot be provided"),
        (s::WebsiteConfiguration::default(), "A value for IndexDocument Suffix must be provided"),
        (bad(to("h", Some("200"))), "The provided HTTP redirect code (200) is not valid"),
        (bad(s::Redirect { protocol: Some("gopher".into()), ..Default::default() }), "Invalid protocol"),
        (
            s::WebsiteConfiguration { routing_rules: Some(vec![rule(None, None, to("h", None))]), ..plain() },
            "Condition cannot be empty",
        ),
    ] {
        let error = configure(&cloud, website).await.unwrap_err();
        assert!(error.message().contains(expected), "{error} / {expected}");
    }
}
