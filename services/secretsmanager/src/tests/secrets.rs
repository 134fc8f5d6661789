//! Versions and labels, deletion, listings, passwords, rotation's refusal.

use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;
use proptest::prelude::*;

use super::cloud::{Cloud, create};
use crate::model::{SecretRecord, VersionRecord};
use crate::ops::create_secret::check_token;
use crate::versions;

#[tokio::test]
async fn labels_move_with_each_value() {
    let cloud = Cloud::new().await;
    let made = cloud.create("db", "one").await;
    let arn = made.arn.unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:111111111111:secret:db-"), "{arn}");
    let second = cloud.put("db", "two").await;
    cloud.put("db", "three").await;
    for (id, stage, text) in [
        ("db", None, "three"),
        (arn.as_str(), Some("AWSCURRENT"), "three"),
        (&arn[..arn.len() - 7], Some("AWSPREVIOUS"), "two"),
    ] {
        assert_eq!(cloud.text(id, stage).await, text, "{id}");
    }
    let input = s::GetSecretValueRequest {
        secret_id: "db".into(),
        version_id: Some(second.clone()),
        version_stage: Some("AWSCURRENT".into()),
    };
    let said = cloud.err::<op::GetSecretValue>(input).await;
    assert!(said.starts_with("InvalidRequestException: You provided a VersionStage"), "{said}");
    let said = cloud.get("db", Some("AWSPENDING")).await.err().unwrap().to_string();
    assert_eq!(
        said,
        "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPENDING"
    );
    let said = cloud.get("none", None).await.err().unwrap().to_string();
    assert_eq!(said, "ResourceNotFoundException: Secrets Manager can't find the specified secret.");
    // Two have labels, the first is deprecated and still there by its id.
    let list = |include: bool| s::ListSecretVersionIdsRequest {
        secret_id: "db".into(),
        include_deprecated: Some(include),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<op::ListSecretVersionIds>(list(false)).await.versions.unwrap().len(), 2);
    assert_eq!(cloud.ok::<op::ListSecretVersionIds>(list(true)).await.versions.unwrap().len(), 3);
    let by_id =
        s::GetSecretValueRequest { secret_id: "db".into(), version_id: made.version_id, version_stage: None };
    assert_eq!(cloud.ok::<op::GetSecretValue>(by_id).await.secret_string.unwrap(), "one");
}

#[tokio::test]
async fn labels_are_moved_by_hand() {
    let cloud = Cloud::new().await;
    let first = cloud.create("db", "one").await.version_id.unwrap();
    let second = cloud.put("db", "two").await;
    let to = |stage: &str, from: Option<&str>, to: Option<&str>| s::UpdateSecretVersionStageRequest {
        secret_id: "db".into(),
        version_stage: stage.into(),
        remove_from_version_id: from.map(str::to_owned),
        move_to_version_id: to.map(str::to_owned),
    };
    let said = cloud.err::<op::UpdateSecretVersionStage>(to("AWSCURRENT", None, Some(&first))).await;
    assert!(said.contains(&format!("currently attached to version {second}")), "{said}");
    let said = cloud.err::<op::UpdateSecretVersionStage>(to("AWSCURRENT", Some(&second), None)).await;
    assert!(said.contains("can't be completely removed"), "{said}");
    cloud.ok::<op::UpdateSecretVersionStage>(to("AWSCURRENT", Some(&second), Some(&first))).await;
    assert_eq!(cloud.text("db", None).await, "one");
    assert_eq!(cloud.text("db", Some("AWSPREVIOUS")).await, "two");
    cloud.ok::<op::UpdateSecretVersionStage>(to("blue", None, Some(&first))).await;
    assert_eq!(cloud.text("db", Some("blue")).await, "one");
    cloud.ok::<op::UpdateSecretVersionStage>(to("blue", Some(&first), None)).await;
    assert!(cloud.get("db", Some("blue")).await.is_err());
}

#[test]
fn who_writes_requests_by_hand_gives_a_token() {
    let said = check_token(true, None).unwrap_err().to_string();
    assert!(
        said.starts_with("InvalidRequestException: You must provide a ClientRequestToken value."),
        "{said}"
    );
    assert!(check_token(true, Some("t")).is_ok() && check_token(false, None).is_ok());
}

