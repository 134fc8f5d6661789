use std::collections::BTreeMap;
use std::time::Duration;

use haneul_kit::Env;
use haneul_store::Store;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::world::World;

async fn content(world: &World, table: &str) -> BTreeMap<String, Value> {
    let items = world.ok("Scan", json!({"TableName": table})).await["Items"].clone();
    items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["p"]["S"].as_str().unwrap().to_owned(), item.clone()))
        .collect()
}

#[tokio::test]
async fn a_table_as_it_was_at_any_moment() {
    let world = World::new().await;
    world.table("tab", None).await;
    world.put("tab", json!({"p": {"S": "first"}})).await;
    let early =
        json!({"SourceTableName": "tab", "TargetTableName": "early", "UseLatestRestorableTime": true});
    assert!(
        world
            .err("RestoreTableToPointInTime", early)
            .await
            .starts_with("PointInTimeRecoveryUnavailableException")
    );
    let enable =
        json!({"TableName": "tab", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
    let enabled = world.ok("UpdateContinuousBackups", enable).await;
    let description = &enabled["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
    assert_eq!(description["PointInTimeRecoveryStatus"], "ENABLED");
    let rng = &world.env.rng;
    let mut moments = Vec::new();
    for _ in 0..40 {
        world.env.clock.advance(Duration::from_secs(1 + rng.below(3600)));
        for _ in 0..rng.below(4) {
            let key = json!({"p": {"S": format!("k{}", rng.below(8))}});
            match rng.below(3) {
                0 => drop(world.ok("DeleteItem", json!({"TableName": "tab", "Key": key})).await),
                _ => world.put("tab", json!({"p": key["p"], "v": {"N": rng.below(1000).to_string()}})).await,
            }
        }
        moments.push((world.env.now().secs(), content(&world, "tab").await));
    }
    for (i, (at, expected)) in moments.iter().enumerate().filter(|(i, _)| i % 5 == 0) {
        let target = format!("restored-{i}");
        let restore = json!({"SourceTableName": "tab", "TargetTableName": target, "RestoreDateTime": at});
        let made = world.ok("RestoreTableToPointInTime", restore).await;
        assert_eq!(made["TableDescription"]["TableStatus"], "CREATING");
        assert_eq!(made["TableDescription"]["RestoreSummary"]["RestoreInProgress"], true);
        world.settle().await;
        assert_eq!(&content(&world, &target).await, expected, "{at}");
    }
    let too_early = json!({"SourceTableName": "tab", "TargetTableName": "xxx", "RestoreDateTime": 1_000_000});
    assert!(
        world.err("RestoreTableToPointInTime", too_early).await.starts_with("InvalidRestoreTimeException")
    );
}

#[tokio::test]
async fn backups_outlive_what_happens_after() {
    let world = World::new().await;
    world.table("tab", None).await;
    for i in 0..450 {
        world.put("tab", json!({"p": {"S": format!("k{i}")}})).await;
    }
    let made = world.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "bak"})).await;
    let arn = made["BackupDetails"]["BackupArn"].clone();
    assert_eq!(made["BackupDetails"]["BackupStatus"], "CREATING");
    world.settle().await;
    let before = content(&world, "tab").await;
    world.ok("DeleteTable", json!({"TableName": "tab"})).await;
    world.settle().await;
    let described = world.ok("DescribeBackup", json!({"BackupArn": arn})).await;
    assert_eq!(described["BackupDescription"]["BackupDetails"]["BackupStatus"], "AVAILABLE");
    assert_eq!(described["BackupDescription"]["SourceTableDetails"]["ItemCount"], 450);
    let listed = world.ok("ListBackups", json!({"TableName": "tab"})).await;
    assert_eq!(listed["BackupSummaries"][0]["BackupArn"], arn);
    world.ok("RestoreTableFromBackup", json!({"BackupArn": arn, "TargetTableName": "again"})).await;
    assert!(
        world
            .err("GetItem", json!({"TableName": "again", "Key": {"p": {"S": "k1"}}}))
            .await
            .starts_with("ResourceNotFound")
    );
    world.settle().await;
    assert_eq!(content(&world, "again").await, before);
    let taken = json!({"BackupArn": arn, "TargetTableName": "again"});
    assert!(world.err("RestoreTableFromBackup", taken).await.starts_with("TableAlreadyExistsException"));
    world.ok("DeleteBackup", json!({"BackupArn": arn})).await;
    assert!(
        world.err("DescribeBackup", json!({"BackupArn": arn})).await.starts_with("BackupNotFoundException")
    );
    world.settle().await;
}

