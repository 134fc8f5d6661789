//! S3 among other services, joined by a bus, as it is in a cloud: for what S3 asks of others.

use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_front::{Cloud as Front, ConnInfo, Options};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, ByteStream, Caller, Env, Operation, Platform, Region, Result, Seal, Service};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use haneul_store::Store;
use http::Request;

use crate::S3;

pub(super) struct Cloud {
    pub(super) env: Env,
    pub(super) platform: Platform,
    pub(super) s3: Arc<S3>,
    front: Arc<Front>,
}

pub(super) const OURS: u64 = 111_111_111_111;
#[allow(dead_code)] // For tests of two accounts.
pub(super) const THEIRS: u64 = 222_222_222_222;

pub(super) fn root(account: u64) -> Caller {
    Caller::root(AccountId::new(account).unwrap())
}

#[allow(dead_code)] // Each file uses some of it.
impl Cloud {
    pub(super) async fn new() -> Cloud {
        let env = Env::simulated(5);
        Cloud::on(&env, Store::memory()).await
    }

    pub(super) async fn on(env: &Env, store: Store) -> Cloud {
        Cloud::with_blobs(env, store, Blobs::memory(env)).await
    }

    pub(super) async fn with_blobs(env: &Env, store: Store, blobs: Blobs) -> Cloud {
        Cloud::made(env, store, blobs, false, |_| Vec::new()).await
    }

    /// With more services beside those that there are.
    pub(super) async fn beside(more: impl FnOnce(&Platform) -> Vec<Service>) -> Cloud {
        let env = Env::simulated(5);
        Cloud::made(&env, Store::memory(), Blobs::memory(&env), false, more).await
    }

    /// One that believes whoever an access key id names, for requests over HTTP.
    pub(super) async fn relaxed() -> Cloud {
        let env = Env::simulated(5);
        Cloud::made(&env, Store::memory(), Blobs::memory(&env), true, |_| Vec::new()).await
    }

