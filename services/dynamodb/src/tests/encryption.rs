//! Tables that are encrypted with keys of KMS: with IAM, KMS and the front's layers.

use std::time::Duration;

use haneul_dynamodb_wire::operations as op;
use haneul_dynamodb_wire::shapes as s;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_shape::value::Map;
use haneul_store::{Range, Reads};

use super::cloud::{Cloud, root};
use crate::model::{ITEMS, LOG, StoredItem};
use crate::value::{Attrs, Value, wire};

impl Cloud {
    async fn table(&self, sse: Option<s::SSESpecification>) -> s::TableDescription {
        let key = |name: &str| s::KeySchemaElement { attribute_name: name.into(), key_type: "HASH".into() };
        let attribute =
            |name: &str| s::AttributeDefinition { attribute_name: name.into(), attribute_type: "S".into() };
        let input = s::CreateTableInput {
            table_name: "tab".into(),
            key_schema: Some(vec![key("p")]),
            attribute_definitions: Some(vec![attribute("p"), attribute("g")]),
            billing_mode: Some("PAY_PER_REQUEST".into()),
            global_secondary_indexes: Some(vec![s::GlobalSecondaryIndex {
                index_name: "idx".into(),
                key_schema: vec![key("g")],
                projection: s::Projection { projection_type: Some("ALL".into()), ..Default::default() },
                ..Default::default()
            }]),
            stream_specification: Some(s::StreamSpecification {
                stream_enabled: true,
                stream_view_type: Some("NEW_AND_OLD_IMAGES".into()),
            }),
            sse_specification: sse,
            ..Default::default()
        };
        self.ok::<op::CreateTable>(input).await.table_description.unwrap()
    }

    async fn describe(&self, table: &str) -> s::TableDescription {
        let input = s::DescribeTableInput { table_name: table.into() };
        self.ok::<op::DescribeTable>(input).await.table.unwrap()
    }

    async fn put(&self, p: &str) {
        let input = s::PutItemInput {
            table_name: "tab".into(),
            item: attrs(&[("p", p), ("g", "all"), ("secret", "a plaintext to look for")]),
            ..Default::default()
        };
        self.ok::<op::PutItem>(input).await;
    }

    async fn get(&self, caller: &Caller, table: &str, p: &str) -> Result<Option<Attrs>> {
        let input =
            s::GetItemInput { table_name: table.into(), key: attrs(&[("p", p)]), ..Default::default() };
        self.call::<op::GetItem>(caller, input).await?.item.map(wire::attrs).transpose()
    }

    /// How many items and index entries are encrypted, and how many are not.
    async fn kept(&self) -> (usize, usize) {
        let all = self.platform.store.scan(&ITEMS, Range::all(), usize::MAX).await.unwrap();
        let sealed = all.iter().filter(|(_, item)| matches!(item, StoredItem::Sealed { .. })).count();
        (sealed, all.len() - sealed)
    }

    async fn key(&self) -> String {
        let made = self.ok::<kms::CreateKey>(k::CreateKeyRequest::default()).await;
        made.key_metadata.unwrap().arn.unwrap()
    }

    async fn update(&self, sse: s::SSESpecification) -> Result<s::UpdateTableOutput> {
        let input = s::UpdateTableInput {
            table_name: "tab".into(),
            sse_specification: Some(sse),
            ..Default::default()
        };
        self.call::<op::UpdateTable>(&root(), input).await
    }
}

fn attrs(pairs: &[(&str, &str)]) -> Map<s::AttributeValue> {
    pairs.iter().map(|(name, value)| (*name, s::AttributeValue::S((*value).into()))).collect()
}

fn with_key(key: Option<&str>) -> s::SSESpecification {
    s::SSESpecification {
        enabled: Some(true),
        sse_type: Some("KMS".into()),
        kms_master_key_id: key.map(str::to_owned),
    }
}

#[tokio::test]
async fn nothing_of_an_encrypted_table_is_stored_in_the_clear() {
    let cloud = Cloud::new().await;
    let made = cloud.table(Some(with_key(None))).await;
    let described = made.sse_description.unwrap();
    assert_eq!((described.status.as_deref(), described.sse_type.as_deref()), (Some("ENABLED"), Some("KMS")));
    assert!(described.kms_master_key_arn.unwrap().starts_with("arn:aws:kms:us-east-1:111111111111:key/"));
    cloud.put("a").await;
    cloud.put("b").await;
    assert_eq!(cloud.kept().await, (4, 0));
    let log = cloud.platform.store.scan(&LOG, Range::all(), usize::MAX).await.unwrap();
    let secret = b"a plaintext to look for";
    assert!(log.iter().all(|(_, record)| !record.windows(secret.len()).any(|window| window == secret)));
    let item = cloud.get(&root(), "tab", "a").await.unwrap().unwrap();
    assert_eq!(item.get("secret"), Some(&Value::S("a plaintext to look for".into())));
    let scan =
        s::ScanInput { table_name: "tab".into(), index_name: Some("idx".into()), ..Default::default() };
    assert_eq!(cloud.ok::<op::Scan>(scan).await.count, Some(2));
    assert_eq!(cloud.describe("tab").await.item_count, Some(2));
}