#[tokio::test]
async fn a_backup_tells_of_what_its_table_had() {
    let world = World::new().await;
    let key = |name: &str| json!([{"AttributeName": name, "KeyType": "HASH"}]);
    let index = json!({"IndexName": "ggg", "KeySchema": key("g"), "Projection": {"ProjectionType": "ALL"}});
    let create = json!({
        "TableName": "tab", "KeySchema": key("p"), "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [index],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"},
    });
    world.ok("CreateTable", create).await;
    world.settle().await;
    let specification = json!({"Enabled": true, "AttributeName": "ttl"});
    let ttl = json!({"TableName": "tab", "TimeToLiveSpecification": specification});
    world.ok("UpdateTimeToLive", ttl).await;
    world.settle().await;
    let made = world.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "bak"})).await;
    world.settle().await;
    let arn = made["BackupDetails"]["BackupArn"].clone();
    let described = world.ok("DescribeBackup", json!({"BackupArn": arn})).await;
    let features = &described["BackupDescription"]["SourceTableFeatureDetails"];
    let stream = json!({"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"});
    assert_eq!(features["StreamDescription"], stream);
    let ttl = json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"});
    assert_eq!(features["TimeToLiveDescription"], ttl);
    let throughput = &features["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"];
    assert_eq!(throughput["ReadCapacityUnits"], 0);
    assert_eq!(features.get("SSEDescription"), None);
}

#[tokio::test]
async fn a_restore_knows_the_indexes_by_their_keys() {
    let world = World::new().await;
    let key = |name: &str| json!([{"AttributeName": name, "KeyType": "HASH"}]);
    let index = |name: &str, on: &str, projection: Value| json!({"IndexName": name, "KeySchema": key(on), "Projection": projection});
    let all = || json!({"ProjectionType": "ALL"});
    let some = |names: [&str; 2]| json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names});
    let of = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let create = json!({
        "TableName": "tab", "KeySchema": key("p"), "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [of("p"), of("h"), of("g")],
        "GlobalSecondaryIndexes": [index("ggg", "g", some(["z", "a"])), index("hhh", "h", all())],
    });
    let made = world.ok("CreateTable", create).await;
    // By name, as AWS tells them.
    assert_eq!(made["TableDescription"]["AttributeDefinitions"], json!([of("g"), of("h"), of("p")]));
    let projection = &made["TableDescription"]["GlobalSecondaryIndexes"][0]["Projection"];
    assert_eq!(projection["NonKeyAttributes"], json!(["a", "z"]));
    world.settle().await;
    let item = json!({"p": {"S": "1"}, "g": {"S": "g"}, "a": {"S": "a"}, "b": {"S": "b"}});
    world.put("tab", item).await;
    let made = world.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "bak"})).await;
    let arn = made["BackupDetails"]["BackupArn"].clone();
    world.settle().await;
    let restore = |indexes: Value| json!({"BackupArn": arn, "TargetTableName": "new", "GlobalSecondaryIndexOverride": indexes});
    for (on, projection) in [("p", all()), ("g", all()), ("h", some(["a", "z"]))] {
        assert_eq!(
            world.err("RestoreTableFromBackup", restore(json!([index("other", on, projection)]))).await,
            "ValidationException: Invalid Request: Index other does not match a secondary index that existed in the source \
             table and cannot be created during the restore operation"
        );
    }
    let made =
        world.ok("RestoreTableFromBackup", restore(json!([index("other", "g", some(["a", "z"]))]))).await;
    assert_eq!(made["TableDescription"]["AttributeDefinitions"], json!([of("g"), of("p")]));
    world.settle().await;
    let query = json!({
        "TableName": "new", "IndexName": "other", "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": "g"}},
    });
    let found = world.ok("Query", query).await;
    assert_eq!(found["Items"], json!([{"p": {"S": "1"}, "g": {"S": "g"}, "a": {"S": "a"}}]));
}

#[tokio::test]
async fn nobody_copies_a_table_that_is_being_filled() {
    let world = World::new().await;
    world.table("tab", None).await;
    world.put("tab", json!({"p": {"S": "a"}})).await;
    let backup = world.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "bak"})).await;
    let arn = backup["BackupDetails"]["BackupArn"].clone();
    world.settle().await;
    world.ok("RestoreTableFromBackup", json!({"BackupArn": arn, "TargetTableName": "again"})).await;
    let enable = json!({
        "TableName": "again", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true},
    });
    let backup = json!({"TableName": "again", "BackupName": "bak"});
    let refused = world.err("CreateBackup", backup.clone()).await;
    assert_eq!(refused, "TableInUseException: Table is being created: again");
    let refused = world.err("UpdateContinuousBackups", enable.clone()).await;
    assert!(refused.starts_with("ContinuousBackupsUnavailableException: "), "{refused}");
    // The backup may go meanwhile.
    world.ok("DeleteBackup", json!({"BackupArn": arn})).await;
    world.settle().await;
    assert_eq!(content(&world, "again").await.len(), 1);
    world.ok("UpdateContinuousBackups", enable).await;
    world.ok("CreateBackup", backup).await;
    world.settle().await;
}

