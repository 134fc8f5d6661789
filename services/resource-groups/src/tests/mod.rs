use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Region, Result, Seal};
use haneul_resource_groups_wire::{operations as op, shapes as s};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use haneul_store::Store;

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
        let services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            ours,
            haneul_sqs::service(&platform).await.unwrap(),
        ];
        let front = Front::new(platform.clone(), &[], services, Options::default());
        Cloud { platform, implemented, _front: front }
    }

    async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        let caller = Caller::root(AccountId::new(OURS).unwrap());
        self.platform.bus.call::<O>(caller, Region::US_EAST_1, None, input).await
    }

    async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.code().to_owned(),
        }
    }

    async fn queue(&self, name: &str, team: &str) -> String {
        let tags = [("team", team.to_owned())].into_iter().collect();
        let input = q::CreateQueueRequest { queue_name: name.into(), tags: Some(tags), ..Default::default() };
        self.ok::<sqs::CreateQueue>(input).await;
        format!("arn:aws:sqs:us-east-1:{OURS}:{name}")
    }

    async fn members(&self, group: &str, page: i32) -> Vec<String> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let input = s::ListGroupResourcesInput {
                group: Some(group.into()),
                max_results: Some(page),
                next_token: token,
                ..Default::default()
            };
            let answer = self.ok::<op::ListGroupResources>(input).await;
            all.extend(answer.resource_identifiers.unwrap().into_iter().map(|one| one.resource_arn.unwrap()));
            token = answer.next_token;
            if token.is_none() {
                return all;
            }
        }
    }
}

fn query(team: &str) -> s::ResourceQuery {
    s::ResourceQuery {
        r#type: "TAG_FILTERS_1_0".into(),
        query: format!(
            r#"{{"ResourceTypeFilters":["AWS::AllSupported"],"TagFilters":[{{"Key":"team","Values":["{team}"]}}]}}"#
        ),
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
async fn a_query_finds_what_has_the_tags_now() {
    let cloud = Cloud::new().await;
    let mut queues = Vec::new();
    for name in ["q1", "q2", "q3"] {
        queues.push(cloud.queue(name, "a").await);
    }
    cloud.queue("other", "b").await;
    let create =
        || s::CreateGroupInput { name: "web".into(), resource_query: Some(query("a")), ..Default::default() };
    let made = cloud.ok::<op::CreateGroup>(create()).await;
    assert_eq!(made.group.unwrap().group_arn, format!("arn:aws:resource-groups:us-east-1:{OURS}:group/web"));
    assert_eq!(cloud.err::<op::CreateGroup>(create()).await, "BadRequestException");
    for page in [1, 2, 50] {
        assert_eq!(cloud.members("web", page).await, queues, "pages of {page}");
    }
    let delete = q::DeleteQueueRequest { queue_url: format!("http://localhost:4566/{OURS}/q2") };
    cloud.ok::<sqs::DeleteQueue>(delete).await;
    assert_eq!(cloud.members("web", 50).await, [queues[0].clone(), queues[2].clone()]);
    let search = s::SearchResourcesInput { resource_query: query("b"), ..Default::default() };
    let found = cloud.ok::<op::SearchResources>(search).await.resource_identifiers.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].resource_type.as_deref(), Some("AWS::SQS::Queue"));
    let update = s::UpdateGroupQueryInput {
        group: Some("web".into()),
        resource_query: query("b"),
        ..Default::default()
    };
    cloud.ok::<op::UpdateGroupQuery>(update).await;
    assert_eq!(
        cloud.members(&format!("arn:aws:resource-groups:us-east-1:{OURS}:group/web"), 50).await.len(),
        1
    );
    let join = s::GroupResourcesInput { group: "web".into(), resource_arns: vec![queues[0].clone()] };
    assert_eq!(cloud.err::<op::GroupResources>(join).await, "BadRequestException");
    cloud
        .ok::<op::DeleteGroup>(s::DeleteGroupInput { group: Some("web".into()), ..Default::default() })
        .await;
    let get = s::GetGroupInput { group: Some("web".into()), ..Default::default() };
    assert_eq!(cloud.err::<op::GetGroup>(get).await, "NotFoundException");
}

