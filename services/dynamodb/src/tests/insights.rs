use std::time::Duration;

use haneul_kit::contributors::{RULES, TALLIES, Tally};
use haneul_kit::{AccountId, Env, Region};
use haneul_store::{Range, Reads, Store};
use serde_json::{Value, json};

use super::world::World;

struct Insights {
    world: World,
    store: Store,
}

impl Insights {
    async fn new() -> Insights {
        let store = Store::memory();
        Insights { world: World::on(Env::simulated(3), store.clone()).await, store }
    }

    async fn update(&self, table: &str, index: Option<&str>, action: &str, mode: Option<&str>) -> Value {
        let mut input = json!({"TableName": table, "ContributorInsightsAction": action});
        if let Some(index) = index {
            input["IndexName"] = index.into();
        }
        if let Some(mode) = mode {
            input["ContributorInsightsMode"] = mode.into();
        }
        self.world.ok("UpdateContributorInsights", input).await
    }

    /// The kinds of a table's or index's rules.
    async fn rules(&self, table: &str, index: Option<&str>) -> Vec<String> {
        let mut input = json!({"TableName": table});
        if let Some(index) = index {
            input["IndexName"] = index.into();
        }
        let known = self.world.ok("DescribeContributorInsights", input).await;
        let list = known["ContributorInsightsRuleList"].as_array().cloned().unwrap_or_default();
        list.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Contributors of a rule and what they came to, sorted.
    async fn counted(&self, kind: &str) -> Vec<(String, f64)> {
        self.world.env.clock.advance(Duration::from_secs(1));
        self.world.settle().await;
        let rules = self.store.scan(&RULES, Range::all(), 100).await.unwrap();
        let rule = rules.iter().find(|((_, _, name), _)| name.contains(kind)).map(|(_, rule)| rule.id);
        let mut all = Tally::default();
        for ((of, ..), tally) in self.store.scan(&TALLIES, Range::all(), 1_000).await.unwrap() {
            if Some(of) == rule {
                all.merge(&tally, 1_000);
            }
        }
        all.top.into_iter().map(|(key, share)| (key.replace('\0', "/"), share.sum)).collect()
    }

    async fn rule_count(&self) -> usize {
        self.store
            .scan_keys(&RULES, Range::prefix((AccountId::DEFAULT, Region::US_EAST_1)), 200)
            .await
            .unwrap()
            .len()
    }
}

#[tokio::test]
async fn statuses_modes_and_rules() {
    let cloud = Insights::new().await;
    cloud.world.table("tab", Some(("s", "N"))).await;
    let fresh = cloud.world.ok("DescribeContributorInsights", json!({"TableName": "tab"})).await;
    assert_eq!(fresh, json!({"TableName": "tab", "ContributorInsightsStatus": "DISABLED"}));
    assert_eq!(cloud.update("tab", None, "DISABLE", None).await["ContributorInsightsStatus"], "DISABLED");
    let now = cloud.world.env.now();
    let enabled = cloud.update("tab", None, "ENABLE", None).await;
    assert_eq!(
        enabled,
        json!({"TableName": "tab", "ContributorInsightsStatus": "ENABLING",
            "ContributorInsightsMode": "ACCESSED_AND_THROTTLED_KEYS"})
    );
    let expected = cloud.rules("tab", None).await;
    for (kind, name) in ["PKC", "SKC", "PKT", "SKT"].iter().zip(&expected) {
        // Three digits of its id follow the time.
        let begin = format!("DynamoDBContributorInsights-{kind}-tab-{}", now.millis());
        assert!(name.starts_with(&begin) && name.len() == begin.len() + 3, "{name}");
    }
    assert_eq!(expected.len(), 4);
    assert_eq!(cloud.rule_count().await, 4);
    let known = cloud.world.ok("DescribeContributorInsights", json!({"TableName": "tab"})).await;
    assert_eq!(known["ContributorInsightsStatus"], "ENABLED");
    assert!(known["LastUpdateDateTime"].is_number(), "{known}");
    // The same again is nothing; another mode keeps the rules that stay.
    cloud.world.env.clock.advance(Duration::from_secs(60));
    assert_eq!(cloud.update("tab", None, "ENABLE", None).await["ContributorInsightsStatus"], "ENABLED");
    let narrowed = cloud.update("tab", None, "ENABLE", Some("THROTTLED_KEYS")).await;
    assert_eq!(narrowed["ContributorInsightsStatus"], "ENABLING");
    assert_eq!(cloud.rules("tab", None).await, expected[2..]);
    assert_eq!(cloud.rule_count().await, 2);
    cloud.update("tab", None, "ENABLE", None).await;
    assert_eq!(cloud.rules("tab", None).await[2..], expected[2..]);
    assert_ne!(cloud.rules("tab", None).await[..2], expected[..2]);
    let listed = cloud.world.ok("ListContributorInsights", json!({})).await;
    assert_eq!(
        listed["ContributorInsightsSummaries"],
        json!([{"TableName": "tab", "ContributorInsightsStatus": "ENABLED",
            "ContributorInsightsMode": "ACCESSED_AND_THROTTLED_KEYS"}])
    );
    let disabled = cloud.update("tab", None, "DISABLE", Some("THROTTLED_KEYS")).await;
    assert_eq!(
        (&disabled["ContributorInsightsStatus"], &disabled["ContributorInsightsMode"]),
        (&json!("DISABLING"), &json!("ACCESSED_AND_THROTTLED_KEYS"))
    );
    let known = cloud.world.ok("DescribeContributorInsights", json!({"TableName": "tab"})).await;
    assert_eq!(known["ContributorInsightsStatus"], "DISABLED");
    assert_eq!(known["ContributorInsightsMode"], "ACCESSED_AND_THROTTLED_KEYS");
    assert!(known["ContributorInsightsRuleList"].is_null());
    assert_eq!(cloud.rule_count().await, 0);
    let listed = cloud.world.ok("ListContributorInsights", json!({"TableName": "tab"})).await;
    assert_eq!(listed["ContributorInsightsSummaries"], json!([]));
    // Rules go with their table.
    cloud.update("tab", None, "ENABLE", None).await;
    cloud.world.ok("DeleteTable", json!({"TableName": "tab"})).await;
    assert_eq!(cloud.rule_count().await, 0);
}

#[tokio::test]
async fn what_is_refused_and_what_fails() {
    let cloud = Insights::new().await;
    let none = json!({"TableName": "none", "ContributorInsightsAction": "ENABLE"});
    assert!(
        cloud.world.err("UpdateContributorInsights", none).await.starts_with("ResourceNotFoundException")
    );
    cloud.world.table("tab", None).await;
    for name in ["UpdateContributorInsights", "DescribeContributorInsights"] {
        let mut input = json!({"TableName": "tab", "IndexName": "none"});
        if name.starts_with('U') {
            input["ContributorInsightsAction"] = "ENABLE".into();
        }
        assert!(cloud.world.err(name, input).await.starts_with("ResourceNotFoundException"), "{name}");
    }
    let wrong = json!({"MaxResults": 101});
    assert!(cloud.world.err("ListContributorInsights", wrong).await.starts_with("ValidationException"));
    let token = json!({"NextToken": "x"});
    assert!(cloud.world.err("ListContributorInsights", token).await.starts_with("ValidationException"));
    // Two rules for each: the fifty-first table finds no place.
    for i in 0..51 {
        let name = format!("t{i:02}");
        cloud.world.table(&name, None).await;
        cloud.update(&name, None, "ENABLE", None).await;
    }
    let failed = cloud.world.ok("DescribeContributorInsights", json!({"TableName": "t50"})).await;
    assert_eq!(failed["ContributorInsightsStatus"], "FAILED");
    assert_eq!(failed["FailureException"]["ExceptionName"], "LimitExceededException");
    assert_eq!(cloud.rule_count().await, 100);
    let (mut seen, mut token) = (0, Value::Null);
    loop {
        let mut input = json!({"MaxResults": 20});
        if token.is_string() {
            input["NextToken"] = token;
        }
        let page = cloud.world.ok("ListContributorInsights", input).await;
        seen += page["ContributorInsightsSummaries"].as_array().unwrap().len();
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen, 51);
    cloud.update("t00", None, "DISABLE", None).await;
    assert_eq!(cloud.update("t50", None, "ENABLE", None).await["ContributorInsightsStatus"], "ENABLING");
    assert_eq!(cloud.rules("t50", None).await.len(), 2);
}

#[tokio::test]
async fn keys_that_are_used_are_counted() {
    let cloud = Insights::new().await;
    let world = &cloud.world;
    world
        .ok(
            "CreateTable",
            json!({
                "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
                "AttributeDefinitions": [
                    {"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"},
                    {"AttributeName": "g", "AttributeType": "S"}],
                "GlobalSecondaryIndexes": [{"IndexName": "by-g", "Projection": {"ProjectionType": "ALL"},
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}]}],
            }),
        )
        .await;
    let item = |p: &str, s: u32, g: &str| json!({"p": {"S": p}, "s": {"N": s.to_string()}, "g": {"S": g}});
    world.put("tab", item("a", 1, "x")).await;
    assert!(cloud.counted("PKC").await.is_empty(), "nothing is counted before it is on");
    cloud.update("tab", None, "ENABLE", None).await;
    cloud.update("tab", Some("by-g"), "ENABLE", None).await;
    assert_eq!(cloud.rules("tab", Some("by-g")).await.len(), 2);
    // A write is three units, a consistent read one, another one half.
    world.put("tab", item("a", 1, "y")).await;
    world.put("tab", item("b", 2, "y")).await;
    let key = json!({"p": {"S": "a"}, "s": {"N": "1"}});
    world.get("tab", key.clone()).await;
    world.ok("GetItem", json!({"TableName": "tab", "Key": {"p": {"S": "none"}, "s": {"N": "7.0"}}})).await;
    let query = json!({"TableName": "tab", "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": {":p": {"S": "b"}}});
    world.ok("Query", query).await;
    let statement = json!({"Statement": "SELECT * FROM tab WHERE p = 'a'"});
    world.ok("ExecuteStatement", statement).await;
    assert_eq!(
        cloud.counted("PKC-tab-1").await,
        [("a".into(), 4.0), ("b".into(), 3.5), ("none".into(), 0.5)]
    );
    assert_eq!(
        cloud.counted("SKC-tab-1").await,
        [("a/1".into(), 4.0), ("b/2".into(), 3.0), ("none/7".into(), 0.5)]
    );
    // Its entry moved from x to y.
    assert_eq!(cloud.counted("PKC-tab-by-g").await, [("x".into(), 3.0), ("y".into(), 6.0)]);
    let query = json!({"TableName": "tab", "IndexName": "by-g", "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": "y"}}});
    world.ok("Query", query).await;
    world.ok("Scan", json!({"TableName": "tab", "ConsistentRead": true})).await;
    let batch = json!({"RequestItems": {"tab": {"Keys": [key.clone()]}}});
    world.ok("BatchGetItem", batch).await;
    let both = json!({"TransactItems": [{"Get": {"TableName": "tab", "Key": key.clone()}}]});
    world.ok("TransactGetItems", both).await;
    let delete = json!({"RequestItems": {"tab": [{"DeleteRequest": {"Key": key.clone()}}]}});
    world.ok("BatchWriteItem", delete).await;
    let failing = json!({"TableName": "tab", "Key": key, "ConditionExpression": "attribute_exists(p)"});
    assert!(world.err("DeleteItem", failing).await.starts_with("ConditionalCheckFailed"));
    assert_eq!(cloud.counted("PKC-tab-by-g").await, [("x".into(), 3.0), ("y".into(), 9.5)]);
    // 0.5 of the Scan, 0.5 of the batch, 2 of the transaction, 3 of each delete.
    assert_eq!(cloud.counted("SKC-tab-1").await[0], ("a/1".into(), 13.0));
    // Off again, nothing is counted, and the index's rules go with the index.
    cloud.update("tab", None, "DISABLE", None).await;
    let gone =
        json!({"TableName": "tab", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-g"}}]});
    world.ok("UpdateTable", gone).await;
    assert_eq!(cloud.rule_count().await, 0);
}

#[tokio::test]
async fn keys_that_are_throttled_are_counted() {
    let cloud = Insights::new().await;
    let world = &cloud.world;
    world
        .ok(
            "CreateTable",
            json!({
                "TableName": "tab", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "B"}],
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
            }),
        )
        .await;
    cloud.update("tab", None, "ENABLE", Some("THROTTLED_KEYS")).await;
    let large = json!({"p": {"B": "AAE="}, "x": {"S": "x".repeat(390_000)}});
    world.put("tab", large.clone()).await;
    for _ in 0..2 {
        let put = json!({"TableName": "tab", "Item": large});
        assert!(world.err("PutItem", put).await.starts_with("ProvisionedThroughputExceeded"));
    }
    let write = json!({"PutRequest": {"Item": {"p": {"B": "AAI="}}}});
    let batch = json!({"RequestItems": {"tab": [write]}});
    assert!(world.err("BatchWriteItem", batch).await.starts_with("ProvisionedThroughputExceeded"));
    let statement = json!({"Statement": "DELETE FROM tab WHERE p = ?", "Parameters": [{"B": "AAI="}]});
    assert!(world.err("ExecuteStatement", statement).await.starts_with("ProvisionedThroughputExceeded"));
    assert_eq!(cloud.counted("PKT").await, [("AAE=".into(), 2.0), ("AAI=".into(), 1.0)]);
}

#[tokio::test]
async fn a_restored_table_has_no_insights() {
    let cloud = Insights::new().await;
    cloud.world.table("tab", None).await;
    cloud.update("tab", None, "ENABLE", None).await;
    let backup = cloud.world.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "one"})).await;
    cloud.world.settle().await;
    let restore = json!({"TargetTableName": "new", "BackupArn": backup["BackupDetails"]["BackupArn"]});
    cloud.world.ok("RestoreTableFromBackup", restore).await;
    cloud.world.settle().await;
    let known = cloud.world.ok("DescribeContributorInsights", json!({"TableName": "new"})).await;
    assert_eq!(known, json!({"TableName": "new", "ContributorInsightsStatus": "DISABLED"}));
    assert_eq!(cloud.rule_count().await, 2);
}
