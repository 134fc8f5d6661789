//! What the meter says of what is used and held, hour by hour.

use std::time::Duration;

use bytes::Bytes;
use haneul_harness::Cloud;
use http::Request;
use serde_json::{Value, json};

struct World(Cloud);

impl World {
    /// A call of a JSON protocol by the root user.
    async fn call(&self, service: &str, target: &str, input: Value) -> Value {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(Bytes::from(input.to_string()))
            .expect("a request");
        let answer = self.0.send(service, request).await;
        assert!(answer.status().is_success(), "{target}: {answer:?}");
        serde_json::from_slice(answer.body()).unwrap_or(Value::Null)
    }

    async fn form(&self, service: &str, form: &str) {
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()))
            .expect("a request");
        let answer = self.0.send(service, request).await;
        assert!(answer.status().is_success(), "{form}: {answer:?}");
    }

    /// Hours after `begin`, `service usage type`, the resource's last part, its tags, amount and unit of what is no request.
    async fn usage(&self, begin: i64) -> Vec<(i64, String, String, Value, u64, String)> {
        let request = Request::get("/_haneul/usage").body(Bytes::new()).expect("a request");
        let answer = self.0.anonymous().send("sts", request).await;
        let answer: Value = serde_json::from_slice(answer.body()).expect("JSON");
        let row = |row: &Value| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let hour = haneul_base::Instant::parse_iso8601(&text("hour")).expect("a time").millis();
            let resource = text("resource").rsplit([':', '/']).next().unwrap_or_default().to_owned();
            let what = format!("{} {}", text("service"), text("usage_type"));
            let amount = row["amount"].as_u64().expect("a number");
            ((hour - begin) / 3_600_000, what, resource, row["tags"].clone(), amount, text("unit"))
        };
        let all = answer["usage"].as_array().expect("rows").iter().map(row);
        all.filter(|row| row.5 != "Requests" && !row.1.contains("DataTransfer")).collect()
    }

    async fn hours(&self, hours: u64) {
        self.0.platform().env.clock.advance(Duration::from_secs(3600 * hours));
        self.0.settle().await;
    }
}

#[tokio::test]
async fn what_is_there_is_metered_by_the_hour() {
    let world = World(Cloud::in_process(7).await);
    world.0.settle().await;
    let begin = world.0.now().millis();
    let secret = json!({"Name": "s", "SecretString": "x", "ClientRequestToken": "0".repeat(32),
        "Tags": [{"Key": "team", "Value": "sky"}]});
    world.call("secretsmanager", "secretsmanager.CreateSecret", secret).await;
    world.call("kms", "TrentService.CreateKey", json!({})).await;
    let table = |name: &str, more: Value| {
        let mut input = json!({"TableName": name, "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        input
    };
    let provisioned = json!({"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 3}});
    world.call("dynamodb", "DynamoDB_20120810.CreateTable", table("pro", provisioned)).await;
    let on_demand = json!({"BillingMode": "PAY_PER_REQUEST"});
    world.call("dynamodb", "DynamoDB_20120810.CreateTable", table("dem", on_demand)).await;
    world.0.platform().env.clock.advance(Duration::from_secs(10));
    world.0.settle().await;
    for name in ["pro", "dem"] {
        let put = json!({"TableName": name, "Item": {"k": {"S": "a"}, "v": {"S": "x".repeat(1500)}}});
        world.call("dynamodb", "DynamoDB_20120810.PutItem", put).await;
        let get = json!({"TableName": name, "Key": {"k": {"S": "a"}}});
        world.call("dynamodb", "DynamoDB_20120810.GetItem", get).await;
    }
    world.call("logs", "Logs_20140328.CreateLogGroup", json!({"logGroupName": "g"})).await;
    let stream = json!({"logGroupName": "g", "logStreamName": "s"});
    world.call("logs", "Logs_20140328.CreateLogStream", stream).await;
    let events = json!({"logGroupName": "g", "logStreamName": "s",
        "logEvents": [{"timestamp": world.0.now().millis(), "message": "x".repeat(74)}]});
    world.call("logs", "Logs_20140328.PutLogEvents", events).await;
    world.form("monitoring", "Action=PutDashboard&DashboardName=d&DashboardBody=%7B%22widgets%22%3A%5B%5D%7D&Version=2010-08-01").await;
    world.form("monitoring", "Action=PutMetricAlarm&AlarmName=a&Namespace=n&MetricName=m&Period=60&Statistic=Sum&EvaluationPeriods=1&Threshold=1&ComparisonOperator=GreaterThanThreshold&Version=2010-08-01").await;

    world.hours(1).await;
    let rows = world.usage(begin).await;
    let shown: Vec<String> = rows
        .iter()
        .map(|(hour, what, resource, _, amount, unit)| format!("{hour} {what} {resource} {amount} {unit}"))
        .collect();
    for expected in [
        "0 secretsmanager AWSSecretsManager-Secrets",
        "0 kms KMS-Keys",
        "0 cloudwatch DashboardsUsageHour d 1 Dashboard-Hours",
        "0 cloudwatch CW:AlarmMonitorUsage a 1 Alarm-Hours",
        "0 dynamodb ReadCapacityUnit-Hrs pro 5 ReadCapacityUnit-Hours",
        "0 dynamodb WriteCapacityUnit-Hrs pro 3 WriteCapacityUnit-Hours",
        "0 dynamodb TimedStorage-ByteHrs pro 1603 Byte-Hours",
        "0 dynamodb TimedStorage-ByteHrs dem 1603 Byte-Hours",
        "0 dynamodb WriteRequestUnits dem 4 Half-WriteRequestUnits",
        "0 dynamodb ReadRequestUnits dem 1 Half-ReadRequestUnits",
        "0 logs DataProcessing-Bytes g 100 Bytes",
        "0 logs TimedStorage-ByteHrs g ",
    ] {
        assert!(shown.iter().any(|row| row.starts_with(expected)), "{expected}: {shown:#?}");
    }
    assert!(!shown.iter().any(|row| row.contains("RequestUnits pro")), "{shown:#?}");
    let secret = rows.iter().find(|row| row.1.contains("Secrets")).expect("the secret's row");
    assert_eq!((&secret.3, secret.4), (&json!({"team": "sky"}), 1));

    // What is gone is held no more; what is there still is, once an hour, however often somebody looks.
    world.form("monitoring", "Action=DeleteDashboards&DashboardNames.member.1=d&Version=2010-08-01").await;
    world.hours(3).await;
    world.usage(begin).await;
    let rows = world.usage(begin).await;
    let of = |kind: &str| -> (usize, u64) {
        let all: Vec<u64> = rows.iter().filter(|row| row.1.ends_with(kind)).map(|row| row.4).collect();
        (all.len(), all.iter().sum())
    };
    assert_eq!(of("KMS-Keys").1, 4);
    assert_eq!(of("DashboardsUsageHour"), (1, 1));
    assert_eq!(of("ReadCapacityUnit-Hrs").1, 20);
}
