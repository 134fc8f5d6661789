use serde_json::Value;

use crate::world::{Answer, ROOT, USER, World};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Sid":"Blue","Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}},
    {"Sid":"Mine","Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:mine*"},
    {"Sid":"Never","Effect":"Deny","Action":"s3:Get*","Resource":"*"}]}"#;

async fn send(world: &World, who: haneul_sigv4::Credentials<'_>, queue: &str) -> Answer {
    let body = format!(r#"{{"QueueUrl":"http://localhost:4566/000000000000/{queue}","MessageBody":"m"}}"#);
    world.json(who, "sqs", "AmazonSQS.SendMessage", &body).await
}

async fn get(world: &World, path: &str) -> (u16, Value) {
    let answer = world.unsigned(http::Request::get(path).header("host", "localhost"), "").await;
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

async fn explained(world: &World, answer: &Answer) -> Value {
    let id = [answer.header("x-amzn-requestid"), answer.header("x-amz-request-id")].concat();
    let (status, report) = get(world, &format!("/_haneul/explain/{id}")).await;
    assert_eq!(status, 200, "{report}");
    report
}

#[tokio::test]
async fn a_call_is_explained_afterwards() {
    let world = World::with(false, POLICY);
    let answer = send(&world, USER, "mine").await;
    let report = explained(&world, &answer).await;
    assert_eq!(report["allowed"], true);
    assert_eq!(report["principal"], "arn:aws:iam::000000000000:user/ann");
    let access = &report["accesses"][0];
    assert_eq!(access["action"], "sqs:SendMessage");
    assert_eq!(access["matched"][0]["sid"], "Mine");
    assert_eq!(access["matched"][0]["policy"], "arn:aws:iam::000000000000:policy/ann");
    assert_eq!(access["near"][0]["sid"], "Blue");
    let because = access["near"][0]["because"].as_str().unwrap();
    assert_eq!(because, r#"StringEquals aws:PrincipalTag/team wants ["blue"]; the request has no such key"#);
    assert_eq!(access["context"]["aws:username"], serde_json::json!(["ann"]));

    let answer = send(&world, USER, "other").await;
    let report = explained(&world, &answer).await;
    let access = &report["accesses"][0];
    assert_eq!(
        (report["allowed"].as_bool(), &access["decision"]),
        (Some(false), &Value::from("implicitDeny"))
    );
    assert_eq!(access["near"][1]["because"], "its resource is another");
    assert!(answer.body.contains("because no identity-based policy allows"));

    let answer = world.signed(USER, "s3", http::Request::get("/open/key"), "").await;
    assert_eq!(answer.status, 403);
    let access = &explained(&world, &answer).await["accesses"][0];
    assert_eq!(access["decision"], "explicitDeny");
    let sids: Vec<&Value> = access["matched"].as_array().unwrap().iter().map(|m| &m["effect"]).collect();
    assert_eq!(sids, ["Allow", "Deny"]);
    assert_eq!(access["matched"][0]["policy_type"], "resource-based policy");

    let report = explained(&world, &send(&world, ROOT, "mine").await).await;
    assert_eq!(report["accesses"][0]["why"], "the root user may do everything in its account");
    assert_eq!(get(&world, "/_haneul/explain/nothing").await.0, 404);
}

#[tokio::test]
async fn only_the_last_calls_are_remembered() {
    let world = World::with(false, POLICY);
    let first = send(&world, USER, "mine").await;
    explained(&world, &first).await;
    for _ in 0..1024 {
        send(&world, USER, "mine").await;
    }
    let path = format!("/_haneul/explain/{}", first.header("x-amzn-requestid"));
    assert_eq!(get(&world, &path).await.0, 404);
}

#[tokio::test]
async fn a_policy_is_made_of_what_was_done() {
    let world = World::with(false, POLICY);
    let path = "/_haneul/least-privilege?principal=arn%3Aaws%3Aiam%3A%3A000000000000%3Auser/ann";
    let (_, none) = get(&world, path).await;
    assert_eq!(none["policy"], Value::Null);
    for queue in ["mine", "mine-2", "mine", "not-mine"] {
        send(&world, USER, queue).await;
    }
    let (status, made) = get(&world, path).await;
    assert_eq!(status, 200);
    let expected = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["sqs:SendMessage"],
        "Resource": ["arn:aws:sqs:us-east-1:000000000000:mine", "arn:aws:sqs:us-east-1:000000000000:mine-2"],
    }]});
    assert_eq!(made["policy"], expected, "what was refused is not in it");
    for at in 0..100 {
        send(&world, USER, &format!("mine-of-many-{at}")).await;
    }
    let (_, made) = get(&world, path).await;
    let resources = &made["policy"]["Statement"][0]["Resource"];
    assert_eq!(*resources, serde_json::json!(["arn:aws:sqs:us-east-1:000000000000:*"]));
    assert_eq!(get(&world, "/_haneul/least-privilege").await.0, 400);
}
