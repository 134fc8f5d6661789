use expect_test::expect;
use haneul_sigv4::Credentials;

use crate::world::{ROOT, World};

#[tokio::test]
async fn a_call_in_each_protocol() {
    let world = World::new();
    let answer = world.query(ROOT, "sts", "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("<Arn>arn:aws:iam::000000000000:root</Arn>"), "{}", answer.body);
    assert_eq!(answer.header("x-amzn-requestid").len(), 36);
    assert_eq!(answer.header("date"), "Thu, 01 Jan 2026 00:00:00 GMT");

    let get = http::Request::get("/?Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(world.signed(ROOT, "sts", get, "").await.status, 200);

    let send = r#"{"QueueUrl":"http://localhost:4566/000000000000/q","MessageBody":"hello"}"#;
    let answer = world.json(ROOT, "sqs", "AmazonSQS.SendMessage", send).await;
    expect![[r#"{"MessageId":"http://localhost:4566/000000000000/q hello"}"#]].assert_eq(&answer.body);
    assert_eq!(answer.header("content-type"), "application/x-amz-json-1.0");

    let answer = world.json(ROOT, "dynamodb", "DynamoDB_20120810.ListTables", "{}").await;
    expect![[r#"{"TableNames":["us-east-1"]}"#]].assert_eq(&answer.body);

    let answer = world.signed(ROOT, "lambda", http::Request::get("/2015-03-31/functions"), "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));

    let answer = world.signed(ROOT, "s3", http::Request::get("/bucket/a%20key"), "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "a key"));
    assert_eq!((answer.header("x-seen"), answer.header("x-decorated")), ("yes", "yes"));
    let id = answer.header("x-amz-request-id");
    assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()), "{id}");
    assert!(!answer.header("x-amz-id-2").is_empty());
}

#[tokio::test]
async fn a_queues_own_url_names_the_queue() {
    let world = World::new();
    let post =
        http::Request::post("/000000000000/jobs").header("content-type", "application/x-www-form-urlencoded");
    let answer =
        world.signed(ROOT, "sqs", post, "Action=SendMessage&MessageBody=a%26b&Version=2012-11-05").await;
    assert!(
        answer.body.contains("<MessageId>http://localhost:4566/000000000000/jobs a&amp;b</MessageId>"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn virtual_hosts() {
    let world = World::new();
    for (host, path, content) in [
        ("photos.s3.us-east-1.localhost:4566", "/a/b.jpg", "a/b.jpg"),
        ("photos.localhost:4566", "/a//b", "a//b"),
        ("localhost:4566", "/photos/a/../b", "a/../b"),
    ] {
        let (mut parts, ()) = http::Request::get(path).header("host", host).body(()).unwrap().into_parts();
        let payload = haneul_sigv4::SignPayload::Bytes(b"");
        world.signer(ROOT, "s3").sign(&mut parts, payload).unwrap();
        let answer = world.send(http::Request::from_parts(parts, bytes::Bytes::new())).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, content), "{host}{path}");
    }
}

#[tokio::test]
async fn what_we_do_not_have_is_named() {
    let world = World::new();
    // At AWS, not here.
    let answer = world.json(ROOT, "sqs", "AmazonSQS.PurgeQueue", r#"{"QueueUrl":"q"}"#).await;
    assert_eq!(answer.status, 501);
    expect![[r#"{"__type":"com.amazonaws.sqs#NotImplemented","message":"sqs: PurgeQueue is not implemented by Haneul."}"#]]
        .assert_eq(&answer.body);
    let answer = world.query(ROOT, "sts", "Action=GetAccessKeyInfo&Version=2011-06-15&AccessKeyId=x").await;
    assert_eq!((answer.status, answer.code().as_str()), (501, "NotImplemented"));
    let answer = world.signed(ROOT, "lambda", http::Request::get("/2016-08-19/account-settings"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (501, "NotImplemented"));
    let answer = world.signed(ROOT, "s3", http::Request::get("/bucket?acl"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (501, "NotImplemented"));
    // Services of which there is nothing.
    let answer = world.json(ROOT, "glue", "AWSGlue.GetTables", "{}").await;
    assert_eq!(answer.status, 501);
    expect![[r#"{"__type":"NotImplemented","message":"glue: GetTables is not implemented by Haneul."}"#]]
        .assert_eq(&answer.body);
    let answer = world.query(ROOT, "rds", "Action=DescribeDBInstances&Version=2014-10-31").await;
    assert_eq!((answer.status, answer.code().as_str()), (501, "NotImplemented"));
    assert!(answer.body.contains("rds: DescribeDBInstances"), "{}", answer.body);
    let answer = world.signed(ROOT, "polly", http::Request::get("/v1/voices"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (501, "NotImplemented"));
    // What AWS does not have either.
    let answer = world.json(ROOT, "sqs", "AmazonSQS.Dance", "{}").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "InvalidAction"));
    let answer = world.query(ROOT, "sts", "Action=Dance&Version=2011-06-15").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "InvalidAction"));
    let answer = world.query(ROOT, "sts", "Dance=1").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "MissingAction"));
    let answer = world.signed(ROOT, "lambda", http::Request::get("/nowhere"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "UnknownOperationException"));
    let answer = world.signed(ROOT, "s3", http::Request::patch("/bucket/key"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (405, "MethodNotAllowed"));
}

#[tokio::test]
async fn cbor_is_answered_in_cbor() {
    let world = World::new();
    let post = |path: &str| {
        http::Request::post(path)
            .header("smithy-protocol", "rpc-v2-cbor")
            .header("content-type", "application/cbor")
    };
    let known = post("/service/GraniteServiceVersion20100801/operation/ListMetrics");
    let answer = world.signed(ROOT, "monitoring", known, vec![0xa0]).await;
    assert_eq!((answer.status, answer.header("smithy-protocol")), (501, "rpc-v2-cbor"));
    assert!(answer.body.contains("NotImplemented"), "{}", answer.body);
    let unheard = post("/service/Unheard/operation/Of");
    let answer = world.signed(ROOT, "unheard", unheard, vec![0xa0]).await;
    assert_eq!((answer.status, answer.header("smithy-protocol")), (501, "rpc-v2-cbor"));
}

#[tokio::test]
async fn errors_have_the_services_form() {
    let world = World::new();
    let answer = world.signed(ROOT, "s3", http::Request::get("/bucket/gone"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "NoSuchKey"));
    assert!(answer.body.contains("<Key>gone</Key>"), "{}", answer.body);
    assert_eq!((answer.header("x-seen"), answer.header("x-decorated")), ("yes", "yes"));
    let answer = world.signed(ROOT, "s3", http::Request::get("/bucket/broken"), "").await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "InternalError"));
    assert!(!answer.body.contains("told to"), "{}", answer.body);
    let answer = world.signed(ROOT, "s3", http::Request::head("/bucket/gone"), "").await;
    assert_eq!((answer.status, answer.body.as_str()), (501, ""), "HeadObject");
    let answer = world.json(ROOT, "sqs", "AmazonSQS.SendMessage", "{}").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "MissingParameter"), "{}", answer.body);
    let answer = world.json(ROOT, "sqs", "AmazonSQS.SendMessage", "{").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "SerializationException"), "{}", answer.body);
    let answer = world.signed(ROOT, "s3", http::Request::put("/bucket?tagging"), "<Tagging").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "MalformedXML"), "{}", answer.body);
}

/// As aws-iam-authenticator asks, which has a client's signed request sent on.
#[tokio::test]
async fn the_query_protocol_answers_in_json_who_asks_for_it() {
    let world = World::new();
    let ask = async |credentials, accept: &str| {
        let request =
            http::Request::get("/?Action=GetCallerIdentity&Version=2011-06-15").header("accept", accept);
        let answer = world.signed(credentials, "sts", request, "").await;
        (answer.status, answer.header("content-type").to_owned(), answer.body)
    };
    let (status, kind, body) = ask(ROOT, "application/json").await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    let (result, id) = body.rsplit_once("\"RequestId\":\"").unwrap();
    expect![[r#"{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"000000000000","Arn":"arn:aws:iam::000000000000:root","UserId":"000000000000"},"ResponseMetadata":{"#]].assert_eq(result);
    assert!(id.ends_with("\"}}}"), "{body}");
    let stranger = Credentials { access_key_id: "AKIAOOOOOOOOOOOOOOOO", ..ROOT };
    let (status, kind, body) = ask(stranger, "Application/JSON; charset=utf-8").await;
    assert_eq!((status, kind.as_str()), (403, "application/json"));
    let (error, _) = body.split_once(",\"RequestId\"").unwrap();
    expect![[r#"{"Error":{"Code":"InvalidClientTokenId","Message":"The security token included in the request is invalid.","Type":"Sender"}"#]].assert_eq(error);
    for accept in ["*/*", "text/xml, application/json", ""] {
        assert_eq!(ask(ROOT, accept).await.1, "text/xml", "{accept}");
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_failure() {
    let world = World::new();
    let body = r#"{"QueueUrl":"q","MessageBody":"panic"}"#;
    let answer = world.json(ROOT, "sqs", "AmazonSQS.SendMessage", body).await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "InternalFailure"));
    assert!(!answer.body.contains("told to"), "{}", answer.body);
    assert_eq!(world.query(ROOT, "sts", "Action=GetCallerIdentity&Version=2011-06-15").await.status, 200);
}

#[tokio::test]
async fn regions() {
    let world = World::new();
    let now = haneul_sigv4::Timestamp::from_unix_s(world.env.now().secs());
    let list = |region: &str| {
        let (mut parts, ()) = http::Request::post("/")
            .header("host", "localhost")
            .header("x-amz-target", "DynamoDB_20120810.ListTables")
            .body(())
            .unwrap()
            .into_parts();
        let signer = haneul_sigv4::Signer::new(ROOT, region, "dynamodb", now);
        signer.sign(&mut parts, haneul_sigv4::SignPayload::Bytes(b"{}")).unwrap();
        http::Request::from_parts(parts, bytes::Bytes::from_static(b"{}"))
    };
    assert_eq!(world.send(list("eu-west-3")).await.body, r#"{"TableNames":["eu-west-3"]}"#);
    let answer = world.send(list("eu-middle-1")).await;
    assert_eq!(answer.code(), "InvalidSignatureException");
    assert!(answer.body.contains("not 'eu-middle-1'"), "{}", answer.body);
}