    async fn made(
        env: &Env,
        store: Store,
        blobs: Blobs,
        relaxed: bool,
        more: impl FnOnce(&Platform) -> Vec<Service>,
    ) -> Cloud {
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed };
        let platform = Platform::new(env.clone(), store, blobs, None, seal, config);
        let iam = haneul_iam::service(&platform).await.unwrap();
        let s3 = Arc::new(S3::new(&platform));
        let mut services = vec![
            iam,
            haneul_sts::service(&platform).await.unwrap(),
            haneul_sqs::service(&platform).await.unwrap(),
            haneul_kms::service(&platform).await.unwrap(),
        ];
        services.extend(crate::service::services_of(s3.clone()));
        services.extend(more(&platform));
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_sts_wire::SERVICE,
            &haneul_sqs_wire::SERVICE,
            &haneul_kms_wire::SERVICE,
            &haneul_s3_wire::SERVICE,
            &haneul_s3control_wire::SERVICE,
            &haneul_s3tables_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        Cloud { env: env.clone(), platform, s3, front }
    }

    /// Sends a request of our root user by HTTP; the status and the body of the answer.
    pub(super) async fn send(&self, request: Request<&str>) -> (u16, String) {
        self.send_to("s3", request).await
    }

    /// The same, signed for another service.
    pub(super) async fn send_to(&self, service: &str, mut request: Request<&str>) -> (u16, String) {
        let date = "20260101T000000Z";
        let credential = format!("{OURS}/20260101/us-east-1/{service}/aws4_request");
        let signature = "0".repeat(64);
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={signature}"
        );
        for (name, value) in [("authorization", authorization.as_str()), ("x-amz-date", date)] {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        request.headers_mut().entry("host").or_insert("localhost:4566".parse().unwrap());
        let request = request.map(|body| ByteStream::from_bytes(body.to_owned()));
        let (head, body) = self.front.handle(request, ConnInfo::default()).await.into_parts();
        (head.status.as_u16(), String::from_utf8(body.collect(usize::MAX).await.unwrap()).unwrap())
    }

    pub(super) async fn call<O: Operation>(&self, caller: &Caller, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(caller.clone(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root(OURS), input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(&root(OURS), input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    /// Runs every task until none has anything to do at this moment.
    pub(super) async fn run(&self) {
        for _ in 0..2 {
            for task in crate::tasks::reconcilers(&self.s3) {
                task.reconcile().await.unwrap();
            }
        }
    }

    pub(super) async fn bucket(&self, name: &str) {
        self.ok::<op::CreateBucket>(s::CreateBucketRequest { bucket: name.into(), ..Default::default() })
            .await;
    }

    pub(super) async fn version(&self, name: &str) {
        let versioning_configuration =
            s::VersioningConfiguration { status: Some("Enabled".into()), mfa_delete: None };
        let input = s::PutBucketVersioningRequest {
            bucket: name.into(),
            versioning_configuration,
            ..Default::default()
        };
        self.ok::<op::PutBucketVersioning>(input).await;
    }

    pub(super) async fn put(&self, bucket: &str, key: &str, body: &str) -> s::PutObjectOutput {
        self.ok::<op::PutObject>(put(bucket, key, body)).await
    }

    pub(super) async fn get(&self, bucket: &str, key: &str) -> Result<String> {
        let input = s::GetObjectRequest { bucket: bucket.into(), key: key.into(), ..Default::default() };
        let output = self.call::<op::GetObject>(&root(OURS), input).await?;
        Ok(String::from_utf8(output.body.collect(usize::MAX).await.unwrap()).unwrap())
    }

    /// A queue whose policy lets S3 in for the named bucket; its ARN.
    pub(super) async fn queue(&self, name: &str, for_bucket: &str) -> String {
        let arn = format!("arn:aws:sqs:us-east-1:{OURS}:{name}");
        let statement = format!(
            r#""Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{arn}",
               "Condition":{{"ArnLike":{{"aws:SourceArn":"arn:aws:s3:::{for_bucket}"}},"StringEquals":{{"aws:SourceAccount":"{OURS}"}}}}"#
        );
        let attributes = [("Policy".to_owned(), policy(&statement))].into_iter().collect();
        let input = q::CreateQueueRequest {
            queue_name: name.into(),
            attributes: Some(attributes),
            ..Default::default()
        };
        self.ok::<sqs::CreateQueue>(input).await;
        arn
    }

    /// Takes all messages out of a queue.
    pub(super) async fn messages(&self, name: &str) -> Vec<serde_json::Value> {
        let queue_url = format!("http://localhost:4566/{OURS}/{name}");
        let mut bodies = Vec::new();
        loop {
            let input = q::ReceiveMessageRequest {
                queue_url: queue_url.clone(),
                max_number_of_messages: Some(10),
                ..Default::default()
            };
            let got = self.ok::<sqs::ReceiveMessage>(input).await.messages.unwrap_or_default();
            if got.is_empty() {
                return bodies;
            }
            bodies
                .extend(got.into_iter().map(|message| serde_json::from_str(&message.body.unwrap()).unwrap()));
        }
    }

    /// A role that trusts S3 and has one inline policy statement; its ARN.
    pub(super) async fn role(&self, name: &str, statement: &str) -> String {
        let trust = r#""Effect":"Allow","Principal":{"Service":["s3.amazonaws.com","batchoperations.s3.amazonaws.com","metadata.s3.amazonaws.com"]},"Action":"sts:AssumeRole""#;
        let create = i::CreateRoleRequest {
            role_name: name.into(),
            assume_role_policy_document: policy(trust),
            ..Default::default()
        };
        let arn = self.ok::<iam::CreateRole>(create).await.role.arn;
        let put = i::PutRolePolicyRequest {
            role_name: name.into(),
            policy_name: "own".into(),
            policy_document: policy(statement),
        };
        self.ok::<iam::PutRolePolicy>(put).await;
        arn
    }
}

pub(super) fn put(bucket: &str, key: &str, body: &str) -> s::PutObjectRequest {
    s::PutObjectRequest {
        bucket: bucket.into(),
        key: key.into(),
        body: ByteStream::from_bytes(body.to_owned()),
        ..Default::default()
    }
}

/// A policy of one statement.
pub(super) fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}
