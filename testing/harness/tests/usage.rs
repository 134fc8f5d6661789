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

    async fn form(&self, service: &str, form: &str) -> String {
        let request = Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from(form.to_owned()))
            .expect("a request");
        let answer = self.0.send(service, request).await;
        assert!(answer.status().is_success(), "{form}: {answer:?}");
        String::from_utf8_lossy(answer.body()).into_owned()
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
        "0 cloudwatch DashboardsUsageHour-Basic d 1 Dashboard-Hours",
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
    assert_eq!(of("DashboardsUsageHour-Basic"), (1, 1));
    assert_eq!(of("ReadCapacityUnit-Hrs").1, 20);
}

/// What is left of a form when its names and values are put together.
fn encoded(pairs: &[(&str, &str)]) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let escaped = |text: &str| -> String {
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
    };
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    format!("{}&Version=2010-08-01", pairs.join("&"))
}

#[tokio::test]
async fn streams_parameters_metrics_and_trails_are_metered() {
    let world = World(Cloud::in_process(8).await);
    world.0.settle().await;
    let begin = world.0.now().millis();
    let kinesis = |operation: &str| format!("Kinesis_20131202.{operation}");
    world.call("kinesis", &kinesis("CreateStream"), json!({"StreamName": "two", "ShardCount": 2})).await;
    let on_demand = json!({"StreamName": "dem", "StreamModeDetails": {"StreamMode": "ON_DEMAND"}});
    world.call("kinesis", &kinesis("CreateStream"), on_demand).await;
    world.0.platform().env.clock.advance(Duration::from_secs(30));
    world.0.settle().await;
    let longer = json!({"StreamName": "two", "RetentionPeriodHours": 48});
    world.call("kinesis", &kinesis("IncreaseStreamRetentionPeriod"), longer).await;
    // 26,000 bytes are two units of 25 KB, and 26 KB where they are counted.
    for name in ["two", "dem"] {
        for length in [26_000, 10] {
            let data = data_encoding(length);
            let put = json!({"StreamName": name, "PartitionKey": "k", "Data": data});
            world.call("kinesis", &kinesis("PutRecord"), put).await;
        }
    }
    let ssm = |operation: &str| format!("AmazonSSM.{operation}");
    for (name, tier) in [("/big", "Advanced"), ("/small", "Standard")] {
        let put = json!({"Name": name, "Value": "x", "Type": "String", "Tier": tier});
        world.call("ssm", &ssm("PutParameter"), put).await;
        world.call("ssm", &ssm("GetParameter"), json!({"Name": name})).await;
    }
    let trail = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";
    let made = json!({"Name": "lake"});
    let lake = world.call("cloudtrail", &format!("{trail}.CreateEventDataStore"), made).await;
    let id = lake["EventDataStoreArn"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    world.call("ssm", &ssm("DeleteParameter"), json!({"Name": "/small"})).await;
    world.0.platform().env.clock.advance(Duration::from_secs(5));
    world.0.settle().await;
    let query = json!({"QueryStatement": format!("SELECT eventName FROM {id}")});
    world.call("cloudtrail", &format!("{trail}.StartQuery"), query).await;

    let put = |name: &str| {
        encoded(&[
            ("Action", "PutMetricData"),
            ("Namespace", "Shop"),
            ("MetricData.member.1.MetricName", name),
            ("MetricData.member.1.Value", "1"),
        ])
    };
    for name in ["a", "a", "b", "a"] {
        world.form("monitoring", &put(name)).await;
    }
    let rule = r#"{"Schema":{"Name":"CloudWatchLogRule","Version":1},"AggregateOn":"Count","Contribution":{"Filters":[],
        "Keys":["$.ip"]},"LogFormat":"JSON","LogGroupNames":["g"]}"#;
    let rule = encoded(&[("Action", "PutInsightRule"), ("RuleName", "r"), ("RuleDefinition", rule)]);
    world.form("monitoring", &rule).await;
    world.call("logs", "Logs_20140328.CreateLogGroup", json!({"logGroupName": "g"})).await;
    let stream = json!({"logGroupName": "g", "logStreamName": "s"});
    world.call("logs", "Logs_20140328.CreateLogStream", stream).await;
    let event = |message: &str| json!({"timestamp": world.0.now().millis(), "message": message});
    let events = json!({"logGroupName": "g", "logStreamName": "s",
        "logEvents": [event(r#"{"ip":"1"}"#), event("no address"), event(r#"{"ip":"2"}"#)]});
    world.call("logs", "Logs_20140328.PutLogEvents", events).await;
    let asked = |id: usize, statistic: &'static str| {
        let name = |rest: &str| format!("MetricDataQueries.member.{id}.{rest}");
        [
            (name("Id"), format!("q{id}")),
            (name("MetricStat.Metric.Namespace"), "Shop".to_owned()),
            (name("MetricStat.Metric.MetricName"), if id == 3 { "b" } else { "a" }.to_owned()),
            (name("MetricStat.Period"), "60".to_owned()),
            (name("MetricStat.Stat"), statistic.to_owned()),
        ]
    };
    let mut pairs = vec![("Action".to_owned(), "GetMetricData".to_owned())];
    pairs.push(("StartTime".to_owned(), haneul_base::Instant::from_millis(begin).iso8601()));
    pairs.push(("EndTime".to_owned(), world.0.now().iso8601()));
    for (id, statistic) in [(1, "Sum"), (2, "Average"), (3, "Sum")] {
        pairs.extend(asked(id, statistic));
    }
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    world.form("monitoring", &encoded(&pairs)).await;
    world.0.settle().await;

    world.hours(1).await;
    // What CloudWatch tells of its own calls and those of Logs, when the minute is over.
    world.0.platform().env.clock.advance(Duration::from_secs(120));
    world.0.settle().await;
    for (service, operation, calls) in
        [("CloudWatch", "PutMetricData", "4.0"), ("Logs", "PutLogEvents", "1.0")]
    {
        let asked = encoded(&[
            ("Action", "GetMetricStatistics"),
            ("Namespace", "AWS/Usage"),
            ("MetricName", "CallCount"),
            ("Dimensions.member.1.Name", "Class"),
            ("Dimensions.member.1.Value", "None"),
            ("Dimensions.member.2.Name", "Resource"),
            ("Dimensions.member.2.Value", operation),
            ("Dimensions.member.3.Name", "Service"),
            ("Dimensions.member.3.Value", service),
            ("Dimensions.member.4.Name", "Type"),
            ("Dimensions.member.4.Value", "API"),
            ("StartTime", &haneul_base::Instant::from_millis(begin - 3_600_000).iso8601()),
            ("EndTime", &haneul_base::Instant::from_millis(begin + 7_200_000).iso8601()),
            ("Period", "3600"),
            ("Statistics.member.1", "Sum"),
        ]);
        let answer = world.form("monitoring", &asked).await;
        assert!(answer.contains(&format!("<Sum>{calls}</Sum>")), "{answer}");
    }
    // The same metric again in the next hour, and after a minute.
    world.form("monitoring", &put("a")).await;
    world.hours(1).await;
    let shown: Vec<String> = world
        .usage(begin)
        .await
        .iter()
        .map(|(hour, what, resource, _, amount, unit)| format!("{hour} {what} {resource} {amount} {unit}"))
        .collect();
    for expected in [
        "0 kinesis Storage-ShardHour two 2 Shard-Hours",
        "0 kinesis Extended-ShardHour two 2 Shard-Hours",
        "0 kinesis OnDemand-StreamHour dem 1 Stream-Hours",
        "0 kinesis PutRequestPayloadUnits two 3 PayloadUnits",
        "0 kinesis OnDemand-BilledIncomingBytes dem 27648 Bytes",
        "0 ssm PS-Advanced-Param-Tier1 big 1 Parameter-Hours",
        "0 ssm PS-Param-Processed-Tier2  1 Interactions",
        "0 cloudwatch CW:MetricMonitorUsage  2 Metric-Hours",
        "1 cloudwatch CW:MetricMonitorUsage  1 Metric-Hours",
        "0 cloudwatch CW:GMD-Metrics  2 Metrics",
        "0 cloudwatch CW:ContributorInsightRules r 1 Rule-Hours",
        "0 cloudwatch CW:ContributorInsightEvents  2 Events",
        "0 cloudtrail Ingestion-Bytes-1yearstore-Live-CloudTrail-Logs  ",
        "0 cloudtrail QueryScanned-Bytes  ",
    ] {
        assert!(shown.iter().any(|row| row.starts_with(expected)), "{expected}: {shown:#?}");
    }
    assert!(!shown.iter().any(|row| row.contains("small")), "{shown:#?}");
}

/// So many bytes, as base64.
fn data_encoding(length: usize) -> String {
    assert!(length % 3 != 1 || length == 10);
    let whole = "eHh4".repeat(length / 3);
    match length % 3 {
        0 => whole,
        1 => whole + "eA==",
        _ => whole + "eHg=",
    }
}

#[tokio::test]
async fn older_hours_are_told_by_the_day_and_then_by_the_month() {
    let world = World(Cloud::in_process(9).await);
    world.0.settle().await;
    world.call("sqs", "AmazonSQS.CreateQueue", json!({"QueueName": "q"})).await;
    let totals = async || {
        let request = Request::get("/_haneul/usage?service=sqs").body(Bytes::new()).expect("a request");
        let answer = world.0.anonymous().send("sts", request).await;
        let answer: Value = serde_json::from_slice(answer.body()).expect("JSON");
        let rows = answer["usage"].as_array().expect("rows").clone();
        let requests = rows.iter().filter(|row| row["unit"] == "Requests");
        let sum: u64 = requests.map(|row| row["amount"].as_u64().expect("a number")).sum();
        let mut granularities: Vec<String> =
            rows.iter().map(|row| row["granularity"].as_str().expect("a text").to_owned()).collect();
        granularities.sort();
        granularities.dedup();
        (sum, granularities)
    };
    let list = async || world.call("sqs", "AmazonSQS.ListQueues", json!({})).await;
    for _ in 0..5 {
        list().await;
        world.hours(1).await;
    }
    assert_eq!(totals().await, (6, vec!["HOURLY".to_owned()]));
    world.hours(24 * 41).await;
    assert_eq!(totals().await, (6, vec!["DAILY".to_owned()]));
    list().await;
    world.hours(24 * 400).await;
    assert_eq!(totals().await, (7, vec!["DAILY".to_owned(), "MONTHLY".to_owned()]));
}