#[tokio::test]
async fn who_may_not_use_the_key_may_not_use_the_table() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    cloud.table(Some(with_key(Some(&key)))).await;
    cloud.put("a").await;
    let user = async |name: &str, actions: &str| {
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        cloud.ok::<iam::CreateUser>(create).await;
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
            ),
        };
        cloud.ok::<iam::PutUserPolicy>(put).await;
        let access = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = cloud.ok::<iam::CreateAccessKey>(access).await.access_key.access_key_id;
        cloud.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    };
    let with = user("with", r#""dynamodb:*","kms:Decrypt""#).await;
    let without = user("without", r#""dynamodb:*""#).await;
    assert!(cloud.get(&with, "tab", "a").await.unwrap().is_some());
    let refused = cloud.get(&without, "tab", "a").await.unwrap_err();
    assert_eq!(refused.code(), "AccessDeniedException");
    assert!(refused.message().starts_with("KMS key access denied error: "), "{refused}");
    // The table is not the worse for it.
    assert_eq!(cloud.describe("tab").await.table_status.as_deref(), Some("ACTIVE"));
}

#[tokio::test]
async fn a_table_whose_key_is_disabled_cannot_be_used_until_it_is_enabled() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    cloud.table(Some(with_key(Some(&key)))).await;
    cloud.put("a").await;
    cloud.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: key.clone() }).await;
    // An open key is good for five minutes.
    assert!(cloud.get(&root(), "tab", "a").await.is_ok());
    cloud.platform.env.clock.advance(Duration::from_secs(301));
    assert_eq!(cloud.get(&root(), "tab", "a").await.unwrap_err().code(), "AccessDeniedException");
    let described = cloud.describe("tab").await;
    assert_eq!(described.table_status.as_deref(), Some("INACCESSIBLE_ENCRYPTION_CREDENTIALS"));
    assert!(described.sse_description.unwrap().inaccessible_encryption_date_time.is_some());
    cloud.settle().await;
    cloud.ok::<kms::EnableKey>(k::EnableKeyRequest { key_id: key }).await;
    assert!(cloud.get(&root(), "tab", "a").await.unwrap().is_some());
    let described = cloud.describe("tab").await;
    assert_eq!(described.table_status.as_deref(), Some("ACTIVE"));
    assert!(described.sse_description.unwrap().inaccessible_encryption_date_time.is_none());
}

#[tokio::test]
async fn encryption_can_be_turned_on_changed_and_off() {
    let cloud = Cloud::new().await;
    cloud.table(None).await;
    cloud.put("a").await;
    let off = s::SSESpecification { enabled: Some(false), ..Default::default() };
    let refused = cloud.update(off.clone()).await.err().unwrap();
    assert_eq!(
        refused.message(),
        "One or more parameter values were invalid: Table is already encrypted by default"
    );
    cloud.update(with_key(None)).await.unwrap();
    assert_eq!(cloud.describe("tab").await.sse_description.unwrap().status.as_deref(), Some("UPDATING"));
    assert!(cloud.get(&root(), "tab", "a").await.unwrap().is_some());
    cloud.settle().await;
    assert_eq!(cloud.kept().await, (2, 0));
    assert_eq!(cloud.describe("tab").await.sse_description.unwrap().status.as_deref(), Some("ENABLED"));
    let key = cloud.key().await;
    cloud.update(with_key(Some(&key))).await.unwrap();
    let refused = cloud.update(with_key(Some(&key))).await.err().unwrap();
    assert_eq!(
        refused.message(),
        "One or more parameter values were invalid: Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key"
    );
    assert_eq!(cloud.describe("tab").await.sse_description.unwrap().kms_master_key_arn, Some(key));
    cloud.put("b").await;
    assert_eq!(cloud.kept().await, (4, 0));
    cloud.update(off).await.unwrap();
    cloud.settle().await;
    assert_eq!(cloud.kept().await, (0, 4));
    assert!(cloud.describe("tab").await.sse_description.is_none());
    assert!(cloud.get(&root(), "tab", "b").await.unwrap().is_some());
}

