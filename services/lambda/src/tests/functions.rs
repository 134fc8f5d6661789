use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::json;

use super::cloud::{Cloud, OURS, create, zip_of};

fn get(name: &str, qualifier: Option<&str>) -> s::GetFunctionConfigurationRequest {
    s::GetFunctionConfigurationRequest { function_name: name.into(), qualifier: qualifier.map(str::to_owned) }
}

#[tokio::test]
async fn a_function_is_pending_and_then_active() {
    let cloud = Cloud::new().await;
    let made = cloud.function("f").await;
    assert_eq!(made.function_arn.as_deref(), Some("arn:aws:lambda:us-east-1:111111111111:function:f"));
    assert_eq!(
        (made.state.as_deref(), made.state_reason_code.as_deref()),
        (Some("Pending"), Some("Creating"))
    );
    assert_eq!(
        (made.timeout, made.memory_size, made.version.as_deref()),
        (Some(3), Some(128), Some("$LATEST"))
    );
    assert_eq!(made.logging_config.unwrap().log_group.as_deref(), Some("/aws/lambda/f"));
    let get = async || {
        cloud
            .ok::<op::GetFunction>(s::GetFunctionRequest { function_name: "f".into(), qualifier: None })
            .await
    };
    let mut got = get().await;
    // How long the thread takes that unpacks the code is not ours to say.
    for _ in 0..10_000 {
        if got.configuration.as_ref().and_then(|function| function.state.as_deref()) != Some("Pending") {
            break;
        }
        cloud.settle().await;
        got = get().await;
    }
    let configuration = got.configuration.unwrap();
    assert_eq!(configuration.state.as_deref(), Some("Active"));
    assert_eq!(configuration.last_update_status.as_deref(), Some("Successful"));
    assert_ne!(configuration.revision_id, made.revision_id);
    assert!(got.code.unwrap().location.unwrap().contains("/_lambda/package/"));
    assert_eq!(
        cloud.err::<op::CreateFunction>(create("f", configuration.role.as_deref().unwrap())).await,
        "ResourceConflictException: Function already exist: f"
    );
}

