use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Region, Result, Seal};
use haneul_resourcegroupstaggingapi_wire::{operations as op, shapes as s};
use haneul_shape::value::Map;
use haneul_store::Store;

use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kms_wire::operations as kms;
use haneul_logs_wire::{operations as logs, shapes as l};
use haneul_s3_wire::{operations as s3, shapes as b};
use haneul_secretsmanager_wire::{operations as sm, shapes as m};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use haneul_ssm_wire::{operations as ssm, shapes as p};

struct Cloud {
    platform: Platform,
    implemented: Vec<&'static str>,
    _front: std::sync::Arc<Front>,
}

const OURS: u64 = 111_111_111_111;

impl Cloud {
    async fn new() -> Cloud {
        let env = Env::simulated(5);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
        let ours = crate::service(&platform).await.unwrap();
        let implemented = ours.implemented().collect();
        let mut services = vec![haneul_iam::service(&platform).await.unwrap(), ours];
        services.push(haneul_kms::service(&platform).await.unwrap());
        services.push(haneul_logs::service(&platform).await.unwrap());
        services.extend(haneul_s3::services(&platform).await.unwrap());
        services.extend(haneul_dynamodb::services(&platform).await.unwrap());
        services.push(haneul_secretsmanager::service(&platform).await.unwrap());
        services.push(haneul_sqs::service(&platform).await.unwrap());
        services.push(haneul_ssm::service(&platform).await.unwrap());
        let front = Front::new(platform.clone(), &[], services, Options::default());
        Cloud { platform, implemented, _front: front }
    }

    async fn call_as<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        self.call_as::<O>(&Caller::root(AccountId::new(OURS).unwrap()), input).await
    }

    async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// One resource of each kind; their ARNs.
    async fn resources(&self) -> Vec<String> {
        let arn = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:{OURS}:{resource}");
        let mut arns = vec![arn("sqs", "q"), "arn:aws:s3:::bucket-1".to_owned(), arn("logs", "log-group:g")];
        self.ok::<sqs::CreateQueue>(q::CreateQueueRequest { queue_name: "q".into(), ..Default::default() })
            .await;
        self.ok::<s3::CreateBucket>(b::CreateBucketRequest {
            bucket: "bucket-1".into(),
            ..Default::default()
        })
        .await;
        let group = l::CreateLogGroupRequest { log_group_name: "g".into(), ..Default::default() };
        self.ok::<logs::CreateLogGroup>(group).await;
        let user =
            i::CreateUserRequest { user_name: "ann".into(), path: Some("/x/".into()), ..Default::default() };
        arns.push(self.ok::<iam::CreateUser>(user).await.user.unwrap().arn);
        arns.push(self.ok::<kms::CreateKey>(Default::default()).await.key_metadata.unwrap().arn.unwrap());
        let secret = m::CreateSecretRequest {
            name: "s".into(),
            secret_string: Some("x".into()),
            ..Default::default()
        };
        arns.push(self.ok::<sm::CreateSecret>(secret).await.arn.unwrap());
        for name in ["plain", "/a/b"] {
            let put = p::PutParameterRequest {
                name: name.into(),
                value: "x".into(),
                r#type: Some("String".into()),
                ..Default::default()
            };
            self.ok::<ssm::PutParameter>(put).await;
        }
        arns.push(arn("ssm", "parameter/plain"));
        arns.push(arn("ssm", "parameter/a/b"));
        arns
    }

    async fn tag(&self, arns: &[String], tags: &[(&str, &str)]) -> Vec<(String, String)> {
        let tags: Map<String> = tags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let input = s::TagResourcesInput { resource_arn_list: arns.to_vec(), tags };
        let failed = self.ok::<op::TagResources>(input).await.failed_resources_map.unwrap();
        failed.into_iter().map(|(arn, info)| (arn, info.error_code.unwrap())).collect()
    }

    /// ARNs by pages of `page`.
    async fn find(&self, types: &[&str], filters: &[(&str, &[&str])], page: i32) -> Vec<String> {
        let filters: Vec<s::TagFilter> = filters
            .iter()
            .map(|(key, values)| s::TagFilter {
                key: Some((*key).into()),
                values: Some(values.iter().map(|value| (*value).into()).collect()),
            })
            .collect();
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let input = s::GetResourcesInput {
                resource_type_filters: Some(types.iter().map(|kind| (*kind).into()).collect()),
                tag_filters: Some(filters.clone()),
                resources_per_page: Some(page),
                pagination_token: token,
                ..Default::default()
            };
            let answer = self.ok::<op::GetResources>(input).await;
            let list = answer.resource_tag_mapping_list.unwrap();
            assert!(list.len() <= page as usize);
            all.extend(list.into_iter().map(|mapping| mapping.resource_arn.unwrap()));
            token = answer.pagination_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return all;
            }
        }
    }
}

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let cloud = Cloud::new().await;
    let toml: toml::Table = include_str!("../../service.toml").parse().unwrap();
    let listed: Vec<_> =
        toml["implemented"].as_array().unwrap().iter().map(|o| o.as_str().unwrap()).collect();
    assert_eq!(listed, cloud.implemented);
}