/// By UpdateTable or by a restore: an index without units could not be written to.
#[tokio::test]
async fn whoever_provisions_a_table_provisions_its_indexes() {
    let world = World::new().await;
    world
        .ok(
            "CreateTable",
            json!({
                "TableName": "tab", "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "GlobalSecondaryIndexes": [{
                    "IndexName": "idx", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }],
            }),
        )
        .await;
    let backup = world.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "bak"})).await;
    world.settle().await;
    let units = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 6});
    let mut restore = json!({
        "BackupArn": backup["BackupDetails"]["BackupArn"], "TargetTableName": "again",
        "BillingModeOverride": "PROVISIONED", "ProvisionedThroughputOverride": units,
    });
    let missing = "ValidationException: One or more parameter values were invalid: ProvisionedThroughput is not \
                   specified for index: idx";
    assert_eq!(world.err("RestoreTableFromBackup", restore.clone()).await, missing);
    restore["GlobalSecondaryIndexOverride"] = json!([{
        "IndexName": "idx", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"}, "ProvisionedThroughput": units,
    }]);
    world.ok("RestoreTableFromBackup", restore).await;
    let mut update =
        json!({"TableName": "tab", "BillingMode": "PROVISIONED", "ProvisionedThroughput": units});
    assert_eq!(world.err("UpdateTable", update.clone()).await, missing);
    update["GlobalSecondaryIndexUpdates"] =
        json!([{"Update": {"IndexName": "idx", "ProvisionedThroughput": units}}]);
    world.ok("UpdateTable", update).await;
    world.settle().await;
    for table in ["tab", "again"] {
        let described = world.ok("DescribeTable", json!({"TableName": table})).await;
        let index = &described["Table"]["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"];
        assert_eq!(index["WriteCapacityUnits"], 6, "{table}");
    }
}

#[tokio::test]
async fn a_table_that_could_be_recovered_leaves_a_backup() {
    let world = World::new().await;
    let recovery = json!({"PointInTimeRecoveryEnabled": true});
    for table in ["tab", "plain"] {
        world.table(table, None).await;
        world.put(table, json!({"p": {"S": "a"}, "v": {"N": "1"}})).await;
    }
    let enable = json!({"TableName": "tab", "PointInTimeRecoverySpecification": recovery});
    world.ok("UpdateContinuousBackups", enable).await;
    world.ok("CreateBackup", json!({"TableName": "tab", "BackupName": "own"})).await;
    let before = content(&world, "tab").await;
    for table in ["tab", "plain"] {
        world.ok("DeleteTable", json!({"TableName": table})).await;
    }
    world.settle().await;
    let names = |listed: &Value| -> Vec<String> {
        let summaries = listed["BackupSummaries"].as_array().unwrap().iter();
        summaries.map(|one| one["BackupName"].as_str().unwrap().to_owned()).collect()
    };
    for (kind, expected) in [
        (None, vec!["own"]),
        (Some("USER"), vec!["own"]),
        (Some("SYSTEM"), vec!["tab$DeletedTableBackup"]),
        (Some("ALL"), vec!["own", "tab$DeletedTableBackup"]),
        (Some("AWS_BACKUP"), vec![]),
    ] {
        let listed = world.ok("ListBackups", json!({"BackupType": kind})).await;
        let mut found = names(&listed);
        found.sort();
        assert_eq!(found, expected, "{kind:?}");
    }
    // Those that are not asked for are not counted against a page.
    let page = world.ok("ListBackups", json!({"BackupType": "SYSTEM", "Limit": 1})).await;
    assert_eq!((names(&page).len(), &page["LastEvaluatedBackupArn"]), (1, &Value::Null));
    let arn = page["BackupSummaries"][0]["BackupArn"].clone();
    let described = world.ok("DescribeBackup", json!({"BackupArn": arn})).await["BackupDescription"].clone();
    let (details, source) = (&described["BackupDetails"], &described["SourceTableDetails"]);
    assert_eq!((&details["BackupType"], &details["BackupStatus"]), (&json!("SYSTEM"), &json!("AVAILABLE")));
    assert_eq!(source["ItemCount"], 1);
    let (created, expires) = (&details["BackupCreationDateTime"], &details["BackupExpiryDateTime"]);
    let kept = expires.as_f64().unwrap() - created.as_f64().unwrap();
    assert_eq!(kept, f64::from(35 * 24 * 60 * 60));
    // The table can be made anew, and what was in it be brought back beside that.
    world.table("tab", None).await;
    let made = world.ok("RestoreTableFromBackup", json!({"BackupArn": arn, "TargetTableName": "back"})).await;
    assert_eq!(made["TableDescription"]["RestoreSummary"]["RestoreDateTime"], *created);
    world.settle().await;
    assert_eq!(content(&world, "back").await, before);
    assert!(content(&world, "tab").await.is_empty());
    world.env.clock.advance(Duration::from_secs(35 * 24 * 60 * 60));
    world.settle().await;
    let gone = world.err("DescribeBackup", json!({"BackupArn": arn})).await;
    assert!(gone.starts_with("BackupNotFoundException"), "{gone}");
    assert_eq!(content(&world, "back").await, before);
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8),
    Delete(u8),
    Add(u8),
    Swap(u8, u8),
    /// Milliseconds that pass: several writes may fall into one, and into one second.
    Pass(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..6u8;
    let step = prop_oneof![
        5 => key().prop_map(Step::Put),
        3 => key().prop_map(Step::Delete),
        3 => key().prop_map(Step::Add),
        2 => (key(), key()).prop_map(|(one, other)| Step::Swap(one, other)),
        5 => prop_oneof![Just(1), 1..900u64, 900..200_000u64].prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..80)
}

