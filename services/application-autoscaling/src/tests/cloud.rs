use std::sync::Arc;
use std::time::Duration;

use haneul_application_autoscaling_wire::operations as op;
use haneul_application_autoscaling_wire::shapes as s;
use haneul_blob::Blobs;
use haneul_dynamodb_wire::operations as ddb;
use haneul_dynamodb_wire::shapes as d;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Instant, Operation, Platform, Reconciler, Region, Result, Seal};
use haneul_store::Store;

pub(super) struct Cloud {
    pub(super) platform: Platform,
    reconcilers: Vec<Arc<dyn Reconciler>>,
    _front: Arc<Front>,
}

const OURS: u64 = 111_111_111_111;

pub(super) const TABLE: &str = "table/tab";
pub(super) const WRITES: &str = "dynamodb:table:WriteCapacityUnits";

pub(super) fn root() -> Caller {
    Caller::root(AccountId::new(OURS).unwrap())
}

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(5);
        // The beginning of a minute.
        let to_minute = 60_000 - env.now().millis().rem_euclid(60_000);
        env.clock.advance(Duration::from_millis(to_minute.unsigned_abs()));
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config);
        let mut services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_sts::service(&platform).await.unwrap(),
            haneul_cloudwatch::service(&platform).await.unwrap(),
        ];
        services.extend(haneul_dynamodb::services(&platform).await.unwrap());
        services.push(crate::service(&platform).await.unwrap());
        let of = |service: &haneul_kit::Service| service.reconcilers().to_vec();
        let reconcilers = services.iter().flat_map(of).collect();
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_sts_wire::SERVICE,
            &haneul_cloudwatch_wire::SERVICE,
            &haneul_dynamodb_wire::SERVICE,
            &haneul_dynamodbstreams_wire::SERVICE,
            &haneul_application_autoscaling_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Cloud { platform, reconcilers, _front: front }
    }

    pub(super) async fn call_as<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call_as::<O>(&root(), input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call_as::<O>(&root(), input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.platform.env.now()
    }

    /// Moves the clock by a minute and a bit, and lets everything be done that is due.
    pub(super) async fn minute(&self) {
        self.platform.env.clock.advance(Duration::from_secs(60));
        self.settle().await;
    }

    pub(super) async fn settle(&self) {
        for reconciler in &self.reconcilers {
            reconciler.reconcile().await.unwrap();
        }
    }

    /// The same of this service alone.
    pub(super) async fn scale(&self) {
        self.reconcilers.last().unwrap().reconcile().await.unwrap();
    }

    pub(super) async fn table(&self, read: i64, write: i64) {
        let input = d::CreateTableInput {
            table_name: "tab".into(),
            attribute_definitions: Some(vec![d::AttributeDefinition {
                attribute_name: "p".into(),
                attribute_type: "S".into(),
            }]),
            key_schema: Some(vec![d::KeySchemaElement {
                attribute_name: "p".into(),
                key_type: "HASH".into(),
            }]),
            provisioned_throughput: Some(d::ProvisionedThroughput {
                read_capacity_units: read,
                write_capacity_units: write,
            }),
            ..Default::default()
        };
        self.ok::<ddb::CreateTable>(input).await;
    }

    /// Units for reading and writing.
    pub(super) async fn units(&self) -> (i64, i64) {
        let input = d::DescribeTableInput { table_name: "tab".into() };
        let table = self.ok::<ddb::DescribeTable>(input).await.table.unwrap();
        let units = table.provisioned_throughput.unwrap();
        (units.read_capacity_units.unwrap(), units.write_capacity_units.unwrap())
    }

    /// Writes an item that costs so many units.
    pub(super) async fn write(&self, units: usize) {
        let item = [
            ("p".to_owned(), d::AttributeValue::S("k".into())),
            ("v".to_owned(), d::AttributeValue::S("x".repeat(units * 1024 - 10))),
        ];
        let input = d::PutItemInput {
            table_name: "tab".into(),
            item: item.into_iter().collect(),
            ..Default::default()
        };
        self.ok::<ddb::PutItem>(input).await;
    }

    pub(super) async fn register(&self, min: i32, max: i32) -> String {
        let made = self.ok::<op::RegisterScalableTarget>(register(min, max)).await;
        made.scalable_target_arn.unwrap()
    }

    pub(super) async fn activities(&self) -> Vec<s::ScalingActivity> {
        let input = s::DescribeScalingActivitiesRequest {
            service_namespace: "dynamodb".into(),
            ..Default::default()
        };
        self.ok::<op::DescribeScalingActivities>(input).await.scaling_activities.unwrap()
    }

    pub(super) async fn user(&self, name: &str, statement: &str) -> Caller {
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.ok::<iam::CreateUser>(create).await;
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#),
        };
        self.ok::<iam::PutUserPolicy>(put).await;
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.ok::<iam::CreateAccessKey>(key).await.access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }
}

pub(super) fn register(min: i32, max: i32) -> s::RegisterScalableTargetRequest {
    s::RegisterScalableTargetRequest {
        service_namespace: "dynamodb".into(),
        resource_id: TABLE.into(),
        scalable_dimension: WRITES.into(),
        min_capacity: Some(min),
        max_capacity: Some(max),
        ..Default::default()
    }
}

pub(super) fn policy(target: f64) -> s::PutScalingPolicyRequest {
    s::PutScalingPolicyRequest {
        policy_name: "follow".into(),
        service_namespace: "dynamodb".into(),
        resource_id: TABLE.into(),
        scalable_dimension: WRITES.into(),
        policy_type: Some("TargetTrackingScaling".into()),
        target_tracking_scaling_policy_configuration: Some(s::TargetTrackingScalingPolicyConfiguration {
            target_value: target,
            predefined_metric_specification: Some(s::PredefinedMetricSpecification {
                predefined_metric_type: "DynamoDBWriteCapacityUtilization".into(),
                resource_label: None,
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}
