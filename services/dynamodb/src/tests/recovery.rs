use std::collections::BTreeMap;
use std::time::Duration;

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