#[tokio::test]
async fn backups_and_points_in_time_of_encrypted_tables_are_encrypted() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    cloud.table(Some(with_key(Some(&key)))).await;
    let recovery = s::UpdateContinuousBackupsInput {
        table_name: "tab".into(),
        point_in_time_recovery_specification: s::PointInTimeRecoverySpecification {
            point_in_time_recovery_enabled: true,
            recovery_period_in_days: None,
        },
    };
    cloud.ok::<op::UpdateContinuousBackups>(recovery).await;
    cloud.put("a").await;
    let before = cloud.platform.env.now();
    cloud.platform.env.clock.advance(Duration::from_secs(10));
    cloud.put("b").await;
    let backup = s::CreateBackupInput { table_name: "tab".into(), backup_name: "bak".into() };
    let backup = cloud.ok::<op::CreateBackup>(backup).await.backup_details.unwrap().backup_arn;
    cloud.settle().await;
    let restore = s::RestoreTableToPointInTimeInput {
        source_table_name: Some("tab".into()),
        target_table_name: "then".into(),
        restore_date_time: Some(before),
        ..Default::default()
    };
    cloud.ok::<op::RestoreTableToPointInTime>(restore).await;
    cloud.settle().await;
    assert!(cloud.get(&root(), "then", "a").await.unwrap().is_some());
    assert!(cloud.get(&root(), "then", "b").await.unwrap().is_none());
    cloud.ok::<op::DeleteTable>(s::DeleteTableInput { table_name: "tab".into() }).await;
    let restore = s::RestoreTableFromBackupInput {
        target_table_name: "again".into(),
        backup_arn: backup,
        ..Default::default()
    };
    cloud.ok::<op::RestoreTableFromBackup>(restore).await;
    cloud.settle().await;
    assert!(cloud.get(&root(), "again", "b").await.unwrap().is_some());
    assert_eq!(cloud.describe("again").await.sse_description.unwrap().kms_master_key_arn, Some(key));
    assert_eq!(cloud.kept().await.1, 0);
}

#[tokio::test]
async fn a_restore_waits_for_its_key_though_its_source_goes() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    cloud.table(Some(with_key(Some(&key)))).await;
    let recovery = s::UpdateContinuousBackupsInput {
        table_name: "tab".into(),
        point_in_time_recovery_specification: s::PointInTimeRecoverySpecification {
            point_in_time_recovery_enabled: true,
            recovery_period_in_days: None,
        },
    };
    cloud.ok::<op::UpdateContinuousBackups>(recovery).await;
    cloud.put("a").await;
    let before = cloud.platform.env.now();
    cloud.platform.env.clock.advance(Duration::from_secs(10));
    cloud.put("b").await;
    let restore = s::RestoreTableToPointInTimeInput {
        source_table_name: Some("tab".into()),
        target_table_name: "then".into(),
        restore_date_time: Some(before),
        ..Default::default()
    };
    cloud.ok::<op::RestoreTableToPointInTime>(restore).await;
    cloud.ok::<op::DeleteTable>(s::DeleteTableInput { table_name: "tab".into() }).await;
    cloud.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: key.clone() }).await;
    cloud.platform.env.clock.advance(Duration::from_secs(301));
    cloud.settle().await;
    cloud.ok::<kms::EnableKey>(k::EnableKeyRequest { key_id: key }).await;
    cloud.settle().await;
    assert!(cloud.get(&root(), "then", "a").await.unwrap().is_some());
    assert!(cloud.get(&root(), "then", "b").await.unwrap().is_none());
    // Then the source goes for good, with the backup that it left: the item that was restored is left, and its index entry.
    let input = s::ListBackupsInput { backup_type: Some("SYSTEM".into()), ..Default::default() };
    let backups = cloud.ok::<op::ListBackups>(input).await.backup_summaries.unwrap();
    let backup_arn = backups[0].backup_arn.clone().unwrap();
    cloud.ok::<op::DeleteBackup>(s::DeleteBackupInput { backup_arn }).await;
    cloud.settle().await;
    assert_eq!(cloud.kept().await, (2, 0));
}

