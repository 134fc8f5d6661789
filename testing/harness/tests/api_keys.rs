//! API keys of IAM (service-specific credentials) at the HTTP endpoints of CloudWatch Logs: whom they let in, and when not.
//!
//! Source: CloudWatch Logs User Guide, "Setting up bearer token authentication"; IAM User Guide, "API keys for AWS services".

use std::time::Duration;

use bytes::Bytes;
use haneul_harness::Cloud;
use http::{Request, Response};
use serde_json::{Value, json};

const BODY: &str = r#"[{"message":"one"},{"message":"two"}]"#;
const HOST: &str = "logs.us-east-1.localhost:4566";

struct World(Cloud);

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8(answer.body().to_vec()).expect("text")
}

impl World {
    /// A call to IAM by the root user; the whole answer.
    async fn iam(&self, form: &str) -> String {
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(format!("{form}&Version=2010-05-08")))
            .expect("a request");
        let answer = self.0.send("iam", request).await;
        assert!(answer.status().is_success(), "{form}: {}", text(&answer));
        text(&answer)
    }

    async fn logs(&self, operation: &str, input: Value) -> Value {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("Logs_20140328.{operation}"))
            .body(Bytes::from(input.to_string()))
            .expect("a request");
        let answer = self.0.send("logs", request).await;
        assert!(answer.status().is_success(), "{operation}: {}", text(&answer));
        serde_json::from_slice(answer.body()).unwrap_or(Value::Null)
    }

    /// Status and text of a request with this token, or none.
    async fn write(&self, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let mut request = Request::post(path)
            .header("host", HOST)
            .header("content-type", "application/json")
            .header("content-length", body.len())
            .header("x-aws-log-group", "app")
            .header("x-aws-log-stream", "one");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Bytes::from(body.to_owned())).expect("a request");
        let answer = self.0.anonymous().send("logs", request).await;
        (answer.status().as_u16(), text(&answer))
    }

    async fn refused(&self, token: Option<&str>, expected: (u16, &str)) {
        let (status, said) = self.write("/ingest/json", token, BODY).await;
        assert!(status == expected.0 && said.contains(expected.1), "{expected:?}: {status} {said}");
    }

    async fn messages(&self) -> Vec<String> {
        let input = json!({"logGroupName": "app", "logStreamName": "one", "startFromHead": true});
        let found = self.logs("GetLogEvents", input).await;
        let events = found["events"].as_array().cloned().unwrap_or_default();
        events.iter().map(|event| event["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// What stands in the first element of that name.
fn element(answer: &str, name: &str) -> String {
    let found = answer.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split('<').next());
    found.unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

#[tokio::test]
async fn a_key_writes_as_its_user_and_no_longer_than_it_is_good() {
    let world = World(Cloud::in_process(12).await);
    world.iam("Action=CreateUser&UserName=ann").await;
    let made = world
        .iam("Action=CreateServiceSpecificCredential&UserName=ann&ServiceName=logs.amazonaws.com&CredentialAgeDays=30")
        .await;
    let (token, id) =
        (element(&made, "ServiceCredentialSecret"), element(&made, "ServiceSpecificCredentialId"));
    assert!(token.starts_with("ACWL") && id.starts_with("ACCA") && id.len() == 21, "{made}");
    assert_eq!(element(&made, "ServiceCredentialAlias"), "ann-at-000000000000");
    assert_eq!(element(&made, "Status"), "Active");
    assert!(!made.contains("ServicePassword") && !made.contains("ServiceUserName"), "{made}");
    world.logs("CreateLogGroup", json!({"logGroupName": "app"})).await;
    world.logs("CreateLogStream", json!({"logGroupName": "app", "logStreamName": "one"})).await;

    // The user, the token's own action, and the group must all allow it.
    world.refused(Some(&token), (403, "is not authorized to perform: logs:PutLogEvents")).await;
    let allow = |actions: &str| {
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}"#
        );
        let encoded: String = document.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("Action=PutUserPolicy&UserName=ann&PolicyName=p&PolicyDocument={encoded}")
    };
    world.iam(&allow(r#""logs:PutLogEvents""#)).await;
    world.refused(Some(&token), (403, "is not authorized to perform: logs:CallWithBearerToken")).await;
    world.iam(&allow(r#""logs:PutLogEvents","logs:CallWithBearerToken""#)).await;
    world.refused(Some(&token), (403, "Bearer token authentication is not enabled")).await;
    let enable = json!({"logGroupIdentifier": "app", "bearerTokenAuthenticationEnabled": true});
    world.logs("PutBearerTokenAuthentication", enable).await;
    let shown = world.logs("DescribeLogGroups", json!({})).await;
    assert_eq!(shown["logGroups"][0]["bearerTokenAuthenticationEnabled"], true);

    assert_eq!(world.write("/ingest/json", Some(&token), BODY).await, (200, "{}".to_owned()));
    assert_eq!(world.messages().await, [r#"{"message":"one"}"#, r#"{"message":"two"}"#]);
    assert_eq!(world.write("/services/collector/event", Some(&token), r#"{"event":"hlc"}"#).await.0, 200);
    assert_eq!(world.write("/ingest/bulk", Some(&token), "\"line\"\n7").await.0, 200);
    let otlp = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"otlp"}}]}]}]}"#;
    assert_eq!(world.write("/v1/logs", Some(&token), otlp).await.0, 200);
    let mut all = world.messages().await.split_off(2);
    all.sort();
    assert_eq!(all, ["7", "line", r#"{"body":"otlp"}"#, r#"{"event":"hlc"}"#]);
    assert_eq!(world.write("/ingest/json", Some(&token), "{").await.0, 400);

    // What is too old or too new is not taken, and said.
    let three = |(status, text): (u16, String)| {
        let said: Value = serde_json::from_str(&text).expect("JSON");
        let said = &said["partialSuccess"];
        let why: Value = serde_json::from_str(said["errorMessage"].as_str().expect("a text")).expect("JSON");
        let counts = json!({"expiredLogEventCount": 0, "tooNewLogEventCount": 1, "tooOldLogEventCount": 2});
        assert_eq!((status, &said["rejectedLogRecords"], why), (200, &json!(3), counts), "{text}");
    };
    let body = r#"[{"timestamp":99999999999999},{"timestamp":1},{"now":1},{"timestamp":2}]"#;
    three(world.write("/ingest/json", Some(&token), body).await);
    let otlp = |at: &str| format!(r#"{{"timeUnixNano":"{at}","body":{{"stringValue":"otlp"}}}}"#);
    let records = [otlp("1000000"), otlp("9000000000000000000"), otlp("2000000"), otlp("0")].join(",");
    let otlp = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#);
    three(world.write("/v1/logs", Some(&token), &otlp).await);
    assert_eq!(world.messages().await.len(), 8);

    // What is no key of this service, or was changed.
    let other = format!("ABSK{}", &token[4..]);
    let mut forged = token.clone();
    forged.replace_range(40..42, if &token[40..42] == "AA" { "AB" } else { "AA" });
    for bad in ["ACWL", "x", &forged, &token[..60], &other] {
        world.refused(Some(bad), (401, "The security token included in the request is invalid")).await;
    }
    world.refused(None, (401, "Missing Authentication Token")).await;
    // Nor does it open anything else.
    let request = Request::post("/")
        .header("host", HOST)
        .header("x-amz-target", "Logs_20140328.DescribeLogGroups")
        .header("authorization", format!("Bearer {token}"))
        .body(Bytes::from_static(b"{}"))
        .expect("a request");
    assert_eq!(world.0.anonymous().send("logs", request).await.status().as_u16(), 400);

    // Inactive, active again; a new secret takes the old one's place.
    let of = format!("UserName=ann&ServiceSpecificCredentialId={id}");
    world.iam(&format!("Action=UpdateServiceSpecificCredential&{of}&Status=Inactive")).await;
    world.refused(Some(&token), (401, "is invalid")).await;
    world.iam(&format!("Action=UpdateServiceSpecificCredential&{of}&Status=Active")).await;
    assert_eq!(world.write("/ingest/json", Some(&token), BODY).await.0, 200);
    let reset = world.iam(&format!("Action=ResetServiceSpecificCredential&{of}")).await;
    world.refused(Some(&token), (401, "is invalid")).await;
    let token = element(&reset, "ServiceCredentialSecret");
    assert_eq!(world.write("/ingest/json", Some(&token), BODY).await.0, 200);

    // The key goes with its user to another name, and ends by the clock.
    world.iam("Action=UpdateUser&UserName=ann&NewUserName=bea").await;
    assert_eq!(world.write("/ingest/json", Some(&token), BODY).await.0, 200);
    world.0.env.clock.advance(Duration::from_secs(30 * 86_400));
    world.refused(Some(&token), (401, "expired")).await;
    let listed =
        world.iam("Action=ListServiceSpecificCredentials&UserName=bea&ServiceName=logs.amazonaws.com").await;
    assert_eq!(element(&listed, "Status"), "Expired");
    world
        .iam(&format!("Action=DeleteServiceSpecificCredential&UserName=bea&ServiceSpecificCredentialId={id}"))
        .await;
    world.refused(Some(&token), (401, "is invalid")).await;
}
