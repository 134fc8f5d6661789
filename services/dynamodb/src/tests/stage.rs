//! A cloud with IAM, STS, KMS, DynamoDB and something that takes records like Kinesis, and refuses them when it is told to.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use haneul_blob::Blobs;
use haneul_dynamodb_wire::operations as op;
use haneul_dynamodb_wire::shapes as s;
use haneul_front::{Cloud as Front, Options};
use haneul_kinesis_wire::operations as kinesis;
use haneul_kinesis_wire::shapes as k;
use haneul_kit::platform::Config;
use haneul_kit::{
    Access, AccountId, ApiError, Arn, BoxFuture, Caller, Cx, Env, Handle, Operation, Platform, Reconciler,
    Region, Result, Seal, Service, reconcile,
};
use haneul_shape::value::Map;
use haneul_store::Store;
use parking_lot::Mutex;
use serde_json::Value as Json;

const ACCOUNT: u64 = 111_111_111_111;

pub(super) const STREAM: &str = "arn:aws:kinesis:us-east-1:111111111111:stream/changes";

pub(super) fn root() -> Caller {
    Caller::root(AccountId::new(ACCOUNT).unwrap())
}

/// Streams: what arrived, in order, and what is to be refused.
#[derive(Default)]
pub(super) struct Streams {
    pub(super) arrived: Mutex<Vec<(String, Json)>>,
    /// Of so many records, the last one is refused.
    pub(super) refuse_each: Mutex<usize>,
    pub(super) seen: Mutex<usize>,
    /// What every call fails with.
    pub(super) broken: Mutex<Option<&'static str>>,
    pub(super) creating: Mutex<bool>,
    /// How many records each call had.
    pub(super) calls: Mutex<Vec<usize>>,
    /// What happens while the next call is under way.
    pub(super) meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    /// Where what arrived is written, too.
    pub(super) file: Option<PathBuf>,
}

fn on(action: &'static str, arn: Option<&String>) -> Result<Vec<Access>> {
    let arn = arn.and_then(|arn| Arn::parse(arn).ok());
    Ok(vec![Access::on(action, &arn.ok_or_else(|| ApiError::internal("no ARN"))?)])
}

impl Handle<kinesis::DescribeStream> for Streams {
    async fn access(&self, _: &Cx, input: &k::DescribeStreamInput) -> Result<Vec<Access>> {
        on("kinesis:DescribeStream", input.stream_arn.as_ref())
    }

    async fn call(&self, _: &Cx, input: k::DescribeStreamInput) -> Result<k::DescribeStreamOutput> {
        if input.stream_arn.as_deref() != Some(STREAM) {
            return Err(ApiError::new("ResourceNotFoundException", "there is no such stream"));
        }
        let status = if *self.creating.lock() { "CREATING" } else { "ACTIVE" };
        Ok(k::DescribeStreamOutput {
            stream_description: k::StreamDescription { stream_status: status.into(), ..Default::default() },
        })
    }
}

impl Handle<kinesis::PutRecords> for Streams {
    async fn access(&self, _: &Cx, input: &k::PutRecordsInput) -> Result<Vec<Access>> {
        on("kinesis:PutRecords", input.stream_arn.as_ref())
    }

    async fn call(&self, cx: &Cx, input: k::PutRecordsInput) -> Result<k::PutRecordsOutput> {
        let who = format!("{:?}", cx.caller());
        assert!(who.contains("AWSServiceRoleForDynamoDBKinesisDataStreamsReplication"), "{who}");
        self.calls.lock().push(input.records.len());
        let meanwhile = self.meanwhile.lock().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        if let Some(code) = *self.broken.lock() {
            return Err(ApiError::new(code, "broken on purpose"));
        }
        let mut records = Vec::new();
        for record in &input.records {
            let mut seen = self.seen.lock();
            *seen += 1;
            let each = *self.refuse_each.lock();
            if each > 0 && seen.is_multiple_of(each) {
                records.push(k::PutRecordsResultEntry {
                    error_code: Some("ProvisionedThroughputExceededException".into()),
                    ..Default::default()
                });
                continue;
            }
            let document: Json = serde_json::from_slice(&record.data).unwrap();
            if let Some(file) = &self.file {
                let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
                file.write_all(format!("{document}\n").as_bytes()).unwrap();
            }
            self.arrived.lock().push((record.partition_key.clone().unwrap_or_default(), document));
            records.push(k::PutRecordsResultEntry {
                sequence_number: Some(seen.to_string()),
                ..Default::default()
            });
        }
        let failed = records.iter().filter(|record| record.error_code.is_some()).count();
        Ok(k::PutRecordsOutput {
            failed_record_count: i32::try_from(failed).ok(),
            records,
            ..Default::default()
        })
    }
}

pub(super) struct Stage {
    pub(super) platform: Platform,
    pub(super) streams: Arc<Streams>,
    reconcilers: Vec<Arc<dyn Reconciler>>,
    _front: Arc<Front>,
}

impl Stage {
    pub(super) async fn new() -> Stage {
        Stage::on(Env::simulated(5), Store::memory(), Streams::default()).await
    }