#[tokio::test]
async fn a_replica_whose_key_cannot_be_used_catches_up() {
    let cloud = Cloud::new().await;
    let own = s::SSESpecification { enabled: Some(true), ..Default::default() };
    cloud.table(Some(own)).await;
    let west: haneul_kit::Region = "us-west-2".parse().unwrap();
    let bus = &cloud.platform.bus;
    let made = bus.call::<kms::CreateKey>(root(), west, None, Default::default()).await.unwrap();
    let key = made.key_metadata.unwrap().key_id;
    cloud.put("before").await;
    let create = s::CreateReplicationGroupMemberAction {
        region_name: "us-west-2".into(),
        kms_master_key_id: Some(key.clone()),
        ..Default::default()
    };
    let input = s::UpdateTableInput {
        table_name: "tab".into(),
        replica_updates: Some(vec![s::ReplicationGroupUpdate { create: Some(create), ..Default::default() }]),
        ..Default::default()
    };
    cloud.ok::<op::UpdateTable>(input).await;
    cloud.settle().await;
    let get = |p: &str| {
        let input =
            s::GetItemInput { table_name: "tab".into(), key: attrs(&[("p", p)]), ..Default::default() };
        bus.call::<op::GetItem>(root(), west, None, input)
    };
    assert!(get("before").await.unwrap().item.is_some());
    let disable = k::DisableKeyRequest { key_id: key.clone() };
    bus.call::<kms::DisableKey>(root(), west, None, disable).await.unwrap();
    cloud.platform.env.clock.advance(Duration::from_secs(6 * 60));
    cloud.put("during").await;
    cloud.settle().await;
    assert_eq!(get("before").await.err().unwrap().code(), "AccessDeniedException");
    let replica = cloud.describe("tab").await.replicas.unwrap().remove(0);
    assert_eq!(replica.replica_status.as_deref(), Some("INACCESSIBLE_ENCRYPTION_CREDENTIALS"));
    let enable = k::EnableKeyRequest { key_id: key };
    bus.call::<kms::EnableKey>(root(), west, None, enable).await.unwrap();
    cloud.settle().await;
    assert!(get("during").await.unwrap().item.is_some(), "what was written meanwhile");
}

/// The replicas of a strongly consistent global table are never apart: one that cannot be written stops the others.
#[tokio::test]
async fn strong_replicas_are_encrypted_with_keys_of_their_own() {
    let cloud = Cloud::new().await;
    let own = s::SSESpecification { enabled: Some(true), ..Default::default() };
    cloud.table(Some(own)).await;
    let bus = &cloud.platform.bus;
    let [ohio, west]: [haneul_kit::Region; 2] =
        ["us-east-2", "us-west-2"].map(|region| region.parse().unwrap());
    let made = bus.call::<kms::CreateKey>(root(), west, None, Default::default()).await.unwrap();
    let key = made.key_metadata.unwrap().key_id;
    let create = |region: haneul_kit::Region, key: Option<&String>| s::ReplicationGroupUpdate {
        create: Some(s::CreateReplicationGroupMemberAction {
            region_name: region.as_str().into(),
            kms_master_key_id: key.cloned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let input = s::UpdateTableInput {
        table_name: "tab".into(),
        multi_region_consistency: Some("STRONG".into()),
        replica_updates: Some(vec![create(ohio, None), create(west, Some(&key))]),
        ..Default::default()
    };
    cloud.ok::<op::UpdateTable>(input).await;
    cloud.put("a").await;
    // An item and its index entry, in three Regions; all of them encrypted, each with its own key.
    assert_eq!(cloud.kept().await, (6, 0));
    let get = |region, p: &str| {
        let input = s::GetItemInput {
            table_name: "tab".into(),
            key: attrs(&[("p", p)]),
            consistent_read: Some(true),
            ..Default::default()
        };
        bus.call::<op::GetItem>(root(), region, None, input)
    };
    for region in [ohio, west] {
        assert_eq!(get(region, "a").await.unwrap().item.unwrap().len(), 3, "{region}");
    }
    let disable = k::DisableKeyRequest { key_id: key.clone() };
    bus.call::<kms::DisableKey>(root(), west, None, disable).await.unwrap();
    cloud.platform.env.clock.advance(Duration::from_secs(6 * 60));
    let put = |p: &str| s::PutItemInput {
        table_name: "tab".into(),
        item: attrs(&[("p", p), ("g", "all")]),
        ..Default::default()
    };
    for region in [ohio, west] {
        let refused = bus.call::<op::PutItem>(root(), region, None, put("b")).await.err().unwrap();
        assert_eq!(refused.code(), "AccessDeniedException");
    }
    assert!(get(ohio, "b").await.unwrap().item.is_none());
    let replicas = cloud.describe("tab").await.replicas.unwrap();
    let states: Vec<_> = replicas.iter().map(|replica| replica.replica_status.as_deref().unwrap()).collect();
    assert_eq!(states, ["ACTIVE", "INACCESSIBLE_ENCRYPTION_CREDENTIALS"]);
    let enable = k::EnableKeyRequest { key_id: key };
    bus.call::<kms::EnableKey>(root(), west, None, enable).await.unwrap();
    bus.call::<op::PutItem>(root(), ohio, None, put("b")).await.unwrap();
    assert!(get(west, "b").await.unwrap().item.is_some());
}
