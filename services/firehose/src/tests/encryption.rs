//! Streams that are encrypted with keys of KMS.

use haneul_firehose_wire::{operations as op, shapes as s};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_store::{Range, Reads};

use super::cloud::{Cloud, configuration, flow};
use crate::model::ROWS;

fn managed(key: &str) -> Option<s::DeliveryStreamEncryptionConfigurationInput> {
    Some(s::DeliveryStreamEncryptionConfigurationInput {
        key_arn: Some(key.into()),
        key_type: "CUSTOMER_MANAGED_CMK".into(),
    })
}

fn start(key: &str) -> s::StartDeliveryStreamEncryptionInput {
    s::StartDeliveryStreamEncryptionInput {
        delivery_stream_name: "flow".into(),
        delivery_stream_encryption_configuration_input: managed(key),
    }
}

fn stop() -> s::StopDeliveryStreamEncryptionInput {
    s::StopDeliveryStreamEncryptionInput { delivery_stream_name: "flow".into() }
}

async fn key(cloud: &Cloud) -> String {
    cloud.ok::<kms::CreateKey>(Default::default()).await.key_metadata.unwrap().arn.unwrap()
}

async fn grants(cloud: &Cloud, key: &str) -> usize {
    let input = k::ListGrantsRequest { key_id: key.into(), ..Default::default() };
    cloud.ok::<kms::ListGrants>(input).await.grants.unwrap().len()
}

/// Type and key, as they are shown.
async fn shown(cloud: &Cloud) -> (Option<String>, Option<String>, Option<String>) {
    let input = s::DescribeDeliveryStreamInput { delivery_stream_name: "flow".into(), ..Default::default() };
    let shown = cloud.ok::<op::DescribeDeliveryStream>(input).await.delivery_stream_description;
    let shown = shown.delivery_stream_encryption_configuration.unwrap();
    (shown.status, shown.key_type, shown.key_arn)
}

#[tokio::test]
async fn what_waits_is_under_the_key_and_arrives_whatever_becomes_of_it() {
    let cloud = Cloud::new().await;
    let (first, second) = (key(&cloud).await, key(&cloud).await);
    let mut given = flow(configuration());
    given.delivery_stream_encryption_configuration_input = managed(&first);
    cloud.ok::<op::CreateDeliveryStream>(given.clone()).await;
    // One that does not come about leaves no grant behind.
    cloud.err::<op::CreateDeliveryStream>(given).await;
    assert_eq!(grants(&cloud, &first).await, 1);
    let managed = |key: &str| {
        (Some("ENABLED".to_owned()), Some("CUSTOMER_MANAGED_CMK".to_owned()), Some(key.to_owned()))
    };
    assert_eq!(shown(&cloud).await, managed(&first));
    cloud.put(&["one secret,"]).await;
    cloud.ok::<op::StartDeliveryStreamEncryption>(start(&second)).await;
    assert_eq!(shown(&cloud).await, managed(&second));
    assert_eq!((grants(&cloud, &first).await, grants(&cloud, &second).await), (0, 1));
    cloud.put(&["two secrets,"]).await;
    let rows = cloud.platform.store.scan(&ROWS, Range::all(), 10).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(!rows.iter().any(|(_, row)| row.windows(6).any(|part| part == b"secret")));
    cloud.ok::<op::StopDeliveryStreamEncryption>(stop()).await;
    assert_eq!(shown(&cloud).await, (Some("DISABLED".into()), None, None));
    assert_eq!(grants(&cloud, &second).await, 0);
    cloud.put(&["none"]).await;
    cloud.advance(60).await;
    let text = cloud.text("").await;
    for part in ["one secret,", "two secrets,", "none"] {
        assert!(text.contains(part), "{text}");
    }
    cloud.ok::<op::StartDeliveryStreamEncryption>(start(&first)).await;
    assert_eq!(grants(&cloud, &first).await, 1);
    let delete = s::DeleteDeliveryStreamInput { delivery_stream_name: "flow".into(), ..Default::default() };
    cloud.ok::<op::DeleteDeliveryStream>(delete).await;
    assert_eq!(grants(&cloud, &first).await, 0);
}

#[tokio::test]
async fn what_does_not_open_for_a_day_is_thrown_away() {
    let cloud = Cloud::new().await;
    let key = key(&cloud).await;
    let mut given = flow(configuration());
    given.delivery_stream_encryption_configuration_input = managed(&key);
    cloud.ok::<op::CreateDeliveryStream>(given).await;
    cloud.allow(&["logs:PutLogEvents"]).await;
    cloud.put(&["lost"]).await;
    cloud.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: key.clone() }).await;
    // An open key serves for five minutes.
    cloud.advance(240).await;
    cloud.put(&["younger"]).await;
    cloud.advance(120).await;
    cloud.allow(&["s3:PutObject"]).await;
    cloud.advance(600).await;
    let rows = async || cloud.platform.store.scan_keys(&ROWS, Range::all(), 10).await.unwrap().len();
    assert_eq!(rows().await, 2);
    cloud.advance(86_400 - 900).await;
    assert_eq!(rows().await, 1);
    cloud.ok::<kms::EnableKey>(k::EnableKeyRequest { key_id: key }).await;
    cloud.advance(600).await;
    assert_eq!(cloud.text("").await, "younger");
}

#[tokio::test]
async fn what_kms_refuses_is_said_and_nothing_is_lost() {
    let cloud = Cloud::new().await;
    cloud.create(configuration()).await;
    let key = key(&cloud).await;
    let nothing = "arn:aws:kms:us-east-1:111111111111:key/11111111-1111-1111-1111-111111111111";
    let said = cloud.err::<op::StartDeliveryStreamEncryption>(start(nothing)).await;
    assert!(said.starts_with("InvalidKMSResourceException: "), "{said}");
    let mut without = start(&key);
    without.delivery_stream_encryption_configuration_input.as_mut().unwrap().key_arn = None;
    let said = cloud.err::<op::StartDeliveryStreamEncryption>(without).await;
    assert!(said.starts_with("InvalidArgumentException: KeyARN must be specified"), "{said}");
    cloud.ok::<op::StartDeliveryStreamEncryption>(start(&key)).await;
    cloud.put(&["kept"]).await;
    cloud.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: key.clone() }).await;
    // An open key serves for five minutes.
    cloud.advance(30).await;
    cloud.put(&[",too"]).await;
    cloud.allow(&["logs:PutLogEvents"]).await;
    cloud.advance(300).await;
    cloud.allow(&["s3:PutObject"]).await;
    let record = s::Record { data: "x".into() };
    let input = s::PutRecordInput { delivery_stream_name: "flow".into(), record };
    let said = cloud.err::<op::PutRecord>(input).await;
    assert!(said.starts_with("InvalidKMSResourceException: "), "{said}");
    let said = cloud.err::<op::StopDeliveryStreamEncryption>(stop()).await;
    assert!(said.starts_with("InvalidKMSResourceException: "), "{said}");
    cloud.advance(600).await;
    assert!(cloud.objects().await.is_empty());
    cloud.ok::<kms::EnableKey>(k::EnableKeyRequest { key_id: key }).await;
    cloud.advance(600).await;
    assert_eq!(cloud.text("").await, "kept,too");
}
