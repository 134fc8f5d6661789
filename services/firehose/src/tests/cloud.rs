use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_firehose_wire::{operations as op, shapes as s};
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kinesis_wire::{operations as kinesis, shapes as k};
use haneul_kit::platform::Config;
use haneul_kit::{
    Access, AccountId, Arn, BoxFuture, Caller, Cx, Handle, Operation, Platform, Region, Result, Seal, Service,
};
use haneul_lambda_wire::{operations as lambda_op, shapes as l};
use haneul_s3_wire::{operations as s3, shapes as b};
use haneul_store::Store;
use parking_lot::Mutex;
use serde_json::{Value, json};

pub(super) const OURS: u64 = 111_111_111_111;
pub(super) const ROLE: &str = "arn:aws:iam::111111111111:role/deliverer";
pub(super) const FUNCTION: &str = "arn:aws:lambda:us-east-1:111111111111:function:change";
pub(super) const EVENTS: &str = "arn:aws:kinesis:us-east-1:111111111111:stream/events";
pub(super) const BUCKET: &str = "arn:aws:s3:::lake";

pub(super) struct Cloud {
    pub(super) platform: Platform,
    pub(super) functions: Arc<Functions>,
    front: Arc<Front>,
}

/// A function that writes records in capitals, drops those that say so, and fails with others.
#[derive(Default)]
pub(super) struct Functions {
    pub(super) calls: Mutex<u32>,
    /// The event of the last call.
    pub(super) event: Mutex<Value>,
    /// How many of the next calls fail.
    pub(super) failing: Mutex<u32>,
}

