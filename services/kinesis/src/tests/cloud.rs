use std::sync::Arc;
use std::time::Duration;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;
use haneul_kit::cx::Parts;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Cx, Operation, Platform, Region, Result, Seal};
use haneul_store::Store;

use crate::names::StreamKey;
use crate::plane::Stream;

/// A cloud with IAM, KMS and this service, its clock standing still.
pub(super) struct Cloud {
    pub(super) platform: Platform,
    pub(super) kinesis: Arc<crate::Kinesis>,
    _front: Arc<Front>,
}

pub(super) const OURS: u64 = 111_111_111_111;
pub(super) const THEIRS: u64 = 222_222_222_222;

pub(super) fn root(account: u64) -> Caller {
    Caller::root(AccountId::new(account).unwrap())
}

pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:{OURS}:stream/{name}")
}

impl Cloud {
    pub(super) async fn new() -> Cloud {
        Cloud::over(Env::simulated(5), Store::memory()).await
    }

    /// With a store that may have something in it.
    pub(super) async fn over(env: Env, store: Store) -> Cloud {
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), store, Blobs::memory(&env), None, seal, config);
        let kinesis = crate::Kinesis::open(&platform).await.unwrap();
        let services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            haneul_kms::service(&platform).await.unwrap(),
            crate::service::serving(kinesis.clone()),
        ];
        let models = [&haneul_iam_wire::SERVICE, &haneul_kms_wire::SERVICE, &haneul_kinesis_wire::SERVICE];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        front.start_reconcilers();
        Cloud { platform, kinesis, _front: front }
    }

    pub(super) async fn call_as<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        self.call_as::<O>(&root(OURS), input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    /// A stream as it is in memory.
    pub(super) fn held(&self, name: &str) -> Arc<Stream> {
        let (account, region) = (AccountId::new(OURS).unwrap(), Region::US_EAST_1);
        self.kinesis.registry.get(&StreamKey { account, region, name: name.to_owned() }).unwrap()
    }

    /// A call of ours, for what lies below the operations.
    pub(super) fn cx(&self) -> Cx {
        Cx::new(Parts::within("r", root(OURS), Region::US_EAST_1, self.platform.env.now()))
    }

    pub(super) fn pass(&self, millis: u64) {
        self.platform.env.clock.advance(Duration::from_millis(millis));
    }

    /// Lets every task that can run do so.
    pub(super) async fn settle(&self) {
        for _ in 0..64 {
            tokio::task::yield_now().await;
        }
    }

    /// A stream that is there.
    pub(super) async fn stream(&self, name: &str, shards: i32) {
        let stream_name = name.to_owned();
        let input = s::CreateStreamInput { stream_name, shard_count: Some(shards), ..Default::default() };
        self.ok::<op::CreateStream>(input).await;
        self.pass(1000);
    }

    pub(super) async fn on_demand(&self, name: &str) {
        self.ok::<op::CreateStream>(s::CreateStreamInput {
            stream_name: name.to_owned(),
            stream_mode_details: Some(s::StreamModeDetails { stream_mode: "ON_DEMAND".into() }),
            ..Default::default()
        })
        .await;
        self.pass(1000);
    }

    /// Shard and sequence number.
    pub(super) async fn put(&self, name: &str, key: &str, data: &str) -> (String, String) {
        let put = self.ok::<op::PutRecord>(record(name, key, data)).await;
        (put.shard_id, put.sequence_number)
    }

    pub(super) async fn shards(&self, name: &str) -> Vec<s::Shard> {
        let input = s::ListShardsInput { stream_name: Some(name.to_owned()), ..Default::default() };
        self.ok::<op::ListShards>(input).await.shards.unwrap()
    }

    pub(super) async fn summary(&self, name: &str) -> s::StreamDescriptionSummary {
        let input = s::DescribeStreamSummaryInput { stream_name: Some(name.into()), ..Default::default() };
        self.ok::<op::DescribeStreamSummary>(input).await.stream_description_summary
    }

    pub(super) async fn iterator(&self, name: &str, shard: &str, kind: &str) -> String {
        self.iterator_from(name, shard, kind, None).await
    }

    pub(super) async fn iterator_from(
        &self,
        name: &str,
        shard: &str,
        kind: &str,
        from: Option<&str>,
    ) -> String {
        let input = s::GetShardIteratorInput {
            stream_name: Some(name.to_owned()),
            shard_id: shard.to_owned(),
            shard_iterator_type: kind.to_owned(),
            starting_sequence_number: from.map(str::to_owned),
            ..Default::default()
        };
        self.ok::<op::GetShardIterator>(input).await.shard_iterator.unwrap()
    }

    pub(super) async fn get(&self, iterator: &str, limit: Option<i32>) -> s::GetRecordsOutput {
        let input = s::GetRecordsInput { shard_iterator: iterator.to_owned(), limit, ..Default::default() };
        self.ok::<op::GetRecords>(input).await
    }

    /// What a shard holds, as text.
    pub(super) async fn all(&self, name: &str, shard: &str) -> Vec<String> {
        let mut iterator = Some(self.iterator(name, shard, "TRIM_HORIZON").await);
        let mut all = Vec::new();
        while let Some(at) = iterator {
            // Five reads a second, and two megabytes.
            self.pass(6000);
            let page = self.get(&at, None).await;
            let empty = page.records.is_empty();
            all.extend(page.records.iter().map(text));
            iterator = page.next_shard_iterator.filter(|_| !empty);
        }
        all
    }

    /// A user with an inline policy.
    pub(super) async fn user(&self, account: u64, name: &str, statement: &str) -> Caller {
        let root = root(account);
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.call_as::<iam::CreateUser>(&root, create).await.unwrap();
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: policy(statement),
        };
        self.call_as::<iam::PutUserPolicy>(&root, put).await.unwrap();
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let made = self.call_as::<iam::CreateAccessKey>(&root, key).await.unwrap();
        let id = made.access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }
}

pub(super) fn record(name: &str, key: &str, data: &str) -> s::PutRecordInput {
    s::PutRecordInput {
        stream_name: Some(name.to_owned()),
        partition_key: Some(key.to_owned()),
        data: data.as_bytes().to_vec().into(),
        ..Default::default()
    }
}

pub(super) fn entry(key: &str, data: impl Into<Vec<u8>>) -> s::PutRecordsRequestEntry {
    s::PutRecordsRequestEntry {
        data: data.into().into(),
        partition_key: Some(key.to_owned()),
        explicit_hash_key: None,
    }
}

pub(super) fn text(record: &s::Record) -> String {
    String::from_utf8(record.data.to_vec()).unwrap()
}

/// A policy of one statement.
pub(super) fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}
