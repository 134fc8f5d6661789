use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use haneul_blob::Blobs;
use haneul_cloudtrail_wire::{operations as op, shapes as s};
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Operation, Platform, Region, Result, Seal};
use haneul_s3_wire::{operations as s3, shapes as b};
use haneul_store::Store;
use serde_json::Value;

/// A cloud with the services whose calls the tests look at.
pub(super) struct Cloud {
    pub platform: Platform,
    pub implemented: Vec<&'static str>,
    _front: Arc<Front>,
}

pub(super) const OURS: u64 = 111_111_111_111;

impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(11);
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        Cloud::over(Platform::new(env.clone(), Store::memory(), Blobs::memory(&env), None, seal, config))
            .await
    }

    pub(super) async fn over(platform: Platform) -> Cloud {
        let ours = crate::service(&platform).await.unwrap();
        let implemented = ours.implemented().collect();
        let mut services = vec![haneul_iam::service(&platform).await.unwrap(), ours];
        services.push(haneul_kms::service(&platform).await.unwrap());
        services.push(haneul_logs::service(&platform).await.unwrap());
        services.extend(haneul_s3::services(&platform).await.unwrap());
        services.push(haneul_secretsmanager::service(&platform).await.unwrap());
        services.push(haneul_sqs::service(&platform).await.unwrap());
        services.push(haneul_ssm::service(&platform).await.unwrap());
        services.push(haneul_sts::service(&platform).await.unwrap());
        let front = Front::new(platform.clone(), &[], services, Options::default());
        front.start_reconcilers();
        Cloud { platform, implemented, _front: front }
    }

    /// Another life over the same store: what was in memory is gone, and the clock goes on.
    pub(super) async fn another_life(self) -> Cloud {
        let env = Env::simulated(12);
        env.clock.advance(self.platform.env.now().since(env.now()));
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let store = self.platform.store.clone();
        drop(self);
        Cloud::over(Platform::new(env.clone(), store, Blobs::memory(&env), None, seal, config)).await
    }

    pub(super) fn root() -> Caller {
        Caller::root(AccountId::new(OURS).unwrap())
    }

    pub(super) async fn call_as<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call_as::<O>(&Cloud::root(), input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The code of the error.
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call_as::<O>(&Cloud::root(), input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.code().to_owned(),
        }
    }

    /// Moves the clock and lets the reconcilers do what became due.
    pub(super) async fn advance(&self, secs: u64) {
        self.platform.env.clock.advance(Duration::from_secs(secs));
        for _ in 0..400 {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn user(&self, name: &str, statement: &str) -> Caller {
        let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
        self.ok::<iam::CreateUser>(create).await;
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: policy(statement),
        };
        self.ok::<iam::PutUserPolicy>(put).await;
        let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
        let id = self.ok::<iam::CreateAccessKey>(key).await.access_key.access_key_id;
        self.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
    }

    /// A bucket, whose policy lets CloudTrail in as AWS's page says.
    pub(super) async fn bucket(&self, name: &str, lets_in: bool) {
        let create = b::CreateBucketRequest { bucket: name.into(), ..Default::default() };
        self.ok::<s3::CreateBucket>(create).await;
        if lets_in {
            let document = format!(
                r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::{name}"}},
                {{"Effect":"Allow","Principal":{{"Service":"cloudtrail.amazonaws.com"}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::{name}/AWSLogs/{OURS}/*",
                  "Condition":{{"StringEquals":{{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"arn:aws:cloudtrail:us-east-1:{OURS}:trail/main"}}}}}}]}}"#
            );
            let put =
                b::PutBucketPolicyRequest { bucket: name.into(), policy: document, ..Default::default() };
            self.ok::<s3::PutBucketPolicy>(put).await;
        }
    }

    /// A trail that logs into a bucket of its own.
    pub(super) async fn trail(&self, name: &str) {
        self.bucket("logs", true).await;
        let create = s::CreateTrailRequest {
            name: name.into(),
            s3_bucket_name: "logs".into(),
            enable_log_file_validation: Some(true),
            ..Default::default()
        };
        self.ok::<op::CreateTrail>(create).await;
        self.ok::<op::StartLogging>(s::StartLoggingRequest { name: name.into() }).await;
    }

    pub(super) async fn keys(&self, bucket: &str) -> Vec<String> {
        let list = b::ListObjectsV2Request { bucket: bucket.into(), ..Default::default() };
        let found = self.ok::<s3::ListObjectsV2>(list).await.contents.unwrap_or_default();
        found.into_iter().filter_map(|object| object.key).collect()
    }

    pub(super) async fn object(&self, bucket: &str, key: &str) -> b::GetObjectOutput {
        let get = b::GetObjectRequest { bucket: bucket.into(), key: key.into(), ..Default::default() };
        self.ok::<s3::GetObject>(get).await
    }

    /// The text of a compressed object.
    pub(super) async fn text(&self, bucket: &str, key: &str) -> String {
        let mut body = self.object(bucket, key).await.body;
        let mut bytes = Vec::new();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.unwrap());
        }
        let mut text = String::new();
        GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        text
    }

    /// All events of the log files of a bucket.
    pub(super) async fn delivered(&self, bucket: &str) -> Vec<Value> {
        let mut all = Vec::new();
        for key in self.keys(bucket).await.iter().filter(|key| key.contains("/CloudTrail/")) {
            let file: Value = serde_json::from_str(&self.text(bucket, key).await).unwrap();
            all.extend(file["Records"].as_array().unwrap().clone());
        }
        all
    }

    /// Every event that a lookup finds, newest first, by pages of `page`.
    pub(super) async fn events(&self, attribute: Option<(&str, &str)>, page: i32) -> Vec<Value> {
        let attribute = attribute.map(|(key, value)| {
            vec![s::LookupAttribute { attribute_key: key.into(), attribute_value: value.into() }]
        });
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let input = s::LookupEventsRequest {
                lookup_attributes: attribute.clone(),
                max_results: Some(page),
                next_token: token,
                ..Default::default()
            };
            let answer = self.ok::<op::LookupEvents>(input).await;
            let events = answer.events.unwrap();
            all.extend(events.iter().map(|event| {
                serde_json::from_str::<Value>(event.cloud_trail_event.as_ref().unwrap()).unwrap()
            }));
            token = answer.next_token;
            if token.is_none() {
                return all;
            }
        }
    }
}

/// A policy of one statement.
pub(super) fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}
