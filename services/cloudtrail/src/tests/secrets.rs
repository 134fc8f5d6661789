//! Operations that carry secrets: none of them is in a record.

use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_secretsmanager_wire::{operations as sm, shapes as m};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use haneul_ssm_wire::{operations as ssm, shapes as p};

use super::cloud::Cloud;

#[tokio::test]
async fn no_record_holds_a_secret() {
    let cloud = Cloud::new().await;
    let mut secrets: Vec<String> =
        ["Pa55word!", "s3cr3t-string", "p4ram3ter", "pl4int3xt", "m3ssage-b0dy", "n3w-s3cr3t"]
            .iter()
            .map(|text| (*text).to_owned())
            .collect();
    let create = i::CreateUserRequest { user_name: "ann".into(), ..Default::default() };
    cloud.ok::<iam::CreateUser>(create).await;
    let key =
        cloud.ok::<iam::CreateAccessKey>(i::CreateAccessKeyRequest { user_name: Some("ann".into()) }).await;
    secrets.push(key.access_key.secret_access_key);
    let login = i::CreateLoginProfileRequest {
        user_name: Some("ann".into()),
        password: Some("Pa55word!".into()),
        ..Default::default()
    };
    cloud.ok::<iam::CreateLoginProfile>(login).await;
    let create = m::CreateSecretRequest {
        name: "db".into(),
        secret_string: Some("s3cr3t-string".into()),
        ..Default::default()
    };
    cloud.ok::<sm::CreateSecret>(create).await;
    let put = m::PutSecretValueRequest {
        secret_id: "db".into(),
        secret_string: Some("n3w-s3cr3t".into()),
        ..Default::default()
    };
    cloud.ok::<sm::PutSecretValue>(put).await;
    cloud
        .ok::<sm::GetSecretValue>(m::GetSecretValueRequest { secret_id: "db".into(), ..Default::default() })
        .await;
    let put = p::PutParameterRequest {
        name: "/db/password".into(),
        value: "p4ram3ter".into(),
        r#type: Some("SecureString".into()),
        ..Default::default()
    };
    cloud.ok::<ssm::PutParameter>(put).await;
    let id = cloud.ok::<kms::CreateKey>(Default::default()).await.key_metadata.unwrap().key_id;
    let encrypt = k::EncryptRequest { key_id: id, plaintext: b"pl4int3xt"[..].into(), ..Default::default() };
    cloud.ok::<kms::Encrypt>(encrypt).await;
    let queue = q::CreateQueueRequest { queue_name: "q".into(), ..Default::default() };
    let url = cloud.ok::<sqs::CreateQueue>(queue).await.queue_url.unwrap();
    let send =
        q::SendMessageRequest { queue_url: url, message_body: "m3ssage-b0dy".into(), ..Default::default() };
    cloud.ok::<sqs::SendMessage>(send).await;

    let records = cloud.events(None, 50).await;
    let text: String = records.iter().map(|record| record.to_string()).collect();
    for name in
        ["CreateAccessKey", "CreateLoginProfile", "CreateSecret", "PutSecretValue", "PutParameter", "Encrypt"]
    {
        assert!(records.iter().any(|record| record["eventName"] == name), "{name} is not recorded");
    }
    for secret in &secrets {
        assert!(!text.contains(secret.as_str()), "{secret} is in a record");
    }
    // What is no secret is there.
    let put = records.iter().find(|record| record["eventName"] == "PutParameter").unwrap();
    assert_eq!(put["requestParameters"]["name"], "/db/password");
    assert_eq!(put["requestParameters"]["value"], "HIDDEN_DUE_TO_SECURITY_REASONS");
    let key = records.iter().find(|record| record["eventName"] == "CreateAccessKey").unwrap();
    assert!(key["responseElements"]["accessKey"]["accessKeyId"].as_str().unwrap().starts_with("AKIA"));
}