#[tokio::test]
async fn tokens_make_requests_idempotent() {
    let cloud = Cloud::new().await;
    let token = "11111111-2222-3333-4444-555555555555";
    let make = |text: &str| s::CreateSecretRequest {
        client_request_token: Some(token.into()),
        ..create("db", text)
    };
    let first = cloud.ok::<op::CreateSecret>(make("one")).await;
    assert_eq!(cloud.ok::<op::CreateSecret>(make("one")).await.arn, first.arn);
    let said = cloud.err::<op::CreateSecret>(make("two")).await;
    assert_eq!(said, "ResourceExistsException: The operation failed because the secret db already exists.");
    let put = |text: &str| s::PutSecretValueRequest {
        secret_id: "db".into(),
        client_request_token: Some(token.into()),
        secret_string: Some(text.into()),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<op::PutSecretValue>(put("one")).await.version_id.unwrap(), token);
    assert!(cloud.err::<op::PutSecretValue>(put("two")).await.starts_with("ResourceExistsException"));
    let both = s::CreateSecretRequest { secret_binary: Some(vec![1].into()), ..create("x", "y") };
    let said = cloud.err::<op::CreateSecret>(both).await;
    assert_eq!(said, "InvalidParameterException: You can't specify both a SecretString and a SecretBinary.");
    assert!(cloud.err::<op::CreateSecret>(create("a b", "y")).await.contains("Invalid name"));
}

#[tokio::test]
async fn deletion_waits_and_can_be_undone() {
    let cloud = Cloud::new().await;
    cloud.create("db", "one").await;
    let delete = |days: Option<i64>, force: bool| s::DeleteSecretRequest {
        secret_id: "db".into(),
        recovery_window_in_days: days,
        force_delete_without_recovery: Some(force),
    };
    assert!(cloud.err::<op::DeleteSecret>(delete(Some(6), false)).await.contains("between 7 and 30 days"));
    assert!(cloud.err::<op::DeleteSecret>(delete(Some(7), true)).await.contains("in conjunction"));
    cloud.ok::<op::DeleteSecret>(delete(Some(7), false)).await;
    let said = cloud.get("db", None).await.err().unwrap().to_string();
    let marked = "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.";
    assert_eq!(said, marked);
    assert!(
        cloud.err::<op::CreateSecret>(create("db", "x")).await.contains("already scheduled for deletion")
    );
    cloud.ok::<op::RestoreSecret>(s::RestoreSecretRequest { secret_id: "db".into() }).await;
    assert_eq!(cloud.text("db", None).await, "one");
    cloud.ok::<op::DeleteSecret>(delete(Some(7), false)).await;
    cloud.advance_days(7);
    assert!(cloud.get("db", None).await.err().unwrap().to_string().contains("can't find"));
    cloud.create("db", "two").await;
    cloud.ok::<op::DeleteSecret>(delete(None, true)).await;
    cloud.create("db", "three").await;
}

