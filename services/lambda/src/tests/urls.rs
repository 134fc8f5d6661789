use base64::Engine;
use bytes::Bytes;
use haneul_front::ConnInfo;
use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};

use super::cloud::{Cloud, fails};

async fn url(cloud: &Cloud, change: impl FnOnce(&mut s::CreateFunctionUrlConfigRequest)) -> String {
    let mut input = s::CreateFunctionUrlConfigRequest {
        function_name: "f".into(),
        auth_type: "NONE".into(),
        ..Default::default()
    };
    change(&mut input);
    let url = cloud.ok::<op::CreateFunctionUrlConfig>(input).await.function_url;
    url.strip_prefix("https://").or(url.strip_prefix("http://")).unwrap().trim_end_matches('/').to_owned()
}

async fn public(cloud: &Cloud) {
    for (action, auth, via) in
        [("lambda:InvokeFunctionUrl", Some("NONE"), None), ("lambda:InvokeFunction", None, Some(true))]
    {
        let input = s::AddPermissionRequest {
            function_name: "f".into(),
            statement_id: action.replace(':', "-"),
            action: action.into(),
            principal: "*".into(),
            function_url_auth_type: auth.map(str::to_owned),
            invoked_via_function_url: via,
            ..Default::default()
        };
        cloud.ok::<op::AddPermission>(input).await;
    }
}

async fn ask(cloud: &Cloud, request: Request<&'static str>) -> (Response<()>, Bytes) {
    let request = request.map(|body| Full::new(Bytes::from(body)));
    let answer = cloud.front.handle(request, ConnInfo::default()).await;
    let (parts, body) = answer.into_parts();
    let body = body.collect(1 << 20).await.unwrap();
    (Response::from_parts(parts, ()), body.into())
}