#[tokio::test]
async fn every_kind_is_tagged_found_and_untagged() {
    let cloud = Cloud::new().await;
    let mut arns = cloud.resources().await;
    assert!(cloud.find(&[], &[], 100).await.is_empty(), "nothing has tags");
    assert_eq!(cloud.tag(&arns, &[("team", "a"), ("env", "test")]).await, []);
    arns.sort();
    for page in [1, 3, 100] {
        assert_eq!(cloud.find(&[], &[("team", &["b", "a"])], page).await, arns, "pages of {page}");
    }
    assert_eq!(cloud.find(&["sqs", "iam:user"], &[], 100).await.len(), 2);
    assert_eq!(cloud.find(&["iam:role"], &[], 100).await, [] as [&str; 0]);
    assert_eq!(cloud.find(&["ssm:parameter"], &[("env", &[])], 100).await.len(), 2);
    assert_eq!(cloud.find(&[], &[("team", &["a"]), ("env", &["prod"])], 100).await, [] as [&str; 0]);
    assert_eq!(cloud.tag(&arns[..1], &[("env", "prod")]).await, []);
    assert_eq!(cloud.find(&[], &[("team", &["a"]), ("env", &["prod"])], 100).await, arns[..1]);
    let keys = cloud.ok::<op::GetTagKeys>(Default::default()).await;
    assert_eq!(keys.tag_keys.unwrap(), ["env", "team"]);
    let values = s::GetTagValuesInput { key: "env".into(), ..Default::default() };
    assert_eq!(cloud.ok::<op::GetTagValues>(values).await.tag_values.unwrap(), ["prod", "test"]);
    let untag = s::UntagResourcesInput {
        resource_arn_list: arns.clone(),
        tag_keys: vec!["team".into(), "env".into()],
    };
    assert!(cloud.ok::<op::UntagResources>(untag).await.failed_resources_map.unwrap().is_empty());
    assert!(cloud.find(&[], &[], 100).await.is_empty());
}

#[tokio::test]
async fn failures_are_told_by_resource_and_rights_are_the_callers() {
    let cloud = Cloud::new().await;
    let arns = cloud.resources().await;
    let gone = format!("arn:aws:sqs:us-east-1:{OURS}:gone");
    let far = format!("arn:aws:sqs:eu-west-1:{OURS}:q");
    let failed =
        cloud.tag(&[arns[0].clone(), gone.clone(), far, "arn:aws:xyz:::a".into()], &[("a", "1")]).await;
    assert_eq!(failed.len(), 3, "{failed:?}");
    assert_eq!(failed[0], (gone, "QueueDoesNotExist".to_owned()));
    assert_eq!(failed[1].1, "InvalidParameterException");

    let create = i::CreateUserRequest { user_name: "eve".into(), ..Default::default() };
    cloud.ok::<iam::CreateUser>(create).await;
    let put = i::PutUserPolicyRequest {
        user_name: "eve".into(),
        policy_name: "own".into(),
        policy_document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["tag:*","s3:*"],"Resource":"*"}]}"#.into(),
    };
    cloud.ok::<iam::PutUserPolicy>(put).await;
    let key =
        cloud.ok::<iam::CreateAccessKey>(i::CreateAccessKeyRequest { user_name: Some("eve".into()) }).await;
    let eve = cloud.platform.directory().access_key(&key.access_key.access_key_id).await.unwrap().unwrap();
    let input = s::TagResourcesInput {
        resource_arn_list: arns[..2].to_vec(),
        tags: [("b", "2".to_owned())].into_iter().collect(),
    };
    let answer = cloud.call_as::<op::TagResources>(&eve.caller, input).await.unwrap();
    let failed: Vec<_> = answer.failed_resources_map.unwrap().into_iter().collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].0.as_str(), failed[0].1.status_code), (arns[0].as_str(), Some(403)));
    assert_eq!(cloud.find(&[], &[("b", &["2"])], 100).await, [arns[1].clone()]);
}

#[tokio::test]
async fn combinations_that_are_refused() {
    let cloud = Cloud::new().await;
    let arns = Some(vec!["arn:aws:s3:::b".to_owned()]);
    let filter = |key: &str| s::TagFilter { key: Some(key.into()), values: None };
    for input in [
        s::GetResourcesInput {
            resource_arn_list: arns.clone(),
            resources_per_page: Some(1),
            ..Default::default()
        },
        s::GetResourcesInput {
            resource_arn_list: arns,
            tag_filters: Some(vec![filter("a")]),
            ..Default::default()
        },
        s::GetResourcesInput { tag_filters: Some(vec![filter("a"), filter("a")]), ..Default::default() },
        s::GetResourcesInput { resources_per_page: Some(101), ..Default::default() },
        s::GetResourcesInput { tags_per_page: Some(150), ..Default::default() },
        s::GetResourcesInput { exclude_compliant_resources: Some(true), ..Default::default() },
        s::GetResourcesInput { pagination_token: Some("x".into()), ..Default::default() },
    ] {
        let Err(error) = cloud.call::<op::GetResources>(input).await else { panic!("it went through") };
        assert_eq!(error.code(), "InvalidParameterException");
    }
}
