//! States, deletion, rotation, aliases, multi-Region keys.

use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::cloud::{Cloud, OURS, decrypt, encrypt, root};

#[tokio::test]
async fn a_key_cannot_be_used_unless_enabled() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    let (id, arn) = (key.key_id, key.arn.unwrap());
    cloud.ok::<op::DisableKey>(&root(OURS), s::DisableKeyRequest { key_id: id.clone() }).await;
    let said = cloud.err::<op::Encrypt>(&root(OURS), encrypt(&id, "x")).await;
    assert_eq!(said, format!("DisabledException: {arn} is disabled."));
    cloud.ok::<op::EnableKey>(&root(OURS), s::EnableKeyRequest { key_id: id.clone() }).await;
    let blob = cloud.encrypt(&id, "x").await;
    let schedule = s::ScheduleKeyDeletionRequest { key_id: id.clone(), pending_window_in_days: Some(7) };
    let scheduled = cloud.ok::<op::ScheduleKeyDeletion>(&root(OURS), schedule.clone()).await;
    assert_eq!(scheduled.key_state.as_deref(), Some("PendingDeletion"));
    let said = format!("KMSInvalidStateException: {arn} is pending deletion.");
    assert_eq!(cloud.err::<op::Decrypt>(&root(OURS), decrypt(&blob)).await, said);
    assert_eq!(cloud.err::<op::ScheduleKeyDeletion>(&root(OURS), schedule.clone()).await, said);
    assert_eq!(
        cloud.err::<op::EnableKey>(&root(OURS), s::EnableKeyRequest { key_id: id.clone() }).await,
        said
    );
    let cancel = s::CancelKeyDeletionRequest { key_id: id.clone() };
    cloud.ok::<op::CancelKeyDeletion>(&root(OURS), cancel.clone()).await;
    assert_eq!(cloud.describe(&id).await.key_state.as_deref(), Some("Disabled"));
    let said = format!("KMSInvalidStateException: {arn} is not pending deletion.");
    assert_eq!(cloud.err::<op::CancelKeyDeletion>(&root(OURS), cancel).await, said);
    cloud.ok::<op::ScheduleKeyDeletion>(&root(OURS), schedule).await;
    cloud.advance_days(6);
    assert_eq!(cloud.describe(&id).await.key_state.as_deref(), Some("PendingDeletion"));
    cloud.advance_days(1);
    let describe = s::DescribeKeyRequest { key_id: id.clone(), ..Default::default() };
    let said = cloud.err::<op::DescribeKey>(&root(OURS), describe).await;
    assert_eq!(said, format!("NotFoundException: Key '{arn}' does not exist"));
    assert!(cloud.ok::<op::ListKeys>(&root(OURS), Default::default()).await.keys.unwrap().is_empty());
}

#[tokio::test]
async fn old_ciphertexts_open_after_rotations() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    let id = key.key_id.clone();
    let enable = s::EnableKeyRotationRequest { key_id: id.clone(), rotation_period_in_days: Some(90) };
    cloud.ok::<op::EnableKeyRotation>(&root(OURS), enable).await;
    let mut blobs = vec![cloud.encrypt(&id, "0").await];
    for n in 1..=3 {
        cloud.advance_days(90);
        blobs.push(cloud.encrypt(&id, &n.to_string()).await);
    }
    for n in 4..=5 {
        cloud
            .ok::<op::RotateKeyOnDemand>(&root(OURS), s::RotateKeyOnDemandRequest { key_id: id.clone() })
            .await;
        blobs.push(cloud.encrypt(&id, &n.to_string()).await);
    }
    for (n, blob) in blobs.iter().enumerate() {
        assert_eq!(cloud.decrypt(blob).await.unwrap(), n.to_string());
    }
    let list = s::ListKeyRotationsRequest { key_id: id.clone(), ..Default::default() };
    let rotations = cloud.ok::<op::ListKeyRotations>(&root(OURS), list.clone()).await.rotations.unwrap();
    let kinds: Vec<_> = rotations.iter().map(|one| one.rotation_type.clone().unwrap()).collect();
    assert_eq!(kinds, ["AUTOMATIC", "AUTOMATIC", "AUTOMATIC", "ON_DEMAND", "ON_DEMAND"]);
    let all = s::ListKeyRotationsRequest { include_key_material: Some("ALL_KEY_MATERIAL".into()), ..list };
    assert_eq!(cloud.ok::<op::ListKeyRotations>(&root(OURS), all).await.rotations.unwrap().len(), 6);
    for _ in 2..25 {
        cloud
            .ok::<op::RotateKeyOnDemand>(&root(OURS), s::RotateKeyOnDemandRequest { key_id: id.clone() })
            .await;
    }
    let said = cloud
        .err::<op::RotateKeyOnDemand>(&root(OURS), s::RotateKeyOnDemandRequest { key_id: id.clone() })
        .await;
    assert!(said.starts_with("LimitExceededException"), "{said}");
    let status = s::GetKeyRotationStatusRequest { key_id: id };
    let status = cloud.ok::<op::GetKeyRotationStatus>(&root(OURS), status).await;
    assert_eq!((status.key_rotation_enabled, status.rotation_period_in_days), (Some(true), Some(90)));
}