#[tokio::test]
async fn a_request_becomes_an_event_and_an_answer_a_response() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let host = url(&cloud, |_| {}).await;
    let request = |path: &str| Request::get(path).header("host", &host);
    let (refused, _) = ask(&cloud, request("/").body("").unwrap()).await;
    assert_eq!(refused.status(), 403);
    public(&cloud).await;
    let ask_for = Request::post("/a%20b?x=1&y=2&x=3")
        .header("host", &host)
        .header("content-type", "application/json")
        .header("cookie", "c=1; d=2")
        .header("authorization", "Bearer of-our-own")
        .body(r#"{"n":1}"#)
        .unwrap();
    let (answer, body) = ask(&cloud, ask_for).await;
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((event["version"].as_str(), event["rawPath"].as_str()), (Some("2.0"), Some("/a b")));
    assert_eq!(event["rawQueryString"], "x=1&y=2&x=3");
    assert_eq!(event["queryStringParameters"], json!({ "x": "1,3", "y": "2" }));
    assert_eq!(event["cookies"], json!(["c=1", "d=2"]));
    assert_eq!(event["headers"]["authorization"], "Bearer of-our-own");
    assert_eq!(
        (event["body"].as_str(), event["isBase64Encoded"].as_bool()),
        (Some(r#"{"n":1}"#), Some(false))
    );
    assert_eq!(event["requestContext"]["http"]["method"], "POST");
    assert_eq!(event["requestContext"]["accountId"], "anonymous");
    cloud.body("f", |_| {
        Answer::Value(json!({
            "statusCode": 201,
            "headers": { "x-own": "yes", "content-type": "text/plain" },
            "cookies": ["a=1", "b=2"],
            "body": base64::engine::general_purpose::STANDARD.encode("hello"),
            "isBase64Encoded": true,
        }))
    });
    let (answer, body) = ask(&cloud, request("/").body("").unwrap()).await;
    assert_eq!((answer.status().as_u16(), &body[..]), (201, &b"hello"[..]));
    assert_eq!(answer.headers()["x-own"], "yes");
    assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
    cloud.body("f", |_| fails());
    assert_eq!(ask(&cloud, request("/").body("").unwrap()).await.0.status(), 502);
    let other = Request::get("/").header("host", "nothing.lambda-url.us-east-1.localhost").body("").unwrap();
    assert_eq!(ask(&cloud, other).await.0.status(), 403);
}

#[tokio::test]
async fn signatures_are_asked_for_and_browsers_answered() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let host = url(&cloud, |input| input.auth_type = "AWS_IAM".into()).await;
    public(&cloud).await;
    let (refused, body) = ask(&cloud, Request::get("/").header("host", &host).body("").unwrap()).await;
    assert_eq!((refused.status().as_u16(), &body[..]), (403, &br#"{"Message":"Forbidden"}"#[..]));
    let update = s::UpdateFunctionUrlConfigRequest {
        function_name: "f".into(),
        auth_type: Some("NONE".into()),
        cors: Some(s::Cors {
            allow_origins: Some(vec!["https://app.example.com".into()]),
            allow_methods: Some(vec!["POST".into()]),
            max_age: Some(60),
            ..Default::default()
        }),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionUrlConfig>(update).await;
    let preflight = |origin: &'static str| {
        Request::options("/")
            .header("host", &host)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .body("")
            .unwrap()
    };
    let (answer, _) = ask(&cloud, preflight("https://app.example.com")).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example.com");
    assert_eq!(answer.headers()["access-control-allow-methods"], "POST");
    let (answer, _) = ask(&cloud, preflight("https://evil.example.com")).await;
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    let real = Request::post("/")
        .header("host", &host)
        .header("origin", "https://app.example.com")
        .body("")
        .unwrap();
    let (answer, _) = ask(&cloud, real).await;
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example.com");
    assert_eq!(cloud.count("f"), 1);
}

#[tokio::test]
async fn streams_come_with_their_head() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let host = url(&cloud, |input| input.invoke_mode = Some("RESPONSE_STREAM".into())).await;
    public(&cloud).await;
    cloud.body("f", |_| Answer::Streams(vec!["one ".into(), "two".into()]));
    let request = Request::get("/").header("host", &host).body("").unwrap();
    let (answer, body) = ask(&cloud, request).await;
    assert_eq!((answer.status().as_u16(), &body[..]), (200, &b"one two"[..]));
}

#[tokio::test]
async fn urls_are_kept_listed_and_deleted() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let host = url(&cloud, |_| {}).await;
    let again = s::CreateFunctionUrlConfigRequest {
        function_name: "f".into(),
        auth_type: "NONE".into(),
        ..Default::default()
    };
    assert!(cloud.err::<op::CreateFunctionUrlConfig>(again).await.starts_with("ResourceConflictException"));
    let list = s::ListFunctionUrlConfigsRequest { function_name: "f".into(), ..Default::default() };
    let listed = cloud.ok::<op::ListFunctionUrlConfigs>(list).await.function_url_configs;
    assert!(listed[0].function_url.contains(&host));
    let delete = s::DeleteFunctionUrlConfigRequest { function_name: "f".into(), qualifier: None };
    cloud.ok::<op::DeleteFunctionUrlConfig>(delete.clone()).await;
    assert!(cloud.err::<op::DeleteFunctionUrlConfig>(delete).await.starts_with("ResourceNotFoundException"));
    let got = Request::get("/").header("host", &host).body("").unwrap();
    assert_eq!(ask(&cloud, got).await.0.status(), 403);
}

#[tokio::test]
async fn packages_can_be_fetched_by_their_link() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let got = cloud
        .ok::<op::GetFunction>(s::GetFunctionRequest { function_name: "f".into(), qualifier: None })
        .await;
    let location = got.code.unwrap().location.unwrap();
    let path = location.split_once("/_lambda/").map(|(_, rest)| format!("/_lambda/{rest}")).unwrap();
    let fetch = || Request::get(path.clone()).header("host", "127.0.0.1:4566").body("").unwrap();
    let (answer, body) = ask(&cloud, fetch()).await;
    assert_eq!(answer.status(), 200);
    assert!(body.starts_with(b"PK"));
    cloud.pass(601).await;
    assert_eq!(ask(&cloud, fetch()).await.0.status(), 403);
}