impl Handle<lambda_op::Invoke> for Functions {
    async fn access(&self, _: &Cx, input: &l::InvocationRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::on("lambda:InvokeFunction", &Arn::parse(&input.function_name).unwrap())])
    }

    async fn call(&self, _: &Cx, input: l::InvocationRequest) -> Result<l::InvocationResponse> {
        *self.calls.lock() += 1;
        let failing = &mut *self.failing.lock();
        if *failing > 0 {
            *failing -= 1;
            let payload = Some(bytes::Bytes::from_static(br#"{"errorMessage":"no"}"#));
            return Ok(l::InvocationResponse {
                function_error: Some("Unhandled".into()),
                payload,
                ..Default::default()
            });
        }
        let event: Value = serde_json::from_slice(&input.payload.unwrap()).unwrap();
        assert_eq!(event["deliveryStreamArn"], "arn:aws:firehose:us-east-1:111111111111:deliverystream/flow");
        *self.event.lock() = event.clone();
        let one = |record: &Value| {
            let text = String::from_utf8(STANDARD.decode(record["data"].as_str().unwrap()).unwrap()).unwrap();
            let result = match text.trim() {
                "drop" => "Dropped",
                "fail" => "ProcessingFailed",
                _ => "Ok",
            };
            json!({"recordId": record["recordId"], "result": result, "data": STANDARD.encode(text.to_uppercase())})
        };
        let records: Vec<Value> = event["records"].as_array().unwrap().iter().map(one).collect();
        let payload = Some(json!({ "records": records }).to_string().into());
        Ok(l::InvocationResponse { status_code: Some(200), payload, ..Default::default() })
    }
}

pub(super) fn root() -> Caller {
    Caller::root(AccountId::new(OURS).unwrap())
}

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let cloud = Cloud::on(Store::memory(), None, 3).await;
        cloud.furnish().await;
        cloud
    }

    /// On a store that outlives it; `blobs` too.
    pub(super) async fn on(store: Store, blobs: Option<Blobs>, seed: u64) -> Cloud {
        let env = Env::simulated(seed);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let blobs = blobs.unwrap_or_else(|| Blobs::memory(&env));
        let platform = Platform::new(env.clone(), store, blobs, None, seal, config);
        let functions = Arc::new(Functions::default());
        let mut services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_sts::service(&platform).await.unwrap(),
            haneul_logs::service(&platform).await.unwrap(),
            haneul_kinesis::service(&platform).await.unwrap(),
            haneul_kms::service(&platform).await.unwrap(),
            Service::of(&haneul_lambda_wire::SERVICE, functions.clone()).op::<lambda_op::Invoke>().build(),
            crate::service(&platform).await.unwrap(),
        ];
        services.extend(haneul_s3::services(&platform).await.unwrap());
        let front = Front::new(platform.clone(), &[], services, Options::default());
        front.start_reconcilers();
        Cloud { platform, functions, front }
    }

    pub(super) async fn furnish(&self) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "firehose.amazonaws.com"},
            "Condition": {"StringEquals": {"sts:ExternalId": OURS.to_string()}}}]});
        let input = i::CreateRoleRequest {
            role_name: "deliverer".into(),
            assume_role_policy_document: trust.to_string(),
            ..Default::default()
        };
        self.ok::<iam::CreateRole>(input).await;
        self.allow(&["s3:PutObject", "lambda:InvokeFunction", "logs:PutLogEvents"]).await;
        let input = b::CreateBucketRequest { bucket: "lake".into(), ..Default::default() };
        self.ok::<s3::CreateBucket>(input).await;
    }

    /// What the role may do.
    pub(super) async fn allow(&self, actions: &[&str]) {
        let policy = json!({"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
        let input = i::PutRolePolicyRequest {
            role_name: "deliverer".into(),
            policy_name: "own".into(),
            policy_document: policy.to_string(),
        };
        self.ok::<iam::PutRolePolicy>(input).await;
    }

    /// Boxed, as inputs are large.
    pub(super) fn call_as<'c, O: Operation>(
        &'c self,
        caller: &Caller,
        input: O::Input,
    ) -> BoxFuture<'c, Result<O::Output>> {
        Box::pin(self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input))
    }

    pub(super) fn ok<O: Operation>(&self, input: O::Input) -> BoxFuture<'_, O::Output> {
        let done = self.call_as::<O>(&root(), input);
        Box::pin(async move { done.await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME)) })
    }

    /// A data stream.
    pub(super) async fn data_stream(&self, shards: i32) {
        let input = k::CreateStreamInput {
            stream_name: "events".into(),
            shard_count: Some(shards),
            ..Default::default()
        };
        self.ok::<kinesis::CreateStream>(input).await;
        self.advance(1).await;
    }

    /// Puts a record into the data stream.
    pub(super) async fn emit(&self, key: &str, data: impl Into<Vec<u8>>) {
        let input = k::PutRecordInput {
            stream_name: Some("events".into()),
            partition_key: Some(key.into()),
            data: data.into().into(),
            ..Default::default()
        };
        self.ok::<kinesis::PutRecord>(input).await;
    }

    /// The error as `Code: message`.
    pub(super) fn err<O: Operation>(&self, input: O::Input) -> BoxFuture<'_, String> {
        let done = self.call_as::<O>(&root(), input);
        Box::pin(async move {
            match done.await {
                Ok(_) => panic!("{} went through", O::NAME),
                Err(error) => error.to_string(),
            }
        })
    }

    pub(super) async fn settle(&self) {
        for _ in 0..600 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits for so many objects: large ones are written on other threads.
    pub(super) async fn arrive(&self, count: usize) -> Vec<(String, Vec<u8>)> {
        for _ in 0..10_000 {
            self.settle().await;
            let objects = self.objects().await;
            if objects.len() >= count {
                assert_eq!(objects.len(), count);
                return objects;
            }
        }
        panic!("{count} objects did not arrive");
    }

    pub(super) async fn advance(&self, seconds: u64) {
        self.platform.env.clock.advance(Duration::from_secs(seconds));
        self.settle().await;
    }

    /// Ends it as a crash does.
    pub(super) async fn end(self) {
        let env = &self.platform.env;
        let stopping = env.tasks.stop(&env.clock, Duration::from_secs(1));
        tokio::pin!(stopping);
        for _ in 0..600 {
            tokio::select! {
                biased;
                _ = &mut stopping => break,
                () = tokio::task::yield_now() => {}
            }
        }
        self.settle().await;
        drop(self.front);
    }

    pub(super) async fn create(&self, configuration: s::ExtendedS3DestinationConfiguration) {
        self.ok::<op::CreateDeliveryStream>(flow(configuration)).await;
    }

    pub(super) async fn put(&self, records: &[&str]) -> Vec<String> {
        let record = |text: &&str| s::Record { data: bytes::Bytes::copy_from_slice(text.as_bytes()) };
        let input = s::PutRecordBatchInput {
            delivery_stream_name: "flow".into(),
            records: records.iter().map(record).collect(),
        };
        let put = self.ok::<op::PutRecordBatch>(input).await;
        assert_eq!(put.failed_put_count, 0);
        put.request_responses.into_iter().map(|entry| entry.record_id.unwrap()).collect()
    }

    /// The objects of the bucket, by name, with what they hold.
    pub(super) async fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let input = b::ListObjectsV2Request { bucket: "lake".into(), ..Default::default() };
        let listed = self.ok::<s3::ListObjectsV2>(input).await.contents.unwrap_or_default();
        let mut all = Vec::new();
        for object in listed {
            let key = object.key.unwrap();
            let input = b::GetObjectRequest { bucket: "lake".into(), key: key.clone(), ..Default::default() };
            let body = self.ok::<s3::GetObject>(input).await.body.collect(64 << 20).await.unwrap();
            all.push((key, body.to_vec()));
        }
        all
    }

    /// What the objects whose names begin so hold, as text.
    pub(super) async fn text(&self, prefix: &str) -> String {
        let all = self.objects().await;
        let texts = all.iter().filter(|(key, _)| key.starts_with(prefix));
        texts.map(|(_, body)| String::from_utf8_lossy(body).into_owned()).collect()
    }
}

pub(super) fn flow(configuration: s::ExtendedS3DestinationConfiguration) -> s::CreateDeliveryStreamInput {
    s::CreateDeliveryStreamInput {
        delivery_stream_name: "flow".into(),
        extended_s3_destination_configuration: Some(configuration),
        ..Default::default()
    }
}

/// One that reads the data stream.
pub(super) fn reading(configuration: s::ExtendedS3DestinationConfiguration) -> s::CreateDeliveryStreamInput {
    s::CreateDeliveryStreamInput {
        delivery_stream_type: Some("KinesisStreamAsSource".into()),
        kinesis_stream_source_configuration: Some(s::KinesisStreamSourceConfiguration {
            kinesis_stream_arn: EVENTS.into(),
            role_arn: ROLE.into(),
        }),
        ..flow(configuration)
    }
}

pub(super) fn configuration() -> s::ExtendedS3DestinationConfiguration {
    s::ExtendedS3DestinationConfiguration {
        role_arn: ROLE.into(),
        bucket_arn: BUCKET.into(),
        buffering_hints: Some(s::BufferingHints { size_in_m_bs: Some(1), interval_in_seconds: Some(60) }),
        ..Default::default()
    }
}
