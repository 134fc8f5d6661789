//! Copies in other Regions.

use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use super::cloud::{Cloud, OURS, create, root};

const THERE: &str = "eu-west-1";

fn get(id: &str) -> s::GetSecretValueRequest {
    s::GetSecretValueRequest { secret_id: id.into(), ..Default::default() }
}

async fn text_there(cloud: &Cloud) -> String {
    let read = cloud.call_in::<op::GetSecretValue>(&root(OURS), THERE, get("db")).await.unwrap();
    read.secret_string.unwrap()
}

#[tokio::test]
async fn a_replica_follows_until_it_is_promoted() {
    let cloud = Cloud::new().await;
    let region = s::ReplicaRegionType { region: Some(THERE.into()), kms_key_id: None };
    let input = s::CreateSecretRequest { add_replica_regions: Some(vec![region]), ..create("db", "one") };
    let made = cloud.ok::<op::CreateSecret>(input).await;
    assert_eq!(made.replication_status.unwrap()[0].status.as_deref(), Some("InSync"));
    assert_eq!(text_there(&cloud).await, "one");
    cloud.put("db", "two").await;
    assert_eq!(text_there(&cloud).await, "two");
    let put = s::PutSecretValueRequest {
        secret_id: "db".into(),
        secret_string: Some("x".into()),
        ..Default::default()
    };
    let said = cloud.call_in::<op::PutSecretValue>(&root(OURS), THERE, put.clone()).await.err().unwrap();
    assert_eq!(
        said.message(),
        "Operation not permitted on a replica secret. Call must be made in primary secret's region."
    );
    let delete = s::DeleteSecretRequest { secret_id: "db".into(), ..Default::default() };
    let said = cloud.err::<op::DeleteSecret>(delete).await;
    assert!(said.contains("still has replica regions [eu-west-1]"), "{said}");
    let stop = s::StopReplicationToReplicaRequest { secret_id: "db".into() };
    cloud.call_in::<op::StopReplicationToReplica>(&root(OURS), THERE, stop).await.unwrap();
    cloud.call_in::<op::PutSecretValue>(&root(OURS), THERE, put).await.unwrap();
    cloud.put("db", "three").await;
    assert_eq!(text_there(&cloud).await, "x");
}

#[tokio::test]
async fn a_secret_of_the_same_name_is_not_overwritten_unasked() {
    let cloud = Cloud::new().await;
    cloud.call_in::<op::CreateSecret>(&root(OURS), THERE, create("db", "theirs")).await.unwrap();
    cloud.create("db", "ours").await;
    let replicate = |force: bool| s::ReplicateSecretToRegionsRequest {
        secret_id: "db".into(),
        add_replica_regions: vec![s::ReplicaRegionType { region: Some(THERE.into()), kms_key_id: None }],
        force_overwrite_replica_secret: Some(force),
    };
    let status = cloud.ok::<op::ReplicateSecretToRegions>(replicate(false)).await.replication_status.unwrap();
    assert_eq!(status[0].status.as_deref(), Some("Failed"));
    assert_eq!(text_there(&cloud).await, "theirs");
    let remove = s::RemoveRegionsFromReplicationRequest {
        secret_id: "db".into(),
        remove_replica_regions: vec![THERE.into()],
    };
    cloud.ok::<op::RemoveRegionsFromReplication>(remove.clone()).await;
    assert_eq!(text_there(&cloud).await, "theirs");
    cloud.ok::<op::ReplicateSecretToRegions>(replicate(true)).await;
    assert_eq!(text_there(&cloud).await, "ours");
    cloud.ok::<op::RemoveRegionsFromReplication>(remove).await;
    assert!(cloud.call_in::<op::GetSecretValue>(&root(OURS), THERE, get("db")).await.is_err());
}