#[tokio::test]
async fn aliases_point_to_keys() {
    let cloud = Cloud::new().await;
    let (one, two) = (cloud.key().await, cloud.key().await);
    let create =
        |name: &str| s::CreateAliasRequest { alias_name: name.into(), target_key_id: one.key_id.clone() };
    for (name, said) in [
        ("photos", "ValidationException: Alias must start with"),
        ("alias/aws/mine", "NotAuthorizedException"),
        ("alias/a:b", "ValidationException: alias/a:b contains invalid characters for an alias"),
    ] {
        let refused = cloud.err::<op::CreateAlias>(&root(OURS), create(name)).await;
        assert!(refused.starts_with(said), "{refused}");
    }
    cloud.ok::<op::CreateAlias>(&root(OURS), create("alias/photos")).await;
    let said = cloud.err::<op::CreateAlias>(&root(OURS), create("alias/photos")).await;
    let arn = "arn:aws:kms:us-east-1:111111111111:alias/photos";
    assert_eq!(said, format!("AlreadyExistsException: An alias with the name {arn} already exists"));
    for name in ["alias/photos", arn] {
        let blob = cloud.encrypt(name, "x").await;
        assert_eq!(cloud.decrypt(&blob).await.unwrap(), "x");
    }
    let update =
        s::UpdateAliasRequest { alias_name: "alias/photos".into(), target_key_id: two.key_id.clone() };
    cloud.ok::<op::UpdateAlias>(&root(OURS), update).await;
    assert_eq!(cloud.describe("alias/photos").await.key_id, two.key_id);
    let list = s::ListAliasesRequest { key_id: Some(two.key_id.clone()), ..Default::default() };
    let listed = cloud.ok::<op::ListAliases>(&root(OURS), list).await.aliases.unwrap();
    assert_eq!(listed[0].alias_name.as_deref(), Some("alias/photos"));
    let delete = s::DeleteAliasRequest { alias_name: "alias/photos".into() };
    cloud.ok::<op::DeleteAlias>(&root(OURS), delete.clone()).await;
    let said = cloud.err::<op::DeleteAlias>(&root(OURS), delete).await;
    assert_eq!(said, format!("NotFoundException: Alias {arn} is not found."));
    // AWS's own are listed before their keys are there.
    let mut seen = 0;
    let mut marker = None;
    loop {
        let list = s::ListAliasesRequest { limit: Some(5), marker, ..Default::default() };
        let page = cloud.ok::<op::ListAliases>(&root(OURS), list).await;
        seen += page.aliases.unwrap().len();
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, crate::managed::SERVICES.len());
}