#[tokio::test]
async fn what_cannot_be_created() {
    let cloud = Cloud::new().await;
    let role = cloud.role("r", "").await;
    let other = cloud
        .role_trusted_by("other", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#, "")
        .await;
    let with = |change: &dyn Fn(&mut s::CreateFunctionRequest)| {
        let mut input = create("f", &role);
        change(&mut input);
        input
    };
    let environment = |name: &str, value: &str| {
        let variables = Some([(name.to_owned(), value.to_owned())].into_iter().collect());
        Some(s::Environment { variables })
    };
    let cases: Vec<(&str, s::CreateFunctionRequest)> = vec![
        ("cannot be assumed by Lambda", with(&|input| input.role = other.clone())),
        ("cannot be assumed by Lambda", with(&|input| input.role = format!("arn:aws:iam::{OURS}:role/none"))),
        ("iam:PassRole", with(&|input| input.role = "arn:aws:iam::222222222222:role/x".into())),
        ("Could not unzip", with(&|input| input.code.zip_file = Some("no zip".into()))),
        ("non-empty zip", with(&|input| input.code.zip_file = Some(zip_of(&[])))),
        ("Could not unzip", with(&|input| input.code.zip_file = Some(zip_of(&[("../x", "")])))),
        ("provide a source", with(&|input| input.code = s::FunctionCode::default())),
        ("Runtime and Handler are mandatory", with(&|input| input.handler = None)),
        ("no longer supported", with(&|input| input.runtime = Some("python2.7".into()))),
        ("less than or equal to 900", with(&|input| input.timeout = Some(901))),
        ("'MemorySize' value failed", with(&|input| input.memory_size = Some(20_000))),
        (
            "cannot be run",
            with(&|input| {
                input.architectures =
                    Some(vec![String::from(if cfg!(target_arch = "aarch64") { "x86_64" } else { "arm64" })])
            }),
        ),
        ("reserved keys", with(&|input| input.environment = environment("AWS_REGION", "x"))),
        ("4KB limit", with(&|input| input.environment = environment("BIG", &"x".repeat(5000)))),
        (
            "VpcConfig is not supported",
            with(&|input| {
                input.vpc_config =
                    Some(s::VpcConfig { subnet_ids: Some(vec!["subnet-1".into()]), ..Default::default() });
            }),
        ),
        ("packageType Image", with(&|input| input.package_type = Some("Image".into()))),
        (
            "SNS topic",
            with(&|input| {
                input.dead_letter_config = Some(s::DeadLetterConfig {
                    target_arn: Some("arn:aws:sns:us-east-1:111111111111:t".into()),
                })
            }),
        ),
        (
            "does not have permissions to call SendMessage on SQS",
            with(&|input| {
                input.dead_letter_config = Some(s::DeadLetterConfig {
                    target_arn: Some("arn:aws:sqs:us-east-1:111111111111:q".into()),
                });
            }),
        ),
        (
            "Layer version",
            with(&|input| {
                input.layers = Some(vec!["arn:aws:lambda:us-east-1:111111111111:layer:l:1".into()])
            }),
        ),
    ];
    for (wanted, input) in cases {
        let refused = cloud.err::<op::CreateFunction>(input).await;
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
    assert!(cloud.ok::<op::ListFunctions>(Default::default()).await.functions.unwrap().is_empty());
}

#[tokio::test]
async fn code_and_configuration_change_by_revision() {
    let cloud = Cloud::new().await;
    let made = cloud.function("f").await;
    let update = |revision: Option<String>, text: &str| s::UpdateFunctionCodeRequest {
        function_name: "f".into(),
        zip_file: Some(zip_of(&[("index.py", text)])),
        revision_id: revision,
        ..Default::default()
    };
    let stale = cloud.err::<op::UpdateFunctionCode>(update(made.revision_id.clone(), "x")).await;
    assert!(stale.starts_with("PreconditionFailedException"), "{stale}");
    let before = cloud.ok::<op::GetFunctionConfiguration>(get("f", None)).await;
    let dry = s::UpdateFunctionCodeRequest { dry_run: Some(true), ..update(None, "dry") };
    let dry = cloud.ok::<op::UpdateFunctionCode>(dry).await;
    assert_ne!(dry.code_sha256, before.code_sha256);
    assert_eq!(
        cloud.ok::<op::GetFunctionConfiguration>(get("f", None)).await.code_sha256,
        before.code_sha256
    );
    let updated = cloud.ok::<op::UpdateFunctionCode>(update(before.revision_id, "x")).await;
    assert_eq!(updated.last_update_status.as_deref(), Some("InProgress"));
    assert_eq!(updated.state.as_deref(), Some("Active"));
    let configured = cloud
        .ok::<op::UpdateFunctionConfiguration>(s::UpdateFunctionConfigurationRequest {
            function_name: "f".into(),
            timeout: Some(30),
            memory_size: Some(512),
            environment: Some(s::Environment {
                variables: Some([("STAGE", "test".to_owned())].into_iter().collect()),
            }),
            logging_config: Some(s::LoggingConfig { log_format: Some("JSON".into()), ..Default::default() }),
            ..Default::default()
        })
        .await;
    let variables = configured.environment.unwrap().variables.unwrap();
    assert_eq!(variables.get("STAGE").map(String::as_str), Some("test"));
    let logging = configured.logging_config.unwrap();
    assert_eq!(logging.application_log_level.as_deref(), Some("INFO"));
    // The unpacked folders of the packages before are gone, once nobody refers to them.
    cloud.settle().await;
    assert_eq!(cloud.invoke("f", json!({})).await.status_code, Some(200));
}

#[tokio::test]
async fn versions_are_snapshots_and_the_same_is_not_published_twice() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let publish = |sha: Option<&str>| s::PublishVersionRequest {
        function_name: "f".into(),
        code_sha256: sha.map(str::to_owned),
        ..Default::default()
    };
    let one = cloud.ok::<op::PublishVersion>(publish(None)).await;
    assert_eq!(one.function_arn.as_deref(), Some("arn:aws:lambda:us-east-1:111111111111:function:f:1"));
    assert_eq!(one.state.as_deref(), Some("Active"));
    let again = cloud.ok::<op::PublishVersion>(publish(one.code_sha256.as_deref())).await;
    assert_eq!(again.version, one.version);
    let wrong = cloud.err::<op::PublishVersion>(publish(Some("wrong"))).await;
    assert!(wrong.contains("is different from current CodeSHA256"), "{wrong}");
    cloud
        .ok::<op::UpdateFunctionConfiguration>(s::UpdateFunctionConfigurationRequest {
            function_name: "f".into(),
            timeout: Some(9),
            ..Default::default()
        })
        .await;
    let two = cloud.ok::<op::PublishVersion>(publish(None)).await;
    assert_eq!(two.version.as_deref(), Some("2"));
    let kept = cloud.ok::<op::GetFunctionConfiguration>(get("f", Some("1"))).await;
    assert_eq!((kept.timeout, two.timeout), (Some(3), Some(9)));
    let listed = cloud
        .ok::<op::ListVersionsByFunction>(s::ListVersionsByFunctionRequest {
            function_name: "f".into(),
            max_items: Some(2),
            ..Default::default()
        })
        .await;
    let versions: Vec<_> = listed.versions.unwrap().into_iter().map(|v| v.version.unwrap()).collect();
    assert_eq!(versions, ["$LATEST", "1"]);
    let rest = cloud
        .ok::<op::ListVersionsByFunction>(s::ListVersionsByFunctionRequest {
            function_name: "f".into(),
            marker: listed.next_marker,
            ..Default::default()
        })
        .await;
    assert_eq!(rest.versions.unwrap()[0].version.as_deref(), Some("2"));
    let all = s::ListFunctionsRequest { function_version: Some("ALL".into()), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListFunctions>(all).await.functions.unwrap().len(), 3);
}

#[tokio::test]
async fn deleting_takes_everything_along() {
    let cloud = Cloud::new().await;
    let made = cloud.function("f").await;
    cloud
        .ok::<op::PublishVersion>(s::PublishVersionRequest {
            function_name: "f".into(),
            ..Default::default()
        })
        .await;
    let delete = |qualifier: Option<&str>| s::DeleteFunctionRequest {
        function_name: "f".into(),
        qualifier: qualifier.map(str::to_owned),
    };
    let refused = cloud.err::<op::DeleteFunction>(delete(Some("$LATEST"))).await;
    assert!(refused.contains("$LATEST version cannot be deleted"), "{refused}");
    cloud.ok::<op::DeleteFunction>(delete(Some("1"))).await;
    let gone = cloud.err::<op::GetFunctionConfiguration>(get("f", Some("1"))).await;
    assert_eq!(
        gone,
        "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111111111111:function:f:1"
    );
    cloud.ok::<op::DeleteFunction>(delete(None)).await;
    let again = cloud.err::<op::DeleteFunction>(delete(None)).await;
    assert!(again.starts_with("ResourceNotFoundException"), "{again}");
    let usage = cloud.ok::<op::GetAccountSettings>(Default::default()).await.account_usage.unwrap();
    assert_eq!((usage.total_code_size, usage.function_count), (Some(0), Some(0)));
    cloud.settle().await;
    let role = made.role.unwrap();
    cloud.ok::<op::CreateFunction>(create("f", &role)).await;
    assert_eq!(cloud.invoke("f", json!(1)).await.status_code, Some(200));
}
