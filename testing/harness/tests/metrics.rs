//! What services publish of their own work, as CloudWatch shows it a minute later.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use haneul_harness::Cloud;
use http::Request;
use serde_json::{Value, json};

struct World(Cloud);

impl World {
    async fn new() -> World {
        let world = World(Cloud::in_process(11).await);
        world.0.settle().await;
        world
    }

    /// A call of a JSON protocol by the root user: its answer, or the code of its error.
    async fn call(&self, service: &str, target: &str, input: Value) -> Result<Value, String> {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(Bytes::from(input.to_string()))
            .expect("a request");
        let answer = self.0.send(service, request).await;
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        match answer.status().is_success() {
            true => Ok(body),
            false => {
                let code = body["__type"].as_str().unwrap_or_default();
                Err(code.rsplit('#').next().unwrap_or_default().to_owned())
            }
        }
    }

    async fn dynamodb(&self, operation: &str, input: Value) -> Result<Value, String> {
        self.call("dynamodb", &format!("DynamoDB_20120810.{operation}"), input).await
    }

    async fn table(&self, name: &str, more: Value) {
        let mut input = json!({"TableName": name, "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}]});
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self.dynamodb("CreateTable", input).await.expect("a table");
    }

    async fn pass(&self, seconds: u64) {
        self.0.platform().env.clock.advance(Duration::from_secs(seconds));
        self.0.settle().await;
    }

    async fn cloudwatch(&self, operation: &str, input: Value) -> Value {
        let target = format!("GraniteServiceVersion20100801.{operation}");
        self.call("monitoring", &target, input).await.unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// All that a namespace shows, as `Metric Dimension=value …`: number of samples and sum since `begin_ms`.
    async fn shown(&self, namespace: &str, begin_ms: i64) -> BTreeMap<String, (f64, f64)> {
        let listed = self.cloudwatch("ListMetrics", json!({"Namespace": namespace})).await;
        let mut shown = BTreeMap::new();
        for metric in listed["Metrics"].as_array().expect("metrics") {
            let (name, dimensions) = (metric["MetricName"].as_str().expect("a name"), &metric["Dimensions"]);
            let asked = json!({"Namespace": namespace, "MetricName": name, "Dimensions": dimensions,
                "StartTime": begin_ms / 1000, "EndTime": self.0.now().millis() / 1000 + 60, "Period": 60,
                "Statistics": ["SampleCount", "Sum"]});
            let answer = self.cloudwatch("GetMetricStatistics", asked).await;
            let points = answer["Datapoints"].as_array().expect("datapoints");
            let sum = |what: &str| points.iter().filter_map(|point| point[what].as_f64()).sum::<f64>();
            let mut key = name.to_owned();
            for dimension in dimensions.as_array().into_iter().flatten() {
                key += &format!(" {}={}", dimension["Name"], dimension["Value"]).replace('"', "");
            }
            shown.insert(key, (sum("SampleCount"), sum("Sum")));
        }
        shown
    }
}

fn expected(lines: &[(&str, f64, f64)]) -> BTreeMap<String, (f64, f64)> {
    lines.iter().map(|(name, count, sum)| ((*name).to_owned(), (*count, *sum))).collect()
}

#[tokio::test]
async fn dynamodb_tells_of_calls_of_what_they_used_and_of_why_they_failed() {
    let world = World::new().await;
    let on_demand = json!({"BillingMode": "PAY_PER_REQUEST"});
    world.table("dem", on_demand).await;
    world
        .table("pro", json!({"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}))
        .await;
    world.pass(90).await;
    let begin = world.0.now().millis();
    for key in ["a", "b", "c"] {
        let item = json!({"k": {"S": key}, "v": {"N": "1"}});
        world.dynamodb("PutItem", json!({"TableName": "dem", "Item": item})).await.expect("a put");
    }
    for consistent in [true, false] {
        let get = json!({"TableName": "dem", "Key": {"k": {"S": "a"}}, "ConsistentRead": consistent});
        world.dynamodb("GetItem", get).await.expect("a get");
    }
    let query = json!({"TableName": "dem", "KeyConditionExpression": "k = :k",
        "ExpressionAttributeValues": {":k": {"S": "b"}}});
    world.dynamodb("Query", query).await.expect("a query");
    world.dynamodb("Scan", json!({"TableName": "dem", "ConsistentRead": true})).await.expect("a scan");
    let batch = json!({"RequestItems": {"dem": {"Keys": [{"k": {"S": "a"}}, {"k": {"S": "none"}}]},
        "pro": {"Keys": [{"k": {"S": "a"}}]}}});
    world.dynamodb("BatchGetItem", batch).await.expect("a batch");
    let select = json!({"Statement": "SELECT * FROM dem WHERE k = 'c'"});
    world.dynamodb("ExecuteStatement", select).await.expect("a statement");
    // What fails: by its condition, by its words, by what it names, and by the throughput.
    let failing = json!({"TableName": "dem", "Item": {"k": {"S": "a"}},
        "ConditionExpression": "attribute_not_exists(k)"});
    let statement = json!({"Statements": [{"Statement": "DELETE FROM dem WHERE k = 'a' AND v = 2"}]});
    let huge = json!({"k": {"S": "a"}, "v": {"S": "x".repeat(399_000)}});
    for (operation, input, code) in [
        ("PutItem", failing, "ConditionalCheckFailedException"),
        ("PutItem", json!({"TableName": "dem"}), "ValidationException"),
        ("GetItem", json!({"TableName": "dem", "Key": {"x": {"S": "a"}}}), "ValidationException"),
        ("DescribeTable", json!({"TableName": "none"}), "ResourceNotFoundException"),
        ("PutItem", json!({"TableName": "pro", "Item": huge}), ""),
        (
            "PutItem",
            json!({"TableName": "pro", "Item": {"k": {"S": "b"}}}),
            "ProvisionedThroughputExceededException",
        ),
        (
            "PutItem",
            json!({"TableName": "pro", "Item": {"k": {"S": "b"}}}),
            "ProvisionedThroughputExceededException",
        ),
        ("BatchExecuteStatement", statement, ""),
    ] {
        let got = world.dynamodb(operation, input).await.err().unwrap_or_default();
        assert_eq!(got, code, "{operation}");
    }
    world.pass(60).await;
    let mut shown = world.shown("AWS/DynamoDB", begin).await;
    shown.retain(|name, _| {
        !name.starts_with("Account") && !name.contains("Provisioned") || name.contains("Throttle")
    });
    // The clock stands still, so that all were done at once.
    let wanted = expected(&[
        ("ConditionalCheckFailedRequests TableName=dem", 2.0, 2.0),
        ("ConsumedReadCapacityUnits TableName=dem", 7.0, 4.5),
        ("ConsumedReadCapacityUnits TableName=pro", 1.0, 0.5),
        ("ConsumedWriteCapacityUnits TableName=dem", 5.0, 5.0),
        ("ConsumedWriteCapacityUnits TableName=pro", 1.0, 390.0),
        ("ReturnedItemCount Operation=ExecuteStatement TableName=dem", 1.0, 1.0),
        ("ReturnedItemCount Operation=Query TableName=dem", 1.0, 1.0),
        ("ReturnedItemCount Operation=Scan TableName=dem", 1.0, 3.0),
        ("SuccessfulRequestLatency Operation=BatchExecuteStatement TableName=dem", 1.0, 0.0),
        ("SuccessfulRequestLatency Operation=BatchGetItem TableName=dem", 1.0, 0.0),
        ("SuccessfulRequestLatency Operation=BatchGetItem TableName=pro", 1.0, 0.0),
        ("SuccessfulRequestLatency Operation=ExecuteStatement TableName=dem", 1.0, 0.0),
        ("SuccessfulRequestLatency Operation=GetItem TableName=dem", 2.0, 0.0),
        ("SuccessfulRequestLatency Operation=PutItem TableName=dem", 3.0, 0.0),
        ("SuccessfulRequestLatency Operation=PutItem TableName=pro", 1.0, 0.0),
        ("SuccessfulRequestLatency Operation=Query TableName=dem", 1.0, 0.0),
        ("SuccessfulRequestLatency Operation=Scan TableName=dem", 1.0, 0.0),
        ("ThrottledRequests Operation=PutItem TableName=pro", 2.0, 2.0),
        ("UserErrors", 3.0, 3.0),
        ("WriteProvisionedThroughputThrottleEvents TableName=pro", 2.0, 2.0),
        ("WriteThrottleEvents TableName=pro", 2.0, 2.0),
    ]);
    assert_eq!(shown, wanted);
}

#[tokio::test]
async fn dynamodb_tells_what_may_be_used_of_streams_and_of_what_goes_on_behind() {
    let world = World::new().await;
    let provisioned = json!({"ProvisionedThroughput": {"ReadCapacityUnits": 400, "WriteCapacityUnits": 80},
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}});
    world.table("pro", provisioned).await;
    let most = json!({"MaxReadRequestUnits": 7, "MaxWriteRequestUnits": -1});
    world.table("dem", json!({"BillingMode": "PAY_PER_REQUEST", "OnDemandThroughput": most})).await;
    world.pass(90).await;
    let begin = world.0.now().millis();
    let ttl = json!({"Enabled": true, "AttributeName": "until"});
    world
        .dynamodb("UpdateTimeToLive", json!({"TableName": "pro", "TimeToLiveSpecification": ttl}))
        .await
        .expect("TTL");
    world.pass(1).await;
    let until = (begin / 1000 + 20).to_string();
    for (key, until) in [("a", until.as_str()), ("b", until.as_str()), ("c", "4000000000")] {
        let item = json!({"k": {"S": key}, "until": {"N": until}});
        world.dynamodb("PutItem", json!({"TableName": "pro", "Item": item})).await.expect("a put");
    }
    let streams = |operation: &str, input: Value| {
        let target = format!("DynamoDBStreams_20120810.{operation}");
        let world = &world;
        async move { world.call("dynamodb", &target, input).await.expect("streams") }
    };
    let stream = &streams("ListStreams", json!({})).await["Streams"][0];
    let arn = &stream["StreamArn"];
    let described = streams("DescribeStream", json!({"StreamArn": arn})).await;
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let asked = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = streams("GetShardIterator", asked).await["ShardIterator"].clone();
    let records = streams("GetRecords", json!({"ShardIterator": iterator})).await;
    assert_eq!(records["Records"].as_array().map(Vec::len), Some(3));
    let index = json!({"TableName": "pro", "AttributeDefinitions": [{"AttributeName": "until", "AttributeType": "N"}],
        "GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "times", "Projection": {"ProjectionType": "ALL"},
            "KeySchema": [{"AttributeName": "until", "KeyType": "HASH"}],
            "ProvisionedThroughput": {"ReadCapacityUnits": 100, "WriteCapacityUnits": 20}}}]});
    world.dynamodb("UpdateTable", index).await.expect("an index");
    world.pass(30).await;
    // Every five minutes it is told what may be used.
    for _ in 0..6 {
        world.pass(60).await;
    }
    let shown = world.shown("AWS/DynamoDB", begin).await;
    let label = stream["StreamLabel"].as_str().expect("a label");
    let of_stream = format!("Operation=GetRecords StreamLabel={label} TableName=pro");
    let of_index = "GlobalSecondaryIndexName=times TableName=pro";
    for (name, count, sum) in [
        (format!("SuccessfulRequestLatency {of_stream}"), 1.0, 0.0),
        (format!("ReturnedRecordsCount {of_stream}"), 1.0, 3.0),
        (format!("ReturnedBytes {of_stream}"), 1.0, 6.0),
        ("TimeToLiveDeletedItemCount TableName=pro".into(), 2.0, 2.0),
        (format!("OnlineIndexPercentageProgress {of_index}"), 1.0, 100.0),
        (format!("OnlineIndexConsumedWriteCapacity {of_index}"), 1.0, 0.0),
        (format!("OnlineIndexThrottleEvents {of_index}"), 1.0, 0.0),
        ("ProvisionedReadCapacityUnits TableName=pro".into(), 1.0, 400.0),
        (format!("ProvisionedWriteCapacityUnits {of_index}"), 1.0, 20.0),
        ("OnDemandMaxReadRequestUnits TableName=dem".into(), 1.0, 7.0),
        ("AccountMaxReads".into(), 1.0, 80_000.0),
        ("AccountMaxTableLevelWrites".into(), 1.0, 40_000.0),
        ("AccountProvisionedReadCapacityUtilization".into(), 1.0, 0.625),
        ("MaxProvisionedTableReadCapacityUtilization".into(), 1.0, 1.0),
        ("AccountProvisionedWriteCapacityUtilization".into(), 1.0, 0.125),
    ] {
        assert_eq!(shown.get(&name), Some(&(count, sum)), "{name}: {shown:#?}");
    }
    assert!(!shown.contains_key("OnDemandMaxWriteRequestUnits TableName=dem"), "{shown:#?}");
    let usage = world.shown("AWS/Usage", begin).await;
    let resource =
        |name: &str| format!("ResourceCount Class=None Resource={name} Service=DynamoDB Type=Resource");
    assert_eq!(usage[&resource("TableCount")], (1.0, 2.0));
    assert_eq!(usage[&resource("AccountProvisionedReadCapacityUnits")], (1.0, 500.0));
}

#[tokio::test]
async fn queues_tell_how_old_their_messages_are_and_what_was_sent_twice() {
    let world = World::new().await;
    let sqs = |operation: &'static str, input: Value| {
        let world = &world;
        async move { world.call("sqs", &format!("AmazonSQS.{operation}"), input).await.expect(operation) }
    };
    let fifo = json!({"QueueName": "q.fifo", "Attributes": {"FifoQueue": "true"}});
    let fifo = sqs("CreateQueue", fifo).await["QueueUrl"].clone();
    let plain = sqs("CreateQueue", json!({"QueueName": "q", "Attributes": {"VisibilityTimeout": "0"}})).await
        ["QueueUrl"]
        .clone();
    world.pass(60 - world.0.now().secs().rem_euclid(60) as u64).await;
    let begin = world.0.now().millis();
    for (group, id) in [("a", "1"), ("a", "1"), ("b", "2"), ("a", "3")] {
        let send = json!({"QueueUrl": fifo, "MessageBody": "x", "MessageGroupId": group, "MessageDeduplicationId": id});
        sqs("SendMessage", send).await;
    }
    sqs("ReceiveMessage", json!({"QueueUrl": fifo, "MaxNumberOfMessages": 1, "VisibilityTimeout": 600}))
        .await;
    // The older one is received three times: it does not hide the other.
    sqs("SendMessage", json!({"QueueUrl": plain, "MessageBody": "poison"})).await;
    for _ in 0..3 {
        sqs("ReceiveMessage", json!({"QueueUrl": plain})).await;
    }
    world.pass(20).await;
    sqs("SendMessage", json!({"QueueUrl": plain, "MessageBody": "next"})).await;
    world.pass(40).await;
    let shown = world.shown("AWS/SQS", begin).await;
    for (name, expected) in [
        ("NumberOfMessagesSent QueueName=q.fifo", (3.0, 3.0)),
        ("NumberOfDeduplicatedSentMessages QueueName=q.fifo", (1.0, 1.0)),
    ] {
        assert_eq!(shown.get(name), Some(&expected), "{name}: {shown:#?}");
    }
    let last = |name: &str| {
        let asked = json!({"Namespace": "AWS/SQS", "MetricName": name.split(' ').next(), "Dimensions":
            [{"Name": "QueueName", "Value": name.split('=').next_back()}],
            "StartTime": begin / 1000 + 60, "EndTime": begin / 1000 + 120, "Period": 60, "Statistics": ["Maximum"]});
        let world = &world;
        async move { world.cloudwatch("GetMetricStatistics", asked).await["Datapoints"][0].clone() }
    };
    let groups = last("ApproximateNumberOfGroupsWithInflightMessages QueueName=q.fifo").await;
    assert_eq!(groups["Maximum"], 1.0, "{groups}");
    for (queue, age_s) in [("q", 40.0), ("q.fifo", 60.0)] {
        let age = last(&format!("ApproximateAgeOfOldestMessage QueueName={queue}")).await;
        assert_eq!((&age["Maximum"], &age["Unit"]), (&json!(age_s), &json!("Seconds")), "{queue}");
    }
}

#[tokio::test]
async fn logs_tell_what_is_wrong_with_embedded_metrics() {
    let world = World::new().await;
    let logs = |operation: &'static str, input: Value| {
        let world = &world;
        async move { world.call("logs", &format!("Logs_20140328.{operation}"), input).await.expect(operation) }
    };
    logs("CreateLogGroup", json!({"logGroupName": "g"})).await;
    logs("CreateLogStream", json!({"logGroupName": "g", "logStreamName": "s"})).await;
    world.pass(90).await;
    let begin = world.0.now().millis();
    let embedded = |directive: Value| {
        json!({"_aws": {"Timestamp": begin, "CloudWatchMetrics": directive}, "n": 3}).to_string()
    };
    let good = json!([{"Namespace": "App", "Dimensions": [[]], "Metrics": [{"Name": "n"}]}]);
    let missing = json!([{"Namespace": "App", "Dimensions": [["who"]], "Metrics": [{"Name": "n"}]}]);
    let messages = [
        embedded(good),
        embedded(missing),
        embedded(json!({"Namespace": "App"})),
        embedded(json!([])).replace("\"n\":3", "\"n\":"),
    ];
    let events: Vec<Value> =
        messages.iter().map(|text| json!({"timestamp": begin, "message": text})).collect();
    logs("PutLogEvents", json!({"logGroupName": "g", "logStreamName": "s", "logEvents": events})).await;
    // Events are measured behind the answer, perhaps only in the next minute.
    world.0.settle().await;
    world.pass(60).await;
    world.pass(60).await;
    let shown = world.shown("AWS/Logs", begin).await;
    for (name, expected) in [
        ("EMFParsingErrors LogGroupName=g", (2.0, 2.0)),
        ("EMFValidationErrors LogGroupName=g", (1.0, 1.0)),
        ("IncomingLogEvents LogGroupName=g", (1.0, 4.0)),
    ] {
        assert_eq!(shown.get(name), Some(&expected), "{name}: {shown:#?}");
    }
    assert_eq!(world.shown("App", begin).await["n"], (1.0, 3.0));
}

/// What the account may use at most is in metric math, beside what it uses.
#[tokio::test]
async fn quotas_stand_beside_their_use() {
    let world = World::new().await;
    world.table("tab", json!({"BillingMode": "PAY_PER_REQUEST"})).await;
    let begin = world.0.now().millis() / 1000;
    for _ in 0..6 {
        world.pass(60).await;
    }
    let dimension = |name: &str, value: &str| json!({"Name": name, "Value": value});
    let metric = json!({"Namespace": "AWS/Usage", "MetricName": "ResourceCount", "Dimensions": [
        dimension("Class", "None"), dimension("Resource", "TableCount"), dimension("Service", "DynamoDB"),
        dimension("Type", "Resource")]});
    let queries = json!([{"Id": "m1", "ReturnData": false, "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Maximum"}},
        {"Id": "e1", "Expression": "m1/SERVICE_QUOTA(m1)*100"}]);
    let asked = json!({"MetricDataQueries": queries, "StartTime": begin - 600, "EndTime": begin + 600});
    let answer = world.cloudwatch("GetMetricData", asked).await;
    assert_eq!(answer["MetricDataResults"][0]["Values"], json!([0.04]), "{answer}");
}