/// Whatever is written, and whenever: the table at a second is what it was when that second ended.
#[test]
fn restores_at_random_seconds_are_as_recorded() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    runner
        .run(&(steps(), any::<u64>()), |(steps, seed)| {
            runtime.block_on(recorded(steps, seed));
            Ok(())
        })
        .unwrap();
}

async fn recorded(steps: Vec<Step>, seed: u64) {
    let (env, store) = (Env::simulated(7), Store::memory());
    let mut world = World::on(env.clone(), store.clone()).await;
    world.table("tab", None).await;
    let enable =
        json!({"TableName": "tab", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
    world.ok("UpdateContinuousBackups", enable).await;
    let begin_ms = env.now().millis();
    // What the table was from each of these moments on.
    let mut history: BTreeMap<i64, BTreeMap<String, Value>> = BTreeMap::new();
    history.insert(begin_ms, BTreeMap::new());
    for (at, step) in steps.into_iter().enumerate() {
        let key = |key: u8| json!({"p": {"S": format!("k{key}")}});
        let item = |key: u8| json!({"p": {"S": format!("k{key}")}, "v": {"N": at.to_string()}});
        match step {
            Step::Put(one) => world.put("tab", item(one)).await,
            Step::Delete(one) => {
                drop(world.ok("DeleteItem", json!({"TableName": "tab", "Key": key(one)})).await)
            }
            Step::Add(one) => {
                let update = json!({
                    "TableName": "tab", "Key": key(one), "UpdateExpression": "ADD v :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                });
                drop(world.ok("UpdateItem", update).await);
            }
            Step::Swap(one, other) if one != other => {
                let items = [
                    json!({"Put": {"TableName": "tab", "Item": item(one)}}),
                    json!({"Delete": {"TableName": "tab", "Key": key(other)}}),
                ];
                drop(world.ok("TransactWriteItems", json!({"TransactItems": items})).await);
            }
            Step::Swap(..) => {}
            Step::Pass(ms) => env.clock.advance(Duration::from_millis(ms)),
            Step::Restart => world = World::on(env.clone(), store.clone()).await,
        }
        history.insert(env.now().millis(), content(&world, "tab").await);
    }
    // A moment that is over.
    env.clock.advance(Duration::from_secs(2));
    let rng = haneul_env::Rng::seeded(seed);
    let seconds = (env.now().millis() - begin_ms) / 1000;
    for round in 0..3 {
        let at_s = begin_ms.div_euclid(1000) + 1 + rng.below(seconds.max(1).unsigned_abs()) as i64;
        if at_s * 1000 > env.now().millis() {
            continue;
        }
        let target = format!("restored-{round}");
        let restore = json!({"SourceTableName": "tab", "TargetTableName": target, "RestoreDateTime": at_s});
        world.ok("RestoreTableToPointInTime", restore).await;
        env.clock.advance(Duration::from_millis(1));
        // The last one outlives what it is copied from, even when that goes before a single item was copied.
        match rng.below(3) {
            0 if round == 2 => drop(world.ok("DeleteTable", json!({"TableName": "tab"})).await),
            1 if round == 2 => {
                let disable = json!({
                    "TableName": "tab", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": false},
                });
                drop(world.ok("UpdateContinuousBackups", disable).await);
            }
            _ => world.put("tab", json!({"p": {"S": "k0"}, "v": {"S": "later"}})).await,
        }
        if rng.below(4) == 0 {
            world = World::on(env.clone(), store.clone()).await;
        }
        world.settle().await;
        let (_, expected) = history.range(..=at_s * 1000).next_back().unwrap();
        assert_eq!(&content(&world, &target).await, expected, "at {at_s}");
    }
}