#[tokio::test]
async fn related_keys_open_each_others_ciphertexts() {
    let cloud = Cloud::new().await;
    let input = s::CreateKeyRequest { multi_region: Some(true), ..Default::default() };
    let key = cloud.make(input).await;
    let id = key.key_id.clone();
    assert!(id.starts_with("mrk-") && id.len() == 36, "{id}");
    let replicate = s::ReplicateKeyRequest {
        key_id: id.clone(),
        replica_region: "eu-west-1".into(),
        ..Default::default()
    };
    let made = cloud.ok::<op::ReplicateKey>(&root(OURS), replicate.clone()).await;
    let metadata = made.replica_key_metadata.unwrap();
    assert_eq!(metadata.arn.unwrap(), format!("arn:aws:kms:eu-west-1:111111111111:key/{id}"));
    let said = cloud.err::<op::ReplicateKey>(&root(OURS), replicate).await;
    assert!(said.starts_with("AlreadyExistsException"), "{said}");
    let blob = cloud.encrypt(&id, "x").await;
    let there = cloud.call_in::<op::Decrypt>(&root(OURS), "eu-west-1", decrypt(&blob)).await.unwrap();
    assert_eq!(there.plaintext.unwrap(), &b"x"[..]);
    // Rotation is shared.
    cloud.ok::<op::RotateKeyOnDemand>(&root(OURS), s::RotateKeyOnDemandRequest { key_id: id.clone() }).await;
    let blob = cloud.encrypt(&id, "y").await;
    assert!(cloud.call_in::<op::Decrypt>(&root(OURS), "eu-west-1", decrypt(&blob)).await.is_ok());
    // The primary moves; then the former one can be deleted, the new one only after its replica.
    let update = s::UpdatePrimaryRegionRequest { key_id: id.clone(), primary_region: "eu-west-1".into() };
    cloud.ok::<op::UpdatePrimaryRegion>(&root(OURS), update).await;
    let shown = cloud.describe(&id).await.multi_region_configuration.unwrap();
    assert_eq!(shown.multi_region_key_type.as_deref(), Some("REPLICA"));
    assert_eq!(shown.primary_key.unwrap().region.as_deref(), Some("eu-west-1"));
    let schedule = s::ScheduleKeyDeletionRequest { key_id: id.clone(), pending_window_in_days: Some(7) };
    let waits =
        cloud.call_in::<op::ScheduleKeyDeletion>(&root(OURS), "eu-west-1", schedule.clone()).await.unwrap();
    assert_eq!((waits.key_state.as_deref(), waits.deletion_date), (Some("PendingReplicaDeletion"), None));
    cloud.ok::<op::ScheduleKeyDeletion>(&root(OURS), schedule).await;
    cloud.advance_days(7);
    let describe = s::DescribeKeyRequest { key_id: id.clone(), ..Default::default() };
    assert!(cloud.call::<op::DescribeKey>(&root(OURS), describe.clone()).await.is_err());
    let shown = cloud.call_in::<op::DescribeKey>(&root(OURS), "eu-west-1", describe.clone()).await.unwrap();
    assert_eq!(shown.key_metadata.unwrap().key_state.as_deref(), Some("PendingDeletion"));
    cloud.advance_days(7);
    assert!(cloud.call_in::<op::DescribeKey>(&root(OURS), "eu-west-1", describe).await.is_err());
}

#[tokio::test]
async fn key_ids_take_their_documented_forms() {
    let cloud = Cloud::new().await;
    let describe = |key_id: &str| s::DescribeKeyRequest { key_id: key_id.into(), ..Default::default() };
    let missing = "00000000-0000-4000-8000-000000000000";
    for (key_id, said) in [
        ("nonsense".to_owned(), "NotFoundException: Invalid keyId 'nonsense'".to_owned()),
        (
            missing.to_owned(),
            format!(
                "NotFoundException: Key 'arn:aws:kms:us-east-1:111111111111:key/{missing}' does not exist"
            ),
        ),
        (
            "alias/none".to_owned(),
            "NotFoundException: Alias arn:aws:kms:us-east-1:111111111111:alias/none is not found.".to_owned(),
        ),
        (
            format!("arn:aws:kms:eu-west-1:111111111111:key/{missing}"),
            "NotFoundException: Invalid arn eu-west-1".to_owned(),
        ),
    ] {
        assert_eq!(cloud.err::<op::DescribeKey>(&root(OURS), describe(&key_id)).await, said);
    }
}

#[tokio::test]
async fn the_last_use_is_known() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    cloud.encrypt(&key.key_id, "x").await;
    let get = s::GetKeyLastUsageRequest { key_id: key.key_id };
    let used = cloud.ok::<op::GetKeyLastUsage>(&root(OURS), get).await.key_last_usage.unwrap();
    assert_eq!(used.operation.as_deref(), Some("Encrypt"));
}