#[tokio::test]
async fn lists_filter_sort_and_page() {
    let cloud = Cloud::new().await;
    for (name, description, tag) in
        [("prod/db", "main database", "red"), ("prod/api", "key of the API", "blue"), ("test/db", "", "blue")]
    {
        let input = s::CreateSecretRequest {
            description: Some(description.into()),
            tags: Some(vec![s::Tag { key: Some("color".into()), value: Some(tag.into()) }]),
            ..create(name, "x")
        };
        cloud.ok::<op::CreateSecret>(input).await;
    }
    let list = |key: &str, value: &str| s::ListSecretsRequest {
        filters: Some(vec![s::Filter { key: Some(key.into()), values: Some(vec![value.into()]) }]),
        sort_by: Some("name".into()),
        sort_order: Some("asc".into()),
        ..Default::default()
    };
    for (key, value, wanted) in [
        ("name", "prod", &["prod/api", "prod/db"][..]),
        ("name", "!prod", &["test/db"]),
        ("description", "Database", &["prod/db"]),
        ("tag-value", "blue", &["prod/api", "test/db"]),
        ("all", "db", &["prod/db", "test/db"]),
        ("tag-key", "colour", &[]),
    ] {
        let found = cloud.ok::<op::ListSecrets>(list(key, value)).await.secret_list.unwrap();
        let names: Vec<String> = found.into_iter().map(|one| one.name.unwrap()).collect();
        assert_eq!(names, wanted, "{key} {value}");
        let batch = s::BatchGetSecretValueRequest { filters: list(key, value).filters, ..Default::default() };
        let values = cloud.ok::<op::BatchGetSecretValue>(batch).await.secret_values.unwrap();
        assert_eq!(values.len(), wanted.len(), "{key} {value}");
    }
    let mut seen = Vec::new();
    let mut next_token = None;
    loop {
        let page = s::ListSecretsRequest { max_results: Some(1), next_token, ..Default::default() };
        let page = cloud.ok::<op::ListSecrets>(page).await;
        seen.extend(page.secret_list.unwrap());
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 3);
    let batch = s::BatchGetSecretValueRequest {
        secret_id_list: Some(vec!["prod/db".into(), "none".into()]),
        ..Default::default()
    };
    let batch = cloud.ok::<op::BatchGetSecretValue>(batch).await;
    assert_eq!(batch.secret_values.unwrap().len(), 1);
    assert_eq!(batch.errors.unwrap()[0].error_code.as_deref(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn passwords_have_what_was_asked_for() {
    let cloud = Cloud::new().await;
    for _ in 0..50 {
        let made = cloud.ok::<op::GetRandomPassword>(Default::default()).await.random_password.unwrap();
        assert_eq!(made.len(), 32);
        let has = |kind: fn(&char) -> bool| made.chars().any(|c| kind(&c));
        assert!(has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase));
        assert!(has(char::is_ascii_digit) && has(char::is_ascii_punctuation));
    }
    let input = s::GetRandomPasswordRequest {
        password_length: Some(500),
        exclude_punctuation: Some(true),
        exclude_characters: Some("abcXYZ123".into()),
        include_space: Some(true),
        ..Default::default()
    };
    let made = cloud.ok::<op::GetRandomPassword>(input).await.random_password.unwrap();
    assert!(
        made.contains(' ') && !made.contains(|c: char| "abcXYZ123".contains(c) || c.is_ascii_punctuation())
    );
}

#[tokio::test]
async fn rotation_is_refused_as_long_as_there_is_no_lambda() {
    let cloud = Cloud::new().await;
    cloud.create("db", "one").await;
    let rotate = s::RotateSecretRequest { secret_id: "db".into(), ..Default::default() };
    let said = cloud.err::<op::RotateSecret>(rotate.clone()).await;
    assert_eq!(
        said,
        "InvalidRequestException: No Lambda rotation function ARN is associated with this secret."
    );
    let rotate = s::RotateSecretRequest {
        rotation_lambda_arn: Some("arn:aws:lambda:us-east-1:111111111111:function:rotate".into()),
        rotation_rules: Some(s::RotationRulesType {
            schedule_expression: Some("rate(10 days)".into()),
            ..Default::default()
        }),
        ..rotate
    };
    let said = cloud.err::<op::RotateSecret>(rotate).await;
    assert!(said.contains("no Lambda yet"), "{said}");
    let shown = cloud.ok::<op::DescribeSecret>(s::DescribeSecretRequest { secret_id: "db".into() }).await;
    assert_eq!((shown.rotation_enabled, shown.version_ids_to_stages.unwrap().len()), (None, 1));
}

#[tokio::test]
async fn old_versions_go_when_there_are_too_many() {
    let cloud = Cloud::new().await;
    cloud.create("db", "0").await;
    for n in 1..100 {
        cloud.put("db", &n.to_string()).await;
    }
    let put = s::PutSecretValueRequest {
        secret_id: "db".into(),
        secret_string: Some("100".into()),
        ..Default::default()
    };
    assert!(cloud.err::<op::PutSecretValue>(put).await.starts_with("LimitExceededException"));
    cloud.advance_days(1);
    cloud.put("db", "101").await;
    let list = s::ListSecretVersionIdsRequest {
        secret_id: "db".into(),
        include_deprecated: Some(true),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<op::ListSecretVersionIds>(list).await.versions.unwrap().len(), 100);
    assert_eq!(cloud.text("db", Some("AWSPREVIOUS")).await, "99");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn there_is_always_one_current_version(moves in proptest::collection::vec((0..4usize, 0..5usize), 1..40)) {
        let mut record = SecretRecord::default();
        for (at, (stage, version)) in moves.into_iter().enumerate() {
            let id = format!("v{version}");
            let stage = ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "mine"][stage].to_owned();
            let new = VersionRecord { created_ms: at as i64, has_value: true, ..Default::default() };
            match record.versions.contains_key(&id) {
                true => versions::attach(&mut record, &stage, &id),
                false => versions::add(&mut record, &id, new, &[stage]).unwrap(),
            }
            for label in ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "mine"] {
                let holders = record.versions.values().filter(|v| v.stages.iter().any(|s| s == label)).count();
                prop_assert!(holders <= 1 && (label != "AWSCURRENT" || holders == 1));
            }
        }
    }
}

#[tokio::test]
async fn the_number_of_secrets_is_told_each_hour() {
    let cloud = Cloud::new().await;
    for name in ["a", "b"] {
        cloud.create(name, "x").await;
    }
    cloud
        .ok::<op::DeleteSecret>(s::DeleteSecretRequest { secret_id: "a".into(), ..Default::default() })
        .await;
    let told = async |at: i64| {
        let mut told = Vec::new();
        for source in cloud.platform.metrics.sources() {
            told.extend(source.read(haneul_kit::Instant::from_secs(at)).await);
        }
        told.retain(|reading| reading.namespace == "AWS/SecretsManager");
        told.iter().map(|reading| (reading.name, reading.summary.sum)).collect::<Vec<_>>()
    };
    assert_eq!(told(7200).await, [("ResourceCount", 2.0)]);
    assert!(told(7260).await.is_empty());
}