    pub(super) async fn on(env: Env, store: Store, streams: Streams) -> Stage {
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), store, Blobs::memory(&env), None, seal, config);
        platform.metrics.open();
        let streams = Arc::new(streams);
        let mut services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_sts::service(&platform).await.unwrap(),
            haneul_kms::service(&platform).await.unwrap(),
            Service::of(&haneul_kinesis_wire::SERVICE, streams.clone())
                .op::<kinesis::DescribeStream>()
                .op::<kinesis::PutRecords>()
                .build(),
        ];
        let ours = crate::services(&platform).await.unwrap();
        let reconcilers = ours.iter().flat_map(|service| service.reconcilers()).cloned().collect();
        services.extend(ours);
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_sts_wire::SERVICE,
            &haneul_kms_wire::SERVICE,
            &haneul_kinesis_wire::SERVICE,
            &haneul_dynamodb_wire::SERVICE,
            &haneul_dynamodbstreams_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Stage { platform, streams, reconcilers, _front: front }
    }

    pub(super) async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(), input).await.unwrap()
    }

    /// `Code: message`
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(&root(), input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    pub(super) async fn settle(&self) {
        for reconciler in &self.reconcilers {
            reconciler.reconcile().await.unwrap();
        }
    }

    /// When whoever is to be asked later may be.
    pub(super) async fn later(&self) {
        self.platform.env.clock.advance(Duration::from_secs(10));
        self.settle().await;
    }

    /// From now on reconcilers run when they are woken, as in a cloud; nothing does that but what is to be tested, because the
    /// clock stands.
    pub(super) async fn start(&self) {
        for reconciler in &self.reconcilers {
            reconcile::start(&self.platform.env, reconciler.clone());
        }
        self.rest().await;
    }

    /// Lets everybody else run until nothing happens any more.
    pub(super) async fn rest(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn table(&self, name: &str) {
        let key = |name: &str, role: &str| s::KeySchemaElement {
            attribute_name: name.into(),
            key_type: role.into(),
        };
        let attribute = |name: &str, kind: &str| s::AttributeDefinition {
            attribute_name: name.into(),
            attribute_type: kind.into(),
        };
        let input = s::CreateTableInput {
            table_name: name.into(),
            key_schema: Some(vec![key("p", "HASH"), key("s", "RANGE")]),
            attribute_definitions: Some(vec![attribute("p", "S"), attribute("s", "N")]),
            billing_mode: Some("PAY_PER_REQUEST".into()),
            ..Default::default()
        };
        self.ok::<op::CreateTable>(input).await;
    }

    pub(super) async fn put(&self, p: &str, sort: i64, v: i64) {
        let number = |value: i64| s::AttributeValue::N(value.to_string());
        let item = Map(vec![
            ("p".into(), s::AttributeValue::S(p.into())),
            ("s".into(), number(sort)),
            ("v".into(), number(v)),
        ]);
        let input = s::PutItemInput { table_name: "tab".into(), item, ..Default::default() };
        self.ok::<op::PutItem>(input).await;
    }

    pub(super) async fn delete(&self, p: &str, sort: i64) {
        let key = Map(vec![
            ("p".into(), s::AttributeValue::S(p.into())),
            ("s".into(), s::AttributeValue::N(sort.to_string())),
        ]);
        let input = s::DeleteItemInput { table_name: "tab".into(), key, ..Default::default() };
        self.ok::<op::DeleteItem>(input).await;
    }

    pub(super) fn to(&self, stream: &str, precision: Option<&str>) -> s::KinesisStreamingDestinationInput {
        s::KinesisStreamingDestinationInput {
            table_name: "tab".into(),
            stream_arn: stream.into(),
            enable_kinesis_streaming_configuration: precision.map(|precision| {
                s::EnableKinesisStreamingConfiguration {
                    approximate_creation_date_time_precision: Some(precision.into()),
                }
            }),
        }
    }

    pub(super) async fn enable(&self) {
        self.ok::<op::EnableKinesisStreamingDestination>(self.to(STREAM, None)).await;
    }

    pub(super) async fn disable(&self) {
        self.ok::<op::DisableKinesisStreamingDestination>(self.to(STREAM, None)).await;
    }

    /// Of each destination its status, why, and precision.
    pub(super) async fn destinations(&self) -> Vec<(String, Option<String>, Option<String>)> {
        let input = s::DescribeKinesisStreamingDestinationInput { table_name: "tab".into() };
        let described = self.ok::<op::DescribeKinesisStreamingDestination>(input).await;
        let all = described.kinesis_data_stream_destinations.unwrap().into_iter();
        all.map(|one| {
            let precision = one.approximate_creation_date_time_precision;
            (one.destination_status.unwrap(), one.destination_status_description, precision)
        })
        .collect()
    }

    /// What arrived since this was asked last.
    pub(super) fn arrived(&self) -> Vec<(String, Json)> {
        std::mem::take(&mut *self.streams.arrived.lock())
    }

    /// The values of `v` that arrived of each item, in order; `-1` stands for a deletion.
    pub(super) fn by_item(&self) -> BTreeMap<String, Vec<i64>> {
        let mut items: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (_, document) in self.arrived() {
            let data = &document["dynamodb"];
            let item = format!(
                "{}{}",
                data["Keys"]["p"]["S"].as_str().unwrap(),
                data["Keys"]["s"]["N"].as_str().unwrap()
            );
            let v = data["NewImage"]["v"]["N"].as_str().map_or(-1, |v| v.parse().unwrap());
            items.entry(item).or_default().push(v);
        }
        items
    }

    /// The sums of metrics in the minutes that are over, since this was asked last.
    pub(super) fn metrics(&self) -> BTreeMap<&'static str, f64> {
        let mut sums = BTreeMap::new();
        for reading in self.platform.metrics.take(self.platform.env.now()) {
            if reading.dimensions.iter().any(|(name, _)| *name == "DelegatedOperation") {
                *sums.entry(reading.name).or_default() += reading.summary.sum;
            }
        }
        sums
    }
}