#[tokio::test]
async fn members_by_hand_are_of_the_allowed_types() {
    let cloud = Cloud::new().await;
    let queue = cloud.queue("q", "a").await;
    let item = |types: &[&str]| s::GroupConfigurationItem {
        r#type: "AWS::ResourceGroups::Generic".into(),
        parameters: Some(vec![s::GroupConfigurationParameter {
            name: "allowed-resource-types".into(),
            values: Some(types.iter().map(|kind| (*kind).into()).collect()),
        }]),
    };
    let create = s::CreateGroupInput {
        name: "hand".into(),
        configuration: Some(vec![item(&["AWS::S3::Bucket"])]),
        ..Default::default()
    };
    cloud.ok::<op::CreateGroup>(create).await;
    let gone = format!("arn:aws:sqs:us-east-1:{OURS}:gone");
    let join =
        || s::GroupResourcesInput { group: "hand".into(), resource_arns: vec![queue.clone(), gone.clone()] };
    assert_eq!(cloud.ok::<op::GroupResources>(join()).await.failed.unwrap().len(), 2);
    let put = s::PutGroupConfigurationInput {
        group: Some("hand".into()),
        configuration: Some(vec![item(&["AWS::SQS::Queue"])]),
    };
    cloud.ok::<op::PutGroupConfiguration>(put).await;
    let answer = cloud.ok::<op::GroupResources>(join()).await;
    assert_eq!(answer.succeeded.unwrap(), std::slice::from_ref(&queue));
    assert_eq!(answer.failed.unwrap()[0].resource_arn, Some(gone));
    assert_eq!(cloud.members("hand", 50).await, std::slice::from_ref(&queue));
    let leave = s::UngroupResourcesInput { group: "hand".into(), resource_arns: vec![queue] };
    assert_eq!(cloud.ok::<op::UngroupResources>(leave).await.succeeded.unwrap().len(), 1);
    assert!(cloud.members("hand", 50).await.is_empty());
    let other = s::GroupConfigurationItem { r#type: "AWS::EC2::HostManagement".into(), parameters: None };
    let create =
        s::CreateGroupInput { name: "x".into(), configuration: Some(vec![other]), ..Default::default() };
    assert_eq!(cloud.err::<op::CreateGroup>(create).await, "NotImplemented");
}

#[tokio::test]
async fn groups_have_tags_and_are_listed() {
    let cloud = Cloud::new().await;
    for name in ["a", "b", "c"] {
        let input = s::CreateGroupInput {
            name: name.into(),
            resource_query: Some(query(name)),
            ..Default::default()
        };
        cloud.ok::<op::CreateGroup>(input).await;
    }
    let arn = format!("arn:aws:resource-groups:us-east-1:{OURS}:group/b");
    let tags = [("team", "b".to_owned()), ("x", "y".to_owned())].into_iter().collect();
    cloud.ok::<op::Tag>(s::TagInput { arn: arn.clone(), tags }).await;
    cloud.ok::<op::Untag>(s::UntagInput { arn: arn.clone(), keys: vec!["x".into()] }).await;
    let tags = cloud.ok::<op::GetTags>(s::GetTagsInput { arn: arn.clone() }).await.tags.unwrap();
    assert_eq!(tags.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["team"]);
    assert_eq!(cloud.members("b", 50).await, [arn], "a group is a resource with tags, too");
    let first =
        cloud.ok::<op::ListGroups>(s::ListGroupsInput { max_results: Some(2), ..Default::default() }).await;
    assert_eq!(first.group_identifiers.unwrap().len(), 2);
    let next = s::ListGroupsInput { next_token: first.next_token, ..Default::default() };
    assert_eq!(cloud.ok::<op::ListGroups>(next).await.groups.unwrap()[0].name, "c");
}
