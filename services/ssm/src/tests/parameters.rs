//! Names, versions, labels, hierarchies, tiers, expiry, settings.

use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use super::cloud::{Cloud, put};

#[tokio::test]
async fn names_have_rules() {
    let cloud = Cloud::new().await;
    for (name, said) in [
        ("a b", "ValidationException: Parameter name: can't be prefixed with \"ssm\""),
        ("a/b", "ValidationException: Parameter name must be a fully qualified name."),
        (
            "awsome",
            "ValidationException: Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
        ),
        (
            "/ssm/x",
            "ValidationException: Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed",
        ),
        ("/aws/x", "AccessDeniedException: No access to reserved parameter name: /aws/x."),
        ("/a//b", "ValidationException"),
        ("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "HierarchyLevelLimitExceededException"),
    ] {
        let refused = cloud.err::<op::PutParameter>(put(name, "x")).await;
        assert!(refused.starts_with(said), "{name}: {refused}");
    }
    for (name, said) in [
        ("none", "ParameterNotFound: "),
        ("/none:3", "ParameterNotFound: "),
        ("a b", "ValidationException: Parameter name: can't be prefixed with \"ssm\""),
        ("a/b", "ValidationException: Parameter name: can't be prefixed with \"ssm\""),
        ("/a//b", "ValidationException: Parameter name: can't be prefixed with \"ssm\""),
    ] {
        let asked = s::GetParameterRequest { name: name.into(), ..Default::default() };
        let refused = cloud.err::<op::GetParameter>(asked).await;
        assert!(refused.starts_with(said), "{name}: {refused}");
    }
    for name in ["plain", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15", "/a.b/c-d/e_f", " spaces "] {
        cloud.put(name, "x").await;
    }
    assert_eq!(
        cloud.get("spaces").await.unwrap().arn.unwrap(),
        "arn:aws:ssm:us-east-1:111111111111:parameter/spaces"
    );
    assert_eq!(cloud.text("arn:aws:ssm:us-east-1:111111111111:parameter/plain").await, "x");
    assert_eq!(cloud.text("arn:aws:ssm:us-east-1:111111111111:parameter/a.b/c-d/e_f").await, "x");
}

#[tokio::test]
async fn versions_and_labels_are_selected() {
    let cloud = Cloud::new().await;
    for n in 1..=3 {
        assert_eq!(cloud.put("/app/x", &n.to_string()).await, n);
    }
    let once = s::PutParameterRequest { overwrite: None, ..put("/app/x", "4") };
    assert!(cloud.err::<op::PutParameter>(once).await.starts_with("ParameterAlreadyExists"));
    let label = |version: i64, labels: &[&str]| s::LabelParameterVersionRequest {
        name: "/app/x".into(),
        parameter_version: Some(version),
        labels: labels.iter().map(|one| (*one).to_owned()).collect(),
    };
    let made = cloud.ok::<op::LabelParameterVersion>(label(1, &["prod", "1st", "AWSx"])).await;
    assert_eq!(made.invalid_labels.unwrap(), ["1st", "AWSx"]);
    for (name, text) in [("/app/x", "3"), ("/app/x:2", "2"), ("/app/x:prod", "1")] {
        assert_eq!(cloud.text(name).await, text);
    }
    cloud.ok::<op::LabelParameterVersion>(label(2, &["prod"])).await;
    let shown = cloud.get("/app/x:prod").await.unwrap();
    assert_eq!((shown.value.as_deref(), shown.selector.as_deref()), (Some("2"), Some(":prod")));
    for (name, said) in [
        ("/app/x:9", "ParameterVersionNotFound"),
        ("/app/x:none", "ParameterVersionNotFound"),
        ("/app/y", "ParameterNotFound"),
    ] {
        assert!(cloud.get(name).await.err().unwrap().to_string().starts_with(said), "{name}");
    }
    let history = s::GetParameterHistoryRequest { name: "/app/x".into(), ..Default::default() };
    let history = cloud.ok::<op::GetParameterHistory>(history).await.parameters.unwrap();
    let labels: Vec<_> = history.into_iter().map(|one| one.labels.unwrap()).collect();
    assert_eq!(labels, [vec![], vec!["prod".to_owned()], vec![]]);
    let unlabel = s::UnlabelParameterVersionRequest {
        name: "/app/x".into(),
        parameter_version: 2,
        labels: vec!["prod".into(), "none".into()],
    };
    let made = cloud.ok::<op::UnlabelParameterVersion>(unlabel).await;
    assert_eq!(
        (made.removed_labels.unwrap(), made.invalid_labels.unwrap()),
        (vec!["prod".into()], vec!["none".into()])
    );
}

#[tokio::test]
async fn the_oldest_of_a_hundred_versions_goes_unless_labelled() {
    let cloud = Cloud::new().await;
    for n in 1..=101 {
        cloud.put("x", &n.to_string()).await;
    }
    assert!(cloud.get("x:1").await.is_err());
    assert_eq!(cloud.text("x:2").await, "2");
    let label = s::LabelParameterVersionRequest {
        name: "x".into(),
        parameter_version: Some(2),
        labels: vec!["keep".into()],
    };
    cloud.ok::<op::LabelParameterVersion>(label).await;
    let said = cloud.err::<op::PutParameter>(put("x", "102")).await;
    assert!(said.starts_with("ParameterMaxVersionLimitExceeded") && said.contains("Version 2"), "{said}");
}

#[tokio::test]
async fn hierarchies_are_read_by_path() {
    let cloud = Cloud::new().await;
    for name in ["/app/a", "/app/b", "/app/sub/c", "/apple", "/other/d", "plain"] {
        cloud.put(name, name).await;
    }
    let by_path = |path: &str, recursive: bool| s::GetParametersByPathRequest {
        path: path.into(),
        recursive: Some(recursive),
        ..Default::default()
    };
    for (path, recursive, wanted) in [
        ("/app", false, &["/app/a", "/app/b"][..]),
        ("/app/", true, &["/app/a", "/app/b", "/app/sub/c"]),
        ("/", true, &["/app/a", "/app/b", "/app/sub/c", "/apple", "/other/d", "plain"]),
        // A name without a slash is one of the root.
        ("/", false, &["/apple", "plain"]),
        ("/none", true, &[]),
    ] {
        let mut names = Vec::new();
        let mut next_token = None;
        loop {
            let page = s::GetParametersByPathRequest {
                max_results: Some(2),
                next_token,
                ..by_path(path, recursive)
            };
            let page = cloud.ok::<op::GetParametersByPath>(page).await;
            names.extend(page.parameters.unwrap().into_iter().map(|one| one.name.unwrap()));
            next_token = page.next_token;
            if next_token.is_none() {
                break;
            }
        }
        assert_eq!(names, wanted, "{path}");
    }
    assert!(
        cloud
            .err::<op::GetParametersByPath>(by_path("app", true))
            .await
            .contains("must begin with a forward slash")
    );
    let said = cloud.err::<op::GetParametersByPath>(by_path("/app//a", true)).await;
    assert!(said.contains(r#"It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive)."#), "{said}");
    let describe = |key: &str, option: &str, value: &str| s::DescribeParametersRequest {
        parameter_filters: Some(vec![s::ParameterStringFilter {
            key: key.into(),
            option: Some(option.into()),
            values: Some(vec![value.into()]),
        }]),
        ..Default::default()
    };
    for (key, option, value, count) in [
        ("Name", "Equals", "/app/a", 1),
        ("Name", "BeginsWith", "/app", 4),
        ("Name", "Contains", "pp", 4),
        ("Path", "OneLevel", "/app", 2),
        ("Path", "Recursive", "/app", 3),
        ("Type", "Equals", "SecureString", 0),
        ("Path", "OneLevel", "/", 2),
        ("Tier", "Equals", "Standard", 6),
    ] {
        let found =
            cloud.ok::<op::DescribeParameters>(describe(key, option, value)).await.parameters.unwrap();
        assert_eq!(found.len(), count, "{key} {option} {value}");
    }
    for (path, why) in [("app", "must begin with a forward slash"), ("/awsome", "within a global namespace")]
    {
        let said = cloud.err::<op::DescribeParameters>(describe("Path", "OneLevel", path)).await;
        assert!(said.starts_with("ValidationException") && said.contains(why), "{path}: {said}");
    }
    assert!(
        cloud
            .err::<op::DescribeParameters>(describe("Nonsense", "Equals", "x"))
            .await
            .starts_with("ValidationException")
    );
    assert!(
        cloud
            .err::<op::DescribeParameters>(describe("Tier", "BeginsWith", "x"))
            .await
            .starts_with("InvalidFilterOption")
    );
}

#[tokio::test]
async fn values_are_checked() {
    let cloud = Cloud::new().await;
    let with = |value: &str, change: fn(&mut s::PutParameterRequest)| {
        let mut input = put("x", value);
        change(&mut input);
        input
    };
    for (input, said) in [
        (with("", |_| {}), "ValidationException"),
        (with("{{ssm:y}}", |_| {}), "ValidationException: Parameter value can't nest"),
        (with("a", |i| i.allowed_pattern = Some("^\\d+$".into())), "ParameterPatternMismatchException"),
        (with("a", |i| i.allowed_pattern = Some("(".into())), "InvalidAllowedPatternException"),
        (with("a", |i| i.data_type = Some("aws:ec2:image".into())), "ValidationException"),
        (
            with("a", |i| i.data_type = Some("nonsense".into())),
            "ValidationException: The following data type",
        ),
        (
            with("a", |i| i.key_id = Some("alias/x".into())),
            "ValidationException: KeyId is required for SecureString",
        ),
        (with("a", |i| i.r#type = None), "ValidationException: A parameter type is required"),
        (
            with("a", |i| i.tags = Some(vec![s::Tag { key: "k".into(), value: "v".into() }])),
            "ValidationException: Invalid request: tags and overwrite",
        ),
    ] {
        let refused = cloud.err::<op::PutParameter>(input).await;
        assert!(refused.starts_with(said), "{said}: {refused}");
    }
    cloud
        .ok::<op::PutParameter>(with("ami-0123456789abcdef0", |i| i.data_type = Some("aws:ec2:image".into())))
        .await;
    let other = with("a", |i| i.r#type = Some("StringList".into()));
    assert!(cloud.err::<op::PutParameter>(other).await.starts_with("HierarchyTypeMismatchException"));
}

#[tokio::test]
async fn tiers() {
    let cloud = Cloud::new().await;
    let long = "x".repeat(5000);
    assert!(cloud.err::<op::PutParameter>(put("x", &long)).await.contains("maximum parameter value of 4096"));
    let with = |tier: &str, name: &str, text: &str| s::PutParameterRequest {
        tier: Some(tier.into()),
        ..put(name, text)
    };
    let made = cloud.ok::<op::PutParameter>(with("Intelligent-Tiering", "x", "small")).await;
    assert_eq!(made.tier.as_deref(), Some("Standard"));
    let made = cloud.ok::<op::PutParameter>(with("Intelligent-Tiering", "x", &long)).await;
    assert_eq!(made.tier.as_deref(), Some("Advanced"));
    assert!(cloud.err::<op::PutParameter>(with("Standard", "x", "small")).await.contains("can't downgrade"));
    let too_long = "x".repeat(8193);
    assert!(cloud.err::<op::PutParameter>(with("Advanced", "y", &too_long)).await.contains("8192"));
    let id = "arn:aws:ssm:us-east-1:111111111111:servicesetting/ssm/parameter-store/default-parameter-tier";
    let update = s::UpdateServiceSettingRequest { setting_id: id.into(), setting_value: "Advanced".into() };
    cloud.ok::<op::UpdateServiceSetting>(update).await;
    assert_eq!(cloud.ok::<op::PutParameter>(put("z", "small")).await.tier.as_deref(), Some("Advanced"));
    let reset = s::ResetServiceSettingRequest { setting_id: id.into() };
    let shown = cloud.ok::<op::ResetServiceSetting>(reset).await.service_setting.unwrap();
    assert_eq!(
        (shown.setting_value.as_deref(), shown.status.as_deref()),
        (Some("Standard"), Some("Default"))
    );
}

#[tokio::test]
async fn an_expiration_policy_deletes_by_the_clock() {
    let cloud = Cloud::new().await;
    let at = (cloud.platform.env.now() + std::time::Duration::from_secs(86_400)).iso8601();
    let policy = format!(r#"[{{"Type":"Expiration","Version":"1.0","Attributes":{{"Timestamp":"{at}"}}}}]"#);
    let input = s::PutParameterRequest {
        tier: Some("Advanced".into()),
        policies: Some(policy.clone()),
        ..put("x", "1")
    };
    cloud.ok::<op::PutParameter>(input).await;
    cloud.put("x", "2").await;
    let standard = s::PutParameterRequest { policies: Some(policy), ..put("y", "1") };
    assert!(cloud.err::<op::PutParameter>(standard).await.starts_with("ValidationException"));
    let notify =
        r#"[{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"20","Unit":"Days"}}]"#;
    let notify = s::PutParameterRequest {
        policies: Some(notify.into()),
        tier: Some("Advanced".into()),
        ..put("y", "1")
    };
    assert!(cloud.err::<op::PutParameter>(notify).await.starts_with("InvalidPolicyTypeException"));
    assert_eq!(cloud.text("x").await, "2");
    cloud.advance_days(1);
    assert!(cloud.get("x").await.is_err());
    assert_eq!(cloud.put("x", "3").await, 1);
}

#[tokio::test]
async fn batches_tags_and_public_parameters() {
    let cloud = Cloud::new().await;
    cloud.put("/app/a", "1").await;
    let input =
        s::GetParametersRequest { names: vec!["/app/a".into(), "/app/b".into()], with_decryption: None };
    let found = cloud.ok::<op::GetParameters>(input).await;
    assert_eq!(
        (found.parameters.unwrap().len(), found.invalid_parameters.unwrap()),
        (1, vec!["/app/b".to_owned()])
    );
    let tag = s::AddTagsToResourceRequest {
        resource_type: "Parameter".into(),
        resource_id: "/app/a".into(),
        tags: vec![s::Tag { key: "k".into(), value: "v".into() }],
    };
    cloud.ok::<op::AddTagsToResource>(tag).await;
    let list =
        s::ListTagsForResourceRequest { resource_type: "Parameter".into(), resource_id: "/app/a".into() };
    assert_eq!(cloud.ok::<op::ListTagsForResource>(list.clone()).await.tag_list.unwrap().len(), 1);
    let other = s::ListTagsForResourceRequest { resource_id: "/none".into(), ..list };
    assert!(cloud.err::<op::ListTagsForResource>(other).await.starts_with("InvalidResourceId"));
    let delete = s::DeleteParametersRequest { names: vec!["/app/a".into(), "/app/b".into()] };
    let deleted = cloud.ok::<op::DeleteParameters>(delete).await;
    assert_eq!(deleted.deleted_parameters.unwrap(), ["/app/a"]);
    let name = "/aws/service/global-infrastructure/regions/ap-northeast-2/longName";
    let shown = cloud.get(name).await.unwrap();
    assert_eq!(shown.value.as_deref(), Some("Asia Pacific (Seoul)"));
    assert_eq!(shown.arn.unwrap(), format!("arn:aws:ssm:us-east-1::parameter{name}"));
    let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
    let shown = cloud.get(name).await.unwrap();
    assert_eq!(shown.data_type.as_deref(), Some("aws:ec2:image"));
    let id = shown.value.unwrap();
    assert!(id.starts_with("ami-0"), "{id}");
    let place = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended";
    let whole = cloud.get(place).await.unwrap().value.unwrap();
    let whole: serde_json::Value = serde_json::from_str(&whole).unwrap();
    let own = cloud.get(&format!("{place}/image_id")).await.unwrap().value.unwrap();
    assert_eq!(whole["image_id"], own);
    assert_ne!(own, id);
    let images = s::GetParametersByPathRequest {
        path: "/aws/service/ami-amazon-linux-latest".into(),
        max_results: Some(10),
        ..Default::default()
    };
    let page = cloud.ok::<op::GetParametersByPath>(images).await;
    assert!(page.parameters.unwrap().len() == 10 && page.next_token.is_some());
    let input = s::GetParametersByPathRequest {
        path: "/aws/service/global-infrastructure/regions".into(),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<op::GetParametersByPath>(input).await.parameters.unwrap().len(), 10);
}
